"""A file of results is the new one whole or the former one, whatever stops the writer."""

import os
import resource
import stat
from pathlib import Path

import pytest
from tests.unit.registry.test_store import full, in_child, interrupted, killed

from hanam_mail import atomic_file
from hanam_mail.errors import InputError

OLD, NEW = b"old" * 1000, b"new" * 5000


def operations(folder: Path) -> int:
    def count() -> None:
        seen = interrupted(0, killed)
        atomic_file.write(folder / "out", NEW)
        (folder / "count").write_text(str(seen()))

    assert in_child(count) == 0
    return int((folder / "count").read_text())


@pytest.mark.parametrize("effect", [killed, full])
def test_a_killed_or_starved_write_leaves_the_old_or_the_new(tmp_path: Path, effect: object) -> None:
    file = tmp_path / "out"
    found = set()
    for call in range(1, operations(tmp_path) + 1):
        file.write_bytes(OLD)

        def write(call: int = call) -> None:
            interrupted(call, effect)  # type: ignore[arg-type]
            try:
                atomic_file.write(file, NEW)
            except InputError:
                os._exit(3)

        status = in_child(write)
        assert file.read_bytes() in (OLD, NEW), call
        if effect is full:
            assert os.waitstatus_to_exitcode(status) in (0, 3), call
            assert not list(tmp_path.glob(".*")), call
        found.add(file.read_bytes())
    assert found == {OLD, NEW}


def test_a_file_that_the_system_cuts_short_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_bytes(OLD)

    def write() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
        try:
            atomic_file.write(file, NEW)
        except InputError as error:
            assert "không ghi được" in str(error)
            os._exit(3)

    assert os.waitstatus_to_exitcode(in_child(write)) == 3
    assert file.read_bytes() == OLD
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_permissions_stay_or_are_as_asked_and_a_link_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "out", tmp_path / "link"
    file.write_bytes(OLD)
    file.chmod(0o640)
    link.symlink_to(file)
    atomic_file.write(link, NEW)
    assert link.is_symlink() and file.read_bytes() == NEW
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    atomic_file.write(file, OLD, mode=0o600)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_failing_block_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_bytes(OLD)
    with pytest.raises(KeyError), atomic_file.placed(file, NEW):
        raise KeyError
    assert file.read_bytes() == OLD
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    atomic_file.write(Path("/dev/null"), NEW)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
