"""Guessing, as the database counts it (Đ4.6, Đ12.7)."""

import pytest
from testinfra.host import Host

from tests.system.world import PASSWORD, WORLD, login, query, quoted

pytestmark = pytest.mark.dieu4
IN = "test1person|y|||"
THERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
PAIR, OWN_PAIR, ADDRESS, OWN_ADDRESS, ACCOUNT, SUSPECT, ACCOUNT_DAY = 10, 30, 30, 300, 30, 2, 500
"""The limits of group_vars/all/passwords.yml, pinned here so that the tests know them."""

PINNED = WORLD + "".join(
    f"update mail.setting set value = '{value}' where name = 'guessing_{name}';"
    for name, value in (
        ("pair_failures", PAIR),
        ("own_pair_failures", OWN_PAIR),
        ("address_failures", ADDRESS),
        ("own_address_failures", OWN_ADDRESS),
        ("account_failures", ACCOUNT),
        ("suspect_failures", SUSPECT),
        ("account_day_failures", ACCOUNT_DAY),
        ("own_networks", '["203.0.113.0/24"]'),
    )
)


def failed(times: int, name: str = "test1person", address: str = THERE, ago: str = "1 minute") -> str:
    """So many failures in the past, each a row as the database writes it."""
    return (
        "insert into mail.sign_in_failure"
        f" select clock_timestamp() - interval '{ago}', {quoted(name)}, '{address}', 'imap'"
        f" from generate_series(1, {times});"
    )


def known(address: str) -> str:
    return f"insert into mail.sign_in_address (mailbox_id, address) values ('test1person', '{address}');"


def may(host: Host, world: str, address: str = THERE, password: str = PASSWORD) -> bool:
    return query(host, login("test.nguoi", password, address=address), world=PINNED + world) != ""


def test_a_source_that_failed_too_often_is_not_heard_even_with_the_right_password(accounts_host: Host) -> None:
    assert may(accounts_host, failed(PAIR - 1))
    assert not may(accounts_host, failed(PAIR))
    assert may(accounts_host, failed(PAIR), ELSEWHERE)
    assert may(accounts_host, failed(PAIR, ago="16 minutes"))


def test_failures_are_counted_by_mailbox_whichever_address_was_typed(accounts_host: Host) -> None:
    tries = "; ".join(
        login(name, "sai") for name in ("test.nguoi", "test.nguoi.cu", "TEST.NGUOI@hanam.gov.vn", "test1person")
    )
    ask = f"{tries}; select count(*) from mail.sign_in_failure where login = 'test1person'"
    assert query(accounts_host, ask, world=PINNED) == "4"


def test_a_name_without_a_mailbox_is_counted_the_same_way(accounts_host: Host) -> None:
    def barred(name: str, times: int) -> str:
        ask = f"select coalesce(mail.sign_in_barred({quoted(name)}, '{THERE}'), '-')"
        return query(accounts_host, ask, world=PINNED + failed(times, name))

    for name in ("test1person", "khong.co.ai"):
        assert [barred(name, times) for times in (PAIR - 1, PAIR)] == ["-", "pair"]


def test_a_source_that_tries_everybody_is_not_heard_any_more(accounts_host: Host) -> None:
    spray = "".join(failed(1, f"ai.do.{n}") for n in range(ADDRESS))
    assert not may(accounts_host, spray)
    assert may(accounts_host, spray, ELSEWHERE)
    assert may(accounts_host, spray + known(THERE)), "its owner signed in from there of late"


def test_an_office_behind_one_address_is_not_shut_out_by_one_bad_machine(accounts_host: Host) -> None:
    """Of the province's own network: every colleague gets in, also one who never signed in from there."""
    office = "203.0.113.5"
    spray = "".join(failed(10, f"ai.do.{n}", office) for n in range(OWN_ADDRESS // 10))
    assert may(accounts_host, spray, office)
    # Even at another's account the machine has only a few tries left.
    assert may(accounts_host, spray + failed(SUSPECT - 1, address=office), office)
    assert not may(accounts_host, spray + failed(SUSPECT, address=office), office)
    assert may(accounts_host, spray + failed(SUSPECT, address=office) + known(office), office)
    # Away from any storm it may err more often than a stranger.
    assert may(accounts_host, failed(OWN_PAIR - 1, address=office), office)
    assert not may(accounts_host, failed(OWN_PAIR, address=office), office)


def test_an_account_under_attack_opens_to_its_owner_wherever_he_is(accounts_host: Host) -> None:
    attack = "".join(failed(PAIR, address=f"192.0.2.{n}") for n in range(100, 100 + ACCOUNT // PAIR))
    assert may(accounts_host, attack, ELSEWHERE)
    assert may(accounts_host, attack + failed(SUSPECT - 1, address=ELSEWHERE), ELSEWHERE), "one slip of the fingers"
    assert not may(accounts_host, attack + failed(SUSPECT, address=ELSEWHERE, ago="20 hours"), ELSEWHERE)
    assert may(accounts_host, attack + known(ELSEWHERE) + failed(SUSPECT, address=ELSEWHERE), ELSEWHERE)


def test_a_herd_of_machines_leaves_only_known_and_own_sources(accounts_host: Host) -> None:
    herd = failed(ACCOUNT_DAY, address="192.0.2.99", ago="5 hours")
    assert not may(accounts_host, herd, ELSEWHERE)
    assert may(accounts_host, herd + known(ELSEWHERE), ELSEWHERE)
    assert may(accounts_host, herd, "203.0.113.5")


def test_all_of_an_ipv6_network_is_one_source(accounts_host: Host) -> None:
    network = query(accounts_host, "select mail.source_address('2001:db8:1:2:3:4:5:6')", world="")
    assert network == "2001:db8:1:2::/64"
    assert not may(accounts_host, failed(PAIR, address=network), "2001:db8:1:2:ffff::1")
    assert may(accounts_host, failed(PAIR, address=network), "2001:db8:1:3::1")
    assert query(accounts_host, "select mail.source_address('::ffff:192.0.2.1')", world="") == "192.0.2.1"


def test_the_password_of_before_is_no_guess(accounts_host: Host) -> None:
    """After a change every telephone goes on trying it; that must not shut out its owner at the same address."""
    change = f"select mail.change_password('test.nguoi', '{PASSWORD}', 'Moi-tinh-4@Kh', '{THERE}');"
    changed = PINNED + known(THERE) + change
    tries = "; ".join([login("test.nguoi", PASSWORD)] * 3 + [login("test.nguoi", "khac")])
    ask = f"{tries}; select count(*) from mail.sign_in_failure where login = 'test1person'"
    assert query(accounts_host, ask, world=changed) == "1"


def test_where_somebody_signed_in_is_remembered_and_failures_are_not_a_sign_in(accounts_host: Host) -> None:
    ask = (
        f"{login('test.nguoi', 'sai', address=ELSEWHERE)}; {login('test.nguoi')}; {login('test.nguoi')};"
        " select address from mail.sign_in_address where mailbox_id = 'test1person'"
    )
    assert query(accounts_host, ask, world=PINNED).splitlines() == [IN, IN, THERE]


def test_a_reached_limit_is_noted_and_announced_once(accounts_host: Host) -> None:
    world = PINNED + failed(PAIR - 1) + failed(ACCOUNT - PAIR, address="192.0.2.50")
    tries = "; ".join([login("test.nguoi", "sai")] * 3)
    ask = (
        f"{tries}; select kind, login, host(address), failures from mail.sign_in_lockout"
        " where mailbox_id = 'test1person' order by kind desc;"
        " select payload ->> 'kind' from mail.outbox where topic = 'sign_in.lockout'"
        " and mailbox = 'test1person' order by seq"
    )
    shown = query(accounts_host, ask, world=world).splitlines()
    assert shown[:2] == [f"pair|test1person|{THERE}|{PAIR}", f"account|test1person||{ACCOUNT}"]
    assert sorted(shown[2:]) == ["account", "pair"]


def test_the_change_of_a_password_is_held_to_the_same_limits(accounts_host: Host) -> None:
    def change(name: str, old: str) -> str:
        return f"select result from mail.change_password('{name}', '{old}', 'Moi-tinh-4@Kh', '{THERE}')"

    assert query(accounts_host, change("test.nguoi", PASSWORD), world=PINNED + failed(PAIR)) == "throttled"
    assert query(accounts_host, change("test.nguoi", "sai"), world=PINNED + failed(PAIR)) == "throttled"
    assert query(accounts_host, change("khong.co", "sai"), world=PINNED + failed(PAIR, "khong.co")) == "throttled"
    assert query(accounts_host, change("test.nguoi", "sai"), world=PINNED + failed(PAIR - 2)) == "wrong"
    tries = "; ".join([change("test.nguoi", "sai")] * 2 + [login("test.nguoi")])
    assert query(accounts_host, tries, world=PINNED + failed(PAIR - 2)).splitlines() == ["wrong", "wrong"]


def test_failures_that_count_no_more_are_forgotten(accounts_host: Host) -> None:
    """Now and then, with a failure: often enough among many."""
    world = PINNED + failed(5, "cu.roi", ago="31 days")
    storm = "select mail.sign_in_failed(null, 'ai.do.' || n, '192.0.2.1', 'imap', 'sai') from generate_series(1, {}) n"
    cheap = "update mail.setting set value = '4' where name = 'password_bcrypt_cost';"
    left = "select count(*) from mail.sign_in_failure where login = 'cu.roi'"
    ask = f"select count(*) from ({storm.format(1500)}) s; {left}"
    assert query(accounts_host, ask, world=world + cheap).splitlines() == ["1500", "0"]
