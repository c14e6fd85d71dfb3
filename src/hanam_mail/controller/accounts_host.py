"""The controller's side of the zipapp's commands, for the Ansible action plugins and the command line.

Builds the command line and its input, and makes of what came back a result with `changed`, `msg` and a
`diff` that `--diff` shows. Imports nothing of Ansible.
"""

import gzip
import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hanam_mail.errors import InputError
from hanam_mail.registry import loading
from hanam_mail.registry.cache import cache_folder
from hanam_mail.registry.writing import store
from hanam_mail.regulation import group_vars, rule_values

# What the shell below says when the program is not there (EX_NOINPUT).
_ABSENT = 66


def line(program: str, user: str, words: Sequence[str], *, check: bool) -> str:
    """The shell line that runs a command of the program as `user`. No input or secret is part of it."""
    command = shlex.join(
        ["runuser", "-u", user, "--", "python3", "-I", program, *words, *(["--check"] if check else [])]
    )
    return (
        f"cd / && {{ test -e {shlex.quote(program)} || exit {_ABSENT}; }} && {command}"
        if check
        else f"cd / && {command}"
    )


def encode(data: Mapping[str, Any]) -> bytes:
    """What the command reads on standard input."""
    return json.dumps(data, ensure_ascii=False).encode()


def desired(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The desired state of the registry at `path`, or everything that is wrong with it."""
    try:
        with store.reading(path):
            return dict(loading.desired_state(loading.load(path, cache=cache_folder()))), []
    except InputError as error:
        return {}, [str(problem) for problem in error.problems]


def wrong_numbers(path: Path, values: Mapping[str, Any]) -> list[str]:
    """What is wrong with the numbers by which Ansible would apply the registry `path`, or not as `hanam-mail` does.

    `values` are Ansible's variables as they are written; those that it works out are only asked to be there (what
    they come to is judged before a deployment, preflight.py).
    """
    faults = [fault for fault in rule_values.faults(values) if not _is_worked_out(values.get(fault.variable))]
    try:
        return [*map(str, faults), *group_vars.overridden(loading.regulation_beside(path).parent, values)]
    except InputError as error:
        return [str(problem) for problem in error.problems]


def _is_worked_out(value: Any) -> bool:
    """Whether Ansible has still to fill in something of a value."""
    if isinstance(value, Mapping):
        return any(map(_is_worked_out, value.values()))
    if isinstance(value, list):
        return any(map(_is_worked_out, value))
    return isinstance(value, str) and "{{" in value


def pack(data: Mapping[str, Any]) -> bytes:
    """The same for `apply`, compressed: the registry of a province is 8 MB of repeating words."""
    return gzip.compress(encode(data), compresslevel=1, mtime=0)


def apply_words(path: Path, arguments: Mapping[str, Any]) -> list[str]:
    """The words of `apply` for the action's arguments, with the git commit of the registry for the audit."""
    limits = ["--limit-percent", str(arguments["limit_percent"]), "--limit-count", str(arguments["limit_count"])]
    return [
        "apply",
        "-",
        "--actor",
        arguments["actor"],
        "--commit",
        commit(path),
        "--brief",
        str(arguments["shown"]),
        *limits,
        *(word for key in arguments["operator_keys"] for word in ("--recipient", key)),
        *(["--allow-removals"] if arguments["allow_removals"] else []),
        *(["--allow-vanished"] if arguments["allow_vanished"] else []),
        *(["--allow-shrink"] if arguments["allow_shrink"] else []),
    ]


def commit(path: Path) -> str:
    """The commit that `path` is at, with -dirty when files there differ from it; empty outside of git."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(path), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    head = git("rev-parse", "HEAD")
    return f"{head}-dirty" if head and git("status", "--porcelain", "--", ".") else head


def result(returncode: int, stdout: str, stderr: str) -> dict[str, Any]:
    """An Ansible result."""
    if returncode == _ABSENT:
        return {
            "changed": True,
            "msg": "máy tài khoản chưa được cài đặt; chưa biết sẽ thay đổi gì",
        }
    try:
        # What sudo or a login shell may print comes before.
        data = json.loads(stdout.strip().rpartition("\n")[2])
    except ValueError:
        data = {"errors": [f"máy tài khoản không trả lời (mã {returncode})", stderr.strip()]}
    if returncode or "errors" in data:
        return {"failed": True, "changed": False, "msg": "\n".join(data.get("errors", [stderr.strip()]))}
    lines = data.get("lines") or data.get("changes") or data.get("addresses") or []
    answer = {
        "changed": data["changed"],
        "changes": lines,
        "diff": {"prepared": "".join(f"{text}\n" for text in lines)},
        # Ansible shows no difference where nothing changes; what waits for its event is told all the same.
        **({"warnings": data["warnings"]} if data.get("warnings") else {}),
    }
    # The sealed file of first passwords, where one was made; the mailbox that was meant; the number of an opening; what
    # is known of a stop.
    return answer | {key: data[key] for key in ("handover", "mailbox", "opening", "stop") if data.get(key)}
