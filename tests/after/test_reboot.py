"""The hosts are rebooted, all at once: everything comes back by itself, and mail that waited is delivered."""

import re
import subprocess
from functools import partial

import pytest

from tests import journal
from tests.lab import Lab, message, wait_for
from tests.system.test_sandboxes import seen_though_hidden

pytestmark = [pytest.mark.dieu10, pytest.mark.neighbours]

BOOT = 120
"""Seconds for all of them."""

# The test looks whether a host is up again; one that goes down takes sshd's folder from under the login.
WHILE_GOING_DOWN = (r"sshd\S* .*(chroot\(\"/run/sshd\"\)|Missing privilege separation directory)",)

# Whoever starts first asks for the other, on another host, until it is there.
WHILE_NEIGHBOURS_START = (
    r"dovecot auth.*: (Error|Warning): (sqlpool|sql|.*Connect failed)",
    r"postfix/\S+ warning: (connect to pgsql server|pgsql query failed)",
    r"hanam-agent (connection failed|the connection is lost)",
    *journal.failed(journal.ASK_THE_DATABASE),
)


def _rebooted(lab: Lab) -> list[str]:
    groups = ("accounts", "mx", "submission", "filter", "mailstore", "webmail")
    return sorted({host for group in groups for host in lab.groups[group]})


# The clock is that of the machine, which goes on over the boots of its hosts.
_BOOT_ID = "systemctl show -P UserspaceTimestampMonotonic"


def _up(lab: Lab, host: str, before: str) -> bool:
    """Asked over a connection of its own: the shared one ends with the boot it was made in."""
    asked = f"{_BOOT_ID}; systemctl is-system-running"
    line = lab.driver.ssh_command(host, asked, options=["-o", "ConnectTimeout=10"])
    said = subprocess.run(line, capture_output=True, text=True, check=False).stdout.split()
    return said[1:] == ["running"] and said[0] != before


@pytest.fixture(scope="module")
def rebooted(lab: Lab) -> list[str]:
    """The hosts, after a reboot during which a message waited; it has arrived."""
    sender, recipient = lab.samples[:2]
    hosts = _rebooted(lab)
    lab.run("mailstore", "systemctl stop dovecot")
    mail = message(sender.address, recipient.address)
    # Handed in on the host itself, where Postfix needs no sign-in: the mail store, which knows passwords, is away.
    lab.run("mx", f"sendmail -f {sender.address} {recipient.address} <<'EOF'\n{mail.as_string()}\nEOF")
    wait_for(lambda: recipient.address in lab.run("mx", "postqueue -p"), "the message in the queue")
    before = {host: lab.run(host, _BOOT_ID).strip() for host in hosts}
    for host in hosts:
        # The host may be gone before its answer is here.
        lab.run(host, "systemctl --no-block reboot", check=False)
    for host in hosts:
        wait_for(partial(_up, lab, host, before[host]), f"the rebooted {host}", BOOT)
    lab.wait_for_agents()
    lab.wait_for_message(recipient, mail["Subject"], put_off=True)
    return hosts


def test_after_a_reboot_everything_runs_and_waiting_mail_arrives(lab: Lab, rebooted: list[str]) -> None:
    for host in rebooted:
        if len(rebooted) > 1:
            # What came by the clock while a neighbour was starting does its work the next time.
            lab.start_failed_jobs(host)
        assert lab.run(host, "systemctl --failed --plain --no-legend") == "", host


def test_a_boot_leaves_no_warning_in_the_journal(lab: Lab, rebooted: list[str]) -> None:
    known = [*journal.ON_THESE_HOSTS, *WHILE_GOING_DOWN, *(WHILE_NEIGHBOURS_START if len(rebooted) > 1 else ())]
    for host in rebooted:
        said = [line.text for line in journal.lines(lab, host)]
        unexpected = [line for line in said if not any(re.match(pattern, line) for pattern in known)]
        assert not unexpected, f"{host}:\n" + "\n".join(unexpected)


def test_after_a_boot_units_hide_what_their_neighbours_made_since(lab: Lab, rebooted: list[str]) -> None:
    assert rebooted
    assert seen_though_hidden(lab) == set()


def test_a_boot_keeps_the_time_zone(lab: Lab, rebooted: list[str]) -> None:
    zone = lab.variables["mail_timezone"]
    assert {lab.run(host, "timedatectl show -P Timezone").strip() for host in rebooted} == {zone}


def test_a_boot_undoes_nothing_that_a_converge_did(lab: Lab, rebooted: list[str]) -> None:
    # Debian writes some files anew at each boot: a converge that wrote the same ones would differ with it for ever.
    told = lab.play("site.yml", "--check", "--diff", "--limit", ",".join(rebooted))
    assert told.returncode == 0, told.stdout + told.stderr
    assert not re.search(r"^(changed: |\S+ +: ok=\d+ +changed=[1-9])", told.stdout, re.MULTILINE), told.stdout
