"""An agency's part of the directory for programs."""

import csv
import io
import json

from tests.unit.host.directory.sample import HEALTH, HOSTILE, NOW, ROWS, person

from hanam_mail.host.directory import files
from hanam_mail.host.directory.entries import DirectoryAgency, agencies


def health(*more: object) -> DirectoryAgency:
    return agencies([*ROWS, *more])[0]  # type: ignore[list-item]


def table(agency: DirectoryAgency) -> list[list[str]]:
    """What a spreadsheet reads."""
    text = files.as_csv(agency).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def cards(agency: DirectoryAgency) -> list[list[tuple[str, str]]]:
    """Fields of each card, unfolded and unescaped as RFC 2425 and 2426 say."""
    octets = files.as_vcards(agency)
    assert max(map(len, octets.split(b"\r\n"))) <= 75
    lines = octets.decode().replace("\r\n ", "").split("\r\n")
    assert lines[-1] == ""
    found: list[list[tuple[str, str]]] = []
    for name, _, value in (line.partition(":") for line in lines[:-1]):
        if name == "BEGIN":
            found.append([])
        elif name != "END":
            found[-1].append((name, value))
    return found


def test_the_table_has_name_post_address_and_agency_and_nothing_more() -> None:
    assert files.as_csv(health()).startswith(b"\xef\xbb\xbf")
    assert table(health())[0] == ["Tên", "Chức vụ", "Địa chỉ thư điện tử", "Cơ quan"]
    assert table(health())[-1] == ["Nguyễn Thị Thanh Hà", "Trưởng phòng", "nguyenthithanhha@hanam.gov.vn", "Sở Y tế"]
    assert {len(row) for row in table(health())} == {4}


def test_a_post_cannot_become_a_formula_nor_another_column() -> None:
    posts = ['=HYPERLINK("http://x.example")', "+1", "-1", "@SUM(A1)", 'a,"b"', "a;b"]
    rows = [person(f"Lê Văn {number}", f"le{number}", post) for number, post in enumerate(posts)]
    shown = [row[1] for row in table(agencies(rows)[0])[1:]]
    assert shown == ['\'=HYPERLINK("http://x.example")', "'+1", "'-1", "'@SUM(A1)", 'a,"b"', "a;b"]


def test_json_has_the_same_entries_and_says_when_it_was_made() -> None:
    found = json.loads(files.as_json(health(), NOW))
    assert (found["co_quan"], found["ma"], found["lap_luc"]) == ("Sở Y tế", "syt", "2026-11-30T14:05:07+07:00")
    assert [list(each.values())[1:] for each in found["hop_thu"]] == [row[:3] for row in table(health())[1:]]
    assert {each["loai"] for each in found["hop_thu"]} == {"cơ quan", "phòng, ban, đơn vị", "cá nhân"}


def test_a_card_parts_a_name_as_the_vietnamese_write_it() -> None:
    assert cards(health())[-1] == [
        ("VERSION", "3.0"),
        ("N", "Nguyễn;Hà;Thị Thanh;;"),
        ("FN", "Nguyễn Thị Thanh Hà"),
        ("ORG", "Sở Y tế"),
        ("TITLE", "Trưởng phòng"),
        ("EMAIL;TYPE=INTERNET,WORK", "nguyenthithanhha@hanam.gov.vn"),
    ]
    assert [name for name, _ in cards(health())[0]] == ["VERSION", "N", "FN", "ORG", "EMAIL;TYPE=INTERNET,WORK"]
    assert cards(health())[0][1] == ("N", "Sở Y tế;;;;")


def test_long_and_hostile_texts_stay_one_field_of_one_card() -> None:
    post = "Phó Trưởng ban; Chủ tịch, " + "Ủy viên thường trực " * 9 + "\\n\r\nEMAIL:xau@example.com " + HOSTILE
    (card,) = cards(agencies([person("Y", "y", post)])[0])
    assert dict(card)["TITLE"].startswith("Phó Trưởng ban\\; Chủ tịch\\, Ủy viên")
    assert [value for name, value in card if name.startswith("EMAIL")] == ["y@hanam.gov.vn"]
    assert dict(card)["N"] == "Y;;;;"
    assert HEALTH[2] in dict(card)["ORG"]
