"""Reads one document in a process of its own (confined.py)."""

import os

from hanam_mail.host.extract import confined, reader
from hanam_mail.host.extract.confined import ReadingOutcome
from hanam_mail.host.extract.work import End, Limits, Refused, Work

__all__ = ["ReadingOutcome", "convert"]


def convert(document: int, limits: Limits) -> ReadingOutcome:
    """Read the file that the descriptor has open. Takes no longer than the limits say. Raises OSError: no process."""
    return confined.run(lambda: _read(document, limits), limits, document)


def _read(document: int, limits: Limits) -> tuple[str, bytes]:
    work = Work(limits)
    try:
        size = os.fstat(document).st_size
        end, reason = reader.read(os.pread(document, size, 0), work)
        return f"{end} {reason}".strip(), work.text()
    except Refused as refused:
        return f"{refused.end} {refused.reason}".strip(), b""
    except MemoryError:
        del work
        return f"{End.LIMIT} memory", b""
