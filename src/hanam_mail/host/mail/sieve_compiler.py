"""Asks Dovecot's compiler whether it still takes a stored Sieve script (sieve_check.py)."""

import hashlib
import json
import re
import subprocess
import tempfile
from pathlib import Path

from hanam_mail import atomic_file
from hanam_mail.host.output import rows

SIEVEC = Path("/usr/bin/sievec")
_PROBE_SECONDS = 20
_NOT_TAKEN = "Dovecot không đọc được nữa ({why}), nên không quy tắc nào trong đó được thực hiện."
# What it says of the one file that it is given.
_ERROR = re.compile(r"rule: (?:line (\d+): )?error: (.*)")
_INCLUDED = re.compile(r"included personal script '([^']*)' does not exist\.")


class Compiler:
    """Dovecot's own, and which texts it took before: it is asked for new ones, and for all after an upgrade.

    `away`: why it cannot be asked at all, since it does not even take what is right.
    """

    def __init__(self, configuration: Path, memory: Path) -> None:
        self._configuration, self._memory = configuration, memory
        self._number, self._taken, self._seen = "", set[str](), set[str]()
        self.away = ""
        try:
            self._begin()
        except (OSError, subprocess.TimeoutExpired) as error:
            self.away = plain(str(error), 200)

    def _begin(self) -> None:
        program = SIEVEC.stat()
        self._number = f"{program.st_mtime_ns} {program.st_size} {_digest(self._configuration.read_bytes())}"
        try:
            left = json.loads(self._memory.read_bytes())
            if left["compiler"] == self._number:
                self._taken = set(map(str, left["taken"]))
        except (OSError, ValueError, KeyError, TypeError):
            # There is none yet, or nobody can read it.
            pass
        if wrong := self._compile(b"keep;\n", _PROBE_SECONDS):
            raise OSError(f"{SIEVEC}: {wrong[0][1]}")

    def fault(self, text: bytes, beside: set[str], seconds: float) -> str:
        """Why it does not take the text, "" if it does. `beside`: names of the mailbox's scripts, which it may include.

        OSError or TimeoutExpired if nobody knows.
        """
        if self.away:
            raise OSError(self.away)
        digest = _digest(text)
        if digest not in self._taken:
            wrong = self._compile(text, seconds)
            # Each is compiled alone, so what it includes is not there.
            real = [each for each in wrong if not ((gone := _INCLUDED.fullmatch(each[1])) and gone[1] in beside)]
            if real:
                line, why = real[0]
                return _NOT_TAKEN.format(why=(f"dòng {line}: " if line else "") + plain(why, 200))
            if wrong:
                return ""
        self._seen.add(digest)
        return ""

    def _compile(self, text: bytes, seconds: float) -> list[tuple[str, str]]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rule.sieve"
            file.write_bytes(text)
            done = subprocess.run(
                [SIEVEC, "-c", self._configuration, file],
                capture_output=True, text=True, errors="replace", check=False, timeout=seconds,
            )  # fmt: skip
        if done.returncode == 0:
            return []
        found = [(each[1] or "", each[2]) for line in rows(done.stderr) if (each := _ERROR.match(line))]
        if not found:
            raise OSError(f"{SIEVEC}: {plain(done.stderr.strip() or str(done.returncode), 200)}")
        # "validation failed." comes last and is of no line.
        return [each for each in found if each[0]] or found

    def remember(self, *, whole: bool) -> None:
        """Keep what it took; what was not seen is gone, if the whole store was looked at."""
        taken = self._seen if whole else self._seen | self._taken
        text = json.dumps({"compiler": self._number, "taken": sorted(taken)})
        atomic_file.write(self._memory, text.encode("ascii"), mode=0o600)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]


def plain(text: str, most: int = 64) -> str:
    """What somebody else chose, as a part of one line."""
    return "".join(each if each.isprintable() else "?" for each in text[:most]) + ("…" if len(text) > most else "")
