"""XML without entities, document types or anything from elsewhere, in pieces as they come (expat).

A document type is refused before expat reads what it declares: no entity can be told, none of another file fetched.
"""

from collections.abc import Callable, Iterable
from xml.parsers import expat

from hanam_mail.host.extract.work import End, Refused

# Elements in each other; office documents with tables in tables have some dozens.
DEPTH = 512

type XmlAttributes = dict[str, str]


def local(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]


def read(
    chunks: Iterable[bytes],
    begin: Callable[[str, XmlAttributes], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
    most: int = DEPTH,
) -> None:
    """Call back for each element's begin and end, by its name without prefix, and for text.

    Attributes keep their prefixes. Raises Refused: what is no XML, or has a document type, is broken; depth (`most`)
    is a limit.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.buffer_size = 65536
    depth = 0

    def started(name: str, attributes: XmlAttributes) -> None:
        nonlocal depth
        depth += 1
        if depth > most:
            raise Refused(End.LIMIT, "depth")
        begin(local(name), attributes)

    def ended(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(local(name))

    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = lambda *_: 0
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = started, ended, text
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, UnicodeError, LookupError, ValueError) as error:
        raise Refused(End.BROKEN, "xml") from error


def _refuse(*_: object) -> None:
    raise Refused(End.BROKEN, "document type")
