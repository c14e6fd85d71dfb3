"""The database side of apply: what the accounts are, and a plan carried out in the caller's transaction.

Rows travel as one JSON text per table, both ways: psycopg in pure Python takes seconds for 20,000 of them. Only
what the plan touches is written, by MERGE, so that one change costs what one change is.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from hanam_mail.host.database import writers
from hanam_mail.host.database.session import Session, one
from hanam_mail.plan.accounts import (
    AbsencePeriod,
    Accounts,
    Address,
    AgencyAccount,
    MailboxAccount,
    RestoreByCommand,
    RuntimeLock,
)
from hanam_mail.plan.compare import plan
from hanam_mail.plan.model import Allowed, Limit, Plan

# In the order of the fields of plan.accounts.
_AGENCY = ("id", "kind", "name", "code", "document_system", "withheld")
_MAILBOX = (
    "id", "kind", "agency_id", "name", "quota_bytes", "state", "shard", "document", "post", "withheld", "phone",
)  # fmt: skip


def current(connection: Session) -> Accounts:
    """What the database has."""

    def rows(table: str, *columns: str) -> list[list[Any]]:
        row = f"json_build_array({', '.join(columns)})"
        query = f"SELECT coalesce(json_agg({row}), '[]')::text FROM {table}"  # noqa: S608
        found: list[list[Any]] = json.loads(one(connection, query)[0])
        return found

    return Accounts(
        agencies={row[0]: AgencyAccount(*row) for row in rows("mail.agency", *_AGENCY)},
        mailboxes={row[0]: MailboxAccount(*row) for row in rows("mail.mailbox", *_MAILBOX)},
        addresses={
            name: Address(name, mailbox, kind, _day(begin), _day(until))
            for name, mailbox, kind, begin, until in rows(
                "mail.address", "local_part", "mailbox_id", "kind", "valid_from", "valid_until"
            )
        },
        clerks=frozenset((box, clerk) for box, clerk in rows("mail.mailbox_clerk", "mailbox_id", "clerk_id")),
        absences=frozenset(
            AbsencePeriod(mailbox, date.fromisoformat(begins), date.fromisoformat(ends), request)
            for mailbox, begins, ends, request in rows("mail.absence", "mailbox_id", "begins", "ends", "request")
        ),
        locks={
            mailbox: RuntimeLock(reason, date.fromisoformat(since), renewed)
            for mailbox, reason, since, renewed in rows(
                "mail.lock_state l LEFT JOIN mail.credential c USING (mailbox_id)",
                "mailbox_id",
                "l.reason",
                "l.locked_at::date",
                "coalesce(c.is_default AND c.given_at >= l.locked_at, false)",
            )
        },
        restored={
            mailbox: RestoreByCommand(command["document"], date.fromisoformat(command["on"]))
            for mailbox, command in rows(
                "mail.mailbox WHERE restored_by_command IS NOT NULL", "id", "restored_by_command"
            )
        },
        credentials=frozenset(row[0] for row in rows("mail.credential", "mailbox_id")),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


@contextmanager
def alone(connection: Session) -> Iterator[None]:
    """Wait until no other run of apply is under way; until the end of the block this is the only one.

    The lock is the session's, not a transaction's: a transaction's view is as old as its first question, so one that
    waited in it would not see what it waited for.
    """
    import psycopg

    connection.execute("SELECT pg_advisory_lock(hashtext('mail.apply'))")
    connection.commit()
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    try:
        yield
    finally:
        if not connection.closed:  # else the server has let go of it already
            connection.execute("SELECT pg_advisory_unlock(hashtext('mail.apply'))")
            connection.commit()


def begin(connection: Session) -> None:
    """What a run's transaction begins with: hashing a whole province takes longer than the server bears idleness."""
    connection.execute("SET LOCAL idle_in_transaction_session_timeout = '15min'")


def planned(
    connection: Session,
    want: Accounts,
    *,
    limit: Limit,
    allowed: Allowed,
) -> Plan:
    """The plan of this moment; days are those of the database's time zone, the province's."""
    today, domain = one(connection, "SELECT current_date, mail.setting_text('mail_domain')")
    return plan(
        current(connection),
        want,
        today,
        domain=domain,
        limit=limit,
        allowed=allowed,
    )


_STAGING = {
    "want_agency": "id text, kind text, name text, code text, document_system boolean, withheld text",
    "want_mailbox": "id text, kind text, agency_id text, name text, quota_bytes bigint, state text, shard int,"
    " document jsonb, post text, withheld text, phone text",
    "want_address": "local_part text, mailbox_id text, kind text, valid_from date, valid_until date",
    "want_clerk": "mailbox_id text, clerk_id text",
    "want_absence": "mailbox_id text, begins date, ends date, request text",
    "touched": "id text",
}

_MERGES = (
    """
    MERGE INTO mail.agency h USING want_agency w ON h.id = w.id
    WHEN NOT MATCHED THEN INSERT (id, kind, name, code, document_system, withheld)
        VALUES (w.id, w.kind, w.name, w.code, w.document_system, w.withheld)
    WHEN MATCHED THEN UPDATE SET kind = w.kind, name = w.name, code = w.code,
        document_system = w.document_system, withheld = w.withheld
    """,
    """
    MERGE INTO mail.mailbox h USING want_mailbox w ON h.id = w.id
    WHEN NOT MATCHED THEN INSERT (id, kind, agency_id, name, post, phone, withheld, quota_bytes, state, shard, document)
        VALUES (w.id, w.kind, w.agency_id, w.name, w.post, w.phone, w.withheld, w.quota_bytes, w.state, w.shard,
            w.document)
    WHEN MATCHED AND (h.agency_id, h.name, h.post, h.phone, h.withheld, h.quota_bytes, h.state, h.shard, h.document)
            IS DISTINCT FROM
            (w.agency_id, w.name, w.post, w.phone, w.withheld, w.quota_bytes, w.state, w.shard, w.document)
        THEN UPDATE SET agency_id = w.agency_id, name = w.name, post = w.post, phone = w.phone, withheld = w.withheld,
            quota_bytes = w.quota_bytes, state = w.state, shard = w.shard, document = w.document
    """,
    # Entries that vanished with the operator's word: there is no document, and the old one did not close it.
    """
    UPDATE mail.mailbox h SET state = 'revoked', document = jsonb_build_object('event', 'revoke', 'done', current_date)
    WHERE h.state <> 'revoked' AND h.id IN (SELECT id FROM touched EXCEPT SELECT id FROM want_mailbox)
    """,
    # Only one primary at a time: the old one steps down before the new one is written.
    """
    UPDATE mail.address h SET kind = 'alias' FROM want_address w
    WHERE h.local_part = w.local_part AND h.kind = 'primary' AND w.kind = 'alias'
    """,
    # When an alias begins is git's only where git says so.
    """
    MERGE INTO mail.address h USING want_address w ON h.local_part = w.local_part
    WHEN NOT MATCHED THEN INSERT (local_part, mailbox_id, kind, valid_from, valid_until)
        VALUES (w.local_part, w.mailbox_id, w.kind, coalesce(w.valid_from, current_date), w.valid_until)
    WHEN MATCHED AND (h.kind, h.valid_from, h.valid_until)
            IS DISTINCT FROM (w.kind, coalesce(w.valid_from, h.valid_from), w.valid_until)
        THEN UPDATE SET kind = w.kind, valid_from = coalesce(w.valid_from, h.valid_from), valid_until = w.valid_until
    """,
    """
    DELETE FROM mail.mailbox_clerk h
    WHERE h.mailbox_id IN (SELECT id FROM touched)
        AND NOT EXISTS (SELECT FROM want_clerk w WHERE w.mailbox_id = h.mailbox_id AND w.clerk_id = h.clerk_id)
    """,
    """
    INSERT INTO mail.mailbox_clerk (mailbox_id, clerk_id)
    SELECT w.mailbox_id, w.clerk_id FROM want_clerk w
    WHERE NOT EXISTS (
        SELECT FROM mail.mailbox_clerk h WHERE h.mailbox_id = w.mailbox_id AND h.clerk_id = w.clerk_id
    )
    """,
    """
    DELETE FROM mail.absence h
    WHERE h.mailbox_id IN (SELECT id FROM touched)
        AND NOT EXISTS (SELECT FROM want_absence w WHERE w.mailbox_id = h.mailbox_id AND w.begins = h.begins)
    """,
    """
    MERGE INTO mail.absence h USING want_absence w ON h.mailbox_id = w.mailbox_id AND h.begins = w.begins
    WHEN NOT MATCHED THEN INSERT (mailbox_id, begins, ends, request)
        VALUES (w.mailbox_id, w.begins, w.ends, w.request)
    WHEN MATCHED AND (h.ends, h.request) IS DISTINCT FROM (w.ends, w.request)
        THEN UPDATE SET ends = w.ends, request = w.request
    """,
)


def write(connection: Session, want: Accounts, todo: Plan) -> None:
    """Carry out a plan made in the same transaction, under `alone`; passwords are first_passwords.py's."""
    touched = {entry.id for entry in todo.entries}
    _stage(connection, want, touched)
    # An address that ended today is over at once: its last day was yesterday.
    connection.execute(
        "UPDATE mail.address SET kind = 'alias', valid_until = current_date - 1 WHERE local_part = ANY(%s)",
        [todo.closed],
    )
    for statement in _MERGES:
        connection.execute(statement)
    for mailbox in todo.lifted:
        writers.confirmed(
            connection,
            "SELECT mail.mailbox_restore(%s)",
            [mailbox],
            f"hộp thư {mailbox} không còn bị khóa nên không khôi phục được; chưa thay đổi gì",
        )
    if todo.followed:
        connection.execute("SELECT mail.restores_followed(%s)", [todo.followed])


def _stage(connection: Session, want: Accounts, touched: set[str]) -> None:
    mailboxes = [want.mailboxes[id_] for id_ in touched if id_ in want.mailboxes]
    tables: dict[str, Iterable[list[Any]]] = {
        "want_agency": (
            [a.id, a.kind, a.name, a.code, a.document_system, a.withheld]
            for a in (want.agencies[id_] for id_ in touched if id_ in want.agencies)
        ),
        "want_mailbox": (
            [m.id, m.kind, m.agency, m.name, m.quota_bytes, m.state, m.shard, m.document, m.post, m.withheld, m.phone]
            for m in mailboxes
        ),
        "want_address": (
            [a.local_part, a.mailbox, a.kind, a.begin, a.until] for a in want.addresses.values() if a.mailbox in touched
        ),
        "want_clerk": ([mailbox, clerk] for mailbox, clerk in want.clerks if mailbox in touched),
        "want_absence": ([a.mailbox, a.begins, a.ends, a.request] for a in want.absences if a.mailbox in touched),
        "touched": ([id_] for id_ in touched if id_ not in want.agencies),
    }
    for table, rows in tables.items():
        columns = _STAGING[table]
        names = [column.split()[0] for column in columns.split(", ")]
        text = json.dumps([dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False, default=str)
        connection.execute(f"CREATE TEMPORARY TABLE {table} ({columns}) ON COMMIT DROP")
        connection.execute(
            f"INSERT INTO {table} SELECT * FROM json_to_recordset(%s::json) AS r ({columns})",  # noqa: S608
            [text],
        )
        connection.execute(f"ANALYZE {table}")
