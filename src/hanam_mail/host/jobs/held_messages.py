"""Held messages that the operator is to hear of: each when it comes, and once a day while it waits (record 0050)."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from hanam_mail.host.database.session import Session
from hanam_mail.host.jobs import notices
from hanam_mail.host.jobs.foreign_text import HIDDEN, bears_mark


@dataclass(frozen=True)
class HeldMessage:
    """A row of mail.held_to_tell. Numbers are of receivers; `failure` is why something decided could not go out."""

    id: int
    news: bool
    kind: str
    title: str
    login: str
    sender: str
    arrived_at: datetime
    lost: bool
    held: int
    releasing: int
    doubt: int
    failure: str | None

    @property
    def text(self) -> str:
        """In words, for the operator. Never the subject: this letter is mail too."""
        who = f"của {self.login or self.sender or '(không có người gửi)'}"
        # A stranger may have what address he likes: for one our letter would be held.
        parts = [self.title, f"của {HIDDEN}" if bears_mark(f"{who};") else who]
        parts += [f"{number} người nhận {word}" for number, word in self._numbers() if number]
        if self.failure:
            parts.append(f"chưa gửi được: {self.failure}")
        if self.lost:
            parts.append("TỆP CỦA THƯ KHÔNG CÒN, xem sổ tay vận hành")
        return f"số {self.id}: {'; '.join(parts)}{'' if self.news else ' (nhắc lại)'}"

    def _numbers(self) -> tuple[tuple[int, str], ...]:
        return (
            (self.held, "chờ quyết định"),
            (self.releasing, "chờ gửi đi"),
            (self.doubt, "không rõ đã nhận chưa"),
        )


def letter(found: Sequence[HeldMessage], configuration: notices.JobsConfiguration) -> EmailMessage:
    """One letter to the operator about all of them."""
    lines = [f"{one.arrived_at:%d/%m/%Y %H:%M}  {one.text}" for one in found]
    values = {"number": str(len(found)), "list": notices.listed(lines, "thư nữa")}
    key = hashlib.sha256(f"{datetime.now():%Y-%m-%d}{values['list']}".encode()).hexdigest()[:32]
    return notices.message("held_messages", values, [configuration.operator], key, configuration)


def tell(
    connection: Session, configuration: notices.JobsConfiguration, connect: Callable[[], notices.Mailer]
) -> tuple[int, int, str]:
    """Tell the operator; as notices.tell_operator."""
    return notices.tell_operator(
        connection,
        configuration,
        connect,
        "SELECT id, news, kind, title, login, sender, arrived_at, lost, held, releasing, doubt, failure"
        " FROM mail.held_to_tell()",
        lambda rows: letter([HeldMessage(*row) for row in rows], configuration),
        "SELECT mail.held_told(%s)",
    )
