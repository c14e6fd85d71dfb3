"""What a unit shuts its processes in by is there whenever the unit begins, whatever its neighbours do just then."""

import pytest

from tests.lab import Lab

pytestmark = pytest.mark.neighbours

# What systemd mounts something over, or at, before a unit's process begins.
_MOUNTED = (
    "InaccessiblePaths",
    "ReadWritePaths",
    "ReadOnlyPaths",
    "ExecPaths",
    "NoExecPaths",
    "BindPaths",
    "BindReadOnlyPaths",
)
_ASKED = "Id", "RuntimeDirectory", "RuntimeDirectoryPreserve", *_MOUNTED


def units(lab: Lab, host: str) -> dict[str, dict[str, str]]:
    """The services that the host knows: name -> property -> value."""
    shown = lab.run(host, f"systemctl show --all --property={','.join(_ASKED)} '*.service'")
    found = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.split("\n\n")]
    return {unit["Id"]: unit for unit in found}


def test_no_unit_shuts_itself_in_by_a_folder_that_goes_when_its_neighbour_stops(lab: Lab) -> None:
    """It could not begin while that neighbour is started again (226/NAMESPACE), and would see the folder made anew."""
    seen, refused = 0, set()
    for host in lab.hosts:
        known = units(lab, host)
        goes = {
            f"/run/{folder}": owner
            for owner, unit in known.items()
            if unit["RuntimeDirectoryPreserve"] != "yes"
            for folder in unit["RuntimeDirectory"].split()
        }
        for name, unit in known.items():
            places = [each.lstrip("-+").split(":")[0] for row in _MOUNTED for each in unit.get(row, "").split()]
            seen += len(places)
            refused |= {
                f"{host}: {name} has {place} of {owner}"
                for place in places
                for folder, owner in goes.items()
                if owner != name and f"{place}/".startswith(f"{folder}/")
            }
    assert seen > 100
    assert refused == set()
