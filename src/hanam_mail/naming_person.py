"""The addresses of people (Đ5.2): the plain form, what namesakes get, and whether an address is one of these."""

import re
from collections.abc import Collection, Iterator, Sequence

from hanam_mail.naming_forms import counter, name_parts, plain_pattern, render
from hanam_mail.naming_rules import NamingRules
from hanam_mail.naming_text import NamingError, normal
from hanam_mail.naming_words import local_part, slug, unit_name

_YEAR = re.compile(r"\d{4}")
_DATES = (
    re.compile(r"(?P<day>\d{1,2})[./-](?P<month>\d{1,2})[./-](?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"),
)


def person_address(name: str, rules: NamingRules) -> str:
    """The plain form of a person's address (Đ5.2a): "Nguyễn Thị Thanh Hà" -> "nguyenthithanhha"."""
    form = rules.forms["person"].address
    return local_part(name, render(form, name_parts(form, name, rules)))


def fits_person(address: str, name: str, rules: NamingRules) -> bool:
    """Whether `address` is the plain form of the name or one of its namesakes' forms (Đ5.2)."""
    return _is_of(address, person_address(name, rules), rules)


def is_plain(address: str, rules: NamingRules) -> bool:
    """Whether a person's address has the plain form (Đ5.2a), which says nothing of an agency, whatever the name."""
    return plain_pattern(rules.forms["person"].address).fullmatch(address) is not None


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
        for value in values.get(form.part, ()) if form.part != "counter" else counter():
            rendered = render(form.address, {"plain": plain, form.part: value})
            yield local_part(name, rendered), form.same_agency


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
