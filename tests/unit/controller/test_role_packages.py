"""The Ansible action `role_packages`: Ansible's module is asked only where dpkg does not have everything."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.controller import actions

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["redis-server", "g++", "libstemmer0d"]
SAID = {"changed": True, "stdout": "..."}


@pytest.fixture(scope="module")
def plugin() -> Any:
    """The plugin's module."""
    return actions.module("role_packages")


def run(plugin: Any, told: str, check: bool) -> tuple[dict[str, Any], list[Any]]:
    """The action's result where dpkg tells this much, and what the module was asked."""
    task = SimpleNamespace(args={"names": NAMES}, check_mode=check, async_val=0, action="role_packages", diff=True)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/nonexistent"))
    action = plugin.ActionModule(task, connection, None, None, None, None)
    asked: list[Any] = []

    def module(name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        asked.append((name, module_args))
        return SAID

    action._execute_module = module
    action._low_level_execute_command = lambda command: {"rc": 0, "stdout": told, "stderr": ""}
    return action.run(None, {}), asked


@pytest.mark.parametrize("check", [True, False])
def test_what_is_installed_is_left_to_itself(plugin: Any, check: bool) -> None:
    told = "".join(f"ii |{name}\n" for name in reversed(NAMES))
    assert run(plugin, told, check) == ({"changed": False}, [])


@pytest.mark.parametrize(
    "told",
    [
        "",
        "ii |redis-server\nii |g++\n",
        "ii |redis-server\nii |g++\nrc |libstemmer0d\n",  # removed, its configuration is left
        "ii |redis-server\nii |g++\niF |libstemmer0d\n",  # half configured
        "ii |redis-server\nii |g++\niiR|libstemmer0d\n",  # to be installed again
        "ii |redis-server\nii |g++\nii |libstemmer0d-dev\n",
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_whatever_is_missing_or_half_there_is_the_modules(plugin: Any, told: str, check: bool) -> None:
    arguments = {"name": NAMES, "state": "present", "install_recommends": False}
    assert run(plugin, told, check) == (SAID, [("ansible.builtin.apt", arguments)])


def test_dpkg_itself_is_understood(plugin: Any) -> None:
    """The packages of this machine that every Debian has, and one that none has."""

    def told(names: list[str]) -> str:
        done = subprocess.run(["sh", "-c", plugin.question(names)], capture_output=True, text=True, check=False)
        return done.stdout

    assert plugin.all_installed(["dpkg", "libc-bin"], told(["dpkg", "libc-bin"]))
    assert not plugin.all_installed(["dpkg", "no-such-package"], told(["dpkg", "no-such-package"]))


def test_the_manual_names_every_argument(plugin: Any) -> None:
    told = subprocess.run(
        ["ansible-doc", "--type=module", "--json", "role_packages"], cwd=ROOT, capture_output=True, text=True,
        check=True, env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
    )  # fmt: skip
    assert set(json.loads(told.stdout)["role_packages"]["doc"]["options"]) == set(plugin.ActionModule._VALID_ARGS)
