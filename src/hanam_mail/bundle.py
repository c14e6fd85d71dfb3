"""Builds the zipapp for the hosts: `python -m hanam_mail.bundle build/hanam-mail.pyz`.

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

# What runs on the hosts. None of these imports anything beyond the standard library, psycopg and PyYAML.
MODULES = (
    "__init__.py",
    "accounts.py",
    "agent.py",
    "alphabet.py",
    "apply.py",
    "apply_database.py",
    "apply_run.py",
    "causes.py",
    "db.py",
    "filter_reports.py",
    "first_passwords.py",
    "handover.py",
    "hold_queue.py",
    "jobs.py",
    "learn.py",
    "lockouts.py",
    "notices.py",
    "operate.py",
    "option_texts.py",
    "proposals.py",
    "purge.py",
    "purge_command.py",
    "restores.py",
    "rule_judges.py",
    "rule_values.py",
    "scram.py",
    "sieve_mail.py",
    "sieve_rules.py",
    "sieve_session.py",
    "target.py",
    "trail.py",
    "wording.py",
    "writers.py",
)
# What Dovecot starts for one message or one session is read alone: the whole takes a third of a second of a processor.
_MAIN = """import argparse
import sys
from importlib import import_module

ALONE = {"sieve-mail": "sieve_mail", "sieve-session": "sieve_session"}
if sys.argv[1:2] and sys.argv[1] in ALONE:
    parser = argparse.ArgumentParser()
    import_module("hanam_mail." + ALONE[sys.argv[1]]).add_commands(parser.add_subparsers())
    options = parser.parse_args()
    sys.exit(options.run(options))

from hanam_mail.target import main

sys.exit(main())
"""
_TIME = (1980, 1, 1, 0, 0, 0)


def build() -> bytes:
    """The zipapp's octets."""
    package = resources.files("hanam_mail")
    files = {"__main__.py": _MAIN.encode()}
    files |= {f"hanam_mail/{name}": (package / name).read_bytes() for name in MODULES}
    files |= _tree(package / "sql", "hanam_mail/sql") | _tree(package / "texts", "hanam_mail/texts")
    buffer = BytesIO()
    buffer.write(b"#!/usr/bin/python3\n")
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _tree(root: Traversable, prefix: str) -> dict[str, bytes]:
    result: dict[str, bytes] = {}
    for entry in root.iterdir():
        if entry.is_dir():
            result |= _tree(entry, f"{prefix}/{entry.name}")
        elif entry.name.endswith((".sql", ".txt")):
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
        sys.exit("usage: python -m hanam_mail.bundle FILE")
    print("changed" if write(Path(sys.argv[1])) else "unchanged")
