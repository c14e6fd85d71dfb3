"""Papers have the form of administrative documents (Nghị định 30/2020/NĐ-CP), whatever texts stand in them."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import segno
import yaml
from click.testing import CliRunner

from hanam_mail.cli import main
from hanam_mail.controller.handover import sheets
from hanam_mail.controller.handover.opening import Handover
from hanam_mail.controller.papers import drafts, page, paper, stops
from hanam_mail.controller.papers.paper import Paper, Signer, Table
from hanam_mail.controller.papers.stops import Announced, Stop
from hanam_mail.errors import InputError
from hanam_mail.host.passwords.first_passwords import PasswordRule
from hanam_mail.host.passwords.sealed_file import Slip
from hanam_mail.regulation import workdays

PROJECT = Path(__file__).parents[3]
PROVINCE = PROJECT / "group_vars/hanam"
OFFICE = paper.load(PROVINCE / "papers.yml")
SITE = drafts.DraftFacts("Quy chế", "Sở, điện thoại 0226 3 000 000", "hanam.gov.vn", 1)
STOP = Stop(
    datetime(2026, 12, 5, 20), datetime(2026, 12, 5, 23), "nâng cấp kho thư", "trang thư", date(2026, 12, 2), ""
)
HOSTILE = "{nb} <b>**Hồ**</b>\n\t\u202eược \x00 🙂 " + "dài " * 200


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float, str]]:
    """What is set on pages: left edge, size of letters, text."""
    said: list[tuple[float, float, str]] = []
    for name in ("cell", "multi_cell"):
        whole: Callable[..., Any] = getattr(page.PaperSheet, name)

        def told(self: Any, w: float, h: float, text: str = "", *, whole: Any = whole, **more: Any) -> Any:
            said.append((self.x, self.font_size_pt, text))
            return whole(self, w, h, text, **more)

        monkeypatch.setattr(page.PaperSheet, name, told)
    return said


def of(**more: Any) -> Paper:
    known: dict[str, Any] = {
        "kind": "THÔNG BÁO", "title": "Về việc thử", "symbol": "TB-STTTT", "to": (), "body": ("Nội dung./.",),
        "receivers": ("Như trên",), "signers": (OFFICE.signers["notice"],),
    }  # fmt: skip
    return Paper(**{**known, **more})


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(2026, 1, 5), "ngày 05 tháng 01 năm 2026"),
        (date(2026, 2, 28), "ngày 28 tháng 02 năm 2026"),
        (date(2026, 3, 9), "ngày 09 tháng 3 năm 2026"),
        (date(2026, 12, 31), "ngày 31 tháng 12 năm 2026"),
    ],
)
def test_days_below_ten_and_the_first_two_months_have_a_zero_before_them(day: date, text: str) -> None:
    assert paper.place_text(OFFICE, of(day=day)) == f"Hà Nam, {text}"


@pytest.mark.parametrize(
    ("number", "text"),
    [("7/TB-STTTT", "Số: 07/TB-STTTT"), ("415/STTTT-CNTT", "Số: 415/STTTT-CNTT"), ("", "Số:          /TB-STTTT")],
)
def test_a_number_below_ten_has_a_zero_and_one_that_is_to_come_a_blank(number: str, text: str) -> None:
    assert paper.number_text(of(number=number)) == text


def test_a_paper_has_its_heads_number_date_title_receivers_and_signer(drawn: list[tuple[float, float, str]]) -> None:
    assert drafts.pdf(of(day=date(2026, 1, 5)), OFFICE).startswith(b"%PDF-")
    texts = [text for _, _, text in drawn]
    expected = [
        "UBND TỈNH HÀ NAM", "SỞ THÔNG TIN VÀ TRUYỀN THÔNG", paper.NATION, paper.MOTTO, "Số:          /TB-STTTT",
        "Hà Nam, ngày 05 tháng 01 năm 2026", "THÔNG BÁO", "Về việc thử", "GIÁM ĐỐC", "Nơi nhận:", "- Như trên;",
        "- Lưu: VT, CNTT.",
    ]  # fmt: skip
    assert [text for text in texts if text in expected] == expected


def test_page_margins_and_letters_are_those_of_the_decree(drawn: list[tuple[float, float, str]]) -> None:
    sheet = page.PaperSheet("Thử")
    sheet.draw(OFFICE, of(body=["Một đoạn văn dài. " * 30] * 20))
    assert (round(sheet.w), round(sheet.h)) == (210, 297)
    assert 30 <= sheet.l_margin <= 35 and 15 <= sheet.r_margin <= 20
    assert 20 <= sheet.t_margin <= 25 and 20 <= sheet.b_margin <= 25
    sizes = {text: size for _, size, text in drawn}
    assert 13 <= page.BODY <= 14 and 12 <= sizes[paper.NATION] <= 13 and 13 <= sizes[paper.MOTTO] <= 14
    assert sheet.pages_count > 1 and sizes["2"] == page.BODY, "later pages bear their number"
    assert "1" not in sizes


def test_a_letter_has_its_subject_below_the_number_and_no_title(drawn: list[tuple[float, float, str]]) -> None:
    drafts.pdf(of(kind="", title="V/v thử", to=("Sở Y tế",)), OFFICE)
    placed = {text: (left, size) for left, size, text in drawn}
    assert placed["V/v thử"] == (page.LEFT, 12)
    assert "Kính gửi: Sở Y tế." in placed


def test_several_addressed_stand_below_one_another(drawn: list[tuple[float, float, str]]) -> None:
    drafts.pdf(of(kind="", to=("Sở Y tế", "Sở Tư pháp")), OFFICE)
    assert {"Kính gửi:", "- Sở Y tế;", "- Sở Tư pháp."} <= {text for _, _, text in drawn}


def test_empty_fields_long_names_and_hostile_signs_make_a_paper_all_the_same() -> None:
    for text in ("", HOSTILE, "x" * 500):
        made = of(
            title=text, to=(text, text), body=(text, Table(("TT", text), (1, 9), [("1", text)])), receivers=(text,),
            signers=(Signer(text, text, text), Signer("", "", "")),
        )  # fmt: skip
        assert drafts.pdf(made, OFFICE).startswith(b"%PDF-")


@pytest.mark.dieu12
def test_a_slip_of_a_long_name_keeps_to_its_place(drawn: list[tuple[float, float, str]]) -> None:
    slips = [Slip("syt", HOSTILE, "a" * 90 + "@hanam.gov.vn", HOSTILE, "Kxmqvbtrghnp@374", "issue")] * 7
    opened = Handover(datetime(2026, 11, 25), "an", "hanam.gov.vn", tuple(slips))
    rules = sheets.Rules(PasswordRule(8, 1, 1, 1, 1, "!@#%$*&"), 3, 1)
    sheet = sheets._Slips("Thử")
    sheet.set_auto_page_break(False)
    for place, slip in enumerate(opened.slips):
        sheet.slip(place, slip, rules.text(), "https://mail.hanam.gov.vn", OFFICE)
        assert sheet.get_y() < 20 + (place % 5 + 1) * 51
    assert sheet.pages_count == 2
    assert {text for _, _, text in drawn if "dài" in text and not text.endswith("…")} == set()


def test_the_code_bears_the_text_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    dark: list[Any] = []
    monkeypatch.setattr(page.PaperSheet, "rect", lambda self, x, y, *more, **options: dark.append((x, y)))
    sheet = page.PaperSheet("Thử")
    sheet.add_page()
    sheet.code("https://mail.hanam.gov.vn/mat-khau/", 100, 50, 27)
    expected = segno.make("https://mail.hanam.gov.vn/mat-khau/", error="m", micro=False).matrix
    assert len(dark) == sum(map(sum, expected))
    assert (100, 50) in dark and max(x for x, _ in dark) < 127


def test_signs_that_are_not_seen_are_left_out() -> None:
    assert paper.clean("Nguyễn\u202e Thị\n\u200bHà\x00") == "Nguyễn Thị Hà"
    assert paper.clean("Nguyê\u0303n") == "Nguyễn"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"papers_issuer": ""}, "papers_issuer"),
        ({"papers_place": 7}, "papers_place"),
        ({"papers_symbol": "x" * 121}, "papers_symbol"),
        ({"papers_signers": {}}, "papers_signers.letter.position"),
        ({"papers_signers": None}, "papers_signers.notice.authority"),
    ],
)
def test_site_data_that_is_missing_or_wrong_is_named(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    values = yaml.safe_load((PROVINCE / "papers.yml").read_text("utf-8"))
    (tmp_path / "papers.yml").write_text(yaml.safe_dump({**values, **change}), "utf-8")
    with pytest.raises(InputError, match=named):
        paper.load(tmp_path / "papers.yml")


# --- The reply (Đ6.2b) ---


@pytest.mark.dieu6
def test_the_reply_names_the_request_its_result_and_every_mailbox(tmp_path: Path) -> None:
    from hanam_mail.registry import loading

    registry = loading.load(PROJECT / "mailboxes")
    request = registry.requests["2023-0003"]
    made = drafts.reply(request, registry, OFFICE, SITE)
    assert (made.number, made.day, made.kind) == ("415/STTTT-CNTT", date(2023, 7, 3), "")
    assert made.to == (registry.agencies[request.agency].name,)
    text = "\n".join(block for block in made.body if isinstance(block, str))
    assert "Văn bản số 88/UBND-NV ngày 28 tháng 6 năm 2023" in text
    assert "Phân loại: cấp mới" in text and "khoản 2 Điều 6" in text and "chậm nhất sau 01 tháng" in text
    [table] = [block for block in made.body if isinstance(block, Table)]
    issued = {
        f"{mailbox.address}@hanam.gov.vn"
        for mailbox in registry.mailboxes.values()
        if any(event.request == request.id for event in mailbox.history)
    }
    assert {row[2] for row in table.rows} == issued != set()
    refused = drafts.reply(request, registry, OFFICE, SITE, refused="thiếu quyết định tuyển dụng")
    assert "chưa đủ điều kiện giải quyết. Lý do: thiếu quyết định tuyển dụng" in "\n".join(map(str, refused.body))
    assert not any(isinstance(block, Table) for block in refused.body)


@pytest.mark.dieu6
def test_the_command_writes_the_reply_and_refuses_a_request_that_is_not_there(tmp_path: Path) -> None:
    made = tmp_path / "new/a.pdf"
    words = ["paper", "reply", "--registry", str(PROJECT / "mailboxes"), "--output", str(made)]
    done = CliRunner().invoke(main, [*words, "2023-0003"])
    assert done.exit_code == 0, done.output
    assert made.read_bytes().startswith(b"%PDF-")
    done = CliRunner().invoke(main, [*words, "2023-0003", "--refused", "thử"])
    assert (done.exit_code, "đã được giải quyết, không từ chối được" in done.output) == (1, True)
    done = CliRunner().invoke(main, [*words, "2023-9999"])
    assert (done.exit_code, "không có đề nghị 2023-9999" in done.output) == (1, True)


@pytest.mark.dieu6
def test_a_pending_request_has_no_reply_unless_it_is_refused(tmp_path: Path) -> None:
    for name in ("mailboxes", "group_vars"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    words = ["--registry", str(tmp_path / "mailboxes")]
    entered = CliRunner().invoke(
        main,
        ["request", "register", "9/SNV-VP", "--agency", "snv", "--asks", "issue", "--dated", "2023-07-10",
         "--received", "2023-07-10", "--ground", "thử", "--json", *words],
    )  # fmt: skip
    assert entered.exit_code == 0, entered.output
    request = json.loads(entered.output)["request"]
    words = ["paper", "reply", request, "--output", str(tmp_path / "a.pdf"), *words]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "đề nghị đang chờ" in done.output) == (1, True)
    assert not (tmp_path / "a.pdf").exists()
    done = CliRunner().invoke(main, [*words, "--refused", "thiếu quyết định", "--day", "05/01/2026"])
    assert done.exit_code == 0, done.output


# --- The notice of a stop (Đ10.5) ---


@pytest.mark.dieu10
@pytest.mark.parametrize(
    ("begin", "announced", "said"),
    [
        ((5, 20), date(2026, 12, 2), []),
        ((5, 20), date(2026, 12, 3), ["đủ 02 ngày làm việc"]),
        ((4, 20), date(2026, 11, 30), ["phải vào ngày nghỉ"]),
        ((4, 20), date(2026, 12, 3), ["đủ 02 ngày làm việc", "phải vào ngày nghỉ"]),
    ],
)
def test_a_stop_needs_a_notice_two_working_days_before_and_a_day_off(
    begin: tuple[int, int], announced: date, said: list[str]
) -> None:
    calendar = workdays.load(PROVINCE / "calendar.yml")
    start = datetime(2026, 12, *begin)
    stop = Stop(start, start.replace(hour=23), "nâng cấp", "trang thư", announced, "")
    found = stops.faults(stop, 2, calendar)
    assert len(found) == len(said) and all(part in text for part, text in zip(said, found, strict=True))
    emergency = Stop(start, start.replace(hour=23), "vá lỗi", "trang thư", announced, "lỗ hổng đang bị khai thác")
    assert stops.faults(emergency, 2, calendar) == []
    assert "lỗ hổng đang bị khai thác" in "\n".join(map(str, drafts.notice(emergency, OFFICE, SITE).body))


PLANNED = Stop(datetime(2026, 12, 5, 20), datetime(2026, 12, 5, 23), "nâng cấp", "trang thư", date(2026, 1, 1), "")
URGENT = replace(PLANNED, begin=datetime(2026, 12, 4, 9), emergency="lỗ hổng đang bị khai thác")


LONGER = replace(PLANNED, end=datetime(2026, 12, 6, 2))
MONDAY = replace(PLANNED, end=datetime(2026, 12, 7, 2))
IN_TIME, LATE, SAME_DAY = (Announced(date(2026, 12, day), current=True) for day in (2, 3, 4))
SATURDAY = datetime(2026, 12, 5, 20)


@pytest.mark.dieu10
@pytest.mark.parametrize(
    ("stop", "step", "told", "now", "said"),
    [
        # The day that counts is that of the letters, whatever the declaration says of it.
        (PLANNED, "announce", Announced(), datetime(2026, 12, 2, 23), []),
        (PLANNED, "announce", Announced(), datetime(2026, 12, 3, 0, 1), ["đủ 02 ngày làm việc"]),
        (PLANNED, "close", Announced(), SATURDAY, ["chưa gửi thông báo"]),
        (PLANNED, "close", LATE, SATURDAY, ["đủ 02 ngày làm việc"]),
        (PLANNED, "close", IN_TIME, datetime(2026, 12, 5, 19, 59), ["chưa đến giờ"]),
        (PLANNED, "close", IN_TIME, SATURDAY, []),
        (PLANNED, "close", IN_TIME, datetime(2026, 12, 5, 23), ["đã qua"]),
        (PLANNED, "announce", Announced(), datetime(2026, 12, 6), ["đã qua"]),
        (PLANNED, "open", Announced(), datetime(2026, 12, 6), []),
        (PLANNED, "reboot", Announced(), SATURDAY, ["step phải là"]),
        (URGENT, "announce", Announced(), datetime(2026, 12, 4, 8), []),
        (URGENT, "close", Announced(), datetime(2026, 12, 4, 9), ["chưa gửi thông báo"]),
        (URGENT, "close", SAME_DAY, datetime(2026, 12, 4, 9), []),
        # It lasts longer: announced again, while the stop is on or before; to its begin it was announced in time.
        (LONGER, "announce", replace(IN_TIME, current=False), datetime(2026, 12, 5, 22), []),
        (LONGER, "announce", replace(IN_TIME, current=False), datetime(2026, 12, 4, 9), []),
        (LONGER, "announce", replace(LATE, current=False), datetime(2026, 12, 4, 9), ["đủ 02 ngày làm việc"]),
        (LONGER, "close", replace(IN_TIME, current=False), datetime(2026, 12, 5, 22), ["chưa gửi thông báo"]),
        (LONGER, "close", IN_TIME, datetime(2026, 12, 5, 22), []),
        (MONDAY, "announce", replace(IN_TIME, current=False), datetime(2026, 12, 6, 9), ["phải vào ngày nghỉ"]),
        (replace(MONDAY, emergency="kho thư hỏng"), "announce", replace(IN_TIME, current=False), SATURDAY, []),
        # Letters that were not yet tried.
        (PLANNED, "close", replace(IN_TIME, waiting=3), SATURDAY, ["còn 3 thư thông báo chưa gửi"]),
        (URGENT, "close", replace(SAME_DAY, waiting=3), datetime(2026, 12, 4, 9), []),
    ],
)
def test_dieu10_5_a_stop_is_closed_for_at_its_time_after_its_letters_or_not_at_all(
    stop: Stop, step: str, told: Announced, now: datetime, said: list[str]
) -> None:
    found = stops.refusals(stop, step, told, now, 2, workdays.load(PROVINCE / "calendar.yml"))
    assert len(found) == len(said) and all(part in text for part, text in zip(said, found, strict=True)), found


@pytest.mark.dieu10
def test_the_notice_says_from_when_to_when_and_what_stops() -> None:
    made = drafts.notice(STOP, OFFICE, SITE)
    text = "\n".join(map(str, made.body))
    assert "từ 20 giờ 00 ngày 05 tháng 12 năm 2026 đến 23 giờ 00 cùng ngày" in text
    assert "Dịch vụ tạm ngừng: trang thư." in text and "khoản 5 Điều 10" in text
    assert (made.kind, made.day) == ("THÔNG BÁO", date(2026, 12, 2))


@pytest.mark.dieu10
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"begin": "05/12/2026"}, "YYYY-MM-DD HH:MM"),
        ({"end": "2026-12-05 19:00"}, "end phải sau begin"),
        ({"announced": "2026-12-02x"}, "announced"),
        ({"announced": datetime(2026, 12, 2, 8)}, "announced"),
        ({"what": " "}, "không được trống"),
        ({"more": 1}, "phải có"),
    ],
)
def test_a_stop_that_is_declared_wrongly_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    entry = {
        "begin": "2026-12-05 20:00", "end": "2026-12-05 23:00", "what": "nâng cấp", "services": "trang thư",
        "announced": date(2026, 12, 2),
    }  # fmt: skip
    file = tmp_path / "maintenance.yml"
    file.write_text(yaml.safe_dump({"maintenance_stops": [entry]}), "utf-8")
    assert stops.load(file)[0].end == datetime(2026, 12, 5, 23)
    file.write_text(yaml.safe_dump({"maintenance_stops": [{**entry, **change}]}), "utf-8")
    with pytest.raises(InputError, match=f"mục 1: .*{said}"):
        stops.load(file)


@pytest.mark.dieu10
def test_a_declared_time_is_told_to_programs_with_its_zone() -> None:
    assert stops.http_date("2026-12-06 02:30", "Asia/Ho_Chi_Minh") == "Sat, 05 Dec 2026 19:30:00 GMT"
    assert stops.iso_time("2026-12-06 02:30", "Asia/Ho_Chi_Minh") == "2026-12-06T02:30:00+07:00"
    with pytest.raises(ValueError, match="end phải có dạng"):
        stops.http_date("06/12/2026", "Asia/Ho_Chi_Minh")


@pytest.mark.dieu10
def test_the_command_says_when_no_stop_is_declared(tmp_path: Path) -> None:
    words = ["paper", "notice", "--registry", str(PROJECT / "mailboxes"), "--output", str(tmp_path / "a.pdf")]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "chưa khai báo" in done.output) == (1, True)
    assert not (tmp_path / "a.pdf").exists()
