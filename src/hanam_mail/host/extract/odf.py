"""ODT, ODS, ODP and their flat forms (OASIS OpenDocument 1.3): text, notes, page margins, sheet names, properties."""

from collections.abc import Iterator
from functools import partial

from hanam_mail.host.extract import xml_reader
from hanam_mail.host.extract.work import End, Refused, Work
from hanam_mail.host.extract.xml_reader import XmlAttributes
from hanam_mail.host.extract.zips import Parts

_LINES = {"p", "h", "line-break", "table-row", "list-item"}
_APART = {"table-cell", "tab", "s"}
# Text is below these; elsewhere stand scripts, fonts and styles.
_BODIES = {"body", "master-styles"}
_PROPERTIES = {"title", "subject", "description", "keyword", "initial-creator", "creator", "user-defined"}


def read(parts: Parts, work: Work) -> None:
    """What the file says of itself, which is short; the body; margins of pages and objects."""
    encrypted: list[str] = []
    parts.each(r"META-INF/manifest\.xml", partial(_find_encrypted, found=encrypted))
    if encrypted:
        raise Refused(End.ENCRYPTED)
    parts.each(r"meta\.xml", partial(read_flat, work=work))
    parts.each(r"content\.xml", partial(read_flat, work=work), body=True)
    for pattern in (r"styles\.xml", r"Object [^/]*/content\.xml"):
        parts.each(pattern, partial(read_flat, work=work))


def read_flat(chunks: Iterator[bytes], work: Work) -> None:
    """One part, or a whole document in one XML file."""
    body, meta, inside = 0, 0, ""
    pieces: list[str] = []

    def begin(name: str, attributes: XmlAttributes) -> None:
        nonlocal body, meta, inside
        body += name in _BODIES
        meta += name == "meta"
        if meta and not body:
            inside = name
            pieces.clear()
        elif body:
            if name in _APART:
                work.add("\t")
            elif name in ("table", "page") and (title := attributes.get("table:name") or attributes.get("draw:name")):
                work.add(f"{title}\n")

    def end(name: str) -> None:
        nonlocal body, meta, inside
        if meta and not body and name == inside and name in _PROPERTIES:
            work.add_property("".join(pieces))
        elif body and name in _LINES:
            work.add("\n")
        body -= name in _BODIES
        meta -= name == "meta"
        inside = ""

    def text(text: str) -> None:
        if body:
            work.add(text)
        elif meta and len(pieces) < 1000:
            pieces.append(text)

    xml_reader.read(chunks, begin, end, text)


def _find_encrypted(chunks: Iterator[bytes], found: list[str]) -> None:
    def begin(name: str, _: XmlAttributes) -> None:
        if name == "encryption-data":
            found[:] = [name]

    xml_reader.read(chunks, begin, lambda _: None, lambda _: None)
