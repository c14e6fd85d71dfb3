"""Agencies of the registry by what lists call them: "Sở Nội vụ", "UBND xã Tiên Sơn", "huyện Kim Bảng", a code."""

import re
from collections.abc import Iterator

from hanam_mail.importing.lines import is_office
from hanam_mail.importing.plain_text import plain
from hanam_mail.registry.model import Agency, Registry
from hanam_mail.regulation.naming import written_out
from hanam_mail.regulation.naming.text import key

_COMMITTEE = "uy ban nhan dan"
_PROVINCE = re.compile(r" tinh( .*)?$")
# What only an agency's name begins with, so that an unknown one is a mistake and no office.
_AGENCY_WORDS = re.compile(rf"(so|{_COMMITTEE}|huyen|thi xa|thanh pho|xa(?! hoi\b)|phuong|thi tran) .*")
# As they are accented, so that "Số: 12/SNV" and "Phương án" are none.
_FIRST_WORDS = frozenset(map(key, ("sở", "ủy", "huyện", "thị", "thành", "xã", "phường")))


class Directory:
    """The standing agencies, found by name in any of its forms, or by code."""

    def __init__(self, registry: Registry) -> None:
        self._rules = registry.regulation.naming
        province = plain(self._rules.province)
        kinds = [kind for kind in map(plain, self._rules.level_words) if province.startswith(f"{kind} ")]
        alone = [province.removeprefix(f"{kind} ") for kind in kinds]
        self._endings = tuple(f" {ending}" for ending in (province, *alone, *kinds) if ending)
        self._names: dict[str, list[Agency]] = {}
        for agency in registry.agencies.values():
            if agency.merged_into is None:
                for name in dict.fromkeys((agency.code, *self._forms(agency.name))):
                    self._names.setdefault(name, []).append(agency)

    def find(self, text: str) -> Agency | None:
        """The one agency that the text names, None if none. Raises ValueError when it may be several."""
        found = self._names.get(text.strip().casefold()) or self._names.get(self._key(text)) or []
        if len(found) > 1:
            codes = ", ".join(agency.code for agency in found)
            raise ValueError(f"“{text}” có thể là nhiều cơ quan (mã {codes}): ghi kèm tên huyện, hoặc ghi mã")
        return found[0] if found else None

    def mentioned(self, line: str) -> Agency | None:
        """The agency whose full name stands in a line of text, the longest name if several do."""
        words = f" {self._key(line)} "
        found = [
            (len(name), agencies[0])
            for name, agencies in self._names.items()
            if " " in name and len(agencies) == 1 and f" {name} " in words
        ]
        return max(found, key=lambda entry: entry[0])[1] if found else None

    def is_office(self, text: str) -> bool:
        """Whether the text is an office's name, its acronyms written out."""
        return is_office(written_out(text, self._rules), self._rules.people.units)

    def _key(self, text: str) -> str:
        """The text as it compares: acronyms written out, the province at its end left out."""
        words = re.sub(r"\bubnd\b", _COMMITTEE, plain(written_out(text, self._rules)))
        ending = next((ending for ending in self._endings if words.endswith(ending)), "")
        return words.removesuffix(ending)

    def _forms(self, name: str) -> Iterator[str]:
        """The name, without its district, and both without "Ủy ban nhân dân" before "xã", "huyện" and the like."""
        for form in (name, name.partition(",")[0]):
            key = self._key(form)
            yield key
            if key.startswith(_COMMITTEE + " "):
                yield key.removeprefix(_COMMITTEE + " ")


def reads_as_agency(text: str) -> bool:
    """Whether the text can only be an agency's name."""
    first = key(text).partition(" ")[0].rstrip(":.,")
    if not first.isascii() and first not in _FIRST_WORDS:
        return False
    words = _PROVINCE.sub("", re.sub(r"\bubnd\b", _COMMITTEE, plain(text)))
    return _AGENCY_WORDS.fullmatch(words) is not None
