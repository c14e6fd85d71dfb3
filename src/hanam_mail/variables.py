"""A file of group_vars as plain values: the regulation, the calendar, the operator's settings."""

from pathlib import Path
from typing import Any

import yaml

from hanam_mail.errors import InputError, Problem


def read(path: Path) -> dict[str, Any]:
    """The variables in the file by name.

    Raises InputError, one sentence with the line where there is one, for a file that cannot be read or is no YAML.
    """
    try:
        values = yaml.load(text(path), Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise InputError([Problem(str(path), line, "", f"không phải YAML hợp lệ: {error.problem}")]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # control characters, 2026-13-45, [[[[...
        sentence = " ".join(str(error).split())
        raise InputError([Problem(str(path), 0, "", f"không phải YAML hợp lệ: {sentence}")]) from error
    if not isinstance(values, dict):
        raise InputError([Problem(str(path), 0, "", "phải là các biến dạng “tên: giá trị”")])
    return values


def text(path: Path) -> str:
    """The file's text. Raises InputError when it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError([Problem(str(path), 0, "", "không phải văn bản UTF-8")]) from error
    except OSError as error:
        raise InputError([Problem(str(path), 0, "", f"không đọc được tệp: {error.strerror}")]) from error
