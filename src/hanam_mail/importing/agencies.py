"""Agencies of the registry by what lists call them: "Sở Nội vụ", "UBND xã Tiên Sơn", "huyện Kim Bảng", a code."""

import re
from collections.abc import Iterator
from itertools import pairwise

from hanam_mail.importing.lines import is_office
from hanam_mail.importing.plain_text import plain
from hanam_mail.registry.model import Agency, Registry
from hanam_mail.regulation.naming import written_out
from hanam_mail.regulation.naming.text import key

_COMMITTEE = "uy ban nhan dan"
_PROVINCE = re.compile(r" tinh( .*)?$")
# What only an agency's name begins with, so that an unknown one is a mistake and no office.
_AGENCY_WORDS = re.compile(rf"(so|{_COMMITTEE}|huyen|thi xa|thanh pho|xa(?! hoi\b)|phuong|thi tran) .*")
# Signs and words at which a name begins or ends in a text. With accents: "tài" is no "tại", "nhân" no "nhận".
_EDGES = re.compile(
    r"[,;:()]|\.(?=\s|$)|\s[-–]\s|\b(từ|khỏi|rời|sang|đến|den|về|tới|toi|thuộc|của|tại|ở|cơ quan|đơn vị|công tác|"
    r"làm việc|nhận|chuyển|điều động|điều chuyển|luân chuyển|biệt phái|tiếp nhận|trực thuộc|theo|căn cứ|"
    r"kể|hoặc|do|vì|để|ngày|là)\b",
    re.IGNORECASE,
)
_MAX_PARTS = 5  # of one name: "Sở Lao động - Thương binh và Xã hội" has two
# As they are accented, so that "Số: 12/SNV" and "Phương án" are none.
_FIRST_WORDS = frozenset(map(key, ("sở", "ủy", "huyện", "thị", "thành", "xã", "phường")))
# What every agency has; centres, schools and boards may be agencies of their own.
_INNER = re.compile(r"(phòng|văn phòng|bộ phận|tổ|đội|thanh tra|lãnh đạo|ban (giám đốc|lãnh đạo)|một cửa)(?!\w)")
# Bodies of their own, whatever place they bear the name of.
_BODIES = re.compile(
    r"\b((đảng|tỉnh|huyện|thành|thị) (ủy|uỷ)|mặt trận|ngân hàng|bệnh viện|công an|(tòa|toà) án|viện kiểm sát|"
    r"chi cục|công ty|phòng khám|tổ dân phố|tổ \d+|quản lý thị trường)\b"
)
_PLACE = re.compile(r"\b(tỉnh|huyện|thành phố|thị xã|xã(?! hội\b)|phường|thị trấn|quận|sở|trường|trung tâm) \w")


class Directory:
    """The standing agencies, found by name in any of its forms, or by code."""

    def __init__(self, registry: Registry) -> None:
        self._rules = registry.regulation.naming
        province = plain(self._rules.province)
        kinds = [kind for kind in map(plain, self._rules.level_words) if province.startswith(f"{kind} ")]
        alone = [province.removeprefix(f"{kind} ") for kind in kinds]
        self._endings = tuple(f" {ending}" for ending in (province, *alone, *kinds) if ending)
        self._kinds = frozenset(map(plain, self._rules.people.units))
        self._names: dict[str, list[Agency]] = {}
        for agency in registry.agencies.values():
            if agency.merged_into is None:
                for name in dict.fromkeys((agency.code, *self._forms(agency.name))):
                    self._names.setdefault(name, []).append(agency)

    def find(self, text: str) -> Agency | None:
        """The one agency that the text names, None if none. Raises ValueError when it may be several."""
        names = (text.strip().casefold(), *self._keys(text))
        found = next((self._names[name] for name in names if name in self._names), [])
        if len(found) > 1:
            codes = ", ".join(agency.code for agency in found)
            raise ValueError(f"“{text}” có thể là nhiều cơ quan (mã {codes}): ghi kèm tên huyện, hoặc ghi mã")
        return found[0] if found else None

    def mentioned(self, line: str) -> Agency | None:
        """The agency whose full name stands in a line of text, the longest name if several do."""
        words = f" {self._words(line)} "
        found = [
            (len(name), agencies[0])
            for name, agencies in self._names.items()
            if " " in name and len(agencies) == 1 and f" {name} " in words
        ]
        return max(found, key=lambda entry: entry[0])[1] if found else None

    def named(self, text: str) -> list[tuple[int, Agency]]:
        """The agencies that a text names, with where: names from one sign or small word to another, not parts of them.

        An office's name names its agency. "Sở Y tế Nam Định" and "Trung tâm Y tế huyện Kim Bảng" name none.
        Raises ValueError as `find` does.
        """
        edges = [(0, 0), *(edge.span() for edge in _EDGES.finditer(text)), (len(text), len(text))]
        parts = [(left[1], right[0]) for left, right in pairwise(edges)]
        found: list[tuple[int, Agency]] = []
        at = 0
        while at < len(parts):
            start, last = parts[at][0], min(len(parts), at + _MAX_PARTS)
            while last > at and not (agency := self._find_or_owner(text[start : parts[last - 1][1]])):
                last -= 1
            if last > at and agency:
                found.append((start, agency))
            at = max(last, at + 1)
        return found

    def owner(self, text: str) -> Agency | None:
        """The agency at the end of a text that names an office of it: "Văn phòng Sở Nội vụ".

        Raises ValueError as `find` does.
        """
        for gap in re.finditer(r"\s+", text):
            office, name = text[: gap.start()].strip(" ,;-–"), text[gap.end() :]
            if _BODIES.search(office.casefold()) or not reads_as_inner_office(office):
                continue
            # "Lãnh đạo chuyển sang Sở Y tế" says more than an office and its agency.
            if any(edge.group().strip() not in ("-", "–", ",") for edge in _EDGES.finditer(office)):
                continue
            if any(" " in words and words in self._names for words in self._keys(name)):
                return self.find(name)
        return None

    def _find_or_owner(self, text: str) -> Agency | None:
        return self.find(text) or self.owner(text)

    def is_office(self, text: str) -> bool:
        """Whether the text is an office's name, its acronyms written out."""
        return is_office(written_out(text, self._rules), self._rules.people.units)

    def _words(self, text: str) -> str:
        return re.sub(r"\bubnd\b", _COMMITTEE, plain(written_out(text, self._rules)))

    def _keys(self, text: str) -> Iterator[str]:
        """The text as it compares: acronyms written out, whole and with the province at its end left out.

        What would only be the kind of an office is no agency's name: each department has a "Thanh tra".
        """
        words = self._words(text)
        for form in (words, *(words.removesuffix(ending) for ending in self._endings if words.endswith(ending))):
            if form not in self._kinds:
                yield form

    def _forms(self, name: str) -> Iterator[str]:
        """The name, without its district, and both without "Ủy ban nhân dân" before "xã", "huyện" and the like."""
        for form in (name, name.partition(",")[0]):
            for known in self._keys(form):
                yield known
                if known.startswith(_COMMITTEE + " "):
                    yield known.removeprefix(_COMMITTEE + " ")
            shortened = {self._words(form).removesuffix(ending) for ending in self._endings} & self._kinds
            yield from (kind + ending for kind in shortened for ending in self._endings)


def reads_as_agency(text: str) -> bool:
    """Whether the text can only be an agency's name."""
    first = key(text).partition(" ")[0].rstrip(":.,")
    if not first.isascii() and first not in _FIRST_WORDS:
        return False
    words = _PROVINCE.sub("", re.sub(r"\bubnd\b", _COMMITTEE, plain(text)))
    return _AGENCY_WORDS.fullmatch(words) is not None


def reads_as_inner_office(text: str) -> bool:
    """Whether the text can only be a part of the agency that writes: no centre, nothing of another place."""
    small = " ".join(text.casefold().split())
    return _INNER.match(small) is not None and _PLACE.search(small) is None
