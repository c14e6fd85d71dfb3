"""Folder, database and mail server together: nothing is lost, nothing goes out twice, whatever stops it (Đ3.3)."""

import asyncio
import os
import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hanam_mail import atomic_file
from hanam_mail.host.backup import restore_database
from hanam_mail.host.quarantine import accounts, release, store
from hanam_mail.host.quarantine.accounts import QuarantineAccounts
from hanam_mail.host.quarantine.envelope import Envelope, Recipient
from hanam_mail.host.quarantine.keeper import Keeper
from tests import smtp_server
from tests.database.scratch import Scratch, person, registry
from tests.database.test_held_spam import FLOOD
from tests.smtp_server import Mailbox

pytestmark = [pytest.mark.dieu3, pytest.mark.dieu10]

AN, BINH = "an@ngoai.example", "binh@ngoai.example"
MESSAGE = (
    b"From: <ha1@hanam.gov.vn>\r\nSubject: a\r\nDKIM-Signature: d=hanam.gov.vn; b=x\r\n"
    b"X-Hanam-Hold: secrecy login=box00001 MAT\r\n\r\n.Kinh gui\r\n"
)
SENT = b"From: <ha1@hanam.gov.vn>\r\nSubject: a\r\n\r\n..Kinh gui\r\n"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def postfix() -> Iterator[Mailbox]:
    with smtp_server.running() as mailbox:
        yield mailbox


class Service:
    """What the unit runs, started anew by each call of `started`."""

    def __init__(self, scratch: Scratch, folder: Path, postfix: Mailbox) -> None:
        self.scratch, self.folder, self.postfix = scratch, folder, postfix
        self.taught: list[tuple[str, bytes]] = []
        self.filter_says = ""

    def started(self) -> Keeper:
        def connect() -> smtplib.SMTP:
            client = smtplib.SMTP(*self.postfix.address, timeout=30)
            client.command_encoding = "utf-8"  # type: ignore[attr-defined]
            return client

        def teach(kind: str, octets: bytes) -> str:
            self.taught.append((kind, octets))
            return self.filter_says

        folder, accounts_ = store.Store(self.folder), QuarantineAccounts(self.scratch.dsn("mail_quarantine"))
        return Keeper(folder, accounts_, connect, "hanam.gov.vn", teach)

    def rows(self, what: str = "state") -> list[str]:
        return self.scratch.psql(f"select {what} from mail.held_recipient order by message_id, address").split("\n")

    def decide(self, decision: str, number: int = 1, doubtful: bool = False) -> None:
        self.scratch.psql(f"select mail.held_decide({number}, null, '{decision}', 'thử', {doubtful})")

    def again(self) -> None:
        """What was put off is due."""
        self.scratch.psql("update mail.held_message set next_try = now()")


@pytest.fixture
def service(scratch: Scratch, tmp_path: Path, postfix: Mailbox) -> Service:
    scratch.apply(registry(person(1)))
    folder = tmp_path / "held"
    folder.mkdir()
    return Service(scratch, folder, postfix)


def hand_over(keeper: Keeper, *addresses: str, octets: bytes = MESSAGE, queue_id: str = "4hX") -> dict[str, str]:
    """As Postfix does; raises what stands in the way. The answers for those who are to be tried again."""
    message = Envelope("ha1@hanam.gov.vn", queue_id=queue_id, body="8BITMIME", ret="HDRS", envid="E1")
    for address in addresses or (AN, BINH):
        message.add(Recipient(address, notify="FAILURE", orcpt=f"rfc822;{address}"))
    draft = keeper.draft()
    try:
        draft.add(octets)
        return asyncio.run(keeper.keep(draft, message))
    finally:
        draft.drop()


def test_a_message_is_held_decided_and_goes_out_as_it_was(service: Service, postfix: Mailbox) -> None:
    keeper = service.started()
    hand_over(keeper)
    keeper.round()
    assert service.rows() == ["held", "held"]
    assert postfix.taken == [], "nobody has it until somebody decides"
    service.decide("release")
    keeper.round()
    keeper.round()
    assert service.rows("state, queued_as") == ["released|4hQueue"] * 2
    ((sender, receivers, octets),) = postfix.taken
    assert sender == "MAIL FROM:<ha1@hanam.gov.vn> BODY=8BITMIME RET=HDRS ENVID=E1"
    assert receivers == [f"RCPT TO:<{who}> NOTIFY=FAILURE ORCPT=rfc822;{who}" for who in (AN, BINH)]
    assert octets == SENT
    assert list(service.folder.iterdir()) == []
    assert service.scratch.psql("select erased_at is not null from mail.held_message") == "t"


def test_a_message_that_is_dropped_goes_nowhere_and_its_file_is_gone(service: Service, postfix: Mailbox) -> None:
    keeper = service.started()
    hand_over(keeper)
    service.decide("drop")
    keeper.round()
    assert (postfix.taken, list(service.folder.iterdir())) == ([], [])
    hand_over(keeper)
    keeper.round()
    assert list(service.folder.iterdir()) == [], "handed over again: it was decided"
    assert service.scratch.psql("select erased_at is not null from mail.held_message") == "t"


def test_a_file_that_a_restore_brings_back_of_a_message_that_was_decided_is_erased_again(service: Service) -> None:
    keeper = service.started()
    hand_over(keeper)
    kept = {path.name: path.read_bytes() for path in service.folder.iterdir()}
    service.decide("drop")
    keeper.round()
    for name, octets in kept.items():
        (service.folder / name).write_bytes(octets)
    service.started().round()
    assert list(service.folder.iterdir()) == []
    assert service.rows() == ["dropped", "dropped"]


def test_where_little_room_is_left_nothing_is_taken(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database may lie on the same disk."""
    keeper = service.started()
    monkeypatch.setattr(store, "RESERVE", 2**62)
    with pytest.raises(OSError, match="too little room"):
        hand_over(keeper)
    assert list(service.folder.iterdir()) == []


def test_numbers_are_not_given_again_after_the_database_was_restored(service: Service) -> None:
    """Letters and documents name them: 'release 12' must never mean another message."""
    keeper = service.started()
    hand_over(keeper)
    service.scratch.psql(restore_database.NUMBERS)
    hand_over(keeper, queue_id="4hY")
    first, second = service.scratch.psql("select id from mail.held_message order by id").split()
    assert int(second) > int(first) + 1000
    service.scratch.psql("begin; drop table mail.held_message cascade;" + restore_database.NUMBERS + "; rollback")


# --- In ---

POINTS: list[tuple[Any, str]] = [
    (os, "fsync"),
    (atomic_file, "create"),
    (atomic_file, "sync"),
    (Path, "rename"),
    (accounts.QuarantineAccounts, "_rows"),
    (Path, "unlink"),
]


def stopping(nth: int, after: bool, stop: Callable[[], BaseException]) -> Callable[[Any], Any]:
    """Wraps functions so that their nth call together is the last of the process, before or after it is done."""
    count = 0

    def wrap(real: Any) -> Any:
        def call(*words: Any, **more: Any) -> Any:
            nonlocal count
            count += 1
            if count > nth:
                raise stop()
            if count == nth and not after:
                raise stop()
            done = real(*words, **more)
            if count == nth:
                raise stop()
            return done

        return call

    return wrap


@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_while_a_message_comes_it_is_there_once_after_postfix_came_again(
    service: Service, after: bool
) -> None:
    for nth in range(1, 9):
        queue_id = f"4hX{nth}"
        with pytest.MonkeyPatch.context() as patched:
            keeper = service.started()
            wrap = stopping(nth, after, lambda: Killed("here"))
            for place, name in POINTS:
                patched.setattr(place, name, wrap(getattr(place, name)))
            patched.setattr(store.Draft, "drop", lambda _: None)
            with suppress(Killed):
                hand_over(keeper, queue_id=queue_id)
        keeper = service.started()
        keeper.round()
        files = {path.stem for path in service.folder.glob("*.eml")}
        rows = set(service.scratch.psql("select file from mail.held_message").split())
        assert files == rows, "a file without a row or a row without a file"
        hand_over(keeper, queue_id=queue_id)
        assert service.rows() == ["held", "held"] * nth
        assert service.scratch.psql("select count(*) from mail.held_message") == str(nth)
        assert service.scratch.psql("select count(*) from mail.notice where kind = 'held'") == str(nth)
        assert len(list(service.folder.glob("*.eml"))) == nth


def test_while_the_database_is_away_nothing_is_taken_and_nothing_stays(service: Service) -> None:
    keeper = service.started()
    keeper._accounts._dsn = keeper._accounts._dsn.replace("dbname=", "dbname=no")
    with pytest.raises(Exception, match="does not exist"):
        hand_over(keeper)
    assert list(service.folder.iterdir()) == []
    keeper.round()  # says so, and lives
    assert service.scratch.psql("select count(*) from mail.held_message") == "0"


def test_a_connection_that_broke_after_the_row_was_written_is_no_second_message(service: Service) -> None:
    """Whether it was nobody knows then: the file stays, and the next round or Postfix's next try finds out."""
    keeper = service.started()
    keeper.round()
    real = keeper._accounts._rows

    def broken(question: str, *values: Any) -> Any:
        real(question, *values)
        raise accounts.InDoubtError("cut")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(keeper._accounts, "_rows", broken)
        with pytest.raises(accounts.InDoubtError):
            hand_over(keeper)
    keeper.round()
    hand_over(keeper)
    assert service.scratch.psql("select count(*) from mail.held_message") == "1"
    assert service.rows() == ["held", "held"]


def test_a_connection_that_the_server_cut_is_made_anew(service: Service) -> None:
    keeper = service.started()
    keeper.round()
    service.scratch.psql(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hanam-quarantine'"
    )
    with pytest.raises(Exception, match=r"terminat|closed"):
        hand_over(keeper)
    hand_over(keeper)
    assert service.rows() == ["held", "held"]


def test_a_database_that_was_restored_gets_its_rows_from_the_files(service: Service) -> None:
    hand_over(service.started())
    service.scratch.psql("delete from mail.held_message")
    keeper = service.started()
    keeper.round()
    assert service.rows() == ["held", "held"]
    assert (
        service.scratch.psql("select login, subject, arrived_at is not null from mail.held_message") == "box00001|a|t"
    )


def test_a_file_that_makes_no_row_keeps_no_other_from_its_own(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_over(service.started())
    service.scratch.psql("delete from mail.held_message")
    (good,) = service.folder.glob("*.eml")
    odd = {"a": b"{}", "b": b"\xff", "c": good.with_suffix(".json").read_bytes().replace(b'"secrecy"', b'"MAT"')}
    for name, record in odd.items():
        # Before and behind the good one.
        for first in "0f":
            (service.folder / f"{first}{name * 31}.eml").write_bytes(MESSAGE)
            (service.folder / f"{first}{name * 31}.json").write_bytes(record)
    service.started().round()
    assert service.rows() == ["held", "held"]
    assert capsys.readouterr().err.count("<3>") == 6
    assert len(list(service.folder.glob("*.eml"))) == 7, "nothing that nobody can read is thrown away"


def test_a_row_whose_file_is_gone_is_told_once_and_a_file_that_came_back_goes_out(
    service: Service, postfix: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_over(service.started())
    (message,) = service.folder.glob("*.eml")
    saved = message.read_bytes()
    record = message.with_suffix(".json").read_bytes()
    message.unlink()
    for _ in range(2):
        service.started().round()
    assert capsys.readouterr().err.count("không còn tệp") == 1
    assert service.scratch.psql("select lost from mail.held_to_tell()") == "t"
    message.write_bytes(saved)
    message.with_suffix(".json").write_bytes(record)
    keeper = service.started()
    keeper.round()
    assert service.scratch.psql("select lost from mail.held_to_tell()") == "f"
    service.decide("release")
    keeper.round()
    assert len(postfix.taken) == 1


def test_a_file_that_is_damaged_does_not_go_out_and_somebody_is_told(
    service: Service, postfix: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper = service.started()
    hand_over(keeper)
    (message,) = service.folder.glob("*.eml")
    message.write_bytes(MESSAGE.replace(b"Kinh", b"Ganh"))
    hand_over(keeper, queue_id="4hY")
    service.decide("release")
    service.decide("release", 2)
    keeper.round()
    assert "không còn nguyên vẹn" in capsys.readouterr().err
    assert service.rows() == ["held", "held", "released", "released"], "the next one is not kept waiting"
    assert len(postfix.taken) == 1
    assert "nguyên vẹn" in service.rows("failure")[0]


# --- Out ---


@pytest.mark.parametrize(
    ("answers", "states", "taken"),
    [
        ({"RCPT TO:<an": "550 5.1.1 no such user"}, ["held", "released"], 1),
        ({"RCPT TO:<an": "451 4.3.0 later"}, ["releasing", "released"], 1),
        ({"RCPT": "550 5.1.1 no"}, ["held", "held"], 0),
        ({"MAIL": "452 4.3.1 no room"}, ["releasing", "releasing"], 0),
        ({"MAIL": "550 5.7.1 not you"}, ["held", "held"], 0),
        ({"MAIL": ""}, ["releasing", "releasing"], 0),
        ({"DATA": "451 4.3.0 later"}, ["releasing", "releasing"], 0),
        ({"DATA": ""}, ["releasing", "releasing"], 0),
        ({".": "550 5.7.1 Thu chua vi rut / virus"}, ["held", "held"], 0),
        ({".": "451 4.7.1 filter away"}, ["releasing", "releasing"], 0),
        ({".": ""}, ["doubt", "doubt"], 0),
        ({".": "lost"}, ["doubt", "doubt"], 1),
        ({"EHLO": ""}, ["releasing", "releasing"], 0),
    ],
)
def test_each_answer_of_postfix_has_its_end(
    service: Service, postfix: Mailbox, answers: dict[str, str], states: list[str], taken: int
) -> None:
    keeper = service.started()
    hand_over(keeper)
    service.decide("release")
    service.scratch.psql("select mail.held_told('{1}')")
    postfix.answers = answers
    keeper.round()
    assert service.rows() == states
    assert len(postfix.taken) == taken
    # What a person must see to he is told; what is only put off he is not.
    news = service.scratch.psql("select count(*) from mail.held_to_tell() where news")
    assert news == str(int(bool({"held", "doubt"} & set(states))))
    # A server that is well again: what was put off goes, what was refused or is a doubt waits for a person.
    postfix.answers = {}
    service.again()
    keeper.round()
    assert service.rows() == [{"releasing": "released"}.get(state, state) for state in states]
    keeper.round()
    assert len(postfix.taken) == taken + ("releasing" in states)


def test_a_doubt_goes_out_again_only_when_somebody_has_looked(service: Service, postfix: Mailbox) -> None:
    keeper = service.started()
    hand_over(keeper)
    service.decide("release")
    postfix.answers = {".": ""}
    keeper.round()
    postfix.answers = {}
    service.again()
    service.decide("release")
    keeper.round()
    assert postfix.taken == []
    service.decide("release", doubtful=True)
    keeper.round()
    assert service.rows() == ["released", "released"]
    assert len(postfix.taken) == 1


@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_while_a_message_goes_out_it_never_goes_out_twice(
    service: Service, postfix: Mailbox, after: bool
) -> None:
    seen = set()
    for nth in range(1, 28):
        keeper = service.started()
        hand_over(keeper, queue_id=f"4hX{nth}")
        (number,) = service.scratch.psql("select max(id) from mail.held_message").split()
        service.decide("release", int(number))
        postfix.taken.clear()
        with pytest.MonkeyPatch.context() as patched:
            keeper = service.started()
            wrap = stopping(nth, after, lambda: Killed("here"))
            for place, name in (*POINTS, (smtplib.SMTP, "send"), (smtplib.SMTP, "getreply")):
                patched.setattr(place, name, wrap(getattr(place, name)))
            with suppress(Killed):
                keeper.round()
        keeper = service.started()
        for _ in range(3):
            service.again()
            keeper.round()
        states = f"select distinct state from mail.held_recipient where message_id = {number}"
        (end,) = service.scratch.psql(states).split()
        assert end in ("released", "doubt")
        assert len(postfix.taken) <= 1
        assert end == "doubt" or len(postfix.taken) == 1
        seen.add((end, len(postfix.taken)))
        service.decide("drop", int(number), doubtful=True)
        keeper.round()
        assert list(service.folder.iterdir()) == []
    assert ("doubt", 1) in seen, "killed after it was sent and before that was written down"
    assert ("released", 1) in seen


def test_a_result_that_the_database_does_not_take_is_offered_until_it_does(
    service: Service, postfix: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what went out would be a doubt, though its answer was heard."""
    keeper = service.started()
    hand_over(keeper)
    service.decide("release")
    monkeypatch.setattr("hanam_mail.host.quarantine.keeper._AGAIN", 0.01)
    real, fails = keeper._accounts.result, 3

    def away(number: int, outcome: release.ReleaseOutcome) -> None:
        nonlocal fails
        fails -= 1
        if fails >= 0:
            raise OSError("away")
        real(number, outcome)

    monkeypatch.setattr(keeper._accounts, "result", away)
    keeper.round()
    assert service.rows() == ["released", "released"]


def test_nothing_goes_out_when_somebody_decides_otherwise_at_the_last_moment(
    service: Service, postfix: Mailbox
) -> None:
    keeper = service.started()
    hand_over(keeper)
    service.decide("release")
    real = keeper._accounts.sending

    def late(number: int, addresses: list[str]) -> bool:
        service.scratch.psql(f"select mail.held_decide(1, '{{{AN}}}', 'drop', 'khoan', false)")
        return real(number, addresses)

    keeper._accounts.sending = late  # type: ignore[method-assign]
    keeper.round()
    assert (postfix.taken, service.rows()) == ([], ["dropped", "releasing"])
    keeper._accounts.sending = real  # type: ignore[method-assign]
    keeper.round()
    assert service.rows() == ["dropped", "released"]
    assert postfix.taken[0][1] == [f"RCPT TO:<{BINH}> NOTIFY=FAILURE ORCPT=rfc822;{BINH}"]


def test_a_server_that_is_not_there_is_asked_later(service: Service, postfix: Mailbox) -> None:
    keeper = service.started()
    hand_over(keeper)
    service.decide("release")
    there, postfix.address = postfix.address, ("127.0.0.1", 1)
    keeper.round()
    assert service.rows() == ["releasing", "releasing"]
    assert "refused" in service.rows("failure")[0]
    postfix.address = there
    service.again()
    keeper.round()
    assert service.rows() == ["released", "released"]


def test_the_octets_that_are_not_a_dot_of_the_end_are_a_message_of_many_lines(
    service: Service, postfix: Mailbox
) -> None:
    keeper = service.started()
    many = MESSAGE + b".\r\n..\r\n" * 50_000 + b"x" * 500_000 + b"\r\n"
    hand_over(keeper, octets=many)
    service.decide("release")
    keeper.round()
    ((_, _, octets),) = postfix.taken
    assert octets.replace(b"\r\n.", b"\r\n") == many.replace(MESSAGE, SENT.replace(b"..", b"."))


# --- Spam ---

SPAM = MESSAGE.replace(b"secrecy login=box00001 MAT", b"spam score=11.5")
HAM = SENT.replace(b"..Kinh", b".Kinh")


def forget_the_pause(keeper: Keeper, service: Service) -> None:
    keeper._teach_from = 0.0
    service.scratch.psql("update mail.held_message set lesson_next = now()")


@pytest.mark.dieu10
def test_spam_that_was_let_go_teaches_the_filter_once_and_then_its_file_goes(
    service: Service, postfix: Mailbox
) -> None:
    keeper = service.started()
    hand_over(keeper, octets=SPAM)
    assert service.scratch.psql("select kind, score from mail.held_message") == "spam|11.5"
    service.decide("drop", doubtful=False)
    hand_over(keeper, octets=SPAM, queue_id="4hZ")
    service.decide("release", 2)
    for _ in range(3):
        keeper.round()
    assert len(postfix.taken) == 1
    # As the person has it, without what the filter wrote into it.
    assert service.taught == [("ham", HAM)]
    assert list(service.folder.iterdir()) == []


@pytest.mark.dieu10
def test_a_filter_that_is_away_delays_no_delivery_and_learns_later(
    service: Service, postfix: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    keeper = service.started()
    service.filter_says = "timed out"
    for number in range(3):
        hand_over(keeper, octets=SPAM, queue_id=f"4h{number}")
        service.decide("release", number + 1)
    for _ in range(3):
        keeper.round()
    assert len(postfix.taken) == 3
    assert len(service.taught) == 1, "who hangs is not asked for each message"
    assert len(list(service.folder.glob("*.eml"))) == 3
    forget_the_pause(keeper, service)
    keeper.round()
    assert capsys.readouterr().err.count("chưa học được") == 1
    # Another run, after a crash too.
    service.filter_says = ""
    forget_the_pause(keeper, service)
    keeper = service.started()
    keeper.round()
    keeper.round()
    assert service.scratch.psql("select string_agg(distinct lesson, ',') from mail.held_message") == "given"
    assert list(service.folder.iterdir()) == []


@pytest.mark.dieu10
def test_spam_that_is_handed_over_again_while_the_filter_is_away_is_learnt_all_the_same(service: Service) -> None:
    keeper = service.started()
    service.filter_says = "timed out"
    hand_over(keeper, octets=SPAM)
    service.decide("release")
    keeper.round()
    assert service.rows() == ["released", "released"]
    hand_over(keeper, octets=SPAM)
    keeper.round()
    assert len(list(service.folder.glob("*.eml"))) == 1
    service.filter_says = ""
    forget_the_pause(keeper, service)
    keeper.round()
    keeper.round()
    assert service.scratch.psql("select lesson, erased_at is not null from mail.held_message") == "given|t"
    assert list(service.folder.iterdir()) == []


@pytest.mark.dieu10
def test_spam_that_has_lost_its_file_is_learnt_by_nobody_and_forgotten_in_its_time(service: Service) -> None:
    keeper = service.started()
    service.filter_says = "timed out"
    hand_over(keeper, octets=SPAM)
    service.scratch.psql(f"select mail.held_decide(1, '{{{AN}}}', 'release', 'thử', false)")
    keeper.round()
    for path in service.folder.iterdir():
        path.unlink()
    service.started().round()
    assert service.scratch.psql("select failure, lesson from mail.held_message") == "lost|missed"
    service.decide("drop")
    keeper.round()
    service.scratch.psql("update mail.held_message set decided_at = now() - interval '91 days'")
    assert service.scratch.psql("select mail.held_prune()") == "1"


@pytest.mark.dieu10
def test_a_lesson_that_cannot_be_read_lets_the_others_pass(service: Service) -> None:
    keeper = service.started()
    for number in range(2):
        hand_over(keeper, octets=SPAM + b"%d\r\n" % number, queue_id=f"4h{number}")
    (first,) = service.scratch.psql("select file from mail.held_message where id = 1").split()
    service.filter_says = "timed out"
    for number in (1, 2):
        service.decide("release", number)
    keeper.round()
    (service.folder / f"{first}.eml").write_bytes(b"other")
    service.filter_says = ""
    for _ in range(3):
        keeper._teach_from = 0.0
        keeper.round()
    assert service.scratch.psql("select lesson from mail.held_message order by id") == "due\ngiven"


TO_JUNK = b"X-Spam: Yes\r\n" + SENT


def junked(postfix: Mailbox) -> list[str]:
    """Who got it, each as often as he did; all of it with the mark."""
    assert {octets for _, _, octets in postfix.taken} <= {TO_JUNK}
    return [line.split("<")[1].split(">")[0] for _, lines, _ in postfix.taken for line in lines]


@pytest.mark.dieu10
@pytest.mark.parametrize("reserves", [("RESERVE_OF_SPAM",), ("RESERVE_OF_SPAM", "RESERVE")])
def test_spam_for_which_there_is_no_room_goes_to_junk_and_waits_in_no_queue(
    service: Service, postfix: Mailbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    reserves: tuple[str, ...],
) -> None:  # fmt: skip
    """In the queue it would take the same disk, and end as a letter to whoever's address was forged."""
    keeper = service.started()
    for name in reserves:
        monkeypatch.setattr(store, name, 2**62)
    assert hand_over(keeper, octets=SPAM) == {}
    assert junked(postfix) == [AN, BINH]
    sender, receivers, _ = postfix.taken[0]
    assert sender == "MAIL FROM:<ha1@hanam.gov.vn> BODY=8BITMIME RET=HDRS ENVID=E1"
    assert receivers[0] == f"RCPT TO:<{AN}> NOTIFY=FAILURE ORCPT=rfc822;{AN}"
    assert list(service.folder.iterdir()) == []
    assert "too little room is left for held messages" in capsys.readouterr().err, "the operator is told"
    # Postfix has missed the answer.
    assert hand_over(keeper, octets=SPAM) == {}
    assert len(postfix.taken) == 1
    assert service.scratch.psql("select count(*) from mail.held_message") == "0"
    # Nor when there is room again.
    monkeypatch.undo()
    assert hand_over(keeper, octets=SPAM) == {}
    assert service.scratch.psql("select count(*) from mail.held_message") == "0"
    hand_over(keeper, octets=SPAM, queue_id="4hY")
    assert service.scratch.psql("select kind from mail.held_message") == "spam"


@pytest.mark.dieu10
def test_where_spam_has_no_room_what_has_to_be_held_still_is(
    service: Service, postfix: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = service.started()
    hand_over(keeper, octets=SPAM, queue_id="4hY")
    monkeypatch.setattr(store, "RESERVE_OF_SPAM", 2**62)
    hand_over(keeper)
    # Held before: handed over again it is the same message, and goes no other way.
    hand_over(keeper, octets=SPAM, queue_id="4hY")
    assert service.scratch.psql("select kind from mail.held_message order by id") == "spam\nsecrecy"
    monkeypatch.setattr(store, "RESERVE", 2**62)
    hand_over(keeper, octets=SPAM, queue_id="4hY")
    with pytest.raises(OSError, match="too little room"):
        hand_over(keeper, queue_id="4hZ")
    assert postfix.taken == []
    assert len(list(service.folder.iterdir())) == 4


@pytest.mark.dieu10
@pytest.mark.parametrize(
    ("answers", "later", "held", "taken"),
    [
        ({"RCPT TO:<an": "451 4.3.0 later"}, {AN}, set(), [BINH]),
        ({"RCPT TO:<an": "550 5.1.1 closed"}, set(), {AN}, [BINH]),
        ({"RCPT": "550 5.1.1 closed"}, set(), {AN, BINH}, []),
        ({".": "550 5.7.1 virus"}, set(), {AN, BINH}, []),
        ({".": "451 4.7.1 filter away"}, {AN, BINH}, set(), []),
        ({"MAIL": ""}, {AN, BINH}, set(), []),
        ({"EHLO": ""}, {AN, BINH}, set(), []),
        ({".": ""}, {AN, BINH}, set(), []),
        # Nobody knows then, and nothing is lost: it comes again, and may be in Junk twice.
        ({".": "lost"}, {AN, BINH}, set(), [AN, BINH]),
    ],
)
def test_each_receiver_of_what_goes_to_junk_has_it_or_it_is_held_or_comes_again(
    service: Service, postfix: Mailbox, monkeypatch: pytest.MonkeyPatch, answers: dict[str, str], later: set[str],
    held: set[str], taken: list[str],
) -> None:  # fmt: skip
    keeper = service.started()
    monkeypatch.setattr(store, "RESERVE_OF_SPAM", 2**62)
    postfix.answers = answers
    assert hand_over(keeper, octets=SPAM).keys() == later
    assert junked(postfix) == taken
    assert set(service.scratch.psql("select address from mail.held_recipient").split()) == held
    postfix.answers = {}
    if later:
        assert hand_over(keeper, *later, octets=SPAM) == {}
    assert set(junked(postfix)) | held == {AN, BINH}
    assert set(service.scratch.psql("select address from mail.held_recipient").split()) == held


@pytest.mark.dieu10
def test_what_the_door_refuses_comes_again_where_nothing_at_all_can_be_held(
    service: Service, postfix: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = service.started()
    monkeypatch.setattr(store, "RESERVE", 2**62)
    postfix.answers = {"RCPT TO:<an": "550 5.1.1 closed"}
    assert hand_over(keeper, octets=SPAM).keys() == {AN}
    postfix.answers = {}
    assert hand_over(keeper, octets=SPAM) == {}
    assert junked(postfix) == [BINH, AN]


@pytest.mark.dieu10
def test_nothing_is_lost_when_the_service_is_killed_while_it_hands_spam_on(
    service: Service, postfix: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RESERVE_OF_SPAM", 2**62)
    monkeypatch.setattr(store.Draft, "drop", lambda _: None)
    twice = set()
    for after in (False, True):
        for nth in range(1, 24):
            postfix.taken.clear()
            with pytest.MonkeyPatch.context() as patched:
                keeper = service.started()
                wrap = stopping(nth, after, lambda: Killed("here"))
                for place, name in (*POINTS, (smtplib.SMTP, "send"), (smtplib.SMTP, "getreply")):
                    patched.setattr(place, name, wrap(getattr(place, name)))
                with suppress(Killed):
                    hand_over(keeper, octets=SPAM)
            keeper = service.started()
            assert hand_over(keeper, octets=SPAM) == {}
            assert set(junked(postfix)) == {AN, BINH}
            assert len(postfix.taken) <= 2
            twice.add(len(postfix.taken))
            keeper.round()
            assert service.scratch.psql("select count(*) from mail.held_message") == "0"
    assert twice == {1, 2}


@pytest.mark.dieu10
def test_ten_thousand_that_wait_are_no_burden_for_one_that_goes_out(service: Service, postfix: Mailbox) -> None:
    service.scratch.psql(FLOOD)
    for number in range(1, 10_001):
        (service.folder / f"{number:032x}.eml").touch()
    keeper = service.started()
    start = time.monotonic()
    keeper.round()
    assert time.monotonic() - start < 10, "the look at the whole folder, once"
    hand_over(keeper)
    number = int(service.scratch.psql("select id from mail.held_message where kind = 'secrecy'"))
    service.decide("release", number)
    start = time.monotonic()
    keeper.round()
    assert len(postfix.taken) == 1
    assert time.monotonic() - start < 2
    # All that end together go in turns, which what goes out does not wait for.
    service.scratch.psql("update mail.held_message set arrived_at = now() - interval '30 days' where kind = 'spam'")
    service.scratch.psql("select mail.held_expire()")
    hand_over(keeper, queue_id="4hZ")
    service.decide("release", number + 1)
    start = time.monotonic()
    keeper.round()
    assert (len(postfix.taken), time.monotonic() - start < 10) == (2, True)
    assert 0 < len(list(service.folder.glob("*.eml"))) < 10_000
