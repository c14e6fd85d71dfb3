"""Install a role's packages: ansible.builtin.apt, which is asked only where dpkg does not have all of them.

Its manual is plugins/modules/role_packages.yml: `ansible-doc role_packages`.
"""

import shlex
from collections.abc import Sequence
from typing import Any

from ansible.plugins.action import ActionBase

MODULE = "ansible.builtin.apt"
INSTALLED = "ii "
"""Wanted and installed, without an error (dpkg-query(1))."""


class ActionModule(ActionBase):  # type: ignore[misc]
    """Argument: names, a list. Result: the module's, or that nothing changed."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"names"})

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Entry point of Ansible."""
        super().run(tmp, task_vars)
        names: list[str] = self._task.args["names"]
        # The module reads the lists of all packages there are: ten times as long (record 0015).
        told = self._low_level_execute_command(question(names))["stdout"]
        if all_installed(names, told):
            return {"changed": False}
        arguments = {"name": names, "state": "present", "install_recommends": False}
        result: dict[str, Any] = self._execute_module(MODULE, module_args=arguments, task_vars=task_vars)
        return result


def question(names: Sequence[str]) -> str:
    """The command that asks dpkg for packages; it fails where it does not know one of them, and tells of the others."""
    return shlex.join(["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}|${Package}\\n", "--", *names])


def all_installed(names: Sequence[str], told: str) -> bool:
    """Whether dpkg's answer has every package as installed. A name that no package bears (of a virtual one) has not."""
    return {f"{INSTALLED}|{name}" for name in names} <= set(told.splitlines())
