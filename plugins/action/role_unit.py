"""Run, restart, reload or stop a unit: ansible.builtin.systemd_service, which check mode may ask of an empty host too.

Its manual is plugins/modules/role_unit.yml: `ansible-doc role_unit`.
"""

import shlex
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

MODULE = "ansible.builtin.systemd_service"
PROPERTIES = ("ActiveState", "UnitFileState", "NeedDaemonReload")
READ, OUTDATED = "NeedDaemonReload=no", "NeedDaemonReload=yes"
ON, OFF = {"UnitFileState=enabled"}, {"UnitFileState=disabled", "UnitFileState=masked"}
OURS = "hanam-*"
"""The units that roles write whole; others they write drop-ins for."""
MISSING = "Could not find the requested service"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: name, state, enabled, daemon_reload, as the module has them. Result: the module's."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"name", "state", "enabled", "daemon_reload"})

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Entry point of Ansible."""
        super().run(tmp, task_vars)
        arguments = self._task.args
        # On a converged host that is all there is to know, and the module takes twelve times as long (record 0015).
        if settled_by_asking(arguments):
            told = self._low_level_execute_command(question(arguments))["stdout"]
            if as_wanted(arguments, told):
                return {"changed": False, "name": arguments["name"]}
            if OUTDATED in told.splitlines():
                # A run before this one was ended between a file and systemd's reading it.
                arguments = {**arguments, "daemon_reload": True}
        result: dict[str, Any] = self._execute_module(MODULE, module_args=dict(arguments), task_vars=task_vars)
        if self._task.check_mode and result.get("failed") and MISSING in str(result.get("msg")):
            return not_there_yet(arguments)
        return result


def settled_by_asking(arguments: Mapping[str, Any]) -> bool:
    """Whether systemctl's answer can be enough: the unit is to run, or to be off, or only its file is to be current.

    Where a reload of systemd is asked for, it is not.
    """
    reload = boolean(arguments.get("daemon_reload", False))
    started = arguments.get("state") == "started" and boolean(arguments.get("enabled", True))
    return not reload and (started or stopped(arguments) or arguments.keys() == {"name", "daemon_reload"})


def stopped(arguments: Mapping[str, Any]) -> bool:
    """Whether it is to be stopped, now and at boot."""
    return arguments.get("state") == "stopped" and not boolean(arguments.get("enabled", True))


def question(arguments: Mapping[str, Any]) -> str:
    """The command that asks for what a converged host is judged by: of the unit, then of those of ours beside it.

    They are asked for where the role writes units, which it says by `daemon_reload`.
    """
    beside = [OURS] if "daemon_reload" in arguments else []
    return shlex.join(["systemctl", "show", f"--property={','.join(PROPERTIES)}", "--", arguments["name"], *beside])


def as_wanted(arguments: Mapping[str, Any], told: str) -> bool:
    """Whether systemctl tells of a unit that is as it should be, and of none whose file it has not read."""
    unit = set(told.split("\n\n")[0].splitlines())
    runs = "ActiveState=inactive" if stopped(arguments) else "ActiveState=active"
    at_boot = OFF if stopped(arguments) else ON
    return (
        READ in unit
        and OUTDATED not in told.splitlines()
        and ("state" not in arguments or runs in unit)
        and ("enabled" not in arguments or bool(at_boot & unit))
    )


def not_there_yet(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a check says of a unit that a package or a file brings which the check itself did not put in place."""
    off = arguments.get("state") == "stopped" and not arguments.get("enabled")
    wanted = arguments.get("state") or "enabled"
    said = "it is not there" if off else f"it is not there yet; it would be {wanted}"
    return {"changed": not off, "name": arguments["name"], "msg": said}
