"""The resolver of MTA-STS policies on the hosts that send mail out."""

import pytest

from tests.lab import Lab

UNIT = "postfix-mta-sts-resolver.service"
SOCKET = "/run/hanam-sts/resolver"
ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.settimeout(40)
    client.connect(sys.argv[1])
    request = ("policy " + sys.argv[2]).encode()
    client.sendall(b"%d:%s," % (len(request), request))
    print(client.recv(100000).decode())
"""


def ask(lab: Lab, socket: str, key: str, user: str = "root") -> str:
    """What a socketmap server says of a key."""
    return lab.run("submission", f"cd / && runuser -u {user} -- python3 -c '{ASK}' {socket} '{key}'").strip()


@pytest.mark.neighbours
def test_a_policy_that_is_enforced_is_told_with_the_names_that_postfix_compares(lab: Lab) -> None:
    told = ask(lab, SOCKET, "dungsts.example")
    assert "OK secure match=acme.example servername=hostname policy_type=sts policy_domain=dungsts.example" in told
    assert "mx_host_pattern=acme.example" in told


@pytest.mark.parametrize("domain", ["thusts.example", "saitrangsts.example", "khongky.example"])
def test_a_policy_that_is_tried_false_or_not_there_demands_nothing(lab: Lab, domain: str) -> None:
    assert "NOTFOUND" in ask(lab, SOCKET, domain)


def test_the_service_that_asks_for_policies_alone_may_do_so(lab: Lab) -> None:
    assert lab.run("submission", f"stat -c '%U %a' {SOCKET} $(dirname {SOCKET})").split() == (
        ["_mta-sts", "660", "_mta-sts", "750"]
    )
    with pytest.raises(AssertionError, match="PermissionError"):
        ask(lab, SOCKET, "dungsts.example", user="nobody")


@pytest.mark.neighbours
def test_it_reaches_none_of_our_own_hosts_but_its_resolver(lab: Lab) -> None:
    denied = lab.run("submission", f"systemctl show -P IPAddressDeny {UNIT}").split()
    for host in (lab.host("mx"), lab.host("webmail"), lab.host("submission")):
        addresses = lab.hosts[host]
        assert {f"{addresses['host_ipv4']}/32", f"{addresses['host_ipv6']}/128"} <= set(denied)
    assert {"127.0.0.0/8", "::1/128"} <= set(denied)
    assert lab.run("submission", f"systemctl show -P IPAddressAllow {UNIT}").split() == ["127.0.0.1/32"]


def test_what_it_remembers_outlives_a_restart(lab: Lab) -> None:
    ask(lab, SOCKET, "dungsts.example")
    look = 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute("select domain from sts_policy_cache"))'
    assert "dungsts.example" in lab.run("submission", f"python3 -c '{look}' /var/lib/mta-sts/cache.db")


@pytest.mark.neighbours
def test_the_unit_runs_confined_and_starts_at_boot(lab: Lab) -> None:
    for group in ("mx", "submission"):
        state = lab.run(group, f"systemctl is-active {UNIT}; systemctl is-enabled {UNIT}").split()
        assert state == ["active", "enabled"]
        lab.run(group, f"systemd-analyze security --threshold=20 --no-pager {UNIT}")
