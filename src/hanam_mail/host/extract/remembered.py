"""What was just read of documents: a circular brings the same one to thousands; marks and search both ask for it.

Shared by the processes of all connections, in memory that their readers do not have (confined.py). A text is found by
the document's octets alone, so nobody learns what he does not have already.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from hanam_mail.host.extract.confined import ReadingOutcome
from hanam_mail.host.extract.work import End

OCTETS = 2**19
"""The longest text that is kept, with how its reading ended."""
# Whose: SHA-256 of the document. Then when it was last asked for, in numbers of questions; for how long a text it was
# read; the length of what is kept of it.
_ENTRY = struct.Struct("<32sQQQ")
_NOBODY = (b"\0" * 32, 0, 0, 0)
# Not what a limit ended, or a reader's death: the next one may have more time.
_LASTING = {End.WHOLE, End.PARTIAL, End.CUT, End.ENCRYPTED, End.UNKNOWN}
_MOMENTARY = {str(End.LIMIT), str(End.BROKEN)}


class KeptTexts:
    """The outcomes of so many readings; who was not asked for the longest goes first."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._file = os.memfd_create("remembered", os.MFD_CLOEXEC)
        os.ftruncate(self._file, number * (_ENTRY.size + OCTETS))

    def find(self, digest: bytes, most: int) -> ReadingOutcome | None:
        """What a reading that gives so many octets of text at most would find in the document."""
        with self._alone():
            entries = self._entries()
            for place, (whose, _, limit, length) in enumerate(entries):
                if whose != digest or not length:
                    continue
                head, _, text = os.pread(self._file, length, self._start(place)).partition(b"\n")
                end, _, reason = head.decode("ascii").partition(" ")
                if limit != most and (end == End.CUT or len(text) > most):
                    continue
                self._write(place, (digest, self._now(entries), limit, length))
                return ReadingOutcome(End(end), reason, text)
        return None

    def keep(self, digest: bytes, most: int, outcome: ReadingOutcome) -> None:
        """Note what a reading with that limit found, if it would be found again."""
        octets = f"{outcome.end} {outcome.reason}".rstrip().encode("ascii", "replace") + b"\n" + outcome.text
        lasting = outcome.end in _LASTING and not _MOMENTARY & set(outcome.reason.split(", "))
        if not lasting or len(octets) > OCTETS or not self._number:
            return
        with self._alone():
            entries = self._entries()
            place = min(range(self._number), key=lambda each: (entries[each][0] != digest, entries[each][1]))
            # Whoever is killed between these leaves an entry of nobody.
            self._write(place, _NOBODY)
            os.pwrite(self._file, octets, self._start(place))
            self._write(place, (digest, self._now(entries), most, len(octets)))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, 0)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, 0)

    def _entries(self) -> list[tuple[bytes, int, int, int]]:
        octets = os.pread(self._file, self._number * _ENTRY.size, 0)
        return [(whose, when, limit, length) for whose, when, limit, length in _ENTRY.iter_unpack(octets)]

    def _write(self, place: int, entry: tuple[bytes, int, int, int]) -> None:
        os.pwrite(self._file, _ENTRY.pack(*entry), place * _ENTRY.size)

    def _start(self, place: int) -> int:
        return self._number * _ENTRY.size + place * OCTETS

    @staticmethod
    def _now(entries: list[tuple[bytes, int, int, int]]) -> int:
        return max((when for _, when, _, _ in entries), default=0) + 1
