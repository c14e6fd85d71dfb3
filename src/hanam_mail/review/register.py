"""What a merge request does to the register of requests: new ones, answers, and what nobody may do to a document that
came in (Đ6.2): change it or take it out, which no mailbox shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from hanam_mail import vietnamese
from hanam_mail.registry.model import Registry
from hanam_mail.registry.requests import Reply, Request, Result

RESULTS = {Result.PENDING: "đang chờ", Result.DONE: "đã giải quyết", Result.REFUSED: "từ chối"}
_FIELDS = {
    "document": "số văn bản",
    "dated": "ngày văn bản",
    "received": "ngày nhận",
    "agency": "cơ quan",
    "asks": "việc đề nghị",
    "ground": "căn cứ",
    "result": "kết quả",
    "reply": "văn bản trả lời",
}


@dataclass(frozen=True, slots=True)
class RequestChange:
    """A request of both revisions or of one; `before` is None for a new one, `after` for one that is gone.

    `first` is the number under which its document was in the register already, "" where it was not.
    """

    before: Request | None
    after: Request | None
    first: str = ""

    @property
    def request(self) -> Request:
        """As it stands, or stood last."""
        found = self.after or self.before
        if found is None:
            raise ValueError("neither before nor after")
        return found

    @property
    def id(self) -> str:
        """Its number in the register."""
        return self.request.id

    def rewritten(self, agencies: Mapping[str, str]) -> tuple[str, ...]:
        """Every field that somebody changed besides answering the request, in Vietnamese; `agencies` are names."""
        if self.before is None or self.after is None:
            return ()
        answer = {"result", "reply"} if _answers(self.before, self.after) else set()
        return tuple(
            f"{_FIELDS[name]} {_value(old, agencies)} -> {_value(new, agencies)}"
            for name in (field.name for field in fields(Request) if field.name in _FIELDS)
            if name not in answer and (old := getattr(self.before, name)) != (new := getattr(self.after, name))
        )


def changes(before: Registry, after: Registry) -> tuple[RequestChange, ...]:
    """Every request that is new, was answered, was changed or is gone."""
    there = (RequestChange(before.requests.get(key), each) for key, each in after.requests.items())
    gone = (RequestChange(each, None) for key, each in before.requests.items() if key not in after.requests)
    found = [each for each in (*there, *gone) if each.before is not each.after and each.before != each.after]
    first: dict[tuple[str, date, str], str] = {}
    for key, request in after.requests.items() if found else ():
        first.setdefault(_document(request), key)
    return tuple(
        replace(each, first=first[_document(each.after)])
        if each.after and first[_document(each.after)] != each.id
        else each
        for each in found
    )


def _document(request: Request) -> tuple[str, date, str]:
    """What makes a document one: its agency numbers it."""
    return request.document, request.dated, request.agency


def warnings(found: RequestChange, agencies: Mapping[str, str]) -> Iterator[str]:
    """What nobody may do to the register: take a request out, change it, enter a document again."""
    request = found.request
    if found.after is None:
        whose = agencies.get(request.agency, request.agency)
        yield (
            f"Đề nghị {request.id} ({request.document} ngày {vietnamese.day(request.dated)} của {whose}, nhận ngày "
            f"{vietnamese.day(request.received)}, {RESULTS[request.result]}) bị xóa khỏi sổ đề nghị; văn bản đã nhận "
            "thì phải giữ trong sổ (Đ6.2)"
        )
    if found.first:
        yield (
            f"Đề nghị {request.id} là văn bản {request.document} ngày {vietnamese.day(request.dated)} đã có trong sổ, "
            f"số {found.first}; mỗi văn bản vào sổ một lần (Đ6.2)"
        )
    if rewritten := found.rewritten(agencies):
        yield f"Đề nghị {request.id} đã vào sổ bị sửa: {'; '.join(rewritten)} (Đ6.2)"


def _answers(old: Request, new: Request) -> bool:
    """Whether the request got its answer, or an answer its number, which may come later."""
    if old.result is Result.PENDING:
        return new.result is not Result.PENDING
    waited = old.reply is not None and not old.reply.document
    return waited and new.result is old.result and new.reply is not None and bool(new.reply.document)


def _value(value: Any, agencies: Mapping[str, str]) -> str:
    match value:
        case None:
            return "không có"
        case Result():
            return RESULTS[value]
        case Reply():
            return f"{value.document or 'chưa có số'} ngày {vietnamese.day(value.date)}"
        case date():
            return vietnamese.day(value)
        case tuple():
            return ", ".join(value)
    return agencies.get(value, value)
