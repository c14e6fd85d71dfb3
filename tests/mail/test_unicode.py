"""Unicode comes through whole; what is in an encoding from before it, and files of other formats, are told (Đ3.4).

The fields are X-Hanam-Charset and X-Hanam-Formats; they change nothing of what becomes of a message.
"""

import base64
import email
import unicodedata
import uuid
from collections.abc import Mapping
from email.message import EmailMessage, Message
from email.utils import formatdate
from typing import Any

import pytest

from tests import documents
from tests.foreign import AN, Foreign
from tests.lab import Lab, Sample, message, wait_for
from tests.mail.test_scores import ask
from tests.mail.test_signatures import STRANGER

pytestmark = [pytest.mark.dieu3, pytest.mark.neighbours]

CHARSET, FORMATS = "X-Hanam-Charset", "X-Hanam-Formats"
SYMBOLS = {CHARSET: "LEGACY_CHARSET", FORMATS: "OTHER_FORMAT"}

TEXT = "Kính gửi các đơn vị, đề nghị gửi báo cáo kết quả thực hiện nhiệm vụ trước ngày 15."
OLD: Mapping[str, bytes] = {
    "TCVN3": documents.tcvn3(TEXT),
    "VNI": documents.vni(TEXT),
    "VISCII": documents.viscii(TEXT),
    "windows-1258": documents.windows_1258(TEXT),
}
OTHERS: Mapping[str, bytes] = {
    "Unicode": TEXT.encode(),
    "Unicode, marks apart": unicodedata.normalize("NFD", TEXT).encode(),
    "French": "Où êtes-vous allé cet été ? Je préfère la mer à la forêt, même après l'été.".encode("latin-1"),
    "German": "Grüße aus Köln: schöne Bäume, große Häuser, süße Äpfel und müde Füße.".encode("latin-1"),
    "Czech": "Dobrý den, v příloze posílám smlouvu o dílo. S pozdravem Jiří Novák".encode("cp1250"),
    "Russian": "Уважаемый господин, направляем Вам отчёт за прошлый месяц.".encode("koi8-r"),
    "Chinese": "尊敬的先生：现将上月的报告发给您，请查收。".encode("gbk"),
    "Chinese, traditional": "敬啟者：茲附上上月份之報告，敬請查收。".encode("big5"),
    "Japanese": "お世話になっております。先月の報告書をお送りします。".encode("shift_jis"),
    "Korean": "안녕하십니까, 지난달 보고서를 첨부하여 보내드립니다.".encode("euc_kr"),
}


def letter(author: str, recipient: str, text: bytes, mark: str, *, subject: bytes = b"cong van") -> bytes:
    """In 8 bits, without a word about its charset."""
    head = (
        f"From: <{author}>\r\nTo: <{recipient}>\r\nX-Mark: {mark}\r\nDate: {formatdate()}\r\n"
        f"Message-ID: <{uuid.uuid4().hex}@client.example>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n"
    )
    return head.encode() + b"Subject: " + subject + b"\r\n\r\n" + text + b"\r\n"


def said(lab: Lab, letters: Mapping[str, bytes], head: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The fields that the filter adds to each letter; its symbols say the same and count nothing."""
    found = {}
    for name, answer in zip(letters, ask(lab, [(dict(head), each) for each in letters.values()]), strict=True):
        added = answer.get("milter", {}).get("add_headers", {})
        found[name] = {field: _value(added[field]) for field in SYMBOLS if field in added}
        symbols = {field for field, symbol in SYMBOLS.items() if symbol in answer["symbols"]}
        assert symbols == found[name].keys(), name
        assert all(answer["symbols"][SYMBOLS[field]]["score"] == 0 for field in symbols), name
    return found


def _value(value: Any) -> str:
    return str(value["value"] if isinstance(value, dict) else value)


@pytest.fixture(params=["in", "out"])
def head(request: pytest.FixtureRequest, official: Sample) -> dict[str, str]:
    """Of whom Postfix tells the filter: a stranger who writes to us, or one of us who writes to him."""
    client = {"Helo": "mx.client.example", "IP": "198.18.0.5"}
    if request.param == "in":
        return client | {"From": STRANGER, "Rcpt": official.address}
    return client | {"From": official.address, "Rcpt": STRANGER, "User": official.mailbox}


def arrived(lab: Lab, person: Sample, mark: str) -> bytes:
    """The message with that mark, wherever it was put."""

    def look() -> bytes | None:
        with lab.imap(person.address, person.password) as client:
            for folder in ("INBOX", "Junk"):
                client.select(folder, readonly=True)
                _, found = client.search(None, "HEADER", "X-Mark", mark)
                for number in found[0].split():
                    return client.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1]  # type: ignore[index, return-value]
        return None

    return wait_for(look, f"message with the mark {mark}")


def field(octets: bytes, name: str) -> list[str] | None:
    read: Message = email.message_from_bytes(octets)
    return read.get_all(name)


# --- encodings from before Unicode ---


def test_each_encoding_is_told_of_mail_in_and_out_and_no_other_language_is(lab: Lab, head: dict[str, str]) -> None:
    letters = {
        name: letter(head["From"], head["Rcpt"], text, "a", subject=text) for name, text in {**OLD, **OTHERS}.items()
    }
    found = said(lab, letters, head)
    assert {name: found[name] for name in OLD} == {name: {CHARSET: f"{name} in subject, body"} for name in OLD}
    assert {name: found[name] for name in OTHERS} == {name: {} for name in OTHERS}


@pytest.mark.proof("Thư gõ bằng bảng mã cũ (TCVN3) được nhận ra / mail in a legacy encoding is recognised")
def test_a_letter_in_an_old_encoding_arrives_as_it_came_with_the_field(lab: Lab, official: Sample) -> None:
    mark = uuid.uuid4().hex
    octets = letter(STRANGER, official.address, OLD["TCVN3"], mark, subject=OLD["TCVN3"])
    # Of what a stranger says in our name nothing is left.
    with lab.smtp() as client:
        client.sendmail(STRANGER, [official.address], b"X-Hanam-Charset: VNI in body\r\n" + octets, ["BODY=8BITMIME"])
    found = arrived(lab, official, mark)
    assert field(found, CHARSET) == ["TCVN3 in subject, body"]
    assert found.partition(b"\r\n\r\n")[2] == octets.partition(b"\r\n\r\n")[2]
    mark = uuid.uuid4().hex
    clean = letter(STRANGER, official.address, TEXT.encode(), mark)
    with lab.smtp() as client:
        client.sendmail(STRANGER, [official.address], b"X-Hanam-Charset: VNI in body\r\n" + clean, ["BODY=8BITMIME"])
    assert field(arrived(lab, official, mark), CHARSET) is None


def test_our_own_people_are_told_too_and_the_world_is_not(lab: Lab, sender: Sample, recipient: Sample) -> None:
    mark = uuid.uuid4().hex
    both = [recipient.address, AN]
    with lab.submission(sender.address, sender.password) as client:
        octets = letter(sender.address, recipient.address, OLD["VNI"], mark)
        client.sendmail(sender.address, both, b"X-Hanam-Charset: TCVN3 in body\r\n" + octets, ["BODY=8BITMIME"])
    assert field(arrived(lab, recipient, mark), CHARSET) == ["VNI in body"]
    outside = wait_for(lambda: _outside(lab, mark), "the letter outside")
    assert field(outside, CHARSET) is None


def _outside(lab: Lab, mark: str) -> bytes | None:
    return next((each for each in Foreign(lab).contents(AN) if mark.encode() in each), None)


# --- files ---


def test_files_of_other_formats_are_told_of_mail_in_and_out(lab: Lab, head: dict[str, str]) -> None:
    def with_files(*names: str) -> bytes:
        mail: EmailMessage = message(head["From"], head["Rcpt"])
        for name in names:
            mail.add_attachment(b"Noi dung\n", maintype="application", subtype="octet-stream", filename=name)
        return mail.as_bytes()

    letters = {
        "exchanged": with_files("Báo cáo.docx", "Phụ lục.XLSX", "Ảnh.jpg", "Số liệu.csv"),
        "other": with_files("Báo cáo.pdf", "Bản vẽ.DWG", "Bản vẽ.psd", "Mặt bằng.dwg"),
        "many": with_files(*(f"a.x{number}" for number in range(20))),
        "none": with_files(),
    }
    many = ", ".join(f"x{number}" for number in range(8))
    assert said(lab, letters, head) == {
        "exchanged": {},
        "other": {FORMATS: "other (dwg, psd)"},
        "many": {FORMATS: f"other ({many}, ...)"},
        "none": {},
    }


# --- Unicode, from end to end ---

COMPOSED = unicodedata.normalize("NFC", "Báo cáo quý Ⅳ – số liệu.docx")
APART = unicodedata.normalize("NFD", "Quyết định bổ nhiệm.pdf")


def in_unicode(author: str, recipient: str, mark: str) -> bytes:
    """Names and subject in raw UTF-8, composed and with marks apart; names of files as they stand and encoded."""
    encoded = "".join(f"%{octet:02X}" for octet in APART.encode())
    head = (
        f"From: Nguyễn Văn Ất <{author}>\r\nTo: Trần Thị Bưởi <{recipient}>\r\n"
        f"Subject: {unicodedata.normalize('NFD', 'Công văn số 12')} {unicodedata.normalize('NFC', 'về việc họp')}\r\n"
        f"Message-ID: <{uuid.uuid4().hex}@client.example>\r\nDate: {formatdate()}\r\nX-Mark: {mark}\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="ranh"\r\n\r\n'
    )
    body = (
        "--ranh\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"{TEXT}\r\n{unicodedata.normalize('NFD', TEXT)}\r\n"
        "--ranh\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{COMPOSED}"\r\n\r\nTm9pIGR1bmc=\r\n'
        "--ranh\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; filename*=utf-8''{encoded}\r\n\r\nTm9pIGR1bmc=\r\n--ranh--\r\n"
    )
    return (head + body).encode()


def whole(came: bytes, sent: bytes) -> bool:
    """Whether each line of the head that its author wrote is there, and each part's content and name of a file."""
    head = sent.partition(b"\r\n\r\n")[0]
    now = came.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return set(head.split(b"\r\n")) <= set(now.split(b"\n")) and _contents(came) == _contents(sent)


def _contents(octets: bytes) -> list[tuple[str, bytes]]:
    """As decoded: what our people hand in in 8 bits goes on in 7."""
    found = []
    for part in email.message_from_bytes(octets).walk():
        content = part.get_payload(decode=True)
        named = dict(part.raw_items()).get("Content-Disposition", "")
        found.append((str(named), content.replace(b"\r\n", b"\n") if isinstance(content, bytes) else b""))
    return found


@pytest.mark.proof("Địa chỉ, tiêu đề, tên tệp Unicode đến nguyên vẹn (SMTPUTF8) / Unicode end to end")
def test_mail_of_a_stranger_whose_address_is_in_unicode_comes_whole(lab: Lab, official: Sample) -> None:
    author, mark = "nguyễn.ất@client.example", uuid.uuid4().hex
    sent = in_unicode(author, official.address, mark)
    with lab.smtp() as client:
        assert {"smtputf8", "8bitmime"} <= client.esmtp_features.keys()
        client.sendmail(author, [official.address], sent, ["SMTPUTF8", "BODY=8BITMIME"])
    came = arrived(lab, official, mark)
    assert whole(came, sent)
    # From outside it comes octet by octet.
    assert came.partition(b"\r\n\r\n")[2] == sent.partition(b"\r\n\r\n")[2]
    assert field(came, CHARSET) is None


def test_mail_to_an_address_in_unicode_goes_whole(lab: Lab, official: Sample) -> None:
    mark, to = uuid.uuid4().hex, AN.replace("@", "+nguyễn.ất@")
    sent = in_unicode(official.address, to, mark)
    with lab.submission(official.address, official.password) as client:
        client.sendmail(official.address, [to], sent, ["SMTPUTF8", "BODY=8BITMIME"])
    came = wait_for(lambda: _outside(lab, mark), "the letter outside")
    assert whole(came, sent)


def test_mail_between_our_people_in_unicode_comes_whole(lab: Lab, sender: Sample, recipient: Sample) -> None:
    mark = uuid.uuid4().hex
    sent = in_unicode(sender.address, recipient.address, mark)
    with lab.submission(sender.address, sender.password) as client:
        client.sendmail(sender.address, [recipient.address], sent, ["SMTPUTF8", "BODY=8BITMIME"])
    assert whole(arrived(lab, recipient, mark), sent)


def in_imap(name: str) -> str:
    """A folder's name as IMAP4rev1 writes it (RFC 3501, section 5.1.3)."""
    found, run = "", ""
    for char in [*name, ""]:
        if char and not char.isascii():
            run += char
            continue
        if run:
            found += "&" + base64.b64encode(run.encode("utf-16-be"), b"+,").decode().rstrip("=") + "-"
            run = ""
        found += "&-" if char == "&" else char
    return found


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_folder_is_found_by_the_name_that_it_was_given(lab: Lab, person: Sample, form: str) -> None:
    name = unicodedata.normalize(form, "Tờ trình năm 2026")  # type: ignore[arg-type]
    quoted = f'"{in_imap(name)}"'
    with lab.imap(person.address, person.password) as client:
        assert client.create(quoted)[0] == "OK"
        try:
            assert client.append(quoted, "", "", b"Subject: x\r\n\r\nx\r\n")[0] == "OK"
            assert client.status(quoted, "(MESSAGES)")[1][0].endswith(b"(MESSAGES 1)")
            listed = [line.decode() for line in client.list()[1] if isinstance(line, bytes)]
            # Whether marks are kept apart in a name is Dovecot's affair; it is found by either.
            assert form == "NFD" or any(line.endswith(quoted) for line in listed), listed
        finally:
            assert client.delete(quoted)[0] == "OK"
