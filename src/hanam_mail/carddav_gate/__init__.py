"""The gate before the address book by CardDAV: nginx asks it at each request whether who asks may read (auth_request).

A WSGI program for its own user. The database decides (`mail.carddav_sign_in`, with the client's address); this program
reads the name and the password of Basic (RFC 7617) and turns the answer into a status:

    204  he may read
    401  nobody's password, or not heard
    403  the password is right and opens nothing; X-Reason says why, as IMAP does
    503  the database does not answer: no program shall ask its owner for another password

Programs send the password with each of their requests, dozens in one synchronisation. Who was let in is remembered for
a minute, as a digest under a key of this process, so that each costs no hash of a password.

Runs on the hosts with Debian's gunicorn and psycopg.
"""

import base64
import binascii
import hashlib
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

CONFIGURATION = Path("/etc/hanam-mail/carddav-gate.json")
_QUESTION = "SELECT result, reason FROM mail.carddav_sign_in(%s, %s, %s)"
_STATUS = {"open": "204 No Content", "refused": "401 Unauthorized", "shut": "403 Forbidden"}
_AWAY = "503 Service Unavailable"
_MOST_REMEMBERED = 10_000

type GateQuery = Callable[[str, list[str]], list[tuple[Any, ...]]]
"""Runs a statement and returns its rows; raises GateUnavailable."""
type StartResponse = Callable[[str, list[tuple[str, str]]], object]


class GateUnavailable(Exception):
    """The accounts database cannot be asked now."""


@dataclass(frozen=True, slots=True)
class CarddavGateConfiguration:
    """What the role writes for the gate. `realm` is what a program shows above the field of the password, in ASCII."""

    conninfo: str
    realm: str
    remembered_seconds: float

    @classmethod
    def read(cls, path: Path) -> "CarddavGateConfiguration":
        """The configuration in a JSON file; raises ValueError, TypeError or OSError when it is none."""
        return cls(**json.loads(path.read_text("utf-8")))


def connected(conninfo: str) -> GateQuery:
    """A GateQuery that connects for each statement: a restart of the database harms none."""
    import psycopg

    def query(statement: str, values: list[str]) -> list[tuple[Any, ...]]:
        try:
            # Values travel beside the statement, so that no log of the database has them.
            with psycopg.connect(conninfo, connect_timeout=5, application_name="carddav-gate") as connection:
                rows: list[tuple[Any, ...]] = connection.execute(statement, values).fetchall()
                return rows
        except psycopg.Error as error:
            # The class alone: a message may repeat what was sent.
            raise GateUnavailable(type(error).__name__) from None

    return query


@dataclass
class Remembered:
    """Who was let in of late."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _until: dict[bytes, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def _digest(self, asked: list[str]) -> bytes:
        return hashlib.blake2b("\0".join(asked).encode(), key=self.key).digest()

    def knows(self, asked: list[str]) -> bool:
        """Whether the same was let in a short while ago."""
        with self._lock:
            return self._until.get(self._digest(asked), 0.0) > self.clock()

    def keep(self, asked: list[str]) -> None:
        """Remember it, and forget what is over."""
        with self._lock:
            now = self.clock()
            if len(self._until) >= _MOST_REMEMBERED:
                self._until = {digest: until for digest, until in self._until.items() if until > now}
            if len(self._until) < _MOST_REMEMBERED:
                self._until[self._digest(asked)] = now + self.seconds


def typed(header: str) -> tuple[str, str] | None:
    """Name and password of an Authorization header; None for another scheme, or none of both."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, found, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    # PostgreSQL knows no NUL. It must not become a name, or a password, that is one.
    name, password = (text.replace("\0", "\N{REPLACEMENT CHARACTER}") for text in (name.strip(), password))
    return (name, password) if found and name and password else None


def create(
    configuration: CarddavGateConfiguration | None = None,
    query: GateQuery | None = None,
    remembered: Remembered | None = None,
) -> Callable[[Mapping[str, Any], StartResponse], Iterable[bytes]]:
    """The WSGI program. Without arguments it reads its configuration's file and asks the database named there."""
    settings = configuration or CarddavGateConfiguration.read(CONFIGURATION)
    ask = query or connected(settings.conninfo)
    memory = remembered or Remembered(settings.remembered_seconds)

    def judged(header: str, address: str) -> tuple[str, str]:
        """Status and reason."""
        said = typed(header)
        if said is None:
            return _STATUS["refused"], ""
        asked = [*said, address]
        if memory.knows(asked):
            return _STATUS["open"], ""
        try:
            ((result, reason),) = ask(_QUESTION, asked)
        except GateUnavailable as error:
            print(f"<3>accounts database: {error}", file=sys.stderr, flush=True)
            return _AWAY, ""
        if result == "open":
            memory.keep(asked)
        return _STATUS[result], reason or ""

    def gate(environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        status, reason = judged(environ.get("HTTP_AUTHORIZATION", ""), environ.get("HTTP_X_REAL_IP", ""))
        headers = [("Cache-Control", "no-store")]
        if status == _STATUS["refused"]:
            headers.append(("WWW-Authenticate", f'Basic realm="{settings.realm}", charset="UTF-8"'))
        if reason.isascii() and reason.isprintable() and reason:
            headers.append(("X-Reason", reason))
        start_response(status, headers)
        return []

    return gate
