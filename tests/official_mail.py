"""Kinds of mail that agencies with old programs and imperfect DNS really send, and what is wrong with each."""

import email.policy
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate

TEXT = (
    "Kính gửi: Sở Thông tin và Truyền thông tỉnh Hà Nam.\n\nThực hiện Quyết định số 27/2023/QĐ-UBND ngày 06/7/2023 của"
    " Ủy ban nhân dân tỉnh, đề nghị quý cơ quan cử cán bộ tham dự hội nghị tại https://chinhphu.vn.\n\nTrân trọng.\n"
)
HTML = "<html><body>" + "".join(f"<p>{line}</p>" for line in TEXT.splitlines()) + "</body></html>"

AUTHOR = "vanthu@client.example"
"""Who writes the letters; some bear the address elsewhere too."""

Change = Callable[[EmailMessage], None]


@dataclass(frozen=True)
class Client:
    """How a server shows itself: the reverse name of its address, if it has one, and its greeting."""

    hostname: str | None = "mail.client.example"
    helo: str = "mail.client.example"


CLIENTS = {
    "proper": Client(),
    "no_reverse_name": Client(hostname=None),
    "reverse_name_static": Client(hostname="static.vnpt.vn"),
    "reverse_name_static_number": Client(hostname="113.160.10.5.static.vnpt.vn"),
    "reverse_name_static_dashes": Client(hostname="static-113-160-10-5.vnpt.vn"),
    "reverse_name_of_a_line": Client(hostname="adsl-113-160-10-5.fpt.vn"),
    "helo_without_dot": Client(helo="MAYCHU"),
    "helo_local": Client(helo="maychu.local"),
    "helo_lan": Client(helo="exchange.lan"),
    "helo_unknown_name": Client(helo="mail.khongco.example"),
    "helo_literal": Client(helo="[198.18.0.5]"),
    "no_reverse_name_helo_without_dot": Client(None, "MAYCHU"),
    "no_reverse_name_helo_local": Client(None, "maychu.local"),
    "no_reverse_name_helo_unknown_name": Client(None, "mail.khongco.example"),
    "static_helo_without_dot": Client("113.160.10.5.static.vnpt.vn", "MAYCHU"),
    "static_helo_static": Client("113.160.10.5.static.vnpt.vn", "113.160.10.5.static.vnpt.vn"),
    "line_helo_without_dot": Client("adsl-113-160-10-5.fpt.vn", "MAYCHU"),
    "line_helo_line": Client("adsl-113-160-10-5.fpt.vn", "adsl-113-160-10-5.fpt.vn"),
}


WORST_CLIENTS = (
    "proper",
    "no_reverse_name",
    "reverse_name_static",
    "static_helo_without_dot",
    "no_reverse_name_helo_without_dot",
)


def without(*names: str) -> Change:
    def change(mail: EmailMessage) -> None:
        for name in names:
            del mail[name]

    return change


def with_field(name: str, value: str) -> Change:
    def change(mail: EmailMessage) -> None:
        del mail[name]
        mail[name] = value

    return change


def html_only(mail: EmailMessage) -> None:
    mail.set_content(HTML, subtype="html", cte="base64")


def html_and_text(mail: EmailMessage) -> None:
    mail.add_alternative(HTML, subtype="html")


def in_base64(mail: EmailMessage) -> None:
    mail.set_content(TEXT, cte="base64")


def in_quoted_printable(mail: EmailMessage) -> None:
    mail.set_content(TEXT, cte="quoted-printable")


def short(mail: EmailMessage) -> None:
    mail.set_content("Đã nhận.\n")


def document(name: str, content: bytes = b"x" * 3000) -> Change:
    def change(mail: EmailMessage) -> None:
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)

    return change


def office(inner: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(inner, "<document/>" * 100)
    return buffer.getvalue()


def document_and_no_text(mail: EmailMessage) -> None:
    mail.set_content("\n")
    document("cv.docx", office("word/document.xml"))(mail)


def raw(field: str, text: str) -> Change:
    """All fields in UTF-8 as they are, not encoded."""

    def change(mail: EmailMessage) -> None:
        mail.policy = email.policy.SMTPUTF8
        with_field(field, text)(mail)

    return change


def written_by(author: str) -> Change:
    """The From field, written as given."""

    def change(mail: EmailMessage) -> None:
        mail.policy = email.policy.SMTPUTF8.clone(refold_source="none")
        del mail["From"]
        mail.set_raw("From", author)

    return change


def charset(name: str) -> Change:
    def change(mail: EmailMessage) -> None:
        mail.set_content("Kinh gui quy co quan, xin gui bao cao.\n", charset=name)

    return change


def scanned_page(mail: EmailMessage) -> None:
    mail.set_content("\n")
    mail.add_attachment(b"\xff\xd8\xff\xe0" + bytes(5000), maintype="image", subtype="jpeg", filename="scan0001.jpg")


def link_alone(mail: EmailMessage) -> None:
    mail.set_content("https://client.example/van-ban/2026/11/giay-moi-hop-so-12.html\n")


def with_logo(mail: EmailMessage) -> None:
    page = HTML.replace("</body>", '<img src="cid:logo"><a href="http://client.example/">client.example</a></body>')
    mail.set_content(page, subtype="html")
    mail.add_related(b"\x89PNG\r\n\x1a\n" + bytes(900), maintype="image", subtype="png", cid="<logo>")


def forwarded_whole(mail: EmailMessage) -> None:
    mail.set_content("Kính chuyển.\n")
    mail.add_attachment(
        email.message_from_bytes(letter((), sender="ubnd@client.example", recipient="so@client.example"))
    )


def invitation(mail: EmailMessage) -> None:
    event = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    mail.add_alternative(event, subtype="calendar", params={"method": "REQUEST"})


LETTERS: dict[str, tuple[Change, ...]] = {
    "plain": (),
    "html_only": (html_only,),
    "html_and_text": (html_and_text,),
    "base64": (in_base64,),
    "quoted_printable": (in_quoted_printable,),
    "short": (short,),
    "docx": (document("Công văn số 12.docx", office("word/document.xml")),),
    "xlsx": (document("Phụ lục.xlsx", office("xl/workbook.xml")),),
    "old_doc": (document("CV_12.STTTT.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000)),),
    "pdf": (document("CV 12-2026.pdf", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"),),
    "zip": (document("ho so.zip", office("ho so.txt")),),
    "docx_and_no_text": (document_and_no_text,),
    "no_date": (without("Date"),),
    "no_message_id": (without("Message-ID"),),
    "no_date_no_message_id": (without("Date", "Message-ID"),),
    "message_id_of_a_machine": (with_field("Message-ID", "<000f01c2@MAYCHU>"),),
    "no_to": (without("To"),),
    "undisclosed": (with_field("To", "undisclosed-recipients:;"),),
    "no_subject": (without("Subject"),),
    "capitals": (with_field("Subject", "GIAY MOI HOP BAN CHI DAO CHUYEN DOI SO"),),
    "vietnamese_capitals": (with_field("Subject", "V/V BÁO CÁO ĐỊNH KỲ THÁNG 11/2026 (KHẨN!)"),),
    "subject_not_encoded": (raw("Subject", "Giấy mời họp ngày 30/11"),),
    "from_not_encoded": (raw("From", "Văn phòng UBND <vanthu@client.example>"),),
    "from_with_the_address_as_name": (written_by("vanthu@client.example <vanthu@client.example>"),),
    "from_with_brackets": (written_by("[Thông báo] Kho bạc <vanthu@client.example>"),),
    "from_with_a_comma_not_encoded": (written_by("=?utf-8?Q?S=E1=BB=9F_TTTT,_H=C3=A0_Nam?= <vanthu@client.example>"),),
    "from_with_an_address_not_encoded": (written_by("=?utf-8?Q?vanthu@client.example?= <vanthu@client.example>"),),
    "from_with_a_quoted_local_part": (written_by('"van thu"@client.example'),),
    "from_of_a_relay": (written_by(f"Văn thư <{'vanthu=ubnd=client.example+' * 3}x@client.example>"),),
    "western": (charset("iso-8859-1"),),
    "windows_1258": (charset("windows-1258"),),
    "scanned_page": (scanned_page,),
    "with_logo": (with_logo,),
    "many_recipients": (with_field("To", ", ".join(f"so{number}@client.example" for number in range(60))),),
    "of_a_web_form": (with_field("X-PHP-Originating-Script", "33:lien-he.php"), with_field("X-Mailer", "PHP/5.6.40")),
    "link_alone": (link_alone,),
    "no_mime_version": (without("MIME-Version"),),
    "outlook_express": (with_field("X-Mailer", "Microsoft Outlook Express 6.00.2900.2180"),),
    "urgent": (with_field("X-Priority", "1"), with_field("Importance", "high")),
    "receipt": (with_field("Disposition-Notification-To", "vanthu@client.example"),),
    "reply_to_another": (with_field("Reply-To", "vanphong@client.example"),),
    "reply_to_another_agency": (with_field("Reply-To", "vanphong@chinhphu.vn"),),
    "reply_to_two": (with_field("Reply-To", "vanphong@chinhphu.vn, vanthu@client.example"),),
    "reply_without_reference": (with_field("Subject", "Re: V/v mời họp"),),
    "forwarded": (with_field("Subject", "Fwd: V/v mời họp"),),
    "forwarded_whole": (with_field("Subject", "Fw: V/v mời họp"), forwarded_whole),
    "invitation": (invitation,),
    "reply_to_free_mail": (with_field("Reply-To", "vanphong@gmail.com"),),
    "reply_to_a_director": (with_field("Reply-To", "Giám đốc <giamdoc@congty.vn>"),),
    "old_server_html_docx": (
        html_only,
        document("CV.docx", office("word/document.xml")),
        without("Date", "Message-ID"),
    ),
    "base64_no_message_id": (in_base64, without("Message-ID")),
    "html_no_date": (html_only, without("Date")),
}


def letter(changes: tuple[Change, ...], *, sender: str, recipient: str) -> bytes:
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = f'"Văn phòng UBND" <{sender}>'
    mail["To"] = recipient
    mail["Subject"] = "V/v mời họp"
    # Of now: from its second day on a letter costs points for its age.
    mail["Date"] = formatdate(localtime=True)
    mail["Message-ID"] = "<12.34@client.example>"
    mail.set_content(TEXT, cte="8bit")
    for change in changes:
        change(mail)
    return mail.as_bytes()


def matrix() -> Iterator[tuple[str, Client, bytes]]:
    """Each fault alone, and every letter from the servers that show themselves worst."""
    recipient = "nguoi.nhan@hanam.gov.vn"
    for shown, client in CLIENTS.items():
        letters = LETTERS if shown in WORST_CLIENTS else {"plain": ()}
        for kind, changes in letters.items():
            yield f"{shown}, {kind}", client, letter(changes, sender=AUTHOR, recipient=recipient)


def own(sender: str, recipient: str) -> Iterator[tuple[str, Client, bytes]]:
    """Every letter as a person of ours writes it to another one, at the office and from a line at home."""
    for shown in ("proper", "no_reverse_name", "line_helo_without_dot"):
        for kind, changes in LETTERS.items():
            content = letter(changes, sender=AUTHOR, recipient=recipient).replace(AUTHOR.encode(), sender.encode())
            yield f"{shown}, {kind}", CLIENTS[shown], content


def spoofed(mail: EmailMessage) -> None:
    """A person of ours in the name, a link that says something else than where it leads."""
    del mail["From"]
    mail["From"] = '"giamdoc@hanam.gov.vn" <x81@client.example>'
    mail["Reply-To"] = "giamdoc.hanam@gmail.com"
    link = '<a href="http://198.18.0.66/dang-nhap">https://mail.hanam.gov.vn/</a>'
    mail.set_content(
        f"<html><body><p>Tài khoản của bạn sắp hết hạn, mời đăng nhập: {link}</p></body></html>", subtype="html"
    )


SPAM: dict[str, tuple[Change, ...]] = {
    "spoofed": (spoofed,),
    "program": (document("hoa don.pdf.exe", b"MZ" + bytes(4000)), without("Date", "Message-ID", "To")),
    "program_in_archive": (document("hoa don.zip", office("hoa don.pdf.exe")), without("Message-ID")),
    "script": (html_only, document("hoa don.pdf.js", b"var a = 1;\n" * 99), without("Date", "Message-ID")),
}


def spam() -> Iterator[tuple[str, Client, bytes]]:
    for kind, changes in SPAM.items():
        mail = letter(changes, sender="vanthu@client.example", recipient="nguoi.nhan@hanam.gov.vn")
        yield kind, CLIENTS["no_reverse_name_helo_without_dot"], mail
