"""A session with the database, and a question that always has one row for an answer.

psycopg is imported where a connection is made, never at the head of a module: what needs no database starts without it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hanam_mail.host import places

if TYPE_CHECKING:
    import psycopg

# The operators' role and that of the jobs, on the accounts host itself.
APPLY_DSN = f"host={places.ACCOUNTS_SOCKET_FOLDER} dbname=mail user=mail_apply"
JOBS_DSN = f"host={places.ACCOUNTS_SOCKET_FOLDER} dbname=mail user=mail_jobs"
# Of every session of the superuser: what somebody planted in schema public must not run as the superuser.
OWN_PATH = "-c search_path=pg_catalog,pg_temp"

type Row = tuple[Any, ...]
type Session = psycopg.Connection[Row]


def one(session: Session, question: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Row:
    """The row that the question answers with; one without an answer is a fault of the program."""
    row = session.execute(question, values or None).fetchone()
    if row is None:
        raise LookupError(f"no row answers {question}")
    return row
