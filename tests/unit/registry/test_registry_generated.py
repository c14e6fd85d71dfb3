"""The registry in git: made from the province's lists, in its one canonical form, and without a fault."""

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hanam_mail.editing import first_registry
from hanam_mail.errors import InputError, Source
from hanam_mail.registry import loading
from hanam_mail.registry.model import Agency, AgencyKind
from hanam_mail.registry.writing import canonical
from hanam_mail.regulation import provisions

ROOT = Path(__file__).parents[3]
RULE_BOOK = provisions.load(ROOT / "group_vars/hanam/regulation.yml")
INITIAL = first_registry.initial_registry(ROOT / "data", RULE_BOOK)
DAY = date(2026, 11, 25)


def write(folder: Path) -> None:
    (folder / "requests").mkdir(parents=True)
    for file, text in canonical.texts(INITIAL, folder).items():
        file.write_text(text, encoding="utf-8")


def test_registry_in_git_passes_the_check_and_is_canonical() -> None:
    read = loading.load(ROOT / "mailboxes", regulated_by=RULE_BOOK)
    assert list(canonical.problems(read, ROOT / "mailboxes")) == []


@pytest.mark.dieu5
def test_every_agency_of_the_province_has_its_mailbox() -> None:
    kinds = [agency.kind for agency in INITIAL.agencies.values()]
    assert [kinds.count(kind) for kind in AgencyKind] == [19, 6, 109, 0]
    addresses = {mailbox.address for mailbox in INITIAL.mailboxes.values()}
    assert {"stttt", "ubndkb", "ubndtienson.dt", "pttbcxb.stttt", "ptp.bl", "nguyenthithanhha"} <= addresses
    assert {"nguyenvanhung", "nguyenvanhung.ld", "nguyenvannam", "nguyenvannam.tl"} <= addresses


def test_generated_files_are_read_back_the_same(tmp_path: Path) -> None:
    write(tmp_path / "mailboxes")
    read = loading.load(tmp_path / "mailboxes", regulated_by=RULE_BOOK, day=DAY)
    assert loading.desired_state(read) == loading.desired_state(INITIAL)
    assert list(canonical.problems(read, tmp_path / "mailboxes")) == []


def test_other_yaml_readers_see_the_same_texts(tmp_path: Path) -> None:
    write(tmp_path / "mailboxes")
    for file in (tmp_path / "mailboxes").glob("*.yml"):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert all(isinstance(value, str) for value in document["agency"].values())
        assert all(isinstance(mailbox["address"], str) for mailbox in document["mailboxes"])


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1).filter(lambda name: name.strip() == name))
def test_any_name_survives_writing_and_reading(name: str) -> None:
    agency = Agency("k7q2m4", name, AgencyKind.DEPARTMENT, "x", "xx", False, (), Source("x.yml", 1))
    assert yaml.safe_load(canonical.agency_text(agency, []))["agency"]["name"] == name


def test_a_mailbox_written_another_way_is_pointed_out_by_line(tmp_path: Path) -> None:
    write(tmp_path / "mailboxes")
    file = tmp_path / "mailboxes/stttt.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("kind: agency", 'kind: "agency"'), encoding="utf-8")
    read = loading.load(tmp_path / "mailboxes", regulated_by=RULE_BOOK, day=DAY)
    (problem,) = canonical.problems(read, tmp_path / "mailboxes")
    assert (problem.file, problem.line) == (str(file), 10)
    assert "kind: agency" in problem.text


@pytest.mark.dieu5
def test_two_departments_of_one_code_are_refused(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "data", tmp_path, dirs_exist_ok=True)
    (tmp_path / first_registry.DEPARTMENTS).write_text("Sở Tài chính\nSở Thể chất\nSở Tôn chỉ\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"Sở Thể chất.*Sở Tài chính.*stc.*Đ5\.1"):
        first_registry.initial_registry(tmp_path, RULE_BOOK)
