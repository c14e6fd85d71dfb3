"""Builds the zipapp for the hosts: `python -m hanam_mail.controller.zipapp build/hanam-mail.pyz`.

The same sources give the same octets (fixed order, times and modes, no compression that depends on a
library's version), so that copying it a second time changes nothing. The file is written only when it
differs.
"""

import os
import sys
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path

# What runs on the hosts: whole rooms, and single modules of others. None of these imports anything beyond the standard
# library, psycopg and PyYAML.
_ROOMS = ("host", "plan")
_SINGLE = (
    "__init__",
    "alphabet",
    "option_texts",
    "regulation/__init__",
    "regulation/rule_judges",
    "regulation/rule_values",
    "vietnamese",
)
# What Dovecot starts for one message or one session is read alone: the whole takes a third of a second of a processor.
_MAIN = """import argparse
import sys
from importlib import import_module

ALONE = {"sieve-mail": "sieve_mail", "sieve-session": "sieve_session"}
if sys.argv[1:2] and sys.argv[1] in ALONE:
    parser = argparse.ArgumentParser()
    import_module("hanam_mail.host.mail." + ALONE[sys.argv[1]]).add_commands(parser.add_subparsers())
    options = parser.parse_args()
    sys.exit(options.run(options))

from hanam_mail.host.command_line import main

sys.exit(main())
"""
_TIME = (1980, 1, 1, 0, 0, 0)


def build() -> bytes:
    """The zipapp's octets."""
    package = resources.files("hanam_mail")
    files = {"__main__.py": _MAIN.encode()}
    files |= {f"hanam_mail/{name}": (package / name).read_bytes() for name in modules()}
    files |= _tree(package / "sql", "hanam_mail/sql", (".sql", ".txt"))
    files |= _tree(package / "host", "hanam_mail/host", (".txt",))
    buffer = BytesIO()
    buffer.write(b"#!/usr/bin/python3\n")
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def modules() -> list[str]:
    """The modules in it, as paths below the package."""
    package = resources.files("hanam_mail")
    inside = [name for room in _ROOMS for name in _tree(package / room, room, (".py",))]
    return sorted([f"{name}.py" for name in _SINGLE] + inside)


def _tree(root: Traversable, prefix: str, endings: tuple[str, ...]) -> dict[str, bytes]:
    result: dict[str, bytes] = {}
    for entry in root.iterdir():
        if entry.is_dir():
            result |= _tree(entry, f"{prefix}/{entry.name}", endings)
        elif entry.name.endswith(endings):
            result[f"{prefix}/{entry.name}"] = entry.read_bytes()
    return result


def write(path: Path) -> bool:
    """Write the zipapp to `path` if it is not there already; whether it was written."""
    data = build()
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several runs may build at the same time; none of them must read half a file.
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(data)
    new.replace(path)
    return True


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m hanam_mail.controller.zipapp FILE")
    print("changed" if write(Path(sys.argv[1])) else "unchanged")
