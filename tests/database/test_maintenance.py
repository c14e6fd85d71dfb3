"""Stops of the service are announced to every mailbox, once each, and what is done stands in the audit (Đ10.5)."""

import datetime as dt
import json

import pytest

from hanam_mail.host.jobs import notices
from tests.database.scratch import Answer, Scratch
from tests.database.test_held_spam import held
from tests.unit.host.test_jobs import CONFIGURATION

__all__ = ["held"]
pytestmark = pytest.mark.dieu10

STOP = {
    "begin": "2099-12-05 20:00",
    "end": "2099-12-05 23:00",
    "what": "nâng cấp máy chủ",
    "services": "trang thư",
    "emergency": "",
    "page": "https://mail.hanam.gov.vn/tinh-trang/",
}


def said(held: Scratch, *words: str, **change: str) -> Answer:
    return held.command("maintenance", *words, "--json", stdin=json.dumps(STOP | change).encode())


def test_each_mailbox_has_one_letter_however_often_it_is_announced(held: Scratch) -> None:
    held.psql("update mail.mailbox set state = 'revoked' where id = 'box00002'")
    open_ones = int(held.psql("select count(*) from mail.mailbox where state <> 'revoked'"))
    assert said(held, "show").json == {"changed": False, "announced": "", "waiting": 0}
    assert said(held, "announce", "--check").json["mailboxes"] == open_ones
    assert said(held, "show").json["announced"] == "", "looked at only"
    assert said(held, "announce").json == {"changed": True, "mailboxes": open_ones}
    assert said(held, "announce").json == {"changed": False, "mailboxes": 0}
    today = held.psql("select current_date")
    assert said(held, "show").json == {"changed": False, "announced": today, "waiting": open_ones}
    assert said(held, "announce", end="2099-12-06 01:00").json["mailboxes"] == open_ones, "another end is other news"


def test_each_has_his_own_letter_and_it_says_what_stops_and_when(held: Scratch) -> None:
    said(held, "announce", emergency="lỗ hổng đang bị khai thác")
    rows = held.psql(
        "select array_to_string(t.recipients, ' '), t.address from mail.notice n,"
        " mail.notice_take(n.mailbox_id, n.kind, n.round) t where n.kind = 'maintenance'"
    ).splitlines()
    assert rows
    assert all(row.partition("|")[0] == row.partition("|")[2] for row in rows)
    payload = json.loads(held.psql("select payload from mail.notice where kind = 'maintenance' limit 1"))
    notice = notices.Notice("x", "maintenance", "r", dt.date(2099, 12, 1), payload, "Tên", "a@b.vn", None, ("a@b.vn",))
    letter = notices.render(notice, CONFIGURATION)
    assert letter["Subject"] == "Hộp thư a@b.vn: tạm ngừng dịch vụ từ 20:00 ngày 05/12/2099"
    text = letter.get_content()
    for part in (
        "đến 23:00 ngày 05/12/2099",
        "nâng cấp máy chủ",
        "trang thư",
        "khẩn cấp",
        "lỗ hổng",
        STOP["page"],
        "khoản 5 Điều 10",
    ):
        assert part in text


def test_letters_to_everybody_let_others_pass(held: Scratch) -> None:
    said(held, "announce")
    held.psql(
        "insert into mail.notice (mailbox_id, kind, round, due, payload)"
        " values ('box00001', 'quota', 'x', current_date, '{}')"
    )
    assert held.psql("select kind from mail.notice_waiting() limit 1") == "quota"


def test_the_audit_has_who_announced_closed_and_opened(held: Scratch) -> None:
    said(held, "announce", "--actor", "lan")
    assert said(held, "done", "close", "--check").json["changed"] is True
    for deed in ("close", "open"):
        assert said(held, "done", deed, "--actor", "minh").json["changed"] is True
    rows = held.psql("select actor, key, action, after ->> 'deed' from mail.audit where object = 'maintenance'")
    key = "2099-12-05 20:00/2099-12-05 23:00"
    assert rows.splitlines() == [f"lan|{key}|insert|", f"minh|{key}|update|close", f"minh|{key}|update|open"]


def test_what_is_past_is_not_announced(held: Scratch) -> None:
    answer = said(held, "announce", begin="2020-01-01 20:00", end="2020-01-01 21:00")
    assert answer.status == 1
    assert "đã qua" in answer.complaint
