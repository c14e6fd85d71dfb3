"""The search behind nginx, as a browser without scripts asks it, over a real socket."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.unit.host.directory.sample import HOSTILE, NOW, ROWS, SITE, person

from hanam_mail.controller import zipapp
from hanam_mail.host.directory import publish


class Behind(HTTPConnection):
    """As nginx asks: over a Unix socket."""

    def __init__(self, door: Path) -> None:
        super().__init__("localhost", timeout=20)
        self.door = str(door)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.door)


class Service:
    """The program as it is shipped, on a socket as systemd gives it."""

    def __init__(self, place: Path) -> None:
        self.place, self.folder, self.door = place, place / "state", place / "door"
        self.folder.mkdir()
        (place / "site.json").write_bytes(SITE)
        self.program = place / "hanam-directory-search"
        self.program.write_bytes(zipapp.program("hanam-directory-search"))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.door))
        self._listener.listen(64)
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        given = self._listener.fileno()

        def third() -> None:
            os.dup2(given, 3)
            os.set_inheritable(3, True)

        return subprocess.Popen(
            [sys.executable, "-I", self.program, self.place / "site.json", self.folder],
            preexec_fn=third, close_fds=False, stderr=subprocess.PIPE,
        )  # fmt: skip

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        connection = Behind(self.door)
        connection.request(method, path)
        answer: HTTPResponse = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def find(self, typed: str) -> str:
        status, text = self.ask(f"/danh-ba/tim?q={quote(typed)}")
        assert status == 200
        return text

    def end(self) -> bytes:
        """What it told the journal."""
        self.process.send_signal(signal.SIGTERM)
        told = self.process.communicate(timeout=20)[1]
        self._listener.close()
        return told


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path)
    publish.publish(ROWS, len(ROWS), SITE, running.folder, NOW, "1")
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.end()


def test_the_program_needs_nothing_but_the_standard_library() -> None:
    names = zipapp.modules("hanam_mail.host.directory.search")
    assert "host/directory/publish.py" not in names
    assert "host/directory/search.py" in names


def test_one_types_without_accents_and_reads_with_them(service: Service) -> None:
    found = service.find("thanh ha so y te")
    assert "Tìm thấy 1 địa chỉ." in found
    assert 'href="mailto:nguyenthithanhha@hanam.gov.vn"' in found
    assert 'href="/danh-ba/co-quan/syt.html"' in found
    assert service.find("Thanh Hà") == service.find("Thanh Hà")


def test_a_new_directory_is_searched_as_soon_as_it_stands(service: Service) -> None:
    assert "Không tìm thấy" in service.find("lemoi")
    publish.publish([*ROWS, person("Lê Mới", "lemoi")], 7, SITE, service.folder, NOW + timedelta(minutes=2), "1")
    assert "lemoi@hanam.gov.vn" in service.find("lemoi")


def test_one_that_cannot_be_read_leaves_the_last_one(service: Service) -> None:
    service.find("ha")
    (service.folder / "broken").mkdir()
    (service.folder / "broken/entries.json").write_text("[{")
    (service.folder / "new").symlink_to("broken")
    (service.folder / "new").rename(service.folder / "current")
    assert "nguyenthithanhha" in service.find("thanh ha")
    assert "vẫn tìm trong danh bạ cũ" in service.end().decode()


def test_before_the_first_directory_it_says_later(service: Service) -> None:
    shutil.rmtree(service.folder)
    status, text = service.ask("/danh-ba/tim?q=ha")
    assert (status, "thử lại" in text) == (503, True)


@pytest.mark.parametrize(
    "query",
    ["", "?q=", "?x=1", "?q=%00", "?q=%ff%fe", "?q=" + "a" * 20000, "?" + "&".join(["q=a"] * 10), "?q=%E2%80%AE",
     "?q=" + quote(HOSTILE), "?q=ha&q=an", "?q[]=ha", "?q=" + quote("' or 1=1 --"), "?q=.*", "?q=" + quote("(a+)+$")],
)  # fmt: skip
def test_whatever_is_typed_is_answered_by_a_page(service: Service, query: str) -> None:
    status, text = service.ask(f"/danh-ba/tim{query}")
    assert status == 200
    assert text.endswith("</html>\n")
    assert "<script" not in text
    assert len(text) < 60_000


def test_a_query_of_a_thousand_fields_and_one_that_is_too_long_are_refused_and_the_next_one_answered(
    service: Service,
) -> None:
    assert service.ask("/danh-ba/tim?" + "&".join(["q=a"] * 1000))[0] == 400
    assert service.ask("/danh-ba/tim?q=" + "a" * 70000)[0] in (400, 414)
    assert service.find("ha")


def test_it_knows_one_path_and_takes_nothing(service: Service) -> None:
    for path in ("/", "/danh-ba/", "/danh-ba/tim/..", "/danh-ba/../entries.json"):
        assert service.ask(path)[0] == 404
    assert service.ask("/danh-ba/tim?q=ha", "POST")[0] == 501
    assert service.ask("/danh-ba/tim?q=ha", "HEAD") == (200, "")


def test_who_says_nothing_or_goes_holds_up_nobody_for_long(service: Service) -> None:
    silent, gone = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    for each in (silent, gone):
        each.connect(str(service.door))
    gone.sendall(b"GET /danh-ba/tim?q=ha HTTP/1.0\r\n\r\n")
    gone.close()
    began = time.monotonic()
    assert "nguyenthithanhha" in service.find("thanh ha")
    assert time.monotonic() - began < 12
    silent.close()


def test_what_was_searched_stands_nowhere(service: Service) -> None:
    service.find("bimatcuatoi")
    service.ask("/nhamduong")
    assert service.end() == b""


def test_it_ends_at_once_when_it_is_told_to_and_when_its_program_was_replaced(service: Service) -> None:
    began = time.monotonic()
    service.find("ha")
    other = service.program.with_suffix(".new")
    other.write_bytes(service.program.read_bytes())
    other.rename(service.program)
    assert service.process.wait(timeout=20) == 0
    # systemd starts the new one, which finds who came meanwhile.
    service.process = service.start()
    service.find("ha")
    service.end()
    assert service.process.returncode == 0
    assert time.monotonic() - began < 10
