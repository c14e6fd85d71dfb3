"""Rows of files stand written out in roles, so that whoever looks, and each test, sees them all."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_roles import NAMES, ROLES, load, task_files, tasks

# An argument of role_files that is no list of its own: lists of the role's variables, one after the other.
LISTS = re.compile(r"{{ (_\w+(?: \+ _\w+)*) }}")


def lists(role: Path) -> dict[str, Any]:
    """By name or place what the role gives to role_files."""
    internal = load(role / "vars/main.yml") or {}
    found = {name: value for name, value in internal.items() if name.endswith("_files")}
    for path in task_files(role):
        for task in tasks(load(path)):
            for argument, value in task.get("role_files", {}).items():
                named = LISTS.fullmatch(value) if isinstance(value, str) else None
                if named:
                    found |= {name: internal.get(name) for name in named[1].split(" + ")}
                else:
                    found[f"{path.name}: {task['name']}: {argument}"] = value
    return found


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_rows_of_files_are_written_out(role: Path) -> None:
    """A condition or a loop stands in its row; of a list that an expression makes nobody would see the rows."""
    assert [name for name, value in lists(role).items() if not isinstance(value, list)] == []


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_a_role_lists_each_of_its_files_once(role: Path) -> None:
    """One that stands there twice is written twice; those with a condition may take turns."""
    for name, rows in lists(role).items():
        paths = [row["dest"] for row in rows if isinstance(row, dict) and "dest" in row and "when" not in row]
        assert {path for path in paths if paths.count(path) > 1} == set(), name
