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
        if wants_running(arguments):
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


def wants_running(arguments: Mapping[str, Any]) -> bool:
    """Whether a unit is to run, and to start at boot or as it does, with nothing known to be read anew."""
    reload = boolean(arguments.get("daemon_reload", False))
    started = arguments.get("state") == "started" and boolean(arguments.get("enabled", True))
    return not reload and (started or arguments.keys() == {"name", "daemon_reload"})


def question(arguments: Mapping[str, Any]) -> str:
    """The command that asks for what a converged host is judged by: of the unit, then of those of ours beside it.

    They are asked for where the role writes units, which it says by `daemon_reload`.
    """
    beside = [OURS] if "daemon_reload" in arguments else []
    return shlex.join(["systemctl", "show", f"--property={','.join(PROPERTIES)}", "--", arguments["name"], *beside])


def as_wanted(arguments: Mapping[str, Any], told: str) -> bool:
    """Whether systemctl tells of a unit that is as it should be, and of none whose file it has not read."""
    wanted = {READ}
    if "state" in arguments:
        wanted.add("ActiveState=active")
    if "enabled" in arguments:
        wanted.add("UnitFileState=enabled")
    unit, *_ = told.split("\n\n")
    return wanted <= set(unit.splitlines()) and OUTDATED not in told.splitlines()


def not_there_yet(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a check says of a unit that a package or a file brings which the check itself did not put in place."""
    stopped = arguments.get("state") == "stopped" and not arguments.get("enabled")
    wanted = arguments.get("state") or "enabled"
    said = "it is not there" if stopped else f"it is not there yet; it would be {wanted}"
    return {"changed": not stopped, "name": arguments["name"], "msg": said}
