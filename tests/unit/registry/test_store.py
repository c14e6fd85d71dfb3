"""Writing the registry: all files or none, whatever interrupts it."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.registry_world import FILES, RULE_BOOK, TODAY

from hanam_mail.errors import InputError
from hanam_mail.registry import loading
from hanam_mail.registry.model import Registry
from hanam_mail.registry.writing import canonical, store

# What store.py asks of the system, in the forms it uses.
CALLS = ("open", "write", "fsync", "rename", "replace", "unlink", "mkdir", "rmdir", "close", "fchmod")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small registry, written the canonical way."""
    (tmp_path / "mailboxes/requests").mkdir(parents=True)
    for name, text in FILES.items():
        (tmp_path / "mailboxes" / name).write_text(text, encoding="utf-8")
    return tmp_path / "mailboxes"


@pytest.fixture
def before(folder: Path) -> Registry:
    return load(folder)


def load(folder: Path) -> Registry:
    return loading.load(folder, regulated_by=RULE_BOOK, day=TODAY)


def edited(before: Registry) -> Registry:
    """Two files change, one goes and one comes: an agency gets another code, another another suffix."""
    changes = {"snv": {"code": "snvu"}, "stp": {"suffix": "tu"}}
    agencies = {key: replace(agency, **changes.get(agency.code, {})) for key, agency in before.agencies.items()}
    requests = {key: replace(request, ground="sửa") for key, request in before.requests.items()}
    return replace(before, agencies=agencies, requests=requests)


def content(folder: Path) -> dict[str, str]:
    """Every file in the folder, hidden ones too."""
    return {str(file.relative_to(folder)): file.read_text("utf-8") for file in folder.rglob("*") if file.is_file()}


def expected(after: Registry, folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): text for file, text in canonical.texts(after, folder).items()}


def in_child(action: Callable[[], None]) -> int:
    """Run `action` in a process of its own; its wait status."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def interrupted(call: int, effect: Callable[[str, tuple[object, ...]], None]) -> Callable[[], int]:
    """Make the `call`-th operation on files, from 1, come to `effect`; what it returns counts them all."""
    seen = 0

    def wrap(name: str) -> None:
        real = getattr(os, name)

        def counted(*arguments: object, **options: object) -> object:
            nonlocal seen
            seen += 1
            if seen == call:
                effect(name, arguments)
            return real(*arguments, **options)

        setattr(os, name, counted)

    for name in CALLS:
        wrap(name)
    return lambda: seen


def killed(name: str, arguments: tuple[object, ...]) -> None:
    """Die before the operation; in the middle of a write."""
    if name == "write":
        descriptor, data = arguments
        assert isinstance(descriptor, int) and isinstance(data, bytes | memoryview)
        os.pwrite(descriptor, data[: len(data) // 2], 0)
    os.kill(os.getpid(), signal.SIGKILL)


def full(name: str, arguments: tuple[object, ...]) -> None:
    """A disk without room refuses what needs some."""
    if name in ("open", "write", "fsync", "mkdir", "rename", "replace"):
        raise OSError(28, "No space left on device")


def operations(folder: Path, after: Registry, scratch: Path) -> int:
    """How many operations one write takes."""

    def count() -> None:
        seen = interrupted(0, killed)
        store.write(folder, after)
        (scratch / "count").write_text(str(seen()))

    assert in_child(count) == 0
    return int((scratch / "count").read_text())


def test_a_write_leaves_exactly_the_canonical_files(folder: Path, before: Registry) -> None:
    after = edited(before)
    want = expected(after, folder)
    changed = store.write(folder, after)
    assert content(folder) == want
    assert {file.name for file in changed} == {"snv.yml", "snvu.yml", "stp.yml", "2024.yml"}


def test_a_write_of_the_same_changes_no_file(folder: Path, before: Registry) -> None:
    stamps = {file: file.stat().st_mtime_ns for file in folder.rglob("*.yml")}
    assert store.write(folder, before) == []
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.yml")} == stamps


def test_a_killed_write_is_all_or_nothing(folder: Path, before: Registry, tmp_path: Path) -> None:
    after = edited(before)
    old, new = content(folder), expected(after, folder)
    total = operations(folder, after, tmp_path)
    assert total > 20
    outcomes = set()
    for call in range(1, total + 1):
        reset(folder, old)

        def write(call: int = call) -> None:
            interrupted(call, killed)
            store.write(folder, after)

        assert os.WTERMSIG(in_child(write)) == signal.SIGKILL
        with store.exclusive(folder):
            pass
        assert content(folder) in (old, new), call
        outcomes.add(content(folder) == new)
    assert outcomes == {False, True}


def test_a_second_kill_during_the_recovery_changes_nothing(folder: Path, before: Registry, tmp_path: Path) -> None:
    after = edited(before)
    old, new = content(folder), expected(after, folder)
    total = operations(folder, after, tmp_path)
    for call in range(total // 2, total + 1, 3):
        for again in range(1, 12, 2):
            reset(folder, old)

            def write(call: int = call) -> None:
                interrupted(call, killed)
                store.write(folder, after)

            def recover(again: int = again) -> None:
                interrupted(again, killed)
                store.recover(folder)

            in_child(write)
            in_child(recover)
            store.recover(folder)
            assert content(folder) in (old, new), (call, again)


def test_a_full_disk_leaves_the_registry_as_it_was(folder: Path, before: Registry, tmp_path: Path) -> None:
    after = edited(before)
    old, new = content(folder), expected(after, folder)
    total = operations(folder, after, tmp_path)
    refused = 0
    for call in range(1, total + 1):
        reset(folder, old)

        def write(call: int = call) -> None:
            interrupted(call, full)
            try:
                store.write(folder, after)
            except InputError:
                os._exit(3)

        code = os.waitstatus_to_exitcode(in_child(write))
        assert code in (0, 3), call
        refused += code == 3
        decided = (folder / ".decided").exists()
        assert code == 0 or decided or content(folder) == old, call
        store.recover(folder)
        assert content(folder) in (old, new), call
    assert refused > 10


def test_a_file_that_the_system_cuts_short_is_refused_whole(folder: Path, before: Registry) -> None:
    old = content(folder)

    def write() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
        try:
            store.write(folder, edited(before))
        except InputError as error:
            assert "giữ nguyên như cũ" in str(error)
            os._exit(3)

    assert os.waitstatus_to_exitcode(in_child(write)) == 3
    assert content(folder) == old


def test_a_reader_completes_what_was_decided(folder: Path, before: Registry, tmp_path: Path) -> None:
    after = edited(before)
    old, new = content(folder), expected(after, folder)
    reset(folder, old)

    def write() -> None:
        real = os.rename

        def rename(source: object, target: object) -> None:
            real(source, target)  # type: ignore[arg-type]
            os.kill(os.getpid(), signal.SIGKILL)

        os.rename = rename  # type: ignore[assignment]
        store.write(folder, after)

    in_child(write)
    assert (folder / ".decided").exists()
    with store.reading(folder):
        assert content(folder) == new


def test_a_reader_that_waits_for_a_writer_completes_what_that_one_decided_before_it_died(
    folder: Path, before: Registry
) -> None:
    old, new = content(folder), expected(edited(before), folder)
    reset(folder, old)
    waits, decides = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        with store.exclusive(folder):
            os.write(waits[1], b"x")
            os.read(decides[0], 1)
            real = os.rename

            def rename(source: object, target: object) -> None:
                real(source, target)  # type: ignore[arg-type]
                os.kill(os.getpid(), signal.SIGKILL)

            os.rename = rename  # type: ignore[assignment]
            store.write(folder, edited(before))
        os._exit(1)
    os.read(waits[0], 1)
    assert not (folder / ".decided").exists()
    # Once the reader below stands at the lock.
    threading.Timer(0.5, lambda: os.write(decides[1], b"x")).start()
    with store.reading(folder):
        assert content(folder) == new
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_writers_wait_for_each_other(folder: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from hanam_mail.registry.writing import store\n"
        "folder = Path(sys.argv[1])\n"
        "with store.exclusive(folder):\n"
        "    log = folder.parent / 'log'\n"
        "    lines = log.read_text() if log.exists() else ''\n"
        "    print('in', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    log.write_text(lines + sys.argv[2])\n"
    )

    def start(name: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", program, str(folder), name]
        return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    first = start("a")
    assert first.stdout is not None and first.stdout.readline() == "in\n"
    second = start("b")
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=0.5)
    first.communicate("\n")
    second.communicate("\n")
    assert (folder.parent / "log").read_text() == "ab"


def test_permissions_of_a_file_stay(folder: Path, before: Registry) -> None:
    (folder / "stp.yml").chmod(0o640)
    store.write(folder, edited(before))
    assert (folder / "stp.yml").stat().st_mode & 0o777 == 0o640


def as_another(action: Callable[[], None]) -> int:
    """Run `action` in a child whom root's folders refuse; its exit code, 3 where the registry was not written.

    It comes to the folder by its working directory, since those above are closed to it as well.
    """

    def run() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        try:
            action()
        except InputError as error:
            Path("told").write_text(str(error), encoding="utf-8")
            os._exit(3)

    return os.waitstatus_to_exitcode(in_child(run))


def given_away(folder: Path) -> Path:
    """The folder as the only one that its other owner may write, by a path from its parent."""
    os.chdir(folder.parent)
    for place in (folder.parent, folder, *folder.rglob("*")):
        os.chown(place, 65534, 65534) if os.geteuid() == 0 else None
    return Path(folder.name)


@pytest.mark.parametrize("mode", [0o555, 0o1777], ids=["closed", "sticky"])
@pytest.mark.parametrize("place", [".", "requests"])
def test_a_folder_that_takes_no_file_is_named_before_anything_is_decided(
    folder: Path, before: Registry, place: str, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode == 0o1777 and os.geteuid() != 0:
        pytest.skip("files of another user are made by root alone")
    monkeypatch.chdir(folder.parent)
    registry, old = given_away(folder), content(folder)
    if os.geteuid() == 0:
        for closed in (folder / place, *(folder / place).glob("*.yml")):
            os.chown(closed, 0, 0)
    (folder / place).chmod(mode)
    assert as_another(lambda: store.write(registry, edited(before)) and None) == 3
    told = Path("told").read_text("utf-8")
    assert told.startswith(f"{registry / place}: không ghi được, sổ đăng ký giữ nguyên như cũ: ")
    (folder / place).chmod(0o755)
    assert content(folder) == old


def test_a_file_that_may_not_be_written_is_replaced_in_a_folder_that_may(folder: Path, before: Registry) -> None:
    (folder / "stp.yml").chmod(0o444)
    store.write(folder, edited(before))
    assert content(folder) == expected(edited(before), folder)


@pytest.mark.parametrize("there", ["a file", "a link"])
def test_a_register_that_is_no_folder_is_refused_before_anything_is_decided(
    tmp_path: Path, before: Registry, there: str
) -> None:
    new, elsewhere = tmp_path / "new", tmp_path / "elsewhere"
    new.mkdir()
    elsewhere.mkdir()
    if there == "a file":
        (new / "requests").touch()
    else:
        (new / "requests").symlink_to(elsewhere)
    with pytest.raises(InputError) as refused:
        store.write(new, before)
    assert str(new) in str(refused.value)
    assert [file.name for file in (*new.iterdir(), *elsewhere.iterdir())] == ["requests"]


def test_what_was_decided_and_cannot_be_completed_is_told_with_its_folder(
    folder: Path, before: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the former version left it, which looked into the top folder only."""
    monkeypatch.chdir(folder.parent)
    new = expected(edited(before), folder)
    monkeypatch.setattr(store, "recover", lambda _: None)
    store.write(folder, edited(before))
    monkeypatch.undo()
    monkeypatch.chdir(folder.parent)
    registry = given_away(folder)
    if os.geteuid() == 0:
        os.chown(folder / "requests", 0, 0)
    (folder / "requests").chmod(0o555)

    def read() -> None:
        with store.reading(registry):
            pass

    assert as_another(read) == 3
    told = Path("told").read_text("utf-8")
    assert told.startswith(f"{registry}/requests: ") and "hanam-mail check" in told
    (folder / "requests").chmod(0o755)
    with store.reading(folder):
        assert content(folder) == new


def test_what_cannot_be_tidied_away_does_not_undo_a_write(
    folder: Path, before: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    rmdir = os.rmdir

    def refuse(place: str) -> None:
        raise PermissionError(13, "Permission denied", place)

    monkeypatch.setattr("os.rmdir", refuse)
    store.write(folder, edited(before))
    monkeypatch.setattr("os.rmdir", rmdir)
    with store.exclusive(folder):
        assert content(folder) == expected(edited(before), folder)


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        "",
        "[]",
        '{"replaced": [1], "removed": []}',
        '{"replaced": ["../out.yml"], "removed": []}',
        '{"replaced": [], "removed": ["../out.yml"]}',
        '{"replaced": ["requests/../../out.yml"], "removed": []}',
        '{"replaced": [".hidden.yml"], "removed": []}',
    ],
)
def test_a_decision_that_no_writer_made_is_refused(folder: Path, manifest: str | None) -> None:
    (folder / ".decided/requests").mkdir(parents=True)
    (folder / ".decided/out.yml").write_text("new", encoding="utf-8")
    if manifest is not None:
        (folder / ".decided/manifest.json").write_text(manifest, encoding="utf-8")
    outside, old = folder.parent / "out.yml", content(folder)
    outside.write_text("old", encoding="utf-8")
    with pytest.raises(InputError, match=r"\.decided: không phải lần ghi dở"), store.reading(folder):
        pass
    assert outside.read_text("utf-8") == "old" and content(folder) == old


def test_what_a_link_leads_to_is_not_tidied_away(folder: Path, before: Registry) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "letter").touch()
    (folder / ".staging").symlink_to(elsewhere)
    store.write(folder, edited(before))
    assert (elsewhere / "letter").exists()
    assert content(folder) == expected(edited(before), folder)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, before: Registry) -> None:
    with pytest.raises(InputError) as refused:
        store.write(tmp_path / "nowhere", before)
    assert "nowhere" in str(refused.value)


def reset(folder: Path, files: dict[str, str]) -> None:
    store.recover(folder)
    for name in content(folder).keys() - files.keys():
        (folder / name).unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
