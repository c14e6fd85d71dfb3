"""What the mail filter tells, carried to the accounts database: who wanted to send a virus, mail of private services.

The filter, which knows no PostgreSQL, puts each at the end of a list in Redis. A report leaves the list when the
database has it, so that nothing is lost when either is away; what is counted twice after a crash does little harm. One
that the database refuses goes to a second list, where it keeps nothing else from being carried.
"""

import json
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from hanam_mail.host.database.session import Session, one

KEYS = frozenset({"socket", "password", "viruses", "services"})
# Of the release before: a new program runs with its settings until the deployment has come as far as the agent.
FORMER_KEYS = frozenset({"socket", "password", "list"})
_TIMEOUT = 5.0

log = logging.getLogger("hanam-agent")


class Redis:
    """As much of a Redis client as this needs."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._answers = connection.makefile("rb")

    def ask(self, *words: str) -> str | None:
        """One command; OSError for an error of Redis or of the connection."""
        parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
        self._connection.sendall(f"*{len(words)}\r\n{''.join(parts)}".encode())
        line = self._answers.readline()
        kind, text = line[:1], line[1:].strip()
        if kind == b"$":
            return None if text == b"-1" else self._answers.read(int(text) + 2)[:-2].decode("utf-8", "replace")
        if kind not in (b"+", b":"):
            raise OSError(f"Redis: {text.decode() or 'no answer'}")
        return text.decode()


@contextmanager
def connect(settings: Mapping[str, str]) -> Iterator[Redis]:
    """A session with the filter's Redis."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT)
        connection.connect(settings["socket"])
        redis = Redis(connection)
        redis.ask("AUTH", settings["password"])
        yield redis


def carry_viruses(redis: Redis, name: str, database: Session) -> list[str]:
    """Tell the database of every login in the list; those that it locked for it."""
    locked = []

    def tell(login: str) -> None:
        if one(database, "SELECT mail.virus_sent(%s)", [login])[0]:
            locked.append(login)

    _carry(redis, name, tell)
    return locked


def carry_services(redis: Redis, name: str, database: Session) -> None:
    """Tell the database of mail of social networks and shops (Đ4.4): {"service": domain, "to": [addresses]}."""

    def tell(report: str) -> None:
        told = json.loads(report)
        one(database, "SELECT mail.private_service_mail(%s, %s::text[])", [told["service"], told["to"]])

    _carry(redis, name, tell)


def _carry(redis: Redis, name: str, tell: Callable[[str], None]) -> None:
    """Tell the reports of a list one by one.

    OperationalError when the database is away or cannot do it now: then all stays where it is.
    """
    import psycopg

    while (report := redis.ask("LINDEX", name, "0")) is not None:
        try:
            tell(report)
        except psycopg.OperationalError:
            raise
        except (psycopg.DatabaseError, ValueError, LookupError, TypeError) as error:
            # As JSON in ASCII a report cannot make a line of its own.
            log.error("%s in %s is not told, see the list %s: %s", json.dumps(report), name, f"{name}:refused", error)
            redis.ask("LMOVE", name, f"{name}:refused", "LEFT", "RIGHT")
            continue
        redis.ask("LPOP", name)
