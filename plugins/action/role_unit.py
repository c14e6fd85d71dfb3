"""Run, restart, reload or stop a unit: ansible.builtin.systemd_service, which check mode may ask of an empty host too.

Its manual is plugins/modules/role_unit.yml: `ansible-doc role_unit`.
"""

from typing import Any

from ansible.plugins.action import ActionBase

MODULE = "ansible.builtin.systemd_service"
MISSING = "Could not find the requested service"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: name, state, enabled, daemon_reload, as the module has them. Result: the module's."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"name", "state", "enabled", "daemon_reload"})

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Entry point of Ansible."""
        super().run(tmp, task_vars)
        result: dict[str, Any] = self._execute_module(MODULE, module_args=dict(self._task.args), task_vars=task_vars)
        if self._task.check_mode and result.get("failed") and MISSING in str(result.get("msg")):
            return not_there_yet(self._task.args)
        return result


def not_there_yet(arguments: Any) -> dict[str, Any]:
    """What a check says of a unit that a package or a file brings which the check itself did not put in place."""
    stopped = arguments.get("state") == "stopped" and not arguments.get("enabled")
    wanted = arguments.get("state") or "enabled"
    said = "it is not there" if stopped else f"it is not there yet; it would be {wanted}"
    return {"changed": not stopped, "name": arguments["name"], "msg": said}
