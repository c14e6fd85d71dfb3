"""The comments of the registry's files, each with the anchor (layout.py) of what it stands at.

YAML parsers drop comments, so they are looked for here: a "#" at the beginning of a line or after a blank that
lies in no scalar. A comment behind something belongs to it. One on a line of its own belongs to what follows,
unless it is indented deeper than that: then it closes what came before. What stands at the very end of a file, not
indented, belongs to the file.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

import yaml

from hanam_mail.registry.writing.layout import Anchor, Line

_ENTRY = 2  # the length of an entry's anchor
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what ends a line in YAML 1.1
_SIGN = re.compile("(?:^|(?<=[ \t\n\r\x85\u2028\u2029]))#")


@dataclass(slots=True)
class Comment:
    """The comments at one anchor: lines above it, the end of its line, lines below it."""

    above: list[str] = field(default_factory=list)
    beside: str = ""
    below: list[str] = field(default_factory=list)


_NONE = Comment()
# By the anchor of the entry, then by that of the part of it.
type Comments = dict[Anchor, dict[Anchor, Comment]]


def read(text: str, comments: Comments) -> None:
    """Add the comments of one file of the registry. Raises yaml.YAMLError when it is no YAML."""
    if "#" not in text:
        return
    text = text.removeprefix("\ufeff")
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    lines = _Lines(text)
    places = list(_places(root))
    positions = [place.start for place in places]
    for start, comment in _found(lines, root):
        line_start = lines.start(start)
        head = text[line_start:start]
        following = bisect_left(positions, start)
        if head.strip(" \t-") and following:
            # The first of what begins on this line; if nothing does, the last that began before.
            first = min(bisect_left(positions, line_start), following - 1)
            _put_beside(_at(comments, places[first].anchor), comment)
        elif following < len(places) and not (
            following and _closes(lines, head, places[following - 1 : following + 1])
        ):
            _at(comments, places[following].anchor).above.append(comment)
        elif following and head:
            _at(comments, places[following - 1].anchor).below.append(comment)
        else:
            _at(comments, tail(places[0].anchor if places else ())).below.append(comment)


def tail(first: Anchor) -> Anchor:
    """The anchor of the end of a file, by the first anchor in it: an agency's, or a year's by its first request."""
    return ("tail", str(first[1])[:4] if first[:1] == ("request",) else str(first[1]))


def render(lines: Iterable[Line], comments: Comments) -> Iterator[str]:
    """The lines of a file with the comments that belong to them."""
    written = list(lines)
    anchors = {anchor for anchor, _ in written}
    for anchor, text in written:
        group = comments.get(anchor[:_ENTRY], {})
        comment = group.get(anchor, _NONE)
        indent = " " * (len(text) - len(text.lstrip()))
        above = [*_lost(group, anchors), *comment.above] if len(anchor) == _ENTRY else comment.above
        yield from (indent + line for line in above)
        yield f"{text}  {comment.beside}" if comment.beside else text
        yield from (indent + line for line in comment.below)
    if written:
        end = tail(written[0][0])
        yield from comments.get(end, {}).get(end, _NONE).below


def _at(comments: Comments, anchor: Anchor) -> Comment:
    return comments.setdefault(anchor[:_ENTRY], {}).setdefault(anchor, Comment())


def _lost(group: dict[Anchor, Comment], anchors: Set[Anchor]) -> Iterator[str]:
    """The comments of an entry at parts of it that are there no more."""
    for anchor, comment in group.items():
        if anchor not in anchors:
            yield from (*comment.above, *([comment.beside] if comment.beside else []), *comment.below)


def _closes(lines: "_Lines", head: str, around: list["_Place"]) -> bool:
    """Whether a comment on a line of its own between two places closes what is before it: by its indentation."""
    if len(around) < 2:
        return False  # nothing is before it
    before, after = around
    opens = before.anchor[0] == "mailboxes" or after.anchor[: len(before.anchor)] == before.anchor
    return not opens and len(head) > lines.indent(after.start)


def _put_beside(comment: Comment, text: str) -> None:
    if comment.beside:
        comment.above.append(text)
    else:
        comment.beside = text


class _Lines:
    """A text and where its lines begin, as YAML 1.1 counts them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in _BREAK.finditer(text))]

    def start(self, position: int) -> int:
        """Where the line begins that this position is on."""
        return self._starts[bisect_right(self._starts, position) - 1]

    def next(self, position: int) -> int:
        """Where the line after that begins, or the text ends."""
        number = bisect_right(self._starts, position)
        return self._starts[number] if number < len(self._starts) else len(self.text)

    def indent(self, position: int) -> int:
        """How far the line is indented that this position is on."""
        line = self.text[self.start(position) : position]
        return len(line) - len(line.lstrip(" "))


def _found(lines: _Lines, root: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Where each comment begins, and its text."""
    spans = sorted(_scalars(root, lines))
    starts = [start for start, _ in spans]
    end = 0
    for sign in _SIGN.finditer(lines.text):
        before = bisect_right(starts, sign.start()) - 1
        if sign.start() < end or (before >= 0 and sign.start() < spans[before][1]):
            continue  # a part of a comment or of a scalar
        end = lines.next(sign.start())
        yield sign.start(), lines.text[sign.start() : end].rstrip()


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


def _scalars(root: yaml.Node | None, lines: _Lines) -> Iterator[tuple[int, int]]:
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
                start = node.start_mark.index
                yield lines.next(start) if node.style in ("|", ">") else start, node.end_mark.index
            case yaml.SequenceNode():
                nodes.extend(node.value)
            case yaml.MappingNode():
                nodes.extend(part for pair in node.value for part in pair)
