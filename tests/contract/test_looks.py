"""Tests look at hosts by testinfra (Lab.look_at): no shell command of theirs is one plain look alone."""

import ast
import re
from pathlib import Path

import pytest

from tests.contract.test_roles import ROOT

# What runs on no host.
ELSEWHERE = {"contract", "database", "render", "unit"}
RUNNERS = {"run", "check_output", "run_expect", "run_test"}
# One word, without what a shell expands to several or to another.
_WORD = r"(?:[^\s;|&<>()$*?`\[\]{}'\"]|\{\})+"
_FORMAT = r"(?:'[^']*'|\"[^\"]*\"|\S+)"
_PROPERTY = r"(?:--value|(?:-[pP]\ ?|--property[=\ ])[\w{}]+)"
PLAIN = re.compile(
    rf"""(?x)
    (?: systemctl\ (?:is-active|is-enabled|is-failed)\ (?:--quiet\ |-q\ )?{_WORD}
      | systemctl\ show(?:\ {_PROPERTY})*\ {_WORD}(?:\ {_PROPERTY})*
      | (?:!\ )?test\ (?:!\ )?-[defLpS]\ {_WORD}
      | cat\ (?:--\ )?{_WORD}
      | stat\ (?:-L\ )?(?:-c\ ?|--format[= ]){_FORMAT}\ {_WORD}
      | getent\ (?:group|passwd)\ {_WORD}
      | id\ (?:-\w+\ )?{_WORD}
    )
    (?:\ 2>(?:/dev/null|&1))?
    (?:\ (?:&&|\|\|)\ (?:echo\ \w+|true))?
    """
)


def command_of(node: ast.expr) -> str | None:
    """The text of a command, with {} for each value in it; None where it is no text, or a value may be many words."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    text = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        elif isinstance(part, ast.FormattedValue) and not isinstance(part.value, ast.Call):
            text += "{}"
        else:
            return None
    return text


def looks(tree: ast.AST) -> list[tuple[int, str]]:
    """Calls whose whole command is a plain look: the line and the command."""
    return [
        (node.lineno, command.strip())
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RUNNERS
        for command in map(command_of, node.args)
        if command is not None and PLAIN.fullmatch(command.strip())
    ]


def of_hosts() -> list[Path]:
    tests = ROOT / "tests"
    return [path for path in sorted(tests.rglob("*.py")) if path.relative_to(tests).parts[0] not in ELSEWHERE]


def test_a_single_look_at_a_host_is_testinfras() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}: {command}"
        for path in of_hosts()
        for line, command in looks(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set(), "say it by lab.look_at(group)"


@pytest.mark.parametrize(
    ("call", "plain"),
    [
        ('lab.run("mx", "systemctl is-active nginx.service", check=False)', True),
        ('lab.run(host, f"systemctl is-enabled {UNITS[1]}").strip()', True),
        ('lab.run("mx", f"systemctl show {UNITS[1]} --property=MainPID --value").strip()', True),
        ('host.check_output("systemctl show -P User -p Result x.service")', True),
        ('lab.run("mx", f"test ! -e {path}/a")', True),
        ('lab.run("mx", f"test -e {old} || echo gone")', True),
        ('lab.run("mx", "cat /proc/1/status")', True),
        ("""lab.run("mx", f"stat -c '%U %G %a' {SOCKET}").split()""", True),
        ('host.check_output(f"id -nG {user}")', True),
        ('host.check_output("cat %s", path)', True),
        # Many looks in one round trip, by a list, a pattern or a second command; and commands that read.
        ("""lab.run("mx", f"systemctl is-active {' '.join(units)}")""", False),
        ('lab.run("mx", "systemctl show -p Id a.service b.service")', False),
        ('lab.run("mx", f"ps --ppid $(systemctl show -P MainPID {unit})")', False),
        ('lab.run("mx", f"systemctl is-active {unit}; systemctl is-enabled {unit}")', False),
        ('lab.run("mx", "cat /var/lib/hanam-judged/*.jsonl")', False),
        ('lab.run("mx", f"stat -c %a {folder} {archive}")', False),
        ('lab.run("mx", f"systemctl start {unit} && cat {left}")', False),
        ("""lab.run("mx", f"cat > {path} <<'END'\\n{text}\\nEND")""", False),
        ('lab.run("mx", f"test -d {old} && test ! -e {new}")', False),
        ('lab.run("mx", "identify a")', False),
    ],
)
def test_a_plain_look_is_told_from_what_a_shell_is_for(call: str, plain: bool) -> None:
    assert bool(looks(ast.parse(call))) == plain
