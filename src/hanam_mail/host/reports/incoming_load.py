"""Brings into the database what was read of reports: `hanam-reports-load DSN READY`.

Each document is a transaction of its own, and its file goes when that is committed: a run that is killed brings the
same once more, which the database knows. With the database away everything stays, and the unit fails.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanam_mail.host.service import say

if TYPE_CHECKING:
    import psycopg

MOST_OCTETS = 32 * 2**20
NOTE = "SELECT mail.report_note(%s, %s)"
REFUSE = "SELECT mail.report_refuse(%s, %s, %s, %s)"


def main(arguments: Sequence[str] | None = None) -> int:
    """DSN READY."""
    import psycopg

    dsn, ready = sys.argv[1:] if arguments is None else arguments
    files = sorted(Path(ready).glob("*.json"))
    if not files:
        return 0
    try:
        with psycopg.connect(dsn, application_name="hanam-reports-load", autocommit=True) as connection:
            for file in files:
                bring(connection, file)
    except psycopg.OperationalError as error:
        left = sum(1 for file in files if file.exists())
        say(3, f"{left} documents of reports wait for the database: {' '.join(str(error).split())}")
        return 1
    return 0


def bring(connection: "psycopg.Connection", file: Path) -> str:
    """One document; how it was taken."""
    import psycopg

    try:
        document = json.loads(file.read_bytes()) if file.stat().st_size <= MOST_OCTETS else {"refused": "size"}
        answer = _bring(connection, document)
    except (ValueError, TypeError, KeyError, psycopg.DataError, psycopg.IntegrityError) as error:
        # What cannot be taken now cannot be taken ever.
        say(4, f"{file.name} is no document of a report: {str(error).strip().partition(chr(10))[0]}")
        connection.execute(REFUSE, ["unreadable", 1, "", ""])
        answer = "unreadable"
    file.unlink()
    return answer


def _bring(connection: "psycopg.Connection", document: dict[str, Any]) -> str:
    if "report" in document:
        answer = connection.execute(NOTE, [document["sender"], json.dumps(document["report"])]).fetchone()
        return str(answer[0]) if answer else ""
    reason, number = str(document["refused"]), int(document.get("number", 1))
    connection.execute(REFUSE, [reason, number, str(document.get("sender", "")), str(document.get("detail", ""))])
    return reason


if __name__ == "__main__":
    sys.exit(main())
