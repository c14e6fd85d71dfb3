"""group_vars/all/regulation.yml as typed, self-consistent values.

The file is the only place of the regulation's numbers; this module holds their names and units and refuses
values that contradict each other (a warning above 100 %, a message limit too small for the attachments it
must carry).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hanam_mail import naming_rules, variables
from hanam_mail.errors import InputError, Problem
from hanam_mail.naming_rules import NamingRules

_PREFIX = "regulation_"
_BASE64_LINE_OCTETS = 57  # of which a base64 line of 76 characters and CRLF is made
_BASE64_LINE_WIRE_OCTETS = 78


@dataclass(frozen=True, slots=True)
class Regulation:
    """What the registry is judged by. Sizes are octets.

    `quota_personal_bytes` and `quota_agency_bytes` are minima (Đ8.1b), the `_default_` ones what an entry
    without a quota of its own gets (Đ8.1a). `answer_working_days` (Đ6.2b) and `restore_working_days` (Đ7.3b) are the
    terms of requests. `lock_reasons` maps the name of a reason to its clause (Đ7.2).
    """

    quota_personal_bytes: int
    quota_agency_bytes: int
    quota_personal_default_bytes: int
    quota_agency_default_bytes: int
    quota_warning_percent: tuple[int, ...]
    attachment_limit_bytes: int
    message_overhead_bytes: int
    message_limit_bytes: int
    incoming_message_limit_bytes: int
    answer_working_days: int
    restore_working_days: int
    lock_reasons: Mapping[str, str]
    naming: NamingRules


def load(path: Path) -> Regulation:
    """Read regulation.yml.

    Raises InputError naming every variable that is missing, of the wrong type or at odds with another.
    """
    values = variables.read(path)
    try:
        regulation = _build(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = Problem(str(path), 0, "", f"thiếu biến hoặc sai kiểu: {error}")
        raise InputError([problem]) from error
    text = variables.text(path)
    problems = [
        Problem(str(path), _line_of(text, _PREFIX + name), _PREFIX + name, sentence, clause)
        for broken, name, sentence, clause in _contradictions(regulation)
        if broken
    ]
    if problems:
        raise InputError(problems)
    return regulation


def wire_octets(attachment_octets: int) -> int:
    """Octets on the wire of attachments of that decoded size, in base64 with CRLF line ends."""
    lines = -(-attachment_octets // _BASE64_LINE_OCTETS)
    return lines * _BASE64_LINE_WIRE_OCTETS


def _build(values: Mapping[str, Any]) -> Regulation:
    return Regulation(
        **{
            name: int(values[_PREFIX + name])
            for name in (
                "quota_personal_bytes",
                "quota_agency_bytes",
                "quota_personal_default_bytes",
                "quota_agency_default_bytes",
                "attachment_limit_bytes",
                "message_overhead_bytes",
                "message_limit_bytes",
                "incoming_message_limit_bytes",
                "answer_working_days",
                "restore_working_days",
            )
        },
        quota_warning_percent=tuple(int(percent) for percent in values[_PREFIX + "quota_warning_percent"]),
        lock_reasons={name: str(entry["clause"]) for name, entry in values[_PREFIX + "lock_reasons"].items()},
        naming=naming_rules.build(values[_PREFIX + "naming"], province=_province(values.get(_PREFIX + "province"))),
    )


def _province(values: Mapping[str, Any] | None) -> str:
    """What the province is called; an earlier revision of the file does not say."""
    return f"{values['kind']} {values['name']}" if values is not None else ""


def _contradictions(regulation: Regulation) -> list[tuple[bool, str, str, str]]:
    """Condition, variable, sentence, clause: every rule between the values in one place."""
    warnings = regulation.quota_warning_percent
    needed = wire_octets(regulation.attachment_limit_bytes) + regulation.message_overhead_bytes
    return [
        (
            regulation.quota_personal_default_bytes < regulation.quota_personal_bytes,
            "quota_personal_default_bytes",
            "nhỏ hơn dung lượng tối thiểu",
            "Đ8.1b",
        ),
        (
            regulation.quota_agency_default_bytes < regulation.quota_agency_bytes,
            "quota_agency_default_bytes",
            "nhỏ hơn dung lượng tối thiểu",
            "Đ8.1b",
        ),
        (
            list(warnings) != sorted(set(warnings)) or not all(0 < percent < 100 for percent in warnings),
            "quota_warning_percent",
            "phải tăng dần, mỗi mức từ 1 đến 99",
            "Đ8.1",
        ),
        (
            regulation.message_limit_bytes < needed,
            "message_limit_bytes",
            f"phải từ {needed} byte trở lên thì mới chứa được tệp gửi kèm ở cỡ tối đa",
            "Đ8.1b",
        ),
        (
            regulation.incoming_message_limit_bytes < regulation.message_limit_bytes,
            "incoming_message_limit_bytes",
            "không được nhỏ hơn giới hạn của thư gửi đi",
            "Đ8.1",
        ),
        *((True, "naming", sentence, clause) for clause, sentence in naming_rules.contradictions(regulation.naming)),
    ]


def _line_of(text: str, variable: str) -> int:
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if line.startswith(variable + ":")), 0)
