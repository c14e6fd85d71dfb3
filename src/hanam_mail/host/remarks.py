"""What is noted about a message, whoever sends it, and decides nothing (Đ3.4): the encoding from before Unicode that it
is written in, and what kinds of files go with it.

The services that the filter asks about mail say it: mail_auth about what comes from outside, secrecy about what our
people send. So nobody is asked a second time, and no text is carried anywhere for it.
"""

import re
import traceback
from collections.abc import Iterator

from hanam_mail.host.secrecy import fields, mime, pages
from hanam_mail.host.secrecy.fields import Fields
from hanam_mail.host.secrecy.mime import Part
from hanam_mail.host.service import say
from hanam_mail.regulation import legacy_texts

# Octets of all texts of a message together, as they came, that are looked at; kinds of files that are told.
MOST_OCTETS, MOST_KINDS = 64 * 1024, 50
_LONGEST = 40
SUBJECT, BODY = "subject", "body"

_PAGES = ("text/html", "application/xhtml+xml")
# Behind the last dot; what Windows drops of a name's end is no part of it. A number is none ("Phụ lục 1.2").
_ENDING = re.compile(r"\.([a-z0-9_-]{1,10})[\s.]*$")
# Of files that have no name, or none with an ending.
_ENDINGS_OF_TYPES = """
application/gzip=gz application/msword=doc application/pdf=pdf application/pkcs7-mime=p7m application/x-pkcs7-mime=p7m
application/pkcs7-signature=p7s application/x-pkcs7-signature=p7s application/rtf=rtf application/vnd.ms-excel=xls
application/vnd.ms-powerpoint=ppt application/vnd.oasis.opendocument.presentation=odp
application/vnd.oasis.opendocument.spreadsheet=ods application/vnd.oasis.opendocument.text=odt
application/vnd.openxmlformats-officedocument.presentationml.presentation=pptx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet=xlsx
application/vnd.openxmlformats-officedocument.wordprocessingml.document=docx application/x-zip-compressed=zip
application/xhtml+xml=html audio/mpeg=mp3 audio/x-wav=wav image/svg+xml=svg text/calendar=ics text/plain=txt
text/vcard=vcf text/x-vcard=vcf video/mpeg=mpg video/quicktime=mov video/x-msvideo=avi
"""
_OF_TYPE = dict(pair.split("=") for pair in _ENDINGS_OF_TYPES.split())


def noted(content: bytes) -> dict[str, object]:
    """`charset`: "TCVN3 in subject, body", or ""; `files`: endings of attached files, each once, in small letters.

    Whatever a message is, this is no reason to keep it: a fault is told to the operator, and nothing is noted.
    """
    try:
        texts, kinds = _looked_at(content)
        return {"charset": _charset(texts), "files": list(kinds)[:MOST_KINDS]}
    except Exception:
        said = traceback.format_exc().replace("\n", " | ")
        say(4, f"nothing is noted about a message: {said}")
        return {"charset": "", "files": []}


def _looked_at(content: bytes) -> tuple[list[tuple[str, str]], dict[str, None]]:
    """Texts with their places, and kinds of files."""
    texts: list[tuple[str, str]] = []
    kinds: dict[str, None] = {}
    left = [MOST_OCTETS]
    try:
        for part in mime.parts(content, lambda of: left[0] if _is_text(of) else 0):
            # What lies in a message that is sent along is another's.
            if part.messages:
                continue
            if part.begins:
                texts.append((SUBJECT, _subject(part.fields.first("subject"))))
            if part.content:
                left[0] = max(0, left[0] - len(part.content))
                texts.append((BODY, _body(part)))
            if _is_file(part.fields):
                kinds[_kind(part.fields)] = None
    except (mime.TooMany, pages.TooMany):
        pass
    return texts, kinds


def _charset(texts: list[tuple[str, str]]) -> str:
    found: dict[str, dict[str, None]] = {}
    for place, text in texts:
        if encoding := legacy_texts.encoding_of(text):
            found.setdefault(encoding, {})[place] = None
    return "; ".join(f"{encoding} in {', '.join(places)}" for encoding, places in found.items())


# --- texts ---


def _is_text(of: Fields) -> bool:
    return of.kind.startswith("text/") and not of.is_attachment


def _subject(value: str) -> str:
    return "".join(_shown(octets) for octets, _ in fields.pieces(value))


def _body(part: Part) -> str:
    text = _shown(part.content)
    return pages.text_of(text)[0] if part.fields.kind in _PAGES else text


def _shown(octets: bytes) -> str:
    """As UTF-8, whole or cut off at its end, or as Latin-1, whatever is said of it: that is what is wrong in such mail.

    What has octets of nothing is no text of this kind (UTF-16).
    """
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(octets) - 3 and error.start > 0:
            return octets[: error.start].decode()
    return "" if b"\0" in octets else octets.decode("latin-1")


# --- files ---


def _is_file(of: Fields) -> bool:
    """Named, said to be attached, or neither text nor what belongs to the message's own structure."""
    main = of.kind.partition("/")[0]
    if main == "multipart":
        return False
    return of.is_attachment or main not in ("text", "message") or of.kind in mime.MESSAGES


def _kind(of: Fields) -> str:
    """The ending of its name; without one, of its type, or the type's second word."""
    for ending in _endings(of):
        return ending
    if of.kind in mime.MESSAGES:
        return "eml"
    return _OF_TYPE.get(of.kind) or re.sub("[^a-z0-9.+-]", "", of.kind.partition("/")[2])[:_LONGEST] or "?"


def _endings(of: Fields) -> Iterator[str]:
    for name in of.names():
        found = _ENDING.search(name[-100:].lower())
        if found and not found[1].isdigit():
            yield found[1]
