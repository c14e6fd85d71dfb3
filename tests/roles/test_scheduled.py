"""Role scheduled: every minute somebody without rights asks what is due; the database gives him nothing else."""

from testinfra.host import Host

from tests.lab import Lab

SERVICE = "hanam-scheduled-send"


def test_it_runs_every_minute_as_nobody_and_finds_nothing_due(accounts_host: Host, lab: Lab) -> None:
    timer = accounts_host.service(f"{SERVICE}.timer")
    assert timer.is_running and timer.is_enabled
    lab.run("accounts", f"systemctl start {SERVICE}")
    shown = accounts_host.service(SERVICE).systemd_properties
    assert (shown["User"], shown["Result"]) == ("hanam-scheduled", "success")
    assert shown.get("CapabilityBoundingSet", "") == ""
    file = accounts_host.file("/etc/hanam-mail/scheduled.yml")
    assert (file.user, file.group, file.mode) == ("root", "hanam-scheduled", 0o640)


def test_the_database_answers_its_own_questions_alone(lab: Lab) -> None:
    psql = "cd / && runuser -u hanam-scheduled -- /usr/lib/postgresql/17/bin/psql -qtAX -d mail -U mail_scheduled"
    assert lab.run("accounts", f"{psql} -c 'select count(*) from mail.scheduled_take()'").strip() in ("0", "1")
    for forbidden in ("select from mail.scheduled", "select mail.webmail_login('a@hanam.gov.vn')"):
        assert "permission denied" in lab.run("accounts", f'{psql} -c "{forbidden}" 2>&1', check=False)
