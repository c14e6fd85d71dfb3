"""Hostile mail: sessions octet by octet, and what must be as before when they are over."""

import itertools
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from functools import partial

from tests.lab import Lab, Sample, at_once, wait_for

STRANGER = "nguoi.gui@client.example"
"""Of a domain with an address and nothing else: no SPF, no DMARC, and the outer machine's own."""

ANSWER = 60.0
"""Seconds within which whatever was sent is answered."""

TAKEN = ["250", "250", "354", "250"]
"""Codes of MAIL, RCPT, DATA and the message's end."""

AT_ONCE = 4

PATIENCE = 900.0
"""Seconds during which a message is brought again that was put off."""

# Processes that all mail passes, and what they ask. The others of ours come and go as they are asked.
_DAEMONS = (
    "postfix",
    "dovecot",
    "rspamd",
    "clamav-daemon",
    "redis-server",
    "hanam-mail-auth",
    "hanam-secrecy",
    "hanam-quarantine",
    "unbound",
    "postgresql@17-main",
)
# Its socket starts it when it is first asked.
_WHEN_ASKED = ("hanam-extract",)


class Wire:
    """A connection on which every octet is the test's own."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(ANSWER)
        self.connection = connection
        self._stream = connection.makefile("rb")

    def send(self, octets: bytes) -> None:
        try:
            self.connection.sendall(octets)
        except TimeoutError:
            raise
        except OSError:
            pass  # The server has hung up; what it said before is still to be read.

    def reply(self) -> str:
        """The next answer with all its lines; empty once the server has hung up."""
        lines, began = b"", time.monotonic()
        try:
            while line := self._stream.readline():
                lines += line
                if line[3:4] != b"-":
                    break
        except TimeoutError:
            raise
        except OSError:
            pass
        assert time.monotonic() - began < ANSWER
        return lines.decode("ascii", "backslashreplace")

    def ask(self, octets: bytes) -> str:
        self.send(octets)
        return self.reply()

    def code(self, octets: bytes) -> str:
        return self.ask(octets)[:3]

    def rest(self) -> list[str]:
        """Codes of all that is answered until the server hangs up."""
        return [answer[:3] for answer in iter(self.reply, "")]

    def letter(self, sender: str, recipient: str, content: bytes) -> list[str]:
        """The codes by which a message is taken or refused."""
        commands = (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA")
        codes = [self.code(f"{command}\r\n".encode()) for command in commands]
        return [*codes, self.code(content + b"\r\n.\r\n")]

    def leave(self) -> list[str]:
        """Whatever the server still has to say: nothing but its farewell, if it counted the messages as we do."""
        return [self.code(b"QUIT\r\n"), *self.rest()]


@contextmanager
def connected(lab: Lab, group: str = "mx", port: int = 25, hello: bytes = b"EHLO client.example\r\n") -> Iterator[Wire]:
    """As another mail server connects; an empty `hello` leaves that to the test."""
    with socket.create_connection((lab.address(group), port), ANSWER) as connection:
        wire = Wire(connection)
        assert wire.reply()[:3] == "220"
        assert not hello or wire.code(hello) == "250"
        yield wire


@contextmanager
def submitting(lab: Lab, person: Sample, *, implicit_tls: bool = True) -> Iterator[Wire]:
    """As a person's program connects, signed in."""
    with lab.submission(person.address, person.password, implicit_tls=implicit_tls) as client:
        assert client.sock
        yield Wire(client.sock)
        client.close()


def letter(
    recipient: str, subject: str, *, author: str = STRANGER, head: bytes = b"", body: bytes = b"Kinh gui\r\n"
) -> bytes:
    """A message as an honest program writes it, with these octets in it."""
    fields = (
        f"From: <{author}>\r\nTo: <{recipient}>\r\nSubject: {subject}\r\nDate: {formatdate(localtime=True)}\r\n"
        f"Message-ID: <{uuid.uuid4().hex}@client.example>\r\n"
    )
    return fields.encode() + head + b"\r\n" + body


def daemons(lab: Lab) -> dict[str, dict[str, str]]:
    """Unit -> restarts and how it ended, on each host; of those that always run state and process too."""
    found: dict[str, dict[str, str]] = {}

    def shown(units: tuple[str, ...], *more: str) -> str:
        asked = ",".join(("Id", "Result", "NRestarts", *more))
        return f"for unit in {' '.join(units)}; do systemctl show -p {asked} $unit.service | tr '\\n' ' '; echo; done"

    for host in lab.hosts:
        for line in lab.run(host, f"{shown(_DAEMONS, 'ActiveState', 'MainPID')}; {shown(_WHEN_ASKED)}").splitlines():
            said = dict(word.split("=", 1) for word in line.split())
            found[f"{host} {said.pop('Id')}"] = said
    return found


def here(lab: Lab) -> str:
    """The address of this machine as the hosts know it: that of client.example."""
    with socket.create_connection((lab.address("mx"), 25), ANSWER) as connection:
        return str(connection.getsockname()[0])


def each[Result](cases: Mapping[str, Callable[[], Result]]) -> dict[str, Result]:
    """What comes of each case, some at a time."""
    found: dict[str, Result] = {}
    for some in itertools.batched(cases.items(), AT_ONCE, strict=False):
        found |= dict(zip((name for name, _ in some), at_once(*(case for _, case in some)), strict=True))
    return found


def bring(lab: Lab, recipient: Sample, content: bytes) -> str:
    """What the world is told of a message, and that the next one on the same connection is taken."""
    with connected(lab) as wire:
        commands = (f"MAIL FROM:<{STRANGER}>", f"RCPT TO:<{recipient.address}>", "DATA")
        codes = [wire.code(f"{command}\r\n".encode()) for command in commands]
        assert codes == TAKEN[:3]
        answer = wire.ask(content + b"\r\n.\r\n")
        following = wire.letter(STRANGER, recipient.address, letter(recipient.address, f"sau {uuid.uuid4().hex}"))
        assert (following, wire.leave()) == (TAKEN, ["221"]), (answer, following)
    return answer


def answers(lab: Lab, recipient: Sample, contents: Mapping[str, bytes]) -> dict[str, str]:
    """What the world is told of each message; each is followed by an honest one, and all of those arrive."""
    before = len(subjects(lab, recipient))
    found = each({name: partial(bring, lab, recipient, content) for name, content in contents.items()})
    await_letters(lab, recipient, before + len(found) + sum(answer.startswith("250") for answer in found.values()))
    return found


def lasting_answers(lab: Lab, recipient: Sample, contents: Mapping[str, bytes]) -> dict[str, str]:
    """What a server hears in the end that comes again with what it is told to bring later (4xx).

    A scan that the machine has no time for now is put off; by itself it takes less.
    """
    told, until = answers(lab, recipient, contents), time.monotonic() + PATIENCE
    while time.monotonic() < until and any(answer.startswith("4") for answer in told.values()):
        for name in [name for name, answer in told.items() if answer.startswith("4")]:
            told |= answers(lab, recipient, {name: contents[name]})
    return told


def subjects(lab: Lab, person: Sample) -> list[str]:
    """Of all messages of the mailbox, in every folder."""
    query = f"doveadm -f tab fetch -u {person.mailbox} hdr.subject mailbox '*' all | tail -n +2"
    return sorted(lab.run("mailstore", f"{query} | iconv -c -f utf-8 -t utf-8").splitlines())


def await_letters(lab: Lab, person: Sample, count: int) -> list[str]:
    """The subjects, once there are so many messages; more than that is a fault too."""
    wait_for(lambda: len(subjects(lab, person)) >= count, f"{count} messages of {person.address}")
    found = subjects(lab, person)
    assert len(found) == count
    return found


def differing(found: Mapping[str, str], code: str, *texts: str) -> dict[str, str]:
    """Those that were answered otherwise than by this code and one of these texts."""
    return {
        name: answer
        for name, answer in found.items()
        if answer[:3] != code or (texts and not any(text in answer for text in texts))
    }
