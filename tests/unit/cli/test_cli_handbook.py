"""Every example of the clerks' handbook works, in the order of the text."""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

HANDBOOK = Path(__file__).parents[3] / "docs/handbook/registry.vi.md"


def examples() -> list[list[str]]:
    joined = re.sub(r"\\\n\s+", "", HANDBOOK.read_text("utf-8"))
    found = re.findall(r"^ {4,}hanam-mail (.+)$", joined, flags=re.MULTILINE)
    return [shlex.split(line) for line in found]


def test_every_example_of_the_handbook_works(run: Callable[..., Result], project: Path) -> None:
    git = ["git", "-C", str(project), "-c", "user.name=x", "-c", "user.email=x@hanam.gov.vn"]
    for words in (["init", "-q"], ["add", "mailboxes", "group_vars"], ["commit", "-q", "-m", "Sổ"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    commands = examples()
    assert len(commands) > 25
    for words in commands:
        result = run(*words)
        assert result.exit_code == 0, (words, result.output, result.stderr)


def test_the_handbook_shows_every_command_a_clerk_needs() -> None:
    shown = {words[0] for words in examples()}
    assert shown >= {
        "absence",
        "add",
        "check",
        "clerks",
        "fmt",
        "lock",
        "merge-agency",
        "overdue",
        "plan",
        "propose",
        "quota",
        "rename",
        "rename-agency",
        "request",
        "restore",
        "revoke",
        "search",
        "show",
        "transfer",
    }
