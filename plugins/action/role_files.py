"""Put all files of a role in place in one round trip; see hanam_mail.controller.role_files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

from hanam_mail.controller import role_files


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: files, folders (rows). Result: `files`, the paths that changed."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset({"files", "folders"})

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Entry point of Ansible."""
        super().run(tmp, task_vars)
        rows = {"type": "list", "elements": "dict", "default": []}
        _, args = self.validate_argument_spec({"files": rows, "folders": rows})

        def text(source: str, row: Mapping[str, Any]) -> str:
            path = self._find_needle("templates" if source == "src" else "files", row[source])
            plain = Path(path).read_text(encoding="utf-8")
            if source == "file":
                return plain
            variables = {"ansible_managed": "Ansible managed"} | task_vars | {"item": row}
            place = [str(Path(path).parent)]
            templar = self._templar.copy_with_new_env(available_variables=variables, searchpath=place)
            return str(templar.template(trust_as_template(plain), escape_backslashes=False))

        try:
            entries = role_files.entries(args["folders"], args["files"], text)
        except ValueError as error:
            return {"failed": True, "msg": str(error)}
        done = self._low_level_execute_command(
            role_files.command(task_vars.get("ansible_python_interpreter", "/usr/bin/python3")),
            in_data=role_files.stdin(entries, check=self._task.check_mode, show=self._task.diff),
        )
        result = role_files.result(entries, done["rc"], done["stdout"], done["stderr"])
        # Ansible notifies what the task names when this method is through: here, only what concerns the changed files.
        self._task.notify = role_files.handlers(result.get("files", []), args["files"], self._task.notify or [])
        return result | {"_ansible_verbose_always": result["changed"]}
