"""Folders of new mailboxes are made before anybody comes, and asked for until they are there."""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.host import agent, dovecot
from hanam_mail.host.mail import first_folders

FOLDERS = ("INBOX", "Sent")
THERE = "doveadm(p1): Error: cmd mailbox create: Can't create mailbox Sent: Mailbox already exists"
INFORMS = "doveadm(p1): Info: cmd mailbox create: User no longer exists, skipping"
FAILS = "doveadm(p1): Error: cmd mailbox create: Can't create mailbox INBOX: Internal error occurred."


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Doveadm:
    """Notes for whom it is called; does nothing for some, and with them, as Dovecot may, for all behind them."""

    def __init__(self, *bad: str, away: bool = False) -> None:
        self.bad, self.away = set(bad), away
        self.called: list[list[str]] = []
        self.reckoned: list[str] = []

    def __call__(self, command: Sequence[str]) -> list[str]:
        if command[1:4] == ["quota", "get", "-F"]:
            self.reckoned += Path(command[4]).read_text().splitlines()
            return []
        assert tuple(command[-len(FOLDERS) :]) == FOLDERS
        self.called.append(Path(command[command.index("-F") + 1]).read_text().splitlines())
        return [FAILS] if self.away or self.bad & set(self.called[-1]) else []


def serve(folder: Path, doveadm: first_folders.RunDoveadm) -> tuple[first_folders.FirstFolders, list[float]]:
    slept: list[float] = []
    return first_folders.serve(folder.parent / "store", folder, FOLDERS, doveadm, slept.append), slept


def ask(folder: Path, *mailboxes: str, seconds_ago: float = 0) -> None:
    for mailbox in mailboxes:
        (folder / mailbox).touch()
        os.utime(folder / mailbox, (time.time() - seconds_ago,) * 2)


def test_each_request_is_served_in_batches_and_goes(tmp_path: Path) -> None:
    asked = [f"p{number:04}" for number in range(first_folders.BATCH + 1)]
    ask(tmp_path, *asked)
    doveadm = Doveadm()
    assert serve(tmp_path, doveadm) == (first_folders.FirstFolders(len(asked)), [])
    assert doveadm.called == [asked[:-1], asked[-1:]]
    assert doveadm.reckoned == asked
    assert not names(tmp_path)


def test_a_mailbox_that_fails_keeps_no_other_waiting(tmp_path: Path) -> None:
    ask(tmp_path, *(f"p{number:04}" for number in range(first_folders.BATCH * 2)))
    doveadm = Doveadm("p0000")
    outcome, slept = serve(tmp_path, doveadm)
    assert "p0000" not in doveadm.reckoned and len(doveadm.reckoned) == outcome.made
    assert (outcome.made, outcome.complaints) == (first_folders.BATCH * 2 - 1, [FAILS])
    assert slept == [first_folders.SOONEST]
    assert names(tmp_path) == ["p0000"]


def test_with_dovecot_away_all_requests_stay_and_one_batch_is_tried(tmp_path: Path) -> None:
    asked = [f"p{number:04}" for number in range(first_folders.BATCH + 1)]
    ask(tmp_path, *asked, seconds_ago=200)
    doveadm = Doveadm(away=True)
    outcome, (slept,) = serve(tmp_path, doveadm)
    assert outcome.made == 0
    assert {mailbox for called in doveadm.called for mailbox in called} == set(asked[:-1])
    assert names(tmp_path) == asked
    # The longer it lasts the less often it is tried.
    assert slept == pytest.approx(20, abs=1)


def test_a_request_that_fails_for_a_day_is_given_up(tmp_path: Path) -> None:
    ask(tmp_path, "p1", seconds_ago=first_folders.GIVEN_UP_SECONDS)
    ask(tmp_path, "p2", "p3")
    outcome, (slept,) = serve(tmp_path, Doveadm("p1", "p3"))
    assert (outcome.made, outcome.given_up) == (1, ["p1"])
    assert names(tmp_path) == ["p3"]
    assert slept == first_folders.LATEST


@pytest.mark.parametrize(("seconds", "code", "level"), [(1, 0, "<4>"), (first_folders.ALARM_SECONDS, 1, "<3>")])
def test_the_operator_hears_of_what_lasts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seconds: float,
    code: int,
    level: str,
) -> None:
    outcome = first_folders.FirstFolders(3, [FAILS] * (first_folders.SHOWN + 1), seconds)
    monkeypatch.setattr(first_folders, "serve", lambda store, requests, folders: outcome)
    assert first_folders._run(argparse.Namespace(store=tmp_path, requests=tmp_path, folders=["INBOX"])) == code
    assert capsys.readouterr().out.count(f"{level}{FAILS}\n") == first_folders.SHOWN


def test_each_folder_gets_the_place_of_its_index_of_search(tmp_path: Path) -> None:
    """Of what Dovecot has made; a place that is there already stays as it is."""
    requests, store = tmp_path / "requests", tmp_path / "store"
    requests.mkdir()
    for mailbox in ("p1", "p2", "p3"):
        (store / mailbox / mailbox / "sdbox/mailboxes/INBOX/dbox-Mails").mkdir(parents=True)
    (store / "p1/p1/sdbox/mailboxes/Sent/dbox-Mails").mkdir(parents=True)
    (store / "p2/p2/sdbox/mailboxes/INBOX/dbox-Mails/fts-flatcurve/current.1").mkdir(parents=True)
    ask(requests, "p1", "p2", "p3")
    doveadm = Doveadm("p3")
    for _ in range(2):
        outcome, _ = serve(requests, doveadm)
        assert outcome.complaints == [FAILS]
    found = {str(path.relative_to(store)): path.stat().st_mode for path in store.rglob("fts-flatcurve")}
    assert sorted(found) == [
        "p1/p1/sdbox/mailboxes/INBOX/dbox-Mails/fts-flatcurve",
        "p1/p1/sdbox/mailboxes/Sent/dbox-Mails/fts-flatcurve",
        "p2/p2/sdbox/mailboxes/INBOX/dbox-Mails/fts-flatcurve",
    ]
    assert found["p1/p1/sdbox/mailboxes/INBOX/dbox-Mails/fts-flatcurve"] & 0o777 == 0o700
    assert (store / "p2/p2/sdbox/mailboxes/INBOX/dbox-Mails/fts-flatcurve/current.1").is_dir()


def test_a_place_that_dovecot_makes_meanwhile_is_no_complaint(tmp_path: Path) -> None:
    (tmp_path / "p1/p1/sdbox/mailboxes/INBOX/dbox-Mails").mkdir(parents=True)
    # Not there for who looks, there for who makes it.
    (tmp_path / "p1/p1/sdbox/mailboxes/INBOX/dbox-Mails/fts-flatcurve").symlink_to("nowhere")
    assert first_folders.make_places(tmp_path, ["p1"], FOLDERS) == []


def test_a_place_that_cannot_be_made_is_told_and_the_request_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = tmp_path / "requests"
    requests.mkdir()
    ask(requests, "p1")
    monkeypatch.setattr(first_folders, "make_places", lambda store, mailboxes, folders: ["mkdir: No space left"])
    outcome, _ = serve(requests, Doveadm())
    assert (outcome.made, outcome.complaints) == (1, ["mkdir: No space left"])
    assert not names(requests)


def test_what_is_no_mailbox_is_not_asked_for(tmp_path: Path) -> None:
    for name in ("p1", "-A", "x y", "*"):
        (tmp_path / name).touch()
    doveadm = Doveadm()
    serve(tmp_path, doveadm)
    assert doveadm.called == [["p1"]]
    assert not names(tmp_path)


def test_an_entry_that_cannot_be_removed_is_waited_with_and_told(tmp_path: Path) -> None:
    (tmp_path / "p1").mkdir()
    outcome, (slept,) = serve(tmp_path, Doveadm())
    assert "p1" in outcome.complaints[0]
    assert slept >= first_folders.SOONEST


@pytest.mark.parametrize(
    ("said", "end", "complaints"),
    [
        ([], "exit 0", []),
        ([INFORMS], "exit 0", []),
        ([THERE, INFORMS], "exit 65", []),
        # So it ends with the database away.
        ([THERE, FAILS], "exit 0", [FAILS]),
        ([FAILS], "exit 75", [FAILS]),
        # The last ones had no turn.
        ([THERE], "kill -9 $$", ["doveadm ended with -9"]),
        ([THERE], "exit 75", ["doveadm ended with 75"]),
        ([], "kill -9 $$", ["doveadm ended with -9"]),
    ],
)
def test_what_doveadm_complains_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Sequence[str], end: str, complaints: list[str]
) -> None:
    program = tmp_path / "doveadm"
    program.write_text("#!/bin/sh\n" + "".join(f'echo "{line}" >&2\n' for line in said) + f"{end}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert first_folders.run(["doveadm"]) == complaints


def test_without_doveadm_there_is_a_complaint(tmp_path: Path) -> None:
    program = str(tmp_path / "nothing")
    assert first_folders.run([program]) == [f"[Errno 2] No such file or directory: '{program}'"]


def test_the_agent_asks_for_new_mailboxes_and_no_others(tmp_path: Path) -> None:
    events = [
        dovecot.OutboxEvent(1, "mailbox.access", "p2", ()),
        dovecot.OutboxEvent(2, "mailbox.created", "p1", ()),
        dovecot.OutboxEvent(3, "everything", None, ()),
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
    configuration = agent.AgentConfiguration("mail", "dsn", ("doveadm",), new=tmp_path)
    with pytest.raises(OSError, match="Dovecot is down"):
        agent.catch_up(Outbox(), configuration, act)
    act.up = True
    assert agent.catch_up(Outbox(), configuration, act) == 1
    assert names(tmp_path) == ["p1"]


def test_no_lock_waits_for_folders_that_cannot_be_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    agent.ask_for_folders(
        [dovecot.OutboxEvent(number, "mailbox.created", "p1", ()) for number in (1, 2)], tmp_path / "gone"
    )
    assert len(caplog.records) == 1
