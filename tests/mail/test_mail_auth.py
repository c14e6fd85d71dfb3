"""What a domain says of its mail is done as the standards mean it (Đ4.6), to the address and by the tree of names.

Tables of SPF, DKIM, ARC and DMARC are asked of the filter in test_*_vectors.py, beside this module.
"""

import email
import time
import uuid
from collections.abc import Iterator

import pytest

from tests import journal
from tests.lab import Lab, Sample
from tests.mail.test_scores import ask
from tests.mail.test_signatures import STRANGER, bring, letter
from tests.signing import Key, arc, dkim
from tests.world_names import ZONE, published

pytestmark = [pytest.mark.dieu4, pytest.mark.provokes(journal.ZONES)]

UNITS = ("hanam-mail-auth.socket", "hanam-mail-auth.service")
CLIENT, NEIGHBOUR = "2001:db8:1::10", "2001:db8:1::11"


@pytest.fixture(scope="module")
def key(lab: Lab) -> Iterator[Key]:
    """A key of the domain below which all others here are, and their records."""
    domain = f"m{uuid.uuid4().hex[:8]}.{ZONE}"
    key = Key(f"a.psd.{domain}", "s")
    records = {
        f"_dmarc.host.{domain}": 'TXT "v=DMARC1; p=reject"',
        f"host.{domain}": f'TXT "v=spf1 a -all"\nhost.{domain}. 30 IN AAAA {CLIENT}',
        f"_dmarc.np.{domain}": 'TXT "v=DMARC1; p=none; np=reject"',
        f"co.np.{domain}": f"MX 10 mx.{ZONE}.",
        f"_dmarc.sub.{domain}": 'TXT "v=DMARC1; p=none; sp=reject"',
        f"co.sub.{domain}": f"MX 10 mx.{ZONE}.",
        f"_dmarc.psd.{domain}": 'TXT "v=DMARC1; p=reject; psd=y"',
        f"a.psd.{domain}": f"MX 10 mx.{ZONE}.",
        f"b.psd.{domain}": f"MX 10 mx.{ZONE}.",
        f"c.a.psd.{domain}": f"MX 10 mx.{ZONE}.",
        f"_dmarc.test.{domain}": 'TXT "v=DMARC1; p=reject; t=y"',
        f"test.{domain}": f"MX 10 mx.{ZONE}.",
    }
    lines = [f"{name}. 30 IN {record}" for name, record in records.items()] + [key.zone_line]
    with published(lab, lines):
        yield key


def below(key: Key, name: str) -> str:
    """A domain beside the key's."""
    return f"{name}.{key.domain.removeprefix('a.psd.')}"


def test_a_neighbour_in_the_network_of_a_permitted_address_is_not_permitted(
    lab: Lab, official: Sample, key: Key
) -> None:
    author = f"an@{below(key, 'host')}"
    head = {"From": author, "Helo": "mx.client.example", "Rcpt": official.address}
    content = letter(official, author, uuid.uuid4().hex)
    own, neighbour = ask(lab, [(head | {"IP": CLIENT}, content), (head | {"IP": NEIGHBOUR}, content)])
    assert {"R_SPF_ALLOW", "DMARC_POLICY_ALLOW"} <= own["symbols"].keys()
    assert {"R_SPF_FAIL", "DMARC_POLICY_REJECT"} <= neighbour["symbols"].keys()
    assert (own["action"] == "reject", neighbour["action"]) == (False, "reject")


@pytest.mark.parametrize(
    ("name", "code"),
    [("np", 250), ("co.np", 250), ("khong.np", 554), ("sub", 250), ("co.sub", 554), ("khong.sub", 554)],
)
def test_names_that_exist_and_that_do_not_have_policies_of_their_own(
    lab: Lab, official: Sample, key: Key, name: str, code: int
) -> None:
    answer = bring(lab, official, letter(official, f"an@{below(key, name)}", uuid.uuid4().hex))
    assert (answer[0], "Thu mao danh" in answer[1]) == (code, code == 554), answer


@pytest.mark.parametrize(("name", "code"), [("a.psd", 250), ("c.a.psd", 250), ("b.psd", 554), ("psd", 554)])
def test_below_a_public_suffix_each_name_is_an_organisation(
    lab: Lab, official: Sample, key: Key, name: str, code: int
) -> None:
    signed = dkim(key, letter(official, f"an@{below(key, name)}", uuid.uuid4().hex))
    answer = bring(lab, official, signed)
    assert answer[0] == code, answer


def test_a_policy_that_is_being_tested_is_one_lower(lab: Lab, official: Sample, key: Key) -> None:
    subject = uuid.uuid4().hex
    assert bring(lab, official, letter(official, f"an@{below(key, 'test')}", subject)) == (250, "")
    lab.wait_for_message(official, subject, folder="Junk")


def seals(lab: Lab, official: Sample, content: bytes, subject: str) -> tuple[list[str], str]:
    """The seals of a message that arrived, the newest first, and what the filter found."""
    assert bring(lab, official, content) == (250, "")
    arrived = email.message_from_bytes(lab.wait_for_message(official, subject))
    return ["".join(each.split()) for each in arrived.get_all("ARC-Seal", [])], str(arrived["Authentication-Results"])


def test_a_chain_that_holds_is_sealed_and_a_broken_one_is_not_made_good(lab: Lab, official: Sample, key: Key) -> None:
    subject = uuid.uuid4().hex
    found, results = seals(lab, official, arc(key, letter(official, STRANGER, subject)), subject)
    assert ["i=2;" in found[0], "cv=pass" in found[0], len(found), "arc=pass" in results] == [True, True, 2, True]

    subject = uuid.uuid4().hex
    broken = arc(key, letter(official, STRANGER, subject)) + b"them\r\n"
    found, results = seals(lab, official, broken, subject)
    assert ["i=2;" in found[0], "cv=fail" in found[0], len(found), "arc=fail" in results] == [True, True, 2, True]


def test_a_chain_that_says_that_it_is_broken_or_cannot_be_read_gets_no_seal(
    lab: Lab, official: Sample, key: Key
) -> None:
    for old, new in ((b"cv=none", b"cv=fail"), (b"ARC-Seal: i=1;", b"ARC-Seal: i=2;")):
        subject = uuid.uuid4().hex
        changed = arc(key, letter(official, STRANGER, subject)).replace(old, new)
        found, results = seals(lab, official, changed, subject)
        assert (len(found), "arc=fail" in results) == (1, True), new


@pytest.mark.neighbours
@pytest.mark.provokes(journal.AUTHENTICATION_AWAY)
def test_without_a_verdict_mail_waits_and_arrives_afterwards(lab: Lab, official: Sample, colleague: Sample) -> None:
    subject = uuid.uuid4().hex
    content = letter(official, STRANGER, subject)
    with lab.stopped("filter", *UNITS):
        code, text = bring(lab, official, content)
        assert (code, "Bo loc thu dang co loi" in text) == (451, True), text
        # Our own people's mail is not asked about.
        own = uuid.uuid4().hex
        with lab.submission(official.address, official.password) as client:
            client.sendmail(official.address, [colleague.address], letter(colleague, official.address, own))
        lab.wait_for_message(colleague, own)
    assert bring(lab, official, content) == (250, "")
    lab.wait_for_message(official, subject)


@pytest.mark.bound
@pytest.mark.provokes(journal.AUTHENTICATION_AWAY)
def test_a_service_that_hangs_means_later_and_soon(lab: Lab, official: Sample) -> None:
    content = letter(official, STRANGER, uuid.uuid4().hex)
    lab.run("filter", f"systemctl kill --signal=STOP {UNITS[1]}")
    began = time.monotonic()
    try:
        code, text = bring(lab, official, content)
        assert (code, time.monotonic() - began < 30) == (451, True), text
    finally:
        lab.run("filter", f"systemctl kill --signal=CONT {UNITS[1]}")
    assert bring(lab, official, content) == (250, "")
