"""The addresses of people (Đ5.2): the plain form, what namesakes get, and whether an address is one of these."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache

from hanam_mail.regulation.naming.forms import counter, name_parts, plain_pattern, render, short_pattern
from hanam_mail.regulation.naming.grammar import LOCAL_PART_MAX_OCTETS, Namesake, NamingRules, Template
from hanam_mail.regulation.naming.syllables import is_joined_syllables
from hanam_mail.regulation.naming.text import NamingError, normal
from hanam_mail.regulation.naming.words import is_local_part, local_part, slug, unit_name

_NAMESAKE_ROOM = 9  # a separator and a date of birth, the longest part that tells namesakes apart by rule

# "TP. Nam Định", "H.Bình Lục": what lists write for the kind of a place.
_KIND_OF_PLACE = re.compile(r"^(?:(?:tp|tx|tt)(?:\s*\.\s*|\s+)|[hpxt]\s*\.\s*)", re.IGNORECASE)
_YEAR = re.compile(r"\d{4}")
_DATES = (
    re.compile(r"(?P<day>\d{1,2})[./-](?P<month>\d{1,2})[./-](?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"),
)


def person_address(name: str, rules: NamingRules) -> str:
    """The plain form of a person's address (Đ5.2a): "Nguyễn Thị Thanh Hà" -> "nguyenthithanhha"."""
    plain = plain_form(name, rules)
    if len(plain) > LOCAL_PART_MAX_OCTETS:
        raise NamingError(
            f"tên “{normal(name)}” thành địa chỉ dài {len(plain)} ký tự, quá {LOCAL_PART_MAX_OCTETS} (RFC 5321), không "
            "được cắt bớt: người vận hành duyệt dạng ngắn (--address), giữ từ đầu và từ cuối của tên, mỗi từ giữa "
            "viết đủ, viết tắt chữ đầu hoặc bỏ"
        )
    return local_part(name, plain)


def fits_person(address: str, name: str, rules: NamingRules) -> bool:
    """Whether `address` is the plain form of the name or one of its namesakes' forms (Đ5.2), whosever the suffix."""
    return next(person_forms(address, name, rules), None) is not None


def person_forms(address: str, name: str, rules: NamingRules) -> Iterator[tuple[Namesake | None, str]]:
    """Every way to read `address` as an address of that name: the form for namesakes and what stands in it.

    None and "" for the plain form, or the short form of a name too long for one. A suffix may be any: whether it is
    that of an agency of the person is for the caller to say. Raises NamingError for a name nobody can read.
    """
    plain = plain_form(name, rules)
    if address == plain:
        yield None, ""
        return
    if is_short(address, name, rules):
        yield None, ""
    for form in rules.namesakes:
        value = form.value(address, plain)
        if value is not None and _CAN_BE[form.part](value, rules):
            yield form, value


def is_counted(address: str, name: str, rules: NamingRules) -> bool:
    """Whether nothing but a counter tells the address from the plain form."""
    parts = {form.part if form else "" for form, _ in person_forms(address, name, rules)}
    return parts - {"suffix"} == {"counter"}  # a suffix of digits alone is none that anybody approves


def plain_form(name: str, rules: NamingRules) -> str:
    """The plain form even where it is too long to be an address."""
    return _filled(rules.forms["person"].address, name)


@lru_cache(maxsize=65536)
def _filled(form: Template, name: str) -> str:
    return render(form, name_parts(form, name))


def is_short(address: str, name: str, rules: NamingRules) -> bool:
    """Whether `address` is a short form, as the operator may approve one, of a name too long for the plain form.

    It keeps the first and the last word; each word between stands whole, as its initial, or not at all. A name is too
    long as well when namesakes would have no room for what tells them apart.
    """
    form = rules.forms["person"].address
    if len(plain_form(name, rules)) + _NAMESAKE_ROOM <= LOCAL_PART_MAX_OCTETS or not is_local_part(address):
        return False
    return short_pattern(form, name).fullmatch(address) is not None


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
    namesake_here = any(is_of(address, plain, rules) for address in colleagues)
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
            told = _told(form.part, value, rules)
            yield local_part(name, render(form.address, {"plain": plain, form.part: told})), form.same_agency


def _told(part: str, value: str, rules: NamingRules) -> str:
    """What a detail is in an address. Judged only where it is needed: most lists give a home place for everybody."""
    told = slug(unit_name(_KIND_OF_PLACE.sub("", value), rules)) if part == "home" else value
    if part in ("home", "birth_year", "birth_date") and not _CAN_BE[part](told, rules):
        what = "ngày sinh hay năm sinh có thật"
        if part == "home":
            what = (
                "địa danh viết đủ bằng tiếng Việt; nếu đúng là quê quán, nơi sinh thì thêm vào "
                "regulation_naming.home_places"
            )
        raise NamingError(f"“{value}” không phải {what}")
    return told


def _details(details: Sequence[str], rules: NamingRules) -> dict[str, list[str]]:
    """Home places, as they are written, years and dates of birth among the details."""
    values: dict[str, list[str]] = {"home": [], "birth_year": [], "birth_date": []}
    for detail in filter(None, map(normal, details)):
        found = next((match for date in _DATES if (match := date.fullmatch(detail))), None)
        if found:
            values["birth_year"].append(found["year"])
            values["birth_date"].append(f"{found['day']:0>2}{found['month']:0>2}{found['year']}")
        elif _YEAR.fullmatch(detail):
            values["birth_year"].append(detail)
        elif any(char.isalpha() for char in detail):
            values["home"].append(detail)
        else:
            raise NamingError(f"“{detail}” không phải quê quán, năm sinh hay ngày sinh (dd/mm/yyyy)")
    return values


def is_of(address: str, plain: str, rules: NamingRules) -> bool:
    """Whether the address is that plain form or one of its namesakes' forms, whatever tells them apart."""
    return plain in address and (
        address == plain or any(form.value(address, plain) is not None for form in rules.namesakes)
    )


def _is_home(value: str, rules: NamingRules) -> bool:
    """Whether it can be a place: Vietnamese syllables without accents, or a place of `home_places`."""
    return is_joined_syllables(value) or value in _slugs(rules.home_places)


@lru_cache
def _slugs(places: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(slug, places))


def _is_year(value: str, _: NamingRules) -> bool:
    return re.fullmatch("(19|20)[0-9]{2}", value) is not None


def _is_date(value: str, rules: NamingRules) -> bool:
    if re.fullmatch("[0-9]{8}", value) is None or not _is_year(value[4:], rules):
        return False
    try:
        date(int(value[4:]), int(value[2:4]), int(value[:2]))
    except ValueError:
        return False
    return True


def _is_counter(value: str, _: NamingRules) -> bool:
    return re.fullmatch("[2-9]|[1-9][0-9]{1,2}", value) is not None


# What can stand for each part that tells namesakes apart; a suffix is judged by who knows the agencies.
_CAN_BE: Mapping[str, Callable[[str, NamingRules], bool]] = {
    "suffix": lambda value, _: value.isascii(),
    "home": _is_home,
    "birth_year": _is_year,
    "birth_date": _is_date,
    "counter": _is_counter,
}
