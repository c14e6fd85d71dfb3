"""Reading one YAML mapping field by field, noting every fault with its line instead of stopping at the first.

Scalars are taken as the text that stands in the file, and the schema of the entry decides the type; so
`code: no` and `address: 1e3` are what the operator wrote, never a truth value or a number. A getter that
finds a fault notes it and returns a stand-in; whoever reads on sees consistent types, and the problems keep
the result from being used.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from unicodedata import category, is_normalized

import yaml

from hanam_mail.errors import Problem, Source
from hanam_mail.registry import yaml_faults

_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NULLS = ("", "~", "null")


class Fields:
    """The fields of a mapping node; faults are noted in `problems`."""

    def __init__(self, node: yaml.Node, file: str, problems: list[Problem]) -> None:
        self._nodes: dict[str, yaml.Node] = {}
        self._read: set[str] = set()
        self._problems = problems
        self.source = Source(file, node.start_mark.line + 1)
        self._is_mapping = isinstance(node, yaml.MappingNode)
        if not isinstance(node, yaml.MappingNode):
            self.note("", "phải là một bảng gồm các cặp tên: giá trị")
            return
        lines: dict[str, int] = {}
        self.source = Source(file, self.source.line, lines)
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                problems.append(
                    Problem(file, line, "", "tên trường phải là một giá trị, không phải danh sách hay bảng")
                )
                continue
            name = str(key.value)
            if name in self._nodes:
                problems.append(Problem(file, line, name, "ghi hai lần"))
            self._nodes[name] = value
            lines[name] = line

    def note(self, field: str, text: str, clause: str = "") -> None:
        """Note a fault of a field."""
        self._problems.append(self.source.problem(field, text, clause))

    def text(self, name: str, *, required: bool = True, pattern: str = "", hint: str = "") -> str:
        """The text of a field; "" when it is absent or does not match `pattern` (`hint` says what would)."""
        node = self._take(name, required=required)
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.note(name, "phải là một giá trị, không phải danh sách hay bảng")
            return ""
        text = str(node.value).strip()
        if hidden := _hidden(text):
            self.note(name, f"có ký tự ẩn {hidden}", "Đ3.4")
            return ""
        if not text and required:
            self.note(name, "thiếu")
        if text and pattern and re.fullmatch(pattern, text) is None:
            self.note(name, f"“{text}” không hợp lệ: {hint}")
            return ""
        return text

    def name(self, name: str, *, required: bool = True) -> str:
        """The name of a person, agency or office, in the one form in which names are kept and compared."""
        text = self.text(name, required=required)
        if text and not (text.isprintable() and is_normalized("NFC", text) and "  " not in text):
            self.note(name, "có dấu cách thừa, ký tự ẩn hoặc dấu không dựng sẵn (phải là Unicode NFC)", "Đ3.4")
        return text

    def date(self, name: str, *, required: bool = True) -> date | None:
        """A date written YYYY-MM-DD; None when it is absent or no date."""
        text = self.text(name, required=required)
        try:
            if not text or _DATE.fullmatch(text):
                return date.fromisoformat(text) if text else None
        except ValueError:
            pass  # no such day in the calendar
        self.note(name, f"“{text}” không phải ngày dạng YYYY-MM-DD")
        return None

    def flag(self, name: str) -> bool:
        """An optional true or false; absent means false."""
        return self.text(name, required=False, pattern="true|false", hint="chỉ ghi true hoặc false") == "true"

    def texts(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of texts."""
        nodes = list(self._items(name, required=required))
        if all(isinstance(node, yaml.ScalarNode) for node in nodes):
            texts = tuple(str(node.value) for node in nodes)
            if hidden := _hidden("".join(texts)):
                self.note(name, f"có ký tự ẩn {hidden}", "Đ3.4")
            return texts
        self.note(name, "phải là danh sách các giá trị")
        return ()

    def entries[T](
        self, name: str, read: Callable[["Fields"], T], *, required: bool = True, empty: bool = False
    ) -> list[T]:
        """A list of mappings, each read by `read` and finished; `empty`: it may be an empty list, though required."""
        return [self._entry(node, read) for node in self._items(name, required=required, empty=empty)]

    def entry[T](self, name: str, read: Callable[["Fields"], T], *, required: bool = True) -> T | None:
        """One mapping, read by `read` and finished."""
        node = self._take(name, required=required)
        return self._entry(node, read) if node is not None else None

    def names(self) -> list[str]:
        """The names of all fields, in the order of the file."""
        return list(self._nodes)

    @property
    def asked(self) -> set[str]:
        """The names of the fields that a getter asked for."""
        return set(self._read)

    def ignore_rest(self) -> None:
        """Let fields that no getter asked for pass."""
        self._read.update(self._nodes)

    def finish(self) -> None:
        """Note every field that no getter asked for."""
        for name in self._nodes:
            if name not in self._read:
                self.note(name, "không có trường nào tên như vậy")

    def _entry[T](self, node: yaml.Node, read: Callable[["Fields"], T]) -> T:
        fields = Fields(node, self.source.file, self._problems)
        value = read(fields)
        fields.finish()
        return value

    def _items(self, name: str, *, required: bool, empty: bool = False) -> Iterator[yaml.Node]:
        node = self._take(name, required=required)
        if isinstance(node, yaml.SequenceNode):
            if required and not empty and not node.value:
                self.note(name, "danh sách trống")
            yield from node.value
        elif node is not None:
            self.note(name, "phải là danh sách")

    def _take(self, name: str, *, required: bool) -> yaml.Node | None:
        self._read.add(name)
        node = self._nodes.get(name)
        empty = isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULLS
        if node is not None and not empty:
            return node
        # What is no mapping has no fields at all, which has been said.
        if required and self._is_mapping:
            self.note(name, "thiếu")
        return None


def _hidden(text: str) -> str:
    """The first character that nobody sees (control, format, unassigned), as U+200B; lines may end."""
    if text.isprintable():
        return ""
    return next((f"U+{ord(char):04X}" for char in text if category(char).startswith("C") and char != "\n"), "")


def document(text: str, file: str, problems: list[Problem]) -> Fields | None:
    """The one mapping of a YAML file; None, with the fault noted, when it is no YAML."""
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        problems.append(yaml_faults.problem(file, error))
        return None
    if node is None:
        problems.append(Problem(file, 0, "", "tệp trống"))
        return None
    return Fields(node, file, problems)
