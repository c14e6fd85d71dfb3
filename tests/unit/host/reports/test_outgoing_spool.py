"""Verdicts that are counted and written: nothing is counted twice, nothing waits, what is damaged is left out."""

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.host.reports import outgoing_dmarc_row, outgoing_spool
from hanam_mail.host.reports.outgoing_rows import Seen
from hanam_mail.host.reports.outgoing_spool import Counter, File, waiting

PUBLISHED = {"p": "reject", "adkim": "r", "aspf": "r", "testing": "n"}
ROW: dict[str, Any] = {
    "ip": "192.0.2.10",
    "disposition": "pass",
    "dkim": "pass",
    "spf": "fail",
    "reason": "",
    "header_from": "ky.example",
    "envelope_from": "",
    "auth_dkim": [["ky.example", "s1", "pass"]],
    "auth_spf": ["mx.ky.example", "none"],
}
NIGHT = 1_796_083_199.0
"""23:59:59 UTC of 2026-11-30."""


def read(path: Path) -> File:
    return outgoing_spool.read(path, outgoing_dmarc_row.fits)


def seen(**more: Any) -> Seen:
    return Seen("ky.example", json.dumps(PUBLISHED), json.dumps(ROW | more))


def lines(folder: Path) -> list[dict[str, Any]]:
    return [line for path in waiting(folder) for line in read(path).lines]


def test_equal_messages_are_one_line_with_their_number(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    for _ in range(3):
        counter.add(seen())
    counter.add(seen(ip="192.0.2.11"))
    assert waiting(tmp_path) == []
    counter.write()
    assert [(line["row"]["ip"], line["messages"]) for line in lines(tmp_path)] == [("192.0.2.10", 3), ("192.0.2.11", 1)]
    counter.write()
    assert len(waiting(tmp_path)) == 1


def test_a_message_belongs_to_the_day_of_utc_on_which_it_was_judged(tmp_path: Path) -> None:
    now = [NIGHT]
    counter = Counter(tmp_path, lambda: now[0])
    counter.add(seen())
    now[0] += 1
    counter.add(seen())
    counter.write()
    assert [line["day"] for line in lines(tmp_path)] == ["2026-11-30", "2026-12-01"]


def test_nothing_is_lost_between_threads(tmp_path: Path) -> None:
    counter = Counter(tmp_path)

    def add() -> None:
        for number in range(500):
            counter.add(seen(ip=f"192.0.2.{number % 7}"))
            if number % 100 == 0:
                counter.write()

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counter.write()
    assert sum(line["messages"] for line in lines(tmp_path)) == 4000


def test_the_end_of_the_service_writes_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_spool, "WRITE_SECONDS", 0.01)
    counter = Counter(tmp_path)
    counter.start()
    counter.add(seen())
    counter.close()
    counter.add(seen())
    counter.close()
    assert sum(line["messages"] for line in lines(tmp_path)) == 2


def test_what_memory_has_no_room_for_is_counted_as_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_spool, "MOST_COUNTED", 1000)
    counter = Counter(tmp_path)
    for number in range(20):
        counter.add(seen(ip=f"192.0.2.{number}"))
    # What is counted already goes on being counted.
    counter.add(seen(ip="192.0.2.0"))
    counter.lose()
    counter.write()
    (path,) = waiting(tmp_path)
    found = read(path)
    assert sum(line["messages"] for line in found.lines) + found.lost == 22
    assert 0 < len(found.lines) < 5
    counter.add(seen())
    counter.write()
    assert sum(read(path).lost for path in waiting(tmp_path)) == found.lost


@pytest.mark.parametrize("limit", ["MOST_OCTETS", "MOST_FILES"])
def test_files_that_nobody_fetches_do_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], limit: str
) -> None:
    counter = Counter(tmp_path)
    counter.add(seen())
    counter.write()
    monkeypatch.setattr(outgoing_spool, limit, 1)
    for _ in range(3):
        counter.add(seen())
        counter.write()
    assert len(waiting(tmp_path)) == 1
    # Told once an hour, however often it happens.
    said = capfd.readouterr().err
    assert said.startswith("<4>1 messages will be missing") and said.count("\n") == 1
    monkeypatch.undo()
    counter.add(seen())
    counter.write()
    assert sum(read(path).lost for path in waiting(tmp_path)) == 3


def test_a_folder_that_cannot_be_written_costs_the_count_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    counter = Counter(tmp_path / "missing")
    counter.add(seen())
    counter.write()
    assert "1 messages will be missing" in capfd.readouterr().err
    (tmp_path / "missing").mkdir()
    counter.write()
    assert [read(path).lost for path in waiting(tmp_path / "missing")] == [1]


def test_a_disk_that_fills_in_the_middle_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    counter = Counter(tmp_path)
    counter.add(seen())
    monkeypatch.setattr(os, "fsync", full)
    counter.write()
    assert list(tmp_path.iterdir()) == []


def test_files_are_for_the_group_that_fetches_them(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        counter = Counter(tmp_path)
        counter.add(seen())
        counter.write()
    finally:
        os.umask(before)
    (path,) = waiting(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


# --- reading ---

LINE = {"day": "2026-11-30", "domain": "ky.example", "messages": 2, "published": PUBLISHED, "row": ROW}


def file(folder: Path, *content: bytes) -> Path:
    path = folder / f"{1:020}-{'0' * 16}.jsonl"
    path.write_bytes(b"".join(content))
    return path


def written(**more: Any) -> bytes:
    return json.dumps(LINE | more).encode() + b"\n"


def test_what_was_written_is_read(tmp_path: Path) -> None:
    found = read(file(tmp_path, written(), written(published={**PUBLISHED, "sp": "none", "fo": "1:d"})))
    assert (len(found.lines), found.lost, found.damaged) == (2, 0, 0)


@pytest.mark.parametrize("octets", [b"", b'{"lost": 3}\n', written()[:-1], written()[:40], b"\x00" * 512])
def test_a_file_that_a_loss_of_power_cut_counts_what_is_whole(tmp_path: Path, octets: bytes) -> None:
    found = read(file(tmp_path, written(), octets))
    assert len(found.lines) == 1
    assert (found.lost, found.damaged) == (3 * (b"lost" in octets), 1 if octets and b"lost" not in octets else 0)


BAD_LINES: list[Any] = [
    [],
    None,
    "text",
    {"lost": -1},
    {"lost": True},
    {"lost": 2**31},
    {**LINE, "more": 1},
    {**LINE, "day": "30/11/2026"},
    {**LINE, "day": "2026-02-30"},
    {**LINE, "domain": "ky"},
    {**LINE, "domain": "ky.example\n"},
    {**LINE, "domain": "../../etc.example"},
    {**LINE, "domain": "KY.example"},
    {**LINE, "domain": "a." * 130 + "example"},
    {**LINE, "messages": 0},
    {**LINE, "messages": "1"},
    {**LINE, "messages": 1.5},
    {**LINE, "published": {}},
    {**LINE, "published": {**PUBLISHED, "p": "maybe"}},
    {**LINE, "published": {**PUBLISHED, "fo": "<x>"}},
    {**LINE, "published": {**PUBLISHED, "x": "y"}},
    *(
        {**LINE, "row": {**ROW, **wrong}}
        for wrong in (
            {"ip": "<script>"},
            {"ip": 7},
            {"disposition": "delete"},
            {"dkim": "maybe"},
            {"reason": "local"},
            {"header_from": ""},
            {"header_from": "a\x00b"},
            {"header_from": "ă.example"},
            {"header_from": "x" * 254},
            {"envelope_from": ["a"]},
            {"auth_dkim": [["a", "b"]]},
            {"auth_dkim": [["a", "b", "won"]]},
            {"auth_dkim": [["a", "", "pass"]]},
            {"auth_dkim": [["a", "b", "pass"]] * 101},
            {"auth_dkim": {"a": "b"}},
            {"auth_spf": ["a"]},
            {"auth_spf": ["", "pass"]},
            {"auth_spf": ["a", "won"]},
            {"more": "x"},
        )
    ),
    {**LINE, "row": {name: ROW[name] for name in ROW if name != "ip"}},
]


@pytest.mark.parametrize("bad", BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_damaged_line_is_left_out_and_the_others_are_taken(tmp_path: Path, bad: Any) -> None:
    found = read(file(tmp_path, written(), json.dumps(bad).encode() + b"\n", written()))
    assert (len(found.lines), found.damaged, found.lost) == (2, 1, 0)


def test_lines_that_would_keep_a_parser_busy_are_damaged(tmp_path: Path) -> None:
    deep, long = b"[" * 16000 + b"\n", b'"' + b"a" * 20000 + b'"\n'
    found = read(file(tmp_path, deep, long, written()))
    assert (len(found.lines), found.damaged) == (1, 2)


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing_spool, "LONGEST_FILE", 1000)
    found = read(file(tmp_path, written() * 10))
    assert (found.lines, found.damaged) == ([], 1)


def test_what_is_no_file_is_not_opened_for_ever(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(written())
    link = tmp_path / f"{2:020}-{'0' * 16}.jsonl"
    link.symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"):
        read(link)
    link.unlink()
    os.mkfifo(link)
    assert read(link).lines == []


def test_only_whole_files_of_ours_are_looked_at_the_oldest_first(tmp_path: Path) -> None:
    for name in ("x.jsonl", "y.part", f"{3:020}-{'a' * 16}.jsonl", f"{2:020}-{'b' * 16}.jsonl"):
        (tmp_path / name).touch()
    assert [path.name[19] for path in waiting(tmp_path)] == ["2", "3"]
