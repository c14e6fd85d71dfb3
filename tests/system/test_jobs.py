"""The timers of the life-cycle job and of the notices, what they may do, and the history that is kept."""

import json
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from testinfra.host import Host

from tests.lab import PSQL, Lab, wait_for

JOBS = ("hanam-mail-life-cycle", "hanam-mail-new-day", "hanam-mail-notices")


@pytest.mark.parametrize("job", JOBS)
def test_the_timer_runs_starts_at_boot_and_makes_up_for_a_stop(accounts_host: Host, job: str) -> None:
    timer = accounts_host.service(f"{job}.timer")
    assert timer.is_running
    assert timer.is_enabled
    assert accounts_host.check_output(f"systemctl show {job}.timer -P Persistent") == "yes"

    def has_next() -> bool:
        """A timer has none while its service runs; that of the notices does so every other minute."""
        return accounts_host.check_output(f"systemctl show {job}.timer -P NextElapseUSecRealtime") not in {"n/a", ""}

    wait_for(has_next, f"the next time of {job}")


@pytest.mark.parametrize("job", JOBS)
def test_the_unit_is_confined_and_its_failure_is_reported(accounts_host: Host, job: str) -> None:
    shown = accounts_host.check_output(
        f"systemctl show {job}.service -p User -p NoNewPrivileges -p ProtectSystem -p OnFailure"
    )
    assert set(shown.split()) == {
        "User=hanam-mail",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        f"OnFailure=hanam-watch@{job}.service.service",
    }
    exposure = accounts_host.check_output(f"systemd-analyze security --no-pager {job}.service").splitlines()[-1]
    assert float(exposure.split(":")[1].split()[0]) < 2.0


def started(host: Host, job: str) -> bool:
    """Run a job; whether it did all it had to. Only the life cycle may not, in a year that nobody confirmed."""
    rc = host.run(f"systemctl start {job}.service").rc
    asked = "select mail.life_cycle_unconfirmed(current_date) = '{}'"
    known = host.check_output(f"cd / && runuser -u postgres -- {PSQL} -d mail -c %s", asked) == "t"
    if not known:
        host.check_output(f"systemctl reset-failed {job}.service")
    return rc == 0 or (job == "hanam-mail-life-cycle" and not known)


@pytest.mark.parametrize("job", JOBS)
def test_the_job_runs_through(accounts_host: Host, job: str) -> None:
    assert started(accounts_host, job)
    assert accounts_host.check_output(f"systemctl show {job}.service -p Result") == "Result=success"


def test_the_jobs_run_on_the_accounts_host_alone(lab: Lab, mailstore_host: Host) -> None:
    present = mailstore_host.file("/etc/systemd/system/hanam-mail-life-cycle.timer").exists
    assert present == (lab.host("mailstore") == lab.host("accounts"))


@pytest.mark.dieu6
def test_proposals_are_for_the_operators_eyes(accounts_host: Host) -> None:
    assert started(accounts_host, "hanam-mail-life-cycle")
    folder = accounts_host.file("/var/lib/hanam-mail/proposals")
    assert folder.is_directory
    assert (folder.user, folder.mode) == ("hanam-mail", 0o750)


@pytest.mark.parametrize(
    "statement",
    [
        "select * from mail.credential",
        "update mail.lock_state set reason = 'idle'",
        "update mail.notice set sent_at = now()",
        "select mail.mailbox_unlock('x')",
    ],
)
def test_the_jobs_role_cannot(accounts_host: Host, statement: str) -> None:
    done = accounts_host.run("cd / && runuser -u hanam-mail -- psql -qtAX -U mail_jobs -d mail -c %s", statement)
    assert done.rc != 0
    assert "permission denied" in done.stderr


@pytest.mark.dieu7
def test_history_tells_a_lock_and_its_end_with_who_when_why_and_the_document(lab: Lab, accounts_host: Host) -> None:
    person = lab.samples[2]
    lock = "hanam-mail-db lock %s --reason forbidden_use --note %s --document 12/STTTT-VP --actor lan"
    accounts_host.check_output(lock, person.address, "thử lịch sử")
    try:
        shown = accounts_host.check_output("hanam-mail-db history %s", person.address).splitlines()
    finally:
        restore = f"select mail.mailbox_unlock('{person.mailbox}')"
        who = "set hanam.actor = 'minh'; set hanam.document = '13/STTTT-VP'"
        accounts_host.check_output("cd / && runuser -u postgres -- psql -q -d mail -c %s -c %s", who, restore)
    assert "cấp hộp thư" in shown[0]
    assert "tạm khóa theo Đ7.2, điểm c: dùng vào việc bị cấm (thử lịch sử)" in shown[-1]
    assert shown[-1].endswith("người thực hiện: lan; văn bản: 12/STTTT-VP")
    last = json.loads(accounts_host.check_output("hanam-mail-db history %s --json", person.address))["history"][-1]
    assert last["what"].startswith("mở khóa")
    assert (last["actor"], last["document"]) == ("minh", "13/STTTT-VP")


# --- The job of a day on which thousands are locked ---

SCRATCH = "mail_scratch"
MAILBOXES = int(os.environ.get("HANAM_MAILBOXES", "5000"))
# Everybody read mail for the last time half a year ago and was warned; a third of the passwords ended since.
IDLE = f"""
    insert into mail.agency values ('idle0agency', 'department', 'Sở Thử', 'idle.so', 'idle');
    insert into mail.person select 'i' || lpad(n::text, 6, '0'), 'Thử ' || n from generate_series(1, {MAILBOXES}) n;
    insert into mail.mailbox (id, kind, agency_id, person_id, name, shard, quota_bytes, state, created_at)
        select p.id, 'person', 'idle0agency', p.id, p.name, 0, 2147483648, 'active', now() - interval '1 year'
        from mail.person p where p.id ~ '^i[0-9]';
    insert into mail.address (local_part, mailbox_id, kind)
        select 'thu.' || p.id, p.id, 'primary' from mail.person p where p.id ~ '^i[0-9]';
    insert into mail.credential (mailbox_id, hash, must_change, is_default, changed_at, given_at)
        select p.id, '$2a$04$' || repeat('.', 53), false, false, now() - interval '150 days', now() - interval '1 year'
        from mail.person p where p.id ~ '^i[0-9]';
    update mail.credential set changed_at = now() where mailbox_id ~ '^i' and substr(mailbox_id, 2)::int % 3 > 0;
    insert into mail.activity
        select p.id, 'imap', extract(epoch from now() - interval '150 days') from mail.person p where p.id ~ '^i[0-9]';
    insert into mail.notice (mailbox_id, kind, round, due, created_at, sent_at)
        select p.id, 'idle_warning', (current_date - 150) || '/14', current_date - 30, now() - interval '30 days',
               now() - interval '30 days' from mail.person p where p.id ~ '^i[0-9]';
    insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)
        select 'emergency' || n, 'office', 'idle0agency', 'Khẩn', 0, 10737418240, 'active'
        from generate_series(1, 300) n;
    analyze;
"""


def psql(host: Host, database: str, statements: str) -> str:
    line = f"cd / && runuser -u postgres -- {PSQL} -d {database} <<'STATEMENTS'\n"
    return str(host.check_output(line + statements + "\nSTATEMENTS")).strip()


@pytest.fixture
def scratch(accounts_host: Host) -> Iterator[str]:
    """A database of the same shape and settings, with a province of idle mailboxes, beside the real one."""
    remove = f"runuser -u postgres -- dropdb --if-exists --force {SCRATCH}"
    accounts_host.check_output(f"cd / && {remove} && runuser -u postgres -- createdb {SCRATCH}")
    accounts_host.check_output(
        "cd / && runuser -u postgres -- sh -c"
        f" '(pg_dump -s mail; pg_dump -a -t mail.setting -t mail.secret mail) | psql -q -v ON_ERROR_STOP=1 {SCRATCH}'"
    )
    zone = psql(accounts_host, "mail", "show timezone")
    psql(accounts_host, SCRATCH, f"alter database {SCRATCH} set timezone to '{zone}'")
    psql(accounts_host, SCRATCH, IDLE)
    # Whenever the test runs: what these mailboxes need is a calendar, not which days are off.
    psql(
        accounts_host,
        SCRATCH,
        "update mail.setting set value = jsonb_set(value, '{years}', (select jsonb_agg(y::text) from"
        " generate_series(2023, extract(year from current_date)::int + 1) y)) where name = 'life_cycle_calendar'",
    )
    yield SCRATCH
    accounts_host.check_output(f"cd / && {remove}")


@pytest.mark.dieu7
def test_an_emergency_lock_does_not_wait_for_thousands_of_others(accounts_host: Host, scratch: str) -> None:
    job = (
        "cd / && runuser -u postgres -- python3 -I /usr/lib/hanam-mail/hanam-mail.pyz life-cycle --json"
        f" --proposals /tmp --dsn 'host=/run/postgresql dbname={scratch} user=postgres' >/dev/null"
    )
    waits: list[float] = []
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(accounts_host.run, job)
        while not running.done():
            # The time that the lock itself takes, without ssh and psql.
            shown = psql(
                accounts_host,
                scratch,
                f"\\timing on\nselect mail.mailbox_lock('emergency{len(waits) + 1}', 'compromised', 'thử');",
            )
            waits.append(float(re.findall(r"Time: ([0-9.]+) ms", shown)[-1]) / 1000)
            time.sleep(0.2)
    done = running.result()
    took = time.monotonic() - started
    assert done.rc == 0, done.stderr
    print(f"{MAILBOXES} locked in {took:.1f} s; {len(waits)} emergency locks beside it, the longest {max(waits):.2f} s")
    # Who is locked already is not reminded; whose password ended is marked.
    counted = "select count(*) from mail.lock_state where mailbox_id ~ '^i'"
    assert psql(accounts_host, scratch, counted) == str(MAILBOXES)
    marked = "select count(*) from mail.credential where must_change and mailbox_id ~ '^i'"
    assert psql(accounts_host, scratch, marked) == str(MAILBOXES // 3)
    assert len(waits) > 3
    # Not for all of them: a job of one transaction would make it wait to the end. A lock works within 5 s in all.
    assert max(waits) < min(took / 3, 5)
