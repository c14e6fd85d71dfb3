"""The addresses of Điều 5: pure functions from Vietnamese names to local parts.

The rule proposes, people approve: an agency's code and suffix, once approved, stand in the registry, and an
address once issued is never computed again. The forms are data (`regulation_naming`, naming_rules.py); what
their parts mean stands here, how names are read in naming_text.py. What makes an address returns a valid
local part (lower-case ASCII letters, digits, single inner separators, at most 64 octets) or raises NamingError
with a Vietnamese sentence; it is never cut short. Nothing depends on time, locale or order.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache

from hanam_mail.naming_rules import ApprovedCode, Form, NamingRules, Template
from hanam_mail.naming_text import Name, NamingError, fold, key, normal, read
from hanam_mail.naming_words import (
    LOCAL_PART_MAX_OCTETS,
    counting_words,
    initials,
    initials_of,
    is_local_part,
    keys,
    local_part,
    slug,
    unit_name,
)

__all__ = [
    "LOCAL_PART_MAX_OCTETS",
    "ApprovedCode",
    "Name",
    "NamingError",
    "NamingRules",
    "agency_address",
    "agency_code",
    "agency_suffix",
    "committee_address",
    "commune_code",
    "district_code",
    "fits_office",
    "fits_person",
    "fold",
    "initials",
    "is_local_part",
    "is_plain",
    "key",
    "normal",
    "office_address",
    "office_addresses",
    "person_address",
    "person_addresses",
    "propose_agency",
    "propose_person",
    "read",
    "recoded_office",
    "slug",
    "unit_name",
]

_LONE_SEPARATORS = re.compile(r"^[._-]+|[._-]+$|(?<=[._-])[._-]+")
_YEAR = re.compile(r"\d{4}")
_DATES = (
    re.compile(r"(?P<day>\d{1,2})[./-](?P<month>\d{1,2})[./-](?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"),
)


def agency_code(name: str, rules: NamingRules) -> str:
    """The code of a department: the approved one, else that of its form (Đ5.1a)."""
    for approved, entry in rules.approved_codes.items():
        if key(approved) == key(name):
            return entry.code
    return _code("department", name, name, rules)


def district_code(name: str, rules: NamingRules) -> str:
    """The code of a district (Đ5.1b): "huyện Kim Bảng" -> "kb"."""
    return _code("district", name, unit_name(name, rules), rules)


def commune_code(name: str, district: str, rules: NamingRules) -> str:
    """The code of a commune in the district of that code (Đ5.1c): "xã Tiên Sơn", "dt" -> "tienson.dt"."""
    return _code("commune", name, unit_name(name, rules), rules, district=district)


def agency_suffix(name: str, rules: NamingRules) -> str:
    """The two letters that tell a department's people from namesakes (Đ5.2b): "Sở Lao động - ..." -> "ld"."""
    words = counting_words(name, rules)
    own = words[1:] if len(words) > 1 and key(words[0]) in keys(rules.suffix_type_words) else words
    for candidates in (own, words):
        letters = "".join(initials_of(candidates, rules))[: rules.suffix_length]
        if len(letters) == rules.suffix_length:
            return local_part(name, letters)
    raise NamingError(f"tên “{normal(name)}” không đủ {rules.suffix_length} chữ cái viết tắt: cần hậu tố được duyệt")


def propose_agency(kind: str, name: str, rules: NamingRules, *, district: str = "") -> tuple[str, str]:
    """Code and suffix for an agency of that kind; the operator approves or changes them (Đ5.1, Đ5.2b).

    A commune is named with its district after a comma, or given its district's code. Raises NamingError for a
    unit: Điều 5 has no form for schools and stations, their codes are approved one by one.
    """
    match kind:
        case "department":
            return agency_code(name, rules), agency_suffix(name, rules)
        case "district":
            code = district_code(name, rules)
            return code, _district_suffix(code, rules)
        case "commune":
            commune, _, stated = name.partition(",")
            if not district and not stated.strip():
                raise NamingError("ghi xã kèm huyện sau dấu phẩy, ví dụ: xã Tiên Sơn, thị xã Duy Tiên")
            parent = district or district_code(stated, rules)
            return commune_code(commune, parent, rules), _district_suffix(parent, rules)
    raise NamingError(f"“{normal(name)}” không thuộc dạng nào của Điều 5: cần mã và hậu tố được duyệt")


def agency_address(kind: str, code: str, rules: NamingRules) -> str:
    """The address of an agency of that kind by its approved code (Đ5.1a-c): "kb" -> "ubndkb"."""
    return local_part(code, _render(rules.forms[kind].address, {"code": code, "prefix": rules.committee_prefix}))


def committee_address(code: str, rules: NamingRules) -> str:
    """The address of a people's committee by its code (Đ5.1b, Đ5.1c): "kb" -> "ubndkb"."""
    return agency_address("commune" if "." in code else "district", code, rules)


def office_address(name: str, agency: str, rules: NamingRules) -> str:
    """The address of an office, given its agency's code (Đ5.1d, Đ5.1đ): "Phòng Tư pháp", "bl" -> "ptp.bl"."""
    form = rules.forms["office"].address
    return local_part(name, _render(form, {**_name_parts(form, name, rules), "code": agency}))


def office_addresses(name: str, agency: str, rules: NamingRules) -> Iterator[str]:
    """The form of an office, then the same numbered from 2 (vp.snv, vp2.snv), never ending: for a merger's offices."""
    form = rules.forms["office"].address
    parts = _name_parts(form, name, rules)
    yield office_address(name, agency, rules)
    own = next(reversed(parts))
    for number in _counter():
        yield local_part(name, _render(form, {**parts, own: parts[own] + number, "code": agency}))


def recoded_office(address: str, old: str, new: str, rules: NamingRules) -> str:
    """An office's address with the agency's new code for the old one, its own part as issued; others as they are."""
    form = rules.forms["office"].address
    found = _office_pattern(form, old).fullmatch(address)
    if found is None:
        return address
    return local_part(address, _render(form, {**found.groupdict(), "code": new}))


def fits_office(address: str, agency: str, rules: NamingRules) -> bool:
    """Whether `address` has the form of an office of the agency of that code, whatever the office's name."""
    return _office_pattern(rules.forms["office"].address, agency).fullmatch(address) is not None


def person_address(name: str, rules: NamingRules) -> str:
    """The plain form of a person's address (Đ5.2a): "Nguyễn Thị Thanh Hà" -> "nguyenthithanhha"."""
    form = rules.forms["person"].address
    return local_part(name, _render(form, _name_parts(form, name, rules)))


def fits_person(address: str, name: str, rules: NamingRules) -> bool:
    """Whether `address` is the plain form of the name or one of its namesakes' forms (Đ5.2)."""
    return _is_of(address, person_address(name, rules), rules)


def is_plain(address: str, rules: NamingRules) -> bool:
    """Whether a person's address has the plain form (Đ5.2a), which says nothing of an agency, whatever the name."""
    return _plain_pattern(rules.forms["person"].address).fullmatch(address) is not None


def person_addresses(name: str, suffix: str, rules: NamingRules, details: Sequence[str] = ()) -> Iterator[str]:
    """The forms of a person's address in the order the regulation wants them tried, never ending.

    The plain form (Đ5.2a), then those of `namesakes`: the agency's suffix (Đ5.2b), the parts that `details`
    give (Đ5.2c), at last a counter from 2. A detail shows by its form what it is: a date (02/03/1985 or
    1985-03-02), a year of birth, or a place.
    """
    return (address for address, _ in _person_forms(name, suffix, rules, details))


def propose_person(
    name: str,
    suffix: str,
    taken: Collection[str],
    rules: NamingRules,
    *,
    colleagues: Collection[str] = (),
    details: Sequence[str] = (),
) -> str:
    """The first form that nobody has: `taken` are all addresses ever issued, in lower case.

    `colleagues` are the addresses of people in the same agency: namesakes among them mean Đ5.2c, which never
    uses the suffix. Reserved local parts count as taken.
    """
    plain = person_address(name, rules)
    namesake_here = any(_is_of(address, plain, rules) for address in colleagues)
    return next(
        address
        for address, same_agency in _person_forms(name, suffix, rules, details)
        if address not in taken and address not in rules.reserved_local_parts and (same_agency or not namesake_here)
    )


def _person_forms(name: str, suffix: str, rules: NamingRules, details: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Every form with whether namesakes of one agency may have it."""
    plain = person_address(name, rules)
    yield plain, True
    values = {"suffix": [suffix], **_details(details, rules)}
    for form in rules.namesakes:
        for value in values.get(form.part, ()) if form.part != "counter" else _counter():
            rendered = _render(form.address, {"plain": plain, form.part: value})
            yield local_part(name, rendered), form.same_agency


def _counter() -> Iterator[str]:
    number = 2
    while True:
        yield str(number)
        number += 1


def _details(details: Sequence[str], rules: NamingRules) -> dict[str, list[str]]:
    """Home places, years and dates of birth among the details, as they stand in an address."""
    values: dict[str, list[str]] = {"home": [], "birth_year": [], "birth_date": []}
    for detail in filter(None, map(normal, details)):
        found = next((match for date in _DATES if (match := date.fullmatch(detail))), None)
        if found:
            values["birth_year"].append(found["year"])
            values["birth_date"].append(f"{found['day']:0>2}{found['month']:0>2}{found['year']}")
        elif _YEAR.fullmatch(detail):
            values["birth_year"].append(detail)
        elif any(char.isalpha() for char in detail):
            values["home"].append(slug(unit_name(detail, rules)))
        else:
            raise NamingError(f"“{detail}” không phải quê quán, năm sinh hay ngày sinh (dd/mm/yyyy)")
    return values


def _is_of(address: str, plain: str, rules: NamingRules) -> bool:
    """Whether the address is that plain form or one of its namesakes' forms."""
    if not address.startswith(plain):
        return False
    rest = address[len(plain) :]
    return not rest or any(
        rest.startswith(form.separator) and rest[len(form.separator) :].isalnum() for form in rules.namesakes
    )


def _code(kind: str, given: str, own_name: str, rules: NamingRules, *, district: str = "") -> str:
    form: Form = rules.forms[kind]
    if form.code is None:
        raise NamingError(f"“{normal(given)}” cần mã được duyệt")
    return local_part(given, _render(form.code, {**_name_parts(form.code, own_name, rules), "district": district}))


def _district_suffix(code: str, rules: NamingRules) -> str:
    """People of a district, its communes and its offices have the letters of its code (Đ5.2b)."""
    return code[: rules.suffix_length]


def _name_parts(template: Template, name: str, rules: NamingRules) -> dict[str, str]:
    """The parts of the template that are made of the name."""
    words = fold(name).split()
    makers = {
        "slug": lambda: "".join(words),
        "initials": lambda: initials(name, rules),
        "family": lambda: "".join(words[:-1][:1]),
        "middle": lambda: "".join(words[1:-1]),
        "given": lambda: "".join(words[-1:]),
        "leading_initials": lambda: "".join(word[0] for word in words[:-1]),
    }
    return {part: makers[part]() for part in template.parts if part in makers}


def _render(template: Template, values: Mapping[str, str]) -> str:
    """The template filled in; a separator beside an empty part (a name of one word) falls away."""
    text = "".join(literal + (values[part] if part else "") for literal, part in template.pieces)
    return _LONE_SEPARATORS.sub("", text)


@lru_cache(maxsize=4096)
def _office_pattern(template: Template, agency: str) -> re.Pattern[str]:
    """What fits the form with the agency's code in its place and any letters and digits for the office's name."""
    parts = {"": "", "code": re.escape(agency)}
    return re.compile(
        "".join(re.escape(literal) + parts.get(part, f"(?P<{part}>[a-z0-9]+)") for literal, part in template.pieces)
    )


@lru_cache
def _plain_pattern(template: Template) -> re.Pattern[str]:
    return re.compile("".join(re.escape(literal) + ("[a-z0-9]+" if part else "") for literal, part in template.pieces))
