"""Folders of new mailboxes are made before anybody comes, and asked for until they are there."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.host import agent, dovecot
from hanam_mail.host.mail import first_folders

FOLDERS = ("INBOX", "Sent")
THERE = "doveadm(p1): Error: cmd mailbox create: Can't create mailbox Sent: Mailbox already exists"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Doveadm:
    """Notes who was given folders; says what it is told to."""

    def __init__(self, *complaints: str) -> None:
        self.complaints = list(complaints)
        self.made: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> list[str]:
        assert tuple(command[-len(FOLDERS) :]) == FOLDERS
        self.made.append(Path(command[command.index("-F") + 1]).read_text().splitlines())
        return self.complaints


def serve(folder: Path, doveadm: first_folders.Run) -> tuple[first_folders.Outcome, list[float]]:
    slept: list[float] = []
    return first_folders.serve(folder, FOLDERS, doveadm, slept.append), slept


def ask(folder: Path, *mailboxes: str, seconds_ago: float = 0) -> None:
    for mailbox in mailboxes:
        (folder / mailbox).touch()
        os.utime(folder / mailbox, (time.time() - seconds_ago,) * 2)


def test_each_request_is_served_in_batches_and_goes(tmp_path: Path) -> None:
    asked = [f"p{number:04}" for number in range(first_folders.BATCH + 1)]
    ask(tmp_path, *asked)
    doveadm = Doveadm()
    assert serve(tmp_path, doveadm) == (first_folders.Outcome(len(asked)), [])
    assert doveadm.made == [asked[:-1], asked[-1:]]
    assert not names(tmp_path)


def test_folders_that_are_there_are_no_failure(tmp_path: Path) -> None:
    ask(tmp_path, "p1")
    assert serve(tmp_path, Doveadm(THERE)) == (first_folders.Outcome(1), [])
    assert not names(tmp_path)


def test_a_mailbox_that_fails_keeps_no_other_waiting(tmp_path: Path) -> None:
    ask(tmp_path, *(f"p{number:04}" for number in range(first_folders.BATCH + 1)))
    bad = "doveadm(p0001)<7><>: Error: mkdir(/srv/mail/p0/p0001/sdbox) failed: Not a directory"
    outcome, slept = serve(tmp_path, Doveadm(THERE, bad))
    # The complaint comes with each batch here; the second one does not have that mailbox.
    assert outcome == first_folders.Outcome(first_folders.BATCH, [bad, bad])
    assert slept == [first_folders.SOONEST]
    assert names(tmp_path) == ["p0001"]


@pytest.mark.parametrize(
    "line",
    [
        "doveadm: Error: cmd mailbox create: Failed to iterate through some users",
        "[Errno 2] No such file or directory: 'doveadm'",
        "doveadm ended with -9",
    ],
)
def test_with_dovecot_away_all_requests_stay_and_one_batch_is_tried(tmp_path: Path, line: str) -> None:
    asked = [f"p{number:04}" for number in range(first_folders.BATCH + 1)]
    ask(tmp_path, *asked, seconds_ago=200)
    doveadm = Doveadm("doveadm(p0000): Error: cmd mailbox create: User lookup failed", line)
    outcome, (slept,) = serve(tmp_path, doveadm)
    assert outcome.made == 0
    assert len(doveadm.made) == 1
    assert names(tmp_path) == asked
    # The longer it lasts the less often it is tried.
    assert slept == pytest.approx(20, abs=1)


def test_a_request_that_fails_for_an_hour_is_given_up(tmp_path: Path) -> None:
    ask(tmp_path, "p1", seconds_ago=first_folders.GIVEN_UP_SECONDS)
    ask(tmp_path, "p2", "p3")
    outcome, (slept,) = serve(tmp_path, Doveadm("doveadm(p1): Error: x", "doveadm(p3): Error: x"))
    assert (outcome.made, outcome.given_up) == (1, ["p1"])
    assert names(tmp_path) == ["p3"]
    assert slept == first_folders.LATEST


def test_what_is_no_mailbox_is_not_asked_for(tmp_path: Path) -> None:
    for name in ("p1", "-A", "x y", "*"):
        (tmp_path / name).touch()
    doveadm = Doveadm()
    serve(tmp_path, doveadm)
    assert doveadm.made == [["p1"]]
    assert not names(tmp_path)


def test_a_command_that_dies_in_silence_complains(tmp_path: Path) -> None:
    program = tmp_path / "doveadm"
    program.write_text("#!/bin/sh\necho 'doveadm(p1): Info: cmd: User no longer exists, skipping' >&2\nkill -9 $$\n")
    program.chmod(0o755)
    assert first_folders.run([str(program)]) == [f"{program} ended with -9"]
    program.write_text("#!/bin/sh\necho 'doveadm(p1): Info: cmd: User no longer exists, skipping' >&2\n")
    assert first_folders.run([str(program)]) == []
    # So it ends with the database away.
    program.write_text("#!/bin/sh\necho 'doveadm(p1): Error: cmd: User lookup failed' >&2\n")
    assert first_folders.run([str(program)]) == ["doveadm(p1): Error: cmd: User lookup failed"]
    assert first_folders.run([str(tmp_path / "nothing")]) == [
        f"[Errno 2] No such file or directory: '{tmp_path / 'nothing'}'"
    ]


def test_the_agent_asks_for_new_mailboxes_and_no_others(tmp_path: Path) -> None:
    events = [
        dovecot.Event(1, "mailbox.access", "p2", ()),
        dovecot.Event(2, "mailbox.created", "p1", ()),
        dovecot.Event(3, "everything", None, ()),
    ]
    agent.ask_for_folders(events, tmp_path)
    agent.ask_for_folders(events, None)
    assert names(tmp_path) == ["p1"]


def test_folders_are_asked_for_when_dovecot_has_forgotten_that_it_knew_no_such_mailbox(tmp_path: Path) -> None:
    waiting: list[tuple[Any, ...]] = [(1, "mailbox.created", "p1", ["p1"], {})]

    class Outbox:
        def execute(self, statement: str, _values: object) -> list[Any]:
            if "agent_next" in statement:
                return list(waiting)
            waiting.clear()
            return []

    class Dovecot:
        up = False

        def __call__(self, command: Sequence[str]) -> str:
            assert not names(tmp_path)
            if not self.up:
                raise OSError("Dovecot is down")
            return ""

    act = Dovecot()
    configuration = agent.Configuration("mail", "dsn", ("doveadm",), new=tmp_path)
    with pytest.raises(OSError, match="Dovecot is down"):
        agent.catch_up(Outbox(), configuration, act)
    act.up = True
    # One that cannot be asked for waits in the outbox.
    with pytest.raises(OSError, match="gone"):
        agent.catch_up(Outbox(), replace(configuration, new=tmp_path / "gone"), act)
    assert agent.catch_up(Outbox(), configuration, act) == 1
    assert names(tmp_path) == ["p1"]
