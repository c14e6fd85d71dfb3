"""The Ansible action `role_users`: Ansible's modules are asked only for what is not as it should be."""

import grp
import json
import os
import pwd
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.controller import actions

ROOT = Path(__file__).resolve().parents[3]
GROUPS = [{"name": "vmail", "gid": 5000}, {"name": "hanam-agent"}]
USERS: list[dict[str, Any]] = [
    {"name": "vmail", "uid": 5000, "group": "vmail", "home": "/srv/mail"},
    {"name": "hanam-mail"},
]
VMAIL, AGENT = "vmail:x:5000:\n", "hanam-agent:x:990:dovecot,postfix\n"
OWNER = "vmail:x:5000:5000::/srv/mail:/usr/sbin/nologin\n"
PLAIN = "hanam-mail:x:991:992::/nonexistent:/usr/sbin/nologin\n"
NOBODY = {"system": True, "create_home": False, "shell": "/usr/sbin/nologin"}
MAKE = {
    "vmail group": ("ansible.builtin.group", {"name": "vmail", "gid": 5000, "system": True}),
    "agent": ("ansible.builtin.group", {"name": "hanam-agent", "system": True}),
    "vmail": ("ansible.builtin.user", USERS[0] | NOBODY),
    "plain": ("ansible.builtin.user", {"name": "hanam-mail", "home": "/nonexistent"} | NOBODY),
}


@pytest.fixture(scope="module")
def plugin() -> Any:
    """The plugin's module."""
    return actions.module("role_users")


def run(plugin: Any, told: str, said: dict[str, Any], **arguments: Any) -> tuple[dict[str, Any], list[Any], list[str]]:
    """The action's result where getent tells this much and each module says `said`; what was asked of which."""
    task = SimpleNamespace(args=arguments, check_mode=False, async_val=0, action="role_users", diff=True)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/nonexistent"))
    action = plugin.ActionModule(task, connection, None, None, None, None)
    asked: list[Any] = []
    commands: list[str] = []

    def module(name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        asked.append((name, module_args))
        return said

    def command(line: str) -> dict[str, Any]:
        commands.append(line)
        return {"rc": 2, "stdout": told, "stderr": ""}

    action._execute_module = module
    action._low_level_execute_command = command
    return action.run(None, {}), asked, commands


def test_a_name_alone_is_a_row(plugin: Any) -> None:
    result, asked, commands = run(plugin, "", {"changed": True}, groups=["hanam-agent"], users=["hanam-mail"])
    assert asked == [MAKE["agent"], MAKE["plain"]] and result["changed"]
    assert commands == ["getent group hanam-agent; getent passwd hanam-mail"]


def test_what_is_as_it_should_be_is_left_to_itself(plugin: Any) -> None:
    told = AGENT + VMAIL + OWNER + PLAIN
    done, asked, commands = run(plugin, told, {}, groups=GROUPS, users=USERS)
    assert (done, asked) == ({"changed": False, "diff": []}, [])
    assert commands == ["getent group hanam-agent vmail; getent passwd vmail hanam-mail"]


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ("", ["vmail group", "agent", "vmail", "plain"]),
        (VMAIL + OWNER + PLAIN, ["agent"]),
        (VMAIL + AGENT + OWNER, ["plain"]),
        (AGENT + OWNER + PLAIN, ["vmail group", "vmail"]),
        ("vmail:x:5001:\n" + AGENT + OWNER + PLAIN, ["vmail group", "vmail"]),  # another number
        (VMAIL + AGENT + OWNER.replace(":5000:5000:", ":5001:5000:") + PLAIN, ["vmail"]),
        (VMAIL + AGENT + OWNER.replace(":5000:5000:", ":5000:100:") + PLAIN, ["vmail"]),
        (VMAIL + AGENT + OWNER.replace("/srv/mail", "/srv/old") + PLAIN, ["vmail"]),
        (VMAIL + AGENT + OWNER + PLAIN.replace("/usr/sbin/nologin", "/bin/bash"), ["plain"]),
    ],
)
def test_whatever_is_missing_or_otherwise_is_the_modules(plugin: Any, told: str, missing: list[str]) -> None:
    done, asked, _ = run(plugin, told, {"changed": True}, groups=GROUPS, users=USERS)
    made = [MAKE[name] for name in missing]
    shown = [{"prepared": f"{module.removeprefix('ansible.builtin.')} {row['name']}\n"} for module, row in made]
    assert (done, asked) == ({"changed": True, "diff": shown}, made)


def test_the_first_module_that_fails_is_the_last_that_is_asked(plugin: Any) -> None:
    failed = {"failed": True, "msg": "GID 5000 already exists"}
    done, asked, _ = run(plugin, "", failed, groups=GROUPS, users=USERS)
    assert (done, asked) == (failed, [MAKE["vmail group"]])


def test_a_host_that_needs_none_is_asked_nothing(plugin: Any) -> None:
    assert run(plugin, "", {}, groups=[], users=[]) == ({"changed": False, "diff": []}, [], [])


def test_the_systems_own_lists_are_understood(plugin: Any) -> None:
    """Of this machine: its second user, who has a group of his own, and one that nobody has."""
    user = pwd.getpwuid(1)
    group = grp.getgrgid(user.pw_gid)
    groups = [{"name": group.gr_name, "gid": group.gr_gid}]
    users = [{"name": user.pw_name, "uid": 1, "group": group.gr_name, "home": user.pw_dir}]

    def told(more: list[dict[str, str]]) -> str:
        question = plugin.question(groups, users + more)
        return subprocess.run(["sh", "-c", question], capture_output=True, text=True, check=False).stdout

    assert plugin.wrong(groups, users, told([])) == []
    other = [{"name": "no-such-user"}]
    assert [arguments["name"] for _, arguments in plugin.wrong(groups, users + other, told(other))] == ["no-such-user"]


def test_the_manual_names_every_argument(plugin: Any) -> None:
    told = subprocess.run(
        ["ansible-doc", "--type=module", "--json", "role_users"], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
    )  # fmt: skip
    assert set(json.loads(told.stdout)["role_users"]["doc"]["options"]) == set(plugin.ActionModule._VALID_ARGS)
