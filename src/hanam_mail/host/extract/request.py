"""One HTTP/1.1 request, read strictly: what two readers could take for two different requests is none (RFC 9112).

PUT with a body of known length or in chunks, as Dovecot's Tika client and rspamd send it. No header of a document is
believed: neither its kind nor its name are read. Dovecot copies such fields from the message, so whatever stands in
them, and however long they are, the request is sound (an answer that it does not expect stops a mailbox's index).
"""

import hashlib
import os
import re
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

# Of a line of the head so much is kept; fields and octets of a whole head.
HEAD_LINE, FIELDS, HEAD = 4096, 200, 8 * 2**20
CHUNK_LINE, TRAILER = 64, 4096
_READ = 65536
_LINE = re.compile(rb"([A-Z]{1,16}) (/[!-~]{0,1000}|http://[!-~]{1,1000}|\*) HTTP/1\.([01])")
_FIELD = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}):[ \t]*((?:[!-~\x80-\xff](?:[ \t!-~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*"
)
_NAME = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}):")
# In no line: some readers end one at them.
_NEVER = re.compile(rb"[\r\n\0]")
_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")
# What says how long the body is or where the request ends: twice is a contradiction.
_ONCE = {"content-length", "transfer-encoding", "host", "expect"}

type Take = Callable[[bytes], None]


class BadRequest(Exception):
    """Answered with this status; the connection ends, since nobody knows where the next request would begin."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status, self.reason = status, reason


class Gone(Exception):
    """The other side left; there is nobody to answer."""


class Sink(Protocol):
    """Where a body goes."""

    def write(self, octets: bytes, /) -> object:
        """Take more of it."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The request line and, by their names in small letters, the fields that say where the request ends."""

    method: str
    path: str
    version: int
    fields: dict[str, str]

    @property
    def length(self) -> int | None:
        """Octets of the body, None when it comes in chunks."""
        return None if "transfer-encoding" in self.fields else int(self.fields.get("content-length", "0"))


class Connection:
    """A client's connection. Reading ends with BadRequest 408 when the time is over, however much comes."""

    def __init__(self, client: socket.socket, seconds: float) -> None:
        self._client = client
        self._buffer = b""
        self._left_of_head = HEAD
        self._deadline = time.monotonic() + seconds
        client.setblocking(False)

    def head(self) -> RequestHead:
        """Raises BadRequest; Gone when nothing came."""
        lines, self._left_of_head = list[bytes](), HEAD
        while line := self._head_line():
            lines.append(line)
            if len(lines) > FIELDS or len(lines[0]) >= HEAD_LINE:
                raise BadRequest(431, "header too large")
        return parse(b"\r\n".join(lines))

    def _head_line(self) -> bytes:
        """The next one, without its end; of a longer one the begin, and the rest is read and dropped."""
        kept, end = b"", -1
        while end < 0:
            end = self._buffer.find(b"\r\n")
            # A carriage return may be the first half of a line's end.
            size = end if end >= 0 else len(self._buffer) - self._buffer.endswith(b"\r")
            piece = self._buffer[:size]
            self._left_of_head -= size
            if _NEVER.search(piece):
                raise BadRequest(400, "header is broken")
            if self._left_of_head < 0:
                raise BadRequest(431, "header too large")
            kept += piece[: HEAD_LINE - len(kept)]
            self._buffer = self._buffer[size + 2 if end >= 0 else size :]
            if end < 0 and not self._more():
                raise Gone if self._left_of_head == HEAD and not self._buffer else BadRequest(400, "header is cut off")
        return kept

    def expect(self, head: RequestHead) -> None:
        """Tell a client that waits for it that its body is wanted."""
        if head.fields.get("expect", "").lower() == "100-continue" and head.version == 1:
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def body(self, head: RequestHead, sink: Sink, most: int) -> int:
        """Give the body to the sink as far as `most` octets go, and read all of it; its size."""
        size = 0

        def take(octets: bytes) -> None:
            nonlocal size
            sink.write(octets[: max(0, most - size)])
            size += len(octets)

        if head.length is None:
            self._chunks(take, most)
        else:
            self._exactly(head.length, take)
        return size

    def send(self, octets: bytes) -> None:
        """All of it. Raises Gone."""
        view = memoryview(octets)
        while view:
            if not self._wait(select.POLLOUT):
                raise Gone
            try:
                view = view[self._client.send(view) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Gone from error

    def close(self) -> None:
        """After an answer: what still comes is read for a moment, or the kernel would take the answer back."""
        self._deadline = min(self._deadline, time.monotonic() + 2)
        try:
            self._client.shutdown(socket.SHUT_WR)
            for _ in range(256):
                if not self._more():
                    break
                self._buffer = b""
        except (OSError, BadRequest, Gone):
            pass
        self._client.close()

    def more_time(self, seconds: float) -> None:
        """So long from now."""
        self._deadline = time.monotonic() + seconds

    def is_there(self) -> bool:
        """Whether the client still listens."""
        poll = select.poll()
        poll.register(self._client, select.POLLRDHUP)
        return not any(event & (select.POLLRDHUP | select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))

    def _wait(self, event: int) -> bool:
        poll = select.poll()
        poll.register(self._client, event)
        return bool(poll.poll(max(0.0, self._deadline - time.monotonic()) * 1000))

    def _more(self) -> bool:
        """Read what is there; False at the end."""
        if time.monotonic() > self._deadline or not self._wait(select.POLLIN):
            raise BadRequest(408, "too slow")
        try:
            octets = self._client.recv(_READ)
        except BlockingIOError:
            return True
        except OSError as error:
            raise Gone from error
        self._buffer += octets
        return bool(octets)

    def _exactly(self, left: int, take: Take) -> None:
        while left:
            if not self._buffer and not self._more():
                raise BadRequest(400, "body is cut off")
            octets, self._buffer = self._buffer[:left], self._buffer[left:]
            left -= len(octets)
            take(octets)

    def _line(self, most: int) -> bytes:
        while b"\r\n" not in self._buffer[: most + 2]:
            # A line feed without its carriage return is the end of a line to some readers.
            if b"\n" in self._buffer or len(self._buffer) > most + 1 or not self._more():
                raise BadRequest(400, "chunk is broken")
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _chunks(self, take: Take, most: int) -> None:
        # Chunks of an octet each would cost a hundred times what they carry.
        number = 4096 + most // 256
        while True:
            line = self._line(CHUNK_LINE)
            if not _SIZE.fullmatch(line):
                raise BadRequest(400, "chunk is broken")
            number -= 1
            if number < 0:
                raise BadRequest(400, "too many chunks")
            if (size := int(line, 16)) == 0:
                break
            self._exactly(size, take)
            if self._line(0):
                raise BadRequest(400, "chunk is broken")
        room = TRAILER
        while line := self._line(room):
            room -= len(line) + 2
            if room < 0 or not _FIELD.fullmatch(line):
                raise BadRequest(400, "trailer is broken")


def parse(raw: bytes) -> RequestHead:
    """A head without its last empty line. Raises BadRequest."""
    lines = raw.split(b"\r\n")
    first = _LINE.fullmatch(lines[0])
    if first is None:
        raise BadRequest(400, "request line is broken")
    fields: dict[str, str] = {}
    for line in lines[1:]:
        named = _NAME.match(line)
        if named is None or _NEVER.search(line):
            raise BadRequest(400, "header is broken")
        name = named[1].decode("ascii").lower()
        if name not in _ONCE:
            continue
        found = _FIELD.fullmatch(line)
        if found is None:
            raise BadRequest(400, "header is broken")
        if name in fields:
            raise BadRequest(400, f"{name} twice")
        fields[name] = found[2].decode("latin-1")
    version = int(first[3])
    head = RequestHead(first[1].decode("ascii"), _path(first[2].decode("ascii")), version, fields)
    coding, length = fields.get("transfer-encoding"), fields.get("content-length")
    if coding is not None and (coding.lower() != "chunked" or length is not None or version == 0):
        raise BadRequest(400, "transfer-encoding is not chunked alone")
    if length is not None and not re.fullmatch("[0-9]{1,12}", length):
        raise BadRequest(400, "content-length is no number")
    if version == 1 and "host" not in fields:
        raise BadRequest(400, "no host")
    if "expect" in fields and fields["expect"].lower() != "100-continue":
        raise BadRequest(417, "expectation unknown")
    if head.method == "PUT" and coding is None and length is None:
        raise BadRequest(411, "no length")
    return head


def _path(target: str) -> str:
    """A target's path, also of one with host (RFC 9112, 3.2.2)."""
    if not target.startswith("http://"):
        return target.partition("?")[0]
    return "/" + target[len("http://") :].partition("/")[2].partition("?")[0]


class Memory:
    """A file in memory without a name, for a body."""

    def __init__(self) -> None:
        self.number = os.memfd_create("body", os.MFD_CLOEXEC)
        self._hash = hashlib.sha256()

    def digest(self) -> bytes:
        """SHA-256 of what was written."""
        return self._hash.digest()

    def write(self, octets: bytes) -> None:
        """Append."""
        self._hash.update(octets)
        view = memoryview(octets)
        while view:
            view = view[os.write(self.number, view) :]
