"""Letters with reports are read in a process with limits; hostile ones cost a moment, and nothing is lost."""

import json
import os
import resource
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests import documents
from tests import report_samples as samples

from hanam_mail.host.extract.confined import ReadingOutcome
from hanam_mail.host.extract.work import End, Limits
from hanam_mail.host.reports import incoming_dmarc, incoming_read
from hanam_mail.host.reports.incoming_read import ReportReader


def given(**more: Any) -> Limits:
    """As the service's, and what a process that runs tests has already, which the service has not."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limits = replace(incoming_read.LIMITS, **more)
    return replace(limits, memory=limits.memory + pages * resource.getpagesize())


class Spool:
    """A Maildir and what is made of it."""

    def __init__(self, place: Path) -> None:
        self.mail, self.state = place / "mail", place / "state"
        for folder in ("mail/cur", "mail/new", "mail/tmp", "state/ready", "state/refused"):
            (place / folder).mkdir(parents=True)
        self._number = 0

    def bring(self, letter: bytes) -> None:
        self._number += 1
        (self.mail / "new" / f"17{self._number:08}.V1.host").write_bytes(letter)

    def run(self, **limits: Any) -> list[dict[str, Any]]:
        """What lies there for the database after a run, in no order."""
        ReportReader(self.mail, self.state, given(**limits)).run()
        return [json.loads(path.read_text()) for path in (self.state / "ready").iterdir()]

    def left(self) -> int:
        return len(list((self.mail / "new").iterdir()))

    def kept(self) -> int:
        return len(list((self.state / "refused").iterdir()))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


def test_a_letter_is_read_laid_down_and_gone(spool: Spool) -> None:
    spool.bring(samples.letter(samples.gzipped(samples.dmarc())))
    (document,) = spool.run()
    assert (document["sender"], document["report"]["report_id"]) == ("nhan.example", "17:1")
    assert (spool.left(), spool.kept()) == (0, 0)


def test_what_nobody_is_proven_to_have_sent_is_not_even_opened(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hanam_mail.host.extract.confined.run", lambda *_: pytest.fail("it was read"))
    for mark in (None, "", "nhan.example unproven nhan.example"):
        spool.bring(samples.letter(samples.gzipped(samples.dmarc()), mark=mark))
    assert sorted(document["refused"] for document in spool.run()) == ["unmarked", "unmarked", "unproven"]
    # Two of them the filter did not mark, which it does with all that comes from outside: somebody has to look.
    assert (spool.left(), spool.kept()) == (0, 2)


def test_a_report_of_tls_without_its_senders_signature_does_not_count(spool: Spool) -> None:
    for mark in ("nhan.example proven", "nhan.example proven khac.example"):
        spool.bring(samples.letter(samples.gzipped(samples.tls()), mark=mark))
    # That of DMARC needs none: SPF is proof enough.
    spool.bring(samples.letter(samples.gzipped(samples.dmarc()), mark="nhan.example proven"))
    found = spool.run()
    assert sorted(document.get("refused", "read") for document in found) == ["read", "unsigned", "unsigned"]


def test_a_letter_that_is_read_twice_lies_there_once(spool: Spool) -> None:
    spool.bring(samples.letter(samples.gzipped(samples.dmarc())))
    (letter,) = (spool.mail / "new").iterdir()
    content = letter.read_bytes()
    spool.run()
    # As if the host had lost power before the letter went.
    letter.write_bytes(content)
    (spool.state / "ready" / "half.new").write_bytes(b"{")
    (spool.state / "ready" / "half.new").unlink()
    assert len(spool.run()) == 1


def test_letters_that_were_never_whole_go_after_a_while(spool: Spool) -> None:
    now = time.time()
    for name, age in (("new", 60), ("old", incoming_read.ABANDONED + 60)):
        path = spool.mail / "tmp" / name
        path.write_bytes(b"From: ")
        os.utime(path, (now - age, now - age))
    assert spool.run() == []
    assert [path.name for path in (spool.mail / "tmp").iterdir()] == ["new"]


def test_a_draft_of_a_run_that_was_killed_is_written_anew(spool: Spool) -> None:
    spool.bring(samples.letter(samples.gzipped(samples.dmarc())))
    ReportReader(spool.mail, spool.state)._lay(next((spool.mail / "new").iterdir()).name, {"refused": "x"})
    (laid,) = (spool.state / "ready").iterdir()
    laid.rename(laid.with_suffix(".new"))
    (document,) = spool.run()
    assert "report" in document


def test_a_refused_letter_of_a_proven_sender_is_kept_for_whoever_asks_why(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming_read, "KEPT", 2)
    for _ in range(4):
        spool.bring(samples.letter(b"GIF89a", "image/gif", "a.gif"))
    found = spool.run()
    assert [(each["refused"], each["detail"]) for each in found] == [("unknown", "not a report")] * 4
    assert spool.kept() == 2


def test_more_than_can_be_read_is_dropped_and_counted(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming_read, "WAITING", 3)
    for number in range(5):
        spool.bring(samples.letter(samples.gzipped(samples.dmarc(report_id=str(number)))))
    found = spool.run()
    assert sum("report" in each for each in found) == 3
    assert [each["number"] for each in found if each.get("refused") == "overflow"] == [2]
    assert spool.left() == 0


def test_more_octets_than_may_wait_are_dropped_and_counted(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    letter = samples.letter(samples.gzipped(samples.dmarc()))
    monkeypatch.setattr(incoming_read, "WAITING_OCTETS", len(letter) * 2)
    for _ in range(5):
        spool.bring(letter)
    found = spool.run()
    assert [each["number"] for each in found if each.get("refused") == "overflow"] == [3]
    assert spool.left() == 0


@pytest.mark.parametrize(("limit", "most"), [("READY", 2), ("READY_OCTETS", 1000)])
def test_letters_wait_while_the_database_takes_nothing(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], limit: str, most: int
) -> None:
    monkeypatch.setattr(incoming_read, limit, most)
    for number in range(3):
        spool.bring(samples.letter(samples.gzipped(samples.dmarc(report_id=str(number)))))
    assert len(spool.run()) == 2
    assert spool.left() == 1
    assert "1 letters with reports wait" in capfd.readouterr().err
    for path in (spool.state / "ready").iterdir():
        path.unlink()
    assert len(spool.run()) == 1
    assert spool.left() == 0


def test_a_domain_that_broke_many_readers_is_not_read_any_more_in_a_run(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def bomb(*_: object) -> ReadingOutcome:
        asked.append(1)
        return ReadingOutcome(End.LIMIT, "time")

    monkeypatch.setattr("hanam_mail.host.extract.confined.run", bomb)
    for _ in range(6):
        spool.bring(samples.letter(b"x"))
    spool.bring(samples.letter(b"x", mark="khac.example proven"))
    found = spool.run()
    assert len(asked) == incoming_read.FAULTS + 1
    assert sorted(each["refused"] for each in found) == ["limit"] * 4 + ["too many faults"] * 3


# --- what means harm ---

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE feedback [<!ENTITY a "ha">%s]>
<feedback><report_metadata><org_name>&j;</org_name></report_metadata></feedback>""" % b"".join(
    b'<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">' % (n + 1, *[n] * 10) for n in range(97, 106)
)
ELSEWHERE = b'<!DOCTYPE feedback SYSTEM "file:///etc/passwd"><feedback/>'
DEEP_XML = b"<feedback>" + b"<a>" * 100_000


def many_records() -> bytes:
    one = samples.record().encode()
    return samples.dmarc("@@").replace(b"@@", one * (incoming_dmarc.RECORDS + 1))


def gigabyte() -> bytes:
    """Gzip of a gigabyte of zeros: one piece that stands for itself, again and again. Its end would not be right."""
    pack = zlib.compressobj(9, wbits=31)
    first = pack.compress(bytes(2**20)) + pack.flush(zlib.Z_FULL_FLUSH)
    again = pack.compress(bytes(2**20)) + pack.flush(zlib.Z_FULL_FLUSH)
    return first + again * 1023


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion laughs": (lambda: LAUGHS, "broken document type"),
    "a file from elsewhere": (lambda: ELSEWHERE, "broken document type"),
    "a gigabyte of nothing in a megabyte": (gigabyte, "limit ratio"),
    "a gigabyte of nothing in gzip in gzip": (lambda: samples.gzipped(gigabyte()), "limit"),
    "a zip of 100 MB in 100 KB": (lambda: documents.zeros(100 * 2**20), "limit ratio"),
    "zips in zips": (lambda: samples.zipped(samples.zipped(samples.zipped(b"x"))), "limit depth"),
    "gzips in gzips": (lambda: samples.gzipped(samples.gzipped(samples.gzipped(b"x"))), "limit depth"),
    "a zip of itself": (documents.quine, "broken"),
    "a zip of many files": (lambda: documents.packed({str(n): b"" for n in range(6000)}), "limit parts"),
    "a zip of two reports": (
        lambda: samples.zipped(samples.dmarc(), more=["b.xml"]),
        "broken zip of other than one file",
    ),
    "an empty zip": (lambda: documents.packed({}), "broken zip of other than one file"),
    "many members of gzip": (lambda: samples.gzipped(b"") * 5000, "limit members"),
    "a gzip that ends early": (lambda: samples.gzipped(samples.dmarc())[:-9], "broken gzip ends early"),
    "a gzip that is damaged": (lambda: b"\x1f\x8b\x08\x00" + b"\xff" * 100, "broken gzip"),
    "records without end": (many_records, "limit records"),
    "a record of many elements": (
        lambda: samples.dmarc(samples.record().replace("<row>", "<row>" + "<a/>" * 999)),
        "limit",
    ),
    "deep XML": (lambda: DEEP_XML, "limit depth"),
    "deep JSON": (lambda: b'{"policies":' + b"[" * 1_000_000, "limit depth"),
    "deep JSON of tables": (lambda: b'{"policies":' * 1_000_000, "limit depth"),
    "a million policies": (lambda: b'{"date-range":{},"policies":[' + b"{}," * 1_000_000 + b"{}]}", "limit policies"),
    "many failures": (lambda: samples.tls(*[samples.failure()] * 20_000), "limit failure-details"),
    "a name of 8 MB": (lambda: b"<feedback><" + b"a" * 8 * 2**20, "broken xml"),
    "a text of 8 MB": (lambda: samples.dmarc(org="a" * 8 * 2**20), ""),
    "8 MB of attributes": (lambda: b"<feedback " + b'a="b" ' * 2**20, "broken xml"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_report_that_means_harm_is_refused_in_its_time_and_its_memory(spool: Spool, name: str) -> None:
    make, why = HOSTILE[name]
    report = make()
    # As it is: what is so equal would be refused for how tight it is packed.
    spool.bring(samples.letter(report))
    spool.bring(samples.letter(samples.gzipped(samples.dmarc())))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    found = spool.run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{name}: {used:.2f} s of a processor, {time.monotonic() - began:.2f} s")
    assert used < 2 * incoming_read.LIMITS.processor
    refused = [f"{each['refused']} {each['detail']}" for each in found if "refused" in each]
    if why:
        (said,) = refused
        # Where two limits are near each other, either may end it.
        assert said.startswith(why), said
    # The next letter is read all the same.
    assert any(each.get("report", {}).get("report_id") == "17:1" for each in found)
    assert spool.left() == 0


def test_a_report_of_as_many_records_as_may_be_is_read(spool: Spool) -> None:
    records = (samples.record(f"203.0.{n // 250}.{n % 250}") for n in range(incoming_dmarc.RECORDS))
    spool.bring(samples.letter(samples.gzipped(samples.dmarc(*records))))
    (document,) = spool.run()
    assert len(document["report"]["rows"]) == incoming_dmarc.RECORDS
    assert len(json.dumps(document)) < incoming_read.LIMITS.text


def test_a_reader_that_is_killed_or_hangs_costs_its_letter_alone(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    deaths = iter((lambda: os.kill(os.getpid(), 9), lambda: time.sleep(60)))
    for death in deaths:
        monkeypatch.setattr("hanam_mail.host.reports.incoming_letter.read", lambda *_, death=death: death())
        spool.bring(samples.letter(b"x"))
        assert [each["refused"] for each in spool.run(seconds=0.5)] == ["limit"]
        for path in (spool.state / "ready").iterdir():
            path.unlink()
    assert spool.left() == 0


def test_the_program_takes_two_folders(spool: Spool) -> None:
    spool.bring(samples.letter(b"x", mark=None))
    assert incoming_read.main([str(spool.mail), str(spool.state)]) == 0
    assert spool.left() == 0
