"""Builds what runs on the hosts as zipapps, which roles put in place by a row {program: NAME} of role_files.

A zipapp holds what its main program imports of the package, with the tables (JSON) that lie beside it, and nothing
else, so a host gets no code that nothing on it calls. The same sources give the same octets (fixed order, times and
modes, no compression that depends on a library's version), so that putting it in place a second time changes nothing.

Beside each source stands its bytecode: Python keeps none for what it reads out of an archive, so each start would
compile all that it imports. A host with another Python reads the source.
"""

import ast
import importlib.util
import marshal
import zipfile
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path

# The program of the accounts, the mail store and the submission: many commands, and the database's code. It imports
# what role hanam_mail installs.
ACCOUNTS, HANAM_MAIL = "hanam-mail", "hanam_mail.host.command_line"
# All others, and the module whose main() each runs: the standard library is all they import (hanam-carddav,
# hanam-directory, hanam-dns-check, hanam-dns-lists, hanam-tls-policy, hanam-mail-auth, hanam-reports-load and
# hanam-scheduled-send libraries besides, which their roles install), and a host has only those that its units or
# operators call.
PROGRAMS = {
    "hanam-backup-maintain": "hanam_mail.host.backup.maintain",
    "hanam-carddav": "hanam_mail.host.directory.carddav",
    "hanam-directory": "hanam_mail.host.directory.publish",
    "hanam-directory-search": "hanam_mail.host.directory.search",
    "hanam-dns-check": "hanam_mail.host.dns_watch",
    "hanam-dns-lists": "hanam_mail.host.dns_lists",
    "hanam-extract": "hanam_mail.host.extract.server",
    "hanam-first-lessons": "hanam_mail.host.mail.first_lessons",
    "hanam-ldap-load": "hanam_mail.host.directory.ldap_load",
    "hanam-mail-auth": "hanam_mail.host.mail_auth.service",
    "hanam-mail-backup": "hanam_mail.host.backup.backup",
    "hanam-mail-convert": "hanam_mail.host.convert",
    "hanam-mail-restore": "hanam_mail.host.backup.restore",
    "hanam-openid-keys": "hanam_mail.host.openid_keys",
    "hanam-reports-load": "hanam_mail.host.reports.incoming_load",
    "hanam-reports-read": "hanam_mail.host.reports.incoming_read",
    "hanam-scheduled-send": "hanam_mail.host.scheduled.service",
    "hanam-secrecy": "hanam_mail.host.secrecy.service",
    "hanam-tls-policy": "hanam_mail.host.tls_policy",
    "hanam-tls-renew": "hanam_mail.host.certificate_renewal",
    "hanam-tls-seen": "hanam_mail.host.reports.outgoing_tls_seen",
}
_MAIN = """import sys

from {module} import main

sys.exit(main())
"""
# What Dovecot starts for one message or one session is read alone: the whole takes a third of a second of a processor.
_MAIN_OF_HANAM_MAIL = """import argparse
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
    """The octets of the zipapp of role hanam_mail."""
    package = resources.files("hanam_mail")
    data = _tree(package / "sql", "hanam_mail/sql", (".sql", ".txt"))
    data |= _tree(package / "host", "hanam_mail/host", (".txt",))
    return _zipapp("#!/usr/bin/python3", _MAIN_OF_HANAM_MAIL, modules(), data)


def program(name: str) -> bytes:
    """The octets of a program; neither the caller's environment nor his folders change what one of PROGRAMS imports."""
    if name == ACCOUNTS:
        return build()
    if name not in PROGRAMS:
        raise ValueError(f"program: {name!r} is none of {', '.join((ACCOUNTS, *PROGRAMS))}")
    names = modules(PROGRAMS[name])
    return _zipapp("#!/usr/bin/python3 -I", _MAIN.format(module=PROGRAMS[name]), names, _tables(names))


def _tables(names: list[str]) -> dict[str, bytes]:
    package = Path(str(resources.files("hanam_mail")))
    folders = {(package / name).parent for name in names}
    files = [file for folder in sorted(folders) for file in sorted(folder.glob("*.json"))]
    return {f"hanam_mail/{file.relative_to(package)}": file.read_bytes() for file in files}


def modules(main: str = HANAM_MAIL) -> list[str]:
    """The modules in it, as paths below the package: the main program's and all of the package that they import."""
    package = Path(str(resources.files("hanam_mail")))
    found: dict[str, None] = {}
    waiting = [main]
    while waiting:
        name = waiting.pop()
        path = package.parent.joinpath(*name.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        place = str(file.relative_to(package))
        # What `from package import name` names may be no module.
        if place in found or not file.is_file():
            continue
        found[place] = None
        waiting += _imports(file)
        # Importing it runs the packages above it.
        waiting += [name.rsplit(".", above)[0] for above in range(1, name.count(".") + 1)]
    return sorted(found)


def _imports(file: Path) -> list[str]:
    """What of the package a module imports, also inside functions; with what may be a name in a module."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    return [name for name in found if name.partition(".")[0] == "hanam_mail"]


def _zipapp(shebang: str, main: str, names: list[str], data: Mapping[str, bytes]) -> bytes:
    package = resources.files("hanam_mail")
    files = {f"hanam_mail/{name}": (package / name).read_bytes() for name in names} | dict(data)
    files["__main__.py"] = main.encode()
    files |= {f"{name}c": _bytecode(name, source) for name, source in files.items() if name.endswith(".py")}
    buffer = BytesIO()
    buffer.write(f"{shebang}\n".encode())
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _bytecode(name: str, source: bytes) -> bytes:
    """A .pyc that stands by the hash of its source and is not compared with it (PEP 552)."""
    # Version 2 of the format: the later ones also say which constants were one object, which differs from run to run.
    code = marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=0), 2)
    return importlib.util.MAGIC_NUMBER + (0b01).to_bytes(4, "little") + importlib.util.source_hash(source) + code


def _tree(root: Traversable, prefix: str, endings: tuple[str, ...]) -> dict[str, bytes]:
    result: dict[str, bytes] = {}
    for entry in root.iterdir():
        if entry.is_dir():
            result |= _tree(entry, f"{prefix}/{entry.name}", endings)
        elif entry.name.endswith(endings):
            result[f"{prefix}/{entry.name}"] = entry.read_bytes()
    return result
