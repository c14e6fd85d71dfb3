"""A province's name and the number of its decision stand in data alone, so that another province is another file."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/hanam_mail"
REGULATION = yaml.safe_load((ROOT / "group_vars/hanam/regulation.yml").read_text(encoding="utf-8"))
NAME = REGULATION["regulation_province"]["name"]
# "Hà Nam Mail" is what this project is called, wherever it runs.
NAMED = re.compile(rf"({NAME}|ha nam)(?! mail)|{REGULATION['regulation_decision']}", re.IGNORECASE)
TEXTS = sorted(file for kind in ("txt", "html", "sql", "js") for file in PACKAGE.rglob(f"*.{kind}"))


def strings(file: Path) -> Iterator[tuple[int, str]]:
    """Every text in a module that is no docstring, with its line."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    places = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    documented = (node for node in ast.walk(tree) if isinstance(node, places) and ast.get_docstring(node) is not None)
    docs = {id(node.body[0].value) for node in documented if isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def test_the_pattern_finds_what_it_is_for() -> None:
    for text in ("tỉnh Hà Nam", " tinh( ha nam)?$", "số 27/2023/QĐ-UBND", "HÀ NAM"):
        assert NAMED.search(text), text
    for text in ("Hà Nam Mail lab public CA", "hanam-mail", "hanam_mail", "Hà Nội"):
        assert not NAMED.search(text), text


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_text_names_the_province(file: Path) -> None:
    assert NAMED.findall(file.read_text(encoding="utf-8")) == []


def test_no_code_names_the_province() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}: {text}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for line, text in strings(file)
        if NAMED.search(text)
    ]
    assert found == []
