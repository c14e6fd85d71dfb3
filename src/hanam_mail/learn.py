"""Teaches the mail filter a message that somebody moved to or from Junk (Đ10.6): `hanam-mail-db learn spam CONTROLLER`.

Dovecot calls it with the message on standard input. CONTROLLER is the filter's socket, or host:port of the way to it.
"""

import argparse
import http.client
import socket
import sys
from typing import Any

# Who moved the message waits no longer than Dovecot's sieve_pipe_exec_timeout; after that this runs on for so long.
# While all of its processes wait for a filter that hangs, nothing else is learnt.
TIMEOUT = 5.0
# 208: learnt before. 204: too few words, or the filter has judged it the same way already.
_DONE = (200, 204, 208)


class _Controller(http.client.HTTPConnection):
    """By a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def learn(message: bytes, kind: str, controller: str) -> tuple[int, str]:
    """What the filter answers."""
    if controller.startswith("/"):
        client: http.client.HTTPConnection = _Controller(controller)
    else:
        host, _, port = controller.rpartition(":")
        client = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT)
    client.request("POST", f"/learn{kind}", body=message)
    answer = client.getresponse()
    return answer.status, answer.read().decode("utf-8", "replace").strip()


def add_commands(commands: Any) -> None:
    """Add this module's command to those of target.py."""
    text = "Dovecot gọi khi một thư được chuyển vào hoặc ra khỏi Thư rác: dạy bộ lọc"
    command = commands.add_parser("learn", help=text, description=text)
    command.add_argument("kind", choices=["spam", "ham"])
    command.add_argument("controller", metavar="CONTROLLER")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        status, text = learn(sys.stdin.buffer.read(), options.kind, options.controller)
    except (OSError, http.client.HTTPException) as error:
        status, text = 0, str(error)
    if status in _DONE:
        return 0
    print(f"the filter did not learn {options.kind}: {status} {text}", file=sys.stderr)
    return 1
