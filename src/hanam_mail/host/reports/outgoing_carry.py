"""Brings the files of what reports will tell (outgoing_spool.py) to the accounts database, each once.

The database knows the name of each file that it took: one that is brought again, since it could not be removed or the
host went down in between, counts nothing. A file goes once the database has it.
"""

import json
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hanam_mail.host.database.session import Session, one
from hanam_mail.host.reports import outgoing_dmarc_row, outgoing_spool, outgoing_tls_row
from hanam_mail.host.reports.outgoing_rows import DMARC, TLS

FITS: dict[str, outgoing_spool.Fits] = {DMARC: outgoing_dmarc_row.fits, TLS: outgoing_tls_row.fits}
# What is being written is renamed within seconds.
UNFINISHED_SECONDS = 3600.0

log = logging.getLogger("hanam-dmarc-carry")


@dataclass
class Carried:
    """What a run did with one kind. `damaged`: lines, or whole files. `left`: files that should be gone."""

    files: int = 0
    messages: int = 0
    lost: int = 0
    damaged: int = 0
    left: int = 0


def carry(kind: str, folder: Path, connection: Session) -> Carried:
    """Bring all files for that kind of reports; OperationalError when the database is away: then what is left stays."""
    import psycopg

    done = Carried()
    if not folder.exists():
        # What counts there was not deployed yet.
        return done
    for path in outgoing_spool.waiting(folder):
        try:
            _carry_one(kind, path, connection, done)
        except psycopg.OperationalError:
            raise
        except psycopg.DatabaseError as error:
            # Not the last word: with the next release of the functions it may be taken.
            log.error("%s is not taken: %s", path.name, str(error).splitlines()[0])
            done.left += 1
        except OSError as error:
            log.error("%s cannot be read or removed: %s", path.name, error)
            done.left += 1
    _remove_unfinished(folder)
    return done


def _carry_one(kind: str, path: Path, connection: Session, done: Carried) -> None:
    found = outgoing_spool.read(path, FITS[kind])
    with connection.transaction():
        taken = one(
            connection,
            "SELECT mail.outgoing_take(%s, %s, %s::jsonb, %s)",
            [kind, path.name, json.dumps(found.lines), found.lost + found.damaged],
        )[0]
    path.unlink()
    if taken:
        done.files += 1
        done.messages += sum(line["messages"] for line in found.lines)
        done.lost += found.lost
        done.damaged += found.damaged


def _remove_unfinished(folder: Path) -> None:
    """Of a process that died while it wrote."""
    for path in folder.glob(f"*{outgoing_spool.UNFINISHED}"):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime > UNFINISHED_SECONDS:
                path.unlink()
