"""The folder of held messages: NAME.eml, the octets as they came, and NAME.json, what the database is told of them.

The message is written, flushed and renamed before the database hears of it, so a row has its file. Both names are made
of the queue's number, the sender and the octets: a message that comes again is written to the same place. NAME.json
makes a row again that the database has lost; without NAME.eml it means nothing.
"""

import errno
import hashlib
import io
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from hanam_mail import atomic_file
from hanam_mail.host.quarantine import letter
from hanam_mail.host.quarantine.envelope import Envelope

_MODE = 0o640
_PIECE = 262144
# Octets that stay free: the accounts database may lie on the same disk. Mail waits in the queue meanwhile.
RESERVE = 2 * 2**30
# Of spam there may be any amount: it leaves as much again for what has to be held, and goes to Junk (junk.py).
RESERVE_OF_SPAM = 2 * RESERVE
# Octets of a message in memory, where the disk takes none: its head says whether it is spam, and larger spam is not
# held (rspamd_held_spam_octets). AT_ONCE of them fit into the unit's memory (service.py).
IN_MEMORY = 6 * 2**20


class NoRoomError(OSError):
    """Too little room is left for a message of its kind; "" where the kind is not known yet."""

    def __init__(self, kind: str = "") -> None:
        super().__init__(errno.ENOSPC, "too little room is left for held messages")
        self.kind = kind


class Draft:
    """A message on its way into the folder; without a folder it is in memory alone, and can only be handed on."""

    def __init__(self, folder: Path | None) -> None:
        self.path = folder / f".{secrets.token_hex(16)}" if folder else None
        self.octets = 0
        self._digest = hashlib.sha256()
        if self.path is None:
            self._file: BinaryIO = io.BytesIO()
        else:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE)
            self._file = os.fdopen(descriptor, "w+b", buffering=0)

    def add(self, octets: bytes) -> None:
        """More of it. OSError where there is no room."""
        if self.path is None and self.octets + len(octets) > IN_MEMORY:
            raise NoRoomError
        rest = memoryview(octets)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]
        self._digest.update(octets)
        self.octets += len(octets)

    @property
    def sha256(self) -> str:
        """Of all that came."""
        return self._digest.hexdigest()

    def finish(self) -> letter.Head:
        """Write it down to the disk; what its head says."""
        if self.path is not None:
            os.fsync(self._file.fileno())
        self._file.seek(0)
        return letter.read(self._file)

    def pieces(self) -> Iterator[bytes]:
        """All that came, from its beginning."""
        self._file.seek(0)
        while octets := self._file.read(_PIECE):
            yield octets

    def drop(self) -> None:
        """What was not kept goes."""
        self._file.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


class Store:
    """The folder. One process alone works in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path in folder.glob(".*"):
            # Of messages that were never whole: the queue that handed them over has them.
            if path.is_file():
                path.unlink()

    def draft(self) -> Draft:
        """A new message; in memory where too little room is left."""
        return Draft(self.folder if self._has(RESERVE) else None)

    def _has(self, octets: int) -> bool:
        room = os.statvfs(self.folder)
        return room.f_bavail * room.f_frsize >= octets

    def keep(
        self, draft: Draft, message: Envelope, arrived: datetime, *, needed: bool = False
    ) -> tuple[dict[str, Any], bool]:
        """Put a whole message in its place; the record that the database is told, {"message", "recipients"}.

        And whether it was not there before. NoRoomError where too little room is left for its kind; spam that is
        `needed` has as much as other kinds.
        """
        head, name = draft.finish(), name_of(draft, message)
        fresh = not self.message(name).exists()
        # What lies there takes no more room, and is not to go another way as well.
        if fresh and (draft.path is None or (head.kind == "spam" and not needed and not self._has(RESERVE_OF_SPAM))):
            raise NoRoomError(head.kind)
        recipients = message.as_dicts()
        record: dict[str, Any] = {
            "message": {
                "file": name,
                "queue_id": message.queue_id,
                "sha256": draft.sha256,
                "sender": message.sender,
                "envelope": message.options,
                "octets": draft.octets,
                "arrived_at": arrived.isoformat(),
                **asdict(head),
            },
            "recipients": recipients,
        }
        before = None if fresh else self.record(name)
        if before:
            # Handed over again, perhaps for some of its receivers only.
            had = {each["address"] for each in before["recipients"]}
            before["recipients"] += [each for each in recipients if each["address"] not in had]
            record = before
        self._write(name, record)
        if draft.path is not None:
            draft.path.rename(self.message(name))
        atomic_file.sync(self.folder)
        return record, fresh

    def _write(self, name: str, record: dict[str, Any]) -> None:
        draft = self.folder / f".{secrets.token_hex(16)}"
        try:
            atomic_file.create(draft, json.dumps(record, ensure_ascii=False).encode(), mode=_MODE)
            draft.rename(self._record_path(name))
        finally:
            draft.unlink(missing_ok=True)

    def message(self, name: str) -> Path:
        """Where the octets of that name are, or would be."""
        return self.folder / f"{name}.eml"

    def _record_path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def record(self, name: str) -> dict[str, Any] | None:
        """What the database was told of it; None where there is nothing that can be read."""
        with suppress(OSError, ValueError):
            found = json.loads(self._record_path(name).read_bytes())
            if isinstance(found, dict):
                return found
        return None

    def names(self) -> set[str]:
        """Of all messages that are there."""
        return {path.stem for path in self.folder.glob("*.eml")}

    def erase(self, name: str) -> None:
        """Remove a message; the octets first, since what is left without them means nothing."""
        self.message(name).unlink(missing_ok=True)
        self._record_path(name).unlink(missing_ok=True)
        atomic_file.sync(self.folder)

    def sweep(self) -> None:
        """Remove records whose message is gone."""
        for path in self.folder.glob("*.json"):
            if not self.message(path.stem).exists():
                path.unlink()


def name_of(draft: Draft, message: Envelope) -> str:
    """What a message is called here: the same when it comes again, for whichever of its receivers."""
    mark = "\0".join((message.queue_id, message.sender, draft.sha256))
    return hashlib.sha256(mark.encode()).hexdigest()[:32]


def pieces(path: Path, sha256: str) -> Iterator[bytes]:
    """The octets of a message; ValueError at the end when they are not those that came."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while octets := file.read(_PIECE):
            digest.update(octets)
            yield octets
    if digest.hexdigest() != sha256:
        raise ValueError(f"{path}: không còn nguyên vẹn / not what it was")
