"""Folders of new mailboxes are made before anybody comes, and asked for until they are there."""

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


def serve(folder: Path, doveadm: Doveadm) -> tuple[int, list[str], list[float]]:
    slept: list[float] = []
    return *first_folders.serve(folder, FOLDERS, doveadm, slept.append), slept


def test_each_request_is_served_in_batches_and_goes(tmp_path: Path) -> None:
    names = [f"p{number:04}" for number in range(first_folders.BATCH + 1)]
    for name in names:
        (tmp_path / name).touch()
    doveadm = Doveadm()
    assert serve(tmp_path, doveadm) == (len(names), [], [])
    assert doveadm.made == [names[:-1], names[-1:]]
    assert not list(tmp_path.iterdir())


def test_folders_that_are_there_are_no_failure(tmp_path: Path) -> None:
    (tmp_path / "p1").touch()
    assert serve(tmp_path, Doveadm(THERE)) == (1, [], [])
    assert not list(tmp_path.iterdir())


def test_a_request_that_failed_stays_and_those_before_it_are_done(tmp_path: Path) -> None:
    for number in range(first_folders.BATCH + 1):
        (tmp_path / f"p{number:04}").touch()

    class FailsLater(Doveadm):
        def __call__(self, command: Sequence[str]) -> list[str]:
            self.complaints = [THERE, "doveadm(p2): Error: Userdb lookup failed"] if self.made else []
            return super().__call__(command)

    assert serve(tmp_path, FailsLater()) == (
        first_folders.BATCH,
        ["doveadm(p2): Error: Userdb lookup failed"],
        [first_folders.AGAIN_SECONDS],
    )
    assert [path.name for path in tmp_path.iterdir()] == [f"p{first_folders.BATCH:04}"]


def test_what_is_no_mailbox_is_not_asked_for(tmp_path: Path) -> None:
    for name in ("p1", "-A", "x y", "*"):
        (tmp_path / name).touch()
    doveadm = Doveadm()
    serve(tmp_path, doveadm)
    assert doveadm.made == [["p1"]]
    assert not list(tmp_path.iterdir())


def test_a_command_that_dies_in_silence_complains(tmp_path: Path) -> None:
    program = tmp_path / "doveadm"
    program.write_text("#!/bin/sh\necho 'doveadm(p1): Info: cmd: User no longer exists, skipping' >&2\nkill -9 $$\n")
    program.chmod(0o755)
    assert first_folders.run([str(program)]) == [f"{program} ended with -9"]
    program.write_text("#!/bin/sh\necho 'doveadm(p1): Info: cmd: User no longer exists, skipping' >&2\n")
    assert first_folders.run([str(program)]) == []


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
