"""RTF 1.9: text, boxes, margins of pages, notes and the properties, without what draws them.

No recursion and no tree: groups are a stack of small states, so a million of them cost memory within the limit.
"""

import codecs
import re
from dataclasses import dataclass, replace

from hanam_mail.host.extract.work import End, Refused, Work

GROUPS = 20_000
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)|(\\)", re.S
)
# Destinations without text of the document; of `\*` ones all but the last set.
_SILENT = {
    b"fonttbl", b"colortbl", b"stylesheet", b"listtable", b"listoverridetable", b"revtbl", b"rsidtbl", b"generator",
    b"pict", b"objdata", b"datastore", b"themedata", b"colorschememapping", b"latentstyles", b"xmlnstbl", b"filetbl",
    b"fldinst", b"panose", b"falt", b"blipuid", b"datafield", b"operator", b"author", b"title", b"subject", b"keywords",
    b"doccomm", b"company", b"manager", b"category", b"creatim", b"revtim", b"printim", b"private", b"ftnsep",
    b"bkmkstart", b"bkmkend", b"mmathPr", b"sp", b"pntext", b"listtext", b"pgdsctbl",
}  # fmt: skip
_PROPERTIES = {b"title", b"subject", b"author", b"keywords", b"doccomm", b"company", b"manager", b"category"}
_KNOWN_STARRED = {b"shpinst", b"annotation", b"shptxt", b"ud", b"footnote", b"txfieldtext", b"atnauthor", b"upr"}
_CHARACTERS = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"row": "\n", b"cell": "\t", b"tab": "\t",
    b"nestcell": "\t", b"nestrow": "\n", b"emdash": "—", b"endash": "–", b"lquote": "‘", b"rquote": "’",
    b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•", b"emspace": " ", b"enspace": " ",
}  # fmt: skip
# \fcharsetN to the codec of its octets; others follow \ansicpg.
_CHARSETS = {163: "cp1258", 0: "cp1252", 204: "cp1251", 161: "cp1253", 162: "cp1254", 238: "cp1250", 186: "cp1257"}
# Names of fonts whose octets are TCVN3 or VNI: Latin-1 characters, which are converted in the end.
_LEGACY_FONT = re.compile(rb"\s*(\.Vn|VNI-)", re.I)


@dataclass(frozen=True, slots=True)
class _State:
    silent: bool = False
    table: bool = False
    into: bytes = b""
    codec: str = ""
    skip: int = 1


class _Reader:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._stack: list[_State] = []
        self._state = _State()
        self._page = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._skipped = 0
        self._starred = False
        self._octets = bytearray()
        self._property: list[str] = []

    def word(self, name: bytes, number: int | None) -> None:
        self._flush()
        starred, self._starred = self._starred, False
        if name == b"u" and number is not None:
            self._character(number & 0xFFFF)
            self._skipped = self._state.skip
        elif name == b"uc":
            self._state = replace(self._state, skip=max(0, min(number or 0, 8)))
        elif name == b"ansicpg" and number:
            self._page = _codec(number)
        elif name == b"f":
            self._font = number or 0
            self._state = replace(self._state, codec=self._fonts.get(self._font, ""))
        elif name == b"fcharset" and self._state.table:
            self._fonts.setdefault(self._font, _CHARSETS.get(number or 0, ""))
        elif name == b"fonttbl":
            self._state = replace(self._state, silent=True, table=True)
        elif name in _PROPERTIES:
            self._property.clear()
            self._state = replace(self._state, silent=True, into=name)
        elif name in _SILENT or (starred and name not in _KNOWN_STARRED):
            self._state = replace(self._state, silent=True, into=b"")
        elif name == b"shptxt":
            # The words of a box stand within what draws it.
            self._state = replace(self._state, silent=False, into=b"")
            self._text("\n")
        elif name in _CHARACTERS:
            self._text(_CHARACTERS[name])

    def symbol(self, char: bytes) -> None:
        if char == b"*":
            self._starred = True
            return
        self._flush()
        self._text({b"~": "\u00a0", b"_": "-", b"\n": "\n", b"\r": "\n"}.get(char, ""))
        if char in b"\\{}":
            self.octets(char)

    def octets(self, octets: bytes) -> None:
        if self._skipped:
            gone = min(self._skipped, len(octets))
            self._skipped -= gone
            octets = octets[gone:]
        if self._state.table:
            if _LEGACY_FONT.match(octets):
                self._fonts[self._font] = "latin-1"
        elif not self._state.silent or self._state.into:
            self._octets += octets

    def group(self, bracket: bytes) -> None:
        self._flush()
        self._skipped, self._starred = 0, False
        if bracket == b"{":
            if len(self._stack) >= GROUPS:
                raise Refused(End.LIMIT, "depth")
            self._stack.append(self._state)
            return
        if self._state.into and (not self._stack or not self._stack[-1].into):
            self._work.add_property("".join(self._property))
            self._property.clear()
        self._state = self._stack.pop() if self._stack else self._state

    def finish(self) -> None:
        self._flush()

    def _flush(self) -> None:
        if self._octets:
            codec = self._state.codec or self._page
            octets, self._octets = bytes(self._octets), bytearray()
            self._text(octets.decode(codec, "replace"))

    def _character(self, number: int) -> None:
        # Characters beyond the first plane come as two halves, and of those search knows nothing.
        self._text("" if 0xD800 <= number < 0xE000 else chr(number))

    def _text(self, text: str) -> None:
        if self._state.into:
            self._property.append(text)
        elif not self._state.silent:
            self._work.add(text)


def _codec(page: int) -> str:
    name = {65001: "utf-8", 10000: "mac-roman"}.get(page, f"cp{page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name


def read(data: bytes, work: Work) -> None:
    """Raises Refused beyond so many groups in each other."""
    reader, at = _Reader(work), 0
    while found := _TOKEN.match(data, at):
        at = found.end()
        name, number, octet, symbol, bracket, text, _ = found.groups()
        if name == b"bin" and number:
            # What follows is no text, whatever it looks like.
            at += max(0, int(number))
        elif name:
            reader.word(name, int(number) if number else None)
        elif octet:
            reader.octets(bytes.fromhex(octet.decode()))
        elif symbol:
            reader.symbol(symbol)
        elif bracket:
            reader.group(bracket)
        elif text:
            reader.octets(text)
    reader.finish()
