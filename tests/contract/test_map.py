"""docs/map.md says what is so."""

from tests import project_map


def test_the_map_is_fresh() -> None:
    assert project_map.FILE.read_text(encoding="utf-8") == project_map.text(), "run: make map"
