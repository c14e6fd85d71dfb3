"""The job hands held messages' notices to a mail server: the sender's, and the operator's letter, once each (Đ3.3)."""

import email
import email.policy
import json
import re
from dataclasses import asdict
from email.message import EmailMessage
from pathlib import Path

import pytest
import yaml

from tests import smtp_server
from tests.database.scratch import Scratch, person, registry
from tests.database.test_held import decide, take
from tests.database.test_held_spam import opened, spam
from tests.database.world import quoted
from tests.unit.host.test_jobs import CONFIGURATION

pytestmark = pytest.mark.dieu3

OWNER = "ha1@hanam.gov.vn"


def letters(mailbox: smtp_server.Mailbox) -> dict[str, EmailMessage]:
    """What the server took since it was last asked, by receiver; lines that began with a dot have two."""
    found = {}
    for _, receivers, octets in mailbox.taken:
        for receiver in receivers:
            message = email.message_from_bytes(octets.replace(b"\r\n..", b"\r\n."), policy=email.policy.default)
            found[receiver.partition("<")[2].partition(">")[0]] = message
    mailbox.taken.clear()
    return found  # type: ignore[return-value]


def test_the_sender_and_the_operator_are_told_once_and_never_the_subject(scratch: Scratch, tmp_path: Path) -> None:
    scratch.apply(registry(person(1)))
    with smtp_server.running() as mailbox:
        host, port = mailbox.address
        file = tmp_path / "jobs.yml"
        file.write_text(yaml.safe_dump({**asdict(CONFIGURATION), "smtp_host": host, "smtp_port": port}))

        def run() -> dict[str, EmailMessage]:
            done = scratch.command("notices", str(file), "--json", role="mail_jobs")
            assert done.status == 0, done.complaint
            return letters(mailbox)

        run()
        scratch.psql(take("an@ngoai.example", "binh@ngoai.example", reason="MAT in ke-hoach.docx"))
        told = run()
        assert told.keys() == {OWNER, CONFIGURATION.operator}
        text = told[OWNER].get_content()
        assert "CHƯA đến người nhận nào" in text
        assert "an@ngoai.example, binh@ngoai.example" in text
        assert "số 1" in text
        assert "Lý do: thư hoặc tệp đính kèm có dấu hiệu mang dấu chỉ độ mật; không được gửi" in " ".join(text.split())
        operators = told[CONFIGURATION.operator].get_content()
        assert f"số 1: Thư có dấu hiệu chứa nội dung bí mật nhà nước; của {OWNER}; 2 người nhận chờ" in operators
        for letter in told.values():
            assert "Kế hoạch" not in letter["Subject"] + letter.get_content()
        assert run() == {}
        scratch.psql(decide("drop", "an@ngoai.example"))
        told = run()
        assert told.keys() == {OWNER}
        assert "KHÔNG được gửi tới: an@ngoai.example." in told[OWNER].get_content()


HOSTILE = "(TUYỆT MẬT) http://xau.example"


def test_receivers_read_of_a_closed_archive_in_plain_words_that_nobody_can_click(
    scratch: Scratch, tmp_path: Path
) -> None:
    scratch.apply(registry(person(1), person(2)))
    closed = {"kind": "encrypted", "login": "", "sender": "an@ngoai.example"}
    scratch.psql(take(OWNER, **closed, author="An <an@ngoai.example>", files=["hồ sơ.zip", "http://xau.example/a"]))
    closed |= {"sender": '"(TUYỆT MẬT)"@xau.example'}
    scratch.psql(take("ha2@hanam.gov.vn", **closed, author=HOSTILE, files=[HOSTILE, "a\n\nb"], file="d" * 32))
    with smtp_server.running() as mailbox:
        host, port = mailbox.address
        file = tmp_path / "jobs.yml"
        file.write_text(yaml.safe_dump({**asdict(CONFIGURATION), "smtp_host": host, "smtp_port": port}))
        done = scratch.command("notices", str(file), "--json", role="mail_jobs")
        assert done.status == 0, done.complaint
        told = letters(mailbox)
        scratch.psql("; ".join(decide("drop", number=number) for number in (1, 2)))
        done = scratch.command("notices", str(file), "--json", role="mail_jobs")
        assert done.status == 0, done.complaint
        ends = letters(mailbox)
    assert ends.keys() == {OWNER, "ha2@hanam.gov.vn"}
    text = ends[OWNER].get_content()
    assert "KHÔNG được giao: theo quyết định" in text
    assert "hồ sơ[.]zip; http[:]//xau[.]example/a" in text
    assert "xau" not in ends["ha2@hanam.gov.vn"].get_content()
    assert told.keys() == {OWNER, "ha2@hanam.gov.vn", CONFIGURATION.operator}
    text = told[OWNER].get_content()
    assert "Hệ thống không báo cho người gửi" in text
    assert "Sau 30 ngày kể từ lúc đến mà không có quyết định, thư tự bị hủy." in text
    for part in ("CHƯA được giao", "An <an@ngoai[.]example>", "hồ sơ[.]zip; http[:]//xau[.]example/a"):
        assert part in text
    # What would be held itself quotes nothing.
    text = told[CONFIGURATION.operator].get_content()
    assert "của an@ngoai.example; 1 người nhận" in text
    assert "của (không hiển thị); 1 người nhận" in text
    text = told["ha2@hanam.gov.vn"].get_content()
    assert "Người gửi, theo thư tự ghi: (không hiển thị)" in text
    assert "xau" not in text


def test_receivers_of_spam_get_one_letter_a_day_with_a_link_for_each_message_and_nothing_else_to_click(
    scratch: Scratch, tmp_path: Path
) -> None:
    scratch.apply(registry(person(1), person(2), person(3)))
    opened(scratch)
    scratch.psql("update mail.setting set value = '\"00:00\"' where name = 'held_digest_at'")
    scratch.psql("update mail.setting set value = '2' where name = 'held_digest_rows'")
    with smtp_server.running() as mailbox:
        host, port = mailbox.address
        file = tmp_path / "jobs.yml"
        file.write_text(yaml.safe_dump({**asdict(CONFIGURATION), "smtp_host": host, "smtp_port": port}))

        def run(answer: str = "250 ok") -> dict[str, EmailMessage]:
            mailbox.answers = {"RCPT": answer}
            done = scratch.command("notices", str(file), "--json", role="mail_jobs")
            assert done.status == 0, done.complaint
            return letters(mailbox)

        assert run() == {}
        scratch.psql(spam(1, OWNER, "ha2@hanam.gov.vn", subject="Vay: http://xau.example/a www.xau.example", score=14))
        scratch.psql(spam(2, OWNER, subject="(TUYỆT MẬT) mở ngay", author="MẬT", score=12))
        scratch.psql(spam(3, OWNER, subject="a\u202eb\x1b[2J\r\nBcc: x@y", author="x" * 400, score=11))
        assert run("452 4.2.2 full") == {}
        told = run()
        assert told.keys() == {OWNER, "ha2@hanam.gov.vn"}
        text = told["ha2@hanam.gov.vn"].get_content()
        assert "Tiêu đề thư: Vay: http[:]//xau[.]example/a www[.]xau[.]example" in text
        links = re.findall(r"https?://\S+|www\.\S+|\S+@xau", text.replace("https://mail.hanam.gov.vn/thu-giu/,", ""))
        assert len(links) == 1
        assert re.fullmatch(r"https://mail\.hanam\.gov\.vn/thu-giu/\?ma=\d+-\d{8}-[0-9a-f]{32}", links[0])
        assert (
            scratch.psql(
                f"select result, state from mail.held_link_show({quoted(links[0].partition('=')[2])})", role="mail_held"
            )
            == "known|held"
        )
        text = told[OWNER].get_content()
        assert "Còn 1 thư nữa chưa kể ở đây; thư báo các ngày sau kể tiếp" in text
        assert told[OWNER]["Subject"] == f"3 thư nghi là thư rác gửi đến {OWNER} đang được giữ lại"
        assert "(không hiển thị)" in text, "what would be held itself quotes nothing"
        assert "Tiêu đề thư: a b [2J Bcc[:]" not in text
        assert "Tiêu đề thư: a b [2J Bcc: x@y" in text
        assert "\u202e" not in text
        assert max(map(len, text.splitlines())) < 400
        # Nothing more on that day, and nothing of what was decided before it could go.
        scratch.psql(spam(4, OWNER))
        assert run() == {}
        scratch.psql(spam(5, "ha3@hanam.gov.vn"))
        assert run("452 4.2.2 full") == {}
        scratch.psql(decide("drop", number=5))
        assert run() == {}
        assert scratch.psql("select count(*) from mail.notice where sent_at is null and kind = 'held_digest'") == "0"


def test_what_the_operators_mailbox_does_not_take_is_told_later(scratch: Scratch, tmp_path: Path) -> None:
    scratch.apply(registry(person(1)))
    scratch.psql(take("an@ngoai.example", login=None, sender=""))
    with smtp_server.running() as mailbox:
        host, port = mailbox.address
        file = tmp_path / "jobs.yml"
        file.write_text(yaml.safe_dump({**asdict(CONFIGURATION), "smtp_host": host, "smtp_port": port}))
        for answer, waits in (("452 4.2.2 full", 1), ("250 ok", 0)):
            mailbox.answers = {"RCPT": answer}
            done = scratch.command("notices", str(file), "--json", role="mail_jobs")
            assert (done.status, json.loads(done.output)["waiting"]) == (0, waits), done.complaint
            assert len(mailbox.taken) == 1 - waits
