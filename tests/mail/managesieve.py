"""A ManageSieve session from outside, as a mail client holds one."""

import base64
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import TIMEOUT, Lab, Sample


class Session:
    """A connection with TLS, not signed in yet."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._stream = connection.makefile("rb")

    def reply(self) -> str:
        """Everything up to the line that ends an answer, and with it; empty once the server has gone."""
        lines = b""
        while line := self._stream.readline():
            lines += line
            if literal := re.search(rb"\{(\d+)\+?\}\r\n$", line):
                lines += self._stream.read(int(literal[1])) + self._stream.readline()
            if line.startswith((b"OK", b"NO", b"BYE")):
                break
        return lines.decode()

    def ask(self, octets: bytes) -> str:
        self.connection.sendall(octets)
        return self.reply()

    def put(self, name: str, script: str, *, command: str = "PUTSCRIPT") -> str:
        octets = script.encode()
        named = f'"{name}" ' if command == "PUTSCRIPT" else ""
        return self.ask(f"{command} {named}{{{len(octets)}+}}\r\n".encode() + octets + b"\r\n")


def sign_in(person: Sample) -> bytes:
    token = base64.b64encode(f"\0{person.address}\0{person.password}".encode())
    return b'AUTHENTICATE "PLAIN" "' + token + b'"\r\n'


@contextmanager
def connected(lab: Lab) -> Iterator[Session]:
    with socket.create_connection((lab.address("mailstore"), 4190), TIMEOUT) as plain:
        start = Session(plain)
        assert start.reply().splitlines()[-1].startswith("OK")
        assert start.ask(b"STARTTLS\r\n").startswith("OK")
        name = f"imap.{lab.variables['mail_domain']}"
        with lab.ssl_context.wrap_socket(plain, server_hostname=name) as secure:
            session = Session(secure)
            session.reply()
            yield session


@contextmanager
def signed_in(lab: Lab, person: Sample) -> Iterator[Session]:
    with connected(lab) as session:
        assert session.ask(sign_in(person)).startswith("OK")
        yield session
