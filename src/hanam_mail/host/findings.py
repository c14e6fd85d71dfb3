"""What a program without rights found, left in a file for role watch (watch/looks.py, findings) and its next run."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hanam_mail import atomic_file
from hanam_mail.host import places

FOUND = places.FINDINGS_NAME
"""Its name, in $STATE_DIRECTORY."""


@dataclass(frozen=True)
class DnsFinding:
    """One thing that the operator has to mend. `place`: the name and type of the records."""

    place: str
    cause: str
    text: str
    mail: bool = False


@dataclass
class DnsLook:
    """What a look left for the next one, and for role watch.

    `complete`: when all questions were answered last; `silent`: those that were not, this time; `seen`: since when
    each TLSA record is known to be there, in seconds since 1970, by its data; `ttl`: how long one may be remembered;
    `unheard`: how many looks, one after the other, had no answer at all.
    """

    complete: float
    silent: list[str] = field(default_factory=list)
    found: list[DnsFinding] = field(default_factory=list)
    seen: dict[str, float] = field(default_factory=dict)
    ttl: int = 0
    unheard: int = 0

    @classmethod
    def read(cls, path: Path, now: float) -> "DnsLook":
        """That of the look before; a new one counts from now. So does one that cannot be read."""
        try:
            values = json.loads(path.read_text())
            return cls(**{**values, "found": [DnsFinding(**each) for each in values["found"]]})
        except (OSError, ValueError, KeyError, TypeError):
            return cls(complete=now)

    def write(self, path: Path) -> None:
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"
        atomic_file.write(path, text.encode())
