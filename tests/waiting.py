"""Sessions that wait for news (IDLE), many at once, as programs on desks and telephones hold them."""

import asyncio
import time

from tests.lab import Lab, Sample


class Session:
    """A program that waits for news in a person's inbox."""

    def __init__(self, lab: Lab, person: Sample, address: str) -> None:
        self.person = person
        self._lab, self._address = lab, address
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, turn: asyncio.Semaphore) -> None:
        name = f"imap.{self._lab.variables['mail_domain']}"
        async with turn:
            self._reader, writer = await asyncio.open_connection(
                self._address, 993, ssl=self._lab.ssl_context, server_hostname=name
            )
            self._writer = writer
            await self._answer(f"a LOGIN {self.person.address} {self.person.password}", "a OK")
            await self._answer("b SELECT INBOX", "b OK")

    async def idle(self) -> None:
        await self._answer("c IDLE", "+")

    async def told(self) -> float:
        """When it was told of a message."""
        await self._reader.readuntil(b" EXISTS\r\n")
        return time.monotonic()

    async def told_within(self, seconds: float) -> float | None:
        """When it was told of a message, if it was within so many seconds."""
        try:
            return await asyncio.wait_for(self.told(), seconds)
        except TimeoutError:
            return None

    def close(self) -> None:
        if self._writer:
            self._writer.transport.abort()

    async def _answer(self, command: str, last: str) -> None:
        assert self._writer
        self._writer.write(f"{command}\r\n".encode())
        while not (line := await self._reader.readline()).startswith(last.encode()):
            assert line.startswith(b"*"), line


def store_one(lab: Lab, person: Sample) -> float:
    """Store a message in the person's inbox; when that was done."""
    with lab.imap(person.address, person.password) as client:
        status, _ = client.append("INBOX", "", "", b"Subject: tin moi\r\n\r\nx\r\n")
        assert status == "OK"
        return time.monotonic()
