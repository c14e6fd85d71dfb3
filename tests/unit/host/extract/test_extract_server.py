"""The service answers whatever is sent to it, and answers the next one (RFC 9112)."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests import documents
from tests.documents import TEXT

from hanam_mail.host.extract import server, slots
from hanam_mail.host.extract.converter import ReadingOutcome
from hanam_mail.host.extract.request import BadRequest, parse
from hanam_mail.host.extract.work import End, Limits

pytestmark = [pytest.mark.dieu10]

# As systemd starts it: the socket is descriptor 3.
_START = (
    "import os, sys\nos.dup2(int(sys.argv[1]), 3)\n"
    "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'hanam_mail.host.extract.server', *sys.argv[2:]])"
)


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, by its port and process."""

    port: int
    process: subprocess.Popen[bytes]

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        client.settimeout(60)
        return client

    def say(self, octets: bytes) -> bytes:
        """All that it answers."""
        with self.connect() as client:
            client.sendall(octets)
            return everything(client)

    def put(self, body: bytes, path: str = "/text") -> tuple[int, str, bytes]:
        """Status, X-Extract and body."""
        head = f"PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        return split(self.say(head.encode() + body))


def everything(client: socket.socket) -> bytes:
    pieces = []
    while octets := client.recv(65536):
        pieces.append(octets)
    return b"".join(pieces)


def split(answer: bytes) -> tuple[int, str, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    assert int(fields.get("Content-Length", "0")) == len(body)
    return int(lines[0].split()[1]), fields.get("X-Extract", ""), body


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with started() as running:
        yield running


def children(service: Service) -> list[str]:
    """The processes of its connections, the oldest first."""
    number = service.process.pid
    return Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii").split()


class started:
    """A service of its own."""

    def __init__(self, *options: str, user: int | None = None) -> None:
        self._options = options
        self._user = user

    def __enter__(self) -> Service:
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            number = listener.fileno()
            line = [sys.executable, "-c", _START, str(number), *self._options]
            self._process = subprocess.Popen(line, pass_fds=[number], user=self._user)
            return Service(listener.getsockname()[1], self._process)

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(10) == 0


@pytest.mark.dieu3
def test_a_document_is_answered_with_its_text(service: Service) -> None:
    status, end, text = service.put(documents.docx(TEXT))
    assert (status, end) == (200, "whole")
    assert TEXT in text.decode()


@pytest.mark.parametrize(
    ("body", "status", "end"),
    [
        (b"", 415, "unknown"),
        (b"\x89PNG\r\n\x1a\n", 415, "unknown"),
        (b" \n ", 204, "whole"),
        (documents.xls("a", encrypted=True), 422, "encrypted"),
        (documents.nested(9, b"a"), 422, "limit depth"),
        (b"PK\x03\x04 broken", 422, "broken zip"),
        (documents.packed({"a.txt": "a", "b.png": b"\x89PNG"}), 200, "partial picture"),
    ],
)
def test_what_has_no_text_is_answered_so_that_an_index_goes_on(
    service: Service, body: bytes, status: int, end: str
) -> None:
    found = service.put(body)
    assert found[:2] == (status, end)
    assert (found[2] != b"") == (status == 200)


def test_a_body_comes_as_dovecot_sends_it(service: Service) -> None:
    """In chunks, once the service has said that it wants it."""
    data = documents.docx(TEXT)
    with service.connect() as client:
        client.sendall(
            b"PUT /search HTTP/1.1\r\nHost: 127.0.0.1:9\r\nDate: Sun, 29 Nov 2026 04:00:00 GMT\r\n"
            b"Expect: 100-continue\r\nContent-Type: application/msword\r\nConnection: Keep-Alive\r\n"
            b'Content-Disposition: attachment; filename="../../etc/passwd"\r\nAccept: text/plain\r\n'
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        for at in range(0, len(data), 300):
            client.sendall(b"%x\r\n%s\r\n" % (len(data[at : at + 300]), data[at : at + 300]))
        client.sendall(b"0\r\n\r\n")
        status, end, text = split(everything(client))
    assert (status, end) == (200, "whole")
    assert TEXT in text.decode()


def test_the_index_is_given_so_much_text_as_it_can_bear_of_so_small_a_document(service: Service) -> None:
    data = documents.docx("\n".join(f"tu{number:07}" for number in range(100_000)))
    whole, cut = service.put(data, "/text"), service.put(data, "/search")
    assert whole[:2] == (200, "whole")
    assert cut[:2] == (200, "cut text")
    assert len(cut[2]) <= server.SEARCH_RATIO * len(data) + 1 < len(whole[2])


def test_too_large_a_body_is_read_to_its_end_and_answered() -> None:
    with started("--octets", "100000") as service:
        assert service.put(b"a" * 100_001)[:2] == (422, "limit size")
        assert service.put(b"a" * 100_000)[:2] == (200, "whole")
        chunks = b"ffff\r\n" + b"a" * 65535 + b"\r\n"
        head = b"PUT /text HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert split(service.say(head + chunks * 3 + b"0\r\n\r\n"))[:2] == (422, "limit size")


HEAD = b"PUT /text HTTP/1.1\r\nHost: a\r\n"
BAD = {
    "length and chunks": (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks and length": (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "two equal lengths": (HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a list of lengths": (HEAD + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    "a signed length": (HEAD + b"Content-Length: +3\r\n\r\nabc", 400),
    "a negative length": (HEAD + b"Content-Length: -3\r\n\r\nabc", 400),
    "a length in letters of another script": (HEAD + "Content-Length: ٣\r\n\r\nabc".encode(), 400),
    "a length beyond all": (HEAD + b"Content-Length: 99999999999999999999\r\n\r\nabc", 400),
    "another coding": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "a coding that looks like chunked": (HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "chunks in HTTP/1.0": (HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "a space before the colon": (HEAD + b"Content-Length : 3\r\n\r\nabc", 400),
    "a folded line": (HEAD + b"Content-Length:\r\n 3\r\n\r\nabc", 400),
    "a bare line feed": (b"PUT /text HTTP/1.1\nHost: a\nContent-Length: 3\r\n\r\nabc", 400),
    "a bare carriage return": (HEAD + b"A: b\rContent-Length: 3\r\n\r\nabc", 400),
    "a field without name": (HEAD + b": b\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a length behind a sign": (HEAD + b"Content-Length: \x0c3\r\n\r\nabc", 400),
    "a NUL": (HEAD + b"A: b\0c\r\nContent-Length: 3\r\n\r\nabc", 400),
    "no host": (b"PUT /text HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 400),
    "no length": (HEAD + b"\r\n", 411),
    "another version": (b"PUT /text HTTP/2.0\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a chunk's size that is none": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", 400),
    "a signed chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk with an extension": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk longer than it says": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk ended by a line feed": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n", 400),
    "a chunk's size without end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 100_000, 400),
    "a million small chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 1_000_000, 400),
    "a trailer without end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 100_000, 400),
    "a header without end": (HEAD + b"A: b\r\n" * 100_000, 431),
    "a line without end": (b"PUT /" + b"a" * 10_000_000, 431),
    "a first line that is too long": (b"PUT /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
    "an expectation": (HEAD + b"Expect: 200-ok\r\nContent-Length: 3\r\n\r\nabc", 417),
    "another method": (b"POST /text HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405),
    "another path": (b"PUT /tika HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 404),
    "TLS": (bytes.fromhex("16030100c5010000c10303") + b"\0" * 50 + b"\r\n\r\n", 400),
}


@pytest.mark.parametrize(("octets", "status"), BAD.values(), ids=BAD.keys())
def test_a_request_that_two_readers_could_take_for_two_is_none(service: Service, octets: bytes, status: int) -> None:
    began = time.monotonic()
    with service.connect() as client:
        with suppress(ConnectionError):
            client.sendall(octets)
        answer = everything(client)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1") == 1, "a second answer is a second request"
    assert time.monotonic() - began < server.ARRIVAL, "answered before its time was over"
    assert service.put(b"cong van")[:2] == (200, "whole")


@pytest.mark.parametrize(
    "name",
    [b"a\x01.doc", b"a\x7f.doc", b"a\x0c.doc", b"a\x1b.doc", b"\xff\xfe", b"a" * 16_384, b"a" * 5_000_000, b"a\t "],
    ids=repr,
)
def test_whatever_a_sender_calls_his_document_it_is_read(service: Service, name: bytes) -> None:
    """Dovecot copies the field from the message; any answer but those for a document stops the mailbox's index."""
    field = b'Content-Disposition: attachment; filename="' + name + b'"\r\n'
    assert split(service.say(HEAD + field + b"Content-Length: 3\r\n\r\nabc"))[::2] == (200, b"abc\n")
    chunks = b"Transfer-Encoding: chunked\r\n" + field + b"\r\n3\r\nabc\r\n0\r\n\r\n"
    assert split(service.say(HEAD + chunks))[::2] == (200, b"abc\n")


def test_what_stands_behind_a_request_is_no_second_one(service: Service) -> None:
    answer = service.say(HEAD + b"Content-Length: 3\r\n\r\nabc" + HEAD + b"Content-Length: 3\r\n\r\ndef")
    assert split(answer)[2] == b"abc\n"


def test_a_body_that_ends_early_is_no_document(service: Service) -> None:
    with service.connect() as client:
        client.sendall(HEAD + b"Content-Length: 300\r\n\r\nabc")
        client.shutdown(socket.SHUT_WR)
        assert everything(client).startswith(b"HTTP/1.1 400 ")


def test_whoever_asks_whether_it_lives_is_answered(service: Service) -> None:
    assert service.say(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("line", ["PUT http://host.example:80/search?a=b HTTP/1.1", "PUT /search HTTP/1.1"])
def test_a_target_may_name_its_host(line: str) -> None:
    assert parse(f"{line}\r\nHost: a\r\nContent-Length: 1".encode()).path == "/search"


@pytest.mark.parametrize("length", ["1_000", "0x10", "１", " ", "1 1", "1;1"])
def test_a_length_is_digits_alone(length: str) -> None:
    with pytest.raises(BadRequest):
        parse(f"PUT /text HTTP/1.1\r\nHost: a\r\nContent-Length: {length}".encode())


def test_slow_clients_do_not_keep_others_waiting(service: Service) -> None:
    """Those that send nothing, and those that send a little now and then."""
    slow = [service.connect() for _ in range(server.CONNECTIONS - 4)]
    for client in slow[::2]:
        client.sendall(HEAD)
    began = time.monotonic()
    assert service.put(b"cong van")[:2] == (200, "whole")
    assert time.monotonic() - began < server.ARRIVAL
    for client in slow:
        client.close()


def test_a_client_that_sends_too_slowly_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ARRIVAL", 0.5)
    ours, theirs = socket.socketpair()
    with ThreadPoolExecutor(1) as pool, ours:
        served = pool.submit(server.serve_one, theirs, server.Readers(Limits(), 1))
        for octet in HEAD:
            try:
                ours.send(bytes([octet]))
            except OSError:
                break
            time.sleep(0.05)
        ours.settimeout(5)
        assert everything(ours).startswith(b"HTTP/1.1 408 ")
        ours.close()
        assert served.result(5) == ""


def test_a_document_that_comes_too_slowly_is_none_and_the_index_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ARRIVAL", 0.5)
    ours, theirs = socket.socketpair()
    with ThreadPoolExecutor(1) as pool, ours:
        served = pool.submit(server.serve_one, theirs, server.Readers(Limits(), 1))
        ours.sendall(HEAD + b"Content-Length: 3\r\n\r\na")
        ours.settimeout(5)
        assert split(everything(ours))[:2] == (422, "limit slow")
        ours.close()
        assert served.result(5) == ""


def test_documents_that_end_at_limits_are_not_read_for_ever_and_others_are() -> None:
    """A message of a thousand of them would keep the indexers for hours."""
    budget = slots.Budget(20)
    assert budget.spent() == 0
    budget.charge(10)
    assert 0.4 < budget.spent() <= 0.5
    readers = server.Readers(Limits(), 1)
    usual, text = readers.within("/search", 1000), readers.within("/text", 1000)
    assert (usual.processor, usual.text) == (server.SEARCH_PROCESSOR, server.SEARCH_RATIO * 1000)
    readers.budget.charge(server.SEARCH_SECONDS * 1.5)
    short = readers.within("/search", 1000)
    assert short.seconds == server.SEARCH_SHORT
    readers.budget.charge(server.SEARCH_SECONDS)
    assert readers.within("/search", 1000).seconds == server.SEARCH_LEAST
    assert readers.within("/text", 1000) == text == Limits(), "marks have their own"


@pytest.mark.parametrize(
    ("outcome", "seconds", "processor", "cost"),
    [
        (ReadingOutcome(End.WHOLE), 9.0, 0.1, 0),
        (ReadingOutcome(End.WHOLE), 9.0, 2.5, 2.0),
        (ReadingOutcome(End.LIMIT, "time"), 10.0, 0.1, 10),
        (ReadingOutcome(End.LIMIT, "time"), 3.1, 3.0, 3.1),
        (ReadingOutcome(End.PARTIAL, "cut off, limit"), 2.0, 2.0, 2),
        (ReadingOutcome(End.PARTIAL, "embedded"), 2.0, 0.4, 0),
    ],
)
def test_what_a_document_costs_is_what_it_takes_beyond_the_ordinary(
    outcome: ReadingOutcome, seconds: float, processor: float, cost: float
) -> None:
    """A machine that does other things makes no document dear."""
    readers = server.Readers(Limits(), 1)
    readers.charge("/text", outcome, seconds, processor)
    assert readers.budget.spent() == 0
    readers.charge("/search", outcome, seconds, processor)
    assert abs(readers.budget.spent() * server.SEARCH_SECONDS - cost) < 0.5


def test_a_budget_that_is_spent_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    budget, now = slots.Budget(20), time.monotonic()
    budget.charge(40)
    monkeypatch.setattr("hanam_mail.host.extract.slots.time.monotonic", lambda: now + 61)
    assert budget.spent() <= 1
    budget.charge(9000)
    assert budget.spent() == 3, "no more is remembered"
    monkeypatch.setattr("hanam_mail.host.extract.slots.time.monotonic", lambda: now + 61 + 181)
    assert budget.spent() == 0


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ask(readers: server.Readers, body: bytes) -> tuple[int, str, bytes]:
    """One document for the index, and its answer by a process of its own, as the service has one."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        server.serve_one(theirs, readers)
        os._exit(0)
    theirs.close()
    with ours:
        ours.sendall(f"PUT /search HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        ours.settimeout(60)
        found = split(everything(ours))
    os.waitpid(child, 0)
    return found


def test_a_bomb_after_many_is_read_for_a_moment_and_an_ordinary_document_as_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readers = server.Readers(Limits(), 1)
    readers.budget.charge(server.SEARCH_SECONDS * 9)
    # On a machine that does other things one may come too late.
    assert 200 in [ask(readers, b"cong van")[0] for _ in range(5)]
    monkeypatch.setattr("hanam_mail.host.extract.reader.read", lambda *_: time.sleep(30))
    assert ask(readers, b"a bomb")[:2] == (422, f"{End.LIMIT} busy")


def test_who_cannot_be_given_a_process_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_process() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("hanam_mail.host.extract.converter.os.fork", no_process)
    ours, theirs = socket.socketpair()
    with ThreadPoolExecutor(1) as pool, ours:
        served = pool.submit(server.serve_one, theirs, server.Readers(Limits(), 1))
        ours.sendall(HEAD + b"Content-Length: 3\r\n\r\nabc")
        assert split(everything(ours))[0] == 503
        ours.close()
        assert "Resource temporarily unavailable" in served.result(5)


def test_a_connection_that_gets_no_process_is_the_only_one_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_process() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_process)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as ours:
        server.Server([listener], server.Readers(Limits(), 1))._take(listener)
        ours.settimeout(5)
        assert ours.recv(1) == b""


def test_turns_are_taken_in_the_order_in_which_they_were_asked_for() -> None:
    queue = slots.Slots(1)
    read_end, write_end = os.pipe()
    children = []
    with queue.slot(1):
        for name in (b"a", b"b", b"c"):
            child = os.fork()
            if child == 0:
                with queue.slot(60):
                    os.write(write_end, name)
                    time.sleep(0.05)
                os._exit(0)
            children.append(child)
            until(lambda: queue._state()[0] == 2 + len(children))
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert os.read(read_end, 100) == b"abc"


def test_documents_of_marks_do_not_wait_for_those_of_the_index() -> None:
    readers = server.Readers(Limits(), 1)
    child = os.fork()
    if child == 0:
        with readers.slots["/search"].slot(1):
            time.sleep(60)
    try:
        until(lambda: readers.slots["/search"]._state()[0] == 2)
        with pytest.raises(slots.Busy), readers.slots["/search"].slot(0):
            pass
        with readers.slots["/text"].slot(0):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_process_of_the_same_user_cannot_look_into_the_service() -> None:
    """What a document made of its reader would be such a process."""
    user = 65534 if os.geteuid() == 0 else os.geteuid()
    with started(user=user) as service, service.connect() as client:
        client.sendall(HEAD)
        assert service.put(b"cong van")[0] == 200
        waiting = children(service)[0]
        for process in (service.process.pid, waiting):
            for look in (f"os.listdir('/proc/{process}/fd')", f"open('/proc/{process}/mem', 'rb')"):
                line = [sys.executable, "-c", f"import os; os.listdir('/proc/self/fd'); {look}"]
                done = subprocess.run(line, user=user, capture_output=True, text=True)
                assert f"PermissionError: [Errno 13] Permission denied: '/proc/{process}/" in done.stderr


def test_a_bomb_takes_no_turn_from_another_document_for_long(service: Service) -> None:
    bombs = [documents.nested(9, b"a"), documents.docx(more={"word/document.xml": documents.LAUGHS}), documents.quine()]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(service.put, [*bombs, documents.docx(TEXT)] * 6))
    assert {status for status, _, _ in found[3::4]} == {200}
    assert all(status in (200, 422) for status, _, _ in found)


def test_a_turn_of_a_process_that_died_is_free() -> None:
    queue = slots.Slots(1)
    child = os.fork()
    if child == 0:
        with queue.slot(1):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with queue.slot(0):
        pass


def test_no_process_is_left_behind(service: Service) -> None:
    service.put(documents.docx(TEXT))
    until(lambda: not children(service))


def test_a_document_that_is_being_read_when_the_service_ends_is_answered() -> None:
    with started() as service, service.connect() as client:
        assert service.put(b"cong van")[0] == 200
        # Who came later was answered: the first one has its process.
        client.sendall(HEAD + b"Content-Length: 8\r\n\r\ncong")
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        client.sendall(b" van")
        assert split(everything(client))[2] == b"cong van\n"
        assert service.process.wait(10) == 0


def test_without_a_socket_of_systemd_it_says_so() -> None:
    done = subprocess.run([sys.executable, "-m", "hanam_mail.host.extract.server"], capture_output=True, text=True)
    assert (done.returncode, "systemd" in done.stderr) == (2, True)


def test_a_document_that_comes_again_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A circular brings one to thousands."""
    body, readers = documents.docx(TEXT), server.Readers(Limits(), 1, 4)
    first = ask(readers, body)
    assert first[:2] == (200, "whole")
    monkeypatch.setattr("hanam_mail.host.extract.converter.convert", lambda *_: ReadingOutcome(End.BROKEN, "reader"))
    assert [ask(readers, body) for _ in range(3)] == [first] * 3
    assert ask(readers, documents.docx(TEXT, "khác"))[:2] == (422, "broken reader")
