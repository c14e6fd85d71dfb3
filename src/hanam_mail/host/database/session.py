"""A session with the database, and a question that always has one row for an answer.

psycopg is imported where a connection is made, never at the head of a module: what needs no database starts without it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# The operators' role, on the accounts host itself.
APPLY_DSN = "host=/run/postgresql dbname=mail user=mail_apply"
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
