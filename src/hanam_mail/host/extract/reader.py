"""Any document: what kind it is, and who reads it."""

from hanam_mail.host.extract import kinds, letters, odf, ooxml, plain, programs, rtf, web_page
from hanam_mail.host.extract.kinds import Kind
from hanam_mail.host.extract.work import End, Full, Refused, Work
from hanam_mail.host.extract.zips import Parts

# Why a document is read in part alone that holds pictures, sounds or films besides.
PICTURE = "picture"
# Of what lies in an archive: these ends are of that part alone, all others of the whole.
_OF_A_PART = (End.BROKEN, End.ENCRYPTED, End.UNKNOWN)


def read(data: bytes, work: Work) -> tuple[End, str]:
    """How it ended and why; the text is the work's. Raises Refused where there is none to give."""
    cut = False
    try:
        _read(data, work)
    except Full:
        cut = True
    except RecursionError as error:
        raise Refused(End.LIMIT, "depth") from error
    if work.settle() or cut:
        return End.CUT, "text"
    return (End.PARTIAL, ", ".join(sorted(work.missed))) if work.missed else (End.WHOLE, "")


def _read(data: bytes, work: Work) -> None:
    match kinds.kind(data):
        case Kind.OOXML:
            ooxml.read(Parts(data, work), work)
        case Kind.ODF:
            odf.read(Parts(data, work), work)
        case Kind.FLAT_ODF:
            odf.read_flat(iter([data]), work)
        case Kind.ZIP:
            _archive(Parts(data, work), work)
        case Kind.PDF:
            programs.read_pdf(data, work)
        case (Kind.WORD | Kind.EXCEL | Kind.POWERPOINT) as kind:
            programs.read_old_office(data, kind, work)
        case Kind.ENCRYPTED_OFFICE:
            raise Refused(End.ENCRYPTED)
        case Kind.RTF:
            rtf.read(data, work)
        case Kind.HTML | Kind.XML:
            # Of an XML that we know nothing of, a reader that knows no entities either.
            web_page.read(data, work)
        case Kind.MAIL:
            letters.read(data, work, lambda octets: _within(octets, work))
        case Kind.TEXT:
            plain.read(data, work)
        case None:
            raise Refused(End.UNKNOWN)


def _archive(parts: Parts, work: Work) -> None:
    """Names and contents. A part that cannot be read is told of; one beyond a limit ends all."""
    names = parts.names()
    for name in names:
        work.add(f"{name}\n")
        if parts.is_encrypted(name):
            work.missed.add(End.ENCRYPTED)
            continue
        try:
            octets = parts.whole(name)
        except Refused as refused:
            if refused.end not in _OF_A_PART:
                raise
            work.missed.add(refused.end)
            continue
        _within(octets, work)
    if names and all(map(parts.is_encrypted, names)):
        raise Refused(End.ENCRYPTED)


def _within(octets: bytes, work: Work) -> None:
    """A document in another. A picture is told of as such: nobody misses a text of it."""
    if kinds.is_shown_or_heard(octets):
        work.missed.add(PICTURE)
        return
    with work.deeper():
        try:
            _read(octets, work)
        except Refused as refused:
            if refused.end not in _OF_A_PART:
                raise
            work.missed.add(refused.end)
    work.add("\n")
