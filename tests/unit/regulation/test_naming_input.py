"""Names as people really type and paste them: what makes no difference, what is told, what is refused (Đ3.4, Đ5)."""

import tracemalloc
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.population import people

from hanam_mail.regulation import naming, provisions
from hanam_mail.regulation.naming import syllables
from hanam_mail.regulation.naming.syllables import is_syllable

RULES = provisions.load(Path(__file__).parents[3] / "group_vars/hanam/regulation.yml").naming

pytestmark = pytest.mark.dieu5

NAMES = st.sampled_from(sorted({person.name for person in people(2_000, 21)} | {"H'Hen Niê", "Lê Hoà", "Ưng Ý"}))
SPACES = st.sampled_from([" ", "  ", "\t", "\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE} ", " \N{SOFT HYPHEN}", "\u2009"])
# The tone on the other vowel of an open oa, oe, uy.
OTHER_PLACE = {
    "òa": "oà",
    "óa": "oá",
    "ỏa": "oả",
    "õa": "oã",
    "ọa": "oạ",
    "úy": "uý",
    "ùy": "uỳ",
    "ủy": "uỷ",
    "ụy": "uỵ",
}
fast = settings(max_examples=200, deadline=None)


@fast
@given(NAMES, SPACES, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]), st.sampled_from([str, str.upper, str.lower]))
def test_spacing_normal_form_and_case_make_no_difference(name: str, space: str, form: str, case: object) -> None:
    typed = unicodedata.normalize(form, case(name)).replace(" ", space)  # type: ignore[arg-type,operator]
    assert naming.person_address(f"\N{BYTE ORDER MARK}{typed} ", RULES) == naming.person_address(name, RULES)


@fast
@given(NAMES)
def test_tone_placement_makes_no_difference(name: str) -> None:
    moved = " ".join(word[:-2] + OTHER_PLACE[word[-2:]] if word[-2:] in OTHER_PLACE else word for word in name.split())
    assert naming.person_address(moved, RULES) == naming.person_address(name, RULES)
    assert naming.key(moved) == naming.key(name)


@fast
@given(st.one_of(NAMES, st.text(max_size=30)))
def test_what_the_registry_keeps_is_in_one_form_and_reads_as_itself(text: str) -> None:
    try:
        kept = naming.read(text).text
    except naming.NamingError:
        return
    assert kept.isprintable()
    assert unicodedata.is_normalized("NFC", kept)
    assert "  " not in kept
    assert naming.read(kept) == naming.Name(kept)
    assert naming.fold(kept) == naming.fold(text)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("H'Hen Niê", "hhennie"),
        ("H’Hen Niê", "hhennie"),
        ("Y Thông", "ythong"),
        ("K'Brếu", "kbreu"),
        ("K`Brếu", "kbreu"),
        ("A Lăng", "alang"),
        ("Y-Thông Mlô", "ythongmlo"),
        ("Rơ Châm H'Lưm", "rochamhlum"),
        ("Y Bluñ Kñăm", "yblunknam"),
        ("Hà", "ha"),
        ("Tôn Nữ Thị Ngọc Ánh Nguyệt", "tonnuthingocanhnguyet"),
    ],
)
def test_names_of_minorities_and_of_one_and_six_words(name: str, address: str) -> None:
    assert naming.person_address(name, RULES) == address


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ðỗ Thị Hòa", "Đỗ Thị Hòa"),  # Icelandic Eth
        ("Nguyễn Vаn Hòа", "Nguyễn Van Hòa"),  # Cyrillic a
        ("Νguyễn Τhị Ηà", "Nguyễn Thị Hà"),  # Greek capitals
        ("Lê Сао", "Lê Cao"),  # a word all Cyrillic
        ("Ｎguyễn Hà", "Nguyễn Hà"),  # fullwidth
    ],
)
def test_look_alikes_become_the_letters_that_were_meant(typed: str, kept: str) -> None:
    assert naming.read(typed).text == kept
    assert naming.slug(typed) == naming.slug(kept)


def test_what_was_replaced_is_told() -> None:
    (note,) = naming.read("Nguyễn Vаn Hòа").notes
    assert "“а” (U+0430) bằng “a”" in note
    (note,) = naming.read("Ðỗ Hòa").notes
    assert "“Ð” (U+00D0) bằng “Đ”" in note
    assert naming.read("Đỗ  Hòa ").notes == ()


@pytest.mark.parametrize(
    "name",
    [
        "Иванов",
        "Сао",  # no Latin letter in the whole name: another script, not a slip
        "Нguyễn Văn Hòa",  # looks like H: no Vietnamese word begins so
        "Nguyễn Тома",
        "Nguyễn Ирина",
        "王小明",
        "Nguyễn 明",
        "สมชาย",
    ],
)
def test_letters_of_another_script_are_refused_with_what_to_do(name: str) -> None:
    for make in (naming.read, naming.slug):
        with pytest.raises(naming.NamingError, match="chữ quốc ngữ"):
            make(name)


def test_a_name_too_long_is_refused_and_never_cut() -> None:
    longest = "A" * naming.LOCAL_PART_MAX_OCTETS
    assert naming.person_address(longest, RULES) == longest.lower()
    with pytest.raises(naming.NamingError, match="RFC 5321"):
        naming.person_address(longest + "a", RULES)
    with pytest.raises(naming.NamingError, match="RFC 5321"):
        naming.propose_person(longest, "tt", {longest.lower()}, RULES)


@pytest.mark.parametrize(
    "word", ["Nguyễn", "Hoà", "Hòa", "Quý", "Quốc", "Gìn", "Giêng", "Khuỷu", "Thuở", "Yến", "Mlô", "Niê"]
)
def test_words_that_can_be_vietnamese(word: str) -> None:
    for form in ("NFC", "NFD"):
        assert is_syllable(unicodedata.normalize(form, word))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "word", ["", "Haø", "Vaên", "Thµ", "Hùc", "Trơng", "Müller", "Quoác", "Chiù", "Leõ", "Hoa\u0300\u0301", "q"]
)
def test_words_that_cannot_be_vietnamese(word: str) -> None:
    assert not is_syllable(word)


def test_what_is_longer_than_a_word_is_none_and_is_not_remembered() -> None:
    longest = unicodedata.normalize("NFD", "nghướng")
    assert is_syllable(longest)
    assert 2 * len(longest) <= syllables.LONGEST
    assert not is_syllable("nghiếng" + "g" * syllables.LONGEST)
    tracemalloc.start()
    try:
        for number in range(50):
            assert not is_syllable(f"{number}ế" + "n" * 100_000)
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()
