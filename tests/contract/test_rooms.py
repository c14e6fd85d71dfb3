"""The rooms of the package, which room may import which (docs/decisions/0037-rooms.md), and names over all of them."""

import ast
from collections import defaultdict
from pathlib import Path

from tests.contract.test_roles import ROOT

PACKAGE = ROOT / "src/hanam_mail"
# Room -> rooms it may import. Modules beside the rooms (errors, atomic_file, vietnamese ...) may be imported by all.
MAY_IMPORT = {
    "cli": {"controller", "editing", "importing", "plan", "registry", "regulation", "review"},
    "importing": {"editing", "registry", "regulation"},
    "editing": {"registry", "regulation"},
    "review": {"plan", "registry", "regulation"},
    "controller": {"host", "registry", "regulation"},
    "host": {"plan", "regulation"},
    "registry": {"regulation"},
    "plan": set(),
    "regulation": set(),
    # Shipped alone, without the rest of the package; the pages with their frame.
    "carddav_gate": set(),
    "change_page": {"page_frame"},
    "page_frame": set(),
    "spam_page": {"page_frame"},
    "watch": set(),
}
BESIDE = {"alphabet", "atomic_file", "dns_check", "errors", "option_texts", "vietnamese"}


def modules() -> dict[str, Path]:
    """Every module by its dotted name below the package; the package itself is ""."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports() -> dict[str, set[str]]:
    """What each module imports of the package, also inside functions."""
    known = modules()
    result: dict[str, set[str]] = defaultdict(set)
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                result[name] |= {_below(each.name) for each in node.names if _ours(each.name)}
            elif isinstance(node, ast.ImportFrom) and _ours(node.module or ""):
                of = _below(node.module or "")
                for each in node.names:
                    inner = f"{of}.{each.name}".removeprefix(".")
                    result[name].add(inner if inner in known else of)
    return result


def _ours(name: str) -> bool:
    return name.partition(".")[0] == "hanam_mail"


def _below(name: str) -> str:
    return name.removeprefix("hanam_mail").removeprefix(".")


def test_every_module_is_in_a_room() -> None:
    rooms = {name.partition(".")[0] for name in modules()} - {""}
    assert rooms == MAY_IMPORT.keys() | BESIDE
    assert {name for name in BESIDE if (PACKAGE / name).is_dir()} == set()
    captions = {room: ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text())) for room in MAY_IMPORT}
    assert {room for room, caption in captions.items() if not caption} == set()


def test_a_name_stands_for_one_type() -> None:
    """Nobody has to ask which room a name is of. Names with an underscore are their module's own."""
    found = defaultdict(list)
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(name)
            elif isinstance(node, ast.TypeAlias):
                found[node.name.id].append(name)
    assert found
    assert {kind: of for kind, of in found.items() if len(of) > 1 and not kind.startswith("_")} == {}


def test_rooms_import_one_way() -> None:
    wrong = set()
    for name, found in imports().items():
        room = name.partition(".")[0]
        for other in {each.partition(".")[0] for each in found} - {room, "", *BESIDE}:
            if room in BESIDE or other not in MAY_IMPORT[room]:
                wrong.add(f"{name} imports {other}")
    assert wrong == set()


def test_no_module_imports_in_a_circle() -> None:
    left = {name: set(found) - {name} for name, found in imports().items()}
    while free := [name for name, found in left.items() if not found & left.keys()]:
        for name in free:
            del left[name]
    # What is left is in a circle or imports one.
    circles = {name: sorted(found & left.keys()) for name, found in left.items()}
    assert circles == {}
