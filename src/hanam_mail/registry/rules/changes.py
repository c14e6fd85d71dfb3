"""The rules of changes of a mailbox's name, address and agency (Đ6.1): nothing that was is lost."""

from collections.abc import Iterator
from itertools import pairwise

from hanam_mail.errors import Problem
from hanam_mail.registry.model import Cause, Mailbox, MailboxKind, Move, Rename
from hanam_mail.registry.rules.view import View


def problems(view: View) -> Iterator[Problem]:
    """Every breach of a rule by a change of name, address or agency."""
    for mailbox in view.found.mailboxes:
        changes = [event for event in mailbox.history if isinstance(event, Rename | Move)]
        if changes:
            yield from _addresses(mailbox, changes)
            yield from _names(mailbox, [event for event in changes if isinstance(event, Rename)])
            yield from _moves(mailbox, [event for event in changes if isinstance(event, Move)], view)


def _addresses(mailbox: Mailbox, changes: list[Rename | Move]) -> Iterator[Problem]:
    """A former address stays an address of the mailbox, and is not the one that came after it."""
    following = mailbox.address
    for event in reversed(changes):
        if event.was is None:
            continue
        if event.was not in mailbox.addresses:
            yield event.source.problem("was", f"địa chỉ cũ “{event.was}” phải giữ làm bí danh (aliases)", "Đ5.2")
        elif event.was == following:
            yield event.source.problem("was", f"địa chỉ cũ trùng với địa chỉ mới “{following}”")
        following = event.was


def _names(mailbox: Mailbox, renames: list[Rename]) -> Iterator[Problem]:
    following = mailbox.name
    for event in reversed(renames):
        if mailbox.kind is MailboxKind.AGENCY and event.was_name:
            text = "hộp thư cơ quan mang tên cơ quan; tên cũ ghi ở sự kiện rename của cơ quan"
            yield event.source.problem("was_name", text, "Đ5.1")
        elif event.was is None and event.was_name is None:
            text = "thay đổi thì phải ghi địa chỉ cũ (was), tên cũ (was_name) hoặc cả hai"
            yield event.source.problem("event", text, "Đ6.2a")
        elif event.was_name == following:
            yield event.source.problem("was_name", f"tên cũ trùng với tên mới “{following}”")
        following = event.was_name or following


def _moves(mailbox: Mailbox, moves: list[Move], view: View) -> Iterator[Problem]:
    """A mailbox comes from another known agency; an agency's own only by a merger, which that agency tells too."""
    destinations = [later.origin for _, later in pairwise(moves)] + [mailbox.agency]
    for event, destination in zip(moves, destinations, strict=bool(moves)):
        origin = view.agencies.get(event.origin)
        if not event.origin or not destination:
            continue  # a fault of the field itself, noted where it was read
        if origin is None:
            yield event.source.problem("from", f"không có cơ quan nào mã “{event.origin}”", "Đ6.2a")
        elif event.origin == destination:
            yield event.source.problem("from", "hộp thư phải chuyển từ một cơ quan khác đến", "Đ6.2a")
        elif event.cause is Cause.MERGE and origin.merged_into != destination:
            text = f"cơ quan “{origin.name}” không ghi đã sáp nhập vào cơ quan mã “{destination}”"
            yield event.source.problem("from", text, "Đ6.2a")
        if event.cause is Cause.TRANSFER and mailbox.kind is MailboxKind.AGENCY:
            text = "hộp thư cơ quan chỉ sang cơ quan khác khi sáp nhập"
            yield event.source.problem("event", text, "Đ6.2a")
