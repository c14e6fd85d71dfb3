"""Put all files of a role in place in one round trip; see hanam_mail.controller.role_files.

Its manual is plugins/modules/role_files.yml: `ansible-doc role_files`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

from hanam_mail.controller import role_files

LISTS = ("files", "folders", "owns")
SHARED = Path(__file__).resolve().parents[2] / "templates"
"""What templates of several roles import."""


class ActionModule(ActionBase):  # type: ignore[misc]
    """Arguments: files, folders, owns (rows). Result: `files`, the paths that changed."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset(LISTS)

    @classmethod
    def finalize_task_arg(cls, name: str, value: Any, templar: Any, context: Any) -> Any:
        """The lists as they stand: nothing is evaluated of a row that does not count (as `assert` does it)."""
        return templar.resolve_to_container(value) if name in LISTS else templar.template(value)

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Entry point of Ansible."""
        super().run(tmp, task_vars)
        try:
            folders, files, owns = (self._rows(name, task_vars) for name in ("folders", "files", "owns"))
            entries = role_files.entries(folders, files, lambda source, row: self._text(source, row, task_vars))
            owned = role_files.owned(owns)
        except ValueError as error:
            return {"failed": True, "msg": str(error)}
        if not entries and not owned:
            self._task.notify = []
            return {"changed": False, "files": [], "diff": []}
        done = self._low_level_execute_command(
            role_files.command(task_vars.get("ansible_python_interpreter", "/usr/bin/python3")),
            in_data=role_files.stdin(entries, owned, check=self._task.check_mode, show=self._task.diff),
        )
        result = role_files.result(entries, done["rc"], done["stdout"], done["stderr"])
        # Ansible notifies what the task names when this method is through: here, only what concerns the changed files.
        changed, removed = result.get("files", []), result.pop("removed", {})
        self._task.notify = role_files.handlers(changed, files, self._task.notify or [], removed, owns)
        return result | {"_ansible_verbose_always": result["changed"]}

    def _rows(self, name: str, task_vars: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows of a list whose conditions hold, with their expressions evaluated."""

        def templar(more: Mapping[str, Any]) -> Any:
            if not more:
                return self._templar
            return self._templar.copy_with_new_env(available_variables=self._templar.available_variables | more)

        return role_files.rows(
            name,
            self._task.args.get(name),
            lambda expression, more: bool(templar(more).evaluate_conditional(expression)),
            lambda value, more: templar(more).template(value),
        )

    def _text(self, source: str, row: Mapping[str, Any], task_vars: Mapping[str, Any]) -> str | bytes:
        path = self._find_needle("templates" if source == "src" else "files", row[source])
        if source == "file":
            return role_files.text_or_octets(Path(path).read_bytes())
        plain = Path(path).read_text(encoding="utf-8")
        variables = {"ansible_managed": "Ansible managed"} | dict(task_vars) | {"item": row}
        places = [str(Path(path).parent), str(SHARED)]
        templar = self._templar.copy_with_new_env(available_variables=variables, searchpath=places)
        return str(templar.template(trust_as_template(plain), escape_backslashes=False))
