"""Nobody sends through us to others who has not signed in, however he writes address, sender and name (Đ4.3, Đ12.6)."""

import contextlib
import itertools
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from tests import journal
from tests.foreign import MAIL_FOLDER, Foreign
from tests.lab import Lab, Sample, message
from tests.mail.hostile import ANSWER, STRANGER, Wire, connected, each, letter

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu12, pytest.mark.provokes(journal.BAD_CLIENTS)]

TOGETHER = 4
"""So many forms over one connection: whoever is refused more often is kept waiting (smtpd_soft_error_limit)."""


@dataclass(frozen=True)
class Form:
    """How somebody tries it. `{to}` is a mailbox of strangers, `{local}` what stands before its sign."""

    recipient: str = "<{to}>"
    sender: str = f"<{STRANGER}>"
    hello: str = "client.example"


_RECIPIENTS = {
    "plainly": "<{to}>",
    "in capitals": "<{TO}>",
    "with a dot at the end": "<{to}.>",
    "without brackets": "{to}",
    "with a name": "An <{to}>",
    "with a comment": "<{local}(an)@ngoai.example>",
    "quoted": '<"{local}"@ngoai.example>',
    "quoted as ours": '<"{to}"@{ours}>',
    "escaped as ours": "<{local}\\@ngoai.example@{ours}>",
    "two signs": "<{to}@{ours}>",
    "two signs, ours first": "<{local}@{ours}@ngoai.example>",
    "two signs, our exchanger": "<{to}@mx.{ours}>",
    "two signs, localhost": "<{to}@localhost>",
    "two signs, nothing behind": "<{to}@>",
    "route by us": "<@{ours}:{to}>",
    "route by our exchanger": "<@mx.{ours}:{to}>",
    "route by our address": "<@[{ipv4}]:{to}>",
    "route by two": "<@ngoai.example,@{ours}:{to}>",
    "route to one of ours by strangers": "<@ngoai.example:{person}>",
    "percent": "<{local}%ngoai.example@{ours}>",
    "percent, quoted": '<"{local}%ngoai.example"@{ours}>',
    "percent, our exchanger": "<{local}%ngoai.example@mx.{ours}>",
    "percent, localhost": "<{local}%ngoai.example@localhost>",
    "percent, our address": "<{local}%ngoai.example@[{ipv4}]>",
    "percent, no domain": "<{local}%ngoai.example>",
    "percent twice": "<{local}%ngoai.example%{ours}@{ours}>",
    "mark": "<ngoai.example!{local}>",
    "mark, ours": "<ngoai.example!{local}@{ours}>",
    "mark, quoted": '<"ngoai.example!{local}"@{ours}>',
    "mark twice": "<{ours}!ngoai.example!{local}>",
    "mark and percent": "<ngoai.example!{local}%mx.ngoai.example@{ours}>",
    "mark and percent, localhost": "<mx.ngoai.example!{local}%ngoai.example@localhost>",
    "literal": "<{local}@[{foreign_ipv4}]>",
    "literal of IPv6": "<{local}@[IPv6:{foreign_ipv6}]>",
    "address without brackets": "<{local}@{foreign_ipv4}>",
    "our literal": "<{to}@[{ipv4}]>",
    "our literal of IPv6": "<{to}@[IPv6:{ipv6}]>",
    "our literal, quoted": '<"{to}"@[{ipv4}]>',
    "below our domain": "<{local}@ngoai.example.{ours}>",
    "ours in front": "<{local}@{ours}.ngoai.example>",
    "two in one": "<{person}>,<{to}>",
    "two in one pair of brackets": "<{person},{to}>",
    "beside one of ours": "<{person}> <{to}>",
    "as the original of ours": "<{person}> ORCPT=rfc822;{to}",
    "letters of ours, UTF-8": "<đồng.chí+{local}@ngoai.example>",
}
_SENDERS = {
    "nobody": "<>",
    "our postmaster": "<postmaster@{ours}>",
    "our mail system": "<MAILER-DAEMON@{ours}>",
    "one of ours": "<{person}>",
    "one of ours in capitals": "<{PERSON}>",
    "root here": "<root@localhost>",
    "our address": "<root@[{ipv4}]>",
    "the receiver": "<{to}>",
    "signed in, he says": f"<{STRANGER}> AUTH={{person}}",
}
_HELLOS = {
    "our exchanger": "mx.{ours}",
    "our domain": "{ours}",
    "localhost": "localhost",
    "our address": "[{ipv4}]",
    "loopback": "[127.0.0.1]",
}
FORMS = {
    **{f"to: {name}": Form(recipient=text) for name, text in _RECIPIENTS.items()},
    **{f"from: {name}": Form(sender=text) for name, text in _SENDERS.items()},
    **{f"hello: {name}": Form(hello=text) for name, text in _HELLOS.items()},
    # A host of ours that sends what comes back of a letter of ours.
    "all at once": Form("<{local}%ngoai.example@{ours}>", "<>", "mx.{ours}"),
}


@contextlib.contextmanager
def door(lab: Lab, port: int, hello: str) -> Iterator[Wire]:
    """A connection on which nobody signs in, encrypted where that is asked for."""
    greeting = f"EHLO {hello}\r\n".encode()
    if port == 25:
        with connected(lab, hello=b"") as wire:
            wire.ask(greeting)
            yield wire
        return
    name = f"smtp.{lab.variables['mail_domain']}"
    with contextlib.ExitStack() as stack:
        if port == 465:
            # Its greeting comes within TLS.
            plain = stack.enter_context(socket.create_connection((lab.address("submission"), port), ANSWER))
        else:
            first = stack.enter_context(connected(lab, "submission", port))
            assert first.code(b"STARTTLS\r\n") == "220"
            plain = first.connection
        wire = Wire(stack.enter_context(lab.ssl_context.wrap_socket(plain, server_hostname=name)))
        if port == 465:
            assert wire.reply()[:3] == "220"
        wire.ask(greeting)
        yield wire


def offer(lab: Lab, port: int, forms: dict[str, Form], person: Sample) -> dict[str, list[str]]:
    """Codes of each form's commands; what is taken is sent to its end."""
    found = {}
    with door(lab, port, next(iter(forms.values())).hello) as wire:
        for name, form in forms.items():
            codes = [wire.code(b"RSET\r\n")]
            utf8 = "" if form.recipient.isascii() else " SMTPUTF8"
            for command in (f"MAIL FROM:{form.sender}{utf8}", f"RCPT TO:{form.recipient}"):
                codes.append(wire.code(f"{command}\r\n".encode()))
                if codes[-1] != "250":
                    break
            else:
                codes.append(wire.code(b"DATA\r\n"))
                if codes[-1] == "354":
                    content = letter(person.address, f"chuyen tiep {form.recipient}")
                    codes.append(wire.code(content + b"\r\n.\r\n"))
            found[name] = codes[1:]
    return found


@pytest.mark.neighbours
def test_dieu12_6_nothing_is_passed_on_to_others_for_somebody_who_did_not_sign_in(
    lab: Lab, person: Sample, sender: Sample
) -> None:
    foreign, token = Foreign(lab), f"tt{uuid.uuid4().hex[:12]}"
    host, outside = (lab.hosts[lab.host(group)] for group in ("mx", "internet"))
    # What stands behind the sign goes to the same mailbox there.
    to = f"an+{token}@ngoai.example"
    words = {
        "to": to,
        "TO": to.upper(),
        "local": f"an+{token}",
        "ours": lab.variables["mail_domain"],
        "person": person.address,
        "PERSON": person.address.upper(),
        "ipv4": host["host_ipv4"],
        "ipv6": host["host_ipv6"],
        "foreign_ipv4": outside["host_ipv4"],
        "foreign_ipv6": outside["host_ipv6"],
    }
    forms = {
        name: Form(form.recipient.format(**words), form.sender.format(**words), form.hello.format(**words))
        for name, form in FORMS.items()
    }
    by_hello = sorted(forms.items(), key=lambda item: item[1].hello)
    batches = {
        f"{port} {hello} {number}": partial(offer, lab, port, dict(some), person)
        for port in (25, 465, 587)
        for hello, same in itertools.groupby(by_hello, key=lambda item: item[1].hello)
        for number, some in enumerate(itertools.batched(same, TOGETHER, strict=False))
    }
    answers = {
        (int(batch.split()[0]), name): codes for batch, found in each(batches).items() for name, codes in found.items()
    }
    assert len(answers) == 3 * len(FORMS)
    taken = {name: codes for name, codes in answers.items() if not codes[-1].startswith("5")}
    # Letters to one of ours, whatever is said beside his address.
    assert {name for name in taken if name[0] != 25} == set()
    assert {name for _, name in taken} <= {"to: route to one of ours by strangers", "to: as the original of ours"}

    # What somebody sends who did sign in, arrives: by then all else would have arrived too.
    mail = message(sender.address, to)
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)
    foreign.wait_for("an@ngoai.example", str(mail["Subject"]))
    assert len(lab.run("internet", f"grep -rlF {token} {MAIL_FOLDER}").split()) == 1, "nothing but that letter"
    tried = "journalctl --sync; journalctl -q -o cat -t postfix/smtp -t postfix/relay/smtp | grep -F to= | grep -iF"
    deliveries = list[str]()
    for group in {lab.host("mx"): "mx", lab.host("submission"): "submission"}.values():
        assert [entry for entry in foreign.queue(group) if token in str(entry).lower()] == []
        deliveries += lab.run(group, f"{tried} {token} | cat").splitlines()
    assert len(deliveries) == 1, deliveries
