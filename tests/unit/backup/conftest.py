"""The programs of the backup are files of roles; each is loaded here as a host would have it."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROLES = Path(__file__).parents[3] / "roles"

type Load = Callable[..., ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load files of a role in their order, each as a module of its name, and return the last one (`name`: its name)."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def of(*files: str, folder: str = "restic_client/templates", name: str = "") -> ModuleType:
        for file in files:
            module = name if name and file == files[-1] else file
            spec = importlib.util.spec_from_file_location(module, ROLES / folder / f"{file}.py")
            assert spec and spec.loader
            found = importlib.util.module_from_spec(spec)
            monkeypatch.setitem(sys.modules, module, found)
            spec.loader.exec_module(found)
        return found

    return of
