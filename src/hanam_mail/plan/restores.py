"""Restores (Đ7.3): whether a document is another one, a command followed it already, and which lock it ends."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from hanam_mail.plan.accounts import Accounts, MailboxAccount, RuntimeLock


def decides(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether another document decides the state; another request makes it one, not a corrected number or date."""
    return (old.get("event"), old.get("request")) != (new.get("event"), new.get("request"))


def by_command(have: Accounts, mailbox: MailboxAccount) -> bool:
    """Whether a command restored the mailbox by this document already; a lock of now came after that."""
    command = have.restored.get(mailbox.id)
    return command is not None and _number(command.document) == _number(mailbox.document.get("number"))


def opens(have: Accounts, old: MailboxAccount, new: MailboxAccount, lock: RuntimeLock | None) -> bool:
    """Whether a restore has a lock to end: the registry's, or one that is not newer than itself."""
    if have.credentials is None and lock is None:
        return True  # Between two revisions of git: most locks are known to the database only.
    if lock is not None:
        return lock.since <= date.fromisoformat(new.document["done"])
    return old.state == "locked"


def _number(document: str | None) -> str:
    """A document's number as it is compared: as two people may have typed it."""
    return "".join((document or "").casefold().split())
