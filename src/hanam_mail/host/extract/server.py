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
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

from hanam_mail.host.extract import converter, processes
from hanam_mail.host.extract.kept_texts import OCTETS, KeptTexts
from hanam_mail.host.extract.request import BadRequest, Connection, Gone, Memory, RequestHead
from hanam_mail.host.extract.slots import Budget, Busy, Slots
from hanam_mail.host.extract.work import End, Limits
from hanam_mail.host.service import Program, say, tell_systemd

_FIRST_SOCKET = 3
# Connections at once, and for how many seconds a request may come in. Dovecot waits 60 s for an answer.
CONNECTIONS, ARRIVAL, PATIENCE, DEPARTURE = 16, 30.0, 50.0, 10.0
# A connection lasts no longer, with a moment for its end.
LONGEST = ARRIVAL + PATIENCE + DEPARTURE + 5
# What a document for the index may take, of a processor and of the clock: one message may bring a thousand.
SEARCH_PROCESSOR, SEARCH_CLOCK = 3, 10.0
# Seconds of a minute for readings that end at a limit. When they are over, documents are read for a moment, which is
# enough for ordinary ones; when as much again is over, for a shorter one, so that those of others are still found.
SEARCH_SECONDS, SEARCH_SHORT, SEARCH_LEAST = 20.0, 0.5, 0.15
# Into the index of search goes no more text than so many times the document: many small ones in one message that each
# grow to the limit would take its indexer more memory than it has, and the mailbox's index would stand still.
SEARCH_RATIO = 3
_REASONS = {
    200: "OK", 204: "No Content", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 411: "Length Required", 415: "Unsupported Media Type", 417: "Expectation Failed",
    422: "Unprocessable Content", 431: "Request Header Fields Too Large", 503: "Service Unavailable",
}  # fmt: skip
_STATUS = {End.UNKNOWN: 415, End.ENCRYPTED: 422, End.BROKEN: 422, End.LIMIT: 422}


class Readers:
    """What the connections share. The index's documents and those of marks do not wait for each other."""

    def __init__(self, limits: Limits, at_once: int, kept: int = 0) -> None:
        self.limits = limits
        self.kept_texts = KeptTexts(kept)
        self.slots = {path: Slots(at_once) for path in ("/search", "/text")}
        self.budget = Budget(SEARCH_SECONDS)

    def within(self, path: str, size: int) -> Limits:
        """The limits for a document of so many octets now."""
        if path == "/text":
            return self.limits
        limits = replace(
            self.limits, text=min(self.limits.text, SEARCH_RATIO * size),
            processor=min(self.limits.processor, SEARCH_PROCESSOR), seconds=min(self.limits.seconds, SEARCH_CLOCK),
        )  # fmt: skip
        spent = self.budget.spent()
        if spent < 1:
            return limits
        return replace(limits, seconds=min(limits.seconds, SEARCH_SHORT if spent < 2 else SEARCH_LEAST))

    def charge(self, path: str, outcome: converter.ReadingOutcome, seconds: float, processor: float) -> None:
        """What a reading took, of the clock and of a processor; of one that ended well what was more than a moment.

        A part of a document may have been the one that ran into a limit.
        """
        limited = outcome.end is End.LIMIT or End.LIMIT in outcome.reason.split(", ")
        cost = max(seconds, processor) if limited else processor - SEARCH_SHORT
        if path == "/search" and cost > 0:
            self.budget.charge(cost)


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


def serve_one(client: socket.socket, readers: Readers) -> str:
    """One request and its answer; a line for the journal when somebody should see it, else nothing."""
    connection, said = Connection(client, ARRIVAL), ""
    try:
        head = connection.head()
        octets, said = _answered(connection, head, readers)
        connection.more_time(DEPARTURE)
        connection.send(octets)
    except BadRequest as bad:
        with suppress(Gone):
            connection.more_time(1)
            connection.send(answer(bad.status, text=f"{bad.reason}\n".encode("ascii")))
    except Busy:
        said = "<4>mọi tiến trình đọc đều bận quá lâu, một tệp không được đọc / every reader was busy for too long"
        with suppress(Gone):
            connection.more_time(1)
            connection.send(answer(503, "busy"))
    except OSError as error:
        # No memory or no process for it.
        said = f"<4>một tệp không được đọc / a document was not read: {error.strerror}"
        with suppress(Gone):
            connection.more_time(1)
            connection.send(answer(503, "busy"))
    except Gone:
        pass
    connection.close()
    return said


def _answered(connection: Connection, head: RequestHead, readers: Readers) -> tuple[bytes, str]:
    if head.method in ("GET", "HEAD"):
        return answer(200), ""
    if head.method != "PUT":
        return answer(405), ""
    path = head.path.rstrip("/")
    if path not in readers.slots:
        return answer(404), ""
    connection.expect(head)
    body, most = Memory(), readers.limits.octets
    try:
        size = connection.body(head, body, most)
    except BadRequest as bad:
        if bad.status != 408:
            raise
        # Neither 408 nor 413, which would stop an index.
        return answer(422, f"{End.LIMIT} slow"), ""
    if size > most:
        return answer(422, f"{End.LIMIT} size"), ""
    if known := readers.kept_texts.find(body.digest(), readers.within(path, size)):
        return _of(known), ""
    with readers.slots[path].slot(PATIENCE - readers.within(path, size).seconds):
        if not connection.is_there():
            raise Gone
        limits = readers.within(path, size)
        # Whoever came before may have read it.
        if known := readers.kept_texts.find(body.digest(), limits):
            return _of(known), ""
        began, before = time.monotonic(), _processor()
        outcome = converter.convert(body.number, limits)
        seconds = time.monotonic() - began
        readers.charge(path, outcome, seconds, _processor() - before)
        readers.kept_texts.keep(body.digest(), limits, outcome)
    if limits.seconds <= SEARCH_SHORT and outcome == converter.ReadingOutcome(End.LIMIT, "time"):
        return answer(422, f"{End.LIMIT} busy"), ""
    # Who sent it stands in the store's log; what was in it stands nowhere.
    odd = outcome.end is End.LIMIT or outcome.reason in ("reader", "program")
    said = f"<5>tệp {size} octet: {_said(outcome)}, {seconds:.1f} s" if odd else ""
    return _of(outcome), said


def _said(outcome: converter.ReadingOutcome) -> str:
    return f"{outcome.end} {outcome.reason}".strip()


def _of(outcome: converter.ReadingOutcome) -> bytes:
    status = _STATUS.get(outcome.end, 200 if outcome.text else 204)
    return answer(status, _said(outcome), outcome.text if status == 200 else b"")


def _processor() -> float:
    """Seconds of a processor that the children of this process took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Server:
    """Takes connections; ends when its program was replaced or it is told to, and no request is lost by that."""

    def __init__(self, sockets: Sequence[socket.socket], readers: Readers) -> None:
        self._sockets = sockets
        self._readers = readers
        self._children: set[int] = set()
        self._ending = False

    def end(self, *_: object) -> None:
        """Take no more."""
        self._ending = True

    def run(self, program: Program | None = None) -> None:
        """Until somebody says that it is enough."""
        # A document that took its reader over is of the same user, and must not reach what others send.
        processes.set_dumpable(False)
        signal.signal(signal.SIGTERM, self.end)
        # Ends the wait below; its default would not.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(waker)
        tell_systemd("READY=1")
        while not self._ending and not (program and program.replaced):
            tell_systemd("WATCHDOG=1")
            self._reap()
            self._readers.kept_texts.forget()
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
        except OSError:
            # There is nothing to take it with: it waits, and nobody asks for it at every moment.
            time.sleep(0.1)
            return
        try:
            child = os.fork()
        except OSError as error:
            # Its client comes again; the others are not concerned.
            client.close()
            say(4, f"không tạo được tiến trình / no process for a connection: {error.strerror}")
            return
        if child:
            client.close()
            self._children.add(child)
            return
        code = 1
        try:
            processes.adopt_orphans()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for other in self._sockets:
                other.close()
            if said := serve_one(client, self._readers):
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
    parser.add_argument(
        "--processes", type=int, default=1, help="số tệp được đọc cùng lúc cho tìm kiếm, và cho dấu mật"
    )
    parser.add_argument("--kept", type=int, default=0, help="số octet bộ nhớ để giữ chữ của các tệp vừa đọc")
    given = Limits()
    for each in fields(Limits):
        value = getattr(given, each.name)
        parser.add_argument(f"--{each.name}", type=type(value), default=value)
    options = vars(parser.parse_args())
    at_once, kept = options.pop("processes"), options.pop("kept") // OCTETS
    sockets = passed_sockets()
    if not sockets:
        print("hanam-extract: chỉ chạy trên socket của systemd / runs on a socket of systemd only", file=sys.stderr)
        return 2
    Server(sockets, Readers(Limits(**options), at_once, kept)).run(Program(Path(sys.argv[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
