"""docs/map.md: what runs where, who writes which file, who reads which setting. `make map` writes it, and
docs/clauses.md.

All of it is read from what the hosts get: plays, roles' rows and specifications, group_vars, the table of ports, the
commands. A contract test compares; nothing in the map is typed by hand.
"""

import argparse
import ast
import io
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click
import yaml

from hanam_mail.cli import main as operator_command
from hanam_mail.controller import zipapp
from hanam_mail.host import command_line
from tests import clauses_table
from tests.render.conftest import ROOT, Environment, environments
from tests.render.role_rows import plays, rows

FILE = ROOT / "docs/map.md"
TOPOLOGY = "split"
TRIAL = "lab_openid"
GROUPS = (
    "accounts",
    "quarantine",
    "mx",
    "submission",
    "filter",
    "mailstore",
    "webmail",
    "backup_repository",
    "outside",
)
SETTINGS = sorted(path for folder in ("all", "hanam") for path in (ROOT / "group_vars" / folder).rglob("*.yml"))
# Where a setting is read: everything but prose, tests and the place where it stands.
READERS = ("group_vars/all", "group_vars/hanam", "roles", "playbooks", "plugins", "deploys", "src", "inventory")


def text(topology: Callable[[str], Environment]) -> str:
    """The whole page, from topologies by their name."""
    quiet = redirect_stdout(io.StringIO())  # what makes the secrets says which
    with quiet:
        files = _files([topology(TOPOLOGY), topology("production")])
        parts = [_head(), _roles(), files, _ports(), _commands(), _settings()]
    return "\n\n".join(parts) + "\n"


def _head() -> str:
    return (
        "# Map of the project\n\nMade by `make map` from the plays, roles, group_vars and commands; a test keeps it "
        "fresh. Files are those of topology `split`, where each concern has a host of its own, and of production.\n\n"
        "[Roles](#which-role-runs-on-which-hosts) · [Files](#who-writes-which-file-on-a-host) · "
        "[Ports](#who-listens-and-who-may-reach-it) · [Commands](#which-command-is-in-which-module) · "
        "[Settings](#who-reads-which-setting)"
    )


# --- roles ---


def _matches(pattern: str, group: str) -> bool:
    parts = pattern.split(":")
    meant = {part for part in parts if not part.startswith("!")}
    return ("all" in meant or group in meant) and f"!{group}" not in parts


def _roles() -> str:
    groups: dict[str, set[str]] = {}
    for pattern, role in plays(TRIAL):
        groups.setdefault(role, set()).update(group for group in GROUPS if _matches(pattern, group))
    lines = [
        [f"[`{role}`](../roles/{role})", *("x" if group in found else "" for group in GROUPS), _caption(role)]
        for role, found in groups.items()
    ]
    return _section(
        "Which role runs on which hosts",
        ["role", *GROUPS, "what it is"],
        lines,
        "In the order of `playbooks/lab.yml`, which ends with `playbooks/site.yml`. "
        f"Role `{TRIAL}` is run by `playbooks/{TRIAL}.yml` alone.",
    )


def _caption(role: str) -> str:
    spec = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())
    return str(spec["argument_specs"]["main"]["short_description"])


# --- files ---


def _files(topologies: list[Environment]) -> str:
    """A host of its own for each concern, and what only production has: updates of signatures, certificates by ACME."""
    found = set()
    for here in topologies:
        for pattern, role in plays(TRIAL):
            for row in (row for host in here.hosts(pattern) for row in rows(here, role, host)):
                if not row.get("absent") and row.get("link") != "/dev/null":
                    # Names of keys are drawn by lot (record 0045).
                    path = re.sub(r"/dkim\.\w+-\w+-(\w+)\.key$", r"/dkim.SELECTOR-\1.key", row["dest"])
                    found.add((_place(path), _source(role, row), _handlers(row["notify"])))
    return _section("Who writes which file on a host", ["file", "made from", "handler"], sorted(map(list, found)))


def _place(path: str) -> str:
    """What is written to FOLDER.candidate is checked as a whole and put in force by the role's own program."""
    folder, candidate, name = path.partition(".candidate/")
    return f"`{folder}/{name}`, by `{folder}.candidate`" if candidate else f"`{path}`"


def _handlers(notify: str | list[str]) -> str:
    return notify if isinstance(notify, str) else ", ".join(notify)


def _source(role: str, row: dict[str, Any]) -> str:
    for key, folder in (("src", "templates"), ("file", "files")):
        if name := row.get(key):
            path = Path(name) if Path(name).is_absolute() else ROOT / "roles" / role / folder / name
            short = path.resolve().relative_to(ROOT)
            return f"[`{short}`](../{short})"
    if name := row.get("program"):
        main = zipapp.HANAM_MAIL if name == zipapp.ACCOUNTS else zipapp.PROGRAMS[name]
        module = f"src/{main.replace('.', '/')}.py"
        return f"[`{module}`](../{module}) and what it imports"
    return f"a row of `roles/{role}/vars/main.yml`"


# --- ports ---


def _ports() -> str:
    ports = yaml.safe_load((ROOT / "group_vars/all/ports.yml").read_text())["ports"]
    lines = [
        [
            f"{port['port']}/{port['protocol']}",
            port["name"],
            ", ".join(port["groups"]),
            port["source"],
            f"`{port['process']}`",
            f"`{port['when'].strip('{} ')}`" if port.get("when") else "",
        ]
        for port in sorted(ports, key=lambda port: (port["port"], port["protocol"], port["name"]))
    ]
    note = "From `group_vars/all/ports.yml`, which also says what the sources mean."
    return _section(
        "Who listens, and who may reach it", ["port", "what", "on", "from", "process", "only if"], lines, note
    )


# --- commands ---


def _commands() -> str:
    context = click.Context(operator_command)
    lines = [
        [f"`hanam-mail {name}`", "controller", _module(operator_command.get_command(context, name))]
        for name in operator_command.list_commands(context)
    ]
    (parsers,) = (a for a in command_line.parser()._actions if isinstance(a, argparse._SubParsersAction))
    for name, command in parsers.choices.items():
        run = command.get_default("run")
        lines.append([f"`hanam-mail-db {name}`", "hosts", f"`{run.__module__}`"])
    lines += [[f"`{name}`", "hosts", f"`{main}`"] for name, main in sorted(zipapp.PROGRAMS.items())]
    for path in sorted((ROOT / "src/hanam_mail/controller").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        if f"`python -m {module} " in path.read_text():
            lines.append([f"`python -m {module}`", "controller", f"`{module}`"])
    for path in sorted((ROOT / "deploys").glob("*.py")):
        if path.name != "inventory.py":
            what = _first_of(ast.get_docstring(ast.parse(path.read_text())) or "")
            lines.append([f"`pyinfra deploys/inventory.py deploys/{path.name}`", "controller", what])
    for path in sorted((ROOT / "playbooks").glob("*.yml")):
        lines.append([f"`ansible-playbook playbooks/{path.name}`", "controller", _first_sentence(path)])
    for target, what in re.findall(r"(?m)^([a-z-]+):.*## (.*)$", (ROOT / "Makefile").read_text()):
        lines.append([f"`make {target}`", "controller", what])
    return _section("Which command is in which module", ["command", "run on", "module, or what it does"], lines)


def _first_sentence(playbook: Path) -> str:
    comment = " ".join(re.match(r"(?:#.*\n)*", playbook.read_text()).group().replace("#", " ").split())  # type: ignore[union-attr]
    return _first_of(comment)


def _first_of(text: str) -> str:
    return re.split(r"(?<=[.])\s", " ".join(text.split()))[0]


def _module(command: click.Command | None) -> str:
    assert command is not None and command.callback is not None
    return f"`{command.callback.__module__}`"


# --- settings ---


def _settings() -> str:
    where = {name: path for path in SETTINGS for name in yaml.safe_load(path.read_text())}
    readers: dict[str, set[str]] = {name: set() for name in where}
    for path in _readable():
        words = set(re.findall(r"\w+", path.read_text(encoding="utf-8")))
        for name in words & where.keys():
            if path != where[name]:
                readers[name].add(_reader(path))
    lines = []
    for name in sorted(where):
        file = where[name].relative_to(ROOT)
        lines.append([f"`{name}`", f"[`{file}`](../{file})", ", ".join(sorted(readers[name]))])
    return _section("Who reads which setting", ["setting", "stands in", "read by"], lines)


def _readable() -> Iterator[Path]:
    for folder in READERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in (".yml", ".j2", ".py", ".sql"):
                yield path


def _reader(path: Path) -> str:
    short = path.relative_to(ROOT)
    return f"role {short.parts[1]}" if short.parts[0] == "roles" else f"`{short}`"


# --- tables ---


def _section(title: str, head: list[str], rows: list[list[str]], note: str = "") -> str:
    lines = [f"## {title}", *(["", note] if note else []), "", _row(head), _row(["---"] * len(head)), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="hanam-map-") as made:
        FILE.write_text(text(environments(Path(made))), encoding="utf-8")
    clauses_table.FILE.write_text(clauses_table.text(), encoding="utf-8")
