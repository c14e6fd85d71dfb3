"""What a unit shuts its processes in by is there whenever the unit begins, whatever its neighbours do just then."""

import shlex

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
_ASKED = "Id", "MainPID", "RuntimeDirectory", "RuntimeDirectoryPreserve", *_MOUNTED


def units(lab: Lab, host: str) -> dict[str, dict[str, str]]:
    """The services that the host knows: name -> property -> value."""
    shown = lab.run(host, f"systemctl show --all --property={','.join(_ASKED)} '*.service'")
    found = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.split("\n\n")]
    return {unit["Id"]: unit for unit in found}


def seen_though_hidden(lab: Lab) -> set[str]:
    """What running processes see of the places that their units hide; of a hidden one, systemd shows mode 0000."""
    seen, refused = 0, set()
    for host in lab.hosts:
        hidden = {
            (unit["Id"], int(unit["MainPID"]), place.lstrip("-+"))
            for unit in units(lab, host).values()
            if int(unit["MainPID"])
            for place in unit.get("InaccessiblePaths", "").split()
        }
        # A process that has just begun is systemd's own for a moment, and sees all. It may have ended since.
        looked = lab.run(
            host,
            "settled() { for i in $(seq 300); do "
            'case "$(readlink "/proc/$1/exe")" in */systemd-executor) sleep 0.1 ;; *) return ;; esac; done; }\n'
            f"for row in {shlex.join(f'{pid}:{place}' for _, pid, place in sorted(hidden))}; do pid=${{row%%:*}}; "
            'place=${row#*:}; settled "$pid"; [ -e "$place" ] && [ -d "/proc/$pid/root/" ] '
            '&& echo "$row $(stat -c %a "/proc/$pid/root$place")"; done; true',
        )
        modes = dict(line.split(maxsplit=1) for line in looked.splitlines())
        seen += len(modes)
        refused |= {
            f"{host}: {name} sees {place}, {modes[row]}"
            for name, pid, place in hidden
            if modes.get(row := f"{pid}:{place}", "0") != "0"
        }
    assert seen > 20
    return refused


def test_what_a_unit_hides_is_hidden_from_its_running_process(lab: Lab) -> None:
    """A folder that came after it had begun would not be."""
    assert seen_though_hidden(lab) == set()


def test_a_folder_of_sockets_that_units_hide_is_there_from_the_boot_on(lab: Lab) -> None:
    """Its daemon may begin after them."""
    seen, refused = 0, set()
    for host in lab.hosts:
        rows = [row.split() for row in lab.run(host, "systemd-tmpfiles --cat-config").splitlines()]
        made = {row[1] for row in rows if len(row) > 1 and row[0] in ("d", "D")}
        hidden = {
            place.lstrip("-+")
            for unit in units(lab, host).values()
            for place in unit.get("InaccessiblePaths", "").split()
            if place.lstrip("-+").startswith("/run/")
        }
        there = {place for place in hidden if lab.look_at(host).file(place).exists}
        seen += len(there)
        refused |= {f"{host}: {place}" for place in there - made}
    assert seen > 2
    assert refused == set()


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
