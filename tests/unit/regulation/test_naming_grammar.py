"""The forms of addresses are data: another province's rule is another file, and one that cannot work is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.population import province, write

from hanam_mail.errors import InputError
from hanam_mail.registry import loading
from hanam_mail.regulation import naming, provisions
from hanam_mail.regulation.naming import grammar

ROOT = Path(__file__).parents[3]
OURS = provisions.load(ROOT / "group_vars/hanam/regulation.yml")
OTHER_VALUES = yaml.safe_load((Path(__file__).parents[1] / "other_province.yml").read_text(encoding="utf-8"))
OTHER = grammar.build(OTHER_VALUES["regulation_naming"])

pytestmark = pytest.mark.dieu5


def test_another_province_needs_no_other_code() -> None:
    assert list(grammar.contradictions(OTHER)) == []
    assert naming.agency_code("Sở Tư pháp", OTHER) == "sotuphap"
    assert naming.agency_code("Sở Thông tin và Truyền thông", OTHER) == "so4t"
    assert naming.agency_suffix("Sở Nông nghiệp và Phát triển", OTHER) == "nnp"
    assert naming.propose_agency("district", "huyện Kim Bảng", OTHER) == ("kimbang", "kim")
    assert naming.agency_address("district", "kimbang", OTHER) == "kimbang-uyban"
    commune, _ = naming.propose_agency("commune", "xã Tiên Sơn, thị xã Duy Tiên", OTHER)
    assert naming.agency_address("commune", commune, OTHER) == "tienson.duytien-uyban"
    assert naming.office_address("Phòng Tổ chức và Cán bộ", "sotuphap", OTHER) == "sotuphap-ptccb"


def test_another_province_puts_the_given_name_first_and_has_its_own_list_for_namesakes() -> None:
    assert naming.person_address("Nguyễn Thị Thanh Hà", OTHER) == "ha.nguyen"
    details = ["Bình Lục", "02/03/1985"]
    taken = {"ha.nguyen"}
    assert naming.propose_person("Nguyễn Hà", "kim", taken, OTHER, details=details) == "ha.nguyen-1985"
    assert naming.propose_person("Nguyễn Hà", "kim", taken, OTHER) == "ha.nguyen-kim"
    assert naming.propose_person("Nguyễn Hà", "kim", taken, OTHER, colleagues=taken) == "ha.nguyen-2"


def test_what_tells_namesakes_apart_may_stand_first_and_a_communes_two_parts_may_be_turned_round() -> None:
    values = {**OTHER_VALUES["regulation_naming"]}
    commune = {**values["forms"]["commune"], "address": "{prefix}-{district}-{own}"}
    values["forms"] = {**values["forms"], "commune": commune}
    values["namesakes"] = [
        {"clause": "Điều 8.2", "address": "{suffix}-{plain}", "same_agency": False},
        {"clause": "Điều 8.3", "address": "{counter}_{plain}"},
    ]
    rules = grammar.build(values)
    assert list(grammar.contradictions(rules)) == []
    assert naming.agency_address("commune", "tienson.duytien", rules) == "uyban-duytien-tienson"
    taken = {"ha.nguyen"}
    assert naming.propose_person("Nguyễn Hà", "kim", taken, rules) == "kim-ha.nguyen"
    assert naming.propose_person("Nguyễn Hà", "kim", taken, rules, colleagues=taken) == "2_ha.nguyen"
    assert naming.fits_person("kim-ha.nguyen", "Nguyễn Hà", rules)
    assert not naming.fits_person("ha.nguyen-kim", "Nguyễn Hà", rules)


def test_a_name_of_one_word_leaves_no_lone_separator() -> None:
    assert naming.person_address("Hà", OTHER) == "ha"


def test_addresses_are_judged_by_the_form_of_the_province() -> None:
    assert naming.fits_person("ha.nguyen-1985", "Nguyễn Hà", OTHER)
    assert not naming.fits_person("ha.nguyen.1985", "Nguyễn Hà", OTHER)
    assert not naming.fits_person("nguyenha", "Nguyễn Hà", OTHER)
    assert naming.fits_office("sotuphap-ptc", "sotuphap", OTHER)
    assert not naming.fits_office("ptc.sotuphap", "sotuphap", OTHER)


def test_a_registry_of_another_province_passes_the_same_check(tmp_path: Path) -> None:
    theirs = replace(OURS, naming=OTHER)
    made = province(1_200, 3, theirs)
    assert any("-uyban" in mailbox.address for mailbox in made.mailboxes.values())
    write(made, tmp_path / "mailboxes")
    assert loading.load(tmp_path / "mailboxes", regulated_by=theirs).mailboxes == made.mailboxes
    with pytest.raises(InputError):
        loading.load(tmp_path / "mailboxes", regulated_by=OURS)


@pytest.mark.parametrize(
    ("form", "change", "sentence"),
    [
        ("person", {"address": "{slug}{code}"}, "{code}"),
        ("office", {"address": "{initials}"}, "phải có {code}"),
        ("commune", {"code": "{district}.{slug}"}, "phải kết thúc"),
        ("department", {"code": None}, "thiếu code"),
        ("unit", {"code": "{initials}"}, "{initials}"),
        ("district", {"address": "UBND{code}"}, "chữ thường"),
        ("district", {"address": "ubnd {code}"}, "chữ thường"),
        ("person", {"address": "canbo"}, "chữ thường"),
        ("person", {"address": "{slug}{slug}"}, "hai lần"),
        ("department", {"address": "{prefix}"}, "phải có {code}"),
        ("office", {"address": "phong.{code}"}, "tên phòng"),
        ("district", {"address": "{code}-{prefix}-cap-huyen"}, "thêm 16 ký tự"),
    ],
)
def test_a_form_that_cannot_work_is_named(form: str, change: dict[str, Any], sentence: str) -> None:
    values = {**OTHER_VALUES["regulation_naming"]}
    values["forms"] = {**values["forms"], form: {**values["forms"][form], **change}}
    (problem,) = grammar.contradictions(grammar.build(values))
    assert problem[0] == values["forms"][form]["clause"]
    assert sentence in problem[1]


@pytest.mark.parametrize(
    "namesakes",
    [
        [],
        [{"clause": "Đ5.2b", "address": "{plain}.{suffix}"}],
        [{"clause": "Đ5.2c", "address": "{plain}.{counter}", "same_agency": False}],
        [{"clause": "Đ5.2c", "address": "{plain}{counter}"}],
        [{"clause": "Đ5.2c", "address": "{plain}.{home}.{counter}"}],
        [{"clause": "Đ5.2c", "address": "{plain}.{wish}"}, {"clause": "Đ5.2c", "address": "{plain}.{counter}"}],
    ],
)
def test_a_list_for_namesakes_that_could_end_or_mix_people_up_is_refused(namesakes: list[dict[str, Any]]) -> None:
    values = {**OTHER_VALUES["regulation_naming"], "namesakes": namesakes}
    assert list(grammar.contradictions(grammar.build(values)))


def test_regulation_with_such_a_form_is_not_loaded(tmp_path: Path) -> None:
    text = (ROOT / "group_vars/hanam/regulation.yml").read_text(encoding="utf-8")
    file = tmp_path / "regulation.yml"
    file.write_text(text.replace('"{slug}.{district}"', '"{slug}"'), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        provisions.load(file)
    (problem,) = refused.value.problems
    assert (problem.field, problem.clause) == ("regulation_naming", "Đ5.1c")


def test_offices_and_plain_forms_follow_the_form_of_the_province() -> None:
    forms = naming.office_addresses("Văn phòng", "sonoivu", OTHER)
    assert [next(forms), next(forms)] == ["sonoivu-vp", "sonoivu-vp2"]
    assert naming.recoded_office("sonoivu-vp2", "sonoivu", "sotuphap", OTHER) == "sotuphap-vp2"
    assert naming.is_plain("ha.nguyen", OTHER)
    assert not naming.is_plain("ha.nguyen-tt", OTHER)
