"""What the webmail tells who writes: whose an address is, what a wrong one meant, what stands under his name."""

import time

import pytest

from tests.database.databases import Database
from tests.database.scratch import Scratch, person, registry
from tests.database.world import WORLD, query, quoted, refused

PEOPLE = """
    insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state, post) values
        ('near1', 'person', 'test0agency', 'Trần Văn Hùng', 0, 2000000000, 'active', 'Trưởng phòng'),
        ('near2', 'person', 'test0agency', 'Trần Văn Hùng', 0, 2000000000, 'active', ''),
        ('near3', 'person', 'test0agency', 'Lê Thị Kín', 0, 2000000000, 'active', 'Chuyên viên'),
        ('near4', 'guest', 'test0agency', 'Hội Thử', 0, 2000000000, 'active', ''),
        ('near5', 'person', 'test0agency', 'Đỗ Đổi', 0, 2000000000, 'active', '');
    insert into mail.address (local_part, mailbox_id, kind, valid_from, valid_until) values
        ('tranvanhung', 'near1', 'primary', '2020-01-01', null),
        ('tranvanhung.xx', 'near2', 'primary', '2020-01-01', null),
        ('lethikin', 'near3', 'primary', '2020-01-01', null),
        ('hoithu', 'near4', 'primary', '2020-01-01', null),
        ('dodoi', 'near5', 'primary', '2020-01-01', null),
        ('dodoicu', 'near5', 'alias', '2020-01-01', current_date - 1),
        ('dodoimai', 'near5', 'alias', current_date + 1, null);
    update mail.mailbox set withheld = 'theo yêu cầu' where id = 'near3';
    update mail.mailbox set phone = '0226 3850 123' where id in ('near1', 'near2', 'near3', 'test2agency');
"""
AT = "@hanam.gov.vn"
EVERYTHING = WORLD + PEOPLE


def told(database: Database, *addresses: str, more: str = "") -> dict[str, list[str]]:
    """Fate, name, post, agency, nearest by address, as the webmail's role gets them."""
    asked = "array[" + ", ".join(map(quoted, addresses)) + "]::text[]"
    answer = query(
        database, f"select * from mail.webmail_recipients({asked})", world=f"{EVERYTHING} {more}", role="postgres"
    )
    rows = [line.split("|") for line in answer.splitlines()]
    return {address: rest for address, *rest in rows}


def test_an_address_of_ours_bears_name_post_and_agency(database: Database) -> None:
    assert told(database, f"TranVanHung{AT}", f"test.so{AT}", f"test.nguoi.cu{AT}") == {
        f"tranvanhung{AT}": ["open", "Trần Văn Hùng", "Trưởng phòng", "Sở Thử", ""],
        f"test.so{AT}": ["open", "Sở Thử", "", "Sở Thử", ""],
        # An alias that still receives.
        f"test.nguoi.cu{AT}": ["open", "Nguyễn Khắc Thử", "", "Sở Thử", ""],
    }


@pytest.mark.parametrize("address", ["an@ngoai.example", "tranvanhung", "a@b@hanam.gov.vn", "x@phong.hanam.gov.vn", ""])
def test_what_is_no_address_of_ours_is_answered_with_nothing(database: Database, address: str) -> None:
    assert told(database, address) == {}


def test_who_is_withheld_or_a_guest_can_be_written_to_and_is_not_named(database: Database) -> None:
    assert told(database, f"lethikin{AT}", f"hoithu{AT}") == {
        f"lethikin{AT}": ["open", "", "", "", ""],
        f"hoithu{AT}": ["open", "", "", "", ""],
    }


def test_a_lock_is_told_without_its_person_and_not_of_who_is_withheld(database: Database) -> None:
    locks = """
        insert into mail.lock_state (mailbox_id, reason, locked_by)
            values ('near1', 'idle', 'x'), ('near3', 'idle', 'x');
    """
    assert told(database, f"tranvanhung{AT}", f"lethikin{AT}", more=locks) == {
        f"tranvanhung{AT}": ["locked", "", "", "", ""],
        f"lethikin{AT}": ["open", "", "", "", ""],
    }


def test_a_closed_mailbox_is_told_and_nothing_offered_for_it(database: Database) -> None:
    assert told(database, f"test.socu{AT}") == {f"test.socu{AT}": ["closed", "", "", "", ""]}


def test_an_address_that_ended_leads_to_the_one_of_today_and_one_to_come_is_unknown(database: Database) -> None:
    answer = told(database, f"dodoicu{AT}", f"dodoimai{AT}")
    assert answer[f"dodoicu{AT}"] == ["ended", "", "", "", f"dodoi{AT}"]
    assert answer[f"dodoimai{AT}"][0] == "unknown"


def test_the_former_address_of_who_is_withheld_is_unknown(database: Database) -> None:
    former = "insert into mail.address values ('kincu', 'near3', 'alias', '2020-01-01', current_date - 1);"
    assert told(database, f"kincu{AT}", more=former) == {f"kincu{AT}": ["unknown", "", "", "", ""]}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tranvanhun", "tranvanhung"),  # a letter is missing, and it is the beginning of both
        ("tranvanhungg", "tranvanhung"),
        ("tranvanhugn", "tranvanhung"),
        ("tranvanhunh", "tranvanhung"),
        ("tran.van.hung", "tranvanhung"),
        ("tranvanhung.yy", "tranvanhung tranvanhung.xx"),
        ("tranvan", "tranvanhung tranvanhung.xx"),
    ],
)
def test_the_nearest_addresses_come_first_and_are_those_that_were_meant(
    database: Database, typed: str, meant: str
) -> None:
    nearest = told(database, typed + AT)[typed + AT]
    assert nearest[:4] == ["unknown", "", "", ""]
    offered = [address.removesuffix(AT) for address in nearest[4].split()]
    assert offered[: len(meant.split())] == meant.split()


@pytest.mark.parametrize(
    "typed", ["lethikinn", "hoithuu", "test.soc", "zz", "khongcoaigiongthe", "tr%", "t' or 1=1 --"]
)
def test_nobody_is_offered_whom_the_public_directory_does_not_show(database: Database, typed: str) -> None:
    hidden = {f"lethikin{AT}", f"hoithu{AT}", f"test.socu{AT}"}
    for rest in told(database, typed + AT).values():
        assert not hidden & set(rest[4].split())


def test_what_is_locked_is_not_offered(database: Database) -> None:
    lock = "insert into mail.lock_state (mailbox_id, reason, locked_by) values ('near1', 'idle', 'x');"
    answer = told(database, f"tranvanhunh{AT}", more=lock)
    assert f"tranvanhung{AT}" not in answer[f"tranvanhunh{AT}"][4].split()


def test_names_are_those_of_the_public_directory_and_no_others(database: Database) -> None:
    """Two functions hold one rule: whoever changes one of them learns it here."""
    changed = (
        EVERYTHING
        + """
        insert into mail.lock_state (mailbox_id, reason, locked_by) values ('near2', 'idle', 'x');
    """
    )
    ours = f"array(select a.local_part || '{AT}' from mail.address a where a.kind = 'primary')"
    answers = f"select r.address, r.name, r.post, r.agency from mail.webmail_recipients({ours}) r"
    named = f"{answers} where r.name <> '' order by 1"
    shown = query(database, named, world=changed)
    listed = "select d.address, d.name, d.post, d.agency_name from mail.directory() d order by 1"
    assert shown == query(database, listed, world=changed)
    assert len(shown.splitlines()) > 2


def test_no_more_than_a_hundred_are_answered_at_once(database: Database) -> None:
    asked = f"select count(*) from mail.webmail_recipients(array(select n || '{AT}' from generate_series(1, 500) n))"
    assert query(database, asked) == "100"


def test_of_five_unknown_addresses_it_is_told_what_was_meant(database: Database) -> None:
    """Each is looked for some thousand times: a hundred in one request would keep the server busy."""
    wrong = [f"tranvanhung{n}{AT}" for n in range(1, 8)]
    answers = told(database, f"tranvanhung{AT}", *wrong)
    assert [address for address in wrong if answers[address][4]] == wrong[:5]
    assert {answers[address][0] for address in wrong} == {"unknown"}


@pytest.mark.parametrize(
    ("login", "shown"),
    [
        ("near1", "person|Trần Văn Hùng|Trưởng phòng|Sở Thử|0226 3850 123"),
        ("near5", "person|Đỗ Đổi||Sở Thử|"),
        ("test2agency", "agency|Sở Thử||Sở Thử|0226 3850 123"),
        ("test2agency*test1person", "agency|Sở Thử||Sở Thử|0226 3850 123"),
        ("test2agency*near1", ""),  # no clerk of it
        ("near3", ""),
        ("test3closed", ""),
        ("nobody", ""),
    ],
)
def test_a_signature_is_what_the_registry_says_of_who_writes(database: Database, login: str, shown: str) -> None:
    assert query(database, f"select * from mail.webmail_signature({quoted(login)})", world=EVERYTHING) == shown


def test_a_signature_follows_the_registry(scratch: Scratch) -> None:
    scratch.apply(registry(person(1, post="Chuyên viên", phone="0226 3850 123")))
    asked = "select post, phone from mail.webmail_signature('box00001')"
    assert scratch.psql(asked) == "Chuyên viên|0226 3850 123"
    scratch.apply(registry(person(1, post="Phó Giám đốc")))
    assert scratch.psql(asked) == "Phó Giám đốc|"


@pytest.mark.dieu11
@pytest.mark.parametrize(
    "source",
    [
        "mail.listed",
        "mail.book",
        "mail.directory()",
        "mail.carddav_cards()",
        "mail.book_search('', null, 0, 100)",
        "mail.book_search('0226 3850 123', null, 0, 100)",
        f"mail.book_entries('{{tranvanhung{AT},test.so{AT}}}')",
        f"mail.book_sender('tranvanhung{AT}')",
        f"mail.webmail_recipients('{{tranvanhung{AT},test.so{AT}}}')",
    ],
)
def test_a_telephone_is_in_no_directory_no_address_book_and_no_answer_on_recipients(
    database: Database, source: str
) -> None:
    answer = query(
        database, f"select coalesce(string_agg(to_jsonb(x)::text, ''), '') from {source} x", world=EVERYTHING
    )
    assert "3850" not in answer
    assert "phone" not in answer
    assert ("tranvanhung" in answer or "Trần Văn Hùng" in answer) is ("0226" not in source)


def test_the_signature_alone_reads_the_telephone(database: Database) -> None:
    """Whoever makes a function or a view that names it, or a role that reads it, learns here that it is personal."""
    functions = (
        "select string_agg(proname, ' ') from pg_proc where pronamespace = 'mail'::regnamespace and prosrc ~ 'phone'"
    )
    assert query(database, functions, world="") == "webmail_signature"
    views = r"select count(*) from pg_views where schemaname = 'mail' and definition ~ 'phone|\.\*'"
    assert query(database, views, world="") == "0"
    # Those that read whole tables: apply and show, jobs and reports, the backup.
    reading = (
        "select string_agg(rolname, ' ' order by rolname) from pg_roles where rolname like 'mail\\_%'"
        " and rolname not in ('mail_owner', 'mail_migrate')"
        " and has_column_privilege(rolname, 'mail.mailbox', 'phone', 'select')"
    )
    assert query(database, reading, world="") == "mail_apply mail_backup mail_jobs mail_report"


# Whole rows of mailboxes, X being what the function calls the table: by name, by a star, as a variable, as a trigger's.
WHOLE_ROWS = (
    r"\mX\.\*|(json|agg)\w*\(X[ ,)]|\mselect \*[^;()]*\mmail\.mailbox\M|\mmail\.mailbox(%rowtype|;)"
    r"|to_jsonb\((new|old)\)|to_jsonb\(\w\)[^;]*\m(new|old)_rows\M"
)


def whole_rows(database: Database, more: str = "") -> str:
    functions = (
        "select string_agg(distinct proname, ' ' order by proname) from pg_proc,"
        r" regexp_matches('mail.mailbox mailbox; ' || prosrc, '\mmail\.mailbox\s+(?:as\s+)?(\w+)', 'gi') named"
        f" where pronamespace = 'mail'::regnamespace and prosrc ~* replace('{WHOLE_ROWS}', 'X', named[1])"
    )
    return query(database, functions, world=more)


def test_no_function_reads_the_telephone_with_all_the_rest_of_a_mailbox(database: Database) -> None:
    """The audit keeps every change; a report of a person's holds the row and gives its id and agency alone."""
    assert whole_rows(database) == "audit_write user_report_take"


@pytest.mark.parametrize(
    "statement",
    [
        "select to_jsonb(m) from mail.mailbox m",
        "select jsonb_agg(to_jsonb(x.*)) from mail.mailbox as x",
        "select row_to_json(mailbox)::jsonb from mail.mailbox",
        "select to_jsonb(y) from (select * from mail.mailbox) y",
        "select to_jsonb(y) from (select p.* from mail.address a join mail.mailbox p on p.id = a.mailbox_id) y",
    ],
)
def test_a_function_that_does_so_is_found(database: Database, statement: str) -> None:
    made = f"create function mail.a_new_one() returns jsonb language sql as $x$ {statement} $x$;"
    assert whole_rows(database, made) == "a_new_one audit_write user_report_take"


def test_the_webmail_may_ask_that_and_search_nothing(database: Database) -> None:
    assert query(database, f"select fate from mail.webmail_recipients(array['x{AT}'])", world="", role="mail_webmail")
    query(database, "select * from mail.webmail_signature('x')", world="", role="mail_webmail")
    for statement in (
        "select mail.addresses_near('tranvan')",
        "select * from mail.address",
        "select * from mail.mailbox",
    ):
        assert "permission denied" in refused(database, statement, world="", role="mail_webmail")


@pytest.mark.parametrize("role", ["mail_held", "mail_dovecot", "mail_postfix", "mail_directory"])
def test_nobody_else_may_ask_it(database: Database, role: str) -> None:
    statement = f"select * from mail.webmail_recipients(array['x{AT}'])"
    assert "permission denied" in refused(database, statement, world="", role=role)


def test_a_wrong_address_among_twenty_thousand_is_answered_at_once(scratch: Scratch) -> None:
    scratch.psql("""
        insert into mail.agency values ('many0agency', 'department', 'Sở Đông', 'dong');
        insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)
            select 'm' || lpad(n::text, 6, '0'), 'person', 'many0agency', 'Nguyễn Văn ' || n, 0, 2000000000, 'active'
            from generate_series(1, 20000) n;
        insert into mail.address (local_part, mailbox_id, kind)
            select 'nguyenvanhung' || n, 'm' || lpad(n::text, 6, '0'), 'primary' from generate_series(1, 20000) n;
        analyze mail.address; analyze mail.mailbox;
    """)
    asked = f"select nearest from mail.webmail_recipients(array['nguyenvanhugn77{AT}'])"
    scratch.psql(asked)
    begin = time.perf_counter()
    assert scratch.psql(asked) == f"nguyenvanhung77{AT}"
    assert time.perf_counter() - begin < 1
    # As many as one page may ask at once.
    many = f"select 'nguyenvanhugn' || n || '{AT}' from generate_series(1, 100) n"
    begin = time.perf_counter()
    assert scratch.psql(f"select count(*) from mail.webmail_recipients(array({many}))") == "100"
    assert time.perf_counter() - begin < 2
