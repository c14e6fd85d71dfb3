"""The Ansible action `role_unit`: what the module says, and what a check says of a unit that is yet to come."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.controller import actions

ROOT = Path(__file__).resolve().parents[3]
NOT_FOUND = {"failed": True, "changed": False, "msg": "Could not find the requested service x.service: host"}


@pytest.fixture(scope="module")
def plugin() -> Any:
    """The plugin's module."""
    return actions.module("role_unit")


def run(
    plugin: Any,
    said: dict[str, Any] | None,
    check: bool,
    shown: str = "",
    expected: dict[str, Any] | None = None,
    **arguments: Any,
) -> dict[str, Any]:
    """The action's result where systemctl shows `shown` and the module says `said`; None: it must not be asked.

    It is asked for `arguments`, and for `expected` besides.
    """
    task = SimpleNamespace(
        args={"name": "x.service"} | arguments, check_mode=check, async_val=0, action="role_unit", diff=True
    )
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/nonexistent"))
    action = plugin.ActionModule(task, connection, None, None, None, None)
    asked: list[Any] = []

    def module(name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        asked.append((name, module_args))
        return said or {}

    action._execute_module = module
    action._low_level_execute_command = lambda command: {"rc": 0, "stdout": shown, "stderr": ""}
    result: dict[str, Any] = action.run(None, {})
    assert asked == ([("ansible.builtin.systemd_service", task.args | (expected or {}))] if said is not None else [])
    return result


@pytest.mark.parametrize("check", [True, False])
def test_what_the_module_says_of_a_unit_that_is_there_stands(plugin: Any, check: bool) -> None:
    said = {"changed": True, "state": "started"}
    assert run(plugin, said, check, state="started") == said
    failed = {"failed": True, "msg": "Unable to start service x.service"}
    assert run(plugin, failed, check, state="started") == failed


def test_a_real_run_fails_where_the_unit_is_not(plugin: Any) -> None:
    assert run(plugin, NOT_FOUND, False, state="started") == NOT_FOUND


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        ({"state": "started", "enabled": True}, True),
        ({"state": "restarted", "daemon_reload": True}, True),
        ({"enabled": True}, True),
        ({"state": "stopped"}, False),
        ({"state": "stopped", "enabled": False}, False),
    ],
)
def test_a_check_says_that_a_unit_yet_to_come_would_be_started(
    plugin: Any, arguments: dict[str, Any], changed: bool
) -> None:
    told = run(plugin, NOT_FOUND, True, **arguments)
    assert (told["changed"], told.get("failed", False)) == (changed, False)


IDLE = "ActiveState=inactive\nNeedDaemonReload=no\n"
RUNS, AT_BOOT = "ActiveState=active\nNeedDaemonReload=no\n", "UnitFileState=enabled\n"
SAID = {"changed": True, "state": "started"}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"state": "started", "enabled": True}, RUNS + AT_BOOT),
        ({"state": "started", "enabled": True, "daemon_reload": False}, RUNS + AT_BOOT),
        ({"state": "started"}, RUNS + "UnitFileState=static\n"),
        ({"state": "stopped", "enabled": False}, IDLE + "UnitFileState=masked\n"),
        ({"state": "stopped", "enabled": False, "daemon_reload": False}, IDLE + "UnitFileState=disabled\n"),
        ({"daemon_reload": False}, "ActiveState=inactive\nNeedDaemonReload=no\n" + AT_BOOT),
        (
            {"state": "started", "daemon_reload": False},
            RUNS + AT_BOOT + "\nActiveState=inactive\nNeedDaemonReload=no\n",
        ),
    ],
)
def test_a_unit_that_is_as_it_should_be_is_left_to_itself(
    plugin: Any, check: bool, arguments: dict[str, Any], shown: str
) -> None:
    assert run(plugin, None, check, shown, **arguments)["changed"] is False


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({"state": "started", "enabled": True}, RUNS + "UnitFileState=disabled\n"),
        ({"state": "started", "enabled": True}, RUNS + "UnitFileState=enabled-runtime\n"),
        ({"state": "started", "enabled": True}, "ActiveState=inactive\n" + AT_BOOT),
        ({"state": "started", "enabled": True}, "ActiveState=reloading\n" + AT_BOOT),
        ({"state": "started", "enabled": True}, "ActiveState=failed\n" + AT_BOOT),
        ({"state": "started", "enabled": True}, ""),
        ({"state": "started", "enabled": True}, "ActiveState=active\n" + AT_BOOT),
        ({"state": "started", "enabled": False}, RUNS + AT_BOOT),
        ({"state": "started", "enabled": True, "daemon_reload": True}, RUNS + AT_BOOT),
        ({"state": "restarted"}, RUNS + AT_BOOT),
        ({"state": "reloaded"}, RUNS + AT_BOOT),
        ({"state": "stopped", "enabled": False}, RUNS + AT_BOOT),
        ({"state": "stopped", "enabled": False}, IDLE + AT_BOOT),
        ({"state": "stopped", "enabled": False}, RUNS + "UnitFileState=disabled\n"),
        ({"state": "stopped", "enabled": False}, IDLE),  # of a unit that is not there
        ({"state": "stopped"}, IDLE + "UnitFileState=disabled\n"),
        ({"enabled": True}, RUNS + AT_BOOT),
        ({"daemon_reload": True}, RUNS + AT_BOOT),
    ],
)
def test_whatever_else_is_the_modules(plugin: Any, arguments: dict[str, Any], shown: str) -> None:
    assert run(plugin, SAID, False, shown, **arguments) == SAID


@pytest.mark.parametrize("check", [True, False])
def test_a_unit_whose_file_is_newer_than_what_systemd_read_is_read_again(plugin: Any, check: bool) -> None:
    shown = "ActiveState=active\nNeedDaemonReload=yes\n" + AT_BOOT
    wanted = {"state": "started", "enabled": True}
    assert run(plugin, SAID, check, shown, expected={"daemon_reload": True}, **wanted) == SAID
    # One beside it, that this role or another writes.
    shown = RUNS + AT_BOOT + "\nActiveState=inactive\nNeedDaemonReload=yes\n"
    assert run(plugin, SAID, check, shown, expected={"daemon_reload": True}, **wanted, daemon_reload=False) == SAID


def test_units_beside_it_are_asked_for_where_a_role_writes_units(plugin: Any) -> None:
    words = "systemctl show --property=ActiveState,UnitFileState,NeedDaemonReload -- x.service"
    assert plugin.question({"name": "x.service"}) == words
    assert plugin.question({"name": "x.service", "daemon_reload": False}) == f"{words} 'hanam-*'"


def test_the_manual_names_every_argument(plugin: Any) -> None:
    told = subprocess.run(
        ["ansible-doc", "--type=module", "--json", "role_unit"], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
    )  # fmt: skip
    assert set(json.loads(told.stdout)["role_unit"]["doc"]["options"]) == set(plugin.ActionModule._VALID_ARGS)
