"""The comments of the registry's files, each with the anchor (layout.py) of what it stands at.

YAML parsers drop comments, so they are looked for here: a "#" at the beginning of a line or after a blank that
lies in no scalar. A comment behind something belongs to it. One on a line of its own belongs to what follows,
unless it is indented deeper than that: then it closes what came before. What stands at the very end of a file, not
indented, belongs to the file.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import yaml

from hanam_mail.layout import Anchor, Line

_BREAKS = "\n\r\x85\u2028\u2029"  # what ends a line in YAML 1.1
_SIGN = re.compile(rf"(?:^|(?<=[ \t{_BREAKS}]))#")
_REST_OF_LINE = re.compile(rf"[^{_BREAKS}]*")


@dataclass(slots=True)
class Comment:
    """The comments at one anchor: lines above it, the end of its line, lines below it."""

    above: list[str] = field(default_factory=list)
    beside: str = ""
    below: list[str] = field(default_factory=list)


type Comments = dict[Anchor, Comment]


def read(text: str, comments: Comments) -> None:
    """Add the comments of one file of the registry. Raises yaml.YAMLError when it is no YAML."""
    if "#" not in text:
        return
    text = text.removeprefix("\ufeff")
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    places = list(_places(root))
    positions = [place.start for place in places]
    for start, comment in _found(text, root):
        line_start = _line_start(text, start)
        head = text[line_start:start]
        following = bisect_left(positions, start)
        if head.strip(" \t-") and following:
            # The first of what begins on this line; if nothing does, the last that began before.
            first = min(bisect_left(positions, line_start), following - 1)
            _put_beside(comments.setdefault(places[first].anchor, Comment()), comment)
        elif following < len(places) and not (following and _closes(text, head, places[following - 1 : following + 1])):
            comments.setdefault(places[following].anchor, Comment()).above.append(comment)
        elif following and head:
            comments.setdefault(places[following - 1].anchor, Comment()).below.append(comment)
        else:
            comments.setdefault(tail(places[0].anchor if places else ()), Comment()).below.append(comment)


def tail(first: Anchor) -> Anchor:
    """The anchor of the end of a file, by the first anchor in it: an agency's, or a year's by its first request."""
    return ("tail", str(first[1])[:4] if first[:1] == ("request",) else str(first[1]))


def render(lines: Iterable[Line], comments: Comments) -> Iterator[str]:
    """The lines of a file with the comments that belong to them."""
    written = list(lines)
    anchors = {anchor for anchor, _ in written}
    lost: dict[Anchor, list[str]] = {}
    for anchor, comment in comments.items():
        if anchor not in anchors and anchor[:2] in anchors and len(anchor) > 2:
            # What it stood at is gone, the entry is not.
            texts = [*comment.above, *([comment.beside] if comment.beside else []), *comment.below]
            lost.setdefault(anchor[:2], []).extend(texts)
    for anchor, text in written:
        comment = comments.get(anchor) or Comment()
        indent = " " * (len(text) - len(text.lstrip()))
        for line in (*lost.get(anchor, ()), *comment.above):
            yield indent + line
        yield f"{text}  {comment.beside}" if comment.beside else text
        for line in comment.below:
            yield indent + line
    if written:
        yield from comments.get(tail(written[0][0]), Comment()).below


def _closes(text: str, head: str, around: list["_Place"]) -> bool:
    """Whether a comment on a line of its own between two places closes what is before it: by its indentation."""
    before, after = around
    opens = before.anchor[0] == "mailboxes" or after.anchor[: len(before.anchor)] == before.anchor
    return not opens and len(head) > _indent(text, after.start)


def _put_beside(comment: Comment, text: str) -> None:
    if comment.beside:
        comment.above.append(text)
    else:
        comment.beside = text


def _found(text: str, root: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Where each comment begins, and its text."""
    spans = sorted(_scalars(root, text))
    starts = [start for start, _ in spans]
    end = 0
    for sign in _SIGN.finditer(text):
        before = bisect_right(starts, sign.start()) - 1
        if sign.start() < end or (before >= 0 and sign.start() < spans[before][1]):
            continue  # a part of a comment or of a scalar
        rest = _REST_OF_LINE.match(text, sign.start())
        end = rest.end() if rest else end
        yield sign.start(), text[sign.start() : end].rstrip()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where what an anchor names begins, in characters."""

    start: int
    anchor: Anchor


def _places(root: yaml.Node | None) -> Iterator[_Place]:
    """The places of a file in the order of the text, an entry before its first field."""
    for key, value in _pairs(root):
        if key.value == "agency":
            yield from _entry(key, value, ("agency", _text(value, "id")))
        elif key.value == "mailboxes":
            agency = next((node for other, node in _pairs(root) if other.value == "agency"), None)
            yield _place(key, ("mailboxes", _text(agency, "id")))
            for item in _items(value):
                yield from _entry(item, item, ("mailbox", _text(item, "id")))
        else:
            yield from _entry(key, value, ("request", key.value))


def _entry(start: yaml.Node, value: yaml.Node, anchor: Anchor) -> Iterator[_Place]:
    yield _place(start, anchor)
    for key, node in _pairs(value):
        yield _place(key, (*anchor, key.value))
        if key.value == "history":
            for number, item in enumerate(_items(node)):
                yield _place(item, (*anchor, "history", number))
        elif key.value == "aliases":
            for item in _items(node):
                yield _place(item, (*anchor, "aliases", _text(item, "address")))


def _place(node: yaml.Node, anchor: Anchor) -> _Place:
    return _Place(node.start_mark.index, anchor)


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _items(node: yaml.Node) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _text(node: yaml.Node | None, name: str) -> str:
    return next((str(value.value) for key, value in _pairs(node) if key.value == name), "")


def _scalars(root: yaml.Node | None, text: str) -> Iterator[tuple[int, int]]:
    """Where the scalars of a file begin and end, in characters; those in block style below their first line."""
    nodes = [root]
    seen: set[int] = set()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue  # an alias of YAML, perhaps of what it stands in
        seen.add(id(node))
        match node:
            case yaml.ScalarNode():
                start, end = node.start_mark.index, node.end_mark.index
                if node.style in ("|", ">"):
                    start = min((at for char in _BREAKS if (at := text.find(char, start)) >= 0), default=end)
                yield start, end
            case yaml.SequenceNode():
                nodes.extend(node.value)
            case yaml.MappingNode():
                nodes.extend(part for pair in node.value for part in pair)


def _line_start(text: str, position: int) -> int:
    return max(text.rfind(char, 0, position) for char in _BREAKS) + 1


def _indent(text: str, position: int) -> int:
    """How far the line is indented that this position is on."""
    line = text[_line_start(text, position) : position]
    return len(line) - len(line.lstrip(" "))
