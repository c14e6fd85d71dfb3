"""Puts a role's files in place on a host. The Ansible action `role_files` sends this source there; see role_files.py.

The files are taken in their order: written beside the place, checked by the file's own validator, then renamed over
what is there. When one of them is refused, those before it are put back as they were, so that no change is left that no
handler hears of. What the role owns and no longer lists goes last, when nothing names it any more.
In check mode no validator runs: what else it reads is not in place, and on an empty host it is not there itself.
Standard library only. What a file holds is never part of an error.
"""

import base64
import grp
import json
import os
import pwd
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARENT_MODE = 0o755
"""Of a folder above a file that nobody listed: root's, readable by all."""

Undo = Callable[[], None]


class FileRefused(Exception):
    """A file cannot be put in place; the text says which and why."""


@dataclass(frozen=True)
class WantedPath:
    """What should be at a path: a folder, a file, a link, or nothing."""

    path: Path
    kind: str  # folder, file, link, absent
    owner: str
    group: str
    mode: int
    content: bytes  # of a file; of a link, where it points to
    validate: str  # a command with %s for the candidate; "" for none
    keep: bool  # a file that is there keeps what it holds
    secret: bool
    octets: bool = False  # the content is no text, and no difference of it is shown


@dataclass(frozen=True)
class FoundPath:
    """What is at a path now."""

    kind: str  # folder, file, link, other
    content: bytes
    uid: int
    gid: int
    mode: int


def apply(request: dict[str, Any]) -> dict[str, Any]:
    """Put everything in place, or with `check` only look.

    Returns {"rows": [a row for each entry that changed]} or {"error": text} when nothing was changed.
    """
    rows: list[dict[str, Any]] = []
    undo: list[Undo] = []
    try:
        for raw in request["entries"]:
            row = _entry(_parsed(raw), undo, check=request["check"], show=request["show"])
            if row:
                rows.append(row)
        listed = {raw["path"] for raw in request["entries"]}
        for pattern in request["owned"]:
            for path in sorted({str(path) for path in Path("/").glob(pattern[1:])} - listed):
                listed.add(path)
                row = _unlisted(path, undo, check=request["check"])
                if row:
                    rows.append(row | {"owned": pattern})
    except (OSError, FileRefused) as error:
        for step in reversed(undo):
            step()
        return {"error": str(error)}
    return {"rows": rows}


def _unlisted(path: str, undo: list[Undo], *, check: bool) -> dict[str, Any] | None:
    """A file or link that the role owns and no longer lists. Folders, sockets and the like are somebody else's."""
    found = _look(Path(path))
    if found is None or found.kind not in {"file", "link"}:
        return None
    gone = WantedPath(Path(path), "absent", "", "", 0, b"", validate="", keep=False, secret=True)
    return _entry(gone, undo, check=check, show=False)


def _parsed(raw: dict[str, Any]) -> WantedPath:
    content = base64.b64decode(raw["content"]) if raw["octets"] else raw["content"].encode()
    return WantedPath(
        path=Path(raw["path"]), kind=raw["kind"], owner=raw["owner"], group=raw["group"], mode=int(raw["mode"], 8),
        content=content, validate=raw["validate"], keep=raw["keep"], secret=raw["secret"], octets=raw["octets"],
    )  # fmt: skip


def _entry(entry: WantedPath, undo: list[Undo], *, check: bool, show: bool) -> dict[str, Any] | None:
    found = _look(entry.path)
    if entry.kind == "absent":
        changed, attributes = found is not None, {}
    else:
        changed = found is None or found.kind != entry.kind
        if not changed and found is not None and entry.kind != "folder" and not entry.keep:
            changed = found.content != entry.content
        attributes = {} if entry.kind == "link" else _attributes(entry, found, check=check)
    if not changed and not attributes:
        return None
    if not check:
        _write(entry, found, content=changed)
        undo.append(lambda: _put_back(entry.path, found))
    text = not (entry.secret or entry.octets)
    shown = show and changed and text and found is not None and found.kind in {"file", "link"}
    return {
        "path": str(entry.path),
        "content": changed,
        "before": found.content.decode(errors="replace") if shown and found else "",
        "attributes": attributes,
    }


def _look(path: Path) -> FoundPath | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    kind, content = "other", b""
    if stat.S_ISDIR(status.st_mode):
        kind = "folder"
    elif stat.S_ISLNK(status.st_mode):
        kind, content = "link", os.fsencode(path.readlink())
    elif stat.S_ISREG(status.st_mode):
        with os.fdopen(_open(path), "rb") as file:
            kind, content = "file", file.read()
    return FoundPath(kind, content, status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


def _open(path: Path) -> int:
    """What was looked at and nothing else: who owns the folder might put a link in its place meanwhile."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _give(path: Path, uid: int, gid: int, mode: int) -> None:
    """Owner, group and mode of a file or folder, never of what a link points to."""
    descriptor = _open(path)
    try:
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _attributes(entry: WantedPath, found: FoundPath | None, *, check: bool) -> dict[str, list[str]]:
    """What differs of owner, group and mode: name -> [now, wanted]. Empty for what is not there yet."""
    if found is None:
        return {}
    uid, gid = _uid(entry.owner, check=check), _gid(entry.group, check=check)
    pairs = {
        "owner": (found.uid == uid, str(found.uid), entry.owner),
        "group": (found.gid == gid, str(found.gid), entry.group),
        "mode": (found.mode == entry.mode, f"{found.mode:04o}", f"{entry.mode:04o}"),
    }
    return {name: [now, wanted] for name, (same, now, wanted) in pairs.items() if not same}


def _uid(name: str, *, check: bool) -> int:
    """In check mode the package or the task that makes the user may not have run yet; then it is nobody's number."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        if check:
            return -1
        raise FileRefused(f"this host has no user {name!r}") from None


def _gid(name: str, *, check: bool) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        if check:
            return -1
        raise FileRefused(f"this host has no group {name!r}") from None


def _write(entry: WantedPath, found: FoundPath | None, *, content: bool) -> None:
    path = entry.path
    if entry.kind == "absent":
        path.unlink()
        return
    uid, gid = _uid(entry.owner, check=False), _gid(entry.group, check=False)
    if not content:
        _give(path, uid, gid, entry.mode)
        return
    if found is not None and entry.kind == "folder":
        raise FileRefused(f"{path}: is there, and is no folder")
    if found is not None and found.kind in {"folder", "other"}:
        raise FileRefused(f"{path}: is there, and is no file")
    _parents(path.parent)
    if entry.kind == "folder":
        path.mkdir()
        _give(path, uid, gid, entry.mode)
    else:
        _replace(entry, uid, gid)


def _parents(folder: Path) -> None:
    if not folder.is_dir():
        _parents(folder.parent)
        folder.mkdir()
        folder.chmod(PARENT_MODE)


def _replace(entry: WantedPath, uid: int, gid: int) -> None:
    """Rename a checked candidate over the path. Its name begins with a dot: no daemon takes it for one of its files."""
    path = entry.path
    if entry.kind == "link":
        candidate = Path(tempfile.mktemp(prefix=".new-", dir=path.parent))  # noqa: S306 - symlink() fails on what is there
        candidate.symlink_to(os.fsdecode(entry.content))
        candidate.replace(path)
        return
    descriptor, name = tempfile.mkstemp(prefix=".new-", suffix=f"-{path.name}", dir=path.parent)
    candidate = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(entry.content)
            os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, entry.mode)
            file.flush()
            os.fsync(descriptor)
        _validate(entry, candidate)
        candidate.replace(path)
    finally:
        candidate.unlink(missing_ok=True)


def _validate(entry: WantedPath, candidate: Path) -> None:
    if not entry.validate:
        return
    words = [word.replace("%s", str(candidate)) for word in shlex.split(entry.validate)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:
        raise FileRefused(f"{entry.path}: this host has no program {words[0]!r} to check it with") from None
    if done.returncode != 0:
        said = (done.stderr + done.stdout).strip()[-2000:]
        reason = "what it said is not shown, the file is secret" if entry.secret else said
        raise FileRefused(f"{entry.path}: refused by `{entry.validate}` (exit {done.returncode}): {reason}")


def _put_back(path: Path, found: FoundPath | None) -> None:
    """As it was before this run. A folder that was made stays, it harms nobody."""
    if found is None:
        if path.is_symlink() or path.is_file():
            path.unlink()
        return
    if found.kind == "folder":
        _give(path, found.uid, found.gid, found.mode)
        return
    before = WantedPath(path, found.kind, "", "", found.mode, found.content, validate="", keep=False, secret=True)
    _replace(before, found.uid, found.gid)


def main() -> None:
    """Read the request on standard input, print the answer. An unforeseen error shows no content: it holds none."""
    print(json.dumps(apply(json.load(sys.stdin))))


if __name__ == "__main__":
    main()
