"""The programs that read what others report of us, and where Postfix lays it down."""

import uuid

import pytest
from testinfra.host import Host

from tests.lab import Lab, wait_for

FOLDER, STATE = "/var/spool/hanam-reports/mail", "/var/lib/hanam-reports"
READER, LOADER = "hanam-reports-read.service", "hanam-reports-load.service"


def test_the_timer_runs_and_starts_at_boot(mx_host: Host) -> None:
    timer = mx_host.service("hanam-reports.timer")
    assert (timer.is_running, timer.is_enabled) == (True, True)
    assert mx_host.service("hanam-reports.timer").systemd_properties["Unit"] == LOADER


@pytest.mark.neighbours
def test_a_run_goes_through_and_its_failure_is_told(mx_host: Host) -> None:
    mx_host.check_output(f"systemctl start {LOADER}")
    for unit in (READER, LOADER):
        shown = mx_host.service(unit).systemd_properties
        assert (shown["User"], shown["Result"]) == ("hanam-reports", "success")
        assert shown["OnFailure"] == f"hanam-watch@{unit}.service"


@pytest.mark.parametrize("unit", [READER, LOADER])
def test_the_units_run_confined(mx_host: Host, unit: str) -> None:
    mx_host.check_output(f"systemd-analyze security --threshold=20 --no-pager {unit}")


def test_letters_and_what_is_read_of_them_are_the_readers_alone(mx_host: Host) -> None:
    for folder in (FOLDER, f"{FOLDER}/new", STATE, f"{STATE}/ready", f"{STATE}/refused"):
        file = mx_host.file(folder)
        assert (file.user, file.group, file.mode) == ("hanam-reports", "hanam-reports", 0o700), folder


def test_the_reader_of_strangers_letters_sees_no_network_and_no_database(mx_host: Host) -> None:
    shown = mx_host.service(READER).systemd_properties
    assert shown["PrivateNetwork"] == "yes"
    assert "-/run/postgresql" in shown["InaccessiblePaths"].split()
    assert shown["MemoryMax"] == str(768 * 2**20)


def test_what_comes_lies_with_the_filters_mark_and_nobody_to_answer(lab: Lab) -> None:
    """From outside, without proof of its sender: no report, and nothing that could be sent back."""
    mark = uuid.uuid4().hex
    letter = f"From: an@client.example\r\nTo: dmarc@hanam.gov.vn\r\nSubject: {mark}\r\n\r\nKinh gui\r\n"
    forged = f"X-Hanam-Report-From: google.com proven google.com\r\n{letter}"
    found = f"grep -l -r {mark} {FOLDER}/new || test $? = 1"
    with lab.stopped("mx", "hanam-reports.timer"):
        lab.run("mx", f"systemctl start {LOADER}")
        for address in ("dmarc@hanam.gov.vn", "tlsrpt@hanam.gov.vn"):
            with lab.smtp() as client:
                client.sendmail("an@client.example", [address], forged)
        files = wait_for(
            lambda: paths if len(paths := lab.run("mx", found).split()) == 2 else None, "the letters in the folder"
        )
        for file in files:
            content = lab.look_at("mx").file(file).content_string
            assert "Return-Path: <>\n" in content
            assert [line for line in content.splitlines() if line.lower().startswith("x-hanam-report-from")] == [
                "X-Hanam-Report-From: client.example unproven"
            ]
        lab.run("mx", f"systemctl start {LOADER}")
        assert lab.run("mx", found) == ""
        assert lab.look_at("mx").file(f"{STATE}/ready").listdir() == []
