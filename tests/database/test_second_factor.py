"""The second factor and the passwords of programs, as the database decides (issue 13): states, doors, protocols."""

import json
import time
from typing import Any

import psycopg
import pytest

from hanam_mail.change_page.sealing import seal, unseal
from hanam_mail.host.database import migrate
from tests.database.databases import Database
from tests.database.scratch import Scratch, person, registry
from tests.database.world import PASSWORD, WORLD, login, query, quoted, refused
from tests.second_factor import totp

SECRETS = "5e" * 32
SECRET = bytes(range(20))
ON = WORLD + (
    "insert into mail.second_factor (mailbox_id, secret, confirmed_at)"
    f" values ('test1person', mail.factor_seal('\\x{SECRET.hex()}', '\\x{SECRETS}'), now());"
)
NEW = "select mail.app_password_new('test1person', 'Điện thoại', '{{{}}}', current_date + 30)"
# What a program is given, kept for the statements that come after.
WITH_APP = ON + "create temp table app as " + NEW.format("imap,smtp") + " as word;"
WORD = "(select word from app)"
WHY_ENDED = (
    "select before ->> 'why' from mail.audit"
    " where object = 'app_password' and key = 'test1person' and action = 'delete'"
)
IN = "test1person|y|||"
PROTOCOLS = ("imap", "pop3", "sieve", "webmail", "smtp", "dav")


def typed(word: str, protocol: str = "imap", address: str = "192.0.2.1", name: str = "test.nguoi") -> str:
    """The statement that Dovecot asks, with an expression for the password."""
    return f"select * from mail.dovecot_passdb('{name}', {word}, '{protocol}', 993, '{address}')"


def do(action: str, **said: str | list[str]) -> str:
    """The page's statement, without its seal."""
    body = quoted(json.dumps({"key": SECRETS, **said}))
    return f"select mail.factor_page_do('{action}', {body}, '192.0.2.1')"


def sign_in(code: str = "", password: str = PASSWORD) -> str:
    return do("sign_in", login="test.nguoi", password=password, code=code)


def step(code: str, password: str = PASSWORD) -> str:
    """The webmail's statement, as it decides."""
    body = f"'test.nguoi', {quoted(password)}, {quoted(code)}, '\\x{SECRETS}', 'webmail', '192.0.2.1', true"
    return f"select result from mail.both_steps({body})"


# --- Codes ---


@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_the_codes_are_those_of_rfc_6238(database: Database, at: int, code: str) -> None:
    """Its appendix B, the last six of eight digits."""
    key = b"12345678901234567890"
    assert query(database, f"select mail.totp('\\x{key.hex()}', {at // 30})", world="") == code
    assert totp(key, at) == code


def test_a_code_of_now_or_beside_it_opens_once_and_none_before_it_afterwards(database: Database) -> None:
    now = time.time()
    far = {totp(SECRET, now + 30 * away) for away in (-3, 3)}
    near = {totp(SECRET, now + 30 * away) for away in (-2, -1, 0, 1, 2)}
    for code in far - near:
        assert query(database, step(code), world=ON) == "code_wrong"
    code, before = totp(SECRET, now), totp(SECRET, now - 30)
    assert query(database, f"{step(code)}; {step(code)}; {step(before)}", world=ON).splitlines() == [
        "open", "code_wrong", "code_wrong",
    ]  # fmt: skip
    assert query(database, f"{step(code[:3] + ' ' + code[3:])}", world=ON) == "open"


@pytest.mark.dieu4
def test_dieu4_6_wrong_codes_count_as_wrong_passwords_do(database: Database) -> None:
    limit = int(query(database, "select mail.setting_int('guessing_pair_failures')", world=""))
    wrong = "".join(f"{step('abcdef')};" for _ in range(limit))
    shown = query(
        database,
        f"{wrong} {step(totp(SECRET, time.time()))};"
        " select count(*) from mail.sign_in_failure where protocol = 'factor'",
        world=ON,
    )
    assert shown.splitlines() == ["code_wrong"] * limit + ["throttled", str(limit)]
    told = query(database, f"{wrong} {login('test.nguoi')};", world=ON).splitlines()
    assert told == ["code_wrong"] * limit  # the same count shuts the password out


@pytest.mark.parametrize(("world", "known"), [(WORLD, "1"), (ON, "0")])
def test_with_the_factor_on_the_password_alone_makes_no_place_known(database: Database, world: str, known: str) -> None:
    change = f"select result from mail.change_password('test.nguoi', '{PASSWORD}', '{{}}', '198.51.100.9')"
    places = "select count(*) from mail.sign_in_address"
    for new, result in ((PASSWORD, "rejected"), ("Mat-khau-khac-2!", "changed")):
        assert query(database, f"{change.format(new)}; {places}", world=world).splitlines() == [result, known]


@pytest.mark.dieu4
def test_dieu4_6_wrong_codes_of_a_day_are_limited_from_known_and_own_places_too(database: Database) -> None:
    limit = int(query(database, "select mail.setting_int('guessing_account_day_failures')", world=""))
    known = (
        "insert into mail.sign_in_address (mailbox_id, address, protocols, opened)"
        " values ('test1person', '192.0.2.1', '{imap}', '{}');"
    )
    code = step(totp(SECRET, time.time()))
    for kind, count, result in (("factor", limit, "throttled"), ("factor", limit - 1, "open"), ("imap", limit, "open")):
        fails = (
            "insert into mail.sign_in_failure (login, address, protocol, at)"
            f" select 'test1person', '203.0.0.0'::inet + n, '{kind}', now() - interval '2 hours'"
            f" from generate_series(1, {count}) n;"
        )
        assert query(database, code, world=ON + known + fails) == result


def test_a_wrong_password_is_not_told_whether_the_code_was_right(database: Database) -> None:
    code = totp(SECRET, time.time())
    assert query(database, f"{step(code, 'sai')}; {step(code)}", world=ON).splitlines() == ["wrong", "open"]
    assert query(database, step("")) == "off"  # nobody comes by the second step who has no factor
    assert query(database, step(""), world=ON) == "code"


# --- Nothing changes for whoever has none ---


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_who_has_no_factor_signs_in_by_his_password_as_before(database: Database, protocol: str) -> None:
    assert query(database, login("test.nguoi", protocol=protocol)) == IN


# --- The factor is on: states and protocols ---


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_password_alone_opens_nothing_and_its_holder_is_told_where_to_go(database: Database, protocol: str) -> None:
    answer = query(database, login("test.nguoi", protocol=protocol), world=ON)
    if protocol == "smtp":
        assert answer == ""  # Postfix knows no reason
        return
    told = answer.split("|")
    assert told[:4] == ["test1person", "y", "", "y"]
    assert told[4].isascii()
    assert "mat-khau/hai-buoc" in told[4]
    assert told[4].endswith("[second_factor:on]")
    assert query(database, login("test.nguoi", "sai", protocol), world=ON) == ""


def test_a_telephone_that_goes_on_with_the_password_is_no_guesser(database: Database) -> None:
    tries = "".join(f"{login('test.nguoi', protocol=protocol)};" for protocol in PROTOCOLS)
    assert query(database, f"{tries} select count(*) from mail.sign_in_failure", world=ON).splitlines()[-1] == "0"


@pytest.mark.parametrize(
    ("scopes", "open_to"),
    [
        ("imap", {"imap", "pop3", "sieve"}),
        ("smtp", {"smtp"}),
        ("dav", {"dav"}),
        ("dav,imap,smtp", {"imap", "pop3", "sieve", "smtp", "dav"}),
    ],
)
def test_a_programs_password_opens_what_it_was_made_for_and_never_the_webmail(
    database: Database, scopes: str, open_to: set[str]
) -> None:
    world = ON + f"create temp table app as {NEW.format(scopes)} as word;"
    for protocol in PROTOCOLS:
        told = query(database, f"{typed(WORD, protocol)}; select count(*) from mail.sign_in_failure", world=world)
        answer, _, failures = told.rpartition("\n")
        assert failures == "0"
        if protocol in open_to:
            assert answer == IN
        elif protocol == "smtp":
            assert answer == ""
        else:
            assert answer.endswith("[app_password:scope]")


def test_it_is_typed_as_it_is_shown_or_without_its_hyphens_and_opens_nobody_elses_mailbox(database: Database) -> None:
    plain = f"upper(replace({WORD}, '-', ' '))"
    assert query(database, typed(plain), world=WITH_APP) == IN
    other = WITH_APP + (
        "insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state) values"
        " ('test4other', 'person', 'test0agency', 'Trần Thử', 0, 2000000000, 'active');"
        f"select mail.password_set('test4other', '{PASSWORD}', false, false);"
    )
    assert query(database, typed(WORD, name="test4other"), world=other) == ""
    # A clerk opens his agency's mailbox with it, as with his password.
    assert query(database, typed(WORD, name="test.so*test.nguoi"), world=WITH_APP) == "test2agency|y|||"


STATES = {
    "must change": "update mail.credential set must_change = true where mailbox_id = 'test1person';",
    "expired": "update mail.credential set changed_at = now() - interval '4 months' where mailbox_id = 'test1person';",
    "locked": "select mail.mailbox_lock('test1person', 'compromised', '');",
    "revoked": "update mail.mailbox set state = 'revoked' where id = 'test1person';",
}


@pytest.mark.dieu7
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("state", STATES)
def test_dieu7_in_no_other_state_does_it_open_anything(database: Database, state: str, protocol: str) -> None:
    answer = query(database, typed(WORD, protocol), world=WITH_APP + STATES[state]).splitlines()
    told = answer[-1] if answer else ""
    assert told.split("|")[3:4] in ([], ["y"])
    if protocol == "smtp":
        assert told == ""
    password = query(database, login("test.nguoi", protocol=protocol), world=WITH_APP + STATES[state])
    assert "second_factor" not in password  # the state is the weightier reason


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (STATES["locked"], "lock"),
        (STATES["revoked"], "revocation"),
        ("update mail.mailbox set state = 'locked' where id = 'test1person';", "lock"),
        ("select mail.password_set('test1person', 'Mat-khau-khac-2!', false, false);", "password"),
        ("select mail.first_passwords_give('{test1person}', (select array_agg(hash) from mail.credential"
         " where mailbox_id = 'test1person'), 'x.age');", "password"),
        ("select mail.second_factor_reset('test1person', 'gặp trực tiếp');", "operator"),
    ],
)  # fmt: skip
def test_programs_passwords_and_sessions_end_with_lock_revocation_change_and_reset(
    database: Database, event: str, why: str
) -> None:
    # Set a day ago: within one transaction the clock stands.
    world = WORLD + "update mail.credential set changed_at = now() - interval '1 day' where mailbox_id = 'test1person';"
    world += WITH_APP.removeprefix(WORLD) + (
        "select mail.second_step_new('test1person', 'webmail', interval '1 hour');"
    )
    ask = f"{WHY_ENDED}; select count(*) from mail.second_step; "
    assert query(database, ask, world=world) == "1"
    # A session of the webmail is told of a lock, as any other.
    told = why in ("lock", "revocation")
    assert query(database, ask, world=world + event).splitlines() == [why, str(int(told))]
    # The factor is its owner's: only an operator takes it away.
    left = query(database, "select count(*) from mail.second_factor", world=world + event)
    assert left == ("0" if why == "operator" else "1")


def test_one_that_ended_is_refused_with_a_reason_and_is_no_guess(database: Database) -> None:
    for end in (
        "select mail.app_passwords_end('test1person', null, 'owner');",
        "update mail.app_password set ends_on = current_date - 1;",
    ):
        shown = query(
            database,
            f"{typed(WORD)}; {typed(WORD, 'smtp')}; select count(*) from mail.sign_in_failure",
            world=WITH_APP + end,
        ).splitlines()
        assert shown[0].endswith("[app_password:over]")
        assert shown[1:] == ["0"]
    assert query(database, typed(WORD), world=WITH_APP + "update mail.app_password set ends_on = current_date;") == IN


def test_its_last_use_and_place_are_kept(database: Database) -> None:
    ask = "select last_at is not null, last_protocol, host(last_address) from mail.app_password"
    assert query(database, f"{typed(WORD, 'pop3', '198.51.100.7')}; {ask}", world=WITH_APP).splitlines()[1] == (
        "t|pop3|198.51.100.7"
    )


# --- The webmail's session ---


def test_the_webmails_word_opens_the_webmail_and_what_its_server_does_and_nothing_from_elsewhere(
    database: Database,
) -> None:
    world = ON + (
        "create temp table app as select mail.second_step_new('test1person', 'webmail', interval '1 hour') as word;"
    )
    assert query(database, typed(WORD, "webmail"), world=world) == IN
    for protocol in ("smtp", "sieve"):
        assert query(database, typed(WORD, protocol, "127.0.0.1"), world=world) == IN
        assert query(database, typed(WORD, protocol), world=world) != IN
    # From the province's networks whoever got hold of it is no webmail, nor from beside its server.
    near = world + (
        "update mail.setting set value = '[\"192.0.2.0/24\", \"2001:db8::/32\"]' where name = 'guessing_own_networks';"
        "update mail.setting set value = '[\"192.0.2.7/32\", \"2001:db8::7/128\"]' where name = 'webmail_networks';"
    )
    for address, opens in (
        ("192.0.2.7", True), ("::ffff:192.0.2.7", True), ("2001:db8::7", True),
        ("192.0.2.1", False), ("2001:db8::1", False),
    ):  # fmt: skip
        for protocol in ("smtp", "sieve"):
            assert (query(database, typed(WORD, protocol, address), world=near) == IN) == opens
    for protocol in ("imap", "pop3"):
        assert query(database, typed(WORD, protocol, "127.0.0.1"), world=world).endswith("[app_password:scope]")
    over = world + "update mail.second_step set ends_at = now();"
    failures = "select count(*) from mail.sign_in_failure"
    assert query(database, f"{typed(WORD, 'webmail')}; {failures}", world=over) == "0"
    assert query(database, typed(WORD, "webmail", name="khong.co"), world=world) == ""
    assert query(database, typed(WORD, "webmail"), world=world + STATES["locked"]).endswith("[locked:compromised]")
    # Signed out: by the page's own statement, the word sealed.
    sealed = (
        "'" + "00" * 16 + "' || encode(mail_crypto.encrypt_iv(convert_to(jsonb_build_object('login', 'test1person',"
    )
    sealed += f" 'token', {WORD})::text, 'UTF8'), (select value from mail.secret where name = 'factor_key'),"
    sealed += " decode(repeat('00', 16), 'hex'), 'aes-cbc/pad:pkcs'), 'hex')"
    left = world + f"select mail.webmail_second_step_end({sealed});"
    assert query(database, typed(WORD, "webmail"), world=left) == ""
    # A visit to the page opens no mail.
    page = (
        ON + "create temp table app as select mail.second_step_new('test1person', 'page', interval '1 hour') as word;"
    )
    assert query(database, typed(WORD, "webmail"), world=page) == ""


@pytest.mark.parametrize("password", ["webmail-Mat-khau-cua-Ha-1!", "webmail-" + "Mk1!" * 12])
def test_an_own_password_that_begins_as_the_webmails_words_do_is_a_password(database: Database, password: str) -> None:
    world = WORLD + f"select mail.password_set('test1person', '{password}', false, false);"
    for protocol in PROTOCOLS:
        assert query(database, login("test.nguoi", password, protocol), world=world) == IN


# --- The page ---


def answers(shown: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in shown.splitlines() if line.startswith("{")]


VISITS = WORLD + (
    "create temp table visits as select name, 'test1person:'"
    " || mail.second_step_new('test1person', 'page', interval '15 minutes') as word"
    " from (values ('owner'), ('thief')) v(name);"
)


def at_visit(action: str, visit: str, more: str = "") -> str:
    """The page's statement in one of VISITS."""
    said = f"'key', '{SECRETS}', 'ticket', (select word from visits where name = '{visit}'){more}"
    return f"select mail.factor_page_do('{action}', jsonb_build_object({said}), '203.0.113.7')"


def test_the_owner_turns_it_on_makes_a_programs_password_and_turns_it_off(database: Database) -> None:
    """One visit after the other in one transaction, the answers of each in the next."""
    script = f"""
        create temp table said (n serial, a jsonb);
        insert into said (a) {sign_in()};
        insert into said (a) select mail.factor_page_do('begin', jsonb_build_object('key', '{SECRETS}',
            'ticket', (select a ->> 'ticket' from said where n = 1)), '');
        insert into said (a) select mail.factor_page_do('confirm', jsonb_build_object('key', '{SECRETS}',
            'ticket', (select a ->> 'ticket' from said where n = 1), 'code', '000'), '');
        insert into said (a) select mail.factor_page_do('confirm', jsonb_build_object('key', '{SECRETS}',
            'ticket', (select a ->> 'ticket' from said where n = 1), 'code',
            mail.totp(decode((select a ->> 'secret' from said where n = 2), 'hex'), mail.totp_step())), '');
        insert into said (a) select mail.factor_page_do('app_new', jsonb_build_object('key', '{SECRETS}',
            'ticket', (select a ->> 'ticket' from said where n = 1), 'turn', '0', 'name', 'Máy tính',
            'scopes', '["imap"]'::jsonb, 'ends_on', (current_date + 366)::text), '');
        insert into said (a) select mail.factor_page_do('app_new', jsonb_build_object('key', '{SECRETS}',
            'ticket', (select a ->> 'ticket' from said where n = 1), 'turn', '1', 'name', 'Quá lâu',
            'scopes', '["imap"]'::jsonb, 'ends_on', (current_date + 367)::text), '');
        insert into said (a) select mail.factor_page_do('off', jsonb_build_object('key', '{SECRETS}',
            'ticket', (select a ->> 'ticket' from said where n = 1), 'code', 'sai'), '192.0.2.1');
        insert into said (a) select mail.factor_page_do('off', jsonb_build_object('key', '{SECRETS}',
            'ticket', (select a ->> 'ticket' from said where n = 1),
            'code', (select a -> 'codes' ->> 3 from said where n = 4)), '192.0.2.1');
        select a from said order by n;
        select string_agg(object || ' ' || action, ', ' order by seq) from mail.audit
        where key = 'test1person' and object in ('second_factor', 'app_password');
        select count(*) from mail.audit where coalesce(before, after)::text
            ~ (select coalesce(a ->> 'secret', 'x') from said where n = 2)
    """
    shown = query(database, script)
    opened, begun, again, on, made, late, wrong, off = answers(shown)
    assert (opened["result"], opened["since"], opened["app_passwords"]) == ("open", None, [])
    assert len(str(begun["secret"])) == 40
    assert (again["result"], again["secret"], again["since"]) == ("code_wrong", begun["secret"], None)
    assert (on["result"], on["codes_left"], on["since"] is None) == ("open", 10, False)
    codes = on["codes"]
    assert isinstance(codes, list)
    assert len(set(codes)) == 10
    listed = made["app_passwords"]
    assert isinstance(listed, list)
    assert (listed[0]["name"], listed[0]["scopes"], listed[0]["last_at"]) == ("Máy tính", ["imap"], None)
    assert (late["result"], wrong["result"]) == ("rejected", "code_wrong")
    assert (off["result"], off["since"], off["app_passwords"]) == ("open", None, [])
    assert shown.splitlines()[-2:] == [
        "second_factor insert, second_factor update, app_password insert, second_factor update, app_password delete,"
        " second_factor delete",
        "0",
    ]


def test_what_the_password_alone_opened_before_ends_when_the_factor_is_turned_on(database: Database) -> None:
    """The visits and the places of whoever knew the password; the owner's own visit goes on."""
    at = at_visit
    world = VISITS + (
        "insert into mail.sign_in_address (mailbox_id, address, protocols, opened) values"
        " ('test1person', '198.51.100.9', '{imap}', '{}');"
        f"create temp table begun as {at('begin', 'owner')} as said;"
    )
    code = ", 'code', mail.totp(decode((select said ->> 'secret' from begun), 'hex'), mail.totp_step())"
    shown = query(
        database,
        f"{at('look', 'thief')}; {at('confirm', 'owner', code)}; {at('begin', 'thief')}; {at('codes', 'thief')};"
        f" {at('begin', 'owner')}; {at('look', 'owner')}; select count(*) from mail.sign_in_address",
        world=world,
    )
    results = [answer["result"] for answer in answers(shown)]
    assert results == ["open", "open", "closed", "closed", "on", "open"]
    assert shown.splitlines()[-1] == "0"


def test_a_secret_stays_the_same_in_its_visit_and_no_other_visit_is_shown_it(database: Database) -> None:
    """A telephone has read it when the page is loaded again; who knows the password only must not come to share it."""
    wrong = ", 'code', '000000'"
    late = "update mail.second_factor set begun_at = now() - interval '16 minutes' where mailbox_id = 'test1person'"
    shown = query(
        database,
        f"{at_visit('begin', 'owner')}; {at_visit('begin', 'owner')}; {at_visit('confirm', 'owner', wrong)};"
        f" {at_visit('confirm', 'thief', wrong)}; {at_visit('begin', 'owner')}; {late}; {at_visit('begin', 'owner')}",
        world=VISITS,
    )
    first, again, wrong_code, other, back, after = answers(shown)
    assert first["secret"] == again["secret"] == wrong_code["secret"]
    assert (other["result"], other["since"]) == ("begun", None)
    assert "làm lại" in str(other["message"])
    secrets = [each["secret"] for each in (first, other, back, after)]
    assert len(set(secrets)) == 4
    found = "select count(*) from mail.second_factor f where position(decode({}, 'hex') in f.secret) > 0"
    kept = f"{at_visit('begin', 'owner')}; {found.format(quoted(str(first['secret'])))}"
    assert query(database, kept, world=VISITS).splitlines()[-1] == "0"


def test_a_code_of_another_visits_secret_turns_nothing_on(database: Database) -> None:
    world = VISITS + f"create temp table begun as {at_visit('begin', 'owner')} as said;"
    code = ", 'code', mail.totp(decode((select said ->> 'secret' from begun), 'hex'), mail.totp_step())"
    shown = query(database, f"{at_visit('confirm', 'thief', code)}; {at_visit('look', 'owner')}", world=world)
    assert [(each["result"], each["since"]) for each in answers(shown)] == [("begun", None), ("open", None)]


# --- Letters to the owner ---

LETTERS = (
    "select kind, payload ->> 'place', payload -> 'names' ->> 0, payload ->> 'why',"
    " payload ->> 'done_at' ~ '^[0-9]{2}:[0-9]{2} ngày ', array_length(mail.notice_recipients(mailbox_id, kind), 1)"
    " from mail.notice where mailbox_id = 'test1person' and kind ~ '^(factor_|app_password_)' order by round"
)
NAMED = ", 'turn', '0', 'name', 'Máy', 'scopes', '[\"imap\"]'::jsonb, 'ends_on', current_date::text"
END = ", 'number', (select number::text from mail.app_password where ended_at is null)"


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (at_visit("codes", "owner", ", 'turn', '0'"), "factor_codes|203.0.113.7|||t|1"),
        (at_visit("codes", "owner", ", 'turn', '9'"), ""),
        (at_visit("app_new", "owner", NAMED), "app_password_made|203.0.113.7|Máy||t|1"),
        (at_visit("app_end", "owner", END), "app_password_ended|203.0.113.7|Điện thoại|owner|t|1"),
        (at_visit("off", "owner", ", 'code', mail.totp('\\x" + SECRET.hex() + "', mail.totp_step())"),
         "factor_off|203.0.113.7|||t|1"),
        (at_visit("off", "owner", ", 'code', '000000'"), ""),
        ("select mail.second_factor_reset('test1person', 'gặp trực tiếp')", "factor_reset||||t|1"),
        (f"select result from mail.change_password('test.nguoi', '{PASSWORD}', 'Mat-khau-khac-2!', '198.51.100.9')",
         "app_password_ended|198.51.100.9|Điện thoại|password|t|1"),
        ("update mail.app_password set ends_on = current_date - 1; select mail.second_keys_over(9)",
         "app_password_ended||Điện thoại|term|t|1"),
        ("select mail.mailbox_lock('test1person', 'compromised', '')", ""),
    ],
)  # fmt: skip
def test_the_owner_is_told_of_what_is_done_with_his_factor_and_programs(
    database: Database, done: str, told: str
) -> None:
    # The password of this world is as old as its transaction: without that no other one would be a change.
    older = "update mail.credential set changed_at = now() - interval '1 hour';"
    world = WORLD + older + WITH_APP.removeprefix(WORLD) + "delete from mail.notice;" + VISITS.removeprefix(WORLD)
    assert query(database, f"{done}; select '--'; {LETTERS}", world=world).rpartition("--\n")[2] == told


def test_the_owner_is_told_once_that_it_was_turned_on(database: Database) -> None:
    world = VISITS + f"create temp table begun as {at_visit('begin', 'owner')} as said;"
    code = ", 'code', mail.totp(decode((select said ->> 'secret' from begun), 'hex'), mail.totp_step())"
    shown = query(database, f"{at_visit('confirm', 'owner', code)}; {LETTERS}", world=world)
    assert shown.splitlines()[1:] == ["factor_on|203.0.113.7|||t|1"]


@pytest.mark.parametrize(
    ("action", "said", "shown"),
    [
        ("codes", "", "codes"),
        ("app_new", ", 'name', 'Máy', 'scopes', '[\"imap\"]'::jsonb, 'ends_on', current_date::text", "app_password"),
    ],
)
def test_a_form_that_is_sent_again_makes_nothing_again(database: Database, action: str, said: str, shown: str) -> None:
    world = ON + (
        "create temp table visit as select 'test1person:'"
        " || mail.second_step_new('test1person', 'page', interval '1 hour') as word;"
    )

    def send(turn: str) -> str:
        body = f"'key', '{SECRETS}', 'ticket', (select word from visit){turn}{said}"
        return f"select mail.factor_page_do('{action}', jsonb_build_object({body}), '')"

    made = "select 'made', (select array_agg(r.hash order by 1) from mail.recovery_code r),"
    made += " (select array_agg(a.hash order by 1) from mail.app_password a)"
    first, second = ", 'turn', '0'", ", 'turn', '1'"
    told = query(database, f"{send(first)}; {made}; {send(first)}; {send('')}; {made}; {send(second)}", world=world)
    results = answers(told)
    assert [(answer["result"], shown in answer, answer["turn"]) for answer in results] == [
        ("open", True, 1), ("again", False, 1), ("again", False, 1), ("open", True, 2),
    ]  # fmt: skip
    before, after = (line for line in told.splitlines() if line.startswith("made"))
    assert before == after


@pytest.mark.parametrize(
    ("action", "said", "result"),
    [
        ("app_new", {"turn": "0", "name": "Máy", "scopes": ["imap"], "ends_on": "2026-02-31"}, "rejected"),
        ("app_new", {"turn": "0", "name": "Máy", "scopes": ["imap"], "ends_on": "mai"}, "rejected"),
        ("app_end", {"number": "9" * 20}, "open"),
        ("app_end", {"number": "٧"}, "open"),
        ("app_end", {}, "open"),
    ],
)
def test_what_is_no_date_or_number_is_no_fault_of_the_database(
    database: Database, action: str, said: dict[str, object], result: str
) -> None:
    world = WITH_APP + (
        "create temp table visit as select 'test1person:'"
        " || mail.second_step_new('test1person', 'page', interval '1 hour') as word;"
    )
    body = quoted(json.dumps({"key": SECRETS, **said}))
    body += "::jsonb || jsonb_build_object('ticket', (select word from visit))"
    (answer,) = answers(query(database, f"select mail.factor_page_do('{action}', {body}, '')", world=world))
    assert answer["result"] == result
    assert isinstance(answer["app_passwords"], list)
    assert len(answer["app_passwords"]) == 1


def test_a_printed_code_opens_once(database: Database) -> None:
    world = (
        ON + f"create temp table app as select (mail.recovery_codes_give('test1person', '\\x{SECRETS}'))[1] as word;"
    )
    spend = f"select mail.second_factor_spend('test1person', {WORD}, '\\x{SECRETS}')"
    assert query(database, f"{spend}; {spend}", world=world) == "recovery"
    assert query(database, "select codes_left from mail.second_factor_facts('test1person')", world=world) == "10"
    assert query(
        database, f"{spend}; select codes_left from mail.second_factor_facts('test1person')", world=world
    ).splitlines() == ["recovery", "9"]


def test_without_a_ticket_or_with_another_doors_nothing_is_done(database: Database) -> None:
    for ticket in ("", "test1person:page-00", ":"):
        assert json.loads(query(database, do("codes", ticket=ticket), world=ON))["result"] == "closed"
    world = ON + (
        "create temp table app as select 'test1person:'"
        " || mail.second_step_new('test1person', 'webmail', interval '1 hour') as word;"
    )
    ask = f"select mail.factor_page_do('codes', jsonb_build_object('key', '{SECRETS}', 'ticket', {WORD}), '')"
    assert json.loads(query(database, ask, world=world))["result"] == "closed"


@pytest.mark.parametrize("state", STATES)
def test_the_page_lets_nobody_in_whose_mailbox_is_not_open(database: Database, state: str) -> None:
    shown = query(database, sign_in(totp(SECRET, time.time())), world=ON + STATES[state])
    result = answers(shown)[-1]["result"]
    assert result == {"locked": "locked", "revoked": "revoked"}.get(state, "must_change")


def test_what_is_said_is_sealed_both_ways(database: Database, wanted: migrate.WantedDatabase) -> None:
    key = bytes.fromhex(wanted.factor_key)
    said = seal(key, json.dumps({"key": SECRETS, "login": "test.nguoi", "password": PASSWORD}))
    ask = "select mail.factor_page_sealed('sign_in', '{}', '192.0.2.1')"
    told = query(database, ask.format(said))
    answer = json.loads(unseal(key, told))
    assert (answer["result"], answer["address"]) == ("open", "test.nguoi@hanam.gov.vn")
    assert "test.nguoi" not in told
    refused(database, ask.format(seal(bytes(32), "{}")))


# --- The policy ---


@pytest.mark.parametrize(
    ("policy", "world", "demanded"),
    [
        ("[]", "", False),
        ('["all"]', "", True),
        ('["clerks"]', "", True),
        ('["clerks"]', "delete from mail.mailbox_clerk where clerk_id = 'test1person';", False),
        ('["leaders"]', "", False),
        ('["leaders"]', "update mail.mailbox set post = 'Phó Giám đốc' where id = 'test1person';", True),
        ('["leaders"]', "update mail.mailbox set post = 'Giám đốcc' where id = 'test1person';", False),
        ('["operators"]', "", False),
        (
            '["operators"]',
            "update mail.setting set value = '[\"test.nguoi\"]' where name = 'password_second_factor_operators';",
            True,
        ),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_of_whom_the_policy_demands_it_his_password_leads_only_to_where_it_is_turned_on(
    database: Database, policy: str, world: str, demanded: bool, protocol: str
) -> None:
    there = WORLD + f"update mail.setting set value = '{policy}' where name = 'password_second_factor';" + world
    told = query(database, login("test.nguoi", protocol=protocol), world=there)
    if not demanded:
        assert told == IN
    elif protocol == "smtp":
        assert told == ""
    else:
        assert told.endswith("[second_factor:required]")
    if demanded:
        assert answers(query(database, sign_in(), world=there))[0]["demanded"] is True


def test_demanded_of_clerks_it_is_demanded_of_their_agencys_own_password_too(database: Database) -> None:
    there = WORLD + f"select mail.password_set('test2agency', '{PASSWORD}', false, false);"
    assert query(database, login("test.so"), world=there) == "test2agency|y|||"
    there += "update mail.setting set value = '[\"clerks\"]' where name = 'password_second_factor';"
    assert query(database, login("test.so"), world=there).endswith("[second_factor:required]")
    assert query(database, login("test.so", protocol="smtp"), world=there) == ""


def test_who_must_have_it_cannot_turn_it_off(database: Database) -> None:
    there = ON + "update mail.setting set value = '[\"all\"]' where name = 'password_second_factor';"
    there += (
        "create temp table app as select 'test1person:'"
        " || mail.second_step_new('test1person', 'page', interval '1 hour') as word;"
    )
    ask = (
        f"select mail.factor_page_do('off', jsonb_build_object('key', '{SECRETS}', 'ticket', {WORD},"
        f" 'code', '{totp(SECRET, time.time())}'), '')"
    )
    assert json.loads(query(database, ask, world=there))["result"] == "demanded"


# --- Secrets and rights ---


def test_the_database_has_no_secret_that_it_can_read(database: Database) -> None:
    """Its own keys do not open what is kept under the one that comes with each call."""
    kept = query(database, "select encode(secret, 'hex') from mail.second_factor", world=ON)
    assert SECRET.hex() not in kept
    refused(
        database,
        "select mail.factor_unseal(f.secret, s.value) = '\\x00' from mail.second_factor f, mail.secret s"
        " where s.name = 'factor_key'",
        world=ON,
    )


@pytest.mark.dieu12
@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("mail_webmail", "select * from mail.second_factor"),
        ("mail_webmail", "select mail.factor_page_sealed('look', '', '')"),
        ("mail_webmail", "select mail.second_step_new('x', 'webmail', interval '1 hour')"),
        ("mail_change", "select * from mail.app_password"),
        ("mail_change", "select mail.webmail_second_step('', '')"),
        ("mail_change", "select mail.webmail_second_step_end('')"),
        ("mail_change", "select mail.factor_page_do('look', '{}', '')"),
        ("mail_dovecot", "select mail.second_key('x', 'y', 'imap', '127.0.0.1')"),
        ("mail_apply", "select mail.app_password_new('x', 'y', '{imap}', current_date)"),
        ("mail_apply", "select secret from mail.second_factor"),
    ],
)
def test_each_role_has_its_own_door_and_no_other(database: Database, role: str, statement: str) -> None:
    assert "permission denied" in refused(database, statement, world="", role=role)


def test_a_reset_needs_to_say_who_made_sure_of_the_owner_and_stands_in_the_audit(database: Database) -> None:
    assert "Đ12.3" in refused(database, "select mail.second_factor_reset('test1person', ' ')", world=ON)
    shown = query(
        database,
        "set local hanam.actor = 'lan'; select mail.second_factor_reset('test1person', 'gặp trực tiếp');"
        " select mail.second_factor_reset('test1person', 'gặp trực tiếp');"
        " select actor, action, before ->> 'note' from mail.audit where object = 'second_factor'"
        " and key = 'test1person'; " + login("test.nguoi"),
        world=ON,
    )
    assert shown.splitlines() == ["t", "f", "lan|delete|gặp trực tiếp", IN]


def test_what_ended_long_ago_is_forgotten(database: Database) -> None:
    world = WITH_APP + (
        "update mail.app_password set ended_at = now() - interval '13 months';"
        "select mail.second_step_new('test1person', 'page', interval '-1 hour');"
    )
    assert query(database, "select mail.second_keys_prune()", world=world) == "2"
    assert query(database, "select mail.second_keys_prune()", world=WITH_APP) == "0"


def announced(statements: str) -> str:
    """What the outbox got by these: topic, mailbox and cause of each."""
    return (
        "create temp table before as select coalesce(max(seq), 0) as seq from mail.outbox;"
        f" {statements}"
        " select topic, mailbox, payload ->> 'cause' from mail.outbox where seq > (select seq from before) order by seq"
    )


def test_the_end_of_a_term_is_told_to_dovecot_which_would_remember_for_weeks(database: Database) -> None:
    told = announced("do $$begin perform mail.second_keys_over(200); end$$;")

    def word(ends: str, door: str = "webmail") -> str:
        return WITH_APP + f"select mail.second_step_new('test1person', '{door}', interval '{ends}');"

    assert query(database, told, world=word("1 hour")) == ""
    assert query(database, told, world=word("-1 hour", "page")) == ""
    over = word("-1 second") + "update mail.app_password set ends_on = current_date - 1;"
    cut = "mailbox.access|test1person|second_factor"
    assert query(database, told, world=word("-1 second")) == cut
    assert query(database, told, world=over) == cut
    left = f"select count(*) from mail.second_step; {WHY_ENDED}"
    again = "select mail.second_keys_over(200)"
    assert query(database, f"{told}; {left}; {again}", world=over).splitlines()[1:] == ["0", "term", "0"]
    # The nightly pruning forgets no word that nobody was told of.
    assert query(database, "select mail.second_keys_prune()", world=word("-1 second")) == "0"


def test_sessions_that_the_factor_shuts_out_are_cut_twice(database: Database) -> None:
    ask = (
        "select (payload ->> 'again')::boolean from mail.agent_next('x', 500)"
        " where topic = 'mailbox.access' and mailbox = 'test1person' order by seq desc limit 1"
    )
    world = WORLD + "insert into mail.agent_cursor (node, seq) values ('x', 0);"
    assert query(database, ask, world=world) == "f"  # a password that was set
    assert query(database, ask, world=world + "select mail.second_factor_announce('test1person');") == "t"


@pytest.mark.parametrize(
    ("policy", "event", "said"),
    [
        ('["clerks"]', "delete from mail.mailbox_clerk;",
         "mailbox.access|test2agency|clerk mailbox.profile|test1person|second_factor"),
        ('["clerks"]', "insert into mail.mailbox_clerk values ('test3closed', 'test1person');",
         "mailbox.access|test3closed|clerk mailbox.access|test1person|second_factor"),
        ("[]", "delete from mail.mailbox_clerk;", "mailbox.access|test2agency|clerk"),
        ('["leaders"]', "update mail.mailbox set post = 'Giám đốc' where id = 'test1person';",
         "mailbox.access|test1person|second_factor"),
        ('["all"]', "update mail.mailbox set post = 'Giám đốc' where id = 'test1person';", ""),
    ],
)  # fmt: skip
def test_who_falls_under_the_demand_by_a_change_of_the_registry_is_cut(
    database: Database, policy: str, event: str, said: str
) -> None:
    there = WORLD + f"update mail.setting set value = '{policy}' where name = 'password_second_factor';"
    assert query(database, announced(event), world=there).replace("\n", " ") == said


def test_the_jobs_end_what_is_over(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    over = "select mail.second_step_new('box00001', 'webmail', interval '-1 second')"
    cuts = "select count(*) from mail.outbox where mailbox = 'box00001' and payload ->> 'cause' = 'second_factor'"
    scratch.psql(over)
    assert scratch.command("new-day", role="mail_jobs").status == 0
    assert scratch.psql(cuts).strip() == "1"


def test_another_policy_makes_dovecot_forget_everybody(scratch: Scratch) -> None:
    rows = "select count(*) from mail.outbox where topic = 'everything'"
    with psycopg.connect(scratch.dsn("postgres")) as connection:
        have: dict[str, Any] = dict(connection.execute("select name, value from mail.setting").fetchall())
        for change, count in (
            ({}, 0),
            ({"leader_posts": ["giám đốc"]}, 0),
            ({"password_second_factor": ["leaders"]}, 1),
            ({"leader_posts": ["trưởng phòng"]}, 2),
            ({}, 2),
            ({"password_second_factor": []}, 3),
        ):
            have |= change
            list(migrate._settings(connection, have))
            assert connection.execute(rows).fetchone() == (count,)
        connection.execute("insert into mail.agent_cursor (node, seq) values ('x', 0)")
        told = connection.execute("select topic, mailbox from mail.agent_next('x', 500)").fetchall()
        connection.rollback()
    assert [row for row in told if row[0] == "everything"] == [("everything", None)] * 3


def test_show_tells_operators_of_it_and_the_command_takes_it_away(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    scratch.psql(f"select mail.password_set('box00001', '{PASSWORD}', false, false)")
    assert "Hai bước" not in scratch.command("show", "ha1").output
    nothing = scratch.command("second-factor-reset", "ha1", "--verified", "lan gặp trực tiếp")
    assert (nothing.status, "chưa bật" in nothing.output) == (0, True)
    scratch.psql("insert into mail.second_factor (mailbox_id, secret, confirmed_at) values ('box00001', 'x', now())")
    assert "0 mã dự phòng, 0 mật khẩu ứng dụng" in scratch.command("show", "ha1").output
    done = scratch.command("second-factor-reset", "ha1", "--verified", "lan gặp trực tiếp", "--json", "--actor", "lan")
    assert done.json["changed"] is True
    assert "Hai bước" not in scratch.command("show", "ha1").output
