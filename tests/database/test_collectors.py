"""Private providers that fetch an official mailbox are noticed, or refused by a setting (Đ4.5), in PostgreSQL."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from hanam_mail.host.jobs import collectors, notices
from tests.database.databases import Database
from tests.database.scratch import Answer, Scratch
from tests.database.world import WORLD, login, query
from tests.unit.host.mail_auth import nameserver
from tests.unit.host.test_jobs import CONFIGURATION

pytestmark = pytest.mark.dieu4

NETWORK, NAMED, OTHER = "198.51.100.7", "203.0.113.9", "192.0.2.1"
# The lab's list and policy give way to this one.
LISTED = """
    update mail.setting set value = '{"thu": {"name": "Thư riêng", "networks": ["198.51.100.0/24", "2001:db8:1::/48"],
                                              "names": ["thu.example"]}}' where name = 'collectors_providers';
    update mail.setting set value = '"notice"' where name = 'collectors_policy';
"""
REFUSE = "update mail.setting set value = '\"refuse\"' where name = 'collectors_policy';"
IN = "test1person|y|||"
USES = "select provider, name, host(address), protocols, refused from mail.collector_use order by seq"
NOTICES = "select kind, payload ->> 'provider' from mail.notice order by created_at, kind"


def world(*more: str) -> str:
    return WORLD + LISTED + "".join(more)


def named(*names: str, address: str = NAMED) -> str:
    return f"select mail.source_named('{address}', array[{', '.join(repr(name) for name in names)}]::text[]);"


@pytest.mark.parametrize(
    ("address", "names", "provider"),
    [
        (NETWORK, (), "thu"),
        ("2001:db8:1:2:3::4", (), "thu"),
        ("198.51.101.1", (), ""),
        (NAMED, ("may1.thu.example",), "thu"),
        (NAMED, ("thu.example",), "thu"),
        (NAMED, ("khongthu.example", "thu.example.ngoai.example"), ""),
        (NAMED, (), ""),
        ("127.0.0.1", (), ""),
    ],
)
def test_a_provider_is_known_by_network_or_confirmed_name(
    database: Database, address: str, names: tuple[str, ...], provider: str
) -> None:
    ask = f"select mail.collector_of(mail.source_address('{address}'))"
    assert query(database, ask, world=world(named(*names))) == provider


def test_a_name_makes_no_provider_of_the_provinces_own_networks_but_the_list_does(database: Database) -> None:
    networks = '["198.51.100.0/24", "203.0.113.0/24"]'
    own = f"update mail.setting set value = '{networks}' where name = 'guessing_own_networks';"
    before = world(named("may1.thu.example") + own)
    assert query(database, f"select mail.collector_of('{NAMED}')", world=before) == ""
    assert query(database, f"select mail.collector_of('{NETWORK}')", world=before) == "thu"


def test_a_name_that_dns_has_long_not_confirmed_counts_no_more(database: Database) -> None:
    old = named("may1.thu.example") + "update mail.source_name set looked_at = now() - interval '29 days';"
    assert query(database, f"select mail.collector_of('{NAMED}')", world=world(old)) == ""


@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_it_is_let_in_noted_and_told_once_where_it_is_not_refused(database: Database, protocol: str) -> None:
    tries = ";".join([login("test.nguoi", protocol=protocol, address=NETWORK)] * 3)
    answer = query(database, f"{tries}; {USES}; {NOTICES}", world=world()).splitlines()
    assert answer == [IN] * 3 + [f"thu|Thư riêng|{NETWORK}|{{{protocol}}}|0", "collector|Thư riêng"]


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_it_is_refused_with_the_reason_and_that_is_no_failure(database: Database, protocol: str) -> None:
    ask = ";".join([login("test.nguoi", protocol=protocol, address=NETWORK)] * 20)
    after = (
        f"{USES}; {NOTICES}; select count(*) from mail.sign_in_failure; select count(*) from mail.sign_in_lockout;"
        "select count(*) from mail.lock_state; select count(*) from mail.sign_in_address;"
        f"{login('test.nguoi', address=OTHER)}"
    )
    answer = query(database, f"{ask}; {after}", world=world(REFUSE)).splitlines()
    told = answer[0].split("|")
    assert answer[:20] == [answer[0]] * 20
    assert told[:4] == ["test1person", "y", "", "y"]
    assert told[4].isascii() and "khoan 5 Dieu 4" in told[4] and told[4].endswith("[collector]")
    assert answer[20:] == [
        f"thu|Thư riêng|{NETWORK}|{{{protocol}}}|20", "collector_refused|Thư riêng", "0", "0", "0", "0", IN,
    ]  # fmt: skip


def test_as_it_sends_it_signs_in_and_postfix_refuses(database: Database) -> None:
    ask = f"{login('test.nguoi', protocol='smtp', address=NETWORK)}; {USES}; select count(*) from mail.sign_in_address"
    answer = query(database, ask, world=world(REFUSE)).splitlines()
    assert answer == [IN, f"thu|Thư riêng|{NETWORK}|{{smtp}}|1", "0"]


def test_a_wrong_password_from_there_is_a_failure_as_from_everywhere(database: Database) -> None:
    ask = f"{login('test.nguoi', 'sai', address=NETWORK)}; select count(*) from mail.sign_in_failure; {USES}; {NOTICES}"
    assert query(database, ask, world=world(REFUSE)).splitlines() == ["1"]


def test_a_locked_mailbox_says_that_it_is_locked(database: Database) -> None:
    locked = REFUSE + "select mail.mailbox_lock('test1person', 'idle', '');"
    assert "[locked:idle]" in query(database, login("test.nguoi", address=NETWORK), world=world(locked))


@pytest.mark.parametrize("protocol", ["webmail", "sieve"])
def test_the_webmail_behind_such_an_address_is_its_owners_browser(database: Database, protocol: str) -> None:
    ask = f"{login('test.nguoi', protocol=protocol, address=NETWORK)}; {USES}"
    assert query(database, ask, world=world(REFUSE)) == IN
    assert query(database, "select mail.collectors_follow(10)", world=world(REFUSE, ask + ";")) == "0"


def test_what_a_clerk_gives_away_is_told_to_the_agency_and_its_clerks(database: Database) -> None:
    ask = (
        f"{login('test.so*test.nguoi', address=NETWORK)}; select mailbox_id from mail.collector_use;"
        "select mail.notice_recipients('test2agency', 'collector');"
        "select mail.notice_recipients('test1person', 'collector')"
    )
    assert query(database, ask, world=world()).splitlines()[1:] == [
        "test2agency",
        "{test.nguoi@hanam.gov.vn,test.so@hanam.gov.vn}",
        "{test.nguoi@hanam.gov.vn}",
    ]


# --- Names that come to be known later ---

LATER = login("test.nguoi", address=NAMED) + ";"
FOLLOW = "select mail.collectors_follow(100)"


def test_who_was_let_in_before_his_name_was_known_is_noted_once(database: Database) -> None:
    ask = (
        f"{FOLLOW}; {FOLLOW}; {USES}; {NOTICES}; select topic from mail.outbox where payload ->> 'cause' = 'collector'"
    )
    answer = query(database, ask, world=world(LATER, named("may1.thu.example"))).splitlines()
    assert answer == ["1", "0", f"thu|Thư riêng|{NAMED}|{{imap}}|0", "collector|Thư riêng"]


def test_where_providers_are_refused_his_sessions_end_and_he_is_refused_from_then_on(database: Database) -> None:
    ask = (
        f"{FOLLOW}; {FOLLOW}; select topic, mailbox from mail.outbox where payload ->> 'cause' = 'collector';"
        f"select count(*) from mail.sign_in_address; {login('test.nguoi', address=NAMED)}"
    )
    answer = query(database, ask, world=world(REFUSE, LATER, named("may1.thu.example"))).splitlines()
    assert answer[:4] == ["1", "0", "mailbox.access|test1person", "0"]
    assert answer[4].endswith("[collector]")


@pytest.mark.parametrize(
    "change",
    [
        "update mail.setting set value = '\"notice\"' where name = 'collectors_policy';",
        "update mail.setting set value = '{}' where name = 'collectors_providers';",
    ],
)
def test_who_is_refused_no_more_is_forgotten_by_dovecot_once(database: Database, change: str) -> None:
    before = world(REFUSE, login("test.nguoi", address=NETWORK) + ";", f"{FOLLOW};")
    last = "select topic from mail.outbox where mailbox = 'test1person' order by seq desc limit 1"
    ask = f"{change} {FOLLOW}; {FOLLOW}; {last}"
    assert query(database, ask, world=before).splitlines() == ["1", "0", "mailbox.profile"]


def test_the_owner_hears_again_when_he_is_refused_and_after_a_month(database: Database) -> None:
    ask = login("test.nguoi", address=NETWORK) + ";"
    older = "update mail.notice set created_at = now() - interval '31 days', round = 'thu/2020-01-01';"
    kinds = "select kind from mail.notice order by 1"
    assert query(database, kinds, world=world(ask, REFUSE, ask, ask)).splitlines() == ["collector", "collector_refused"]
    assert query(database, kinds, world=world(ask, older, ask)).splitlines() == ["collector"] * 2


def test_the_operator_is_told_once_of_mailbox_and_provider_and_once_a_day(database: Database) -> None:
    ask = login("test.nguoi", address=NETWORK) + ";" + login("test.nguoi", address="198.51.100.8") + ";"
    tell = "select owner, name, refused from mail.collectors_to_tell()"
    told = "do $$ begin perform mail.collectors_told(array(select seq from mail.collectors_to_tell())); end $$"
    line = "test.nguoi@hanam.gov.vn|Thư riêng|f"
    yesterday = "update mail.collector_use set told_at = told_at - interval '{} days'"
    answer = query(database, f"{tell}; {told}; {tell}; {yesterday.format(2)}; {tell}", world=world(ask))
    assert answer == line
    answer = query(database, f"{told}; {yesterday.format(31)}; {tell}", world=world(ask))
    assert answer == line, "the second address, and only while it is of these days"


def test_old_notes_and_names_are_forgotten(database: Database) -> None:
    ask = (
        login("test.nguoi", address=NETWORK)
        + ";"
        + named(address="192.0.2.77")
        + "update mail.source_name set tried_at ="
        " now() - interval '2 days'; update mail.collector_use set day = current_date - 401;"
    )
    assert query(database, "select mail.collectors_prune(), mail.collectors_prune()", world=world(ask)) == "2|0"


@pytest.mark.parametrize("role", ["mail_postfix", "mail_dovecot", "mail_webmail", "mail_agent"])
def test_only_the_jobs_and_operators_reach_it(database: Database, role: str) -> None:
    for statement in (
        "select mail.collectors_follow(1)",
        "select * from mail.collector_use",
        "select mail.source_named('::', '{}')",
    ):
        with pytest.raises(Exception, match="permission denied"):
            query(database, f"set role {role}; {statement}", world="")


# --- The command that asks DNS ---

ZONE: nameserver.Zone = {
    "9.113.0.203.in-addr.arpa": {"PTR": ["May1.Thu.Example."]},
    "may1.thu.example": {"A": [NAMED]},
    # Whoever has an address says what he likes of it; the name says no.
    "10.113.0.203.in-addr.arpa": {"PTR": ["may2.thu.example."]},
    "may2.thu.example": {"A": ["203.0.113.99"]},
    "11.113.0.203.in-addr.arpa": nameserver.FAILS,
    "4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.0.0.0.2.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": {"PTR": ["may6.thu.example."]},
    # Octets that are no text.
    "12.113.0.203.in-addr.arpa": {"PTR": ["m\\000\\255y.thu.example."]},
    "m\\000\\255y.thu.example": {"A": ["203.0.113.12"]},
    "may6.thu.example": {"AAAA": ["2001:db8:2:3::4"]},
}


@pytest.fixture
def resolver() -> Iterator[tuple[str, int]]:
    with nameserver.serve(ZONE) as (_, address):
        yield address


@pytest.fixture
def visited(scratch: Scratch) -> Scratch:
    """A province whose person signed in from several places."""
    scratch.psql(WORLD + LISTED)
    for address in (NAMED, "203.0.113.10", "203.0.113.11", "203.0.113.12", "2001:db8:2:3::4", OTHER):
        scratch.psql(login("test.nguoi", address=address))
    return scratch


def look(scratch: Scratch, server: tuple[str, int]) -> Answer:
    return scratch.command("collectors-look", "--json", "--nameserver", f"{server[0]}:{server[1]}", role="mail_jobs")


def test_names_count_only_where_dns_confirms_them(visited: Scratch, resolver: tuple[str, int]) -> None:
    done: dict[str, Any] = look(visited, resolver).json
    assert (done["asked"], done["unheard"], done["followed"]) == (5, 1, 2)
    assert visited.psql("select host(address) from mail.collector_use order by 1").splitlines() == [
        "2001:db8:2:3::",
        NAMED,
    ]
    again = look(visited, resolver).json
    assert (again["asked"], again["unheard"], again["followed"]) == (0, 0, 0), "what DNS did not say waits a while"


def test_while_dns_is_away_nobody_is_a_provider_and_all_are_asked_again(
    visited: Scratch, resolver: tuple[str, int]
) -> None:
    visited.psql("delete from mail.sign_in_address where address <> '203.0.113.11'" + "; " + REFUSE)
    assert look(visited, resolver).json["unheard"] == 1
    assert visited.psql("select count(*) from mail.source_name") == "0"
    assert visited.psql(login("test.nguoi", address="203.0.113.11")) == IN
    assert look(visited, resolver).json["unheard"] == 1


def test_what_dns_does_not_say_now_leaves_what_it_said(visited: Scratch) -> None:
    visited.psql(named("may1.thu.example") + f"select mail.source_named('{NAMED}', null)")
    assert visited.psql(f"select mail.collector_of('{NAMED}')") == "thu"


def test_the_operator_sees_agencies_and_of_one_its_mailboxes(visited: Scratch) -> None:
    visited.psql(
        REFUSE + login("test.nguoi", address=NETWORK) + ";" + login("test.nguoi", protocol="pop3", address=NETWORK)
    )
    (agency,) = visited.command("collectors", "--json").json["found"]
    assert (agency["agency"], agency["mailboxes"], agency["refused"], agency["providers"]) == (
        "test.so",
        1,
        2,
        "Thư riêng",
    )
    listed = visited.command("collectors", "--agency", "test.so").output
    assert f"test.nguoi (Nguyễn Khắc Thử): Thư riêng, bằng imap, pop3, từ {NETWORK}; 2 lần từ chối" in listed
    assert "không có cơ quan nào mang mã khongco" in visited.command("collectors", "--agency", "khongco").complaint
    assert "ít nhất 1" in visited.command("collectors", "--days", "0").complaint


def test_the_letter_to_the_operator_says_who_by_what_and_from_where() -> None:
    rows = [(1, "ha@hanam.gov.vn", "Thư riêng", NETWORK, ["imap", "smtp", "submission"], False)]
    made = collectors.letter(rows, CONFIGURATION)
    text = made.get_content()
    assert f" - ha@hanam.gov.vn: Thư riêng, bằng IMAP, gửi thư, từ {NETWORK}; chưa bị từ chối" in text
    assert (made["To"], "$" in text) == (CONFIGURATION.operator, False)


@pytest.mark.parametrize("kind", ["collector", "collector_refused"])
def test_the_notice_names_the_provider_and_what_to_do(kind: str) -> None:
    notice = notices.Notice(
        "box00001",
        kind,
        "thu/2026-01-01",
        dt.date(2026, 1, 1),
        {"provider": "Thư riêng"},
        "Hà",
        "ha@hanam.gov.vn",
        None,
        ("ha@hanam.gov.vn",),
    )
    made = notices.render(notice, CONFIGURATION)
    assert "Thư riêng" in made["Subject"]
    text = made.get_content()
    assert "Xóa tài khoản ha@hanam.gov.vn khỏi Thư riêng" in text
    assert "Khoản 5 Điều 4" in text and "$" not in text
    assert notices.recipients(notice, CONFIGURATION) == ("ha@hanam.gov.vn",), "the operator has a letter of his own"


def test_two_at_once_leave_one_notice(visited: Scratch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: visited.psql(login("test.nguoi", address=NETWORK)), range(8)))
    assert visited.psql("select count(*) from mail.notice") == "1"
    assert visited.psql("select count(*) from mail.collector_use") == "1"
