"""What people report, as real mail: to the person, his agency and the operator, and the operator's answer (Đ12.8)."""

import json
import secrets

import pytest

from tests.delegation import Delegation
from tests.lab import Lab, wait_for
from tests.web.test_report_button import letters, operators_mailbox

pytestmark = [pytest.mark.dieu10, pytest.mark.dieu12, pytest.mark.neighbours]

SPAM = "Vay nhanh lãi suất 0%, bấm vào http://vay.example/ ngay, MIỄN PHÍ $$$ viagra casino"


def report(lab: Lab, delegation: Delegation, kind: str, words: str) -> int:
    """Hand in a report as the webmail does, by its role of the database; the report's number."""
    message = {"folder": "INBOX", "message_id": "<1@vay.example>", "author": "Vay <vay@vay.example>", "subject": SPAM}
    given = "null" if kind == "fault" else f"'{json.dumps(message, ensure_ascii=False)}'"
    taken = lab.sql(
        "begin read write; set local role mail_webmail; select number from mail.user_report_take("
        f"'{delegation.clerk.mailbox}', '{secrets.token_hex(16)}', '{kind}', '{words}', {given}); commit"
    )
    return int(taken)


def test_dieu_12_8_a_report_reaches_all_three_and_its_answer_the_person_and_the_agency(
    lab: Lab, delegation: Delegation
) -> None:
    number = report(lab, delegation, "virus", SPAM)
    lab.send_notices()
    lab.send_notices()
    for mailbox in (delegation.clerk.mailbox, delegation.mailbox, operators_mailbox(lab)):
        (notice,) = wait_for(
            lambda mailbox=mailbox: letters(lab, mailbox, f"Báo cáo số {number} của"),  # type: ignore[misc]
            f"the notice in {mailbox}",
        )
        assert notice["Subject"] == f"Báo cáo số {number} của {delegation.clerk.address}: virus, mã độc"
        text = notice.get_content()
        assert "http://vay.example" not in text
        assert f"hộp thư {delegation.clerk.address}, thư mục INBOX" in text
        # A letter about spam reads like spam, and is none.
        assert "X-Spam" not in notice
    shown = lab.run("accounts", f"hanam-mail-db complaints show {number}")
    assert delegation.clerk.address in shown
    lab.run("accounts", f"hanam-mail-db complaints answer {number} --text 'Đã chặn người gửi.' --actor lan")
    lab.send_notices()
    for mailbox in (delegation.clerk.mailbox, delegation.mailbox):
        (answer,) = wait_for(
            lambda mailbox=mailbox: letters(lab, mailbox, f"Trả lời báo cáo số {number} của"),  # type: ignore[misc]
            f"the answer in {mailbox}",
        )
        assert "Đã chặn người gửi." in answer.get_content()
    lab.run("accounts", f"hanam-mail-db complaints close {number}")
    assert f"\n{number}  " not in "\n" + lab.run("accounts", "hanam-mail-db complaints list")
    counted = lab.run("accounts", f"hanam-mail-db complaints count --agency {agency_code(lab, delegation)} --json")
    assert {"address": delegation.clerk.address, "kind": "virus", "reports": 1, "waiting": 0} in json.loads(counted)[
        "found"
    ]


def agency_code(lab: Lab, delegation: Delegation) -> str:
    return lab.sql(
        "select g.code from mail.agency g join mail.mailbox m on m.agency_id = g.id"
        f" where m.id = '{delegation.mailbox}'"
    )
