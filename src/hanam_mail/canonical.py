"""The one way the registry is written: what the generator produces and `hanam-mail check` demands.

One form means that a difference between two versions is always a difference of content, and that two merge
requests touch the same lines only when they mean the same entry. Fields stand in the order of the schema,
each on a line of its own; an event and an alias are one line each, so that a new one is one added line.
Comments have no place: documents give reasons.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import yaml

from hanam_mail.errors import Problem
from hanam_mail.model import (
    Absence,
    Agency,
    AgencyEvent,
    AgencyMerge,
    AgencyRename,
    Alias,
    Event,
    Issue,
    Lock,
    Mailbox,
    MailboxKind,
    Move,
    Quota,
    Registry,
    Rename,
    Request,
    Restore,
    Revoke,
)
from hanam_mail.quota import quota_text

_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`=<")  # = and << stand for more than text in YAML 1.1
_WORDS = frozenset(("y", "n", "yes", "no", "true", "false", "on", "off", "null"))
_INSIDE = ("[", "]", "{", "}", ",", ": ", " #")


_EVENT_NAMES: dict[type, str] = {
    Issue: "issue",
    Quota: "quota",
    Lock: "lock",
    Absence: "absence",
    Restore: "restore",
    Rename: "rename",
    Revoke: "revoke",
}


def agency_text(agency: Agency, mailboxes: Sequence[Mailbox]) -> str:
    """An agency's file: the agency, then its mailboxes in the order given."""
    lines = [
        "---",
        "agency:",
        f"  id: {agency.id}",
        f"  name: {_scalar(agency.name)}",
        f"  kind: {agency.kind}",
        f"  code: {_scalar(agency.code)}",
        f"  suffix: {_scalar(agency.suffix)}",
        *(["  document_system: true"] if agency.document_system else []),
        *(["  history:"] if agency.history else []),
        *(f"    - {{{', '.join(_agency_event(event))}}}" for event in agency.history),
        "mailboxes:" if mailboxes else "mailboxes: []",
        *(line for mailbox in mailboxes for line in _mailbox(mailbox)),
    ]
    return "\n".join(lines) + "\n"


def requests_text(requests: Iterable[Request]) -> str:
    """The register of one year, in the order given."""
    return "\n".join(["---", *(line for request in requests for line in _request(request))]) + "\n"


def texts(registry: Registry, path: Path) -> dict[Path, str]:
    """The canonical text of every file of the registry in the folder `path`."""
    by_agency: dict[str, list[Mailbox]] = {identity: [] for identity in registry.agencies}
    for mailbox in registry.mailboxes.values():
        by_agency[mailbox.agency].append(mailbox)
    by_year: dict[str, list[Request]] = {}
    for request in registry.requests.values():
        by_year.setdefault(request.id[:4], []).append(request)
    return {
        **{
            path / Path(agency.source.file).name: agency_text(agency, by_agency[agency.id])
            for agency in registry.agencies.values()
        },
        **{path / "requests" / f"{year}.yml": requests_text(requests) for year, requests in by_year.items()},
    }


def problems(registry: Registry, path: Path) -> Iterator[Problem]:
    """The first line of each file in `path` that is not written the canonical way."""
    for file, canonical in texts(registry, path).items():
        lines = file.read_text(encoding="utf-8").splitlines()
        expected = canonical.splitlines()
        if lines == expected:
            continue
        pairs = zip([*lines, ""], [*expected, ""], strict=False)
        number, want = next((n, want) for n, (have, want) in enumerate(pairs, start=1) if have != want)
        text = f"không ở dạng chuẩn; dòng này phải là “{want.strip()}” (sửa bằng: hanam-mail format)"
        yield Problem(str(file), number, "", text)


def _mailbox(mailbox: Mailbox) -> Iterator[str]:
    yield f"  - id: {mailbox.id}"
    yield f"    kind: {mailbox.kind}"
    if mailbox.kind is not MailboxKind.AGENCY:
        yield f"    name: {_scalar(mailbox.name)}"
    yield f"    address: {_scalar(mailbox.address)}"
    if mailbox.aliases:
        yield "    aliases:"
        for alias in mailbox.aliases:
            yield f"      - {{{', '.join(_alias(alias))}}}"
    if mailbox.clerks:
        yield f"    clerks: [{', '.join(mailbox.clerks)}]"
    yield "    history:"
    for event in mailbox.history:
        yield f"      - {{{', '.join(_event(event))}}}"


def _alias(alias: Alias) -> Iterator[str]:
    yield f"address: {_scalar(alias.address)}"
    if alias.begin:
        yield f"from: {alias.begin}"
    if alias.until:
        yield f"until: {alias.until}"


def _event(event: Event) -> Iterator[str]:
    yield f"event: {event.cause if isinstance(event, Move) else _EVENT_NAMES[type(event)]}"
    if event.request:
        yield f"request: {event.request}"
    yield f"done: {event.done}"
    match event:
        case Issue(quota_bytes=int(octets)) | Quota(quota_bytes=octets):
            yield f"quota: {quota_text(octets)}"
        case Lock():
            yield f"reason: {event.reason}"
        case Absence():
            yield f"from: {event.begin}"
            yield f"to: {event.end}"
        case Restore():
            yield f"verified: {_scalar(event.verified)}"
        case Move():
            yield f"from: {event.origin}"
    if isinstance(event, Quota) and event.shrink:
        yield "shrink: true"
    if isinstance(event, Rename | Move) and event.was:
        yield f"was: {_scalar(event.was)}"
    if isinstance(event, Rename) and event.was_name:
        yield f"was_name: {_scalar(event.was_name)}"


def _agency_event(event: AgencyEvent) -> Iterator[str]:
    yield f"event: {'rename' if isinstance(event, AgencyRename) else 'merge'}"
    yield f"request: {event.request}"
    yield f"done: {event.done}"
    match event:
        case AgencyMerge():
            yield f"into: {event.into}"
        case AgencyRename():
            if event.was_name:
                yield f"was_name: {_scalar(event.was_name)}"
            if event.was_code:
                yield f"was_code: {_scalar(event.was_code)}"


def _request(request: Request) -> Iterator[str]:
    yield f"{request.id}:"
    yield f"  document: {_scalar(request.document)}"
    yield f"  dated: {request.dated}"
    yield f"  received: {request.received}"
    yield f"  agency: {request.agency}"
    yield f"  asks: [{', '.join(request.asks)}]"
    yield f"  ground: {_scalar(request.ground)}"
    yield f"  result: {request.result}"
    if request.reply:
        yield f"  reply: {{document: {_scalar(request.reply.document)}, date: {request.reply.date}}}"


@cache
def _scalar(text: str) -> str:
    """The text as a YAML scalar: plain where every YAML reader takes it for text, else in double quotes."""
    plain = (
        text
        and text[0] not in _INDICATORS
        and not any(mark in text for mark in _INSIDE)
        and not text.endswith(":")
        and text.isprintable()
        and (
            text.casefold() not in _WORDS
            if text[0].isalpha()
            else isinstance(yaml.load(text, Loader=yaml.CSafeLoader), str)
        )
    )
    if plain:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
