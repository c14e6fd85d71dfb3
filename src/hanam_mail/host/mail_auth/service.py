"""Tells the filter who really sent a message from outside (Đ4.6): `hanam-mail-auth NAMESERVER...`.

The filter connects by a Unix socket, writes one line of JSON - address, helo, sender, author, size - and so many octets
of the message as it came, and reads one line of JSON (verdict.judge): a verdict, or {"refused": ...} for what no honest
sender writes. An answer that is neither, {"error": ...}, makes it ask the sender to come again.

With --reports FOLDER what was judged is counted there for reports to the authors' domains (outgoing_spool.py), once the
filter has its answer; not what it says is a report itself ("report": true).
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
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from hanam_mail.host.mail_auth import verdict
from hanam_mail.host.mail_auth.questions import TemporaryError
from hanam_mail.host.reports import outgoing_seen
from hanam_mail.host.reports.outgoing_spool import Counter
from hanam_mail.host.service import Program, say, tell_systemd

# Each waits for DNS most of its time. No fewer than Postfix lets in (postfix_process_limit).
AT_ONCE = 128
# Those that wait for one of these to end, each with a descriptor.
MOST_WAITING = 256
# Octets of large messages that are looked at together; each takes three to four times as much memory.
ROOM = 96 * 2**20
# A smaller message waits for nobody's room.
LARGE = 2**20
# Times count from when the filter came, which waits 15 s in all. Whose turn comes later than this is not judged: the
# filter would be gone before the end, and those behind would come as late.
STALE_SECONDS = 4.0
# For the filter to write and to read.
PATIENCE = 12.0
# How often operators are told of those.
TOLD_SECONDS = 60.0
# A thread that needs longer does not come back: systemd starts the service anew (WatchdogSec).
STUCK_SECONDS = 60.0
LONGEST_HEAD = 16384
NAMESERVER_PORT = 53


class BadRequest(Exception):
    """The filter did not say what it must."""


class Abandoned(Exception):
    """Nobody waits for the verdict any more, or not long enough."""


class Service:
    """Answers connections, many at once. `servers`: (address, port) of resolvers. `reports`: counts what was judged."""

    def __init__(self, servers: Sequence[tuple[str, int]], room: int = ROOM, reports: Counter | None = None) -> None:
        self._servers = servers
        self._reports = reports
        self._size = room
        self._room = room
        self._freed = threading.Condition()
        self._running: dict[int, float] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._count = threading.Lock()
        self._waiting = 0
        self._dropped = 0
        self._told = -TOLD_SECONDS

    @property
    def stuck(self) -> bool:
        """Whether a message is looked at for longer than that may take."""
        now = time.monotonic()
        return any(now - began > STUCK_SECONDS for began in list(self._running.values()))

    def take(self, connection: socket.socket) -> None:
        """Answer one connection that comes now, in time or not at all: the filter asks its sender to come again."""
        with self._count:
            full = self._waiting >= MOST_WAITING
            self._waiting += not full
            self._dropped += full
        if full:
            connection.close()
        else:
            self._pool.submit(self._answer, connection, time.monotonic())

    def tell(self) -> None:
        """Say once a minute how many were not answered."""
        now = time.monotonic()
        with self._count:
            if not self._dropped or now - self._told < TOLD_SECONDS:
                return
            number, self._dropped, self._told = self._dropped, 0, now
        say(5, f"{number} messages were not judged: their turn came too late, or the filter had gone")

    def close(self) -> None:
        """Come to the end with those that were taken."""
        self._pool.shutdown()
        if self._reports:
            self._reports.close()

    def _answer(self, connection: socket.socket, came: float) -> None:
        with self._count:
            self._waiting -= 1
        thread = threading.get_ident()
        self._running[thread] = time.monotonic()
        cases: list[verdict.Case] = []
        try:
            with connection:
                _check_wanted(connection, came)
                connection.settimeout(PATIENCE - (time.monotonic() - came))
                answer = self._judged(connection, came, cases)
                # What is no Unicode is shown as a question mark.
                text = json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n"
                connection.sendall(text.encode("utf-8", "replace"))
            self._report(cases)
        except Abandoned:
            with self._count:
                self._dropped += 1
        except OSError as error:
            say(4, f"the filter was not answered: {error or type(error).__name__}")
        finally:
            del self._running[thread]

    def _judged(self, connection: socket.socket, came: float, cases: list[verdict.Case]) -> dict[str, object]:
        try:
            with connection.makefile("rb") as stream:
                envelope, size, is_report = _head(stream.readline(LONGEST_HEAD))
                with self._room_for(size, came + STALE_SECONDS):
                    content, until = _content(stream, size, connection), came + verdict.DNS_SECONDS
                    note = cases.append if self._reports and not is_report else None
                    return verdict.judge(envelope, content, self._servers, until, note)
        except BadRequest as error:
            return {"error": str(error)}
        except (OSError, Abandoned):
            raise
        except Exception as error:
            # A fault of this program: the filter lets nothing pass, and somebody has to read of it.
            said = traceback.format_exc().replace("\n", " | ")
            say(3, f"no verdict on a message: {said}")
            return {"error": type(error).__name__}

    def _report(self, cases: Sequence[verdict.Case]) -> None:
        """For the author's domain; nobody waits for it, and no fault here is one of the verdict."""
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

    @contextmanager
    def _room_for(self, size: int, until: float) -> Iterator[None]:
        if size < LARGE:
            yield
            return
        with self._freed:
            # One that is larger than all of it comes alone.
            if not self._freed.wait_for(lambda: min(size, self._size) <= self._room, until - time.monotonic()):
                raise BadRequest("too many large messages at once")
            self._room -= size
        try:
            yield
        finally:
            with self._freed:
                self._room += size
                self._freed.notify_all()


def _check_wanted(connection: socket.socket, came: float) -> None:
    if time.monotonic() - came > STALE_SECONDS or _hung_up(connection):
        raise Abandoned


def _hung_up(connection: socket.socket) -> bool:
    """Whether the other side is gone for good; one that only has nothing more to say still listens."""
    look = select.poll()
    look.register(connection, 0)
    return bool(look.poll(0))


def _content(stream: BufferedIOBase, size: int, connection: socket.socket) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise BadRequest("the message is not whole")
    if _hung_up(connection):
        raise Abandoned
    return content


def _head(line: bytes) -> tuple[verdict.Envelope, int, bool]:
    try:
        said = json.loads(line.decode("utf-8", "surrogateescape"))
        texts = [said[name] for name in ("address", "helo", "sender", "author")]
        size, is_report = said["size"], said.get("report") is True
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadRequest("this is not the filter's protocol") from error
    if not all(isinstance(text, str) for text in texts) or not isinstance(size, int) or size < 0:
        raise BadRequest("this is not the filter's protocol")
    # No domain has letters that are no Unicode; with a sign in their place DNS knows none either.
    envelope = verdict.Envelope(*(text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for text in texts))
    return envelope, size, is_report


def serve(service: Service, door: socket.socket, program: Program) -> None:
    """Until the unit is stopped or the program is replaced. Whoever comes between two runs waits at systemd's door."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    door.setblocking(False)
    tell_systemd("READY=1")
    while not stop.is_set() and not program.replaced:
        if not service.stuck:
            tell_systemd("WATCHDOG=1")
        service.tell()
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
    parser.add_argument("--reports", type=Path, help="thư mục ghi lại kết quả cho báo cáo gửi các tên miền")
    options = parser.parse_args(arguments)
    reports = Counter(options.reports) if options.reports else None
    if reports:
        reports.start()
    # The first socket that systemd hands over (sd_listen_fds(3)).
    door = socket.socket(fileno=3)
    servers = [(each, NAMESERVER_PORT) for each in options.nameservers]
    serve(Service(servers, reports=reports), door, Program(Path(sys.argv[0])))
    return 0
