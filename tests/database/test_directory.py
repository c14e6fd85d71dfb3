"""Whom the public directory shows (Đ11.5), by the program and the role that make it."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.controller import zipapp
from hanam_mail.host.directory import publish
from tests.database.databases import Database
from tests.database.scratch import Scratch, person, registry
from tests.database.world import WORLD, query, refused

pytestmark = pytest.mark.dieu11

SITE = {"product": "Thư", "ground": "Quy chế", "support": {}, "path": "/danh-ba/", "styles": [], "emblem": ""}
SHOWN = "select agency_code, kind, name, post, address from mail.directory() order by address"


class Made:
    """The directory of a database of one test."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.folder = scratch.place / "directory"
        self.folder.mkdir()
        self.runtime = scratch.place / "run"
        self.runtime.mkdir()
        self.site = scratch.place / "site.json"
        self.site.write_text(json.dumps(SITE))

    def run(self) -> int:
        return publish.main([self.scratch.dsn("mail_directory"), str(self.site), str(self.folder), str(self.runtime)])

    @property
    def place(self) -> Path:
        return (self.folder / "current").resolve()

    def addresses(self) -> list[str]:
        """Who is shown after a run, in the order of the page."""
        assert self.run() == 0
        document = json.loads((self.place / "public/co-quan/syt.json").read_text())
        return [entry["dia_chi"].partition("@")[0] for entry in document["hop_thu"]]


@pytest.fixture
def made(scratch: Scratch) -> Made:
    scratch.apply(registry(*(person(number, post="Chuyên viên", phone="0226 3850 123") for number in (1, 2, 3))))
    return Made(scratch)


def test_name_post_and_address_of_open_mailboxes_are_shown(made: Made) -> None:
    assert made.addresses() == ["ha1", "ha2", "ha3"]
    page = (made.place / "public/co-quan/syt.html").read_text()
    for shown in ("Sở Y tế", "Nguyễn Thị Hà 1", "Chuyên viên", "ha1@hanam.gov.vn"):
        assert shown in page
    # Neither the id nor anything else that is known of the mailbox.
    everything = "".join(path.read_text() for path in made.place.rglob("*.*"))
    assert "box00001" not in everything
    assert "12/SYT-VP" not in everything
    assert "3850" not in everything


def test_the_program_as_it_is_shipped_makes_it(made: Made) -> None:
    program = made.scratch.place / "hanam-directory"
    program.write_bytes(zipapp.program("hanam-directory"))
    words = [sys.executable, "-I", program, made.scratch.dsn("mail_directory"), made.site, made.folder, made.runtime]
    for said in ("<6>danh bạ mới: 3 địa chỉ\n", ""):
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("", said)
    assert (made.place / "public/co-quan/syt.html").is_file()


def test_a_lock_takes_out_of_it_and_its_end_brings_back(made: Made) -> None:
    assert made.addresses() == ["ha1", "ha2", "ha3"]
    locked = made.scratch.command("lock", "ha2@hanam.gov.vn", "--reason", "compromised", "--note", "thử")
    assert locked.status == 0, locked.complaint
    assert made.addresses() == ["ha1", "ha3"]
    done = made.scratch.command("correct", "ha2@hanam.gov.vn", "--note", "nhầm", "--of-person", "--actor", "lan")
    assert done.status == 0, done.complaint
    assert made.addresses() == ["ha1", "ha2", "ha3"]


def test_what_an_apply_changes_is_in_the_next_one(made: Made) -> None:
    assert made.addresses() == ["ha1", "ha2", "ha3"]
    closed: dict[str, Any] = {
        "state": "revoked",
        "document": {"event": "revoke", "done": "2026-11-20", "number": "9/SYT"},
    }
    locked: dict[str, Any] = {"state": "locked", "document": {"event": "lock", "done": "2026-11-20", "number": "8/SYT"}}
    made.scratch.apply(registry(person(1, **closed), person(2, **locked), person(3, post="Trưởng phòng"), person(4)))
    assert made.addresses() == ["ha3", "ha4"]
    assert "Trưởng phòng" in (made.place / "public/co-quan/syt.csv").read_text()


@pytest.mark.parametrize("place", ["agency", "mailbox"])
def test_what_the_registry_withholds_is_in_no_list_and_its_end_brings_it_in(made: Made, place: str) -> None:
    ground = "Luật Bảo vệ bí mật nhà nước, văn bản 7/CAT"
    kept = [person(number, post="Chuyên viên") for number in (1, 2, 3)]
    if place == "agency":
        other = {"id": "m3m3m3", "kind": "department", "name": "Sở Kín", "code": "sk", "suffix": "sk"}
        whole = json.loads(gzip.decompress(registry(*kept, person(4, agency="m3m3m3"), person(5, agency="m3m3m3"))))
        whole["agencies"].append({**other, "withheld": ground})
        made.scratch.apply(gzip.compress(json.dumps(whole).encode()))
    else:
        made.scratch.apply(registry(*kept, person(4, withheld=ground)))
    assert made.addresses() == ["ha1", "ha2", "ha3"]
    everything = "".join(path.read_text() for path in made.place.rglob("*.*"))
    assert not [text for text in ("ha4", "ha5", "Sở Kín", "bí mật") if text in everything]
    shown = made.scratch.command("show", "ha4@hanam.gov.vn").output
    assert f"không công khai, {ground}" in shown
    if place == "agency":
        del whole["agencies"][-1]["withheld"]
        made.scratch.apply(gzip.compress(json.dumps(whole).encode()))
        made.addresses()
        assert "ha5@" in (made.place / "public/co-quan/sk.html").read_text()
    else:
        made.scratch.apply(registry(*kept, person(4)))
        assert made.addresses() == ["ha1", "ha2", "ha3", "ha4"]
        history = made.scratch.command("history", "ha4@hanam.gov.vn").output
        assert f"không công khai: {ground} → không" in history


def test_nothing_is_written_while_nothing_changes(made: Made) -> None:
    made.addresses()
    before = made.place
    # A password, and that it is over, say nothing about the address.
    made.scratch.psql("select mail.password_set('box00001', 'Mat-khau-thu-1!', false, false)")
    made.scratch.psql(
        "update mail.credential set changed_at = now() - interval '2 years' where mailbox_id = 'box00001'"
    )
    assert made.scratch.psql("select mail.mailbox_state('box00001')") == "must_change"
    assert made.addresses() == ["ha1", "ha2", "ha3"]
    assert made.place == before


def test_a_database_that_lost_its_accounts_empties_nothing(
    made: Made, scratch: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    made.addresses()
    scratch.psql("update mail.mailbox set state = 'revoked'")
    assert made.run() == 1
    assert "không còn hộp thư nào" in capsys.readouterr().err
    assert "ha1@hanam.gov.vn" in (made.place / "public/co-quan/syt.html").read_text()


def test_an_agency_that_withholds_all_there_is_empties_the_directory(made: Made, scratch: Scratch) -> None:
    made.addresses()
    scratch.psql("update mail.agency set withheld = 'theo yêu cầu'")
    assert made.run() == 0
    assert not (made.place / "public/co-quan/syt.html").exists()


def test_a_database_that_stops_in_between_leaves_the_last_one(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    made.addresses()
    # That is no restart: it is a fault at once.
    made.scratch.psql("revoke execute on function mail.directory() from mail_directory")
    assert made.run() == 1
    assert "danh bạ cũ vẫn còn: permission denied" in capsys.readouterr().err
    assert "ha1@hanam.gov.vn" in (made.place / "public/co-quan/syt.html").read_text()


def test_agencies_offices_and_people_are_shown_and_neither_guests_nor_further_addresses(database: Database) -> None:
    more = """
        insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state) values
            ('test4office', 'office', 'test0agency', 'Phòng Thử', 0, 10000000000, 'active'),
            ('test5guest', 'guest', 'test0agency', 'Hội Thử', 0, 2000000000, 'active');
        insert into mail.address (local_part, mailbox_id, kind) values
            ('test.phong', 'test4office', 'primary'), ('test.hoi', 'test5guest', 'primary');
    """
    assert query(database, SHOWN, world=WORLD + more, role="postgres").splitlines() == [
        "test.so|person|Nguyễn Khắc Thử||test.nguoi@hanam.gov.vn",
        "test.so|office|Phòng Thử||test.phong@hanam.gov.vn",
        "test.so|agency|Sở Thử||test.so@hanam.gov.vn",
    ]


@pytest.mark.parametrize(
    ("begin", "until", "shown"),
    [("current_date", "null", 1), ("current_date + 1", "null", 0), ("current_date - 9", "current_date", 1),
     ("current_date - 9", "current_date - 1", 0)],
)  # fmt: skip
def test_an_address_is_shown_on_the_days_on_which_it_receives(
    database: Database, begin: str, until: str, shown: int
) -> None:
    world = (
        WORLD
        + f"""
        insert into mail.mailbox (id, kind, agency_id, name, shard, quota_bytes, state)
            values ('test6person', 'person', 'test0agency', 'Lê Thử', 0, 2000000000, 'active');
        insert into mail.address values ('test.le', 'test6person', 'primary', {begin}, {until});
    """
    )
    asked = "select count(*) from mail.directory() where address = 'test.le@hanam.gov.vn'"
    assert query(database, asked, world=world) == str(shown)


@pytest.mark.parametrize(
    "statement",
    ["select * from mail.mailbox", "select * from mail.address", "select * from mail.credential",
     "select * from mail.audit", "select * from mail.setting", "select mail.setting_text('mail_domain')",
     "select mail.mailbox_lock('x', 'idle', '')", "select mail.mailbox_state('x')", "create table mail.x ()"],
)  # fmt: skip
def test_who_makes_it_may_ask_one_question_and_nothing_else(database: Database, statement: str) -> None:
    # Its transactions read only by themselves; that is not what stops it.
    told = refused(database, statement, world="set transaction read write;", role="mail_directory")
    assert "permission denied" in told


def test_who_makes_it_writes_nothing_and_waits_for_nothing_long(database: Database) -> None:
    query(database, SHOWN, world="", role="mail_directory")
    shown = "select current_setting('default_transaction_read_only'), current_setting('statement_timeout')"
    assert query(database, shown, world="", role="mail_directory") == "on|1min"
