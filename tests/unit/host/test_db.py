"""The pure parts of the accounts database: SQL files, roles, SCRAM, the zipapp."""

import ast
import io
import re
import sys
import zipfile
from pathlib import Path

import pytest

import hanam_mail
from hanam_mail.controller import zipapp
from hanam_mail.host.database import migrate, roles, schema, scram
from hanam_mail.host.database.errors import DatabaseError

PACKAGE = Path(hanam_mail.__file__).parent
MODULES = zipapp.modules()


def script(name: str, text: str = "select 1") -> schema.Script:
    return schema.Script(name, text)


def applied(*scripts: schema.Script) -> dict[int, tuple[str, str]]:
    return {int(item.name[:4]): (item.name, item.checksum) for item in scripts}


def test_migrations_that_were_not_applied_are_pending_in_order() -> None:
    one, two, three = script("0001_a.sql"), script("0002_b.sql"), script("0003_c.sql")
    assert schema.pending([three, one, two], applied(one)) == [(2, two), (3, three)]
    assert schema.pending([one, two, three], applied(one, two, three)) == []


@pytest.mark.parametrize(
    ("files", "done", "reason"),
    [
        (["0001_a.sql", "0003_c.sql"], [], "without a gap"),
        (["0001_a.sql", "0001_b.sql"], [], "is also that of"),
        (["1_a.sql"], [], "is named"),
        (["0001_a.sql"], ["0001_a.sql", "0002_b.sql"], "does not know"),
        (["0001_a.sql", "0002_b.sql"], ["0002_b.sql"], "never applied"),
    ],
)
def test_a_history_of_migrations_that_cannot_be_is_refused(files: list[str], done: list[str], reason: str) -> None:
    with pytest.raises(DatabaseError, match=reason):
        schema.pending([script(name) for name in files], applied(*(script(name) for name in done)))


def test_a_migration_changed_after_it_ran_is_refused() -> None:
    with pytest.raises(DatabaseError, match="changed after it was applied"):
        schema.pending([script("0001_a.sql", "select 2")], applied(script("0001_a.sql", "select 1")))


def test_the_projects_own_migrations_are_well_formed() -> None:
    assert schema.pending(schema.scripts("migrations"), {})


def functions() -> list[tuple[str, str]]:
    """Name and head (up to the body) of every function in the files."""
    heads = re.compile(r"create or replace function (mail\.\w+)\((.*?)\$\$", re.DOTALL)
    return [(m[1], m[2]) for item in schema.scripts("functions") for m in heads.finditer(item.text)]


@pytest.mark.parametrize(("name", "head"), functions(), ids=[name for name, _ in functions()])
def test_every_function_has_a_fixed_search_path(name: str, head: str) -> None:
    assert "set search_path = pg_catalog, pg_temp" in head


@pytest.mark.parametrize(
    ("function", "role"),
    [("mail.dovecot_passdb_sealed(", "mail_dovecot"), ("mail.change_password_sealed(", "mail_change")],
)
def test_a_door_to_the_passwords_belongs_to_one_role(function: str, role: str) -> None:
    granted = [statement for statement in schema.grants().text.split(";") if function in statement]
    assert len(granted) == 1
    assert granted[0].split()[-2:] == ["to", role]


@pytest.mark.parametrize("function", ["mail.dovecot_passdb(", "mail.change_password("])
def test_nobody_may_send_a_password_in_clear(function: str) -> None:
    """What passes through a log or a list of running statements is sealed; only the sealed functions call these."""
    assert function not in schema.grants().text


def test_nobody_else_may_compare_or_replace_a_password() -> None:
    for function in ("password_matches", "password_replace", "password_hash", "unseal", "sign_in_succeeded"):
        assert function not in schema.grants().text


def test_roles_that_pass_passwords_leave_no_statement_in_the_log() -> None:
    for name in ("mail_dovecot", "mail_apply", "mail_change"):
        settings = next(role for role in roles.ROLES if role.name == name).settings
        assert settings["log_statement"] == "none"
        assert settings["log_min_error_statement"] == "panic"
        assert settings["log_parameter_max_length"] == settings["log_parameter_max_length_on_error"] == "0"
        assert settings["track_activities"] == "off"


def test_only_the_migration_role_may_become_the_owner() -> None:
    assert [role.name for role in roles.ROLES if role.becomes] == ["mail_migrate"]
    assert not next(role for role in roles.ROLES if role.name == "mail_owner").login


def test_scram_verifier_is_that_of_rfc_7677() -> None:
    """The RFC's example: user "user", password "pencil"."""
    import base64
    import hashlib
    import hmac

    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    server_key = scram.verifier("pencil", salt, 4096).rpartition(":")[2]
    message = (
        "n=user,r=rOprNGfwEbeRWgbNEkqO,"
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    signature = hmac.digest(base64.b64decode(server_key), message.encode(), hashlib.sha256)
    assert base64.b64encode(signature).decode() == "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_scram_matches_its_own_password_only() -> None:
    stored = scram.verifier("mot-mat-khau")
    assert scram.matches("mot-mat-khau", stored)
    assert not scram.matches("khac", stored)
    assert not scram.matches("mot-mat-khau", None)
    assert not scram.matches("mot-mat-khau", "md5aabbcc")


@pytest.mark.parametrize("password", ["", "mật khẩu", "a\nb"])
def test_scram_refuses_what_would_need_saslprep(password: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        scram.verifier(password)


def test_wanted_names_what_is_missing() -> None:
    with pytest.raises(
        DatabaseError, match="passwords, settings, timezone, login_key, change_key, held_key, factor_key"
    ):
        migrate.WantedDatabase.read('{"passwords": {}}')
    rest = (
        '"settings": {}, "timezone": "UTC", "login_key": "'
        + "0" * 64
        + '", "change_key": "zz", "held_key": "", "factor_key": ""}'
    )
    with pytest.raises(DatabaseError, match="unknown roles: nobody"):
        migrate.WantedDatabase.read('{"passwords": {"nobody": "x"}, ' + rest)
    with pytest.raises(DatabaseError, match="change_key must be 64"):
        migrate.WantedDatabase.read('{"passwords": {}, ' + rest)


def test_common_passwords_are_folded_words() -> None:
    """A line that is not in the form the database folds to would never be found."""
    words = migrate.common_passwords()
    assert {"matkhau", "hanam", "password", "1qaz2wsx"} <= words
    assert [word for word in words if not re.fullmatch(r"[a-z0-9]+", word)] == []


def test_the_zipapp_is_the_same_each_time() -> None:
    assert zipapp.build() == zipapp.build()
    assert zipapp.program("hanam-mail") == zipapp.build()


def test_the_zipapp_holds_all_sql_and_a_main_program() -> None:
    with zipfile.ZipFile(io.BytesIO(zipapp.build())) as archive:
        names = set(archive.namelist())
    assert "__main__.py" in names
    assert {f"hanam_mail/{p.relative_to(PACKAGE)}" for p in (PACKAGE / "sql").rglob("*.*")} <= names


@pytest.mark.parametrize("module", MODULES)
def test_modules_of_the_zipapp_import_nothing_that_hosts_lack(module: str) -> None:
    # What the standard library lacks is in role hanam_mail's packages.
    allowed = {*sys.stdlib_module_names, "argon2", "dns", "psycopg", "yaml"}
    ours = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in MODULES}
    for node in ast.walk(ast.parse((PACKAGE / module).read_text())):
        if isinstance(node, ast.Import):
            assert all(alias.name.partition(".")[0] in allowed for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            root, _, name = (node.module or "").partition(".")
            names = {f"{name}.{alias.name}".removeprefix(".") for alias in node.names}
            assert root in allowed or (root == "hanam_mail" and (name in ours or names <= ours)), ast.unparse(node)
