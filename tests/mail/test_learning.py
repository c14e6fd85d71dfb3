"""What people move to and from Junk teaches the filter (Đ10.6)."""

import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.lab import Lab, Sample, message, wait_for

pytestmark = [pytest.mark.dieu10]


@pytest.fixture
def learnt(lab: Lab) -> Callable[[], tuple[int, int]]:
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


def test_moving_to_junk_and_back_teaches_and_throwing_away_does_not(
    lab: Lab, recipient: Sample, arrived: str, learnt: Callable[[], tuple[int, int]]
) -> None:
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


def test_a_filter_that_hangs_keeps_nobody_waiting(lab: Lab, recipient: Sample, arrived: str) -> None:
    """Each message of a move waits for it in turn; by Pigeonhole's own limit for ten seconds."""
    controller = "$(pgrep --full 'rspamd: controller')"
    with lab.imap(recipient.address, recipient.password) as client:
        client.select("INBOX")
        number = client.search(None, "HEADER", "Subject", f'"{arrived}"')[1][0].decode()
        lab.run("filter", f"kill -STOP {controller}")
        try:
            begin = time.monotonic()
            assert client._simple_command("MOVE", number, "Junk")[0] == "OK"  # type: ignore[attr-defined]
            assert time.monotonic() - begin < 5
        finally:
            lab.run("filter", f"kill -CONT {controller}")


def test_nobodys_own_script_calls_a_program(lab: Lab, recipient: Sample) -> None:
    script = """require "vnd.dovecot.pipe"; pipe "learn-ham";"""
    command = f"printf '%s' '{script}' | doveadm sieve put -u {recipient.mailbox} goi && echo STORED"
    assert "STORED" not in lab.run("mailstore", command, check=False)
