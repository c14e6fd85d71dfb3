"""What playbooks/dns.yml writes is what the lab's Internet answers, and `hanam-mail dns check` finds what is not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab

pytestmark = pytest.mark.neighbours


def check(lab: Lab, files: list[Path]) -> tuple[int, dict[str, Any]]:
    program = Path(sys.executable).with_name("hanam-mail")
    words = ["dns", "check", *map(str, files), "--server", lab.address("internet"), "--json"]
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def test_the_names_are_published_as_they_are_written(lab: Lab, tmp_path: Path) -> None:
    done = lab.play("dns.yml", "-e", f"dns_folder={tmp_path}")
    assert done.returncode == 0, done.stdout
    domain = lab.variables["mail_domain"]
    zone, reverse = tmp_path / f"{domain}.zone", tmp_path / f"{domain}.reverse.zone"
    code, told = check(lab, [zone, reverse])
    assert (code, told["differences"]) == (0, [])
    assert told["records"] > 20
    assert " PTR " in reverse.read_text()

    # An address that nobody has, and another key: as after a change that was not passed on.
    wrong = "".join(
        line.replace("v=spf1 ip4:", "v=spf1 ip4:192.0.2.9 ip4:")
        if " MX " not in line
        else f"@ 30 IN MX 5 mx2.{domain}.\n"
        for line in zone.read_text().splitlines(keepends=True)
    )
    zone.write_text(wrong)
    code, told = check(lab, [zone])
    assert code == 1
    assert {(each["name"], each["type"], each["what"]) for each in told["differences"]} == {
        (f"{domain}.", "MX", "missing"),
        (f"{domain}.", "MX", "extra"),
        (f"{domain}.", "TXT", "different"),
    }
