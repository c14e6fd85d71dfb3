"""The pictures of docs and help are those that tests/web/pictures.py takes: none is missing, none is left over."""

from tests.web import pictures, tour


def test_every_picture_is_there_and_no_other() -> None:
    wanted = {pictures.place(each) for each in pictures.PICTURES}
    assert len(wanted) == len(pictures.PICTURES)
    there = {path for folder in (pictures.FOLDER, pictures.HELP_FOLDER) for path in folder.glob("*.webp")}
    assert sorted(path.name for path in wanted ^ there) == []


def test_every_picture_is_of_a_stop_or_of_a_scene() -> None:
    stops = [stop.name for stop in (*tour.BEFORE_SIGN_IN, *tour.SIGNED_IN)]
    assert len(stops) == len(set(stops))
    assert {stop for stop, _, _ in pictures.PICTURES} <= {*stops, *pictures.VIEWS}
    assert set(pictures.VIEWS).isdisjoint(stops)
