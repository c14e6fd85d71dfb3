"""A service that the filter asks about one message at a time, many at once: by a Unix socket of systemd.

The filter writes one line of JSON - some words and `size` - and so many octets of the message as it came, and reads one
line of JSON. An answer {"error": ...}, or none, makes it ask its client to come again.
"""

import json
import select
import signal
import socket
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from typing import NamedTuple

from hanam_mail.host.service import Program, say, tell_systemd

# How often operators are told of messages that were not judged.
_TOLD_SECONDS = 60.0
_LONGEST_HEAD = 16384


class BadFilterRequest(Exception):
    """The filter did not say what it must."""


class Abandoned(Exception):
    """Nobody waits for the verdict any more, or not long enough."""


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """What a service bears. Times count in seconds from when the filter came."""

    # Messages that are judged at once; those that wait for one of them to end, each with a descriptor.
    at_once: int
    waiting: int
    # A smaller message, in octets, waits for nobody's room.
    large: int
    # Whose turn comes later than this is not judged: the filter would be gone before the end, and those behind as late.
    stale: float
    # For the filter to write and to read.
    patience: float
    # A thread that needs longer does not come back: systemd starts the service anew (WatchdogSec).
    stuck: float


class Judged(NamedTuple):
    """The answer to a message, and what is done once the filter has it: nobody waits for that."""

    answer: dict[str, object]
    later: Callable[[], None] | None = None


class FilterService(ABC):
    """Answers connections, many at once.

    `words`: what the filter says besides the size, each a text; `flags`: what it may say is true ("yes", or "").
    """

    words: Sequence[str] = ()
    flags: Sequence[str] = ()

    def __init__(self, room: int) -> None:
        """`room`: octets of large messages that are looked at together."""
        self._size = room
        self._room = room
        self._freed = threading.Condition()
        self._running: dict[int, float] = {}
        self._pool = ThreadPoolExecutor(self.limits.at_once)
        self._count = threading.Lock()
        self._waiting = 0
        self._dropped = 0
        self._told = -_TOLD_SECONDS

    @property
    @abstractmethod
    def limits(self) -> ServiceLimits:
        """What it bears."""

    @abstractmethod
    def judged(self, said: Mapping[str, str], content: bytes, came: float) -> Judged:
        """The answer to a message; the filter came at that moment (monotonic).

        Raises BadFilterRequest and Abandoned.
        """

    @property
    def stuck(self) -> bool:
        """Whether a message is looked at for longer than that may take."""
        now = time.monotonic()
        return any(now - began > self.limits.stuck for began in list(self._running.values()))

    def take(self, connection: socket.socket) -> None:
        """Answer one connection that comes now, in time or not at all: the filter asks its sender to come again."""
        with self._count:
            full = self._waiting >= self.limits.waiting
            self._waiting += not full
            self._dropped += full
        if full:
            connection.close()
        else:
            self._pool.submit(self._answer, connection, time.monotonic())

    def tell(self) -> None:
        """Say once a minute how many were not answered."""
        now = time.monotonic()
        with self._count:
            if not self._dropped or now - self._told < _TOLD_SECONDS:
                return
            number, self._dropped, self._told = self._dropped, 0, now
        say(5, f"{number} messages were not judged: their turn came too late, or the filter had gone")

    def close(self) -> None:
        """Come to the end with those that were taken."""
        self._pool.shutdown()

    def _answer(self, connection: socket.socket, came: float) -> None:
        with self._count:
            self._waiting -= 1
        thread = threading.get_ident()
        self._running[thread] = time.monotonic()
        try:
            with connection:
                self._check_wanted(connection, came)
                connection.settimeout(self.limits.patience - (time.monotonic() - came))
                answer, later = self._judged(connection, came)
                # What is no Unicode is shown as a question mark.
                text = json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + "\n"
                connection.sendall(text.encode("utf-8", "replace"))
            if later:
                later()
        except Abandoned:
            with self._count:
                self._dropped += 1
        except OSError as error:
            say(4, f"the filter was not answered: {error or type(error).__name__}")
        finally:
            del self._running[thread]

    def _judged(self, connection: socket.socket, came: float) -> Judged:
        try:
            with connection.makefile("rb") as stream:
                said, size = self._head(stream.readline(_LONGEST_HEAD))
                with self._room_for(size, came + self.limits.stale):
                    return self.judged(said, _content(stream, size, connection), came)
        except BadFilterRequest as error:
            return Judged({"error": str(error)})
        except (OSError, Abandoned):
            raise
        except Exception as error:
            # A fault of this program: the filter lets nothing pass, and somebody has to read of it.
            trace = traceback.format_exc().replace("\n", " | ")
            say(3, f"no verdict on a message: {trace}")
            return Judged({"error": type(error).__name__})

    @contextmanager
    def _room_for(self, size: int, until: float) -> Iterator[None]:
        if size < self.limits.large:
            yield
            return
        with self._freed:
            # One that is larger than all of it comes alone.
            if not self._freed.wait_for(lambda: min(size, self._size) <= self._room, until - time.monotonic()):
                raise BadFilterRequest("too many large messages at once")
            self._room -= size
        try:
            yield
        finally:
            with self._freed:
                self._room += size
                self._freed.notify_all()

    def _check_wanted(self, connection: socket.socket, came: float) -> None:
        if time.monotonic() - came > self.limits.stale or _hung_up(connection):
            raise Abandoned

    def _head(self, line: bytes) -> tuple[dict[str, str], int]:
        try:
            said = json.loads(line.decode("utf-8", "surrogateescape"))
            texts = {name: said[name] for name in self.words}
            size = said["size"]
            flags = {name: "yes" if said.get(name) is True else "" for name in self.flags}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadFilterRequest("this is not the filter's protocol") from error
        if not all(isinstance(text, str) for text in texts.values()) or not isinstance(size, int) or size < 0:
            raise BadFilterRequest("this is not the filter's protocol")
        # Letters that are no Unicode become a sign that nobody has.
        plain = {name: text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for name, text in texts.items()}
        return plain | flags, size


def _hung_up(connection: socket.socket) -> bool:
    """Whether the other side is gone for good; one that only has nothing more to say still listens."""
    look = select.poll()
    look.register(connection, 0)
    return bool(look.poll(0))


def _content(stream: BufferedIOBase, size: int, connection: socket.socket) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise BadFilterRequest("the message is not whole")
    if _hung_up(connection):
        raise Abandoned
    return content


def serve(service: FilterService, door: socket.socket, program: Program) -> None:
    """Until the unit is stopped or the program is replaced. Whoever comes between two runs waits at systemd's door."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    door.setblocking(False)
    tell_systemd("READY=1")
    while not stop.is_set() and not program.replaced:
        if not service.stuck:
            tell_systemd("WATCHDOG=1")
        service.tell()
        if select.select([door], [], [], 1)[0]:
            try:
                connection = door.accept()[0]
            except BlockingIOError:
                continue
            connection.setblocking(True)
            service.take(connection)
    service.close()
