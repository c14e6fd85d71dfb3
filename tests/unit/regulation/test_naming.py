"""Điều 5 by its own examples, by all units of the province, and by what people really type."""

import csv
import unicodedata
from itertools import islice
from pathlib import Path

import pytest

from hanam_mail.regulation import naming, provisions

ROOT = Path(__file__).parents[3]
RULES = provisions.load(ROOT / "group_vars/hanam/regulation.yml").naming
DEPARTMENTS = (ROOT / "data/hanam_departments.txt").read_text(encoding="utf-8").splitlines()
with (ROOT / "data/hanam_units.tsv").open(encoding="utf-8", newline="") as lines:
    UNITS = list(csv.DictReader(lines, delimiter="\t"))

pytestmark = pytest.mark.dieu5


def test_dieu5_1a_department_is_its_initials() -> None:
    assert naming.agency_code("Sở Thông tin và Truyền thông", RULES) == "stttt"


def test_dieu5_1b_district_is_ubnd_and_its_initials() -> None:
    code = naming.district_code("Ủy ban nhân dân huyện Kim Bảng", RULES)
    assert naming.committee_address(code, RULES) == "ubndkb"


def test_dieu5_1c_commune_is_ubnd_its_whole_name_and_the_district() -> None:
    district = naming.district_code("thị xã Duy Tiên", RULES)
    code = naming.commune_code("Ủy ban nhân dân xã Tiên Sơn", district, RULES)
    assert naming.committee_address(code, RULES) == "ubndtienson.dt"


def test_dieu5_1d_office_of_a_department() -> None:
    assert naming.office_address("Phòng Thông tin - Báo chí - Xuất bản", "stttt", RULES) == "pttbcxb.stttt"


def test_dieu5_1dd_office_of_a_district() -> None:
    assert naming.office_address("Phòng Tư pháp", "bl", RULES) == "ptp.bl"


def test_dieu5_2a_person_is_the_whole_name() -> None:
    assert naming.person_address("Nguyễn Thị Thanh Hà", RULES) == "nguyenthithanhha"


def test_dieu5_2b_second_namesake_in_a_department_has_its_two_letters() -> None:
    suffix = naming.agency_suffix("Sở Lao động - Thương binh và Xã hội", RULES)
    assert naming.propose_person("Nguyễn Văn Hùng", suffix, {"nguyenvanhung"}, RULES) == "nguyenvanhung.ld"


def test_dieu5_2b_second_namesake_in_a_commune_has_the_letters_of_its_district() -> None:
    suffix = naming.district_code("huyện Thanh Liêm", RULES)
    assert naming.propose_person("Nguyễn Văn Nam", suffix, {"nguyenvannam"}, RULES) == "nguyenvannam.tl"


def test_dieu5_2b_first_namesake_has_the_plain_form() -> None:
    assert naming.propose_person("Nguyễn Văn Hùng", "ld", set(), RULES) == "nguyenvanhung"


def test_dieu5_2c_namesakes_in_one_agency_never_have_the_suffix() -> None:
    taken = {"nguyenvanhung"}
    with_home = naming.propose_person(
        "Nguyễn Văn Hùng", "ld", taken, RULES, colleagues=taken, details=["Bình Lục", "1985"]
    )
    assert with_home == "nguyenvanhung.binhluc"
    assert naming.propose_person("Nguyễn Văn Hùng", "ld", taken, RULES, colleagues=taken) == "nguyenvanhung.2"


def test_dieu5_2c_a_suffixed_form_that_is_taken_goes_on_with_details() -> None:
    taken = {"nguyenvannam", "nguyenvannam.tl", "nguyenvannam.thanhha"}
    assert naming.propose_person("Nguyễn Văn Nam", "tl", taken, RULES, details=["Thanh Hà", "1990"]) == (
        "nguyenvannam.1990"
    )


def test_forms_are_tried_in_the_order_of_the_regulation() -> None:
    forms = list(islice(naming.person_addresses("Lê Hòa", "tt", RULES, ["Hà Nội"]), 5))
    assert forms == ["lehoa", "lehoa.tt", "lehoa.hanoi", "lehoa.2", "lehoa.3"]


@pytest.mark.parametrize(
    ("name", "code", "suffix"),
    [
        ("Sở Nông nghiệp và Phát triển nông thôn", "snnptnt", "nn"),
        ("Sở Văn hóa, Thể thao và Du lịch", "svhttdl", "vh"),
        ("Sở Lao động - Thương binh và Xã hội", "sldtbxh", "ld"),
        ("Sở Tư pháp", "stp", "tp"),
        ("Sở Tài chính", "stc", "tc"),
        ("Thanh tra tỉnh", "ttt", "tt"),
        ("Văn phòng Ủy ban nhân dân tỉnh", "vpubnd", "vp"),
        ("Văn phòng Uỷ ban nhân dân tỉnh", "vpubnd", "vp"),
        ("Văn phòng Đoàn đại biểu Quốc hội và Hội đồng nhân dân tỉnh", "vpddbqhhdnd", "vp"),
        ("Ban Quản lý các khu công nghiệp tỉnh", "bqlkcn", "ql"),
    ],
)
def test_departments_have_codes_and_suffixes_that_people_expect(name: str, code: str, suffix: str) -> None:
    assert (naming.agency_code(name, RULES), naming.agency_suffix(name, RULES)) == (code, suffix)


def test_no_two_departments_or_districts_come_to_one_code() -> None:
    districts = {f"{row['district_kind']} {row['district_name']}" for row in UNITS}
    codes = [naming.agency_code(name, RULES) for name in DEPARTMENTS]
    codes += [naming.district_code(name, RULES) for name in districts]
    assert len(DEPARTMENTS) == 19
    assert len(districts) == 6
    assert len(set(codes)) == len(codes)


def test_all_109_communes_have_addresses_of_their_own() -> None:
    codes = {
        naming.commune_code(
            f"{row['commune_kind']} {row['commune_name']}",
            naming.district_code(f"{row['district_kind']} {row['district_name']}", RULES),
            RULES,
        )
        for row in UNITS
    }
    assert len(codes) == len(UNITS) == 109
    assert {"tranhungdao.pl", "tranhungdao.ln", "que.kb", "dongvan.dt"} <= codes


@pytest.mark.parametrize(
    "name",
    [
        "Đỗ Thị Hòa",
        "Ðỗ Thị Hoà",  # Icelandic Eth, the tone on the other vowel
        "ĐỖ THỊ HÒA",
        "Đỗ\N{NO-BREAK SPACE}Thị\N{ZERO WIDTH SPACE} Hòa\N{BYTE ORDER MARK}",
        "  Đỗ \t Thị  Hòa ",
        unicodedata.normalize("NFD", "Đỗ Thị Hòa"),
    ],
)
def test_ways_of_typing_a_name_make_no_difference(name: str) -> None:
    assert naming.person_address(name, RULES) == "dothihoa"
    assert naming.initials(name, RULES) == "dth"


def test_namesakes_are_those_who_share_the_unaccented_form() -> None:
    assert len({naming.slug(name) for name in ("Lê Hà", "Lê Hạ", "Lê Hả")}) == 1


def test_a_word_is_dropped_by_its_accented_form_only() -> None:
    assert naming.initials("Phòng Vá và Vả", RULES) == "pvv"


def test_apostrophes_bind_and_numbers_stay_whole() -> None:
    assert naming.slug("K'Brơi") == "kbroi"
    assert naming.initials("Trung tâm Cấp cứu 115", RULES) == "ttcc115"


@pytest.mark.parametrize("name", ["", " - ", "\N{COMBINING ACUTE ACCENT}", "Иванов", "王小明", "An" * 40])
def test_a_name_that_makes_no_address_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(naming.NamingError, match="tên"):
        naming.person_address(name, RULES)


@pytest.mark.parametrize(
    ("details", "address"),
    [
        (["xã Tiên Sơn"], "leha.tienson"),
        (["1985"], "leha.1985"),
        (["02/03/1985"], "leha.1985"),
        (["2-3-1985"], "leha.1985"),
        (["1985-03-02"], "leha.1985"),
        (["1985", "Bình Lục"], "leha.binhluc"),  # the regulation's order, not that of the details
        (["", " "], "leha.2"),
        ([], "leha.2"),
    ],
)
def test_dieu5_2c_a_detail_shows_by_its_form_what_it_is(details: list[str], address: str) -> None:
    assert naming.propose_person("Lê Hà", "tt", {"leha"}, RULES, colleagues={"leha"}, details=details) == address


def test_dieu5_2c_the_list_is_gone_through_to_the_end() -> None:
    forms = list(islice(naming.person_addresses("Lê Hà", "tt", RULES, ["02/03/1985", "Bình Lục", "Nam Định"]), 7))
    assert forms[:4] == ["leha", "leha.tt", "leha.binhluc", "leha.namdinh"]
    assert forms[4:] == ["leha.1985", "leha.02031985", "leha.2"]


def test_dieu5_2c_a_detail_that_is_neither_place_nor_birth_is_refused() -> None:
    with pytest.raises(naming.NamingError, match="quê quán"):
        naming.propose_person("Lê Hà", "tt", {"leha"}, RULES, details=["12.5"])


def test_colleagues_whose_names_only_begin_alike_are_no_namesakes() -> None:
    colleagues = {"lehaanh", "lehaanh.tt", "lehai"}
    assert naming.propose_person("Lê Hà", "tt", {"leha"}, RULES, colleagues=colleagues) == "leha.tt"


def test_reserved_local_parts_are_nobodys() -> None:
    assert {"postmaster", "abuse", "hostmaster", "noc", "security", "webmaster", "info"} <= RULES.reserved_local_parts
    assert naming.propose_person("Nóc", "tt", set(), RULES) == "noc.tt"


def test_no_agency_or_district_of_the_province_has_a_reserved_address() -> None:
    codes = {naming.agency_code(name, RULES) for name in DEPARTMENTS}
    assert not codes & RULES.reserved_local_parts


def test_operator_approves_what_the_rule_proposes_for_each_kind() -> None:
    assert naming.propose_agency("department", "Sở Thông tin và Truyền thông", RULES) == ("stttt", "tt")
    assert naming.propose_agency("district", "UBND huyện Kim Bảng", RULES) == ("kb", "kb")
    assert naming.propose_agency("commune", "xã Tiên Sơn, thị xã Duy Tiên", RULES) == ("tienson.dt", "dt")
    assert naming.propose_agency("commune", "xã Tiên Sơn", RULES, district="dt") == ("tienson.dt", "dt")


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [
        ("unit", "Trường Tiểu học Tiên Sơn", "mã và hậu tố được duyệt"),
        ("commune", "xã Tiên Sơn", "kèm huyện"),
        ("department", "Y", "hậu tố được duyệt"),
    ],
)
def test_where_no_rule_applies_an_approved_code_is_asked_for(kind: str, name: str, sentence: str) -> None:
    with pytest.raises(naming.NamingError, match=sentence):
        naming.propose_agency(kind, name, RULES)


def test_a_unit_has_its_approved_code_for_an_address() -> None:
    assert naming.agency_address("unit", "thtiensondt", RULES) == "thtiensondt"


def test_addresses_are_judged_by_their_form() -> None:
    for address in ("leha", "leha.tt", "leha.binhluc", "leha.2"):
        assert naming.fits_person(address, "Lê Hà", RULES)
    for address in ("lehai", "leha.", "leha.tt.2", "leha-tt", "ha.le"):
        assert not naming.fits_person(address, "Lê Hà", RULES)
    assert naming.fits_office("ptp.bl", "bl", RULES)
    assert naming.fits_office("vp.tienson.dt", "tienson.dt", RULES)
    for address in ("ptp.kb", "ptp", ".bl", "a.ptp.bl"):
        assert not naming.fits_office(address, "bl", RULES)


def test_forms_carry_their_clause_and_the_words_of_the_regulation() -> None:
    clauses = {name: form.clause for name, form in RULES.forms.items()}
    assert clauses["department"] == "Đ5.1a"
    assert clauses["district"] == "Đ5.1b"
    assert clauses["commune"] == "Đ5.1c"
    assert clauses["office"] == "Đ5.1d, Đ5.1đ"
    assert clauses["person"] == "Đ5.2a"
    assert [form.clause for form in RULES.namesakes] == ["Đ5.2b", "Đ5.2c", "Đ5.2c", "Đ5.2c", "Đ5.2c"]
    assert all(form.text for form in RULES.forms.values())


def test_offices_of_merged_agencies_go_on_with_a_number() -> None:
    assert list(islice(naming.office_addresses("Văn phòng", "snv", RULES), 3)) == ["vp.snv", "vp2.snv", "vp3.snv"]


def test_an_office_keeps_its_own_part_under_a_new_code() -> None:
    assert naming.recoded_office("vp2.snv", "snv", "snvld", RULES) == "vp2.snvld"
    assert naming.recoded_office("vp.stp", "snv", "snvld", RULES) == "vp.stp"


def test_plain_forms_are_told_from_those_that_name_an_agency() -> None:
    assert naming.is_plain("leha", RULES)
    assert not naming.is_plain("leha.tt", RULES)


@pytest.mark.parametrize(
    ("home", "told"),
    [
        ("Bình Lục", "binhluc"),
        ("xã Tiên Sơn, thị xã Duy Tiên", "tiensonthixaduytien"),
        ("TP. Nam Định", "namdinh"),
        ("TP Phủ Lý", "phuly"),
        ("H.Bình Lục", "binhluc"),
        ("Tam Điệp", "tamdiep"),
        ("Thái Bình", "thaibinh"),
        ("Đắk Lắk", "daklak"),
    ],
)
def test_a_home_place_is_told_as_it_is_called(home: str, told: str) -> None:
    address = naming.propose_person("Lê Hà", "tt", {"leha"}, RULES, colleagues=["leha"], details=[home])
    assert address == f"leha.{told}"
    assert naming.fits_person(address, "Lê Hà", RULES)


@pytest.mark.parametrize("detail", ["Hacker", "Số 5 ngõ 3", "x", "31/02/3000", "1785"])
def test_a_detail_is_judged_only_where_it_is_needed(detail: str) -> None:
    assert naming.propose_person("Lê Hà", "tt", set(), RULES, details=[detail]) == "leha"
    assert naming.propose_person("Lê Hà", "tt", {"leha"}, RULES, details=[detail]) == "leha.tt"
    with pytest.raises(naming.NamingError):
        naming.propose_person("Lê Hà", "tt", {"leha"}, RULES, colleagues=["leha"], details=[detail])
