"""The hosts' program: everything it imports is in it, and the same sources give the same octets."""

import subprocess
import sys
import zipfile
from pathlib import Path

from hanam_mail.controller import zipapp


def test_it_starts_with_nothing_but_itself(tmp_path: Path) -> None:
    program = tmp_path / "hanam-mail.pyz"
    assert zipapp.write(program)
    done = subprocess.run([sys.executable, "-I", program, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "apply" in done.stdout


def test_the_same_sources_give_the_same_octets(tmp_path: Path) -> None:
    program = tmp_path / "hanam-mail.pyz"
    zipapp.write(program)
    assert not zipapp.write(program)
    assert zipapp.build() == program.read_bytes()


def test_nothing_of_the_controllers_libraries_is_in_it(tmp_path: Path) -> None:
    program = tmp_path / "hanam-mail.pyz"
    zipapp.write(program)
    with zipfile.ZipFile(program) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".py")).decode()
    for library in ("click", "rich", "jinja2", "pyrage", "fpdf", "ansible", "cryptography"):
        assert f"import {library}" not in text
        assert f"from {library}" not in text
