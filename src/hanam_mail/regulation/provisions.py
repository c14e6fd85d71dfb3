"""regulation.yml of a province as typed, self-consistent values.

The file is the only place of the regulation's numbers; rule_values.py refuses what is missing, of the wrong type or
at odds with another (a warning above 100 %, a message limit too small for the attachments it must carry), also in the
files beside it that go together with it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hanam_mail.errors import InputError, Problem
from hanam_mail.regulation import group_vars, rule_values
from hanam_mail.regulation.naming import grammar
from hanam_mail.regulation.naming.grammar import NamingRules

_PREFIX = "regulation_"


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


def load(path: Path, *, former: bool = False) -> Regulation:
    """Read regulation.yml; `former`: that of an earlier revision, which may lack what came since.

    Raises InputError naming every variable, of the files that add to it beside it too, that is missing, unknown, of
    the wrong type or at odds with another.
    """
    values = group_vars.read(path)
    problems = [
        Problem(str(file), _line_of(group_vars.text(file), fault.variable), fault.variable, fault.rule, fault.clause)
        for file, fault in _faults(path, values, former)
    ]
    if problems:
        raise InputError(problems)
    try:
        regulation = _build(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        problem = Problem(str(path), 0, "", f"thiếu biến hoặc sai kiểu: {error}")
        raise InputError([problem]) from error
    name = _PREFIX + "naming"
    problems = [
        Problem(str(path), _line_of(group_vars.text(path), name), name, sentence, clause)
        for clause, sentence in grammar.contradictions(regulation.naming)
    ]
    if problems:
        raise InputError(problems)
    return regulation


def _faults(path: Path, values: Mapping[str, Any], former: bool) -> Iterator[tuple[Path, rule_values.RuleFault]]:
    """What is wrong with the numbers of the regulation, and with those beside them that go together with it."""
    others = [path.with_name(name) for name in rule_values.FILES if name != "regulation.yml"]
    whole = all(file.exists() for file in others)
    for file in others if whole else ():
        values = {**values, **group_vars.read(file)}
    places = {file.name: file for file in others}
    for fault in rule_values.faults(values, only="" if whole else "regulation.yml", former=former):
        yield places.get(fault.file, path), fault


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
        naming=grammar.build(values[_PREFIX + "naming"], province=_province(values.get(_PREFIX + "province"))),
    )


def _province(values: Mapping[str, Any] | None) -> str:
    """What the province is called; an earlier revision of the file does not say."""
    return f"{values['kind']} {values['name']}" if values is not None else ""


def _line_of(text: str, variable: str) -> int:
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if line.startswith(variable + ":")), 0)
