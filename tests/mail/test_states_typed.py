"""What somebody types at a door never becomes part of a statement, an error, or a log (Đ4.6)."""

import base64
import http.client
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import journal
from tests.lab import TIMEOUT, Lab, Sample
from tests.mail.accounts import forget_failures
from tests.mail.http_doors import Browser

pytestmark = [pytest.mark.dieu4, pytest.mark.provokes(journal.REFUSED_SIGN_IN)]

STRANGE = [
    *(b"'", b'"', b"%", b"*", b"(", b")", b"\\", b"\n", b"\t", b"`", b"?", b"<b>", b";--"),
    *(b"' or '1'='1", b"'||pg_sleep(9)||'", b"$1", b"%{password}", b"%u%m", b"\0", b"\xff\xfe", "Đặng".encode()),
    b"n" * 10_000,
]
AT_ONCE = 18  # Dovecot takes twenty at a time at ManageSieve
# What Roundcube takes out of a form's fields before it looks at them: a right name or password may remain.
TAKEN_OUT = {"webmail": (b"<b>", b"\0", b"\xff\xfe")}

type Door = Callable[[Lab, bytes, bytes], bool]


def _line(stream: socket.SocketIO, *ends: bytes) -> bytes:
    """The server's lines up to one that begins like this; what it said last when it hangs up."""
    line = b""
    while following := stream.readline():
        line = following
        if line.startswith(ends):
            break
    return line


def _plain(port: int, service: str, before: list[tuple[bytes, bytes]], ends: tuple[bytes, ...], good: bytes) -> Door:
    """A door that takes SASL PLAIN: what is said before, and how an answer begins. The token follows the last line."""

    def attempt(lab: Lab, name: bytes, password: bytes) -> bool:
        token = base64.b64encode(b"\0" + name + b"\0" + password)
        group = "submission" if service == "smtp" else "mailstore"
        host = f"{service}.{lab.variables['mail_domain']}"
        with (
            socket.create_connection((lab.address(group), port), TIMEOUT) as plain,
            lab.ssl_context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            stream = secure.makefile("rb")
            stream.readline()
            for said, answered in before:
                secure.sendall(said)
                _line(stream, answered)  # type: ignore[arg-type]
            secure.sendall(token + b"\r\n")
            return _line(stream, *ends).startswith(good)  # type: ignore[arg-type]

    return attempt


def _managesieve(lab: Lab, name: bytes, password: bytes) -> bool:
    token = base64.b64encode(b"\0" + name + b"\0" + password)
    with socket.create_connection((lab.address("mailstore"), 4190), TIMEOUT) as plain:
        stream = plain.makefile("rb")
        _line(stream, b"OK")  # type: ignore[arg-type]
        plain.sendall(b"STARTTLS\r\n")
        _line(stream, b"OK")  # type: ignore[arg-type]
        with lab.ssl_context.wrap_socket(plain, server_hostname=f"imap.{lab.variables['mail_domain']}") as secure:
            stream = secure.makefile("rb")
            _line(stream, b"OK")  # type: ignore[arg-type]
            secure.sendall(b'AUTHENTICATE "PLAIN" {%d+}\r\n' % len(token) + token + b"\r\n")
            return _line(stream, b"OK", b"NO", b"BYE").startswith(b"OK")  # type: ignore[arg-type]


def _webmail(lab: Lab, name: bytes, password: bytes) -> bool:
    answer = Browser(lab).log_in(name, password)
    assert answer.status in (200, 302, 401), (answer.status, answer.body[:500])
    return "_task=mail" in answer.location


def _change(lab: Lab, name: bytes, password: bytes) -> bool:
    return Browser(lab).change(name, password, "yeu")["result"] == "rejected"


DOORS: dict[str, Door] = {
    "IMAP": _plain(993, "imap", [(b"a AUTHENTICATE PLAIN\r\n", b"+")], (b"a ", b"* BYE"), b"a OK"),
    "POP3": _plain(995, "imap", [(b"AUTH PLAIN\r\n", b"+")], (b"+OK", b"-ERR"), b"+OK"),
    "SMTP 465": _plain(
        465, "smtp", [(b"EHLO client.example\r\n", b"250 "), (b"AUTH PLAIN\r\n", b"334")], (b"235", b"4", b"5"), b"235"
    ),
    "ManageSieve": _managesieve,
    "webmail": _webmail,
    "change page": _change,
}


@pytest.mark.parametrize("door", list(DOORS))
def test_no_character_of_a_name_or_password_reaches_sql_unescaped(lab: Lab, person: Sample, door: str) -> None:
    """Each is refused like any wrong one, without an error, and what is right still opens.

    Inside the name: spaces around it are no part of it in a form.
    """
    attempt = DOORS[door]
    begin = {group: lab.run(group, "date '+%s %F %T'").strip() for group in ("mailstore", "accounts", "webmail")}
    address, password = person.address.encode(), person.password.encode()
    assert attempt(lab, address, password)
    tries = [
        pair
        for strange in STRANGE
        for pair in (
            (address[:1] + strange + address[1:], password),
            (strange, password),
            (address, password[:1] + strange + password[1:]),
        )
    ]
    answers: list[bool] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(0, len(tries), AT_ONCE):
            # At once, since each refusal takes its time; and heard all of them, as a third is about the person.
            forget_failures(lab)
            answers += pool.map(lambda pair: attempt(lab, *pair), tries[number : number + AT_ONCE])
    opened = [b" ".join(pair) for pair, answer in zip(tries, answers, strict=True) if answer]
    assert [pair for pair in opened if not any(strange in pair for strange in TAKEN_OUT.get(door, ()))] == []
    forget_failures(lab)
    assert attempt(lab, address, password)
    log = _said(lab, begin)
    for fault in ("Query failed", "syntax error", "ERROR:", "DB Error", "Traceback", person.password):
        assert fault not in log, [line for line in log.splitlines() if fault in line][:5]


def _said(lab: Lab, begin: dict[str, str]) -> str:
    """What Dovecot, PostgreSQL, Roundcube and the change page wrote since."""
    seconds = {group: moment.split()[0] for group, moment in begin.items()}
    clock = begin["accounts"].partition(" ")[2]
    units = "-u dovecot -u hanam-change-page -u php8.4-fpm -t roundcube"
    return "\n".join(
        [
            lab.run("mailstore", f"journalctl --sync; journalctl --since @{seconds['mailstore']} -o cat {units}"),
            lab.run("webmail", f"journalctl --sync; journalctl --since @{seconds['webmail']} -o cat {units}"),
            lab.run("accounts", f'awk \'$1 " " $2 >= "{clock}"\' /var/log/postgresql/*-main.log'),
        ]
    )


def test_a_name_is_a_value_to_the_webmails_own_question(lab: Lab, person: Sample) -> None:
    """Roundcube puts the name into the text of its statement: mail.webmail_login('%m')."""
    for name in (
        f"x'||(select '{person.mailbox}')||'",
        f"x') union select '{person.mailbox}' --",
        "x'; select pg_sleep(30); --",
        f"{person.address}' and true --",
    ):
        answer = Browser(lab).log_in(name, person.password)
        assert "_task=mail" not in answer.location, name
        assert answer.status in (http.client.OK, http.client.UNAUTHORIZED)
    forget_failures(lab)
    assert "_task=mail" in Browser(lab).log_in(person.address, person.password).location
