"""Ask Dovecot for a mailbox's room as Postfix does, over connections that stay open, while it is reloaded.

Runs on the host by itself: python3 - ADDRESS PLACE CONNECTIONS RELOADS [FILE STAMP]; a place is a socket or host:port.
Where a file of the mailbox is named, somebody else holds it until some seconds after the reload has touched its stamp.
It prints how often each answer came, as JSON, and how many were waiting then.
"""

import fcntl
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

TRIES, PAUSE = 2, 1.0
"""Postfix's smtpd_policy_service_try_limit and _retry_delay: whose connection ends asks once more."""

HELD = 2.5
"""Longer than a reload takes until it looks who asks for room, and less than it then waits for them."""


def ask(connection: socket.socket, address: str) -> str:
    """What one question is answered (Postfix's SMTPD_POLICY_README); ConnectionError where the connection ends."""
    asked = {"request": "smtpd_access_policy", "protocol_state": "RCPT", "size": "1000", "recipient": address}
    connection.sendall("".join(f"{name}={value}\n" for name, value in asked.items()).encode() + b"\n")
    answer = b""
    while not answer.endswith(b"\n\n"):
        part = connection.recv(4096)
        if not part:
            raise ConnectionResetError
        answer += part
    return answer.decode().strip()


def connected(place: str) -> socket.socket:
    if not place.startswith("/"):
        host, _, port = place.rpartition(":")
        return socket.create_connection((host, int(port)), 60)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(place)
    return connection


def answers(address: str, place: str, reloads: "Future[Any]") -> Counter[str]:
    found, connection = Counter[str](), None
    while not reloads.done():
        answer = "no answer"
        for attempt in range(TRIES):
            try:
                if connection is None:
                    connection = connected(place)
                answer = ask(connection, address)
                break
            except ConnectionError:
                connection = None
                time.sleep(PAUSE * (attempt == 0))
        found[answer] += 1
        time.sleep(0.02)
    return found


@contextmanager
def held(path: str, stamp: str) -> Iterator[Counter[str]]:
    """Hold the file until the reload that is begun meanwhile comes to those who wait for it; how many did."""
    before, found = Path(stamp).stat().st_mtime_ns, Counter[str]()
    with Path(path).open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield found
        while Path(stamp).stat().st_mtime_ns == before:
            time.sleep(0.02)
        time.sleep(HELD)
        found["waiting"] = sum("->" in line for line in Path("/proc/locks").read_text().splitlines())


def main(address: str, place: str, connections: int, reloads: int, *file_and_stamp: str) -> None:
    with ThreadPoolExecutor() as several:
        command = ["sh", "-c", f"for i in $(seq {reloads}); do systemctl reload dovecot || exit; done"]
        with held(*file_and_stamp) if file_and_stamp else nullcontext(Counter[str]()) as waiting:
            reloading = several.submit(subprocess.run, command, check=True)
            asking = [several.submit(answers, address, place, reloading) for _ in range(connections)]
        reloading.result()
        print(json.dumps(sum((each.result() for each in asking), waiting)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
