"""A file of group_vars as plain values: the regulation, the calendar, the operator's settings."""

from collections.abc import Mapping
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


def province_folder(project: Path) -> Path:
    """The folder under group_vars of the province whose project this is: the one with its regulation and registry.yml.

    Without any, group_vars itself, where whoever reads finds nothing. Raises InputError when there is more than one: a
    registry belongs to one province.
    """
    found = {file.parent for name in ("regulation", "registry") for file in project.glob(f"group_vars/*/{name}.yml")}
    if len(found) > 1:
        names = ", ".join(sorted(folder.name for folder in found))
        raise InputError(
            [Problem(str(project / "group_vars"), 0, "", f"mỗi dự án chỉ của một tỉnh, ở đây có: {names}")]
        )
    return found.pop() if found else project / "group_vars"


# What `hanam-mail` reads of the province's folder. It knows of no environment, so no environment may say otherwise.
_SHARED: Mapping[str, tuple[str, ...]] = {
    "regulation.yml": ("regulation_",),
    "registry.yml": ("registry_",),
    "calendar.yml": ("calendar_",),
    "passwords.yml": ("password_min_length", "password_max_age_days"),
    "mailboxes.yml": ("mailboxes_removals_limit_",),
}


def overridden(folder: Path, values: Mapping[str, Any]) -> list[str]:
    """The variables that Ansible has otherwise than the files in `folder` (the province's), as sentences.

    Whoever checks and plans with `hanam-mail` would else be told by other numbers than those that are applied.
    """
    found = []
    for file, prefixes in _SHARED.items():
        said = {name: value for name, value in read(folder / file).items() if name.startswith(prefixes)}
        given = {name: value for name, value in values.items() if name.startswith(prefixes)}
        found += [
            f"group_vars/{folder.name}/{file}: {name}: hanam-mail cũng đọc tệp này nên không được đặt khác ở nơi khác "
            f"(môi trường, máy, -e); trong tệp {said.get(name)!r}, đang dùng {given[name]!r}"
            for name in sorted(given)
            if name not in said or said[name] != given[name]
        ]
    return found
