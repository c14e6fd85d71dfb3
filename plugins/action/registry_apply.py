"""Bring the registry in mailboxes/ into the accounts database; with --check --diff it is the plan."""

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from hanam_mail.controller import accounts_host

ARGUMENTS: dict[str, dict[str, Any]] = {
    "registry": {"type": "path", "required": True},
    "actor": {"type": "str", "required": True},
    "operator_keys": {"type": "list", "elements": "str", "required": True},
    "limit_percent": {"type": "float", "required": True},
    "limit_count": {"type": "int", "required": True},
    "shown": {"type": "int", "required": True},
    "allow_removals": {"type": "bool", "default": False},
    "allow_vanished": {"type": "bool", "default": False},
    "allow_shrink": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: those above. Result: changes (the plan in words), handover (the sealed file, if one was made)."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset(ARGUMENTS)

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Entry point of Ansible."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(ARGUMENTS)
        registry = Path(args["registry"])
        desired, problems = accounts_host.desired(registry)
        problems = accounts_host.wrong_numbers(registry, task_vars or {}) or problems
        if problems:
            return {"failed": True, "msg": "\n".join(problems)}
        words = accounts_host.apply_words(registry, args)
        program = self._templar.template((task_vars or {})["program_file"])
        line = accounts_host.line(program, "hanam-mail", words, check=self._task.check_mode)
        done = self._low_level_execute_command(line, in_data=accounts_host.pack(desired))
        return accounts_host.result(done["rc"], done["stdout"], done["stderr"])
