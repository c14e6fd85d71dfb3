"""How long a job that asks the accounts database every two minutes bears that nobody answers."""

import time
from pathlib import Path

PATIENCE = 600.0
"""Seconds without an answer of the database that are no fault yet: it is started again, or restored, now and then."""
_SINCE = "unanswered"


def answered(runtime: Path) -> None:
    """Forget since when it does not answer. Raises OSError."""
    (runtime / _SINCE).unlink(missing_ok=True)


def unanswered(runtime: Path) -> float:
    """Seconds since a run first heard nothing. `runtime` ends with the host: a boot begins anew. Raises OSError."""
    path = runtime / _SINCE
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return max(0.0, time.time() - path.stat().st_mtime)
    return 0.0
