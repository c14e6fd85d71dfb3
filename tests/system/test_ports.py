"""What listens is what the table of ports lists, and nothing else is open."""

import re
import socket
from collections.abc import Iterator

import pytest
import yaml

from hanam_lab.paths import REPOSITORY
from hanam_mail.ports import of_host
from tests.lab import Lab

TABLE = yaml.safe_load((REPOSITORY / "group_vars/all/ports.yml").read_text())["ports"]
_SOCKET = re.compile(r"^(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S+):(\d+)\s+\S+\s+users:\((.*)\)")
_PROCESS = re.compile(r'\("([^"]+)"')


def groups_of(lab: Lab, host: str) -> list[str]:
    return [group for group, hosts in lab.groups.items() if host in hosts]


def rows_of(lab: Lab, host: str) -> list[dict[str, object]]:
    """Rows of the table that may concern a host; a condition is Jinja and left open here."""
    return [dict(row) for row in of_host(TABLE, groups_of(lab, host))]


def cluster(lab: Lab) -> list[str]:
    return [host for host in lab.hosts if host not in lab.groups["outside"]]


def listening(lab: Lab, host: str) -> Iterator[tuple[str, str, int, set[str]]]:
    """(protocol, address, port, names of the processes that hold the socket)."""
    for line in lab.run(host, "ss -Hlntup").splitlines():
        found = _SOCKET.match(line)
        assert found, f"{host}: {line}"
        protocol, address, port, users = found.groups()
        yield protocol, address.split("%")[0], int(port), set(_PROCESS.findall(users))


def test_what_listens_equals_the_table_of_ports(lab: Lab) -> None:
    for host in cluster(lab):
        rows = rows_of(lab, host)
        processes = {(row["protocol"], row["port"]): row["process"] for row in rows}
        # A condition is about neighbours on other hosts: such a port may be open or not.
        certain = {(row["protocol"], row["port"]) for row in rows if "when" not in row}
        found = {(protocol, port): names for protocol, _, port, names in listening(lab, host)}
        assert certain <= set(found), f"{host}: listed but not open"
        assert set(found) <= set(processes), f"{host}: open but not listed"
        assert {key for key, names in found.items() if processes[key] not in names} == set(), f"{host}: other processes"


def test_loopback_ports_are_bound_to_loopback(lab: Lab) -> None:
    for host in cluster(lab):
        loopback = {(row["protocol"], row["port"]) for row in rows_of(lab, host) if row["source"] == "loopback"}
        for protocol, address, port, _ in listening(lab, host):
            if (protocol, port) in loopback:
                assert address in {"127.0.0.1", "[::1]"}, f"{host}: {protocol} {port}"


@pytest.mark.parametrize("port", [111, 1143, 5432, 6379, 8000, 11332, 11334])
def test_closed_ports_do_not_answer_from_outside(lab: Lab, port: int) -> None:
    for host in cluster(lab):
        with (
            pytest.raises(OSError),
            socket.create_connection((lab.hosts[host]["host_ipv4"], port), timeout=1),
        ):
            pass
