"""One role on converged hosts, in about a minute: `python -m hanam_lab.role postfix` (`make role ROLE=postfix`).

From the image of converged hosts that is nearest to the working tree: the role's tasks, the same once more, which must
change nothing, and its tests, tests/roles/test_<role>.py. The hosts are gone afterwards. `--all` names the roles.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from hanam_lab import converged, topology
from hanam_lab.driver import Lab
from hanam_lab.errors import LabError
from hanam_lab.paths import REPOSITORY

PLAYS = ("playbooks/lab.yml", "playbooks/site.yml")
"""The first imports the second."""
_CHANGED = re.compile(r"^\S+\s+: ok=\d+ +changed=([1-9]\d*)", re.MULTILINE)


def say(text: str) -> None:
    print(f"role: {text}", flush=True)


def run(role: str, inventory: str) -> int:
    """0 when the second run changed nothing and the tests passed."""
    tests = f"tests/roles/test_{role}.py"
    if not (REPOSITORY / "roles" / role).is_dir() or not (REPOSITORY / tests).exists():
        raise LabError(f"no role {role} with {tests}; roles: {', '.join(_roles())}")
    if role not in played():
        raise LabError(f"role {role} is in no play of {' and '.join(PLAYS)}: none of its tasks would run")
    began = time.monotonic()
    lab = Lab(f"role-{role.replace('_', '-')}"[:20])
    kept = converged.nearest([spec.name for spec in topology.read(REPOSITORY / inventory)], say)
    if lab.hosts():
        raise LabError(f"lab {lab.name} is there already: hanam_lab down {lab.name}")
    try:
        lab.start(kept, say)
        say(f"hosts are up from {kept.name} ({time.monotonic() - began:.0f} s)")
        environment = {"HANAM_LAB": lab.name, "HANAM_INVENTORY": inventory}
        program = Path(sys.executable).with_name("ansible-playbook")
        where = ["-i", inventory, "-i", str(lab.inventory), "-e", f"@{lab.secrets}"]
        play = [str(program), *where, "playbooks/lab.yml", "--tags", role, "--diff"]
        for turn in ("first", "second"):
            code, told = _inside(lab, play, environment)
            say(f"{turn} run of the tasks ({time.monotonic() - began:.0f} s)")
            if code:
                return 1
        if _CHANGED.search(told):
            say("FAILED: the second run changed something")
            return 1
        code, _ = _inside(lab, [sys.executable, "-m", "pytest", "-q", tests], environment)
        say(f"{'passed' if code == 0 else 'FAILED'} after {time.monotonic() - began:.0f} s")
        return code
    finally:
        lab.down(say)


def _inside(lab: Lab, command: Sequence[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run where the hosts are reached; shown as it comes, and given back."""
    told = list[str]()
    with subprocess.Popen(
        [*lab.inside, *command],
        cwd=REPOSITORY,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            told.append(line)
    return process.returncode, "".join(told)


def _roles() -> list[str]:
    tested = {path.stem.removeprefix("test_") for path in (REPOSITORY / "tests/roles").glob("test_*.py")}
    return sorted(tested & played())


def played() -> set[str]:
    """The roles that the lab's plays have."""
    plays = [play for path in PLAYS for play in yaml.safe_load((REPOSITORY / path).read_text())]
    return {row["role"] for play in plays for row in play.get("roles", ())}


def main(arguments: Sequence[str]) -> int:
    if arguments == ["--all"]:
        print(*_roles(), sep="\n")
        return 0
    try:
        role, *rest = arguments
        return run(role, rest[0] if rest else "inventory/lab.yml")
    except LabError as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
