"""Stops of the service are announced to every mailbox, once each, and what is done stands in the audit (Đ10.5)."""

import datetime as dt
import json
from email.message import EmailMessage

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


KEY = "2099-12-05 20:00/2099-12-05 23:00"
LONGER = "2099-12-06 01:00"


def said(held: Scratch, *words: str, **change: object) -> Answer:
    return held.command("maintenance", *words, "--json", stdin=json.dumps(STOP | change).encode())


def told(held: Scratch, **change: object) -> dict[str, object]:
    known: dict[str, object] = said(held, "show", **change).json["stop"]
    return known


def letter(held: Scratch, round_: str = KEY) -> EmailMessage:
    """A letter of the stop as it would go now."""
    taken = f"select t.payload from mail.notice_take('box00001', 'maintenance', '{round_}') t"
    payload = json.loads(held.psql(taken))
    notice = notices.Notice("x", "maintenance", "r", dt.date(2099, 12, 1), payload, "Tên", "a@b.vn", None, ("a@b.vn",))
    return notices.render(notice, CONFIGURATION)


def goes(held: Scratch, kind: str, round_: str) -> object:
    return json.loads(held.psql(f"select t.payload from mail.notice_take('box00001', '{kind}', '{round_}') t"))["send"]


def test_each_mailbox_has_one_letter_however_often_it_is_announced(held: Scratch) -> None:
    held.psql("update mail.mailbox set state = 'revoked' where id = 'box00002'")
    open_ones = int(held.psql("select count(*) from mail.mailbox where state <> 'revoked'"))
    assert told(held) == {"announced": "", "current": False, "waiting": 0}
    assert said(held, "announce", "--check").json["mailboxes"] == open_ones
    assert told(held)["announced"] == "", "looked at only"
    announced = said(held, "announce").json
    assert (announced["changed"], announced["mailboxes"]) == (True, open_ones)
    again = said(held, "announce").json
    assert (again["changed"], again["mailboxes"]) == (False, 0)
    today = held.psql("select current_date")
    assert told(held) == {"announced": today, "current": True, "waiting": open_ones}
    held.psql("update mail.notice set failure = 'full' where mailbox_id = 'box00001'")
    assert told(held)["waiting"] == open_ones - 1, "what was tried keeps nobody from closing"


def test_another_end_replaces_what_was_announced_and_keeps_its_day(held: Scratch) -> None:
    said(held, "announce")
    held.psql("update mail.maintenance set announced_at = now() - interval '3 days'")
    first = held.psql("select current_date - 3")
    assert told(held, end=LONGER) == {"announced": first, "current": False, "waiting": 0}
    assert said(held, "announce", end=LONGER).json["changed"] is True
    assert told(held, end=LONGER)["announced"] == first
    assert told(held, end=LONGER)["current"] is True
    assert told(held)["current"] is False
    later = f"2099-12-05 20:00/{LONGER}"
    assert "Thay cho thông báo trước: tạm ngừng đến 23:00 ngày 05/12/2099." in letter(held, later).get_content()
    assert (goes(held, "maintenance", KEY), goes(held, "maintenance", later)) == (False, True)
    assert "đã được thay" in said(held, "announce").complaint, "nobody would hear of it again"
    assert told(held, begin="2099-12-05 21:00")["announced"] == "", "another begin is another stop"


def test_each_has_his_own_letter_and_it_says_what_stops_and_when(held: Scratch) -> None:
    said(held, "announce", emergency="lỗ hổng đang bị khai thác.")
    rows = held.psql(
        "select array_to_string(t.recipients, ' '), t.address from mail.notice n,"
        " mail.notice_take(n.mailbox_id, n.kind, n.round) t where n.kind = 'maintenance'"
    ).splitlines()
    assert rows
    assert all(row.partition("|")[0] == row.partition("|")[2] for row in rows)
    made = letter(held)
    assert made["Subject"] == "Hộp thư a@b.vn: tạm ngừng dịch vụ từ 20:00 ngày 05/12/2099"
    text = " ".join(made.get_content().split())
    for part in (
        "đến 23:00 ngày 05/12/2099, để nâng cấp máy chủ, các dịch vụ sau tạm ngừng: trang thư.",
        "khẩn cấp",
        "lỗ hổng đang bị khai thác. Đề nghị",
        STOP["page"],
        "khoản 5 Điều 10",
    ):
        assert part in text
    assert "Thay cho" not in text


def test_letters_to_everybody_let_others_pass(held: Scratch) -> None:
    said(held, "announce")
    held.psql(
        "insert into mail.notice (mailbox_id, kind, round, due, payload)"
        " values ('box00001', 'quota', 'x', current_date, '{}')"
    )
    assert held.psql("select kind from mail.notice_waiting() limit 1") == "quota"
    held.psql(
        "insert into mail.notice (mailbox_id, kind, round, due, payload)"
        " select 'box00001', kind, number::text, current_date, '{}'"
        " from generate_series(1, 700) number, unnest(array['maintenance', 'collector']) kind"
    )
    counted = held.psql("select kind, count(*) from mail.notice_waiting() group by 1 order by 1").splitlines()
    assert counted == ["collector|700", "maintenance|500", "quota|1"], "what arises meanwhile waits for one run"


def test_a_letter_of_a_stop_or_a_report_that_is_over_is_not_sent_any_more(held: Scratch) -> None:
    said(held, "announce")
    assert goes(held, "maintenance", KEY) is True
    held.psql('update mail.notice set payload = payload || \'{"end": "2020-01-01T21:00:00"}\'')
    assert goes(held, "maintenance", KEY) is False
    held.psql(
        "insert into mail.notice (mailbox_id, kind, round, due, payload)"
        " select 'box00001', 'yearly_report', days::text, current_date,"
        " jsonb_build_object('before', current_date + days, 'days', 29) from unnest(array[0, 1]) days"
    )
    assert [goes(held, "yearly_report", days) for days in ("0", "1")] == [False, True]
    left = "select t.payload -> 'days' from mail.notice_take('box00001', 'yearly_report', '1') t"
    assert held.psql(left) == "0", "counted from the day on which it goes"


def rows(held: Scratch) -> list[str]:
    asked = "select actor, key, action, after ->> 'deed' from mail.audit where object = 'maintenance' order by seq"
    return held.psql(asked).splitlines()


def test_the_audit_has_who_announced_closed_and_opened(held: Scratch) -> None:
    said(held, "announce", "--actor", "lan")
    assert said(held, "done", "close", "--check", turned=True).json["changed"] is True
    assert len(rows(held)) == 1, "looked at only"
    for deed in ("close", "open"):
        assert said(held, "done", deed, "--actor", "minh", turned=True).json["changed"] is True
        assert said(held, "done", deed, "--actor", "an", turned=False).json["changed"] is False, "nothing was done"
    assert rows(held) == [f"lan|{KEY}|insert|", f"minh|{KEY}|update|close", f"minh|{KEY}|update|open"]


def test_what_an_earlier_run_could_not_note_is_noted_later_and_opening_needs_no_declaration(held: Scratch) -> None:
    def opened(*, turned: bool) -> bool:
        answer = held.command("maintenance", "done", "open", "--json", stdin=json.dumps({"turned": turned}).encode())
        return bool(answer.json["changed"])

    assert opened(turned=False) is False, "it was never closed"
    assert opened(turned=True) is True
    assert said(held, "done", "close", turned=False).json["changed"] is True
    assert opened(turned=False) is True
    assert [row.split("|", 1)[1] for row in rows(held)] == [
        "|update|open",
        f"{KEY}|update|close",
        f"{KEY}|update|open",
    ]


def test_what_is_past_is_not_announced(held: Scratch) -> None:
    answer = said(held, "announce", begin="2020-01-01 20:00", end="2020-01-01 21:00")
    assert answer.status == 1
    assert "đã qua" in answer.complaint
