"""The address book by CardDAV, as the database decides: who may read it, whom it holds."""

from pathlib import Path

import psycopg
import pytest

from hanam_mail import carddav_gate
from hanam_mail.host.directory import carddav
from tests.database.databases import Database
from tests.database.scratch import Scratch, person, registry
from tests.database.test_second_factor import NEW, ON, STATES, WITH_APP, WORD
from tests.database.world import PASSWORD, WORLD, query, quoted, refused


def sign_in(word: str = quoted(PASSWORD), name: str = "test.nguoi", address: str = "192.0.2.1") -> str:
    """The gate's statement, with an expression for the password."""
    return f"select * from mail.carddav_sign_in('{name}', {word}, '{address}')"


FAILURES = "select count(*) from mail.sign_in_failure where protocol = 'dav'"
WITH_DAV = ON + f"create temp table app as {NEW.format('dav,imap')} as word;"


def test_the_password_opens_it_and_a_wrong_one_is_counted_by_place(database: Database) -> None:
    assert query(database, sign_in()) == "open|"
    counted = "select protocol, host(address) from mail.sign_in_failure"
    assert query(database, f"{sign_in(quoted('sai'), address='198.51.100.7')}; {counted}").splitlines() == [
        "refused|", "dav|198.51.100.7",
    ]  # fmt: skip
    limit = int(query(database, "select mail.setting_int('guessing_pair_failures')", world=""))
    wrong = "".join(f"{sign_in(quoted('sai'))};" for _ in range(limit))
    assert query(database, f"{wrong} {sign_in()}").splitlines()[-1] == "refused|"
    assert query(database, sign_in(name="khong.co")) == "refused|"


@pytest.mark.dieu7
@pytest.mark.parametrize("state", STATES)
def test_dieu7_in_no_other_state_does_password_or_programs_password_open_it(database: Database, state: str) -> None:
    told = query(database, f"{sign_in()}; {FAILURES}", world=WORLD + STATES[state]).splitlines()
    assert told[0].startswith("shut|")
    assert told[0].endswith("]")  # as IMAP says it
    assert told[1] == "0"
    assert not query(database, sign_in(WORD), world=WITH_DAV + STATES[state]).startswith("open")


def test_with_the_second_factor_on_a_password_for_it_opens_it_and_no_other(database: Database) -> None:
    told = query(database, f"{sign_in()}; {FAILURES}", world=ON).splitlines()
    assert (told[0].startswith("shut|"), told[0].endswith("[second_factor:on]"), told[1]) == (True, True, "0")
    used = "select last_protocol from mail.app_password"
    assert query(database, f"{sign_in(WORD)}; {used}", world=WITH_DAV).splitlines() == ["open|", "dav"]
    assert query(database, sign_in(WORD), world=WITH_APP).endswith("[app_password:scope]")
    ended = WITH_DAV + "select mail.app_passwords_end('test1person', null, 'owner');"
    assert query(database, sign_in(WORD), world=ended).endswith("[app_password:over]")


def test_a_word_of_the_webmail_is_none_of_its_passwords(database: Database) -> None:
    world = (
        ON + "create temp table app as select mail.second_step_new('test1person', 'webmail', interval '1 h') as word;"
    )
    assert query(database, sign_in(WORD, address="127.0.0.1"), world=world).endswith("[app_password:scope]")


def test_to_read_it_is_no_use_of_the_mailbox(database: Database) -> None:
    asked = "select count(*) from mail.activity where mailbox_id = 'test1person'"
    assert query(database, f"{sign_in()}; {asked}").splitlines() == ["open|", "0"]


@pytest.mark.parametrize(("served", "result"), [("true", "open"), ("false", "rejected")])
def test_a_password_for_it_is_made_where_it_is_served(database: Database, served: str, result: str) -> None:
    world = ON + (
        f"insert into mail.setting (name, value) values ('book_carddav', '{served}')"
        " on conflict (name) do update set value = excluded.value;"
        "create temp table visit as select 'test1person:'"
        " || mail.second_step_new('test1person', 'page', interval '1 hour') as word;"
    )
    said = (
        f"jsonb_build_object('key', '{'5e' * 32}', 'ticket', (select word from visit), 'turn', '0', 'name', 'Máy',"
        " 'scopes', '[\"dav\"]'::jsonb, 'ends_on', current_date::text)"
    )
    asked = f"select a ->> 'result', a -> 'scopes' ? 'dav' from mail.factor_page_do('app_new', {said}, '') a"
    assert query(database, asked, world=world) == f"{result}|{served[0]}"


@pytest.mark.parametrize(
    "statement",
    ["select * from mail.mailbox", "select * from mail.credential", "select * from mail.listed",
     "select * from mail.app_password", "select mail.dovecot_passdb('x', 'x', 'imap', 1, '')",
     "select mail.password_matches('x', 'x')", "select mail.mailbox_lock('x', 'idle', '')"],
)  # fmt: skip
def test_who_asks_for_it_may_do_nothing_else(database: Database, statement: str) -> None:
    assert "permission denied" in refused(database, statement, world="", role="mail_carddav")


@pytest.mark.parametrize("role", ["mail_directory", "mail_change", "mail_webmail", "mail_held", "mail_postfix"])
def test_nobody_else_may_try_passwords_by_it(database: Database, role: str) -> None:
    assert "permission denied" in refused(database, sign_in(), world="", role=role)


def test_no_log_of_the_database_has_what_the_gate_asks(scratch: Scratch) -> None:
    shown = "select current_setting(n) from unnest('{log_min_error_statement,log_parameter_max_length}'::text[]) n"
    assert scratch.psql(shown, role="mail_carddav").split() == ["panic", "0"]
    ask = carddav_gate.connected(scratch.dsn("mail_carddav"))
    answers = ask("SELECT result, reason FROM mail.carddav_sign_in(%s, %s, %s)", ["không", "có", "192.0.2.1"])
    assert answers == [("refused", None)]
    with pytest.raises(carddav_gate.GateUnavailable, match="InvalidTextRepresentation"):
        ask("SELECT result, reason FROM mail.carddav_sign_in(%s, %s, %s)", ["ha", "x", "không là địa chỉ"])


def test_the_program_makes_the_books_and_takes_out_who_is_locked(scratch: Scratch, tmp_path: Path) -> None:
    scratch.apply(registry(*(person(number, post="Chuyên viên", phone="0226 3850 123") for number in (1, 2))))
    folder, runtime = tmp_path / "cards", tmp_path / "run"
    folder.mkdir()
    runtime.mkdir()

    def names() -> list[str]:
        assert carddav.main([scratch.dsn("mail_carddav"), str(folder), str(runtime)]) == 0
        return sorted(path.name for path in (folder / "co-quan/k7q2m4").glob("*.vcf"))

    assert names() == ["box00001.vcf", "box00002.vcf"]
    card = (folder / "co-quan/k7q2m4/box00001.vcf").read_text()
    assert "FN:Nguyễn Thị Hà 1\n" in card
    assert "3850" not in card
    locked = scratch.command("lock", "ha2@hanam.gov.vn", "--reason", "compromised", "--note", "thử")
    assert locked.status == 0, locked.complaint
    assert names() == ["box00001.vcf"]
    with psycopg.connect(scratch.dsn("postgres"), autocommit=True) as connection:
        connection.execute("revoke execute on function mail.carddav_cards() from mail_carddav")
    assert carddav.main([scratch.dsn("mail_carddav"), str(folder), str(runtime)]) == 1
    # Away for a moment is no fault; the book stays.
    away = "host=/nonexistent user=mail_carddav dbname=mail"
    assert carddav.main([away, str(folder), str(runtime)]) == 0
    assert len(list(folder.rglob("*.vcf"))) == 1
