"""Run a command of the accounts zipapp on the host, with its input on stdin and its JSON as the result.

Unlike ansible.builtin.command it runs in check mode too (the command itself gets --check), shows the
difference, and never repeats its input, which may hold passwords, in any result.
"""

from typing import Any

from ansible.plugins.action import ActionBase

from hanam_mail.controller import accounts_host


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: user (OS user), command (words), input (anything JSON can hold)."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"user", "command", "input"})

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Entry point of Ansible."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(
            {
                "user": {"type": "str", "required": True},
                "command": {"type": "list", "elements": "str", "required": True},
                "input": {"type": "dict", "no_log": True, "required": True},
            }
        )
        program = self._templar.template((task_vars or {})["program_file"])
        line = accounts_host.line(program, args["user"], args["command"], check=self._task.check_mode)
        done = self._low_level_execute_command(line, in_data=accounts_host.encode(args["input"]))
        return accounts_host.result(done["rc"], done["stdout"], done["stderr"])
