"""One LMTP session (RFC 2033): takes a message for all its receivers, and answers 250 only when it is kept.

Whatever goes wrong is answered 4xx, for the receivers whom it concerns, and the queue that handed the message over
keeps it. Nothing that a client sends takes more memory than a piece, or a draft's own limit (store.py): lines of
commands have a limit, a message goes to the disk as it comes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from hanam_mail.host.quarantine import envelope
from hanam_mail.host.quarantine.content import Content
from hanam_mail.host.quarantine.envelope import BadCommandError, Envelope
from hanam_mail.host.service import say

LATER = "451 4.3.0 cannot be kept now, try again"
_PIECE = 65536
# With ORCPT a line of RCPT is longer than RFC 5321's 512 octets.
_LONGEST_LINE = 4096
_EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "XFORWARD IDENT", "SIZE")


@dataclass(frozen=True)
class SessionLimits:
    """Octets of a message, its receivers, seconds that a client may be silent and a session may last, bad commands."""

    octets: int
    recipients: int = 5000
    silence: float = 300.0
    session: float = 3600.0
    errors: int = 20


class MessageDraft(Protocol):
    """A message as it comes."""

    def add(self, octets: bytes) -> None:
        """More of it; OSError where there is no room."""

    def drop(self) -> None:
        """It is none, or it is kept: what is left of the draft goes."""


class MessageStore[Kept: MessageDraft](Protocol):
    """Where messages go."""

    def draft(self) -> Kept:
        """A place for a new one; OSError where there is none."""

    async def keep(self, draft: Kept, message: Envelope) -> Mapping[str, str]:
        """Keep it for good; raises whatever stands in the way. The answers for receivers for whom it is not kept."""


class _Over(Exception):
    """The session is over: the client went away, or may say no more."""


class _Lines:
    """What a client sends, as lines of commands and as pieces of a message."""

    def __init__(self, reader: asyncio.StreamReader, silence: float) -> None:
        self._reader, self._silence = reader, silence
        self._buffer = b""

    async def line(self) -> bytes | None:
        """The next line without its end; None for one that is too long."""
        whole = True
        while b"\n" not in self._buffer:
            if len(self._buffer) > _LONGEST_LINE:
                self._buffer, whole = b"", False
            self._buffer += await self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r") if whole and len(line) <= _LONGEST_LINE else None

    async def piece(self) -> bytes:
        if not self._buffer:
            return await self._more()
        piece, self._buffer = self._buffer, b""
        return piece

    def put_back(self, octets: bytes) -> None:
        self._buffer = octets + self._buffer

    async def _more(self) -> bytes:
        async with asyncio.timeout(self._silence):
            octets = await self._reader.read(_PIECE)
        if not octets:
            raise _Over
        return octets


class QuarantineSession[Kept: MessageDraft]:
    """One client, from the greeting to its end."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        send: Callable[[bytes], Awaitable[None]],
        door: MessageStore[Kept],
        name: str,
        limits: SessionLimits,
    ) -> None:
        self._lines = _Lines(reader, limits.silence)
        self._send, self._door, self._name, self._limits = send, door, name, limits
        self._greeted = False
        self._queue_id = ""
        self._message: Envelope | None = None
        self._accepted: list[str] = []
        self._errors = 0

    async def run(self) -> None:
        """Until the client has had enough, or has been heard long enough."""
        try:
            async with asyncio.timeout(self._limits.session):
                await self._say(f"220 {self._name} LMTP")
                while True:
                    await self._one()
        except _Over:
            pass
        except TimeoutError:
            with suppress(ConnectionError):
                await self._say("421 4.4.2 too slow")

    async def _say(self, *lines: str) -> None:
        *first, last = lines
        text = "".join(f"{line[:3]}-{line[4:]}\r\n" for line in first) + f"{last}\r\n"
        await self._send(text.encode())

    async def _one(self) -> None:
        octets = await self._lines.line()
        try:
            if octets is None:
                raise BadCommandError("500 5.5.2 line too long")
            await self._command(_text(octets))
        except BadCommandError as bad:
            self._errors += 1
            await self._say(str(bad))
            if self._errors >= self._limits.errors:
                await self._say("421 4.7.0 too many errors")
                raise _Over from bad

    async def _command(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        verb = verb.upper()
        if verb == "LHLO":
            self._greeted, self._message = True, None
            await self._say(f"250 {self._name}", *(f"250 {each}" for each in _EXTENSIONS))
        elif verb == "QUIT":
            await self._say("221 2.0.0 bye")
            raise _Over
        elif verb in ("NOOP", "RSET"):
            self._message = self._message if verb == "NOOP" else None
            await self._say("250 2.0.0 ok")
        elif verb == "VRFY":
            await self._say("252 2.0.0 perhaps")
        elif verb not in ("MAIL", "RCPT", "DATA", "XFORWARD"):
            raise BadCommandError("500 5.5.1 unknown command")
        elif not self._greeted:
            raise BadCommandError("503 5.5.1 LHLO first")
        elif verb == "XFORWARD":
            self._queue_id = envelope.queue_id(rest) or self._queue_id
            await self._say("250 2.0.0 ok")
        elif verb == "DATA":
            await self._data(rest)
        else:
            await self._envelope(verb, rest)

    async def _envelope(self, verb: str, rest: str) -> None:
        word, colon, arguments = rest.partition(":")
        if not colon or word.upper() != ("FROM" if verb == "MAIL" else "TO"):
            raise BadCommandError("501 5.5.4 MAIL FROM:<...> or RCPT TO:<...>")
        if verb == "MAIL":
            if self._message:
                raise BadCommandError("503 5.5.1 nested MAIL")
            self._message = envelope.sender(arguments)
            self._message.queue_id, self._accepted = self._queue_id, []
        else:
            if not self._message:
                raise BadCommandError("503 5.5.1 MAIL first")
            new = envelope.recipient(arguments)
            if len(self._accepted) >= self._limits.recipients:
                raise BadCommandError("452 4.5.3 too many recipients")
            self._message.add(new)
            self._accepted.append(new.address)
        await self._say("250 2.1.0 ok" if verb == "MAIL" else "250 2.1.5 ok")

    async def _data(self, rest: str) -> None:
        if rest.strip():
            raise BadCommandError("501 5.5.4 DATA alone")
        message = self._message
        if not message or not message.recipients:
            raise BadCommandError("503 5.5.1 no recipients")
        draft, trouble = None, ""
        answers: Mapping[str, str] = {}
        try:
            draft = self._door.draft()
        except OSError as error:
            # Said at the message's end, as all else: who sends in one piece has sent it already.
            trouble = _told(error)
        try:
            await self._say("354 go on")
            trouble = await self._read(draft, trouble)
            if draft and not trouble:
                try:
                    answers = await self._door.keep(draft, message)
                except Exception as error:
                    trouble = _told(error)
        finally:
            if draft:
                draft.drop()
        self._message, self._queue_id = None, ""
        # An answer for each RCPT that was taken (RFC 2033, 4.2).
        said = (trouble or answers.get(each, "250 2.0.0 held") for each in self._accepted)
        await self._send("".join(f"{answer}\r\n" for answer in said).encode())

    async def _read(self, draft: Kept | None, trouble: str) -> str:
        """The message to its end; what stands in the way of keeping it."""
        content, octets, behind = Content(), 0, None
        while behind is None:
            plain, behind = content.feed(await self._lines.piece())
            octets += len(plain)
            if not trouble and octets > self._limits.octets:
                trouble = "452 4.3.4 message too large"
                say(4, f"thư lớn hơn {self._limits.octets} octet không giữ được / a message is too large to be held")
            if draft and not trouble:
                try:
                    draft.add(plain)
                except OSError as error:
                    trouble = _told(error)
        self._lines.put_back(behind)
        return trouble


def _text(octets: bytes) -> str:
    try:
        line = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise BadCommandError("501 5.5.2 not UTF-8") from None
    if "\0" in line or "\r" in line:
        raise BadCommandError("500 5.5.2 control characters")
    return line


def _told(error: Exception) -> str:
    """The answer when a message cannot be kept now; the journal says why."""
    reason = " ".join(str(error).split()) or type(error).__name__
    say(3, f"không giữ được thư, bên gửi sẽ gửi lại / a message cannot be kept now: {reason}")
    return LATER
