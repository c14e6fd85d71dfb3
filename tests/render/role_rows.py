"""The rows of files that each role puts on a host, rendered as the host's variables make them."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from ansible.template import Templar

from hanam_mail.controller import role_files
from tests.render.conftest import ROOT, Environment


@cache
def plays(trial: str = "") -> list[tuple[str, str]]:
    """(hosts pattern, role) of the lab's playbook, which holds production's, in the order in which they run.

    With `trial` those of a playbook of that name besides, which goes on from a lab that stands.
    """
    names = [name for name in ("lab", trial, "site") if name]
    books = [play for name in names for play in yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text())]
    return list(dict.fromkeys((play["hosts"], role["role"]) for play in books for role in play.get("roles", [])))


def rows(here: Environment, role: str, host: str, name: str = "files") -> Iterator[dict[str, Any]]:
    """Each row of the role's files on that host that counts; `notify` is the task's where the row has none of its own.

    With `name` those of its folders or of what it owns.
    """
    yield from here.once(("rows", role, host, name), lambda: list(_rows(here, role, host, name)))


def _rows(here: Environment, role: str, host: str, name: str) -> Iterator[dict[str, Any]]:
    templar = here.templar(role, host)
    for task in _tasks(here, role):
        notify = task.get("notify", "")
        general = ", ".join(notify) if isinstance(notify, list) else notify
        for row in _evaluated(templar, name, task["role_files"].get(name)):
            yield {"notify": general} | row


def files(here: Environment, role: str, host: str) -> dict[str, dict[str, Any]]:
    """The same by path."""
    return {row["dest"]: row for row in rows(here, role, host)}


def _evaluated(templar: Templar, name: str, given: Any) -> list[dict[str, Any]]:
    """As plugins/action/role_files.py does it."""

    def with_more(more: Any) -> Templar:
        if not more:
            return templar
        return templar.copy_with_new_env(available_variables=templar.available_variables | more)

    return role_files.rows(
        name,
        templar._engine.resolve_to_container(given),
        lambda expression, more: bool(with_more(more).evaluate_conditional(expression)),
        lambda value, more: with_more(more).template(value),
    )


def _tasks(here: Environment, role: str) -> Iterator[dict[str, Any]]:
    """The role's tasks that are role_files."""

    def all_of(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for task in tasks:
            yield task
            for part in ("block", "rescue", "always"):
                yield from all_of(task.get(part, []))

    for path in sorted((ROOT / "roles" / role / "tasks").glob("*.yml")):
        tasks = here.loader.load_from_file(str(path), trusted_as_template=True) or []
        yield from (task for task in all_of(tasks) if "role_files" in task)
