"""The hosts' program: everything it imports is in it, and the same sources give the same octets."""

import ast
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hanam_mail.controller import zipapp


def test_it_starts_with_nothing_but_itself(tmp_path: Path) -> None:
    program = tmp_path / "hanam-mail.pyz"
    program.write_bytes(zipapp.program("hanam-mail"))
    done = subprocess.run([sys.executable, "-I", program, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "apply" in done.stdout


def test_nothing_of_the_controllers_libraries_is_in_it() -> None:
    with zipfile.ZipFile(io.BytesIO(zipapp.program("hanam-mail"))) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".py")).decode()
    for library in ("click", "rich", "jinja2", "pyrage", "fpdf", "ansible", "cryptography"):
        assert f"import {library}" not in text
        assert f"from {library}" not in text


LIBRARIES = {
    "hanam-carddav": {"psycopg"},
    "hanam-directory": {"psycopg"},
    "hanam-dns-check": {"dns"},
    "hanam-dns-lists": {"dns"},
    "hanam-mail-auth": {"cryptography", "dns", "idna"},
    "hanam-reports-load": {"psycopg"},
    "hanam-scheduled-send": {"psycopg", "yaml"},
    "hanam-tls-policy": {"dns", "idna"},
}
"""What a program's role installs for it."""


@pytest.mark.parametrize("name", zipapp.PROGRAMS)
def test_a_program_of_its_own_starts_with_nothing_but_itself_and_the_standard_library(
    tmp_path: Path, name: str
) -> None:
    program = tmp_path / name
    program.write_bytes(zipapp.program(name))
    look = f"import sys; sys.path.insert(0, sys.argv[1]); import {zipapp.PROGRAMS[name]} as module; module.main"
    alone = [] if name in LIBRARIES else ["-S"]
    command = [sys.executable, "-I", *alone, "-c", look, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(program) as archive:
        sources = [place for place in archive.namelist() if place.endswith(".py")]
        roots = {root for place in sources for root in imported(archive.read(place))}
    assert roots <= {*sys.stdlib_module_names, "hanam_mail", *LIBRARIES.get(name, ())}


def imported(source: bytes) -> set[str]:
    """The packages that a module imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("name", zipapp.PROGRAMS)
def test_a_host_gets_only_the_code_that_its_program_calls(name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(zipapp.program(name))) as archive:
        inside = {name.removeprefix("hanam_mail/") for name in archive.namelist()}
    others = {f"{module.removeprefix('hanam_mail.').replace('.', '/')}.py" for module in zipapp.PROGRAMS.values()}
    assert len(inside & others) == 1
    assert not [place for place in inside if place.startswith(("host/database", "host/passwords", "plan", "sql"))]


def test_a_program_finds_the_table_beside_its_module(tmp_path: Path) -> None:
    program = tmp_path / "hanam-scheduled-send"
    program.write_bytes(zipapp.program(program.name))
    look = "import sys; sys.path.insert(0, sys.argv[1]); from hanam_mail.host.scheduled.refusals import table; table()"
    subprocess.run([sys.executable, "-I", "-c", look, program], check=True)
    with zipfile.ZipFile(io.BytesIO(zipapp.program("hanam-secrecy"))) as other:
        assert not [place for place in other.namelist() if place.endswith(".json")]


COMPILED = """import runpy, sys
found = []
sys.addaudithook(lambda event, of: found.append(of[1]) if event == "compile" and of[1] else None)
program = sys.argv[1]
sys.argv[:] = [program, "--help"]
try:
    runpy.run_path(program, run_name="__main__")
except SystemExit:
    print(sum(program.encode() in str(name).encode() for name in found), file=sys.stderr)
"""


def test_a_start_compiles_nothing_of_it(tmp_path: Path) -> None:
    program = tmp_path / "hanam-mail.pyz"
    program.write_bytes(zipapp.program("hanam-mail"))
    command = [sys.executable, "-I", "-c", COMPILED, program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "0\n"


def test_a_host_of_another_python_reads_the_sources(tmp_path: Path) -> None:
    program = tmp_path / "hanam-mail.pyz"
    with zipfile.ZipFile(io.BytesIO(zipapp.program("hanam-mail"))) as ours, zipfile.ZipFile(program, "w") as other:
        for name in ours.namelist():
            content = ours.read(name)
            other.writestr(name, b"\0\0\r\n" + content[4:] if name.endswith(".pyc") else content)
    command = [sys.executable, "-I", "-c", COMPILED, program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stderr) > 50
    assert "apply" in done.stdout


def test_every_process_makes_the_same_octets() -> None:
    build = (
        "import hashlib; from hanam_mail.controller import zipapp; print(hashlib.sha256(zipapp.build()).hexdigest())"
    )
    busy = "import ansible.cli, psycopg; " + build
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for code, seed in ((build, "0"), (build, "1"), (busy, "2"))
    }  # fmt: skip
    assert digests == {hashlib.sha256(zipapp.build()).hexdigest() + "\n"}
