"""What the system itself writes bears no mark (Đ3.3): a held alert would make the next one, without end."""

import re
import time
from email.message import EmailMessage
from pathlib import Path

import pytest

import hanam_mail.host.jobs
from hanam_mail.host.secrecy import verdict
from hanam_mail.host.secrecy.documents import DocumentText

pytestmark = pytest.mark.dieu3

_FOLDER = Path(hanam_mail.host.jobs.__file__).parent / "texts"
# The footer stands below each of them.
TEXTS = sorted(path for path in _FOLDER.glob("*.txt") if path.stem != "footer")
FOOTER = (_FOLDER / "footer.txt").read_text("utf-8")
WORDS = {
    "list": " - thư số 7 của nguyenvanan@hanam.gov.vn: Thư có dấu hiệu chứa nội dung bí mật nhà nước",
    "why": "thư hoặc tệp đính kèm có dấu hiệu mang dấu chỉ độ mật",
    "title": "Thư có dấu hiệu chứa nội dung bí mật nhà nước",
    "number": "7",
}


def unread(document: bytes, until: float) -> DocumentText:
    raise AssertionError("a notice has no documents")


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_a_notice_bears_no_mark(text: Path) -> None:
    filled = re.sub(r"\$\{?(\w+)\}?", lambda word: WORDS.get(word[1], "nguyenvanan"), text.read_text("utf-8") + FOOTER)
    subject, _, body = filled.partition("\n\n")
    mail = EmailMessage()
    mail["Subject"] = subject.strip()
    mail["From"] = "Hệ thống thư <noreply@hanam.gov.vn>"
    mail.set_content(body)
    found = verdict.judge(mail.as_bytes(), unread, time.monotonic() + 60)
    assert found.answer() == {"marks": [], "unread": []}
