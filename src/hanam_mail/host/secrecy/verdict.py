"""What a message of our people bears (Đ3.3): its marks with their places, and what in it nobody can read."""

import re
import time
from dataclasses import dataclass, field

from hanam_mail.host.extract import kinds
from hanam_mail.host.extract.reader import PICTURE
from hanam_mail.host.secrecy import documents, fields, marks, mime, pages, titles
from hanam_mail.host.secrecy.documents import DocumentReader, DocumentText, ExtractorAway
from hanam_mail.host.secrecy.mime import Part
from hanam_mail.host.secrecy.words import Mark

# Documents of one message that are read; what one that is read takes is the reader's to say.
MOST_DOCUMENTS = 200
# Of each kind so many are told.
_TOLD = 8
_SUBJECTS = ("subject", "thread-topic", "comments", "keywords", "content-description")
_GIVEN_BACK = re.compile(r"message/|text/rfc822-headers$")
_ENCRYPTED = re.compile(r"application/(x-)?pkcs7-mime|application/pgp-encrypted")
_DOCUMENTS = (b"PK\x03\x04", b"%PDF-", b"\xd0\xcf\x11\xe0", b"{\\rtf")
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html|body|table|div|p)\b", re.I)
Late = mime.Late


@dataclass(slots=True)
class Verdict:
    """Marks as (degree, place), in the order in which they were found; what was not read, and where."""

    marks: list[tuple[Mark, str]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)

    def mark(self, found: Mark | None, place: str) -> None:
        """Note one, if there is one."""
        if found and (found, place) not in self.marks:
            self.marks.append((found, place))

    def answer(self) -> dict[str, object]:
        """As the filter is told: ASCII, the highest degree first."""
        ordered = sorted(self.marks, key=lambda each: -each[0])[:_TOLD]
        return {
            "marks": [f"{mark.words} in {place}" for mark, place in ordered],
            "unread": [f"{place}: {why}" for why, place in self.unread[:_TOLD]],
        }


class _Message:
    """One message's looking through."""

    def __init__(self, reader: DocumentReader, until: float, *, reply: bool) -> None:
        self.verdict = Verdict()
        self._reply = reply
        self._began, self._read = time.monotonic(), 0.0
        self._reader, self._until = reader, until
        self._attachments = 0
        self._documents: list[tuple[bytes, str]] = []
        self._asked = 0
        self._limited = False

    def look(self, content: bytes) -> None:
        """At all of it, documents last, since they take time. Raises Late and ExtractorAway."""
        try:
            for part in mime.parts(content, until=self._until):
                self._part(part)
        except mime.TooManyParts:
            self.verdict.unread.append((documents.LIMIT, "message"))
        for octets, place in self._documents:
            self._document(octets, place)

    def _part(self, part: Part) -> None:
        # Of an answer that a script gave, the subject and what it gives back are the stranger's whom it answers.
        if self._reply and (part.messages or _GIVEN_BACK.match(part.fields.kind)):
            return
        of = " of an attached message" if part.messages else ""
        for value in () if self._reply and part.begins else part.fields.all(*_SUBJECTS):
            self.verdict.mark(
                titles.in_subject(fields.readable(value)), f"subject{of}" if part.begins else "description"
            )
        if not part.content and not part.fields.is_attachment:
            return
        is_text = _is_text(part)
        place = f"body{of}"
        if part.fields.is_attachment or not is_text:
            self._attachments += 1
            place = f"attachment {self._attachments}"
        for name in part.fields.names():
            self.verdict.mark(titles.in_file_name(name), f"name of {place}")
        if _ENCRYPTED.match(part.fields.kind):
            self.verdict.unread.append((documents.ENCRYPTED, place))
        elif is_text:
            self._text(part, place)
        else:
            self._documents.append((part.content, place))

    def _text(self, part: Part, place: str) -> None:
        is_page = part.fields.kind in ("text/html", "application/xhtml+xml") or bool(_PAGE.match(part.content[:1000]))
        texts = fields.decoded(part.content, part.fields.parameter("charset"))
        # Each takes four times as much memory as the part, and is let go of before the next one is made.
        while texts:
            if time.monotonic() > self._until:
                raise Late
            try:
                pieces = pages.text_of(texts.pop()) if is_page else [texts.pop()]
                while pieces:
                    self.verdict.mark(marks.in_text(pieces.pop()), place)
            except (pages.TooManyTags, marks.TooManyMarks):
                self.verdict.unread.append((documents.LIMIT, place))
        if not is_page and b"begin" in part.content:
            for number, (name, octets) in enumerate(mime.uuencoded(part.content)):
                if number >= MOST_DOCUMENTS:
                    self.verdict.unread.append((documents.LIMIT, place))
                    break
                self._attachments += 1
                self.verdict.mark(titles.in_file_name(name), f"name of attachment {self._attachments}")
                self._documents.append((octets, f"attachment {self._attachments}"))

    def _document(self, octets: bytes, place: str) -> None:
        if not octets or kinds.is_shown_or_heard(octets):
            return
        if self._asked >= MOST_DOCUMENTS:
            self.verdict.unread.append((documents.LIMIT, place))
            return
        self._asked += 1
        began = time.monotonic()
        try:
            answer = self._reader(octets, self._until)
            self._read += time.monotonic() - began
        except ExtractorAway:
            # A message whose own documents took its time would come again for ever.
            took_it = self._limited or self._read > (self._until - self._began) / 2
            if not took_it or time.monotonic() < self._until:
                raise
            answer = DocumentText(documents.LIMIT)
        self._limited = self._limited or answer.end == documents.LIMIT
        try:
            self.verdict.mark(marks.in_text(answer.text), place)
        except marks.TooManyMarks:
            self.verdict.unread.append((documents.LIMIT, place))
        if not _is_read(answer, octets):
            self.verdict.unread.append((answer.end, place))


def _is_read(answer: DocumentText, octets: bytes) -> bool:
    """Whether nothing was passed over but pictures and kinds of files that hold no documents."""
    if answer.end == documents.PARTIAL:
        return answer.reason == PICTURE
    return answer.end == documents.WHOLE or (answer.end == documents.UNKNOWN and not kinds.holds_others(octets))


def _is_text(part: Part) -> bool:
    """Whether it is read here; all else goes to the reader of documents, which looks at the octets as well."""
    kind = part.fields.kind
    if part.content.lstrip()[:8].startswith(_DOCUMENTS):
        return False
    return kind.startswith(("text/", "message/", "multipart/")) and kind not in ("text/rtf", "text/richtext")


def judge(content: bytes, reader: DocumentReader, until: float, *, reply: bool = False) -> Verdict:
    """The verdict on a message before the moment `until` (monotonic); `reply`: a script answered a stranger by itself.

    Raises Late, and ExtractorAway where nobody reads.
    """
    message = _Message(reader, until, reply=reply)
    message.look(content)
    return message.verdict
