"""The accounts database's own shape: roles, databases, numbered migrations, functions, grants, settings.

`migrate` brings a server to what this package describes and says what it changed. It runs on the accounts
host as the OS user postgres: roles and databases are made by the superuser, everything inside the database
by mail_migrate, who may become mail_owner. With `check` all of it happens in transactions that are rolled
back.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from hanam_mail.host.database import roles, schema
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import OWN_PATH, Session, one
from hanam_mail.plan.accounts import ApplyRefused
from hanam_mail.regulation import rule_values


@dataclass(frozen=True)
class WantedDatabase:
    """What the deployment hands in.

    Passwords of roles that come over the network, settings, the time zone, and the key under which Dovecot
    seals passwords in its statements, that of the page that changes them, that of links in letters about held mail, and
    that under which the second factor is spoken of (64 hexadecimal digits each).
    """

    passwords: Mapping[str, str]
    settings: Mapping[str, Any]
    timezone: str
    login_key: str
    change_key: str
    held_key: str
    factor_key: str

    @classmethod
    def read(cls, text: str) -> "WantedDatabase":
        """From the JSON document on standard input."""
        data = json.loads(text)
        names = ("passwords", "settings", "timezone", "login_key", "change_key", "held_key", "factor_key")
        if not isinstance(data, dict) or set(data) != set(names):
            raise DatabaseError(f"expected a JSON object with {', '.join(names)}")
        unknown = set(data["passwords"]) - {role.name for role in roles.ROLES if role.login}
        if unknown:
            raise DatabaseError(f"passwords for unknown roles: {', '.join(sorted(unknown))}")
        for name in ("login_key", "change_key", "held_key", "factor_key"):
            if not re.fullmatch(r"[0-9a-f]{64}", str(data[name])):
                raise DatabaseError(f"{name} must be 64 hexadecimal digits")
        return cls(*(data[name] for name in names))


def sound(settings: Mapping[str, Any]) -> None:
    """Raise ApplyRefused, naming file, variable and rule, unless programs may go by these settings."""
    faults = rule_values.faults(settings, settings=True)
    if faults:
        raise ApplyRefused([str(fault) for fault in faults])


def sound_settings(connection: Session) -> None:
    """The same for those that the database has, whoever wrote them."""
    sound(dict(connection.execute("SELECT name, value FROM mail.setting").fetchall()))


def migrate(wanted: WantedDatabase, *, check: bool, admin: str, owner: str) -> list[str]:
    """Bring the server to the wanted shape and return what changed, one line each.

    `admin` and `owner` are conninfo strings without dbname: of the superuser, and of mail_migrate.
    """
    import psycopg

    sound(wanted.settings)
    changes: list[str] = []
    with psycopg.connect(admin, dbname="postgres", options=OWN_PATH, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(hashtext('hanam-mail migrate'))")
        present = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
        with server.transaction(force_rollback=check):
            changes += roles.bring_roles(server, wanted.passwords)
        for database in roles.DATABASES:
            if database.name not in present:
                changes.append(f"database {database.name}: created")
                if not check:
                    server.execute(
                        f"CREATE DATABASE {database.name} OWNER {database.owner} TEMPLATE template0"
                        " ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C.UTF-8'"
                    )
        existing = [database for database in roles.DATABASES if database.name in present or not check]
        # Roles that a check only pretends to make cannot be named in rights.
        roles_present = {row[0] for row in server.execute("SELECT rolname FROM pg_roles")}
        if not {role.name for role in roles.ROLES} <= roles_present:
            return changes
        for database in existing:
            with server.transaction(force_rollback=check):
                changes += roles.bring_database(server, database, wanted.timezone)
            with (
                psycopg.connect(admin, dbname=database.name, options=OWN_PATH) as inside,
                inside.transaction(force_rollback=check),
            ):
                if check and (missing := roles.missing_languages(inside, database)):
                    # A check installs no packages, and what comes after needs them.
                    return [*changes, f"database {database.name}: language {', '.join(missing)}"]
                changes += roles.bring_extensions(inside, database)
                if database.name == roles.DATABASE:
                    changes += schema.bring_crypto(inside)
        if roles.DATABASE not in {database.name for database in existing}:
            return changes
        with psycopg.connect(owner, dbname=roles.DATABASE) as mail, mail.transaction(force_rollback=check):
            if not _may_use_crypto(mail):
                return [*changes, "schema: created"]  # only in a check that found a half-made database
            mail.execute("SET LOCAL ROLE mail_owner")
            changes += schema.bring(mail)
            changes += _settings(mail, wanted.settings)
            changes += _secret(mail, "login_key", wanted.login_key)
            changes += _secret(mail, "change_key", wanted.change_key)
            changes += _secret(mail, "held_key", wanted.held_key)
            changes += _secret(mail, "factor_key", wanted.factor_key)
            changes += _common_passwords(mail)
    return changes


def _may_use_crypto(mail: Session) -> bool:
    row = one(mail, "SELECT to_regnamespace(%s) IS NOT NULL", [roles.CRYPTO_SCHEMA])
    return bool(row[0])


def _settings(mail: Session, settings: Mapping[str, Any]) -> Iterator[str]:
    have: dict[str, Any] = dict(mail.execute("SELECT name, value FROM mail.setting").fetchall())
    for name in sorted(have.keys() - settings.keys()):
        mail.execute("DELETE FROM mail.setting WHERE name = %s", [name])
        yield f"setting {name}: removed (was {_short(have[name])})"
    for name in sorted(settings):
        if name not in have or have[name] != settings[name]:
            mail.execute(
                "INSERT INTO mail.setting AS s (name, value) VALUES (%s, %s)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [name, json.dumps(settings[name], ensure_ascii=False)],
            )
            was = f"{_short(have[name])} -> " if name in have else ""
            yield f"setting {name}: {was}{_short(settings[name])}"
    if have and _demand(have) != _demand(settings):
        # Whose sign-ins Dovecot remembers nobody can tell here: all are forgotten, and all sessions cut.
        mail.execute("INSERT INTO mail.outbox (topic) VALUES ('everything')")


def _demand(settings: Mapping[str, Any]) -> Sequence[Any]:
    """Of whom a second factor is demanded."""
    kinds = settings.get("password_second_factor", [])
    ways = {"leaders": "leader_posts", "operators": "password_second_factor_operators"}
    return [sorted(kinds), *(settings.get(name, []) for kind, name in ways.items() if kind in kinds)]


def _secret(mail: Session, name: str, key: str) -> Iterator[str]:
    changed = mail.execute(
        "INSERT INTO mail.secret AS s (name, value) VALUES (%s, decode(%s, 'hex'))"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE s.value <> excluded.value",
        [name, key],
    )
    if changed.rowcount:
        yield f"{name}: set"


def common_passwords() -> frozenset[str]:
    """The words of sql/data/common_passwords.txt: small letters without accents, one or more a line."""
    text = (resources.files("hanam_mail") / "sql" / "data" / "common_passwords.txt").read_text("ascii")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def _common_passwords(mail: Session) -> Iterator[str]:
    have = {row[0] for row in mail.execute("SELECT word FROM mail.common_password")}
    want = common_passwords()
    if have != want:
        mail.execute("DELETE FROM mail.common_password WHERE word = ANY(%s)", [sorted(have - want)])
        mail.execute("INSERT INTO mail.common_password SELECT unnest(%s::text[])", [sorted(want - have)])
        yield f"common passwords: {len(want)} words ({len(want - have)} new, {len(have - want)} gone)"


def _short(value: Any, limit: int = 60) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def summary(changes: Iterable[str], *, check: bool) -> dict[str, Any]:
    """What Ansible reads."""
    lines = list(changes)
    return {"changed": bool(lines), "check": check, "changes": lines}
