"""One spelling for what looks the same: a text in the letters that a reader takes it for, in NFC, \\n at line ends.

Cyrillic and Greek letters, letters of other widths and styles, marks apart from their letters, characters without
width, and the words of the marks in TCVN3, VNI and VISCII. In what a text is written else does not matter here.
"""

import re
import unicodedata
from collections.abc import Mapping

from hanam_mail.regulation.naming.characters import EachCharacter

_FOREIGN = (
    # Cyrillic, Greek, Latin drawn as small capitals, Armenian, Cherokee, Lisu.
    "АВЕКМНОРСТУҮХІЈѕаеосрухіјт",
    "ABEKMHOPCTYYXIJsaeocpyxijt",
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοιυ",
    "ABEZHIKMNOPTYXoiu",
    "ᴀᴇɪᴍᴏᴛᴜʏıՍՕᎪᎬᎢᎷꓮꓰꓲꓟꓳꓔꓴꓬ",
    "AEIMOTUYiUOAETMAEIMOTUY",
)
_LETTERS = {
    letter: plain
    for strange, plains in zip(_FOREIGN[::2], _FOREIGN[1::2], strict=True)
    for letter, plain in zip(strange, plains, strict=True)
}
_LINE_ENDS = "\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"
# Marks of Vietnamese letters: tones, the roof, the breve, the horn. Others only draw lines through and around letters.
_MARKS = "\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323"
# Letters and blanks that nobody sees, besides those of category Cf.
_UNSEEN = "\u115f\u1160\u3164\uffa0\u2800"


def _becomes(char: str) -> str:
    if char in _LETTERS:
        return _LETTERS[char]
    if char in _LINE_ENDS:
        return "\n"
    if char == "\t" or char in _MARKS:
        return char
    category = unicodedata.category(char)
    if category in ("Cf", "Mn", "Me", "Cc", "Cs") or char in _UNSEEN:
        return ""
    return " " if category == "Zs" else char


_TABLE = EachCharacter(_becomes)
# The words of the marks as programs show them that know nothing of the encoding. TCVN3 draws capitals by another font.
_LEGACY: Mapping[str, str] = {
    "MËT": "MẬT", "mËt": "mật", "TUYÖT": "TUYỆT", "tuyÖt": "tuyệt", "Tèi": "Tối", "TèI": "TỐI", "tèi": "tối",
    "TuyÖt": "Tuyệt", "MAÄT": "MẬT", "Maät": "Mật", "maät": "mật", "TUYEÄT": "TUYỆT", "Tuyeät": "Tuyệt",
    "tuyeät": "tuyệt", "TOÁI": "TỐI", "Toái": "Tối", "toái": "tối", "M\x87T": "MẬT", "M‡T": "MẬT",
    "TUY\x8eT": "TUYỆT", "TUYŽT": "TUYỆT", "T\x8fI": "TỐI",
}  # fmt: skip
_LEGACY_WORDS = re.compile(r"(?<![^\W\d_])(?:" + "|".join(map(re.escape, _LEGACY)) + r")(?![^\W\d_])")


def plain(text: str) -> str:
    """The text so; each of its characters is looked at a few times, whatever they are."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        # Composed first, since some programs hand on every text decomposed.
        text = unicodedata.normalize("NFC", text)
        text = _LEGACY_WORDS.sub(lambda found: _LEGACY[found[0]], text)
        text = unicodedata.normalize("NFKD", text)
    text = text.translate(_TABLE)
    return text if text.isascii() else unicodedata.normalize("NFC", text)
