"""Hands a letter to the mail server's door for our own people, signed in as its writer, at most once.

SMTP leaves one moment in which nobody knows: after the last line and before its answer. So the database is told
`sending` just before that line, and whatever ends in that moment leaves a doubt, which no program resolves. All
receivers are taken, or nothing is sent: so it is with what people send themselves.
"""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hanam_mail.host.quarantine.content import stuffed
from hanam_mail.host.scheduled import refusals
from hanam_mail.host.scheduled.letter import ScheduledLetter

_PIECE = 65536


@dataclass(frozen=True)
class HandingOutcome:
    """`kind` is that of mail.scheduled_result; `words` the number of the queue, or why not, as its writer is told.

    `raw` is what the server or Python said, for the operator.
    """

    kind: str
    words: str = ""
    raw: str = ""


class SubmissionServer(Protocol):
    """What of smtplib.SMTP_SSL is used."""

    def login(self, user: str, password: str) -> object:
        """Sign in; SMTPException when that is refused."""

    def has_extn(self, opt: str) -> bool:
        """Whether the server offers an extension."""

    def docmd(self, cmd: str, args: str = "") -> tuple[int, bytes]:
        """Send a command; its answer."""

    def send(self, s: bytes) -> None:
        """Send octets."""

    def getreply(self) -> tuple[int, bytes]:
        """An answer."""

    def close(self) -> None:
        """Leave without a word."""


@dataclass(frozen=True)
class SubmissionDoor:
    """How the server is reached, and who signs in."""

    connect: Callable[[], SubmissionServer]
    user: str
    word: str


def hand_over(door: SubmissionDoor, letter: ScheduledLetter, dsn: bool, sending: Callable[[], bool]) -> HandingOutcome:
    """Give it to the server. `sending` is asked just before the last line; without its yes nothing is sent."""
    said = [HandingOutcome("later")]
    try:
        server = door.connect()
    except (OSError, smtplib.SMTPException) as error:
        return HandingOutcome("later", refusals.of_error(error), raw(error))
    try:
        server.login(door.user, door.word)
        _converse(server, letter, dsn, sending, said)
    except Exception as error:
        # Whatever broke: after the last line nobody knows.
        if said[-1].kind == "doubt":
            return said[-1]
        if not isinstance(error, (OSError, smtplib.SMTPException)):
            raise
        return HandingOutcome("later", refusals.of_error(error), raw(error))
    finally:
        server.close()
    return said[-1]


def _converse(
    server: SubmissionServer,
    letter: ScheduledLetter,
    dsn: bool,
    sending: Callable[[], bool],
    said: list[HandingOutcome],
) -> None:
    dsn = dsn and server.has_extn("dsn")
    commands = [("MAIL", _mail(letter, dsn), "")]
    commands += [
        ("RCPT", f"TO:<{address}>" + (" NOTIFY=SUCCESS,FAILURE" if dsn else ""), address)
        for address in letter.recipients
    ]
    for command, arguments, to in commands:
        if refusal := _refusal(server.docmd(command, arguments), 250, to):
            said.append(refusal)
            return
    if refusal := _refusal(server.docmd("DATA"), 354):
        said.append(refusal)
        return
    pieces = (letter.sent[start : start + _PIECE] for start in range(0, len(letter.sent), _PIECE))
    for piece in stuffed(pieces):
        server.send(piece)
    if not sending():
        # Called off. Whoever leaves before the last line has sent nothing.
        return
    said.append(HandingOutcome("doubt"))
    server.send(b".\r\n")
    code, text = server.getreply()
    if code == -1:
        return
    queued = text.decode("utf-8", "replace").rpartition("queued as ")[2].split(" ")[0][:64]
    said.append(_refusal((code, text), 250) or HandingOutcome("sent", queued))


def _refusal(answer: tuple[int, bytes], good: int, to: str = "") -> HandingOutcome | None:
    """None for a good answer; -1 is a server that went away."""
    code, text = answer
    if code == good or (good == 250 and code in (251, 252)):
        return None
    said = " ".join(text.decode("utf-8", "replace").split())
    kind = "refused" if code // 100 == 5 else "later"
    return HandingOutcome(kind, refusals.of_reply(code, said, to), f"{code} {said}"[:500])


def _mail(letter: ScheduledLetter, dsn: bool) -> str:
    parts = [f"FROM:<{letter.sender}>", f"SIZE={len(letter.sent)}"]
    parts += ["BODY=8BITMIME"] if letter.eight_bits or letter.utf8 else []
    parts += ["SMTPUTF8"] if letter.utf8 else []
    parts += ["RET=HDRS"] if dsn else []
    return " ".join(parts)


def raw(error: Exception) -> str:
    """What went wrong, in a line for the journal. Of a refused sign-in the code and text."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        return " ".join(f"{error.smtp_code} {said}".split())[:300]
    return " ".join(str(error).split())[:300] or type(error).__name__
