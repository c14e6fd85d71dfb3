"""Stands in a person's ManageSieve session and refuses scripts that may not be stored (Đ4.5, Đ4.6).

Dovecot starts it after sign-in, as one does post-login scripts: the client's connection is its standard input. Dovecot
gets one end of a socket pair instead, so that nothing reaches the scripts but what is written here: commands one by
one, in one form, each after the answer to the one before. What this does not understand it does not pass on.
"""

import argparse
import contextlib
import os
import re
import select
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from hanam_mail.host.mail import sieve_rules

LINE = 65536
"""Octets of a line; as many as Dovecot takes."""

SCRIPT = 512 * 1024
"""Octets of a string. Dovecot takes fewer, and says how many."""

FAULTS = 10
"""Lines that are no command, one after the other, before the session ends."""

_WORD = re.compile(rb"[A-Za-z]+")
_QUOTED = re.compile(rb'"((?:\\["\\]|[^"\\\r\n\0])*)"')
_NUMBER = re.compile(rb"[0-9]{1,9}")
_LITERAL = re.compile(rb"\{([0-9]{1,8})\+?\}\r?\n\Z")
_END = re.compile(rb"\r?\n")
_REFUSAL = re.compile(rb'(?P<begin>NO (?:\((?P<code>[A-Z/]+)[^()\r\n]*\) )?)(?:"|\{(?P<octets>[0-9]{1,8})\}\r\n)')
_OWN_FAULT = re.compile(rb"\A[^\r\n]*internal error", re.IGNORECASE)

WHY = {
    b"ACTIVE": "Không xóa được bộ quy tắc đang dùng",
    b"ALREADYEXISTS": "Đã có bộ quy tắc mang tên này",
    b"NONEXISTENT": "Không có bộ quy tắc mang tên này",
    b"QUOTA": "Không còn chỗ cho bộ quy tắc này",
    b"QUOTA/MAXSCRIPTS": "Hộp thư đã có đủ số bộ quy tắc cho phép",
    b"QUOTA/MAXSIZE": "Quy tắc quá dài",
    b"QUOTA/MAXSTORAGE": "Không còn chỗ cho bộ quy tắc này",
    b"TRYLATER": "Hệ thống đang bận, xin thử lại sau",
}
"""What stands before Dovecot's English, by its code (RFC 5804, section 1.3)."""

FAULTY = "Bộ quy tắc hoặc lệnh viết không đúng"
"""The same before what has no code: faults that the compiler finds, names that are none."""


class EndedError(Exception):
    """The session is over."""


class NotUnderstoodError(Exception):
    """No command of the protocol, or too much of one. It has been read to its end."""

    answer = 'NO "Lệnh không hợp lệ."\r\n'
    """What the client is told."""


class ScriptTooLargeError(NotUnderstoodError):
    """A string longer than any script may be."""

    answer = 'NO (QUOTA/MAXSIZE) "Quy tắc quá dài."\r\n'


class Side:
    """One end of the session, and what was read from it and not used yet."""

    def __init__(self, connection: socket.socket, other: "Side | None" = None) -> None:
        self.connection = connection
        self.other = other
        self._read = bytearray()

    def send(self, octets: bytes) -> None:
        self.connection.sendall(octets)

    def line(self) -> bytes:
        while (end := self._read.find(b"\n")) < 0:
            if len(self._read) > LINE:
                raise EndedError
            self._more()
        return self._take(end + 1)

    def take(self, size: int) -> bytes:
        while len(self._read) < size:
            self._more()
        return self._take(size)

    def skip(self, size: int) -> None:
        while size:
            if not self._read:
                self._more()
            size -= len(self._take(size))

    def _take(self, size: int) -> bytes:
        taken = bytes(self._read[:size])
        del self._read[:size]
        return taken

    def _more(self) -> None:
        if self.other is not None:
            ready, _, _ = select.select([self.connection, self.other.connection], [], [])
            if self.other.connection in ready:
                # Dovecot says something unasked when it ends the session, and only then.
                self.send(self.other.connection.recv(LINE))
                raise EndedError
        octets = self.connection.recv(LINE)
        if not octets:
            raise EndedError
        self._read += octets


@dataclass(frozen=True)
class SieveCommand:
    """What a client asks for."""

    name: str
    arguments: tuple[bytes | int, ...]

    def scripts(self) -> list[bytes]:
        """What it brings, the name of a script too: what could be one is looked at as one."""
        brings = self.name in ("PUTSCRIPT", "CHECKSCRIPT")
        return [each for each in self.arguments if brings and isinstance(each, bytes)]

    def octets(self) -> bytes:
        words = [
            b"%d" % each if isinstance(each, int) else b"{%d+}\r\n%b" % (len(each), each) for each in self.arguments
        ]
        return b" ".join([self.name.encode(), *words]) + b"\r\n"


def read_command(client: Side) -> SieveCommand:
    """The client's next command: a word, then strings in either form and numbers."""
    line = client.line()
    word = _WORD.match(line)
    place = word.end() if word else 0
    arguments: list[bytes | int] = []
    too_large = False
    while word:
        if _END.fullmatch(line, place):
            if too_large:
                raise ScriptTooLargeError
            return SieveCommand(word[0].decode().upper(), tuple(arguments))
        if not line.startswith(b" ", place):
            break
        place += 1
        if quoted := _QUOTED.match(line, place):
            arguments.append(re.sub(rb"\\(.)", rb"\1", quoted[1]))
            place = quoted.end()
        elif literal := _LITERAL.fullmatch(line, place):
            size = int(literal[1])
            if too_large := too_large or size > SCRIPT:
                client.skip(size)
            else:
                arguments.append(client.take(size))
            line, place = client.line(), 0
        elif number := _NUMBER.match(line, place):
            arguments.append(int(number[0]))
            place = number.end()
        else:
            break
    if _LITERAL.search(line):
        # Where the next command begins is not sure any more.
        raise EndedError
    raise NotUnderstoodError


def pass_answer(server: Side, client: Side) -> None:
    """What Dovecot says to one command, to its last line."""
    while True:
        answer = line = server.line()
        while literal := _LITERAL.search(line):
            answer += server.take(int(literal[1]))
            line = server.line()
            answer += line
        client.send(explained(answer))
        word = _WORD.match(answer)
        if word and word[0].upper() in (b"OK", b"NO", b"BYE"):
            return


def explained(answer: bytes) -> bytes:
    """An answer of Dovecot's; where it refuses in English, the same stands before that in Vietnamese."""
    refusal = _REFUSAL.match(answer)
    if refusal is None:
        return answer
    text = answer[refusal.end() :]
    # Of its own faults Dovecot says no code.
    said = WHY[b"TRYLATER"] if _OWN_FAULT.search(text) else WHY.get(refusal["code"], FAULTY)
    if refusal["octets"] is None:
        return b"%b%b / %b" % (refusal[0], said.encode(), text)
    before = f"{said}:\r\n".encode()
    return b"%b{%d}\r\n%b%b" % (refusal["begin"], len(before) + int(refusal["octets"]), before, text)


def serve(client: Side, server: Side, domains: Sequence[str], own: Sequence[str]) -> None:
    """Until one of the two goes. The mailbox's own addresses are these."""
    # To the sign-in.
    pass_answer(server, client)
    faults = 0
    while faults < FAULTS:
        try:
            command = read_command(client)
        except NotUnderstoodError as error:
            faults += 1
            client.send(error.answer.encode())
            continue
        faults = 0
        found = [fault for each in command.scripts() if (fault := sieve_rules.refusal(each, domains, own))]
        if found:
            client.send(b'NO "%b"\r\n' % re.sub(rb'[\\"]', rb"\\\g<0>", found[0].encode()))
        else:
            server.send(command.octets())
            pass_answer(server, client)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to those of command_line.py."""
    text = (
        "Dovecot gọi sau khi đăng nhập ManageSieve: không cho lưu quy tắc trái Đ4.5 (chuyển tiếp) hoặc Đ4.6 (mạo danh)"
    )
    command = commands.add_parser("sieve-session", help=text, description=text)
    command.add_argument("domains", help="các tên miền được chuyển đến, cách nhau bằng dấu phẩy")
    command.add_argument("finish", nargs="+", help="chương trình của Dovecot nhận lại phiên")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        # Dovecot's own program hands its standard output on as the client's connection.
        os.dup2(theirs.fileno(), 1)
        os.execv(options.finish[0], options.finish)  # noqa: S606, the program that Dovecot names
    theirs.close()
    # Dovecot's connection, and the client's a second time.
    os.close(3)
    os.close(1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        return 1
    server = Side(ours)
    client = Side(socket.socket(fileno=0), server)
    for side in (client, server):
        side.connection.setblocking(True)
    with contextlib.suppress(EndedError, OSError):
        # Dovecot hands on what the accounts database knows of the mailbox.
        own = os.environ.get("OWN_ADDRESSES", "").lower()
        serve(client, server, options.domains.lower().split(","), [each for each in own.split(",") if each])
    return 0
