"""Tells the filter who really sent a message from outside (Đ4.6): `hanam-mail-auth NAMESERVER...`.

The filter connects by a Unix socket, writes one line of JSON - address, helo, sender, author, size - and so many octets
of the message as it came, and reads one line of JSON (verdict.judge): a verdict, or {"refused": ...} for what no honest
sender writes. An answer that is neither, {"error": ...}, makes it ask the sender to come again.
"""

import argparse
import json
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hanam_mail.host.mail_auth import verdict
from hanam_mail.host.service import Program, tell_systemd

# Each waits for DNS most of its time.
AT_ONCE = 32
# Octets of messages that are looked at together; each takes three to four times as much memory.
ROOM = 96 * 2**20
# For the filter to write and to read. It waits 15 s in all.
PATIENCE = 12.0
# A thread that needs longer does not come back: systemd starts the service anew (WatchdogSec).
STUCK_SECONDS = 60.0
LONGEST_HEAD = 16384
NAMESERVER_PORT = 53


class BadRequest(Exception):
    """The filter did not say what it must."""


class Service:
    """Answers connections, many at once. `servers`: (address, port) of resolvers."""

    def __init__(self, servers: Sequence[tuple[str, int]], room: int = ROOM) -> None:
        self._servers = servers
        self._size = room
        self._room = room
        self._freed = threading.Condition()
        self._running: dict[int, float] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE)

    @property
    def stuck(self) -> bool:
        """Whether a message is looked at for longer than that may take."""
        now = time.monotonic()
        return any(now - began > STUCK_SECONDS for began in list(self._running.values()))

    def take(self, connection: socket.socket) -> None:
        """Answer one connection, in time."""
        self._pool.submit(self._answer, connection)

    def close(self) -> None:
        """Come to the end with those that were taken."""
        self._pool.shutdown()

    def _answer(self, connection: socket.socket) -> None:
        thread = threading.get_ident()
        self._running[thread] = time.monotonic()
        try:
            with connection:
                connection.settimeout(PATIENCE)
                answer = self._judged(connection)
                # What is no Unicode is shown as a question mark.
                text = json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n"
                connection.sendall(text.encode("utf-8", "replace"))
        except OSError as error:
            print(f"<4>the filter was not answered: {error or type(error).__name__}", file=sys.stderr, flush=True)
        finally:
            del self._running[thread]

    def _judged(self, connection: socket.socket) -> dict[str, object]:
        try:
            with connection.makefile("rb") as stream:
                envelope, size = _head(stream.readline(LONGEST_HEAD))
                self._wait_for_room(size)
                try:
                    content = stream.read(size)
                    if len(content) != size:
                        raise BadRequest("the message is not whole")
                    return verdict.judge(envelope, content, self._servers)
                finally:
                    self._give_room(size)
        except BadRequest as error:
            return {"error": str(error)}
        except OSError:
            raise
        except Exception as error:
            # A fault of this program: the filter lets nothing pass, and somebody has to read of it.
            said = traceback.format_exc().replace("\n", " | ")
            print(f"<3>no verdict on a message: {said}", file=sys.stderr, flush=True)
            return {"error": type(error).__name__}

    def _wait_for_room(self, size: int) -> None:
        with self._freed:
            # One that is larger than all of it comes alone.
            if not self._freed.wait_for(lambda: min(size, self._size) <= self._room, PATIENCE):
                raise BadRequest("too many large messages at once")
            self._room -= size

    def _give_room(self, size: int) -> None:
        with self._freed:
            self._room += size
            self._freed.notify_all()


def _head(line: bytes) -> tuple[verdict.Envelope, int]:
    try:
        said = json.loads(line.decode("utf-8", "surrogateescape"))
        texts = [said[name] for name in ("address", "helo", "sender", "author")]
        size = said["size"]
    except (ValueError, TypeError, KeyError) as error:
        raise BadRequest("this is not the filter's protocol") from error
    if not all(isinstance(text, str) for text in texts) or not isinstance(size, int) or size < 0:
        raise BadRequest("this is not the filter's protocol")
    # No domain has letters that are no Unicode; with a sign in their place DNS knows none either.
    return verdict.Envelope(*(text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for text in texts)), size


def serve(service: Service, door: socket.socket, program: Program) -> None:
    """Until the unit is stopped or the program is replaced. Whoever comes between two runs waits at systemd's door."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    door.setblocking(False)
    tell_systemd("READY=1")
    while not stop.is_set() and not program.replaced:
        if not service.stuck:
            tell_systemd("WATCHDOG=1")
        if select.select([door], [], [], 1)[0]:
            try:
                connection = door.accept()[0]
            except BlockingIOError:
                continue
            connection.setblocking(True)
            service.take(connection)
    service.close()


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
