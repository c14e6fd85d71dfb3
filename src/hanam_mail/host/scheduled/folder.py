"""The mailbox in which a letter waits, opened by IMAP as its writer: it is read there, and put among what was sent."""

import base64
import imaplib
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

_SIZE = re.compile(rb"RFC822\.SIZE (\d+)", re.IGNORECASE)
# A search can name it, and no command is made of it.
_NAMED = re.compile(r"[ -~]+")
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)", re.IGNORECASE)


def name(folder: str) -> str:
    """A folder's name as IMAP writes it, in quotes: modified UTF-7 (RFC 3501, 5.1.3)."""
    written, foreign = "", ""
    for letter in f"{folder}\0":
        if letter != "\0" and not " " <= letter <= "~":
            foreign += letter
            continue
        if foreign:
            written += "&" + base64.b64encode(foreign.encode("utf-16-be"), b"+,").decode().rstrip("=") + "-"
            foreign = ""
        written += {"&": "&-", "\0": "", '"': '\\"', "\\": "\\\\"}.get(letter, letter)
    return f'"{written}"'


class TooLargeError(Exception):
    """Nobody may send so long a letter."""


class MailFolder:
    """A session; what fails in it raises imaplib.IMAP4.error or OSError."""

    def __init__(
        self, connect: Callable[[], imaplib.IMAP4], user: str, word: str, waiting: str, sent: str, limit: int
    ) -> None:
        self._waiting, self._sent, self._limit = waiting, sent, limit
        self._client = connect()
        try:
            self._client.authenticate("PLAIN", lambda _: f"\0{user}\0{word}".encode())
        except BaseException:
            self._client.shutdown()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.shutdown()

    def letter(self, validity: int, uid: int) -> bytes | None:
        """The letter in that place; None when it is there no more. TooLargeError before it is read."""
        kind, _ = self._client.select(name(self._waiting))
        if kind != "OK" or self._client.response("UIDVALIDITY")[1] != [str(validity).encode()]:
            return None
        kind, answer = self._client.uid("FETCH", str(uid), "(RFC822.SIZE)")
        # Before it fills the memory of this program, which has other letters in hand.
        size = _SIZE.search(b" ".join(each for each in answer if isinstance(each, bytes)))
        if size and int(size[1]) > self._limit:
            raise TooLargeError
        kind, answer = self._client.uid("FETCH", str(uid), "(FLAGS BODY.PEEK[])")
        if kind != "OK":
            raise imaplib.IMAP4.error(f"FETCH: {answer!r:.200}")
        whole = [each for each in answer if isinstance(each, tuple)]
        if len(whole) != 1:
            return None
        around = b" ".join(each if isinstance(each, bytes) else each[0] for each in answer if each)
        flags = _FLAGS.search(around)
        return None if flags and b"\\deleted" in flags[1].lower() else bytes(whole[0][1])

    def file(self, uid: int, octets: bytes, message_id: str) -> None:
        """Put it among what was sent, once, as it left; the place where it waited is empty then."""
        if not self._is_filed(message_id):
            kind, _ = self._client.append(name(self._sent), r"(\Seen)", imaplib.Time2Internaldate(time.time()), octets)
            self._client.select(name(self._waiting))
            if kind != "OK":
                # No room for two: as it is, at least.
                self._do("MOVE", str(uid), name(self._sent))
                return
        self._client.select(name(self._waiting))
        self._do("STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)")
        self._do("EXPUNGE", str(uid))

    def _is_filed(self, message_id: str) -> bool:
        if not _NAMED.fullmatch(message_id) or self._client.select(name(self._sent), readonly=True)[0] != "OK":
            return False
        safe = message_id.replace("\\", "\\\\").replace('"', '\\"')
        kind, answer = self._client.uid("SEARCH", "HEADER", "Message-ID", f'"{safe}"')
        return kind == "OK" and bool(answer[0])

    def _do(self, command: str, *words: str) -> None:
        kind, answer = self._client.uid(command, *words)
        if kind != "OK":
            raise imaplib.IMAP4.error(f"{command}: {answer!r:.200}")
