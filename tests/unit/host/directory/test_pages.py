"""The directory's pages: what they show, what they escape, how they are built for whoever cannot see or click."""

from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from tests.unit.host.directory.sample import HOSTILE, NOW, ROWS, SITE, person

from hanam_mail.host.directory import pages
from hanam_mail.host.directory.entries import DirectoryAgency, DirectoryEntry, agencies

VOID = {"meta", "link", "input", "br", "img", "wbr"}


class Page(HTMLParser):
    """A page's tags with their attributes, its text, and whether every tag ends."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def links(self) -> list[str]:
        return [each["href"] or "" for each in self.all("a")]


def site() -> pages.DirectorySite:
    return pages.DirectorySite.read(SITE)


def crowd() -> DirectoryAgency:
    """More people than a list without letters has."""
    names = ["Âu Thị Ấm", "Lê Văn Ân", "Lê Thị Ánh", "Đỗ Văn Đạt", "Y"] + [f"Lê {n} Bình" for n in range(50)]
    return agencies([person(name, f"a{number}") for number, name in enumerate(names)])[0]


KINDS = ("index", "agency", "crowd", "found", "nothing typed", "hostile", "busy", "missing")


def everything() -> list[str]:
    directory = agencies(ROWS)
    found = [(directory[0], directory[0].entries[-1])]
    return [
        pages.index_page(site(), directory, NOW),
        pages.agency_page(site(), directory[0], NOW),
        pages.agency_page(site(), crowd(), NOW),
        pages.found_page(site(), "thanh hà", found, 1, NOW),
        pages.found_page(site(), "", [], 0, NOW),
        pages.found_page(site(), HOSTILE, [], 0, None),
        pages.busy_page(site()),
        pages.missing_page(site()),
    ]


@pytest.mark.parametrize("text", everything(), ids=KINDS)
def test_a_page_is_vietnamese_with_one_title_and_headings_in_order(text: str) -> None:
    page = Page(text)
    assert page.all("html")[0]["lang"] == "vi"
    assert page.all("meta")[1]["content"] == "width=device-width, initial-scale=1"
    levels = [int(name[1]) for name, _ in page.tags if name in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - before <= 1 for before, later in pairwise(levels))
    assert len(page.all("main")) == 1
    assert "Hỗ trợ: Trung tâm hỗ trợ" in page.text


@pytest.mark.parametrize("text", everything(), ids=KINDS)
def test_a_page_has_no_script_and_nothing_from_elsewhere(text: str) -> None:
    page = Page(text)
    assert not {"script", "iframe", "style", "object"} & {name for name, _ in page.tags}
    loaded = [value or "" for _, given in page.tags for name, value in given.items() if name in ("src", "action")]
    loaded += [each["href"] or "" for each in page.all("link")]
    assert all(each.startswith("/") and not each.startswith("//") for each in loaded)
    assert not [name for _, given in page.tags for name in given if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("text", everything(), ids=KINDS)
def test_every_field_has_its_label_and_every_leap_its_place(text: str) -> None:
    page = Page(text)
    places = {given["id"] for _, given in page.tags if "id" in given}
    assert {each["for"] for each in page.all("label")} == {each["id"] for each in page.all("input")}
    assert {link[1:] for link in page.links if link.startswith("#")} <= places
    assert len(places) == len([given for _, given in page.tags if "id" in given])


def test_the_index_leads_to_every_agency_under_the_heading_of_its_kind() -> None:
    page = Page(everything()[0])
    led_to = [link for link in page.links if "/co-quan/" in link]
    assert led_to == ["/danh-ba/co-quan/syt.html", "/danh-ba/co-quan/que.kb.html"]
    assert page.text.index("Sở, ban, ngành") < page.text.index("Sở Y tế") < page.text.index("cấp xã")
    assert "6 địa chỉ của 2 cơ quan" in page.text
    assert "Danh bạ lập lúc 14:05 ngày 30/11/2026." in page.text


def test_an_agency_shows_name_post_address_and_nothing_more() -> None:
    page = Page(everything()[1])
    mails = [link.removeprefix("mailto:") for link in page.links if link.startswith("mailto:")]
    assert mails[:-1] == [entry.address for entry in agencies(ROWS)[0].entries]
    assert {"syt.csv", "syt.json", "syt.vcf"} <= set(page.links)
    for shown in ("Phòng Tổ chức", "Nguyễn Thị Thanh Hà", "Trưởng phòng"):
        assert shown in page.text
    # Offices have no posts, so their table has no column for them.
    assert [each.get("scope") for each in page.all("th")].count("col") == 2 + 3


def test_many_people_have_letters_to_leap_to_those_of_the_alphabet() -> None:
    page = Page(everything()[2])
    assert [link for link in page.links if link.startswith("#chu-")] == [
        "#chu-41",
        "#chu-c2",
        "#chu-42",
        "#chu-110",
        "#chu-59",
    ]
    assert [each.get("id") for each in page.all("h3")] == ["chu-41", "chu-c2", "chu-42", "chu-110", "chu-59"]


@pytest.mark.parametrize("place", range(3))
def test_nothing_that_is_shown_becomes_a_part_of_the_page(place: int) -> None:
    row = ["syt", "department", "Sở Y tế", "person", "Ai", "", "ai@hanam.gov.vn"]
    row[(2, 4, 5)[place]] = HOSTILE
    (agency,) = agencies([row])
    texts = [
        pages.index_page(site(), [agency], NOW),
        pages.agency_page(site(), agency, NOW),
        pages.found_page(site(), HOSTILE, [(agency, agency.entries[0])], 1, NOW),
    ]
    for text in texts:
        page = Page(text)
        assert "script" not in {name for name, _ in page.tags}
        assert page.all("img") == [{"src": site().emblem, "alt": ""}]
    assert HOSTILE in Page(texts[1]).text
    assert Page(texts[2]).all("input")[0]["value"] == HOSTILE


def test_the_look_is_what_the_site_names_and_the_emblem_says_nothing_to_the_blind() -> None:
    look = {"styles": ["/xem/look.css", "/danh-ba/tinh/directory.css"], "emblem": "/xem/emblem.svg"}
    page = Page(pages.missing_page(replace(site(), **look)))  # type: ignore[arg-type]
    assert [each["href"] for each in page.all("link")] == ["/xem/emblem.svg", *look["styles"]]
    assert page.all("img") == [{"src": "/xem/emblem.svg", "alt": ""}]


def test_a_search_says_how_many_it_found_and_that_there_are_more() -> None:
    directory = agencies(ROWS)
    found: list[tuple[DirectoryAgency, DirectoryEntry]] = [(directory[0], directory[0].entries[0])]
    assert "Tìm thấy 1 địa chỉ." in Page(pages.found_page(site(), "y", found, 1, NOW)).text
    assert (
        "Tìm thấy 1.234 địa chỉ; dưới đây là 1 địa chỉ đầu"
        in Page(pages.found_page(site(), "y", found, 1234, NOW)).text
    )
    nothing = Page(pages.found_page(site(), "zz", [], 0, NOW))
    assert "Không tìm thấy “zz”" in nothing.text
    assert nothing.all("input")[0]["value"] == "zz"
