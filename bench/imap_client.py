"""Whole IMAP logins over TLS, for any source address. Runs on the mail store, whose loopback Dovecot trusts.

Reads lines of JSON from standard input, [login, password, address], opens so many sessions at once as its first
argument says, each from the connection to LOGIN and LOGOUT; writes one line of JSON: how many opened, and the seconds
it took. The second argument is the name that the certificate must bear.
"""

import asyncio
import json
import ssl
import sys
import time


async def session(tls: ssl.SSLContext, name: str, login: str, password: str, address: str) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", 993, ssl=tls, server_hostname=name)
    await reader.readline()
    writer.write(f'a ID ("x-originating-ip" "{address}")\r\nb LOGIN "{login}" "{password}"\r\nc LOGOUT\r\n'.encode())
    lines = (await reader.read()).decode().splitlines()
    writer.close()
    return any(line.startswith("b OK") for line in lines)


async def sign_in(tries: list[list[str]], at_once: int, name: str) -> dict[str, float]:
    tls = ssl.create_default_context()
    gate = asyncio.Semaphore(at_once)

    async def one(login: str, password: str, address: str) -> bool:
        async with gate:
            return await session(tls, name, login, password, address)

    started = time.monotonic()
    opened = await asyncio.gather(*(one(*each) for each in tries))
    return {"accepted": sum(opened), "seconds": time.monotonic() - started}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(sign_in([json.loads(line) for line in sys.stdin], int(sys.argv[1]), sys.argv[2]))))
