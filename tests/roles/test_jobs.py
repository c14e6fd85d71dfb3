"""The timers of the life-cycle job, of the notices and of reports to domains, and what they leave on the host."""

import pytest
from testinfra.host import Host

from tests.lab import Lab, wait_for

JOBS = ("hanam-mail-life-cycle", "hanam-mail-new-day", "hanam-mail-notices", "hanam-dmarc-send", "hanam-collectors")


@pytest.mark.parametrize("job", JOBS)
def test_the_timer_runs_starts_at_boot_and_makes_up_for_a_stop(accounts_host: Host, job: str) -> None:
    timer = accounts_host.service(f"{job}.timer")
    assert timer.is_running
    assert timer.is_enabled
    assert accounts_host.service(f"{job}.timer").systemd_properties["Persistent"] == "yes"

    def has_next() -> bool:
        """A timer has none while its service runs; that of the notices does so every other minute."""
        shown = accounts_host.service(f"{job}.timer").systemd_properties
        return shown.get("NextElapseUSecRealtime", "") not in {"n/a", ""}

    wait_for(has_next, f"the next time of {job}")


@pytest.mark.parametrize("job", JOBS)
def test_the_unit_is_confined_and_its_failure_is_reported(accounts_host: Host, job: str) -> None:
    shown = accounts_host.service(f"{job}.service").systemd_properties
    assert (shown["User"], shown["NoNewPrivileges"], shown["ProtectSystem"]) == ("hanam-mail", "yes", "strict")
    assert shown["OnFailure"] == f"hanam-watch@{job}.service.service"
    exposure = accounts_host.check_output(f"systemd-analyze security --no-pager {job}.service").splitlines()[-1]
    assert float(exposure.split(":")[1].split()[0]) < 2.0


@pytest.mark.parametrize("job", JOBS)
def test_the_job_runs_through(accounts_host: Host, job: str) -> None:
    accounts_host.check_output(f"systemctl start {job}.service")
    assert accounts_host.service(f"{job}.service").systemd_properties["Result"] == "success"


def test_the_jobs_run_on_the_accounts_host_alone(lab: Lab, mailstore_host: Host) -> None:
    present = mailstore_host.file("/etc/systemd/system/hanam-mail-life-cycle.timer").exists
    assert present == (lab.host("mailstore") == lab.host("accounts"))


@pytest.mark.dieu6
def test_proposals_are_for_the_operators_eyes(accounts_host: Host) -> None:
    accounts_host.check_output("systemctl start hanam-mail-life-cycle.service")
    folder = accounts_host.file("/var/lib/hanam-mail/proposals")
    assert folder.is_directory
    assert (folder.user, folder.mode) == ("hanam-mail", 0o750)


def test_the_reports_sender_reads_its_settings_and_no_other_job_may_change_them(accounts_host: Host) -> None:
    file = accounts_host.file("/etc/hanam-mail/reports-sent.yml")
    assert (file.user, file.group, file.mode) == ("root", "hanam-mail", 0o640)
