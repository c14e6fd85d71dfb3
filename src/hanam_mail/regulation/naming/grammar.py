"""`regulation_naming` as typed values: the grammar of addresses and the word lists, all of it data.

A form is a template of parts in braces and the signs between them. Which parts, in what order, parted by what and tried
in which succession is data, and so are the lists of words: a province whose rule is made of the same parts needs
another file and no code. What the parts mean is code, and a rule that needs another part is code too: a part of the
given name only, a number that always stands there, a choice by the length of a name, two parts that tell namesakes
apart at once (docs/decisions/0012-naming-grammar.md has the list).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

SEPARATORS = ".-_"
LOCAL_PART_MAX_OCTETS = 64  # RFC 5321, 4.5.3.1.1
CODE_MAX_OCTETS = 50  # of an agency's code; the rest of a local part is for what its form adds

# Parts made of a name. family, middle and given are a person's first, inner and last words; leading_initials the
# first letters of all words but the last.
_NAME_PARTS = frozenset(("slug", "initials", "family", "middle", "given", "leading_initials"))
# Which parts each form's code and address may have.
_CODE_PARTS = {
    "department": _NAME_PARTS,
    "district": _NAME_PARTS,
    "commune": _NAME_PARTS | {"district"},
    "unit": frozenset[str](),
}
_ADDRESS_PARTS = {
    **dict.fromkeys(("department", "district", "unit"), frozenset(("code", "prefix"))),
    "commune": frozenset(("code", "prefix", "own", "district")),
    "office": _NAME_PARTS | {"code"},
    "person": _NAME_PARTS,
}
_PLAIN_AND_PART = re.compile(r"\{plain\}[._-]\{[a-z_]+\}|\{[a-z_]+\}[._-]\{plain\}")
NAMESAKE_PARTS = ("suffix", "home", "birth_year", "birth_date", "counter")


@dataclass(frozen=True, slots=True)
class Template:
    """A form's text as pairs of a literal and the part that follows it ("" at the end), and all its parts in order."""

    text: str
    pieces: tuple[tuple[str, str], ...]
    parts: tuple[str, ...]

    @property
    def literals(self) -> str:
        """All that stands between the parts."""
        return "".join(literal for literal, _ in self.pieces)


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one kind of address: its clause, the regulation's own words, the code and the address.

    `code` is None where no code follows from a name (a unit's is approved, offices and people have none).
    """

    clause: str
    text: str
    code: Template | None
    address: Template


@dataclass(frozen=True, slots=True)
class Namesake:
    """A form for a person whose plain form is taken; `same_agency`: also for namesakes of one agency.

    `part` is what tells the namesakes apart, beside the plain form. It is asked for several times for each person of a
    registry, so it is found once, when the form is read.
    """

    clause: str
    address: Template
    same_agency: bool
    part: str

    def value(self, address: str, plain: str) -> str | None:
        """What stands for that part in an address of the plain form; None for an address that is not of this form."""
        before, _, after = self.address.text.replace("{plain}", plain).partition(f"{{{self.part}}}")
        value = address[len(before) : len(address) - len(after)]
        return value if value.isalnum() and address == before + value + after else None


@dataclass(frozen=True, slots=True)
class ApprovedCode:
    """A code the operator chose instead of the rule's proposal, and why."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class PersonNames:
    """What tells the name of a person from other texts: family names, words that always bear a mark, titles, roles,
    and what the names of offices (`units`) and of agencies begin with.
    """

    families: tuple[str, ...]
    middle_words: tuple[str, ...]
    marked_words: tuple[str, ...]
    titles: tuple[str, ...]
    roles: tuple[str, ...]
    units: tuple[str, ...]
    agencies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamingRules:
    """Điều 5 as written in regulation.yml; what each value is for stands beside it there."""

    forms: Mapping[str, Form]
    namesakes: tuple[Namesake, ...]
    dropped_words: tuple[str, ...]
    level_words: tuple[str, ...]
    abbreviations: Mapping[str, str]
    acronyms: Mapping[str, str]
    committee_prefix: str
    unit_kinds: tuple[str, ...]
    suffix_type_words: tuple[str, ...]
    suffix_length: int
    home_places: tuple[str, ...]
    reserved_local_parts: frozenset[str]
    approved_codes: Mapping[str, ApprovedCode]
    people: PersonNames
    province: str


def build(values: Mapping[str, Any], *, province: str = "") -> NamingRules:
    """The rules of the YAML values, for the province called so ("tỉnh Hà Nam").

    Raises KeyError, TypeError, ValueError or AttributeError where a value is missing or of the wrong type.
    """
    return NamingRules(
        forms={name: _form(values["forms"][name]) for name in _ADDRESS_PARTS},
        namesakes=tuple(map(_namesake, values["namesakes"])),
        dropped_words=tuple(values["dropped_words"]),
        level_words=tuple(values["level_words"]),
        abbreviations=dict(values["abbreviations"]),
        acronyms=dict(values.get("acronyms", {})),
        committee_prefix=str(values["committee_prefix"]),
        unit_kinds=tuple(values["unit_kinds"]),
        suffix_type_words=tuple(values["suffix_type_words"]),
        suffix_length=int(values["suffix_length"]),
        home_places=tuple(values.get("home_places", ())),
        reserved_local_parts=frozenset(part for group in values["reserved_local_parts"].values() for part in group),
        approved_codes={
            name: ApprovedCode(str(entry["code"]), str(entry["reason"]))
            for name, entry in values["approved_codes"].items()
        },
        people=_people(values.get("person_names", {})),
        province=province,
    )


def contradictions(rules: NamingRules) -> Iterator[tuple[str, str]]:
    """Clause and Vietnamese sentence for everything in the grammar that cannot work."""
    for name, form in rules.forms.items():
        yield from _bad_template(form.clause, form.address, _ADDRESS_PARTS[name])
        if form.code is not None:
            yield from _bad_template(form.clause, form.code, _CODE_PARTS.get(name, frozenset()))
        elif name in ("department", "district", "commune"):
            yield form.clause, f"dạng {name} thiếu code"
        if name in _CODE_PARTS:
            yield from _too_long(form, rules.committee_prefix)
        if name != "person" and "code" not in form.address.parts and not _names_commune(name, form):
            yield form.clause, f"địa chỉ “{form.address.text}” phải có {{code}}, không thì các cơ quan trùng nhau"
    commune = rules.forms["commune"]
    if commune.code is not None and not commune.code.text.endswith(".{district}"):
        yield commune.clause, "mã của xã phải kết thúc bằng .{district}: sổ đăng ký đọc mã huyện ở đó"
    if not _NAME_PARTS & set(rules.forms["office"].address.parts):
        yield rules.forms["office"].clause, "địa chỉ của phòng phải có phần lấy từ tên phòng"
    for namesake in rules.namesakes:
        yield from _bad_template(namesake.clause, namesake.address, frozenset(("plain", *NAMESAKE_PARTS)))
        if not _PLAIN_AND_PART.fullmatch(namesake.address.text):
            yield (
                namesake.clause,
                f"“{namesake.address.text}” phải gồm {{plain}}, một dấu phân cách, một phần phân biệt",
            )
    if not rules.namesakes or rules.namesakes[-1].part != "counter" or not rules.namesakes[-1].same_agency:
        yield "Đ5.2c", "dạng cuối của namesakes phải là {counter}, dùng được cả trong cùng cơ quan"


def _bad_template(clause: str, template: Template, allowed: frozenset[str]) -> Iterator[tuple[str, str]]:
    for part in template.parts:
        if part not in allowed:
            yield (
                clause,
                f"“{template.text}” có phần {{{part}}} không dùng được ở đây; có: {', '.join(sorted(allowed))}",
            )
    if len(set(template.parts)) < len(template.parts):
        yield clause, f"“{template.text}” có phần ghi hai lần"
    wrong = [char for char in template.literals if not (char.isascii() and (char.isalnum() or char in SEPARATORS))]
    if wrong or template.literals != template.literals.lower() or not template.parts:
        yield clause, f"“{template.text}” chỉ được gồm phần trong ngoặc nhọn, chữ thường không dấu và dấu {SEPARATORS}"


def _names_commune(name: str, form: Form) -> bool:
    """Whether it is the form of a commune with its code in two parts."""
    return name == "commune" and {"own", "district"} <= set(form.address.parts)


def _too_long(form: Form, prefix: str) -> Iterator[tuple[str, str]]:
    """An agency of the longest code has an address too."""
    dot = int("code" not in form.address.parts)  # between a commune's own code and its district's, left out
    added = len(form.address.literals) - dot + len(prefix) * form.address.parts.count("prefix")
    room = LOCAL_PART_MAX_OCTETS - CODE_MAX_OCTETS
    if added > room:
        yield form.clause, f"địa chỉ “{form.address.text}” thêm {added} ký tự vào mã cơ quan, tối đa {room} (RFC 5321)"


def _form(values: Mapping[str, Any]) -> Form:
    code = values.get("code")
    return Form(
        clause=str(values["clause"]),
        text=str(values["text"]),
        code=_template(code) if code else None,
        address=_template(values["address"]),
    )


def _people(values: Mapping[str, Any]) -> PersonNames:
    names = ("families", "middle_words", "marked_words", "titles", "roles", "units", "agencies")
    lists = (tuple(map(str, values.get(name, ()))) for name in names)
    return PersonNames(*lists)


def _namesake(values: Mapping[str, Any]) -> Namesake:
    address = _template(values["address"])
    return Namesake(
        clause=str(values["clause"]),
        address=address,
        same_agency=bool(values.get("same_agency", True)),
        part=next((part for part in address.parts if part != "plain"), ""),
    )


def _template(text: object) -> Template:
    if not isinstance(text, str):
        raise TypeError(f"“{text}” phải là chuỗi ký tự")
    pieces = tuple((literal, part or "") for literal, part, _, _ in Formatter().parse(text))
    return Template(text, pieces, tuple(part for _, part in pieces if part))
