"""What was read from the registry's files before, kept by the hash of their content.

    cache = Cache(cache_folder(), seed)        seed: the value besides the text that the result depends on
    cache.get(text, file)                      the entries of that text, None when it was never read
    cache.put(text, entries)                   only for a text without a fault

A cache is never a truth: a file in it that is torn, old, altered or another user's is passed over, one that cannot
be written is done without. Each entry is one file, written beside and renamed, so that runs at the same time do
not meet. What was not used for a month is removed.
"""

import functools
import hashlib
import json
import os
import tempfile
import time
import types
import typing
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from hanam_mail.errors import Source
from hanam_mail.registry.model import Entry

# The modules that make entries of a text: entries.py and what it imports.
CODE = (
    "errors",
    "registry/__init__",
    "registry/cache",
    "registry/entries",
    "registry/events",
    "registry/fields",
    "registry/model",
    "registry/requests",
    "registry/sizes",
    "registry/yaml_faults",
    "regulation/__init__",
    "regulation/group_vars",
    "regulation/legacy_*",
    "regulation/naming/*",
    "regulation/provisions",
    "regulation/rule_judges",
    "regulation/rule_values",
)
_UNUSED_SECONDS = 30 * 24 * 3600
_STAMP_SECONDS = 24 * 3600
_DIGEST_OCTETS = 32


def cache_folder() -> Path:
    """Where programs of this user keep what they can make anew (XDG Base Directory)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "hanam-mail"


class Cache:
    """A folder of read files. `seed` is what the result depends on besides the text: the regulation."""

    def __init__(self, folder: Path | None, seed: object) -> None:
        self._folder = folder if folder is not None and _is_ours(folder) else None
        self._seed = hashlib.sha256(b"".join(_code()) + repr(_steady(seed)).encode()).digest()

    def get(self, text: str, file: str) -> list[Entry] | None:
        """The entries of that text, as read from `file`."""
        if self._folder is None:
            return None
        path = self._path(text)
        try:
            with path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                content = stream.read()
            digest, body = content[:_DIGEST_OCTETS], content[_DIGEST_OCTETS:]
            if status.st_uid != os.geteuid() or hashlib.sha256(self._seed + body).digest() != digest:
                return None
            entries = [_ENTRY(value, file) for value in json.loads(body)]
        except (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError):
            return None
        if status.st_mtime < time.time() - _STAMP_SECONDS:
            with suppress(OSError):
                os.utime(path)
        return entries

    def put(self, text: str, entries: Sequence[Entry]) -> None:
        """Keep the entries of that text."""
        if self._folder is None:
            return
        body = json.dumps([_encode(entry) for entry in entries], ensure_ascii=False, separators=(",", ":")).encode()
        # Not by atomic_file: thousands of files, none of which need reach the disk. What is torn has another digest.
        with suppress(OSError):
            descriptor, draft = tempfile.mkstemp(dir=self._folder, prefix=".")
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(hashlib.sha256(self._seed + body).digest() + body)
                Path(draft).replace(self._path(text))
            except OSError:
                Path(draft).unlink()
                raise

    def tidy(self) -> None:
        """Remove what was not used for a month."""
        if self._folder is None:
            return
        oldest = time.time() - _UNUSED_SECONDS
        with suppress(OSError):
            for file in os.scandir(self._folder):
                if file.stat(follow_symlinks=False).st_mtime < oldest:
                    Path(file.path).unlink(missing_ok=True)

    def _path(self, text: str) -> Path:
        folder = self._folder or Path()
        return folder / hashlib.sha256(self._seed + text.encode()).hexdigest()


def _is_ours(folder: Path) -> bool:
    """Whether the folder is there, this user's own and closed to all others."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _code() -> list[bytes]:
    package = Path(__file__).parents[1]
    return [file.read_bytes() for name in CODE for file in sorted(package.glob(f"{name}.py"))]


def _steady(value: Any) -> Any:
    """The value as one that is written the same way by every process: sets and tables have an order."""
    if is_dataclass(value):
        return [type(value).__name__, [_steady(getattr(value, field.name)) for field in fields(value)]]
    if isinstance(value, Mapping):
        return sorted((str(key), _steady(each)) for key, each in value.items())
    if isinstance(value, Set):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_steady(each) for each in value]
    return value


def _encode(value: Any) -> Any:
    """Plain lists for JSON: a value of model.py is [its class, [its fields]]; dates and enums are their texts."""
    if isinstance(value, Source):
        return [value.line, dict(value.fields)]
    if is_dataclass(value):
        return [type(value).__name__, [_encode(getattr(value, field.name)) for field in fields(value)]]
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


@functools.cache
def _decoder(hint: Any) -> Callable[[Any, str], Any]:
    """The way back from the lists of `_encode` for a value of that type, given the file it belongs to."""
    if isinstance(hint, typing.TypeAliasType):
        return _decoder(hint.__value__)
    if hint is Source:
        return lambda value, file: Source(file, *value)
    if is_dataclass(hint) or isinstance(hint, types.UnionType):
        return _choice([part for part in typing.get_args(hint) or (hint,) if part is not types.NoneType])
    if typing.get_origin(hint) is tuple:
        item = _decoder(typing.get_args(hint)[0])
        return lambda value, file: tuple([item(each, file) for each in value])
    if hint is date:
        return lambda value, _: date.fromisoformat(value)
    return (lambda value, _: hint(value)) if issubclass(hint, StrEnum) else lambda value, _: value


def _choice(kinds: list[Any]) -> Callable[[Any, str], Any]:
    """A value of one of these types, or None."""
    if not all(is_dataclass(kind) for kind in kinds):
        (only,) = map(_decoder, kinds)
        return lambda value, file: None if value is None else only(value, file)
    makers = {kind.__name__: (kind, _field_decoders(kind)) for kind in kinds}

    def decode(value: Any, file: str) -> Any:
        if value is None:
            return None
        kind, decoders = makers[value[0]]
        return kind(*[decoder(each, file) for decoder, each in zip(decoders, value[1], strict=True)])

    return decode


def _field_decoders(kind: Any) -> list[Callable[[Any, str], Any]]:
    hints = typing.get_type_hints(kind)
    return [_decoder(hints[field.name]) for field in fields(kind)]


_ENTRY = _decoder(Entry)
