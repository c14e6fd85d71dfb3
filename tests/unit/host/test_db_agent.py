"""What the agent makes of the outbox, without a database or a Dovecot."""

import itertools
import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

import pytest

from hanam_mail.host import agent, dovecot
from hanam_mail.host.agent import AgentConfiguration
from hanam_mail.host.dovecot import OutboxEvent, commands, deeds
from hanam_mail.host.settings_file import ConfigurationError

DOVEADM = ("doveadm",)


def event(seq: int, topic: str, mailbox: str | None = "p3x8d1") -> OutboxEvent:
    return OutboxEvent(seq, topic, mailbox, (mailbox, f"ha@{mailbox}") if mailbox else ())


def test_a_change_of_access_forgets_every_login_name_before_it_kicks() -> None:
    todo = deeds([event(1, "mailbox.profile"), event(2, "mailbox.access"), event(3, "mailbox.access")])
    assert commands(todo, DOVEADM) == [
        ["doveadm", "auth", "cache", "flush", "p3x8d1", "ha@p3x8d1"],
        ["doveadm", "kick", "p3x8d1"],
    ]


def test_a_change_of_profile_kicks_nobody() -> None:
    assert deeds([event(1, "mailbox.profile"), event(2, "mailbox.created", "t5v9c2")]).kick == ()


def test_topics_of_others_are_passed_over() -> None:
    assert commands(deeds([event(1, "filter.map"), event(2, "mailbox.access", None)]), DOVEADM) == []


def test_a_lockout_is_a_warning_on_one_line_whatever_was_typed() -> None:
    told = agent.warnings(
        [
            event(1, "mailbox.access"),
            OutboxEvent(2, "sign_in.lockout", None, (), {"login": "a\nb", "kind": "pair", "address": "192.0.2.1"}),
        ]
    )
    assert told == [r'sign-in lockout {"address": "192.0.2.1", "kind": "pair", "login": "a\nb"}']


def test_what_a_night_changes_is_forgotten_by_name_and_the_others_stay_cached() -> None:
    """A morning is cold only for those whose password ended, not for the province."""
    todo = deeds([event(n, "mailbox.profile", f"m{n}") for n in range(dovecot.WHOLE_CACHE)])
    done = commands(todo, DOVEADM)
    assert 20 < len(done) < dovecot.WHOLE_CACHE / 10
    assert {*map(tuple, (command[:4] for command in done))} == {("doveadm", "auth", "cache", "flush")}
    names = [name for command in done for name in command[4:]]
    assert names == [name for n in range(dovecot.WHOLE_CACHE) for name in (f"m{n}", f"ha@m{n}")]


def test_no_command_is_longer_than_what_dovecot_reads() -> None:
    """An agency's clerks multiply its names; of a longer line Dovecot flushes nothing, and doveadm says it did."""
    names = tuple(f"vanphong{n}.huyenlynhan@hanam.gov.vn*nguyenthithanhha{n}@hanam.gov.vn" for n in range(40))
    todo = deeds(
        [OutboxEvent(1, "mailbox.access", "p3x8d1", names), OutboxEvent(2, "mailbox.access", "t5v9c2", names[:3])]
    )
    flushes = [command[4:] for command in commands(todo, DOVEADM) if "flush" in command]
    assert all(sum(len(name.encode()) + 1 for name in flush) <= 1000 for flush in flushes)
    assert [name for flush in flushes for name in flush] == [*names]


def test_very_many_mailboxes_empty_the_cache_as_a_whole() -> None:
    todo = deeds([event(n, "mailbox.created", f"m{n}") for n in range(dovecot.WHOLE_CACHE + 1)])
    assert commands(todo, DOVEADM) == [["doveadm", "auth", "cache", "flush"]]


@pytest.mark.parametrize(
    ("says", "code"),
    [
        ("Error: auth-master: auth cache flush: Disconnected unexpectedly", 0),
        ("Error: auth-master: auth cache flush: connect(/run/dovecot/auth-master) failed: Connection refused", 0),
        ("doveadm(root): Fatal: no such command", 64),
    ],
)
def test_a_flush_that_reached_nobody_is_a_failure_whatever_doveadm_exits_with(
    tmp_path: Path, says: str, code: int
) -> None:
    doveadm = tmp_path / "doveadm"
    doveadm.write_text(f"#!/bin/sh\necho '0 cache entries flushed'\necho '{says}' >&2\nexit {code}\n")
    doveadm.chmod(0o755)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        dovecot.perform([str(doveadm), "auth", "cache", "flush", "p3x8d1"])
    assert says in failed.value.stderr
    assert failed.value.returncode != 0


def test_a_node_without_dovecot_does_nothing() -> None:
    assert commands(deeds([event(1, "mailbox.access")]), ()) == []


class Dovecot:
    """Connections in turn, some of them from before a restart of the database: each fails once."""

    def __init__(self, stale: list[bool]) -> None:
        self.stale = stale
        self.worker_stale = stale[0]
        self.asked = 0
        self.lock = Lock()

    def __call__(self, command: Sequence[str]) -> None:
        assert command[:2] == ["doveadm", "user"]
        with self.lock:
            if command[-1] == dovecot.EVERYBODY:
                failing, self.worker_stale = self.worker_stale, False
            else:
                assert command[-1] == dovecot.NOBODY
                self.asked += 1
                turn = self.asked % len(self.stale)
                failing, self.stale[turn] = self.stale[turn], False
        if failing:
            raise subprocess.CalledProcessError(75, command, "", "lookup failed")


def test_no_connection_of_before_a_restart_is_left_for_a_person() -> None:
    for stale in ([True] * 4, [False, True, False, True], [False] * 4):
        stand_in, before = Dovecot(list(stale)), sum(stale) + stale[0]
        assert dovecot.settle(DOVEADM, stand_in) == before
        assert stand_in.stale == [False] * 4
        assert not stand_in.worker_stale


def test_a_dovecot_that_gets_no_answers_is_given_up_for_now() -> None:
    def refuse(command: Sequence[str]) -> None:
        raise subprocess.CalledProcessError(75, command, "", "lookup failed")

    with pytest.raises(subprocess.CalledProcessError):
        dovecot.settle(DOVEADM, refuse)
    assert dovecot.settle((), refuse) == 0


def test_a_dovecot_that_comes_back_in_the_last_round_is_given_up_for_the_same_reason() -> None:
    asked = itertools.count(1)

    def refuse_at_first(command: Sequence[str]) -> None:
        if next(asked) <= dovecot.ROUND * (dovecot.ROUNDS - 1):
            raise subprocess.CalledProcessError(75, command, "", "lookup failed")

    with pytest.raises(subprocess.CalledProcessError):
        dovecot.settle(DOVEADM, refuse_at_first)


class Outbox:
    """Stands in for the connection: rows above the cursor, and the cursor."""

    def __init__(self, rows: int) -> None:
        self.rows: list[tuple[Any, ...]] = [(n, "mailbox.access", f"m{n}", [f"m{n}"], {}) for n in range(1, rows + 1)]
        self.cursor = 0

    def execute(self, query: str, parameters: list[Any]) -> list[Any]:
        if "agent_done" in query:
            self.cursor = parameters[1]
            return []
        return [row for row in self.rows if row[0] > self.cursor][: parameters[1]]


def test_the_cursor_moves_only_after_the_deed() -> None:
    outbox, configuration = Outbox(3), AgentConfiguration("mail", "dsn", DOVEADM)

    def fail(command: object) -> None:
        raise OSError("dovecot is away")

    with pytest.raises(OSError, match="away"):
        agent.catch_up(outbox, configuration, fail)
    assert outbox.cursor == 0
    done: list[list[str]] = []
    assert agent.catch_up(outbox, configuration, lambda command: done.append(list(command))) == 3
    assert outbox.cursor == 3
    assert ["doveadm", "kick", "m2"] in done


def test_systemd_hears_that_the_agent_lives_after_each_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first apply of a province is many batches: none of them may look like an agent that hangs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(1)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setattr(agent, "BATCH", 2)
        agent.catch_up(Outbox(3), AgentConfiguration("mail", "dsn", DOVEADM), lambda command: None)
        assert [systemd.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2


def test_of_many_sessions_to_cut_only_those_that_there_are_are_cut_after_the_cache_is_empty() -> None:
    outbox, done = Outbox(dovecot.MANY + 1), list[list[str]]()

    def answer(command: Sequence[str]) -> str:
        done.append(list(command))
        return '[{"username": "m7", "service": "imap"}, {"username": "x1", "service": "imap"}]' * ("who" in command)

    agent.catch_up(outbox, AgentConfiguration("mail", "dsn", DOVEADM), answer)
    assert done == [
        ["doveadm", "auth", "cache", "flush", *(f"m{n}" for n in range(1, dovecot.MANY + 2))],
        ["doveadm", "-f", "json", "who", "-1"],
        ["doveadm", "kick", "m7"],
    ]


@pytest.mark.parametrize("connected", [dovecot.MANY - 1, dovecot.MANY, dovecot.MANY + 1, dovecot.MANY * 4])
def test_however_many_are_connected_each_of_them_is_cut(connected: int) -> None:
    outbox, done = Outbox(dovecot.MANY * 4), list[list[str]]()
    sessions = json.dumps([{"username": f"m{n}", "service": "imap"} for n in range(1, connected + 1)])

    def answer(command: Sequence[str]) -> str:
        done.append(list(command))
        return sessions if "who" in command else ""

    agent.catch_up(outbox, AgentConfiguration("mail", "dsn", DOVEADM), answer)
    assert [command for command in done if "kick" in command] == [
        ["doveadm", "kick", f"m{n}"] for n in range(1, connected + 1)
    ]


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "{}",
        "[]x",
        "not JSON",
        '[{"service": "imap"}]',
        '["m1"]',
        "[1]",
        '{"username": "m1"}',
        '[{"username": null}]',
    ],
)
def test_what_dovecot_says_of_its_sessions_may_be_nonsense_and_everybody_is_cut(nonsense: str) -> None:
    outbox, done = Outbox(dovecot.MANY + 1), list[list[str]]()

    def answer(command: Sequence[str]) -> str:
        done.append(list(command))
        return nonsense if "who" in command else ""

    assert agent.catch_up(outbox, AgentConfiguration("mail", "dsn", DOVEADM), answer) == dovecot.MANY + 1
    kicked = [command[-1] for command in done if "kick" in command]
    assert kicked == [f"m{n}" for n in range(1, dovecot.MANY + 2)]


def test_who_was_shut_out_is_cut_once_more_a_little_later() -> None:
    """A sign-in decided just before the lock enters cache and sessions behind the first flush and kick."""
    outbox, done, now = Outbox(2), list[list[str]](), [100.0]
    outbox.rows[1] = (2, "mailbox.access", "m2", ["m2"], {"again": False})
    pending = agent.Pending(lambda: now[0])

    def act(command: Sequence[str]) -> str:
        done.append(list(command))
        return ""

    assert pending.wait == agent.IDLE_SECONDS
    agent.catch_up(outbox, AgentConfiguration("mail", "dsn", DOVEADM), act, pending)
    assert pending.wait == agent.AGAIN_SECONDS
    done.clear()
    now[0] += agent.AGAIN_SECONDS / 2
    pending.do(DOVEADM, act)
    assert done == []
    now[0] += agent.AGAIN_SECONDS / 2
    pending.do(DOVEADM, act)
    # The second one changed his password: the session that he began with the new one stays.
    assert done == [["doveadm", "auth", "cache", "flush", "m1", "m2"], ["doveadm", "kick", "m1"]]
    pending.do(DOVEADM, act, all_of_it=True)
    assert len(done) == 2


def test_what_is_to_be_done_once_more_is_not_lost_when_dovecot_is_away() -> None:
    pending, done = agent.Pending(lambda: 0.0), list[str]()
    pending.add(deeds([event(1, "mailbox.access")]))

    def fail(command: object) -> None:
        raise OSError("dovecot is away")

    with pytest.raises(OSError, match="away"):
        pending.do(DOVEADM, fail, all_of_it=True)
    pending.do(DOVEADM, lambda command: done.append(command[-1]), all_of_it=True)
    assert done == ["ha@p3x8d1", "p3x8d1"]


def test_a_change_of_profile_is_forgotten_once_more_and_cuts_nobody() -> None:
    """A question under way brings the old quota, or an address that ended, back into the cache, for its whole time."""
    again = dovecot.later(
        [event(1, "mailbox.profile"), OutboxEvent(2, "mailbox.access", "t5v9c2", ("t5v9c2",), {"again": False})]
    )
    assert commands(again, DOVEADM) == [["doveadm", "auth", "cache", "flush", "p3x8d1", "ha@p3x8d1", "t5v9c2"]]
    assert dovecot.later([event(1, "filter.map", None)]).nothing


def test_an_agent_that_missed_changes_forgets_everything_and_cuts_everybody() -> None:
    missed = OutboxEvent(7, "everything", None, ())
    assert commands(deeds([missed]), DOVEADM) == [["doveadm", "auth", "cache", "flush"], ["doveadm", "kick", "*"]]
    assert dovecot.later([missed]) == deeds([missed])


def test_pauses_grow_to_a_limit() -> None:
    assert agent.pause(1) <= 0.5
    assert agent.MAX_PAUSE_SECONDS / 2 <= agent.pause(1000) <= agent.MAX_PAUSE_SECONDS


def test_an_agent_that_gets_nothing_through_for_minutes_is_an_error_in_the_journal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Then who is locked signs in from the cache, and nothing else would tell it."""
    now, tries = [0.0], [0]

    def fail(*_: object) -> None:
        tries[0] += 1
        now[0] += 30
        if now[0] > agent.ALARM_SECONDS * 2.5:
            raise KeyboardInterrupt
        raise OSError("no route to host")

    psycopg = SimpleNamespace(Error=type("Error", (Exception,), {}))
    monkeypatch.setitem(sys.modules, "psycopg", psycopg)
    monkeypatch.setattr(agent, "listen", fail)
    monkeypatch.setattr(agent, "Program", lambda path: None)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.NullHandler(), caplog.handler])
    with pytest.raises(KeyboardInterrupt):
        agent.run(AgentConfiguration("mail", "dsn", DOVEADM))
    assert [record.levelname for record in caplog.records].count("WARNING") == tries[0] - 1
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert ["for 5 minutes" in error for error in errors] == [True, False]
    levels = {logging.INFO: "<6>", logging.WARNING: "<4>", logging.ERROR: "<3>"}
    for level, priority in levels.items():
        line = agent._JournalFormatter().format(logging.LogRecord("", level, "", 0, "x", None, None))
        assert line.startswith(priority)


def test_the_outbox_is_read_before_anything_else_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock must get through whatever is wrong with a report, and its queue be held although Dovecot is down."""
    done: list[str] = []

    class Connection:
        def __enter__(self) -> "Connection":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def execute(self, *_: object) -> None:
            pass

    def fail(*_: object) -> None:
        raise RuntimeError("no virus is counted")

    monkeypatch.setitem(sys.modules, "psycopg", SimpleNamespace(connect=lambda *_, **__: Connection()))
    monkeypatch.setattr(agent, "catch_up", lambda *_, **__: done.append("outbox"))
    monkeypatch.setattr(dovecot, "settle", lambda *_: done.append("Dovecot asked"))
    monkeypatch.setattr(agent.Pending, "do", lambda *_, **__: done.append("once more"))
    monkeypatch.setattr(agent.Reports, "carry", fail)
    with pytest.raises(RuntimeError, match="no virus"):
        agent.listen(
            AgentConfiguration("mail", "dsn", ()), agent.Pending(), agent.Tries(), SimpleNamespace(replaced=False)
        )
    assert done == ["outbox", "Dovecot asked", "outbox", "once more"]


def test_a_wrong_configuration_is_told(tmp_path: Path) -> None:
    file = tmp_path / "agent.yml"
    file.write_text("node: mail\n")
    with pytest.raises(ConfigurationError, match="keys node, dsn and doveadm"):
        AgentConfiguration.read(file)
    file.write_text("{node: mail, dsn: dbname=mail, doveadm: doveadm}")
    with pytest.raises(ConfigurationError, match="list of words"):
        AgentConfiguration.read(file)
