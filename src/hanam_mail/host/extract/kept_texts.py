"""What was just read of documents: a circular brings the same one to thousands; marks and search both ask for it.

The processes of all connections share it, in memory that their readers do not have (confined.py). A text is found by
the document's octets alone. How soon an answer comes tells whoever has them that somebody else had them lately.
"""

import os
import struct
import time
from contextlib import suppress

from hanam_mail.host.extract.confined import ReadingOutcome
from hanam_mail.host.extract.slots import Shared
from hanam_mail.host.extract.work import End, Limits

OCTETS = 2**19
"""The longest text that is kept, with how its reading ended."""
SECONDS = 600.0
"""Nothing stays that nobody asked for within so many."""
# Whose: SHA-256 of the document. Then when it was last asked for (time.monotonic), the seconds of a processor that its
# reading had, and the length of what is kept of it.
_ENTRY = struct.Struct("<32sdQQ")
type _Entry = tuple[bytes, float, int, int]
_NOBODY: _Entry = (bytes(32), 0.0, 0, 0)
# What another reading finds as well. Of a text that was cut nobody knows what a limit took of it besides.
_LASTING = {End.WHOLE, End.PARTIAL, End.ENCRYPTED, End.UNKNOWN}
_MOMENTARY = {str(End.LIMIT), str(End.BROKEN)}


class KeptTexts(Shared):
    """The outcomes of so many readings; who was not asked for the longest goes first."""

    def __init__(self, number: int) -> None:
        super().__init__("texts", number * (_ENTRY.size + OCTETS))
        self._number = number

    def find(self, digest: bytes, limits: Limits) -> ReadingOutcome | None:
        """What a reading with these limits would find in the document, if one with no lower ones has found it."""
        with suppress(OSError), self._alone():
            for place, (whose, _, processor, length) in enumerate(self._entries()):
                if whose != digest or not length or processor < limits.processor:
                    continue
                octets = os.pread(self._file, length, self._start(place))
                head, _, text = octets.partition(b"\n")
                end, _, reason = head.decode("ascii").partition(" ")
                if len(octets) < length or len(text) > limits.text:
                    return None
                self._note(place, (digest, time.monotonic(), processor, length))
                return ReadingOutcome(End(end), reason, text)
        return None

    def keep(self, digest: bytes, limits: Limits, outcome: ReadingOutcome) -> None:
        """Note what a reading with these limits found, if it would be found again."""
        octets = f"{outcome.end} {outcome.reason}".rstrip().encode("ascii", "replace") + b"\n" + outcome.text
        lasting = outcome.end in _LASTING and not _MOMENTARY & set(outcome.reason.split(", "))
        if not lasting or len(octets) > OCTETS or not self._number:
            return
        # Without room for it, it is read again.
        with suppress(OSError), self._alone():
            entries = self._entries()
            place = min(range(self._number), key=lambda each: (entries[each][0] != digest, entries[each][1]))
            # Nothing stays of a longer text that was there. Who is killed meanwhile, or has no room, leaves nobody's.
            whole = octets.ljust(entries[place][3], b"\0")
            self._note(place, _NOBODY)
            if os.pwrite(self._file, whole, self._start(place)) == len(whole):
                self._note(place, (digest, time.monotonic(), limits.processor, len(octets)))

    def forget(self) -> None:
        """Wipe what nobody has asked for lately."""
        with suppress(OSError), self._alone():
            for place, (_, when, _, length) in enumerate(self._entries()):
                if length and time.monotonic() - when > SECONDS:
                    self._note(place, _NOBODY)
                    os.pwrite(self._file, bytes(length), self._start(place))

    def _entries(self) -> list[_Entry]:
        octets = os.pread(self._file, self._number * _ENTRY.size, 0)
        return [(whose, when, processor, length) for whose, when, processor, length in _ENTRY.iter_unpack(octets)]

    def _note(self, place: int, entry: _Entry) -> None:
        os.pwrite(self._file, _ENTRY.pack(*entry), place * _ENTRY.size)

    def _start(self, place: int) -> int:
        return self._number * _ENTRY.size + place * OCTETS
