"""The filter is given its first lessons once, and again when they are others or its memory is empty."""

import email
import email.policy
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest

from hanam_mail.host.mail import first_lessons

LESSONS = [["Thư mời\nKính mời đồng chí dự họp", True], ["Vay tiền nhanh, đáo hạn", False], ["loan offer", False]]


class Controller(ThreadingMixIn, UnixStreamServer):
    """Answers like rspamd's, and notes what it was taught."""

    daemon_threads = True
    taught: list[tuple[str, bytes]]
    status = 200
    revision = 0


class Handler(BaseHTTPRequestHandler):
    server: Controller

    def address_string(self) -> str:
        return ""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._say(200, {"statfiles": [{"revision": self.server.revision}, {"revision": 0}]})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            self.server.taught.append((self.path, content))
            self.server.revision += 1
        self._say(self.server.status, {})

    def _say(self, status: int, data: object) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_lessons, "SETTLES", 0.0)


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Controller]:
    with Controller(str(tmp_path / "socket"), Handler) as server:
        server.taught = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def teach(folder: Path, digest: str = "eins") -> str:
    file = folder / "lessons.json"
    file.write_text(json.dumps({"digest": digest, "lessons": LESSONS}), encoding="utf-8")
    return first_lessons.teach(file, str(folder / "socket"), folder / "stamp")


def test_every_lesson_is_taught_as_what_it_is(controller: Controller, tmp_path: Path) -> None:
    assert teach(tmp_path) == ""
    paths = [path for path, _ in controller.taught]
    assert paths == ["/learnham", "/learnham", "/learnspam", "/learnspam", "/learnspam"]
    mails = [email.message_from_bytes(content, policy=email.policy.default) for _, content in controller.taught]
    assert mails[0]["Subject"] == "Thư mời"
    assert [mail.get_content().strip() for mail in mails] == [
        "Kính mời đồng chí dự họp",
        "Kinh moi dong chi du hop",
        "Vay tiền nhanh, đáo hạn",
        "Vay tien nhanh, dao han",
        "loan offer",
    ]


def test_what_was_learnt_is_not_taught_again(controller: Controller, tmp_path: Path) -> None:
    assert teach(tmp_path) == ""
    assert teach(tmp_path) == ""
    assert len(controller.taught) == 5


def test_other_lessons_are_taught_and_so_is_an_empty_memory(controller: Controller, tmp_path: Path) -> None:
    assert teach(tmp_path) == ""
    assert teach(tmp_path, "zwei") == ""
    assert len(controller.taught) == 10
    controller.revision = 0
    assert teach(tmp_path, "zwei") == ""
    assert len(controller.taught) == 15


def test_a_lost_memory_is_taught_though_people_have_taught_it_something_since(
    controller: Controller, tmp_path: Path
) -> None:
    assert teach(tmp_path) == ""
    controller.revision = 1
    assert teach(tmp_path) == ""
    assert len(controller.taught) == 10
    controller.revision += 3
    assert teach(tmp_path) == ""
    assert len(controller.taught) == 10


def test_what_an_earlier_release_noted_is_taught_once_more(controller: Controller, tmp_path: Path) -> None:
    (tmp_path / "stamp").write_text("eins\n")
    assert teach(tmp_path) == ""
    assert teach(tmp_path) == ""
    assert len(controller.taught) == 5


def test_what_people_teach_makes_the_memory_larger_that_may_be_lost(controller: Controller, tmp_path: Path) -> None:
    assert teach(tmp_path) == ""
    controller.revision = 40
    assert teach(tmp_path) == ""
    assert (tmp_path / "stamp").read_text() == "eins 40\n"
    # A message that is learnt the other way is forgotten first.
    controller.revision = 39
    assert teach(tmp_path) == ""
    assert len(controller.taught) == 5
    controller.revision = 12
    assert teach(tmp_path) == ""
    assert len(controller.taught) == 10


def test_what_the_filter_knows_already_is_no_failure(controller: Controller, tmp_path: Path) -> None:
    controller.status = 208
    assert teach(tmp_path) == ""
    assert (tmp_path / "stamp").read_text() == "eins 0\n"


def test_a_filter_that_is_away_or_refuses_is_asked_again_later(controller: Controller, tmp_path: Path) -> None:
    controller.status = 500
    assert "500" in teach(tmp_path)
    assert not (tmp_path / "stamp").exists()
    controller.status = 200
    assert teach(tmp_path) == ""
    (tmp_path / "socket").unlink()
    assert teach(tmp_path, "zwei") != ""


def test_a_filter_that_knew_them_and_is_away_is_asked_the_next_time(controller: Controller, tmp_path: Path) -> None:
    assert teach(tmp_path) == ""
    (tmp_path / "socket").rename(tmp_path / "away")
    assert teach(tmp_path) == ""
    (tmp_path / "away").rename(tmp_path / "socket")
    controller.revision = 0
    assert teach(tmp_path) == ""
    assert len(controller.taught) == 10


def test_a_connection_is_no_file_of_lessons(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(tmp_path / "socket"))
    assert teach(tmp_path) != ""
