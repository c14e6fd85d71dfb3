"""Asks the running filter about letters of a table, and reads what it found of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.lab import Lab
from tests.mail.test_scores import ask

_PART = re.compile(r'(?P<method>\w+)=(?P<result>\w+)(?: \("?(?P<reason>[^")]*)"?\))?(?P<properties>.*)')


@dataclass(frozen=True)
class Found:
    """`symbols`: with their options. `fields`: what is put before the letter, the last one first."""

    action: str
    symbols: Mapping[str, Sequence[str]]
    fields: Mapping[str, str]

    def results(self, method: str) -> list[tuple[str, str, str]]:
        """Those of a method in Authentication-Results."""
        return results(self.fields.get("Authentication-Results", ""), method)


def results(text: str, method: str) -> list[tuple[str, str, str]]:
    """Results of a method in a field Authentication-Results, each with its reason and its other words."""
    matches = [_PART.fullmatch(" ".join(part.split())) for part in re.split(r";\s+", text)]
    return [
        (match["result"], match["reason"] or "", match["properties"].strip())
        for match in matches
        if match and match["method"] == method
    ]


def found(lab: Lab, letters: Iterable[tuple[str, bytes]], recipient: str) -> list[Found]:
    """Of letters, each with its author's domain, which come from outside; all are asked about at once."""
    envelope = {"IP": "198.18.0.5", "Helo": "mx.client.example", "Rcpt": recipient}
    questions = [(envelope | {"From": f"an@{author}"}, content) for author, content in letters]
    return [_read(answer) for answer in ask(lab, questions)]


def _read(answer: Mapping[str, Any]) -> Found:
    fields = answer.get("milter", {}).get("add_headers", {})
    return Found(
        answer["action"],
        {name: symbol.get("options", []) for name, symbol in answer["symbols"].items()},
        {name: field["value"] if isinstance(field, dict) else str(field) for name, field in fields.items()},
    )


def judge[Name, Kind](found: Mapping[Name, Kind], wanted: Mapping[Name, Kind]) -> None:
    """Fails with every case, by its name, of which something else was found than is wanted."""
    wrong = [f"{name}: {found.get(name)}, not {each}" for name, each in wanted.items() if found.get(name) != each]
    assert not wrong, "\n".join([f"{len(wanted) - len(wrong)} of {len(wanted)} right", *wrong])
