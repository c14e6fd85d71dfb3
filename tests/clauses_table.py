"""docs/clauses.md: each clause of the regulation, what holds it, what proves it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from tests.render.conftest import ROOT

FILE = ROOT / "docs/clauses.md"
SOURCE = ROOT / "docs/clauses.yml"
STATES = ("enforced", "helped", "not yet")
CITED = re.compile(r"Đ(\d+)(?:\.(\d+)([a-zđ](?:-[a-zđ])?)?)?")
NAMED = re.compile(r"test_dieu_?(\d+)_(\d+)(dd|[a-z])?_")
# Where the machine's side of a clause stands: the citation is in a comment, a docstring, a refusal or beside a number.
CODE = ("src/hanam_mail", "roles", "group_vars/all", "group_vars/hanam", "playbooks", "deploys")
MARKER = "dieu"
PAGES = "render/test_help_pages.py"
"""Tests of what people are told of a clause, which proves nothing of one that the machine enforces."""


@dataclass(frozen=True)
class Clause:
    """A row of docs/clauses.yml."""

    clause: str
    what: str
    state: str
    lacks: str = ""


@cache
def clauses() -> list[Clause]:
    """All rows, in order."""
    return [Clause(**row) for row in yaml.safe_load(SOURCE.read_text(encoding="utf-8"))]


def row_of(cited: str) -> str:
    """The clause of the table that a citation means: Đ8.1b is a part of Đ8.1; "" for one that no row covers."""
    known = {row.clause for row in clauses()}
    while cited and cited not in known:
        cited = re.sub(r"(\.\d+|[a-zđ](-[a-zđ])?)$", "", cited) if re.search(r"(\.\d+|[a-zđ])$", cited[1:]) else ""
    return cited


def _citations(text: str) -> set[str]:
    return {found.group() for found in CITED.finditer(text)}


@cache
def code() -> Mapping[str, set[str]]:
    """Clause as it is cited -> the files that cite it, each by its path in the repository."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in {".py", ".j2", ".yml", ".sql", ".php", ".js", ".html", ".txt", ""}:
                for cited in _citations(path.read_text(encoding="utf-8", errors="replace")):
                    found[cited].add(str(path.relative_to(ROOT)))
    return found


def _place(file: str) -> str:
    """The role, the room, or the folder of settings that a file belongs to."""
    parts = file.split("/")
    if parts[0] == "roles":
        return f"role {parts[1]}"
    return "/".join(parts[1:3]) if parts[0] == "src" else parts[0]


def _linked(files: set[str]) -> str:
    """Place by place, its files as links."""
    places: dict[str, list[str]] = defaultdict(list)
    for file in sorted(files):
        places[_place(file)].append(f"[{Path(file).name}](../{file})")
    return "; ".join(f"{place}: {', '.join(links)}" for place, links in sorted(places.items()))


@cache
def tests() -> Mapping[str, set[str]]:
    """Clause as it is cited, or the article of a marker -> tests, as file::function."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        marked = set(re.findall(rf"{MARKER}(\d+)", text.split("\ndef ", 1)[0])) if "pytestmark" in text else set()
        # What a module says of itself holds for its tests.
        of_all = _citations(ast.get_docstring(tree) or "")
        for function in _functions(tree):
            # With its decorators: markers and parameters.
            first = min([function.lineno, *(each.lineno for each in function.decorator_list)])
            body = "\n".join(text.splitlines()[first - 1 : function.end_lineno])
            name = f"{path.relative_to(ROOT / 'tests')}::{function.name}"
            for cited in of_all | _citations(body) | _named_after(function.name):
                found[cited].add(name)
            for article in marked | set(re.findall(rf"\b{MARKER}(\d+)\b", body)):
                found[f"Đ{article}"].add(name)
    return found


def _named_after(function: str) -> set[str]:
    """Đ5.1đ of test_dieu5_1dd_...; a name with an article alone, as its marker, names no clause."""
    found = NAMED.match(function)
    return {f"Đ{found[1]}.{found[2]}{(found[3] or '').replace('dd', 'đ')}"} if found else set()


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def gathered(found: Mapping[str, set[str]], clause: str) -> set[str]:
    """What cites the clause or a part of it."""
    return {name for cited, names in found.items() if row_of(cited) == clause for name in names}


def article(clause: str) -> str:
    """Đ8 of Đ8.2a."""
    return clause.partition(".")[0]


def text() -> str:
    """The whole page."""
    lines = [
        "# The regulation, clause by clause",
        "",
        "Made by `make map` from `docs/clauses.yml` and from what cites a clause in code and tests. `pytest -m dieu8` "
        "runs all proofs of Điều 8. *Enforced*: the machine does it. *Helped*: a part of it, or people do it. "
        "A test that names the article only by its marker is counted in the last table.",
        "",
        "| clause | the system | state | where | tests that cite it |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in clauses():
        where = _linked(gathered(code(), row.clause))
        named = gathered(tests(), row.clause)
        lacks = f": {row.lacks}" if row.lacks else ""
        lines.append(f"| {row.clause} | {row.what} | {row.state}{lacks} | {where} | {_named(named)} |")
    lines += ["", "| article | tests with its marker |", "| --- | --- |"]
    articles = dict.fromkeys(article(row.clause) for row in clauses())
    lines += [f"| {each} | {len(tests().get(each, ()))} |" for each in articles]
    return "\n".join(lines) + "\n"


def _named(names: set[str]) -> str:
    files = sorted({name.partition("::")[0] for name in names})
    return f"{len(names)} in {', '.join(files)}" if names else ""
