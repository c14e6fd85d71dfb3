"""The project's Ansible actions as modules: they lie outside of every package."""

import importlib.util
from typing import Any

from hanam_lab.paths import REPOSITORY


def module(name: str) -> Any:
    """The module of the action `name` in plugins/action."""
    specification = importlib.util.spec_from_file_location(f"{name}_action", REPOSITORY / f"plugins/action/{name}.py")
    assert specification and specification.loader
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded
