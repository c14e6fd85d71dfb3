"""Writing the registry: all its files or none, whatever stops it, and one writer at a time.

    with exclusive(folder):                    others wait; what an interrupted writer left is settled
        registry = registry.load(folder)
        ...
        write(folder, changed)

The new texts are written and synced in `.staging` inside the folder; its rename to `.decided` is the moment
of decision. From then on the files only move to their places, which `recover` does as well as `write`: a
writer killed before the decision has written nothing, one killed after it everything. A disk that is full
and a folder that takes no file are noticed before the decision: nobody could complete it. Names with a
leading dot are no part of a registry (see folder.py).

The lock is flock(2) on the folder itself, so that no lock file lies about and a dead writer holds none.
"""

import errno
import fcntl
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hanam_mail import atomic_file
from hanam_mail.errors import InputError, Problem
from hanam_mail.registry.folder import NO_LINK, REQUESTS
from hanam_mail.registry.model import Registry
from hanam_mail.registry.writing import canonical

_STAGING, _DECIDED = ".staging", ".decided"
_MANIFEST = "manifest.json"
_TRIAL = ".trial"  # what is moved into a folder, to see whether it takes files
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
        _refuse_links(folder, [*replaced, *removed])
        try:
            _stage(folder, replaced, removed)
        except OSError as error:
            with suppress(OSError):  # the next writer drops it, or says why it cannot
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
    with suppress(OSError):
        os.unlink(folder / REQUESTS / _TRIAL)  # noqa: PTH108
    _discard(staging)
    if not decided.exists():
        return
    replaced, removed = _manifest(decided)
    _refuse_links(folder, replaced)
    for name in replaced:
        if (decided / name).exists():
            os.makedirs((folder / name).parent, exist_ok=True)  # noqa: PTH103
            os.rename(decided / name, folder / name)  # noqa: PTH104
    for name in removed:
        if (folder / name).exists():
            os.unlink(folder / name)  # noqa: PTH108
    for place in sorted({folder, *((folder / name).parent for name in replaced)}):
        atomic_file.sync(place)
    # Back under the first name it is rubbish to whoever finds it: nothing decided is left to do.
    os.rename(decided, staging)  # noqa: PTH104
    with suppress(OSError):  # all is written; the next writer drops it, or says why it cannot
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
    _try_places(folder, [*replaced, *removed])
    os.rename(staging, folder / _DECIDED)  # noqa: PTH104
    atomic_file.sync(folder)


def _try_places(folder: Path, names: Iterable[Path]) -> None:
    """Raise OSError where the files cannot go to their places, or from them: another's folder, another disk."""
    files = [folder / name for name in names]
    for place in sorted({file.parent for file in files}):
        if place != folder:  # which has taken .staging
            os.makedirs(place, exist_ok=True)  # noqa: PTH103
            atomic_file.create(folder / _STAGING / _TRIAL, b"")
            os.replace(folder / _STAGING / _TRIAL, place / _TRIAL)  # noqa: PTH105
            os.unlink(place / _TRIAL)  # noqa: PTH108
        status, user = place.stat(), os.geteuid()
        if not status.st_mode & stat.S_ISVTX or user in (0, status.st_uid):
            continue
        for file in files:  # of such a folder only a file's owner may replace it
            if file.parent == place and file.exists() and file.stat().st_uid != user:
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(file))


def _refuse_links(folder: Path, names: Iterable[Path]) -> None:
    """What goes through a linked folder is written somewhere else."""
    for place in sorted({(folder / name).parent for name in names} - {folder}):
        if place.is_symlink():
            raise InputError([Problem(str(place), 0, "", NO_LINK)])


def _manifest(decided: Path) -> tuple[list[Path], list[Path]]:
    """The files to be replaced and removed. Whoever made the folder, none of them lies outside the registry."""
    try:
        manifest = json.loads((decided / _MANIFEST).read_text(encoding="utf-8"))
        replaced, removed = ([Path(name) for name in manifest[key]] for key in ("replaced", "removed"))
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        replaced, removed = [Path()], []
    for name in (*replaced, *removed):
        if name.parent not in (Path(), Path(REQUESTS)) or name.suffix != ".yml" or name.name.startswith("."):
            text = "không phải lần ghi dở của hanam-mail: xem trong đó có gì cần giữ, rồi xóa thư mục này"
            raise InputError([Problem(str(decided), 0, "", text)])
    return replaced, removed


def _discard(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        os.unlink(folder)  # noqa: PTH108 - what a link leads to is not ours
        return
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
    if (folder / _DECIDED).exists():
        text = (
            f"lần ghi này hoặc lần trước chưa đặt hết tệp vào chỗ: {error.strerror}; mở quyền ghi hoặc dọn chỗ trống "
            "cho thư mục này rồi chạy hanam-mail check, việc ghi sẽ được làm nốt, không nhập lại"
        )
    else:
        text = f"không ghi được, sổ đăng ký giữ nguyên như cũ: {error.strerror}"
    return Problem(str(_place(folder, error)), 0, "", text)


def _place(folder: Path, error: OSError) -> Path:
    """The folder that would not take or give a file: of the two of a move the one that cannot be written."""
    named = [Path(name).parent for name in (error.filename2, error.filename) if isinstance(name, str | os.PathLike)]
    closed = [place for place in named if place.exists() and not os.access(place, os.W_OK)]
    place = (closed or named or [folder])[0]
    while not place.exists():  # inside of .staging, which is gone
        place = place.parent
    return place
