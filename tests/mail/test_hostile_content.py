"""No octets and no structure of a message hide a virus, and none stops the mail (Đ4.2, Đ10.2, Đ10.6).

What two programs read differently the scanner may take for harmless text, and the receiver's program for the virus.
"""

import base64
import binascii
import quopri

import pytest

from tests import journal
from tests.containers import EICAR, PAYLOAD
from tests.lab import Lab, Sample
from tests.mail.hostile import answers, differing, letter

pytestmark = [
    pytest.mark.dieu4,
    pytest.mark.dieu10,
    pytest.mark.usefixtures("daemons_stay"),
    pytest.mark.provokes(journal.BAD_CLIENTS),
]

ENCODED = base64.encodebytes(PAYLOAD).replace(b"\n", b"\r\n")
TYPE = b'Content-Type: application/octet-stream; name="e.com"\r\n'
ENCODING = b"Content-Transfer-Encoding: base64\r\n"
VIRUS = TYPE + ENCODING + b"\r\n" + ENCODED
TEXT = b"Content-Type: text/plain\r\n\r\nKinh gui\r\n"


def message(recipient: Sample, name: str, head: bytes, body: bytes) -> bytes:
    return letter(recipient.address, name, head=b"MIME-Version: 1.0\r\n" + head, body=body)


def parts(*contents: bytes, mark: bytes = b"bien", last: bytes | None = None) -> bytes:
    """Parts between lines of that boundary."""
    end = b"\r\n--" + mark + b"--\r\n" if last is None else last
    return b"".join(b"\r\n--" + mark + b"\r\n" + content for content in contents) + end


def mixed(parameters: bytes = b'boundary="bien"', *, kind: bytes = b"multipart/mixed") -> bytes:
    return b"Content-Type: " + kind + b"; " + parameters + b"\r\n"


# --- octets that no text has ---

OCTETS = {
    "NUL": b"a\0b",
    "many NULs": b"\0" * 10_000,
    "overlong": b"\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf",
    "surrogates": b"\xed\xa0\x80 \xed\xbf\xbf",
    "beyond the last letter": b"\xf4\x90\x80\x80\xff\xfe",
    "cut off": b"\xc4\xe1\xbb",
    "marks of direction": "\u202e\u2066moc.exe\u2069".encode(),
    "ten thousand accents": b"a" + "\u0301".encode() * 10_000,
    "carriage returns": b"a\rb\r\rc",
    "escapes": b"\x1b[2J\x1b]0;a\x07\x7f\x08",
}
PLACES = ("fields", "file name", "text")


def with_octets(recipient: Sample, place: str, name: str, attached: bytes) -> bytes:
    octets = OCTETS[name]
    fields = b"X-Subject: " + octets + b"\r\nComments: " + octets + b"\r\n" if place == "fields" else b""
    file = b'Content-Disposition: attachment; filename="%s.com"\r\n' % octets if place == "file name" else b""
    text = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + (octets if place == "text" else b"Kinh gui")
    return message(recipient, f"{place} {name}", fields + mixed(), parts(text, file + attached))


@pytest.mark.parametrize("place", PLACES)
def test_octets_that_no_text_has_hide_no_virus_and_can_be_read(lab: Lab, recipient: Sample, place: str) -> None:
    infected = {name: with_octets(recipient, place, name, VIRUS) for name in OCTETS}
    assert differing(answers(lab, recipient, infected), "554", "Thu co virus") == {}
    harmless = {name: with_octets(recipient, place, name, TYPE + b"\r\nKinh gui\r\n") for name in OCTETS}
    found = answers(lab, recipient, harmless)
    assert differing(found, "250").keys() <= ({"marks of direction"} if place == "file name" else set())
    with lab.imap(recipient.address, recipient.password) as client:
        client.select("INBOX", readonly=True)
        status, fetched = client.fetch("1:*", "(ENVELOPE BODYSTRUCTURE BODY.PEEK[])")
    contents = [part[1] for part in fetched if isinstance(part, tuple)]
    assert status == "OK"
    assert not [content for content in contents if b"\0" in content or b"\r" in content.replace(b"\r\n", b"")]


NUL_FIELDS = {
    "in the encoding": (mixed(), parts(TYPE + b"Content-Transfer-Encoding: base\x0064\r\n\r\n" + ENCODED)),
    "in the encoding's name": (mixed(), parts(TYPE + b"Content-Transfer-\0Encoding: base64\r\n\r\n" + ENCODED)),
    "before the encoding": (mixed(), parts(TYPE + b"\0" + ENCODING + b"\r\n" + ENCODED)),
    "in the type": (b"Content-Type: multi\0part/mixed; boundary=bien\r\n", parts(VIRUS)),
    "in the boundary": (mixed(b'boundary="bi\0en"'), parts(VIRUS)),
    "in the boundary and its lines": (mixed(b'boundary="bi\0en"'), parts(VIRUS, mark=b"bi\0en")),
    "in the lines of the boundary": (mixed(), parts(VIRUS, mark=b"bien\0")),
    "before the lines of the boundary": (mixed(), b"\r\n\0" + parts(VIRUS)[2:]),
    "in the content": (
        mixed(),
        parts(TYPE + ENCODING + b"\r\n" + b"\0".join(ENCODED[at : at + 1] for at in range(len(ENCODED)))),
    ),
    "between head and body": (ENCODING + b"\0", b"\r\n" + ENCODED),
}


def test_a_nul_hides_no_virus_from_the_scanner_alone(lab: Lab, recipient: Sample) -> None:
    """Programs that read mail leave it out, end a text at it, or take it for a letter."""
    contents = {name: message(recipient, name, head, body) for name, (head, body) in NUL_FIELDS.items()}
    assert differing(answers(lab, recipient, contents), "554", "Thu co virus", "Cau truc (MIME)") == {}


# --- structures that two programs read differently ---


def _inner(mark: bytes, *contents: bytes) -> bytes:
    return mixed(b'boundary="' + mark + b'"') + parts(*contents, mark=mark)


STRUCTURES = {
    "inner boundary begins as the outer one": (mixed(), parts(TEXT, _inner(b"bien.hai", VIRUS))),
    "outer boundary begins as the inner one": (
        mixed(b'boundary="bien.hai"'),
        parts(TEXT, _inner(b"bien", VIRUS), mark=b"bien.hai"),
    ),
    "the same boundary within": (mixed(), parts(_inner(b"bien", VIRUS))),
    "line that only begins as the boundary": (mixed(), parts(TEXT + b"\r\n--bien.va.them\r\n", VIRUS)),
    "end that is none": (mixed(), parts(TEXT + b"\r\n--bien--them\r\n", VIRUS)),
    "behind the end": (mixed(), parts(TEXT) + parts(VIRUS)),
    "without an end": (mixed(), parts(TEXT, VIRUS, last=b"")),
    "blanks behind the boundary": (mixed(), parts(VIRUS, mark=b"bien \t ")),
    "boundary that ends in a blank": (mixed(b'boundary="bien "'), parts(VIRUS, mark=b"bien ")),
    "empty boundary": (mixed(b'boundary=""'), parts(VIRUS, mark=b"")),
    "boundary in pieces": (mixed(b'boundary*0="bi"; boundary*1="en"'), parts(VIRUS)),
    "boundary in pieces out of order": (mixed(b'boundary*1="en"; boundary*0="bi"'), parts(VIRUS)),
    "boundary with a charset": (mixed(b"boundary*=us-ascii''bi%65n"), parts(VIRUS)),
    "boundary with a comment": (mixed(b"boundary=(x)bien(y)"), parts(VIRUS)),
    "boundary with escapes": (mixed(b'boundary="bi\\en"'), parts(VIRUS)),
    "two boundaries, the first counts": (mixed(b'boundary="bien"; boundary="khac"'), parts(VIRUS)),
    "two boundaries, the last counts": (mixed(b'boundary="khac"; boundary="bien"'), parts(VIRUS)),
    "two boundaries, both used": (mixed(b'boundary="khac"; boundary="bien"'), parts(TEXT, mark=b"khac") + parts(VIRUS)),
    "boundary folded": (mixed(b'boundary=\r\n "bien"'), parts(VIRUS)),
    "boundary without a semicolon": (b'Content-Type: multipart/mixed boundary="bien"\r\n', parts(VIRUS)),
    "boundary of 1,000 letters": (mixed(b'boundary="' + b"b" * 1_000 + b'"'), parts(VIRUS, mark=b"b" * 1_000)),
    "no line before the content": (mixed(), parts(TYPE + ENCODING + ENCODED, VIRUS)),
    "line that is no field": (mixed(), parts(TYPE + b"Kinh gui\r\n" + ENCODING + b"\r\n" + ENCODED)),
    "another kind of container": (mixed(kind=b"multipart/khong-co"), parts(VIRUS)),
    "a letter that is one": (b"Content-Type: message/rfc822\r\n\r\n" + TYPE + ENCODING, ENCODED),
    "a message of the world": (b"Content-Type: message/global\r\n", VIRUS),
    "in a report": (mixed(kind=b"multipart/report"), parts(b"Content-Type: text/rfc822-headers\r\n\r\n" + VIRUS)),
    "encoded container": (mixed() + ENCODING, base64.encodebytes(parts(VIRUS))),
    "container in quoted-printable": (
        mixed() + b"Content-Transfer-Encoding: quoted-printable\r\n",
        quopri.encodestring(parts(VIRUS)),
    ),
}

_QP = b"".join(b"=%02x=\r\n" % octet for octet in EICAR)
_PADDED = b"".join(base64.b64encode(PAYLOAD[at : at + 1]) for at in range(len(PAYLOAD)))
CONTENTS = {
    "letters that are none": ENCODING + b"\r\n" + b"*".join(ENCODED[at : at + 1] for at in range(len(ENCODED))),
    "blanks": ENCODING + b"\r\n" + b" ".join(ENCODED[at : at + 1] for at in range(len(ENCODED))),
    "a letter a line": ENCODING + b"\r\n" + b"\r\n".join(ENCODED[at : at + 1] for at in range(len(ENCODED))),
    "padding at each octet": ENCODING + b"\r\n" + _PADDED,
    "padding at each octet, in lines": ENCODING
    + b"\r\n"
    + b"\r\n".join(_PADDED[at : at + 4] for at in range(0, len(_PADDED), 4)),
    "padding after a line": ENCODING
    + b"\r\n"
    + base64.b64encode(PAYLOAD[:40])
    + b"\r\n"
    + base64.b64encode(PAYLOAD[40:]),
    "without its padding": ENCODING + b"\r\n" + ENCODED.replace(b"=", b""),
    "quoted, small and broken": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + _QP,
    "quoted, blanks at the break": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    + _QP.replace(b"=\r\n", b"= \t\r\n"),
    "said to be plain": b"Content-Transfer-Encoding: 7bit\r\n\r\nbegin 644 e.com\r\n%s`\r\nend\r\n",
    "said to be quoted": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + EICAR,
    "said to be binary": b"Content-Transfer-Encoding: binary\r\n\r\n" + EICAR,
    "padding in a text with a name": b'Content-Type: text/plain; name="e.com"\r\n' + ENCODING + b"\r\n" + _PADDED,
    "said to be a picture": b"Content-Type: image/png\r\n" + ENCODING + b"\r\n" + ENCODED,
    "said to be a text in UTF-16": b"Content-Type: text/plain; charset=utf-16\r\n" + ENCODING + b"\r\n" + ENCODED,
    "said to be a text of no alphabet": b"Content-Type: text/html; charset=khong-co\r\n" + ENCODING + b"\r\n" + ENCODED,
}


def uuencoded(content: bytes) -> bytes:
    lines = (binascii.b2a_uu(content[at : at + 45], backtick=True).rstrip() for at in range(0, len(content), 45))
    return b"\r\n".join(lines) + b"\r\n"


def test_no_structure_hides_a_virus(lab: Lab, recipient: Sample) -> None:
    contents = {name: message(recipient, name, head, body) for name, (head, body) in STRUCTURES.items()}
    found = answers(lab, recipient, contents)
    assert differing(found, "554", "Thu co virus", "Cau truc (MIME)") == {}


def test_no_way_to_write_the_content_hides_a_virus(lab: Lab, recipient: Sample) -> None:
    filled = {name: part.replace(b"%s", uuencoded(PAYLOAD)) for name, part in CONTENTS.items()}
    contents = {
        name: message(recipient, name, mixed(), parts(TEXT, part if part.startswith(b"Content-Type") else TYPE + part))
        for name, part in filled.items()
    }
    # In the letter itself, where readers' programs show it as an attachment.
    body = b"Kinh gui\r\n\r\nbegin 644 e.com\r\n" + uuencoded(PAYLOAD) + b"`\r\nend\r\n"
    contents["in the letter"] = letter(recipient.address, "uu", body=body)
    found = answers(lab, recipient, contents)
    assert differing(found, "554", "Thu co virus", "Cau truc (MIME)") == {}


def test_what_lists_write_below_a_letter_in_base64_is_no_hidden_content(lab: Lab, recipient: Sample) -> None:
    text = base64.encodebytes("Kính gửi đồng chí".encode()).replace(b"\n", b"\r\n") + b"____\r\nDanh sach thu\r\n"
    content = message(recipient, "danh sach", b"Content-Type: text/plain; charset=utf-8\r\n" + ENCODING, text)
    assert differing(answers(lab, recipient, {"": content}), "250") == {}
