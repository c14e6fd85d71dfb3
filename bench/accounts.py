"""The accounts database of a province for benches that need no lab: a PostgreSQL of this project's form, filled."""

import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from tests.database import server
from tests.population import province
from tests.population.__main__ import REGULATION
from tests.render.conftest import Environment, environments

from hanam_mail.host.database import migrate
from hanam_mail.host.directory import publish
from hanam_mail.registry.model import Registry
from hanam_mail.regulation import provisions

POSTS = ("Chuyên viên", "Trưởng phòng", "Phó Giám đốc", "Văn thư", "Phó Chủ tịch Ủy ban nhân dân")


@dataclass(frozen=True, slots=True)
class Accounts:
    """The database, the environment that it was made for, and a folder that ends with both."""

    postgresql: server.Server
    lab: Environment
    place: Path


@contextmanager
def filled(mailboxes: int) -> Iterator[Accounts]:
    """A database with so many mailboxes, for as long as it is measured."""
    place = Path(tempfile.mkdtemp(prefix="hanam-bench-accounts-"))
    try:
        with server.running() as postgresql:
            lab = environments(place)("split")
            keys = ("timezone", "login_key", "change_key", "held_key", "factor_key")
            settings = json.loads(json.dumps(lab.value("postgresql", "postgresql_settings", "accounts1")))
            wanted = migrate.WantedDatabase(
                {}, settings, *(lab.value("postgresql", f"postgresql_{key}", "accounts1") for key in keys)
            )
            owner = postgresql.conninfo(user="mail_migrate")
            migrate.migrate(wanted, check=False, admin=postgresql.conninfo(), owner=owner)
            with psycopg.connect(postgresql.conninfo("mail"), autocommit=True) as database:
                print(f"{_fill(database, mailboxes)} addresses", flush=True)
            yield Accounts(postgresql, lab, place)
    finally:
        shutil.rmtree(place)


def rows(registry: Registry, most: int) -> dict[str, list[tuple[object, ...]]]:
    """What a province is in the accounts database, no more than so many mailboxes: "table (columns)" -> rows."""
    boxes = list(itertools.islice(registry.mailboxes.values(), most))
    posts = itertools.cycle(POSTS)
    return {
        "mail.agency (id, kind, name, code)": [
            (agency.id, agency.kind.value, agency.name, agency.code) for agency in registry.agencies.values()
        ],
        "mail.mailbox (id, kind, agency_id, name, post, shard, quota_bytes, state)": [
            (box.id, box.kind.value, box.agency, box.name, post if box.kind.value == "person" else "", 0, 2**31,
             "revoked" if box.revoked else "active")
            for box, post in zip(boxes, posts, strict=False)
        ],
        "mail.address (local_part, mailbox_id, kind, valid_from)": [
            (box.address, box.id, "primary", "2024-01-01") for box in boxes
        ],
    }  # fmt: skip


def _fill(database: psycopg.Connection, mailboxes: int) -> int:
    """Put a province into the accounts database; how many stand in its directory."""
    registry = province(mailboxes, 1, provisions.load(REGULATION))
    with database.transaction(), database.cursor() as cursor:
        # Nobody hears of it: audit and outbox are other measures.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, its in rows(registry, len(registry.mailboxes)).items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for row in its:
                    copy.write_row(row)
    database.execute("ANALYZE")
    return len(database.execute(publish.QUESTION).fetchall())
