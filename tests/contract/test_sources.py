"""One fact, one place: ports, shared paths and sizes stand in files of their own; the rest refers to them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanam_mail.host import places
from tests.contract.test_roles import ROLES, ROOT

SHARED = ROOT / "group_vars/all"
WIRING = sorted((SHARED / "wiring").glob("*.yml"))
PORTS = yaml.safe_load((SHARED / "ports.yml").read_text(encoding="utf-8"))["ports"]
PATHS = yaml.safe_load((SHARED / "paths.yml").read_text(encoding="utf-8"))
# The world fixes these: resolv.conf knows no other port of a name server.
FIXED = {53}


def scalars(value: Any) -> Iterator[Any]:
    """What stands in the leaves of a value."""
    if isinstance(value, dict):
        for each in value.values():
            yield from scalars(each)
    elif isinstance(value, list):
        for each in value:
            yield from scalars(each)
    else:
        yield value


def uncommented(path: Path) -> str:
    """The file without comments, which may name a port or a path."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(line for line in lines if not re.match(r"\s*(#|//|;|--|/\*|\*)", line))


# How the world calls each host's own address, and a network of one address.
OF_THE_WORLD = r"127\.0\.0\.[01](/8)?|::1(/128)?|/32|/128"
# Its factor stands in words beside filter_patience_seconds (sizes.yml).
IN_WORDS = {"postfix_milter_content_timeout": "3"}


def literals(name: str, value: str) -> list[str]:
    """What a value says by itself: numbers, paths, words for people. 0 and 1 count, a name of a group chooses."""
    expressions = re.findall(r"{{.*?}}|{%.*?%}", value, re.DOTALL)
    around = re.sub(r"{{.*?}}|{%.*?%}", "", value, flags=re.DOTALL)
    quoted = re.findall(r"'([^']*)'", " ".join(expressions))
    bare = re.sub(r"'[^']*'", "", " ".join(expressions))
    found = re.findall(r"\d+|[^\x00-\x7f]+", around)
    found += [text for text in quoted if re.match(r"/[a-z]", text)]
    found += [text for text in quoted if re.search(r"(?<![A-Za-z\d])\d|[^\x00-\x7f]", re.sub(OF_THE_WORLD, "", text))]
    found += [number for number in re.findall(r"(?<![\w.])\d+(?![\w.])", bare) if number not in "01"]
    return [text for text in found if text != IN_WORDS.get(name)]


@pytest.mark.parametrize("path", WIRING, ids=lambda path: path.stem)
def test_wiring_refers_to_facts_and_holds_none(path: Path) -> None:
    role = ROOT / "roles" / path.stem
    assert role.is_dir(), "a file of wiring is named after its role"
    for name, value in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        for scalar in scalars(value):
            assert isinstance(scalar, str), f"{name}: {scalar!r}"
            assert literals(name, scalar) == [], name
            assert re.search(r"{{", scalar), f"{name}: {scalar!r} is a fact"


def read() -> list[Path]:
    """What may use a port or a path: roles, playbooks and the group's variables, but for their sources."""
    roles = [role for role in ROLES if not role.name.startswith("lab_")]  # the world outside has paths of its own
    files = [path for role in roles for path in role.rglob("*") if path.is_file() and path.parent.name != "meta"]
    files += [*(ROOT / "playbooks").glob("*.yml"), *SHARED.rglob("*.yml")]
    return [path for path in files if path.suffix != ".py" and path not in (SHARED / "ports.yml", SHARED / "paths.yml")]


def test_ports_stand_in_the_table_of_ports_alone() -> None:
    numbers = "|".join(str(number) for number in sorted({row["port"] for row in PORTS} - FIXED))
    # As configurations write them: listen 443, port = 993, 127.0.0.1:25, [::]:80, -p 22.
    pattern = re.compile(
        rf"(?:\blisten(?:_port)?\b|[Pp]ort'?\b)\s*(?:=>|[=:])?\s*(?:\[::\]:)?['\"]?({numbers})\b"
        rf"|(?:[\]\w}}']):({numbers})\b(?![:.\d])"
    )
    found = {
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in read()
        for match in pattern.finditer(uncommented(path))
    }
    assert found == set()


def programs() -> list[Path]:
    """What may need a path and is given it: all code but the one module that has the list's paths for the commands."""
    folders = (ROOT / name for name in ("src", "plugins", "deploys"))
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in {".py", ".sql"}]
    assert len(files) > 300
    return [path for path in files if path != Path(places.__file__)]


def test_commands_look_where_the_list_of_paths_says() -> None:
    known = {name: value for name, value in vars(places).items() if name.isupper()}
    assert {name: str(value) for name, value in known.items()} == {name: PATHS[name.lower()] for name in known}


def test_shared_paths_stand_in_the_list_of_paths_alone() -> None:
    folder = PATHS["tls_folder"]
    paths = {
        str(value).replace("{{ tls_folder }}", folder)
        for name, value in PATHS.items()
        if str(value).startswith(("/", "{{"))
    }
    # A unit hides keys from its processes by their places, which it cannot be given as an input.
    hidden = re.compile(r"(?m)^(InaccessiblePaths|ReadWritePaths|ReadOnlyPaths|BindPaths|BindReadOnlyPaths)=.*$")
    found = {
        f"{path.relative_to(ROOT)}: {each}"
        for path in [*read(), *programs()]
        for each in paths
        if re.search(rf"(?<![\w/.-]){re.escape(each)}(?![\w-])", hidden.sub("", uncommented(path)))
    }
    assert found == set()
