"""The folder of held messages: whole messages with their records, whatever stops the writer; and what heads say."""

import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from hanam_mail import atomic_file
from hanam_mail.host.quarantine import letter, release, store
from hanam_mail.host.quarantine.envelope import Envelope, Recipient

pytestmark = pytest.mark.dieu3

AT = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
MESSAGE = (
    b"Received: from x by y id 4hX\r\nFrom: =?utf-8?q?H=C3=A0?= <ha@hanam.gov.vn>\r\nSubject: =?utf-8?b?S+G6vw==?=\r\n"
    b" =?utf-8?b?IGhv4bqhY2g=?=\r\nMessage-ID: <1@x>\r\nX-Hanam-Hold: secrecy login=box00001 MAT in a.docx\r\n"
    b"\r\nX-Hanam-Hold: other\r\nKinh gui\r\n"
)


class Killed(BaseException):
    """The process ends here."""


def envelope(*addresses: str) -> Envelope:
    message = Envelope("ha@hanam.gov.vn", queue_id="4hX")
    for address in addresses or ("an@x.example", "binh@x.example"):
        message.add(Recipient(address))
    return message


def keep(folder: store.Store, message: Envelope | None = None, octets: bytes = MESSAGE) -> tuple[dict[str, Any], bool]:
    draft = folder.draft()
    try:
        draft.add(octets)
        return folder.keep(draft, message or envelope(), AT)
    finally:
        draft.drop()


def test_a_message_lies_there_as_it_came_with_what_the_database_is_told(tmp_path: Path) -> None:
    folder = store.Store(tmp_path)
    record, fresh = keep(folder)
    name = record["message"]["file"]
    assert fresh
    assert folder.message(name).read_bytes() == MESSAGE
    assert folder.record(name) == record
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.eml", f"{name}.json"}
    assert record["message"] | {"file": ""} == {
        "file": "", "queue_id": "4hX", "sha256": record["message"]["sha256"], "sender": "ha@hanam.gov.vn",
        "envelope": {"body": "", "utf8": False, "ret": "", "envid": ""}, "octets": len(MESSAGE),
        "arrived_at": AT.isoformat(), "kind": "secrecy", "reason": "login=box00001 MAT in a.docx", "login": "box00001",
        "subject": "Kế hoạch", "author": "Hà <ha@hanam.gov.vn>", "message_id": "<1@x>",
        "files": [], "score": None,
    }  # fmt: skip
    assert {oct(path.stat().st_mode & 0o7) for path in tmp_path.iterdir()} == {"0o0"}


def test_the_same_message_again_is_the_same_file_for_the_receivers_of_both(tmp_path: Path) -> None:
    folder = store.Store(tmp_path)
    first, _ = keep(folder, envelope("an@x.example", "binh@x.example"))
    second, fresh = keep(folder, envelope("binh@x.example", "chi@x.example"))
    assert not fresh
    assert second["message"] == first["message"]
    assert [each["address"] for each in second["recipients"]] == ["an@x.example", "binh@x.example", "chi@x.example"]
    assert len(folder.names()) == 1
    other = envelope()
    other.queue_id = "4hY"
    assert keep(folder, other)[1], "the same octets sent twice are two messages"


def test_a_folder_with_a_record_that_nobody_can_read_takes_the_message_anew(tmp_path: Path) -> None:
    folder = store.Store(tmp_path)
    record, _ = keep(folder)
    (tmp_path / f"{record['message']['file']}.json").write_bytes(b"\xff{")
    assert keep(folder)[0] == record


STEPS = [
    (os, "fsync"),
    (atomic_file, "create"),
    (atomic_file, "sync"),
    (os, "write"),
    (Path, "rename"),
]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("stop", [Killed, OSError])
@pytest.mark.parametrize("nth", range(1, 12))
def test_whatever_stops_the_writer_leaves_a_whole_message_or_none(
    tmp_path: Path, nth: int, stop: type[BaseException], after: bool
) -> None:
    """At each call that changes the disk, before it or after it."""
    count = 0

    def stopped(real: Any) -> Any:
        def call(*words: Any, **more: Any) -> Any:
            nonlocal count
            count += 1
            if count == nth and not after:
                raise stop("here")
            done = real(*words, **more)
            if count == nth:
                raise stop("here")
            return done

        return call

    folder = store.Store(tmp_path)
    with pytest.MonkeyPatch.context() as patched:
        for place, name in STEPS:
            patched.setattr(place, name, stopped(getattr(place, name)))
        # A process that is killed drops nothing either.
        if stop is Killed:
            patched.setattr(store.Draft, "drop", lambda _: None)
        with suppress(stop):
            keep(folder)
    if stop is OSError:
        assert not [path for path in tmp_path.glob(".*") if path.is_file()], "what failed takes its draft along"
    again = store.Store(tmp_path)
    assert not [path for path in tmp_path.glob(".*") if path.is_file()]
    for name in again.names():
        assert again.message(name).read_bytes() == MESSAGE
        assert again.record(name) is not None, "a message without its record could not be taken in again"
    again.sweep()
    assert {path.stem for path in tmp_path.iterdir()} == again.names()
    record, _ = keep(again)
    assert again.names() == {record["message"]["file"]}


def test_a_message_that_is_erased_is_gone_and_a_record_alone_means_nothing(tmp_path: Path) -> None:
    folder = store.Store(tmp_path)
    name = keep(folder)[0]["message"]["file"]
    with patch.object(Path, "unlink", side_effect=[None, Killed]), pytest.raises(Killed):
        folder.erase(name)
    folder.message(name).unlink()
    assert store.Store(tmp_path).names() == set()
    folder.sweep()
    assert list(tmp_path.iterdir()) == []
    folder.erase(name)  # a second time


def test_a_file_that_is_not_what_it_was_does_not_go_out(tmp_path: Path) -> None:
    folder = store.Store(tmp_path)
    record = keep(folder)[0]["message"]
    path = folder.message(record["file"])
    assert b"".join(store.pieces(path, record["sha256"])) == MESSAGE
    path.write_bytes(MESSAGE[:-3])
    with pytest.raises(ValueError, match="nguyên vẹn"):
        list(store.pieces(path, record["sha256"]))


def test_a_message_of_many_megabytes_never_stands_in_memory(tmp_path: Path) -> None:
    folder, draft = store.Store(tmp_path), None
    draft = folder.draft()
    for _ in range(40):
        draft.add(b"x" * 2**20)
    record, _ = folder.keep(draft, envelope(), AT)
    assert record["message"]["octets"] == 40 * 2**20
    assert max(map(len, store.pieces(folder.message(record["message"]["file"]), record["message"]["sha256"]))) < 2**20


# --- heads ---


def head(octets: bytes) -> letter.Head:
    return letter.read(io.BytesIO(octets))


@pytest.mark.parametrize(
    ("field", "kind", "reason", "login"),
    [
        (b"X-Hanam-Hold: secrecy TUYET MAT in body", "secrecy", "TUYET MAT in body", ""),
        (b"x-hanam-hold:  secrecy\r\n\tlogin=ab12cd x", "secrecy", "login=ab12cd x", "ab12cd"),
        (b"X-Hanam-Hold: Secrecy!", "other", "", ""),
        (b"X-Hanam-Hold:", "other", "", ""),
        (b"X-Hanam-Hold-Not: secrecy", "other", "", ""),
        (b"X-Hanam-Hold: secrecy login=../../etc", "secrecy", "login=../../etc", ""),
        (b"X-Hanam-Hold: " + b"a" * 100, "other", "", ""),
        (b"X-Hanam-Hold: one\r\nX-Hanam-Hold: two", "two", "", ""),
    ],
)
def test_the_filters_field_tells_kind_reason_and_login(field: bytes, kind: str, reason: str, login: str) -> None:
    read = head(b"A: b\r\n" + field + b"\r\nC: d\r\n\r\nbody\r\n")
    assert (read.kind, read.reason, read.login) == (kind, reason, login)


@pytest.mark.parametrize(
    ("words", "reason", "files"),
    [
        (b"files=a.zip Hanam.Encrypted.Archive", "Hanam.Encrypted.Archive", ["a.zip"]),
        (b"login=ab12cd files=h%E1%BB%93%20s%C6%A1.zip/b%2Fc.7z X", "login=ab12cd X", ["hồ sơ.zip", "b/c.7z"]),
        (b"MAT in subject; files=a.zip X", "MAT in subject; X", ["a.zip"]),
        # Cut within a letter; what turns or hides writing; so many that nobody reads them.
        (b"files=h%E1%BB X", "X", ["h"]),
        (b"files=a%E2%80%AEpiz.exe%00%1B%5B31m X", "X", ["a piz.exe [31m"]),
        (b"files=" + b"/".join([b"x" * 120] * 3) + b" X", "X", ["x" * 100] * 3),
        (b"files=" + b"/".join(b"%d" % each for each in range(9)) + b" X", "X", ["0", "1", "2", "3", "4"]),
        (b"files=%FF%FE///%20 X", "X", []),
        (b"files= X", "files= X", []),
    ],
)
def test_the_filters_field_names_the_files(words: bytes, reason: str, files: list[str]) -> None:
    read = head(b"X-Hanam-Hold: encrypted " + words + b"\r\n\r\n")
    assert read.kind == "encrypted"
    assert (read.reason, read.files) == (reason, files)


@pytest.mark.parametrize(
    ("words", "score"),
    [
        ("score=12.3", 12.3),
        ("score=7", 7.0),
        ("score=1e9", None),
        ("score=nan", None),
        ("files=score=9", None),
        ("", None),
    ],
)
def test_the_filters_field_tells_the_score_of_spam(words: str, score: float | None) -> None:
    assert head(f"X-Hanam-Hold: spam {words}\r\n\r\n".encode()).score == score


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r\n",
        b"\xff\xfe\x00",
        b"Subject: =?utf-8?b?!!!?=\r\n\r\n",
        b"Subject: =?no-such?q?x?=\r\n\r\n",
        b"Subject: \x00\x1b[31m\xe2\x80\xaered\r\n\r\n",
        b"Subject: " + b"=?utf-8?q?" * 5000 + b"\r\n\r\n",
        b" folded first\r\nSubject: a\r\n\r\n",
        b"Subject: " + b"x" * 2_000_000,
        b": \r\n" * 1000,
        b"From: " + b"a\r\n " * 100_000 + b"\r\n\r\n",
    ],
)
def test_no_head_is_too_odd_to_be_shown(octets: bytes) -> None:
    shown = head(octets)
    for text in (shown.subject, shown.author, shown.message_id, shown.reason):
        assert text.isprintable()
        assert len(text) <= 500
    json.dumps(shown.__dict__).encode()


# --- what goes out ---


def out(octets: bytes, size: int = 7) -> bytes:
    pieces: Iterator[bytes] = (octets[at : at + size] for at in range(0, len(octets), size))
    return b"".join(release.outgoing(pieces, "hanam.gov.vn"))


OURS = b"DKIM-Signature: v=1; a=rsa-sha256;\r\n d=hanam.gov.vn; s=a; b=xyz\r\n"
THEIRS = b"DKIM-Signature: v=1; d=hanam.gov.vn.example; s=a; b=xyz\r\n"


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_what_the_filter_had_written_is_taken_off_and_nothing_else(size: int) -> None:
    body = b"\r\nX-Hanam-Hold: body\r\n" + OURS + b"\r\n\r\nx"
    octets = b"A: b\r\nX-Hanam-Hold: secrecy\r\n x\r\nX-Spam: yes\r\n" + OURS + THEIRS + b"Subject: a\r\n b\r\n" + body
    assert out(octets, size) == b"A: b\r\n" + THEIRS + b"Subject: a\r\n b\r\n" + body


@pytest.mark.parametrize("octets", [b"", b"A: b\r\n", b"A: b", b"\r\n\r\nx", b"a" * 5_000_000, os.urandom(5000)])
def test_a_message_without_an_end_of_its_head_goes_out_as_it_is(octets: bytes) -> None:
    assert out(octets, 65536) == octets


def test_a_draft_for_which_the_disk_has_no_room_is_in_memory_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RESERVE", 2**62)
    folder = store.Store(tmp_path)
    draft = folder.draft()
    draft.add(MESSAGE)
    with pytest.raises(store.NoRoomError) as error:
        folder.keep(draft, envelope(), AT, needed=True)
    assert error.value.kind == "secrecy"
    assert b"".join(draft.pieces()) == MESSAGE
    with pytest.raises(store.NoRoomError):
        for _ in range(1000):
            draft.add(bytes(65536))
    assert draft.octets <= store.IN_MEMORY
    draft.drop()
    assert list(tmp_path.iterdir()) == []
