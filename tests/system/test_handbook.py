"""The units that the handbook tells operators to look at are those that run."""

import re

import pytest

from hanam_lab.paths import REPOSITORY
from tests.lab import Lab

TEXT = "\n".join(book.read_text("utf-8") for book in (REPOSITORY / "docs/handbook").glob("*.vi.md"))
_VERBS = "status|start|stop|restart|reload|list-timers"
UNITS = sorted(
    {
        word
        for line in re.findall(rf"systemctl (?:{_VERBS}) ([^#`&\n]+)|journalctl -u ([\w@.-]+)", TEXT)
        for word in " ".join(line).split()
        if re.fullmatch(r"[\w@.-]+", word) and not word.startswith("-")
    }
)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_of_the_handbook_is_one_that_works(lab: Lab, unit: str) -> None:
    """It runs, or it has done its work and ended well, or a timer is waiting."""
    found = [
        dict(
            line.split("=", 1)
            for line in lab.run(host, f"systemctl show -p LoadState,ActiveState,Type,Result {unit}").split()
        )
        for host in lab.hosts
    ]
    loaded = [state for state in found if state["LoadState"] == "loaded"]
    if not loaded:
        # With these settings no host has it (renewal by ACME): a role knows it.
        rows = "".join(file.read_text("utf-8") for file in REPOSITORY.glob("roles/*/vars/main.yml"))
        assert f"/{unit}.service" in rows
        return
    assert any(state["ActiveState"] == "active" or state.get("Type") == "oneshot" for state in loaded), loaded
    assert all(state["Result"] == "success" for state in loaded), loaded
