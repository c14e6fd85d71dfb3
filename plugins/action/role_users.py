"""Make a role's system groups and users: Ansible's modules, which are asked only for what is not as it should be.

Its manual is plugins/modules/role_users.yml: `ansible-doc role_users`.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.plugins.action import ActionBase

GROUP, USER = "ansible.builtin.group", "ansible.builtin.user"
HOME, SHELL = "/nonexistent", "/usr/sbin/nologin"
_GROUP_FIELDS, _PASSWD_FIELDS = 4, 7
"""So many has a line of group(5), of passwd(5)."""

type Rows = Sequence[Mapping[str, Any]]


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: groups, users (rows). Result: whether anything changed, or the first module's that failed."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"groups", "users"})

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Entry point of Ansible."""
        super().run(tmp, task_vars)
        groups, users = (rows(self._task.args.get(name) or []) for name in ("groups", "users"))
        # Each module takes several times as long (record 0015).
        told = self._low_level_execute_command(question(groups, users))["stdout"] if groups or users else ""
        changed: list[str] = []
        for module, arguments in wrong(groups, users, told):
            result: dict[str, Any] = self._execute_module(module, module_args=arguments, task_vars=task_vars)
            if result.get("failed"):
                return result
            if result["changed"]:
                changed.append(f"{module.rpartition('.')[2]} {arguments['name']}\n")
        return {"changed": bool(changed), "diff": [{"prepared": line} for line in changed]}


def rows(given: Sequence[Mapping[str, Any] | str]) -> Rows:
    """A name alone is a row of nothing else."""
    return [{"name": row} if isinstance(row, str) else row for row in given]


def question(groups: Rows, users: Rows) -> str:
    """The command that tells what is there, in lines of group(5) and passwd(5)."""
    names = {row["name"] for row in groups} | {row["group"] for row in users if row.get("group")}
    asked = (("group", sorted(names)), ("passwd", [row["name"] for row in users]))
    # It fails where one of them is not there, and tells of the others.
    return "; ".join(shlex.join(["getent", database, *of]) for database, of in asked if of)


def wrong(groups: Rows, users: Rows, told: str) -> list[tuple[str, dict[str, Any]]]:
    """What is not as it should be: a module and its arguments, groups first."""
    lines = [line.split(":") for line in told.splitlines()]
    numbers = {line[0]: line[2] for line in lines if len(line) == _GROUP_FIELDS}
    known = {line[0]: line for line in lines if len(line) == _PASSWD_FIELDS}
    found: list[tuple[str, dict[str, Any]]] = []
    for row in groups:
        if row["name"] not in numbers or str(row.get("gid", numbers[row["name"]])) != numbers[row["name"]]:
            found.append((GROUP, {**row, "system": True}))
    for row in users:
        wanted = {"home": HOME, "shell": SHELL, **row}
        if not _as_wanted(known.get(row["name"]), wanted, numbers):
            found.append((USER, {**wanted, "system": True, "create_home": False}))
    return found


def _as_wanted(line: Sequence[str] | None, wanted: Mapping[str, Any], numbers: Mapping[str, str]) -> bool:
    if line is None:
        return False
    _, _, uid, gid, _, home, shell = line
    group = numbers.get(wanted["group"]) if "group" in wanted else gid
    return (uid, gid, home, shell) == (str(wanted.get("uid", uid)), group, wanted["home"], wanted["shell"])
