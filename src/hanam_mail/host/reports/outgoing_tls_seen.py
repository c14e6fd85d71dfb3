"""Counts how TLS to other servers went: `hanam-tls-seen FOLDER` (role tls_seen).

Postfix sends a datagram for each session with a server of a domain that asks for reports (RFC 8460), and waits for
nobody: what finds no room is lost to the report, never to the mail. systemd holds the socket, so what comes while this
process starts again waits there.
"""

import argparse
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from hanam_mail.host.reports import outgoing_tls_row
from hanam_mail.host.reports.outgoing_spool import TOLD_SECONDS, Counter
from hanam_mail.host.service import Program, say, tell_systemd

# How often it is looked whether the process should end.
LOOK_SECONDS = 1.0


class DatagramReader:
    """Takes datagrams, whatever is in them."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._told = -TOLD_SECONDS

    def take(self, datagram: bytes) -> None:
        """Count one, or count that it could not be."""
        try:
            found = outgoing_tls_row.seen(datagram)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            self._counter.lose()
            self._tell(f"a datagram of {len(datagram)} octets is none of Postfix's: {type(error).__name__}")
            return
        if found:
            self._counter.add(found)

    def _tell(self, text: str) -> None:
        now = time.monotonic()
        if now - self._told >= TOLD_SECONDS:
            self._told = now
            say(4, text)


def serve(door: socket.socket, reader: DatagramReader, program: Program, stop: threading.Event) -> None:
    """Until the unit is stopped or the program is replaced."""
    door.settimeout(LOOK_SECONDS)
    tell_systemd("READY=1")
    looked = -LOOK_SECONDS
    while not stop.is_set():
        if time.monotonic() - looked >= LOOK_SECONDS:
            looked = time.monotonic()
            tell_systemd("WATCHDOG=1")
            if program.replaced:
                return
        try:
            datagram = door.recv(outgoing_tls_row.LONGEST_DATAGRAM + 1)
        except TimeoutError:
            continue
        reader.take(datagram)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    text = "đếm kết quả TLS khi gửi thư ra ngoài, cho báo cáo gửi các tên miền (systemd gọi)"
    parser = argparse.ArgumentParser(prog="hanam-tls-seen", description=text)
    parser.add_argument("folder", type=Path, help="thư mục ghi kết quả")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    counter = Counter(options.folder)
    counter.start()
    # The first socket that systemd hands over (sd_listen_fds(3)).
    serve(socket.socket(fileno=3), DatagramReader(counter), Program(Path(sys.argv[0])), stop)
    counter.close()
    return 0
