"""One server a session; its template has the whole schema, the lab's settings and no accounts."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest

from hanam_mail.host.database import migrate, roles
from tests.database import server
from tests.database.databases import Database, printed
from tests.database.scratch import Scratch
from tests.database.server import Server
from tests.render.conftest import environments

HOST = "accounts1"
# argon2id at its lowest cost: what takes time on purpose is tried where time is the subject.
CHEAP = {"password_argon2_memory": 8, "password_argon2_passes": 1}
NewDatabase = Callable[[], Database]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with server.running() as running:
        yield running


@pytest.fixture(scope="session")
def operator() -> Any:
    """Who opens sealed files."""
    return pyrage.x25519.Identity.generate()


@pytest.fixture(scope="session")
def wanted(operator: Any, tmp_path_factory: pytest.TempPathFactory) -> migrate.WantedDatabase:
    """What a deployment hands in: settings as group_vars give them to the lab."""
    environment = environments(tmp_path_factory.mktemp("settings"))("split")

    def value(name: str) -> Any:
        return environment.value("postgresql", name, HOST)

    settings = json.loads(json.dumps(value("postgresql_settings")))
    changed = {**CHEAP, "handover_recipients": [str(operator.to_public())]}
    return migrate.WantedDatabase(
        {},
        settings | changed,
        value("postgresql_timezone"),
        value("postgresql_login_key"),
        value("postgresql_change_key"),
        value("postgresql_held_key"),
        value("postgresql_factor_key"),
    )


@pytest.fixture(scope="session")
def new_database(postgresql: Server, wanted: migrate.WantedDatabase) -> NewDatabase:
    """Makes databases as `migrate` makes them, each a copy of the one that it did make."""
    migrate.migrate(wanted, check=False, admin=postgresql.conninfo(), owner=postgresql.conninfo(user="mail_migrate"))
    admin = Database(postgresql, "postgres")
    numbers = itertools.count(1)

    def new() -> Database:
        name = f"copy{next(numbers)}"
        admin.run(f"create database {name} template {roles.DATABASE} owner mail_owner strategy file_copy")
        # A copy has neither the time zone nor the rights of its template.
        zone = f"alter database {name} set timezone to '{wanted.timezone}'"
        admin.run(f"{zone}; grant temporary on database {name} to mail_apply")
        return Database(postgresql, name)

    return new


@pytest.fixture(scope="session")
def _database(new_database: NewDatabase) -> Iterator[Database]:
    shared = new_database()
    yield shared
    shared.close()


@pytest.fixture
def database(_database: Database) -> Iterator[Database]:
    """For statements that are rolled back. Whoever commits, spoils it for the others: that fails here."""
    before = _rows(_database)
    yield _database
    assert _rows(_database) == before, "the test changed what all tests share: let it have `scratch`"


def _rows(database: Database) -> str:
    return database.run("select count(*), max(seq) from mail.audit")


@pytest.fixture
def scratch(new_database: NewDatabase, operator: Any, tmp_path: Path) -> Iterator[Scratch]:
    """A database for one test, which may do with it what it likes."""
    own = new_database()
    yield Scratch(own, tmp_path, str(operator), str(operator.to_public()))
    with Database(own.server, "postgres").connect() as admin:
        printed(admin, f"drop database {own.name} with (force)")
