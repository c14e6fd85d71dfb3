"""What sessions that wait for news take of memory. Runs on the mail store's host as root, beside store_client.py.

    python3 sessions_client.py memory        [processes, octets] of the running Dovecot
    python3 sessions_client.py peer NUMBER   so many sessions held by a second Dovecot, as its package sets it up

Octets are those that processes share out among them (PSS). The second one has a process of sign-in for each connection,
and an own process for each session, as Dovecot is delivered.
"""

import contextlib
import json
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import store_client  # type: ignore[import-not-found] # lies beside it on the host

_PORT = 10993
_PERSON, _PASSWORD = "nguoidung@hanam.example", "unused"


def configuration(certificate: str, key: str, most: int) -> str:
    """What the second Dovecot needs besides to hold so many sessions."""
    return f"""
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
ssl_server_cert_file = {certificate}
ssl_server_key_file = {key}
mail_max_userip_connections = 10000
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {_PORT}
    ssl = yes
  }}
  process_limit = {most}
}}
service imap {{
  process_limit = {most}
}}
"""


def memory(main: int) -> tuple[int, int]:
    """Processes of a daemon, and their octets; `main` is its first process."""
    found = []
    for process in store_client.family(main):
        # One that ends meanwhile has none.
        with contextlib.suppress(OSError, IndexError):
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            found.append(int(text.partition("\nPss:")[2].split()[0]) * 1024)
    return len(found), sum(found)


def waiting(tls: ssl.SSLContext) -> socket.socket:
    """A session that has its INBOX open and waits for news."""
    connection = tls.wrap_socket(socket.create_connection(("127.0.0.1", _PORT)))
    lines = connection.makefile("rb")
    connection.sendall(f"a LOGIN {_PERSON} {_PASSWORD}\r\nb SELECT INBOX\r\nc IDLE\r\n".encode())
    while not (line := lines.readline()).startswith(b"+"):
        if not line.startswith((b"*", b"a OK", b"b OK")):
            raise RuntimeError(f"a session of the second Dovecot: {line!r}")
    return connection


def peer(number: int) -> dict[str, float]:
    """What so many sessions take: octets and processes each, seconds of processors from the connection to the wait."""
    asked = ["doveconf", "-h", "ssl_server/cert_file", "ssl_server/key_file"]
    certificate, key = subprocess.check_output(asked, text=True).split()
    tls = ssl.create_default_context()
    # It has the certificate of another name.
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    held = []
    try:
        store = store_client.second(configuration(certificate, key, number + 50))
        with smtplib.LMTP(str(store.folder / "lmtp")) as client:
            client.sendmail("", [store.recipient], "Subject: x\r\n\r\nx\r\n")
        # The first one makes the processes that all of them ask.
        held.append(waiting(tls))
        time.sleep(2)
        before, used = memory(store.master), store_client.processors(store.master)
        held += [waiting(tls) for _ in range(number)]
        time.sleep(2)
        after = memory(store.master)
        used = store_client.processors(store.master) - used
    finally:
        for session in held:
            session.close()
        store_client.leave()
    return {
        "octets": (after[1] - before[1]) / number,
        "processes": (after[0] - before[0]) / number,
        "seconds": used / number,
    }


if __name__ == "__main__":
    kind, *words = sys.argv[1:]
    if kind == "memory":
        print(json.dumps(memory(store_client.main_process("dovecot"))))
    else:
        print(json.dumps(peer(int(words[0]))))
