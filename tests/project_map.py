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
INCLUDED = re.compile(r"{% include ['\"]([^'\"]+)")
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
# Folders of group_vars: what an environment says goes over what the service says.
SERVICE = ("all", "hanam")
ENVIRONMENTS = ("lab", "staging", "production")
INVENTORIES = ("lab", "split", "staging", "production")
# Where a setting is read: everything but prose, tests and the places where it stands.
READERS = ("group_vars", "roles", "playbooks", "plugins", "deploys", "src", "inventory")


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
        "[Settings](#who-reads-which-setting), [of an environment](#settings-of-an-environment), "
        "[defaults of roles](#defaults-of-roles-that-nothing-sets)"
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
            return ", ".join(_link(each) for each in (path, *_parts(ROOT / "roles" / role / folder, path)))
    if name := row.get("program"):
        main = zipapp.HANAM_MAIL if name == zipapp.ACCOUNTS else zipapp.PROGRAMS[name]
        module = f"src/{main.replace('.', '/')}.py"
        return f"[`{module}`](../{module}) and what it imports"
    return f"a row of `roles/{role}/vars/main.yml`"


def _parts(folder: Path, path: Path) -> Iterator[Path]:
    """What a template includes of its role, and what that includes."""
    for name in INCLUDED.findall(path.read_text(encoding="utf-8", errors="replace")):
        if (part := folder / name).exists():
            yield part
            yield from _parts(folder, part)


def _link(path: Path) -> str:
    short = path.resolve().relative_to(ROOT)
    return f"[`{short}`](../{short})"


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
    """A table for each kind. Each setting stands in one of them, with all files that set it."""
    service, environments, defaults = _set_in(SERVICE), _set_in(ENVIRONMENTS), _defaults()
    for name, paths in _of_inventories().items():
        environments.setdefault(name, []).extend(paths)
    places = {name: service.get(name, []) + environments.get(name, []) for name in service | environments}
    readers = _readers({name: places.get(name, []) + defaults.get(name, []) for name in places | defaults})
    tables = (
        (
            "Who reads which setting",
            service,
            "Of the service and of the province, with what an environment says instead. "
            f"[Environments]({_anchor('Settings of an environment')}) have some of their own; what stands in neither "
            f"is [as the role has it]({_anchor('Defaults of roles that nothing sets')}).",
        ),
        (
            "Settings of an environment",
            environments.keys() - service.keys(),
            "In `group_vars/` of the lab, of staging or of production, or beside a host of an inventory.",
        ),
        (
            "Defaults of roles that nothing sets",
            defaults.keys() - places.keys(),
            "A default that a file of `group_vars/` sets is in one of the tables above. Files of the role "
            "itself are named by their place in it.",
        ),
    )
    return "\n\n".join(
        _section(
            title,
            ["setting", "stands in", "read by"],
            [
                [f"`{name}`", *_where_and_who(places.get(name) or defaults[name], readers[name])]
                for name in sorted(names)
            ],
            note,
        )
        for title, names, note in tables
    )


def _set_in(folders: tuple[str, ...]) -> dict[str, list[Path]]:
    """Settings with the files that set them. Secrets are left out."""
    found: dict[str, list[Path]] = {}
    for path in (path for folder in folders for path in sorted((ROOT / "group_vars" / folder).rglob("*.yml"))):
        if path.name != "vault.yml":
            for name in yaml.safe_load(path.read_text()) or {}:
                found.setdefault(name, []).append(path)
    return found


def _of_inventories() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in (ROOT / f"inventory/{name}.yml" for name in INVENTORIES):
        groups = yaml.safe_load(path.read_text()).values()
        hosts = [facts or {} for group in groups for facts in group.get("hosts", {}).values()]
        for name in {name for facts in hosts for name in facts}:
            found.setdefault(name, []).append(path)
    return found


def _defaults() -> dict[str, list[Path]]:
    paths = sorted((ROOT / "roles").glob("*/defaults/main.yml"))
    return {name: [path] for path in paths for name in yaml.safe_load(path.read_text()) or {}}


def _readers(places: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """The files that read each setting; that where it stands only if it names it again, not for another host."""
    found: dict[str, list[Path]] = {name: [] for name in places}
    for path in _readable():
        words = re.findall(r"\w+", path.read_text(encoding="utf-8"))
        for name in set(words) & places.keys():
            if path not in places[name] or (words.count(name) > 1 and path.parent.name != "inventory"):
                found[name].append(path)
    return found


def _where_and_who(places: list[Path], readers: list[Path]) -> list[str]:
    role = _role(places[0])
    where = [f"[`{short}`](../{short})" for short in (path.relative_to(ROOT) for path in places)]
    who = {"the same file" if path in places else _reader(path, role) for path in readers}
    return [", ".join(where), ", ".join(sorted(who))]


def _readable() -> Iterator[Path]:
    for folder in READERS:
        for path in sorted((ROOT / folder).rglob("*")):
            # What a role may be given is no use of it.
            if path.is_file() and path.suffix in (".yml", ".j2", ".py", ".sql") and path.name != "argument_specs.yml":
                yield path


def _role(path: Path) -> str:
    short = path.relative_to(ROOT)
    return short.parts[1] if short.parts[0] == "roles" else ""


def _reader(path: Path, of_role: str) -> str:
    """A file; of a role its name, but of the one that a default belongs to."""
    role = _role(path)
    if role and role != of_role:
        return f"role {role}"
    return f"`{path.relative_to(ROOT / 'roles' / role if role else ROOT)}`"


# --- tables ---


def _section(title: str, head: list[str], rows: list[list[str]], note: str = "") -> str:
    lines = [f"## {title}", *(["", note] if note else []), "", _row(head), _row(["---"] * len(head)), *map(_row, rows)]
    return "\n".join(lines)


def _anchor(title: str) -> str:
    return "#" + title.lower().replace(" ", "-")


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="hanam-map-") as made:
        FILE.write_text(text(environments(Path(made))), encoding="utf-8")
    clauses_table.FILE.write_text(clauses_table.text(), encoding="utf-8")
