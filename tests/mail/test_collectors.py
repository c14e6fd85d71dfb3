"""A private provider that fetches an official mailbox is refused with the reason, and told of once (Đ4.5).

The foreign mail server plays it: in the lab's list (group_vars/lab/collectors.yml) stand its network and its name.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import journal
from tests.lab import Lab, Sample, message, wait_for
from tests.mail.accounts import webmail_imap

pytestmark = [pytest.mark.dieu4, pytest.mark.neighbours, pytest.mark.provokes(journal.REFUSED_SIGN_IN)]

# Signs in as a collector does, from the host on which it runs; prints what it was told.
PROGRAM = """
import imaplib, json, poplib, smtplib, ssl
kind, host, login, password, mail = json.loads({words!r})
context = ssl._create_unverified_context()
try:
    if kind == "imap":
        client = imaplib.IMAP4_SSL(host, ssl_context=context, timeout=60)
        print(client.login(login, password), client.select("INBOX", readonly=True))
    elif kind == "pop3":
        client = poplib.POP3_SSL(host, context=context, timeout=60)
        client.user(login)
        print(client.pass_(password))
    else:
        client = smtplib.SMTP_SSL(host, context=context, timeout=60)
        client.login(login, password)
        print("signed in")
        client.sendmail(login, [login], mail)
        print("sent")
except (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException) as error:
    print("refused", error)
"""
REASON = "Nha cung cap thu rieng khong duoc lay thu cua hop thu cong vu (khoan 5 Dieu 4)"


def fetch(lab: Lab, kind: str, person: Sample, password: str = "", family: str = "host_ipv4") -> str:
    """What the provider is told by imap, pop3 or smtp."""
    host = lab.hosts[lab.host("submission" if kind == "smtp" else "mailstore")][family]
    mail = message(person.address, person.address).as_string()
    words = json.dumps([kind, host, person.address, password or person.password, mail])
    return lab.run("internet", f"python3 - <<'PROGRAM'\n{PROGRAM.format(words=words)}\nPROGRAM")


def outside(lab: Lab) -> str:
    """The foreign server's IPv6 address."""
    return str(lab.hosts[lab.host("internet")]["host_ipv6"])


def noted(lab: Lab, person: Sample) -> list[str]:
    """provider|protocols|refused of each note."""
    rows = "select provider, array_to_string(protocols, ','), refused from mail.collector_use"
    return lab.sql(f"{rows} where mailbox_id = '{person.mailbox}' order by seq").splitlines()


@contextmanager
def settings(lab: Lab, **values: object) -> Iterator[None]:
    """Other settings of the accounts database for a while."""
    names = ", ".join(f"'{name}'" for name in values)
    rows = lab.sql(f"select name, value from mail.setting where name in ({names})").splitlines()
    before = dict(row.split("|", 1) for row in rows)
    assert len(before) == len(values)

    def put(to: dict[str, str]) -> str:
        return "".join(
            f"update mail.setting set value = $j${value}$j$ where name = '{name}';" for name, value in to.items()
        )

    lab.sql(put({name: json.dumps(value) for name, value in values.items()}))
    try:
        yield
    finally:
        lab.sql(put(before))


@pytest.fixture(scope="module", autouse=True)
def nobody_looks_unasked(lab: Lab) -> Iterator[None]:
    """DNS is asked when a test says so. A run that the timer has begun ends first."""
    with lab.stopped("accounts", "hanam-collectors.timer"):
        lab.run("accounts", "systemctl start hanam-collectors.service")
        yield


@pytest.fixture(autouse=True)
def places_are_forgotten(lab: Lab) -> Iterator[None]:
    """What DNS was asked about the foreign server is no other test's."""
    # An IPv6 network of 64 bits is one source, and the lab is one such network.
    forget = (
        f"delete from mail.source_name where address >>= '{lab.address('internet')}' or address >>= '{outside(lab)}'"
    )
    lab.sql(forget)
    yield
    lab.sql(forget)


@pytest.mark.proof("Nhà cung cấp thư riêng không lấy được thư công vụ / no private provider fetches official mail")
@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_it_is_refused_with_the_reason_and_nobody_is_locked_or_shut_out(lab: Lab, person: Sample, kind: str) -> None:
    for _ in range(12):
        answer = fetch(lab, kind, person)
        assert "refused" in answer
        assert REASON in answer
    assert lab.sql(f"select mail.mailbox_state('{person.mailbox}')") == "active"
    for table, column in (("sign_in_failure", "login"), ("sign_in_lockout", "login"), ("lock_state", "mailbox_id")):
        assert lab.sql(f"select count(*) from mail.{table} where {column} = '{person.mailbox}'") == "0"
    (note,) = noted(lab, person)
    assert note.startswith(f"thurieng|{kind}|")
    with lab.imap(person.address, person.password) as client:
        assert client.select("INBOX", readonly=True)[0] == "OK", "its owner reads on"


def test_as_it_sends_it_is_refused_after_the_sign_in(lab: Lab, person: Sample) -> None:
    answer = fetch(lab, "smtp", person)
    assert answer.startswith("signed in\nrefused")
    assert "550" in answer and "nha cung cap thu rieng khong duoc gui thu cong vu" in answer
    assert noted(lab, person) == ["thurieng|smtp|1"]


def test_a_wrong_password_is_told_nothing_and_counts(lab: Lab, person: Sample) -> None:
    assert REASON not in fetch(lab, "imap", person, "Sai-mat-khau#1")
    assert lab.sql(f"select count(*) from mail.sign_in_failure where login = '{person.mailbox}'") == "1"
    assert noted(lab, person) == []


def test_the_owner_hears_once_and_the_operator_sees_it_by_agency(lab: Lab, person: Sample) -> None:
    for kind in ("imap", "pop3", "smtp"):
        fetch(lab, kind, person)
    count = f"doveadm search -u {person.mailbox} mailbox INBOX header From noreply@"
    lab.send_notices()
    wait_for(lambda: len(lab.run("mailstore", count).splitlines()) == 1, "the notice")
    head = f"doveadm fetch -u {person.mailbox} hdr.subject.utf8 mailbox INBOX header From noreply@"
    subject = " ".join(lab.run("mailstore", head).split())
    assert f"Không cho Thư riêng của phòng thử nghiệm lấy thư của hộp thư công vụ {person.address}" in subject
    fetch(lab, "imap", person)
    lab.send_notices()
    assert len(lab.run("mailstore", count).splitlines()) == 1
    agency = lab.sql(
        f"select a.code from mail.agency a join mail.mailbox m on m.agency_id = a.id where m.id = '{person.mailbox}'"
    )
    shown = lab.run("accounts", f"hanam-mail-db collectors --days 1 --agency {agency}")
    local = person.address.partition("@")[0]
    (line,) = (line for line in shown.splitlines() if line.startswith(f"{local} "))
    assert "Thư riêng của phòng thử nghiệm" in line
    assert lab.address("internet") in line


def test_where_the_policy_is_to_notice_it_is_let_in_and_told_of(lab: Lab, person: Sample) -> None:
    with settings(lab, collectors_policy="notice"):
        assert "OK" in fetch(lab, "imap", person)
    assert noted(lab, person) == ["thurieng|imap|0"]
    assert lab.sql(f"select kind from mail.notice where mailbox_id = '{person.mailbox}'") == "collector"
    # From now on it is refused; Dovecot forgets that it let it in, when the job has looked.
    lab.run("accounts", "systemctl start hanam-collectors.service")
    lab.settle()
    assert REASON in fetch(lab, "imap", person)


def test_who_is_known_by_a_name_is_refused_once_dns_confirmed_it(lab: Lab, person: Sample) -> None:
    named = {"ten": {"name": "Nhà cung cấp có tên", "networks": [], "names": ["ngoai.example"]}}
    with settings(lab, collectors_providers=named):
        assert "OK" in fetch(lab, "imap", person), "nobody knows its name yet"
        # Nobody answers there.
        lab.run("accounts", "hanam-mail-db collectors-look --nameserver 127.0.0.1:9")
        assert noted(lab, person) == [], "without DNS there is no verdict"
        lab.run("accounts", "systemctl start hanam-collectors.service")
        assert noted(lab, person) == ["ten|imap|0"]
        lab.settle()
        assert REASON in fetch(lab, "imap", person)
    # Refused no more: Dovecot forgets that too.
    with settings(lab, collectors_providers={}):
        lab.run("accounts", "systemctl start hanam-collectors.service")
        lab.settle()
        assert "OK" in fetch(lab, "imap", person)


def test_the_next_machine_of_who_is_known_by_a_name_waits_until_dns_was_asked(lab: Lab, person: Sample) -> None:
    named = {"ten": {"name": "Nhà cung cấp có tên", "networks": [], "names": ["ngoai.example"]}}
    with settings(lab, collectors_providers=named):
        assert "OK" in fetch(lab, "imap", person), "the first is not known yet"
        lab.run("accounts", "systemctl start hanam-collectors.service")
        lab.settle()
        # By IPv6 it is another machine.
        for kind in ("imap", "pop3", "imap"):
            assert "Dang kiem tra noi dang nhap" in fetch(lab, kind, person, family="host_ipv6")
        with lab.imap(person.address, person.password) as client:
            assert client.select("INBOX", readonly=True)[0] == "OK", "its owner reads on"
        lab.run("accounts", "systemctl start hanam-collectors.service")
        lab.settle()
        for kind in ("imap", "pop3"):
            assert REASON in fetch(lab, kind, person, family="host_ipv6")
    assert noted(lab, person) == ["ten|imap|0", "ten|imap,pop3|2"]


def test_without_dns_nobody_waits_longer_than_a_quarter_of_an_hour(lab: Lab, person: Sample) -> None:
    named = {"ten": {"name": "Nhà cung cấp có tên", "networks": [], "names": ["ngoai.example"]}}
    with settings(lab, collectors_providers=named):
        fetch(lab, "imap", person)
        lab.run("accounts", "systemctl start hanam-collectors.service")
        lab.settle()
        assert "Dang kiem tra noi dang nhap" in fetch(lab, "imap", person, family="host_ipv6")
        look = "hanam-mail-db collectors-look --nameserver 127.0.0.1:9"
        lab.run("accounts", look)
        lab.settle()
        assert "Dang kiem tra noi dang nhap" in fetch(lab, "imap", person, family="host_ipv6")
        late = "update mail.collector_wait set since = now() - interval '16 minutes'"
        lab.sql(f"{late} where mailbox_id = '{person.mailbox}'")
        lab.run("accounts", look)
        lab.settle()
        assert "OK" in fetch(lab, "imap", person, family="host_ipv6"), "Dovecot has forgotten that it put it off"


def test_the_webmail_of_somebody_at_such_an_address_opens(lab: Lab, person: Sample) -> None:
    """Its listener says for whose browser it signs in."""
    assert webmail_imap(lab, person.address, person.password, lab.address("internet")) == "opened"
    assert noted(lab, person) == []
