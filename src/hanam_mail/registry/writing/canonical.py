"""The one way the registry is written: what the generator produces and `hanam-mail check` demands.

One form means that a difference between two versions is always a difference of content, and that two merge
requests touch the same lines only when they mean the same entry. layout.py has the form. Comments are kept
where they belong (comments.py) and go with an entry that moves to another file; blank lines are not kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import yaml

from hanam_mail.errors import InputError, Problem
from hanam_mail.registry import folder, yaml_faults
from hanam_mail.registry.model import Agency, Mailbox, Registry
from hanam_mail.registry.requests import Request
from hanam_mail.registry.rules import agency_address
from hanam_mail.registry.writing import comments
from hanam_mail.registry.writing.comments import Comments
from hanam_mail.registry.writing.layout import agency_lines, request_lines


def agency_text(agency: Agency, mailboxes: Sequence[Mailbox], notes: Comments | None = None) -> str:
    """An agency's file: the agency, then its mailboxes in the order given."""
    return "\n".join(["---", *comments.render(agency_lines(agency, mailboxes), notes or {})]) + "\n"


def requests_text(requests: Iterable[Request], notes: Comments | None = None) -> str:
    """The register of one year, in the order given."""
    lines = (line for request in requests for line in request_lines(request))
    return "\n".join(["---", *comments.render(lines, notes or {})]) + "\n"


def texts(registry: Registry, path: Path) -> dict[Path, str]:
    """The canonical text of every file of the registry in the folder `path`, with the comments that stand there.

    A file in `path` that is none of these (an agency's whose address has changed) has its content elsewhere now.
    Raises InputError when a file there cannot be read.
    """
    return _texts(registry, path, _files(path))


def problems(registry: Registry, path: Path) -> list[Problem]:
    """The first line of each file in `path` that is not written the canonical way."""
    have = _files(path)
    want = _texts(registry, path, have)
    return [_difference(file, have.get(file, ""), text) for file, text in want.items() if have.get(file) != text]


def _files(path: Path) -> dict[Path, str]:
    """The texts of the files there, none for a registry still to be made."""
    faults: list[Problem] = []
    found = folder.texts(path, faults) if path.exists() else {}
    if faults and found:
        raise InputError(faults)
    return found


def _texts(registry: Registry, path: Path, have: Mapping[Path, str]) -> dict[Path, str]:
    notes: Comments = {}
    for file, text in have.items():
        try:
            comments.read(text, notes)
        except yaml.YAMLError as error:
            raise InputError([yaml_faults.problem(str(file), error)]) from error
    by_agency: dict[str, list[Mailbox]] = {identity: [] for identity in registry.agencies}
    for mailbox in registry.mailboxes.values():
        by_agency[mailbox.agency].append(mailbox)
    by_year: dict[str, list[Request]] = {}
    for request in registry.requests.values():
        by_year.setdefault(request.id[:4], []).append(request)
    names = {agency.id: agency_address(agency, registry.regulation) for agency in registry.agencies.values()}
    return {
        **{
            path / f"{names[agency.id]}.yml": agency_text(agency, by_agency[agency.id], notes)
            for agency in registry.agencies.values()
        },
        **{path / "requests" / f"{year}.yml": requests_text(each, notes) for year, each in by_year.items()},
    }


def _difference(file: Path, have: str, want: str) -> Problem:
    pairs = zip_longest(have.split("\n"), want.split("\n"))
    number, line = next((number, line or "") for number, (old, line) in enumerate(pairs, start=1) if old != line)
    text = f"không ở dạng chuẩn; dòng này phải là “{line.strip()}” (sửa bằng: hanam-mail fmt)"
    return Problem(str(file), number, "", text)
