"""Runs on the mail store: for each mailbox named, its first message and its first session come at the same moment.

Each line of the answer is a mailbox, what LMTP said to the message and what IMAP said to the SELECT.
"""

import smtplib
import subprocess
import sys
import threading
import time


def deliver(mailbox: str, together: threading.Barrier, said: dict[str, str]) -> None:
    client = smtplib.LMTP("/run/dovecot/lmtp")
    client.ehlo("x")
    client.mail("an@bo.gov.vn")
    client.rcpt(mailbox)
    together.wait()
    code, text = client.data(f"Subject: {mailbox}\r\n\r\nx\r\n")
    said["lmtp"] = f"{code} {text.decode()}"
    client.quit()


def select(mailbox: str, together: threading.Barrier, said: dict[str, str], seconds: float) -> None:
    line = ["doveadm", "exec", "imap", "-u", mailbox]
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as session:
        assert session.stdin and session.stdout
        session.stdout.readline()
        together.wait()
        time.sleep(seconds)
        answer, _ = session.communicate("a SELECT INBOX\r\nb STATUS Sent (MESSAGES)\r\nc LOGOUT\r\n", timeout=60)
    said["imap"] = "OK" if "a OK" in answer and "b OK" in answer else answer


for place, mailbox in enumerate(sys.argv[1:]):
    together, said = threading.Barrier(2, timeout=60), {"lmtp": "", "imap": ""}
    # The message comes up to 20 ms before the session.
    parts = (
        threading.Thread(target=deliver, args=(mailbox, together, said)),
        threading.Thread(target=select, args=(mailbox, together, said, place % 5 * 0.005)),
    )
    for part in parts:
        part.start()
    for part in parts:
        part.join()
    print(mailbox, said["lmtp"].split()[:1], said["imap"][-200:].split()[:40], flush=True)
