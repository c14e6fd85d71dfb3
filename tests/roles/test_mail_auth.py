"""The service that tells the filter who sent a message."""

import json

import pytest

from tests import journal
from tests.lab import Lab

UNITS = ("hanam-mail-auth.socket", "hanam-mail-auth.service")
SOCKET = "/run/hanam-mail-auth/socket"
_ASK = """
import json, socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.settimeout(30)
    client.connect(sys.argv[1])
    letter = b"From: <an@ngoai.example>\\r\\n\\r\\nKinh gui\\r\\n"
    said = {"address": "192.0.2.99", "helo": "x", "sender": "an@ngoai.example", "author": "ngoai.example"}
    client.sendall(json.dumps({**said, "size": len(letter)}).encode() + b"\\n" + letter)
    print(client.makefile().readline())
"""


def ask(lab: Lab, user: str) -> dict[str, dict[str, str]]:
    """The verdict on a letter in the name of a domain that asks to refuse it; AssertionError when he may not ask."""
    program = f"cd / && runuser -u {user} -- python3 - {SOCKET} <<'PROGRAM'\n{_ASK}\nPROGRAM"
    return dict(json.loads(lab.run("filter", program)))


@pytest.mark.neighbours
@pytest.mark.dieu4
def test_it_judges_by_what_the_hosts_own_resolver_says(lab: Lab) -> None:
    answer = ask(lab, "root")
    assert (answer["spf"]["result"], answer["dmarc"]["record"], answer["dmarc"]["action"]) == (
        "fail",
        "ngoai.example",
        "refuse",
    )


def test_the_filter_alone_may_ask(lab: Lab) -> None:
    assert lab.run("filter", f"stat -c '%U %G %a' {SOCKET}").split() == ["root", "mail-auth-clients", "660"]
    assert lab.run("filter", "getent group mail-auth-clients").strip().endswith(":")
    groups = lab.run("filter", "systemctl show -P SupplementaryGroups rspamd.service")
    assert "mail-auth-clients" in groups.split()
    with pytest.raises(AssertionError, match="PermissionError"):
        ask(lab, "nobody")


@pytest.mark.provokes(journal.AUTHENTICATION_AWAY)
def test_one_that_is_killed_is_back_before_the_filter_gives_up(lab: Lab) -> None:
    lab.run("filter", f"systemctl kill -s KILL {UNITS[1]}")
    assert ask(lab, "root")["dmarc"]["action"] == "refuse"


def test_it_reaches_nothing_but_the_resolver_of_its_host(lab: Lab) -> None:
    shown = lab.run("filter", f"systemctl show -P IPAddressAllow -P IPAddressDeny {UNITS[1]}")
    assert set(shown.split()) == {"127.0.0.1/32", "0.0.0.0/0", "::/0"}


def test_the_unit_runs_confined_and_starts_at_boot(lab: Lab) -> None:
    asked = f"systemctl is-active {' '.join(UNITS)}; systemctl is-enabled {' '.join(UNITS)}"
    assert lab.run("filter", asked, check=False).split() == ["active"] * 2 + ["enabled"] * 2
    lab.run("filter", f"systemd-analyze security --threshold=20 --no-pager {UNITS[1]}")
