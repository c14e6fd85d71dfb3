"""The books that Radicale serves: what is in them, and that only differences are written."""

import json
from pathlib import Path

import pytest

from hanam_mail.host.directory import carddav
from hanam_mail.host.directory.entries import BadDirectory

HEALTH, LAND = ("k7q2m4", "Sở Y tế"), ("b2b2b2", "Sở Đất đai")
HA = (*HEALTH, "box1", "person", "Nguyễn Thị Hà", "Chuyên viên", "ha@hanam.gov.vn")
OFFICE = (*HEALTH, "box2", "agency", "Sở Y tế", "", "syt@hanam.gov.vn")
DO = (*LAND, "box3", "person", "Đỗ Ư", "", "du@hanam.gov.vn")


class Books:
    """A folder of books, and the folder that ends with the host."""

    def __init__(self, place: Path) -> None:
        self.folder, self.runtime = place / "cards", place / "run"
        self.folder.mkdir()
        self.runtime.mkdir()
        self.home = self.folder / carddav.PRINCIPAL

    def bring(self, *rows: tuple[str, ...], known: int = 9) -> int:
        return carddav.bring(rows, known, self.folder, self.runtime)

    def boot(self) -> None:
        for path in self.runtime.iterdir():
            path.unlink()

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*.vcf"))

    def state(self) -> dict[str, int]:
        """By path which file it is: one that was written anew is another."""
        return {str(path): path.stat().st_ino for path in self.home.rglob("*") if path.is_file()}


@pytest.fixture
def made(tmp_path: Path) -> Books:
    found = Books(tmp_path)
    assert found.bring(HA, OFFICE, DO) == 6
    return found


def test_an_agency_is_a_book_and_a_mailbox_a_card_by_their_ids(made: Books) -> None:
    assert made.names() == ["b2b2b2/box3.vcf", "k7q2m4/box1.vcf", "k7q2m4/box2.vcf"]
    properties = json.loads((made.home / "k7q2m4/.Radicale.props").read_text())
    assert properties == {"tag": "VADDRESSBOOK", "D:displayname": "Sở Y tế"}
    assert "tag" not in json.loads((made.home / ".Radicale.props").read_text())  # no book itself, and no calendar
    card = (made.home / "k7q2m4/box1.vcf").read_text()
    for line in ("UID:box1", "FN:Nguyễn Thị Hà", "TITLE:Chuyên viên", "ORG:Sở Y tế"):
        assert f"{line}\n" in card


def test_the_same_accounts_write_nothing_and_neither_does_a_boot(made: Books) -> None:
    before = made.state()
    assert made.bring(DO, OFFICE, HA) == 0
    made.boot()
    assert made.bring(HA, OFFICE, DO) == 0
    assert made.state() == before


def test_another_post_writes_one_card_which_stays_the_same_to_programs(made: Books) -> None:
    before = made.state()
    assert made.bring((*HA[:5], "Trưởng phòng", HA[6]), OFFICE, DO) == 1
    after = made.state()
    assert {path for path in after if after[path] != before.get(path)} == {str(made.home / "k7q2m4/box1.vcf")}
    assert "UID:box1\n" in (made.home / "k7q2m4/box1.vcf").read_text()


def test_who_goes_or_moves_is_gone_and_an_agency_with_nobody_too(made: Books) -> None:
    assert made.bring(OFFICE, (*HEALTH, *DO[2:])) == 4
    assert made.names() == ["k7q2m4/box2.vcf", "k7q2m4/box3.vcf"]
    assert [path.name for path in made.home.iterdir() if path.is_dir()] == ["k7q2m4"]
    assert made.bring(known=9) == 3  # all are withheld: a decision
    assert made.names() == []


def test_an_empty_database_is_one_that_is_being_restored(made: Books) -> None:
    with pytest.raises(BadDirectory):
        made.bring(known=0)
    assert len(made.names()) == 3


def test_what_a_run_that_was_cut_off_has_left_goes(made: Books) -> None:
    (made.home / ".new-c3c3c3").mkdir()
    (made.home / ".new-c3c3c3/box9.vcf").write_text("nửa")
    (made.home / ".gone-d4d4d4").mkdir()
    (made.home / "k7q2m4/.new-box1.vcf").write_text("nửa")
    (made.home / "k7q2m4/box2.vcf").write_bytes(b"")
    made.boot()
    made.bring(HA, OFFICE, DO, (*LAND, "box4", "person", "Lê Tư", "", "tu@hanam.gov.vn"))
    assert made.names() == ["b2b2b2/box3.vcf", "b2b2b2/box4.vcf", "k7q2m4/box1.vcf", "k7q2m4/box2.vcf"]
    assert [path.name for path in made.home.rglob(".*") if path.name != carddav.PROPS] == []
    assert "FN:Sở Y tế" in (made.home / "k7q2m4/box2.vcf").read_text()


@pytest.mark.parametrize("bad", ["../x", "a/b", ".x", ""])
def test_an_id_that_is_no_name_of_a_file_stops_it(made: Books, bad: str) -> None:
    for row in ((bad, *HA[1:]), (*HA[:2], bad, *HA[3:])):
        with pytest.raises(BadDirectory):
            made.bring(row)
    assert len(made.names()) == 3
