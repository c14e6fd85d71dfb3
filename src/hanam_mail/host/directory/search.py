"""Searches the public directory without accents and without scripts: `hanam-directory-search SITE FOLDER`.

On the socket that systemd passes, behind nginx: GET <path>tim?q=<words>, answered by a page. It reads what
hanam-directory made and nothing else. What people search for is written nowhere. Requests are answered one by one: a
search of 20,000 takes some ten milliseconds, and nginx takes the slow clients.
"""

import argparse
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from hanam_mail.host.directory import pages
from hanam_mail.host.directory.entries import CURRENT, ENTRIES, MADE, Index, unpacked
from hanam_mail.host.service import Program, say, tell_systemd

if TYPE_CHECKING:
    from socketserver import BaseServer

SHOWN = 100
"""Entries of one answer: who wants all of an agency has its page."""
_PATIENCE = 2.0


class DirectoryAway(Exception):
    """There is no directory that can be read."""


class Search:
    """The newest directory in a folder, read anew when another takes its place."""

    def __init__(self, site: pages.DirectorySite, folder: Path) -> None:
        self._site, self._folder = site, folder
        self._read: Path | None = None
        self._index = Index(())
        self._made: datetime | None = None

    def page(self, typed: str) -> str:
        """What is found, as a page. Raises DirectoryAway."""
        self._refresh()
        typed = typed[: pages.TYPED_MOST]
        found, number = self._index.find(typed, SHOWN)
        return pages.found_page(self._site, typed, found, number, self._made)

    def _refresh(self) -> None:
        try:
            place = (self._folder / CURRENT).readlink()
            if place == self._read:
                return
            index = Index(unpacked((self._folder / place / ENTRIES).read_bytes()))
            made = datetime.fromisoformat(json.loads((self._folder / place / MADE).read_bytes())["made"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            if self._read is None:
                raise DirectoryAway(f"{type(error).__name__}: {error}") from error
            # What was read last is as good as its date.
            say(4, f"danh bạ mới không đọc được, vẫn tìm trong danh bạ cũ: {error}")
            return
        self._read, self._index, self._made = place, index, made


class _Handler(BaseHTTPRequestHandler):
    """One request, then the connection ends."""

    protocol_version = "HTTP/1.0"
    timeout = _PATIENCE
    # Set by `answer`.
    search: Search
    path_of_search: str

    def do_GET(self) -> None:
        """The page, or why there is none."""
        asked = urlsplit(self.path)
        if asked.path != self.path_of_search:
            self._give(HTTPStatus.NOT_FOUND, "Không có trang này.")
            return
        try:
            # Octets that are no UTF-8 become signs that match nothing.
            typed = parse_qs(asked.query, max_num_fields=10).get("q", [""])[0]
            self._give(HTTPStatus.OK, self.search.page(typed))
        except ValueError:
            self._give(HTTPStatus.BAD_REQUEST, "Câu hỏi không hợp lệ.")
        except DirectoryAway as error:
            say(3, f"không có danh bạ để tìm: {error}")
            self._give(HTTPStatus.SERVICE_UNAVAILABLE, "Chưa tìm được, hãy thử lại sau ít phút.")

    do_HEAD = do_GET

    def _give(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        kind = "html" if status is HTTPStatus.OK else "plain"
        self.send_response_only(status)
        self.send_header("Content-Type", f"text/{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody needs to know who searched for what."""


def handler(search: Search, path: str) -> type[BaseHTTPRequestHandler]:
    """What answers a request for that path."""
    return type("Handler", (_Handler,), {"search": search, "path_of_search": path})


def answer(client: socket.socket, kind: type[BaseHTTPRequestHandler]) -> None:
    """One connection; a client that goes or says nonsense is nobody's fault."""
    with client, suppress(OSError):
        kind(client, "", cast("BaseServer", None))


def serve(door: socket.socket, kind: type[BaseHTTPRequestHandler], program: Program) -> None:
    """Until systemd ends it or another program stands in its place."""
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        ending = True

    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGTERM, end)
    door.setblocking(False)
    tell_systemd("READY=1")
    while not ending and not program.replaced:
        tell_systemd("WATCHDOG=1")
        if door not in select.select([door, woken], [], [], 5)[0]:
            continue
        with suppress(BlockingIOError, ConnectionError):
            answer(door.accept()[0], kind)
    # The socket is systemd's: who comes now waits for the next process.
    tell_systemd("STOPPING=1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    parser = argparse.ArgumentParser(prog="hanam-directory-search", description="Tìm trong danh bạ (systemd gọi)")
    parser.add_argument("site", type=Path, help="tệp cấu hình của trang (JSON)")
    parser.add_argument("folder", type=Path, help="thư mục chứa danh bạ")
    given = parser.parse_args(arguments)
    site = pages.DirectorySite.read(given.site.read_bytes())
    # The first socket that systemd hands over (sd_listen_fds(3)).
    door = socket.socket(fileno=3)
    kind = handler(Search(site, given.folder), f"{site.path}{pages.SEARCH}")
    serve(door, kind, Program(Path(sys.argv[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
