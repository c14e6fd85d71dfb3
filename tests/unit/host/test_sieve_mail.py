"""Mail of Sieve scripts: under the mailbox's own addresses, told strictly (Đ4.6)."""

import argparse
import email
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hanam_mail.host.mail import sieve_limit, sieve_mail

OWN = ["an@hanam.gov.vn", "nguyenvanan@hanam.gov.vn"]
REST = b"To: <b@bo.gov.vn>\r\nSubject: Auto: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nFrom: b\r\n"


@pytest.mark.dieu4
@pytest.mark.parametrize(
    "author",
    [
        b"an@hanam.gov.vn",
        b"<an@hanam.gov.vn>",
        b"Nguyen Van An <AN@hanam.gov.vn>",
        b"=?utf-8?q?Nguy=E1=BB=85n?= <nguyenvanan@hanam.gov.vn>",
        b'"An, Nguyen" <an@hanam.gov.vn>',
        b"Nguyen\r\n <an@hanam.gov.vn>",
    ],
)
def test_mail_of_a_script_goes_out_under_any_of_the_owners_addresses(author: bytes) -> None:
    sieve_mail.check(b"From: " + author + b"\r\n" + REST, OWN)


@pytest.mark.dieu4
@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"From: chutich@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\nFrom: chutich@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\nfrom : chutich@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn, chutich@hanam.gov.vn\r\n",
        b"From: chutich@hanam.gov.vn <an@hanam.gov.vn>\r\n",
        b'From: "chutich@hanam.gov.vn" <an@hanam.gov.vn>\r\n',
        b"From: <chutich@hanam.gov.vn> <an@hanam.gov.vn>\r\n",
        b"From: UBND: chutich@hanam.gov.vn;\r\n",
        b"From: UBND: an@hanam.gov.vn;\r\n",
        b"From: chutich@hanam.gov.vn (an@hanam.gov.vn)\r\n",
        b"From: an@hanam.gov.vn (chu tich)\r\n",
        b"From: chutich@hanam\r\n .gov.vn\r\n",
        b"From: khong co\r\n",
        b"From: an@hanam.gov.vn\r\nSender: chutich@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\nResent-From: chutich@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\nReply-To: ke.gian@example.com\r\n",
        b"From: an@hanam.gov.vn\r\nSubject: hai lan\r\n",
        b"From: an@hanam.gov.vn\rFrom: chutich@hanam.gov.vn\r\n",
        b"khong phai truong\r\nFrom: an@hanam.gov.vn\r\n",
        b"From: an@hanam.gov.vn\r\nAuthentication-Results: mx.hanam.gov.vn; dmarc=pass\r\n",
        b"From: an@hanam.gov.vn\0\r\n",
        b"\r\nFrom: an@hanam.gov.vn\r\n",
    ],
)
def test_mail_of_a_script_under_anybody_elses_name_does_not_go_out(head: bytes) -> None:
    with pytest.raises(sieve_mail.RefusedError):
        sieve_mail.check(head + REST, OWN)


REDIRECTED = b"X-Sieve: Pigeonhole Sieve 2.4.1\r\nX-Sieve-Redirected-From: an@hanam.gov.vn\r\nFrom: b@x.example\r\n"


@pytest.mark.dieu4
def test_what_a_script_writes_is_never_taken_for_what_it_leads_on() -> None:
    assert sieve_mail.redirecting(REDIRECTED + b"\r\n") == "an@hanam.gov.vn"
    assert sieve_mail.redirecting(REDIRECTED.replace(b"\r\n", b"\n") + b"\n") == "an@hanam.gov.vn"
    for head in (b"X-Sieve: x\r\nDate: y\r\n", b"From: an@hanam.gov.vn\r\n", b"\r\n"):
        assert sieve_mail.redirecting(head + REDIRECTED) is None


@pytest.mark.dieu4
@pytest.mark.parametrize(
    ("sender", "recipients", "passes"),
    [
        ("an@hanam.gov.vn", ["b@bo.gov.vn"], True),
        ("Nguyenvanan@hanam.gov.vn", ["b@gov.vn"], True),
        ("an@hanam.gov.vn", ["b@x.example"], False),
        ("an@hanam.gov.vn", ["b@bo.gov.vn", "b@x.example"], False),
        ("chutich@hanam.gov.vn", ["b@bo.gov.vn"], False),
    ],
)
def test_mail_is_led_to_state_agencies_in_the_owners_name(sender: str, recipients: list[str], passes: bool) -> None:
    if passes:
        sieve_mail.check_redirect(sender, recipients, OWN, ["gov.vn"])
    else:
        with pytest.raises(sieve_mail.RefusedError):
            sieve_mail.check_redirect(sender, recipients, OWN, ["gov.vn"])


@pytest.mark.dieu4
def test_the_notice_to_the_owner_is_one_plain_message() -> None:
    note = email.message_from_bytes(
        sieve_mail.note("an@hanam.gov.vn", sieve_mail.fault_of("b@x.example\r\nBcc: c@x.example"))
    )
    assert note["Bcc"] is None and note["From"] == "noreply@hanam.gov.vn" and note["Auto-Submitted"]
    assert "chuyển tiếp thư đến b@x.example" in note.get_payload(decode=True).decode()
    assert "dưới địa chỉ của chính hộp thư này" in sieve_mail.note("an@hanam.gov.vn", sieve_mail.fault_of("")).decode()


class Outgoing:
    """What the program gives to the mail exchanger; `down`: it cannot be reached."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.down = False

    def send(self, message: bytes, sender: str, recipients: list[str], options: argparse.Namespace) -> None:
        if self.down:
            raise ConnectionRefusedError
        self.sent.append((recipients[0], message))


@pytest.fixture
def outgoing(monkeypatch: pytest.MonkeyPatch) -> Outgoing:
    there = Outgoing()
    monkeypatch.setattr(sieve_mail, "send", there.send)
    return there


def called(monkeypatch: pytest.MonkeyPatch, home: Path, message: bytes, recipient: str) -> int:
    """As Dovecot calls it for what a script of OWN's sends, of which two an hour may go out."""
    parser = argparse.ArgumentParser()
    sieve_mail.add_commands(parser.add_subparsers())
    own = ["--own", ",".join(OWN), "--home", str(home), "--smtp", "127.0.0.1:25", "--forward", "gov.vn"]
    words = ["sieve-mail", *own, "--replies", "2", "--redirects", "2", "-i", "-f", OWN[0], "--", recipient]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(message)))
    options = parser.parse_args(words)
    return int(options.run(options))


def written(automatic: str) -> bytes:
    return b"From: an@hanam.gov.vn\r\nAuto-Submitted: " + automatic.encode() + b"\r\n" + REST


@pytest.mark.dieu12
def test_dieu_12_6_replies_above_the_hours_number_are_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outgoing: Outgoing
) -> None:
    reply = written("auto-replied (vacation)")
    assert [called(monkeypatch, tmp_path, reply, f"{number}@x.example") for number in range(4)] == [0, 0, 0, 0]
    assert [to for to, _ in outgoing.sent] == ["0@x.example", "1@x.example"]


@pytest.mark.dieu12
def test_dieu_12_6_a_rejection_above_the_hours_number_fails_so_that_dovecot_keeps_the_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outgoing: Outgoing
) -> None:
    rejection = written("auto-replied (rejected)")
    assert [called(monkeypatch, tmp_path, rejection, f"{number}@x.example") for number in range(3)] == [0, 0, 1]
    assert len(outgoing.sent) == 2


@pytest.mark.dieu12
def test_dieu_12_6_what_is_led_on_above_the_hours_number_stays_with_its_owner_who_is_told_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outgoing: Outgoing
) -> None:
    mail = REDIRECTED + REST
    assert [called(monkeypatch, tmp_path, mail, "b@bo.gov.vn") for _ in range(4)] == [0, 0, 0, 0]
    assert [to for to, _ in outgoing.sent] == ["b@bo.gov.vn"] * 2 + ["an@hanam.gov.vn"] * 3
    told, *kept = [message for to, message in outgoing.sent if to == "an@hanam.gov.vn"]
    assert "chuyển tiếp quá 2 thư trong một giờ" in email.message_from_bytes(told).get_payload(decode=True).decode()
    assert kept == [b"X-Sieve-Returned: yes\r\n" + mail] * 2


@pytest.mark.dieu12
def test_dieu_12_6_what_did_not_go_out_does_not_count_and_each_kind_counts_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outgoing: Outgoing
) -> None:
    outgoing.down = True
    assert [called(monkeypatch, tmp_path, REDIRECTED + REST, "b@bo.gov.vn") for _ in range(5)] == [1] * 5
    outgoing.down = False
    for _ in range(2):
        assert called(monkeypatch, tmp_path, REDIRECTED + REST, "b@bo.gov.vn") == 0
        assert called(monkeypatch, tmp_path, written("auto-replied (vacation)"), "b@x.example") == 0
    assert [to for to, _ in outgoing.sent] == ["b@bo.gov.vn", "b@x.example"] * 2


@pytest.mark.dieu12
def test_dieu_12_6_an_hour_later_and_after_nonsense_scripts_send_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = 1_000_000.7
    monkeypatch.setattr(sieve_limit, "time", SimpleNamespace(time=lambda: clock))
    assert [sieve_limit.take(tmp_path, "replies", 2) for _ in range(3)] == [True, True, False]
    clock += sieve_limit.HOUR
    assert sieve_limit.take(tmp_path, "replies", 2)
    assert (tmp_path / sieve_limit.FILE).read_text() == f"replies {int(clock)}\n"
    (tmp_path / sieve_limit.FILE).write_bytes(b"\xff\0 replies\nreplies x\nreplies\n\nreplies 9999999999\n")
    assert [sieve_limit.take(tmp_path, "replies", 2) for _ in range(3)] == [True, True, False]


def test_mail_goes_out_where_it_cannot_be_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outgoing: Outgoing
) -> None:
    gone = tmp_path / "gone"
    assert [called(monkeypatch, gone, REDIRECTED + REST, "b@bo.gov.vn") for _ in range(3)] == [0, 0, 0]
    assert len(outgoing.sent) == 3
