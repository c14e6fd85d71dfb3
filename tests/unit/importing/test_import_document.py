"""Agencies and documents by what lists call them, against the province's whole registry."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from hanam_mail.importing import document
from hanam_mail.importing.agencies import Directory, reads_as_agency
from hanam_mail.registry import loading

pytestmark = pytest.mark.dieu11

REGISTRY = loading.load(Path(__file__).parents[3] / "mailboxes")
DIRECTORY = Directory(REGISTRY)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Sở Nội vụ", "snv"),
        ("SỞ NỘI VỤ TỈNH HÀ NAM", "snv"),
        ("snv", "snv"),
        ("UBND huyện Kim Bảng", "kb"),
        ("Huyện Kim Bảng", "kb"),
        ("Uỷ ban nhân dân xã Tiên Sơn, thị xã Duy Tiên", "tienson.dt"),
        ("UBND xã Tiên Sơn", "tienson.dt"),
        ("xã Tiên Sơn", "tienson.dt"),
        ("Thanh tra tỉnh", "ttt"),
        ("SỞ GD&ĐT HÀ NAM", "sgddt"),
        ("Sở GD và ĐT", "sgddt"),
        ("Sở TT&TT", "stttt"),
        ("Sở NN&PTNT", "snnptnt"),
        ("Sở KH - ĐT", "skhdt"),
        ("Sở TN & MT", "stnmt"),
        ("Sở LĐ-TB&XH", "sldtbxh"),
        ("Sở VHTT&DL", "svhttdl"),
        ("Phòng Tư pháp", None),
        ("", None),
    ],
)
def test_an_agency_is_found_by_any_of_its_names(text: str, code: str | None) -> None:
    found = DIRECTORY.find(text)
    assert (found.code if found else None) == code


def test_every_agency_is_found_by_its_own_name_and_code() -> None:
    for agency in REGISTRY.agencies.values():
        assert DIRECTORY.find(agency.name) == agency
        assert DIRECTORY.find(agency.code) == agency


def test_a_name_that_two_communes_bear_is_refused_with_what_to_do() -> None:
    one = DIRECTORY.find("UBND xã Tiên Sơn, thị xã Duy Tiên")
    assert one is not None
    other = replace(one, id="b2b2b2", code="tienson.kb", name="Ủy ban nhân dân xã Tiên Sơn, huyện Kim Bảng")
    directory = Directory(replace(REGISTRY, agencies={one.id: one, other.id: other}))
    with pytest.raises(ValueError, match=r"nhiều cơ quan .*ghi kèm tên huyện"):
        directory.find("UBND xã Tiên Sơn")
    assert directory.find("UBND xã Tiên Sơn, huyện Kim Bảng") == other
    assert directory.mentioned("Kèm theo công văn của UBND xã Tiên Sơn") is None


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Sở Ngoại vụ", True),
        ("so ngoai vu", True),
        ("UBND xã X", True),
        ("Uỷ ban nhân dân xã X", True),
        ("Phòng Nội vụ", False),
        ("Số: 12/SNV-VP", False),
        ("Phương án cấp hộp thư", False),
        ("XÃ HỘI CHỦ NGHĨA VIỆT NAM", False),
    ],
)
def test_a_text_that_can_only_be_an_agency_is_told_from_an_office(text: str, is_one: bool) -> None:
    assert reads_as_agency(text) is is_one


@pytest.mark.parametrize(
    ("line", "number", "dated"),
    [
        ("(Kèm theo Công văn số 12/SNV-VP ngày 23/6/2026 của Sở Nội vụ)", "12/SNV-VP", date(2026, 6, 23)),
        ("Kèm theo Tờ trình số: 05 / TTr-SNV ngày 3 tháng 6 năm 2026 của Sở Nội vụ", "05/TTr-SNV", date(2026, 6, 3)),
        ("Số: 130/SNV-TCBC Hà Nam, ngày 05 tháng 01 năm 2026 - Sở Nội vụ", "130/SNV-TCBC", date(2026, 1, 5)),
        ("Văn bản số: 12/SNV-VP ngày 01-06-2026, Sở Nội vụ", "12/SNV-VP", date(2026, 6, 1)),
    ],
)
def test_number_date_and_agency_of_a_document_are_read_from_one_line(line: str, number: str, dated: date) -> None:
    stated = document.read([line], DIRECTORY)
    assert (stated.document, stated.dated) == (number, dated)
    assert stated.agency is not None
    assert stated.agency.code == "snv"


def test_the_ground_is_no_document_and_the_addressee_no_sender() -> None:
    stated = document.read(
        ["Kính gửi: Sở Thông tin và Truyền thông", "Căn cứ Quyết định số 45/QĐ-SNV ngày 20/5/2026;", "SỞ NỘI VỤ"],
        DIRECTORY,
    )
    assert (stated.document, stated.dated) == ("", None)
    assert stated.ground == "Quyết định số 45/QĐ-SNV ngày 20/5/2026"
    assert stated.agency is not None
    assert stated.agency.code == "snv"


def test_an_impossible_date_is_left_to_the_operator() -> None:
    assert document.read(["Công văn số 1/SNV ngày 31/02/2026"], DIRECTORY).dated is None


TITLE = "(kèm Công văn số 12/CV-THPT ngày 01/06/2026 gửi Sở Thông tin và Truyền thông)"


@pytest.mark.parametrize("department", ["SỞ GD&ĐT HÀ NAM", "SỞ GIÁO DỤC VÀ ĐÀO TẠO", "SỞ GD-ĐT"])
def test_a_letterhead_with_acronyms_is_whose_list_it_is(department: str) -> None:
    head = [department, "TRƯỜNG THPT A KIM BẢNG", TITLE]
    stated = document.read(head, DIRECTORY, head)
    assert stated.agency is not None
    assert (stated.agency.code, stated.unit, stated.unknown) == ("sgddt", "TRƯỜNG THPT A KIM BẢNG", "")


@pytest.mark.parametrize(
    "head",
    [["UBND TỈNH HÀ NAM", "SỞ NGOẠI VỤ"], ["UBND HUYỆN KIM BẢNG", "UBND XÃ KHÔNG CÓ"], ["SỞ NGOẠI VỤ", "Số: 12/SNgV"]],
)
def test_an_unknown_agency_of_the_letterhead_is_nobody_elses_list(head: list[str]) -> None:
    stated = document.read([*head, TITLE], DIRECTORY, [*head, TITLE])
    assert stated.agency is None
    assert stated.unknown == next(line for line in head if line in ("SỞ NGOẠI VỤ", "UBND XÃ KHÔNG CÓ"))


def test_place_and_day_beside_the_letterhead_are_no_agency() -> None:
    head = ["SỞ NỘI VỤ", "Số: 12/SNV-VP", "Thành phố Phủ Lý, ngày 3 tháng 6 năm 2026"]
    stated = document.read(head, DIRECTORY, head)
    assert stated.agency is not None
    assert (stated.agency.code, stated.unknown) == ("snv", "")
