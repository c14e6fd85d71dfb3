"""Text in whatever encoding: its octets decide, or what the text says of itself."""

import codecs
import encodings
import pkgutil
import re
from encodings.aliases import aliases

from hanam_mail.host.extract.work import Work
from hanam_mail.regulation.naming.syllables import is_syllable

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9._-]{2,40})""", re.I)
_SAMPLE = 65536
_WORD = re.compile(r"[^\W\d_]+")
# What Python may be asked for: it remembers every other name that it was ever asked for, and strangers name them.
_CODECS = {*aliases, *aliases.values(), *(each.name for each in pkgutil.iter_modules(encodings.__path__))}
_CODECS -= {"undefined", "mbcs", "oem"}
_LONGEST_NAME = 80


def read(data: bytes, work: Work) -> None:
    """All of it."""
    work.add(decoded(data))


def decoded(data: bytes, declared: str = "") -> str:
    """As the byte order mark says, else UTF-8 if it is, else what is declared, else what makes Vietnamese words of it.

    TCVN3 and VNI come out as the Latin-1 characters of their octets; `Work.text` converts them.
    """
    for mark, codec in _BOMS:
        if data.startswith(mark):
            return data[len(mark) if codec == "utf-8" else 0 :].decode(codec, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A text of which the end is missing.
        if error.start > len(data) - 4 and error.start > 0:
            return data[: error.start].decode("utf-8")
    if codec := _known(declared) or _known(_of_itself(data)):
        return data.decode(codec, "replace")
    return data.decode("cp1258" if _is_vietnamese(data) else "latin-1", "replace")


def _of_itself(data: bytes) -> str:
    found = _DECLARED.search(data[:2048])
    return found[1].decode("ascii") if found else ""


def codec_of(name: str) -> str:
    """The codec for text that a name from outside stands for, as Python calls it; "" where there is none."""
    normal = encodings.normalize_encoding(name).lower() if len(name) <= _LONGEST_NAME else ""
    if normal not in _CODECS and normal.replace(".", "_") not in _CODECS:
        return ""
    try:
        found = codecs.lookup(normal)
    except (LookupError, ValueError):
        return ""
    return found.name if getattr(found, "_is_text_encoding", False) else ""


def _known(name: str) -> str:
    """One that says something: Latin-1 and UTF-8 are what is said without thought."""
    codec = codec_of(name)
    return "" if codec in ("utf-8", "iso8859-1", "cp1252", "ascii", "idna", "punycode") else codec


def _is_vietnamese(data: bytes) -> bool:
    """Whether Windows' Vietnamese code page (letters and marks apart) makes more syllables than its Western one."""
    sample = data[:_SAMPLE]
    return _syllables(sample.decode("cp1258", "replace")) > 1.2 * _syllables(sample.decode("cp1252", "replace")) + 1


def _syllables(text: str) -> int:
    import unicodedata

    words = _WORD.findall(unicodedata.normalize("NFC", text))[:2000]
    return sum(not word.isascii() and is_syllable(word) for word in words)
