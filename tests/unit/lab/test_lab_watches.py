"""The outer machine's limit on watches is raised while labs run, and is afterwards what it was."""

from pathlib import Path

import pytest

from hanam_lab import watches


@pytest.fixture
def limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "max_user_instances"
    file.write_text("128\n")
    monkeypatch.setattr(watches, "LIMIT", file)
    (tmp_path / "state").mkdir()
    return file


def test_a_low_limit_is_raised_and_given_back(limit: Path, tmp_path: Path) -> None:
    for _ in range(2):
        watches.allow(tmp_path / "state", print)
        assert int(limit.read_text()) == watches.NEEDED
    watches.give_back(tmp_path / "state")
    assert limit.read_text() == "128\n"
    assert list((tmp_path / "state").iterdir()) == []


def test_a_high_limit_is_left_alone(limit: Path, tmp_path: Path) -> None:
    limit.write_text("8192\n")
    watches.allow(tmp_path / "state", print)
    watches.give_back(tmp_path / "state")
    assert limit.read_text() == "8192\n"


def test_a_limit_that_cannot_be_raised_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class ReadOnly:
        def read_text(self) -> str:
            return "128\n"

        def write_text(self, text: str) -> None:
            raise OSError(30, "Read-only file system")

        def __str__(self) -> str:
            return "the limit"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watches, "LIMIT", ReadOnly())
        watches.allow(tmp_path, print)
    assert "the limit stays at 128 (Read-only file system)" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
