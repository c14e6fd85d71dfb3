"""What is noted about a message, whoever sends it, and decides nothing (Đ3.4): the encoding from before Unicode that it
is written in, and what kinds of files go with it.

The services that the filter asks about mail say it: mail_auth about what comes from outside, secrecy about what our
people send. So nobody is asked a second time, and no text is carried anywhere for it.
"""

import math
import re
import threading
import time
import traceback

from hanam_mail.host.secrecy import fields, mime, pages
from hanam_mail.host.secrecy.fields import HeadFields
from hanam_mail.host.secrecy.mime import Part
from hanam_mail.host.service import say
from hanam_mail.regulation import legacy_texts

# Somebody waits for an answer that is complete without this, and the next ones for the processor: so long it may take,
# and look at so many parts. What was found until then is told.
SECONDS, MOST_PARTS = 0.5, 300
# All threads share one processor: so many messages are looked at at once. The next one waits its turn for as long as
# many honest ones need, or goes on without. Operators are told of such ones so often.
AT_ONCE, TURN_SECONDS, TOLD_SECONDS = 2, 0.1, 60.0
# Octets of all texts of a message together, as they came, that are looked at; kinds of files that are told.
MOST_OCTETS, MOST_KINDS = 64 * 1024, 50
_LONGEST = 40
SUBJECT, BODY = "subject", "body"

_PAGES = ("text/html", "application/xhtml+xml")
# Behind the last dot, letters and digits alone; what Windows drops of a name's end is no part of it.
_ENDING = re.compile(r"\.([a-z0-9]{1,10})[\s.]*$")
# What stands behind these is a place or a person: "Hop voi TP.HCM".
_ABBREVIATED = re.compile(r"(?:^|[\W_])(?:tp|tx|gs|pgs|ts|ths)$")
# Endings of each type, the first of them for files that have no name. A name's ending counts where it is one of these:
# programs name what they attach by a subject as well ("CV 12.UBND").
_ENDINGS_OF_TYPES = """
application/gzip=gz,tgz application/x-gzip=gz,tgz application/json=json application/msword=doc,dot
application/pdf=pdf application/pkcs7-mime=p7m,p7s,p7c application/x-pkcs7-mime=p7m,p7s,p7c
application/pkcs7-signature=p7s application/x-pkcs7-signature=p7s application/rtf=rtf,doc
application/vnd.ms-excel=xls,xlt,xlw,xla,xlsx,xlsb,csv application/vnd.ms-outlook=msg
application/vnd.ms-powerpoint=ppt,pps,pot,pptx application/vnd.oasis.opendocument.graphics=odg
application/vnd.oasis.opendocument.presentation=odp application/vnd.oasis.opendocument.spreadsheet=ods
application/vnd.oasis.opendocument.text=odt
application/vnd.openxmlformats-officedocument.presentationml.presentation=pptx
application/vnd.openxmlformats-officedocument.presentationml.slideshow=ppsx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet=xlsx
application/vnd.openxmlformats-officedocument.wordprocessingml.document=docx
application/vnd.openxmlformats-officedocument.wordprocessingml.template=dotx
application/xhtml+xml=html,htm,xhtml application/xml=xml,kml,xsd,xsl text/xml=xml,kml,xsd,xsl
application/zip=zip,docx,xlsx,pptx,odt,ods,odp,kmz,apk,jar
application/x-zip-compressed=zip,docx,xlsx,pptx,odt,ods,odp,kmz,apk,jar application/x-zip=zip,kmz
application/x-7z-compressed=7z application/x-rar-compressed=rar application/vnd.rar=rar application/x-rar=rar
application/x-tar=tar audio/mpeg=mp3,mpga audio/mp4=m4a,mp4 audio/x-m4a=m4a audio/aac=aac audio/wav=wav
audio/x-wav=wav audio/x-ms-wma=wma image/bmp=bmp image/gif=gif image/jpeg=jpg,jpeg,jpe,jfif image/pjpeg=jpg,jpeg
image/jpg=jpg,jpeg image/png=png image/svg+xml=svg image/tiff=tif,tiff message/global=eml message/news=eml
message/rfc822=eml text/calendar=ics text/csv=csv text/html=html,htm,xhtml,mht text/rtf=rtf text/vcard=vcf
text/x-vcard=vcf video/mp4=mp4,m4v video/mpeg=mpg,mpeg,mpe video/quicktime=mov,qt video/x-ms-wmv=wmv
video/x-msvideo=avi
"""
_OF_TYPE = {kind: each.split(",") for kind, each in (pair.split("=") for pair in _ENDINGS_OF_TYPES.split())}
# Octets of any kind, as programs call what they know nothing of.
_UNKNOWN = "application/octet-stream"


def noted(content: bytes, until: float = math.inf) -> dict[str, object]:
    """`charset`: "TCVN3 in subject, body", or ""; `files`: endings of attached files, each once, in small letters.

    What is not found by the moment `until` (monotonic), or in SECONDS, is not told. Whatever a message is, this is no
    reason to keep it: a fault is told to the operator, and nothing is noted. Nor is it where others keep this busy.
    """
    nothing: dict[str, object] = {"charset": "", "files": []}
    if not _TURNS.take(until):
        return nothing
    try:
        look = _Look(min(until, time.monotonic() + SECONDS))
        look.at(content)
        return {"charset": look.charset, "files": list(look.kinds)[:MOST_KINDS]}
    except Exception:
        said = traceback.format_exc().replace("\n", " | ")
        say(4, f"nothing is noted about a message: {said}")
        return nothing
    finally:
        _TURNS.give_back()


class _Turns:
    """Of messages that are looked at."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._count = threading.Lock()
        self._passed, self._told = 0, -math.inf

    def take(self, until: float) -> bool:
        """Whether one came in time, and by the moment `until`; then it must be given back."""
        now = time.monotonic()
        if self._free.acquire(timeout=max(0.0, min(TURN_SECONDS, until - now))):
            return True
        with self._count:
            self._passed += 1
            if now - self._told < TOLD_SECONDS:
                return False
            number, self._passed, self._told = self._passed, 0, now
        say(5, f"nothing is noted about {number} messages: too many came at once")
        return False

    def give_back(self) -> None:
        """For the next one."""
        self._free.release()


_TURNS = _Turns()


class _Look:
    """At one message."""

    def __init__(self, until: float) -> None:
        self._until = until
        self._left = MOST_OCTETS
        self._found: dict[str, dict[str, None]] = {}
        self.kinds: dict[str, None] = {}

    @property
    def charset(self) -> str:
        """Encodings with their places."""
        return "; ".join(f"{encoding} in {', '.join(places)}" for encoding, places in self._found.items())

    def at(self, content: bytes) -> None:
        """Its parts, as many as there is time for. What lies in a message that is sent along is another's."""
        try:
            for number, part in enumerate(mime.parts(content, self._most, unpack=False, until=self._until)):
                if number >= MOST_PARTS:
                    break
                self._part(part)
        except (mime.TooManyParts, mime.Late, pages.TooManyTags):
            pass

    def _most(self, of: HeadFields) -> int:
        return self._left if _is_text(of) else 0

    def _part(self, part: Part) -> None:
        if part.begins:
            self._text(SUBJECT, _subject(part.fields.first("subject")))
        if part.content:
            self._left = max(0, self._left - len(part.content))
            self._text(BODY, _body(part))
        if _is_file(part) and (kind := _kind(part.fields)):
            self.kinds[kind] = None

    def _text(self, place: str, text: str) -> None:
        if encoding := legacy_texts.encoding_of(text):
            self._found.setdefault(encoding, {})[place] = None


# --- texts ---


def _is_text(of: HeadFields) -> bool:
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


def _is_file(part: Part) -> bool:
    """Named, said to be attached, or neither text nor what belongs to the message's own structure.

    Of a page's parts only what is said to be attached: others are what the page shows, and what programs keep of it for
    themselves (oledata.mso).
    """
    of = part.fields
    main = of.kind.partition("/")[0]
    if main == "multipart":
        return False
    if part.related:
        return of.says_attached
    return of.is_attachment or main not in ("text", "message") or of.kind in mime.MESSAGES


def _kind(of: HeadFields) -> str:
    """The ending of its name, where its type has that or is none that we know; else of its type, or the type's second
    word. "" where neither says anything.
    """
    known = _OF_TYPE.get(of.kind, ())
    for name in of.names():
        ending = _ending(name)
        if ending and (not known or ending in known):
            return ending
    if known:
        return known[0]
    if of.kind == "text/plain":
        return "txt"
    return "" if of.kind == _UNKNOWN else re.sub("[^a-z0-9.+-]", "", of.kind.partition("/")[2])[:_LONGEST]


def _ending(name: str) -> str:
    """In small letters, "" for none. A number is none ("Phụ lục 1.2")."""
    small = name[-100:].lower()
    found = _ENDING.search(small)
    if not found or found[1].isdigit() or _ABBREVIATED.search(small[: found.start()]):
        return ""
    return found[1]
