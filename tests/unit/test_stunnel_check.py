"""hanam-tunnel-check passes a configuration with which stunnel listens, however long that takes, and no other.

tests/roles/test_stunnel.py asks it with stunnel itself; here a program takes its place that is slow on purpose.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hanam_lab.paths import REPOSITORY

CONFIG = "debug = 4\n\n[first]\naccept = 12341\nconnect = 1\n\n[second]\naccept = :::12342\nconnect = 2\n"
# Like stunnel: reads its file, takes its time, then listens on every socket or ends with a complaint.
_STUNNEL = f"""#!{sys.executable}
import re, socket, sys, time
places = re.findall("^accept = (.*)$", open(sys.argv[1]).read(), re.M)
for place in places[:LISTENS]:
    time.sleep(SLOW)
    socket.socket(socket.AF_UNIX).bind(place)
if LISTENS < len(places):
    time.sleep(SLOW)
    sys.exit("section [second]: no such certificate")
time.sleep(60)
"""


@pytest.mark.parametrize("slow", [0.0, 1.5])
@pytest.mark.parametrize(("listens", "passes"), [(2, True), (1, False), (0, False)])
def test_what_is_merely_slow_is_waited_for_and_what_fails_late_is_refused(
    tmp_path: Path, slow: float, listens: int, passes: bool
) -> None:
    program = tmp_path / "bin/stunnel4"
    program.parent.mkdir()
    program.write_text(_STUNNEL.replace("LISTENS", str(listens)).replace("SLOW", str(slow)))
    program.chmod(0o755)
    (tmp_path / "tunnel.conf").write_text(CONFIG)
    script = (REPOSITORY / "roles/stunnel/files/hanam-tunnel-check").read_text()
    (tmp_path / "check").write_text(script.replace("/run/tunnel-check.", f"{tmp_path}/scratch."))
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    words = ["sh", str(tmp_path / "check"), str(tmp_path / "tunnel.conf")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30, env=environment)
    assert (done.returncode == 0) is passes, done.stderr
    assert ("no such certificate" in done.stderr) is not passes
    assert list(tmp_path.glob("scratch.*")) == []


def test_a_file_without_a_service_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tunnel.conf").write_text("debug = 4\n")
    script = (REPOSITORY / "roles/stunnel/files/hanam-tunnel-check").read_text()
    (tmp_path / "check").write_text(script.replace("/run/tunnel-check.", f"{tmp_path}/scratch."))
    words = ["sh", str(tmp_path / "check"), str(tmp_path / "tunnel.conf")]
    assert subprocess.run(words, capture_output=True, check=False, timeout=30).returncode == 1
