"""A database of the project's own shape to try statements in: what psql would print, one text to compare."""

import select

import psycopg
from psycopg import pq

from tests.database.server import Server


class StatementError(AssertionError):
    """What the database answers to a statement that it refuses."""


class Database:
    """One database of the server. Each role has a connection of its own, opened when it is first asked for."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self._connections: dict[str, psycopg.Connection] = {}

    def conninfo(self, role: str = "postgres") -> str:
        """How a program reaches it as a role."""
        return self.server.conninfo(self.name, role)

    def connect(self, role: str = "postgres") -> psycopg.Connection:
        """A new connection, for whoever must not share one."""
        return psycopg.connect(self.conninfo(role), autocommit=True)

    def run(self, statements: str, role: str = "postgres") -> str:
        """Run statements as a role and return their rows: fields between bars, as psql -qtAX prints them."""
        connection = self._connections.get(role)
        if connection is None or connection.closed:
            connection = self._connections[role] = self.connect(role)
        return printed(connection, statements)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


def _next(raw: pq.abc.PGconn) -> pq.abc.PGresult | None:
    """The next result. Waited for here: the library would let no other thread run meanwhile."""
    while raw.is_busy():
        select.select([raw.socket], [], [])
        raw.consume_input()
    return raw.get_result()


def printed(connection: psycopg.Connection, statements: str) -> str:
    """All rows of all statements, sent in one piece; a transaction that an error left open is rolled back."""
    raw = connection.pgconn
    raw.send_query(statements.encode())
    lines: list[str] = []
    complaint = ""
    while result := _next(raw):
        if result.status == pq.ExecStatus.FATAL_ERROR:
            complaint = result.error_message.decode()
        for row in range(result.ntuples):
            fields = (result.get_value(row, column) or b"" for column in range(result.nfields))
            lines.append(b"|".join(fields).decode())
        if raw.status != pq.ConnStatus.OK:
            break
    if raw.status == pq.ConnStatus.OK and raw.transaction_status == pq.TransactionStatus.INERROR:
        raw.exec_(b"rollback")
    if complaint:
        raise StatementError(complaint)
    return "".join(f"{line}\n" for line in lines)
