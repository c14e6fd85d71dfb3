"""What whoever logs in to the lab finds: an office's mail of today, really sent; the proofs leave nothing."""

import imaplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from io import BytesIO

import openpyxl

from tests.foreign import AN, Foreign
from tests.lab import Lab, Sample

FOLDERS = ("INBOX", "Sent", "Junk", "Trash")


@dataclass(frozen=True)
class Letter:
    """A letter of the day: between samples, by their places in the registry, or from outside (sender -1)."""

    key: str
    sender: int
    recipients: tuple[int, ...]
    minutes_ago: int
    subject: str
    text: str
    table: tuple[tuple[str, ...], ...] = ()


LETTERS = (
    Letter("giao-ban", 1, (0, 2, 4), 190, "Giấy mời họp giao ban tuần", """
        Kính gửi các đồng chí,

        Sở Nội vụ trân trọng kính mời các đồng chí dự họp giao ban tuần, 8 giờ 00 thứ Hai tới, tại phòng họp tầng 2.
        Đề nghị các đồng chí gửi nội dung báo cáo trước 16 giờ hôm nay."""),
    Letter("bao-cao", 2, (0, 1), 150, "Báo cáo tình hình sử dụng thư điện tử công vụ", """
        Kính gửi đồng chí,

        Sở Thông tin và Truyền thông gửi số liệu sử dụng thư điện tử công vụ (bảng kèm theo). Đề nghị đồng chí kiểm tra
        và phản hồi nếu có sai lệch.""",
        (("Đơn vị", "Số hộp thư", "Đang dùng"), ("Sở Nội vụ", "2", "2"), ("Huyện Bình Lục", "4", "3"))),
    Letter("tra-loi", 0, (1,), 95, "Trả lời: Giấy mời họp giao ban tuần", """
        Kính gửi đồng chí,

        Tôi sẽ dự họp đúng giờ và gửi báo cáo của phòng trước 15 giờ."""),
    Letter("gop-y", 4, (0, 1), 60, "V/v góp ý dự thảo kế hoạch cải cách hành chính", """
        Kính gửi đồng chí,

        Huyện Bình Lục đã nghiên cứu dự thảo và cơ bản nhất trí. Đề nghị làm rõ thêm thời hạn ở mục III.2."""),
    Letter("ngoai", -1, (0,), 35, "Đề nghị cung cấp thông tin thủ tục cấp phép", """
        Kính gửi quý cơ quan,

        Công ty chúng tôi xin hỏi hồ sơ cấp phép lao động gồm những giấy tờ gì và nộp ở đâu. Xin chân thành cảm ơn."""),
    Letter("lich", 3, (0, 2), 10, "Lịch trực tuần tới", """
        Các đồng chí xem lịch trực tuần tới, có thay đổi xin báo lại trong hôm nay."""),
)  # fmt: skip


@contextmanager
def kept(lab: Lab) -> Iterator[None]:
    """Take away what arrives in the samples' mailboxes while the block runs."""
    before = {(sample.mailbox, folder): last for sample, folder, last, _ in _folders(lab)}
    try:
        yield
    finally:
        for sample, folder, _, client in _folders(lab, readonly=False):
            first = before.get((sample.mailbox, folder), 0) + 1
            # "first:*" names the last message even where there is none of a higher number.
            _, found = client.uid("SEARCH", f"UID {first}:*")
            new = [uid for uid in found[0].decode().split() if int(uid) >= first]
            if new:
                client.uid("STORE", ",".join(new), "+FLAGS.SILENT", r"(\Deleted)")
                client.expunge()


def lay(lab: Lab, now: datetime) -> int:
    """Send the letters of the day that are not there yet; gives how many were sent."""
    sent = 0
    for letter in LETTERS:
        first = lab.samples[letter.recipients[0]]
        mail = compose(lab.samples, letter, now)
        with lab.imap(first.address, first.password) as client:
            client.select("INBOX", readonly=True)
            _, found = client.search(None, "HEADER", "Message-ID", mail["Message-ID"])
        if found[0]:
            continue
        if letter.sender < 0:
            Foreign(lab).send(mail, AN, *(lab.samples[place].address for place in letter.recipients))
        else:
            sender = lab.samples[letter.sender]
            with lab.submission(sender.address, sender.password) as submission:
                submission.send_message(mail)
        sent += 1
    return sent


def compose(samples: list[Sample], letter: Letter, now: datetime) -> EmailMessage:
    """The letter as a message of that day. Its Message-ID is the same all day, so that it is sent once."""
    mail = EmailMessage()
    outside = letter.sender < 0
    sender = AN if outside else samples[letter.sender].address
    mail["From"] = f"Nguyễn Văn An <{sender}>" if outside else f"{samples[letter.sender].name} <{sender}>"
    mail["To"] = ", ".join(f"{samples[place].name} <{samples[place].address}>" for place in letter.recipients)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(now - timedelta(minutes=letter.minutes_ago))
    mail["Message-ID"] = f"<{letter.key}.{now:%Y%m%d}@{sender.partition('@')[2]}>"
    text = "\n".join(line.strip() for line in letter.text.strip().splitlines())
    signature = "Nguyễn Văn An" if outside else samples[letter.sender].name
    mail.set_content(f"{text}\n\nTrân trọng,\n{signature}\n")
    if letter.table:
        book = openpyxl.Workbook()
        for row in letter.table:
            book.active.append(row)
        octets = BytesIO()
        book.save(octets)
        kind = "vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        mail.add_attachment(octets.getvalue(), "application", kind, filename="Số liệu sử dụng.xlsx")
    return mail


def _folders(lab: Lab, *, readonly: bool = True) -> Iterator[tuple[Sample, str, int, imaplib.IMAP4_SSL]]:
    """Each folder of each sample, selected, with the highest UID that it has given so far."""
    for sample in lab.samples:
        with lab.imap(sample.address, sample.password) as client:
            for folder in FOLDERS:
                _, answer = client.status(folder, "(UIDNEXT)")
                client.select(folder, readonly=readonly)
                yield sample, folder, int(answer[0].split()[-1].rstrip(b")")) - 1, client  # type: ignore[union-attr]
