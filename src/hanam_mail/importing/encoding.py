"""Sheets typed in TCVN3 or VNI, turned into Unicode: shown to the operator, used only when confirmed (Đ3.4)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hanam_mail.errors import Problem
from hanam_mail.importing.sheet import Sheet, Value
from hanam_mail.regulation import legacy_encodings
from hanam_mail.regulation.legacy_encodings import Converted

_SHOWN = 12  # conversions in one message; --json and --convert-legacy show all


@dataclass(frozen=True, slots=True)
class Legacy:
    """What of a sheet was converted, each text once, in order."""

    sheet: Sheet
    texts: tuple[Converted, ...]

    def problem(self) -> Problem:
        """Why the list is refused until somebody confirms the conversion."""
        pairs = "; ".join(f"“{found.original}” → “{found.text}”" for found in self.texts[:_SHOWN])
        more = f"; và {len(self.texts) - _SHOWN} chỗ nữa" if len(self.texts) > _SHOWN else ""
        encodings = " và ".join(dict.fromkeys(found.encoding for found in self.texts))
        sentence = f"gõ bằng bảng mã {encodings}, đọc là: {pairs}{more}. Nếu đọc đúng, chạy lại với --convert-legacy"
        return self.sheet.problem(0, "", sentence, "Đ3.4")

    def notes(self) -> Iterable[str]:
        """A remark for every text that was converted."""
        place = self.sheet.place
        return (f"{place}: “{found.original}” ({found.encoding}) đọc là “{found.text}”" for found in self.texts)


def convert(sheets: Sequence[Sheet]) -> tuple[list[Sheet], list[Legacy]]:
    """The sheets in Unicode, and what had to be converted for it."""
    converted, changes = [], []
    for sheet in sheets:
        texts = list(dict.fromkeys(sheet.strings()))
        found = {
            text: reading for text, reading in zip(texts, legacy_encodings.recognise_all(texts), strict=True) if reading
        }
        converted.append(_applied(sheet, found) if found else sheet)
        if found:
            changes.append(Legacy(sheet, tuple(found.values())))
    return converted, changes


def _applied(sheet: Sheet, found: dict[str, Converted]) -> Sheet:
    def unicode(value: Value) -> Value:
        return found[value].text if isinstance(value, str) and value in found else value

    return replace(sheet, rows=tuple(replace(row, cells=tuple(map(unicode, row.cells))) for row in sheet.rows))
