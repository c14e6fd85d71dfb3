"""The pages before a sign-in run from the files that their roles put on a host, without the rest of the package."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.render.role_rows import rows

type Environments = Callable[[str], Any]

_ASKED = """
import json, sys
from pathlib import Path
sys.path[:] = [sys.argv[1], *[each for each in sys.path if not each.endswith("/src")]]
from importlib import import_module
page = import_module("hanam_mail." + sys.argv[2])
page.CONFIGURATION = Path(sys.argv[3])
client = page.create(query=lambda *asked: []).test_client()
print(json.dumps([client.get(path).get_data(as_text=True) for path in json.loads(sys.argv[4])]))
print(*(name for name in sys.modules if name.startswith("hanam_mail")))
"""


@pytest.mark.parametrize(
    ("role", "addresses"),
    [
        ("change_page", ["/mat-khau/", "/mat-khau/hai-buoc", "/mat-khau/tinh/form.js", "/khong-co"]),
        ("spam_page", ["/thu-giu/", "/khong-co"]),
    ],
)
def test_a_page_runs_from_what_its_role_ships(
    environment: Environments, tmp_path: Path, role: str, addresses: list[str]
) -> None:
    here = environment("lab")
    program = Path(f"/usr/lib/hanam-mail/{role}")
    for row in rows(here, role, "mail"):
        place = Path(row["dest"])
        if place.is_relative_to(program):
            copy = tmp_path / place.relative_to(program)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(row["file"], copy)
    unit = here.render(role, f"hanam-{role.replace('_', '-')}.service.j2", "mail")
    assert f"--pythonpath {program} hanam_mail.{role}:create()" in unit
    settings = tmp_path / "settings.json"
    settings.write_text(here.render(role, "config.json.j2", "mail"))
    command = [
        sys.executable,
        "-I",
        "-c",
        _ASKED,
        str(tmp_path),
        role,
        str(settings),
        json.dumps(addresses),
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    shown, loaded = run.stdout.splitlines()
    assert shown.count("look.css") == len([each for each in addresses if not each.endswith(".js")])
    assert {name.split(".")[1] for name in loaded.split() if "." in name} == {role, "page_frame"}
