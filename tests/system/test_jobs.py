"""The timers of the life-cycle job and of the notices, what they may do, and the history that is kept."""

import json

import pytest
from testinfra.host import Host

from tests.lab import Lab

JOBS = ("hanam-mail-life-cycle", "hanam-mail-notices")


@pytest.mark.parametrize("job", JOBS)
def test_the_timer_runs_starts_at_boot_and_makes_up_for_a_stop(accounts_host: Host, job: str) -> None:
    timer = accounts_host.service(f"{job}.timer")
    assert timer.is_running
    assert timer.is_enabled
    shown = accounts_host.check_output(f"systemctl show {job}.timer -p Persistent -p NextElapseUSecRealtime")
    assert "Persistent=yes" in shown
    assert "NextElapseUSecRealtime=n/a" not in shown


@pytest.mark.parametrize("job", JOBS)
def test_the_unit_is_confined_and_its_failure_is_reported(accounts_host: Host, job: str) -> None:
    shown = accounts_host.check_output(
        f"systemctl show {job}.service -p User -p NoNewPrivileges -p ProtectSystem -p OnFailure"
    )
    assert set(shown.split()) == {
        "User=hanam-mail",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        f"OnFailure=hanam-mail-job-failed@{job}.service.service",
    }
    exposure = accounts_host.check_output(f"systemd-analyze security --no-pager {job}.service").splitlines()[-1]
    assert float(exposure.split(":")[1].split()[0]) < 2.0


@pytest.mark.parametrize("job", JOBS)
def test_the_job_runs_through(accounts_host: Host, job: str) -> None:
    accounts_host.check_output(f"systemctl start {job}.service")
    assert accounts_host.check_output(f"systemctl show {job}.service -p Result") == "Result=success"


def test_the_jobs_run_on_the_accounts_host_alone(lab: Lab, mailstore_host: Host) -> None:
    present = mailstore_host.file("/etc/systemd/system/hanam-mail-life-cycle.timer").exists
    assert present == (lab.host("mailstore") == lab.host("accounts"))


@pytest.mark.dieu6
def test_proposals_are_for_the_operators_eyes(accounts_host: Host) -> None:
    accounts_host.check_output("systemctl start hanam-mail-life-cycle.service")
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
    assert "tạm khóa: vi phạm Điều 4 (Đ7.2c) (thử lịch sử)" in shown[-1]
    assert shown[-1].endswith("người thực hiện: lan; văn bản: 12/STTTT-VP")
    last = json.loads(accounts_host.check_output("hanam-mail-db history %s --json", person.address))["history"][-1]
    assert last["what"].startswith("mở khóa")
    assert (last["actor"], last["document"]) == ("minh", "13/STTTT-VP")
