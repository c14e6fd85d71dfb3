"""What the service asks of the accounts database, each question a transaction (sql/functions/7[45]_held*.sql)."""

import json
import threading
from typing import Any

from hanam_mail.host.database.session import Row, Session
from hanam_mail.host.quarantine.release import DueRelease, ReleaseOutcome


class InDoubtError(Exception):
    """The connection ended in the middle: whether the database has done it nobody knows."""


class QuarantineAccounts:
    """The database, on a connection that is made anew after a failure. Threads take turns."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._session: Session | None = None
        self._turn = threading.Lock()

    def _rows(self, question: str, *values: Any) -> list[Row]:
        import psycopg

        with self._turn:
            try:
                if self._session is None:
                    self._session = psycopg.connect(
                        self._dsn, application_name="hanam-quarantine", connect_timeout=10, autocommit=True
                    )
                return self._session.execute(question, values or None).fetchall()
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                before, self._session = self._session, None
                if before is None:
                    raise
                before.close()
                # With a number it is the server's own refusal.
                if error.sqlstate:
                    raise
                raise InDoubtError(str(error)) from error

    def take(self, record: dict[str, Any]) -> tuple[int, bool]:
        """Take a message in; its number, and whether anybody's copy waits."""
        texts = [json.dumps(record[part], ensure_ascii=False) for part in ("message", "recipients")]
        ((number, waits),) = self._rows("SELECT id, waits FROM mail.held_take(%s, %s)", *texts)
        return int(number), bool(waits)

    def known(self, names: set[str]) -> set[str]:
        """Those of the files that have a row."""
        return {row[0] for row in self._rows("SELECT mail.held_known(%s)", sorted(names))}

    def awaited(self) -> dict[str, int]:
        """The files that there should be, with their messages' numbers."""
        return {file: number for number, file in self._rows("SELECT id, file FROM mail.held_files()")}

    def lost(self, number: int) -> None:
        self._rows("SELECT mail.held_lost(%s)", number)

    def found(self, names: set[str]) -> None:
        """These are there: none of them is lost, and one whose message was decided is to be erased again."""
        self._rows("SELECT mail.held_found(%s)", sorted(names))

    def erasable(self) -> list[tuple[int, str]]:
        """Messages that nobody waits for any more, with their files."""
        return [(number, file) for number, file in self._rows("SELECT id, file FROM mail.held_erasable()")]

    def erased(self, number: int) -> None:
        self._rows("SELECT mail.held_erased(%s)", number)

    def due(self) -> list[DueRelease]:
        """What is to go out now."""
        return [
            DueRelease(*row)
            for row in self._rows("SELECT id, file, sha256, sender, envelope, tries, recipients FROM mail.held_due()")
        ]

    def sending(self, number: int, addresses: list[str]) -> bool:
        """The last word before it goes."""
        return bool(self._rows("SELECT mail.held_sending(%s, %s)", number, addresses)[0][0])

    def result(self, number: int, outcome: ReleaseOutcome) -> None:
        """What came of it."""
        self._rows(
            "SELECT mail.held_result(%s, %s, %s, %s, %s, %s)", number, outcome.delivered, outcome.queued_as,
            json.dumps(outcome.refused), json.dumps(outcome.later), outcome.doubted,
        )  # fmt: skip

    def lessons(self) -> list[tuple[int, str, str]]:
        """What is to teach the filter now: numbers, files, digests."""
        return [(int(row[0]), row[1], row[2]) for row in self._rows("SELECT id, file, sha256 FROM mail.held_lessons()")]

    def taught(self, number: int, *, learnt: bool) -> str:
        """Whether the filter has learnt it; what became of the lesson."""
        return str(self._rows("SELECT mail.held_taught(%s, %s)", number, learnt)[0][0])

    def interrupted(self) -> int:
        """What was on its way when the last run ended is a doubt; how many messages."""
        return int(self._rows("SELECT mail.held_interrupted()")[0][0])
