"""Reads letters that bring reports, each in a process with limits, and lays down what they say: `hanam-reports-read`.

Postfix lays letters into MAIL, a Maildir. What is read goes into STATE/ready as JSON of ours, from which
hanam-reports-load takes it; this program has no network and no database. Letters that were refused though their sender
is proven stay in STATE/refused for a while, for whoever wants to know why.
"""

import hashlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hanam_mail import atomic_file
from hanam_mail.host.extract import confined
from hanam_mail.host.extract.work import End, Limits, Refused, Work
from hanam_mail.host.reports import incoming_letter, incoming_tls
from hanam_mail.host.service import say

LIMITS = Limits(
    octets=48 * 2**20,
    text=16 * 2**20,
    seconds=20,
    processor=10,
    memory=512 * 2**20,
    unpacked=64 * 2**20,
    parts=1000,
    depth=2,
)
"""Of one letter: its octets and what they unpack to, and what its process may take."""
WAITING, WAITING_OCTETS = 5000, 512 * 2**20
"""Letters that may wait; what came later is dropped and counted."""
READY, READY_OCTETS = 20_000, 512 * 2**20
"""Documents that may wait for the database; beyond it letters stay where they are."""
RUN_SECONDS = 900
ABANDONED = 36 * 3600
"""Seconds after which a letter that is not whole never will be (maildir(5))."""
FAULTS = 3
"""A domain whose letters broke so many readers in a run is not read any more in it."""
KEPT, KEPT_OCTETS = 100, 64 * 2**20
"""Of refused letters, the newest."""
# Ends that cost the reader all that it has.
_DEAR = (End.LIMIT,)


def main(arguments: Sequence[str] | None = None) -> int:
    """MAIL STATE."""
    mail, state = (Path(each) for each in (sys.argv[1:] if arguments is None else arguments))
    ReportReader(mail, state).run()
    return 0


class ReportReader:
    """One run over what lies there."""

    def __init__(self, mail: Path, state: Path, limits: Limits = LIMITS) -> None:
        self.mail, self.ready, self.refused = mail, state / "ready", state / "refused"
        self._limits = limits
        self._faults = Counter[str]()
        self._laid = 0

    def run(self) -> None:
        """Read what has come; what there is no time or room for waits for the next run."""
        deadline = time.monotonic() + RUN_SECONDS
        self._sweep()
        sizes = [path.stat().st_size for path in self.ready.iterdir()]
        room, self._laid = READY - len(sizes), sum(sizes)
        waiting = list(self._waiting())
        self._drop(waiting[WAITING:])
        octets = 0
        for number, letter in enumerate(waiting[:WAITING]):
            octets += letter.stat().st_size
            if octets > WAITING_OCTETS:
                self._drop(waiting[number:WAITING])
                break
            if time.monotonic() > deadline or number >= room or self._laid >= READY_OCTETS:
                say(4, f"{len(waiting) - number} letters with reports wait: the database is away, or many have come")
                break
            self._take(letter)

    def _waiting(self) -> Iterator[Path]:
        """The oldest first, by the names that Postfix gives."""
        for folder in ("cur", "new"):
            yield from sorted(path for path in (self.mail / folder).iterdir() if path.is_file())

    def _sweep(self) -> None:
        """What Postfix began and a loss of power ended; it lays the letter down anew."""
        for path in (self.mail / "tmp").iterdir():
            if time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()

    def _drop(self, letters: Sequence[Path]) -> None:
        if not letters:
            return
        self._lay(letters[0].name, {"refused": "overflow", "number": len(letters)})
        for letter in letters:
            letter.unlink()
        say(4, f"{len(letters)} letters with reports were dropped unread: more came than can be read")

    def _take(self, letter: Path) -> None:
        """Read one letter. It goes when what it says lies on the disk; one that is read twice lies there once."""
        content = letter.read_bytes()
        sender = incoming_letter.sender(content)
        document: dict[str, Any]
        if sender is None:
            # The filter marks all that comes from outside: where it does not, every report would be lost unheard.
            document = {"refused": "unmarked"}
        elif not sender.proven:
            document = {"refused": "unproven", "sender": sender.domain}
        elif self._faults[sender.domain] >= FAULTS:
            document = {"refused": "too many faults", "sender": sender.domain}
        else:
            document = self._read(content, sender)
        if "refused" in document and (sender is None or sender.proven):
            self._keep(letter.name, content)
        self._lay(letter.name, document)
        letter.unlink()

    def _read(self, content: bytes, sender: incoming_letter.ReportSender) -> dict[str, Any]:
        outcome = confined.run(lambda: _work(content, self._limits), self._limits)
        if outcome.end is End.WHOLE:
            report = json.loads(outcome.text)
            if report["kind"] == incoming_tls.KIND and not sender.signed:
                return {"refused": "unsigned", "sender": sender.domain}
            return {"sender": sender.domain, "report": report}
        if outcome.end in _DEAR or outcome.reason == "reader":
            self._faults[sender.domain] += 1
        return {"refused": str(outcome.end), "detail": outcome.reason, "sender": sender.domain}

    def _lay(self, name: str, document: dict[str, Any]) -> None:
        path = self.ready / f"{hashlib.sha256(os.fsencode(name)).hexdigest()}.json"
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        octets = json.dumps(document).encode("ascii")
        self._laid += len(octets)
        atomic_file.create(draft, octets)
        draft.rename(path)
        atomic_file.sync(self.ready)

    def _keep(self, name: str, content: bytes) -> None:
        """For a while, and no more than there is room for."""
        (self.refused / name).write_bytes(content)
        size = number = 0
        for path in sorted(self.refused.iterdir(), key=lambda each: each.stat().st_mtime_ns, reverse=True):
            number, size = number + 1, size + path.stat().st_size
            if number > KEPT or size > KEPT_OCTETS:
                with suppress(FileNotFoundError):
                    path.unlink()


def _work(content: bytes, limits: Limits) -> tuple[str, bytes]:
    """In the process with limits: how it ended, and the report."""
    try:
        return str(End.WHOLE), incoming_letter.as_text(incoming_letter.read(content, Work(limits)))
    except Refused as refused:
        return f"{refused.end} {refused.reason}".strip(), b""
    except RecursionError:
        return f"{End.LIMIT} depth", b""
    except MemoryError:
        return f"{End.LIMIT} memory", b""


if __name__ == "__main__":
    sys.exit(main())
