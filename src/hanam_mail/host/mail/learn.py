"""Teaches the mail filters what people move to and from Junk (Đ10.6): `hanam-mail-db learn FOLDER FILTER...`.

Dovecot hands each message over by a socket, as it does to its script service, and goes on: no process is started and
nobody waits for a filter. Lessons lie in the folder until every filter has learnt them. FILTER is the socket of a
filter's controller, or host:port of the gate before it (role learn), where hosts prove by TLS who they are.
"""

import argparse
import asyncio
import hashlib
import re
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from hanam_mail.host import frame
from hanam_mail.host.mail.filters import Filters
from hanam_mail.host.service import Program, say, tell_systemd

# A filter that is away is asked again after so many seconds.
AGAIN = 30.0
# Dovecot goes on after its sieve_pipe_exec_timeout. What is not whole before that is no lesson.
PATIENCE = 1.5
# What waits at most: octets and messages in all, seconds each. A filter that is away longer misses something.
OCTETS = 256 * 2**20
MESSAGES = 10_000
KEEP = 3 * 86400
# So many failures one after the other, and the filter is taken to be away. A message that has failed in as many rounds
# in which others were learnt is at fault itself.
FAILURES = 3
_LESSON = re.compile(r"(\d{12})\.(spam|ham)\.([0-9a-f]{64})")
_HEAD = re.compile(rb"VERSION\tscript\t4\t\d+\n(?:.*\n)*(spam|ham)\n\n")


class Incoming:
    """A message on its way into the folder."""

    def __init__(self, spool: "Spool", number: int) -> None:
        self.size = 0
        self._spool = spool
        self._digest = hashlib.sha256()
        self._path = spool.folder / f"{number:012}"
        self._file: BinaryIO | None = None

    def __enter__(self) -> "Incoming":
        self._file = self._path.open("xb", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        """What was not kept goes."""
        if self._file:
            self._file.close()
        if self._path.exists():
            self._path.unlink()
            self._spool.octets -= self.size

    def add(self, octets: bytes) -> None:
        """More of it; beyond what there is room for it is let go."""
        if self._file and not self._spool.has_room(len(octets)):
            self._file.close()
            self._file = None
        if self._file:
            self.size += len(octets)
            self._spool.octets += len(octets)
            if self._file.write(octets) != len(octets):
                raise OSError(f"{self._path} cannot be written whole")
            self._digest.update(octets)

    def keep(self, kind: str) -> None:
        """It is whole."""
        if self._file is None:
            self._spool.lost += 1
            return
        lesson = self._path.with_name(f"{self._path.name}.{kind}.{self._digest.hexdigest()}")
        self._path.rename(lesson)
        self._spool.place(lesson)


class Spool:
    """Lessons that wait. Of a message that went to Junk and back only the last one does, so order is of no account."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.waiting: dict[str, Path] = {}
        self.failures = Counter[str]()
        self.octets = 0
        self.lost = 0
        self._next = 0
        for path in sorted(folder.iterdir()):
            if match := _LESSON.fullmatch(path.name):
                self._next = int(match[1]) + 1
                self.octets += path.stat().st_size
                self.place(path)
            else:
                # Of a message that was never whole.
                path.unlink()

    def receive(self) -> Incoming:
        """A place for another message."""
        self._next += 1
        return Incoming(self, self._next)

    def has_room(self, octets: int) -> bool:
        """For so much more? Said once when there is none."""
        room = self.octets + octets <= OCTETS and len(self.waiting) < MESSAGES
        if not room and not self.lost:
            say(4, f"{self.folder} is full: what people move is not learnt until the filter has caught up")
        return room

    def place(self, lesson: Path) -> None:
        """Put a lesson in its turn, instead of an earlier one of the same message."""
        digest = lesson.suffix[1:]
        if earlier := self.waiting.get(digest):
            self.remove(earlier)
        self.waiting[digest] = lesson

    def holds(self, lesson: Path) -> bool:
        """Does it still wait?"""
        return self.waiting.get(lesson.suffix[1:]) == lesson

    def remove(self, lesson: Path) -> None:
        """A lesson that is done with."""
        if self.holds(lesson):
            del self.waiting[lesson.suffix[1:]]
            del self.failures[lesson.suffix[1:]]
        with suppress(FileNotFoundError):
            self.octets -= lesson.stat().st_size
            lesson.unlink()

    def put_off(self, lesson: Path) -> None:
        """A lesson that failed is tried again after the others."""
        if self.holds(lesson):
            self.waiting[lesson.suffix[1:]] = self.waiting.pop(lesson.suffix[1:])

    def forget(self, now: float) -> None:
        """Drop what is too old."""
        old = [lesson for lesson in self.waiting.values() if now - lesson.stat().st_mtime > KEEP]
        for lesson in old:
            self.remove(lesson)
        if old:
            say(4, f"{len(old)} messages were not learnt within {KEEP // 86400} days and are dropped")


class Teacher:
    """Takes lessons from Dovecot and gives them to the filters."""

    def __init__(self, spool: Spool, give: Callable[[str, bytes], str]) -> None:
        self.spool = spool
        self._give = give
        self._news = asyncio.Event()
        self._away = False

    async def take(self, connection: socket.socket) -> None:
        """One message; Dovecot goes on when it reads "+"."""
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            async with asyncio.timeout(PATIENCE):
                head = _HEAD.fullmatch(await reader.readuntil(b"\n\n"))
                if head is None:
                    raise ValueError("this is not Dovecot's script protocol")
                with self.spool.receive() as message:
                    while octets := await reader.read(65536):
                        message.add(octets)
                    message.keep(head[1].decode())
                self._news.set()
                # Who does not wait for the answer has been heard all the same.
                with suppress(ConnectionError):
                    writer.write(b"+\n")
                    await writer.drain()
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            say(4, f"a message could not be taken: {error or type(error).__name__}")
        finally:
            writer.close()

    async def teach(self) -> None:
        """Give the filters what waits, for ever."""
        self._news.set()
        while True:
            await self._news.wait()
            await self._quiet()
            failed = await self._round()
            if self.spool.lost and not self.spool.waiting:
                say(5, f"{self.spool.folder} is empty again: {self.spool.lost} messages were not learnt")
                self.spool.lost = 0
            if self._away:
                await asyncio.sleep(AGAIN)
                self._news.set()
            elif failed:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), AGAIN)
                self._news.set()

    async def _quiet(self) -> None:
        """Let whoever moves many messages come to the end: what the filter takes of the processor he would wait for."""
        for _ in range(20):
            if self._news.is_set():
                self._news.clear()
                await asyncio.sleep(0.5)

    async def _round(self) -> bool:
        """Every lesson once, or until the filter is away; whether any failed."""
        learnt, in_a_row = False, 0
        failed: dict[Path, str] = {}
        self.spool.forget(time.time())
        for lesson in list(self.spool.waiting.values()):
            if not self.spool.holds(lesson):
                continue
            trouble = await asyncio.to_thread(self._teach_one, lesson)
            if trouble:
                failed[lesson] = trouble
                self.spool.put_off(lesson)
            else:
                self.spool.remove(lesson)
            if trouble is not None:
                self._tell(trouble)
                learnt = learnt or not trouble
                in_a_row = in_a_row + 1 if trouble else 0
            if in_a_row == FAILURES:
                break
        # A filter that is away says nothing of the messages.
        for lesson, trouble in failed.items() if learnt else ():
            self.spool.failures[lesson.suffix[1:]] += 1
            if self.spool.failures[lesson.suffix[1:]] >= FAILURES:
                self.spool.remove(lesson)
                say(4, f"a message that the filter does not learn while it learns others is dropped: {trouble}")
        return bool(failed)

    def _teach_one(self, lesson: Path) -> str | None:
        """Why it is not learnt, or nothing; None when it is no lesson, or cut short by a loss of power."""
        try:
            message = lesson.read_bytes()
        except FileNotFoundError:
            # The person thought better of it meanwhile.
            return None
        whole = hashlib.sha256(message).hexdigest() == lesson.suffix[1:]
        return self._give(lesson.suffixes[0][1:], message) if whole else None

    def _tell(self, trouble: str) -> None:
        """The first failure, and the first success after it."""
        if trouble and not self._away:
            say(4, f"the filter does not learn: {trouble}; {len(self.spool.waiting)} messages wait")
        if self._away and not trouble:
            say(5, f"the filter learns again; {len(self.spool.waiting)} messages wait")
        self._away = bool(trouble)


async def serve(teacher: Teacher, door: socket.socket, program: Program) -> None:
    """Until the unit is stopped or the program is replaced. Whoever comes between two runs waits at systemd's door."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    teaching = asyncio.create_task(teacher.teach())
    taking = set[asyncio.Task[None]]()

    # Not asyncio's own server, which lets go at its end whom it has let in but not heard.
    def let_in() -> None:
        with suppress(BlockingIOError):
            task = asyncio.create_task(teacher.take(door.accept()[0]))
            taking.add(task)
            task.add_done_callback(taking.discard)

    door.setblocking(False)
    loop.add_reader(door, let_in)
    tell_systemd("READY=1")
    while not stop.is_set() and not program.replaced and not teaching.done():
        tell_systemd("WATCHDOG=1")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1)
    loop.remove_reader(door)
    await asyncio.gather(*taking)
    if teaching.done():
        await teaching
    teaching.cancel()


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "nhận thư được chuyển vào hoặc ra khỏi Thư rác và dạy bộ lọc (systemd gọi)"
    command = commands.add_parser("learn", help=text, description=text)
    command.add_argument("folder", type=Path)
    command.add_argument("filters", metavar="FILTER", nargs="+")
    command.add_argument("--ca")
    command.add_argument("--certificate")
    command.add_argument("--key")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    program = Program(Path(sys.argv[0]))
    filters = Filters(options.filters, options.ca, options.certificate, options.key)
    # The first socket that systemd hands over (sd_listen_fds(3)).
    door = socket.socket(fileno=3)
    asyncio.run(serve(Teacher(Spool(options.folder), filters.teach), door, program))
    return 0
