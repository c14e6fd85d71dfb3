"""What the jobs' role may not do, a night on which thousands are locked, and the history that is kept."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.database.databases import Database
from tests.database.scratch import Scratch, person, registry
from tests.database.world import refused


@pytest.mark.parametrize(
    "statement",
    [
        "select * from mail.credential",
        "update mail.lock_state set reason = 'idle'",
        "update mail.notice set sent_at = now()",
        "select mail.mailbox_unlock('x')",
    ],
)
def test_the_jobs_role_cannot(database: Database, statement: str) -> None:
    assert "permission denied" in refused(database, statement, world="", role="mail_jobs")


@pytest.mark.dieu7
def test_history_tells_a_lock_and_its_end_with_who_when_why_and_the_document(scratch: Scratch) -> None:
    scratch.apply(registry(person(1)))
    lock = ("lock", "ha1", "--reason", "forbidden_use", "--note", "thử lịch sử", "--document", "12/STTTT-VP")
    assert scratch.command(*lock, "--actor", "lan").status == 0
    shown = scratch.command("history", "ha1").output.splitlines()
    assert "cấp hộp thư" in shown[0]
    assert "tạm khóa theo Đ7.2, điểm c: dùng vào việc bị cấm (thử lịch sử)" in shown[-1]
    assert shown[-1].endswith("người thực hiện: lan; văn bản: 12/STTTT-VP")
    who = "set hanam.actor = 'minh'; set hanam.document = '13/STTTT-VP'"
    scratch.psql(f"{who}; select mail.mailbox_unlock('box00001')")
    last = scratch.command("history", "ha1", "--json").json["history"][-1]
    assert last["what"].startswith("mở khóa")
    assert (last["actor"], last["document"]) == ("minh", "13/STTTT-VP")


# --- The job of a day on which thousands are locked ---

MAILBOXES = int(os.environ.get("HANAM_MAILBOXES", "1500"))
# Everybody read mail for the last time half a year ago and was warned; a third of the passwords ended since.
IDLE = f"""
    insert into mail.agency values ('idle0agency', 'department', 'Sở Thử', 'idle.so');
    insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state, created_at)
        select 'i' || lpad(n::text, 6, '0'), 'person', 'idle0agency', 'Thử ' || n, 0, 2147483648, 'active',
               now() - interval '1 year'
        from generate_series(1, {MAILBOXES}) n;
    insert into mail.address (local_part, mailbox_id, kind)
        select 'thu.' || p.id, p.id, 'primary' from mail.mailbox p where p.id ~ '^i[0-9]';
    insert into mail.credential (mailbox_id, hash, must_change, is_default, changed_at, given_at)
        select p.id, '$2a$04$' || repeat('.', 53), false, false, now() - interval '150 days', now() - interval '1 year'
        from mail.mailbox p where p.id ~ '^i[0-9]';
    update mail.credential set changed_at = now() where mailbox_id ~ '^i' and substr(mailbox_id, 2)::int % 3 > 0;
    insert into mail.activity
        select p.id, 'imap', extract(epoch from now() - interval '150 days') from mail.mailbox p where p.id ~ '^i[0-9]';
    insert into mail.notice (mailbox_id, kind, round, due, created_at, sent_at)
        select p.id, 'idle_warning', (current_date - 150) || '/14', current_date - 30, now() - interval '30 days',
               now() - interval '30 days' from mail.mailbox p where p.id ~ '^i[0-9]';
    insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)
        select 'emergency' || n, 'office', 'idle0agency', 'Khẩn', 0, 10737418240, 'active'
        from generate_series(1, 300) n;
    analyze;
"""


@pytest.mark.dieu7
def test_an_emergency_lock_does_not_wait_for_thousands_of_others(scratch: Scratch) -> None:
    scratch.psql(IDLE)
    # Whenever the test runs: what these mailboxes need is a calendar, not which days are off.
    scratch.psql(
        "update mail.setting set value = jsonb_set(value, '{years}', (select jsonb_agg(y::text) from"
        " generate_series(2023, extract(year from current_date)::int + 1) y)) where name = 'life_cycle_calendar'"
    )
    job = scratch.words("life-cycle", "--json", "--proposals", str(scratch.place), role="mail_jobs")
    waits: list[float] = []
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool, scratch.database.connect() as emergency:
        running = pool.submit(scratch.run, job)
        while not running.done():
            before = time.monotonic()
            emergency.execute("select mail.mailbox_lock(%s, 'compromised', 'thử')", [f"emergency{len(waits) + 1}"])
            waits.append(time.monotonic() - before)
            time.sleep(0.2)
    done = running.result()
    took = time.monotonic() - started
    assert done.status == 0, done.complaint
    print(f"{MAILBOXES} locked in {took:.1f} s; {len(waits)} emergency locks beside it, the longest {max(waits):.2f} s")
    # Who is locked already is not reminded; whose password ended is marked.
    assert scratch.psql("select count(*) from mail.lock_state where mailbox_id ~ '^i'") == str(MAILBOXES)
    marked = "select count(*) from mail.credential where must_change and mailbox_id ~ '^i'"
    assert scratch.psql(marked) == str(MAILBOXES // 3)
    assert len(waits) > 3
    # Not for all of them: a job of one transaction would make it wait to the end. A lock works within 5 s in all.
    assert max(waits) < min(took / 3, 5)
