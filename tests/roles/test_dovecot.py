"""Dovecot as it runs: its configuration, its sockets, its files."""

import imaplib
import json
import smtplib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests import ask_room, journal
from tests.lab import Lab, Sample, message, wait_for
from tests.people import People

_LMTP = "import smtplib,sys;smtplib.LMTP(sys.argv[1]).sendmail(sys.argv[2], sys.argv[3], sys.stdin.read())"


def test_unit_runs_and_starts_at_boot(mailstore_host: Host) -> None:
    unit = mailstore_host.service("dovecot")
    assert unit.is_running
    assert unit.is_enabled


def test_unit_is_confined(mailstore_host: Host) -> None:
    shown = mailstore_host.service("dovecot").systemd_properties
    assert (shown["NoNewPrivileges"], shown["ProtectSystem"]) == ("yes", "strict")
    assert (shown["ProtectHome"], shown["PrivateDevices"]) == ("yes", "yes")


def test_configuration_is_whole_and_holds_no_secret(mailstore_host: Host) -> None:
    configuration = mailstore_host.check_output("doveconf -n 2>&1")
    assert "Warning" not in configuration
    assert "password = " not in configuration
    assert "auth_allow_cleartext = yes" not in configuration
    assert "mail_fsync = always" in configuration


def test_mail_belongs_to_one_user_and_nobody_else_looks_in(mailstore_host: Host) -> None:
    root = mailstore_host.file("/srv/mail")
    assert (root.user, root.group, root.mode) == ("vmail", "vmail", 0o700)
    assert mailstore_host.user("vmail").uid == 5000
    assert mailstore_host.check_output("find /srv/mail -not -user vmail | head -3") == ""


@pytest.mark.neighbours
def test_every_mailbox_of_the_database_can_be_named_and_has_a_home(lab: Lab, mailstore_host: Host) -> None:
    assert lab.samples[0].mailbox in mailstore_host.check_output("doveadm user '*'").split()
    fields = mailstore_host.check_output(f"doveadm user {lab.samples[0].address}")
    home = f"/srv/mail/{lab.samples[0].mailbox[:2]}/{lab.samples[0].mailbox}"
    assert f"home\t{home}" in fields
    assert "quota_storage_size" in fields


def test_sockets_of_sign_in_and_delivery_are_postfixs_alone(mailstore_host: Host) -> None:
    if not mailstore_host.file("/var/spool/postfix/private").exists:
        return  # Postfix is on another host and comes by TLS.
    for name in ("auth", "dovecot-lmtp", "quota-status"):
        socket = mailstore_host.file(f"/var/spool/postfix/private/{name}")
        assert socket.is_socket
        assert socket.user == "postfix"
        assert socket.mode in (0o600, 0o660)


def test_agent_may_flush_and_kick_and_nothing_more(lab: Lab, mailstore_host: Host) -> None:
    def as_agent(command: str) -> CommandResult:
        return mailstore_host.run(f"su -s /bin/sh -g hanam-agent nobody -c '{command}'")

    assert as_agent("doveadm -O auth cache flush nobody").stdout == "0 cache entries flushed\n"
    assert as_agent("doveadm -O kick nobody").stdout == "0 connections kicked\n"
    assert as_agent("doveadm -O who").rc == 0
    reading = as_agent(f"doveadm -O fetch -u {lab.samples[0].mailbox} text all")
    assert reading.rc != 0
    assert "Permission denied" in reading.stderr
    # The key that passwords are sealed with is in it.
    assert "Permission denied" in as_agent("head -c 1 /etc/dovecot/passdb.conf").stderr


def test_script_that_moves_spam_is_compiled(mailstore_host: Host) -> None:
    assert mailstore_host.file("/etc/dovecot/sieve/before/10-junk.svbin").exists


def test_message_on_disk_is_compressed(person: Sample, mailstore_host: Host) -> None:
    text = "yes cong van | head -c 100000"
    save = f"doveadm save -u {person.mailbox} -m Archive"
    mailstore_host.check_output(f"(printf 'Subject: nen\\n\\n'; {text}) | {save}")
    sizes = mailstore_host.check_output(
        f"find $(doveadm user -f home {person.mailbox})/sdbox/mailboxes/Archive -name 'u.*' -printf '%s\\n'"
    )
    assert 0 < min(int(size) for size in sizes.split()) < 10_000


def _of_a_damaged_mailbox(mailstore_host: Host) -> str:
    mailstore_host.check_output("journalctl --sync; hanam-mail-watch")
    return mailstore_host.run("hanam-mail-watch --list").stdout


@pytest.mark.dieu10
@pytest.mark.provokes(journal.INDEX_LOST)
def test_a_lost_index_costs_no_message_and_the_operator_is_told(
    lab: Lab, people: People, sender: Sample, mailstore_host: Host
) -> None:
    person = people.take()
    for number in range(3):
        mailstore_host.check_output(f"printf 'Subject: {number}\n\nThu.\n' | doveadm save -u {person.mailbox}")
    home = mailstore_host.check_output(f"doveadm user -f home {person.mailbox}")
    mailstore_host.check_output(f"rm {home}/sdbox/mailboxes/INBOX/dbox-Mails/dovecot.index*")
    # The next delivery meets the file of a message that the new index does not know; it waits in the queue and comes
    # again.
    mail = message(sender.address, person.address)
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)

    def subjects() -> list[str]:
        lab.run("submission", "postqueue -f")
        shown = lab.run("mailstore", f"doveadm -f tab fetch -u {person.mailbox} hdr.subject mailbox INBOX | tail -n +2")
        return sorted(shown.splitlines())

    wait_for(lambda: subjects() == sorted(["0", "1", "2", mail["Subject"]]), "the old messages and the new one")
    told = _of_a_damaged_mailbox(mailstore_host)
    assert "Chỉ mục hoặc thư của một hộp thư bị hỏng (dovecot.service): “" in told
    assert person.mailbox in told


DAMAGES = {
    "gone": "rm {}",
    "cut": "truncate -s 60 {}",
    "overwritten": "printf 'không còn là thư nữa' | dd of={} bs=1 seek=80 conv=notrunc",
}


@pytest.mark.dieu10
@pytest.mark.provokes(journal.INDEX_LOST)
@pytest.mark.parametrize("damage", DAMAGES)
def test_the_operator_is_told_of_a_message_that_is_lost(
    lab: Lab, person: Sample, mailstore_host: Host, damage: str
) -> None:
    save = f"doveadm save -u {person.mailbox} -m Archive"
    for number in range(3):
        mailstore_host.check_output(f"(printf 'Subject: {number}\n\n'; seq 5000) | {save}")
    home = mailstore_host.check_output(f"doveadm user -f home {person.mailbox}")
    mailstore_host.check_output(DAMAGES[damage].format(f"{home}/sdbox/mailboxes/Archive/dbox-Mails/u.2"))
    client = lab.imap(person.address, person.password)
    client.select("Archive")
    # Dovecot ends the session.
    with pytest.raises(imaplib.IMAP4.abort):
        client.fetch("1:*", "(BODY.PEEK[])")
    client.shutdown()

    def told() -> bool:
        return person.mailbox in _of_a_damaged_mailbox(mailstore_host)

    wait_for(told, "the watch to know")
    # It says so now, and not while other tests run.
    mailstore_host.check_output("systemctl start hanam-watch@test")


def test_the_operator_is_not_told_of_a_folder_that_is_renamed_while_it_is_read(
    lab: Lab, person: Sample, mailstore_host: Host
) -> None:
    folder = '"Vi&Hsc-c/N&AQM-m nay"'
    with lab.imap(person.address, person.password) as other:
        other.create(folder)
        for number in range(3):
            other.append(folder, "", "", f"Subject: {number}\r\n\r\nThư.\r\n".encode())
        reader = lab.imap(person.address, person.password)
        reader.select(folder)
        assert other.rename('"Vi&Hsc-c"', '"Vi&Hsc-c c&AWk-"')[0] == "OK"
        with pytest.raises(imaplib.IMAP4.abort):
            reader.fetch("1:*", "(BODY.PEEK[])")
        reader.shutdown()
    assert person.mailbox not in _of_a_damaged_mailbox(mailstore_host)
    # The folder was read.
    said = mailstore_host.check_output(f"journalctl --output=cat --unit=dovecot --grep='imap.{person.mailbox}'")
    assert "Mailbox Việc/Năm nay: Unexpectedly lost uid 1" in said
    assert "Rebuilding index" not in said


@pytest.mark.neighbours
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_journal_tells_of_no_error_of_dovecots_own(lab: Lab, person: Sample, mailstore_host: Host) -> None:
    """A delivery and a sign-in leave no complaint about sockets or rights behind."""
    # Each process of IMAP that lived through a restart of the database, as in other tests, loses the note of a sign-in.
    mailstore_host.check_output("systemctl restart dovecot")
    lab.wait_for_agents()
    time.sleep(1.1)
    before = mailstore_host.check_output("date +%s")
    mailstore_host.check_output(
        f"printf 'Subject: x\\n\\nx\\n' | python3 -c '{_LMTP}' /run/dovecot/lmtp an@bo.gov.vn {person.address}"
    )
    lab.imap(person.address, person.password).logout()
    journal = mailstore_host.check_output(f"journalctl --sync; journalctl -u dovecot --since @{before} -o cat")
    assert "Permission denied" not in journal
    assert "Error" not in journal


def test_deliveries_and_indexers_stand_back_behind_people(lab: Lab, person: Sample, mailstore_host: Host) -> None:
    with lab.imap(person.address, person.password) as client:
        given = f"'{_LMTP}' /run/dovecot/lmtp an@bo.gov.vn {person.address}"
        mailstore_host.check_output(f"printf 'Subject: Cong van\\n\\nx\\n' | python3 -c {given}")
        client.select()
        # Waits until the index is up to date.
        assert client.search(None, "SUBJECT", "cong")[0] == "OK"
        listed = mailstore_host.check_output("ps -o ni=,comm= --ppid $(systemctl show -P MainPID dovecot)")
    rows = [line.split() for line in listed.splitlines()]
    for name, wanted in _PRIORITIES.items():
        assert {nice for nice, program in rows if program == name} == {wanted}, name


def test_a_list_that_is_read_beyond_its_end_lies_among_others(lab: Lab, person: Sample, mailstore_host: Host) -> None:
    """Dovecot writes its title over what a process began with, and names one by its whole path that `env` started."""
    with lab.imap(person.address, person.password):
        shown = mailstore_host.check_output("tr '\\0' ' ' < /proc/$(pgrep -n -x imap)/cmdline")
    line = mailstore_host.check_output("doveconf -h service/imap/executable")
    assert line == "/usr/bin/env MALLOC_MMAP_THRESHOLD_=33554432 /usr/lib/dovecot/imap"
    assert shown.startswith("/usr/lib/dovecot/imap")


_PRIORITIES = {"imap": "0", "imap-login": "0", "auth": "0", "lmtp": "5", "indexer-worker": "10"}


@pytest.mark.neighbours
@pytest.mark.dieu10
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_reloads_in_a_row_keep_apart_and_nobody_is_told_that_his_password_is_wrong(lab: Lab, person: Sample) -> None:
    """A process of sign-in that was ended as it began lost the answer. One at work is cut: 454, come again."""
    with ThreadPoolExecutor(1) as beside:
        begun = lab.run("mailstore", "date +%s.%N").strip()
        reloads = beside.submit(lab.run, "mailstore", "for i in 1 2 3; do systemctl reload dovecot; done")
        while not reloads.done():
            try:
                lab.submission(person.address, person.password).quit()
            except smtplib.SMTPAuthenticationError as error:
                assert error.smtp_code == 454
            time.sleep(0.3)
    reloads.result()
    # They begin three seconds apart; how long each takes is the machine's affair.
    asked = f"journalctl --sync; journalctl -q -u dovecot -o short-unix --since=@{begun} --grep='SIGHUP received'"
    first, second, third = (float(line.split()[0]) for line in lab.run("mailstore", asked).splitlines())
    assert min(second - first, third - second) > 2.5


@pytest.mark.neighbours
@pytest.mark.dieu10
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_nobody_who_asks_for_room_during_a_reload_is_told_to_come_again(lab: Lab, person: Sample) -> None:
    """A sender's program would show it as an error. Of four that ask all the time each was told so, in every reload."""
    found = room_during_reloads(lab, person, 5)
    assert set(found) == {"action=DUNNO"}, found
    assert found["action=DUNNO"] > 100


@pytest.mark.neighbours
@pytest.mark.dieu10
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_who_asks_for_room_in_a_mailbox_that_is_just_held_waits_through_a_reload(lab: Lab, person: Sample) -> None:
    """A signal that reaches Dovecot while it waits for a lock is an error to it, which the sender would be told."""
    lab.run("mailstore", f"doveadm mailbox create -u {person.mailbox} Trong")
    try:
        # Of a folder that never had a message the sizes are looked up each time.
        home = lab.run("mailstore", f"doveadm user -f home {person.mailbox}").strip()
        file = f"{home}/sdbox/mailboxes/Trong/dbox-Mails/dovecot.index.log"
        found = room_during_reloads(lab, person, 1, file, "/run/dovecot/reloaded")
    finally:
        lab.run("mailstore", f"doveadm mailbox delete -u {person.mailbox} Trong")
    assert found.pop("waiting", 0) > 0
    assert set(found) == {"action=DUNNO"}, found


def room_during_reloads(lab: Lab, person: Sample, reloads: int, *held: str) -> dict[str, int]:
    """How often four who ask all the time were answered what."""
    beside = lab.host("mailstore") in {*lab.groups["mx"], *lab.groups["submission"]}
    place = "/var/spool/postfix/private/quota-status" if beside else f"127.0.0.1:{lab.port('quota')}"
    program = Path(ask_room.__file__).read_text()
    words = " ".join([person.address, place, "4", str(reloads), *held])
    found: dict[str, int] = json.loads(lab.run("mailstore", f"python3 - {words} <<'END'\n{program}\nEND"))
    return found


# So long after a reload it used to end the sessions.
CUT = 8


@pytest.mark.neighbours
@pytest.mark.dieu10
@pytest.mark.dieu7
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_a_reload_cuts_no_session_and_leaves_no_sign_in_that_cannot_be_forgotten(lab: Lab, person: Sample) -> None:
    process = "pgrep --exact --uid dovecot auth"
    hosts = {lab.host("mailstore"), lab.host("submission")}
    session = lab.imap(person.address, person.password)
    try:
        # Postfix keeps its connection to the process that knows who signs in.
        with lab.submission(person.address, person.password) as client:
            before = {host: lab.run(host, process).split() for host in hosts}
            begun = lab.run("mailstore", "date +%s.%N").strip()
            for host in hosts:
                lab.run(host, "systemctl reload dovecot")
            time.sleep(CUT)
            for host in hosts:
                assert not set(before[host]) & set(lab.run(host, process, check=False).split()), host
                # Dovecot itself lets them answer from their cache for six seconds more, then ends them and says so.
                said = f"journalctl --sync; journalctl -q -u dovecot --since=@{begun} --grep='aren.t dying'"
                assert lab.run(host, said, check=False) == "", host
            assert client.noop()[0] == 250
        assert session.noop()[0] == "OK"
        # Those that come next are served, those that were there can be cut.
        lab.imap(person.address, person.password).logout()
        lab.run("mailstore", f"doveadm kick {person.mailbox}")
        with pytest.raises(imaplib.IMAP4.abort):
            for _ in range(3):
                session.noop()
    finally:
        session.shutdown()
