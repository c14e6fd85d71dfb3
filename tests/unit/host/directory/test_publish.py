"""Making the directory's files: whole or not at all, again only when something is other, never without reason empty."""

import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.unit.host.directory.sample import NOW, ROWS, SITE, Row, person

from hanam_mail.host.directory import publish
from hanam_mail.host.directory.entries import BadDirectory


def make(
    folder: Path,
    rows: list[Row] = ROWS,
    *,
    known: int | None = None,
    now: datetime = NOW,
    site: bytes = SITE,
    program: str = "1",
) -> bool:
    return publish.publish(rows, len(rows) if known is None else known, site, folder, now, program)


def shown(folder: Path, name: str = "co-quan/syt.html") -> str:
    return (folder / "current/public" / name).read_text("utf-8")


def test_everything_that_is_linked_is_there(tmp_path: Path) -> None:
    assert make(tmp_path)
    public = tmp_path / "current/public"
    assert sorted(str(path.relative_to(public)) for path in public.rglob("*.*")) == [
        "ban.html", "co-quan/que.kb.csv", "co-quan/que.kb.html", "co-quan/que.kb.json", "co-quan/que.kb.vcf",
        "co-quan/syt.csv", "co-quan/syt.html", "co-quan/syt.json", "co-quan/syt.vcf", "index.html", "khong-co.html",
    ]  # fmt: skip
    assert "Nguyễn Thị Thanh Hà" in shown(tmp_path)


def test_the_web_server_may_read_all_of_it_and_write_none(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        make(tmp_path)
    finally:
        os.umask(before)
    for path in (tmp_path / "current").resolve().rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)


def test_it_is_made_again_when_something_is_other_and_only_then(tmp_path: Path) -> None:
    assert make(tmp_path)
    assert not make(tmp_path, list(reversed(ROWS)), now=NOW + timedelta(hours=3))
    assert make(tmp_path, [*ROWS, person("Lê Mới", "lemoi")])
    assert make(tmp_path, [*ROWS, person("Lê Mới", "lemoi", "Văn thư")])
    assert make(tmp_path)
    assert make(tmp_path, site=SITE.replace(b"0226", b"0227"))
    assert make(tmp_path, program="2")


def test_it_is_made_anew_each_day_so_that_its_date_tells_whether_it_is_fresh(tmp_path: Path) -> None:
    make(tmp_path)
    assert make(tmp_path, now=NOW + timedelta(days=1))
    assert "lập lúc 14:05 ngày 01/12/2026" in shown(tmp_path)


def test_who_is_locked_is_gone_with_the_next_one_and_so_is_an_agency_without_anybody(tmp_path: Path) -> None:
    make(tmp_path)
    make(tmp_path, [row for row in ROWS if row[0] == "syt" and "Hà" not in row[4]])
    everywhere = [path.read_text("utf-8") for path in (tmp_path / "current").resolve().rglob("*.*")]
    assert not [text for text in everywhere if "nguyenthithanhha" in text]
    assert not (tmp_path / "current/public/co-quan/que.kb.html").exists()


def test_nobody_left_is_taken_for_a_fault(tmp_path: Path) -> None:
    """A database that was just made anew, before its accounts came back."""
    make(tmp_path)
    with pytest.raises(BadDirectory, match="lần trước có 6"):
        make(tmp_path, [])
    assert "Nguyễn Thị Thanh Hà" in shown(tmp_path)


def test_where_all_of_them_are_withheld_nobody_is_shown(tmp_path: Path) -> None:
    make(tmp_path)
    assert make(tmp_path, [], known=len(ROWS))
    assert "0 địa chỉ của 0 cơ quan" in shown(tmp_path, "index.html")


def test_a_province_without_anybody_yet_has_an_empty_directory(tmp_path: Path) -> None:
    assert make(tmp_path, [])
    assert "0 địa chỉ của 0 cơ quan" in shown(tmp_path, "index.html")


def test_the_one_before_stays_for_who_still_reads_it_and_no_older_one(tmp_path: Path) -> None:
    for day in range(4):
        make(tmp_path, now=NOW + timedelta(days=day))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20261202T140507-0", "20261203T140507-0", "current"]


def test_what_an_interrupted_run_left_goes_with_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "20261130T140507-0/public").mkdir(parents=True)
    (tmp_path / "20261130T140507-0/public/index.html").write_text("nửa chừng")
    (tmp_path / ".20261130T140506-0").symlink_to("20261130T140506-0")
    make(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20261130T140507-1", "current"]


@pytest.mark.parametrize("left", [None, b"", b"[]", b"{", b'{"digest": 1}'])
def test_a_last_one_that_is_broken_is_made_anew(tmp_path: Path, left: bytes | None) -> None:
    make(tmp_path)
    (tmp_path / "current/made.json").unlink()
    if left is not None:
        (tmp_path / "current/made.json").write_bytes(left)
    assert make(tmp_path)
    assert json.loads((tmp_path / "current/made.json").read_bytes())["number"] == 6


@pytest.mark.parametrize("name", ["mkdir", "write_bytes", "symlink_to", "rename"])
def test_a_run_that_fails_leaves_the_last_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make(tmp_path)
    before = sorted(tmp_path.iterdir())
    real = getattr(Path, name)
    calls = iter([*[False] * (0 if name in ("symlink_to", "rename") else 2), *[True] * 99])

    def fail(path: Path, *words: object, **more: object) -> object:
        if next(calls):
            raise OSError(28, "No space left on device")
        return real(path, *words, **more)

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(Path, name, fail)
        make(tmp_path, ROWS[:-1])
    assert sorted(tmp_path.iterdir()) == before
    assert "ubndque.kb@" in shown(tmp_path, "co-quan/que.kb.html")


def test_whoever_reads_meanwhile_never_finds_it_missing_or_half(tmp_path: Path) -> None:
    make(tmp_path)
    done, faults = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            try:
                text = shown(tmp_path)
                if not text.endswith("</html>\n"):
                    faults.append(text[-40:])
            except OSError as error:
                faults.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    for day in range(30):
        make(tmp_path, now=NOW + timedelta(days=day + 1))
    done.set()
    reader.join()
    assert faults == []


def test_two_at_once_make_it_one_after_the_other(tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def run(number: int) -> None:
        try:
            make(tmp_path, [*ROWS, person("Lê Mới", f"lemoi{number}")])
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert "lemoi" in shown(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[list[str]]:
    (tmp_path / "site.json").write_bytes(SITE)
    (tmp_path / "state").mkdir()
    (tmp_path / "run").mkdir()
    yield [
        f"host={tmp_path}/nowhere dbname=mail",
        str(tmp_path / "site.json"),
        str(tmp_path / "state"),
        str(tmp_path / "run"),
    ]


@pytest.mark.parametrize(("minutes", "fault"), [(None, False), (9, False), (11, True), (-60, False)])
def test_with_the_database_away_the_last_one_stays_with_its_date_and_ten_minutes_of_it_are_a_fault(
    tmp_path: Path, configured: list[str], capsys: pytest.CaptureFixture[str], minutes: int | None, fault: bool
) -> None:
    make(tmp_path / "state")
    if minutes is not None:
        unanswered = tmp_path / "run/unanswered"
        unanswered.touch()
        os.utime(unanswered, times=(time.time() - 60 * minutes,) * 2)
    assert publish.main(configured) == int(fault)
    told = capsys.readouterr().err
    assert told.startswith(f"<{3 if fault else 5}>không hỏi được cơ sở dữ liệu, danh bạ cũ vẫn còn: ")
    assert told.count("\n") == 1
    assert "lập lúc 14:05 ngày 30/11/2026" in shown(tmp_path / "state")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"product": 1}', "nonsense"])
def test_a_configuration_that_is_none_is_told_in_one_sentence(
    tmp_path: Path, configured: list[str], capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "site.json").write_text(text)
    assert publish.main(configured) == 2
    told = capsys.readouterr().err
    assert told.startswith("<3>cấu hình ")
    assert told.count("\n") == 1
