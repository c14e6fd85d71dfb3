"""What the earlier release put on the hosts and this one does not is gone: no unit runs, no program lies about."""

from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab
from tests.render.conftest import environments
from tests.render.role_rows import plays, rows
from tests.upgrade import state

# Made by a Debian package's own script.
OF_DEBIAN = {"/etc/systemd/system/clamav-daemon.service.d/extend.conf"}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Every path that a role of this tree puts on a host."""
    here = environments(Path(tmp_path_factory.mktemp("rows")))("lab")
    found: dict[str, set[str]] = {host: set() for host in here.hosts("all")}
    for pattern, role in plays():
        for host in here.hosts(pattern):
            found[host] |= {row["dest"] for row in rows(here, role, host) if not row.get("absent")}
    return found


def test_no_file_of_the_earlier_release_stays_that_this_one_does_not_write(
    before: dict[str, Any], after: dict[str, Any], listed: dict[str, set[str]]
) -> None:
    for host, old in before["files"].items():
        assert sorted(set(old) & set(after["files"][host]) - listed[host] - OF_DEBIAN) == [], host


def test_no_unit_of_the_earlier_release_runs_or_will_run_that_is_no_more(lab: Lab, before: dict[str, Any]) -> None:
    for host, old in before["units"].items():
        asked = f"systemctl show -p Id -p LoadState -p NeedDaemonReload {' '.join(sorted(state.units(lab, host)))}"
        shown = lab.run(host, asked).split("\n\n")
        states = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown]
        assert [unit["Id"] for unit in states if unit["LoadState"] != "loaded"] == [], host
        assert [unit["Id"] for unit in states if unit["NeedDaemonReload"] == "yes"] == [], host
        assert old, "something ran"
        # A link of a unit that is no more would be followed at the next boot.
        broken = lab.run(host, "find /etc/systemd/system -xtype l ! -lname /dev/null")
        assert broken == "", host


def test_the_programs_that_run_are_those_that_are_there(lab: Lab) -> None:
    """No daemon goes on with a program that the upgrade replaced or removed."""
    for host in lab.hosts:
        found = lab.run(host, "ls -l /proc/[0-9]*/exe 2>/dev/null | sed -n '/(deleted)$/p'")
        assert found == "", host
