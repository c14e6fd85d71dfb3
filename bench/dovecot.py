"""Let the lab's Dovecot run with a few other lines of its configuration for a while."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.lab import Lab

FILE = "/etc/dovecot/dovecot.conf"
NOT_INDEXING = {"fts_autoindex = yes": "fts_autoindex = no"}
"""What is delivered meanwhile waits for a search."""
NO_INDEX = {"  fts = yes": "  fts = no", "  fts_flatcurve = yes": "  fts_flatcurve = no"}
"""No process knows of an index of search. A plugin is switched off as `doveadm -o mail_plugins/fts=no` does it."""
NO_SIEVE = {"    sieve = yes": "    sieve = no"}
"""A delivery runs no script, neither the host's own nor a person's."""
_BEGUN = 2.0
"""Seconds until the processes of before a reload take no more questions."""


def exchanged(text: str, lines: Mapping[str, str]) -> str:
    """The text with whole lines exchanged. Each must be there exactly once: else something else would be measured."""
    found = text.splitlines()
    for line, other in lines.items():
        if found.count(line) != 1:
            raise ValueError(f"{found.count(line)} lines of {FILE} are {line!r}")
        found[found.index(line)] = other
    return "\n".join(found) + "\n"


@contextmanager
def changed(lab: Lab, lines: Mapping[str, str]) -> Iterator[None]:
    """Run with these lines instead; afterwards with those of before, whatever happened."""
    before = lab.remote("mailstore").run(f"cat {FILE}").output
    other = exchanged(before.decode(), lines).encode()
    try:
        _reload(lab, other)
        yield
    finally:
        _reload(lab, before)


def _reload(lab: Lab, text: bytes) -> None:
    done = lab.remote("mailstore").run(f"cat > {FILE} && doveconf -n > /dev/null && systemctl reload dovecot", text)
    if done.code:
        raise RuntimeError(done.complaint.decode(errors="replace"))
    time.sleep(_BEGUN)
