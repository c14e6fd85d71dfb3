"""python -m bench.clicks --lab NAME: people who click in the webmail, and the same in a Roundcube as it is delivered.

Needs a lab as `make up` leaves it. Each session signs in once over HTTPS and then clicks for so long, as people do: the
list, a look for news, a message, a search, the settings, with a pause to think before each. The peer is the same
Roundcube as it is delivered (no plugin, no skin of ours) behind the same nginx, in a php-fpm of its own with the same
pool; both take turns, so that a load of the machine meets both. What is made for it is removed whatever happens.

What a click takes of processors is the growth of each daemon with all that came of it. Figures go to
build/bench/clicks.json and clicks.md; a click of ours that fails makes the whole fail.
"""

import argparse
import asyncio
import itertools
import os
import random
import re
import resource
import ssl
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.lab import Lab, Sample, message
from tests.people import People

from bench.host import Host
from bench.logins import USED
from bench.measuring import OUTPUT, Measure, Run, machine, measured, write

PERSONS, MESSAGES = 60, 12
"""Whose mailboxes: several sessions may be one person's, as of several windows. How much is in each."""
_TEXT = "Kính gửi các cơ quan, đơn vị.\n" * 40
STOCK = "stock.invalid"
_MAIL = "/?_task=mail&_action="
# What people do, how often of a hundred, and what an answer has that is one.
CLICKS = {
    "list": (35, "/?_task=mail&_action=list&_mbox=INBOX&_remote=1", '"action":"list"'),
    "refresh": (25, "/?_task=mail&_action=refresh&_mbox=INBOX&_remote=1", '"action":"refresh"'),
    "open": (25, "/?_task=mail&_mbox=INBOX&_uid={uid}&_action=show", 'id="messagebody"'),
    "search": (10, f"{_MAIL}search&_mbox=INBOX&_q=tu{{uid}}&_headers=subject%2Cfrom&_remote=1", '"action":"search"'),
    "settings": (5, "/?_task=settings&_action=preferences", "rcmail"),
}
_LIMIT = 60.0  # seconds that one answer may take
# Where each daemon's processes are, by what they are for.
_UNITS = {
    "ours": ("nginx.service", "php8.4-fpm.service"),
    "stock": ("nginx.service", "hanam-bench-fpm.service"),
}
_BEHIND = {"mail host": ("mailstore", ("dovecot.service",)), "database": ("accounts", ("postgresql@*-main.service",))}
# Only what a Roundcube cannot do without here: its database, its key, and where the mail store is.
_CONFIG = r"""<?php
require '/etc/roundcube/config.inc.php';
$ours = $config;
$kept = ['db_dsnw', 'des_key', 'imap_conn_options', 'mail_domain', 'temp_dir', 'log_driver'];
$config = array_intersect_key($ours, array_flip($kept));
['host' => $host, 'port' => $port, 'ssl_mode' => $mode] = $ours['hanam_imap'];
$config['imap_host'] = ($mode ? 'ssl://' : '') . "$host:$port";
$config['plugins'] = [];
"""
_SET_UP = r"""
set -e
install -d -m 0750 -o www-data -g www-data /run/hanam-bench /run/hanam-bench/config
cat > /run/hanam-bench/config/config.inc.php <<'PHP'
{config}PHP
ln -sf /etc/roundcube/defaults.inc.php /etc/roundcube/mimetypes.php /run/hanam-bench/config/
sed -e 's#^pid = .*#pid = /run/hanam-bench/fpm.pid#' -e 's#^listen = .*#listen = /run/hanam-bench/stock.sock#' \
    /etc/php/8.4/fpm/php-fpm.conf > /run/hanam-bench/fpm.conf
echo 'env[ROUNDCUBE_CONFIG_DIR] = /run/hanam-bench/config' >> /run/hanam-bench/fpm.conf
systemctl reset-failed hanam-bench-fpm.service 2>/dev/null || :
systemd-run --quiet --unit=hanam-bench-fpm -p User=www-data -p Group=www-data \
    /usr/sbin/php-fpm8.4 --nodaemonize --fpm-config /run/hanam-bench/fpm.conf
sed -n '/^server {{/,$p' /etc/nginx/conf.d/webmail.conf \
    | sed -e 's#server_name .*#server_name {name};#' -e 's#/run/php/webmail.sock#/run/hanam-bench/stock.sock#' \
    > /etc/nginx/conf.d/zz-bench.conf
nginx -t -q && systemctl reload nginx
"""
_TAKE_DOWN = (
    "systemctl stop hanam-bench-fpm.service; rm -rf /run/hanam-bench /etc/nginx/conf.d/zz-bench.conf;"
    " systemctl reload nginx"
)
# Its people sign in by address; users of ours are mailbox ids.
_FORGET = "delete from users where username like '%@%'"


@dataclass
class Window:
    """Somebody's browser: one connection that stays open, its cookies, the token of its session."""

    person: Sample
    host: str
    address: str
    context: ssl.SSLContext
    name: str
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    _line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """GET a page, or POST a form to it: status and text. A connection that the server closed is opened anew."""
        body = urlencode(form).encode() if form is not None else b""
        head = [
            f"{'GET' if form is None else 'POST'} {path} HTTP/1.1",
            f"Host: {self.host}",
            f"Cookie: {'; '.join(f'{key}={value}' for key, value in self.cookies.items())}",
        ]
        if self.token:
            head.append(f"X-Roundcube-Request: {self.token}")
        if form is not None:
            head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        octets = "\r\n".join([*head, "", ""]).encode() + body
        async with asyncio.timeout(_LIMIT):
            kept = self._line is not None
            try:
                return await self._answer(octets)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if not kept:
                    raise
                return await self._answer(octets)

    async def _answer(self, octets: bytes) -> tuple[int, str]:
        if self._line is None:
            self._line = await asyncio.open_connection(
                self.address, 443, ssl=self.context, server_hostname=self.name, limit=1 << 20
            )
        reader, writer = self._line
        writer.write(octets)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for line in lines:
            key, _, value = line.partition(": ")
            if key.lower() == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content
            headers[key.lower()] = value
        if headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(await reader.readline(), 16):
                parts.append(await reader.readexactly(size))
                await reader.readline()
            await reader.readline()
            text = b"".join(parts)
        else:
            text = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        return int(status.split()[1]), text.decode(errors="replace")

    async def sign_in(self) -> None:
        """By the login page; raises RuntimeError when that leads nowhere."""
        _, page = await self.ask("/?_task=login")
        form = {
            "_token": _found(r'name="_token" value="(\w+)"', page), "_task": "login", "_action": "login",
            "_timezone": "Asia/Ho_Chi_Minh", "_url": "", "_user": self.person.address, "_pass": self.person.password,
        }  # fmt: skip
        await self.ask("/?_task=login", form)
        _, page = await self.ask("/?_task=mail&_mbox=INBOX")
        self.token = _found(r'"request_token":"(\w+)"', page)

    async def click(self, kind: str) -> tuple[float, str]:
        """Seconds until the answer was there, and what was wrong with it."""
        _, path, right = CLICKS[kind]
        began = time.perf_counter()
        try:
            status, text = await self.ask(path.format(uid=random.randint(1, MESSAGES)))  # noqa: S311
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self.close()
            return time.perf_counter() - began, type(error).__name__
        seconds = time.perf_counter() - began
        if status != 200 or right not in text:
            return seconds, f"{status}, {'not ' + right if status == 200 else 'no page'}"
        return seconds, ""

    def close(self) -> None:
        """Drop the connection."""
        if self._line:
            self._line[1].transport.abort()
        self._line = None


@dataclass
class Side:
    """One of the two: its windows, and what their clicks gave."""

    name: str
    windows: Sequence[Window]
    seconds: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    loads: list[float] = field(default_factory=list)

    async def sign_in(self) -> None:
        """A few at a time, as in a morning."""
        turn = asyncio.Semaphore(8)

        async def one(window: Window) -> None:
            async with turn:
                await window.sign_in()

        await asyncio.gather(*map(one, self.windows))

    async def click(self, seconds: float, think: float) -> None:
        """Everybody clicks until the time is over."""
        end = time.monotonic() + seconds
        kinds, weights = list(CLICKS), [weight for weight, _, _ in CLICKS.values()]

        async def one(window: Window) -> None:
            while True:
                pause = random.expovariate(1 / think)
                if time.monotonic() + pause > end:
                    return
                await asyncio.sleep(pause)
                (kind,) = random.choices(kinds, weights)  # noqa: S311
                took, fault = await window.click(kind)
                self.seconds.append(took)
                if fault:
                    self.faults[f"{kind}: {fault}"] += 1

        await asyncio.gather(*map(one, self.windows))

    @property
    def cost(self) -> dict[str, float]:
        """Milliseconds of processors a click, by place."""
        return {place: 1000 * used / len(self.seconds) for place, used in self.used.items()}

    def measures(self) -> list[Measure]:
        """Median and 95 % of the answers; `cpu` is a click's of all places together."""
        cpu, load = sum(self.cost.values()) / 1000, statistics.mean(self.loads)
        cuts = statistics.quantiles(self.seconds, n=20)
        return [
            measured(f"a click, {self.name}, {what}", [Run(value, cpu, load)])
            for what, value in (("median", statistics.median(self.seconds)), ("95 %", cuts[18]))
        ]


def _found(pattern: str, page: str) -> str:
    if found := re.search(pattern, page):
        return found[1]
    raise RuntimeError(f"no {pattern} in: {page[:300]}")


def used(lab: Lab, side: str) -> dict[str, float]:
    """Seconds of processors that the daemons behind a click took so far, by place."""
    found = {}
    for place, (group, units) in ({"web host": ("webmail", _UNITS[side])} | _BEHIND).items():
        commands = "".join(f"python3 - '{unit}' <<'PROGRAM'\n{USED}PROGRAM\n" for unit in units)
        found[place] = sum(map(float, lab.run(group, commands).split()))
    return found


@contextmanager
def peer(lab: Lab) -> Iterator[None]:
    """The Roundcube without anything of ours, beside the webmail."""
    try:
        lab.run("webmail", _SET_UP.format(config=_CONFIG, name=STOCK))
        yield
    finally:
        lab.run("webmail", _TAKE_DOWN, check=False)
        lab.run("accounts", f'cd / && runuser -u postgres -- psql -qd {_database(lab)} -c "{_FORGET}"', check=False)


def _database(lab: Lab) -> str:
    """The name of Roundcube's own database."""
    return lab.run("webmail", r"sed -n 's/.*db_dsnw.*\/\([a-z_]*\).*/\1/p' /etc/roundcube/config.inc.php").strip()


def fill(lab: Lab, persons: Sequence[Sample]) -> None:
    """Mail for each to look at."""
    for person in persons:
        with lab.imap(person.address, person.password) as client:
            for number in range(1, MESSAGES + 1):
                mail = message("an@ngoai.example", person.address, text=_TEXT, subject=f"tu{number}")
                status, said = client.append("INBOX", "", "", mail.as_bytes())
                if status != "OK":
                    raise RuntimeError(f"not stored: {said}")


async def run(lab: Lab, sides: Sequence[Side], options: argparse.Namespace) -> None:
    """All sign in; then the sides click in turns."""
    for side in sides:
        await side.sign_in()
    for side in list(itertools.chain(sides, reversed(sides))):
        before = await asyncio.to_thread(used, lab, side.name)
        side.loads.append(os.getloadavg()[0])
        await side.click(options.seconds / 2, options.think)
        after = await asyncio.to_thread(used, lab, side.name)
        side.used.update({place: after[place] - before[place] for place in after})


def table(sides: Sequence[Side], options: argparse.Namespace) -> str:
    """Of both, in Markdown."""
    lines = [
        f"{options.sessions} sessions, {options.seconds:.0f} s of each, a pause of {options.think:g} s on the average; "
        f"{machine()['cores']} processors.\n",
        "| | clicks | errors | median | 95 % | ms of processors a click: web host | mail host | database | load |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for side in sides:
        cuts = statistics.quantiles(side.seconds, n=20)
        cells: list[Any] = [side.name, f"{len(side.seconds):,}", side.faults.total()]
        cells += [f"{1000 * statistics.median(side.seconds):.0f} ms", f"{1000 * cuts[18]:.0f} ms"]
        cells += [f"{cost:.1f}" for cost in side.cost.values()]
        lines.append("| " + " | ".join(map(str, [*cells, f"{statistics.mean(side.loads):.1f}"])) + " |")
    lines += [f"\n{side.name}: {fault} ({count})" for side in sides for fault, count in side.faults.items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, write, and say what failed; exit 1 then."""
    parser = argparse.ArgumentParser(prog="python -m bench.clicks", description=__doc__)
    parser.add_argument("--lab", default="bench", help="a lab as `make up` leaves it")
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=300, help="of clicks, on each side")
    parser.add_argument("--think", type=float, default=10, help="seconds before a click, on the average")
    options = parser.parse_args()
    # A connection is a file.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    lab = Host.named(options.lab).lab
    people = People(lab)
    persons = [people.take() for _ in range(min(PERSONS, options.sessions))]
    name = f"mail.{lab.variables['mail_domain']}"
    turns = list(itertools.islice(itertools.cycle(persons), options.sessions))
    sides = [
        Side(kind, [Window(person, host, lab.address("webmail"), lab.ssl_context, name) for person in turns])
        for kind, host in (("ours", name), ("stock", STOCK))
    ]
    try:
        fill(lab, persons)
        with peer(lab):
            asyncio.run(run(lab, sides, options))
    finally:
        people.forget()
    facts = {side.name: {"clicks": len(side.seconds), "errors": dict(side.faults), "ms": side.cost} for side in sides}
    write("clicks", [each for side in sides for each in side.measures()], facts)
    text = table(sides, options)
    (OUTPUT / "clicks.md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if sides[0].faults else 0


if __name__ == "__main__":
    sys.exit(main())
