"""The address book as a tree of LDAP entries, and what leads from one tree to another."""

import base64
import unicodedata
from pathlib import Path

import pytest
from tests.unit.host.directory.sample import HEALTH, ROWS, Row, person

from hanam_mail.host.directory.entries import agencies
from hanam_mail.host.directory.ldap_load import main
from hanam_mail.host.directory.ldap_tree import (
    MARK,
    BadAnswer,
    LdapAttributes,
    LdapTree,
    changes,
    escaped,
    marked,
    read,
    records,
    wanted,
    with_bare,
)

BASE = "dc=hanam,dc=gov,dc=vn"
HA = f"mail=nguyenthithanhha@hanam.gov.vn,ou=syt,{BASE}"
HOSTILE = 'Đỗ, "Hòa" <x>+\\#y;z=ou\ndn: ou=khac'


def tree(*rows: Row) -> LdapTree:
    return wanted(agencies(rows or ROWS), BASE)


def told(text: str) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Records of changes: name -> (kind, lines with their values)."""
    found = {}
    for block in text.strip("\n").split("\n\n"):
        lines = []
        for line in block.split("\n"):
            key, _, value = line.partition(":")
            plain = base64.b64decode(value[1:]).decode() if value.startswith(":") else value.strip()
            lines.append((key, plain))
        (_, name), (key, kind), *rest = lines
        assert key == "changetype"
        found[name] = (kind, rest)
    return found


def test_an_official_stands_below_his_agency_and_is_found_with_accents_or_without() -> None:
    assert tree()[HA] == {
        "objectClass": ("inetOrgPerson",),
        "cn": ("Nguyễn Thị Thanh Hà", "Nguyen Thi Thanh Ha"),
        "displayName": ("Nguyễn Thị Thanh Hà",),
        "sn": ("Nguyễn", "Nguyen"),
        "givenName": ("Thị Thanh Hà", "Thi Thanh Ha", "Hà", "Ha"),
        "mail": ("nguyenthithanhha@hanam.gov.vn",),
        "title": ("Trưởng phòng", "Truong phong"),
        "o": ("Sở Y tế", "So Y te"),
        "ou": ("syt",),
    }
    assert list(tree())[:2] == [BASE, f"ou=syt,{BASE}"]
    assert tree()[BASE]["dc"] == ("hanam",)


def test_an_office_says_whose_it_is_and_what_is_unknown_is_left_out() -> None:
    office = tree()[f"mail=ptc.syt@hanam.gov.vn,ou=syt,{BASE}"]
    assert office["displayName"] == ("Phòng Tổ chức - Sở Y tế",)
    assert office["sn"] == ("Phòng Tổ chức", "Phong To chuc")
    assert "givenName" not in office
    assert "title" not in office
    assert "givenName" not in tree(person("An", "an"))[f"mail=an@hanam.gov.vn,ou=syt,{BASE}"]


def test_both_forms_of_a_letter_and_capitals_are_one_value() -> None:
    assert with_bare(unicodedata.normalize("NFD", "  Đỗ  Thị Ân ")) == ("Đỗ Thị Ân", "Do Thi An")
    assert with_bare("UBND") == ("UBND",)


@pytest.mark.parametrize(
    ("value", "stands"),
    [
        ("syt", "syt"),
        ("a,b+c", "a\\2Cb\\2Bc"),
        ('"<>;=\\', "\\22\\3C\\3E\\3B\\3D\\5C"),
        ("#1", "\\#1"),
        (" a ", "\\ a\\ "),
        ("Đỗ\n\0", "Đỗ\\0A\\00"),
    ],
)
def test_a_value_cannot_leave_its_place_in_a_name(value: str, stands: str) -> None:
    assert escaped(value) == stands


def test_what_a_server_prints_is_read_as_what_it_was_told() -> None:
    want = tree(*ROWS, person(HOSTILE, "hostile", HOSTILE))
    assert read("".join(records(want))) == want
    assert read("") == {}
    for text in ("dn: x\nno sign", "cn: x\n"):
        with pytest.raises(BadAnswer):
            read(text)


def test_from_nothing_parents_come_before_children() -> None:
    names = [name for record in changes({}, tree()) for name in told(record)]
    assert names == list(tree())
    assert {kind for record in changes({}, tree()) for kind, _ in told(record).values()} == {"add"}


def test_the_same_tree_needs_no_change_whatever_its_mark_and_its_way_of_writing_names() -> None:
    assert list(changes(tree(), tree())) == []
    have: dict[str, LdapAttributes] = dict(tree())
    have[BASE] = {**have[BASE], MARK: ("abc",)}
    other = HA.replace("mail=", "MAIL=").replace("@", "\\40").replace(",ou=syt", ", ou=SYT")
    have[other] = have.pop(HA)
    assert list(changes(have, tree())) == []


def test_only_what_is_other_is_written() -> None:
    after = [row for row in ROWS if "trananh" not in row[-1] and "dovanan" not in row[-1]]
    after += [person("Đỗ Văn Ân", "dovanan", "Phó Giám đốc"), person(HOSTILE, "hostile")]
    found = told("".join(changes(tree(), tree(*after))))
    assert [(kind, name.partition("@")[0]) for name, (kind, _) in found.items()] == [
        ("delete", "mail=trananh"),
        ("modify", "mail=dovanan"),
        ("add", "mail=hostile"),
    ]
    assert found[f"mail=dovanan@hanam.gov.vn,ou=syt,{BASE}"][1] == [
        ("replace", "title"), ("title", "Phó Giám đốc"), ("title", "Pho Giam doc"), ("-", ""),
    ]  # fmt: skip
    back = told("".join(changes(tree(*after), tree())))
    assert back[f"mail=dovanan@hanam.gov.vn,ou=syt,{BASE}"] == ("modify", [("replace", "title"), ("-", "")])


def test_an_agency_that_is_gone_goes_after_its_mailboxes() -> None:
    names = list(told("".join(changes(tree(), tree(*(row for row in ROWS if row[0] == HEALTH[0]))))))
    assert names == [f"mail=ubndque.kb@hanam.gov.vn,ou=que.kb,{BASE}", f"ou=que.kb,{BASE}"]


def test_the_mark_is_one_value_of_the_base() -> None:
    assert told(marked(BASE, "abc")) == {BASE: ("modify", [("replace", MARK), (MARK, "abc"), ("-", "")])}


def test_no_directory_yet_is_no_fault_and_one_that_is_none_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(tmp_path / "entries.json"), BASE, str(tmp_path / "socket")]
    assert main(["follow", *words]) == 0
    assert "chưa có danh bạ" in capsys.readouterr().err
    (tmp_path / "entries.json").write_text('[{"code": 1}]')
    assert main(["fill", *words, str(tmp_path)]) == 1
    assert "không phải danh bạ" in capsys.readouterr().err
