"""The service's door: TLS that both sides prove, named hosts alone, and a certificate that is renewed (Đ3.3)."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.controller.keys import pki
from hanam_mail.host.quarantine import service
from hanam_mail.host.quarantine.envelope import Envelope
from hanam_mail.host.service import Program
from hanam_mail.host.settings_file import ConfigurationError

pytestmark = [pytest.mark.dieu3, pytest.mark.dieu4]

NAME, EDGE, STRANGER = "held.hanam.example", "edge1.hanam.example", "backup.hanam.example"
DAY = dt.timedelta(days=1)
AUTHORITY = pki.new_authority("Hà Nam", lifetime=DAY)


class Keeper:
    """Keeps in memory."""

    def __init__(self) -> None:
        self.ending = threading.Event()
        self.kept: list[Envelope] = []
        self.rounds = 0

    def round(self) -> None:
        self.rounds += 1

    def draft(self) -> Any:
        class Draft:
            def add(self, octets: bytes) -> None: ...
            def drop(self) -> None: ...

        return Draft()

    async def keep(self, draft: Any, message: Envelope) -> dict[str, str]:
        self.kept.append(message)
        return {}


def written(folder: Path, name: str, authority: pki.Pair = AUTHORITY) -> tuple[str, str]:
    """A certificate and its key in files."""
    pair = pki.issue(authority, [name], lifetime=DAY, client=True)
    for path, text in ((folder / f"{name}.pem", pair.certificate), (folder / f"{name}.key", pair.key)):
        path.write_text(text)
    return str(folder / f"{name}.pem"), str(folder / f"{name}.key")


@pytest.fixture
def settings(tmp_path: Path) -> service.QuarantineSettings:
    (tmp_path / "ca.pem").write_text(AUTHORITY.certificate)
    certificate, key = written(tmp_path, NAME)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return service.QuarantineSettings(
        name=NAME, port=port, folder=str(tmp_path), dsn="", domain="hanam.example", octets=2**20, clients=[EDGE],
        servers=[], filters=[], ca=str(tmp_path / "ca.pem"), certificate=certificate, key=key,
    )  # fmt: skip


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_text("1")
    return path


@contextlib.contextmanager
def running(settings: service.QuarantineSettings, keeper: Keeper, program: Path) -> Iterator[service.QuarantineServer]:
    """The server in a thread, until its program is replaced."""
    server = service.QuarantineServer(settings, keeper)  # type: ignore[arg-type]

    def run() -> None:
        with pytest.MonkeyPatch.context() as patched:
            # Signals are for the main thread.
            patched.setattr(asyncio.SelectorEventLoop, "add_signal_handler", lambda *_: None)
            asyncio.run(server.run(Program(program)))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", settings.port), 1):
                break
            threading.Event().wait(0.01)
        yield server
    finally:
        program.rename(program.with_suffix(".old"))
        program.write_text("2")
        thread.join(20)
    assert not thread.is_alive()


def call(settings: service.QuarantineSettings, pair: tuple[str, str] | None, words: bytes = b"QUIT\r\n") -> bytes:
    """What a client hears until the end, "" where it is not let in."""
    tls = ssl.create_default_context(cafile=settings.ca)
    if pair:
        tls.load_cert_chain(*pair)
    heard = b""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", settings.port), 5) as plain,
        tls.wrap_socket(plain, server_hostname=NAME) as client,
    ):
        client.sendall(words)
        while more := client.recv(4096):
            heard += more
    return heard


WHOLE = b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"


def test_named_hosts_alone_are_heard(
    settings: service.QuarantineSettings, keeper: Keeper, program: Path, tmp_path: Path
) -> None:
    elsewhere = pki.new_authority("Kẻ khác", lifetime=DAY)
    (tmp_path / "other").mkdir()
    with running(settings, keeper, program):
        assert call(settings, written(tmp_path, EDGE), WHOLE).endswith(b"250 2.0.0 held\r\n221 2.0.0 bye\r\n")
        for pair in (written(tmp_path, STRANGER), written(tmp_path / "other", EDGE, elsewhere), None):
            assert call(settings, pair, WHOLE) == b""
        # Without TLS nothing is heard or said.
        with socket.create_connection(("127.0.0.1", settings.port), 5) as plain:
            plain.sendall(WHOLE)
            assert b"220" not in plain.recv(4096)
    assert len(keeper.kept) == 1
    assert keeper.rounds > 0
    assert keeper.ending.is_set()


def test_a_renewed_certificate_is_shown_to_who_comes_from_then_on(
    settings: service.QuarantineSettings, keeper: Keeper, program: Path, tmp_path: Path
) -> None:
    edge = written(tmp_path, EDGE)
    with running(settings, keeper, program) as server:

        def shown() -> bytes | None:
            tls = ssl.create_default_context(cafile=settings.ca)
            tls.load_cert_chain(*edge)
            with (
                socket.create_connection(("127.0.0.1", settings.port), 5) as plain,
                tls.wrap_socket(plain, server_hostname=NAME) as client,
            ):
                return client.getpeercert(binary_form=True)

        before = shown()
        written(tmp_path, NAME)
        assert shown() == before
        server._renew()
        assert shown() != before


def test_more_sessions_than_may_be_come_again(
    settings: service.QuarantineSettings, keeper: Keeper, program: Path, tmp_path: Path
) -> None:
    edge = written(tmp_path, EDGE)
    tls = ssl.create_default_context(cafile=settings.ca)
    tls.load_cert_chain(*edge)
    with running(settings, keeper, program), contextlib.ExitStack() as clients:
        for _ in range(service.AT_ONCE):
            plain = clients.enter_context(socket.create_connection(("127.0.0.1", settings.port), 5))
            client = clients.enter_context(tls.wrap_socket(plain, server_hostname=NAME))
            assert client.recv(4096).startswith(b"220 ")
        assert call(settings, edge).startswith(b"421 ")


def test_it_ends_at_once_while_somebody_is_being_heard(
    settings: service.QuarantineSettings, keeper: Keeper, program: Path, tmp_path: Path
) -> None:
    tls = ssl.create_default_context(cafile=settings.ca)
    tls.load_cert_chain(*written(tmp_path, EDGE))
    with contextlib.ExitStack() as left:
        with running(settings, keeper, program):
            plain = left.enter_context(socket.create_connection(("127.0.0.1", settings.port), 5))
            client = left.enter_context(tls.wrap_socket(plain, server_hostname=NAME))
            client.sendall(WHOLE.partition(b".\r\n")[0])
        heard = b""
        with contextlib.suppress(OSError):
            while more := client.recv(4096):
                heard += more
    assert b"2.0.0 held" not in heard
    assert keeper.kept == []


@pytest.mark.parametrize("wrong", [{}, {"more": 1}, [], None])
def test_settings_that_are_not_right_are_told(settings: service.QuarantineSettings, tmp_path: Path, wrong: Any) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(asdict(settings)))
    assert service.QuarantineSettings.read(path) == settings
    path.write_text(json.dumps(asdict(settings) | wrong if wrong else wrong))
    with pytest.raises(ConfigurationError, match="cần đúng các khóa"):
        service.QuarantineSettings.read(path)


def test_a_hangup_signal_renews_and_a_termination_ends(
    settings: service.QuarantineSettings, keeper: Keeper, program: Path
) -> None:
    """In the main thread, as systemd asks."""
    server = service.QuarantineServer(settings, keeper)  # type: ignore[arg-type]
    renewed = 0

    def renew() -> None:
        nonlocal renewed
        renewed += 1
        os.kill(os.getpid(), signal.SIGTERM)

    server._renew = renew  # type: ignore[method-assign]

    async def run() -> None:
        asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(10):
            await server.run(Program(program))

    asyncio.run(run())
    assert renewed == 1
