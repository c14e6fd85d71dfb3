"""What hosts write down as a warning or worse, and what of it is known."""

import json
from collections.abc import Iterator

from tests.lab import Lab

ON_THESE_HOSTS = (
    # nspawn's hosts have no such rights or devices.
    r"systemd .*Couldn't add UID/GID reference",
    # A busy machine gives a host no processor for a moment. A clock that was set is off by more.
    r"dovecot \S+ Warning: Time moved forward by 0\.\d+ seconds",
)


def lines(lab: Lab, host: str) -> Iterator[str]:
    """'<identifier> <message>' of everything at warning or above since boot."""
    for line in lab.run(
        host, "journalctl --sync; journalctl --no-pager --output=json --priority=warning --boot"
    ).splitlines():
        entry = json.loads(line)
        yield f"{entry.get('SYSLOG_IDENTIFIER', '?')} {entry['MESSAGE']}"
