"""The accounts database's own shape: roles, databases, numbered migrations, functions, grants, settings.

`migrate` brings a server to what this package describes and says what it changed. It runs on the accounts
host as the OS user postgres: roles and databases are made by the superuser, everything inside the database
by mail_migrate, who may become mail_owner. With `check` all of it happens in transactions that are rolled
back.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from hanam_mail.host.database import scram
from hanam_mail.plan.accounts import Refused
from hanam_mail.regulation import rule_values

DATABASE = "mail"
WEBMAIL_DATABASE = "webmail"
CRYPTO_SCHEMA = "mail_crypto"


class DatabaseError(Exception):
    """The database refuses to go where the package wants it; the text says why, for the operator."""


# --- Roles
# -------------------------------------------------------------------------------------------------------

# What passes passwords must leave no statement, parameter or message in the log, nor in pg_stat_activity.
_SILENT = {
    "log_statement": "none",
    "log_duration": "off",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_min_error_statement": "panic",
    "log_min_messages": "fatal",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "track_activities": "off",
}


@dataclass(frozen=True)
class Role:
    """A database role.

    `databases` are those it may connect to, `becomes` the role it may SET ROLE to, `inherits` a role whose
    rights it has.
    """

    name: str
    login: bool = True
    becomes: str | None = None
    inherits: str | None = None
    databases: tuple[str, ...] = (DATABASE,)
    settings: Mapping[str, str] = field(default_factory=dict)


ROLES = (
    Role("mail_owner", login=False, databases=()),
    Role("mail_migrate", becomes="mail_owner"),
    Role("mail_apply", settings=_SILENT),
    Role("mail_dovecot", settings={**_SILENT, "statement_timeout": "10s"}),
    Role("mail_change", settings={**_SILENT, "statement_timeout": "10s"}),
    Role("mail_postfix", settings={"default_transaction_read_only": "on", "statement_timeout": "10s"}),
    Role("mail_webmail", settings={"default_transaction_read_only": "on", "statement_timeout": "10s"}),
    Role("mail_agent"),
    Role("mail_jobs"),
    Role("mail_report", settings={"default_transaction_read_only": "on"}),
    Role(
        "mail_backup",
        # pg_dump reads every schema, the webmail's tables too, which others create.
        inherits="pg_read_all_data",
        databases=(DATABASE, WEBMAIL_DATABASE),
        settings={"default_transaction_read_only": "on"},
    ),
    Role("webmail", databases=(WEBMAIL_DATABASE,)),
)


@dataclass(frozen=True)
class Database:
    """A database, its owner, who may make temporary tables there, and extensions with their schemas."""

    name: str
    owner: str
    temporary: tuple[str, ...] = ()
    extensions: Mapping[str, str] = field(default_factory=dict)


DATABASES = (
    Database(DATABASE, "mail_owner", temporary=("mail_apply",), extensions={"pgcrypto": CRYPTO_SCHEMA}),
    Database(WEBMAIL_DATABASE, "webmail", temporary=("webmail",)),
)


# --- SQL files
# ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Script:
    """A file of SQL; its checksum is that of its octets."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Hexadecimal SHA-256."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def scripts(folder: str) -> tuple[Script, ...]:
    """The files of sql/<folder>, by name."""
    root = resources.files("hanam_mail") / "sql" / folder
    return tuple(
        sorted(Script(entry.name, entry.read_text("utf-8")) for entry in root.iterdir() if entry.name.endswith(".sql"))
    )


def grants() -> Script:
    """The statement of all rights."""
    return Script("grants.sql", (resources.files("hanam_mail") / "sql" / "grants.sql").read_text("utf-8"))


_NUMBERED = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")


def pending(files: Sequence[Script], applied: Mapping[int, tuple[str, str]]) -> list[tuple[int, Script]]:
    """The migrations still to run, in order; `applied` is number -> (name, checksum).

    Forward only: a gap, a number used twice, a file changed after it ran, or a database that knows more
    than the package is an error.
    """
    numbered: dict[int, Script] = {}
    for script in files:
        match = _NUMBERED.fullmatch(script.name)
        if match is None:
            raise DatabaseError(f"{script.name}: a migration is named NNNN_words.sql")
        number = int(match[1])
        if number in numbered:
            raise DatabaseError(f"{script.name}: number {number} is also that of {numbered[number].name}")
        numbered[number] = script
    if sorted(numbered) != list(range(1, len(numbered) + 1)):
        raise DatabaseError("migrations must be numbered 0001, 0002, ... without a gap")
    for number, (name, checksum) in sorted(applied.items()):
        if number not in numbered:
            raise DatabaseError(f"the database has migration {name}, which this package does not know: it is older")
        if numbered[number].checksum != checksum:
            raise DatabaseError(f"{numbered[number].name} was changed after it was applied; write a new migration")
    behind = [number for number in numbered if number not in applied]
    if behind and applied and min(behind) < max(applied):
        raise DatabaseError(f"{numbered[min(behind)].name} was never applied, but a later one was")
    return [(number, numbered[number]) for number in sorted(behind)]


# --- The run
# -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What the deployment hands in.

    Passwords of roles that come over the network, settings, the time zone, and the key under which Dovecot
    seals passwords in its statements, and that of the page that changes them (64 hexadecimal digits each).
    """

    passwords: Mapping[str, str]
    settings: Mapping[str, Any]
    timezone: str
    login_key: str
    change_key: str

    @classmethod
    def read(cls, text: str) -> "Wanted":
        """From the JSON document on standard input."""
        data = json.loads(text)
        names = ("passwords", "settings", "timezone", "login_key", "change_key")
        if not isinstance(data, dict) or set(data) != set(names):
            raise DatabaseError(f"expected a JSON object with {', '.join(names)}")
        unknown = set(data["passwords"]) - {role.name for role in ROLES if role.login}
        if unknown:
            raise DatabaseError(f"passwords for unknown roles: {', '.join(sorted(unknown))}")
        for name in ("login_key", "change_key"):
            if not re.fullmatch(r"[0-9a-f]{64}", str(data[name])):
                raise DatabaseError(f"{name} must be 64 hexadecimal digits")
        return cls(*(data[name] for name in names))


def sound(settings: Mapping[str, Any]) -> None:
    """Raise Refused, naming file, variable and rule, unless programs may go by these settings."""
    faults = rule_values.faults(settings, settings=True)
    if faults:
        raise Refused([str(fault) for fault in faults])


def sound_settings(connection: Any) -> None:
    """The same for those that the database has, whoever wrote them."""
    sound(dict(connection.execute("SELECT name, value FROM mail.setting").fetchall()))


def migrate(wanted: Wanted, *, check: bool, admin: str, owner: str) -> list[str]:
    """Bring the server to the wanted shape and return what changed, one line each.

    `admin` and `owner` are conninfo strings without dbname: of the superuser, and of mail_migrate.
    """
    import psycopg

    sound(wanted.settings)
    changes: list[str] = []
    with psycopg.connect(admin, dbname="postgres", autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(hashtext('hanam-mail migrate'))")
        present = {row[0] for row in server.execute("SELECT datname FROM pg_database")}
        with server.transaction(force_rollback=check):
            changes += _roles(server, wanted.passwords)
        for database in DATABASES:
            if database.name not in present:
                changes.append(f"database {database.name}: created")
                if not check:
                    server.execute(
                        f"CREATE DATABASE {database.name} OWNER {database.owner} TEMPLATE template0"
                        " ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C.UTF-8'"
                    )
        existing = [database for database in DATABASES if database.name in present or not check]
        # Roles that a check only pretends to make cannot be named in rights.
        roles_present = {row[0] for row in server.execute("SELECT rolname FROM pg_roles")}
        if not {role.name for role in ROLES} <= roles_present:
            return changes
        for database in existing:
            with server.transaction(force_rollback=check):
                changes += _database(server, database, wanted.timezone)
            with (
                psycopg.connect(admin, dbname=database.name) as inside,
                inside.transaction(force_rollback=check),
            ):
                changes += _extensions(inside, database)
        if DATABASE not in {database.name for database in existing}:
            return changes
        with psycopg.connect(owner, dbname=DATABASE) as mail, mail.transaction(force_rollback=check):
            if not _may_use_crypto(mail):
                return [*changes, "schema: created"]  # only in a check that found a half-made database
            mail.execute("SET LOCAL ROLE mail_owner")
            changes += _schema(mail)
            changes += _settings(mail, wanted.settings)
            changes += _secret(mail, "login_key", wanted.login_key)
            changes += _secret(mail, "change_key", wanted.change_key)
            changes += _common_passwords(mail)
    return changes


def _roles(server: Any, passwords: Mapping[str, str]) -> Iterator[str]:
    have: dict[str, tuple[bool, str | None, dict[str, str]]] = {
        name: (login, stored, dict(item.split("=", 1) for item in config or ()))
        for name, login, stored, config in server.execute(
            "SELECT a.rolname, a.rolcanlogin, a.rolpassword, s.setconfig FROM pg_authid a"
            " LEFT JOIN pg_db_role_setting s ON s.setrole = a.oid AND s.setdatabase = 0"
        )
    }
    member = {
        (low, high)
        for low, high in server.execute(
            "SELECT m.rolname, r.rolname FROM pg_auth_members x"
            " JOIN pg_roles m ON m.oid = x.member JOIN pg_roles r ON r.oid = x.roleid"
        )
    }
    for role in ROLES:
        login = "LOGIN" if role.login else "NOLOGIN"
        if role.name not in have:
            server.execute(f"CREATE ROLE {role.name} {login}")
            yield f"role {role.name}: created"
        elif have[role.name][0] != role.login:
            server.execute(f"ALTER ROLE {role.name} {login}")
            yield f"role {role.name}: {login}"
        _, stored, settings = have.get(role.name, (role.login, None, {}))
        if role.becomes and (role.name, role.becomes) not in member:
            server.execute(f"GRANT {role.becomes} TO {role.name} WITH INHERIT FALSE, SET TRUE")
            yield f"role {role.name}: may become {role.becomes}"
        if role.inherits and (role.name, role.inherits) not in member:
            server.execute(f"GRANT {role.inherits} TO {role.name}")
            yield f"role {role.name}: has the rights of {role.inherits}"
        if settings != dict(role.settings):
            server.execute(f"ALTER ROLE {role.name} RESET ALL")
            for name, value in role.settings.items():
                server.execute(f"ALTER ROLE {role.name} SET {name} = '{value}'")
            yield f"role {role.name}: settings"
        password = passwords.get(role.name)
        if password is None and stored is not None:
            server.execute(f"ALTER ROLE {role.name} PASSWORD NULL")
            yield f"role {role.name}: password removed"
        elif password is not None and not scram.matches(password, stored):
            server.execute(f"ALTER ROLE {role.name} PASSWORD '{scram.verifier(password)}'")
            yield f"role {role.name}: password set"


def _rights(database: Database) -> set[tuple[str, str]]:
    """Who may do what with a database, as pg_database.datacl would say it."""
    return (
        {(database.owner, privilege) for privilege in ("CONNECT", "CREATE", "TEMPORARY")}
        | {(role.name, "CONNECT") for role in ROLES if database.name in role.databases}
        | {(name, "TEMPORARY") for name in database.temporary}
    )


def _database(server: Any, database: Database, timezone: str) -> Iterator[str]:
    have = set(
        server.execute(
            "SELECT coalesce(r.rolname, 'public'), a.privilege_type FROM pg_database d"
            " CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a"
            " LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE d.datname = %s",
            [database.name],
        )
    )
    want = _rights(database)
    for name, privilege in sorted(have - want):
        server.execute(f"REVOKE {privilege} ON DATABASE {database.name} FROM {name}")
        yield f"database {database.name}: {name} loses {privilege}"
    for name, privilege in sorted(want - have):
        server.execute(f"GRANT {privilege} ON DATABASE {database.name} TO {name}")
        yield f"database {database.name}: {name} gets {privilege}"
    row = server.execute(
        "SELECT s.setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
        " WHERE d.datname = %s AND s.setrole = 0",
        [database.name],
    ).fetchone()
    if (row[0] if row else []) != [f"TimeZone={timezone}"]:
        from psycopg import sql

        server.execute(f"ALTER DATABASE {database.name} RESET ALL")
        server.execute(sql.SQL(f"ALTER DATABASE {database.name} SET timezone TO {{}}").format(sql.Literal(timezone)))
        yield f"database {database.name}: time zone {timezone}"


def _extensions(inside: Any, database: Database) -> Iterator[str]:
    have = {row[0] for row in inside.execute("SELECT extname FROM pg_extension")}
    for name, schema in database.extensions.items():
        if name not in have:
            inside.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            inside.execute(f"CREATE EXTENSION {name} SCHEMA {schema}")
            inside.execute(f"GRANT USAGE ON SCHEMA {schema} TO {database.owner}")
            yield f"database {database.name}: extension {name}"


def _may_use_crypto(mail: Any) -> bool:
    row = mail.execute("SELECT to_regnamespace(%s) IS NOT NULL", [CRYPTO_SCHEMA]).fetchone()
    return bool(row[0])


def _schema(mail: Any) -> Iterator[str]:
    row = mail.execute("SELECT to_regclass('mail_schema.migration') IS NOT NULL").fetchone()
    if not row[0]:
        mail.execute("ALTER DEFAULT PRIVILEGES FOR ROLE mail_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        mail.execute("CREATE SCHEMA mail_schema")
        mail.execute(
            "CREATE TABLE mail_schema.migration (number int PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        mail.execute("CREATE TABLE mail_schema.code (checksum text NOT NULL, as_created text NOT NULL)")
        yield "schema: bookkeeping created"
    applied = {
        number: (name, checksum)
        for number, name, checksum in mail.execute("SELECT number, name, checksum FROM mail_schema.migration")
    }
    for number, script in pending(scripts("migrations"), applied):
        _run(mail, script)
        mail.execute(
            "INSERT INTO mail_schema.migration (number, name, checksum) VALUES (%s, %s, %s)",
            [number, script.name, script.checksum],
        )
        yield f"migration {script.name}: applied"
    # Functions, triggers and grants are created anew whenever the files differ, or someone changed them by
    # hand.
    code = [*scripts("functions"), grants()]
    checksum = hashlib.sha256("".join(script.checksum for script in code).encode()).hexdigest()
    known = mail.execute("SELECT checksum, as_created FROM mail_schema.code").fetchone()
    if known != (checksum, _as_created(mail)):
        _create(mail, code)
        mail.execute("DELETE FROM mail_schema.code")
        mail.execute("INSERT INTO mail_schema.code VALUES (%s, %s)", [checksum, _as_created(mail)])
        yield "functions and grants: created anew"


def _create(mail: Any, code: Sequence[Script]) -> None:
    import psycopg

    before = _versions(mail)
    try:
        with mail.transaction():
            for script in code:
                if script == grants():
                    # Before the rights, which write every function's row anew.
                    _drop(mail, before & _versions(mail))
                _run(mail, script)
    except DatabaseError as error:
        if not isinstance(error.__cause__, psycopg.errors.InvalidFunctionDefinition):
            raise
        # A function's result changed its type: CREATE OR REPLACE cannot do that. Nothing but triggers,
        # which the files make as well, depends on a function.
        for (function,) in mail.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = to_regnamespace('mail')"
        ).fetchall():
            mail.execute(f"DROP FUNCTION IF EXISTS {function} CASCADE")
        for script in code:
            _run(mail, script)


def _versions(mail: Any) -> set[tuple[str, str, int]]:
    """Every function and trigger with the version of its row: what a statement makes anew gets another one."""
    return set(
        mail.execute(
            "SELECT format('FUNCTION %s', p.oid::regprocedure), p.xmin::text, p.oid::bigint FROM pg_proc p"
            "  WHERE p.pronamespace = to_regnamespace('mail')"
            " UNION ALL SELECT format('TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass), t.xmin::text, t.oid::bigint"
            "  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            "  WHERE c.relnamespace = to_regnamespace('mail') AND NOT t.tgisinternal"
        )
    )


def _drop(mail: Any, left: set[tuple[str, str, int]]) -> None:
    """What no file makes any more: triggers first, since they hang on functions."""
    for what, _, _ in sorted(left, reverse=True):
        mail.execute(f"DROP {what}")


def _run(mail: Any, script: Script) -> None:
    import psycopg

    try:
        mail.execute(script.text)
    except psycopg.Error as error:
        raise DatabaseError(f"sql/{script.name}: {error}") from error


def _as_created(mail: Any) -> str:
    """A digest of functions, triggers and rights as the server has them."""
    row = mail.execute(
        "SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM ("
        " SELECT pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '') FROM pg_proc p"
        "  WHERE p.pronamespace = to_regnamespace('mail') AND p.prokind = 'f'"
        " UNION ALL SELECT pg_get_triggerdef(t.oid) || t.tgenabled::text FROM pg_trigger t"
        "  JOIN pg_class c ON c.oid = t.tgrelid "
        "  WHERE c.relnamespace = to_regnamespace('mail') AND NOT t.tgisinternal"
        " UNION ALL SELECT c.relname || coalesce(c.relacl::text, '') FROM pg_class c"
        "  WHERE c.relnamespace = to_regnamespace('mail')"
        " UNION ALL SELECT c.relname || a.attname || a.attacl::text FROM pg_attribute a"
        "  JOIN pg_class c ON c.oid = a.attrelid"
        "  WHERE c.relnamespace = to_regnamespace('mail') AND a.attacl IS NOT NULL"
        " UNION ALL SELECT n.nspname || coalesce(n.nspacl::text, '') FROM pg_namespace n"
        "  WHERE n.nspname = 'mail'"
        ") x(line)"
    ).fetchone()
    return str(row[0])


def _settings(mail: Any, settings: Mapping[str, Any]) -> Iterator[str]:
    have = dict(mail.execute("SELECT name, value FROM mail.setting"))
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


def _secret(mail: Any, name: str, key: str) -> Iterator[str]:
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


def _common_passwords(mail: Any) -> Iterator[str]:
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
