"""Playbooks and roles: Ansible's own syntax check, then ansible-lint. `make playbooks` runs it.

ansible-lint starts an ansible-playbook for the syntax of each playbook and each role: two thirds of its processor time,
nearly all of it spent on starting Python. Here one ansible-playbook reads all of them, and ansible-lint only judges.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

import yaml
from ansible_compat.runtime import Runtime
from ansiblelint import __main__ as linter
from ansiblelint.config import Options
from ansiblelint.rules import RulesCollection
from ansiblelint.runner import LintResult, get_matches

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """0 when nothing is to be said of any of them."""
    return syntax(*playbooks()) or lint()


def playbooks() -> list[Path]:
    """Every file of the project that is a list of plays."""
    return sorted(
        path
        for folder in ("playbooks", "molecule", "bench")
        for path in (ROOT / folder).rglob("*.yml")
        if any("hosts" in play or "ansible.builtin.import_playbook" in play for play in _list(path))
    )


def _list(path: Path) -> list[dict[str, object]]:
    content = yaml.safe_load(path.read_text())
    return [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []


def syntax(*files: Path) -> int:
    """What Ansible says of these playbooks and of every role, in one process."""
    roles = [{"ansible.builtin.import_role": {"name": path.name}} for path in sorted((ROOT / "roles").iterdir())]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as every_role:
        yaml.safe_dump([{"name": "Every role", "hosts": "localhost", "tasks": roles}], every_role)
        every_role.flush()
        found = subprocess.run(
            ["ansible-playbook", "--syntax-check", "-vv", *map(str, files), every_role.name],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    if found.returncode:
        print(found.stdout, found.stderr, sep="\n", file=sys.stderr)
    return found.returncode


def lint() -> int:
    """ansible-lint's rules, as .ansible-lint says, where the syntax is known to be right."""
    with (
        patch.object(linter, "get_matches", _judge_only),
        patch.object(Runtime, "has_playbook", lambda self, playbook, **_: True),
    ):
        return linter.main(["ansible-lint", "--offline", "--strict", *sys.argv[1:]])


def _judge_only(rules: RulesCollection, options: Options) -> LintResult:
    options._skip_ansible_syntax_check = True
    return get_matches(rules, options)


if __name__ == "__main__":
    sys.exit(main())
