"""Header fields as people read them: encoded words, and parameters in parts (RFC 2047, 2231)."""

import binascii
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from operator import itemgetter
from urllib.parse import unquote_to_bytes

from hanam_mail.host.extract import plain

# Octets of a field that are read.
LONGEST = 64 * 1024
# Values of one parameter, and pieces of one value that stand elsewhere than they should.
_MOST_VALUES = 50
# Those that are asked for anywhere; the head of a stranger may have a hundred thousand others.
_FIELD = (
    rb"[\r\f\v]*+(content-(?:type|disposition|transfer-encoding|description)|subject|thread-topic|comments|keywords)"
    rb"[ \t\r\f\v]*+:(?:[ \t\r\f\v]|\n[ \t])*+([^\n]*+(?:\n[ \t][^\n]*+)*+)"
)
_FIRST_FIELD, _NEXT_FIELD = re.compile(_FIELD, re.I), re.compile(rb"\n" + _FIELD, re.I)
_PARAMETERS = ("name", "filename", "charset", "boundary")
_PARAMETER = re.compile(r'(?:[^;"\\]++|\\.?|"[^"\\]*+(?:\\.[^"\\]*+)*+"?)++', re.S)
_PARAMETER_NAME = re.compile(rf"({'|'.join(_PARAMETERS)})(?:\*(\d{{1,6}}))?(\*)?", re.I)
# What a careless reader takes for one: quoted to the next quotation mark, wherever its name stands.
_LOOSE = {name: re.compile(rf'\b{name}\*?\d{{0,3}}\*?\s*+=\s*+("[^"]*+"?|[^;]*+)', re.I) for name in _PARAMETERS}
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*)\?=")
_CODED = re.compile(r"%[0-9a-fA-F]{2}")
_ESCAPED = re.compile(r'\\(["\\])')


class HeadFields:
    """Those fields of one head that say something of a text or a file, folded lines joined.

    Octets that are no UTF-8 are kept by surrogates. What is asked for is worked out once.
    """

    def __init__(self, head: bytes) -> None:
        self._fields: dict[str, list[str]] = {}
        first = _FIRST_FIELD.match(head)
        for found in chain([first] if first else [], _NEXT_FIELD.finditer(head)):
            begin, end = found.span(2)
            # Every octet of it may begin a line.
            value = head[begin : min(end, begin + 4 * LONGEST)].replace(b"\r\n", b"").replace(b"\n", b"")[:LONGEST]
            self._fields.setdefault(found[1].decode("ascii").lower(), []).append(
                value.strip().decode("utf-8", "surrogateescape")
            )

    def all(self, *names: str) -> list[str]:
        """Values of those fields as they stand."""
        return [value for name in names for value in self._fields.get(name, ())]

    def first(self, name: str) -> str:
        """The first of that name, "" where there is none."""
        return (self._fields.get(name) or [""])[0]

    @cached_property
    def kind(self) -> str:
        """Type and subtype in small letters; text/plain where nothing readable is said."""
        found = re.match(r"\s*([\w.+-]{1,80})\s*/\s*([\w.+-]{1,120})", self.first("content-type"))
        return f"{found[1]}/{found[2]}".lower() if found else "text/plain"

    @cached_property
    def encoding(self) -> str:
        """How the content is written down, in small letters."""
        return re.sub(r"\([^()]*\)", "", self.first("content-transfer-encoding")[:200]).strip().lower()

    @property
    def is_attachment(self) -> bool:
        """Whether it says so, or has a name."""
        return self.says_attached or bool(self.names())

    @property
    def says_attached(self) -> bool:
        """Whether it says so."""
        return self.first("content-disposition").lower().startswith("attachment")

    def parameter(self, name: str) -> str:
        """Of the type: its charset or boundary."""
        return next(filter(None, self._of_type.values(name)), "")

    def names(self) -> list[str]:
        """Every name that a file is given."""
        return self._names

    @cached_property
    def _names(self) -> list[str]:
        found = [*_Parameters(self.first("content-disposition")).values("filename"), *self._of_type.values("name")]
        return list(dict.fromkeys(name for each in found if (name := readable(each).strip())))

    @cached_property
    def _of_type(self) -> "_Parameters":
        return _Parameters(self.first("content-type"))


class _Parameters:
    """Those of a field that are asked for, in one pass: the time of Python's own grows with the square of its length.

    Each as (number of the piece or -1, whether it is coded, text) (RFC 2231).
    """

    def __init__(self, value: str) -> None:
        self._value = value
        self._found: dict[str, list[tuple[int, bool, str]]] = {}
        for each in _PARAMETER.finditer(value):
            name, is_one, text = each[0].partition("=")
            if is_one and (named := _PARAMETER_NAME.fullmatch(name.strip())):
                piece = (int(named[2] or -1), bool(named[3]), _unquoted(text.strip()))
                self._found.setdefault(named[1].lower(), []).append(piece)

    def values(self, name: str) -> Iterator[str]:
        """A parameter's value in every form in which it is given, at last of what looks like one."""
        found = self._found.get(name, [])
        given = [text for number, coded, text in found if number < 0 and not coded]
        for text in given[:_MOST_VALUES]:
            yield text
            # A backslash is part of a path, or says nothing of its own.
            if "\\" in text:
                yield text.replace("\\", "")
        pieces = sorted((each for each in found if each[0] >= 0 or each[1]), key=itemgetter(0))
        yield from _joined(pieces)
        # One that is coded is a whole value, whatever stands beside it.
        for each in pieces[:_MOST_VALUES] if len(pieces) > 1 else ():
            if each[0] < 0:
                yield from _joined([each])
        loose = [each[1] for each in islice(_LOOSE[name].finditer(self._value), _MOST_VALUES)]
        joined = "".join(piece.strip().strip('"') for piece in loose)
        if joined:
            yield joined
        if _CODED.search(joined):
            charset, _, rest = joined.partition("''")
            yield from decoded(unquote_to_bytes(_raw(rest or charset)), charset)


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPED.sub(r"\1", text[1:].removesuffix('"'))


def _joined(pieces: Sequence[tuple[int, bool, str]]) -> Iterator[str]:
    """The value that pieces make up, each coded or not; the first one names the charset, if one is coded."""
    if not any(coded for _, coded, _ in pieces):
        yield "".join(text for _, _, text in pieces)
        return
    texts = [text for _, _, text in pieces]
    charset = ""
    if pieces[0][1] and texts[0].count("'") >= 2:
        charset, _, texts[0] = texts[0].split("'", 2)
    octets = b"".join(
        unquote_to_bytes(_raw(text)) if coded else _raw(text) for text, (_, coded, _) in zip(texts, pieces, strict=True)
    )
    yield from decoded(octets, charset)
    yield octets.decode("latin-1")


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
    letters = octets.translate(None, _NO_BASE64)
    first = letters.find(b"=")
    if len(letters) % 4 == 0 and (first < 0 or letters[first : first + 3] in (b"=", b"==")):
        return binascii.a2b_base64(letters)
    found, at = bytearray(), 0
    for run in islice(_RUN.finditer(letters), _MOST_RUNS):
        found += _of_letters(run[0])
        at = run.end()
    found += _of_letters(letters[at:].replace(b"=", b""))
    return bytes(found)


def _of_letters(letters: bytes) -> bytes:
    # Of one letter behind the last four nothing can be made.
    over = len(letters) % 4
    return binascii.a2b_base64(letters[:-1] if over == 1 else letters + b"=" * (-over % 4))


_NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_RUN = re.compile(rb"[^=]++")
# So many are read each from its begin, more than the largest message has lines; what is behind them as one. The filter
# lets no message pass that goes on behind an end.
_MOST_RUNS = 600_000
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
        for said in (name, f"{name}-le", f"{name}-be") if re.match(r"(?i)utf-?(16|32)$", name) else (name,):
            if codec := plain.codec_of(said):
                texts.append(octets.decode(codec, "replace"))
    return list(dict.fromkeys(texts))
