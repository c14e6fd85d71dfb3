"""A mail server in a thread, which does what a test asks it to: for programs that hand messages over."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Mailbox:
    """What it took: (sender's line, receivers' lines, octets as they came), all lines of commands, and how it behaves.

    `answers` maps the beginning of a command to its answer; "" hangs up instead. "." is the message's end: the message
    counts as taken when the answer begins with 2, or when it is "lost", which takes it and hangs up.
    """

    answers: dict[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("DSN", "SMTPUTF8", "8BITMIME")
    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    clients: list[socket.socket] = field(default_factory=list)
    address: tuple[str, int] = ("", 0)

    def answer(self, line: str) -> str | None:
        """The test's own answer to this command; None for the usual one."""
        return next((text for start, text in self.answers.items() if line.upper().startswith(start.upper())), None)


@contextmanager
def running(address: tuple[str, int] = ("127.0.0.1", 0)) -> Iterator[Mailbox]:
    """The server on a port of loopback, or where the world's servers look for it."""
    mailbox = Mailbox()
    with socket.create_server(address) as door:
        mailbox.address = door.getsockname()
        thread = threading.Thread(target=_serve, args=(door, mailbox), daemon=True)
        thread.start()
        try:
            yield mailbox
        finally:
            # Wakes whoever waits in accept().
            door.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            # A sender keeps its connection for a while: what it brought there now, no test would see.
            for client in mailbox.clients:
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)


def _serve(door: socket.socket, mailbox: Mailbox) -> None:
    while True:
        try:
            client, _ = door.accept()
        except OSError:
            return
        mailbox.clients.append(client)
        # Senders open several connections, and keep one for what may come next.
        threading.Thread(target=_serve_one, args=(client, mailbox), daemon=True).start()


def _serve_one(client: socket.socket, mailbox: Mailbox) -> None:
    with client, suppress(OSError):
        client.settimeout(10)
        _session(client, mailbox)


def _session(client: socket.socket, mailbox: Mailbox) -> None:
    file = client.makefile("rb")
    sender, receivers = "", list[str]()

    def say(text: str) -> None:
        client.sendall(f"{text}\r\n".encode())

    say("220 test")
    while raw := file.readline():
        line = raw.decode(errors="replace").rstrip("\r\n")
        mailbox.lines.append(line)
        own = mailbox.answer(line)
        if own == "":
            return
        verb = line.split(" ")[0].upper()
        if verb == "EHLO":
            say("\r\n".join(["250-test", *(f"250-{each}" for each in mailbox.extensions), "250 HELP"]))
            continue
        if own is None or own.startswith(("2", "3")):
            sender, receivers = _noted(line, verb, sender, receivers)
        say(own or ("354 go on" if verb == "DATA" else "250 ok"))
        if verb == "DATA" and (own is None or own.startswith("3")):
            lines, whole = [file.readline()], True
            # A line ends in CRLF; what readline() gives may end in a bare line feed.
            while lines[-1] != b".\r\n" or not whole:
                whole = lines[-1].endswith(b"\r\n")
                lines.append(file.readline())
                if not lines[-1]:
                    return
            octets = b"".join(lines)
            end = mailbox.answer(".") if "." in mailbox.answers else "250 2.0.0 Ok: queued as 4hQueue"
            if end == "lost" or (end or "").startswith("2"):
                mailbox.taken.append((sender, receivers, octets[:-3]))
            if end in ("", "lost"):
                return
            say(end or "")
        if verb == "QUIT":
            return


def _noted(line: str, verb: str, sender: str, receivers: list[str]) -> tuple[str, list[str]]:
    if verb == "MAIL":
        return line, []
    if verb == "RCPT":
        return sender, [*receivers, line]
    return sender, receivers
