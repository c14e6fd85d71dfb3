#!/usr/bin/python3
# {{ ansible_managed }}
"""Upkeep of every repository below the folder: `hanam-backup-maintain prune|check`.

Run by hanam-backup-maintain@.service, which gives folder, options and password. Lines that begin with <3> are
errors in the journal.
"""

import datetime as dt
import json
import os
import re
import subprocess
import sys
from pathlib import Path

CLOCKS_DIFFER = dt.timedelta(hours=1)


def restic(repository: Path, *arguments: str) -> str:
    """What restic printed. Whoever holds a lock (a running backup) is waited for."""
    done = subprocess.run(
        ["/usr/bin/restic", "--repo", str(repository), "--retry-lock", "2h", *arguments],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"restic {arguments[0]}: exit {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def refuse_future(repository: Path) -> None:
    """What is kept counts from the newest snapshot: one with a time to come would make all others too old.

    No honest client makes one, so a person has to look before anything is forgotten.
    """
    latest = dt.datetime.now(dt.UTC) + CLOCKS_DIFFER
    for snapshot in json.loads(restic(repository, "snapshots", "--json", "--no-lock")):
        # Nanoseconds are more than Python reads.
        time = dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", snapshot["time"]))
        if time > latest:
            raise RuntimeError(f"snapshot {snapshot['short_id']} is from the future ({time}): nothing is forgotten")


def prune(repository: Path) -> None:
    refuse_future(repository)
    options = os.environ["MAINTAIN_PRUNE"].split()
    print(restic(repository, "forget", "--prune", "--group-by", "host,tags", "--quiet", *options))


def check(repository: Path) -> None:
    print(restic(repository, "check", "--cleanup-cache", *os.environ["MAINTAIN_CHECK"].split()))


def main() -> int:
    action = {"prune": prune, "check": check}[sys.argv[1]]
    failed = 0
    for config in sorted(Path(os.environ["MAINTAIN_ROOT"]).glob("*/*/config")):
        repository = config.parent
        print(f"{sys.argv[1]} {repository}", flush=True)
        try:
            action(repository)
        except RuntimeError as error:
            print(f"<3>{sys.argv[1]} of {repository} failed: {error}", flush=True)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
