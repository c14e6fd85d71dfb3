"""What tells Postfix how mail to a domain has to be encrypted."""

from functools import partial

import pytest

from tests import journal
from tests.lab import Lab, wait_for
from tests.roles.test_sts_resolver import ask

UNITS = ("hanam-tls-policy.socket", "hanam-tls-policy.service")
SOCKET = "/run/hanam-tls-policy/socket"


def postfix_asks(lab: Lab, key: str) -> str:
    """What Postfix's own program for tables finds, as the user and group of its processes."""
    table = lab.run("submission", "postconf -h smtp_tls_policy_maps").strip()
    assert table == f"socketmap:unix:{SOCKET}:policy"
    ask = f"cd / && setpriv --reuid=postfix --regid=postfix --clear-groups postmap -q '{key}' '{table}'"
    return lab.run("submission", ask, check=False).strip()


@pytest.mark.neighbours
@pytest.mark.dieu3
def test_postfix_is_told_by_domain(lab: Lab) -> None:
    told = {domain: postfix_asks(lab, f"{domain}.example") for domain in ("ngoai", "danethang", "khongky", "thusts")}
    assert told == dict.fromkeys(told, "")
    for domain in ("dungsts", "chenlenh"):
        assert postfix_asks(lab, f"{domain}.example") == (
            f"secure match=acme.example servername=hostname policy_type=sts policy_domain={domain}.example"
            " mx_host_pattern=acme.example"
        )


def test_a_domain_whose_dns_is_forged_makes_mail_wait(lab: Lab) -> None:
    assert "TEMP DNS on MX of bogus.example." in ask(lab, SOCKET, "bogus.example", user="postfix")


def test_postfix_alone_may_ask(lab: Lab) -> None:
    socket = lab.look_at("submission").file(SOCKET)
    assert (socket.user, socket.group, socket.mode) == ("root", "postfix", 0o660)
    with pytest.raises(AssertionError, match="PermissionError"):
        ask(lab, SOCKET, "ngoai.example", user="nobody")


@pytest.mark.provokes(journal.TLS_POLICY_AWAY)
def test_one_that_is_killed_is_back_before_postfix_gives_up(lab: Lab) -> None:
    lab.run("submission", "systemctl kill -s KILL hanam-tls-policy.service")
    assert "NOTFOUND" in ask(lab, SOCKET, "ngoai.example")


def test_it_reaches_nothing_but_the_resolver_of_its_host(lab: Lab) -> None:
    shown = lab.look_at("submission").service(UNITS[1]).systemd_properties
    assert shown["IPAddressAllow"] == "127.0.0.1/32"
    assert set(shown["IPAddressDeny"].split()) == {"0.0.0.0/0", "::/0"}


def _run_and_enabled(lab: Lab, group: str) -> bool:
    asked = f"systemctl is-active {' '.join(UNITS)}; systemctl is-enabled {' '.join(UNITS)}"
    return lab.run(group, asked, check=False).split() == ["active"] * 2 + ["enabled"] * 2


@pytest.mark.neighbours
def test_the_unit_runs_confined_and_starts_at_boot(lab: Lab) -> None:
    for group in ("mx", "submission"):
        wait_for(partial(_run_and_enabled, lab, group), f"{' and '.join(UNITS)} on {group}")
        lab.run(group, f"systemd-analyze security --threshold=20 --no-pager {UNITS[1]}")
