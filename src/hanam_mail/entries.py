"""The schema of the registry's two kinds of files: from YAML fields to the values of model.py.

An agency's file holds `agency` and `mailboxes`, a year's register of requests a mapping from request id to
request. Faults of single fields are noted here; what concerns several entries stands in rules.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import partial

from hanam_mail.errors import Problem
from hanam_mail.fields import Fields, document
from hanam_mail.model import (
    Agency,
    AgencyKind,
    Alias,
    Event,
    Issue,
    Lock,
    Mailbox,
    MailboxKind,
    Quota,
    Reply,
    Request,
    Restore,
    Result,
    Revoke,
)
from hanam_mail.naming import is_local_part
from hanam_mail.regulation import Regulation

ID_LETTERS = "bcdfghjkmnpqrstvwxz"  # no vowels (no words), no l (looks like 1)
ID_PAIRS = 3
_ID = rf"([{ID_LETTERS}][0-9]){{{ID_PAIRS}}}"
_ID_HINT = "mã gồm ba cặp chữ cái - chữ số, ví dụ k7q2m4"
_REQUEST_ID = r"\d{4}-\d{4}"
_REQUEST_ID_HINT = "số trong sổ đề nghị có dạng YYYY-NNNN"
_CODE = r"[a-z0-9]+(\.[a-z0-9]+)?"
_QUOTA = r"[1-9]\d*(MB|GB|TB)"
_QUOTA_HINT = "ghi số nguyên kèm MB, GB hoặc TB, ví dụ 4GB"
# GB is read as GiB (Đ8.1b, see regulation.yml).
QUOTA_UNITS = {"TB": 1024**4, "GB": 1024**3, "MB": 1024**2}


@dataclass(slots=True)
class Found:
    """What the files hold so far. `unread` are ids whose entries were too faulty to build."""

    agencies: list[Agency] = field(default_factory=list)
    mailboxes: list[Mailbox] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def read_agency_file(text: str, file: str, regulation: Regulation, found: Found) -> None:
    """Add the agency and the mailboxes of one file to `found`."""
    fields = document(text, file, found.problems)
    if fields is None:
        return
    agency = fields.entry("agency", _agency)
    if agency is not None:
        found.agencies.append(agency)

    def read(entry: Fields) -> Mailbox | None:
        mailbox = _mailbox(entry, agency, regulation)
        if mailbox is None:
            found.unread.add(entry.text("id", required=False))
        return mailbox

    mailboxes = fields.entries("mailboxes", read)
    found.mailboxes.extend(mailbox for mailbox in mailboxes if mailbox is not None)
    fields.finish()


def read_request_file(text: str, file: str, found: Found) -> None:
    """Add the requests of one year's register to `found`."""
    fields = document(text, file, found.problems)
    if fields is None:
        return
    for name in fields.names():
        if re.fullmatch(_REQUEST_ID, name) is None:
            fields.note(name, _REQUEST_ID_HINT)
        request = fields.entry(name, partial(_request, identity=name))
        if request is None:
            found.unread.add(name)
        else:
            found.requests.append(request)


def quota_bytes(text: str) -> int:
    """Octets of a quota as the registry writes it: "4GB" -> 4294967296."""
    return int(text[:-2]) * QUOTA_UNITS[text[-2:]]


def quota_text(octets: int) -> str:
    """The registry's form of a quota, in the largest unit that divides it: 4294967296 -> "4GB"."""
    unit = next(unit for unit, size in QUOTA_UNITS.items() if octets % size == 0)
    return f"{octets // QUOTA_UNITS[unit]}{unit}"


def _agency(fields: Fields) -> Agency | None:
    identity = fields.text("id", pattern=_ID, hint=_ID_HINT)
    name = fields.text("name")
    kind = _choice(fields, "kind", AgencyKind)
    code = fields.text("code", pattern=_CODE, hint="chữ thường không dấu viết liền, xã kèm .mã huyện")
    suffix = fields.text("suffix", pattern="[a-z0-9]+", hint="chữ thường không dấu")
    if kind is None:
        return None
    return Agency(identity, name, kind, code, suffix, fields.source)


def _mailbox(fields: Fields, agency: Agency | None, regulation: Regulation) -> Mailbox | None:
    identity = fields.text("id", pattern=_ID, hint=_ID_HINT)
    kind = _choice(fields, "kind", MailboxKind)
    named_by_agency = kind is MailboxKind.AGENCY
    name = fields.text("name", required=not named_by_agency)
    if name and named_by_agency:
        fields.note("name", "hộp thư cơ quan mang tên cơ quan, không ghi tên riêng")
    address = _address(fields)
    aliases = fields.entries("aliases", _alias, required=False)
    clerks = fields.texts("clerks")
    events: list[Event | None] = fields.entries("history", partial(_event, regulation=regulation))
    history = tuple(event for event in events if event is not None)
    if len(history) < len(events):
        history = ()  # its order cannot be judged; the faulty event is noted already
    elif history and not isinstance(history[0], Issue):
        fields.note("history", "phải bắt đầu bằng sự kiện issue (cấp mới)", "Đ6.2a")
    if kind is None or agency is None:
        return None
    return Mailbox(
        id=identity,
        kind=kind,
        agency=agency.id,
        name=agency.name if named_by_agency else name,
        address=address,
        aliases=tuple(alias for alias in aliases if alias is not None),
        clerks=clerks,
        history=history,
        source=fields.source,
    )


def _alias(fields: Fields) -> Alias:
    return Alias(_address(fields), fields.date("until", required=False), fields.source)


def _address(fields: Fields) -> str:
    address = fields.text("address")
    if address and not is_local_part(address):
        fields.note("address", f"“{address}” phải là chữ thường không dấu, chữ số, dấu chấm ở giữa", "Đ5")
        # Still compared with the others: an address in capitals may be somebody's already.
        return address.casefold()
    return address


def _event(fields: Fields, regulation: Regulation) -> Event | None:
    name = fields.text("event")
    reader = _EVENT_READERS.get(name)
    if reader is None:
        if name:
            fields.note("event", f"không có sự kiện “{name}”; có: {', '.join(_EVENT_READERS)}")
        for other in fields.names():
            fields.text(other, required=False)  # what belongs to an unknown event cannot be judged
        return None
    done = fields.date("done")
    event = reader(fields, done or date.min, regulation)
    return event if done is not None else None


def _request_id(fields: Fields, *, required: bool = True) -> str:
    return fields.text("request", required=required, pattern=_REQUEST_ID, hint=_REQUEST_ID_HINT)


def _issue(fields: Fields, done: date, _: Regulation) -> Event:
    quota = fields.text("quota", required=False, pattern=_QUOTA, hint=_QUOTA_HINT)
    return Issue(_request_id(fields), done, quota_bytes(quota) if quota else None, fields.source)


def _quota(fields: Fields, done: date, _: Regulation) -> Event | None:
    quota = fields.text("quota", pattern=_QUOTA, hint=_QUOTA_HINT)
    request, shrink = _request_id(fields), fields.flag("shrink")
    return Quota(request, done, quota_bytes(quota), shrink, fields.source) if quota else None


def _lock(fields: Fields, done: date, regulation: Regulation) -> Event:
    reason = fields.text("reason")
    if reason and reason not in regulation.lock_reasons:
        fields.note("reason", f"không có lý do “{reason}”; có: {', '.join(regulation.lock_reasons)}", "Đ7.2")
    return Lock(_request_id(fields, required=False) or None, done, reason, fields.source)


def _restore(fields: Fields, done: date, _: Regulation) -> Event:
    return Restore(_request_id(fields), done, fields.source)


def _revoke(fields: Fields, done: date, _: Regulation) -> Event:
    return Revoke(_request_id(fields), done, fields.source)


_EVENT_READERS: dict[str, Callable[[Fields, date, Regulation], Event | None]] = {
    "issue": _issue,
    "quota": _quota,
    "lock": _lock,
    "restore": _restore,
    "revoke": _revoke,
}


def _request(fields: Fields, identity: str) -> Request | None:
    number = fields.text("document")
    dated, received = fields.date("dated"), fields.date("received")
    ground = fields.text("ground")
    result = _choice(fields, "result", Result)
    reply = fields.entry("reply", _reply, required=result not in (Result.PENDING, None))
    if dated is None or received is None or result is None:
        return None
    return Request(identity, number, dated, received, ground, result, reply, fields.source)


def _reply(fields: Fields) -> Reply | None:
    number, day = fields.text("document"), fields.date("date")
    return Reply(number, day) if day is not None else None


def _choice[K: StrEnum](fields: Fields, name: str, kinds: type[K]) -> K | None:
    text = fields.text(name)
    if text and text not in kinds:
        fields.note(name, f"không có giá trị “{text}”; có: {', '.join(kinds)}")
    return kinds(text) if text in kinds else None
