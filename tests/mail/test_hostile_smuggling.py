"""One message stays one message (Đ4.2, Đ4.6): no line end and no command sent ahead makes another of it, in or out.

What ends a message is CRLF, a dot and CRLF. A server that takes other octets for it reads what follows as commands, and
a message that nobody has looked at passes in the name of the server between (CVE-2023-51764).
"""

import itertools
import re
import socket
import ssl
from functools import partial

import pytest

from tests import journal, smtp_server
from tests.lab import Lab, Sample, wait_for
from tests.mail.hostile import (
    ANSWER,
    STRANGER,
    TAKEN,
    Wire,
    await_letters,
    connected,
    each,
    here,
    letter,
    subjects,
    submitting,
)
from tests.mail.managesieve import Session

pytestmark = [
    pytest.mark.dieu4,
    pytest.mark.usefixtures("daemons_stay"),
    pytest.mark.provokes(journal.BAD_CLIENTS),
]

OUTSIDE = "ai@client.example"
"""Mail for that domain, which has no MX, comes to the machine on which the tests run."""

_SIGNS = {b"\r": "CR", b"\n": "LF", b"\0": "NUL", b" ": "blank", b".": "dot"}
_LINE_ENDS = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\r\n\0")
_ALMOST = [
    start + b"." + end
    for start, end in itertools.product(_LINE_ENDS, (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\0\r\n"))
    if b"\r\n.\r\n" not in start + b"." + end
]
_ALMOST += [b"\r\n. \r\n", b"\n\n.\n\n", b"\r\n.\0\n"]


def named(octets: bytes) -> str:
    return " ".join(_SIGNS[bytes([octet])] for octet in octets)


FORMS = {named(form): form for form in _ALMOST}
"""What is no end of a message, by its name."""


def smuggling(form: bytes, author: str, recipient: str, subject: str) -> bytes:
    """A message; whoever takes `form` for its end reads a second one behind it."""
    hidden = letter(recipient, f"lau {subject}", author=author)
    commands = f"MAIL FROM:<{author}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()
    return letter(recipient, f"mot {subject}", author=author, body=b"Kinh gui" + form + commands + hidden)


def pair(wire: Wire, form: bytes, author: str, recipient: str, subject: str) -> list[str]:
    """A message that smuggles and an honest one behind it; all that the server says of them."""
    codes = wire.letter(author, recipient, smuggling(form, author, recipient, subject))
    codes += wire.letter(author, recipient, letter(recipient, f"hai {subject}", author=author))
    return codes + wire.leave()


def expected(forms: dict[str, bytes]) -> list[str]:
    return sorted(f"{word} {number}" for number in range(len(forms)) for word in ("mot", "hai"))


# --- line ends ---


def test_no_line_end_makes_a_second_letter_of_one_that_comes_in(lab: Lab, recipient: Sample) -> None:
    def bring(form: bytes, number: int) -> list[str]:
        with connected(lab) as wire:
            return pair(wire, form, STRANGER, recipient.address, str(number))

    found = each({name: partial(bring, form, number) for number, (name, form) in enumerate(FORMS.items())})
    assert {name: codes for name, codes in found.items() if codes != [*TAKEN, *TAKEN, "221"]} == {}
    assert await_letters(lab, recipient, 2 * len(FORMS)) == expected(FORMS)


@pytest.mark.parametrize("implicit_tls", [True, False], ids=["465", "587"])
def test_no_line_end_of_an_official_makes_a_second_letter_outside(lab: Lab, sender: Sample, implicit_tls: bool) -> None:
    """And none reaches another server: it may take for an end what ours does not."""
    forms = FORMS if implicit_tls else dict(itertools.islice(FORMS.items(), 3))

    def submit(form: bytes, number: int) -> list[str]:
        with submitting(lab, sender, implicit_tls=implicit_tls) as wire:
            return pair(wire, form, sender.address, OUTSIDE, str(number))

    with smtp_server.running((here(lab), 25)) as outside:
        found = each({name: partial(submit, form, number) for number, (name, form) in enumerate(forms.items())})
        assert {name: codes for name, codes in found.items() if codes != [*TAKEN, *TAKEN, "221"]} == {}
        wait_for(lambda: len(outside.taken) >= 2 * len(forms), "all letters outside")
    letters = [octets for _, _, octets in outside.taken]
    assert sorted(_subject(octets) for octets in letters) == expected(forms)
    assert len([line for line in outside.lines if line.upper().startswith("MAIL")]) == len(letters)
    stray = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0|\r\n\.(?!\.)")
    assert {_subject(octets): stray.findall(octets) for octets in letters if stray.search(octets)} == {}


def _subject(octets: bytes) -> str:
    found = re.search(rb"^Subject: ([^\r\n]*)", octets, re.MULTILINE)
    return found[1].decode() if found else ""


# --- lengths ---


def test_no_length_says_where_a_letter_ends(lab: Lab, sender: Sample, recipient: Sample) -> None:
    """BDAT (RFC 3030): beyond its limits Postfix reads as commands what the client sent as content."""
    with lab.smtp() as outside, lab.submission(sender.address, sender.password) as inside:
        assert [client.has_extn("chunking") for client in (outside, inside)] == [False, False]
    envelope = f"MAIL FROM:<{STRANGER}>\r\nRCPT TO:<{recipient.address}>\r\n".encode()
    hidden = b"RSET\r\n" + envelope + b"DATA\r\n" + letter(recipient.address, "lau") + b"\r\n.\r\nQUIT\r\n"

    def bring(length: bytes) -> list[str]:
        with connected(lab) as wire:
            wire.send(envelope)
            assert [wire.reply()[:3] for _ in range(2)] == TAKEN[:2]
            wire.send(b"BDAT " + length + b"\r\n" + hidden)
            return wire.rest()

    lengths = (b"%d LAST" % len(hidden), b"4294967296", b"99999999999999999999", b"-1", b"")
    found = each({repr(length): partial(bring, length) for length in lengths})
    assert found == {repr(length): ["521"] for length in lengths}
    assert subjects(lab, recipient) == []


# --- commands sent ahead ---


def test_commands_that_may_be_sent_together_are_answered_in_their_order(lab: Lab, recipient: Sample) -> None:
    with connected(lab) as wire:
        for number in range(2):
            group = (f"MAIL FROM:<{STRANGER}>", f"RCPT TO:<{recipient.address}>", "DATA")
            wire.send("".join(f"{command}\r\n" for command in group).encode())
            assert [wire.reply()[:3] for _ in group] == TAKEN[:3]
            # The end of one message and the commands of the next may come together (RFC 2920, 3.1).
            wire.send(letter(recipient.address, f"thu {number}") + b"\r\n.\r\nNOOP\r\n")
            assert [wire.reply()[:3] for _ in range(2)] == ["250", "250"]
        assert wire.leave() == ["221"]
    assert await_letters(lab, recipient, 2) == ["thu 0", "thu 1"]


AHEAD = {
    "behind a hello of the old kind": ("", "HELO client.example\r\n"),
    "behind a hello": ("", "EHLO client.example\r\n"),
    "before the answer to DATA": ("EHLO client.example\r\n", ""),
    "in a request of the Web": ("", "POST / HTTP/1.1\r\nHost: mx\r\n\r\nEHLO client.example\r\n"),
}


def test_nothing_is_taken_of_what_a_client_sends_without_waiting_for_the_answer(lab: Lab, recipient: Sample) -> None:
    envelope = f"MAIL FROM:<{STRANGER}>\r\nRCPT TO:<{recipient.address}>\r\nDATA\r\n".encode()
    content = letter(recipient.address, "lau") + b"\r\n.\r\nQUIT\r\n"

    def bring(hello: str, before: str) -> list[str]:
        with connected(lab, hello=hello.encode()) as wire:
            wire.send(before.encode() + envelope + content)
            return wire.rest()

    found = each({name: partial(bring, *words) for name, words in AHEAD.items()})
    assert {name: codes for name, codes in found.items() if "354" in codes} == {}
    assert subjects(lab, recipient) == []


@pytest.mark.parametrize(("group", "port"), [("mx", 25), ("submission", 587)])
def test_no_command_before_tls_counts_behind_it(lab: Lab, group: str, port: int) -> None:
    """Somebody in between could put one there, in the name of whoever signs in then (CVE-2011-0411)."""
    name = f"{'mx' if port == 25 else 'smtp'}.{lab.variables['mail_domain']}"
    with connected(lab, group, port) as wire:
        first = wire.ask(f"STARTTLS\r\nEHLO xen.vao.example\r\nMAIL FROM:<{STRANGER}>\r\nNOOP\r\n".encode())
        if first[:3] != "220":
            assert first[:1] in "45" and wire.rest() == []
            return
        with lab.ssl_context.wrap_socket(wire.connection, server_hostname=name) as secure:
            inside = Wire(secure)
            assert inside.ask(b"RCPT TO:<a@client.example>\r\n")[:1] == "5", "nobody said who sends"
            assert inside.ask(b"EHLO client.example\r\n").startswith("250-"), "the first hello that counts"
            assert inside.leave() == ["221"]


def test_no_command_before_tls_counts_behind_it_where_scripts_are_kept(lab: Lab) -> None:
    name = f"imap.{lab.variables['mail_domain']}"
    with socket.create_connection((lab.address("mailstore"), 4190), ANSWER) as plain:
        start = Session(plain)
        start.reply()
        assert start.ask(b'STARTTLS\r\nNOOP "xen vao"\r\nLOGOUT\r\n').startswith("OK")
        try:
            secure = lab.ssl_context.wrap_socket(plain, server_hostname=name)
        except (ssl.SSLError, ConnectionError):
            return
        with secure:
            session = Session(secure)
            assert '"SIEVE"' in session.reply()
            assert "xen vao" not in session.ask(b'NOOP "moi"\r\n')
