"""Writing the registry: all its files or none, whatever stops it, and one writer at a time.

    with exclusive(folder):                    others wait; what an interrupted writer left is settled
        registry = registry.load(folder)
        ...
        write(folder, changed)

The new texts are written and synced in `.staging` inside the folder; its rename to `.decided` is the moment
of decision. From then on the files only move to their places, which `recover` does as well as `write`: a
writer killed before the decision has written nothing, one killed after it everything. A disk that is full
is noticed before the decision. Names with a leading dot are no part of a registry (see folder.py).

The lock is flock(2) on the folder itself, so that no lock file lies about and a dead writer holds none.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hanam_mail import atomic_file
from hanam_mail.errors import InputError, Problem
from hanam_mail.registry.model import Registry
from hanam_mail.registry.writing import canonical

_STAGING, _DECIDED = ".staging", ".decided"
_MANIFEST = "manifest.json"
_held: set[Path] = set()  # folders this process locked: flock of a second descriptor would wait for the first


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the registry in `folder` as its one writer, after what an interrupted writer left was settled.

    May be nested. Raises InputError when the folder cannot be written.
    """
    key = folder.resolve()
    if key in _held:
        yield
        return
    with _lock(folder, fcntl.LOCK_EX):
        try:
            recover(folder)
        except OSError as error:
            raise InputError([_failure(folder, error)]) from error
        _held.add(key)
        try:
            yield
        finally:
            _held.discard(key)


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Hold the registry in `folder` as one of its readers: no writer moves files meanwhile."""
    if folder.resolve() in _held:
        yield
        return
    while True:
        with _lock(folder, fcntl.LOCK_SH):
            # Asked under the lock: a writer may decide, and die, while this one waits for it.
            if not (folder / _DECIDED).exists():
                yield
                return
        with exclusive(folder):
            pass


def write(folder: Path, registry: Registry) -> list[Path]:
    """Make the folder hold exactly this registry in its canonical form; returns the files that changed.

    The registry is expected to be free of problems. Raises InputError when it could not be written: the
    folder is then as it was, or, if the disk failed after the decision, the next call completes it.
    """
    with exclusive(folder):
        texts = {file.relative_to(folder): text for file, text in canonical.texts(registry, folder).items()}
        replaced = {name: text for name, text in texts.items() if _text(folder / name) != text}
        removed = sorted({file.relative_to(folder) for file in files(folder)} - texts.keys())
        if not replaced and not removed:
            return []
        try:
            _stage(folder, replaced, removed)
        except OSError as error:
            if (folder / _STAGING).exists():
                _discard(folder / _STAGING)
            raise InputError([_failure(folder, error)]) from error
        try:
            recover(folder)
        except OSError as error:
            raise InputError([_failure(folder, error)]) from error
        return sorted(folder / name for name in (*replaced, *removed))


def recover(folder: Path) -> None:
    """Complete what a writer had decided, drop what it had not. Call it as the one writer."""
    decided, staging = folder / _DECIDED, folder / _STAGING
    if staging.exists():
        _discard(staging)
    if not decided.exists():
        return
    manifest = json.loads((decided / _MANIFEST).read_text(encoding="utf-8"))
    for name in manifest["replaced"]:
        if (decided / name).exists():
            os.makedirs((folder / name).parent, exist_ok=True)  # noqa: PTH103
            os.rename(decided / name, folder / name)  # noqa: PTH104
    for name in manifest["removed"]:
        if (folder / name).exists():
            os.unlink(folder / name)  # noqa: PTH108
    for place in sorted({folder, *((folder / name).parent for name in manifest["replaced"])}):
        atomic_file.sync(place)
    # Back under the first name it is rubbish to whoever finds it: nothing decided is left to do.
    os.rename(decided, staging)  # noqa: PTH104
    _discard(staging)


def files(folder: Path) -> Iterator[Path]:
    """The registry's files that lie in the folder."""
    yield from folder.glob("[!.]*.yml")
    yield from folder.glob("requests/[!.]*.yml")


def _stage(folder: Path, replaced: dict[Path, str], removed: list[Path]) -> None:
    staging = folder / _STAGING
    os.mkdir(staging)  # noqa: PTH102
    for name, text in replaced.items():
        os.makedirs((staging / name).parent, exist_ok=True)  # noqa: PTH103
        atomic_file.create(staging / name, text.encode(), like=_mode(folder / name))
    manifest = {"replaced": sorted(map(str, replaced)), "removed": sorted(map(str, removed))}
    atomic_file.create(staging / _MANIFEST, json.dumps(manifest).encode())
    for place in sorted({staging, *((staging / name).parent for name in replaced)}):
        atomic_file.sync(place)
    os.rename(staging, folder / _DECIDED)  # noqa: PTH104
    atomic_file.sync(folder)


def _discard(folder: Path) -> None:
    for inner, _, names in os.walk(folder, topdown=False):
        for name in names:
            os.unlink(Path(inner) / name)  # noqa: PTH108
        os.rmdir(inner)  # noqa: PTH106


@contextmanager
def _lock(folder: Path, kind: int) -> Iterator[None]:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise InputError([Problem(str(folder), 0, "", f"không mở được thư mục: {error.strerror}")]) from error
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _text(file: Path) -> str | None:
    """What the file holds, its line ends as they are."""
    return file.read_bytes().decode("utf-8") if file.exists() else None


def _mode(file: Path) -> int | None:
    """The permissions of the file that is replaced, None for a new one."""
    return file.stat().st_mode if file.exists() else None


def _failure(folder: Path, error: OSError) -> Problem:
    if any((folder / name).exists() for name in (_DECIDED, _STAGING)):
        text = "lần ghi trước hoặc này chưa đặt hết tệp vào chỗ; lần chạy sau sẽ làm nốt"
    else:
        text = "không ghi được, sổ đăng ký giữ nguyên như cũ"
    return Problem(str(folder), 0, "", f"{text}: {error.strerror}")
