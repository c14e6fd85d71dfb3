"""Runs on the mail store: delivers to one mailbox while the process of LMTP is killed, again and again.

Beside it others store into the same folder, who are not killed. The answer is the subjects of the messages that were
acknowledged, a line each.
"""

import random
import smtplib
import subprocess
import sys
import threading
from pathlib import Path

MAILBOX, KILLS, SEED = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
TEXT = "Kính gửi các đơn vị.\r\n".encode() * 400
ready, cut, over = threading.Event(), threading.Event(), threading.Event()


def deliver() -> None:
    """One message after the other, by a new connection each time that the last one was cut."""
    number = 0
    while not over.is_set():
        try:
            with smtplib.LMTP("/run/dovecot/lmtp") as client:
                client.ehlo("x")
                # If it dies before Dovecot's master knows that it has begun, the master waits with the next one.
                over.wait(0.03)
                while not over.is_set():
                    number += 1
                    client.mail("an@bo.gov.vn")
                    client.rcpt(MAILBOX)
                    ready.set()
                    code, _ = client.data(f"Subject: lmtp-{number}\r\n\r\n".encode() + TEXT)
                    if code == 250:
                        print(f"lmtp-{number}", flush=True)
        except (OSError, smtplib.SMTPException):
            cut.set()


def save() -> None:
    """The same by doveadm."""
    number = 0
    while not over.is_set():
        number += 1
        line = ["doveadm", "save", "-u", MAILBOX, "-m", "INBOX"]
        done = subprocess.run(line, input=f"Subject: save-{number}\r\n\r\n".encode() + TEXT, check=False)
        if not done.returncode:
            print(f"save-{number}", flush=True)


senders = [threading.Thread(target=sender) for sender in (deliver, save)]
for sender in senders:
    sender.start()
chance = random.Random(SEED)  # noqa: S311 - no secret
# Postfix has a program of this name as well.
kill = ["pkill", "--signal=KILL", "--exact", "--parent", Path("/run/dovecot/master.pid").read_text().strip(), "lmtp"]
try:
    for _ in range(KILLS):
        ready.clear()
        assert ready.wait(60), "no message was handed over"
        # At any moment until the answer.
        over.wait(chance.uniform(0, 0.03))
        subprocess.run(kill, check=True)
        assert cut.wait(60), "the connection was not cut"
        cut.clear()
finally:
    over.set()
    for sender in senders:
        sender.join()
