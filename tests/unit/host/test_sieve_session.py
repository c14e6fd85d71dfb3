"""What stands between a client's commands and the script store (Đ4.5)."""

import socket
import threading
from contextlib import suppress

import pytest

from hanam_mail.host.mail import sieve_session
from hanam_mail.host.mail.sieve_session import FAULTY, WHY, Side

pytestmark = pytest.mark.dieu4


class Talk:
    """A session: what the client sends, and a store that writes down what reaches it."""

    def __init__(self) -> None:
        self.client, inner = socket.socketpair()
        outer, self.store = socket.socketpair()
        for end in (self.client, self.store):
            end.settimeout(10)
        server = Side(outer)
        self._thread = threading.Thread(target=self._serve, args=(Side(inner, server), server), daemon=True)
        self._thread.start()

    def _serve(self, client: Side, server: Side) -> None:
        try:
            sieve_session.serve(client, server, ["gov.vn"], ["ha@hanam.gov.vn"])
        except sieve_session.EndedError:
            pass
        finally:
            client.connection.close()
            server.connection.close()

    def ended(self) -> bool:
        self._thread.join(10)
        return not self._thread.is_alive()


@pytest.fixture
def talk() -> Talk:
    talk = Talk()
    talk.store.sendall(b'OK "Logged in."\r\n')
    assert talk.client.recv(999) == b'OK "Logged in."\r\n'
    return talk


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (b"listscripts\r\n", b"LISTSCRIPTS\r\n"),
        (b"LOGOUT\n", b"LOGOUT\r\n"),
        (b'HAVESPACE "a" 7\r\n', b"HAVESPACE {1+}\r\na 7\r\n"),
        (b'PUTSCRIPT "a\\"\\\\" {5+}\r\nkeep;\r\n', b'PUTSCRIPT {3+}\r\na"\\ {5+}\r\nkeep;\r\n'),
        (b'PUTSCRIPT {1}\r\na "keep;"\r\n', b"PUTSCRIPT {1+}\r\na {5+}\r\nkeep;\r\n"),
    ],
)
def test_a_command_reaches_the_store_in_one_form(talk: Talk, sent: bytes, written: bytes) -> None:
    talk.client.sendall(sent)
    assert talk.store.recv(999) == written
    answer = b'"b" ACTIVE\r\n{4}\r\nOK\r\n\r\nOK (WARNINGS) {3}\r\nx\r\n\r\n'
    talk.store.sendall(answer)
    read = b""
    while len(read) < len(answer):
        read += talk.client.recv(999)
    assert read == answer


COMPILED = b"chuyen: line 1: error: expected end of command.\r\nchuyen: error: parse failed.\r\n"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b'NO "Invalid script name."\r\n', b'NO "%b / Invalid script name."\r\n' % FAULTY.encode()),
        (
            b'NO "Internal error occurred. Refer to server log."\r\n',
            b'NO "%b / Internal error occurred. Refer to server log."\r\n' % WHY[b"TRYLATER"].encode(),
        ),
        (b'NO ""\r\n', b'NO "%b / "\r\n' % FAULTY.encode()),
        (
            b'NO (QUOTA/MAXSCRIPTS) "Script count quota exceeded (max 20 scripts)."\r\n',
            b'NO (QUOTA/MAXSCRIPTS) "%b / Script count quota exceeded (max 20 scripts)."\r\n'
            % WHY[b"QUOTA/MAXSCRIPTS"].encode(),
        ),
        (b'NO (REFERRAL "x") "a"\r\n', b'NO (REFERRAL "x") "%b / a"\r\n' % FAULTY.encode()),
        (b"NO\r\n", b"NO\r\n"),
        (b'OK (WARNINGS) "NO \\"a\\""\r\n', b'OK (WARNINGS) "NO \\"a\\""\r\n'),
    ],
)
def test_what_dovecot_refuses_is_said_in_vietnamese_first(talk: Talk, answer: bytes, told: bytes) -> None:
    talk.client.sendall(b'PUTSCRIPT "a" "keep;"\r\n')
    assert talk.store.recv(999)
    talk.store.sendall(answer)
    assert talk.client.recv(9999) == told


@pytest.mark.parametrize("command", [b'PUTSCRIPT "chuyen"', b"CHECKSCRIPT"])
def test_a_script_that_does_not_compile_is_refused_in_vietnamese_before_what_the_compiler_says(
    talk: Talk, command: bytes
) -> None:
    """As one string, whose octets are counted anew."""
    talk.client.sendall(b'%b "discard; if {"\r\n' % command)
    assert talk.store.recv(999)
    talk.store.sendall(b"NO {%d}\r\n%b\r\n" % (len(COMPILED), COMPILED))
    size, _, told = talk.client.recv(9999).removeprefix(b"NO {").partition(b"}\r\n")
    assert told == b"%b:\r\n%b\r\n" % (FAULTY.encode(), COMPILED)
    assert int(size) == len(told) - len(b"\r\n")


def test_what_a_script_says_is_no_answer_of_dovecots(talk: Talk) -> None:
    talk.client.sendall(b'GETSCRIPT "a"\r\n')
    assert talk.store.recv(999)
    answer = b'{15}\r\nNO "x"\r\n{7}\r\nab\r\nOK "Getscript completed."\r\n'
    talk.store.sendall(answer)
    read = b""
    while len(read) < len(answer):
        read += talk.client.recv(999)
    assert read == answer


def test_the_next_command_waits_for_the_answer_to_the_one_before(talk: Talk) -> None:
    talk.client.sendall(b'LISTSCRIPTS\r\nPUTSCRIPT "a" "redirect \\"an@x.example\\";"\r\nNOOP\r\n')
    assert talk.store.recv(999) == b"LISTSCRIPTS\r\n"
    talk.store.sendall(b'OK "Done"\r\n')
    assert talk.store.recv(999) == b"NOOP\r\n"
    told = talk.client.recv(9999).decode()
    assert told.startswith('OK "Done"\r\nNO "Không được tự động chuyển tiếp thư đến an@x.example')


@pytest.mark.parametrize(
    ("script", "clause"),
    [
        (b'require \\"enotify\\"; keep;', "Điều 4 khoản 5"),
        (b'vacation :from \\"b@hanam.gov.vn\\" \\"x\\";', "Điều 4 khoản 6"),
    ],
)
def test_what_is_not_for_people_is_refused_with_its_clause_and_reaches_no_store(
    talk: Talk, script: bytes, clause: str
) -> None:
    talk.client.sendall(b'PUTSCRIPT "a" "%b"\r\nCHECKSCRIPT "%b"\r\nNOOP\r\n' % (script, script))
    assert talk.store.recv(999) == b"NOOP\r\n"
    told = talk.client.recv(9999).decode().splitlines()
    assert len(told) == 2
    assert all(line.startswith('NO "') and clause in line for line in told)


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n",
        b" NOOP\r\n",
        b"NOOP  a\r\n",
        b"NOOP\ta\r\n",
        b'NOOP "a\\b"\r\n',
        b"NOOP a\r\n",
        b'"NOOP"\r\n',
        b'NOOP "a\r\n',
    ],
)
def test_what_is_not_understood_is_not_passed_on(talk: Talk, sent: bytes) -> None:
    talk.client.sendall(sent + b"NOOP\r\n")
    assert talk.store.recv(999) == b"NOOP\r\n"
    assert talk.client.recv(999).startswith(b"NO ")


@pytest.mark.parametrize("sent", [b"X{3+}\r\nabc\r\n", b"NOOP a {3+}\r\n", b"\r\n" * 99, b"A" * 200_000])
def test_a_session_ends_where_nobody_knows_what_comes_next(talk: Talk, sent: bytes) -> None:
    # It may end before the last octet is sent.
    with suppress(BrokenPipeError):
        talk.client.sendall(sent)
    assert talk.ended()
    assert talk.store.recv(999) == b""


def test_a_string_too_long_for_any_script_is_read_and_refused(talk: Talk) -> None:
    talk.client.sendall(b'PUTSCRIPT "a" {900000+}\r\n' + b"#" * 900_000 + b"\r\nNOOP\r\n")
    assert talk.client.recv(999).startswith(b"NO (QUOTA/MAXSIZE) ")
    assert talk.store.recv(999) == b"NOOP\r\n"


def test_the_stores_farewell_reaches_the_client(talk: Talk) -> None:
    talk.store.sendall(b'BYE "Disconnected for inactivity."\r\n')
    assert talk.client.recv(999).startswith(b"BYE")
    assert talk.ended()
