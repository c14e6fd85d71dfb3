"""The service by its socket, as the filter speaks with it, and the verdict that it gives."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests import documents
from tests.unit.host.mail_auth import nameserver, signer
from tests.unit.host.mail_auth.signer import Key

from hanam_mail.controller import zipapp
from hanam_mail.host.mail_auth import questions, service, verdict
from hanam_mail.host.mail_auth.service import MailAuthService
from hanam_mail.host.reports import outgoing_dmarc_row, outgoing_seen, outgoing_spool
from hanam_mail.host.reports.outgoing_spool import Counter

pytestmark = pytest.mark.dieu4

KEY = Key()
ED25519 = Key(selector="ed", private=Ed25519PrivateKey.generate())
ZONE: nameserver.Zone = {
    "ky.example": {"TXT": [nameserver.text("v=spf1 ip4:192.0.2.10 -all")], "A": ["192.0.2.10"]},
    KEY.name: {"TXT": [nameserver.text(KEY.record())]},
    ED25519.name: {"TXT": [nameserver.text(ED25519.record())]},
    "_dmarc.ky.example": {"TXT": [nameserver.text("v=DMARC1; p=reject; np=reject; sp=quarantine")]},
    **{
        f"_dmarc.{name}.example": {"TXT": [nameserver.text("v=DMARC1; p=reject")]}
        for name in ("xn--tnh-dlz", "xn--strae-oqa", "strasse")
    },
    "strasse.example": {"TXT": [nameserver.text("v=spf1 -all")]},
    "xn--tnh-dlz.example": {"TXT": [nameserver.text("v=spf1 ip4:192.0.2.10 -all")]},
    "macro.example": {"TXT": [nameserver.text("v=spf1 exists:%{h}.macro.example -all")]},
    "xn--tnh-dlz.example.macro.example": {"A": ["127.0.0.2"]},
    "ptr.example": {"TXT": [nameserver.text("v=spf1 ptr ~all")]},
    "66.2.0.192.in-addr.arpa": {"PTR": [f"{number}.silent.ky.example." for number in range(10)]},
    **{f"{number}.silent.ky.example": nameserver.SILENT for number in range(10)},
    "_dmarc.bao.example": {"TXT": [nameserver.text("v=DMARC1; p=quarantine; rua=mailto:a@bao.example")]},
    "silent.example": nameserver.SILENT,
    "_dmarc.silent.example": nameserver.SILENT,
}
LETTER = b"From: <an@ky.example>\r\nTo: <ba@nhan.example>\r\nSubject: a\r\n\r\nKinh gui\r\n"
ASKED = {"address": "192.0.2.10", "helo": "mx.ky.example", "sender": "an@ky.example", "author": "ky.example"}


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with nameserver.serve(ZONE) as (_, place):
        yield place


def ask(running: MailAuthService, head: bytes, content: bytes = b"") -> Any:
    """What the service answers to these octets, read from JSON; None when it says nothing."""
    ours, theirs = socket.socketpair()
    running.take(theirs)
    with ours:
        ours.settimeout(30)
        sending = threading.Thread(target=ours.sendall, args=(head + content,))
        sending.start()
        answer = ours.makefile("rb").readline()
        sending.join()
    return json.loads(answer) if answer else None


def head(content: bytes, **more: object) -> bytes:
    return json.dumps({**ASKED, "size": len(content), **more}).encode() + b"\n"


@pytest.fixture
def running(address: tuple[str, int]) -> Iterator[MailAuthService]:
    each = MailAuthService([address])
    yield each
    each.close()


def judged(running: MailAuthService, content: bytes = LETTER, **more: object) -> Any:
    return ask(running, head(content, **more), content)


# --- the verdict ---


def test_mail_that_its_domain_sends_and_signs_passes_by_all(running: MailAuthService) -> None:
    answer = judged(running, signer.dkim(ED25519, signer.dkim(KEY, LETTER)))
    assert [answer["spf"]["result"], *(each["result"] for each in answer["dkim"])] == ["pass"] * 3
    assert (answer["arc"]["result"], answer["dmarc"]["result"], answer["dmarc"]["authentic"]) == ("none", "pass", True)
    starts = [each["start"] for each in answer["dkim"]]
    assert answer["results"] == (
        "spf=pass (ip4) smtp.mailfrom=an@ky.example;"
        f" dkim=pass header.d=ky.example header.s=ed header.b={starts[0]};"
        f" dkim=pass header.d=ky.example header.s=s1 header.b={starts[1]};"
        " dmarc=pass (policy=reject) header.from=ky.example"
    )


def test_what_is_noted_besides_is_told_with_the_verdict(running: MailAuthService) -> None:
    assert judged(running)["noted"] == {"charset": "", "files": []}
    old = LETTER + documents.vni("Kính gửi các đơn vị, đề nghị gửi báo cáo.\r\n")
    assert judged(running, old)["noted"] == {"charset": "VNI in body", "files": []}


def test_mail_in_its_name_is_refused(running: MailAuthService) -> None:
    answer = judged(running, address="192.0.2.11")
    assert (answer["dmarc"]["action"], answer["dmarc"]["policy"]) == ("refuse", "reject")
    assert answer["results"] == (
        "spf=fail (all) smtp.mailfrom=an@ky.example; dkim=none;"
        " dmarc=fail (policy=reject, SPF fail, not signed) header.from=ky.example"
    )


def test_a_chain_is_told_with_its_last_seal(running: MailAuthService) -> None:
    sealed = signer.arc(KEY, LETTER)
    assert " arc=pass (i=1 d=ky.example s=s1); " in judged(running, sealed)["results"]
    broken = judged(running, sealed + b"more\r\n")
    assert " arc=fail (i=1 d=ky.example s=s1 body hash); " in broken["results"]


def test_without_a_sender_helo_is_named(running: MailAuthService) -> None:
    answer = judged(running, sender="", helo="ky.example")
    assert answer["results"].startswith("spf=pass (ip4) smtp.helo=ky.example; ")
    assert answer["dmarc"]["result"] == "pass"


@pytest.mark.parametrize(
    "author", ["tỉnh.example", "TỈNH.example", "xn--tnh-dlz.example", "XN--TNH-dlz.Example", "tỉnh。example."]
)
def test_a_domain_in_vietnamese_is_asked_for_as_dns_knows_it(running: MailAuthService, author: str) -> None:
    answer = judged(running, author=author)
    assert (answer["dmarc"]["author"], answer["dmarc"]["action"]) == ("xn--tnh-dlz.example", "refuse")


@pytest.mark.parametrize(
    ("author", "name"), [("straße.example", "xn--strae-oqa.example"), ("STRASSE.example", "strasse.example")]
)
def test_no_domain_is_taken_for_another(running: MailAuthService, author: str, name: str) -> None:
    answer = judged(running, author=author)
    assert (answer["dmarc"]["author"], answer["dmarc"]["action"]) == (name, "refuse")


def test_the_sender_and_the_name_in_helo_are_asked_for_as_dns_knows_them(running: MailAuthService) -> None:
    for more in ({"sender": "an@tỉnh.example"}, {"sender": "", "helo": "TỈNH.example"}):
        answer = judged(running, author="xn--tnh-dlz.example", **more)
        assert (answer["spf"]["result"], answer["spf"]["domain"]) == ("pass", "xn--tnh-dlz.example")
        assert answer["dmarc"]["result"] == "pass"
    # By the macro h, of a record in ASCII.
    assert judged(running, helo="tỉnh.example", sender="an@macro.example")["spf"]["result"] == "pass"


AUTHORS = ["", ".", "a..example", "\ue000.example", "\udcff.example", f"{'ă' * 60}.example", "a." * 124 + "example"]


@pytest.mark.parametrize("author", AUTHORS, ids=range(len(AUTHORS)))
def test_an_author_whom_dns_cannot_know_is_refused(running: MailAuthService, author: str) -> None:
    assert judged(running, signer.dkim(KEY, LETTER), author=author) == {"refused": verdict.AUTHOR}


FROMS = {
    "none": LETTER.replace(b"From", b"Form"),
    "two": b"From: <an@khac.example>\r\n" + LETTER,
    "two, the second otherwise": b"FROM :<an@khac.example>\n" + LETTER,
    "in the body": b"\r\n" + LETTER,
}


@pytest.mark.parametrize("content", FROMS.values(), ids=FROMS)
def test_more_or_fewer_than_one_author_are_refused(running: MailAuthService, content: bytes) -> None:
    assert judged(running, content) == {"refused": verdict.AUTHOR}


HOSTILE_TEXTS = ["a; dkim=pass", 'a"b\\', "a\r\n b", "a (b", "a\x00b", "ă" * 500, "\ud800", " "]


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_no_text_of_the_senders_ends_a_word_or_the_line(running: MailAuthService, text: str) -> None:
    field = f"DKIM-Signature: v=1; a=rsa-sha256; d=ky.example; s=s1; h=from; bh=YQ==; b={text}\r\n"
    content = field.encode("utf-8", "replace") + LETTER
    answer = judged(running, content, sender=f"{text}@ky.example", author="client.example")
    results = answer["results"]
    assert not re.search(r"[\x00-\x1f]", results)
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", results)
    outside = re.sub(r"\([^()]*\)", "", outside)
    assert [part.split("=")[0].strip() for part in outside.split(";")] == ["spf", "dkim", "dmarc"]
    assert not set('()"\\') & set(outside)


NO_NAMES = [b"\xff\xfe", b"\\ud800", b"\\u0000", b"\\udcff.\xe1", "a..ă".encode(), "\u3002".encode()]


@pytest.mark.parametrize("name", ["address", "helo", "sender", "author"])
@pytest.mark.parametrize(
    "said", [b"\xff\xfe", b"\\ud800", b"\\u0000", b"\\udcff.\xe1", "a..ă".encode(), "\u3002".encode()]
)
def test_names_that_are_no_names_end_in_a_verdict(running: MailAuthService, name: str, said: bytes) -> None:
    wrong = said if name == "address" else b"an@" * (name == "sender") + said + b".example"
    asked = head(LETTER, **{name: "WRONG"}).replace(b"WRONG", wrong)
    answer = ask(running, asked, LETTER)
    if name == "author":
        # DNS can be asked about any octet, and knows nothing of this one.
        assert answer["dmarc"]["result"] == "none" if said == b"\\u0000" else answer == {"refused": verdict.AUTHOR}
        return
    assert answer["dmarc"]["result"] == ("pass" if name == "helo" else "fail")
    assert answer["spf"]["result"] == ("none" if name in ("address", "sender") else "pass")


# --- what is counted for reports to domains ---


@pytest.fixture
def counted(address: tuple[str, int], tmp_path: Path) -> Iterator[tuple[MailAuthService, Counter]]:
    counter = Counter(tmp_path)
    each = MailAuthService([address], reports=counter)
    yield each, counter
    each.close()


def lines(running: MailAuthService, folder: Path) -> list[dict[str, Any]]:
    """What is written once all that was asked is done."""
    running.close()
    return [
        line
        for path in outgoing_spool.waiting(folder)
        for line in outgoing_spool.read(path, outgoing_dmarc_row.fits).lines
    ]


def test_each_verdict_on_a_domain_that_wants_reports_is_counted(
    counted: tuple[MailAuthService, Counter], tmp_path: Path
) -> None:
    running, _ = counted
    for address in ("192.0.2.10", "192.0.2.66", "192.0.2.66"):
        assert judged(running, author="bao.example", address=address)["dmarc"]["record"] == "bao.example"
    # This one asks for none.
    judged(running)
    found = lines(running, tmp_path)
    assert sorted((line["row"]["ip"], line["messages"]) for line in found) == [("192.0.2.10", 1), ("192.0.2.66", 2)]
    assert {line["domain"] for line in found} == {"bao.example"}


def test_a_report_is_judged_and_not_counted(counted: tuple[MailAuthService, Counter], tmp_path: Path) -> None:
    running, _ = counted
    assert judged(running, author="bao.example", report=True)["dmarc"]["record"] == "bao.example"
    judged(running, author="bao.example", report=False)
    assert [line["messages"] for line in lines(running, tmp_path)] == [1]


def test_what_goes_wrong_with_counting_is_no_fault_of_the_verdict(
    counted: tuple[MailAuthService, Counter],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fault(*_: object) -> None:
        raise RuntimeError("a fault")

    running, _ = counted
    monkeypatch.setattr(outgoing_seen, "seen", fault)
    assert judged(running, author="bao.example")["dmarc"]["action"] == "mark"
    running.close()
    assert "<4>a verdict is not counted for its domain's report: RuntimeError" in capfd.readouterr().err
    (path,) = outgoing_spool.waiting(tmp_path)
    assert outgoing_spool.read(path, outgoing_dmarc_row.fits).lost == 1


def test_the_filter_does_not_wait_for_counting(
    counted: tuple[MailAuthService, Counter], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, counter = counted
    begun, end = threading.Event(), threading.Event()

    def slow(_: object) -> None:
        begun.set()
        end.wait(20)

    monkeypatch.setattr(counter, "add", slow)
    assert judged(running, author="bao.example")["dmarc"]["action"] == "mark"
    assert begun.wait(5)
    end.set()


# --- what the filter says wrongly, or not at all ---

BAD = [
    b"\n",
    b"{}\n",
    b"[1]\n",
    b"null\n",
    b"no json\n",
    head(LETTER, size="7"),
    head(LETTER, size=-1),
    head(LETTER, author=None),
    b"x" * 20000 + b"\n",
]


@pytest.mark.parametrize("said", BAD, ids=range(len(BAD)))
def test_what_is_not_the_protocol_is_no_verdict(running: MailAuthService, said: bytes) -> None:
    assert ask(running, said, LETTER) == {"error": "this is not the filter's protocol"}


def test_half_a_message_is_no_verdict(running: MailAuthService) -> None:
    ours, theirs = socket.socketpair()
    running.take(theirs)
    with ours:
        ours.settimeout(30)
        ours.sendall(head(LETTER) + LETTER[:-1])
        ours.shutdown(socket.SHUT_WR)
        assert json.loads(ours.makefile("rb").readline()) == {"error": "the message is not whole"}


def test_a_filter_that_says_nothing_more_is_let_go(running: MailAuthService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PATIENCE", 0.3)
    ours, theirs = socket.socketpair()
    running.take(theirs)
    with ours:
        ours.settimeout(10)
        assert ours.recv(1) == b""
    assert judged(running)["dmarc"]["result"] == "pass"


def test_a_fault_of_its_own_is_no_verdict_and_is_said(
    running: MailAuthService, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fault(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(verdict, "judge", fault)
    assert judged(running) == {"error": "RuntimeError"}
    said = capfd.readouterr().err
    assert said.startswith("<3>no verdict on a message: ") and "RuntimeError: a fault" in said and said.count("\n") == 1


# --- time and room ---


def test_resolvers_that_are_silent_end_in_a_verdict_to_come_again(
    running: MailAuthService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "TRY_SECONDS", 0.2)
    monkeypatch.setattr(verdict, "DNS_SECONDS", 1.0)
    began = time.monotonic()
    answer = judged(running, author="silent.example", sender="a@silent.example")
    assert time.monotonic() - began < 3
    assert (answer["spf"]["result"], answer["dmarc"]["result"], answer["dmarc"]["action"]) == (
        "temperror",
        "temperror",
        "later",
    )


def test_a_signature_decides_where_the_list_of_senders_takes_all_its_time(
    running: MailAuthService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "TRY_SECONDS", 0.5)
    monkeypatch.setattr(verdict, "SPF_SECONDS", 1.2)
    monkeypatch.setattr(verdict, "DNS_SECONDS", 3.0)
    began = time.monotonic()
    answer = judged(running, signer.dkim(KEY, LETTER), address="192.0.2.66", sender="an@ptr.example")
    assert time.monotonic() - began < 2.5
    assert answer["spf"]["result"] == "temperror"
    assert (answer["dmarc"]["result"], answer["dmarc"]["authentic"]) == ("pass", True)
    # Without one the policy is still found.
    assert judged(running, address="192.0.2.66", sender="an@ptr.example")["dmarc"]["action"] == "refuse"


def test_the_service_comes_to_an_end_before_the_filter_does() -> None:
    defaults = Path(__file__).resolve().parents[4] / "roles/rspamd/defaults/main.yml"
    (seconds,) = re.findall(r"(?m)^rspamd_auth_timeout: (\d+)$", defaults.read_text())
    assert (
        service.STALE_SECONDS
        < verdict.DNS_SECONDS / 2
        < verdict.DNS_SECONDS
        < service.PATIENCE
        < int(seconds)
        < service.STUCK_SECONDS
    )


def test_large_messages_wait_for_each_other(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LARGE", 500)
    running = MailAuthService([address], room=1000)
    content = LETTER + b"a" * 600
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(head(content))
        running.take(theirs)
        time.sleep(0.2)
        monkeypatch.setattr(service, "STALE_SECONDS", 0.3)
        assert judged(running, content) == {"error": "too many large messages at once"}
        assert judged(running)["dmarc"]["result"] == "pass"
        ours.sendall(content)
        assert json.loads(ours.makefile("rb").readline())["dmarc"]["result"] == "pass"
    assert judged(running, LETTER + b"a" * 5000)["dmarc"]["result"] == "pass"
    running.close()


def bring(running: MailAuthService, content: bytes = LETTER, **more: object) -> socket.socket:
    """The filter's side of a request that waits for its verdict."""
    ours, theirs = socket.socketpair()
    ours.sendall(head(content, **more) + content)
    ours.settimeout(30)
    running.take(theirs)
    return ours


def unanswered(ours: socket.socket) -> bool:
    try:
        return ours.recv(1) == b""
    except ConnectionResetError:
        return True


def test_those_that_nobody_waits_for_keep_nobody_else_waiting(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "STALE_SECONDS", 1.0)
    monkeypatch.setattr(verdict, "DNS_SECONDS", 3.0)
    with nameserver.serve(ZONE) as (server, place):
        running = MailAuthService([place])
        busy = [bring(running, sender="a@silent.example") for _ in range(service.AT_ONCE)]
        gone = [bring(running, sender=f"a@gone{each}.example") for each in range(100)]
        late = [bring(running, sender=f"a@late{each}.example") for each in range(100)]
        for each in gone:
            each.close()
        assert all(json.loads(each.makefile("rb").readline())["spf"]["result"] == "temperror" for each in busy)
        began = time.monotonic()
        assert judged(running)["dmarc"]["result"] == "pass"
        assert time.monotonic() - began < 2
        assert all(unanswered(each) for each in late)
        assert not [name for name, _ in server.asked if name.startswith(("gone", "late"))]
    for _ in range(2):
        running.tell()
    running.close()
    assert [line for line in capfd.readouterr().err.splitlines() if line.startswith("<5>")] == [
        "<5>200 messages were not judged: their turn came too late, or the filter had gone"
    ]
    for each in (*busy, *late):
        each.close()


def test_more_than_can_wait_are_told_at_once(running: MailAuthService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_WAITING", 0)
    began = time.monotonic()
    with bring(running) as ours:
        assert unanswered(ours)
    assert time.monotonic() - began < 1


def test_time_for_dns_counts_from_when_the_filter_came(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "TRY_SECONDS", 5.0)
    monkeypatch.setattr(verdict, "DNS_SECONDS", 1.5)
    running = MailAuthService([address])
    ours, theirs = socket.socketpair()
    began = time.monotonic()
    running.take(theirs)
    with ours:
        time.sleep(1)
        ours.sendall(head(LETTER, sender="a@silent.example", author="silent.example") + LETTER)
        assert json.loads(ours.makefile("rb").readline())["dmarc"]["action"] == "later"
    assert time.monotonic() - began < 2.4
    running.close()


def test_a_small_message_waits_for_no_room(address: tuple[str, int]) -> None:
    running = MailAuthService([address], room=service.LARGE)
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(head(b"a" * service.LARGE))
        running.take(theirs)
        time.sleep(0.2)
        began = time.monotonic()
        assert judged(running, LETTER + b"a" * (service.LARGE - len(LETTER) - 1))["dmarc"]["result"] == "pass"
        assert time.monotonic() - began < 1
    running.close()


def test_many_ask_at_once(running: MailAuthService, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whether all are answered, not how soon: a busy machine takes its time.
    monkeypatch.setattr(service, "STALE_SECONDS", 120.0)
    monkeypatch.setattr(service, "PATIENCE", 120.0)
    monkeypatch.setattr(verdict, "DNS_SECONDS", 120.0)
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(judged(running))) for _ in range(100)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [answer["dmarc"]["result"] for answer in answers] == ["pass"] * 100


def test_a_thread_that_does_not_come_back_is_noticed(running: MailAuthService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "STUCK_SECONDS", 0.2)
    ours, theirs = socket.socketpair()
    assert not running.stuck
    with ours:
        running.take(theirs)
        time.sleep(0.5)
        assert running.stuck


# --- the program ---


def test_the_program_answers_at_systemds_door_and_leaves_when_it_is_replaced_or_stopped(tmp_path: Path) -> None:
    program = tmp_path / "hanam-mail-auth"
    program.write_bytes(zipapp.program("hanam-mail-auth"))
    with socket.socket(socket.AF_UNIX) as door, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        door.bind(str(tmp_path / "door"))
        door.listen()
        systemd.bind(str(tmp_path / "systemd"))
        systemd.settimeout(20)
        begin = f"exec 3<&{door.fileno()}; exec {sys.executable} -I {program} 127.0.0.1"
        environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "systemd")}

        def started() -> subprocess.Popen[bytes]:
            running = subprocess.Popen(["bash", "-c", begin], pass_fds=[door.fileno()], env=environment)
            while systemd.recv(100) != b"READY=1":
                pass
            return running

        running = started()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "door"))
            client.sendall(b"{}\n")
            assert b"error" in client.makefile("rb").readline()
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
        running = started()
        (tmp_path / "new").write_bytes(program.read_bytes())
        (tmp_path / "new").rename(program)
        assert running.wait(20) == 0


def test_the_program_writes_what_it_has_counted_as_it_ends(tmp_path: Path) -> None:
    """Here that it lost one: it asks a resolver at port 53, where nobody of these tests answers."""
    program, folder = tmp_path / "hanam-mail-auth", tmp_path / "judged"
    program.write_bytes(zipapp.program("hanam-mail-auth"))
    folder.mkdir()
    given = [str(program), "127.0.0.1", "--reports", str(folder)]
    begin = f"import sys; sys.argv = {given}; from hanam_mail.host.mail_auth import service"
    lost = "from hanam_mail.host.reports.outgoing_spool import Counter; write = Counter.start"
    count = "Counter.start = lambda self: (write(self), self.lose())"
    words = "; ".join([begin, lost, count, "sys.exit(service.main())"])
    with socket.socket(socket.AF_UNIX) as door, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        door.bind(str(tmp_path / "door"))
        door.listen()
        systemd.bind(str(tmp_path / "systemd"))
        systemd.settimeout(20)
        environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "systemd"), "PYTHONPATH": str(program)}
        run = f"exec 3<&{door.fileno()}; exec {sys.executable} -c {shlex.quote(words)}"
        running = subprocess.Popen(["bash", "-c", run], pass_fds=[door.fileno()], env=environment, cwd=tmp_path)
        while systemd.recv(100) != b"READY=1":
            pass
        assert outgoing_spool.waiting(folder) == []
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
    (path,) = outgoing_spool.waiting(folder)
    assert outgoing_spool.read(path, outgoing_dmarc_row.fits).lost == 1
