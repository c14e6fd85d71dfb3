"""Who stands where in the public directory, and how it is searched."""

import unicodedata

import pytest
from tests.unit.host.directory.sample import COMMUNE, HEALTH, ROWS, person

from hanam_mail.host.directory.entries import BadDirectory, DirectoryAgency, Index, agencies, folded, packed, unpacked


def addresses(agency: DirectoryAgency) -> list[str]:
    return [entry.address.partition("@")[0] for entry in agency.entries]


def found(typed: str, most: int = 100) -> list[str]:
    return [entry.address.partition("@")[0] for _, entry in Index(agencies(ROWS)).find(typed, most)[0]]


def test_departments_stand_before_communes_and_an_agency_before_its_offices_and_people() -> None:
    health, commune = agencies(ROWS)
    assert (health.name, commune.name) == (HEALTH[2], COMMUNE[2])
    # Ánh before Ân, as the alphabet has them: by the given name.
    assert addresses(health) == ["syt", "ptc.syt", "trananh", "dovanan", "nguyenthithanhha"]


def test_the_order_of_the_rows_makes_no_difference() -> None:
    assert agencies(ROWS) == agencies(reversed(ROWS))
    assert packed(agencies(ROWS)) == packed(agencies(reversed(ROWS)))


def test_what_the_search_reads_is_what_was_made() -> None:
    assert unpacked(packed(agencies(ROWS))) == agencies(ROWS)


@pytest.mark.parametrize("code", ["../syt", "", "a/b", "index.html\0", "SYT", ".."])
def test_a_code_that_is_no_name_of_a_file_makes_no_directory(code: str) -> None:
    with pytest.raises(BadDirectory, match="mã cơ quan"):
        agencies([person("Ai Đó", "aido", agency=(code, "department", "Sở Lạ"))])


def test_a_kind_that_nobody_knows_stands_last() -> None:
    rows = [*ROWS, ("abc", "moi", "Cơ quan loại mới", "agency", "Cơ quan loại mới", "", "abc@hanam.gov.vn")]
    assert agencies(rows)[-1].name == "Cơ quan loại mới"


@pytest.mark.parametrize(
    "typed",
    ["thanh ha", "Thanh Hà", "HÀ thanh", "thanhha", "truong phong", "Trưởng phòng Sở Y tế", "ng th thanh",
     "nguyenthithanhha@hanam.gov.vn", unicodedata.normalize("NFD", "Nguyễn Thị Thanh Hà"), " thanh   ha "],
)  # fmt: skip
def test_somebody_is_found_by_name_post_agency_or_address_with_accents_or_without(typed: str) -> None:
    assert found(typed)[0] == "nguyenthithanhha"


def test_d_finds_its_sister_with_a_stroke_in_small_and_capital() -> None:
    assert found("do van an") == found("ĐỖ VĂN ÂN") == found("đỗ văn ân") == ["dovanan"]


@pytest.mark.parametrize("typed", ["", "   ", "@@@", "***", "zz", "ha khongco", "%", "\0", "gov hanam vn zz"])
def test_what_nobody_is_called_finds_nobody(typed: str) -> None:
    assert found(typed) == []


def test_an_agency_is_found_with_all_of_its_mailboxes_and_the_answer_has_an_end() -> None:
    assert found("so y te") == ["syt", "ptc.syt", "trananh", "dovanan", "nguyenthithanhha"]
    index = Index(agencies(ROWS))
    assert [len(index.find("so y te", 2)[0]), index.find("so y te", 2)[1]] == [2, 5]


def test_words_beside_each_other_come_first() -> None:
    rows = [person("Hà Thị Thanh", "hathithanh"), person("Lê Thanh Hà", "lethanhha")]
    names = [entry.name for _, entry in Index(agencies(rows)).find("thanh ha", 9)[0]]
    assert names == ["Lê Thanh Hà", "Hà Thị Thanh"]


def test_a_thousand_words_are_no_thousand_searches() -> None:
    assert found("thanh " * 10_000) == found("thanh")


def test_signs_part_words_and_dots_do_not() -> None:
    assert folded("Đỗ  Thị-Hòa, (Phó) VP.UBND") == "do thi hoa pho vp.ubnd"
