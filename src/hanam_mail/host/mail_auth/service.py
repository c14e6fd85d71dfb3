"""Tells the filter who really sent a message from outside (Đ4.6): `hanam-mail-auth NAMESERVER...`.

The filter says address, helo, sender and author (host/filter_service.py), and gets a verdict (verdict.judge) with what
is noted about the message besides ("noted", host/remarks.py), or {"refused": ...} for what no honest sender writes.

With --reports FOLDER what was judged is counted there for reports to the authors' domains (outgoing_spool.py), once the
filter has its answer; not what it says is a report itself ("report": true).
"""

import argparse
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from hanam_mail.host import remarks
from hanam_mail.host.filter_service import FilterService, Judged, ServiceLimits, serve
from hanam_mail.host.mail_auth import verdict
from hanam_mail.host.mail_auth.questions import TemporaryError
from hanam_mail.host.reports import outgoing_seen
from hanam_mail.host.reports.outgoing_spool import Counter
from hanam_mail.host.service import Program, say

# Each waits for DNS most of its time. No fewer than Postfix lets in (postfix_process_limit).
AT_ONCE = 128
MOST_WAITING = 256
# Octets of large messages that are looked at together; each takes so many times as much memory (four, unless its lines
# end otherwise than lines of mail do).
ROOM = 96 * 2**20
LARGE = 256 * 2**10
TIMES = 7
# The filter waits 15 s in all.
STALE_SECONDS = 4.0
PATIENCE = 12.0
STUCK_SECONDS = 60.0
NAMESERVER_PORT = 53


class MailAuthService(FilterService):
    """`servers`: (address, port) of resolvers. `reports`: counts what was judged."""

    words = ("address", "helo", "sender", "author")
    flags = ("report",)

    def __init__(self, servers: Sequence[tuple[str, int]], room: int = ROOM, reports: Counter | None = None) -> None:
        super().__init__(room)
        self._servers = servers
        self._reports = reports

    @property
    def limits(self) -> ServiceLimits:
        """Those above."""
        return ServiceLimits(AT_ONCE, MOST_WAITING, LARGE, STALE_SECONDS, PATIENCE, STUCK_SECONDS)

    def judged(self, said: Mapping[str, str], content: bytes, came: float) -> Judged:
        """The verdict, and then the count of it."""
        envelope = verdict.ClientIdentity(*(said[word] for word in self.words))
        cases: list[verdict.Case] = []
        note = cases.append if self._reports and not said["report"] else None
        answer = verdict.judge(envelope, content, self._servers, came + verdict.DNS_SECONDS, note)
        if "refused" not in answer:
            answer["noted"] = remarks.noted(content, came + PATIENCE)
        return Judged(answer, partial(self._report, cases))

    def close(self) -> None:
        """Come to the end with those that were taken."""
        super().close()
        if self._reports:
            self._reports.close()

    def _report(self, cases: Sequence[verdict.Case]) -> None:
        """For the author's domain; no fault here is one of the verdict."""
        if not self._reports:
            return
        for case in cases:
            try:
                if found := outgoing_seen.seen(case):
                    self._reports.add(found)
            except TemporaryError:
                self._reports.lose()
            except Exception as error:
                self._reports.lose()
                said = traceback.format_exc().replace("\n", " | ")
                say(4, f"a verdict is not counted for its domain's report: {type(error).__name__}: {said}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    text = "cho bộ lọc biết ai thật sự đã gửi một thư từ bên ngoài (systemd gọi)"
    parser = argparse.ArgumentParser(prog="hanam-mail-auth", description=text)
    parser.add_argument("nameservers", nargs="+", help="địa chỉ máy chủ phân giải tên miền")
    parser.add_argument("--reports", type=Path, help="thư mục ghi lại kết quả cho báo cáo gửi các tên miền")
    options = parser.parse_args(arguments)
    reports = Counter(options.reports) if options.reports else None
    if reports:
        reports.start()
    # The first socket that systemd hands over (sd_listen_fds(3)).
    door = socket.socket(fileno=3)
    servers = [(each, NAMESERVER_PORT) for each in options.nameservers]
    serve(MailAuthService(servers, reports=reports), door, Program(Path(sys.argv[0])))
    return 0
