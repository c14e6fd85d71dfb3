"""Tells the filter whether a message of our people bears a secrecy mark (Đ3.3): `hanam-secrecy PORT SECONDS`.

The filter says what kind of message it is, "letter" or "reply" (what a script answered by itself), and the size
(host/filter_service.py). The answer: {"marks": ["TOI MAT in subject", ...],
"unread": ["attachment 1: encrypted", ...], "noted": {...}} (host/remarks.py), in ASCII; or {"error": ...} where the
message could not be looked at now.
"""

import argparse
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hanam_mail.host import remarks
from hanam_mail.host.filter_service import BadFilterRequest, FilterService, Judged, ServiceLimits, serve
from hanam_mail.host.secrecy import documents, verdict
from hanam_mail.host.secrecy.documents import DocumentReader, ExtractorAway
from hanam_mail.host.service import Program

# Each waits for its documents' texts most of its time.
AT_ONCE = 64
MOST_WAITING = 256
# Octets of large messages that are looked at together; each takes so many times as much memory (ten, if it is a text
# alone; this, if it is one of the shortest lines with a letter beyond all others).
ROOM = 48 * 2**20
LARGE = 128 * 2**10
TIMES = 25
# Of the time that the filter waits: until when a message's turn must have come, until when it is judged and answered,
# and how often over before a thread is given up.
STALE, JUDGED, ANSWERED, STUCK = 0.25, 0.75, 0.9, 3.0


class SecrecyService(FilterService):
    """`reader` gives the text of documents; the filter waits so many seconds."""

    words = ("kind",)

    def __init__(self, reader: DocumentReader, seconds: float, room: int = ROOM) -> None:
        self._seconds = seconds
        super().__init__(room)
        self._reader = reader

    @property
    def limits(self) -> ServiceLimits:
        """Those above."""
        times = (share * self._seconds for share in (STALE, ANSWERED, STUCK))
        return ServiceLimits(AT_ONCE, MOST_WAITING, LARGE, *times)

    def judged(self, said: Mapping[str, str], content: bytes, came: float) -> Judged:
        """The verdict. Raises BadFilterRequest where there is none now."""
        until = came + JUDGED * self._seconds
        try:
            found = verdict.judge(content, self._reader, until, reply=said["kind"] == "reply")
            return Judged(found.answer() | {"noted": remarks.noted(content, until)})
        except ExtractorAway as error:
            raise BadFilterRequest(str(error)) from error
        except verdict.Late as error:
            raise BadFilterRequest("the time is over") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    text = "tìm dấu chỉ độ mật trong thư do người dùng gửi (systemd gọi)"
    parser = argparse.ArgumentParser(prog="hanam-secrecy", description=text)
    parser.add_argument("port", type=int, help="cổng của hanam-extract trên máy này")
    parser.add_argument("seconds", type=float, help="số giây mà bộ lọc chờ trả lời")
    options = parser.parse_args(arguments)
    # The first socket that systemd hands over (sd_listen_fds(3)).
    door = socket.socket(fileno=3)
    serve(SecrecyService(documents.asker(options.port), options.seconds), door, Program(Path(sys.argv[0])))
    return 0
