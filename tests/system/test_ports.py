"""What listens is what the table of ports lists, and nothing else is open."""

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import pytest

from tests.lab import Lab
from tests.render.conftest import Environment

pytestmark = pytest.mark.neighbours

_SOCKET = re.compile(r"^(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S+):(\d+)\s+\S+\s+users:\((.*)\)")
_PROCESS = re.compile(r'\("([^"]+)"')

Rows = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def rows_of(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Rows of the table that hold for a host, their conditions answered by Ansible for this inventory."""
    inventory = Environment(lab.topology.stem, tmp_path_factory.mktemp("inventory"), {})

    def of(host: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = inventory.value("base", "base_ports", host)
        return rows

    return of


def cluster(lab: Lab) -> list[str]:
    return [host for host in lab.hosts if host not in lab.groups["outside"]]


def listening(lab: Lab, host: str) -> Iterator[tuple[str, str, int, set[str]]]:
    """(protocol, address, port, names of the processes that hold the socket)."""
    for line in lab.run(host, "ss -Hlntup").splitlines():
        found = _SOCKET.match(line)
        assert found, f"{host}: {line}"
        protocol, address, port, users = found.groups()
        yield protocol, address.split("%")[0], int(port), set(_PROCESS.findall(users))


def test_what_listens_equals_the_table_of_ports(lab: Lab, rows_of: Rows) -> None:
    for host in cluster(lab):
        listed = {(row["protocol"], row["port"]): row["process"] for row in rows_of(host)}
        found = {(protocol, port): names for protocol, _, port, names in listening(lab, host)}
        assert set(found) == set(listed), host
        assert {key: names for key, names in found.items() if listed[key] not in names} == {}, (
            f"{host}: other processes"
        )


def test_loopback_ports_are_bound_to_loopback(lab: Lab, rows_of: Rows) -> None:
    for host in cluster(lab):
        loopback = {(row["protocol"], row["port"]) for row in rows_of(host) if row["source"] == "loopback"}
        for protocol, address, port, _ in listening(lab, host):
            if (protocol, port) in loopback:
                assert address in {"127.0.0.1", "[::1]"}, f"{host}: {protocol} {port}"


def test_closed_ports_do_not_answer_from_outside(lab: Lab) -> None:
    def answers(target: tuple[str, int]) -> bool:
        host, port = target
        try:
            with socket.create_connection((lab.hosts[host]["host_ipv4"], port), timeout=1):
                return True
        except OSError:
            return False

    targets = list(product(cluster(lab), (24, 111, 1143, 5432, 6379, 8000, 11332, 11334, 12340, 12341, 12342)))
    # What is dropped costs its whole second of patience.
    with ThreadPoolExecutor(len(targets)) as pool:
        answering = [target for target, answer in zip(targets, pool.map(answers, targets), strict=True) if answer]
    assert answering == []
