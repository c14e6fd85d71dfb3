"""What the head of a held message says: why the filter held it, and by what people recognise it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

# The filter's field; Postfix takes out whatever a client or a stranger has put there.
FIELD = b"x-hanam-hold"
_HEAD = 1048576
_SHOWN = 500
# Of the filter's field so much is read.
_FIELD = 1000
_KIND = re.compile(r"[a-z][a-z-]{0,31}")
_LOGIN = re.compile(r"login=([a-z0-9]{4,16})")
# Names of files, each with all but plain letters as "%2F" (virus_scan.lua).
_FILES = re.compile(r" files=([A-Za-z0-9._%/-]+)(?= )")
_FILES_SHOWN, _NAME_SHOWN = 5, 100
_SCORE = re.compile(r" score=(\d{1,6}(?:\.\d{1,3})?) ")
UNNAMED = "other"
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class Head:
    """`kind` and `reason` are the filter's; `login` is the mailbox that had signed in, "" where nobody says.

    `score` is that of spam. The rest is what the sender wrote, made fit to be shown and cut; `files` are names of those
    it is held for.
    """

    kind: str
    reason: str
    login: str
    files: list[str]
    score: float | None
    subject: str
    author: str
    message_id: str


def read(file: BinaryIO) -> Head:
    """Of a message in a file, read from its beginning."""
    found: dict[bytes, bytes] = {}
    for name, value in fields(file.read(_HEAD)):
        found[name.lower()] = value
    kind, _, words = _shown(found.get(FIELD, b""), cut=_FIELD).partition(" ")
    words = f" {words} "
    login, files, score = _LOGIN.search(words), _FILES.search(words), _SCORE.search(words)
    return Head(
        kind=kind if _KIND.fullmatch(kind) else UNNAMED,
        reason=(words.replace(files[0], "") if files else words).strip()[:_SHOWN],
        login=login[1] if login else "",
        files=_names(files[1]) if files else [],
        score=float(score[1]) if score else None,
        subject=_decoded(found.get(b"subject", b"")),
        author=_decoded(found.get(b"from", b"")),
        message_id=_shown(found.get(b"message-id", b"")),
    )


def _names(value: str) -> list[str]:
    # A name that was cut may end within a letter.
    names = (_shown(unquote_to_bytes(each)).rstrip("\N{REPLACEMENT CHARACTER}") for each in value.split("/"))
    return [name[:_NAME_SHOWN] for name in names if name][:_FILES_SHOWN]


def fields(octets: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The fields of a message's head as they stand: name, and all behind the colon, ends of lines within it too."""
    for lines in lines_of_fields(octets):
        name, _, value = lines.partition(b":")
        yield name.rstrip(b" \t"), value


def lines_of_fields(octets: bytes) -> Iterator[bytes]:
    """The lines of each field, its continuations with it, up to the empty line; a last one that is cut is given too."""
    field = b""
    for line in _LINE.findall(octets):
        if line in (b"\r\n", b"\n"):
            break
        if line[:1] in b" \t" and field:
            field += line
            continue
        if field:
            yield field
        field = line
    if field:
        yield field


def _decoded(value: bytes) -> str:
    """Words that were encoded (RFC 2047), read; of what cannot be read the octets as they are."""
    text = _shown(value, cut=4 * _SHOWN)
    try:
        parts = decode_header(text)
        text = "".join(
            part if isinstance(part, str) else part.decode(charset or "ascii", "replace") for part, charset in parts
        )
    except (HeaderParseError, LookupError, ValueError):
        pass
    return _plain(text)[:_SHOWN]


def _shown(value: bytes, cut: int = _SHOWN) -> str:
    return _plain(value.decode("utf-8", "replace"))[:cut]


def _plain(text: str) -> str:
    """One line without what a terminal or a database would take for more than text."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
