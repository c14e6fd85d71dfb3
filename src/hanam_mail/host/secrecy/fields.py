"""Header fields as people read them: encoded words, and parameters in parts (RFC 2047, 2231)."""

import binascii
import re
from collections.abc import Iterator, Sequence
from email.message import Message
from urllib.parse import unquote_to_bytes

from hanam_mail.host.extract import plain

# Characters of a field that are read, and of its parameters, which Python reads in a time that grows with the square.
LONGEST, _LONGEST_PARAMETERS = 64 * 1024, 4096
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*)\?=")
_CODED = re.compile(r"%[0-9a-fA-F]{2}")


class Fields:
    """The fields of one head, folded lines joined; octets that are no UTF-8 are kept by surrogates."""

    def __init__(self, head: bytes) -> None:
        self._fields: dict[str, list[str]] = {}
        name, lines = "", list[str]()
        for line in head.decode("utf-8", "surrogateescape").split("\n"):
            line = line.removesuffix("\r")
            if line[:1] in (" ", "\t"):
                lines.append(line)
                continue
            self._add(name, lines)
            name, _, value = line.partition(":")
            lines = [value]
        self._add(name, lines)

    def _add(self, name: str, lines: Sequence[str]) -> None:
        if lines:
            self._fields.setdefault(name.strip().lower(), []).append("".join(lines).strip()[:LONGEST])

    def all(self, *names: str) -> list[str]:
        """Values of those fields as they stand."""
        return [value for name in names for value in self._fields.get(name, ())]

    def first(self, name: str) -> str:
        """The first of that name, "" where there is none."""
        return (self._fields.get(name) or [""])[0]

    @property
    def kind(self) -> str:
        """Type and subtype in small letters; text/plain where nothing readable is said."""
        found = re.match(r"\s*([\w.+-]{1,80})\s*/\s*([\w.+-]{1,120})", self.first("content-type"))
        return f"{found[1]}/{found[2]}".lower() if found else "text/plain"

    @property
    def encoding(self) -> str:
        """How the content is written down, in small letters."""
        return re.sub(r"\([^()]*\)", "", self.first("content-transfer-encoding")[:200]).strip().lower()

    @property
    def is_attachment(self) -> bool:
        """Whether it says so, or has a name."""
        return self.first("content-disposition").lower().startswith("attachment") or bool(self.names())

    def parameter(self, name: str) -> str:
        """Of the type: its charset or boundary."""
        return next(_parameters(self.first("content-type"), name), "")

    def names(self) -> list[str]:
        """Every name that a file is given."""
        found = [*_parameters(self.first("content-disposition"), "filename")]
        found += _parameters(self.first("content-type"), "name")
        return list(dict.fromkeys(name for each in found if (name := readable(each).strip())))


def _parameters(value: str, name: str) -> Iterator[str]:
    """The parameter's value in every form in which it is given; of what cannot be read what looks like it."""
    if name not in value.lower():
        return
    value = value[:_LONGEST_PARAMETERS]
    # Octets as they stand: Python does not bear surrogates everywhere.
    message = Message()
    message["Content-Type"] = re.sub(r"[\r\n]", " ", value) if "/" in value.partition(";")[0] else f"x/{value}"
    try:
        found = message.get_param(name, None)
        if isinstance(found, tuple):
            charset, _, text = found
            # Python reads parts as Latin-1 octets.
            yield from decoded(text.encode("latin-1", "surrogateescape"), charset or "")
            yield text
        elif found:
            yield str(found)
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    pieces = re.findall(rf"(?i)\b{name}\*?\d{{0,3}}\*?\s*=\s*(\"[^\"]*\"?|[^;]*)", value)
    joined = "".join(piece.strip().strip('"') for piece in pieces[:50])
    if _CODED.search(joined):
        charset, _, rest = joined.partition("''")
        yield from decoded(unquote_to_bytes((rest or charset).encode("utf-8", "surrogateescape")), charset)
    elif joined:
        yield joined


def readable(value: str) -> str:
    """The text of a field."""
    return "".join(decoded(octets, charset)[0] for octets, charset in pieces(value) if octets)


def pieces(value: str) -> list[tuple[bytes, str]]:
    """Octets of a field, and the charset that they say they are in, "" where they stand as they are.

    Encoded words that follow each other in one charset are one: a letter may lie in two.
    """
    found: list[tuple[bytes, str]] = []
    octets, charset, at = b"", "", 0
    for word in _WORD.finditer(value):
        between = value[at : word.start()]
        named = word[1].partition("*")[0].lower()
        if between.strip() or named != charset or not at:
            found += [(octets, charset), (_raw(between) if between.strip() or not at else b"", "")]
            octets, charset = b"", named
        octets += _octets(word[2].lower(), word[3])
        at = word.end()
    return [*found, (octets, charset), (_raw(value[at:]), "")]


def _octets(form: str, text: str) -> bytes:
    return base64(_raw(text)) if form == "b" else binascii.a2b_qp(_raw(text), header=True)


def _raw(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Half a letter, which UTF-7 may say.
        return text.encode("utf-8", "replace")


def base64(octets: bytes) -> bytes:
    """What it says, whatever stands between, also behind an end (programs differ whether they read on)."""
    found = []
    for piece in re.split(rb"=+", octets):
        letters = piece.translate(None, _NO_BASE64)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        found.append(binascii.a2b_base64(letters + b"=" * (-len(letters) % 4)))
    return b"".join(found)


_NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
# Of these no octets say that they are it: letters of ASCII stand for others, or every second octet is nothing.
_BEHIND = b"\n\n\n\n"
_BY_NAME = re.compile(r"(?i)utf-?7|unicode-1-1-utf-7|utf-?16|utf-?32|ucs-?[24]|hz|iso-2022")


def decoded(octets: bytes, charset: str) -> list[str]:
    """The text, in each way in which programs may read it."""
    try:
        texts = [octets.decode()]
    except UnicodeDecodeError:
        # One octet of something else hides no UTF-8. The last ones of what is none are taken for a letter cut off.
        texts = [plain.decoded(octets, charset), octets.decode("utf-8", "replace")]
        if not octets.startswith((b"\xff\xfe", b"\xfe\xff")):
            texts[0] = plain.decoded(octets + _BEHIND, charset).removesuffix(_BEHIND.decode())
    if _BY_NAME.match(charset):
        name = re.sub(
            r"(?i)^unicode-1-1-|^ucs-?", lambda found: "utf-16" if found[0].lower().startswith("ucs") else "", charset
        )
        for codec in (name, f"{name}-le", f"{name}-be") if re.match(r"(?i)utf-?(16|32)$", name) else (name,):
            try:
                texts.append(octets.decode(codec, "replace"))
            except (LookupError, ValueError):
                continue
    return list(dict.fromkeys(texts))
