"""The service: `hanam-extract`, on the socket that systemd passes (LISTEN_FDS).

    PUT /search   the text of the body, as much as the index of search is given of so large a document
    PUT /text     the text of the body, all that the limits allow

Answers: 200 with the text (text/plain, UTF-8, NFC), 204 without any, 415 a kind that nobody reads, 422 a document that
is encrypted, broken or beyond a limit. X-Extract says which (work.End) and why. Dovecot takes 204, 415 and 422 for "no
text", any other 4xx for a fault that stops the mailbox's index, and a 5xx for one that it tries once more.

This process takes connections and starts a process for each, which reads the request; that one starts another, which
reads the document (converter.py).
"""

import argparse
import fcntl
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path

from hanam_mail.host.extract import converter
from hanam_mail.host.extract.request import BadRequest, Connection, Gone, Head, Memory
from hanam_mail.host.extract.work import End, Limits
from hanam_mail.host.service import Program, tell_systemd

_FIRST_SOCKET = 3
# Connections at once, and for how many seconds a request may come in. Dovecot waits 60 s for an answer.
CONNECTIONS, ARRIVAL, PATIENCE = 16, 30.0, 50.0
# Into the index of search goes no more text than so many times the document: many small ones in one message that each
# grow to the limit would take its indexer more memory than it has, and the mailbox's index would stand still.
SEARCH_RATIO = 3
_REASONS = {
    200: "OK", 204: "No Content", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 411: "Length Required", 415: "Unsupported Media Type", 417: "Expectation Failed",
    422: "Unprocessable Content", 431: "Request Header Fields Too Large", 503: "Service Unavailable",
}  # fmt: skip
_STATUS = {End.UNKNOWN: 415, End.ENCRYPTED: 422, End.BROKEN: 422, End.LIMIT: 422}


class Busy(Exception):
    """So many documents are being read that this one had no turn."""


class Turns:
    """So many documents are read at once. A lock of a process that dies is free."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._file = os.memfd_create("turns", os.MFD_CLOEXEC)

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Wait for one. Raises Busy."""
        deadline = time.monotonic() + seconds
        while (mine := self._free()) is None:
            if time.monotonic() > deadline:
                raise Busy
            time.sleep(0.01)
        yield
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, mine)

    def _free(self) -> int | None:
        for number in range(self._number):
            with suppress(BlockingIOError, PermissionError):
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
                return number
        return None


def answer(status: int, end: str = "", text: bytes = b"") -> bytes:
    """An answer's octets; the connection ends with it."""
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", "Connection: close", "X-Content-Type-Options: nosniff"]
    if end:
        lines.append(f"X-Extract: {end}")
    if status == 200:
        lines.append("Content-Type: text/plain; charset=UTF-8")
    if status == 405:
        lines.append("Allow: PUT, GET")
    if status != 204:
        lines.append(f"Content-Length: {len(text)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii", "replace") + text


def serve_one(client: socket.socket, limits: Limits, turns: Turns) -> str:
    """One request and its answer; a line for the journal when somebody should see it, else nothing."""
    connection, said = Connection(client, ARRIVAL), ""
    try:
        head = connection.head()
        octets, said = _answered(connection, head, limits, turns)
        connection.more_time(ARRIVAL)
        connection.send(octets)
    except BadRequest as bad:
        with suppress(Gone):
            connection.more_time(1)
            connection.send(answer(bad.status, text=f"{bad.reason}\n".encode("ascii")))
    except Busy:
        said = "<4>every reader was busy for too long: a document was not read"
        with suppress(Gone):
            connection.more_time(1)
            connection.send(answer(503, "busy"))
    except Gone:
        pass
    connection.close()
    return said


def _answered(connection: Connection, head: Head, limits: Limits, turns: Turns) -> tuple[bytes, str]:
    if head.method in ("GET", "HEAD"):
        return answer(200), ""
    if head.method != "PUT":
        return answer(405), ""
    if head.path.rstrip("/") not in ("/search", "/text"):
        return answer(404), ""
    connection.expect(head)
    body = Memory()
    size = connection.body(head, body, limits.octets)
    if size > limits.octets:
        # Not 413, which would stop an index.
        return answer(422, f"{End.LIMIT} size"), ""
    if head.path.startswith("/search"):
        limits = replace(limits, text=min(limits.text, SEARCH_RATIO * size))
    with turns.turn(PATIENCE - limits.seconds):
        if not connection.is_there():
            raise Gone
        began = time.monotonic()
        outcome = converter.convert(body.number, limits)
    seconds = time.monotonic() - began
    end = f"{outcome.end} {outcome.reason}".strip()
    # Who sent it stands in the store's log; what was in it stands nowhere.
    odd = outcome.end is End.LIMIT or outcome.reason in ("reader", "program")
    said = f"<5>a document of {size} octets: {end} after {seconds:.1f} s" if odd else ""
    status = _STATUS.get(outcome.end, 200 if outcome.text else 204)
    return answer(status, end, outcome.text if status == 200 else b""), said


class Server:
    """Takes connections; ends when its program was replaced or it is told to, and no request is lost by that."""

    def __init__(self, sockets: Sequence[socket.socket], limits: Limits, processes: int) -> None:
        self._sockets = sockets
        self._limits = limits
        self._turns = Turns(processes)
        self._children: set[int] = set()
        self._ending = False

    def end(self, *_: object) -> None:
        """Take no more."""
        self._ending = True

    def run(self, program: Program | None = None) -> None:
        """Until somebody says that it is enough."""
        signal.signal(signal.SIGTERM, self.end)
        # Ends the wait below; its default would not.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(waker)
        tell_systemd("READY=1")
        while not self._ending and not (program and program.replaced):
            tell_systemd("WATCHDOG=1")
            self._reap()
            listening = self._sockets if len(self._children) < CONNECTIONS else []
            ready, _, _ = select.select([woken, *listening], [], [], 5)
            with suppress(BlockingIOError):
                os.read(woken, 4096)
            for listener in listening:
                if listener in ready:
                    self._take(listener)
        # The socket is systemd's: who comes now waits for the next process.
        tell_systemd("STOPPING=1")
        while self._children:
            os.waitpid(self._children.pop(), 0)

    def _take(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        child = os.fork()
        if child:
            client.close()
            self._children.add(child)
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for other in self._sockets:
                other.close()
            if said := serve_one(client, self._limits, self._turns):
                print(said, file=sys.stderr, flush=True)
            code = 0
        finally:
            # Neither the server's buffers nor what it would do at its end are this one's.
            os._exit(code)

    def _reap(self) -> None:
        for child in list(self._children):
            with suppress(ChildProcessError):
                if not os.waitpid(child, os.WNOHANG)[0]:
                    continue
            self._children.discard(child)


def passed_sockets() -> list[socket.socket]:
    """Those that systemd passed (sd_listen_fds(3)); none for another process."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    found = []
    for number in range(_FIRST_SOCKET, _FIRST_SOCKET + int(os.environ.get("LISTEN_FDS", "0"))):
        os.set_inheritable(number, False)
        listener = socket.socket(fileno=number)
        listener.setblocking(False)
        found.append(listener)
    return found


def main() -> int:
    """Entry point of the zipapp."""
    parser = argparse.ArgumentParser(prog="hanam-extract", description="Đọc chữ trong tệp đính kèm (systemd gọi)")
    parser.add_argument("--processes", type=int, default=2, help="số tệp được đọc cùng lúc")
    given = Limits()
    for each in fields(Limits):
        value = getattr(given, each.name)
        parser.add_argument(f"--{each.name}", type=type(value), default=value)
    options = vars(parser.parse_args())
    processes = options.pop("processes")
    sockets = passed_sockets()
    if not sockets:
        print("hanam-extract: chỉ chạy trên socket của systemd / runs on a socket of systemd only", file=sys.stderr)
        return 2
    Server(sockets, Limits(**options), processes).run(Program(Path(sys.argv[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
