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
    """It runs, or it has done its work and ended well, or a timer or a socket is waiting."""
    found = [lab.look_at(host).service(unit).systemd_properties | {"host": host} for host in lab.hosts]
    loaded = [state for state in found if state["LoadState"] == "loaded"]
    if not loaded:
        # With these settings no host has it (renewal by ACME): a role knows it.
        rows = "".join(file.read_text("utf-8") for file in REPOSITORY.glob("roles/*/vars/main.yml"))
        assert f"/{unit}.service" in rows
        return

    def waits(state: dict[str, str]) -> bool:
        sockets = [name for name in state.get("TriggeredBy", "").split() if name.endswith(".socket")]
        states = (
            lab.run(state["host"], f"systemctl is-active {' '.join(sockets)}", check=False).split() if sockets else []
        )
        return set(states) == {"active"}

    assert any(
        state["ActiveState"] == "active" or state.get("Type") == "oneshot" or waits(state) for state in loaded
    ), loaded
    assert all(state["Result"] == "success" for state in loaded), loaded
