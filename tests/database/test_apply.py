"""Applying a registry to a real PostgreSQL: whole or not at all, once, in seconds; and the first passwords it makes."""

import json
import tempfile
from collections.abc import Sequence
from typing import Any

import pytest

from hanam_mail.registry import entries
from tests.database.scratch import Scratch, person, python, registry

# --- What it does ---


def test_a_second_run_changes_nothing_and_makes_no_new_password(scratch: Scratch) -> None:
    document = registry(person(1, absences=[{"from": "2024-01-01", "to": "2024-06-30", "request": "2023-0009"}]))
    assert scratch.apply(document)["changed"]
    state, files = scratch.state(), scratch.files()
    again = scratch.apply(document)
    assert (again["changed"], again["handover"]) == (False, None)
    assert (scratch.state(), scratch.files()) == (state, files)


def test_a_check_writes_nothing_and_makes_no_file(scratch: Scratch) -> None:
    state = scratch.state()
    assert scratch.apply(registry(person(1)), "--check")["changed"]
    assert (scratch.state(), scratch.files()) == (state, [])


def test_every_field_of_the_registry_reaches_the_database(scratch: Scratch) -> None:
    scratch.apply(registry(person(1), person(2)))
    kept = {"address": "ha1", "from": "2025-03-01", "until": "2026-03-01"}
    changed = person(
        1,
        name="Nguyễn Hà",
        address="ha.moi",
        aliases=[kept],
        quota_bytes=4 * 2**30,
        absences=[{"from": "2024-01-01", "to": "2024-06-30", "request": "2023-0009"}],
    )
    scratch.apply(registry(changed, person(2)))
    shown = scratch.psql(
        "select m.name, m.quota_bytes, a.local_part, a.kind, b.kind, b.valid_from, b.valid_until,"
        " s.begins, s.ends"
        " from mail.mailbox m"
        " join mail.address a on a.local_part = 'ha.moi' join mail.address b on b.local_part = 'ha1'"
        " join mail.absence s on s.mailbox_id = m.id where m.id = 'box00001'"
    )
    assert shown == ("Nguyễn Hà|4294967296|ha.moi|primary|alias|2025-03-01|2026-03-01|2024-01-01|2024-06-30")
    # Back again: the alias becomes the primary address, the absence is withdrawn.
    scratch.apply(
        registry(person(1, aliases=[{"address": "ha.moi", "from": None, "until": None}]), person(2)), "--allow-shrink"
    )
    assert scratch.psql("select string_agg(local_part || kind, ',' order by local_part) from mail.address") == (
        "ha.moialias,ha1primary,ha2primary"
    )
    assert scratch.psql("select count(*) from mail.absence") == "0"


@pytest.mark.dieu11
def test_a_change_of_post_alone_is_one_line_one_row_and_no_new_mailbox(scratch: Scratch) -> None:
    scratch.apply(registry(person(1, post="Chuyên viên"), person(2)))
    assert scratch.psql("select string_agg(id || ':' || post, ' ' order by id) from mail.mailbox") == (
        "box00001:Chuyên viên box00002:"
    )
    # What must stay as it is: all of the row but its post, the password, the daemons' caches.
    rest = (
        "select md5(string_agg((to_jsonb(m) - 'post')::text || to_jsonb(c)::text, '' order by m.id))"
        " || (select count(*) from mail.outbox) from mail.mailbox m join mail.credential c on c.mailbox_id = m.id"
    )
    before, last = scratch.psql(rest), scratch.psql("select max(seq) from mail.audit")
    changed = registry(person(1, post="Phó Trưởng phòng"), person(2))
    answer = scratch.apply(changed)
    assert [line for line in answer["lines"] if "Chức vụ" in line] == ["      Chức vụ: Chuyên viên -> Phó Trưởng phòng"]
    assert (len(answer["entries"]), answer["handover"]) == (1, None)
    assert scratch.psql(rest) == before
    audited = scratch.psql(
        f"select string_agg(concat_ws(' ', object, key, action, before, after), ';') from mail.audit where seq > {last}"
    )
    assert audited == 'mailbox box00001 update {"post": "Chuyên viên"} {"post": "Phó Trưởng phòng"}'
    assert not scratch.apply(changed)["changed"]


def taken_as(scratch: Scratch, column: str, said: Sequence[str]) -> list[int]:
    """Which of these the database takes for a mailbox, by their places."""
    places = scratch.psql(
        f"""
        create temporary table taken (n bigint);
        do $$ declare s record; begin
            for s in
                select x.value, x.n from jsonb_array_elements_text('{json.dumps(said)}') with ordinality x(value, n)
            loop
                begin
                    update mail.mailbox set {column} = s.value where id = 'box00001';
                    insert into taken values (s.n);
                exception when check_violation then null;
                end;
            end loop;
        end $$;
        select string_agg((n - 1)::text, ' ' order by n) from taken
        """
    )
    return [int(place) for place in places.split()]


@pytest.mark.dieu11
def test_a_post_is_refused_by_the_database_as_by_the_registry(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    said = [
        "",
        "Trưởng phòng",
        "Phó Chánh Văn phòng (phụ trách) - “KT”, 1/2 …",
        "Ủy viên" + "ă" * 193,
        "Ủy viên" + "ă" * 194,
        " Trưởng phòng",
        "Trưởng phòng ",
        "Trưởng  phòng",
        "Trưởng\tphòng",
        "Tru\u031bo\u031b\u0309ng pho\u0300ng",
        "Tr\u0430ng",
        "Trưởng\u00a0phòng",
        "Trưởng\u200bphòng",
        "Trưởng\u00adphòng",
        "Trưởng phòng\n",
    ]
    taken = taken_as(scratch, "post", said)
    assert taken == [place for place, post in enumerate(said) if entries.sound_post(post)]
    assert len(taken) == 4


@pytest.mark.dieu11
def test_only_a_person_has_a_post(scratch: Scratch) -> None:
    answer = scratch.apply(registry(person(1, kind="guest", post="Trưởng phòng")))
    assert "mailbox_post" in str(answer["errors"])


def test_a_telephone_comes_changes_and_goes_with_the_registry(scratch: Scratch) -> None:
    asked = "select string_agg(id || ':' || phone, ' ' order by id) from mail.mailbox"
    scratch.apply(registry(person(1, phone="0226 3850 123"), person(2, kind="office", phone="(0226) 3.850.124")))
    assert scratch.psql(asked) == "box00001:0226 3850 123 box00002:(0226) 3.850.124"
    last = scratch.psql("select max(seq) from mail.audit")
    changed = registry(person(1, phone="0226 3850 123 máy lẻ 12"), person(2, kind="office"))
    told = [line.strip() for line in scratch.apply(changed)["lines"] if "Điện thoại" in line]
    assert sorted(told) == [
        "Điện thoại: (0226) 3.850.124 -> không có",
        "Điện thoại: 0226 3850 123 -> 0226 3850 123 máy lẻ 12",
    ]
    assert scratch.psql(asked) == "box00001:0226 3850 123 máy lẻ 12 box00002:"
    audited = (
        f"select string_agg(concat_ws(' ', key, before, after), ';' order by key) from mail.audit where seq > {last}"
    )
    assert scratch.psql(audited) == (
        'box00001 {"phone": "0226 3850 123"} {"phone": "0226 3850 123 máy lẻ 12"};'
        'box00002 {"phone": "(0226) 3.850.124"} {"phone": ""}'
    )
    assert not scratch.apply(changed)["changed"]
    assert "Điện thoại:   0226 3850 123 máy lẻ 12" in scratch.command("show", "ha1").output
    assert "Điện thoại" not in scratch.command("show", "ha2").output


def test_a_telephone_is_refused_by_the_database_as_by_the_registry(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    said = [
        "", "0226 3850 123", "(0226) - 3.850.123 máy lẻ 12", "+84 226 3850123", "(+84) 912-345-678", "1900 1234",
        "000 000 000 000 000 máy lẻ 123456", "912345678", "02263", "0226  3850123", " 02263850123", "02263850123 ",
        "0226 3850 123\n", "0226 3850 123 / 0912 345 678", "0226 3850 123 ext 12", "0226 3850 123 máy lẻ",
        "0 - 2 - 2 - 6 - 3 - 8 - 5 - 0 - 1 - 2 - 3", "\uff10226 3850 123", "0226 3850 123 ma\u0301y le\u0309 12",
    ]  # fmt: skip
    taken = taken_as(scratch, "phone", said)
    assert taken == [place for place, phone in enumerate(said) if entries.sound_phone(phone)]
    assert len(taken) == 7


@pytest.mark.dieu14
def test_a_guest_has_no_telephone(scratch: Scratch) -> None:
    answer = scratch.apply(registry(person(1, kind="guest", phone="0226 3850 123")))
    assert "mailbox_phone" in str(answer["errors"])


def test_what_git_does_not_own_stays(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    scratch.psql(
        "select mail.password_set('box00001', 'Mat-khau-thu-1!', false, false);"
        " select mail.mailbox_lock('box00001', 'compromised', 'thử');"
        " insert into mail.activity values ('box00001', 'imap', 1700000000)"
    )
    query = "select c.hash, l.reason, a.last_access from mail.credential c, mail.lock_state l, mail.activity a"
    before = scratch.psql(query)
    scratch.apply(registry(person(1, quota_bytes=4 * 2**30)))
    assert scratch.psql(query) == before


@pytest.mark.dieu7
def test_an_emergency_lock_is_told_until_its_event_follows(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    scratch.psql("select mail.mailbox_lock('box00001', 'compromised', 'thử')")
    assert any("khóa khẩn cấp" in line for line in scratch.apply(registry(person(1)), "--check")["lines"])
    lock = {"event": "lock", "done": "2026-11-25", "reason": "compromised", "request": None, "number": None}
    followed = scratch.apply(registry(person(1, state="locked", document=lock)))
    assert not any("khóa khẩn cấp" in line for line in followed["lines"])


def restored(scratch: Scratch, number: str = "9/SYT-VP", *, days_ago: int = 0) -> bytes:
    """The registry with a restore of today, or some days ago."""
    done = scratch.psql(f"select current_date - {days_ago}")
    return registry(
        person(1, document={"event": "restore", "done": done, "request": f"2026-{number}", "number": number})
    )


def own_password(scratch: Scratch) -> None:
    """Its owner has changed the password."""
    scratch.psql("select mail.password_set('box00001', 'Mat-khau-thu-1!', false, false)")


@pytest.mark.dieu7
def test_a_restore_lifts_the_lock_and_gives_a_new_default_password(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    own_password(scratch)
    scratch.psql("select mail.mailbox_lock('box00001', 'idle', '')")
    document = restored(scratch)
    done = scratch.apply(document)
    query = "select mail.mailbox_state('box00001'), c.is_default, c.must_change, c.handover from mail.credential c"
    file = done["handover"].rpartition("/")[2]
    assert scratch.psql(query) == f"must_change|t|t|{file}"
    assert [slip["event"] for slip in scratch.open(file)["slips"]] == ["restore"]
    assert not scratch.apply(document)["changed"]
    assert scratch.psql("select restored_by_command is null from mail.mailbox") == "t"


@pytest.mark.dieu7
def test_the_event_of_a_restore_by_command_takes_nobodys_password_away(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    scratch.psql("select mail.mailbox_lock('box00001', 'compromised', 'thử')")
    done = scratch.command("restore", "box00001", "--document", "9/SYT-VP", "--verified", "Lan")
    assert done.status == 0, done.complaint
    assert scratch.psql("select mail.mailbox_state('box00001')") == "must_change"
    own_password(scratch)
    told = scratch.apply(registry(person(1)), "--check")
    assert any("khôi phục bằng lệnh theo văn bản 9/SYT-VP" in line for line in told["lines"])
    before = scratch.psql("select hash, must_change from mail.credential")
    followed = scratch.apply(restored(scratch))
    assert followed["handover"] is None
    assert scratch.psql("select hash, must_change from mail.credential") == before
    again = scratch.apply(restored(scratch))
    assert not again["changed"]
    assert not any("khôi phục bằng lệnh" in line for line in again["lines"])


@pytest.mark.dieu7
def test_a_restore_lifts_no_lock_that_came_after_it(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    own_password(scratch)
    scratch.psql("select mail.mailbox_lock('box00001', 'compromised', 'thử')")
    done = scratch.apply(restored(scratch, days_ago=1))
    assert any("vẫn bị khóa (điểm b" in line for line in done["lines"])
    assert (done["handover"], scratch.psql("select mail.mailbox_state('box00001')")) == (None, "locked")


@pytest.mark.dieu7
def test_a_restore_of_what_is_not_locked_gives_no_password(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    own_password(scratch)
    done = scratch.apply(restored(scratch))
    assert (done["handover"], scratch.psql("select mail.mailbox_state('box00001')")) == (None, "active")
    assert any("không cấp mật khẩu mới" in line for line in done["lines"])


@pytest.mark.dieu6
def test_an_entry_that_vanished_is_closed_by_todays_word_not_by_its_old_document(scratch: Scratch) -> None:
    """Its issue was in 2023: the time for which its data are kept begins now."""
    scratch.apply(registry(person(1), person(2)))
    assert "mailboxes_allow_vanished" in scratch.apply(registry(person(2)), "--allow-removals")["errors"][0]
    assert scratch.apply(registry(person(2)), "--allow-vanished")["changed"]
    shown = "select state, revoked_on = current_date from mail.purge_candidate('box00001')"
    assert scratch.psql(shown) == "revoked|t"
    assert scratch.psql("select document ->> 'event' from mail.mailbox where id = 'box00001'") == "revoke"
    # The word was for once: the next apply needs none, nor does one that misses an agency without open mailboxes.
    assert not scratch.apply(registry(person(2)))["changed"]
    scratch.psql("insert into mail.agency (id, kind, name, code) values ('m1n2p3', 'unit', 'Cũ', 'cu')")
    scratch.psql("update mail.mailbox set agency_id = 'm1n2p3' where id = 'box00001'")
    assert not scratch.apply(registry(person(2)))["changed"]
    assert "box00002" in scratch.apply(registry(person(3)))["errors"][0]


@pytest.mark.dieu6
def test_more_revocations_than_the_limit_stop_all_of_it(scratch: Scratch) -> None:
    scratch.apply(registry(*(person(number) for number in range(40))))
    state = scratch.state()
    revoke = {"event": "revoke", "done": "2026-11-25", "request": "2026-0040"}
    fewer = registry(*(person(n, state="revoked", document=revoke) if n < 3 else person(n) for n in range(40)))
    refused = scratch.apply(fewer, "--limit-percent", "5")
    assert "3 trong 40 hộp thư sẽ bị thu hồi" in refused["errors"][0]
    assert scratch.state() == state
    assert scratch.apply(fewer, "--allow-removals")["changed"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("regulation_idle_lock_months", "0", "regulation.yml: regulation_idle_lock_months: ít nhất 1"),
        ("regulation_password_min_length", '"nine"', "regulation.yml: regulation_password_min_length: ít nhất 1"),
        ("life_cycle_afternoon_begins", "", "life_cycle.yml: life_cycle_afternoon_begins: thiếu biến này"),
    ],
)
def test_nothing_is_applied_by_numbers_that_nobody_may_go_by(
    scratch: Scratch, name: str, value: str, words: str
) -> None:
    spoil = f"update mail.setting set value = '{value}'" if value else "delete from mail.setting"
    scratch.psql(f"{spoil} where name = '{name}'")
    state = scratch.state()
    (refused,) = scratch.apply(registry(person(1)))["errors"]
    assert refused.startswith(f"{words}")
    assert (scratch.state(), scratch.files()) == (state, [])
    # Nor is a password given by a command, nor the nightly job run.
    assert words in scratch.command("life-cycle", "--check", role="mail_jobs").complaint


# --- First passwords ---


@pytest.mark.dieu8
def test_a_first_password_opens_nothing_but_its_change(scratch: Scratch) -> None:
    done = scratch.apply(registry(person(1)))
    (file,) = scratch.files()
    assert done["handover"] == str(scratch.folder / file)
    assert [path.stat().st_mode & 0o777 for path in (scratch.folder, scratch.folder / file)] == [0o700, 0o600]
    (slip,) = scratch.open(file)["slips"]
    assert slip["address"] == "ha1@hanam.gov.vn"
    assert slip["agency_name"] == "Sở Y tế"
    login = f"select \"user\", nologin, reason from mail.dovecot_passdb('ha1', $${slip['password']}$$, 'imap', 993, '')"
    user, nologin, reason = scratch.psql(login).split("|")
    assert (user, nologin) == ("box00001", "y")
    assert "Phai doi mat khau" in reason
    assert scratch.psql("select is_default, must_change, given_at::date = current_date from mail.credential") == "t|t|t"


@pytest.mark.dieu12
def test_no_password_is_in_the_answer_the_database_or_a_process_list(scratch: Scratch) -> None:
    done = scratch.apply(registry(person(1)))
    (slip,) = scratch.open(scratch.files()[0])["slips"]
    assert slip["password"] not in json.dumps(done)
    dump = scratch.database.server.run("pg_dump", scratch.database.name)
    assert "ha1" in dump
    assert slip["password"] not in dump


def test_without_an_operators_key_nothing_is_applied(scratch: Scratch) -> None:
    state = scratch.state()
    refused = scratch.apply(registry(person(1)), "--recipient", "age1nonsense")
    assert "không phải khóa công khai" in refused["errors"][0]
    assert (scratch.state(), scratch.files()) == (state, [])


# --- Interrupted, and at once ---


# Runs the command again and again, each time killed a step later, until one changes the database: a step is every
# word to the database and all that is done to a file of passwords.
_DIES_LATER = """
import io, os, sys
import psycopg
from hanam_mail.host import command_line
document, wait = sys.stdin.buffer.read(), psycopg.Connection.wait
STEPS = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.chmod"}
left = 0
def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
def waiting(*arguments, **more):
    step()
    return wait(*arguments, **more)
looking = psycopg.connect(ADMIN, autocommit=True)
def written():
    return looking.execute("select count(*) from mail.mailbox").fetchone()[0]
for last in range(1, 10_000):
    child = os.fork()
    if child == 0:
        psycopg.Connection.wait = waiting
        sys.stdin, sys.stdout = io.TextIOWrapper(io.BytesIO(document)), io.StringIO()
        left = last
        sys.addaudithook(lambda event, of: step() if event in STEPS and FOLDER in str(of) else None)
        os._exit(command_line.main())
    _, status = os.waitpid(child, 0)
    if written():
        print(last)
        break
    if os.waitstatus_to_exitcode(status) != -9:
        sys.exit(f"step {last}: not killed, and nothing done")
"""


def test_killed_at_any_point_it_leaves_all_or_nothing(scratch: Scratch) -> None:
    document = registry(*(person(number) for number in range(8)))
    facts = f"ADMIN, FOLDER = {scratch.dsn('postgres')!r}, {str(scratch.folder)!r}"
    program = python(facts + _DIES_LATER)
    done = scratch.run(scratch.apply_words(), program, document)
    assert done.status == 0, done.complaint
    assert int(done.output) > 20, "so few steps: are they counted?"
    # Every mailbox has a password that a file of a completed run holds.
    assert scratch.psql("select count(*) from mail.credential join mail.handover h on h.file = handover") == "8"
    (file,) = scratch.psql("select file from mail.handover").split()
    assert len(scratch.open(file)["slips"]) == 8
    assert not scratch.apply(document)["changed"]


# Dies with its file on the disk and its transaction open.
_DIES = """
import os
from hanam_mail.host import command_line
from hanam_mail.host.passwords import sealed_file
write = sealed_file.write
sealed_file.write = lambda *arguments: (write(*arguments), os.kill(os.getpid(), 9))
command_line.main()
"""


def test_a_run_that_dies_between_its_file_and_its_commit_gives_no_password_and_is_told_of(scratch: Scratch) -> None:
    before = scratch.state()
    assert scratch.killed(registry(person(1)), python(_DIES))
    (orphan,) = scratch.files()
    assert scratch.state() == before
    told = [line for line in scratch.apply(registry(person(1)))["lines"] if "bị ngắt giữa chừng" in line]
    assert len(told) == 1
    assert str(scratch.folder / orphan) in told[0]
    assert scratch.psql("select count(*) from mail.credential where handover = '" + orphan + "'") == "0"


# The connection is lost in COMMIT: what stands between the program and the database drops the server's answer to it, or
# the word itself, and everything after.
_CUT = """
import os, socket, sys, threading
from hanam_mail.host import command_line
listener = socket.socket(socket.AF_UNIX)
listener.bind(WAY + "/.s.PGSQL.5432")
listener.listen()
def pass_on():
    client, server = listener.accept()[0], socket.socket(socket.AF_UNIX)
    server.connect(SERVER + "/.s.PGSQL.5432")
    def back():
        while data := server.recv(65536):
            if not committing:
                client.sendall(data)
            else:
                answered.set()
    committing, answered = [], threading.Event()
    threading.Thread(target=back, daemon=True).start()
    given = False
    while data := client.recv(65536):
        given = given or b"first_passwords_give" in data
        if given and b"COMMIT" in data:
            committing.append(True)
            if REACHES:
                server.sendall(data)
                answered.wait(10)
            client.shutdown(socket.SHUT_RDWR)
            client.close()
            server.close()
            return
        server.sendall(data)
threading.Thread(target=pass_on, daemon=True).start()
at = sys.argv.index("--dsn") + 1
sys.argv[at] = sys.argv[at].replace(SERVER, WAY)
status = command_line.main()
os._exit(status)
"""


@pytest.mark.parametrize("reaches", [True, False])
def test_a_sealed_file_stays_while_nobody_knows_whether_its_passwords_count(scratch: Scratch, reaches: bool) -> None:
    """Deleted, it would be the only copy of passwords that are in force."""
    # A socket's path has 107 octets at most; those of pytest are longer.
    with tempfile.TemporaryDirectory() as way:
        told = f"REACHES, WAY, SERVER = {reaches}, {way!r}, {str(scratch.database.server.folder)!r}"
        assert scratch.killed(registry(person(1)), python(told + _CUT))
    (file,) = scratch.files()
    assert [slip["address"] for slip in scratch.open(file)["slips"]] == ["ha1@hanam.gov.vn"]
    assert scratch.psql("select count(*) from mail.handover where file = '" + file + "'") == str(int(reaches))
    again = scratch.apply(registry(person(1)))
    assert again["changed"] is not reaches
    assert any(file in line for line in again["lines"]) is not reaches


def test_a_run_that_the_database_refuses_leaves_no_file(scratch: Scratch) -> None:
    scratch.psql(
        "create function mail.die() returns trigger language plpgsql as $$ begin"
        " raise exception 'the disk of the database is full'; end $$;"
        " create constraint trigger die after insert on mail.mailbox deferrable initially deferred"
        " for each row execute function mail.die()"
    )
    refused = scratch.apply(registry(person(1)))
    assert "the disk of the database is full" in refused["errors"][0]
    assert scratch.files() == []


def test_two_runs_at_once_wait_for_each_other_and_make_one_password(scratch: Scratch) -> None:
    document = registry(*(person(number) for number in range(200)))
    runs = [scratch.started(scratch.apply_words()) for _ in range(3)]
    for run in runs:
        assert run.stdin
        run.stdin.write(document)
        run.stdin.close()
    answers = [json.loads(run.stdout.read()) for run in runs if run.stdout]
    assert [run.wait(60) for run in runs] == [0, 0, 0]
    assert sorted(answer["changed"] for answer in answers) == [False, False, True]
    assert len(scratch.files()) == 1


# --- At the scale of the province (how long it takes is for `make bench` to say) ---


def test_of_twenty_thousand_mailboxes_a_few_lines_are_told_and_the_second_time_none(scratch: Scratch) -> None:
    everybody = [person(number) for number in range(20000)]

    def apply(*people: dict[str, Any]) -> dict[str, Any]:
        answer = scratch.apply(registry(*people), "--brief", "20")
        assert "errors" not in answer, answer
        return answer

    first = apply(*everybody)
    assert first["changed"]
    assert 20 < len(first["lines"]) < 60
    assert scratch.psql("select count(*) from mail.credential") == "20000"
    assert not apply(*everybody)["changed"]
    one = apply(*everybody[1:], person(0, quota_bytes=4 * 2**30))
    assert one["changed"]
    assert len(one["lines"]) < 20
