"""A message taken apart, and what is not taken apart: heads that only take memory."""

import tracemalloc

import pytest

from hanam_mail.host.mail_auth import letter, verdict
from hanam_mail.host.mail_auth.letter import Letter

pytestmark = pytest.mark.dieu4

ENDS = [b"\r\n", b"\n"]
ENVELOPE = verdict.ClientIdentity("192.0.2.10", "mx.ky.example", "an@ky.example", "ky.example")


def head(lines: int, end: bytes) -> bytes:
    return (b"a: " + end) * lines


@pytest.mark.parametrize("end", ENDS, ids=["CRLF", "LF"])
@pytest.mark.parametrize("body", [True, False], ids=["with a body", "head alone"])
def test_a_head_of_more_lines_than_honest_ones_have_is_refused_before_it_takes_memory(end: bytes, body: bool) -> None:
    content = head(12 * 2**20 // len(b"a: " + end), end) + (end + b"Kinh gui" + end) * body
    tracemalloc.start()
    try:
        assert verdict.judge(ENVELOPE, content, [], 0) == {"refused": verdict.HEAD}
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", ENDS, ids=["CRLF", "LF"])
@pytest.mark.parametrize("content", [b"a", b" ", b"\r", b"a: b\r"])
def test_a_head_of_more_octets_is_refused(end: bytes, content: bytes) -> None:
    long = (content * (2 * letter.MOST_HEAD))[: 2 * letter.MOST_HEAD]
    with pytest.raises(letter.HeadTooLong):
        Letter(b"From: a@b.example" + end + b"a: " + long + end * 2 + b"Kinh gui")


@pytest.mark.parametrize("end", ENDS, ids=["CRLF", "LF"])
@pytest.mark.parametrize(("more", "refused"), [(0, False), (1, True)])
def test_the_limits_are_what_they_say(end: bytes, more: int, refused: bool) -> None:
    lines = head(letter.MOST_LINES + more, end) + end + b"a\n" * 2 * letter.MOST_LINES
    line = b"a: " + b"b" * (letter.MOST_HEAD - len(b"a: " + end * 2) + more)
    for content in (lines, line + end * 2 + b"a" * 2 * letter.MOST_HEAD):
        if refused:
            with pytest.raises(letter.HeadTooLong):
                Letter(content)
        else:
            assert len(Letter(content).by_name["a"]) in (1, letter.MOST_LINES)


@pytest.mark.parametrize("end", ENDS, ids=["CRLF", "LF"])
def test_a_large_body_is_no_head(end: bytes) -> None:
    for start in (b"", b"From: a@b.example" + end):
        assert Letter(start + end + b"a\r\n" * 2**20).by_name.keys() == ({"from"} if start else set())


def test_a_head_as_long_as_it_may_be_takes_little_memory() -> None:
    content = head(letter.MOST_LINES, b"\r\n") + b"\r\n"
    tracemalloc.start()
    try:
        found = Letter(content).by_name
        assert len(found["a"]) == letter.MOST_LINES
        assert tracemalloc.get_traced_memory()[1] < 3 * 2**20
    finally:
        tracemalloc.stop()
