"""Runs on the filter's host: asks its filter about the messages on standard input as Postfix would (bench/spam.py).

Input and output are JSON:
[[fields, base64 of the message], ...] -> [{action, score, symbols: {name: score}, held}, ...].
"""

import base64
import http.client
import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

SOCKET = sys.argv[1] if len(sys.argv) > 1 else "/run/rspamd/controller.sock"


class Controller(http.client.HTTPConnection):
    """By its Unix socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(SOCKET)


def ask(question: tuple[dict[str, str], str]) -> dict[str, object]:
    """What the filter says of one message."""
    fields, content = question
    controller = Controller("localhost")
    controller.request("POST", "/checkv2", body=base64.b64decode(content), headers=fields)
    answer = json.loads(controller.getresponse().read())
    controller.close()
    symbols = {name: symbol["score"] for name, symbol in answer["symbols"].items()}
    # Whatever its action, a letter with this field is held by the mail server.
    held = "X-Hanam-Hold" in answer.get("milter", {}).get("add_headers", {})
    return {"action": answer["action"], "score": answer["score"], "symbols": symbols, "held": held}


def main() -> None:
    """Two at a time: a host has two processors."""
    with ThreadPoolExecutor(2) as pool:
        print(json.dumps(list(pool.map(ask, json.load(sys.stdin)))))


main()
