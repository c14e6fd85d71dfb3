"""Names in TCVN3 (ABC) and VNI are recognised, shown, and converted only when somebody confirms it (Đ3.4)."""

import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.population import people
from viparse.normalize import tcvn3, vni  # type: ignore[import-untyped]

from hanam_mail.regulation import legacy_encodings, naming, provisions
from hanam_mail.regulation.naming.syllables import is_syllable

ROOT = Path(__file__).parents[3]
RULES = provisions.load(ROOT / "group_vars/hanam/regulation.yml").naming
DEPARTMENTS = (ROOT / "data/hanam_departments.txt").read_text(encoding="utf-8").splitlines()

pytestmark = [pytest.mark.dieu3, pytest.mark.dieu5]

NAMES = sorted({person.name for person in people(3_000, 11)})
# Unicode to the characters that a legacy text shows; the first spelling where a table has two.
_TABLES = {
    legacy_encodings.TCVN3: {new: old for old, new in reversed(tcvn3.TCVN3.pairs)},
    legacy_encodings.VNI: {new: old for old, new in reversed(vni.VNI.pairs)}
    | {"ẳ": "aú", "Ẳ": "AÚ", "ỵ": "î", "Ỵ": "Î"},
}


def typed(name: str, encoding: str) -> str:
    """The name as somebody typed it in that encoding; TCVN3 has no capitals with tones (a font draws them)."""
    table = _TABLES[encoding]
    return "".join(table.get(char, table.get(char.lower(), char)) for char in name)


def leaves_a_trace(name: str) -> bool:
    return not name.isascii()


@pytest.mark.parametrize(
    ("text", "encoding", "reading"),
    [
        ("TrÇn ThÞ ¸nh", legacy_encodings.TCVN3, "Trần Thị Ánh"),
        ("Phan Ñình Mai", legacy_encodings.VNI, "Phan Đình Mai"),
        ("NguyÔn ThÞ Thanh Hµ", legacy_encodings.TCVN3, "Nguyễn Thị Thanh Hà"),
        ("Lª V¨n §øc", legacy_encodings.TCVN3, "Lê Văn Đức"),
        ("Tr\xad¬ng V¨n D\xad¬ng", legacy_encodings.TCVN3, "Trương Văn Dương"),
        ("NGUYÔN V¡N HïNG", legacy_encodings.TCVN3, "NGUYỄN VĂN HÙNG"),
        ("H'Hen Niª", legacy_encodings.TCVN3, "H'Hen Niê"),
        ("Së Th«ng tin vµ TruyÒn th«ng", legacy_encodings.TCVN3, "Sở Thông tin và Truyền thông"),
        ("Nguyeãn Thò Thanh Haø", legacy_encodings.VNI, "Nguyễn Thị Thanh Hà"),
        ("Ñaëng Vaên Nam", legacy_encodings.VNI, "Đặng Văn Nam"),
        ("TRAÀN HÖÕU ÑÖÙC", legacy_encodings.VNI, "TRẦN HỮU ĐỨC"),
        ("Ñaúng Thò Mî", legacy_encodings.VNI, "Đẳng Thị Mỵ"),
    ],
)
def test_names_in_either_encoding_are_read(text: str, encoding: str, reading: str) -> None:
    assert legacy_encodings.recognise(text) == legacy_encodings.Converted(encoding, text, reading)


@pytest.mark.parametrize("encoding", [legacy_encodings.TCVN3, legacy_encodings.VNI])
def test_of_thousands_of_names_none_is_read_wrongly_and_few_are_missed(encoding: str) -> None:
    judged = [(name, legacy_encodings.recognise(typed(name, encoding))) for name in NAMES if leaves_a_trace(name)]
    assert len(judged) > 2_000
    wrong = [(name, found) for name, found in judged if found and found.text != name]
    missed = [name for name, found in judged if found is None]
    assert wrong == []
    assert len(missed) / len(judged) < 0.01


@pytest.mark.parametrize("encoding", [legacy_encodings.TCVN3, legacy_encodings.VNI])
def test_a_missed_name_still_makes_no_wrong_address_or_follows_its_list(encoding: str) -> None:
    listed = [typed(name, encoding) for name in NAMES[:500]]
    found = legacy_encodings.recognise_all(listed)
    texts = [each.text if each else text for each, text in zip(found, listed, strict=True)]
    assert texts == NAMES[:500]


@pytest.mark.parametrize("encoding", [legacy_encodings.TCVN3, legacy_encodings.VNI])
def test_all_departments_are_read(encoding: str) -> None:
    found = [legacy_encodings.recognise(typed(name, encoding)) for name in DEPARTMENTS]
    assert [naming.key(each.text) for each in found if each] == list(map(naming.key, DEPARTMENTS))


def test_no_name_in_unicode_is_taken_for_legacy_text() -> None:
    assert [name for name in NAMES if legacy_encodings.recognise(name)] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "An",
        "Lê Hà",
        "Bùi Quý Mùi",
        "H'Hen Niê",
        "François Müller",
        "José Peña",
        "Björn",
        "№ 5",
        "K'Brếu",
        "Hà Thò Mai",
    ],
)
def test_other_texts_are_left_alone(text: str) -> None:
    assert legacy_encodings.recognise(text) is None


def test_cells_that_say_nothing_follow_the_rest_of_their_sheet() -> None:
    found = legacy_encodings.recognise_all(["Nguyeãn Vaên Huøng", "Thò Mai", "Mai Lan"])
    assert [each and each.text for each in found] == ["Nguyễn Văn Hùng", "Thị Mai", None]


def test_cells_follow_nothing_where_unicode_stands_beside_or_encodings_mix() -> None:
    assert legacy_encodings.recognise_all(["Nguyeãn Vaên Huøng", "Thò Mai", "Nguyễn"])[1] is None
    assert legacy_encodings.recognise_all(["Nguyeãn Vaên Huøng", "Thò Mai", "NguyÔn V¨n Hïng"])[1] is None


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_sheet_with_unicode_in_it_is_not_converted_beyond_what_is_sure(form: Literal["NFC", "NFD"]) -> None:
    sheet = ["Nguyễn Văn An", "Traàn Vaên Huøng", "Thò Mai", "Hoà"]
    found = legacy_encodings.recognise_all([unicodedata.normalize(form, name) for name in sheet])
    assert [each and each.text for each in found] == [None, "Trần Văn Hùng", None, None]


def test_a_name_in_a_legacy_encoding_makes_no_address_but_shows_its_reading() -> None:
    for make in (naming.slug, naming.read, lambda name: naming.initials(name, RULES)):
        with pytest.raises(naming.NamingError, match=r"TCVN3.*“Nguyễn Văn Hùng”"):
            make("NguyÔn V¨n Hïng")


def test_a_confirmed_conversion_is_made_and_told() -> None:
    name = naming.read("NguyÔn V¨n Hïng", convert_legacy=True)
    assert name.text == "Nguyễn Văn Hùng"
    (note,) = name.notes
    assert "TCVN3" in note
    assert "NguyÔn V¨n Hïng" in note


@pytest.mark.parametrize("text", ["Nguyễn".replace("ễ", "ö"), "Niña", "Anh®", "Müller", "Søren"])
def test_a_letter_of_no_sure_encoding_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(naming.NamingError, match=r"Unicode"):
        naming.slug(text)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(max_codepoint=255), max_size=30))
def test_any_latin_1_text_is_converted_to_vietnamese_syllables_or_left(text: str) -> None:
    found = legacy_encodings.recognise(text)
    if found:
        assert found.text != text
        assert legacy_encodings.recognise(found.text) is None
        words = zip(legacy_encodings._words(text), legacy_encodings._words(found.text), strict=True)
        assert all(is_syllable(after) for before, after in words if not before.isascii())
