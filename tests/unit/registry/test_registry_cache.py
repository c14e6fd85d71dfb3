"""The cache of read files: the same registry as without it, whatever became of the files in it."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest
from tests.unit.registry_world import ROOT, RULE_BOOK, TODAY, World

from hanam_mail.errors import InputError, Source
from hanam_mail.registry import cache, entries, loading
from hanam_mail.registry.model import Registry

RENAME = "event: rename, request: 2024-0002, done: 2024-03-01, was_name: Sở Nội chính"
EVENTS = [
    "event: quota, request: 2024-0002, done: 2024-03-01, quota: 12GB",
    "event: lock, done: 2024-03-02, reason: idle",
    "event: absence, request: 2024-0004, done: 2024-03-03, from: 2024-03-01, to: 2024-09-01",
    "event: restore, request: 2024-0005, done: 2024-03-04, verified: Trần Bình",
    "event: rename, request: 2024-0002, done: 2024-03-05, was: pc.snv, was_name: Phòng Cán bộ",
    "event: revoke, request: 2024-0006, done: 2024-03-06",
]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A registry with an event of every kind but moves."""
    world = World(tmp_path)
    world.happen_to_agency("snv.yml", RENAME)
    world.happen("c2c2c2", EVENTS)
    aliases = "    aliases:\n      - {address: pc.snv, from: 2024-03-05, until: 2025-03-05}\n"
    world.replace("snv.yml", "    address: pcc.snv\n", f"    address: pcc.snv\n{aliases}")
    world.load()
    return world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def load(world: World, folder: Path | None) -> Registry:
    return loading.load(world.folder / "mailboxes", regulated_by=RULE_BOOK, day=TODAY, cache=folder)


def sources(read: Registry) -> list[Source]:
    events = [event.source for box in read.mailboxes.values() for event in (*box.history, *box.aliases)]
    events += [event.source for agency in read.agencies.values() for event in agency.history]
    return events + [each.source for part in (read.agencies, read.mailboxes, read.requests) for each in part.values()]


def test_what_comes_from_the_cache_is_what_was_read(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = load(world, folder)
    monkeypatch.setattr(entries, "read_agency_file", None)  # the second run reads nothing
    monkeypatch.setattr(entries, "read_request_file", None)
    again = load(world, folder)
    assert again == fresh
    assert sources(again) == sources(fresh)
    assert loading.desired_state(again) == loading.desired_state(fresh)


def test_the_cache_is_closed_to_others(world: World, folder: Path) -> None:
    load(world, folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == len(world.files)


def test_a_changed_file_is_read_anew(world: World, folder: Path) -> None:
    load(world, folder)
    file = world.folder / "mailboxes/stp.yml"
    file.write_text(file.read_text("utf-8").replace("Sở Tư pháp", "Sở Tư pháp mới"), encoding="utf-8")
    assert load(world, folder).agencies["h3h3h3"].name == "Sở Tư pháp mới"


def test_the_next_process_finds_what_the_first_one_read(world: World, folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from hanam_mail.registry import loading; "
        "from hanam_mail.regulation import provisions; loading.load("
        "Path(sys.argv[1]), cache=Path(sys.argv[2]), regulated_by=provisions.load(Path(sys.argv[3])))"
    )
    arguments = [world.folder / "mailboxes", folder, ROOT / "group_vars/hanam/regulation.yml"]
    for seed in ("1", "2"):  # sets have another order in each process
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", program, *arguments], check=True, env=environment)
    assert len(list(folder.iterdir())) == len(world.files)


def test_a_change_of_any_module_that_reads_makes_the_cache_anew() -> None:
    program = (
        "import sys, hanam_mail.registry.entries; "
        "print(*(module.__file__ for name, module in sys.modules.items() if name.startswith('hanam_mail.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    package = ROOT / "src/hanam_mail"
    names = [str(Path(file).relative_to(package).with_suffix("")) for file in loaded]
    assert [name for name in names if not any(fnmatch(name, pattern) for pattern in cache.CODE)] == []


def test_another_regulation_reads_all_anew(world: World, folder: Path) -> None:
    load(world, folder)
    other = replace(RULE_BOOK, lock_reasons={"forbidden_use": "Đ7.2c"})
    with pytest.raises(InputError, match="không có lý do “idle”"):
        loading.load(world.folder / "mailboxes", regulated_by=other, day=TODAY, cache=folder)


def test_a_fault_is_told_every_time(world: World, folder: Path) -> None:
    file = world.folder / "mailboxes/stp.yml"
    file.write_text(file.read_text("utf-8").replace("kind: department", "kind: ministry"), encoding="utf-8")
    told = []
    for _ in range(2):
        with pytest.raises(InputError) as refused:
            load(world, folder)
        told.append(refused.value.problems)
    assert told[0] == told[1]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "foreign", "a folder"])
def test_a_damaged_cache_file_is_passed_over(world: World, folder: Path, damage: str) -> None:
    fresh = load(world, folder)
    for file in folder.iterdir():
        content = file.read_bytes()
        match damage:
            case "truncated":
                file.write_bytes(content[: len(content) // 2])
            case "flipped":
                middle = len(content) // 2
                file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
            case "emptied":
                file.write_bytes(b"")
            case "foreign":
                file.write_bytes(b'[["Agency", ["k7q2m4"]]]')
            case "a folder":
                file.unlink()
                file.mkdir()
    assert load(world, folder) == fresh


def test_a_cache_that_others_may_write_is_not_used(world: World, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    assert load(world, folder) == load(world, None)
    assert list(folder.iterdir()) == []


def test_a_cache_that_cannot_be_made_is_done_without(world: World, folder: Path) -> None:
    folder.write_text("in the way", encoding="utf-8")
    assert load(world, folder) == load(world, None)


def test_runs_at_the_same_time_do_not_meet(world: World, folder: Path) -> None:
    fresh = load(world, None)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: load(world, folder), range(24)))
    assert all(result == fresh for result in results)
    assert not [file for file in folder.iterdir() if file.name.startswith(".")]


def test_what_was_not_used_for_a_month_is_removed(world: World, folder: Path) -> None:
    load(world, folder)
    old = folder / "old"
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    load(world, folder)
    assert not old.exists()


@pytest.mark.parametrize(("base", "place"), [("/tmp/x", "/tmp/x/hanam-mail"), ("", "~"), ("relative", "~")])  # noqa: S108
def test_the_cache_is_where_caches_of_this_user_are(monkeypatch: pytest.MonkeyPatch, base: str, place: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", base)
    assert cache.cache_folder() == Path(place.replace("~", f"{Path.home()}/.cache/hanam-mail"))
