"""A command that meets a reload of Dovecot is run once more, so that nobody is told of a failure that is over."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.unit.conftest import ROOT

PROGRAM = ROOT / "roles/dovecot/files/hanam-ask-again"


@pytest.mark.parametrize(
    ("failures", "status", "runs"), [(0, 0, 1), (1, 0, 2), (9, 75, 2)], ids=["at once", "a reload", "for good"]
)
def test_what_fails_is_run_once_more_after_a_minute(tmp_path: Path, failures: int, status: int, runs: int) -> None:
    programs = {
        "sleep": f'echo "$1" >> {tmp_path}/slept',
        "ask": f'echo "$*" >> {tmp_path}/asked; [ $(wc -l < {tmp_path}/asked) -gt {failures} ] || exit 75',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = ["sh", PROGRAM, "ask", "-A", "#hanam-deleted/*", "a b"]
    assert subprocess.run(command, env=environment, check=False).returncode == status
    assert (tmp_path / "asked").read_text().splitlines() == ["-A #hanam-deleted/* a b"] * runs
    slept = tmp_path / "slept"
    assert (slept.read_text() if slept.exists() else "") == "60\n" * (runs - 1)
