"""Rules of the filter, run over letters by rspamd's own reader of mail: here where rspamadm is installed, or on a host.

    ask({"plays.lua": text}, [Question(content, {"author": "vidu.vn"})], folder, {})

Neither a filter nor a network is needed: tests/data/filter_rules.lua stands in for what calls the rules.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DRIVER = Path(__file__).parent / "data/filter_rules.lua"
PROGRAM = shutil.which("rspamadm")
COMMAND = ("rspamadm", "lua", "-b", "-s", "driver.lua", "-a", "questions.json", "-a", "answers.json")


@dataclass(frozen=True)
class Question:
    """A letter; what other rules have noted; what services say that a rule asks over sockets, one by one; to whom.

    `released`: it comes by the door for what somebody has let go. `score` is what other rules make of it. `sender` is
    the envelope's, `user` who has signed in; `found` are symbols of other rules.
    """

    content: bytes
    known: Mapping[str, Any] = field(default_factory=dict)
    replies: Sequence[str] = ()
    recipients: Sequence[str] = ("nguoi.nhan@hanam.gov.vn",)
    released: bool = False
    score: float = 0.0
    sender: str = ""
    user: str = ""
    found: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """Symbols with their weights and options, and what is done with the letter, by rules that do so at once.

    Fields that the mail server is to add and to take out; the score from which it refuses, where a rule sets one; what
    is put into lists of Redis.
    """

    symbols: Mapping[str, float]
    options: Mapping[str, Sequence[str]]
    seconds: float
    proven: bool
    action: str = ""
    text: str = ""
    added: Mapping[str, str] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)
    refused_from: float = 0.0
    pushed: Sequence[str] = ()


type Run = Callable[[Path], None]
"""Runs COMMAND in a folder, or where a copy of it lies, and brings its answers there."""


def here(folder: Path) -> None:
    """On this machine."""
    assert PROGRAM, "rspamadm is not installed"
    done = subprocess.run([PROGRAM, *COMMAND[1:]], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert (folder / "answers.json").exists(), done.stdout + done.stderr


def ask(
    rules: Mapping[str, str], questions: Sequence[Question], folder: Path, files: Mapping[str, str], run: Run = here
) -> list[Answer]:
    """What the rules (name -> text) say of each letter. `files`: what a rule reads elsewhere, by the path it knows."""
    for old in folder.iterdir():
        old.unlink()
    (folder / "driver.lua").write_text(DRIVER.read_text(encoding="utf-8"), encoding="utf-8")
    for name, text in rules.items():
        (folder / name).write_text(text, encoding="utf-8")
    letters = []
    for number, each in enumerate(questions):
        (folder / f"{number}.eml").write_bytes(each.content)
        said = {"replies": list(each.replies), "recipients": list(each.recipients), "released": each.released}
        said |= {"score": each.score, "found": dict.fromkeys(each.found, True)}
        said |= {name: value for name, value in (("sender", each.sender), ("user", each.user)) if value}
        letters.append({"path": f"{number}.eml", "cache": dict(each.known), **said})
    told = {"rules": list(rules), "letters": letters, "files": dict(files)}
    (folder / "questions.json").write_text(json.dumps(told), encoding="utf-8")
    run(folder)
    answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))["answers"]
    # An empty table of Lua is a list.
    return [
        Answer(
            **{
                name: value or {} if isinstance(value, list) and name != "pushed" else value
                for name, value in each.items()
            }
        )
        for each in answers
    ]
