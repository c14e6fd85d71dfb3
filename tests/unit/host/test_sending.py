"""What follows when an account sends too much: its queue is held, its viruses are counted (Đ7.2b)."""

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hanam_mail.host import agent, dovecot
from hanam_mail.host.mail import filter_reports, hold_queue
from hanam_mail.host.settings_file import ConfigurationError

pytestmark = pytest.mark.dieu7


class Queue:
    """A Postfix queue: number -> (queue, sender, login)."""

    def __init__(self, **messages: tuple[str, str, str]) -> None:
        self.messages = messages
        self.held: list[str] = []
        self.read = 0
        self.read_when_held: list[int] = []
        self.broken = False

    def __call__(self, command: Sequence[str], given: str = "") -> str:
        if self.broken:
            raise subprocess.CalledProcessError(1, command)
        if command[0] == "postqueue":
            return "\n".join(
                json.dumps({"queue_id": number, "queue_name": queue, "sender": sender}, ensure_ascii=False)
                for number, (queue, sender, _) in self.messages.items()
            )
        if command[0] == "postcat":
            self.read += 1
            login = self.messages[command[-1]][2]
            return f"sender: x\nnamed_attribute: sasl_username={login}\n" if login else "sender: x\n"
        self.held += given.split()
        self.read_when_held.append(self.read)
        return ""


def test_what_the_login_handed_in_is_held_under_whichever_address_it_wrote() -> None:
    queue = Queue(
        A1=("deferred", "an@x.vn", "p1"),
        A2=("active", "s\u2028o@x.vn", "p1"),  # postqueue writes it as it is
        A3=("deferred", "so@x.vn", "p2"),
        A4=("deferred", "an@x.vn", ""),
        A5=("hold", "an@x.vn", "p1"),
        A6=("deferred", "MAILER-DAEMON", ""),
        A7=("deferred", "an@x.vn", "p11"),
    )
    assert hold_queue.hold({"p1"}, queue) == 2
    assert queue.held == ["A1", "A2"]


def test_what_is_found_is_held_before_the_whole_queue_is_read() -> None:
    """Each message of a flood is read by a program of its own; meanwhile the rest of it would leave."""
    messages = {f"A{number}": ("deferred", "an@x.vn", "p1") for number in range(hold_queue.BATCH * 2 + 1)}
    queue = Queue(**messages)
    assert hold_queue.hold({"p1"}, queue) == len(messages)
    assert queue.held == list(messages)
    assert queue.read_when_held == [hold_queue.BATCH, hold_queue.BATCH * 2, len(messages)]


def test_a_request_stays_until_it_is_done_and_strange_names_mean_nothing(tmp_path: Path) -> None:
    queue = Queue(A1=("deferred", "an@x.vn", "p1"))
    for name in ("p1", "..x", "P;1"):
        (tmp_path / name).touch()
    queue.broken = True
    with pytest.raises(subprocess.CalledProcessError):
        hold_queue.serve(tmp_path, queue, lambda seconds: None)
    assert (tmp_path / "p1").exists()
    queue.broken = False
    # Looked at once more, for what was being taken when the lock came.
    assert hold_queue.serve(tmp_path, queue, lambda seconds: None) == ({"p1"}, 2)
    assert list(tmp_path.iterdir()) == []


def test_a_request_that_cannot_be_removed_is_waited_with(tmp_path: Path) -> None:
    (tmp_path / "p1").mkdir()
    slept: list[float] = []
    with pytest.raises(OSError, match="p1"):
        hold_queue.serve(tmp_path, Queue(), slept.append)
    assert slept == [hold_queue.AGAIN_SECONDS]


def test_the_agent_asks_for_the_queue_of_whom_a_lock_names(tmp_path: Path) -> None:
    events = [dovecot.OutboxEvent(1, "mailbox.access", "p2", ()), dovecot.OutboxEvent(2, "mailbox.hold", "p1", ())]
    agent.hold(events, tmp_path)
    agent.hold(events, None)
    assert [path.name for path in tmp_path.iterdir()] == ["p1"]


def test_the_queue_is_held_while_dovecot_is_down_and_dovecot_asked_whatever_the_queue_does(tmp_path: Path) -> None:
    """Neither of the two waits for the other."""
    asked: list[str] = []

    class Outbox:
        def execute(self, statement: str, _values: object) -> list[Any]:
            assert "agent_next" in statement, "not done while one of the two fails"
            return [(1, "mailbox.hold", "p1", [], {}), (2, "mailbox.access", "p1", ["p1"], {})]

    def dovecot(command: Sequence[str]) -> str:
        asked.append(command[-1])
        raise OSError("Dovecot is down")

    configuration = agent.AgentConfiguration("mail", "dsn", ("doveadm",), hold=tmp_path)
    with pytest.raises(OSError, match="Dovecot is down"):
        agent.catch_up(Outbox(), configuration, dovecot)
    assert [path.name for path in tmp_path.iterdir()] == ["p1"]
    no_folder = replace(configuration, hold=tmp_path / "gone")
    asked.clear()
    with pytest.raises(OSError, match=r"gone|down"):
        agent.catch_up(Outbox(), no_folder, dovecot)
    assert asked == ["p1"]


def test_what_an_operator_lets_go_while_dovecot_is_down_is_not_held_again(tmp_path: Path) -> None:
    """The lock stands, and the events wait for Dovecot; the queue was held for them already."""
    waiting = [(1, "mailbox.hold", "p1", [], {"locked": True}), (2, "mailbox.access", "p1", ["p1"], {})]

    class Outbox:
        def execute(self, statement: str, _values: object) -> list[Any]:
            assert "agent_next" in statement
            return list(waiting)

    def dovecot(command: Sequence[str]) -> str:
        raise OSError("Dovecot is down")

    configuration = agent.AgentConfiguration("mail", "dsn", ("doveadm",), hold=tmp_path)
    pending = agent.Pending()

    def asked() -> list[str]:
        with pytest.raises(OSError, match="Dovecot is down"):
            agent.catch_up(Outbox(), configuration, dovecot, pending)
        names = [path.name for path in tmp_path.iterdir()]
        for name in names:
            (tmp_path / name).unlink()  # held by hold_queue.py; the operator looks, and lets it go
        return names

    assert [asked(), asked()] == [["p1"], []]
    waiting.append((3, "mailbox.hold", "p2", [], {"locked": True}))
    assert [asked(), asked()] == [["p2"], []]
    # One that could not be asked for is asked for again.
    waiting.append((4, "mailbox.hold", "p3", [], {"locked": True}))
    with pytest.raises(OSError, match=r"gone|down"):
        agent.catch_up(Outbox(), replace(configuration, hold=tmp_path / "gone"), dovecot, pending)
    assert asked() == ["p3"]


def test_a_lock_that_was_lifted_meanwhile_holds_nothing(tmp_path: Path) -> None:
    events = [
        dovecot.OutboxEvent(1, "mailbox.hold", "p1", (), {"locked": False}),
        dovecot.OutboxEvent(2, "mailbox.hold", "p2", (), {"locked": True}),
    ]
    agent.hold(events, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["p2"]


class Redis:
    def __init__(self, *logins: str) -> None:
        self.logins = list(logins)
        self.refused: list[str] = []

    def ask(self, *words: str) -> str | None:
        if words[0] == "LINDEX":
            return self.logins[0] if self.logins else None
        if words[0] == "LMOVE":
            self.refused.append(self.logins[0])
        return self.logins.pop(0)


class DatabaseError(Exception):
    """As psycopg's: the server refused a statement."""


class OperationalError(DatabaseError):
    """As psycopg's: the server is away, or cannot do it now."""


@pytest.fixture(autouse=True)
def psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only hosts have it."""
    errors = SimpleNamespace(DatabaseError=DatabaseError, OperationalError=OperationalError)
    monkeypatch.setitem(sys.modules, "psycopg", errors)


class Database:
    def __init__(self, refuses: str = "") -> None:
        self.told: list[str] = []
        self.refuses = refuses
        self.away = False

    def execute(self, _statement: str, values: Sequence[str]) -> Any:
        if self.away:
            raise OperationalError
        if values[0] == self.refuses:
            raise DatabaseError("no such setting")
        self.told.append(values[0])
        return self

    def fetchone(self) -> tuple[bool]:
        return (self.told.count(self.told[-1]) >= 3,)


def test_a_virus_leaves_the_filters_list_when_the_database_has_it() -> None:
    redis, database = Redis("p1", "p2", "p1", "p1"), Database()
    database.away = True
    with pytest.raises(OperationalError):
        filter_reports.carry_viruses(redis, "list", database)  # type: ignore[arg-type]
    assert len(redis.logins) == 4
    database.away = False
    assert filter_reports.carry_viruses(redis, "list", database) == ["p1"]  # type: ignore[arg-type]
    assert database.told == ["p1", "p2", "p1", "p1"]


def test_a_report_that_the_database_refuses_is_laid_aside_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """It would else come first for ever, and keep the agent from the outbox."""
    redis, database = Redis("p1", "x\ny", "p2"), Database(refuses="x\ny")
    assert filter_reports.carry_viruses(redis, "list", database) == []  # type: ignore[arg-type]
    assert database.told == ["p1", "p2"]
    assert redis.refused == ["x\ny"]
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert r'"x\ny"' in record.getMessage()


@pytest.mark.dieu4
def test_mail_of_a_private_service_is_told_with_its_recipients_and_what_is_no_report_laid_aside() -> None:
    told = json.dumps({"service": "mxh.example", "to": ["a@hanam.gov.vn", "b@hanam.gov.vn"]})
    redis, database = Redis(told), Database()
    database.away = True
    with pytest.raises(OperationalError):
        filter_reports.carry_services(redis, "list", database)  # type: ignore[arg-type]
    assert redis.logins == [told]
    database.away = False
    redis.logins = ["no JSON", '{"service": 1}', "[]", told]
    filter_reports.carry_services(redis, "list", database)  # type: ignore[arg-type]
    assert database.told == ["mxh.example"]
    assert redis.refused == ["no JSON", '{"service": 1}', "[]"]


def test_octets_that_are_no_text_stop_nobody() -> None:
    ours, redis = socket.socketpair()
    with ours, redis:
        redis.sendall(b"$2\r\np\xff\r\n")
        assert filter_reports.Redis(ours).ask("LINDEX", "list", "0") == "p\N{REPLACEMENT CHARACTER}"


def test_the_settings_of_the_release_before_serve_until_the_agents_role_has_run(tmp_path: Path) -> None:
    """The program is replaced first: locks must get through meanwhile."""
    file = tmp_path / "agent.yml"
    former = {"socket": "/s", "password": "p", "list": "viruses"}
    file.write_text(json.dumps({"node": "n", "dsn": "d", "doveadm": [], "reports": former}))
    reports = agent.AgentConfiguration.read(file).reports
    assert reports == {"socket": "/s", "password": "p", "viruses": "viruses", "services": ""}
    file.write_text(json.dumps({"node": "n", "dsn": "d", "doveadm": [], "reports": {"socket": "/s"}}))
    with pytest.raises(ConfigurationError, match="viruses"):
        agent.AgentConfiguration.read(file)
