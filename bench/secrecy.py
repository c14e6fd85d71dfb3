"""python -m bench.secrecy: what looking for secrecy marks costs (Đ3.3), without a lab.

The program's own code judges messages and asks a reader of documents in a process of its own, as on a host. Seconds are
those of one processor for one message, the reader's included. PDF is measured where poppler is installed. Figures go to
build/bench/secrecy.json; a median above its target makes the run fail.
"""

import os
import random
import shutil
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from tests import documents as made
from tests import secrecy_corpus
from tests.unit.host.extract.test_extract_server import started

from bench.measuring import Measure, Run, machine, measured, write
from hanam_mail.host.secrecy import documents, verdict

LARGE = 20 * 2**20
USUAL, WITH_DOCUMENT, BUSY = 0.010, 0.5, 10.0
"""Seconds that are asked for: of 10 KB of text, with a document of some pages, of the largest and of hostile ones."""
LINE = "Kính gửi Ủy ban nhân dân tỉnh: công văn số 27 về địa điểm đấu giá quyền sử dụng đất, bí mật nhà nước.\n"
_TICKS = os.sysconf("SC_CLK_TCK")


def letter(text: str, **attached: bytes) -> bytes:
    """A message as our people's programs write it, with documents."""
    mail = secrecy_corpus.message({"subject": "Gửi báo cáo tháng 5", "text": text})
    if not attached:
        return mail
    from email import message_from_bytes, policy
    from email.message import EmailMessage

    whole = message_from_bytes(mail, _class=EmailMessage, policy=policy.SMTP)
    for kind, octets in attached.items():
        whole.add_attachment(octets, maintype="application", subtype="octet-stream", filename=f"báo cáo.{kind}")
    return whole.as_bytes()


def scan_of(size: int) -> bytes:
    """A PDF of a page of text and a picture of so many octets, as scanners write it."""
    shown = zlib.compress(b"BT /F 9 Tf 50 800 Td (Kinh gui Uy ban nhan dan tinh) Tj ET /I Do")
    picture = random.Random(1).randbytes(size)  # noqa: S311
    side = int((size / 3) ** 0.5)

    def stream(head: str, octets: bytes) -> bytes:
        return f"<<{head}/Length {len(octets)}>>stream\n".encode() + octets + b"\nendstream"

    drawn = "/Resources<</Font<</F 5 0 R>>/XObject<</I 6 0 R>>>>"
    page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 850]/Contents 4 0 R{drawn}>>"
    image = f"/Type/XObject/Subtype/Image/Width {side}/Height {side}/ColorSpace/DeviceRGB/BitsPerComponent 8"
    return made.pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page.encode(),
            stream("/Filter/FlateDecode", shown), b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            stream(image, picture),
        ]
    )  # fmt: skip


def cases() -> dict[str, tuple[bytes, float]]:
    """Name -> message and the seconds asked for."""
    lines = [f"{number}. {LINE}" for number in range(300)]
    found = {
        "10 KB of text": (letter(LINE * 80), USUAL),
        "10 KB of HTML": (
            secrecy_corpus.message({"subject": "a", "html": f"<html>{f'<p>{LINE}</p>' * 80}</html>"}), USUAL,
        ),
        "10 KB and a DOCX of 300 paragraphs": (letter(LINE * 80, docx=made.docx(*lines)), WITH_DOCUMENT),
        "10 KB and a picture of 20 MB": (letter(LINE * 80, jpg=b"\xff\xd8\xff" + bytes(LARGE)), BUSY),
        "20 MB of text": (letter(LINE * (LARGE // len(LINE.encode()))), BUSY),
        "20 MB of what is nearly a mark": (letter("MẬT ĐỘ\n" * (LARGE // 12)), BUSY),
        "4,000 parts": (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nTOI\r\n" * 3_990, WITH_DOCUMENT,
        ),
    }  # fmt: skip
    if shutil.which("pdftotext"):
        found["10 KB and a scan of 20 MB as PDF"] = (letter(LINE * 80, pdf=scan_of(LARGE)), BUSY)
    return found


def spent(process: int) -> float:
    """Seconds of a processor that a process and the children that it waited for took."""
    values = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, values[11:15])) / _TICKS


def timed(content: bytes, reader: documents.DocumentReader, readers: Callable[[], float]) -> Run:
    """One run: as many messages as take a second or so, the mean of them."""
    load, began, number = os.getloadavg()[0], time.perf_counter(), 0
    before = time.process_time() + readers()
    while number == 0 or time.perf_counter() - began < 1:
        verdict.judge(content, reader, time.monotonic() + 60)
        number += 1
    # Its last process is waited for.
    time.sleep(0.1)
    cpu = (time.process_time() + readers() - before) / number
    return Run(cpu, cpu, load)


def main() -> int:
    """Measure, write, and say what is dearer than asked."""
    found: list[Measure] = []
    with started() as extractor:
        reader, readers = documents.asker(extractor.port), lambda: spent(extractor.process.pid)
        for name, (content, target) in cases().items():
            found.append(measured(name, (timed(content, reader, readers) for _ in range(3)), target))
            print(f"  {1000 * found[-1].seconds:.1f} ms of a processor", flush=True)
    write("secrecy", found, {"machine": machine()})
    dear = [each.name for each in found if not each.met]
    print("\n".join(f"dearer than asked: {name}" for name in dear))
    return 1 if dear else 0


if __name__ == "__main__":
    sys.exit(main())
