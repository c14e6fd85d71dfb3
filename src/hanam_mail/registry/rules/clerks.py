"""Clerks (văn thư) open agency and office mailboxes only, are persons of the agency, and still there (Đ9.2)."""

from collections.abc import Iterator

from hanam_mail.errors import Problem
from hanam_mail.registry.model import Mailbox, MailboxKind
from hanam_mail.registry.rules.view import View


def problems(view: View) -> Iterator[Problem]:
    """Every clerk that cannot be one. What a closed mailbox names is not judged any more."""
    for mailbox in view.found.mailboxes:
        if not mailbox.clerks or mailbox.revoked:
            continue
        if not mailbox.kind.is_agency:
            text = "hộp thư cá nhân không dùng chung, không có văn thư"
            yield mailbox.source.problem("clerks", text, "Đ12.3")
            continue
        if len(set(mailbox.clerks)) < len(mailbox.clerks):
            yield mailbox.source.problem("clerks", "ghi hai lần cùng một người", "Đ9.2")
        for identity in mailbox.clerks:
            yield from _clerk(mailbox, identity, view)


def _clerk(mailbox: Mailbox, identity: str, view: View) -> Iterator[Problem]:
    clerk = view.mailboxes.get(identity)
    if clerk is None:
        if not view.is_unread(identity):
            yield mailbox.source.problem("clerks", f"không có hộp thư nào mã “{identity}”", "Đ9.2")
    elif clerk.kind is not MailboxKind.PERSON or clerk.agency != mailbox.agency:
        text = f"“{identity}” phải là hộp thư cá nhân của cùng cơ quan"
        yield mailbox.source.problem("clerks", text, "Đ9.2")
    elif clerk.revoked:
        yield mailbox.source.problem("clerks", f"hộp thư “{identity}” đã thu hồi", "Đ9.2")
