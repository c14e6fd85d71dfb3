"""Writing one file of results: the whole new text or the former file, whatever stops the writer.

    write(path, data)                       replaces the file
    with placed(path, data): ...            as much as can fail is done before the block, the rename after it

The data goes into a draft beside the file, synced; its rename decides. The registry itself, many files at once, is
store.py's affair; `create` and `sync` are what both are made of.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hanam_mail.errors import InputError, Problem


def write(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace the file at `path`; `mode` are its permissions, by default those it has or new files get.

    Raises InputError, one sentence, when it cannot be; the former file stands then as it was.
    """
    with placed(path, data, mode=mode):
        pass


@contextmanager
def placed(path: Path, data: bytes, *, mode: int | None = None) -> Iterator[None]:
    """Write a draft now, put it in place when the block ends, drop it when the block fails. Raises as `write` does."""
    target = Path(os.path.realpath(path))
    try:
        kind = target.stat().st_mode if target.exists() else None
        if kind is not None and not stat.S_ISREG(kind):  # a pipe, a terminal: nothing to replace
            yield
            target.write_bytes(data)
            return
        draft = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}")
        create(draft, data, mode=0o666 if mode is None else mode, like=kind if mode is None else None)
    except OSError as error:
        raise _failure(path, error) from error
    try:
        yield
        try:
            os.rename(draft, target)  # noqa: PTH104
            sync(target.parent)
        except OSError as error:
            raise _failure(path, error) from error
    finally:
        draft.unlink(missing_ok=True)


def create(draft: Path, data: bytes, *, mode: int = 0o666, like: int | None = None) -> None:
    """Write a new file down to the disk, with the permissions `like` of the file it replaces if there is one.

    Raises OSError; there is no such file then.
    """
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            if like is not None:
                os.fchmod(descriptor, stat.S_IMODE(like))
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def sync(folder: Path) -> None:
    """Write a folder's names down to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failure(path: Path, error: OSError) -> InputError:
    return InputError([Problem(str(path), 0, "", f"không ghi được: {error.strerror}")])
