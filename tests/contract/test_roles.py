"""Conventions of roles, so that nobody has to remember them."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
NAMES = [role.name for role in ROLES]


@cache
def load(path: Path) -> Any:
    """What the file says, read once: nobody here changes it."""
    return yaml.load(path.read_text(), Loader=yaml.CSafeLoader) if path.exists() else None


def task_files(role: Path) -> list[Path]:
    return sorted([*role.glob("tasks/*.yml"), *role.glob("handlers/*.yml")])


def handlers(path: Path) -> list[dict[str, Any]]:
    """The handlers of a file, with those that it imports from another."""
    found: list[dict[str, Any]] = []
    for handler in load(path) or []:
        imported = handler.get("ansible.builtin.import_tasks")
        found += handlers((path.parent / imported).resolve()) if imported else [handler]
    return found


def tasks(items: Any) -> list[dict[str, Any]]:
    """All tasks of a file, those inside blocks too."""
    found = []
    for task in items or []:
        found.append(task)
        for part in ("block", "rescue", "always"):
            found += tasks(task.get(part))
    return found


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_default_is_described_and_every_described_option_has_a_default_or_is_required(
    role: Path,
) -> None:
    specification = load(role / "meta/argument_specs.yml")["argument_specs"]["main"]
    assert specification["short_description"]
    options = specification.get("options", {})
    defaults = load(role / "defaults/main.yml") or {}
    optional = {name for name, option in options.items() if not option.get("required")}
    assert set(defaults) == optional
    assert [name for name, option in options.items() if not option.get("description")] == []
    assert [name for name, option in options.items() if "default" in option] == []


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_variables_bear_their_roles_name(role: Path) -> None:
    name = role.name
    inputs = load(role / "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})
    assert [variable for variable in inputs if not variable.startswith(f"{name}_")] == []
    internal = load(role / "vars/main.yml") or {}
    wrong = [variable for variable in internal if not variable.startswith((f"{name}_", f"_{name}_"))]
    assert wrong == []
    for path in task_files(role):
        for task in tasks(load(path)):
            registered = task.get("register", f"__{name}_")
            assert registered.startswith(f"__{name}_"), f"{path}: register: {registered}"


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_a_role_reads_no_other_roles_variables(role: Path) -> None:
    others = [other for other in NAMES if other != role.name and not role.name.startswith(f"{other}_")]
    pattern = re.compile(r"(?<![\w./'\"-])_{0,2}(" + "|".join(others) + r")_[a-z0-9_]+(?![\w./-])")
    known = {
        variable
        for other in ROLES
        if other.name in others
        for variable in (load(other / "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {}))
    }
    for path in [*task_files(role), *role.glob("templates/**/*"), role / "vars/main.yml"]:
        if path.is_file():
            for found in pattern.finditer(path.read_text()):
                assert found.group(0) not in known, f"{path.relative_to(ROOT)} reads {found.group(0)}"


FORBIDDEN_MODULES = {"lineinfile", "replace", "blockinfile", "shell", "raw"}


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_files_are_whole_and_failures_count(role: Path) -> None:
    for path in task_files(role):
        for task in tasks(load(path)):
            modules = {key.rsplit(".", 1)[-1] for key in task}
            assert not modules & FORBIDDEN_MODULES, f"{path}: {task['name']}"
            assert "ignore_errors" not in task, f"{path}: {task['name']}"
            assert task.get("failed_when") is not False, f"{path}: {task['name']}"


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_files_of_a_role_travel_together(role: Path) -> None:
    """A task or a loop item for each file costs a third of a second on every host (docs/decisions/0015)."""
    for path in task_files(role):
        for task in tasks(load(path)):
            modules = {key.rsplit(".", 1)[-1] for key in task}
            assert "template" not in modules, f"{path}: {task['name']}"
            assert not (modules & {"copy", "file"} and "loop" in task), f"{path}: {task['name']}"


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_handler_that_a_file_notifies_is_there(role: Path) -> None:
    there = set()
    for handler in handlers(role / "handlers/main.yml"):
        listens = handler.get("listen", [])
        there |= {handler["name"], *([listens] if isinstance(listens, str) else listens)}
    for value in (load(role / "vars/main.yml") or {}).values():
        for row in value if isinstance(value, list) else []:
            if isinstance(row, dict) and "dest" in row:
                notify = row.get("notify", [])
                notify = [notify] if isinstance(notify, str) else notify
                assert set(notify) <= there, row


# Formats that have no comments.
UNCOMMENTABLE = (".json.j2", ".key.j2", ".txt.j2")


# What a check does otherwise than a run, and neither role_files nor role_unit can know.
OWN_CHECK = {
    # A program of the role's own that compares without changing; the check did not bring it.
    "Put the checked configuration in force",
}


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_units_are_asked_for_in_a_way_that_bears_check_mode_on_an_empty_host(role: Path) -> None:
    """Where the unit is yet to come Ansible's own modules fail, and the check of a new host or an upgrade with them."""
    for path in task_files(role):
        for task in tasks(load(path)):
            modules = {key.rsplit(".", 1)[-1] for key in task}
            assert not modules & {"service", "systemd", "systemd_service"}, f"{path}: {task['name']}"


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_packages_are_asked_for_by_the_action_that_asks_dpkg_first(role: Path) -> None:
    """Only who brings the lists of packages up to date asks Ansible's own module, once in a converge."""
    for path in task_files(role):
        for task in tasks(load(path)):
            module = task.get("ansible.builtin.apt")
            assert module is None or "update_cache" in module, f"{path}: {task['name']}"


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_users_are_made_by_the_action_that_asks_the_system_first(role: Path) -> None:
    for path in task_files(role):
        for task in tasks(load(path)):
            assert not {"ansible.builtin.user", "ansible.builtin.group"} & task.keys(), f"{path}: {task['name']}"


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_no_task_has_a_condition_for_check_mode(role: Path) -> None:
    """What a check leaves out it says nothing of. role_files and role_unit bear what is not there yet."""
    conditional = {
        task["name"]
        for path in task_files(role)
        for task in tasks(load(path))
        if "ansible_check_mode" in str(task.get("when"))
    }
    assert conditional <= OWN_CHECK


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_template_says_who_manages_it(role: Path) -> None:
    for path in sorted(role.glob("templates/**/*.j2")):
        if path.parent.name == "parts":  # of a template that says it
            continue
        head = "\n".join(path.read_text().splitlines()[:6])
        assert "ansible_managed" in head or path.name.endswith(UNCOMMENTABLE), path.relative_to(ROOT)


# Additions to Debian's own sandboxes, which stand in its units.
HARDENED_BY_DEBIAN = {
    "lab_dns/nsd.service.j2",
    "postfix/unit.conf.j2",
    "redis/unit.conf.j2",
    "restic_server/unit.conf.j2",
}


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_the_sandbox_of_units_stands_in_one_place(role: Path) -> None:
    """templates/sandbox.j2; what a unit cannot bear is an argument of it with its reason."""
    macro = (ROOT / "templates/sandbox.j2").read_text()
    settings = {*re.findall(r"^  \('(\w+)', ", macro, re.M), "SystemCallFilter", "DevicePolicy"}
    assert len(settings) > 20
    for path in sorted(role.glob("templates/**/*.j2")):
        if f"{role.name}/{path.name}" not in HARDENED_BY_DEBIAN:
            text = path.read_text()
            assert settings & set(re.findall(r"^(\w+)=", text, re.M)) <= {"UMask"}, path.relative_to(ROOT)
            # A unit of our own starts something; an addition to Debian's does not.
            if path.name.endswith(".service.j2") and re.search(r"^ExecStart=.", text, re.M):
                assert "{{ sandbox(" in text, path.relative_to(ROOT)


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_no_template_and_no_file_of_tasks_grows_past_what_one_reads_at_once(role: Path) -> None:
    for most, files in ((250, role.glob("templates/**/*.j2")), (80, task_files(role))):
        lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
        assert {path: length for path, length in lengths.items() if length > most} == {}


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_handlers_are_named_for_what_they_do(role: Path) -> None:
    for handler in handlers(role / "handlers/main.yml"):
        assert re.match(r"(Re)?(start|load)|[A-Z][a-z]+e? ", handler["name"]), handler["name"]


def test_no_path_is_written_by_two_roles() -> None:
    writers: dict[str, set[str]] = defaultdict(set)
    for role in ROLES:
        internal = load(role / "vars/main.yml") or {}
        for value in internal.values():
            for row in value if isinstance(value, list) else []:
                if isinstance(row, dict) and isinstance(row.get("dest"), str):
                    writers[row["dest"]].add(role.name)
        for path in task_files(role):
            for task in tasks(load(path)):
                for key, arguments in task.items():
                    if key.rsplit(".", 1)[-1] in {"template", "copy"} and isinstance(arguments, dict):
                        writers[str(arguments.get("dest"))].add(role.name)
    shared = {path: roles for path, roles in writers.items() if len(roles) > 1 and path.startswith("/")}
    assert shared == {}


# --- No variable that nobody reads ---


@cache
def tracked() -> list[Path]:
    """Everything that may read a variable: the project without tests, texts for people and secrets."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    places = ("deploys", "group_vars", "inventory", "playbooks", "plugins", "roles", "src")
    return [ROOT / line for line in listed if line.startswith(places) and (ROOT / line).is_file()]


def read_in(files: Iterable[Path]) -> set[str]:
    """The words in the files, without comments and without what a line of YAML only gives a value to."""
    words: set[str] = set()
    for path in files:
        text = path.read_text(errors="replace")
        if path.suffix == ".yml":
            lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
            text = "\n".join(re.sub(r"^(\w+|\s*register):(\s+__\w+$)?", "", line) for line in lines)
        words |= set(re.findall(r"\w+", text))
    return words


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_a_role_reads_each_of_its_inputs(role: Path) -> None:
    inputs = load(role / "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})
    files = [path for path in tracked() if path.is_relative_to(role) and not path.is_relative_to(role / "meta")]
    assert sorted(set(inputs) - read_in(files)) == []


def test_every_variable_that_is_given_a_value_is_read() -> None:
    given = [ROOT / "group_vars", ROOT / "inventory", *(role / "vars" for role in ROLES)]
    files = [path for path in tracked() if path.name not in ("argument_specs.yml", "vault.yml")]
    variables: set[str] = set()
    for path in (
        path for path in files if path.suffix == ".yml" and any(path.is_relative_to(place) for place in given)
    ):
        content = load(path) or {}
        if path.is_relative_to(ROOT / "inventory"):
            content = {
                name for group in content.values() for host in group.get("hosts", {}).values() for name in host or {}
            }
        variables |= set(content)
    for path in (
        path for path in files if path.suffix == ".yml" and path.parts[-2] in ("tasks", "handlers", "playbooks")
    ):
        # Tasks of roles, and plays with theirs.
        for item in load(path) or []:
            variables |= {task["register"] for task in tasks([item, *item.get("tasks", [])]) if "register" in task}
    inputs = {
        name
        for role in ROLES
        for name in load(role / "meta/argument_specs.yml")["argument_specs"]["main"].get("options", {})
    }
    # What every role installs is read by name: the lab's archive of packages is made of these lists.
    unread = {name for name in variables - inputs - read_in(files) if not name.endswith("_packages")}
    assert sorted(unread) == []


def test_no_file_of_variables_reads_what_a_playbook_registers() -> None:
    """It would be there in one playbook, at one moment, and be an undefined variable everywhere else."""
    for path in tracked():
        if path.is_relative_to(ROOT / "group_vars") or path.is_relative_to(ROOT / "inventory"):
            assert re.search(r"(?<![\w'])__[a-z]\w*", path.read_text(errors="replace")) is None, path.relative_to(ROOT)


def test_every_rule_of_the_filter_that_may_refuse_is_awaited_by_its_guard() -> None:
    """What is left out only counts or notes, is the guard itself, or a name that rules of the packages wait for."""
    templates = ROOT / "roles/rspamd/templates"
    rules = {
        name
        for path in templates.glob("*.lua.j2")
        for name, kind in re.findall(r'name = "([A-Z_]+)",\s+type = "(\w+)"', path.read_text())
        if kind != "virtual"
    }
    awaited = re.search(r"local RULES = {([^}]*)}", (templates / "guard.lua.j2").read_text())
    assert awaited
    counts = {"VIRUS_SENDER", "PRIVATE_SERVICE_COUNT", "REPORT_MAIL"}
    weighs = {"WORDS", "PLAYS", "LINKS", "ALLOWED_DOMAIN"}
    # Greylisting lets a letter pass where it cannot decide.
    notes = {"REMARKS", "ORIGIN", "GREYLIST_LOOKUP", "GREYLIST_DECISION", "GREYLIST_REMEMBER"}
    # What a person has let go, and the system's own letters, pass whatever their score: nothing passes for want of it.
    spares = {"SPARED"}
    assert rules - set(re.findall(r'"(\w+)"', awaited[1])) == {"RULES_GUARD"} | counts | weighs | notes | spares


def test_every_role_has_a_file_of_host_tests() -> None:
    files = {path.stem.removeprefix("test_") for path in (ROOT / "tests/roles").glob("test_*.py")}
    assert files == set(NAMES)
