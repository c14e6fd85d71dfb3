"""Bring the registry in mailboxes/ into the accounts database; with --check --diff it is the plan."""

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from hanam_mail import accounts_command


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: registry (folder), actor, allow_removals, allow_shrink."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"registry", "actor", "allow_removals", "allow_shrink"})

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Entry point of Ansible."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(
            {
                "registry": {"type": "path", "required": True},
                "actor": {"type": "str", "required": True},
                "allow_removals": {"type": "bool", "default": False},
                "allow_shrink": {"type": "bool", "default": False},
            }
        )
        desired, problems = accounts_command.desired(Path(args["registry"]))
        if problems:
            return {"failed": True, "msg": "\n".join(problems)}
        words = accounts_command.apply_words(
            Path(args["registry"]),
            args["actor"],
            allow_removals=args["allow_removals"],
            allow_shrink=args["allow_shrink"],
        )
        line = accounts_command.line("hanam-mail", words, check=self._task.check_mode)
        done = self._low_level_execute_command(line, in_data=accounts_command.encode(desired))
        return accounts_command.result(done["rc"], done["stdout"], done["stderr"])
