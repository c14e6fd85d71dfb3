"""The filter is given its first lessons once, and again when they are others or its memory is empty."""

import email
import email.policy
import json
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
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
    learns = True
    revision = 0
    uptime = 60


class Handler(BaseHTTPRequestHandler):
    server: Controller

    def address_string(self) -> str:
        return ""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        told = {"uptime": self.server.uptime, "statfiles": [{"revision": self.server.revision}, {"revision": 0}]}
        self._say(200, told)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200 and self.server.learns:
            self.server.taught.append((self.path, content))
            self.server.revision += 1
        self._say(self.server.status, {})

    def _say(self, status: int, data: object) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Controller]:
    with Controller(str(tmp_path / "socket"), Handler) as server:
        server.taught = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def teach(folder: Path, digest: str = "eins", sleep: Callable[[float], None] = lambda _: None) -> str:
    file = folder / "lessons.json"
    file.write_text(json.dumps({"digest": digest, "lessons": LESSONS}), encoding="utf-8")
    return first_lessons.teach(file, str(folder / "socket"), folder / "stamp", sleep)


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


def test_a_filter_that_has_just_started_is_taught_nothing(controller: Controller, tmp_path: Path) -> None:
    """It says that it learns, and loses some."""
    controller.uptime = 2
    assert teach(tmp_path) == "it has just started"
    assert controller.taught == []

    def passes(_: float) -> None:
        controller.uptime = 60

    assert teach(tmp_path, sleep=passes) == ""
    assert len(controller.taught) == 5


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
    controller.status, controller.revision = 208, 5
    assert teach(tmp_path) == ""
    assert (tmp_path / "stamp").read_text() == "eins 5\n"


@pytest.mark.parametrize("status", [200, 204, 208])
@pytest.mark.parametrize("known", [0, 1])
def test_a_filter_that_takes_all_and_knows_nothing_is_a_trouble_each_time(
    controller: Controller, tmp_path: Path, status: int, known: int
) -> None:
    controller.status, controller.learns, controller.revision = status, False, known
    for _ in range(2):
        with pytest.raises(first_lessons.Forgetful, match=f"took 3 of them, and knows {known} messages"):
            teach(tmp_path)
    assert not (tmp_path / "stamp").exists()
    controller.status, controller.learns = 200, True
    assert teach(tmp_path) == ""
    assert (tmp_path / "stamp").read_text() == f"eins {known + 5}\n"


@pytest.mark.parametrize(("known", "status"), [(0, 2), (5, 0)])
def test_systemd_is_told_a_trouble_that_would_be_the_same_again(
    controller: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int, status: int
) -> None:
    controller.learns, controller.revision = False, known
    teach_at_once = partial(first_lessons.teach, sleep=lambda _: None)
    monkeypatch.setattr(first_lessons, "teach", teach_at_once)
    (tmp_path / "lessons").write_text(json.dumps({"digest": "eins", "lessons": LESSONS}), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["", *(str(tmp_path / name) for name in ("lessons", "socket", "stamp"))])
    assert first_lessons.main() == status
    unit = (Path(__file__).parents[3] / "roles/rspamd/templates/first-lessons.service.j2").read_text(encoding="utf-8")
    assert f"\nRestartPreventExitStatus={first_lessons.FORGETFUL}\n" in unit
    (tmp_path / "socket").unlink()
    (tmp_path / "stamp").unlink(missing_ok=True)
    assert first_lessons.main() == first_lessons.AWAY


@pytest.mark.parametrize(
    "stamp", [b"eins 0\n", b"\xff\xfe 7\n", b"", b"eins", b"eins sieben\n", b"eins " + b"9" * 9999]
)
def test_what_was_noted_wrongly_is_taught(controller: Controller, tmp_path: Path, stamp: bytes) -> None:
    (tmp_path / "stamp").write_bytes(stamp)
    controller.revision = 40
    assert teach(tmp_path) == ""
    assert len(controller.taught) == 5
    assert (tmp_path / "stamp").read_text() == "eins 45\n"


def test_a_filter_that_has_just_started_is_asked_twice(controller: Controller, tmp_path: Path) -> None:
    assert teach(tmp_path) == ""
    controller.revision = 0
    pauses: list[float] = []

    def remembers(seconds: float) -> None:
        pauses.append(seconds)
        controller.revision = 5

    assert teach(tmp_path, sleep=remembers) == ""
    assert pauses == [first_lessons.SETTLES]
    assert len(controller.taught) == 5
    assert (tmp_path / "stamp").read_text() == "eins 5\n"


def test_what_most_of_was_forgotten_bit_by_bit_is_taught_again(controller: Controller, tmp_path: Path) -> None:
    assert teach(tmp_path) == ""
    for known, taught in ((3, 5), (2, 5), (1, 10)):
        controller.revision = known
        assert teach(tmp_path) == ""
        assert len(controller.taught) == taught


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
