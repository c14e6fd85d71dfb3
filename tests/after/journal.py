"""What hosts write down as a warning or worse, and what of it is known."""

import json
from collections.abc import Iterator

from tests.lab import Lab

# Only here: nspawn's hosts have no such rights or devices.
ON_THESE_HOSTS = (r"systemd .*Couldn't add UID/GID reference",)


def lines(lab: Lab, host: str) -> Iterator[str]:
    """'<identifier> <message>' of everything at warning or above since boot."""
    for line in lab.run(
        host, "journalctl --sync; journalctl --no-pager --output=json --priority=warning --boot"
    ).splitlines():
        entry = json.loads(line)
        yield f"{entry.get('SYSLOG_IDENTIFIER', '?')} {entry['MESSAGE']}"
