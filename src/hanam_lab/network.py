"""A bridge per lab, with an IPv4 and an IPv6 range that no other lab on this machine uses.

A copy of a lab has the addresses of its original, so its bridge lies in a network namespace of its own, and whoever
wants to reach its hosts has to be in there too.
"""

import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from hanam_lab.errors import LabError
from hanam_lab.shell import run

FIRST, LAST = 0, 249


@dataclass(frozen=True)
class Network:
    """The range number N stands for 10.27.N.0/24 and fd27:0:0:N::/64. Without a namespace it is the outer machine's."""

    number: int
    namespace: str = ""

    @property
    def bridge(self) -> str:
        return f"hnm{self.number}"

    def ipv4(self, host: int) -> IPv4Address:
        return IPv4Address(f"10.27.{self.number}.{host}")

    def ipv6(self, host: int) -> IPv6Address:
        return IPv6Address(f"fd27:0:0:{self.number:x}::{host:x}")

    @property
    def inside(self) -> list[str]:
        """Words before a command that make it run in this network."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}"] if self.namespace else []

    def exists(self) -> bool:
        if self.namespace and not Path("/run/netns", self.namespace).exists():
            return False
        found = subprocess.run([*self._ip, "link", "show", self.bridge], capture_output=True, check=False)
        return found.returncode == 0

    def create(self) -> None:
        if self.namespace:
            run(["ip", "netns", "add", self.namespace])
            run([*self._ip, "link", "set", "lo", "up"])
        run([*self._ip, "link", "add", self.bridge, "type", "bridge"])
        run([*self._ip, "address", "add", f"{self.ipv4(1)}/24", "dev", self.bridge])
        run([*self._ip, "address", "add", f"{self.ipv6(1)}/64", "dev", self.bridge, "nodad"])
        run([*self._ip, "link", "set", self.bridge, "up"])

    def remove(self) -> None:
        if self.exists():
            run([*self._ip, "link", "delete", self.bridge])
        if self.namespace and Path("/run/netns", self.namespace).exists():
            run(["ip", "netns", "delete", self.namespace])

    @property
    def _ip(self) -> list[str]:
        return ["ip", *(["-netns", self.namespace] if self.namespace else [])]


def free(taken: set[int]) -> Network:
    """The first range that neither another lab nor another bridge of this machine holds."""
    for number in range(FIRST, LAST + 1):
        network = Network(number)
        if number not in taken and not network.exists():
            return network
    raise LabError(f"all {LAST - FIRST + 1} lab ranges are in use; `make down` frees this project's")
