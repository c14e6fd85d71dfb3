"""The numbers that programs, SQL and Ansible go by, as data: each by name, type, bounds, and what goes together.

They stand in the province's folder of group_vars: regulation.yml (the regulation), passwords.yml, guessing.yml,
life_cycle.yml, sending.yml, address_book.yml, collectors.yml, incoming_reports.yml, user_reports.yml and, of
filtering.yml and reports.yml, what concerns held mail and sent reports (what the installation adds).
`faults` judges them strictly, wherever they come from: the files (`hanam-mail check`), what Ansible makes of them
(preflight, migrate), the table mail.setting (apply, the nightly job). A value that is missing, unknown, of another type
or at odds with another stops the program that would go by it: `idle_lock_months: 0` would warn everybody in a night.

Runs on the hosts too, so it imports nothing but the standard library.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hanam_mail.regulation.rule_judges import (
    Judge,
    collector_providers,
    day_of_year,
    flag,
    former_naming,
    held_kinds,
    lock_reasons,
    naming,
    number,
    numbers,
    province,
    sending_limits,
    special_characters,
    text,
    texts,
    worked_out,
)

_OCTETS = 72  # what bcrypt hashes of a password, and what the sheet of a first password has room for
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS = 366  # a year and a day; nobody sets a longer term by mistake and means it
_TIBIBYTE = 2**40
# Worked out by Ansible from the inventory and the calendar: in the file itself it is a template.
COMPUTED = ("guessing_own_networks", "life_cycle_calendar", "reports_own_hosts")
PREFIXES = (
    "regulation_", "password_", "guessing_", "life_cycle_", "sending_", "collectors_", "held_", "reports_", "book_",
    "user_reports_",
)  # fmt: skip


@dataclass(frozen=True)
class RuleFault:
    """One value that nobody may go by: file of the province's folder, variable, the rule in words, its clause."""

    file: str
    variable: str
    rule: str
    clause: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.variable}: {self.rule}" + (f" ({self.clause})" if self.clause else "")


_MONTHS = number(1, 120)
_SIZE = number(1, _TIBIBYTE)
_COUNT = number(1, 1_000_000)
_HOUR = r"([01][0-9]|2[0-3]):[0-5][0-9]"

FILES: Mapping[str, Mapping[str, tuple[Judge, str]]] = {
    "regulation.yml": {
        "regulation_quota_personal_bytes": (_SIZE, "Đ8.1b"),
        "regulation_quota_agency_bytes": (_SIZE, "Đ8.1b"),
        "regulation_quota_personal_default_bytes": (_SIZE, "Đ8.1a"),
        "regulation_quota_agency_default_bytes": (_SIZE, "Đ8.1a"),
        "regulation_quota_warning_percent": (numbers(1, 99, rising=True), "Đ8.1"),
        "regulation_attachment_limit_bytes": (_SIZE, "Đ8.1b"),
        "regulation_message_overhead_bytes": (_SIZE, "Đ8.1b"),
        "regulation_message_limit_bytes": (_SIZE, "Đ8.1b"),
        "regulation_incoming_message_limit_bytes": (_SIZE, "Đ8.1"),
        "regulation_password_min_length": (number(1, _OCTETS), "Đ8.2b"),
        "regulation_password_min_uppercase": (number(0, _OCTETS), "Đ8.2b"),
        "regulation_password_min_lowercase": (number(0, _OCTETS), "Đ8.2b"),
        "regulation_password_min_digits": (number(0, _OCTETS), "Đ8.2b"),
        "regulation_password_min_special": (number(0, _OCTETS), "Đ8.2b"),
        "regulation_password_special_characters": (special_characters, "Đ8.2b"),
        "regulation_password_max_age_months": (_MONTHS, "Đ8.2a"),
        "regulation_password_reminder_days": (numbers(1, _DAYS, rising=False), "Đ8.2a"),
        "regulation_answer_working_days": (number(1, _DAYS), "Đ6.2b"),
        "regulation_restore_working_days": (number(1, _DAYS), "Đ7.3b"),
        "regulation_idle_revoke_months": (_MONTHS, "Đ6.2c"),
        "regulation_idle_lock_months": (_MONTHS, "Đ7.2a"),
        "regulation_default_password_months": (_MONTHS, "Đ7.2d"),
        "regulation_lock_reasons": (lock_reasons, "Đ7.2"),
        "regulation_forward_domains": (texts(r"([a-z0-9-]+\.)*[a-z0-9-]+", "tên miền"), "Đ4.5"),
        "regulation_maintenance_notice_working_days": (number(1, _DAYS), "Đ10.5"),
        "regulation_yearly_report_before": (day_of_year, "Đ11.8"),
        "regulation_naming": (naming, "Đ5"),
        "regulation_province": (province, ""),
        "regulation_decision": (text(r"\S.*\S", "số, ký hiệu của quyết định"), ""),
        "regulation_title": (text(r"\S.*\S", "tên của quy chế"), ""),
    },
    "passwords.yml": {
        "password_min_length": (number(1, _OCTETS), "Đ8.2b"),
        "password_history_count": (number(0, 100), ""),
        "password_refuse_account": (flag, ""),
        "password_refuse_name": (flag, ""),
        "password_refuse_common": (flag, ""),
        "password_max_age_days": (number(0, _DAYS), "Đ8.2a"),
        "password_chosen_for_others": (flag, "Đ12.3"),
        "password_second_factor": (texts(r"all|leaders|clerks|operators", "all, leaders, clerks, operators"), "Đ4.6"),
        "password_second_factor_operators": (texts(r"[a-z0-9][a-z0-9._-]*", "phần trước @ của địa chỉ thư"), "Đ4.6"),
        "password_second_step_hours": (number(1, 168), "Đ4.6"),
        "password_app_password_days": (number(1, 2 * _DAYS), "Đ4.6"),
    },
    "guessing.yml": {
        "guessing_window_minutes": (number(1, 1440), "Đ4.6"),
        "guessing_pair_failures": (_COUNT, "Đ4.6"),
        "guessing_own_pair_failures": (_COUNT, "Đ4.6"),
        "guessing_pair_day_failures": (_COUNT, "Đ4.6"),
        "guessing_address_failures": (_COUNT, "Đ4.6"),
        "guessing_own_address_failures": (_COUNT, "Đ4.6"),
        "guessing_account_failures": (_COUNT, "Đ4.6"),
        "guessing_suspect_failures": (_COUNT, "Đ4.6"),
        "guessing_account_day_failures": (_COUNT, "Đ4.6"),
        "guessing_known_days": (number(1, 10 * _DAYS), "Đ4.6"),
        "guessing_keep_days": (number(1, 10 * _DAYS), "Đ4.6"),
        "guessing_lockout_keep_days": (number(1, 10 * _DAYS), "Đ4.6"),
        "guessing_notice_minutes": (number(1, 1440), "Đ4.6"),
        "guessing_province_networks": (texts(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?", "mạng dạng CIDR"), "Đ4.6"),
        "guessing_own_networks": (worked_out, "Đ4.6"),
    },
    "life_cycle.yml": {
        "life_cycle_idle_warning_days": (numbers(1, _DAYS, rising=False), "Đ7.2a"),
        "life_cycle_default_password_warning_days": (numbers(1, _DAYS, rising=False), "Đ7.2d"),
        "life_cycle_idle_lock_days": (number(0, _DAYS), "Đ7.2a"),
        "life_cycle_report_reminder_days": (numbers(1, 300, rising=False), "Đ11.8"),
        "life_cycle_calendar": (worked_out, "Đ6.2b"),
        "life_cycle_afternoon_begins": (text(_HOUR, 'giờ dạng "12:00"'), "Đ9.2"),
        "life_cycle_outbox_keep_days": (number(1, _DAYS), ""),
        "life_cycle_agent_away_days": (number(1, _DAYS), ""),
        "life_cycle_private_services_keep_days": (number(1, 10 * _DAYS), "Đ4.4"),
    },
    "sending.yml": {
        "sending_limits": (sending_limits, "Đ4.3"),
        "sending_lock_percent": (number(101, 10_000), "Đ7.2b"),
        "sending_lock_viruses": (number(1, 1000), "Đ7.2b"),
        "sending_later_days": (number(1, _DAYS), ""),
        "sending_later_try_hours": (number(1, 72), ""),
        "sending_script_replies_hour": (number(1, 1_000_000), "Đ12.6"),
        "sending_script_redirects_hour": (number(1, 1_000_000), "Đ12.6"),
    },
    "collectors.yml": {
        "collectors_policy": (text(r"notice|refuse", "notice hoặc refuse"), "Đ4.5"),
        "collectors_providers": (collector_providers, "Đ4.5"),
        "collectors_notice_days": (number(1, _DAYS), "Đ4.5"),
        "collectors_look_days": (number(1, 30), "Đ4.5"),
        "collectors_keep_days": (number(32, 10 * _DAYS), "Đ4.5"),
    },
    "address_book.yml": {
        "book_groups_own": (texts(r"person|office|agency|guest", "loại hộp thư"), ""),
        "book_groups_others": (texts(r"person|office|agency|guest", "loại hộp thư"), ""),
        "book_groups_most": (number(1, 1000), ""),
        "book_carddav": (flag, ""),
    },
    "filtering.yml": {
        "held_kinds": (held_kinds, "Đ3.3"),
        "held_reminder_at": (text(_HOUR, 'giờ dạng "07:00"'), ""),
        "held_told_a_day": (number(1, 1000), ""),
        "held_digest_at": (text(_HOUR, 'giờ dạng "07:00"'), ""),
        "held_digest_rows": (number(1, 500), ""),
        "held_link_days": (number(1, 90), ""),
        "held_decisions_hour": (number(1, 10_000), ""),
        "held_facts_days": (number(1, 50 * _DAYS), ""),
    },
    "incoming_reports.yml": {
        "reports_keep_days": (number(32, 10 * _DAYS), ""),
        "reports_sender_day_limit": (_COUNT, ""),
        "reports_day_lines_limit": (number(10_000, 100_000_000), ""),
        "reports_tls_failed_sessions": (_COUNT, ""),
        "reports_tls_failed_percent": (number(1, 100), ""),
        "reports_own_failed_messages": (_COUNT, ""),
        "reports_refused_letters": (_COUNT, ""),
        "reports_own_hosts": (worked_out, ""),
    },
    "reports.yml": {
        "reports_sent_keep_days": (number(8, 10 * _DAYS), ""),
    },
    "user_reports.yml": {
        "user_reports_a_day": (number(1, 1000), "Đ12.8"),
        "user_reports_keep_days": (number(32, 50 * _DAYS), ""),
    },
}
# In mail.setting alone, from sizes.yml (accounts_argon2_*): within what 0013_argon2id.sql admits.
_SETTINGS: Mapping[str, tuple[Judge, str]] = {
    "password_argon2_memory": (number(8, 65_536), ""),
    "password_argon2_passes": (number(1, 9), ""),
}

# Earlier revisions of these tables had less in them, or more.
_FORMER: Mapping[str, Judge] = {"regulation_naming": former_naming}


def faults(
    values: Mapping[str, Any], *, only: str = "", computed: bool = True, settings: bool = False, former: bool = False
) -> list[RuleFault]:
    """All that is wrong with the values by their names; others than those of PREFIXES are not looked at.

    `only`: the variables of that file. `computed`: whether those are there that Ansible works out. `settings`: the
    values are those of mail.setting, which has more. `former`: they are an earlier revision's, which may not know a
    variable yet or know one that is gone.
    """
    files = {name: rules for name, rules in FILES.items() if only in ("", name)}
    if settings:
        files["sizes.yml"] = _SETTINGS
    found = []
    known: dict[str, str] = {}
    for file, rules in files.items():
        for name, (judge, clause) in rules.items():
            if former and name not in values:
                continue
            known[name] = file
            if name in COMPUTED and not computed:
                continue
            if former:
                judge = _FORMER.get(name, judge)
            rule = judge(values[name]) if name in values else "thiếu biến này"
            if rule:
                found.append(RuleFault(file, name, rule, clause))
    strangers = sorted(name for name in values if name.startswith(PREFIXES) and name not in known)
    if not former:
        found += [RuleFault(_home(name), name, "không có biến nào tên như vậy") for name in strangers]
    wrong = {fault.variable for fault in found}
    told = set[str]()
    for name, needs, together, clause in _together(values):
        # Said of sound values only, and once: one wrong number is one sentence.
        whole = {name, *needs} <= known.keys() and not {name, *needs} & wrong and name not in told
        if whole and (sentence := together()):
            told.add(name)
            found.append(RuleFault(known[name], name, sentence, clause))
    return found


def _home(name: str) -> str:
    """The file in which a variable of that prefix would stand."""
    beginning = next(prefix for prefix in PREFIXES if name.startswith(prefix))
    return next(file for file, rules in FILES.items() if any(known.startswith(beginning) for known in rules))


def shortest_days(months: int) -> int:
    """How many days so many months are at least, from whatever day one counts: 1 is 28, 3 are 89, 6 are 181."""
    years, rest = divmod(months, 12)
    return years * sum(_MONTH_DAYS) + min(sum((_MONTH_DAYS * 2)[start : start + rest]) for start in range(12))


def wire_octets(attachment_octets: int) -> int:
    """Octets on the wire of attachments of that decoded size: base64 in lines of 76 characters and CRLF, of 57 each."""
    return -(-attachment_octets // 57) * 78


type _Rule = tuple[str, tuple[str, ...], Callable[[], str], str]


def _together(values: Mapping[str, Any]) -> Iterator[_Rule]:
    """What goes together: the variable that is told of, the others that it goes with, the sentence, the clause."""

    def rule(name: str, others: str, broken: Callable[..., bool], sentence: str, clause: str) -> _Rule:
        names = tuple(others.split())

        def judge() -> str:
            numbers = [values[each] for each in (name, *names)]
            return sentence.format(*numbers) if broken(*numbers) else ""

        return name, names, judge, clause

    for kind in ("personal", "agency"):
        least = f"regulation_quota_{kind}_bytes"
        yield rule(
            f"regulation_quota_{kind}_default_bytes", least,
            lambda given, least: given < least, f"ít nhất {{1}} byte ({least}), đang là {{0}}", "Đ8.1b",
        )  # fmt: skip
    needed = "regulation_attachment_limit_bytes regulation_message_overhead_bytes"
    yield rule(
        "regulation_message_limit_bytes", needed,
        lambda limit, attachments, more: limit < wire_octets(attachments) + more,
        "{0} byte không chứa được tệp gửi kèm {1} byte (base64) và {2} byte phần còn lại", "Đ8.1b",
    )  # fmt: skip
    yield rule(
        "regulation_incoming_message_limit_bytes", "regulation_message_limit_bytes",
        lambda incoming, own: incoming < own, "không được nhỏ hơn giới hạn của thư gửi đi ({1}), đang là {0}", "Đ8.1",
    )  # fmt: skip
    kinds = " ".join(f"regulation_password_min_{kind}" for kind in ("uppercase", "lowercase", "digits", "special"))
    yield rule(
        "regulation_password_min_length", kinds, lambda length, *least: length < sum(least),
        "{0} ký tự không đủ cho {1} chữ in hoa, {2} chữ thường, {3} chữ số và {4} ký tự đặc biệt", "Đ8.2b",
    )  # fmt: skip
    age = "regulation_password_max_age_months"
    yield rule(
        "password_max_age_days", age, lambda days, months: days >= shortest_days(months),
        f"phải ngắn hơn {{1}} tháng của {age}, hoặc 0; đang là {{0}} ngày", "Đ8.2a",
    )  # fmt: skip
    reminders = "regulation_password_reminder_days"
    yield rule(
        reminders, age, lambda days, months: days[0] >= shortest_days(months),
        "nhắc trước {0[0]} ngày là lâu hơn cả thời hạn {1} tháng", "Đ8.2a",
    )  # fmt: skip
    yield rule(
        "password_max_age_days", reminders, lambda days, reminded: 0 < days <= reminded[0],
        f"{{0}} ngày không dài hơn {{1[0]}} ngày của {reminders}: chủ hộp thư bị nhắc ngay khi vừa đổi", "Đ8.2a",
    )  # fmt: skip
    lock, warned = "regulation_idle_lock_months", "life_cycle_idle_warning_days"
    yield rule(
        "regulation_idle_revoke_months", lock, lambda revoke, lock: revoke < lock,
        f"{{0}} tháng ngắn hơn {{1}} tháng của {lock}: tạm khóa trước, đề nghị thu hồi sau", "Đ6.2c",
    )  # fmt: skip
    yield rule(
        "life_cycle_idle_lock_days", lock, lambda days, months: days >= shortest_days(months),
        f"phải ngắn hơn {{1}} tháng của {lock}, hoặc 0; đang là {{0}} ngày", "Đ7.2a",
    )  # fmt: skip
    yield rule(
        warned, lock, lambda days, months: days[0] >= shortest_days(months),
        "báo trước {0[0]} ngày là lâu hơn cả thời hạn {1} tháng: ai cũng bị báo", "Đ7.2a",
    )  # fmt: skip
    yield rule(
        "life_cycle_idle_lock_days", warned, lambda term, days: 0 < term <= days[0],
        "{0} ngày không dài hơn {1[0]} ngày báo trước: ai cũng bị báo", "Đ7.2a",
    )  # fmt: skip
    yield rule(
        "life_cycle_default_password_warning_days", "regulation_default_password_months",
        lambda days, months: days[0] >= shortest_days(months),
        "báo trước {0[0]} ngày là lâu hơn cả thời hạn {1} tháng: ai cũng bị báo", "Đ7.2d",
    )  # fmt: skip
    for more, less in (
        ("own_pair_failures", "pair_failures"),
        ("pair_day_failures", "own_pair_failures"),
        ("own_address_failures", "address_failures"),
        ("account_day_failures", "account_failures"),
        ("pair_failures", "suspect_failures"),
    ):
        yield rule(
            f"guessing_{more}", f"guessing_{less}", lambda more, less: more < less,
            f"không được nhỏ hơn {{1}} của guessing_{less}, đang là {{0}}", "Đ4.6",
        )  # fmt: skip
    yield rule(
        "life_cycle_agent_away_days", "life_cycle_outbox_keep_days", lambda away, kept: away < kept,
        "không được nhỏ hơn {1} của life_cycle_outbox_keep_days, đang là {0}", "",
    )  # fmt: skip
