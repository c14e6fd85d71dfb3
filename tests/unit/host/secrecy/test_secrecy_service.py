"""The service as the filter speaks with it, the real reader of documents behind it: found, unread, or later (Đ3.3)."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests import documents as made
from tests.unit.host.extract.test_extract_server import Service as Extractor
from tests.unit.host.extract.test_extract_server import started

from hanam_mail.controller import zipapp
from hanam_mail.host import remarks
from hanam_mail.host.secrecy import documents, marks, service, verdict
from hanam_mail.host.secrecy.documents import DocumentText, ExtractorAway
from hanam_mail.host.secrecy.service import SecrecyService

pytestmark = [pytest.mark.dieu3, pytest.mark.dieu10]

CLEAN = b"Subject: a\r\n\r\nKinh gui\r\n"
MARKED = b"Subject: a\r\n\r\nTOI MAT\r\n"


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    with started() as running:
        yield running


@pytest.fixture
def running(extractor: Extractor) -> Iterator[SecrecyService]:
    each = SecrecyService(documents.asker(extractor.port), 60)
    yield each
    each.close()


def ask(asked: SecrecyService, content: bytes, head: bytes | None = None) -> Any:
    """Its answer about marks, read from JSON; None when it says nothing."""
    ours, theirs = socket.socketpair()
    asked.take(theirs)
    with ours:
        ours.settimeout(60)
        said = json.dumps({"kind": "letter", "size": len(content)}).encode() + b"\n" if head is None else head
        sending = threading.Thread(target=ours.sendall, args=(said + content,))
        sending.start()
        answer = ours.makefile("rb").readline()
        sending.join()
    return {name: value for name, value in json.loads(answer).items() if name != "noted"} if answer else None


def letter(*attached: tuple[str, bytes], subject: str = "a", text: str = "Kính gửi") -> bytes:
    mail = EmailMessage()
    mail["Subject"] = subject
    mail.set_content(text)
    for name, octets in attached:
        mail.add_attachment(octets, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


def test_what_is_noted_besides_is_told_with_the_marks(running: SecrecyService) -> None:
    old = b"Subject: a\r\n\r\n" + made.tcvn3("TỐI MẬT\r\n\r\nKính gửi các đơn vị, đề nghị gửi báo cáo.\r\n")
    answer = running.judged({"kind": "letter"}, old, time.monotonic()).answer
    assert answer == {"marks": ["TOI MAT in body"], "unread": [], "noted": {"charset": "TCVN3 in body", "files": []}}
    answer = running.judged({"kind": "letter"}, letter(("a.dwg", b"x")), time.monotonic()).answer
    assert answer["noted"] == {"charset": "", "files": ["dwg"]}


def test_every_mark_is_told_with_its_place_the_highest_first(running: SecrecyService) -> None:
    content = letter(
        ("a.docx", made.docx("Nội dung")),
        ("TOI MAT.odt", made.odt("MẬT")),
        subject="[MẬT] a",
        text="TỐI MẬT\n",
    )
    # The first document has a word drawn across its pages.
    assert ask(running, content) == {
        "marks": [
            "TUYET MAT in attachment 1",
            "TOI MAT in body",
            "TOI MAT in name of attachment 2",
            "MAT in subject",
            "MAT in attachment 2",
        ],
        "unread": [],
    }


def test_a_letter_without_one_is_told_so(running: SecrecyService) -> None:
    assert ask(running, letter(("a.xlsx", made.xlsx("Dự toán")))) == {"marks": [], "unread": []}


UNREAD = {
    "encrypted": made.doc("x", encrypted=True),
    "broken": b"PK\x03\x04" + b"x" * 500,
    "partial": made.packed({"a.txt": "a", "b.doc": made.doc("x", encrypted=True)}),
    "limit": made.nested(5, made.packed({"a.txt": "a"})),
    "unknown": b"Rar!\x1a\x07\x00" + b"x" * 500,
}


@pytest.mark.parametrize(("end", "octets"), UNREAD.items())
def test_what_nobody_can_read_is_told_and_hides_no_other_mark(running: SecrecyService, end: str, octets: bytes) -> None:
    answer = ask(running, letter(("a", octets), ("b", made.odt("TUYỆT MẬT"))))
    assert answer == {"marks": ["TUYET MAT in attachment 2"], "unread": [f"attachment 1: {end}"]}


PICTURES = [
    b"\xff\xd8\xff\xe0\x00\x10JFIF",
    b"\x89PNG\r\n\x1a\n",
    b"\0\0\0\x18ftypmp42",
    b"\x00\x01\x02 something else",
]


@pytest.mark.parametrize("octets", PICTURES, ids=range(len(PICTURES)))
def test_pictures_and_films_have_no_text_to_be_read(running: SecrecyService, octets: bytes) -> None:
    for attached in (octets, made.packed({"a": octets}) if octets[0] else octets):
        assert ask(running, letter(("a", attached)))["marks"] == []
    assert ask(running, letter(("a", octets))) == {"marks": [], "unread": []}


def test_mail_that_is_encrypted_itself_is_told(running: SecrecyService) -> None:
    head = b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n"
    answer = ask(running, head + b"Content-Transfer-Encoding: base64\r\n\r\nMIIB\r\n")
    assert answer == {"marks": [], "unread": ["attachment 1: encrypted"]}


def test_more_documents_than_are_read_are_told(running: SecrecyService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "MOST_DOCUMENTS", 1)
    answer = ask(running, letter(("a", made.odt("a")), ("b", made.odt("MẬT")), ("c", b"\xff\xd8\xff")))
    assert answer == {"marks": [], "unread": ["attachment 2: limit"]}


def test_more_parts_than_are_read_are_told(running: SecrecyService) -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nMAT\r\n" * 5000
    assert ask(running, content) == {"marks": [], "unread": ["message: limit"]}


def test_more_of_what_may_be_a_mark_than_is_looked_at_is_told(running: SecrecyService) -> None:
    content = "Content-Type: text/plain; charset=utf-8\r\n\r\n" + "MẬT ĐỘ\r\n" * 30_000
    assert ask(running, content.encode()) == {"marks": [], "unread": ["body: limit"]}
    assert marks.in_text("MẬT ĐỘ\n" * 15_000 + "MẬT\n")


# --- when nobody can look ---


def test_without_the_reader_of_documents_there_is_no_verdict_on_a_document() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    asked = SecrecyService(documents.asker(port), 60)
    assert "documents cannot be read" in ask(asked, letter(("a", made.odt("a"))))["error"]
    assert ask(asked, MARKED)["marks"] == ["TOI MAT in body"]
    asked.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 503 Busy\r\nX-Extract: busy\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Extract: whole\r\nContent-Length: 9\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nX-Extract: what\r\n\r\n",
        b"HTTP/1.1 404 No\r\nX-Extract: whole\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Extract: whole\r\n\r\n" + b"a" * (documents.MOST_TEXT + 9),
    ],
    ids=range(8),
)
def test_an_answer_that_is_none_is_no_verdict(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client = listener.accept()[0]
            with client:
                client.recv(65536)
                client.sendall(answer)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ExtractorAway):
            documents.asker(listener.getsockname()[1])(b"x", time.monotonic() + 20)
        thread.join()


def test_a_reader_that_is_silent_is_not_waited_for_longer_than_there_is_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(ExtractorAway):
            documents.asker(silent.getsockname()[1])(b"x", time.monotonic() + 0.2)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("octets", [b"BM\n%PDF-1.4", b"\xff\xd8\xff\n%PDF-1.4", "BM\nTỐI MẬT\n".encode()])
def test_what_only_begins_as_a_picture_does_is_read(running: SecrecyService, octets: bytes) -> None:
    found = ask(running, letter(("a", octets)))
    assert found["unread"] or found["marks"]


def test_a_program_may_be_an_archive_that_unpacks_itself(running: SecrecyService) -> None:
    assert ask(running, letter(("a", b"MZ\x90\0" + bytes(60))))["unread"] == ["attachment 1: unknown"]


def test_of_what_a_script_answers_only_its_own_words_are_looked_at(running: SecrecyService) -> None:
    """A stranger's subject comes back in it, and he could have as much held as he likes."""
    head = b"From: a@x.vn\r\nSubject: Auto: =?utf-8?q?TUY=E1=BB=86T_M=E1=BA=ACT?=\r\nMIME-Version: 1.0\r\n"
    back = (
        b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\n%b\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: TOI MAT\r\n\r\nTOI MAT\r\n"
        b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: TOI MAT\r\n--b--\r\n"
    )

    def answer(kind: str, content: bytes) -> Any:
        return ask(running, content, json.dumps({"kind": kind, "size": len(content)}).encode() + b"\n")["marks"]

    assert answer("reply", head + back % b"Toi vang mat") == []
    assert answer("reply", head + back % b"TOI MAT") == ["TOI MAT in body"]
    assert answer("letter", head + back % b"Toi vang mat") != []
    own = letter(("ke-hoach.txt", b"TOI MAT\n"), subject="Auto: TOI MAT", text="Toi vang mat")
    assert answer("reply", own) == ["TOI MAT in attachment 1"]


def test_a_message_whose_own_documents_take_all_its_time_does_not_come_again_for_ever() -> None:
    def slow(document: bytes, until: float) -> DocumentText:
        if time.monotonic() > until:
            raise ExtractorAway("late")
        time.sleep(0.06)
        return DocumentText(documents.LIMIT)

    found = verdict.judge(letter(*[("a", b"%PDF-")] * 3), slow, time.monotonic() + 0.1)
    assert [why for why, _ in found.unread] == ["limit"] * 3

    def thorough(document: bytes, until: float) -> DocumentText:
        return slow(document, until) and DocumentText(documents.WHOLE, "xong")

    found = verdict.judge(letter(*[("a", b"%PDF-")] * 3), thorough, time.monotonic() + 0.1)
    assert found.unread == [("limit", "attachment 3")]
    # One that had to wait for others does.

    def busy(document: bytes, until: float) -> DocumentText:
        raise ExtractorAway("busy")

    with pytest.raises(ExtractorAway):
        verdict.judge(letter(("a", b"%PDF-")), busy, time.monotonic() + 0.1)
    with pytest.raises(verdict.Late):
        verdict.judge(CLEAN, busy, time.monotonic() - 1)


@pytest.mark.parametrize(
    "head",
    [
        b"\n",
        b"{}\n",
        b"[]\n",
        b'{"kind":"letter","size":-1}\n',
        b'{"kind":"letter","size":"1"}\n',
        b'{"size":1}\nx',
        b"x" * 20_000 + b"\n",
    ],
)
def test_what_is_not_the_protocol_is_no_verdict(running: SecrecyService, head: bytes) -> None:
    assert ask(running, CLEAN, head) == {"error": "this is not the filter's protocol"}


def test_a_fault_of_its_own_is_no_verdict(running: SecrecyService, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(verdict, "judge", fault)
    assert ask(running, MARKED) == {"error": "RuntimeError"}


def test_many_ask_at_once(running: SecrecyService) -> None:
    answers: list[Any] = []
    content = letter(("a", made.odt("MẬT")))
    threads = [threading.Thread(target=lambda: answers.append(ask(running, content))) for _ in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert answers == [{"marks": ["MAT in attachment 1"], "unread": []}] * 20


def test_what_is_noted_besides_has_the_time_that_is_left_for_the_marks(
    running: SecrecyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    until: list[float] = []

    def noted(content: bytes, moment: float) -> dict[str, object]:
        until.append(moment)
        return {}

    monkeypatch.setattr(remarks, "noted", noted)
    assert running.judged({"kind": "letter"}, CLEAN, 1e9).answer["noted"] == {}
    assert until == [1e9 + service.JUDGED * 60]


def test_a_row_of_more_cells_than_a_table_has_is_told(running: SecrecyService) -> None:
    content = "Content-Type: text/plain; charset=utf-8\r\n\r\n" + "ab\t" * 300_000 + "MẬT\r\n"
    began = time.process_time()
    assert ask(running, content.encode()) == {"marks": [], "unread": ["body: limit"]}
    assert time.process_time() - began < 3


def test_more_files_in_a_text_than_are_read_are_told(running: SecrecyService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "MOST_DOCUMENTS", 2)
    content = b"\r\n" + b"begin 644 a\n#86)C\n`\nend\n" * 3
    assert ask(running, content)["unread"] == ["body: limit"]


DEAR = {
    "letters of two octets": "Kính gửi các đơn vị\r\n",
    "the shortest lines": "abc\n",
    "the shortest lines of letters of four octets": "a😀\n",
    "ends of lines": "\r",
    "paragraphs": "ab<p>",
    "lines that are shown as they stand": "<pre>kinh g\udce1i</pre>\r\n",
    "words that are written anew": "MËT ",
    "files": "begin 644 a\n!AA\n",
}


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("piece", DEAR.values(), ids=DEAR)
def test_a_text_takes_no_more_memory_than_is_reckoned_with(piece: str, kind: str) -> None:
    """With one letter for which Python keeps each of the others in four octets."""
    octets = piece.encode("utf-8", "surrogateescape")
    text = "MẬT\n".encode() + octets * (2**18 // len(octets)) + "😀".encode()
    message = f"Content-Type: text/{kind}; charset=x\r\n\r\n".encode() + text
    tracemalloc.start()
    try:
        verdict.judge(message, lambda *_: DocumentText(documents.UNKNOWN), time.monotonic() + 600)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(message) + most < service.TIMES * len(message)


HOSTILE = [
    b"\xff" * 5000,
    b"\x00" * 5000,
    b"Subject: \xff\x00\r\nContent-Type: \xff/\x00; boundary=\xff\r\n\r\n--\xff\r\n\r\n\xff",
    b"Content-Type: text/plain; charset=\xff\xfe\r\n\r\n\xff\xfeM\x00\xac\x1eT\x00",
    b"Content-Type: multipart/mixed; boundary=\r\n\r\n--",
    b"Content-Disposition: attachment; filename*=''%\r\n\r\na",
    b"Content-Disposition: attachment; filename*9999=a; filename*=a''b\r\n\r\na",
    b"Content-Type: text/html; charset=utf-7\r\n\r\n+/v8-<<<&#x110000;&#xd800;",
    b"Content-Transfer-Encoding: base64\r\n\r\n=====A===",
    b"Subject: =?utf-16?b?/w==?= =?utf-7?q?+?= =?idna?q?a?= =?punycode?q?-?= =?unicode_escape?q?=5Cud800?=\r\n\r\na",
    b"begin 644 \xff\r\n\xff\xff\r\n",
    b"",
    b"\r\n",
    b":\r\n :\r\n\r\n",
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_octets_come_there_is_a_verdict(running: SecrecyService, content: bytes) -> None:
    answer = ask(running, content)
    assert answer is not None and "error" not in answer, answer


# --- the program ---


def test_the_program_answers_at_systemds_door_and_leaves_when_it_is_stopped(
    tmp_path: Path, extractor: Extractor
) -> None:
    program = tmp_path / "hanam-secrecy"
    program.write_bytes(zipapp.program("hanam-secrecy"))
    with socket.socket(socket.AF_UNIX) as door, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        door.bind(str(tmp_path / "door"))
        door.listen()
        systemd.bind(str(tmp_path / "systemd"))
        systemd.settimeout(60)
        begin = f"exec 3<&{door.fileno()}; exec {sys.executable} -I {program} {extractor.port} 60"
        environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "systemd")}
        process = subprocess.Popen(["bash", "-c", begin], pass_fds=[door.fileno()], env=environment)
        while systemd.recv(100) != b"READY=1":
            pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "door"))
            content = letter(("a", made.odt("MẬT")))
            client.sendall(json.dumps({"kind": "letter", "size": len(content)}).encode() + b"\n" + content)
            assert json.loads(client.makefile("rb").readline()) == {
                "marks": ["MAT in attachment 1"],
                "unread": [],
                "noted": {"charset": "", "files": []},
            }
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_each_waits_longer_than_the_one_that_it_asks() -> None:
    assert service.STALE < service.JUDGED < service.ANSWERED < 1 < service.STUCK
