"""What leaves bears our signatures, RSA's and Ed25519's, and strangers find them good; keys change in between (Đ4.6).

The judges are OpenDKIM, which the foreign server asks, and dkimpy (Foreign.verdicts).
"""

import base64
import datetime as dt
import email
import email.policy
import json
import shlex
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from hanam_mail.controller import dkim_swap
from hanam_mail.controller.keys import dkim
from tests import journal
from tests.foreign import AN, BINH, REJECT, Foreign
from tests.lab import Lab, Sample, message, wait_for

pytestmark = [pytest.mark.neighbours, pytest.mark.dieu4]

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
TABLES = ("vault_dkim_keys", "vault_dkim_next_keys", "vault_dkim_former_keys")


@pytest.fixture
def foreign(lab: Lab) -> Foreign:
    return Foreign(lab)


def sent(lab: Lab, foreign: Foreign, official: Sample, **fields: str) -> bytes:
    """A message of the official's as it arrived outside."""
    mail = message(official.address, BINH)
    for name, value in fields.items():
        mail[name.replace("_", "-")] = value
    with lab.submission(official.address, official.password) as client:
        client.send_message(mail, to_addrs=[BINH])
    return arrival(foreign, BINH, mail["Subject"])


def arrival(foreign: Foreign, address: str, text: str) -> bytes:
    """The message with that text in a foreign mailbox, once it is there."""
    return wait_for(
        lambda: next((data for data in foreign.contents(address) if text.encode() in data), None),
        f"{text} in {address}",
    )


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)  # type: ignore[return-value]


def signatures(data: bytes) -> dict[str, dict[str, str]]:
    """Selector -> tags of each signature."""
    found = {}
    for value in parsed(data).get_all("DKIM-Signature"):
        tags = dict(part.strip().split("=", 1) for part in "".join(str(value).split()).split(";") if part.strip())
        found[tags["s"]] = tags
    return found


def test_each_message_is_signed_with_both_keys(lab: Lab, foreign: Foreign, official: Sample) -> None:
    arrived = sent(lab, foreign, official, Cc=official.address, Reply_To=official.address)
    keys = lab.variables["vault_dkim_keys"]
    assert foreign.verdicts(arrived) == dict.fromkeys(keys, True)
    assert "dkim=pass" in parsed(arrived)["Authentication-Results"]
    made = signatures(arrived)
    assert {selector: tags["a"] for selector, tags in made.items()} == {
        selector: f"{dkim.algorithm(key)}-sha256" for selector, key in keys.items()
    }
    for tags in made.values():
        assert tags["d"] == lab.variables["mail_domain"]
        # Whoever adds a second one of these breaks the signature.
        counts = Counter(tags["h"].lower().split(":"))
        assert {name: counts[name] for name in ("from", "to", "cc", "subject", "reply-to")} == {
            "from": 2,
            "to": 2,
            "cc": 2,
            "subject": 2,
            "reply-to": 2,
        }


def test_an_altered_message_bears_no_good_signature(lab: Lab, foreign: Foreign, official: Sample) -> None:
    """That the judge can say no."""
    data = sent(lab, foreign, official)
    keys = lab.variables["vault_dkim_keys"]
    for altered in (data + b"Them.\n", b"From: Chu tich <a@ngoai.example>\n" + data):
        assert foreign.verdicts(altered) == dict.fromkeys(keys, False)


# --- what the mail server itself says ---


RELAY = """
import base64, smtplib, sys
with smtplib.SMTP("localhost") as client:
    options = sys.argv[3:]
    client.sendmail(sys.argv[1], [sys.argv[2]], base64.b64decode(sys.stdin.read()), options)
"""


def notice(foreign: Foreign, lab: Lab, original: bytes, *options: str) -> bytes:
    """What a stranger gets whose message our server could not pass on."""
    subject = uuid.uuid4().hex
    head = f"From: <{AN}>\r\nTo: <{REJECT}>\r\nX-Subject: {subject}\r\n".encode()
    data = base64.b64encode(head + original).decode()
    words = shlex.join(["python3", "-c", RELAY, AN, REJECT, *options])
    lab.run("submission", f"echo {data} | {words}")

    return arrival(foreign, AN, subject)


@pytest.mark.parametrize(
    "original",
    [
        pytest.param(b"Subject: thu\r\n\r\nKhong ai doc.\r\n", id="plain"),
        pytest.param("Subject: Công văn đến\r\n\r\nKhong ai doc.\r\n".encode(), id="raw UTF-8"),
        pytest.param(b"Subject: " + b"x" * 5000 + b"\r\n\r\n" + b"Khong ai doc. " * 400 + b"\r\n", id="long lines"),
        pytest.param(
            b"Subject: \x80\xff\r\nDKIM-Signature: v=1; a=b\r\n\r\nKhong ai doc. \x80\r\n", id="no text at all"
        ),
        pytest.param(b"Subject: a\f\r\nX-A: b \f \r\n \f\r\n c\r\n\r\nKhong ai doc.\r\n", id="form feeds"),
        # As mail this would be refused: a notice is signed and not judged.
        pytest.param(b"Subject: a\r\nX-A: " + GTUBE + b"\r\n\r\nKhong ai doc.\r\n", id="spam in a header"),
    ],
)
def test_a_notice_of_failure_is_signed_and_gives_back_headers_only(lab: Lab, foreign: Foreign, original: bytes) -> None:
    """Its sender is empty: without a signature nothing shows that it is ours. The other server takes 7 bits only."""
    with foreign.without("8bitmime"):
        arrived = notice(foreign, lab, original)
    assert parsed(arrived)["Return-Path"] == "<>"
    assert f"MAILER-DAEMON@{lab.variables['mail_domain']}" in parsed(arrived)["From"]
    assert foreign.verdicts(arrived) == dict.fromkeys(lab.variables["vault_dkim_keys"], True)
    assert b"Khong ai doc" not in arrived


@pytest.mark.parametrize("missing", ["dsn", "8bitmime"])
def test_a_notice_about_mail_with_addresses_in_utf8_is_signed(lab: Lab, foreign: Foreign, missing: str) -> None:
    """It has kinds of parts of its own (RFC 6533)."""
    original = "Subject: Công văn đến\r\n\r\nKhong ai doc.\r\n".encode()
    with foreign.without(missing):
        arrived = notice(foreign, lab, original, "SMTPUTF8", "BODY=8BITMIME")
    assert foreign.verdicts(arrived) == dict.fromkeys(lab.variables["vault_dkim_keys"], True)
    assert "message/global-headers" in [part.get_content_type() for part in parsed(arrived).walk()]


# --- other keys ---


@contextmanager
def keys_in_force(lab: Lab, tables: Mapping[str, Any], folder: Path) -> Iterator[CompletedProcess[str]]:
    """The filter after a deployment with these tables; those of the vault come back by a deployment too."""
    given = folder / f"{uuid.uuid4().hex}.yml"
    given.write_text(json.dumps({name: tables.get(name, {}) for name in TABLES}))

    def deploy(*words: str) -> CompletedProcess[str]:
        done = lab.play("site.yml", "--tags", "rspamd", "--limit", "filter", *words)
        lab.wait_for_filter()
        return done

    try:
        yield deploy("-e", f"@{given}")
    finally:
        done = deploy()
        assert done.returncode == 0, done.stdout


# The deployment starts the filter again.
@pytest.mark.provokes(journal.FILTER_AWAY)
def test_the_next_keys_sign_after_a_deployment_and_the_former_ones_come_back(
    lab: Lab, foreign: Foreign, official: Sample, tmp_path: Path
) -> None:
    """DNS knows the next keys ahead: nothing but the vault and the filter changes."""
    vault = {name: value for name, value in lab.variables.items() if name in TABLES}
    before = sent(lab, foreign, official)
    swapped, _ = dkim_swap.swap(vault, dt.datetime.now(dt.UTC).date())
    with keys_in_force(lab, swapped, tmp_path) as done:
        assert done.returncode == 0, done.stdout
        assert foreign.verdicts(sent(lab, foreign, official)) == dict.fromkeys(vault["vault_dkim_next_keys"], True)
        assert sorted(lab.run("filter", "ls /etc/rspamd/dkim.*.key").split()) == sorted(
            f"/etc/rspamd/dkim.{selector}.key" for selector in vault["vault_dkim_next_keys"]
        )
        # Mail that was on its way.
        assert foreign.verdicts(before) == dict.fromkeys(vault["vault_dkim_keys"], True)
    assert foreign.verdicts(sent(lab, foreign, official)) == dict.fromkeys(vault["vault_dkim_keys"], True)


def test_keys_that_dns_does_not_know_never_sign(lab: Lab, foreign: Foreign, official: Sample, tmp_path: Path) -> None:
    keys = lab.variables["vault_dkim_keys"]
    unknown = dkim.new_keys(dt.date(2001, 1, 1))
    with keys_in_force(lab, {"vault_dkim_keys": unknown}, tmp_path) as done:
        assert done.returncode != 0
        assert f"{next(iter(unknown))}._domainkey" in done.stdout
        assert "DNS chưa công bố khóa này" in done.stdout
        assert "PRIVATE KEY" not in done.stdout
        assert foreign.verdicts(sent(lab, foreign, official)) == dict.fromkeys(keys, True)
        assert lab.run("filter", "ls /etc/rspamd/").count("20010101") == 0
