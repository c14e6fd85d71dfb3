"""The files of SQL inside the database: numbered migrations, then functions, triggers and rights (`migrate.py`)."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import Session, one


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


def _single(name: str) -> Script:
    return Script(name, (resources.files("hanam_mail") / "sql" / name).read_text("utf-8"))


def grants() -> Script:
    """The statement of all rights."""
    return _single("grants.sql")


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
    if sorted(numbered) != list(range(min(numbered), min(numbered) + len(numbered))):
        raise DatabaseError("migrations must be numbered one after the other, without a gap")
    for number, (name, checksum) in sorted(applied.items()):
        if number not in numbered:
            raise DatabaseError(f"the database has migration {name}, which this package does not know: it is older")
        if numbered[number].checksum != checksum:
            raise DatabaseError(f"{numbered[number].name} was changed after it was applied; write a new migration")
    behind = [number for number in numbered if number not in applied]
    if behind and applied and min(behind) < max(applied):
        raise DatabaseError(f"{numbered[min(behind)].name} was never applied, but a later one was")
    return [(number, numbered[number]) for number in sorted(behind)]


# Where databases of before the baseline may stand: the last of their migrations, and the SHA-256 of all of them as such
# a database remembers them, a line of name and checksum each. sql/adoption/ has a file of that name for each, which
# leads to the next, and the last one's to the baseline.
BEFORE = {
    "0008_guessing_and_outbox.sql": "249f30bb05938c9ab69dc2bf2864f42756ef2d557245f80a047077c0e264fca4",
    "0011_post.sql": "a944274961c9f8ef70d49cf0e07871fa972e797ebd50cd8e042083ddc2e66208",
}


def _applied(mail: Session) -> dict[int, tuple[str, str]]:
    rows = mail.execute("SELECT number, name, checksum FROM mail_schema.migration").fetchall()
    return {number: (name, checksum) for number, name, checksum in rows}


def _adopt(mail: Session) -> Iterator[str]:
    """Bring a database of before the baseline to what the baseline makes, from where one of then may stand.

    tests/database/test_migrate.py compares both ways.
    """
    baseline = scripts("migrations")[0]
    applied, number = _applied(mail), int(baseline.name[:4])
    if not applied or number in applied:
        return
    last = applied[max(applied)][0]
    lines = "".join(f"{file} {checksum}\n" for _, (file, checksum) in sorted(applied.items()))
    if hashlib.sha256(lines.encode()).hexdigest() != BEFORE.get(last):
        raise DatabaseError(
            f"the database stands at {last}, this package goes on from {' and '.join(sorted(BEFORE, reverse=True))}:"
            " converge it with the release that ends there, then with this one"
        )
    for step in scripts("adoption"):
        if step.name >= last:
            _run(mail, step)
    mail.execute("DELETE FROM mail_schema.migration")
    _note(mail, number, baseline)
    yield f"migrations up to {last}: now {baseline.name}"


def _note(mail: Session, number: int, script: Script) -> None:
    mail.execute(
        "INSERT INTO mail_schema.migration (number, name, checksum) VALUES (%s, %s, %s)",
        [number, script.name, script.checksum],
    )


def bring_crypto(inside: Session) -> Iterator[str]:
    """What hashes passwords, made by the superuser: nobody else may write in its language."""
    before = _crypto_as_created(inside)
    _run(inside, _single("crypto.sql"))
    if _crypto_as_created(inside) != before:
        yield "functions that hash passwords: created anew"


def _crypto_as_created(inside: Session) -> str:
    row = one(
        inside,
        "SELECT string_agg(line, E'\\n' ORDER BY line) FROM ("
        " SELECT pg_get_functiondef(p.oid) || p.proowner::regrole || coalesce(p.proacl::text, '') FROM pg_proc p"
        "  JOIN pg_language l ON l.oid = p.prolang"
        "  WHERE p.pronamespace = to_regnamespace('mail_crypto') AND l.lanname = 'plperl'"
        " UNION ALL SELECT lanname || coalesce(lanacl::text, '') FROM pg_language WHERE lanname = 'plperl') x(line)",
    )
    return str(row[0])


def bring(mail: Session) -> Iterator[str]:
    row = one(mail, "SELECT to_regclass('mail_schema.migration') IS NOT NULL")
    if not row[0]:
        mail.execute("ALTER DEFAULT PRIVILEGES FOR ROLE mail_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        mail.execute("CREATE SCHEMA mail_schema")
        mail.execute(
            "CREATE TABLE mail_schema.migration (number int PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        mail.execute("CREATE TABLE mail_schema.code (checksum text NOT NULL, as_created text NOT NULL)")
        yield "schema: bookkeeping created"
    yield from _adopt(mail)
    for number, script in pending(scripts("migrations"), _applied(mail)):
        _run(mail, script)
        _note(mail, number, script)
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


def _create(mail: Session, code: Sequence[Script]) -> None:
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


def _versions(mail: Session) -> set[tuple[str, str, int]]:
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


def _drop(mail: Session, left: set[tuple[str, str, int]]) -> None:
    """What no file makes any more: triggers first, since they hang on functions."""
    for what, _, _ in sorted(left, reverse=True):
        mail.execute(f"DROP {what}")


def _run(mail: Session, script: Script) -> None:
    import psycopg

    try:
        mail.execute(script.text)
    except psycopg.Error as error:
        raise DatabaseError(f"sql/{script.name}: {error}") from error


def _as_created(mail: Session) -> str:
    """A digest of functions, triggers and rights as the server has them."""
    row = one(
        mail,
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
        ") x(line)",
    )
    return str(row[0])
