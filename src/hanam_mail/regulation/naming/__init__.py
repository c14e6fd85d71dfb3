"""The addresses of Điều 5: pure functions from Vietnamese names to local parts.

The rule proposes, people approve: an agency's code and suffix, once approved, stand in the registry, and an
address once issued is never computed again. The forms are data (`regulation_naming`, naming_rules.py); what
their parts mean stands in naming_forms.py, how names are read in naming_text.py. What makes an address returns a valid
local part (lower-case ASCII letters, digits, single inner separators, at most 64 octets) or raises NamingError
with a Vietnamese sentence; it is never cut short. Nothing depends on time, locale or order.
"""

from collections.abc import Iterator

from hanam_mail.regulation.naming.forms import counter, office_pattern, render, unit_parts
from hanam_mail.regulation.naming.gate import NamingDoubt, read_person
from hanam_mail.regulation.naming.grammar import LOCAL_PART_MAX_OCTETS, ApprovedCode, Form, Namesake, NamingRules
from hanam_mail.regulation.naming.person import (
    fits_person,
    is_counted,
    is_of,
    is_plain,
    is_short,
    person_address,
    person_addresses,
    person_forms,
    plain_form,
    propose_person,
)
from hanam_mail.regulation.naming.text import Name, NamingError, fold, key, normal, read
from hanam_mail.regulation.naming.words import (
    counting_words,
    initials,
    initials_of,
    is_acronym,
    is_local_part,
    keys,
    local_part,
    slug,
    unit_key,
    unit_name,
    written_out,
)

__all__ = [
    "LOCAL_PART_MAX_OCTETS",
    "ApprovedCode",
    "Name",
    "Namesake",
    "NamingDoubt",
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
    "is_acronym",
    "is_counted",
    "is_local_part",
    "is_of",
    "is_plain",
    "is_short",
    "key",
    "normal",
    "office_address",
    "office_addresses",
    "office_key",
    "person_address",
    "person_addresses",
    "person_forms",
    "plain_form",
    "propose_agency",
    "propose_person",
    "read",
    "read_person",
    "recoded_office",
    "slug",
    "unit_key",
    "unit_name",
    "written_out",
]


def agency_code(name: str, rules: NamingRules) -> str:
    """The code of a department: the approved one, else that of its form (Đ5.1a)."""
    for approved, entry in rules.approved_codes.items():
        if unit_key(approved, rules) == unit_key(name, rules):
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
    words, shouted = counting_words(name, rules), name.isupper()
    own = words[1:] if len(words) > 1 and key(words[0]) in keys(rules.suffix_type_words) else words
    for candidates in (own, words):
        letters = "".join(initials_of(candidates, rules, shouted=shouted))[: rules.suffix_length]
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
            if key(stated) == key(rules.province):
                stated = ""
            if not district and not stated.strip():
                raise NamingError("ghi xã kèm huyện sau dấu phẩy, ví dụ: xã Tiên Sơn, thị xã Duy Tiên")
            parent = district or district_code(stated, rules)
            return commune_code(commune, parent, rules), _district_suffix(parent, rules)
    raise NamingError(f"“{normal(name)}” không thuộc dạng nào của Điều 5: cần mã và hậu tố được duyệt")


def agency_address(kind: str, code: str, rules: NamingRules) -> str:
    """The address of an agency of that kind by its approved code (Đ5.1a-c): "kb" -> "ubndkb"."""
    own, _, district = code.partition(".")
    values = {"code": code, "prefix": rules.committee_prefix, "own": own, "district": district}
    return local_part(code, render(rules.forms[kind].address, values))


def committee_address(code: str, rules: NamingRules) -> str:
    """The address of a people's committee by its code (Đ5.1b, Đ5.1c): "kb" -> "ubndkb"."""
    return agency_address("commune" if "." in code else "district", code, rules)


def office_address(name: str, agency: str, rules: NamingRules) -> str:
    """The address of an office, given its agency's code (Đ5.1d, Đ5.1đ): "Phòng Tư pháp", "bl" -> "ptp.bl"."""
    form = rules.forms["office"].address
    return local_part(name, render(form, {**_office_parts(name, agency, rules), "code": agency}))


def office_key(name: str, agency: str, rules: NamingRules) -> str:
    """How names of offices of one agency compare: the same for every spelling of one office."""
    return unit_key(name, rules, place=agency.rpartition(".")[2])


def office_addresses(name: str, agency: str, rules: NamingRules) -> Iterator[str]:
    """The form of an office, then the same numbered from 2 (vp.snv, vp2.snv), never ending: for a merger's offices."""
    form = rules.forms["office"].address
    parts = _office_parts(name, agency, rules)
    yield office_address(name, agency, rules)
    own = next(reversed(parts))
    for number in counter():
        yield local_part(name, render(form, {**parts, own: parts[own] + number, "code": agency}))


def recoded_office(address: str, old: str, new: str, rules: NamingRules) -> str:
    """An office's address with the agency's new code for the old one, its own part as issued; others as they are."""
    form = rules.forms["office"].address
    found = office_pattern(form, old).fullmatch(address)
    if found is None:
        return address
    return local_part(address, render(form, {**found.groupdict(), "code": new}))


def fits_office(address: str, agency: str, rules: NamingRules) -> bool:
    """Whether `address` has the form of an office of the agency of that code, whatever the office's name."""
    return office_pattern(rules.forms["office"].address, agency).fullmatch(address) is not None


def _code(kind: str, given: str, own_name: str, rules: NamingRules, *, district: str = "") -> str:
    form: Form = rules.forms[kind]
    if form.code is None:
        raise NamingError(f"“{normal(given)}” cần mã được duyệt")
    return local_part(given, render(form.code, {**unit_parts(form.code, own_name, rules), "district": district}))


def _office_parts(name: str, agency: str, rules: NamingRules) -> dict[str, str]:
    """An office may name its district once more: "Phòng Tư pháp huyện Bình Lục" of bl."""
    return unit_parts(rules.forms["office"].address, name, rules, place=agency.rpartition(".")[2])


def _district_suffix(code: str, rules: NamingRules) -> str:
    """People of a district, its communes and its offices have the letters of its code (Đ5.2b)."""
    return code[: rules.suffix_length]
