"""What people move to and from Junk teaches the filter (Đ10.6)."""

import imaplib
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from hanam_mail.host.mail.filters import TIMEOUT
from tests import journal
from tests.lab import Lab, Sample, message, wait_for

pytestmark = [pytest.mark.dieu10, pytest.mark.provokes(journal.FILTER_AWAY, journal.LEARNING_FAILS)]


@pytest.fixture
def learnt(lab: Lab, first_lessons_over: None) -> Callable[[], tuple[int, int]]:
    """How many messages the filter has learnt as spam and as ham."""

    def ask() -> tuple[int, int]:
        # The filter's own statistics are half a minute old.
        command = "redis-cli -s /run/redis/redis-server.sock HMGET RS learns_spam learns_ham"
        shown = lab.run("filter", f"REDISCLI_AUTH='{lab.variables['vault_redis_password']}' {command}").splitlines()
        return int(shown[0] or 0), int(shown[1] or 0)

    return ask


@pytest.fixture
def arrived(lab: Lab, recipient: Sample) -> Iterator[str]:
    """The subject of a message in the inbox with words enough to learn from."""
    # The filter knows a text that it has learnt before, whatever message it comes in.
    text = " ".join(f"tu{uuid.uuid4().hex[:8]}" for _ in range(40))
    mail = message("nguoi.gui@client.example", recipient.address, text=f"{text}\n")
    send = f"sendmail('', ['{recipient.address}'], sys.stdin.buffer.read())"
    program = f"import smtplib,sys\nsmtplib.LMTP('/run/dovecot/lmtp').{send}"
    lab.run("mailstore", f'cat > /tmp/m <<"MAIL"\n{mail.as_string()}\nMAIL\npython3 -c "{program}" < /tmp/m; rm /tmp/m')
    subject = str(mail["Subject"])
    yield subject
    for folder in ("INBOX", "Junk", "Trash", "Archive"):
        lab.run("mailstore", f"doveadm expunge -u {recipient.mailbox} mailbox {folder} header subject '{subject}'")


@pytest.mark.neighbours
def test_moving_to_junk_and_back_teaches_and_throwing_away_does_not(
    lab: Lab, recipient: Sample, arrived: str, learnt: Callable[[], tuple[int, int]]
) -> None:
    """Đ10.6."""

    def move(source: str, target: str) -> None:
        with lab.imap(recipient.address, recipient.password) as client:
            client.select(source)
            number = client.search(None, "HEADER", "Subject", f'"{arrived}"')[1][0].decode()
            assert client._simple_command("MOVE", number, target)[0] == "OK"  # type: ignore[attr-defined]

    spam, ham = learnt()
    as_spam, as_ham = (spam + 1, ham), (spam, ham + 1)
    move("INBOX", "Junk")
    wait_for(lambda: learnt() == as_spam, "learnt as spam")
    move("Junk", "INBOX")
    wait_for(lambda: learnt() == as_ham, "learnt as ham, and as spam no more")
    move("INBOX", "Junk")
    wait_for(lambda: learnt() == as_spam, "learnt as spam again")
    move("Junk", "Trash")
    time.sleep(2)
    assert learnt() == as_spam, "what is thrown away teaches nothing"
    move("Trash", "Junk")
    move("Junk", "Archive")
    wait_for(lambda: learnt() == as_ham, "learnt as ham from any folder")


def lesson() -> bytes:
    """A message with words enough to learn from, and none that another has."""
    text = " ".join(f"tu{uuid.uuid4().hex[:8]}" for _ in range(40))
    return message("nguoi.gui@client.example", "nguoi.nhan@hanam.gov.vn", text=f"{text}\n").as_bytes()


@pytest.fixture
def folders(lab: Lab, recipient: Sample) -> Iterator[imaplib.IMAP4_SSL]:
    """A session of somebody with a folder of his own, for many messages, and with an empty Junk."""
    lab.run("mailstore", f"doveadm expunge -u {recipient.mailbox} mailbox Junk all")
    with lab.imap(recipient.address, recipient.password) as client:
        client.create(MANY)
        yield client
        client.select("INBOX")
        client.delete(MANY)
    lab.run("mailstore", f"doveadm expunge -u {recipient.mailbox} mailbox Junk all")


MANY = "thu-loc"


def fill(client: imaplib.IMAP4_SSL, number: int) -> None:
    for _ in range(number):
        client.append(MANY, "", "", lesson())


def move(client: imaplib.IMAP4_SSL, source: str, target: str, which: str = "1:*") -> float:
    """The seconds for which somebody waits who moves these messages."""
    client.select(source)
    begin = time.monotonic()
    assert client._simple_command("MOVE", which, target)[0] == "OK"  # type: ignore[attr-defined]
    return time.monotonic() - begin


@pytest.mark.bound
@pytest.mark.neighbours
def test_three_hundred_messages_moved_at_once_are_learnt_and_keep_nobody_waiting(
    lab: Lab, folders: imaplib.IMAP4_SSL, learnt: Callable[[], tuple[int, int]]
) -> None:
    fill(folders, 300)
    spam, ham = learnt()
    # A process for each would take longer than the half minute after which a mail program gives up.
    assert move(folders, MANY, "Junk") < 15
    wait_for(lambda: learnt() == (spam + 300, ham), "all are learnt", 120)
    assert waiting(lab) == 0


def waiting(lab: Lab) -> int:
    return int(lab.run("mailstore", "find /var/lib/private/hanam-learn -type f | wc -l"))


@pytest.mark.neighbours
def test_what_is_moved_while_the_filter_is_away_is_learnt_once_and_as_it_was_left(
    lab: Lab, folders: imaplib.IMAP4_SSL, learnt: Callable[[], tuple[int, int]]
) -> None:
    fill(folders, 20)
    spam, ham = learnt()
    with lab.stopped("filter", "rspamd.service"):
        move(folders, MANY, "Junk")
        lab.run("mailstore", "systemctl kill --signal=KILL hanam-learn.service")
        # Five of them were no spam after all, and three of these are.
        move(folders, "Junk", MANY, "1:5")
        move(folders, MANY, "Junk", "1:3")
        lab.run("mailstore", "systemctl restart hanam-learn.service")
        assert waiting(lab) == 20
    wait_for(lambda: learnt() == (spam + 18, ham + 2), "each is learnt as it was left", 90)
    wait_for(lambda: waiting(lab) == 0, "nothing is kept that was learnt")


@pytest.mark.neighbours
def test_no_move_is_lost_when_the_service_is_started_again(
    lab: Lab, folders: imaplib.IMAP4_SSL, learnt: Callable[[], tuple[int, int]]
) -> None:
    fill(folders, 200)
    spam, ham = learnt()
    over = threading.Event()

    def restart() -> None:
        while not over.is_set():
            lab.run("mailstore", "systemctl restart hanam-learn.service")
            over.wait(0.3)

    restarts = threading.Thread(target=restart)
    restarts.start()
    try:
        for _ in range(10):
            move(folders, MANY, "Junk", "1:20")
    finally:
        over.set()
        restarts.join()
    wait_for(lambda: learnt() == (spam + 200, ham), "all are learnt", 120)


@pytest.mark.bound
@pytest.mark.neighbours
def test_a_filter_that_hangs_keeps_nobody_waiting(
    lab: Lab, folders: imaplib.IMAP4_SSL, learnt: Callable[[], tuple[int, int]]
) -> None:
    fill(folders, 20)
    spam, ham = learnt()
    controller = "$(pgrep --full 'rspamd: controller')"
    lab.run("filter", f"kill -STOP {controller}")
    try:
        assert move(folders, MANY, "Junk") < 15
        # The first of them is in the filter's hands, and is asked for again.
        time.sleep(TIMEOUT + 1)
    finally:
        lab.run("filter", f"kill -CONT {controller}")
    wait_for(lambda: learnt() == (spam + 20, ham), "all are learnt afterwards", 90)


@pytest.mark.bound
def test_a_service_that_hangs_is_started_again(
    lab: Lab, folders: imaplib.IMAP4_SSL, learnt: Callable[[], tuple[int, int]]
) -> None:
    fill(folders, 1)
    spam, ham = learnt()
    unit = "hanam-learn.service"
    before = lab.look_at("mailstore").service(unit).systemd_properties["MainPID"]
    lab.run("mailstore", f"kill -STOP {before}")
    assert move(folders, MANY, "Junk") < 15

    def another() -> bool:
        now = lab.look_at("mailstore").service(unit).systemd_properties["MainPID"]
        return now not in ("0", before)

    wait_for(another, "another process", 90)
    wait_for(lambda: learnt() == (spam + 1, ham), "learnt from where it waited")


def test_huge_messages_teach_nothing_and_nobody_reads_what_waits(
    lab: Lab, folders: imaplib.IMAP4_SSL, learnt: Callable[[], tuple[int, int]]
) -> None:
    before = learnt()
    folders.append(MANY, "", "", lesson() + (b"a" * 75 + b"\r\n") * 120_000)
    with lab.stopped("filter", "rspamd.service"):
        move(folders, MANY, "Junk")
        assert waiting(lab) == 0
    assert learnt() == before
    for path in ("/var/lib/private/hanam-learn", "/run/hanam-learn/lessons"):
        for user in ("www-data", "nobody", "dovecot"):
            lab.run("mailstore", f"! runuser -u {user} -- test -r {path}")


@pytest.mark.neighbours
def test_by_the_gate_named_hosts_teach_and_nobody_does_anything_else(lab: Lab) -> None:
    """The controller itself lets everybody do everything who reaches it."""
    domain, internal = lab.variables["mail_domain"], "/etc/hanam-mail/tls/internal"
    port = lab.port("learn_gate")
    # What people move teaches, and what is let go of held mail.
    filters, stores = lab.groups["filter"], {*lab.groups["mailstore"]}
    teachers = {*stores, *lab.groups["quarantine"]}
    for host in filters:
        gate = lab.look_at(host).service("hanam-learn-gate.service").systemd_properties
        assert gate["ActiveState"] == ("active" if teachers - {host} else "inactive"), host

    def ask(source: str, host: str, words: str, *, own: bool = True) -> str:
        program = (
            f"import http.client, ssl\ntls = ssl.create_default_context(cafile='{internal}/ca.pem')\n"
            + (f"tls.load_cert_chain('{internal}/cert.pem', '{internal}/key.pem')\n" if own else "")
            + f"client = http.client.HTTPSConnection('{host}.{domain}', {port}, context=tls, timeout=10)\n"
            f"client.request({words})\nprint(client.getresponse().status)"
        )
        return lab.run(source, f"python3 - 2>&1 <<'PROGRAM' | tail -1\n{program}\nPROGRAM").strip()

    for host in filters:
        for teacher in teachers - {host}:
            # Few words, which teach nothing. The filter may be starting still, after what a test did to it.
            def heard(teacher: str = teacher, host: str = host) -> bool:
                return ask(teacher, host, "'POST', '/learnham', b'Subject: x\\r\\n\\r\\na'") in ("200", "204", "208")

            wait_for(heard, f"an answer of the filter on {host}")
            for path in (
                "/stat",
                "/learnspam/../stat",
                "/learnham?x=y",
                "/",
                "/savemap",
                "/fuzzyadd",
                "/%6cearnspam/x",
            ):
                assert ask(teacher, host, f"'POST', '{path}', b'x'") == "403", path
            assert ask(teacher, host, "'GET', '/stat'") == "200"
            for words in ("'GET', '/learnspam'", "'GET', '/stat?x=y'", "'GET', '/graph'", "'PUT', '/stat'"):
                assert ask(teacher, host, words) == "403", words
            # Held mail that is let go was wanted: its host teaches nothing else.
            spam = "'POST', '/learnspam', b'x' * 9000000"
            assert ask(teacher, host, spam) == ("413" if teacher in stores else "403")
            assert ask(teacher, host, "'POST', '/learnham', b'x'", own=False) in ("400", "")
        if teachers - {host}:
            for stranger in {*lab.groups["accounts"], *lab.groups["backup_repository"]} - {host, *teachers}:
                assert ask(stranger, host, "'POST', '/learnham', b'x'") == "403", stranger
                assert ask(stranger, host, "'GET', '/stat'") == "403", stranger


def test_nobodys_own_script_calls_a_program(lab: Lab, recipient: Sample) -> None:
    script = """require "vnd.dovecot.pipe"; pipe "lessons" ["ham"];"""
    command = f"printf '%s' '{script}' | doveadm sieve put -u {recipient.mailbox} goi && echo STORED"
    assert "STORED" not in lab.run("mailstore", command, check=False)
