"""The job hands held messages' notices to a mail server: the sender's, and the operator's letter, once each (Đ3.3)."""

import email
import email.policy
import json
from dataclasses import asdict
from email.message import EmailMessage
from pathlib import Path

import pytest
import yaml

from tests import smtp_server
from tests.database.scratch import Scratch, person, registry
from tests.database.test_held import decide, take
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
    scratch.psql(take("ha2@hanam.gov.vn", **closed, author=HOSTILE, files=[HOSTILE, "a\n\nb"], file="d" * 32))
    with smtp_server.running() as mailbox:
        host, port = mailbox.address
        file = tmp_path / "jobs.yml"
        file.write_text(yaml.safe_dump({**asdict(CONFIGURATION), "smtp_host": host, "smtp_port": port}))
        done = scratch.command("notices", str(file), "--json", role="mail_jobs")
        assert done.status == 0, done.complaint
        told = letters(mailbox)
    assert told.keys() == {OWNER, "ha2@hanam.gov.vn", CONFIGURATION.operator}
    text = told[OWNER].get_content()
    for part in ("CHƯA được giao", "An <an@ngoai[.]example>", "hồ sơ[.]zip; http[:]//xau[.]example/a"):
        assert part in text
    # What would be held itself quotes nothing.
    text = told["ha2@hanam.gov.vn"].get_content()
    assert "Người gửi, theo thư tự ghi: (không hiển thị)" in text
    assert "xau" not in text


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
