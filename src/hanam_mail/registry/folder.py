"""The files of a registry: agencies in the folder itself, the register of requests in its folder requests/."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from hanam_mail.errors import Problem

REQUESTS = "requests"
MAX_OCTETS = 32 * 1024 * 1024  # of one file; 20,000 mailboxes in one are 5 MB
_SUFFIX = ".yml"
# What is written through one changes another file, and an earlier revision may have no file where it leads.
NO_LINK = "là liên kết (symlink); sổ đăng ký chỉ nhận tệp và thư mục thật"


def texts(path: Path, problems: list[Problem], known: Mapping[Path, str] | None = None) -> dict[Path, str]:
    """The text of every file of the registry in the folder `path`, by path, agencies first.

    What would be passed over by its name or cannot be read is noted in `problems`; names with a leading dot are
    no part of a registry. `known`: files that belong to it and were not written there, since their texts are at hand.
    """
    at_hand = {path / place: text for place, text in (known or {}).items()}
    found: dict[Path, str] = {}
    for folder, subfolders in ((path, (REQUESTS,)), (path / REQUESTS, ())):
        files = [*_files(folder, subfolders, problems), *(file for file in at_hand if file.parent == folder)]
        if not files:
            problems.append(Problem(str(folder), 0, "", "không có tệp .yml nào"))
        for file in sorted(files):
            text = at_hand[file] if file in at_hand else _text(file, problems)
            if text is not None:
                found[file] = text
    return found


def is_register(file: Path) -> bool:
    """Whether a file holds requests, not an agency."""
    return file.parent.name == REQUESTS


def _files(folder: Path, subfolders: tuple[str, ...], problems: list[Problem]) -> Iterator[Path]:
    for file in sorted(folder.glob("[!.]*")):
        if file.is_symlink():
            problems.append(Problem(str(file), 0, "", NO_LINK))
        elif file.is_dir():
            if file.name not in subfolders:
                problems.append(Problem(str(file), 0, "", "sổ đăng ký không có thư mục tên như vậy"))
        elif file.suffix != _SUFFIX:
            problems.append(Problem(str(file), 0, "", f"tên tệp của sổ đăng ký phải kết thúc bằng {_SUFFIX}"))
        else:
            yield file


def _text(file: Path, problems: list[Problem]) -> str | None:
    fault = ""
    try:
        if file.stat().st_size <= MAX_OCTETS:
            return file.read_bytes().decode("utf-8")
        fault = f"tệp lớn quá {MAX_OCTETS} byte"
    except UnicodeDecodeError:
        fault = "không phải văn bản UTF-8"
    except OSError as error:
        fault = f"không đọc được tệp: {error.strerror}"
    problems.append(Problem(str(file), 0, "", fault))
    return None
