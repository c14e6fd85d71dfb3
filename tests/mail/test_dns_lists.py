"""Lists in DNS of senders and links weigh, and neither a list's refusal nor its silence does (Đ10.6)."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab import Lab, Sample, message, wait_for
from tests.mail.hostile import here
from tests.mail.test_scores import ask

pytestmark = pytest.mark.dieu10

STRANGER = "nguoi.gui@client.example"
LISTED, REFUSING, OTHER_CODE, NOBODY = "198.51.100.66", "198.51.100.67", "198.51.100.68", "198.51.100.69"
GOOD = "203.0.113.66"
SENDERS, LINKS = "senders.lists.example", "links.lists.example"
STATE = "/var/lib/hanam-dns-lists"
CONTROL = "unbound-control -c /etc/unbound/unbound.conf"


def letter(recipient: Sample, *links: str, sender: str = STRANGER, **fields: str) -> bytes:
    mail = message(sender, recipient.address)
    for name, value in fields.items():
        del mail[name.replace("_", "-")]
        mail[name.replace("_", "-")] = value
    mail.set_content("Kính gửi quý cơ quan, xin xem tại:\n" + "\n".join(links) + "\n")
    return mail.as_bytes()


def verdict(lab: Lab, recipient: Sample, content: bytes, address: str = NOBODY, **fields: str) -> dict[str, Any]:
    """What the filter says of a letter from an address outside."""
    head = {"IP": address, "Helo": "mail.client.example", "From": STRANGER, "Rcpt": recipient.address, **fields}
    return ask(lab, [(head, content)])[0]


def listed(answer: Mapping[str, Any]) -> dict[str, float]:
    return {name: each["score"] for name, each in answer["symbols"].items() if name.startswith("DNSLIST_")}


@contextmanager
def answered(lab: Lab, **names: str) -> Iterator[None]:
    """The filter's resolver answers so for these names."""
    lab.run("filter", "".join(f"{CONTROL} local_data {name} 30 IN A {data};" for name, data in names.items()))
    try:
        yield
    finally:
        # Data brings a zone of its name, which would outlast it and be asked before a wider one.
        words = ("local_data_remove", "local_zone_remove")
        lab.run("filter", "".join(f"{CONTROL} {word} {name};" for name in names for word in words))


@contextmanager
def silent(lab: Lab, zone: str) -> Iterator[None]:
    """Nobody answers for a zone."""
    lab.run("filter", f"{CONTROL} local_zone {zone} deny")
    try:
        yield
    finally:
        lab.run("filter", f"{CONTROL} local_zone_remove {zone}")


def asked(lab: Lab, name: str) -> bool:
    """Whether the filter's resolver was asked for the name a moment ago; for seconds it remembers the answer."""
    return name.lower() in lab.run("filter", f"{CONTROL} dump_cache").lower()


def look(lab: Lab) -> tuple[list[str], list[str]]:
    """What is found when the lists are looked at now, and which are not used: the causes and the zones."""
    lab.start_anew("filter", "hanam-dns-lists.service")
    found = json.loads(lab.look_at("filter").file(f"{STATE}/found.json").content)
    unused = lab.run("filter", f"sed '/^#/d' {STATE}/unused").split()
    return [each["cause"] for each in found["found"]], unused


@pytest.fixture(scope="module", autouse=True)
def lists_are_used(lab: Lab) -> None:
    """A host that has just started may have found them away."""
    official = lab.samples[0]
    assert look(lab) == ([], [])
    wait_for(lambda: listed(verdict(lab, official, letter(official), LISTED)) or None, "the lists are used", 90)


@pytest.fixture
def unwatched(lab: Lab) -> Iterator[None]:
    """Nobody is told of what a test does wrong on purpose, and the timer does not look meanwhile."""
    with lab.stopped("filter", "hanam-watch.timer", "hanam-dns-lists.timer"):
        yield
        look(lab)


def test_an_address_on_a_list_weighs(lab: Lab, recipient: Sample) -> None:
    content = letter(recipient)
    nobody, found = verdict(lab, recipient, content), verdict(lab, recipient, content, LISTED)
    assert listed(nobody) == {}
    assert listed(found) == {"DNSLIST_LAB_SENDERS_TAKEN_OVER": 4}
    assert found["score"] - nobody["score"] == pytest.approx(4, abs=0.01)
    date = message(STRANGER, STRANGER)["Date"]
    passed = {"Received": f"from may (may [{LISTED}]) by mail.client.example with ESMTP id 1; {date}"}
    assert "DNSLIST_LAB_SENDERS_TAKEN_OVER" in listed(verdict(lab, recipient, letter(recipient, **passed)))
    assert listed(verdict(lab, recipient, content, GOOD)) == {"DNSLIST_LAB_GOOD_TRUSTED": -0.5}


def test_a_link_to_a_listed_domain_weighs(lab: Lab, recipient: Sample) -> None:
    for link in ("https://lab-xau.vn/tra-cuu", "http://www.lab-xau.vn", "lab-xau.vn/x"):
        assert listed(verdict(lab, recipient, letter(recipient, link))) == {"DNSLIST_LAB_LINKS_FRAUD": 5}, link
    by_bits = verdict(lab, recipient, letter(recipient, "https://lab-bit.vn/"))
    assert set(listed(by_bits)) == {"DNSLIST_LAB_BITS_BLACK", "DNSLIST_LAB_BITS_FRAUD"}
    assert listed(verdict(lab, recipient, letter(recipient, "xin viết cho luadao@vidu.vn"))) == {
        "DNSLIST_LAB_MAILBOXES_FRAUD": 4
    }
    with answered(lab, **{"lab-rac.vn.": "198.51.100.70"}):
        of_sender = verdict(lab, recipient, letter(recipient, sender="an@lab-rac.vn"), From="an@lab-rac.vn")
    assert listed(of_sender) == {"DNSLIST_LAB_LINKS_SPAM": 4}


def test_all_lists_of_a_kind_have_one_end(lab: Lab, recipient: Sample) -> None:
    links = ("https://lab-xau.vn", "https://lab-rac.vn", "https://lab-bit.vn", "luadao@vidu.vn")
    clean, found = verdict(lab, recipient, letter(recipient)), verdict(lab, recipient, letter(recipient, *links))
    assert sum(listed(found).values()) == pytest.approx(5.5, abs=0.01), listed(found)
    assert found["score"] > clean["score"]


def test_a_refusal_is_no_listing(lab: Lab, recipient: Sample) -> None:
    content = letter(recipient)
    nobody = verdict(lab, recipient, content)["score"]
    refused = verdict(lab, recipient, content, REFUSING)
    assert (listed(refused), refused["score"]) == ({"DNSLIST_LAB_SENDERS_REFUSED": 0}, pytest.approx(nobody, abs=0.01))
    other = verdict(lab, recipient, content, OTHER_CODE)
    assert (listed(other), other["score"]) == ({}, pytest.approx(nobody, abs=0.01))
    for link, lists in (
        ("https://lab-tuchoi.vn", {"DNSLIST_LAB_LINKS_REFUSED", "DNSLIST_LAB_BITS_REFUSED"}),
        # It has the bits of all that the list could say.
        ("https://lab-moi.vn", {"DNSLIST_LAB_BITS_REFUSED"}),
        ("https://lab-sai.vn", {"DNSLIST_LAB_LINKS_REFUSED"}),
    ):
        found = listed(verdict(lab, recipient, letter(recipient, link)))
        assert (set(found), sum(found.values())) == (lists, 0), link


def test_junk_of_a_listed_machine_comes_into_no_inbox(lab: Lab, recipient: Sample) -> None:
    """The whole way, by port 25. What two lists say together may be so much that it is held."""
    subject = f"qua tang {uuid.uuid4().hex}"
    content = letter(recipient, "https://lab-xau.vn/nhan-qua", Subject=subject)
    with (
        answered(lab, **{f"{'.'.join(reversed(here(lab).split('.')))}.{SENDERS}.": "127.0.0.2"}),
        lab.smtp() as outside,
    ):
        outside.sendmail(STRANGER, [recipient.address], content)
    held = f"select kind from mail.held_message where subject = '{subject}'"

    def found() -> bool:
        with lab.imap(recipient.address, recipient.password) as client:
            client.select("Junk", readonly=True)
            in_junk = client.search(None, "HEADER", "Subject", f'"{subject}"')[1][0]
        return bool(in_junk) or lab.sql(held) == "spam"

    wait_for(found, f"message {subject!r} in Junk, or held")


def test_nothing_is_asked_of_our_people_s_mail_and_for_our_names(lab: Lab, sender: Sample, recipient: Sample) -> None:
    there, ours = f"lab-{uuid.uuid4().hex[:12]}.vn", f"lab-{uuid.uuid4().hex[:12]}.vn"
    # That there is no such name is kept for some seconds only.
    wait_for(
        lambda: (verdict(lab, recipient, letter(recipient, f"https://{there}/")), asked(lab, f"{there}.{LINKS}"))[1],
        "a question about a stranger's link",
    )
    own = letter(recipient, f"https://{ours}/", sender=sender.address)
    for address in (LISTED, "127.0.0.1"):
        answer = verdict(lab, recipient, own, address, From=sender.address, User=sender.mailbox)
        assert listed(answer) == {}, address
    assert listed(verdict(lab, recipient, own, "127.0.0.1")) == {}
    with lab.submission(sender.address, sender.password) as client:
        client.sendmail(sender.address, [recipient.address], own)
    assert not asked(lab, f"{ours}.{LINKS}")
    assert not asked(lab, f"{ours}.bits.lists.example")
    names = ("https://thu.hanam.gov.vn/", "https://noi-bo.hanam.gov.vn/", "https://bo.gov.vn/", "ai@hanam.gov.vn")
    verdict(lab, recipient, letter(recipient, *names, Reply_To="ai@hanam.gov.vn"))
    cache = lab.run("filter", f"{CONTROL} dump_cache")
    assert [line for line in cache.splitlines() if "gov.vn." in line and "lists.example" in line] == []


def test_lists_that_are_well_are_used(lab: Lab) -> None:
    assert look(lab) == ([], [])


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize(
    ("name", "data", "cause"),
    [
        (f"1.0.0.127.{SENDERS}.", "127.0.0.2", "dnslist:lab_senders:all"),
        (f"2.0.0.127.{SENDERS}.", "127.255.255.254", "dnslist:lab_senders:refuses"),
        (f"2.0.0.127.{SENDERS}.", "203.0.113.1", "dnslist:lab_senders:nothing"),
    ],
)
def test_a_list_that_is_not_well_is_told_and_not_used(
    lab: Lab, recipient: Sample, name: str, data: str, cause: str
) -> None:
    content = letter(recipient)
    with answered(lab, **{name: data}):
        assert look(lab) == ([cause], [SENDERS])
        # The filter reads it again by itself.
        wait_for(lambda: listed(verdict(lab, recipient, content, LISTED)) == {} or None, "the list is not used", 90)
    assert look(lab) == ([], [])
    wait_for(lambda: listed(verdict(lab, recipient, content, LISTED)) or None, "the list is used again", 90)


@pytest.mark.bound
@pytest.mark.usefixtures("unwatched")
def test_a_list_that_is_silent_keeps_no_mail(lab: Lab, recipient: Sample) -> None:
    subject, start = f"thu {uuid.uuid4().hex}", time.monotonic()
    with silent(lab, SENDERS), silent(lab, LINKS):
        with lab.smtp() as outside:
            outside.sendmail(STRANGER, [recipient.address], letter(recipient, "https://vidu.vn", Subject=subject))
        assert time.monotonic() - start < 25
        lab.wait_for_message(recipient, subject)
        causes, unused = look(lab)
        # Away for hours only is it told; it is not asked meanwhile.
        assert (causes, sorted(unused)) == ([], [LINKS, SENDERS])
    assert look(lab) == ([], [])


def test_what_looks_at_the_lists_has_no_rights_and_leaves_its_finding_to_the_filter(lab: Lab) -> None:
    look(lab)
    left = lab.run("filter", f"stat -c '%U %G %a' {STATE} {STATE}/unused").splitlines()
    assert left == ["hanam-dns-lists _rspamd 750", "hanam-dns-lists _rspamd 640"]
    assert lab.run(
        "filter", "stat -c '%U %a' /etc/rspamd/dns_lists.json /etc/rspamd/local.d/dns_lists.conf"
    ).split() == [
        "root",
        "600",
        "root",
        "640",
    ]
    shown = lab.run("filter", "systemd-analyze security --no-pager hanam-dns-lists.service | tail -1")
    assert float(shown.split("level for ")[1].split()[1]) <= 2.5, shown
