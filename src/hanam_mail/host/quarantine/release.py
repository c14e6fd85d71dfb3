"""Lets held messages go: to Postfix's own door for them, once, or a person is asked.

SMTP leaves one moment in which nobody knows: after the last line and before its answer. So the database is told
`sending` just before that line, and whatever ends in that moment leaves a doubt, which no program resolves. What ends
earlier was not sent, and is tried again.
"""

import smtplib
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from hanam_mail.host.quarantine import letter
from hanam_mail.host.quarantine.content import stuffed

SECONDS = 120.0
# A head that is longer goes out as it is; Postfix takes the filter's own field out itself.
_HEAD = 4194304
_OURS = (b"x-hanam-", b"x-spam")


@dataclass(frozen=True)
class DueRelease:
    """A message that is to go out; a row of mail.held_due. `recipients` are {"address", "notify", "orcpt"}."""

    id: int
    file: str
    sha256: str
    sender: str
    envelope: dict[str, Any]
    tries: int
    recipients: list[dict[str, str]]


@dataclass
class ReleaseOutcome:
    """Who has it, under which number of the queue; who is refused for good or for now, and why; who is a doubt."""

    delivered: list[str] = field(default_factory=list)
    queued_as: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    later: dict[str, str] = field(default_factory=dict)
    doubted: list[str] = field(default_factory=list)


class ReleaseServer(Protocol):
    """What of smtplib.SMTP is used."""

    def ehlo_or_helo_if_needed(self) -> None:
        """Say who we are."""

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


class ReleaseDoor:
    """Postfix's door for released mail on the hosts that take our people's, by TLS with this host's certificate."""

    def __init__(self, hosts: Iterable[str], ca: str, certificate: str, key: str) -> None:
        self._hosts = list(hosts)
        self._ca, self._certificate, self._key = ca, certificate, key

    def __call__(self) -> ReleaseServer:
        """The first that answers; OSError or SMTPException when none does."""
        # Read anew: a certificate is renewed while the service runs.
        context = ssl.create_default_context(cafile=self._ca)
        context.load_cert_chain(self._certificate, self._key)
        trouble: Exception = OSError("no host")
        for host in self._hosts:
            name, _, port = host.rpartition(":")
            try:
                server = smtplib.SMTP_SSL(name, int(port), timeout=SECONDS, context=context)
                # Addresses may be UTF-8 (RFC 6531).
                server.command_encoding = "utf-8"
                return server
            except (OSError, smtplib.SMTPException) as error:
                trouble = error
        raise trouble


def outgoing(octets: Iterable[bytes], domain: str) -> Iterator[bytes]:
    """A message without what our filter had written into its head: its reason, its marks, its signatures as `domain`.

    It is judged, scanned and signed once more.
    """
    source, head = iter(octets), b""
    for piece in source:
        head += piece
        end = head.find(b"\r\n\r\n")
        if end > 0:
            kept = [each for each in letter.lines_of_fields(head[: end + 2]) if not _by_filter(each, domain)]
            yield b"".join(kept) + head[end + 2 :]
            break
        # A message without any head, or with one that nobody wrote by hand.
        if head.startswith(b"\r\n") or len(head) > _HEAD:
            yield head
            break
    else:
        yield head
    yield from source


def _by_filter(lines: bytes, domain: str) -> bool:
    name, _, value = lines.partition(b":")
    name = name.strip().lower()
    if name.startswith(_OURS):
        return True
    tags = b"".join(value.split()).lower().split(b";")
    return name == b"dkim-signature" and b"d=" + domain.encode() in tags


def deliver(
    due: DueRelease, octets: Iterable[bytes], connect: Callable[[], ReleaseServer], sending: Callable[[list[str]], bool]
) -> ReleaseOutcome:
    """Give the message to Postfix. `sending` is asked just before the last line; without its yes nothing is sent.

    Raises what `octets` raises when the file is not what it was; nothing was sent then.
    """
    outcome, addresses = ReleaseOutcome(), [each["address"] for each in due.recipients]
    try:
        server = connect()
    except (OSError, smtplib.SMTPException) as error:
        outcome.later = dict.fromkeys(addresses, _words(error))
        return outcome
    try:
        _converse(server, due, octets, sending, outcome)
    except (OSError, smtplib.SMTPException) as error:
        # Between the last line and its answer `doubted` has them.
        left = set(addresses) - {*outcome.delivered, *outcome.refused, *outcome.later, *outcome.doubted}
        outcome.later |= dict.fromkeys(left, _words(error))
    finally:
        server.close()
    return outcome


def _converse(
    server: ReleaseServer,
    due: DueRelease,
    octets: Iterable[bytes],
    sending: Callable[[list[str]], bool],
    outcome: ReleaseOutcome,
) -> None:
    server.ehlo_or_helo_if_needed()
    dsn = server.has_extn("dsn")
    _sort(server.docmd(*_mail(due, dsn)), [each["address"] for each in due.recipients], outcome)
    if outcome.refused or outcome.later:
        return
    accepted = []
    for each in due.recipients:
        answer = server.docmd(*_rcpt(each, dsn))
        _sort(answer, [each["address"]], outcome)
        if answer[0] // 100 == 2:
            accepted.append(each["address"])
    if not accepted:
        return
    code, text = server.docmd("DATA")
    if code != 354:
        _sort((code if code >= 400 else 451, text), accepted, outcome)
        return
    for piece in stuffed(octets):
        server.send(piece)
    if not sending(accepted):
        # Somebody has decided otherwise. Whoever leaves before the last line has sent nothing.
        return
    outcome.doubted = accepted
    server.send(b".\r\n")
    code, text = server.getreply()
    if code == -1:
        return
    outcome.doubted = []
    if code // 100 == 2:
        outcome.delivered, outcome.queued_as = accepted, _queue_id(text)
    else:
        _sort((code, text), accepted, outcome)


def _sort(answer: tuple[int, bytes], addresses: Iterable[str], outcome: ReleaseOutcome) -> None:
    """Put down a refusal; -1 is a server that went away."""
    code, text = answer
    words = f"{code} {text.decode('utf-8', 'replace')}"
    if code // 100 == 5:
        outcome.refused |= dict.fromkeys(addresses, words)
    elif code // 100 != 2:
        outcome.later |= dict.fromkeys(addresses, words)


def _mail(due: DueRelease, dsn: bool) -> tuple[str, str]:
    said = due.envelope
    words = [f"FROM:<{due.sender}>"]
    words += [f"BODY={said['body']}"] if said.get("body") else []
    words += ["SMTPUTF8"] if said.get("utf8") else []
    words += [f"{name.upper()}={said[name]}" for name in ("ret", "envid") if dsn and said.get(name)]
    return "MAIL", " ".join(words)


def _rcpt(recipient: dict[str, str], dsn: bool) -> tuple[str, str]:
    words = [f"TO:<{recipient['address']}>"]
    words += [f"{name.upper()}={recipient[name]}" for name in ("notify", "orcpt") if dsn and recipient.get(name)]
    return "RCPT", " ".join(words)


def _queue_id(text: bytes) -> str:
    """Of Postfix's `2.0.0 Ok: queued as 4hX...`."""
    return text.decode("utf-8", "replace").rpartition("queued as ")[2].split(" ")[0][:64]


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
