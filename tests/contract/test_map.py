"""docs/map.md says what is so."""

from collections.abc import Callable

from tests import project_map
from tests.render.conftest import Environment


def test_the_map_is_fresh(environment: Callable[[str], Environment]) -> None:
    assert project_map.FILE.read_text(encoding="utf-8") == project_map.text(environment), "run: make map"
