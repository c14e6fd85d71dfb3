"""What is noted about a message: in what its text is written, and what kinds of files go with it (Đ3.4)."""

import base64
import quopri
import time
from email.message import EmailMessage
from typing import Any

import pytest
from tests import documents

from hanam_mail.host import remarks
from hanam_mail.host.secrecy import mime
from hanam_mail.regulation import legacy_texts

pytestmark = pytest.mark.dieu3

TEXT = "Kính gửi các đơn vị, đề nghị gửi báo cáo kết quả thực hiện nhiệm vụ trước ngày 15.\r\n"
WRITTEN = {
    legacy_texts.TCVN3: documents.tcvn3(TEXT),
    legacy_texts.VNI: documents.vni(TEXT),
    legacy_texts.VISCII: documents.viscii(TEXT),
    legacy_texts.WINDOWS: documents.windows_1258(TEXT),
}
CLEAN: dict[str, Any] = {"charset": "", "files": []}


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that has much else to do as well."""
    monkeypatch.setattr(remarks, "SECONDS", 60.0)


def raw(body: bytes, content_type: str = "text/plain", *, subject: bytes = b"a", encoding: str = "8bit") -> bytes:
    head = f"MIME-Version: 1.0\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return b"From: an@x.example\r\nSubject: " + subject + b"\r\n" + head.encode() + b"\r\n" + body


def attached(*names: str | None, kind: str = "application/octet-stream") -> bytes:
    mail = EmailMessage()
    mail["Subject"] = "a"
    mail.set_content("Kính gửi\n")
    maintype, subtype = kind.split("/")
    for name in names:
        mail.add_attachment(b"\x00\x01", maintype=maintype, subtype=subtype, filename=name)
    return mail.as_bytes()


# --- in what it is written ---


@pytest.mark.parametrize(
    "said", ["", "; charset=us-ascii", "; charset=iso-8859-1", "; charset=utf-8", "; charset=x-no"]
)
@pytest.mark.parametrize("encoding", WRITTEN)
def test_a_text_in_each_encoding_is_noted_whatever_it_says_of_itself(encoding: str, said: str) -> None:
    body = WRITTEN[encoding]
    for octets, transfer in (
        (body, "8bit"),
        (base64.encodebytes(body), "base64"),
        (quopri.encodestring(body), "quoted-printable"),
    ):
        noted = remarks.noted(raw(octets, f"text/plain{said}", encoding=transfer))
        assert noted == {"charset": f"{encoding} in body", "files": []}


@pytest.mark.parametrize("encoding", WRITTEN)
def test_a_subject_is_noted_raw_and_as_encoded_words(encoding: str) -> None:
    octets = WRITTEN[encoding].strip()
    word = (
        b"=?iso-8859-1?B?" + base64.b64encode(octets[:21]) + b"?=\r\n =?iso-8859-1?B?" + base64.b64encode(octets[21:])
    )
    for subject in (octets, word + b"?="):
        assert remarks.noted(raw(b"Kinh gui\r\n", subject=subject))["charset"] == f"{encoding} in subject"


def test_both_places_are_named_and_each_once() -> None:
    text = WRITTEN[legacy_texts.TCVN3]
    both = raw(text, subject=text.strip())
    assert remarks.noted(both)["charset"] == "TCVN3 in subject, body"
    assert remarks.noted(raw(WRITTEN[legacy_texts.VNI], subject=text.strip()))["charset"] == (
        "TCVN3 in subject; VNI in body"
    )


def test_a_page_is_read_as_it_is_shown() -> None:
    entities = WRITTEN[legacy_texts.TCVN3].decode("latin-1").encode("ascii", "xmlcharrefreplace")
    page = b'<html><head><style>p { color: red }</style></head><body><p style="font-family: .VnTime">' + entities
    assert remarks.noted(raw(page, "text/html"))["charset"] == "TCVN3 in body"
    unicode = "<p title='été à la crème'>Kính gửi các đơn vị, Hà Nội</p>".encode()
    assert remarks.noted(raw(unicode, "text/html; charset=utf-8")) == CLEAN


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "utf-7", "utf-8-sig", "utf-32"])
def test_unicode_in_each_of_its_forms_is_not(charset: str) -> None:
    octets = base64.encodebytes(TEXT.encode(charset))
    assert remarks.noted(raw(octets, f"text/plain; charset={charset}", encoding="base64")) == CLEAN
    # UTF-8 that does not say so is Unicode as well.
    assert remarks.noted(raw(TEXT.encode(), subject=TEXT.strip().encode())) == CLEAN


def test_a_text_that_is_cut_off_within_a_letter_is_what_it_is() -> None:
    long = "Đề nghị báo cáo. ".encode() * 9000
    for cut in range(3):
        assert remarks.noted(raw(b"x" * cut + long)) == CLEAN


def test_what_is_sent_along_is_another_s() -> None:
    inner = raw(WRITTEN[legacy_texts.TCVN3], subject=WRITTEN[legacy_texts.TCVN3].strip())
    mail = b"Subject: Fwd\r\nContent-Type: message/rfc822\r\n\r\n" + inner
    assert remarks.noted(mail) == {"charset": "", "files": ["eml"]}
    file = b'Content-Type: text/plain; name="a.txt"\r\n\r\n' + WRITTEN[legacy_texts.TCVN3]
    assert remarks.noted(b"Subject: a\r\n" + file) == {"charset": "", "files": ["txt"]}


# --- what kinds of files ---


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Báo cáo.DOCX", "docx"),
        ("Bản vẽ mặt bằng.dwg", "dwg"),
        ("a.tar.gz", "gz"),
        ("a.psd. . ", "psd"),
        (".dwg", "dwg"),
        ("TP.HCM.pdf", "pdf"),
        # Of these nobody knows what they are, and nothing is said.
        ("Phụ lục 1.2", ""),
        ("README", ""),
        ("Công văn.Kính gửi", ""),
        ("a.b\r\nX-Hanam-Hold: x", ""),
        ("a." + "x" * 300, ""),
        ("CV 12.UBND-VP", ""),
        ("a.b_c", ""),
        ("Họp với TP.HCM", ""),
        ("TP.HCM", ""),
    ],
)
def test_a_file_s_kind_is_the_ending_of_its_name(name: str, kind: str) -> None:
    mail = b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename*=utf-8''"
    octets = "".join(f"%{each:02X}" for each in name.encode()).encode()
    assert remarks.noted(mail + octets + b"\r\n\r\nx")["files"] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("kind", "name", "ending"),
    [
        # The type says it, and the name is a subject.
        ("message/rfc822", "Hop voi P.HCM", "eml"),
        ("application/pdf", "CV 12.UBND", "pdf"),
        ("image/jpeg", "anh 3.BC", "jpg"),
        ("application/msword", "45.QD", "doc"),
        # Both say the same.
        ("image/jpeg", "a.JPEG", "jpeg"),
        ("application/msword", "a.dot", "dot"),
        ("application/vnd.ms-excel", "a.csv", "csv"),
        ("application/zip", "a.docx", "docx"),
        ("application/vnd.dwg", "a.dwg", "dwg"),
        # The type says nothing that we know.
        ("application/kswps", "a.docx", "docx"),
        ("application/acad", "a.dwg", "dwg"),
        ("image/x-photoshop", "a.psd", "psd"),
        ("application/ms-tnef", "winmail.dat", "dat"),
    ],
)
def test_a_name_s_ending_counts_where_its_type_has_it_too_or_says_nothing(kind: str, name: str, ending: str) -> None:
    head = f'Subject: a\r\nContent-Type: {kind}; name="{name}"\r\nContent-Disposition: attachment\r\n\r\n'
    assert remarks.noted(head.encode() + b"x")["files"] == [ending]


def test_of_a_page_s_parts_only_what_is_said_to_be_attached_is_a_file() -> None:
    """Outlook's pictures, and what it keeps of a page for itself."""
    parts = [
        b"Content-Type: text/html\r\n\r\n<p>Kinh gui</p>",
        b'Content-Type: image/png; name="image001.png"\r\nContent-ID: <a>\r\n\r\nx',
        b'Content-Type: application/octet-stream; name="oledata.mso"\r\nContent-ID: <b>\r\n\r\nx',
        b'Content-Type: image/x-wmz\r\nContent-Disposition: inline; filename="image002.wmz"\r\n\r\nx',
        b"Content-Type: application/octet-stream\r\n\r\nx",
        b'Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="a.dwg"\r\n\r\nx',
    ]
    page = b"Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\n" + b"\r\n--r\r\n".join(parts)
    mixed = (
        b"Subject: a\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n" + page + b"\r\n--r--\r\n"
        b"--m\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n"
        b'--m\r\nContent-Type: application/pdf; name="a.pdf"\r\n\r\nx\r\n--m--\r\n'
    )
    assert remarks.noted(mixed) == {"charset": "", "files": ["dwg", "pdf"]}


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("application/pdf", "pdf"),
        ("image/png", "png"),
        ("application/pkcs7-signature", "p7s"),
        ("application/vnd.dwg", "vnd.dwg"),
        ("application/x-" + "a" * 100, "x-" + "a" * 38),
        ("text/plain", "txt"),
    ],
)
def test_one_without_a_name_has_the_ending_of_its_type(kind: str, ending: str) -> None:
    assert remarks.noted(attached(None, kind=kind))["files"] == [ending]


def test_each_kind_is_told_once_and_not_without_end() -> None:
    assert remarks.noted(attached("a.pdf", "b.PDF", "c.dwg"))["files"] == ["pdf", "dwg"]
    many = [f"a.x{number}" for number in range(200)]
    assert len(remarks.noted(attached(*many))["files"]) == remarks.MOST_KINDS  # type: ignore[arg-type]


def test_the_letter_itself_and_reports_of_delivery_are_no_files() -> None:
    mail = EmailMessage()
    mail.set_content("Kính gửi\n")
    mail.add_alternative("<p>Kính gửi</p>", subtype="html")
    assert remarks.noted(mail.as_bytes()) == CLEAN
    kind = "multipart/report; boundary=b"
    report = (
        b"--b\r\n\r\nKinh gui\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n--b--"
    )
    assert remarks.noted(raw(report, kind)) == CLEAN


# --- whatever a message is ---


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\xff\xfe",
        b"Subject:",
        b"Subject: =?utf-7?Q?+2AA-?=\r\n\r\n",
        b"Content-Disposition: attachment; filename*=utf-7''%2B2AA-\r\n\r\n",
        b"Content-Type: text/plain; charset=\xff\r\n\r\n\xff",
        b"Content-Type: message/rfc822\r\n\r\n" * (mime.MOST_LEVELS + 2),
    ],
)
def test_nothing_is_noted_about_nothing(mail: bytes) -> None:
    noted = remarks.noted(mail)
    assert noted["charset"] == ""


def test_a_fault_is_told_and_keeps_no_message(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(mime, "parts", fault)
    assert remarks.noted(raw(b"a")) == CLEAN
    assert "RuntimeError" in "".join(capfd.readouterr())


def test_what_is_found_before_the_time_is_over_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    mail = raw(WRITTEN[legacy_texts.TCVN3], subject=WRITTEN[legacy_texts.TCVN3].strip())
    assert remarks.noted(mail, time.monotonic() - 1) == CLEAN
    many = attached(*[f"a.x{number}" for number in range(20)])
    times = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    monkeypatch.setattr(remarks, "SECONDS", 10)
    assert remarks.noted(many)["files"] == [f"x{number}" for number in range(8)]


def test_so_many_parts_are_looked_at() -> None:
    parts = b"".join(b"--b\r\nContent-Type: x/a; name=a.x%d\r\n\r\n\r\n" % (number // 10) for number in range(3000))
    mail = b"Subject: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + parts
    assert remarks.noted(mail)["files"] == [f"x{number}" for number in range(remarks.MOST_PARTS // 10)]
