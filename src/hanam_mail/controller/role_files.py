"""A role's files, all in one round trip: the controller's side of the Ansible action `role_files`.

A task per file costs a third of a second for each on every host; here a role's list is rendered on the controller, sent
as one request and put in place by role_files_on_host.py, whose source goes along. Imports nothing of Ansible.

What the rows hold stands in the manual of the action: `ansible-doc role_files` (plugins/modules/role_files.yml).
"""

import base64
import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hanam_mail.controller import role_files_on_host, zipapp

Row = Mapping[str, Any]
Text = Callable[[str, Row], str | bytes]
"""What a row's file holds, by the row's source ("src" or "file") and the row: octets where it is no text."""
Holds = Callable[[Any, Row], bool]
"""Whether a condition holds, with these variables besides the task's."""
Evaluate = Callable[[Any, Row], Any]
"""A value with its Jinja expressions evaluated, with these variables besides the task's."""

_SOURCES = ("src", "file", "content", "program", "link", "absent")

# The program arrives on standard input before its request: nothing of either is on a command line.
_LOADER = (
    "import sys; size = int(sys.stdin.buffer.readline());"
    " exec(compile(sys.stdin.buffer.read(size), 'files_on_host', 'exec'))"
)


def command(python: str) -> str:
    """The shell line that runs the program on a host; `stdin` is its input."""
    return f'{python} -I -c "{_LOADER}"'


def stdin(entries: Sequence[Row], owned: Sequence[str], *, check: bool, show: bool) -> bytes:
    """Length of the program, the program, the request."""
    program = inspect.getsource(role_files_on_host).encode()
    request = json.dumps({"entries": entries, "owned": owned, "check": check, "show": show}).encode()
    return f"{len(program)}\n".encode() + program + request


def rows(name: str, given: Any, holds: Holds, evaluate: Evaluate) -> list[dict[str, Any]]:
    """The rows of a list whose `when` holds, one for each element of a row's `loop`, with their expressions evaluated.

    Of a row whose condition does not hold nothing else is evaluated: it may name what this host does not have.
    """
    if given is None:
        return []
    if not isinstance(given, list):
        raise ValueError(f"{name}: a list of rows is needed, not {given!r}")
    found = []
    for row in given:
        if not isinstance(row, Mapping):
            raise ValueError(f"{name}: a row is needed, not {row!r}")
        conditions = row.get("when", True)
        rest = {key: value for key, value in row.items() if key not in {"when", "loop"}}
        if not all(holds(part, {}) for part in (conditions if isinstance(conditions, list) else [conditions])):
            continue
        elements = evaluate(row["loop"], {}) if "loop" in row else None
        if elements is not None and not isinstance(elements, list):
            raise ValueError(f"{name}: loop: a list is needed, not {elements!r}")
        each: list[Row] = [{}] if elements is None else [{"item": element} for element in elements]
        found += [dict(evaluate(rest, more)) for more in each]
    return found


def entries(folders: Sequence[Row], files: Sequence[Row], text: Text) -> list[dict[str, Any]]:
    """The request's entries in the order in which they are put in place. Raises ValueError naming row and mistake."""
    return [_folder(row) for row in folders] + [_file(row, text) for row in files]


def _folder(row: Row) -> dict[str, Any]:
    path = _path(row, "path")
    return _common(row, path, "0755") | {"kind": "folder", "content": ""}


def _file(row: Row, text: Text) -> dict[str, Any]:
    path = _path(row, "dest")
    given = [name for name in _SOURCES if name in row and row[name] is not False]
    if len(given) != 1:
        raise ValueError(
            f"{path}: exactly one of {', '.join(_SOURCES)} is needed, there is {' and '.join(given) or 'none'}"
        )
    source = given[0]
    entry = _common(row, path, "0644")
    if source in {"link", "absent"}:
        return entry | {"kind": source, "content": str(row["link"]) if source == "link" else ""}
    held: str | bytes
    if source == "program":
        held = zipapp.program(str(row["program"]))
    else:
        held = str(row["content"]) if source == "content" else text(source, row)
    if isinstance(held, bytes):
        return entry | {"kind": "file", "content": base64.b64encode(held).decode(), "octets": True}
    return entry | {"kind": "file", "content": held}


def text_or_octets(read: bytes) -> str | bytes:
    """What a file holds: its text, or its octets where it has none (a picture)."""
    try:
        return read.decode()
    except UnicodeDecodeError:
        return read


def owned(owns: Sequence[Row]) -> list[str]:
    """The patterns of files that are the role's alone. Raises ValueError for one that may reach too far."""
    patterns = []
    for row in owns:
        pattern = _path(row, "glob")
        folder, _, name = pattern.rpartition("/")
        if "**" in pattern or pattern.count("/") < 3 or any(sign in folder for sign in "?["):
            raise ValueError(f"glob: {pattern!r} is not the files of one folder, or of folders of one kind")
        if "*" in folder and any(sign in name for sign in "*?["):
            raise ValueError(f"glob: {pattern!r}: where the folder is open, the name has to be whole")
        patterns.append(pattern)
    return patterns


def _path(row: Row, name: str) -> str:
    path = row.get(name)
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError(f"{name}: {path!r} is no absolute path")
    path = path.rstrip("/")
    if not path or any(part in {"", ".", ".."} for part in path.split("/")[1:]) or not path.isprintable():
        raise ValueError(f"{name}: {path!r} is no plain path")
    return path


def _common(row: Row, path: str, mode: str) -> dict[str, Any]:
    mode = row.get("mode", mode)
    if not isinstance(mode, str) or not re.fullmatch(r"0[0-7]{3}|[1-7][0-7]{3}", mode):
        raise ValueError(f"{path}: mode: {mode!r} is not like '0644'")
    validate = str(row.get("validate") or "")
    if validate and "%s" not in validate:
        raise ValueError(f"{path}: validate: {validate!r} has no %s for the candidate")
    return {
        "path": path,
        "owner": str(row.get("owner", "root")),
        "group": str(row.get("group", "root")),
        "mode": mode,
        "validate": validate,
        "keep": bool(row.get("keep", False)),
        "secret": bool(row.get("secret", False)),
        "octets": False,
    }


def result(sent: Sequence[Row], returncode: int, stdout: str, stderr: str) -> dict[str, Any]:
    """An Ansible result: `changed`, `files` (paths that changed) and a `diff` for each.

    Also `removed`: of what no row lists, path -> the pattern that owned it.
    """
    try:
        # What sudo or a login shell may print comes before.
        answer = json.loads(stdout.strip().rpartition("\n")[2])
    except ValueError:
        answer = {"error": f"no answer from the host (exit {returncode}): {stderr.strip()[-2000:]}"}
    if "error" in answer:
        return {"failed": True, "changed": False, "msg": answer["error"]}
    by_path = {entry["path"]: entry for entry in sent}
    rows = answer["rows"]
    return {
        "changed": bool(rows),
        "files": [row["path"] for row in rows],
        "diff": [part for row in rows for part in _difference(row, by_path.get(row["path"], {"kind": "unlisted"}))],
        "removed": {row["path"]: row["owned"] for row in rows if row.get("owned")},
    }


_NOTED = {"folder": "new folder", "absent": "removed", "unlisted": "removed; the role lists it no longer"}


def _difference(row: Row, entry: Row) -> list[dict[str, Any]]:
    path, parts = row["path"], []
    if row["content"]:
        if entry["kind"] in _NOTED:
            parts.append({"prepared": f"{path}: {_NOTED[entry['kind']]}\n"})
        elif entry["secret"]:
            parts.append({"prepared": f"{path}: differs; it is secret and not shown\n"})
        elif entry["octets"]:
            parts.append({"prepared": f"{path}: other octets\n"})
        else:
            after = entry["content"]
            parts.append({"before_header": path, "after_header": path, "before": row["before"], "after": after})
    for name, (now, wanted) in row["attributes"].items():
        parts.append({"prepared": f"{path}: {name} {now} -> {wanted}\n"})
    return parts


def handlers(
    changed: Sequence[str],
    files: Sequence[Row],
    general: Sequence[str],
    removed: Mapping[str, str] | None = None,
    owns: Sequence[Row] = (),
) -> list[str]:
    """Handlers to notify: for each changed file its row's own, otherwise those of the task. Folders notify nobody.

    For what was removed because no row lists it, those of the row of `owns` that it was found by.
    """
    patterns = set((removed or {}).values())
    concerned = [row for row in files if _path(row, "dest") in changed]
    concerned += [row for row in owns if _path(row, "glob") in patterns]
    found: dict[str, None] = {}
    for row in concerned:
        own = row.get("notify")
        for name in general if own is None else [own] if isinstance(own, str) else own:
            found[name] = None
    return list(found)
