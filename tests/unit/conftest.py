"""The command line on a copy of the real registry."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hanam_mail.cli import main
from hanam_mail.regulation import rule_values

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the registry and of what it is judged by."""
    shutil.copytree(ROOT / "mailboxes", tmp_path / "mailboxes")
    (tmp_path / "group_vars/hanam").mkdir(parents=True)
    for name in (*rule_values.FILES, "registry.yml", "calendar.yml", "names.yml", "mailboxes.yml"):
        shutil.copy(ROOT / "group_vars/hanam" / name, tmp_path / "group_vars/hanam")
    shutil.copytree(ROOT / "data", tmp_path / "data")
    return tmp_path


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests: most read the same files."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(project: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `hanam-mail` with these words in the project, on 25/11/2026."""
    monkeypatch.chdir(project)
    monkeypatch.setattr("hanam_mail.registry.loading.today", lambda: date(2026, 11, 25))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("COLUMNS", "200")

    def run_command(*words: str) -> Result:
        return CliRunner().invoke(main, words)

    return run_command
