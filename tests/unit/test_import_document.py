"""Agencies and documents by what lists call them, against the province's whole registry."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from hanam_mail import registry
from hanam_mail.importing import document
from hanam_mail.importing.agencies import Directory, reads_as_agency

pytestmark = pytest.mark.dieu11

REGISTRY = registry.load(Path(__file__).parents[2] / "mailboxes")
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


@pytest.mark.parametrize(("text", "is_one"), [("Sở Ngoại vụ", True), ("UBND xã X", True), ("Phòng Nội vụ", False)])
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
