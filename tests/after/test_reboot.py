"""The mail host is rebooted: everything comes back by itself, and mail that waited is delivered."""

import subprocess

import pytest

from tests.lab import Lab, message, wait_for


def _up(lab: Lab) -> str | None:
    line = [*lab.driver.ssh_command(lab.host("mailstore")), "systemctl is-system-running"]
    line[1:1] = ["-o", "ConnectTimeout=2"]
    state = subprocess.run(line, capture_output=True, text=True, check=False).stdout.strip()
    return state if state == "running" else None


@pytest.mark.dieu10
def test_after_a_reboot_everything_runs_and_waiting_mail_arrives(lab: Lab) -> None:
    sender, recipient = lab.samples[:2]
    lab.run("mailstore", "systemctl stop dovecot")
    mail = message(sender.address, recipient.address)
    # Handed in on the host itself, where Postfix needs no sign-in: the mail store, which knows passwords, is away.
    lab.run("mx", f"sendmail -f {sender.address} {recipient.address} <<'EOF'\n{mail.as_string()}\nEOF")
    wait_for(lambda: recipient.address in lab.run("mx", "postqueue -p"), "the message in the queue")
    started = lab.run("mailstore", "systemctl show --property=UserspaceTimestampMonotonic --value")
    lab.run("mailstore", "systemctl --no-block reboot")
    wait_for(
        lambda: _up(lab) and lab.run("mailstore", "systemctl show -p UserspaceTimestampMonotonic --value") != started,
        "the rebooted host",
        90,
    )
    assert lab.run("mailstore", "systemctl --failed --plain --no-legend") == ""
    lab.run("mx", "postqueue -f")
    lab.wait_for_message(recipient, mail["Subject"])
