"""The service that tells the filter who sent a message."""

import json
import uuid

import pytest

from tests import journal
from tests.lab import Lab
from tests.world_names import ZONE, published

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
    host = lab.look_at("filter")
    socket, clients = host.file(SOCKET), host.group("mail-auth-clients")
    assert (socket.user, socket.group, socket.mode) == ("root", "mail-auth-clients", 0o660)
    assert (clients.exists, clients.members) == (True, [])
    groups = lab.look_at("filter").service("rspamd.service").systemd_properties["SupplementaryGroups"]
    assert "mail-auth-clients" in groups.split()
    with pytest.raises(AssertionError, match="PermissionError"):
        ask(lab, "nobody")


@pytest.mark.provokes(journal.AUTHENTICATION_AWAY)
def test_one_that_is_killed_is_back_before_the_filter_gives_up(lab: Lab) -> None:
    lab.run("filter", f"systemctl kill -s KILL {UNITS[1]}")
    assert ask(lab, "root")["dmarc"]["action"] == "refuse"


def test_it_reaches_nothing_but_the_resolver_of_its_host(lab: Lab) -> None:
    shown = lab.look_at("filter").service(UNITS[1]).systemd_properties
    assert shown["IPAddressAllow"] == "127.0.0.1/32"
    assert set(shown["IPAddressDeny"].split()) == {"0.0.0.0/0", "::/0"}


def test_the_unit_runs_confined_and_starts_at_boot(lab: Lab) -> None:
    asked = f"systemctl is-active {' '.join(UNITS)}; systemctl is-enabled {' '.join(UNITS)}"
    assert lab.run("filter", asked, check=False).split() == ["active"] * 2 + ["enabled"] * 2
    lab.run("filter", f"systemd-analyze security --threshold=20 --no-pager {UNITS[1]}")


# --- what was judged, for reports to domains ---

FOLDER = "/var/lib/hanam-judged"
_COUNTED = """
import json, socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.settimeout(30)
    client.connect(sys.argv[1])
    letter = b"From: <an@%s>\\r\\n\\r\\nKinh gui\\r\\n"
    said = {"address": "192.0.2.99", "helo": "x", "sender": "", "author": "%s", "size": len(letter)}
    client.sendall(json.dumps(said).encode() + b"\\n" + letter)
    print(client.makefile().readline())
"""


def test_what_was_judged_is_for_the_agent_alone(lab: Lab) -> None:
    host = lab.look_at("filter")
    folder, readers = host.file(FOLDER), host.group("hanam-judged")
    assert (folder.user, folder.group, folder.mode) == ("root", "hanam-judged", 0o2770)
    assert (readers.exists, readers.members) == (True, [])
    for unit in (UNITS[1], "hanam-dmarc-carry.service"):
        assert "hanam-judged" in lab.look_at("filter").service(unit).systemd_properties["SupplementaryGroups"].split()
    with pytest.raises(AssertionError, match="Permission denied"):
        lab.run("filter", f"cd / && runuser -u nobody -- ls {FOLDER}")


@pytest.mark.neighbours
@pytest.mark.dieu4
@pytest.mark.provokes(journal.ZONES)
def test_what_it_counted_survives_its_end_and_is_brought_to_the_database(lab: Lab) -> None:
    domain = f"d{uuid.uuid4().hex[:8]}.{ZONE}"
    record = f'_dmarc.{domain}. 30 IN TXT "v=DMARC1; p=reject; rua=mailto:a@{domain}"'
    with published(lab, [record]):
        program = f"python3 - {SOCKET} <<'PROGRAM'\n{_COUNTED % (domain, domain)}\nPROGRAM"
        assert json.loads(lab.run("filter", program))["dmarc"]["record"] == domain
        lab.run("filter", f"systemctl restart {UNITS[1]}")
        lab.start_anew("filter", "hanam-dmarc-carry.service")
    assert lab.look_at("filter").file(FOLDER).listdir() == []
    asked = f"select messages || ' ' || (seen->>'disposition') from mail.outgoing_seen where domain = '{domain}'"
    assert lab.sql(asked) == "1 reject"


def test_the_unit_that_brings_it_is_confined_and_its_timer_runs(lab: Lab) -> None:
    assert lab.look_at("filter").service("hanam-dmarc-carry.service").systemd_properties["User"] == "hanam-agent"
    lab.run("filter", "systemd-analyze security --threshold=20 --no-pager hanam-dmarc-carry.service")
    timer = lab.look_at("filter").service("hanam-dmarc-carry.timer").systemd_properties
    assert (timer["ActiveState"], timer["UnitFileState"]) == ("active", "enabled")
