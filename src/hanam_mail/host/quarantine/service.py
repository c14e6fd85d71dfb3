"""The service: `hanam-mail-db quarantine-serve FILE`, LMTP over TLS for the hosts that are named (systemd starts it).

Who has no certificate of the internal authority, or one of another host, is not heard. FILE is JSON:
see QuarantineSettings.
"""

import argparse
import asyncio
import fcntl
import os
import signal
import ssl
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hanam_mail.host import frame, settings_file
from hanam_mail.host.mail.filters import Filters
from hanam_mail.host.quarantine.accounts import QuarantineAccounts
from hanam_mail.host.quarantine.dialogue import QuarantineSession, SessionLimits
from hanam_mail.host.quarantine.keeper import Keeper
from hanam_mail.host.quarantine.release import ReleaseDoor
from hanam_mail.host.quarantine.store import Store
from hanam_mail.host.service import Program, say, tell_systemd

# Sessions at once, and seconds from one round to the next.
AT_ONCE = 16
PAUSE = 2.0


@dataclass(frozen=True)
class QuarantineSettings:
    """What the role wrote. `clients` are names that certificates bear of who may hand over, `servers` are host:port.

    `filters` learn, each at its socket or host:port.
    """

    name: str
    port: int
    folder: str
    dsn: str
    domain: str
    octets: int
    clients: list[str]
    servers: list[str]
    filters: list[str]
    ca: str
    certificate: str
    key: str

    @classmethod
    def read(cls, path: Path) -> "QuarantineSettings":
        """Read and check the file (JSON is YAML)."""
        return settings_file.read(cls, path)


def context_of(settings: QuarantineSettings) -> ssl.SSLContext:
    """TLS that asks for the client's certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=settings.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(settings.certificate, settings.key)
    return context


class QuarantineServer:
    """Takes sessions, and has the keeper do its rounds."""

    def __init__(self, settings: QuarantineSettings, keeper: Keeper) -> None:
        self._settings, self._keeper = settings, keeper
        self._limits = SessionLimits(settings.octets)
        self._context = context_of(settings)
        self._sessions = set[asyncio.Task[None]]()

    async def run(self, program: Program) -> None:
        """Until the unit is stopped or the program replaced; whoever is being heard then comes again."""
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._renew)
        server = await asyncio.start_server(
            self._meet, port=self._settings.port, ssl=self._context, ssl_handshake_timeout=10.0
        )
        tell_systemd("READY=1")
        rounds = asyncio.create_task(self._rounds(stop))
        async with server:
            while not stop.is_set() and not program.replaced and not rounds.done():
                tell_systemd("WATCHDOG=1")
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 1)
            tell_systemd("STOPPING=1")
            stop.set()
            self._keeper.ending.set()
            server.close()
            for task in self._sessions:
                task.cancel()
            await asyncio.gather(*self._sessions, return_exceptions=True)
            await rounds
            # Who does not say goodbye is not waited for.
            server.abort_clients()

    def _renew(self) -> None:
        """A renewed certificate, for those who come from now on."""
        self._context.load_cert_chain(self._settings.certificate, self._settings.key)

    async def _rounds(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await asyncio.to_thread(self._keeper.round)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("asyncio makes one")
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)

        async def send(octets: bytes) -> None:
            writer.write(octets)
            await writer.drain()

        try:
            if not self._may(writer):
                return
            if len(self._sessions) > AT_ONCE:
                await send(b"421 4.3.2 busy\r\n")
                return
            await QuarantineSession(reader, send, self._keeper, self._settings.name, self._limits).run()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _may(self, writer: asyncio.StreamWriter) -> bool:
        """Whether this host's certificate is one of those that may hand messages over."""
        shown = writer.get_extra_info("peercert") or {}
        names = {value for kind, value in shown.get("subjectAltName", ()) if kind == "DNS"}
        if names & set(self._settings.clients):
            return True
        say(4, f"máy không được giao thư / may not hand messages over: {', '.join(sorted(names)) or '-'}")
        return False


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "dịch vụ giữ thư: nhận bằng LMTP thư mà bộ lọc yêu cầu giữ (systemd gọi)"
    command = commands.add_parser("quarantine-serve", help=text, description=text)
    command.add_argument("file", type=Path)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    program = Program(Path(sys.argv[0]))
    settings = QuarantineSettings.read(options.file)
    folder = Path(settings.folder)
    # Two would send one message twice.
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    door = ReleaseDoor(settings.servers, settings.ca, settings.certificate, settings.key)
    filters = Filters(settings.filters, settings.ca, settings.certificate, settings.key)
    keeper = Keeper(Store(folder), QuarantineAccounts(settings.dsn), door, settings.domain, filters.teach)
    asyncio.run(QuarantineServer(settings, keeper).run(program))
    return 0
