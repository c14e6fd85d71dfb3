"""`hanam-mail fmt` keeps comments: each stays with what it was written at, also in another file."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.registry_world import RULE_BOOK, TODAY, World

from hanam_mail.registry import loading
from hanam_mail.registry.model import Registry
from hanam_mail.registry.writing import canonical, store

WRITTEN = """\
# Sở Nội vụ: đang chờ quyết định về phòng mới
---
# about the agency
agency:  # the agency
  id: m4k7q2
  # above the name
  name: Sở Nội vụ  # since 2019
  kind: department
  code: snv
  suffix: nv  # approved
# above all mailboxes
mailboxes:
  # the agency's own
  - id: b2b2b2  # on the first line
    kind: agency
    address: snv
    clerks:
      - v2b4n6  # by decision 12
    # above the history
    history:
      # above the issue
      - {event: issue, request: 2024-0001, done: 2024-02-01}  # issued
      # below the last event
      # below the mailbox
  - # behind the dash
    id: c2c2c2
    kind: office
    name: "Phòng Công chức # 2"  # quoted
    address: pcc.snv
    history: [{event: issue, request: 2024-0001, done: 2024-02-01}]  # in one line

  # about Lê An
  - {id: v2b4n6, kind: person, name: Lê An,  # first line
     address: lean,  # second line
     history: [{event: issue, request: 2024-0001, done: 2024-02-01}]}
# the end
"""
CANONICAL = """\
---
# Sở Nội vụ: đang chờ quyết định về phòng mới
# about the agency
agency:  # the agency
  id: m4k7q2
  # above the name
  name: Sở Nội vụ  # since 2019
  kind: department
  code: snv
  suffix: nv  # approved
# above all mailboxes
mailboxes:
  # the agency's own
  - id: b2b2b2  # on the first line
    kind: agency
    address: snv
    clerks: [v2b4n6]  # by decision 12
    # above the history
    history:
      # above the issue
      - {event: issue, request: 2024-0001, done: 2024-02-01}  # issued
      # below the last event
      # below the mailbox
  # behind the dash
  - id: c2c2c2
    kind: office
    name: "Phòng Công chức # 2"  # quoted
    address: pcc.snv
    history:  # in one line
      - {event: issue, request: 2024-0001, done: 2024-02-01}
  # about Lê An
  - id: v2b4n6  # first line
    kind: person
    name: Lê An
    address: lean  # second line
    history:
      - {event: issue, request: 2024-0001, done: 2024-02-01}
# the end
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def written(world: World) -> dict[str, str]:
    folder = world.folder / "mailboxes"
    return {
        str(file.relative_to(folder)): text
        for file, text in canonical.texts(world.load(), world.folder / "mailboxes").items()
    }


def test_every_comment_stays_with_what_it_was_written_at(world: World) -> None:
    world.files["snv.yml"] = WRITTEN
    assert written(world)["snv.yml"] == CANONICAL


def test_what_is_canonical_already_is_not_changed_again(world: World) -> None:
    world.files["snv.yml"] = CANONICAL
    assert written(world)["snv.yml"] == CANONICAL
    assert canonical.problems(world.load(), world.folder / "mailboxes") == []


def test_comments_go_along_with_an_entry_that_moves_to_another_file(world: World) -> None:
    world.files["snv.yml"] = CANONICAL
    read = world.load()
    moved = replace(read.mailboxes["c2c2c2"], agency="h3h3h3")
    edited = replace(read, mailboxes={**read.mailboxes, "c2c2c2": moved})
    texts = canonical.texts(edited, world.folder / "mailboxes")
    assert "# behind the dash\n  - id: c2c2c2" in texts[world.folder / "mailboxes/stp.yml"]
    assert "# quoted" in texts[world.folder / "mailboxes/stp.yml"]
    assert "# behind the dash" not in texts[world.folder / "mailboxes/snv.yml"]


def test_a_comment_at_a_field_that_is_gone_stays_with_its_entry(world: World) -> None:
    world.files["snv.yml"] = CANONICAL
    read = world.load()
    edited = replace(read, mailboxes={**read.mailboxes, "b2b2b2": replace(read.mailboxes["b2b2b2"], clerks=())})
    text = canonical.texts(edited, world.folder / "mailboxes")[world.folder / "mailboxes/snv.yml"]
    assert "  # by decision 12\n  # the agency's own\n  - id: b2b2b2" in text


def test_comments_of_the_register_of_requests_are_kept(world: World) -> None:
    world.replace("requests/2024.yml", "2024-0002:\n", "# a second one\n2024-0002:  # urgent\n")
    world.replace("requests/2024.yml", "[change, revoke]", "[change, revoke]  # both")
    world.files["requests/2024.yml"] += "# to be continued\n"
    assert written(world)["requests/2024.yml"] == world.files["requests/2024.yml"]


@pytest.mark.parametrize(
    "ground",
    [
        "'it''s # no comment'",
        '"no # comment \\" # still none"',
        "số#1",
        "|  # a comment behind the sign\n    # no comment\n    second",
        ">-\n    folded # no comment\n  # a comment",
        "plain\n    over two lines  # a comment",
    ],
)
def test_a_sign_in_a_text_is_no_comment_and_no_comment_is_lost(world: World, ground: str) -> None:
    world.replace("requests/2024.yml", "quyết định số 7", ground)
    read = world.load()
    text = written(world)["requests/2024.yml"]
    assert text.count("a comment") == ground.count("a comment")
    world.files["requests/2024.yml"] = text
    assert world.load().requests == read.requests
    assert written(world)["requests/2024.yml"] == text


@pytest.mark.parametrize(
    "text", [CANONICAL + "\n", CANONICAL.replace("\n", "\r\n"), "\ufeff" + CANONICAL, CANONICAL[:-1]]
)
def test_a_form_that_differs_only_in_line_ends_is_pointed_out(world: World, text: str) -> None:
    world.files["snv.yml"] = CANONICAL
    read = world.load()
    (world.folder / "mailboxes/snv.yml").write_bytes(text.encode())
    assert len(canonical.problems(read, world.folder / "mailboxes")) == 1


def test_line_ends_of_another_system_are_written_anew(world: World) -> None:
    world.files["snv.yml"] = CANONICAL
    read, folder = world.load(), world.folder / "mailboxes"
    (folder / "snv.yml").write_bytes(CANONICAL.replace("\n", "\r\n").encode())
    store.write(folder, read)
    assert (folder / "snv.yml").read_bytes() == CANONICAL.encode()


LINES = CANONICAL.split("\n")


@settings(max_examples=100, deadline=None)
@given(
    where=st.lists(
        st.tuples(st.integers(0, len(LINES) - 1), st.integers(0, 8), st.text(st.characters(codec="utf-8"), max_size=8)),
        max_size=6,
    )
)
def test_comments_anywhere_are_kept_and_the_form_is_stable(
    tmp_path_factory: pytest.TempPathFactory, where: list[tuple[int, int, str]]
) -> None:
    lines = list(LINES)
    for number, indent, comment in sorted(where, reverse=True):
        if printable := re.sub(r"[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]", "?", comment):
            lines.insert(number, f"{' ' * indent}#{re.sub('[\u2028\u2029]', '?', printable)}")
    world = World(tmp_path_factory.mktemp("world"))
    world.files["snv.yml"] = "\n".join(lines)
    once = written(world)["snv.yml"]
    assert sorted(comments_of(once)) == sorted(comments_of(world.files["snv.yml"]))
    world.files["snv.yml"] = once
    assert written(world)["snv.yml"] == once


def comments_of(text: str) -> list[str]:
    """The comments of a text without a # in a value but one."""
    return [line[line.index("#") :].rstrip() for line in text.replace("chức # 2", "").split("\n") if "#" in line]


def test_the_registry_of_a_comment_is_the_registry_without_it(world: World) -> None:
    plain = world.load()
    world.files["snv.yml"] = WRITTEN
    assert stripped(world.load()) == stripped(plain)


def stripped(read: Registry) -> dict[str, object]:
    document = loading.desired_state(replace(read, regulation=RULE_BOOK))
    return {box["id"]: box["state"] for box in document["mailboxes"]} | {"day": TODAY}
