"""The register of requests as typed values: a document that asked for something, and what became of it."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from hanam_mail.errors import Source


class Result(StrEnum):
    """What became of a request (Đ6.2b)."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"


class RequestKind(StrEnum):
    """What a document asks for (Đ6.1, Đ7.3, Đ12.3); an absence is a notice (Đ6.2c), a lock a report (Đ7.2)."""

    ISSUE = "issue"
    CHANGE = "change"
    REVOKE = "revoke"
    RESTORE = "restore"
    LOCK = "lock"
    ABSENCE = "absence"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: number and date of the document (Đ6.2b); "" while the number is still to come."""

    document: str
    date: date


@dataclass(frozen=True, slots=True)
class Request:
    """A document that asked for something (Đ6.2a, Đ7.3a): `id` is YYYY-NNNN in the register of that year.

    `agency` is the id of the agency that sent it, `asks` what it asks for.
    """

    id: str
    document: str
    dated: date
    received: date
    agency: str
    asks: tuple[RequestKind, ...]
    ground: str
    result: Result
    reply: Reply | None
    source: Source = field(compare=False)
