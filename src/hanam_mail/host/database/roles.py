"""The server's roles, its databases, and who may do what with them: made by the superuser (`migrate.py`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hanam_mail.host.database import scram
from hanam_mail.host.database.session import Session

DATABASE = "mail"
WEBMAIL_DATABASE = "webmail"
CRYPTO_SCHEMA = "mail_crypto"
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
    # Shorter than Postfix waits for a database that hangs (role postfix).
    Role("mail_postfix", settings={"default_transaction_read_only": "on", "statement_timeout": "6s"}),
    # What people write in a report is in what it asks. Whatever writes says so in its session.
    Role("mail_webmail", settings={**_SILENT, "default_transaction_read_only": "on", "statement_timeout": "10s"}),
    Role("mail_directory", settings={"default_transaction_read_only": "on", "statement_timeout": "60s"}),
    # Passwords are in what it asks.
    Role("mail_carddav", settings={**_SILENT, "statement_timeout": "60s"}),
    Role("mail_agent"),
    Role("mail_intake", settings={"statement_timeout": "60s"}),
    Role("mail_jobs"),
    Role("mail_quarantine", settings={"statement_timeout": "30s"}),
    # Links that let a message go are in what it asks.
    Role("mail_held", settings={**_SILENT, "statement_timeout": "10s"}),
    # What it signs in with for others is in what it is answered.
    Role("mail_scheduled", settings={**_SILENT, "statement_timeout": "30s"}),
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
    """A database, its owner, who may make temporary tables there, extensions with their schemas, trusted languages."""

    name: str
    owner: str
    temporary: tuple[str, ...] = ()
    extensions: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()


DATABASES = (
    Database(
        DATABASE,
        "mail_owner",
        temporary=("mail_apply",),
        extensions={"pgcrypto": CRYPTO_SCHEMA},
        languages=("plperl",),
    ),
    Database(WEBMAIL_DATABASE, "webmail", temporary=("webmail",)),
)


def bring_roles(server: Session, passwords: Mapping[str, str]) -> Iterator[str]:
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


def bring_database(server: Session, database: Database, timezone: str) -> Iterator[str]:
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


def missing_languages(inside: Session, database: Database) -> list[str]:
    """Languages of the database whose package this server lacks, as before the first deployment that needs it."""
    have = {row[0] for row in inside.execute("SELECT name FROM pg_available_extensions")}
    return [name for name in database.languages if name not in have]


def bring_extensions(inside: Session, database: Database) -> Iterator[str]:
    have = {row[0] for row in inside.execute("SELECT extname FROM pg_extension")}
    for name, schema in database.extensions.items():
        if name not in have:
            inside.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            inside.execute(f"CREATE EXTENSION {name} SCHEMA {schema}")
            inside.execute(f"GRANT USAGE ON SCHEMA {schema} TO {database.owner}")
            yield f"database {database.name}: extension {name}"
    for name in database.languages:
        if name not in have:
            inside.execute(f"CREATE EXTENSION {name}")
            yield f"database {database.name}: language {name}"
