"""A letter that waited: to whom it goes, what receivers do not see, and that it is handed over at most once."""

import smtplib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hanam_mail.host.scheduled.folder import name
from hanam_mail.host.scheduled.handing import HandingOutcome, SubmissionDoor, hand_over
from hanam_mail.host.scheduled.letter import NoLetterError, ScheduledLetter, read

NOW = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
SAVED = (
    "From: =?UTF-8?Q?Nguy=E1=BB=85n_An?= <an@hanam.gov.vn>\r\nTo: =?UTF-8?Q?B=C3=ACnh?= <binh@hanam.gov.vn>,\r\n"
    " chi@bo.gov.vn\r\nBcc: an@hanam.gov.vn,\r\n Dung <dung@hanam.gov.vn>\r\nDate: Mon, 30 Nov 2026 20:00:00 +0700\r\n"
    "Message-ID: <a1@hanam.gov.vn>\r\nSubject: x\r\n\r\n.Kính gửi\r\n\r\nBcc: in the text\r\n"
).encode()


def test_receivers_get_it_of_today_without_its_blind_copies() -> None:
    letter = read(SAVED, NOW)
    assert (letter.sender, letter.message_id) == ("an@hanam.gov.vn", "<a1@hanam.gov.vn>")
    assert letter.recipients == ("binh@hanam.gov.vn", "chi@bo.gov.vn", "an@hanam.gov.vn", "dung@hanam.gov.vn")
    assert letter.sent.count(b"Date: ") == 1 and b"Date: Tue, 01 Dec 2026 00:30:00 +0000\r\n" in letter.sent
    assert b"\r\nBcc" not in letter.sent.partition(b"\r\n\r\n")[0] and b"dung@" not in letter.sent
    assert b"dung@" in letter.kept and letter.sent.endswith(SAVED.partition(b"\r\n\r\n")[2])
    assert letter.eight_bits and not letter.utf8


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"From: an@hanam.gov.vn\r\nTo: binh@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\n\r\nx",
        b"To: binh@hanam.gov.vn\r\n\r\nx",
        b"From: an@hanam.gov.vn, binh@hanam.gov.vn\r\nTo: chi@hanam.gov.vn\r\n\r\nx",
        b"From: an@hanam.gov.vn\r\nTo: binh@hanam.gov.vn, dung\r\n\r\nx",
        b'From: an@hanam.gov.vn\r\nTo: "a> NOTIFY=NEVER"@hanam.gov.vn\r\n\r\nx',
        # On this the parser itself breaks.
        b"From: an@hanam.gov.vn\r\nTo: =?utf-8?q?=0A?= <x@hanam.gov.vn>\r\n\r\nx",
        # By such a name nobody finds it again in the folder.
        "From: an@hanam.gov.vn\r\nTo: x@hanam.gov.vn\r\nMessage-ID: <ấ@a>\r\n\r\nx".encode(),
        b"From: an@hanam.gov.vn\r\nTo: x@hanam.gov.vn\r\nMessage-ID: <a\0@a>\r\n\r\nx",
        b"From: an@hanam.gov.vn\r\nTo: " + b", ".join(b"a%d@b.vn" % each for each in range(1001)) + b"\r\n\r\nx",
    ],
)
def test_what_nobody_can_tell_for_whom_it_is_stays(octets: bytes) -> None:
    with pytest.raises(NoLetterError):
        read(octets, NOW)


def test_addresses_and_heads_in_utf_8_are_sent_as_such() -> None:
    letter = read("From: an@hanam.gov.vn\r\nTo: bình@thư.example\r\n\r\nx".encode(), NOW)
    assert letter.recipients == ("bình@thư.example",) and letter.utf8


class Server:
    """Answers by the command, and remembers all that it was told."""

    def __init__(self, answers: dict[str, tuple[int, bytes]], last: tuple[int, bytes] | Exception) -> None:
        self.answers, self.last = answers, last
        self.said: list[str] = []
        self.octets = b""
        self.closed = False

    def login(self, user: str, password: str) -> None:
        self.said.append(f"login {user} {password}")
        if "login" in self.answers:
            raise smtplib.SMTPAuthenticationError(*self.answers["login"])

    def has_extn(self, opt: str) -> bool:
        return opt == "dsn"

    def docmd(self, cmd: str, args: str = "") -> tuple[int, bytes]:
        self.said.append(f"{cmd} {args}".strip())
        chosen = next((answer for start, answer in self.answers.items() if self.said[-1].startswith(start)), None)
        return chosen or ((354, b"go on") if cmd == "DATA" else (250, b"2.1.0 Ok"))

    def send(self, s: bytes) -> None:
        self.octets += s

    def getreply(self) -> tuple[int, bytes]:
        if isinstance(self.last, Exception):
            raise self.last
        return self.last

    def close(self) -> None:
        self.closed = True


def given(
    answers: dict[str, tuple[int, bytes]] | None = None,
    last: tuple[int, bytes] | Exception = (250, b"2.0.0 Ok: queued as 4hX1"),
    sending: Callable[[], bool] = lambda: True,
    letter: ScheduledLetter | None = None,
) -> tuple[HandingOutcome, Server]:
    server = Server(answers or {}, last)
    door = SubmissionDoor(lambda: server, "so*an", "word")
    return hand_over(door, letter or read(SAVED, NOW), True, sending), server


def test_a_letter_is_handed_over_whole_with_its_number_told() -> None:
    outcome, server = given()
    assert outcome == HandingOutcome("sent", "4hX1") and server.closed
    assert server.said[0] == "login so*an word" and server.said[1].startswith("MAIL FROM:<an@hanam.gov.vn> SIZE=")
    assert server.said[2] == "RCPT TO:<binh@hanam.gov.vn> NOTIFY=SUCCESS,FAILURE"
    head, _, text = server.octets.partition(b"\r\n\r\n")
    assert b"dung@" not in head and text.startswith(b"..K") and text.endswith(b"\r\n.\r\n")


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"login": (535, b"no")}, "later"),
        ({"MAIL": (450, b"4.7.1 too many")}, "later"),
        ({"MAIL": (553, b"5.7.1 not yours")}, "refused"),
        ({"RCPT TO:<dung": (550, b"5.1.1 unknown")}, "refused"),
        ({"RCPT TO:<dung": (450, b"4.7.1 too many")}, "later"),
        ({"DATA": (451, b"4.3.0 later")}, "later"),
    ],
)
def test_one_refusal_keeps_the_whole_letter(answers: dict[str, tuple[int, bytes]], outcome: str) -> None:
    asked: list[bool] = []

    def sending() -> bool:
        asked.append(True)
        return True

    told, server = given(answers, sending=sending)
    ((code, text),) = answers.values()
    assert told.kind == outcome and told.raw == f"{code} {text.decode()}"
    # Its writer reads a sentence of ours, the operator what was said.
    assert f"(mã {code}" in told.words and text.decode().split(" ", 1)[-1] not in told.words
    assert not asked and not server.octets and server.closed


def test_a_refused_receiver_is_named_in_our_sentence() -> None:
    closed = b"5.2.1 <dung@hanam.gov.vn>: Recipient address rejected: Hop thu da bi thu hoi / Mailbox has been closed"
    told, _ = given({"RCPT TO:<dung": (550, closed)})
    assert told == HandingOutcome(
        "refused", "dung@hanam.gov.vn: Hộp thư đã bị thu hồi (mã 550 5.2.1)", f"550 {closed.decode()}"
    )


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connection refused"),
        TimeoutError("timed out"),
        smtplib.SMTPServerDisconnected("Connection unexpectedly closed"),
    ],
)
def test_a_server_that_is_away_is_told_in_vietnamese(error: Exception) -> None:
    def away() -> Server:
        raise error

    told = hand_over(SubmissionDoor(away, "so*an", "word"), read(SAVED, NOW), True, lambda: True)
    assert told.kind == "later" and "máy chủ thư" in told.words
    assert str(error) not in told.words and told.raw == str(error)


def test_what_is_called_off_at_the_last_moment_gets_no_last_line() -> None:
    outcome, server = given(sending=lambda: False)
    assert outcome.kind == "later" and not server.octets.endswith(b"\r\n.\r\n") and server.closed


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        ((554, b"5.7.1 spam"), "refused"),
        ((451, b"4.7.1 filter away"), "later"),
        ((-1, b""), "doubt"),
        (smtplib.SMTPServerDisconnected("gone"), "doubt"),
        (TimeoutError("late"), "doubt"),
        (ValueError("a fault of this program"), "doubt"),
    ],
)
def test_after_the_last_line_no_answer_is_a_doubt(last: tuple[int, bytes] | Exception, outcome: str) -> None:
    assert given(last=last)[0].kind == outcome


def test_a_database_that_is_away_before_the_last_line_hands_nothing_over() -> None:
    def away() -> bool:
        raise LookupError

    with pytest.raises(LookupError):
        given(sending=away)


@pytest.mark.parametrize(
    ("folder", "written"),
    [("Chờ gửi", '"Ch&Ht0- g&Hu0-i"'), ("Sent", '"Sent"'), ('A&B "1"\\', '"A&-B \\"1\\"\\\\"'), ("ử", '"&Hu0-"')],
)
def test_a_folder_is_written_as_imap_writes_it(folder: str, written: str) -> None:
    assert name(folder) == written
