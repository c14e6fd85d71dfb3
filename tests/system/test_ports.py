"""What listens is what the table of ports lists, and nothing else is open."""

import re
import socket

import pytest
import yaml

from hanam_lab.paths import REPOSITORY
from hanam_mail.ports import of_host
from tests.lab import Lab

TABLE = yaml.safe_load((REPOSITORY / "group_vars/all/ports.yml").read_text())["ports"]
_SOCKET = re.compile(r"^(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S+):(\d+)\s+\S+\s+users:\(\(\"([^\"]+)\"")


def groups_of(lab: Lab, host: str) -> list[str]:
    return [group for group, hosts in lab.groups.items() if host in hosts]


def rows_of(lab: Lab, host: str) -> list[dict[str, object]]:
    """Rows of the table that concern a host. A condition is Jinja: both answers are asked of the host's firewall later."""
    return [dict(row) for row in of_host(TABLE, groups_of(lab, host))]


def cluster(lab: Lab) -> list[str]:
    return [host for host in lab.hosts if host not in lab.groups["outside"]]


def test_what_listens_equals_the_table_of_ports(lab: Lab) -> None:
    for host in cluster(lab):
        listening = set()
        for line in lab.run(host, "ss -Hlntup").splitlines():
            found = _SOCKET.match(line)
            assert found, line
            protocol, _, port, process = found.groups()
            listening.add((protocol, int(port), process.removesuffix(":")))
        # Conditions hold where a neighbour is elsewhere; what they open is compared when it does.
        certain = {(r["protocol"], r["port"], r["process"]) for r in rows_of(lab, host) if "when" not in r}
        possible = {(r["protocol"], r["port"], r["process"]) for r in rows_of(lab, host)}
        assert certain <= listening, f"{host}: listed but not open: {certain - listening}"
        assert listening <= possible, f"{host}: open but not listed: {listening - possible}"


def test_loopback_ports_are_bound_to_loopback(lab: Lab) -> None:
    for host in cluster(lab):
        loopback = {(row["protocol"], row["port"]) for row in rows_of(lab, host) if row["source"] == "loopback"}
        for line in lab.run(host, "ss -Hlntup").splitlines():
            found = _SOCKET.match(line)
            assert found
            protocol, address, port, _ = found.groups()
            if (protocol, int(port)) in loopback:
                assert address.split("%")[0] in {"127.0.0.1", "[::1]", "::1"}, f"{host}: {line}"


@pytest.mark.parametrize("port", [111, 1143, 5432, 6379, 8000, 11332, 11334])
def test_closed_ports_do_not_answer_from_outside(lab: Lab, port: int) -> None:
    for host in cluster(lab):
        with pytest.raises(OSError), socket.create_connection((lab.hosts[host]["host_ipv4"], port), timeout=1):
            pass
