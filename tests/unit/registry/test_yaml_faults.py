"""A file that is no YAML gives one message, in Vietnamese, with the line."""

import pytest
from tests.unit.registry_world import RULE_BOOK

from hanam_mail.errors import Problem
from hanam_mail.registry import fields
from hanam_mail.registry.entries import Found, read_agency_file

BROKEN = {
    "a tab": "agency:\n\tid: k7q2m4\n",
    "a colon in a value": "agency: {id: k7q2m4, name: A: B}\nmailboxes: []\n",
    "a colon in a line": "agency:\n  name: A: B\n",
    "an open quote": 'agency:\n  id: "k7q2m4\nmailboxes: []\n',
    "an open quote before a second document": 'agency:\n  id: "k7q2m4\n---\nmailboxes: []\n',
    "an open bracket": "agency: {id: k7q2m4\nmailboxes: []\n",
    "an open list": "mailboxes: [a, b\nagency: x\n",
    "another indent": "mailboxes:\n  - id: x\n    kind: person\n   name: y\n",
    "an indent of fields": "agency:\n  id: x\n name: y\n",
    "a field without colon": "agency\nmailboxes: []\n",
    "an item where a field was": "agency: x\n- y\n",
    "a second document": "agency: x\n---\nb: y\n",
    "a control character": "agency: \x01x\n",
    "an at sign": "x: @y\n",
    "a back quote": "x: `y`\n",
    "a star": "x: *nope\n",
    "an ampersand": "x: & y\n",
    "a percent sign": "%YAML 3.0\n---\nx: y\n",
    "an escape": 'x: "\\y"\n',
    "a short escape": 'x: "\\xZ"\n',
    "words after a quote": 'x: "y" z\n',
    "a block's indicator": "x: |0\n  y\n",
    "an exclamation mark": "x: !y!z w\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_syntax_error_is_one_message_in_vietnamese(text: str) -> None:
    problems: list[Problem] = []
    assert fields.document(text, "x.yml", problems) is None
    (problem,) = problems
    assert problem.text.startswith("không phải YAML hợp lệ: ")
    said = problem.text.removeprefix("không phải YAML hợp lệ: ")
    assert "sai cú pháp" not in said, "the parser's own text is not known"
    assert not any(word in said for word in ("found", "expected", "not", "while")), said


def test_an_open_quote_names_the_line_where_it_stands() -> None:
    problems: list[Problem] = []
    fields.document(BROKEN["an open quote"], "x.yml", problems)
    assert "dòng 2" in problems[0].text


@pytest.mark.parametrize("text", ["agency: x\nmailboxes: []\n", "agency: |\n  x\nmailboxes: []\n"])
def test_what_is_no_mapping_is_said_once(text: str) -> None:
    found = Found()
    read_agency_file(text, "x.yml", RULE_BOOK, found)
    assert [problem.text for problem in found.problems] == ["phải là một bảng gồm các cặp tên: giá trị"]
