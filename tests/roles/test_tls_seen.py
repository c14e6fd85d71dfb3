"""What counts how TLS to other servers went."""

import json
import uuid
from functools import partial

import pytest

from tests import journal
from tests.lab import Lab, wait_for

UNITS = ("hanam-tls-seen.socket", "hanam-tls-seen.service")
SOCKET = "/run/hanam-tls-seen/socket"
FOLDER = "/var/lib/hanam-tls-sessions"
_TELL = """
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
    client.sendto(sys.argv[2].encode(), socket.MSG_DONTWAIT, sys.argv[1])
"""


def tell(lab: Lab, user: str, datagram: str) -> None:
    """As that user and his group, by the way of Postfix's library; AssertionError when he may not."""
    who = f"setpriv --reuid={user} --regid=$(id -g {user}) --clear-groups"
    lab.run("submission", f"cd / && {who} python3 - {SOCKET} '{datagram}' <<'PROGRAM'\n{_TELL}\nPROGRAM")


def said(domain: str) -> str:
    policy = {"policy-type": 9, "policy-domain": domain, "t": 0, "f": 0}
    return json.dumps({"d": domain, "pr": "v=TLSRPTv1; rua=mailto:a@x.example", "policies": [policy]})


def test_postfix_names_it_where_mail_is_sent(lab: Lab) -> None:
    for group in ("mx", "submission"):
        shown = lab.run(group, "postconf -h smtp_tlsrpt_enable smtp_tlsrpt_socket_name")
        assert shown.split() == ["yes", SOCKET]
        # Debian's is built with the library.
        assert "libtlsrpt" in lab.run(group, "ldd $(postconf -h daemon_directory)/smtp")


def test_postfix_alone_may_tell(lab: Lab) -> None:
    socket = lab.look_at("submission").file(SOCKET)
    assert (socket.user, socket.group, socket.mode) == ("root", "postfix", 0o660)
    with pytest.raises(AssertionError, match="PermissionError"):
        tell(lab, "nobody", said("ky.example"))


@pytest.mark.neighbours
@pytest.mark.dieu3
@pytest.mark.provokes(journal.TLS_COUNTS_AWAY)
def test_what_it_counted_survives_its_end_and_is_brought_to_the_database(lab: Lab) -> None:
    domain = f"d{uuid.uuid4().hex[:8]}.example"
    tell(lab, "postfix", said(domain))
    lab.run("submission", f"systemctl kill -s KILL {UNITS[1]}")
    # What nobody has read yet waits at systemd's socket; the one before may have died with the process.
    tell(lab, "postfix", said(domain))
    asked = f"select sum(messages) from mail.outgoing_seen where kind = 'tls' and domain = '{domain}'"

    def brought() -> bool:
        # It writes what it has counted as it ends.
        lab.run("submission", f"systemctl restart {UNITS[1]} && systemctl start hanam-dmarc-carry.service")
        return lab.sql(asked) in {"1", "2"}

    wait_for(brought, f"the session with {domain} in the database")


def test_what_it_counted_is_for_the_agent_alone(lab: Lab) -> None:
    host = lab.look_at("submission")
    folder, readers = host.file(FOLDER), host.group("hanam-tls-sessions")
    assert (folder.user, folder.group, folder.mode) == ("root", "hanam-tls-sessions", 0o2770)
    assert (readers.exists, readers.members) == (True, [])
    for unit in (UNITS[1], "hanam-dmarc-carry.service"):
        assert "hanam-tls-sessions" in host.service(unit).systemd_properties["SupplementaryGroups"].split()


def _run_and_enabled(lab: Lab, group: str) -> bool:
    asked = f"systemctl is-active {' '.join(UNITS)}; systemctl is-enabled {' '.join(UNITS)}"
    return lab.run(group, asked, check=False).split() == ["active"] * 2 + ["enabled"] * 2


@pytest.mark.neighbours
def test_the_unit_runs_confined_without_a_network_and_starts_at_boot(lab: Lab) -> None:
    for group in ("mx", "submission"):
        wait_for(partial(_run_and_enabled, lab, group), f"{' and '.join(UNITS)} on {group}")
        lab.run(group, f"systemd-analyze security --threshold=20 --no-pager {UNITS[1]}")
        assert lab.look_at(group).service(UNITS[1]).systemd_properties["PrivateNetwork"] == "yes"
