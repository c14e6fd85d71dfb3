"""Acronyms in units' names (Đ5.1): both spellings of a unit are one unit, and say so when they meet."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.registry_world import ROOT, RULE_BOOK, World

from hanam_mail.editing import EditError, WorkingCopy
from hanam_mail.registry import loading
from hanam_mail.regulation import naming
from hanam_mail.regulation.naming.syllables import is_syllable

RULES = RULE_BOOK.naming

pytestmark = pytest.mark.dieu5


@pytest.mark.parametrize(
    ("name", "agency", "address"),
    [
        ("Phòng CNTT", "stttt", "pcntt.stttt"),
        ("PHÒNG CNTT", "stttt", "pcntt.stttt"),
        ("Phòng Cntt", "stttt", "pcntt.stttt"),
        ("Phòng Công nghệ thông tin", "stttt", "pcntt.stttt"),
        ("Văn phòng HĐND và UBND huyện", "kb", "vphdndubnd.kb"),
        ("VP HĐND&UBND", "kb", "vphdndubnd.kb"),
        ("Trường THPT Chuyên Biên Hòa", "sgddt", "tthptcbh.sgddt"),
        ("TRƯỜNG TRUNG HỌC PHỔ THÔNG CHUYÊN BIÊN HÒA", "sgddt", "tthptcbh.sgddt"),
        ("Phòng KSTTHC", "snv", "pkstthc.snv"),  # no list knows it
        ("Phòng CA", "snv", "pca.snv"),
        ("Phòng PC06", "cat", "ppc06.cat"),
        ("Phòng TÀI CHÍNH", "snv", "ptc.snv"),  # words with marks are only shouted
        ("Ban QLDA ĐTXD huyện", "kb", "bqldadtxd.kb"),
        ("Phòng NN&PTNT", "bl", "pnnptnt.bl"),
        ("Phòng Nông nghiệp và Phát triển nông thôn", "bl", "pnnptnt.bl"),
    ],
)
def test_a_word_in_capitals_counts_with_all_its_letters(name: str, agency: str, address: str) -> None:
    assert naming.office_address(name, agency, RULES) == address


@pytest.mark.parametrize(
    ("name", "code", "suffix"),
    [
        ("Sở TT&TT", "stttt", "tt"),
        ("Sở TTTT", "stttt", "tt"),
        ("Sở LĐ-TB&XH", "sldtbxh", "ld"),
        ("Sở VHTT&DL", "svhttdl", "vh"),
        ("Văn phòng UBND tỉnh", "vpubnd", "vp"),
        ("Văn phòng Đoàn ĐBQH và HĐND tỉnh", "vpddbqhhdnd", "vp"),
        ("BQL các KCN tỉnh", "bqlkcn", "ql"),
    ],
)
def test_departments_written_with_acronyms_have_the_codes_they_have(name: str, code: str, suffix: str) -> None:
    assert naming.propose_agency("department", name, RULES) == (code, suffix)


@pytest.mark.parametrize("acronym", ["GD&ĐT", "GD-ĐT", "GD - ĐT", "GD và ĐT", "GDĐT", "gd&đt"])
def test_an_acronym_in_parts_is_one_acronym(acronym: str) -> None:
    assert naming.unit_key(f"Phòng {acronym}", RULES) == naming.unit_key("Phòng Giáo dục và Đào tạo", RULES)
    assert naming.unit_key(f"Sở {acronym}", RULES) == naming.unit_key("Sở Giáo dục và Đào tạo", RULES)


@pytest.mark.parametrize("level", ["", " tỉnh", " huyện", " thành phố", " tỉnh Hà Nam", ", tỉnh Hà Nam"])
@pytest.mark.parametrize("name", ["Thanh tra", "Văn phòng Ủy ban nhân dân", "Văn phòng UBND", "Sở Nội vụ"])
def test_a_level_at_the_end_makes_no_difference_in_any_form(name: str, level: str) -> None:
    assert naming.propose_agency("department", name + level, RULES) == naming.propose_agency("department", name, RULES)
    assert naming.office_address(name + level, "bl", RULES) == naming.office_address(name, "bl", RULES)
    assert naming.unit_key(name + level, RULES) == naming.unit_key(name, RULES)


def test_an_office_may_name_its_own_district_and_no_other() -> None:
    for name in ("Phòng Tư pháp huyện Bình Lục", "Phòng Tư pháp huyện Bình Lục, tỉnh Hà Nam"):
        assert naming.office_address(name, "bl", RULES) == "ptp.bl"
    assert naming.office_address("Phòng Tư pháp huyện Bình Lục", "kb", RULES) != "ptp.kb"


def test_communes_and_districts_may_name_their_province() -> None:
    assert naming.propose_agency("commune", "xã Tiên Sơn, thị xã Duy Tiên, tỉnh Hà Nam", RULES) == ("tienson.dt", "dt")
    assert naming.propose_agency("district", "UBND huyện Kim Bảng, tỉnh Hà Nam", RULES) == ("kb", "kb")
    with pytest.raises(naming.NamingError, match="kèm huyện"):
        naming.propose_agency("commune", "xã Tiên Sơn, tỉnh Hà Nam", RULES)


def test_a_level_is_dropped_at_the_end_only() -> None:
    assert naming.office_address("Phòng Liên minh Hợp tác xã", "sct", RULES) == "plmhtx.sct"
    assert naming.office_address("Phòng Tỉnh lộ", "sgtvt", RULES) == "ptl.sgtvt"


def test_capitals_that_may_be_a_word_or_an_acronym_are_refused() -> None:
    with pytest.raises(naming.NamingError, match="QUAN"):
        naming.office_address("Phòng QUAN hệ", "snv", RULES)


_ACRONYMS = st.sampled_from(sorted(RULES.acronyms))
_WORDS = st.sampled_from(["Phòng", "Tổ chức", "Quản lý", "và", "Hành chính", "Chuyên", "Biên Hòa", "Dân tộc"])


@given(st.lists(st.one_of(_ACRONYMS, _WORDS), min_size=1, max_size=5), st.sampled_from([str, str.upper]))
def test_an_acronym_gives_what_its_long_form_gives(words: list[str], shown: type[str]) -> None:
    short, long = (f"Phòng {' '.join(each)}" for each in (words, [RULES.acronyms.get(word, word) for word in words]))
    assert naming.office_address(shown(short), "kb", RULES) == naming.office_address(long, "kb", RULES)
    assert naming.office_key(shown(short), "kb", RULES) == naming.office_key(long, "kb", RULES)


@given(st.text("BCDĐGHKLMNPQRSTVXAEIOU", min_size=2, max_size=6).filter(lambda word: not is_syllable(word)))
def test_every_letter_of_any_acronym_counts(acronym: str) -> None:
    letters = naming.fold(acronym) if acronym not in RULES.acronyms else naming.initials(RULES.acronyms[acronym], RULES)
    assert naming.office_address(f"Phòng {acronym}", "snv", RULES) == f"p{letters}.snv"


# --- both spellings of one unit meet --------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


OFFICE = """\
  - id: d2d2d2
    kind: office
    name: {name}
    address: {address}
    history:
      - {{event: issue, request: 2024-0001, done: 2024-02-01}}
"""


def test_two_spellings_of_one_office_are_one_unit_whatever_their_addresses(world: World) -> None:
    world.replace("snv.yml", "name: Phòng Công chức\n    address: pcc.snv", "name: Phòng CNTT\n    address: pcntt.snv")
    world.files["snv.yml"] += OFFICE.format(name="Phòng Công nghệ thông tin", address="congnghe.snv")
    problem = world.only_problem()
    assert problem.field == "name"
    assert problem.line == 29
    assert "“Phòng Công nghệ thông tin” và “Phòng CNTT”" in problem.text
    assert "snv.yml:17) là một đơn vị" in problem.text


def test_one_address_of_two_spellings_names_the_other_with_its_line(world: World) -> None:
    world.replace("snv.yml", "name: Phòng Công chức\n    address: pcc.snv", "name: Phòng CNTT\n    address: pcntt.snv")
    world.files["snv.yml"] += OFFICE.format(name="Phòng Công nghệ thông tin", address="pcntt.snv")
    problem = world.only_problem()
    assert "snv.yml:18, của “Phòng CNTT”" in problem.text


def test_two_spellings_of_one_school_are_one_unit(world: World) -> None:
    text = world.files["thptbienhoa.yml"].replace("thptbienhoa", "chuyenbienhoa").replace("h6h6h6", "h7h7h7")
    text = text.replace("Trường Trung học phổ thông chuyên", "Trường THPT Chuyên").replace("b6b6b6", "b7b7b7")
    world.files["chuyenbienhoa.yml"] = text
    problem = world.only_problem()
    assert "là một đơn vị" in problem.text
    assert "chuyenbienhoa.yml:4" in problem.text


def test_two_schools_of_one_name_are_told_how_to_be_two(world: World) -> None:
    text = world.files["thptbienhoa.yml"].replace("thptbienhoa", "thpta").replace("h6h6h6", "h7h7h7")
    world.files["thpta.yml"] = text.replace("b6b6b6", "b7b7b7")
    assert "nếu là hai đơn vị, ghi kèm tên huyện" in world.only_problem().text
    for file, district in (("thpta.yml", "huyện Kim Bảng"), ("thptbienhoa.yml", "huyện Bình Lục")):
        name = "Trường Trung học phổ thông chuyên Biên Hòa"
        world.replace(file, f"name: {name}", f'name: "{name}, {district}"')
    assert world.problems() == []


def test_an_edit_that_spells_a_unit_otherwise_is_told_which_unit_it_is() -> None:
    state = loading.load(ROOT / "mailboxes")
    draft = WorkingCopy(state)
    first = draft.issue(kind="office", agency="snv", name="Phòng CNTT", request="2023-0002", done=loading.today())
    assert first.address == "pcntt.snv"
    with pytest.raises(EditError, match="“Phòng Công nghệ thông tin” và “Phòng CNTT” là một đơn vị"):
        draft.issue(
            kind="office", agency="snv", name="Phòng Công nghệ thông tin", request="2023-0002", done=loading.today()
        )
    with pytest.raises(EditError, match=r"“Phòng Tư pháp” \(.*ubndbl\.yml:\d+\)"):
        draft.issue(kind="office", agency="bl", name="Phòng Tư pháp huyện", request="2023-0003", done=loading.today())
