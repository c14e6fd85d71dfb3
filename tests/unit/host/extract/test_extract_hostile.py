"""A document that means harm ends at a limit, in its time and its memory, and is answered (Đ10.2)."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests import documents

from hanam_mail.host.extract import converter, kinds, programs, reader
from hanam_mail.host.extract.converter import ReadingOutcome
from hanam_mail.host.extract.request import Memory
from hanam_mail.host.extract.work import End, Limits, Refused, Work

pytestmark = [pytest.mark.dieu10]

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed here")

NOISE = random.Random(1).randbytes(2**20)  # noqa: S311 (no secret)


def given() -> Limits:
    """As the service's, and what a process that runs tests has already, which the service has not."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return replace(Limits(), memory=Limits().memory + pages * resource.getpagesize())


def convert(data: bytes, limits: Limits | None = None) -> tuple[ReadingOutcome, float, float]:
    """The outcome, the seconds of the clock and those of processors."""
    body = Memory()
    body.write(data)
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    outcome = converter.convert(body.number, limits or given())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    os.close(body.number)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return outcome, time.monotonic() - began, used


HOSTILE: dict[str, tuple[Callable[[], bytes], End, str]] = {
    "a zip of 300 MB in 300 KB": (lambda: documents.zeros(300 * 2**20), End.LIMIT, "ratio"),
    "a zip that says it is small": (
        lambda: documents.packed({"a.txt": b" " * 2**20}).replace((2**20).to_bytes(4, "little"), b"\1\0\0\0"),
        End.PARTIAL,
        "broken",
    ),
    "zips in zips": (lambda: documents.nested(9, b"x"), End.LIMIT, "depth"),
    "a zip of itself": (documents.quine, End.PARTIAL, "broken"),
    "many parts": (lambda: documents.packed({str(n): b"" for n in range(6000)}), End.LIMIT, "parts"),
    "billion laughs": (
        lambda: documents.docx(more={"word/document.xml": documents.LAUGHS}), End.BROKEN, "document type",
    ),
    "an entity of another file": (
        lambda: documents.docx(more={"word/document.xml": documents.ELSEWHERE}), End.BROKEN, "document type",
    ),
    "500 MB of XML in 3 MB": (lambda: documents.endless_xml(500 * 2**20), End.LIMIT, "unpacked time"),
    "elements in each other": (lambda: documents.deep_xml(100_000), End.LIMIT, "depth"),
    "a million cells": (lambda: documents.many_cells(10**6), End.CUT, "text"),
    "groups in groups": (lambda: documents.deep_rtf(10**6), End.LIMIT, "depth"),
    "parts in parts": (lambda: documents.deep_mail(3000), End.LIMIT, "depth"),
    "an RTF of letters": (lambda: b"{\\rtf1 " + b"\\'e1" * 3_000_000 + b"}", End.CUT, "text"),
    "a page of tags that do not end": (lambda: b"<html>" + b"<a " * 1_000_000, End.LIMIT, "memory"),
    "a page of comments": (lambda: b"<html>" + b"<!--" * 500_000, End.WHOLE, ""),
    "heads of a zip and nothing else": (lambda: b"PK\x03\x04" * 1_000_000, End.BROKEN, "zip"),
    "noise in a zip": (lambda: b"PK\x03\x04" + NOISE, End.BROKEN, "zip"),
    "noise in a compound file": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + NOISE, End.BROKEN, "ole",
    ),
    "marks without letters": (lambda: ("\u0301" * 1_000_000).encode(), End.WHOLE, ""),
    "30 MB of text": (lambda: "công văn số ".encode() * 2_000_000, End.CUT, "text"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "end", "reason"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_document_ends_at_its_limit(make: Callable[[], bytes], end: End, reason: str) -> None:
    outcome, seconds, used = convert(make())
    assert outcome.end is end
    # On a slow machine the processor's time is over first.
    assert outcome.reason == reason or outcome.reason in reason.split()
    # A machine that does other things comes late to it.
    assert seconds < Limits().seconds + 10
    assert used < Limits().processor + 2
    assert len(outcome.text) <= Limits().text + 1
    assert not outcome.text or end in (End.CUT, End.WHOLE, End.PARTIAL)
    assert b"root:" not in outcome.text
    assert convert(documents.docx("Còn sống"))[0].end is End.WHOLE


QUICK: dict[str, bytes] = {
    "keys and values": b"key: value\r\n" * 16,
    "keys and values to the end of what is looked at": b"k: v\r\n" * 3000,
    "fields without an end": b"a: b\n c\n" * 2000 + b"!",
    "comments": b"<!---->" * 27,
    "comments without an end": b"<!--" * 4000,
    "comments that hold comments": b"<!-- " + b"<!--" * 90 + b"-->" + b" <!---->" * 900 + b"x",
    "spaces": b" \t\r\n" * 4000 + b"x",
}


LETTER = b"MIME-Version: 1.0\nFrom: a@example\n"
CHEAP: dict[str, Callable[[], bytes]] = {
    "a letter to very many": lambda: LETTER + b"To: " + b", ".join([b'"A B" <a@b.example>'] * 50_000) + b"\n\na",
    "a letter to brackets": lambda: LETTER + b"To: " + b"(" * 1_000_000 + b"\n\na",
    "a letter of parameters": lambda: LETTER + b"Content-Type: text/plain" + b";" * 1_000_000 + b"\n\na",
    "a letter of file names": lambda: LETTER + b"Content-Disposition: a" + b';a="\\"' * 150_000 + b"\n\na",
    "a zip of many parts without its end": lambda: documents.packed(
        {f"{number}.bin": NOISE[number : number + 5000] for number in range(4000)}
    )[:-1000],
}


@pytest.mark.parametrize("make", CHEAP.values(), ids=CHEAP.keys())
def test_what_grows_with_a_document_grows_no_faster_than_it(make: Callable[[], bytes]) -> None:
    data = make()
    began = time.process_time()
    with suppress(Refused):
        reader.read(data, Work(Limits()))
    assert time.process_time() - began < 2


@pytest.mark.parametrize("data", QUICK.values(), ids=QUICK.keys())
def test_what_kind_a_file_is_costs_no_time(data: bytes) -> None:
    """Honest files look like that, and an expression that tries in every way would end them at the limit of time."""
    began = time.process_time()
    kinds.kind(data)
    assert time.process_time() - began < 0.5


@needs_poppler
@pytest.mark.parametrize("name", documents.pdf_loops())
def test_a_pdf_that_leads_back_to_itself_ends(name: str) -> None:
    outcome, _, used = convert(documents.pdf_loops()[name])
    assert outcome.end in (End.BROKEN, End.WHOLE)
    assert used < 5


@needs_poppler
def test_a_pdf_is_read_within_all_limits() -> None:
    outcome, _, _ = convert(documents.pdf("Công văn"))
    assert (outcome.end, "Công văn" in outcome.text.decode()) == (End.WHOLE, True)


def test_a_program_that_complains_for_ever_fills_nothing(tmp_path: Path) -> None:
    noisy = tmp_path / "noisy"
    noisy.write_text("#!/bin/sh\necho Incorrect password >&2; yes 2>/dev/null | head -c 100000000 >&2; exit 1\n")
    noisy.chmod(0o755)
    with programs._File(b"x", Work(Limits())) as document, programs._started([str(noisy)], document) as started:
        process, _, complaints = started
        process.wait()
        assert os.fstat(complaints).st_size <= 4096
        assert b"Incorrect password" in os.pread(complaints, 4096, 0)


def test_a_document_in_another_is_no_larger_a_file_than_one_alone() -> None:
    with pytest.raises(Refused), programs._File(b"x" * 11, Work(Limits(octets=10))):
        pass


@needs_poppler
def test_a_pdf_that_unpacks_to_a_gigabyte_ends_at_the_memory_that_it_may_have() -> None:
    outcome, _, used = convert(documents.pdf_bomb())
    assert (outcome.end, outcome.reason) == (End.LIMIT, "memory")
    assert used < 10


def test_no_reader_takes_more_memory_than_its_limit() -> None:
    """Measured in a process of its own, whose children are these readers alone."""
    program = (
        "import resource\nfrom tests.unit.host.extract.test_extract_hostile import HOSTILE, Limits, convert\n"
        "for name in ('a million cells', 'a page of tags that do not end', 'an RTF of letters'):\n"
        "    convert(HOSTILE[name][0](), Limits())\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < Limits().memory


def swapped(monkeypatch: pytest.MonkeyPatch, read: Callable[..., object]) -> None:
    """Another reader in the place of ours: what a fault in one of them would do."""
    monkeypatch.setattr("hanam_mail.host.extract.reader.read", read)


def test_a_reader_that_hangs_is_ended_with_all_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object) -> None:
        subprocess.Popen(["sleep", "4711"])
        time.sleep(60)

    swapped(monkeypatch, hang)
    outcome, seconds, _ = convert(b"x", replace(given(), seconds=0.5))
    assert outcome == ReadingOutcome(End.LIMIT, "time")
    assert seconds < 30
    assert "sleep 4711" not in subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True).stdout


def test_what_a_reader_started_and_cut_loose_is_ended_too() -> None:
    """In a process of its own, as a connection's is: what its children leave behind is given to it."""
    program = """
import subprocess, sys
from hanam_mail.host.extract import converter, processes, reader
from hanam_mail.host.extract.request import Memory
from tests.unit.host.extract.test_extract_hostile import given

def leave(*_):
    # A session of its own, and its starter is gone.
    subprocess.run([sys.executable, "-c",
        "import subprocess; subprocess.Popen(['sleep', '4712'], start_new_session=True)"], check=True)
    return "whole", ""

processes.adopt_orphans()
reader.read = leave
body = Memory()
body.write(b"x")
print(converter.convert(body.number, given()).end, processes.children())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["whole", "set()"]
    assert "sleep 4712" not in subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True).stdout


def test_a_reader_that_computes_for_ever_is_ended_by_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def compute(*_: object) -> None:
        while True:
            pass

    swapped(monkeypatch, compute)
    outcome, _, used = convert(b"x", replace(given(), processor=1))
    assert outcome == ReadingOutcome(End.LIMIT, "time")
    assert used < 3


def test_a_reader_that_wants_all_memory_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    swapped(monkeypatch, lambda *_: len(bytearray(2**40)))
    assert convert(b"x")[0] == ReadingOutcome(End.LIMIT, "memory")


def test_a_reader_that_crashes_leaves_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    swapped(monkeypatch, lambda *_: os.kill(os.getpid(), signal.SIGSYS))
    assert convert(b"x")[0] == ReadingOutcome(End.BROKEN, "reader")


def test_a_reader_cannot_fill_a_disk_or_the_memory_with_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object) -> None:
        number = os.memfd_create("large")
        while os.write(number, bytes(2**20)):
            pass

    swapped(monkeypatch, fill)
    assert convert(b"x", replace(given(), octets=2**20, unpacked=2**22))[0].end is End.BROKEN


def test_a_reader_has_no_descriptor_but_its_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections, and what was read for others, stay out of the reach of whatever takes a reader over."""
    # So many that the reader's own have higher numbers: those before them may be open too.
    others = {os.memfd_create("others") for _ in range(100)}
    try:

        def open_ones(*_: object) -> tuple[End, str]:
            found = [number for number in range(4096) if _is_open(number)]
            return End.WHOLE, " ".join(map(str, found))

        monkeypatch.setattr("hanam_mail.host.extract.reader.read", open_ones)
        reason = convert(b"x")[0].reason
    finally:
        for other in others:
            os.close(other)
    found = set(map(int, reason.split()))
    assert len(found - {0, 1, 2}) == 2, "the document, and the pipe for the answer"
    assert found & others == set()


def _is_open(number: int) -> bool:
    with suppress(OSError):
        os.fstat(number)
        return True
    return False
