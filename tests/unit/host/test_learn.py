"""Lessons wait for the filter, within bounds, and one bad message holds up no other (Đ10.6)."""

import asyncio
import os
import resource
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hanam_mail.controller.keys import pki
from hanam_mail.host.mail import learn
from hanam_mail.host.mail.filters import Filters

pytestmark = pytest.mark.dieu10

HEAD = b"VERSION\tscript\t4\t0\nenv_USER=b0d2f8\n-\n%s\n\n"

type Lesson = tuple[str, bytes]


@pytest.fixture
def spool(tmp_path: Path) -> learn.Spool:
    return learn.Spool(tmp_path)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    return lambda: capsys.readouterr().err.splitlines()


def put(spool: learn.Spool, kind: str, message: bytes) -> None:
    with spool.receive() as incoming:
        incoming.add(message)
        incoming.keep(kind)


def rounds(spool: learn.Spool, give: Callable[[str, bytes], str], number: int = 1) -> None:
    teacher = learn.Teacher(spool, give)

    async def run() -> None:
        for _ in range(number):
            await teacher._round()

    asyncio.run(run())


def files(spool: learn.Spool) -> int:
    return len(list(spool.folder.iterdir()))


def test_a_message_that_went_to_junk_and_back_is_learnt_as_it_was_left(spool: learn.Spool) -> None:
    put(spool, "spam", b"a")
    put(spool, "spam", b"b")
    put(spool, "ham", b"a")
    given: list[Lesson] = []
    rounds(spool, lambda kind, message: given.append((kind, message)) or "")  # type: ignore[func-returns-value]
    assert sorted(given) == [("ham", b"a"), ("spam", b"b")]
    assert (files(spool), spool.octets, spool.waiting) == (0, 0, {})


def test_lessons_outlive_a_crash_and_what_was_not_whole_does_not(tmp_path: Path) -> None:
    before = learn.Spool(tmp_path)
    put(before, "spam", b"a")
    put(before, "spam", b"cut")
    half = before.receive().__enter__()
    half.add(b"half")
    (cut,) = [path for path in tmp_path.iterdir() if path.read_bytes() == b"cut"]
    os.truncate(cut, 1)
    spool = learn.Spool(tmp_path)
    put(spool, "ham", b"a")
    given: list[Lesson] = []
    rounds(spool, lambda kind, message: given.append((kind, message)) or "")  # type: ignore[func-returns-value]
    assert given == [("ham", b"a")]
    assert (files(spool), spool.octets) == (0, 0)


@pytest.mark.parametrize(("bound", "value"), [("OCTETS", 10), ("MESSAGES", 2)])
def test_a_full_folder_takes_no_more_and_says_so_once(
    tmp_path: Path, said: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    monkeypatch.setattr(learn, bound, value)
    spool = learn.Spool(tmp_path)
    for number in range(5):
        put(spool, "spam", b"%5d" % number)
    assert (files(spool), spool.octets, spool.lost) == (2, 10, 3)
    assert [line for line in said() if "is full" in line] == [
        f"<4>{tmp_path} is full: what people move is not learnt until the filter has caught up"
    ]


def test_what_was_not_learnt_for_days_is_dropped_and_said(spool: learn.Spool, said: Callable[[], list[str]]) -> None:
    put(spool, "spam", b"old")
    put(spool, "spam", b"new")
    old = next(path for path in spool.folder.iterdir() if path.read_bytes() == b"old")
    long_ago = time.time() - learn.KEEP - 1
    os.utime(old, (long_ago, long_ago))
    rounds(spool, lambda kind, message: "503 away")
    assert [path.read_bytes() for path in spool.folder.iterdir()] == [b"new"]
    assert "<4>1 messages were not learnt within 3 days and are dropped" in said()


def test_a_filter_that_is_away_is_asked_no_more_than_thrice_and_loses_nothing(
    spool: learn.Spool, said: Callable[[], list[str]]
) -> None:
    for number in range(9):
        put(spool, "spam", b"%d" % number)
    asked: list[bytes] = []
    rounds(spool, lambda kind, message: asked.append(message) or "hangs", number=4)  # type: ignore[func-returns-value]
    assert len(asked) == 4 * learn.FAILURES
    # Others had their turn first.
    assert set(asked) == {b"%d" % number for number in range(9)}
    assert files(spool) == 9
    assert said() == ["<4>the filter does not learn: hangs; 9 messages wait"]


def test_messages_at_fault_hold_up_no_other_and_go(spool: learn.Spool, said: Callable[[], list[str]]) -> None:
    for number in range(9):
        put(spool, "spam", b"bad%d" % number)
    learnt: list[bytes] = []

    def give(kind: str, message: bytes) -> str:
        if message.startswith(b"bad"):
            return "500 no"
        learnt.append(message)
        return ""

    teacher = learn.Teacher(spool, give)

    async def run() -> None:
        for number in range(40):
            put(spool, "spam", b"good%d" % number)
            await teacher._round()

    asyncio.run(run())
    assert len(learnt) == 40
    assert files(spool) == 0
    assert len([line for line in said() if "is dropped: 500 no" in line]) == 9


def test_rounds_without_the_filter_count_against_no_message(spool: learn.Spool, said: Callable[[], list[str]]) -> None:
    for number in range(3):
        put(spool, "spam", b"%d" % number)
    answers = ["[Errno 111] Connection refused"] * 3 * 3 + ["", "timed out", ""]
    rounds(spool, lambda kind, message: answers.pop(0), number=4)
    assert (answers, files(spool)) == ([], 1)
    answers = [""]
    rounds(spool, lambda kind, message: answers.pop(0))
    assert (answers, files(spool)) == ([], 0)
    assert not [line for line in said() if "is dropped" in line]


def test_a_message_at_fault_does_not_hide_that_the_filter_went_away(spool: learn.Spool) -> None:
    for number in range(12):
        put(spool, "spam", b"%d" % number)
    for lesson in spool.waiting.values():
        spool.failures[lesson.suffix[1:]] = learn.FAILURES - 1
    asked: list[bytes] = []

    def give(kind: str, message: bytes) -> str:
        asked.append(message)
        return "hangs" if len(asked) > 1 else ""

    rounds(spool, give)
    assert len(asked) == 1 + learn.FAILURES


def test_a_message_that_failed_while_others_were_learnt_is_given_again_without_news(
    spool: learn.Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "AGAIN", 0.01)
    for message in (b"a", b"b"):
        put(spool, "spam", message)
    answers = ["timed out", "", ""]

    async def run() -> None:
        teaching = asyncio.create_task(learn.Teacher(spool, lambda kind, message: answers.pop(0)).teach())
        async with asyncio.timeout(20):
            while spool.waiting:
                await asyncio.sleep(0.01)
        teaching.cancel()

    asyncio.run(run())
    assert (answers, files(spool)) == ([], 0)


def test_what_is_no_lesson_any_more_says_nothing_of_the_filter(
    spool: learn.Spool, said: Callable[[], list[str]]
) -> None:
    for message in (b"cut", b"a"):
        put(spool, "spam", message)
    (cut,) = [path for path in spool.folder.iterdir() if path.read_bytes() == b"cut"]
    os.truncate(cut, 1)
    answers = ["hangs", "hangs", ""]
    teacher = learn.Teacher(spool, lambda kind, message: answers.pop(0))

    async def run() -> None:
        put(spool, "spam", b"b")
        await teacher._round()
        assert teacher._away
        assert said() == ["<4>the filter does not learn: hangs; 2 messages wait"]
        for path in spool.folder.iterdir():
            os.truncate(path, 0)
        await teacher._round()
        assert teacher._teach_one(spool.folder / "1.spam.0") is None

    asyncio.run(run())
    assert teacher._away
    assert (answers, said(), files(spool), spool.failures.total()) == ([""], [], 0, 0)


def told(place: str, folder: Path) -> str:
    filters = Filters([place], *(str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem")))
    return filters.teach("spam", b"a")


@pytest.mark.parametrize(
    ("trouble", "answer"), [("missing", "No such file"), ("mismatch", "MISMATCH"), ("half", "PEM")]
)
def test_certificates_that_are_just_being_renewed_are_waited_for(tmp_path: Path, trouble: str, answer: str) -> None:
    day = timedelta(days=1)
    trusted = pki.new_authority("a", lifetime=day)
    certificate = pki.issue(trusted, ["store.example"], lifetime=day).certificate
    files = {"ca.pem": trusted.certificate, "cert.pem": certificate, "key.pem": pki.new_private_key()}
    if trouble == "half":
        files["cert.pem"] = certificate[:60]
    for name, text in files.items() if trouble != "missing" else ():
        (tmp_path / name).write_text(text)
    assert answer in told("filter.example:11335", tmp_path)


def test_a_filter_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    assert "No such file" in told(str(tmp_path / "socket"), tmp_path)


def test_a_message_that_is_not_written_whole_is_no_lesson(spool: learn.Spool) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(OSError, match="written"), spool.receive() as incoming:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3, hard))
        try:
            incoming.add(b"hello")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        incoming.keep("spam")
    assert (files(spool), spool.octets, spool.waiting) == (0, 0, {})


def test_a_change_of_mind_while_the_filter_learns_is_learnt_afterwards(spool: learn.Spool) -> None:
    put(spool, "spam", b"a")
    given: list[str] = []

    def give(kind: str, message: bytes) -> str:
        given.append(kind)
        if kind == "spam":
            put(spool, "ham", b"a")
        return ""

    rounds(spool, give, number=2)
    assert given == ["spam", "ham"]
    assert (files(spool), spool.octets) == (0, 0)


def conversation(spool: learn.Spool, octets: bytes, *, end: bool = True) -> bytes:
    async def run() -> bytes:
        teacher = learn.Teacher(spool, lambda kind, message: "")
        here, there = socket.socketpair()
        there.setblocking(False)
        taking = asyncio.create_task(teacher.take(there))
        here.sendall(octets)
        if end:
            here.shutdown(socket.SHUT_WR)
        await taking
        here.settimeout(1)
        answer = here.recv(10)
        here.close()
        return answer

    return asyncio.run(run())


def test_dovecot_hands_a_message_over_and_goes_on(spool: learn.Spool) -> None:
    assert conversation(spool, HEAD % b"ham" + b"Subject: x\r\n\r\na\n\nb") == b"+\n"
    (lesson,) = spool.folder.iterdir()
    assert lesson.read_bytes() == b"Subject: x\r\n\r\na\n\nb"
    assert ".ham." in lesson.name


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"VERSION\tscript\t4\t0\n-\nspam\n",
        HEAD % b"all" + b"x",
        b"GET / HTTP/1.0\n\n",
        b"x" * 200_000,
        b"\xff" * 9,
    ],
)
def test_anything_else_is_no_lesson(spool: learn.Spool, octets: bytes) -> None:
    assert conversation(spool, octets) == b""
    assert (files(spool), spool.octets) == (0, 0)


def test_a_message_that_does_not_end_is_no_lesson(spool: learn.Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn, "PATIENCE", 0.2)
    assert conversation(spool, HEAD % b"spam" + b"half", end=False) == b""
    assert (files(spool), spool.octets) == (0, 0)
