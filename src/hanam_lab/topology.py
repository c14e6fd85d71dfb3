"""Which hosts a lab has: read from the same inventory file that Ansible reads."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from hanam_lab.errors import LabError

_UNITS = {"M": 2**20, "G": 2**30}


@dataclass(frozen=True)
class HostSpec:
    """One lab host: its name, its last address byte, and its memory limit in bytes."""

    name: str
    number: int
    memory: int


def read(inventory: Path) -> list[HostSpec]:
    """Hosts of the group `lab`. Raises LabError naming file, host and what is expected."""
    try:
        groups = yaml.safe_load(inventory.read_text())
    except OSError as error:
        raise LabError(f"{inventory}: {error.strerror}") from error
    hosts = ((groups or {}).get("lab") or {}).get("hosts") or {}
    if not hosts:
        raise LabError(f"{inventory}: group `lab` has no hosts; the lab starts only hosts of that group")
    specs = []
    for name, values in hosts.items():
        number, memory = (values or {}).get("lab_number"), str((values or {}).get("lab_memory", ""))
        if not isinstance(number, int) or not 2 <= number <= 254:
            raise LabError(f"{inventory}: {name}: lab_number must be a number from 2 to 254, not {number!r}")
        if not memory[:-1].isdigit() or memory[-1] not in _UNITS:
            raise LabError(f"{inventory}: {name}: lab_memory must be like 512M or 4G, not {memory!r}")
        specs.append(HostSpec(name, number, int(memory[:-1]) * _UNITS[memory[-1]]))
    numbers = [spec.number for spec in specs]
    if len(set(numbers)) != len(numbers):
        raise LabError(f"{inventory}: two hosts share a lab_number")
    return specs
