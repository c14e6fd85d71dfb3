"""The agencies of a province, with as many people as theirs have: 134 of them real, the units made up.

Departments, districts and communes are those of data/. Schools, health stations and the like (kind unit, which Điều 5
gives no form) have approved codes and suffixes, as the operator would give them.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from hanam_mail.registry.model import AgencyKind
from hanam_mail.regulation import naming
from hanam_mail.regulation.naming.grammar import NamingRules

DATA = Path(__file__).parents[2] / "data"

# People in an agency, relative to each other: a department's count all that it employs.
_WEIGHTS = {AgencyKind.DEPARTMENT: 150, AgencyKind.DISTRICT: 150, AgencyKind.COMMUNE: 30, AgencyKind.UNIT: 78}
_OFFICES = {
    AgencyKind.DEPARTMENT: ("Văn phòng", "Thanh tra", "Phòng Tổ chức cán bộ", "Phòng Kế hoạch - Tài chính"),
    AgencyKind.DISTRICT: ("Văn phòng", "Phòng Tư pháp", "Phòng Nội vụ", "Phòng Văn hóa và Thông tin", "Phòng Y tế"),
    AgencyKind.COMMUNE: (),
    AgencyKind.UNIT: (),
}
# Units of a commune and of a district: name, code before the place, suffix.
_COMMUNE_UNITS = (
    ("Trường Tiểu học {}", "th", "th"),
    ("Trường Trung học cơ sở {}", "thcs", "cs"),
    ("Trường Mầm non {}", "mn", "mn"),
    ("Trạm Y tế {}", "tyt", "yt"),
)
_DISTRICT_UNITS = (
    ("Trung tâm Y tế {}", "ttyt", "yt"),
    ("Trường Trung học phổ thông A {}", "thpta", "pt"),
    ("Trường Trung học phổ thông B {}", "thptb", "pt"),
    ("Trường Trung học phổ thông C {}", "thptc", "pt"),
    ("Trung tâm Giáo dục nghề nghiệp - Giáo dục thường xuyên {}", "gdtx", "gd"),
    ("Ban Quản lý dự án đầu tư xây dựng {}", "bqlda", "da"),
    ("Trung tâm Văn hóa - Thể thao {}", "ttvh", "vt"),
    ("Đài Truyền thanh - Truyền hình {}", "dai", "dt"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """An agency to be: what its file says of it, the names of its offices, its share of the people."""

    name: str
    kind: AgencyKind
    code: str
    suffix: str

    @property
    def weight(self) -> int:
        """People in it, relative to the others."""
        return _WEIGHTS[self.kind]

    @property
    def offices(self) -> tuple[str, ...]:
        """The names of its offices that have mailboxes."""
        return _OFFICES[self.kind]


def plans(mailboxes: int, rules: NamingRules) -> list[Plan]:
    """The agencies of a province of so many mailboxes: 300 at 20,000, fewer or more units at other sizes."""
    units = list(csv.DictReader((DATA / "hanam_units.tsv").read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    departments = (DATA / "hanam_departments.txt").read_text(encoding="utf-8").splitlines()
    fixed = [*_departments(departments, rules), *_districts(units, rules), *_communes(units, rules)]
    return fixed + list(islice(_units(units, rules), round(166 * mailboxes / 20_000)))


def shares(plans: list[Plan], people: int) -> list[int]:
    """How many of the people are in each agency: by its weight, nobody left over, somebody in each."""
    total = sum(plan.weight for plan in plans)
    ends, seen = [], 0
    for plan in plans:
        seen += plan.weight
        ends.append(people * seen // total)
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def _departments(names: list[str], rules: NamingRules) -> Iterator[Plan]:
    for name in names:
        yield Plan(name, AgencyKind.DEPARTMENT, *naming.propose_agency("department", name, rules))


def _districts(rows: list[dict[str, str]], rules: NamingRules) -> Iterator[Plan]:
    for district in dict.fromkeys(map(_district, rows)):
        code, suffix = naming.propose_agency("district", district, rules)
        yield Plan(f"Ủy ban nhân dân {district}", AgencyKind.DISTRICT, code, suffix)


def _communes(rows: list[dict[str, str]], rules: NamingRules) -> Iterator[Plan]:
    for row in rows:
        name = f"{row['commune_kind']} {row['commune_name']}, {_district(row)}"
        yield Plan(f"Ủy ban nhân dân {name}", AgencyKind.COMMUNE, *naming.propose_agency("commune", name, rules))


def _units(rows: list[dict[str, str]], rules: NamingRules) -> Iterator[Plan]:
    for district in dict.fromkeys(map(_district, rows)):
        place = naming.district_code(district, rules)
        for name, code, suffix in _DISTRICT_UNITS:
            yield _unit(name.format(district), f"{code}{place}", suffix, rules)
    for number in range(1, 10):
        for row in rows:
            where = f"{row['commune_kind']} {row['commune_name']}, {_district(row)}"
            place = naming.slug(row["commune_name"]) + naming.district_code(_district(row), rules)
            for name, code, suffix in _COMMUNE_UNITS:
                numbered = name.format(f"số {number} {where}" if number > 1 else where)
                yield _unit(numbered, f"{code}{number if number > 1 else ''}{place}", suffix, rules)


def _unit(name: str, code: str, suffix: str, rules: NamingRules) -> Plan:
    return Plan(name, AgencyKind.UNIT, code, (suffix + code)[: rules.suffix_length])


def _district(row: dict[str, str]) -> str:
    return f"{row['district_kind']} {row['district_name']}"
