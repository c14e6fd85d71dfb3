"""The text of an attached document, from hanam-extract on this host's loopback (record 0049): `PUT /text`.

What that service says of a document is an Answer, also that nobody can read it. That it does not answer, or not in
time, is Away: nobody knows what is in it, and its message waits.
"""

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass

# As X-Extract says them: all was read; text is missing; nothing can be read.
WHOLE, PARTIAL, CUT, UNKNOWN, ENCRYPTED, BROKEN, LIMIT = (
    "whole", "partial", "cut", "unknown", "encrypted", "broken", "limit",
)  # fmt: skip
_ENDS = frozenset((WHOLE, PARTIAL, CUT, UNKNOWN, ENCRYPTED, BROKEN, LIMIT))
_STATUS = frozenset((200, 204, 415, 422))
MOST_TEXT = 8 * 2**20


class Away(Exception):
    """There is no answer now."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a reading ended and why, and the text."""

    end: str
    text: str = ""
    reason: str = ""


type Reader = Callable[[bytes, float], Answer]
"""Takes a document and the moment (monotonic) until which it may wait. Raises Away."""


def asker(port: int, address: str = "127.0.0.1") -> Reader:
    """A reader that asks the service there."""

    def ask(document: bytes, until: float) -> Answer:
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise Away("no time is left for a document")
        connection = http.client.HTTPConnection(address, port, timeout=seconds)
        try:
            connection.request("PUT", "/text", document, {"Connection": "close"})
            response = connection.getresponse()
            text = response.read(MOST_TEXT)
        except (OSError, http.client.HTTPException) as error:
            raise Away(f"documents cannot be read: {error or type(error).__name__}") from error
        finally:
            connection.close()
        end, _, reason = (response.getheader("X-Extract") or "").partition(" ")
        # What is shorter than it says was cut off on its way.
        whole = response.status == 204 or response.getheader("Content-Length") == str(len(text))
        if response.status not in _STATUS or end not in _ENDS or not whole:
            raise Away(f"documents cannot be read: {response.status} {end}")
        return Answer(end, text.decode("utf-8", "replace"), reason)

    return ask
