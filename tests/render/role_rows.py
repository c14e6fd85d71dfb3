"""The rows of files that each role puts on a host, rendered as the host's variables make them."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.render.conftest import ROOT, Environment


def plays() -> list[tuple[str, str]]:
    """(hosts pattern, role) of the site playbook, in the order in which they run."""
    site = yaml.safe_load((ROOT / "playbooks/site.yml").read_text())
    return [(play["hosts"], role["role"]) for play in site for role in play.get("roles", [])]


def rows(here: Environment, role: str, host: str) -> Iterator[dict[str, Any]]:
    """Each row of the role's files on that host; `notify` is the task's where the row has none of its own."""
    for expression, notify in _given(role):
        for name in re.findall(r"\b_\w+", expression):
            value = here.value(role, name, host)
            # A condition beside the lists (`_x_files + (_y_files if _z else [])`) is no list.
            for row in value if isinstance(value, list) else []:
                yield {"notify": notify} | row


def _given(role: str) -> Iterator[tuple[str, str]]:
    """What the role's tasks hand to role_files as `files`, and the handlers they name."""
    for path in sorted((ROOT / "roles" / role / "tasks").glob("*.yml")):
        for task in _tasks(yaml.safe_load(path.read_text()) or []):
            if "role_files" in task:
                notify = task.get("notify", "")
                yield (
                    str(task["role_files"].get("files", "")),
                    ", ".join(notify) if isinstance(notify, list) else notify,
                )


def _tasks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from _tasks(task.get(part, []))
