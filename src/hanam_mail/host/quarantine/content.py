"""The octets of a message between LMTP's lines and a file: dots taken out on the way in, put in on the way out.

RFC 5321, 4.5.2. A line ends in CRLF and in nothing else: who took a bare line feed for an end would see another message
than the server that handed this one over (SMTP smuggling).
"""

from collections.abc import Iterable, Iterator

_END = b"\r\n.\r\n"


class Content:
    """What comes after DATA, in pieces as they arrive; never more of it in memory than a piece."""

    def __init__(self) -> None:
        # As if a line had just ended: a dot may come first.
        self._held = b"\r\n"
        self._skip = 2

    def feed(self, piece: bytes) -> tuple[bytes, bytes | None]:
        """More octets of the message, and what came behind its end; None while that has not come."""
        data = self._held + piece
        end = data.find(_END)
        if end >= 0:
            return self._plain(data[: end + 2]), data[end + len(_END) :]
        # The beginning of what may be an end, or a dot to take out, waits for the rest.
        cut = data.find(b"\r", max(0, len(data) - len(_END) + 1))
        cut = len(data) if cut < 0 else cut
        self._held = data[cut:]
        return self._plain(data[:cut]), None

    def _plain(self, lines: bytes) -> bytes:
        octets = lines.replace(b"\r\n.", b"\r\n")[self._skip :]
        if lines:
            self._skip = 0
        return octets


def stuffed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A message's octets for DATA without the last line, the dot: lines that begin with one get another."""
    before = b"\r\n"
    for piece in pieces:
        data = before + piece
        yield data.replace(b"\r\n.", b"\r\n..")[len(before) :]
        # A line may end with the one piece and begin with the next.
        before = data[-2:]
    if before != b"\r\n":
        yield b"\r\n"
