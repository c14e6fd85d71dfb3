"""What is noted about a message takes little of the processor and of memory, whatever a stranger wrote (Đ10.6).

A verdict that is complete waits for it, and others wait for the processor.
"""

import encodings
import random
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from hanam_mail.host import remarks
from hanam_mail.regulation import legacy_tables

pytestmark = [pytest.mark.dieu3, pytest.mark.dieu10]

MiB = 2**20
LARGE = 25 * MiB
# Of what every message takes, small as it is.
BASE = 2 * MiB


def multipart(*parts: bytes, boundary: bytes = b"b", kind: bytes = b"mixed") -> bytes:
    line = b"\r\n--" + boundary
    head = b"Subject: a\r\nContent-Type: multipart/" + kind + b'; boundary="' + boundary + b'"\r\n\r\n'
    return head + b"".join(line + b"\r\n" + part for part in parts) + line + b"--\r\n"


def nested(levels: int, inner: bytes) -> bytes:
    """Multiparts within each other, made from the inside in one pass."""
    heads, ends = [], []
    for level in range(levels):
        heads.append(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level))
        ends.append(b"\r\n--b%d--" % level)
    return b"".join(heads) + inner + b"".join(reversed(ends)) + b"\r\n"


@cache
def words(octets: int) -> bytes:
    """Each another one, of letters that every encoding has."""
    letters = [chr(code).encode("latin-1") for code in range(0xC0, 0x100)]
    letters += [key.encode("latin-1") for key in legacy_tables.TCVN3_LETTERS if len(key) == 1 and key < "\u0100"]
    chosen = random.Random(1)  # noqa: S311
    found = bytearray()
    while len(found) < octets:
        found += b"t" + b"".join(chosen.choices(letters, k=2)) + b"ng" + (b" " if chosen.random() < 0.9 else b"\r\n")
    return bytes(found[:octets])


def names(value: bytes, parts: int) -> bytes:
    part = b"Content-Type: application/x; " + value + b"\r\nContent-Disposition: attachment; " + value + b"\r\n\r\nx"
    return multipart(*[part] * parts)


def encoded(octets: bytes, head: bytes = b"text/plain", encoding: bytes = b"base64") -> bytes:
    return b"Content-Type: " + head + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + octets


HOSTILE: dict[str, Callable[[], bytes]] = {
    "3,900 names of semicolons": lambda: names(b'filename="' + b";" * 2000 + b'"', 3900),
    "3,900 names of quotation marks": lambda: names(b"filename=" + b'";' * 1000, 3900),
    "3,900 names in pieces": lambda: names(b"".join(b"name*%d*=a%%41;" % each for each in range(250)), 3900),
    "100 names of 60 KB that are no UTF-8": lambda: names(b"filename*=x''" + b"%E1 %E2" * 9000, 100),
    "100 parameters of 60 KB": lambda: names(b"name=a;filename=a;" * 3400, 100),
    "an attached message in base64 of ends": lambda: encoded(b"AAAA=" * (5 * MiB // 5), b"message/rfc822"),
    "an attached message of 25 MB in base64": lambda: encoded(b"QUJD" * (LARGE // 4), b"message/rfc822"),
    "a text in base64 of ends": lambda: encoded(b"AA==" * (LARGE // 4)),
    "a container in base64 of ends": lambda: encoded(b"AA==" * (LARGE // 4), b"multipart/mixed; boundary=b"),
    "a container in quoted-printable": lambda: encoded(
        b"=\r" * (LARGE // 2), b"multipart/mixed; boundary=b", b"quoted-printable"
    ),
    "100 containers within each other around 25 MB": lambda: nested(100, b"\r\n" + b"QUJD" * (LARGE // 4)),
    "100 containers around what looks like their ends": lambda: nested(100, b"\r\n" + b"\n--b10x" * (LARGE // 8)),
    "5,000 containers within each other": lambda: nested(5000, b"\r\na"),
    "messages within each other": lambda: b"Content-Type: message/rfc822\r\n\r\n" * 200_000,
    "20,000 parts": lambda: multipart(*[b"\r\na"] * 20_000),
    "3,900 parts that hold a text each": lambda: multipart(*[b"\r\n" + words(4000)] * 3_900),
    "lines that nearly part": lambda: multipart(b"\r\n" + b"\n--bx" * (LARGE // 5)),
    "25 MB in one line": lambda: b"Subject: a\r\n\r\n" + b"a" * LARGE,
    "25 MB in one line of the head": lambda: b"Subject: " + b"a" * LARGE,
    "25 MB of head": lambda: b"Subject: a\r\n" + b"ab\r\n" * (LARGE // 4),
    "24 parts of 1 MB of head": lambda: multipart(*[b"Subject:\n" * 110_000] * 24),
    "24 parts of folded lines": lambda: multipart(*[b"Content-Type: a\n" + b" \n" * 500_000] * 24),
    "25 MB of blank lines before the parts": lambda: (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\r\n" * (LARGE // 2) + b"--b\r\n\r\na"
    ),
    "a subject of encoded words": lambda: b"Subject: " + b"=?a?q?=E1?= =?b?b?4Q==?= " * 50_000 + b"\r\n\r\na",
    "a subject of what begins as encoded words": lambda: b"Subject: " + b"=?a?b?" * 200_000 + b"\r\n\r\na",
    "3,900 names of encoded words": lambda: names(b'name="' + b"=?a?b?4Q==?= =?b?q?=E1?=" * 150 + b'"', 3900),
    "25 MB of tags": lambda: encoded(b"\xe1<b><a title='\xe1'>" * (LARGE // 18), b"text/html", b"8bit"),
    "25 MB of what begins as tags": lambda: encoded(
        b"\xe1<!--<a title=\"<pre><" * (LARGE // 22), b"text/html", b"8bit"
    ),
    "64 KB of made-up words": lambda: b"Subject: " + words(MiB) + b"\r\n\r\n" + words(MiB),
    "64 KB of made-up words in lines": lambda: b"\r\n" + words(MiB).replace(b" ", b"\n"),
    "octets of nothing": lambda: bytes(LARGE),
    "octets of no text": lambda: b"\r\n" + b"\xff" * LARGE,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_message_is_noting_takes_little_time_and_memory(name: str) -> None:
    message = HOSTILE[name]()
    began = time.process_time()
    noted = remarks.noted(message)
    assert time.process_time() - began < 1
    assert set(noted) == {"charset", "files"}


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_message_is_noting_takes_less_memory_than_the_message_itself(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more time than it has: the clock is the measuring's here."""
    monkeypatch.setattr(remarks, "SECONDS", 1.0)
    message = HOSTILE[name]()
    tracemalloc.start()
    try:
        remarks.noted(message)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < len(message) + BASE, f"{most / len(message):.1f} times the message"


def kept_of(letters: Callable[[int], bytes], number: int) -> int:
    """Octets that stay in memory once so many letters are noted, each another one; the first of all fills tables."""
    remarks.noted(letters(number))
    tracemalloc.start()
    try:
        for each in range(number):
            remarks.noted(letters(each))
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_of_words_that_have_no_end_none_is_kept() -> None:
    """Whether a word can be Vietnamese is remembered by the word."""
    letters = bytes.maketrans(b"0123456789", b"abcdefghij")
    endless = b"\xe1\xd5\xf5n" * 16_000
    assert kept_of(lambda each: b"\r\n" + (b"%06d" % each).translate(letters) + endless, 100) < MiB


def test_of_charsets_that_nobody_has_none_is_kept() -> None:
    """Python remembers each that it was asked for."""
    long = b"c" * 30_000
    assert kept_of(lambda each: names(b"name*=%s%04d''%%E1" % (long, each), 1), 100) < MiB
    words = [b"".join(b"=?c%04d%04d?q?=E1?= " % (each, at) for at in range(500)) for each in range(5)]
    remarks.noted(names(b'name="' + words.pop() + b'"', 1))
    # A name in Python's own list of those it knows, and of those it does not.
    before = len(encodings._cache)
    for each in words:
        remarks.noted(names(b'name="' + each + b'"', 1))
    assert len(encodings._cache) == before


def at_the_same_time(message: bytes, number: int) -> list[dict[str, object]]:
    """What is noted of the message where so many threads ask."""
    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(remarks.noted, [message] * number))


def test_many_that_keep_it_busy_leave_the_processor_to_others() -> None:
    """Threads of a service share one, and a verdict that comes too late is a letter that has to come again."""
    message = multipart(b"\r\n" + b"\n--bx" * (40 * MiB // 5))
    began = time.process_time()
    at_the_same_time(message, 24)
    assert time.process_time() - began < 2.5 * remarks.SECONDS


def test_no_more_are_looked_at_at_once_and_the_rest_goes_on_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    busy, over = threading.Semaphore(0), threading.Event()

    class Look(remarks._Look):
        def at(self, content: bytes) -> None:
            busy.release()
            assert over.wait(20)
            super().at(content)

    monkeypatch.setattr(remarks, "_Look", Look)
    monkeypatch.setattr(remarks, "_TURNS", remarks._Turns())
    letter = names(b"name=a.dwg", 1)
    with ThreadPoolExecutor(remarks.AT_ONCE) as threads:
        first = [threads.submit(remarks.noted, letter) for _ in range(remarks.AT_ONCE)]
        assert all(busy.acquire(timeout=20) for _ in first)
        began = time.monotonic()
        assert at_the_same_time(letter, 20) == [{"charset": "", "files": []}] * 20
        # Whoever has no time left does not wait at all.
        assert remarks.noted(letter, until=began) == {"charset": "", "files": []}
        assert time.monotonic() - began < 10 * remarks.TURN_SECONDS
        over.set()
        assert all(each.result()["files"] == ["dwg"] for each in first)
    assert remarks.noted(letter)["files"] == ["dwg"]
    # Once a minute: the next ones are told with those that follow.
    assert capsys.readouterr().err == "<5>nothing is noted about 1 messages: too many came at once\n"


def test_a_fault_gives_the_turn_back(monkeypatch: pytest.MonkeyPatch) -> None:
    letter = names(b"name=a.dwg", 1)
    with monkeypatch.context() as patched:
        patched.setattr(remarks, "_Look", None)
        for _ in range(2 * remarks.AT_ONCE):
            remarks.noted(letter)
    assert remarks.noted(letter)["files"] == ["dwg"]


def test_honest_letters_that_come_together_wait_for_each_other() -> None:
    assert all(each["files"] == ["dwg"] for each in at_the_same_time(names(b"name=a.dwg", 1), 20))
