"""Commands, addresses and headers beyond all measure: answered within a minute, and the next message flows (Đ10.2)."""

import time
from functools import partial

import pytest

from tests import journal
from tests.lab import Lab, Sample
from tests.mail.hostile import (
    ANSWER,
    STRANGER,
    TAKEN,
    answers,
    await_letters,
    connected,
    differing,
    each,
    letter,
    submitting,
)

pytestmark = [
    pytest.mark.dieu10,
    pytest.mark.usefixtures("daemons_stay"),
    pytest.mark.provokes(journal.BAD_CLIENTS, journal.HUGE_COMMANDS),
]

MANY = 10_000
LARGE = 10_000_000


# --- commands ---

_LABELS = ".".join(["a" * 60] * (MANY // 61))
_ADDRESSES = {
    "local part": f"{'a' * MANY}@{{domain}}",
    "quoted local part": f'"{"a" * MANY}"@{{domain}}',
    "escaped local part": f'"{"\\\\a" * (MANY // 2)}"@{{domain}}',
    "dots": f"{'a.' * (MANY // 2)}a@{{domain}}",
    "signs": f"{'a@' * (MANY // 2)}{{domain}}",
    "domain": f"a@{_LABELS}.{{domain}}",
    "one label": f"a@{'a' * MANY}.{{domain}}",
    "literal": f"a@[{'1' * MANY}]",
    "route": f"{','.join(['@client.example'] * (MANY // 16))}:a@{{domain}}",
    "brackets": f"{'<' * MANY}a@{{domain}}{'>' * MANY}",
    "comments": f"a{'(' * MANY}{')' * MANY}@{{domain}}",
    # As long as the mail server takes a line.
    "local part within a line": f"{'a' * 1900}@{{domain}}",
    "route within a line": f"{','.join(['@client.example'] * 110)}:a@{{domain}}",
}
COMMANDS = {
    **{
        f"MAIL, {name}": f"MAIL FROM:<{address.format(domain='client.example')}>"
        for name, address in _ADDRESSES.items()
    },
    "MAIL, parameters": f"MAIL FROM:<{STRANGER}> {'SIZE=1 ' * MANY}",
    "MAIL, unknown parameter": f"MAIL FROM:<{STRANGER}> X={'a' * MANY}",
    "MAIL, size": f"MAIL FROM:<{STRANGER}> SIZE={'9' * 40}",
    "MAIL, NUL": "MAIL FROM:<a\0b@client.example>",
    "MAIL, carriage return": "MAIL FROM:<a\rb@client.example>",
    "HELO": f"HELO {'a' * MANY}.example",
    "NOOP": f"NOOP {'a' * 1_000_000}",
    "no word": "\0" * MANY,
    "other": "\u1ed3" * MANY,
    "VRFY": "VRFY root",
    "EXPN": "EXPN root",
    "EXPN, huge": f"EXPN {'a' * MANY}",
    "ETRN": "ETRN hanam.gov.vn",
    "TURN": "TURN",
    "XCLIENT": "XCLIENT ADDR=127.0.0.1 LOGIN=admin",
    "XFORWARD": "XFORWARD ADDR=127.0.0.1",
    "BURL": "BURL imap://mx/INBOX LAST",
}
RECIPIENTS = {
    f"RCPT, {name}": f"RCPT TO:<{address.format(domain='hanam.gov.vn')}>" for name, address in _ADDRESSES.items()
} | {
    "RCPT, NUL": "RCPT TO:<a\0b@hanam.gov.vn>",
}
# Octets that are no UTF-8: an overlong dot, half of a surrogate pair, the last ten above all letters, a letter cut off.
NO_UTF8 = {"overlong": b"\xc0\xae", "surrogate": b"\xed\xa0\x80", "beyond": b"\xf7\xbf\xbf\xbf", "cut off": b"\xe1\xbb"}
# Taken or refused, as the rest of the address deserves.
EITHER = {"MAIL, route within a line", "MAIL, local part within a line", "MAIL, parameters"}


@pytest.mark.dieu4
def test_no_command_stops_the_door_of_the_world(lab: Lab, recipient: Sample) -> None:
    def ask(before: bytes, command: bytes) -> list[str]:
        with connected(lab) as wire:
            assert not before or wire.code(before) == "250"
            codes = [wire.code(command + b"\r\n"), *wire.leave()]
        with connected(lab) as following:
            assert following.letter(STRANGER, recipient.address, letter(recipient.address, "sau")) == TAKEN
        return codes

    sender = f"MAIL FROM:<{STRANGER}>\r\n".encode()
    cases = {name: (b"", command.encode()) for name, command in COMMANDS.items()}
    cases |= {name: (sender, command.encode()) for name, command in RECIPIENTS.items()}
    for name, octets in NO_UTF8.items():
        cases[f"MAIL, {name}"] = (b"", b"MAIL FROM:<a" + octets + b"@client.example> SMTPUTF8")
        cases[f"RCPT, {name}"] = (sender, b"RCPT TO:<a" + octets + b"@hanam.gov.vn>")
    found = each({name: partial(ask, *words) for name, words in cases.items()})
    # What is too long for a command may be answered piece by piece, and the connection ended.
    taken = {name: codes for name, codes in found.items() if set(codes[:-1]) & {"250", "354"} or not codes[0]}
    assert {name: codes for name, codes in taken.items() if name not in EITHER} == {}
    await_letters(lab, recipient, len(found))


@pytest.mark.bound
def test_ten_thousand_recipients_hold_up_nobody(lab: Lab, recipient: Sample, colleague: Sample) -> None:
    command = f"RCPT TO:<{recipient.address}>\r\n".encode()
    began = time.monotonic()
    with connected(lab) as wire:
        assert wire.code(f"MAIL FROM:<{STRANGER}>\r\n".encode()) == "250"
        wire.send(command * MANY)
        with connected(lab) as other:
            assert other.letter(STRANGER, colleague.address, letter(colleague.address, "khac")) == TAKEN
        codes = wire.rest()
    assert time.monotonic() - began < ANSWER
    limit = int(lab.run("mx", "postconf -h smtpd_recipient_limit"))
    assert codes.count("250") == limit
    assert codes[-1] == "421", "whoever goes on and on is cut off"
    await_letters(lab, colleague, 1)


# --- headers ---


def huge_headers() -> dict[str, bytes]:
    """Of ten megabytes each."""
    many = range(100_000)
    return {
        "one line": b"X-A: " + b"a" * LARGE + b"\r\n",
        "one line of blanks": b"X-A: a" + b" " * LARGE + b"b\r\n",
        "one field of many lines": b"X-A: a" + b"\r\n " + (b"a" * 97 + b"\r\n ") * (LARGE // 100) + b"a\r\n",
        "many fields": b"".join(b"X-%d: %s\r\n" % (number, b"a" * 90) for number in many),
        "many fields of one name": (b"X-A: " + b"a" * 92 + b"\r\n") * (LARGE // 100),
        "many recipients": b"Cc: a@client.example"
        + b"".join(b",\r\n %d@client.example" % number for number in many)
        + b"\r\n",
    }


@pytest.mark.dieu4
def test_no_header_of_ten_megabytes_stops_the_mail(lab: Lab, recipient: Sample, sender: Sample) -> None:
    """The mail server keeps the first 100 kB of a field; a longer header in all is refused."""
    contents = {name: letter(recipient.address, name, head=head) for name, head in huge_headers().items()}
    found = answers(lab, recipient, contents)
    refused = {name: answer for name, answer in found.items() if answer[:3] != "250"}
    assert differing(refused, "554", "Phan dau cua thu qua dai") == {}
    assert {"many fields", "many fields of one name"} <= refused.keys()

    def submit(name: str, head: bytes) -> list[str]:
        with submitting(lab, sender) as wire:
            codes = wire.letter(
                sender.address, recipient.address, letter(recipient.address, name, author=sender.address, head=head)
            )
            codes += wire.letter(
                sender.address, recipient.address, letter(recipient.address, f"sau {name}", author=sender.address)
            )
            return codes + wire.leave()

    ours = each({name: partial(submit, name, huge_headers()[name]) for name in ("one line", "many fields")})
    assert {name: codes for name, codes in ours.items() if codes[3] not in ("250", "554")} == {}
    assert {name: codes for name, codes in ours.items() if codes[4:] != [*TAKEN, "221"]} == {}


@pytest.mark.bound
def test_what_is_taken_of_a_huge_header_can_be_read(lab: Lab, recipient: Sample) -> None:
    fields = huge_headers()
    kept = {
        "one line": fields["one line"],
        "many recipients": fields["many recipients"],
        "encoded words": b"X-A: " + b"=?utf-8?q?=C4=91?=\r\n " * 4_000 + b"a\r\n",
        "words in words": b"X-A: " + b"=?utf-8?q?" * 9_000 + b"a" + b"?=" * 9_000 + b"\r\n",
        "a name in pieces": b"Content-Disposition: attachment"
        + b"".join(b";\r\n filename*%d=a" % number for number in range(4_000))
        + b"\r\n",
        "references": b"References: " + b"<a@client.example>\r\n " * 4_000 + b"<b@client.example>\r\n",
        "hops": b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n" * 40,
    }
    contents = {name: letter(recipient.address, name, head=head) for name, head in kept.items()}
    assert differing(answers(lab, recipient, contents), "250") == {}
    began = time.monotonic()
    with lab.imap(recipient.address, recipient.password) as client:
        client.select("INBOX", readonly=True)
        status, parts = client.fetch("1:*", "(ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER] BODY.PEEK[1])")
    assert (status, len(parts) >= 2 * len(kept)) == ("OK", True)
    # Not in the square of its size, and no hang.
    assert time.monotonic() - began < 60
