"""Agencies of the registry by what lists call them: "Sở Nội vụ", "UBND xã Tiên Sơn", "huyện Kim Bảng", a code."""

import re
from collections.abc import Iterator

from hanam_mail.importing.words import plain
from hanam_mail.model import Agency, Registry

_COMMITTEE = "uy ban nhan dan"
_PROVINCE = re.compile(r" tinh( ha nam)?$")
# What only an agency's name begins with, so that an unknown one is a mistake and no office.
_AGENCY_WORDS = re.compile(rf"(so|{_COMMITTEE}|huyen|thi xa|thanh pho|xa|phuong|thi tran) .*")


class Directory:
    """The standing agencies, found by name in any of its forms, or by code."""

    def __init__(self, registry: Registry) -> None:
        self._names: dict[str, list[Agency]] = {}
        for agency in registry.agencies.values():
            if agency.merged_into is None:
                for name in dict.fromkeys((agency.code, *_forms(agency.name))):
                    self._names.setdefault(name, []).append(agency)

    def find(self, text: str) -> Agency | None:
        """The one agency that the text names, None if none. Raises ValueError when it may be several."""
        found = self._names.get(text.strip().casefold()) or self._names.get(_key(text)) or []
        if len(found) > 1:
            codes = ", ".join(agency.code for agency in found)
            raise ValueError(f"“{text}” có thể là nhiều cơ quan (mã {codes}): ghi kèm tên huyện, hoặc ghi mã")
        return found[0] if found else None

    def mentioned(self, line: str) -> Agency | None:
        """The agency whose full name stands in a line of text, the longest name if several do."""
        words = f" {_key(line)} "
        found = [
            (len(name), agencies[0])
            for name, agencies in self._names.items()
            if " " in name and len(agencies) == 1 and f" {name} " in words
        ]
        return max(found, key=lambda entry: entry[0])[1] if found else None


def reads_as_agency(text: str) -> bool:
    """Whether the text can only be an agency's name."""
    return _AGENCY_WORDS.fullmatch(_key(text)) is not None


def _key(text: str) -> str:
    words = re.sub(r"\bubnd\b", _COMMITTEE, plain(text))
    return _PROVINCE.sub("", words)


def _forms(name: str) -> Iterator[str]:
    """The name, without its district, and both without "Ủy ban nhân dân" before "xã", "huyện" and the like."""
    for form in (name, name.partition(",")[0]):
        key = _key(form)
        yield key
        if key.startswith(_COMMITTEE + " "):
            yield key.removeprefix(_COMMITTEE + " ")
