"""What a history of events amounts to (state and quota on paper), and which histories are impossible.

The order of events is: one issue first; then quota, lock, absence, restore, rename, transfer and merge in any
number; revoke last, after which nothing follows. A restore needs no lock before it, because most locks (idle,
default password, flood: Đ7.2) are set by the running system and stand in the accounts database, not in git; but one
request lifts a lock once. A second lock without a restore between is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from hanam_mail.errors import Problem
from hanam_mail.registry.model import (
    Absence,
    Clerks,
    Event,
    Issue,
    Lock,
    MailboxKind,
    Move,
    Quota,
    Rename,
    Restore,
    Revoke,
    State,
)
from hanam_mail.regulation.provisions import Regulation


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a mailbox stands after all its events. `document` is the event that decided the state."""

    state: State
    quota_bytes: int
    document: Event


def quota_minimum(kind: MailboxKind, regulation: Regulation) -> int:
    """Octets that a mailbox of that kind has at least (Đ8.1b)."""
    return regulation.quota_agency_bytes if kind.is_agency else regulation.quota_personal_bytes


def quota_default(kind: MailboxKind, regulation: Regulation) -> int:
    """Octets that a mailbox of that kind has when its history names none (Đ8.1a)."""
    if kind.is_agency:
        return regulation.quota_agency_default_bytes
    return regulation.quota_personal_default_bytes


def standing(history: Sequence[Event], kind: MailboxKind, regulation: Regulation) -> Standing:
    """Fold a history without problems (see `problems`) into what it amounts to.

    A quota that the history names never hides a later rise of the default for all.
    """
    state, document = State.ACTIVE, history[0]
    quota = None
    for event in history:
        match event:
            case Issue() | Quota():
                quota = event.quota_bytes
            case Lock():
                state, document = State.LOCKED, event
            case Restore():
                state, document = State.ACTIVE, event
            case Revoke():
                state, document = State.REVOKED, event
    return Standing(state, max(quota or 0, quota_default(kind, regulation)), document)


def problems(history: Sequence[Event], kind: MailboxKind, regulation: Regulation, today: date) -> Iterator[Problem]:
    """All that is wrong with the order, the dates and the quotas of a history, each at its event."""
    if not history or not isinstance(history[0], Issue):
        return  # entries.py has said so: a history begins with its issue
    yield from _order(history)
    yield from _dates(history, today)
    yield from _quotas(history, kind, regulation)


def _order(history: Sequence[Event]) -> Iterator[Problem]:
    state = State.ACTIVE
    restored: set[str] = set()
    for event in history[1:]:
        if state is State.REVOKED:
            yield event.source.problem("event", "sau khi thu hồi không còn sự kiện nào nữa", "Đ6.2c")
            continue
        match event:
            case Issue():
                yield event.source.problem("event", "hộp thư chỉ được cấp mới một lần", "Đ6.2a")
            case Lock():
                if state is State.LOCKED:
                    yield event.source.problem("event", "hộp thư đang bị tạm khóa, chưa khôi phục", "Đ7.2")
                state = State.LOCKED
            case Restore():
                if event.request in restored:
                    text = f"đề nghị {event.request} đã được khôi phục một lần rồi"
                    yield event.source.problem("request", text, "Đ7.3")
                restored.add(event.request)
                state = State.ACTIVE
            case Revoke():
                state = State.REVOKED
            case Quota() | Absence() | Rename() | Move() | Clerks():
                pass


def _dates(history: Sequence[Event], today: date) -> Iterator[Problem]:
    latest = issued = history[0].done
    away: set[date] = set()
    for event in history:
        if event.done > today:
            yield event.source.problem("done", f"ngày {event.done} ở tương lai")
        if event.done < latest:
            yield event.source.problem("done", f"ngày {event.done} trước sự kiện liền trên ({latest})")
        if isinstance(event, Absence):
            if event.end < event.begin:
                yield event.source.problem("to", f"ngày {event.end} trước ngày bắt đầu {event.begin}", "Đ6.2c")
            elif event.end < issued:
                yield event.source.problem("to", f"ngày {event.end} trước ngày cấp hộp thư ({issued})", "Đ6.2c")
            if event.begin in away:
                text = f"đã có thông báo vắng từ ngày {event.begin}: sửa sự kiện đó, không ghi thêm"
                yield event.source.problem("from", text, "Đ6.2c")
            away.add(event.begin)
        latest = max(latest, event.done)


def _quotas(history: Sequence[Event], kind: MailboxKind, regulation: Regulation) -> Iterator[Problem]:
    minimum = quota_minimum(kind, regulation)
    current = minimum
    for event in history:
        if not isinstance(event, Issue | Quota) or event.quota_bytes is None:
            continue
        if event.quota_bytes < minimum:
            text = f"dung lượng nhỏ hơn mức tối thiểu {minimum} byte"
            yield event.source.problem("quota", text, "Đ8.1b")
        elif isinstance(event, Quota) and event.quota_bytes < current and not event.shrink:
            text = "dung lượng giảm so với trước; nếu đúng ý, ghi thêm shrink: true"
            yield event.source.problem("quota", text, "Đ8.1a")
        current = event.quota_bytes
