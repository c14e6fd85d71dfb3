"""Numbers that nobody may go by are refused with file, name and rule, wherever they are about to be used."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from tests.unit.conftest import ROOT

from hanam_mail.controller import accounts_host, preflight
from hanam_mail.errors import InputError
from hanam_mail.host.database import migrate
from hanam_mail.plan.accounts import ApplyRefused
from hanam_mail.regulation import group_vars, provisions, rule_values

SHARED = ROOT / "group_vars/hanam"
Run = Callable[..., Result]


def numbers() -> dict[str, Any]:
    files = (yaml.safe_load((SHARED / name).read_text("utf-8")) for name in rule_values.FILES)
    known = {name: value for values in files for name, value in values.items()}
    return {name: value for name, value in known.items() if name.startswith(rule_values.PREFIXES)}


RIGHT = numbers()
COST = {"password_argon2_memory": 19456, "password_argon2_passes": 2}
REASONS = RIGHT["regulation_lock_reasons"]
SENDING = RIGHT["sending_limits"]
NAMING = RIGHT["regulation_naming"]


def renamed(table: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: value for name, value in table.items()}


PEOPLE, FORMS = NAMING["person_names"], NAMING["forms"]
UNIT = renamed(FORMS["unit"], "address", "adress")
COUNTED = {"clause": "Đ5.2c", "address": "{plain}.{counter}"}
# Variable, what is wrong with it, words of the sentence.
HELD = {"title": "Dấu mật", "why": "có dấu mật", "drop_after_days": 0}
PROVIDER = {"name": "Thư riêng", "networks": ["192.0.2.0/24", "2001:db8::/64"], "names": ["thu.example"]}
WRONG: list[tuple[str, Any, str]] = [
    ("regulation_idle_lock_months", 0, "ít nhất 1"),
    ("regulation_idle_lock_months", -3, "ít nhất 1"),
    ("regulation_idle_lock_months", True, "số nguyên"),
    ("regulation_idle_lock_months", 3.0, "số nguyên"),
    ("regulation_idle_lock_months", None, "số nguyên"),
    ("regulation_idle_lock_months", 200, "nhiều nhất 120"),
    ("regulation_password_min_length", "nine", "số nguyên"),
    ("regulation_password_min_length", "9", "số nguyên"),
    ("regulation_password_min_length", 73, "nhiều nhất 72"),
    ("regulation_password_min_length", 3, "không đủ"),
    ("regulation_password_special_characters", "", "ký tự đặc biệt"),
    ("regulation_password_special_characters", "ab", "ký tự đặc biệt"),
    ("regulation_password_special_characters", "!!", "mỗi ký tự một lần"),
    ("regulation_password_reminder_days", [1, 7, 14], "giảm dần"),
    ("regulation_password_reminder_days", [], "danh sách"),
    ("regulation_password_reminder_days", 7, "danh sách"),
    ("regulation_password_reminder_days", [90], "lâu hơn cả thời hạn 3 tháng"),
    ("regulation_quota_warning_percent", [80, 120], "nhiều nhất 99"),
    ("regulation_idle_revoke_months", 2, "tạm khóa trước"),
    ("regulation_lock_reasons", {key: REASONS[key] for key in REASONS if key != "idle"}, "thiếu lý do idle"),
    ("regulation_lock_reasons", {key: REASONS[key] for key in REASONS if key != "compromised"}, "compromised"),
    ("regulation_lock_reasons", {**REASONS, "idle": {"clause": "Đ7.2a"}}, "lý do idle"),
    ("regulation_lock_reasons", ["idle"], "cần một bảng"),
    ("regulation_forward_domains", "gov.vn", "danh sách tên miền"),
    ("regulation_maintenance_notice_working_days", 0, "ít nhất 1"),
    ("regulation_yearly_report_before", "29/02", 'dạng "15/11"'),
    ("regulation_yearly_report_before", "5/11", 'dạng "15/11"'),
    ("regulation_yearly_report_before", 15, 'dạng "15/11"'),
    ("regulation_province", "tỉnh Hà Nam", "kind và name"),
    ("regulation_naming", {}, "thiếu"),
    ("regulation_naming", [], "cần một bảng"),
    ("regulation_naming", renamed(NAMING, "person_names", "person_name"), "person_name"),
    ("regulation_naming", renamed(NAMING, "acronyms", "acronym"), "acronym"),
    ("regulation_naming", renamed(NAMING, "home_places", "home_place"), "home_places"),
    ("regulation_naming", {**NAMING, "level_words": "tỉnh"}, "level_words: cần danh sách"),
    ("regulation_naming", {**NAMING, "dropped_words": "và"}, "dropped_words: cần danh sách"),
    ("regulation_naming", {**NAMING, "dropped_words": ["và", ""]}, "dropped_words"),
    ("regulation_naming", {**NAMING, "unit_kinds": ["xã", True]}, "unit_kinds"),
    ("regulation_naming", {**NAMING, "abbreviations": ["UBND"]}, "abbreviations: cần một bảng"),
    ("regulation_naming", {**NAMING, "acronyms": {"UBND": None}}, "acronyms: UBND"),
    ("regulation_naming", {**NAMING, "acronyms": {True: "Có"}}, "acronyms"),
    ("regulation_naming", {**NAMING, "committee_prefix": 3}, "committee_prefix"),
    ("regulation_naming", {**NAMING, "suffix_length": "2"}, "suffix_length: ít nhất 1"),
    ("regulation_naming", {**NAMING, "reserved_local_parts": {"mail": "root"}}, "reserved_local_parts: mail"),
    ("regulation_naming", {**NAMING, "approved_codes": {"Thanh tra tỉnh": "ttt"}}, "approved_codes: Thanh tra tỉnh"),
    ("regulation_naming", {**NAMING, "person_names": {**PEOPLE, "titles": "Ông"}}, "person_names: titles"),
    ("regulation_naming", {**NAMING, "person_names": renamed(PEOPLE, "roles", "role")}, "person_names"),
    ("regulation_naming", {**NAMING, "forms": renamed(FORMS, "unit", "units")}, "forms"),
    ("regulation_naming", {**NAMING, "forms": {**FORMS, "unit": UNIT}}, "forms: unit"),
    ("regulation_naming", {**NAMING, "namesakes": [{**COUNTED, "same": 1}]}, "namesakes"),
    ("regulation_naming", {**NAMING, "namesakes": [{**COUNTED, "same_agency": "no"}]}, "same_agency"),
    ("regulation_decision", "", "số, ký hiệu"),
    ("password_min_length", 0, "ít nhất 1"),
    ("password_refuse_name", "no", "true hoặc false"),
    ("password_max_age_days", 90, "ngắn hơn 3 tháng"),
    ("password_max_age_days", 14, "bị nhắc ngay"),
    ("guessing_pair_failures", 0, "ít nhất 1"),
    ("guessing_own_pair_failures", 9, "không được nhỏ hơn 10 của guessing_pair_failures"),
    ("life_cycle_idle_warning_days", [100, 3], "ai cũng bị báo"),
    ("life_cycle_default_password_warning_days", [31], "ai cũng bị báo"),
    ("life_cycle_idle_lock_days", 14, "ai cũng bị báo"),
    ("life_cycle_idle_lock_days", 200, "ngắn hơn 3 tháng"),
    ("life_cycle_afternoon_begins", 720, '"12:00"'),
    ("life_cycle_agent_away_days", 29, "life_cycle_outbox_keep_days"),
    ("sending_lock_percent", 100, "ít nhất 101"),
    ("sending_lock_viruses", 0, "ít nhất 1"),
    ("book_groups_own", ["persons"], "loại hộp thư"),
    ("book_groups_most", 0, "ít nhất 1"),
    ("sending_limits", {"person": SENDING["person"]}, "đúng các loại"),
    ("sending_limits", {**SENDING, "guest": {"messages_hour": 5}}, "guest: cần messages_hour"),
    ("sending_limits", {**SENDING, "guest": {**SENDING["guest"], "messages_hour": "5"}}, "guest: mỗi số"),
    ("sending_limits", {**SENDING, "guest": {**SENDING["guest"], "messages_day": 1}}, "số của một ngày"),
    ("collectors_policy", "off", "notice hoặc refuse"),
    ("collectors_providers", [], "cần một bảng"),
    ("collectors_providers", {"Thư": PROVIDER}, "Thư: mã chỉ gồm"),
    ("collectors_providers", {"thu": {"name": "Thư", "names": []}}, "thu: thiếu networks"),
    ("collectors_providers", {"thu": {**PROVIDER, "networks": ["0.0.0.0/0"]}}, "từ /8 đến /32"),
    ("collectors_providers", {"thu": {**PROVIDER, "networks": ["192.0.2.1/24"]}}, "dạng CIDR"),
    ("collectors_providers", {"thu": {**PROVIDER, "networks": [3]}}, "dạng CIDR"),
    ("collectors_providers", {"thu": {**PROVIDER, "networks": ["2001:db8::1/128"]}}, "từ /20 đến /64"),
    ("collectors_providers", {"thu": {**PROVIDER, "names": ["com"]}}, "ít nhất hai phần"),
    ("collectors_providers", {"thu": {**PROVIDER, "names": [".google.com"]}}, "ít nhất hai phần"),
    ("collectors_notice_days", 0, "ít nhất 1"),
    ("held_kinds", {"Mật": HELD}, "Mật: tên loại"),
    ("held_kinds", {"secrecy": {**HELD, "drop_after_days": -1}}, "drop_after_days: ít nhất 0"),
    ("held_kinds", {"secrecy": {**HELD, "why": ""}}, "why: cần chuỗi"),
    ("held_kinds", {"secrecy": {}}, "thiếu"),
    ("held_kinds", {"secrecy": {**HELD, "tell_receivers": "yes"}}, "tell_receivers: chỉ true hoặc false"),
    ("held_kinds", {"secrecy": {**HELD, "advice": ""}}, "advice: cần chuỗi"),
    ("held_told_a_day", 0, "ít nhất 1"),
    ("held_reminder_at", "7:00", "giờ dạng"),
    ("held_facts_days", 0, "ít nhất 1"),
    ("user_reports_a_day", 0, "ít nhất 1"),
    ("regulation_idle_lock_month", 3, "không có biến nào tên như vậy"),
    ("life_cycle_idle_lock_dais", 45, "không có biến nào tên như vậy"),
]  # fmt: skip


def file_of(variable: str) -> str:
    of_their_own = {
        "regulation": "regulation.yml",
        "life": "life_cycle.yml",
        "sending": "sending.yml",
        "guessing": "guessing.yml",
        "collectors": "collectors.yml",
        "held": "filtering.yml",
        "reports": "incoming_reports.yml",
        "book": "address_book.yml",
        "user": "user_reports.yml",
    }
    if variable.startswith("reports_sent_"):
        return "reports.yml"
    return of_their_own.get(variable.partition("_")[0], "passwords.yml")


def test_the_projects_own_numbers_are_all_known_and_sound() -> None:
    assert rule_values.faults(RIGHT) == []


@pytest.mark.parametrize(("variable", "value", "words"), WRONG)
def test_a_wrong_number_is_told_once_with_file_name_and_rule(variable: str, value: Any, words: str) -> None:
    (fault,) = rule_values.faults({**RIGHT, variable: value})
    assert (fault.file, fault.variable) == (file_of(variable), variable)
    assert words in fault.rule


@pytest.mark.parametrize("variable", sorted(RIGHT))
def test_a_missing_number_is_told(variable: str) -> None:
    (fault,) = rule_values.faults({name: value for name, value in RIGHT.items() if name != variable})
    assert str(fault).startswith(f"{file_of(variable)}: {variable}: thiếu biến này")


def spoil(project: Path, variable: str, value: Any) -> Path:
    """Write a value into the file of a project, in place of the right one."""
    file = project / "group_vars/hanam" / file_of(variable)
    lines = file.read_text("utf-8").splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith(variable + ":"))
    end = next((n for n in range(at + 1, len(lines)) if not lines[n].startswith(" ")), len(lines))
    lines[at:end] = [yaml.safe_dump({variable: value}, allow_unicode=True)]
    file.write_text("".join(lines), "utf-8")
    return file


@pytest.mark.parametrize("file", sorted((ROOT / "group_vars/lab").glob("*.yml")), ids=lambda file: file.stem)
def test_what_ansible_still_fills_in_is_no_wrong_number(file: Path) -> None:
    given = {**RIGHT, **group_vars.read(file)}
    assert accounts_host.wrong_numbers(ROOT / "mailboxes", given) == []


WHERE_USED = [
    ("regulation_idle_lock_months", 0),
    ("regulation_password_min_length", "nine"),
    ("regulation_lock_reasons", {key: REASONS[key] for key in REASONS if key != "default_password"}),
    ("life_cycle_idle_warning_days", [100, 3]),
    ("password_refuse_name", "no"),
]


@pytest.mark.parametrize(("variable", "value"), WHERE_USED)
def test_check_preflight_apply_and_migrate_all_refuse_it(run: Run, project: Path, variable: str, value: Any) -> None:
    given = {**RIGHT, variable: value}
    assert any(f"{file_of(variable)}: {variable}: " in line for line in preflight.numbers(given, None))
    assert any(
        f"{file_of(variable)}: {variable}: " in line for line in accounts_host.wrong_numbers(ROOT / "mailboxes", given)
    )
    with pytest.raises(ApplyRefused, match=f"{file_of(variable)}: {variable}: "):
        migrate.sound({**given, **COST})
    assert run("check").exit_code == 0
    file = spoil(project, variable, value)
    told = run("check")
    assert told.exit_code == 1
    assert file.name in told.stderr and variable in told.stderr
    _, problems = accounts_host.desired(project / "mailboxes")
    assert any(variable in problem for problem in problems)
    with pytest.raises(InputError) as refused:
        provisions.load(project / "group_vars/hanam/regulation.yml")
    problem = refused.value.problems[0]
    assert file.read_text("utf-8").splitlines()[problem.line - 1].startswith(variable)


def test_an_earlier_revision_may_lack_what_came_since_and_have_what_has_gone(tmp_path: Path) -> None:
    """Else no plan could be made from the revision before a variable came."""
    text = (SHARED / "regulation.yml").read_text("utf-8")
    gone = [line for line in text.splitlines() if not line.startswith("regulation_restore_working_days")]
    before = tmp_path / "regulation.yml"
    before.write_text(text.replace("regulation_title:", "regulation_gone:"), "utf-8")
    assert provisions.load(before, former=True).answer_working_days == 3
    with pytest.raises(InputError, match="regulation_gone"):
        provisions.load(before)
    # What the registry is judged by must be there in any case.
    before.write_text("\n".join(gone), "utf-8")
    with pytest.raises(InputError, match="regulation_restore_working_days"):
        provisions.load(before, former=True)


@pytest.mark.parametrize("name", ["acronyms", "home_places", "person_names"])
def test_an_earlier_revision_may_lack_lists_of_names_and_have_others(name: str) -> None:
    before = {key: value for key, value in NAMING.items() if key != name}
    people = {key: value for key, value in before.get("person_names", {}).items() if key != "agencies"}
    given = {**RIGHT, "regulation_naming": {**before, "gone": 1, **({"person_names": people} if people else {})}}
    assert rule_values.faults(given, former=True) == []
    assert [fault.variable for fault in rule_values.faults(given)] == ["regulation_naming"]
    (fault,) = rule_values.faults({**given, "regulation_naming": {**NAMING, name: "x"}}, former=True)
    assert name in fault.rule


@pytest.mark.parametrize("months", [1, 2, 3, 6, 11, 12, 18, 24])
def test_a_term_in_days_is_held_against_the_shortest_so_many_months(months: int) -> None:
    days = (date(2025, 1, 1) + timedelta(days=day) for day in range(365))
    shortest = min((_later(day, months) - day).days for day in days)
    assert rule_values.shortest_days(months) == shortest


def _later(day: date, months: int) -> date:
    """The same day of a later month, its last where it has none such, in years that are no leap years."""
    month = day.month - 1 + months
    lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return date(2025 + month // 12, month % 12 + 1, min(day.day, lengths[month % 12]))


@pytest.mark.parametrize(
    ("months", "days", "right"), [(3, 85, True), (3, 88, True), (3, 89, False), (6, 180, True), (6, 181, False)]
)
def test_a_password_may_last_as_long_as_is_surely_within_its_months(months: int, days: int, right: bool) -> None:
    given = {**RIGHT, "regulation_password_max_age_months": months, "password_max_age_days": days}
    assert (rule_values.faults(given) == []) is right


def test_what_ansible_works_out_is_only_asked_to_be_there_where_it_is_worked_out() -> None:
    before = {name: value for name, value in RIGHT.items() if name not in rule_values.COMPUTED}
    assert rule_values.faults(before, computed=False) == []
    assert {fault.variable for fault in rule_values.faults(before)} == set(rule_values.COMPUTED)


@pytest.mark.parametrize("name", COST)
@pytest.mark.parametrize("cost", [None, 0, 65_537, "10"])
def test_the_database_has_a_cost_of_hashes_besides(name: str, cost: Any) -> None:
    given = RIGHT | COST | {name: cost}
    if cost is None:
        del given[name]
    with pytest.raises(ApplyRefused, match=rf"sizes\.yml: {name}"):
        migrate.sound(given)


# --- One file for `hanam-mail` and Ansible ---


def shared() -> dict[str, Any]:
    """As Ansible has them where no environment says otherwise."""
    files = ("regulation.yml", "registry.yml", "calendar.yml", "passwords.yml", "mailboxes.yml")
    return {name: value for file in files for name, value in yaml.safe_load((SHARED / file).read_text("utf-8")).items()}


def test_what_the_files_say_is_no_override() -> None:
    assert group_vars.overridden(SHARED, shared()) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("regulation_quota_personal_default_bytes", 4 * 2**30),
        ("regulation_idle_lock_months", "3"),
        ("regulation_new", 1),
        ("registry_alias_months", None),
        ("calendar_extra_days_off", [{"day": "2026-05-04", "reason": "x", "document": "y"}]),
        ("password_max_age_days", 45),
        ("mailboxes_removals_limit_count", 5000),
    ],
)
def test_what_hanam_mail_reads_has_one_value_in_every_environment(variable: str, value: Any) -> None:
    (told,) = group_vars.overridden(SHARED, {**shared(), variable: value})
    assert f": {variable}: " in told
    assert "hanam-mail" in told


def test_what_hanam_mail_does_not_read_may_differ() -> None:
    more = {
        "password_chosen_for_others": True,
        "guessing_province_networks": ["10.0.0.0/8"],
        "password_history_count": 9,
    }
    assert group_vars.overridden(SHARED, {**shared(), **more}) == []
