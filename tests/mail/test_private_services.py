"""Mail of social networks and shops to official mailboxes is marked, and counted by agency (Đ4.4, Đ12.5)."""

import email
import uuid
from collections.abc import Iterator
from email.message import Message

import pytest

from tests import journal
from tests.lab import Lab, Sample, wait_for
from tests.mail.hostile import here
from tests.mail.test_signatures import bring, letter
from tests.signing import Key, dkim
from tests.world_names import ZONE, published

pytestmark = [
    pytest.mark.dieu4,
    pytest.mark.dieu12,
    pytest.mark.neighbours,
    pytest.mark.provokes(journal.ZONES),
]
NETWORK, SHOP = f"mangxahoi.{ZONE}", f"cuahang.{ZONE}"
BY_ENVELOPE = f"tra.{NETWORK}"
"""Whose SPF record names the machine that sends."""
RULE = "/etc/rspamd/lua.local.d/private_services.lua"


@pytest.fixture(scope="module")
def key(lab: Lab) -> Iterator[Key]:
    """The network's key, of a name below the one that the operator's list has."""
    key = Key(f"thu{uuid.uuid4().hex[:6]}.{NETWORK}", "s")
    lines = [
        f'_dmarc.{key.domain}. 30 IN TXT "v=DMARC1; p=none"',
        f"{key.domain}. 30 IN MX 10 mx.{ZONE}.",
        f"{SHOP}. 30 IN MX 10 mx.{ZONE}.",
        f"khong{NETWORK}. 30 IN MX 10 mx.{ZONE}.",
        f"{BY_ENVELOPE}. 30 IN MX 10 mx.{ZONE}.",
        f'{BY_ENVELOPE}. 30 IN TXT "v=spf1 ip4:{here(lab)} -all"',
        key.zone_line,
    ]
    with published(lab, lines):
        yield key


def arrival(lab: Lab, person: Sample, subject: str) -> Message:
    """The message as it lies in the mailbox."""

    def look() -> Message | None:
        with lab.imap(person.address, person.password) as client:
            for folder in ("INBOX", "Junk"):
                client.select(folder, readonly=True)
                _, found = client.search(None, "SUBJECT", subject)
                for number in found[0].split():
                    _, parts = client.fetch(number.decode(), "(BODY.PEEK[HEADER])")
                    return email.message_from_bytes(parts[0][1])  # type: ignore[index, arg-type]
        return None

    return wait_for(look, f"the message {subject}")


def counted(lab: Lab, person: Sample) -> str:
    rows = f"select service, messages from mail.private_service_mail where mailbox_id = '{person.mailbox}' order by 1"
    return lab.run("accounts", f'runuser -u postgres -- psql -At mail -c "{rows}"').strip()


def test_mail_of_a_listed_network_is_marked_and_counted_and_a_forged_one_only_marked(
    lab: Lab, person: Sample, key: Key
) -> None:
    """Đ4.4, Đ12.5: who signed up with his official address is seen by the mail that he gets."""
    subject = uuid.uuid4().hex
    forged = letter(person, f"tin@{SHOP}", subject)
    assert bring(lab, person, forged)[0] == 250
    assert arrival(lab, person, subject)["X-Hanam-Private-Service"] == f"shop {SHOP}"

    subject = uuid.uuid4().hex
    honest = dkim(key, letter(person, f"tin@{key.domain}", subject))
    # Of a mark that a stranger brings nothing is left.
    assert bring(lab, person, b"X-Hanam-Private-Service: shop x.example\r\n" + honest)[0] == 250
    assert arrival(lab, person, subject).get_all("X-Hanam-Private-Service") == [f"social {NETWORK}"]
    wait_for(lambda: counted(lab, person) == f"{NETWORK}|1", "the network's message in the database")
    shown = lab.run("accounts", "hanam-mail-db private-services --days 1")
    assert NETWORK in shown
    assert SHOP not in shown


def test_mail_that_only_its_envelope_says_is_of_a_network_is_marked_and_counted(
    lab: Lab, person: Sample, key: Key
) -> None:
    """A notice written in a friend's name comes back to the network; its SPF record vouches for it."""
    subject = uuid.uuid4().hex
    content = letter(person, f"ban@khong{NETWORK}", subject)
    assert key.domain.endswith(NETWORK)
    assert bring(lab, person, content, sender=f"tin@{BY_ENVELOPE}")[0] == 250
    assert arrival(lab, person, subject).get_all("X-Hanam-Private-Service") == [f"social {NETWORK}"]
    wait_for(lambda: counted(lab, person) == f"{NETWORK}|1", "the network's message in the database")


@pytest.fixture
def refusing(lab: Lab) -> Iterator[None]:
    """The filter with its rule as a deployment writes it that says `refuse` (tests/render/test_private_services.py)."""

    def switch(before: str, after: str) -> None:
        line = "local REFUSE = "
        lab.run("filter", f"sed -i 's/^{line}{before}$/{line}{after}/' {RULE} && grep -qx '{line}{after}' {RULE}")
        lab.run("filter", "systemctl restart rspamd.service")
        lab.wait_for_filter()

    try:
        switch("false", "true")
        yield
    finally:
        switch("true", "false")


@pytest.mark.provokes(journal.FILTER_AWAY)
@pytest.mark.usefixtures("refusing")
def test_mail_of_a_listed_network_is_refused_where_the_province_says_so_and_counted_all_the_same(
    lab: Lab, person: Sample, key: Key
) -> None:
    honest = dkim(key, letter(person, f"tin@{key.domain}", uuid.uuid4().hex))
    for content in (letter(person, f"tin@{SHOP}", uuid.uuid4().hex), honest):
        code, text = bring(lab, person, content)
        assert (code, "Thu cua mang xa hoi, trang mua ban" in text) == (554, True), text
    wait_for(lambda: counted(lab, person) == f"{NETWORK}|1", "the network's message in the database")
    subject = uuid.uuid4().hex
    assert bring(lab, person, letter(person, f"tin@khong{NETWORK}", subject))[0] == 250
    arrival(lab, person, subject)
    assert lab.run("mailstore", f"doveadm search -u {person.mailbox} mailbox '*' all").count("\n") == 1


def test_a_domain_that_only_ends_alike_is_not_the_network(lab: Lab, person: Sample, key: Key) -> None:
    subject = uuid.uuid4().hex
    assert bring(lab, person, letter(person, f"tin@khong{NETWORK}", subject))[0] == 250
    assert arrival(lab, person, subject)["X-Hanam-Private-Service"] is None
    assert key.domain.endswith(NETWORK)
