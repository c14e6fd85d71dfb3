"""The registry as a whole: read `mailboxes/`, check it, hand out typed values or every problem at once.

registry = load(Path("mailboxes"))        raises errors.InputError with all problems
document = desired_state(registry)        what the accounts host applies, see desired.py
"""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hanam_mail import entries, regulation, rules, settings
from hanam_mail.desired import desired_state
from hanam_mail.errors import InputError, Problem
from hanam_mail.model import Registry
from hanam_mail.regulation import Regulation

__all__ = ["desired_state", "load", "regulation_beside", "settings_beside", "today"]

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")  # all dates of the registry are the province's


def today() -> date:
    """The date in the province."""
    return datetime.now(_ZONE).date()


def regulation_beside(path: Path) -> Path:
    """regulation.yml of the project that the registry at `path` is part of."""
    return path.resolve().parent / "group_vars" / "all" / "regulation.yml"


def settings_beside(path: Path) -> Path:
    """registry.yml of the project that the registry at `path` is part of."""
    return regulation_beside(path).with_name("registry.yml")


def load(path: Path, *, regulated_by: Regulation | None = None, day: date | None = None) -> Registry:
    """Read and check the registry in the folder `path` (agencies there, the register of requests in
    requests/).

    `regulated_by` defaults to the regulation beside the registry, `day` to today: no date may lie after it.
    Raises InputError with all problems of all files, those of regulation.yml first.
    """
    rule_book = regulated_by or regulation.load(regulation_beside(path))
    chosen = settings.load(settings_beside(path))
    found = entries.Found()
    for file, text in _texts(path, found):
        entries.read_agency_file(text, str(file), rule_book, found)
    for file, text in _texts(path / "requests", found):
        entries.read_request_file(text, str(file), found)
    problems = [*found.problems, *rules.check(found, rule_book, day or today(), chosen)]
    if problems:
        raise InputError(problems)
    return Registry(
        agencies={agency.id: agency for agency in found.agencies},
        mailboxes={mailbox.id: mailbox for mailbox in found.mailboxes},
        requests={request.id: request for request in found.requests},
        regulation=rule_book,
        settings=chosen,
    )


def _texts(folder: Path, found: entries.Found) -> Iterator[tuple[Path, str]]:
    """Files and texts of a folder of the registry; a file that would not be read by its name is a problem."""
    files = [file for file in sorted(folder.glob("[!.]*")) if file.is_file()]
    if not files:
        found.problems.append(Problem(str(folder), 0, "", "không có tệp .yml nào"))
    for file in files:
        if file.suffix != ".yml":
            found.problems.append(Problem(str(file), 0, "", "tên tệp của sổ đăng ký phải kết thúc bằng .yml"))
            continue
        try:
            yield file, file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            found.problems.append(Problem(str(file), 0, "", "không phải văn bản UTF-8"))
