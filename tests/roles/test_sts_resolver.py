"""The resolver of MTA-STS policies on the hosts that send mail out."""

import time

import pytest

from tests import journal
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

CACHE = "/var/lib/mta-sts/cache.db"
FILL = """
import itertools, json, sqlite3, sys, time
names = ["".join(letters) for letters in itertools.product("abcdefghijklmnopqrstuvwx", repeat=3)][:13000]
policy = {"version": "STSv1", "mode": "enforce", "mx": ["mx.a.example"], "max_age": 86400}
body = json.dumps(policy | dict.fromkeys(names, ""))
with sqlite3.connect(sys.argv[1]) as cache:
    cache.execute("delete from proactive_fetch_ts")
    cache.execute("delete from sts_policy_cache where domain like ?", ["large%"])
    rows = [(f"large{n}.example", int(time.time()), "1", body) for n in range(int(sys.argv[2]))]
    cache.executemany("insert into sts_policy_cache values (?, ?, ?, ?)", rows)
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
    denied = lab.look_at("submission").service(UNIT).systemd_properties["IPAddressDeny"].split()
    for host in (lab.host("mx"), lab.host("webmail"), lab.host("submission")):
        addresses = lab.hosts[host]
        assert {f"{addresses['host_ipv4']}/32", f"{addresses['host_ipv6']}/128"} <= set(denied)
    assert {"127.0.0.0/8", "::1/128"} <= set(denied)
    assert lab.look_at("submission").service(UNIT).systemd_properties["IPAddressAllow"].split() == ["127.0.0.1/32"]


@pytest.mark.neighbours
@pytest.mark.provokes(journal.TLS_POLICY_AWAY)
def test_what_it_remembers_outlives_a_restart(lab: Lab) -> None:
    """Else whoever cuts off the domain's web server would get rid of the policy."""
    assert "OK secure" in ask(lab, SOCKET, "dungsts.example")
    with lab.stopped("internet", "lab-sts.service"):
        lab.run("submission", f"systemctl restart {UNIT}")
        assert "OK secure" in ask(lab, SOCKET, "dungsts.example")


@pytest.mark.provokes(journal.TLS_POLICY_AWAY)
def test_many_large_policies_of_strangers_end_no_answer(lab: Lab) -> None:
    """As large as it takes them: 64 KiB of short lines, which fill much more once they are read."""

    def starts() -> tuple[str, str]:
        shown = lab.look_at("submission").service(UNIT).systemd_properties
        return shown["NRestarts"], shown["MainPID"]

    try:
        with lab.stopped("submission", UNIT):
            lab.run("submission", f"cd / && runuser -u _mta-sts -- python3 -c '{FILL}' {CACHE} 200")
        before = starts()
        # A second after its start the daemon would have read them all, to fetch them anew.
        time.sleep(5)
        assert "OK secure" in ask(lab, SOCKET, "dungsts.example")
        assert "OK secure" in ask(lab, SOCKET, "large7.example")
        assert starts() == before
    finally:
        with lab.stopped("submission", UNIT):
            lab.run("submission", f"cd / && runuser -u _mta-sts -- python3 -c '{FILL}' {CACHE} 0")


@pytest.mark.neighbours
def test_the_unit_runs_confined_and_starts_at_boot(lab: Lab) -> None:
    for group in ("mx", "submission"):
        shown = lab.look_at(group).service(UNIT).systemd_properties
        assert (shown["ActiveState"], shown["UnitFileState"]) == ("active", "enabled")
        lab.run(group, f"systemd-analyze security --threshold=20 --no-pager {UNIT}")
