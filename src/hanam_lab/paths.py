"""Where the lab keeps what it makes. All of it is outside the repository and removed by `make down`."""

from pathlib import Path

CACHE = Path("/var/cache/hanam-mail")
"""Slow things, keyed by content: base trees, package archives."""

STATE = Path("/var/lib/hanam-mail/labs")
"""One folder per running lab: overlay layers, keys, process ids, the generated inventory."""

REPOSITORY = Path(__file__).resolve().parents[2]
