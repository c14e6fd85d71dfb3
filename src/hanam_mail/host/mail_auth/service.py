"""Tells the filter who really sent a message from outside (Đ4.6): `hanam-mail-auth NAMESERVER...`.

The filter says address, helo, sender and author (host/filter_service.py), and gets a verdict (verdict.judge), or
{"refused": ...} for what no honest sender writes.
"""

import argparse
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hanam_mail.host.filter_service import FilterService, Limits, serve
from hanam_mail.host.mail_auth import verdict
from hanam_mail.host.service import Program

# Each waits for DNS most of its time. No fewer than Postfix lets in (postfix_process_limit).
AT_ONCE = 128
MOST_WAITING = 256
# Octets of large messages that are looked at together; each takes three to four times as much memory.
ROOM = 96 * 2**20
LARGE = 2**20
# The filter waits 15 s in all.
STALE_SECONDS = 4.0
PATIENCE = 12.0
STUCK_SECONDS = 60.0
NAMESERVER_PORT = 53


class Service(FilterService):
    """`servers`: (address, port) of resolvers."""

    words = ("address", "helo", "sender", "author")

    def __init__(self, servers: Sequence[tuple[str, int]], room: int = ROOM) -> None:
        super().__init__(room)
        self._servers = servers

    @property
    def limits(self) -> Limits:
        """Those above."""
        return Limits(AT_ONCE, MOST_WAITING, LARGE, STALE_SECONDS, PATIENCE, STUCK_SECONDS)

    def judged(self, said: Mapping[str, str], content: bytes, came: float) -> dict[str, object]:
        """The verdict."""
        return verdict.judge(verdict.Envelope(**said), content, self._servers, came + verdict.DNS_SECONDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    text = "cho bộ lọc biết ai thật sự đã gửi một thư từ bên ngoài (systemd gọi)"
    parser = argparse.ArgumentParser(prog="hanam-mail-auth", description=text)
    parser.add_argument("nameservers", nargs="+", help="địa chỉ máy chủ phân giải tên miền")
    options = parser.parse_args(arguments)
    # The first socket that systemd hands over (sd_listen_fds(3)).
    door = socket.socket(fileno=3)
    serve(Service([(each, NAMESERVER_PORT) for each in options.nameservers]), door, Program(Path(sys.argv[0])))
    return 0
