"""Two writers at once, in a real PostgreSQL: an apply, the nightly job, a command, each in the middle of the other."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.database.scratch import PROGRAM, Scratch, person, python, registry

RESTORE = ("restore", "box00001", "--document", "9/SYT-VP", "--verified", "Lan", "--json")
RESET = ("reset-password", "box00001", "--leaked", "--verified", "Lan", "--json")
LOCK = ("lock", "box00001", "--reason", "compromised", "--note", "thử", "--json")

# The program, with a command that runs once, just before `PLACE` does its work: an apply then has read everything and
# written nothing. What has to wait for this very program is left running.
_MEANWHILE = """
import subprocess, sys, time
import psycopg
from hanam_mail.host import command_line
from hanam_mail.host.passwords import first_passwords
usual, ran = first_passwords.PLACE, []
waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
def slow(*arguments):
    if not ran:
        with open(SHOWN, "wb") as shown, open(STDIN, "rb") as stdin:
            ran.append(subprocess.Popen(COMMAND, stdin=stdin, stdout=shown, stderr=shown))
        end = time.monotonic() + 10
        with psycopg.connect(ADMIN, autocommit=True) as admin:
            while ran[0].poll() is None and time.monotonic() < end and not admin.execute(waits).fetchone()[0]:
                time.sleep(0.02)
    return usual(*arguments)
first_passwords.PLACE = slow
status = command_line.main()
ran and ran[0].wait(60)
sys.exit(status)
"""


def during(scratch: Scratch, place: str, words: Sequence[str], document: bytes = b"") -> list[str]:
    """The program that runs a command in the middle of its own work."""
    stdin = scratch.place / "stdin"
    stdin.write_bytes(document)
    facts = {
        "SHOWN": str(scratch.meanwhile),
        "STDIN": str(stdin),
        "COMMAND": [*PROGRAM, *words],
        "ADMIN": scratch.dsn("postgres"),
    }
    return python(
        "".join(f"{name} = {value!r}\n" for name, value in facts.items()) + _MEANWHILE.replace("PLACE", place)
    )


def meanwhile(scratch: Scratch) -> dict[str, Any]:
    """What the command in the middle answered."""
    answer: dict[str, Any] = json.loads(scratch.meanwhile.read_text())
    return answer


def locked_with_own_password(scratch: Scratch) -> None:
    """Its owner has a password of his own; a job locked it yesterday."""
    scratch.apply(registry(person(1)))
    scratch.psql(
        "select mail.password_set('box00001', 'Mat-khau-thu-1!', false, false);"
        " select mail.mailbox_lock('box00001', 'idle', '');"
        " update mail.lock_state set locked_at = now() - interval '1 day', automatic = true"
    )


def restored(scratch: Scratch, *, days_ago: int = 0) -> bytes:
    """The registry with the restore that the command's document asks for, and a newcomer to hash for."""
    done = scratch.psql(f"select current_date - {days_ago}")
    document = {"event": "restore", "done": done, "request": "2026-0009", "number": "9/SYT-VP"}
    return registry(person(1, document=document), person(2))


def slowly(scratch: Scratch, event: str) -> None:
    """Whoever comes to that event takes a second over it: another one comes between."""
    scratch.psql(
        "create function mail.slowly() returns trigger language plpgsql as"
        f" 'begin perform pg_sleep(1); return new; end'; create trigger slowly {event} execute function mail.slowly()"
    )


ASLEEP = "exists (select from pg_stat_activity where wait_event = 'PgSleep')"


def apply(scratch: Scratch, document: bytes, program: Sequence[str]) -> dict[str, Any]:
    return scratch.run(scratch.apply_words(), program, document).json


def given(scratch: Scratch) -> dict[str, list[str]]:
    """Address -> the files that hold a password for it."""
    found: dict[str, list[str]] = {}
    for file in scratch.files():
        for slip in scratch.open(file)["slips"]:
            found.setdefault(slip["address"].partition("@")[0], []).append(file)
    return found


def handover_of(scratch: Scratch, mailbox: str) -> str:
    """The file that the database names for the password in force."""
    return scratch.psql(f"select handover from mail.credential where mailbox_id = '{mailbox}'")


@pytest.mark.dieu7
@pytest.mark.parametrize("command", [RESTORE, RESET])
def test_what_a_command_gave_during_an_apply_is_not_given_again(scratch: Scratch, command: tuple[str, ...]) -> None:
    locked_with_own_password(scratch)
    before = set(scratch.files())
    answer = apply(scratch, restored(scratch), during(scratch, "hashes", scratch.words(*command)))
    assert not answer.get("errors"), answer
    (file,) = set(given(scratch)["ha1"]) - before
    assert handover_of(scratch, "box00001") == file
    # The newcomer has his password from the file that tells of it.
    assert (
        scratch.psql("select handover from mail.credential where mailbox_id = 'box00002'") == given(scratch)["ha2"][0]
    )
    assert not scratch.apply(restored(scratch))["changed"]


@pytest.mark.dieu7
def test_what_an_apply_gave_during_a_command_is_not_given_again(scratch: Scratch) -> None:
    locked_with_own_password(scratch)
    before = set(scratch.files())
    program = during(scratch, "new", scratch.apply_words(), restored(scratch))
    scratch.run(scratch.words(*RESTORE), program)
    (file,) = set(given(scratch)["ha1"]) - before
    assert handover_of(scratch, "box00001") == file


@pytest.mark.dieu7
def test_a_lock_in_an_emergency_waits_for_no_apply_and_stands(scratch: Scratch) -> None:
    """The restore was written yesterday, for the job's lock: not for what became known while it was carried out."""
    locked_with_own_password(scratch)
    answer = apply(scratch, restored(scratch, days_ago=1), during(scratch, "hashes", scratch.words(*LOCK)))
    assert meanwhile(scratch)["changed"] is True
    assert not answer.get("errors"), answer
    assert scratch.psql("select mail.mailbox_state('box00001')") == "locked"
    assert len(given(scratch)["ha1"]) == 1


@pytest.mark.dieu7
def test_two_restores_by_command_at_once_give_one_password(scratch: Scratch) -> None:
    locked_with_own_password(scratch)
    before = set(scratch.files())
    scratch.run(scratch.words(*RESTORE), during(scratch, "new", scratch.words(*RESTORE)))
    (file,) = set(given(scratch)["ha1"]) - before
    assert handover_of(scratch, "box00001") == file
    assert "không bị tạm khóa" in scratch.meanwhile.read_text()


@pytest.mark.dieu7
def test_a_lock_in_an_emergency_takes_the_place_of_one_that_is_lifted_meanwhile(scratch: Scratch) -> None:
    locked_with_own_password(scratch)
    slowly(scratch, "after insert on mail.lock_state for each statement")
    with ThreadPoolExecutor() as pool:
        lock = pool.submit(scratch.run, scratch.words(*LOCK))
        scratch.wait_until(ASLEEP)
        assert scratch.command("correct", "box00001", "--note", "nhầm", "--json").json["changed"]
        assert lock.result().json["changed"] is True
    assert scratch.psql("select reason from mail.lock_state") == "compromised"


# --- The nightly job ---


def job(scratch: Scratch) -> list[str]:
    """The words of the nightly job."""
    return scratch.words("life-cycle", "--proposals", str(scratch.place / "proposals"), "--json", role="mail_jobs")


OWN, CHOSEN = "Mat-khau-thu-1!", "Lua-chiem-2026@"
CHANGE = f"select result from mail.change_password('ha1', '{OWN}', '{CHOSEN}', '198.51.100.7')"


def never_changed(scratch: Scratch) -> None:
    """Given two months ago, warned of a month ago: the next job locks it (Đ7.2d)."""
    scratch.apply(registry(person(1)))
    scratch.psql(
        f"select mail.password_set('box00001', '{OWN}', true, false);"
        " update mail.credential set given_at = now() - interval '2 months', changed_at = now() - interval '2 months';"
        " insert into mail.notice (mailbox_id, kind, round, due, sent_at)"
        " select 'box00001', 'default_password_warning', given_at::date || '/7', current_date - 30,"
        "  now() - interval '30 days' from mail.credential"
    )


@pytest.mark.dieu7
def test_the_job_locks_nobody_by_a_reason_that_a_command_takes_away(scratch: Scratch) -> None:
    never_changed(scratch)
    reset = scratch.words("reset-password", "box00001", "--verified", "Lan")
    assert scratch.run(reset, during(scratch, "new", job(scratch))).status == 0
    assert meanwhile(scratch)["steps"] == []
    assert scratch.psql("select mail.mailbox_state('box00001')") == "must_change"
    assert not scratch.run(job(scratch)).json["steps"]


@pytest.mark.dieu7
@pytest.mark.parametrize("door", ["command", "page"])
def test_who_comes_while_the_job_locks_is_told_so(scratch: Scratch, door: str) -> None:
    never_changed(scratch)
    slowly(scratch, "before insert on mail.lock_state for each row")
    with ThreadPoolExecutor() as pool:
        night = pool.submit(scratch.run, job(scratch))
        scratch.wait_until(ASLEEP)
        if door == "page":
            assert scratch.psql(CHANGE) == "locked"
        else:
            refused = scratch.command("reset-password", "box00001", "--verified", "Lan")
            assert "đang tạm khóa" in refused.complaint
        assert [step["step"] for step in night.result().json["steps"]] == ["default_password_lock"]
    assert scratch.psql("select is_default and given_at < now() - interval '1 month' from mail.credential") == "t"


@pytest.mark.dieu7
def test_the_job_locks_nobody_whose_absence_is_being_applied(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    scratch.psql(
        f"select mail.password_set('box00001', '{OWN}', false, false);"
        " update mail.mailbox set created_at = now() - interval '4 months';"
        " update mail.credential set given_at = now() - interval '4 months';"
        " insert into mail.notice (mailbox_id, kind, round, due, sent_at)"
        " select 'box00001', 'idle_warning', given_at::date || '/14', current_date - 30, now() - interval '30 days'"
        "  from mail.credential"
    )
    away = {"from": scratch.psql("select current_date - 60"), "to": scratch.psql("select current_date + 60")}
    document = registry(person(1, absences=[{**away, "request": "2026-0009"}]), person(2))
    assert not apply(scratch, document, during(scratch, "hashes", job(scratch))).get("errors")
    assert meanwhile(scratch)["steps"] == []
    assert scratch.psql("select mail.mailbox_state('box00001')") == "active"


@pytest.mark.dieu8
def test_a_password_changed_at_midnight_is_not_marked_as_over(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    scratch.psql(
        f"select mail.password_set('box00001', '{OWN}', false, false);"
        " update mail.credential set changed_at = now() - interval '1 year'"
    )
    with ThreadPoolExecutor() as pool:
        change = pool.submit(scratch.psql, f"begin; {CHANGE}; select pg_sleep(1); commit")
        scratch.wait_until(ASLEEP)
        assert scratch.command("new-day", role="mail_jobs").status == 0
        assert change.result().split() == ["changed"]
    assert scratch.psql("select must_change from mail.credential") == "f"
