"""Rules of the filter, run over letters by rspamd's own reader of mail, where rspamadm is installed.

    ask({"plays.lua": text}, [Question(content, {"author": "vidu.vn"})])

Neither a filter nor a network is needed: tests/data/filter_rules.lua stands in for what calls the rules.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DRIVER = Path(__file__).parent / "data/filter_rules.lua"
PROGRAM = shutil.which("rspamadm")


@dataclass(frozen=True)
class Question:
    """A letter; what other rules have noted about it; what services say that a rule asks over sockets, one by one."""

    content: bytes
    known: Mapping[str, Any] = field(default_factory=dict)
    replies: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """Symbols with their weights and options, and what is done with the letter, by rules that do so at once."""

    symbols: Mapping[str, float]
    options: Mapping[str, Sequence[str]]
    seconds: float
    proven: bool
    action: str = ""
    text: str = ""


def ask(
    rules: Mapping[str, str], questions: Sequence[Question], folder: Path, files: Mapping[str, Path] | None = None
) -> list[Answer]:
    """What the rules (name -> text) say of each letter. `files`: what a rule reads elsewhere, by the path it knows."""
    assert PROGRAM, "rspamadm is not installed"
    paths = []
    for name, text in rules.items():
        paths.append(folder / name)
        paths[-1].write_text(text, encoding="utf-8")
    letters = []
    for number, each in enumerate(questions):
        (folder / f"{number}.eml").write_bytes(each.content)
        path = str(folder / f"{number}.eml")
        letters.append({"path": path, "cache": dict(each.known), "replies": list(each.replies)})
    told = {
        "rules": [str(path) for path in paths],
        "letters": letters,
        "files": {name: str(path) for name, path in (files or {}).items()},
    }
    (folder / "questions.json").write_text(json.dumps(told), encoding="utf-8")
    command = [PROGRAM, "lua", "-b", "-s", DRIVER, "-a", folder / "questions.json", "-a", folder / "answers.json"]
    (folder / "answers.json").unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (folder / "answers.json").exists(), done.stdout + done.stderr
    answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))["answers"]
    # An empty table of Lua is a list.
    return [
        Answer(**{name: value or {} if name in ("symbols", "options") else value for name, value in each.items()})
        for each in answers
    ]
