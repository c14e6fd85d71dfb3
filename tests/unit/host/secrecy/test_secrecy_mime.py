"""A message's parts and fields, also of somebody who means to hide something in them (RFC 2045, 2047, 2231)."""

import base64
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest

from hanam_mail.host.secrecy import fields, mime, pages

pytestmark = pytest.mark.dieu3


def contents(message: bytes) -> list[bytes]:
    return [part.content for part in mime.parts(message) if part.content.strip()]


def test_parts_come_once_each_in_their_order_and_decoded() -> None:
    message = (
        b'Content-Type: multipart/mixed; boundary="a b"\r\n\r\nbefore\r\n--a b\r\n\r\none\r\n--a b\r\n'
        b"Content-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\n"
        b"Content-Transfer-Encoding: BASE64\r\n\r\ndHdv\r\n--inner\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nth=72ee\r\n--inner--\r\n\r\n--a b--\r\nbehind\r\n"
    )
    assert [each.strip() for each in contents(message)] == [b"one", b"two", b"three", b"before", b"behind"]


@pytest.mark.parametrize(
    "message",
    [
        b"Subject: a\r\n\r\nMARK",
        b"\r\nMARK",
        b"MARK",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\nMARK",
        b"Content-Type: multipart/mixed\r\n\r\nMARK",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nMARK",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n\r\nMARK\r\n--b--\r\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n--b  \n\nMARK\n--b--",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nMARK\r\n--b--\r\n",
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode(b"Subject: a\r\n\r\nMARK"),
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.b64encode(b"--b\r\n\r\nMARK\r\n--b--"),
        b"Content-Transfer-Encoding: base64 (x)\r\n\r\n" + base64.b64encode(b"a") + b"\r\n" + base64.b64encode(b"MARK"),
        b"Content-Transfer-Encoding: base64\r\n\r\n!T!U!F!S!S!w=",
        b"Content-Transfer-Encoding: x-what\r\n\r\nMARK",
    ],
    ids=range(14),
)
def test_however_broken_a_message_is_its_text_is_seen(message: bytes) -> None:
    assert any(b"MARK" in each for each in contents(message)), contents(message)


def test_more_parts_or_levels_than_a_message_may_have_are_told() -> None:
    many = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\na\r\n" * (mime.MOST_PARTS + 2)
    deep = b"Content-Type: message/rfc822\r\n\r\n" * (mime.MOST_LEVELS + 2)
    for message in (many, deep):
        with pytest.raises(mime.TooManyParts):
            list(mime.parts(message))
    assert (
        len(list(mime.parts(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\na\r\n" * 3000))) == 3001
    )


def test_a_file_within_a_text_is_found() -> None:
    text = b"Xem tep\r\nbegin 644 bao cao.txt\r\n#86)C\r\n`\r\nend\r\nbegin 644 b\r\nkhong phai\r\n"
    assert list(mime.uuencoded(text)) == [("bao cao.txt", b"abc")]


WORDS = {
    "=?utf-8?b?W03hug==?= =?UTF-8?B?rFRdIGE=?=": "[MẬT] a",
    "=?utf-8?q?M=E1=BA?=\r\n =?utf-8?q?=ACT?=": "MẬT",
    "=?utf-8?q?M=E1=BA=ACT_a?=": "MẬT a",
    "=?utf-8*vi?q?M=E1=BA=ACT?=": "MẬT",
    "=?windows-1258?q?M=C2=F2T?=": "MÂ\u0323T",
    "=?x-unknown?q?M=E1=BA=ACT?=": "MẬT",
    "=?utf-7?q?M+HqwT?=": "M+HqwT",
    "a =?utf-8?q?b?= c": "a b c",
    "=?utf-8?q?a?= =?iso-8859-1?q?b?=": "ab",
    "=?utf-8?q?a b?=": "a b",
    "=?utf-8?b?TQ=?=": "M",
    "M\udce1\udcba\udcacT": "MẬT",
    "=?a": "=?a",
}


@pytest.mark.parametrize(("value", "text"), WORDS.items())
def test_encoded_words_are_read(value: str, text: str) -> None:
    assert fields.readable(value.replace("\r\n", "")) == text


NAMES = [
    b'attachment; filename="MARK.txt"',
    b"attachment; filename=MARK.txt",
    b"attachment; filename*=utf-8''MARK.txt",
    b"attachment; filename*=utf-8'vi'MA%52K.txt",
    b"attachment;\r\n filename*0=MA;\r\n filename*1=RK.txt",
    b"attachment; filename*1*=K.txt; filename*0*=utf-8''MAR",
    b'attachment; filename="=?utf-8?b?TUFSSy50eHQ=?="',
    b"attachment; FILENAME = MARK.txt",
    b"filename=MARK.txt",
    b"attachment; filename=a.txt; filename=MARK.txt",
    b"attachment; filename*0*=x-none''MARK.txt",
    b"attachment; filename*=MARK.txt",
    b"attachment; filename*0*=utf-8''M%41R; filename*1=\"K.txt\"",
    b"attachment; filename*0=MA; filename*10=txt; filename*2=K.; filename*1=R",
    b'attachment; filename="M\\ARK.txt"',
    b'attachment; x="; filename=MARK.txt',
    b"attachment; x=" + b"a" * 20_000 + b"; filename=MARK.txt",
    b"attachment; x=" + b";" * 20_000 + b" filename=MARK.txt",
    b"attachment; filename=a.txt; filename*=utf-8''MARK.txt",
]


@pytest.mark.parametrize("value", NAMES, ids=range(len(NAMES)))
def test_file_names_are_read_in_each_form(value: bytes) -> None:
    assert any("MARK.txt" in name for name in fields.HeadFields(b"Content-Disposition: " + value).names())
    typed = fields.HeadFields(
        b"Content-Type: x/y; " + value.replace(b"filename", b"name").replace(b"FILENAME", b"NAME")
    )
    assert any("MARK.txt" in name for name in typed.names())


@pytest.mark.parametrize(
    "charset", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-7", "utf-32", "unicode-1-1-utf-7"]
)
def test_a_text_is_read_in_the_charset_that_it_names(charset: str) -> None:
    octets = "Độ MẬT\n".encode(charset.removeprefix("unicode-1-1-"))
    assert any("MẬT" in text for text in fields.decoded(octets, charset))


@pytest.mark.parametrize(
    "charset", ["", "utf-8", "us-ascii", "iso-8859-1", "x-none", "rot13", "hex", "undefined", "a" * 90, "\udcff"]
)
def test_a_charset_that_says_nothing_hides_nothing(charset: str) -> None:
    assert any("MẬT" in text for text in fields.decoded("Độ MẬT".encode(), charset))
    assert all(text.startswith("MAT") for text in fields.decoded(b"MAT\xe1", charset))


PAGES = {
    "<p>M<b>Ậ</b>T</p>": "MẬT",
    "<td>a</td><td>MẬT</td>": "MẬT",
    "M<!-- > -->ẬT": "MẬT",
    "<style>a</style>M<script>b</script>ẬT": "MẬT",
    "M&#7852;T": "MẬT",
    "<p>MẬT": "MẬT",
    "<p title='>'>MẬT</p>": "MẬT",
    "a < b <div>MẬT</div": "MẬT",
    "<!-- MẬT": "MẬT",
    "<script>MẬT": "MẬT",
    "<img alt='MẬT'>": "MẬT",
    "M<Unknown:Tag>ẬT": "MẬT",
    "<pre>a\nMẬT\nb</pre>": "MẬT",
}


@pytest.mark.parametrize("page", PAGES)
def test_the_words_of_a_page_are_those_that_are_seen(page: str) -> None:
    lines = [cell.strip() for text in pages.text_of(page) for line in text.split("\n") for cell in line.split("\t")]
    assert any(PAGES[page] in line for line in lines), lines


HOSTILE_FIELDS = ["=?a?q?", "=?", "=?utf-8?b?YQ==?= ", "filename*0*=", 'filename="', ";", "%41", "name="]


@pytest.mark.parametrize("piece", HOSTILE_FIELDS)
def test_no_field_takes_longer_than_its_length(piece: str) -> None:
    began = time.process_time()
    value = (piece * 64_000)[: 2 * fields.LONGEST]
    head = fields.HeadFields(
        f"Subject: {value}\nContent-Type: x/y; {value}\nContent-Disposition: attachment; {value}\n".encode()
    )
    fields.readable(head.first("subject"))
    head.names()
    assert time.process_time() - began < 2


@pytest.mark.parametrize("piece", ["<b>", "<!--", "<", "<script>", "</", "<a title='", "&#", "<td"])
def test_no_page_takes_longer_than_its_length(piece: str) -> None:
    began = time.process_time()
    with suppress(pages.TooManyTags):
        pages.text_of(piece * 100_000)
    assert time.process_time() - began < 4


def test_half_a_letter_in_the_name_of_a_file_is_borne() -> None:
    """UTF-7 may say one; a name with it once was a fault, for which the message came again for ever."""
    head = b"Content-Disposition: attachment; filename*=utf-7''MAT%2B2AA-.doc"
    assert any(name.startswith("MAT") for name in fields.HeadFields(head).names())


def test_of_a_part_no_more_is_decoded_than_is_wanted() -> None:
    message = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"abc" * 1000)
    assert [part.content for part in mime.parts(message, lambda _: 8)] == [b"abcabc"]
    assert [part.content for part in mime.parts(message, lambda _: 0)] == [b""]


def peak(work: Callable[[], object]) -> int:
    """Octets of memory that it takes at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("piece", [b"AAAA=", b"AA==", b"A=", b"=", b"\r\n", b"AAAA", b"AAA", b"A!", b"AA=A"])
def test_base64_of_whatever_octets_takes_little_time_and_memory(piece: bytes) -> None:
    octets = piece * (5 * 2**20 // len(piece))
    began = time.process_time()
    fields.base64(octets)
    assert time.process_time() - began < 1.5
    octets = octets[: 2**19]
    assert peak(lambda: fields.base64(octets)) < 4 * len(octets)


def test_base64_goes_on_behind_an_end() -> None:
    each = [b"a", b"bc", b"def", b"", b"g"]
    assert fields.base64(b"\r\n".join(map(base64.b64encode, each))) == b"abcdefg"
    assert fields.base64(b"YQ=YQ") == b"aa"
    assert fields.base64(b"YQ===YWI=Y") == b"aab"
    assert fields.base64(b"YWJj=YWJj") == b"abcabc"
    assert fields.base64(b"YWJ=j") == b"ab"


def test_places_of_parts_take_no_memory_however_deep_they_lie() -> None:
    inner = b"\r\n" + b"a" * 2**20
    for level in range(100):
        inner = (
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
            + inner
            + b"\r\n--b%d--\r\n" % level
        )
    assert peak(lambda: [part.fields.kind for part in mime.parts(inner, lambda _: 0)]) < len(inner) / 4
    # What is decoded is one part at a time.
    assert peak(lambda: [len(part.content) for part in mime.parts(inner)]) < 2 * len(inner)


def test_an_attached_message_is_looked_into_only_if_it_is_wanted() -> None:
    message = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(
        b"Subject: a\r\n\r\nb"
    )
    assert [part.fields.first("subject") for part in mime.parts(message)] == ["", "a"]
    assert [part.fields.kind for part in mime.parts(message, lambda _: 0, unpack=False)] == ["message/rfc822"]


def test_parts_of_a_page_are_told_from_others() -> None:
    inner = b"Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\n\r\na\r\n--r--\r\n"
    message = b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n" + inner + b"--m\r\n\r\nb\r\n--m--\r\n"
    assert [part.related for part in mime.parts(message)] == [False, False, True, False]


def test_behind_a_line_of_blanks_a_part_goes_on() -> None:
    message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b" + b" " * 2000 + b"\r\n\r\nMARK\r\n--b--\r\n"
    assert any(b"MARK" in part.content for part in mime.parts(message))


@pytest.mark.parametrize("piece", [b"\n--bx", b"\n--b\n\n\n"])
def test_parts_that_are_looked_for_too_long_are_late(piece: bytes) -> None:
    message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + piece * 2000
    with pytest.raises(mime.Late):
        list(mime.parts(message, until=time.monotonic() - 1))
    began = time.process_time()
    with pytest.raises((mime.Late, mime.TooManyParts)):
        list(mime.parts(message + piece * 300_000, until=time.monotonic() + 0.02))
    assert time.process_time() - began < 1


def test_files_in_a_text_take_no_more_memory_than_the_text() -> None:
    text = b"begin 644 a\n" + b'"AA\n' * 50_000
    assert peak(lambda: list(mime.uuencoded(text))) < 2 * len(text)


@pytest.mark.parametrize("piece", ["ab<b>", "<b title='a'>", "<!-->", "<script></script>a", "<td>a", "&amp;<i>"])
def test_no_page_takes_many_times_its_memory(piece: str) -> None:
    page = piece * (2**17 // len(piece))
    assert peak(lambda: pages.text_of(page)) < 6 * len(page)
