"""What people ask most, and the form of Đ11.6: the numbers are the regulation's, the links lead somewhere."""

import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest

from hanam_mail.change_page import factor
from tests import clauses_table
from tests.render.conftest import ENVIRONMENTS, ROOT
from tests.render.role_rows import files
from tests.web import words

Environments = Callable[[str], Any]
VOID = {"meta", "link", "br", "img"}
PAGES = ("index.html.j2", "incident.html.j2", "status.html.j2", "training.html.j2")
STOP = {
    "begin": "2026-12-05 20:00", "end": "2026-12-05 23:00", "announced": "2026-12-02",
    "what": "nâng cấp <kho> thư", "services": "trang thư & chương trình thư",
}  # fmt: skip


class Page(HTMLParser):
    """A page's tags, links, places and text; every tag ends."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.pictures += [given] if tag == "img" else []
        self.links |= {given[name] or "" for name in ("href", "src") if name in given}
        self.places |= {given["id"] or ""} if "id" in given else set()
        assert not [name for name in given if name.startswith("on") or name == "style"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def render(here: Any, template: str) -> str:
    text: str = here.render("help_pages", template, here.hosts("webmail")[0])
    return text


def page(here: Any, template: str) -> Page:
    return Page(render(here, template))


@pytest.mark.dieu10
@pytest.mark.dieu11
@pytest.mark.parametrize("topology", ENVIRONMENTS)
@pytest.mark.parametrize("template", PAGES)
def test_each_page_says_whom_to_ask_and_loads_nothing_from_elsewhere(
    environment: Environments, topology: str, template: str
) -> None:
    here = environment(topology)
    found = page(here, template)
    support = here.value("help_pages", "help_pages_support", here.hosts("webmail")[0])
    assert set(support.values()) <= {word for word in support.values() if word in found.text}
    assert not {"iframe", "form"} & set(found.tags)
    # One page has a script, a file of its own: which of the stops goes on now.
    assert found.tags.count("script") == (template == "status.html.j2")
    assert found.tags.count("h1") == 1
    assert "http" not in "".join(found.links)
    assert {link[1:] for link in found.links if link.startswith("#")} <= found.places


@pytest.mark.dieu11
@pytest.mark.parametrize("template", PAGES)
def test_each_page_is_in_vietnamese(environment: Environments, template: str) -> None:
    assert words.foreign(page(environment("lab"), template).text) == set()


@pytest.mark.dieu10
def test_people_read_where_held_mail_is_and_after_how_many_days_it_is_gone(environment: Environments) -> None:
    here = environment("lab")
    text = " ".join(page(here, "index.html.j2").text.split())
    days = here.value("help_pages", "held_kinds.spam.drop_after_days", "mail")
    assert (
        "ở https://mail.hanam.gov.vn/thu-giu/, cho giao thư vào hộp thư hoặc hủy, và không bao giờ hỏi mật khẩu."
        in text
    )
    assert f"sau {days} ngày thư tự hủy" in text


def test_links_lead_to_pages_that_are_there(environment: Environments) -> None:
    here = environment("lab")
    written = {place.rpartition("/")[2] for place in files(here, "help_pages", "mail")}
    paths = ("path", "setup_path", "directory_path", "status_path", "training_path")
    roots = {here.value("help_pages", f"help_pages_{name}", "mail") for name in paths}
    roots |= {"/tro-giup/help.css", "/tro-giup/bao-su-co.html"}
    look = here.value("roundcube", "roundcube_look_path", "mail")
    known = written | roots | {"/", "./", f"{look}look.css", f"{look}emblem.svg", "/mat-khau/", "/mat-khau/hai-buoc"}
    for template in PAGES:
        links = {link for link in page(here, template).links if not link.startswith(("#", "mailto:"))}
        assert links <= known
    assert "bao-su-co.html" in page(here, "index.html.j2").links


@pytest.mark.dieu7
@pytest.mark.dieu8
@pytest.mark.dieu9
def test_numbers_are_those_of_the_regulation(environment: Environments) -> None:
    text = page(environment("lab"), "index.html.j2").text
    for shown in ("2 GB", "10 GB", "20 MB", "03\ntháng một lần", "01 tháng sau khi được cấp", "03 ngày làm việc"):
        assert " ".join(shown.split()) in " ".join(text.split())
    other = environment("lab").with_variables(
        regulation_quota_personal_default_bytes=5 * 2**30, regulation_attachment_limit_bytes=25 * 2**20,
        regulation_quota_agency_default_bytes=1536 * 2**20, regulation_restore_working_days=5,
        regulation_password_max_age_months=6,
    )  # fmt: skip
    text = " ".join(page(other, "index.html.j2").text.split())
    for shown in ("5 GB", "1,5 GB", "25 MB", "05 ngày làm việc", "06 tháng một lần"):
        assert shown in text


@pytest.mark.dieu9
def test_people_read_how_often_they_look_into_their_mailboxes(environment: Environments) -> None:
    """Đ9.1: each his own; Đ9.2: clerks that of their agency."""
    text = " ".join(page(environment("lab"), "index.html.j2").text.split())
    assert "hộp thư cá nhân nên kiểm tra hằng ngày" in text
    assert "hộp thư chung vào đầu buổi sáng và đầu buổi chiều mỗi ngày làm việc" in text


def test_every_reason_of_a_lock_is_named(environment: Environments) -> None:
    here = environment("lab")
    text = page(here, "index.html.j2").text
    reasons = here.value("change_page", "change_page_lock_reasons", "mail")
    assert [reason for reason in reasons.values() if f"{reason}." not in text] == []


@pytest.mark.dieu11
def test_the_form_has_the_heads_and_the_foot_of_an_administrative_document(environment: Environments) -> None:
    """Đ11.6."""
    text = " ".join(page(environment("lab"), "incident.html.j2").text.split())
    for shown in (
        "CƠ QUAN, ĐƠN VỊ:", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc",
        "Hà Nam, ngày", "BÁO CÁO", "Về sự cố",
        "Kính gửi: Sở Thông tin và Truyền thông", "Quyết định số 27/2023/QĐ-UBND", "Nơi nhận:",
        "Ký, ghi rõ họ tên, đóng dấu",
    ):  # fmt: skip
        assert shown in text


def test_what_is_to_be_filled_in_is_drawn_by_borders_which_browsers_print() -> None:
    style = (ROOT / "roles/help_pages/files/incident.css").read_text()
    assert "gradient" not in style
    assert re.search(r"\.line \{[^}]*border-bottom", style)


def test_the_pages_take_the_look_of_the_site(environment: Environments) -> None:
    here = environment("lab").with_variables(look_path="/xem/")
    for template in PAGES:
        assert {"/xem/look.css", "/xem/emblem.svg"} <= page(here, template).links


def test_another_path_moves_the_pages(environment: Environments) -> None:
    here = environment("lab").with_variables(help_page_path="/thu/giup/")
    site = render(here, "page.conf.j2")
    others = {"/tinh-trang/", "/tinh-trang", "/tap-huan/", "/tap-huan"}
    assert set(re.findall(r"location (?:\^~|=) (\S+)", site)) == {"/thu/giup/", "/thu/giup", *others}
    policies = re.findall(r"location \^~ (\S+) \{[^}]*?default-src 'none'; script-src '(\w+)'", site)
    assert policies == [("/thu/giup/", "none"), ("/tinh-trang/", "self"), ("/tap-huan/", "none")]
    assert here.value("roundcube", "roundcube_help_page", "mail") == "/thu/giup/"


@pytest.mark.dieu11
def test_the_form_is_printed_with_the_margins_and_letters_of_the_decree() -> None:
    style = (ROOT / "roles/help_pages/files/incident.css").read_text()
    assert "@page { size: A4; margin: 20mm 15mm 20mm 30mm; }" in style
    assert re.search(r"font: 13pt/[\d.]+ \"Times New Roman\"", style)


# --- What is forbidden ---


@pytest.mark.dieu4
@pytest.mark.dieu12
def test_each_ban_says_why_and_names_its_clause_of_the_regulation(environment: Environments) -> None:
    """Đ3.3, Đ4.1 to Đ4.6, Đ11.2, Đ12.3 and Đ12.5 to Đ12.7 are all that people must not do."""
    section = re.split(r"<h2 id=\"", render(environment("lab"), "index.html.j2"))
    (text,) = (" ".join(part.split()) for part in section if part.startswith("khong-duoc"))
    bans = re.findall(r"<li><strong>(.*?)</strong> \(([^)]*)\)\. (.*?)</li>", text)
    assert len(bans) == text.count("<li>")
    assert [what for what, _, why in bans if not why.startswith("Vì ")] == []
    cited = [_clauses(where) for _, where, _ in bans]
    assert all(cited)
    named = set().union(*cited)
    bound = {"Đ3.3", "Đ11.2", "Đ12.3", "Đ12.5", "Đ12.6", "Đ12.7", *(f"Đ4.{number}" for number in range(1, 7))}
    assert named == bound
    every = {*named, *_clauses(text)}
    assert {"Đ7.2b", "Đ7.2c"} <= every
    assert [each for each in every if not clauses_table.row_of(each)] == []


def _clauses(text: str) -> set[str]:
    found = re.findall(r"(?:(?:điểm (\w) )?khoản (\d+) )?Điều (\d+)", text)
    return {f"Đ{article}{f'.{part}' if part else ''}{point}" for point, part, article in found}


# --- The second factor, and what is not found without accents ---


@pytest.mark.parametrize(
    ("demanded", "told"),
    [
        ([], "Không bắt buộc, nhưng nên bật."),
        (["all"], "Mọi người đều phải bật"),
        (["leaders", "operators"], "Bắt buộc đối với lãnh đạo; người quản trị hệ thống: chưa bật thì chưa mở được"),
    ],
)
def test_people_read_how_the_second_factor_is_turned_on_and_what_their_programs_need_then(
    environment: Environments, demanded: list[str], told: str
) -> None:
    here = environment("lab").with_variables(
        password_second_factor=demanded, password_app_password_days=90, password_second_step_hours=6
    )
    found = page(here, "index.html.j2")
    text = " ".join(found.text.split())
    for shown in (told, "mã dự phòng", "bị từ chối nếu dùng mật khẩu chính", "90 ngày", "6 giờ phải đăng nhập lại"):
        assert shown in text, shown
    assert factor.PATH in found.links
    assert factor.PATH in page(here, "training.html.j2").text
    setup = here.render("client_setup", "index.html.j2", here.hosts("webmail")[0])
    assert f'href="{factor.PATH}"' in setup and 'href="/tro-giup/#hai-buoc"' in setup
    assert "hai-buoc" in found.places


def test_each_kind_of_whom_the_second_factor_may_be_demanded_has_a_name(environment: Environments) -> None:
    kinds = {"leaders", "clerks", "operators"}
    settings = (ROOT / "group_vars/hanam/passwords.yml").read_text(encoding="utf-8")
    assert all(f"{kind}" in settings for kind in kinds)
    assert environment("lab").value("help_pages", "_help_pages_factor_kinds", "mail").keys() == kinds


@pytest.mark.parametrize("template", ["index.html.j2", "training.html.j2"])
def test_people_read_that_names_are_searched_with_their_accents(environment: Environments, template: str) -> None:
    """docs/decisions/0042-search.md."""
    text = " ".join(page(environment("lab"), template).text.split())
    assert re.search(r"[Tt]ên (người|người gửi, người nhận)[ :]+(phải )?gõ đúng dấu", text)
    assert ("tên tệp thì không tìm được" in text) == (template == "index.html.j2")


# --- Pictures of the running system ---


def test_each_picture_is_a_file_of_the_role_told_in_words_and_loaded_when_it_is_reached(
    environment: Environments,
) -> None:
    here = environment("lab")
    listed = here.value("help_pages", "_help_pages_pictures", "mail")
    size = here.value("help_pages", "_help_pages_picture", "mail")
    folder = ROOT / "roles/help_pages/files"
    shown = [each for each in page(here, "index.html.j2").pictures if str(each["src"]).endswith(".webp")]
    names = {f"{each['name']}.webp" for each in listed}
    assert len(shown) == len(names) == len(listed) >= 6
    assert {each["src"] for each in shown} == names == {path.name for path in folder.glob("*.webp")}
    assert names <= {place.rpartition("/")[2] for place in files(here, "help_pages", "mail")}
    assert len({each["alt"] for each in shown}) == len(shown)
    for each in shown:
        octets = (folder / str(each["src"])).read_bytes()
        assert len(octets) <= size["most_bytes"], each["src"]
        assert (octets[:4], octets[8:12]) == (b"RIFF", b"WEBP"), each["src"]
        assert _webp_size(octets) == (int(each["width"] or 0), int(each["height"] or 0)), each["src"]
        assert each["loading"] == "lazy"
        assert len(each["alt"] or "") > 30


def _webp_size(octets: bytes) -> tuple[int, int]:
    """Width and height as the head of a WebP file has them."""
    kind = octets[12:16]
    if kind == b"VP8X":
        return tuple(int.from_bytes(octets[at : at + 3], "little") + 1 for at in (24, 27))  # type: ignore[return-value]
    assert kind == b"VP8 ", kind
    return tuple(int.from_bytes(octets[at : at + 2], "little") & 0x3FFF for at in (26, 28))  # type: ignore[return-value]


def test_a_picture_is_shown_in_the_section_that_its_row_names(environment: Environments) -> None:
    here = environment("lab")
    sections = re.split(r'<h2 id="', render(here, "index.html.j2"))
    found = {
        (name, part.partition('"')[0]) for part in sections for name in re.findall(r'<img src="([\w-]+)\.webp"', part)
    }
    listed = here.value("help_pages", "_help_pages_pictures", "mail")
    assert found == {(each["name"], each["section"]) for each in listed}
    unheld = here.with_variables(rspamd_score_hold=0)
    assert 'src="held.webp"' not in render(unheld, "index.html.j2")


def test_the_help_says_img_sources_of_its_own_alone(environment: Environments) -> None:
    assert "img-src 'self'" in render(environment("lab"), "page.conf.j2")


# --- Stops of the service ---


@pytest.mark.dieu10
def test_a_stop_says_from_when_to_when_what_and_since_when_it_is_known(environment: Environments) -> None:
    """To a program with its distance from UTC, since the reader's clock may be elsewhere."""
    here = environment("lab").with_variables(maintenance_stops=[STOP])
    text = render(here, "status.html.j2")
    assert 'data-begin="2026-12-05T20:00:00+07:00" data-end="2026-12-05T23:00:00+07:00"' in text
    shown = " ".join(page(here, "status.html.j2").text.split())
    for part in (
        "Từ 20 giờ 00 ngày 05 tháng 12 năm 2026", "đến 23 giờ 00 ngày 05 tháng 12 năm 2026", "nâng cấp <kho> thư",
        "trang thư & chương trình thư", "Thông báo ngày 02/12/2026", "ít nhất 02 ngày làm việc",
    ):  # fmt: skip
        assert part in shown
    assert "khẩn cấp" not in shown
    # As YAML reads the day that nobody quotes.
    read = here.with_variables(maintenance_stops=[{**STOP, "announced": date(2026, 12, 2)}])
    assert "Thông báo ngày 02/12/2026" in page(read, "status.html.j2").text
    urgent = here.with_variables(maintenance_stops=[{**STOP, "emergency": "lỗ hổng đang bị khai thác"}])
    assert "khẩn cấp, không thể báo trước theo quy định: lỗ hổng đang" in page(urgent, "status.html.j2").text


@pytest.mark.dieu10
def test_without_a_stop_the_page_says_so_and_a_closed_webmail_is_told(environment: Environments) -> None:
    here = environment("lab")
    assert "Không có lần tạm ngừng nào được thông báo." in page(here, "status.html.j2").text
    closed = here.with_variables(roundcube_maintenance="true", maintenance_stops=[STOP])
    text = " ".join(page(closed, "status.html.j2").text.split())
    assert "Trang thư đang tạm đóng để bảo trì. Dự kiến mở lại lúc 23 giờ 00 ngày 05 tháng 12 năm 2026." in text


# --- Slides ---


@pytest.mark.dieu10
def test_slides_are_numbered_and_have_the_numbers_of_the_regulation(environment: Environments) -> None:
    """Đ10.3."""
    found = page(environment("lab"), "training.html.j2")
    number = found.tags.count("section")
    assert number >= 10
    assert {f"trang-{place}" for place in range(1, number + 1)} <= found.places
    text = " ".join(found.text.split())
    for shown in ("ít nhất 08 ký tự", "! @ # % $ * &", "20 MB", "03 ngày làm việc (Điều 6)", "trước ngày 15 tháng 11"):
        assert shown.casefold() in text.casefold()
    other = environment("lab").with_variables(
        password_min_length=12, regulation_answer_working_days=5, regulation_yearly_report_before="01/12"
    )
    text = " ".join(page(other, "training.html.j2").text.split())
    assert "12 ký tự" in text and "05 ngày làm việc (Điều 6)" in text and "trước ngày 01 tháng 12" in text


@pytest.mark.dieu10
def test_slides_are_printed_a_page_each() -> None:
    style = (ROOT / "roles/help_pages/files/training.css").read_text()
    assert "@page { size: A4 landscape;" in style and "break-after: page" in style
