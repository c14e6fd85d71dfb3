"""A small registry for the tests of its rules: two departments, a district with a commune, a school, each document
once. `World` is a set of files to spoil; what the check then says is what the tests are about."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from hanam_mail.errors import InputError, Problem
from hanam_mail.registry import loading
from hanam_mail.registry.model import Registry
from hanam_mail.regulation import provisions

ROOT = Path(__file__).parents[2]
RULE_BOOK = provisions.load(ROOT / "group_vars/hanam/regulation.yml")
TODAY = date(2026, 11, 25)

ISSUED = "event: issue, request: 2024-0001, done: 2024-02-01"
FILES = {
    "snv.yml": """\
---
agency:
  id: m4k7q2
  name: Sở Nội vụ
  kind: department
  code: snv
  suffix: nv
mailboxes:
  - id: b2b2b2
    kind: agency
    address: snv
    clerks: [v2b4n6]
    history:
      - {event: issue, request: 2024-0001, done: 2024-02-01}
  - id: c2c2c2
    kind: office
    name: Phòng Công chức
    address: pcc.snv
    history:
      - {event: issue, request: 2024-0001, done: 2024-02-01}
  - id: v2b4n6
    kind: person
    name: Lê An
    address: lean
    history:
      - {event: issue, request: 2024-0001, done: 2024-02-01}
""",
    "stp.yml": """\
---
agency:
  id: h3h3h3
  name: Sở Tư pháp
  kind: department
  code: stp
  suffix: tp
mailboxes:
  - id: b3b3b3
    kind: agency
    address: stp
    history:
      - {event: issue, request: 2024-0001, done: 2024-02-01}
""",
    "ubndkb.yml": """\
---
agency:
  id: h4h4h4
  name: Ủy ban nhân dân huyện Kim Bảng
  kind: district
  code: kb
  suffix: kb
mailboxes:
  - id: b4b4b4
    kind: agency
    address: ubndkb
    history:
      - {event: issue, request: 2024-0001, done: 2024-02-01}
""",
    "ubndque.kb.yml": """\
---
agency:
  id: h5h5h5
  name: "Ủy ban nhân dân thị trấn Quế, huyện Kim Bảng"
  kind: commune
  code: que.kb
  suffix: kb
mailboxes:
  - id: b5b5b5
    kind: agency
    address: ubndque.kb
    history:
      - {event: issue, request: 2024-0008, done: 2024-02-01}
""",
    "thptbienhoa.yml": """\
---
agency:
  id: h6h6h6
  name: Trường Trung học phổ thông chuyên Biên Hòa
  kind: unit
  code: thptbienhoa
  suffix: bh
mailboxes:
  - id: b6b6b6
    kind: agency
    address: thptbienhoa
    history:
      - {event: issue, request: 2024-0001, done: 2024-02-01}
""",
    "requests/2024.yml": "---\n"
    + "".join(
        f"""\
2024-000{number}:
  document: {number}/VB
  dated: 2024-01-15
  received: 2024-01-16
  agency: {agency}
  asks: [{asks}]
  ground: quyết định số {number}
  result: done
  reply: {{document: {number}/STTTT-CNTT, date: 2024-01-18}}
"""
        for number, agency, asks in [
            (1, "m4k7q2", "issue"),
            (2, "m4k7q2", "change"),
            (3, "m4k7q2", "lock"),
            (4, "m4k7q2", "absence"),
            (5, "m4k7q2", "restore"),
            (6, "m4k7q2", "revoke"),
            (7, "h3h3h3", "change, revoke"),
            (8, "h4h4h4", "issue"),
            (9, "m4k7q2", "reset"),
        ]
    ),
}


@dataclass
class World:
    """The files of the registry in `folder`, to be changed and then loaded."""

    folder: Path
    operator: str = ""
    files: dict[str, str] = field(default_factory=lambda: dict(FILES))

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a file; what is changed must be there."""
        assert old in self.files[file], f"{file} has no {old!r}"
        self.files[file] = self.files[file].replace(old, new)

    def happen(self, identity: str, events: Iterable[str]) -> None:
        """Let events follow the issue of a mailbox."""
        file = next(name for name, text in self.files.items() if f"- id: {identity}\n" in text)
        before, start, rest = self.files[file].partition(f"- id: {identity}\n")
        issue, line_end, after = rest.partition("done: 2024-02-01}\n")
        lines = "".join(f"      - {{{event}}}\n" for event in events)
        self.files[file] = before + start + issue + line_end + lines + after

    def happen_to_agency(self, file: str, *events: str) -> None:
        """Give an agency a history."""
        lines = "".join(f"    - {{{event}}}\n" for event in events)
        self.replace(file, "mailboxes:\n", f"  history:\n{lines}mailboxes:\n")

    def load(self, cache: Path | None = None) -> Registry:
        """The registry as of TODAY. Raises InputError with all that is wrong."""
        mailboxes, settings = self.folder / "mailboxes", self.folder / "group_vars/hanam"
        for folder in (mailboxes / "requests", settings):
            folder.mkdir(parents=True, exist_ok=True)
        (settings / "registry.yml").write_text(f'registry_operator: "{self.operator}"\nregistry_alias_months: 12\n')
        for file in (*mailboxes.glob("*.yml"), *(mailboxes / "requests").glob("*.yml")):
            file.unlink()
        for name, text in self.files.items():
            (mailboxes / name).write_text(text, encoding="utf-8")
        return loading.load(mailboxes, regulated_by=RULE_BOOK, day=TODAY)

    def problems(self) -> list[Problem]:
        """All that is wrong with it."""
        try:
            self.load()
        except InputError as error:
            return list(error.problems)
        return []

    def only_problem(self) -> Problem:
        """The one thing that is wrong with it."""
        problems = self.problems()
        assert len(problems) == 1, [str(problem) for problem in problems]
        return problems[0]
