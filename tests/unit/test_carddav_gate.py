"""The gate before the address book by CardDAV, with a database whose answers the test chooses."""

import base64
from typing import Any

import pytest

from hanam_mail import carddav_gate

SETTINGS = carddav_gate.CarddavGateConfiguration(conninfo="", realm="Ha Nam Mail", remembered_seconds=60)
OPEN: tuple[Any, ...] = ("open", None)


class Database:
    """Answers with one row, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer = OPEN
        self.asked: list[list[str]] = []
        self.down = False

    def __call__(self, statement: str, values: list[str]) -> list[tuple[Any, ...]]:
        assert "mail.carddav_sign_in(%s, %s, %s)" in statement
        self.asked.append(values)
        if self.down:
            raise carddav_gate.GateUnavailable("OperationalError")
        return [self.answer]


class Door:
    """nginx, which asks."""

    def __init__(self) -> None:
        self.database = Database()
        self.now = 1000.0
        memory = carddav_gate.Remembered(SETTINGS.remembered_seconds, lambda: self.now)
        self.gate = carddav_gate.create(SETTINGS, self.database, memory)

    def ask(self, said: str | bytes | None = "ha:Mật khẩu:1", address: str = "192.0.2.1") -> tuple[int, dict[str, str]]:
        environ = {"HTTP_X_REAL_IP": address}
        if said is not None:
            octets = said.encode() if isinstance(said, str) else said
            environ["HTTP_AUTHORIZATION"] = f"Basic {base64.b64encode(octets).decode()}"
        return self.raw(environ)

    def raw(self, environ: dict[str, str]) -> tuple[int, dict[str, str]]:
        told: list[tuple[str, list[tuple[str, str]]]] = []
        assert list(self.gate(environ, lambda status, headers: told.append((status, headers)))) == []
        ((status, headers),) = told
        return int(status.split()[0]), dict(headers)


@pytest.fixture
def door() -> Door:
    return Door()


def test_name_password_and_place_are_the_databases_to_judge(door: Door) -> None:
    assert door.ask()[0] == 204
    assert door.database.asked == [["ha", "Mật khẩu:1", "192.0.2.1"]]
    door.database.answer = ("refused", None)
    status, headers = door.ask("ha:sai")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="Ha Nam Mail", charset="UTF-8"')
    door.database.answer = ("shut", "Hop thu dang tam khoa [locked:idle]")
    status, headers = door.ask("ha:khac")
    assert (status, headers["X-Reason"]) == (403, "Hop thu dang tam khoa [locked:idle]")
    assert "WWW-Authenticate" not in headers  # no other password would help


def test_a_database_that_is_away_is_no_wrong_password(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    door.database.down = True
    status, headers = door.ask("ha:bi-mat")
    assert status == 503
    assert "WWW-Authenticate" not in headers
    assert "bi-mat" not in capsys.readouterr().err


@pytest.mark.parametrize("said", [None, "", "ha", "ha:", ":x", b"ha:\xff\xfe"])
def test_who_says_no_name_and_password_is_asked_for_them_and_the_database_nothing(
    door: Door, said: str | bytes | None
) -> None:
    status, headers = door.ask(said)
    assert (status, "WWW-Authenticate" in headers) == (401, True)
    assert door.database.asked == []


@pytest.mark.parametrize("header", ["Bearer abc", "Basic", "Basic %%%", "Digest username=ha"])
def test_other_schemes_are_none(door: Door, header: str) -> None:
    assert door.raw({"HTTP_AUTHORIZATION": header})[0] == 401
    assert door.database.asked == []


def test_a_nul_becomes_no_name_that_is_one(door: Door) -> None:
    door.ask("h\0a:x\0")
    assert door.database.asked == [["h\ufffda", "x\ufffd", "192.0.2.1"]]


def test_who_was_let_in_is_asked_about_anew_after_a_minute(door: Door) -> None:
    """A lock, or another password, counts by then; what is refused is looked at each time."""
    for _ in range(3):
        assert door.ask()[0] == 204
    assert len(door.database.asked) == 1
    # Another password, another name, another place.
    for said, address in (("ha:2", "192.0.2.1"), ("hoa:Mật khẩu:1", "192.0.2.1"), ("ha:Mật khẩu:1", "192.0.2.2")):
        door.ask(said, address)
    assert len(door.database.asked) == 4
    door.now += 60
    door.database.answer = ("shut", "khóa")
    status, headers = door.ask()
    assert (status, "X-Reason" in headers) == (403, False)  # not ASCII, so it goes into no header
    door.database.answer = ("refused", None)
    assert [door.ask()[0] for _ in range(2)] == [401, 401]
    assert len(door.database.asked) == 7


def test_what_it_remembers_has_a_bound(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carddav_gate, "_MOST_REMEMBERED", 2)
    memory = carddav_gate.Remembered(60, lambda: door.now)
    for name in "abc":
        memory.keep([name])
    assert [memory.knows([name]) for name in "abc"] == [True, True, False]
    door.now += 60
    memory.keep(["c"])
    assert [memory.knows([name]) for name in "abc"] == [False, False, True]
