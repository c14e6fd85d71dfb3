"""Several writers of the accounts at once: apply, the operator's commands, the jobs.

Apply reads all accounts, hashes for seconds and then writes. Its transaction is repeatable read: where somebody else
changed a row in between, the database refuses the write (a serialization failure), and apply begins anew with what is
true now. An operator's command holds the row of its one mailbox from before it looks until its commit. So neither acts
on what the other has just changed, and a lock in an emergency waits for neither of them. The nightly job takes the
rows of the mailboxes that it locks, and waits for apply, before it looks whether to (sql/functions/92_life_cycle.sql).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import Session, one

TRIES = 5
_CAME_BETWEEN = ("40001", "40P01")  # serialization_failure, deadlock_detected


def repeated[**Given, Result](work: Callable[Given, Result]) -> Callable[Given, Result]:
    """Decorates a function that is a whole transaction: it is done anew when another writer came between."""

    @wraps(work)
    def tried(*arguments: Given.args, **options: Given.kwargs) -> Result:
        for left in reversed(range(TRIES)):
            try:
                return work(*arguments, **options)
            except Exception as error:
                if getattr(error, "sqlstate", None) not in _CAME_BETWEEN:
                    raise
                if not left:
                    raise DatabaseError(
                        f"sau {TRIES} lần thử vẫn có lệnh khác thay đổi cùng dữ liệu; chưa thay đổi gì, hãy chạy lại"
                    ) from error
        raise AssertionError("there is a last try")

    return tried


def hold(connection: Session, address: str) -> None:
    """Until the transaction ends no other writer changes the mailbox, nor its password or lock by way of a command."""
    connection.execute("SELECT FROM mail.mailbox m WHERE m.id = mail.resolve(%s) FOR NO KEY UPDATE OF m", [address])


def confirmed(connection: Session, question: str, values: list[Any], refusal: str) -> None:
    """Call a function that answers whether it did its work; DatabaseError with `refusal` when it did not."""
    row = one(connection, question, values)
    if not row[0]:
        raise DatabaseError(refusal)
