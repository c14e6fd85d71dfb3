"""The text of an attached document, from hanam-extract on this host's loopback (record 0049): `PUT /text`.

What that service says of a document is a DocumentText, also that nobody can read it. That it does not answer, or not in
time, is ExtractorAway: nobody knows what is in it, and its message waits.
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


class ExtractorAway(Exception):
    """There is no answer now."""


@dataclass(frozen=True, slots=True)
class DocumentText:
    """How a reading ended and why, and the text."""

    end: str
    text: str = ""
    reason: str = ""


type DocumentReader = Callable[[bytes, float], DocumentText]
"""Takes a document and the moment (monotonic) until which it may wait. Raises ExtractorAway."""


def asker(port: int, address: str = "127.0.0.1") -> DocumentReader:
    """A reader that asks the service there."""

    def ask(document: bytes, until: float) -> DocumentText:
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise ExtractorAway("no time is left for a document")
        connection = http.client.HTTPConnection(address, port, timeout=seconds)
        try:
            connection.request("PUT", "/text", document, {"Connection": "close"})
            response = connection.getresponse()
            text = response.read(MOST_TEXT)
        except (OSError, http.client.HTTPException) as error:
            raise ExtractorAway(f"documents cannot be read: {error or type(error).__name__}") from error
        finally:
            connection.close()
        end, _, reason = (response.getheader("X-Extract") or "").partition(" ")
        # What is shorter than it says was cut off on its way.
        whole = response.status == 204 or response.getheader("Content-Length") == str(len(text))
        if response.status not in _STATUS or end not in _ENDS or not whole:
            raise ExtractorAway(f"documents cannot be read: {response.status} {end}")
        return DocumentText(end, text.decode("utf-8", "replace"), reason)

    return ask
