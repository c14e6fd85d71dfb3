"""What the scanner cannot read is refused (Đ4.2, Đ10.6), and ordinary mail passes.

It cannot read what is packed in a way it does not know, or encoded so that two programs read two things.
"""

import base64
import email
import io
import smtplib
import time
import zipfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage, MIMEPart
from email.mime.message import MIMEMessage
from email.utils import formatdate
from functools import partial

import openpyxl
import pytest

from tests import office_macros
from tests.containers import (
    EICAR,
    PAYLOAD,
    UNKNOWN,
    by_its_program,
    closed_zip,
    encrypted_odf,
    encrypted_ooxml,
    rar5,
    tarred,
    together,
    zipped,
    zstandard,
)
from tests.forged_zips import CONTRADICTIONS, streamed
from tests.lab import Lab, Sample, at_once, message

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu10]

STRANGER = "nguoi.gui@client.example"

HEAD = f"From: {STRANGER}\nTo: %s\nSubject: thu\nMessage-ID: <thu@client.example>\nMIME-Version: 1.0\n"
HEAD += f"Date: {formatdate(localtime=True)}\n"


def answers(lab: Lab, recipient: Sample, messages: dict[str, bytes]) -> dict[str, tuple[int, str]]:
    """What the door of the world answers to each, four at a time."""

    def bring(content: bytes) -> tuple[int, str]:
        with lab.smtp() as client:
            try:
                client.sendmail(STRANGER, [recipient.address], content)
            except smtplib.SMTPResponseException as refusal:
                answer = refusal.smtp_error
                return refusal.smtp_code, answer.decode("ascii") if isinstance(answer, bytes) else answer
        return 250, ""

    names = list(messages)
    found: dict[str, tuple[int, str]] = {}
    for first in range(0, len(names), 4):
        some = names[first : first + 4]
        found |= zip(some, at_once(*(partial(bring, messages[name]) for name in some)), strict=True)
    return found


def taken(found: dict[str, tuple[int, str]], text: str) -> dict[str, tuple[int, str]]:
    """Those that were not refused for good, and with this text."""
    return {name: answer for name, answer in found.items() if answer[0] != 554 or text not in answer[1]}


def with_file(recipient: Sample, content: bytes, name: str = "công văn.doc") -> EmailMessage:
    mail = message(STRANGER, recipient.address)
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail


# --- what the scanner cannot unpack ---


def test_what_the_scanner_cannot_unpack_is_refused_whatever_its_name(lab: Lab, recipient: Sample) -> None:
    kinds = (
        "rar4", "rar5", "rar behind a program", "zst", "tar.zst", "lz4", "lz", "lzma", "lrzip", "zpaq", "wim", "ar",
        "lzma.zip", "7z", "deflate.7z", "7z behind a program",
    )  # fmt: skip
    contradictions = ("no sizes in the head", "a longer name in the directory", "no end", "stream behind a picture")
    files = {kind: UNKNOWN[kind] for kind in kinds} | {kind: CONTRADICTIONS[kind] for kind in contradictions}
    messages = {kind: with_file(recipient, content).as_bytes() for kind, content in files.items()}
    # Its name is all that tells Brotli.
    brotli = by_its_program("brotli")
    messages["br"] = with_file(recipient, brotli, "Hồ sơ.TAR.BR").as_bytes()
    messages["br in zip"] = with_file(recipient, zipped(brotli, "a.br")).as_bytes()
    inner = with_file(recipient, zipped(tarred(rar5(PAYLOAD), "a.doc"), "b.doc"))
    outer = message(STRANGER, recipient.address)
    outer.add_attachment(inner)
    messages["rar in tar in zip in an attached message"] = outer.as_bytes()
    # A file that starts as music does is not looked at by the scanner, whatever follows.
    messages["rar behind music"] = with_file(recipient, b"ID3" + rar5(PAYLOAD), "a.rar").as_bytes()
    assert taken(answers(lab, recipient, messages), "khong quet virus duoc, xin dung ZIP") == {}
    virus = {"zip behind music": with_file(recipient, b"ID3" + zipped(EICAR), "a.zip").as_bytes()}
    assert taken(answers(lab, recipient, virus), "Thu co virus") == {}


def test_what_the_scanner_cannot_unpack_does_not_leave_either(lab: Lab, sender: Sample, recipient: Sample) -> None:
    mail = message(sender.address, recipient.address)
    mail.add_attachment(zstandard(PAYLOAD), maintype="text", subtype="plain", filename="a.txt")
    with lab.submission(sender.address, sender.password) as client, pytest.raises(smtplib.SMTPDataError) as refusal:
        client.sendmail(sender.address, [recipient.address], mail.as_bytes())
    assert b"khong quet virus duoc, xin dung ZIP" in refusal.value.smtp_error


def test_ordinary_attachments_arrive_and_an_office_document_with_a_password_or_macros_is_marked(
    lab: Lab, recipient: Sample
) -> None:
    sheet = io.BytesIO()
    openpyxl.Workbook().save(sheet)
    mail = with_file(recipient, sheet.getvalue(), "Bảng.xlsx")
    for archive in (zipped(sheet.getvalue(), "Bảng.xlsx"), streamed(sheet.getvalue(), "a.xlsx")):
        mail.add_attachment(archive, maintype="application", subtype="zip", filename="b.zip")
    mail.add_attachment(
        b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40, maintype="image", subtype="jpeg", filename="c.jpg"
    )
    mail.add_attachment(
        b"0\x82\x01\x00" + bytes(256), maintype="application", subtype="pkcs7-signature", filename="smime.p7s"
    )
    mail.add_attachment(message(STRANGER, STRANGER, subject="Chuyển tiếp"))
    marked = {
        "": mail,
        "encrypted": with_file(recipient, encrypted_ooxml(), "Mật.docx"),
        "encrypted ": with_file(recipient, encrypted_odf(), "Mật.odt"),
        "macros": with_file(recipient, zipped(office_macros.docm(), "Báo cáo.docm"), "Báo cáo.zip"),
        "macros ": with_file(recipient, office_macros.doc(), "Báo cáo.doc"),
    }
    found = answers(lab, recipient, {mark: letter.as_bytes() for mark, letter in marked.items()})
    assert found == dict.fromkeys(marked, (250, ""))
    for mark, letter in marked.items():
        arrived = email.message_from_bytes(lab.wait_for_message(recipient, str(letter["Subject"])))
        assert (arrived["X-Hanam-Attachment"] or "") == mark.strip()


def test_closed_document_hides_nothing_beside_it_that_is_refused(lab: Lab, recipient: Sample) -> None:
    deep = zipped(b"a", "a.txt")
    for _ in range(20):
        deep = zipped(deep, "a.zip")
    # Of several suspicions the scanner reports any: eight times, so that chance does not decide.
    for other, text in ((closed_zip(PAYLOAD), "dat mat khau"), (deep, "qua nhieu lop")):
        archives = {str(number): together(other, encrypted_ooxml(), str(number)) for number in range(8)}
        letters = {name: with_file(recipient, content, "a.zip").as_bytes() for name, content in archives.items()}
        assert taken(answers(lab, recipient, letters), text) == {}


# --- programs ---


def test_programs_are_refused_at_every_depth_and_a_virus_in_one_is_told_as_such(lab: Lab, recipient: Sample) -> None:
    program = b"MZ" + bytes(3000)
    inner = with_file(recipient, zipped(program, "hoa don.pdf.scr"), "a.zip")
    outer = message(STRANGER, recipient.address)
    outer.add_attachment(inner)
    letters = {
        "alone": with_file(recipient, program, "Hóa đơn.EXE"),
        "hyphen": with_file(recipient, b"<a/>" * 50, "a.appref-ms"),
        "shortcut": with_file(recipient, b"L\0\0\0" + bytes(300), "Hóa đơn.lnk"),
        "shortcut in a zip": with_file(recipient, zipped(b"[InternetShortcut]\n" * 9, "xem.url"), "a.zip"),
        "disk image": with_file(recipient, bytes(4096), "tai lieu.iso"),
        "disk image in a zip": with_file(recipient, zipped(bytes(4096), "tai lieu.img"), "a.zip"),
        "in a tar": with_file(recipient, tarred(program, "d/a.exe"), "a.tar"),
        "in a zip in a zip": with_file(recipient, zipped(zipped(program, "d/a.exe"), "b.zip"), "a.zip"),
        "script in a zip": with_file(recipient, zipped(b"var a = 1;" * 50, "hoa don.js"), "a.zip"),
        "in an attached message": outer,
        "under another name": with_file(recipient, zipped(office_macros.PROGRAM, "bao cao.txt"), "a.zip"),
    }
    found = answers(lab, recipient, {name: mail.as_bytes() for name, mail in letters.items()})
    assert taken(found, "Tep dinh kem la chuong trinh") == {}
    two = (
        with_file(recipient, program, "a.txt")
        .as_bytes()
        .replace(b'filename="a.txt"', b"filename=a.txt; filename*=''a%2Eexe")
    )
    assert taken(answers(lab, recipient, {"two names": two}), "Tep dinh kem la chuong trinh") == {}
    virus = {"virus": with_file(recipient, zipped(zipped(EICAR, "a.exe"), "b.zip"), "a.zip").as_bytes()}
    assert taken(answers(lab, recipient, virus), "Thu co virus") == {}


def test_pictures_with_names_of_domains_and_saved_pages_arrive(lab: Lab, recipient: Sample) -> None:
    page = io.BytesIO()
    with zipfile.ZipFile(page, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trang.html", "<p>Kính gửi</p>" * 20)
        archive.writestr("trang_files/a.js", "var a = 1;" * 20)
    mail = with_file(recipient, page.getvalue(), "trang.zip")
    mail.add_attachment(
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, maintype="image", subtype="png", filename="logo-facebook.com"
    )
    assert answers(lab, recipient, {"": mail.as_bytes()}) == {"": (250, "")}
    assert b"\nX-Spam: Yes" not in lab.wait_for_message(recipient, str(mail["Subject"]))


# --- encodings ---


def leaf(*fields: str) -> str:
    """A part with these header fields, and the virus in uuencode without its first line."""
    body = "".join(chr(32 + len(EICAR[at : at + 45])) + _uu(EICAR[at : at + 45]) + "\n" for at in (0, 45))
    return "".join(f"{field}\n" for field in fields) + f"\n{body}"


def _uu(data: bytes) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = base64.b64encode(data.ljust(-len(data) % 3 + len(data), b"\0")).decode()
    return "".join(chr(32 + alphabet.index(letter)) for letter in text)


def mixed(part: str, mark: str = "b") -> str:
    return f'Content-Type: multipart/mixed; boundary="{mark}"\n\n--{mark}\n\nKinh gui\n--{mark}\n{part}\n--{mark}--\n'


CTE = "Content-Transfer-Encoding"
FILE = 'Content-Type: application/octet-stream; name="e.com"'

ODD_FIELDS: dict[str, list[str]] = {
    **{
        name: [FILE, f"{CTE}: {name}"]
        for name in ("x-uue", "uue", "uuencode", "x-uuencode", "X-UUE", "yenc", "base64;", "")
    },
    "comment before": [FILE, f"{CTE}: (base64) x-uue"],
    "comment behind": [FILE, f"{CTE}: base64 (x-uue)"],
    "blank before the colon": [FILE, f"{CTE} : x-uue"],
    "folded": [FILE, f"{CTE}:\n\tx-uue"],
    "other case": [FILE, "cONTENT-tRANSFER-eNCODING:x-uue"],
    "two of them": [FILE, f"{CTE}: 7bit", f"{CTE}: base64"],
    "two types": ["Content-Type: text/plain", FILE],
    "a piece of a message": ['Content-Type: message/partial; id="a"; number=1; total=2'],
    "a piece, with comments": ['Content-Type: (a (b)) Message (c) /\n (d) Partial ; id="a"; number=1; total=2'],
    "content elsewhere": ['Content-Type: message/external-body; access-type=URL; URL="http://client.example/e.com"'],
}


def in_base64(entity: str) -> str:
    """An attached message that is encoded itself."""
    return f"Content-Type: message/rfc822\n{CTE}: base64\n\n" + base64.encodebytes(entity.encode()).decode()


@pytest.fixture
def odd_messages(recipient: Sample) -> Iterator[dict[str, bytes]]:
    head = HEAD % recipient.address
    messages = {name: head + mixed(leaf(*fields)) for name, fields in ODD_FIELDS.items()}
    one = leaf(*ODD_FIELDS["x-uue"])
    messages |= {
        "of the whole message": head + one,
        "deep": head + mixed(mixed(mixed(one, "d"), "c")),
        "in an attached message": head + mixed(f"Content-Type: message/rfc822\n\n{mixed(one, 'c')}"),
        "in an encoded message": head + mixed(in_base64(HEAD % STRANGER + mixed(one, "c"))),
        "in an encoded message in another": head
        + mixed(in_base64("Subject: a\n" + mixed(in_base64("Subject: b\n" + one), "c"))),
    }
    yield {name: text.encode() for name, text in messages.items()}


def test_an_encoding_that_the_standard_does_not_know_is_refused(
    lab: Lab, recipient: Sample, odd_messages: dict[str, bytes]
) -> None:
    assert taken(answers(lab, recipient, odd_messages), "Cau truc (MIME)") == {}


def test_encodings_of_the_standard_pass_in_any_case(lab: Lab, recipient: Sample) -> None:
    names = ("7BIT", "8bit", "Binary", "Quoted-Printable", "BASE64  ", "\n quoted-printable")
    letters = {name: mixed(f"Content-Type: text/plain\n{CTE}: {name}\n\nVGhhbiBhaQ==\n") for name in names}
    found = answers(
        lab, recipient, {name: (HEAD % recipient.address + text).encode() for name, text in letters.items()}
    )
    assert {name: answer for name, answer in found.items() if answer[0] != 250} == {}


# --- what keeps programs busy ---


def parts(count: int) -> str:
    """A container of so many parts, itself among them."""
    return 'Content-Type: multipart/mixed; boundary="b"\n\n' + "--b\n\na\n" * (count - 1) + "--b--\n"


def containers(count: int) -> str:
    text = leaf()
    for number in range(count):
        text = mixed(text, f"b{number}x")
    return text


def html(levels: int) -> str:
    return (
        "Content-Type: text/html\n\n<html><body>" + "<div>\n" * levels + "a" + "</div>\n" * levels + "</body></html>\n"
    )


def html_in(alphabet: str, entity: str) -> str:
    body = entity.split("\n\n", 1)[1].encode(alphabet)
    # Python leaves these letters of UTF-7 as they are; who hides them does not.
    body = body.replace(b"<", b"+ADw-") if alphabet == "utf-7" else body
    content = base64.encodebytes(body).decode()
    return f"Content-Type: text/html; charset={alphabet}\n{CTE}: base64\n\n{content}"


def an_honest_letter_passes(lab: Lab, recipient: Sample) -> None:
    mail = message(STRANGER, recipient.address)
    assert answers(lab, recipient, {"": mail.as_bytes()}) == {"": (250, "")}
    lab.wait_for_message(recipient, str(mail["Subject"]))


@pytest.mark.usefixtures("daemons_stay")
def test_messages_that_keep_programs_busy_are_refused(lab: Lab, recipient: Sample) -> None:
    head = HEAD % recipient.address
    limits = {"parts": lab.variables["rspamd_mime_parts_limit"], "levels": lab.variables["rspamd_mime_levels_limit"]}
    messages = {
        "parts": parts(limits["parts"] + 1),
        "20,000 parts": parts(20_000),
        "levels": containers(limits["levels"] + 1),
        "messages in messages": "Content-Type: message/rfc822\n\n" * (limits["levels"] + 1) + "\na\n",
        # Rspamd reads no more than 64.
        "containers side by side": 'Content-Type: multipart/mixed; boundary="b"\n\n'
        + "".join(f"--b\n{containers(1)}" for _ in range(80))
        + "--b--\n",
        "html": html(20_000),
        **{f"html in {alphabet}": html_in(alphabet, html(20_000)) for alphabet in ("utf-16", "utf-16le", "utf-7")},
        "html in an attached message": mixed(f"Content-Type: message/rfc822\n\n{html(20_000)}"),
        "html in parts": 'Content-Type: multipart/mixed; boundary="b"\n\n'
        + "".join(f"--b\n{html(900)}" for _ in range(3))
        + "--b--\n",
    }
    found = answers(lab, recipient, {name: (head + text).encode() for name, text in messages.items()})
    assert {name: answer for name, answer in found.items() if answer[0] != 554} == {}
    at_the_limit = {"parts": parts(limits["parts"]), "levels": containers(10), "html": html(500)}
    found = answers(lab, recipient, {name: (head + text).encode() for name, text in at_the_limit.items()})
    assert {name: answer for name, answer in found.items() if answer[0] != 250} == {}
    an_honest_letter_passes(lab, recipient)


def hostile_octets(head: str) -> dict[str, str]:
    """Octets that a search which starts anew at each of them never ends with. The mail server takes 100 kB a field."""
    many, blanks = 90_000, " " * 90_000
    fields = {
        "signature of blanks": f"DKIM-Signature: v{blanks}v",
        "signature with a value of blanks": f"DKIM-Signature: v=1{blanks}1; d=client.example; s=a; b=a",
        "open brackets in Sender": "\n".join(["Sender: " + "(" * many] * 10),
        "domains in Sender": "Sender: " + "@\u00e1.b.c" * 10_000,
        "encoded domains in Sender": "Sender: " + f"@xn--{'a' * 58}" * 1_400,
        "mailbox without a domain": "\n".join(["X-Forwarded-For: " + "a" * many] * 10),
        "mailbox with a domain of dots": f"Delivered-To: {'a' * (many // 2)}@{'.' * (many // 2)}",
        "many short mailboxes": "\n".join(["X-Forwarded-For: " + "a" * 900] * 1_000),
    }
    texts = {
        "type of brackets": "Content-Type: " + "(" * 500_000 + ")" * 500_000,
        "type of pairs of brackets": "Content-Type: " + "()" * 500_000,
        "type of open brackets": "Content-Type: " + "(" * 1_000_000,
        "encoding of blanks": f"{CTE}: 7bit{' ' * 500_000}x",
        "encoding of nothing but blanks": f"{CTE}: {' ' * 500_000}",
        "types": "Content-Type: a\n" * 60_000,
    }
    return {name: f"{field}\n{head}\na\n" for name, field in fields.items()} | {
        name: f"{head}\na\n{text}\n" for name, text in texts.items()
    }


@pytest.mark.usefixtures("daemons_stay")
def test_no_octets_keep_the_filter_busy(lab: Lab, recipient: Sample) -> None:
    """A worker that looks for something in Lua is stopped by nothing, and there are two."""
    slow = {}
    for name, text in hostile_octets(HEAD % recipient.address).items():
        began = time.monotonic()
        try:
            answer = answers(lab, recipient, {name: text.encode()})[name]
        except (OSError, smtplib.SMTPException) as error:
            answer = (0, repr(error))
        seconds = time.monotonic() - began
        if answer[0] not in (250, 554) or seconds > 60:
            slow[name] = (round(seconds), *answer)
    assert slow == {}
    an_honest_letter_passes(lab, recipient)


# --- what counts as an attachment (Đ8.1b) ---


def _lines(size: int) -> str:
    return ("a" * 76 + "\n") * (size // 77 + 1)


def uuencoded_in_the_letter(mail: EmailMessage, size: int) -> None:
    line = "M" + "`" * 60 + "\n"
    mail.set_content(f"Kinh gui\nbegin 644 a.bin\n{line * (size // 45 + 1)}`\nend\n", cte="7bit")


def second_text_without_a_name(mail: EmailMessage, size: int) -> None:
    mail.make_mixed()
    part = MIMEPart()
    part.set_content(_lines(size), cte="7bit")
    mail.attach(part)


def text_of_an_attached_message(mail: EmailMessage, size: int) -> None:
    mail.make_mixed()
    inner = message(STRANGER, STRANGER)
    inner.set_content(_lines(size), cte="7bit")
    mail.attach(MIMEMessage(inner))


@pytest.mark.dieu8
def test_attachments_of_every_form_count(lab: Lab, sender: Sample, recipient: Sample) -> None:
    def answer(hide: Callable[[EmailMessage, int], None]) -> bytes:
        mail = message(sender.address, recipient.address)
        hide(mail, lab.variables["regulation_attachment_limit_bytes"] + 100)
        with lab.submission(sender.address, sender.password) as client, pytest.raises(smtplib.SMTPDataError) as refusal:
            client.sendmail(sender.address, [recipient.address], mail.as_bytes())
        return bytes(refusal.value.smtp_error)  # type: ignore[arg-type]

    forms = (uuencoded_in_the_letter, second_text_without_a_name, text_of_an_attached_message)
    for text in at_once(*(partial(answer, form) for form in forms)):
        assert b"vuot qua 20 MB" in text
