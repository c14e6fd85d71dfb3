"""Sends messages by SMTP, and says when: runs on a host of a lab, the same program to each chain (bench/mail.py).

Standard input is JSON: address, port, sender, recipient, mails (base64 each), at_once; client: the address that the
server is to take for ours (XCLIENT), or ""; name, login, password: by TLS from the first byte, signed in, one session
for all, or "". Prints the time of the first connection, in seconds since 1970. What is not taken is an error.
"""

import base64
import json
import smtplib
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_SECONDS = 60


class _ByTLS(smtplib.SMTP_SSL):
    """Connects to an address and verifies a name."""

    def __init__(self, address: str, port: int, name: str) -> None:
        self._address = address
        super().__init__(name, port, timeout=_SECONDS, context=ssl.create_default_context())

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((self._address, port), timeout)
        return self.context.wrap_socket(plain, server_hostname=host)


def _session(given: dict[str, Any]) -> smtplib.SMTP:
    """A session that is ready for a message."""
    if given["login"]:
        client: smtplib.SMTP = _ByTLS(given["address"], given["port"], given["name"])
        client.ehlo("client.example")
        client.login(given["login"], given["password"])
        return client
    client = smtplib.SMTP(given["address"], given["port"], timeout=_SECONDS)
    client.ehlo("client.example")
    if given["client"]:
        code, said = client.docmd("XCLIENT", f"NAME=client.example ADDR={given['client']} HELO=client.example")
        if code != 220:
            raise smtplib.SMTPResponseException(code, said)
        client.ehlo("client.example")
    return client


def _send(given: dict[str, Any], mails: list[bytes]) -> None:
    with _session(given) as client:
        for mail in mails:
            client.sendmail(given["sender"], [given["recipient"]], mail)


def main() -> None:
    given = json.load(sys.stdin)
    mails = [base64.b64decode(mail) for mail in given["mails"]]
    groups = [mails] if given["one_session"] else [[mail] for mail in mails]
    began = time.time()
    with ThreadPoolExecutor(given["at_once"]) as pool:
        list(pool.map(lambda group: _send(given, group), groups))
    print(began)


if __name__ == "__main__":
    main()
