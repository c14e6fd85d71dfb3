"""What the lab builds and keeps outside the repository, and what stays of it after an interruption: nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hanam_lab import image, shell
from hanam_lab.scenarios import _alive


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(image, "CACHE", tmp_path)
    monkeypatch.setattr(image, "_SCRATCH", {"base-new-": tmp_path, "archive-new-": tmp_path / "archives"})
    return tmp_path


def test_a_build_that_fails_leaves_nothing_and_the_next_one_succeeds(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(tree: Path) -> None:
        tree.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(image, "_make_base", interrupted)
    with pytest.raises(KeyboardInterrupt):
        image.base_tree(lambda text: None)
    assert list(cache.iterdir()) == []


def test_the_base_tree_is_another_when_its_making_is(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one(tree: Path) -> None:
        tree.mkdir()

    def other(tree: Path) -> None:
        tree.mkdir(0o755)

    monkeypatch.setattr(image, "_make_base", one)
    first = image.base_tree(lambda text: None)
    assert image.base_tree(lambda text: None) == first
    monkeypatch.setattr(image, "_make_base", other)
    assert image.base_tree(lambda text: None) != first


def test_what_killed_builds_left_is_removed_and_what_is_whole_stays(cache: Path) -> None:
    for name in ("base-new-a/tree/etc", "archive-new-b/root", "base-0123", "archives/4567"):
        (cache / name).mkdir(parents=True)
    image.remove_unfinished(lambda text: None)
    assert {path.name for path in cache.iterdir()} == {"base-0123", "archives"}
    assert (cache / "archives/4567").is_dir()


def test_an_archive_that_no_lab_asked_for_in_a_fortnight_goes_with_the_packages_of_its_own(cache: Path) -> None:
    for folder in ("pool", "archives/old", "archives/new"):
        (cache / folder).mkdir(parents=True)
    for package, archives in {"both.deb": ("old", "new"), "old.deb": ("old",), "new.deb": ("new",)}.items():
        (cache / "pool" / package).touch()
        for archive in archives:
            os.link(cache / "pool" / package, cache / "archives" / archive / package)
    past = time.time() - 15 * 24 * 3600
    os.utime(cache / "archives/old", (past, past))
    image._forget_unused(cache / "archives")
    assert [path.name for path in (cache / "archives").iterdir()] == ["new"]
    assert {path.name for path in (cache / "pool").iterdir()} == {"both.deb", "new.deb"}


def test_mounts_are_undone_from_the_inside_out_and_only_below_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = ["/", "/x/new-1", "/x/new-1/root", "/x/new-1/root/var/cache", "/x/new-12"]
    (tmp_path / "mounts").write_text("".join(f"30 1 0:26 / {point} rw - ext4 /dev/vda rw\n" for point in points))
    done: list[str] = []
    monkeypatch.setattr(shell, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(shell, "run", lambda command: done.append(str(command[1])))
    shell.unmount_below(Path("/x/new-1"))
    assert done == ["/x/new-1/root/var/cache", "/x/new-1/root", "/x/new-1"]


# The signal comes from outside, or before the one who started the program knows of it.
EARLY = """
import os, subprocess, time
started = subprocess.Popen.__init__
def start(self, *words, **more):
    started(self, *words, **more)
    while not os.path.exists({pid!r}):
        time.sleep(0.01)
    os.kill(os.getpid(), {number})
subprocess.Popen.__init__ = start
"""


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_command_ends_the_program_that_it_runs_and_that_ones_own(
    tmp_path: Path, number: signal.Signals, early: bool
) -> None:
    script = f"""
{EARLY.format(pid=str(tmp_path / "pid"), number=int(number)) if early else ""}
from hanam_lab import __main__, shell
__main__.signal.signal({int(number)}, __main__.interrupted)
shell.run(["sh", "-c", "sleep 300 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; wait"])
"""
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as command:
        while not (tmp_path / "pid").exists():
            # An early one may be gone by the time that this looks.
            assert command.poll() is None or (tmp_path / "pid").exists()
            time.sleep(0.01)
        if not early:
            command.send_signal(number)
        assert command.wait(30) != 0
    # It has been told; on a busy machine it may take its time to go.
    deadline = time.monotonic() + 20
    while _alive(int((tmp_path / "pid").read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.05)
