"""Scenarios run side by side, all to their end; interrupted, nothing of them stays."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hanam_lab import scenarios

PROGRAM = """#!/bin/sh
# Stands for molecule: what it is called with chooses what it does.
echo "INFO     $3 ➜ converge: Executing"
case $3 in
good) exit 0 ;;
bad) echo "reason of the failure"; exit 2 ;;
dear) cp "$REPORT" "$LOGS/dear.json"; exit 0 ;;
tests) cp "$REPORT" "$LOGS/tests.xml"; echo "last line"; exit 2 ;;
original) touch "$WORKER.original"; echo "INFO     original ➜ idempotence: Executing"; exit 0 ;;
copy|later) [ -e "$WORKER.original" ] || exit 3 ;;
long) setsid sleep 300 & echo $! > "$WORKER"; touch "$WORKER.ready"; wait ;;
esac
"""


COPIES = {"copy": "lab-original", "orphan": "lab-bad"}
LATER = {"later": "lab-original", "in_spite": "lab-bad"}


def write_settings(folder: Path) -> None:
    for name in ("good", "bad", "dear", "tests", "original", "long", *COPIES, *LATER):
        settings = folder / f"molecule/{name}/molecule.yml"
        settings.parent.mkdir(parents=True)
        original = f"\n    HANAM_COPY_OF: {COPIES[name]}" if name in COPIES else ""
        original += f"\n    HANAM_AFTER: {LATER[name]}" if name in LATER else ""
        settings.write_text(f"ansible:\n  env:\n    HANAM_LAB: lab-{name}\n    HANAM_BUDGET: 40{original}\n")


@pytest.fixture
def molecule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin/molecule"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("WORKER", str(tmp_path / "worker"))
    monkeypatch.setenv("LOGS", str(tmp_path / "logs"))
    monkeypatch.setattr(scenarios, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(scenarios, "REPOSITORY", tmp_path)
    write_settings(tmp_path)
    monkeypatch.setattr(scenarios, "_POLL_SECONDS", 0.01)
    return program


def test_a_failed_scenario_does_not_stop_the_other_and_its_words_are_shown(
    molecule: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scenarios.main(["bad", "good"]) == 1
    told = capsys.readouterr().out
    assert "bad: FAILED" in told
    assert "good: passed" in told
    assert "good: converge (after 0 min 0 s)" in told
    assert told.rstrip().endswith("reason of the failure")


def test_what_failed_is_told_by_test_at_the_very_end(
    molecule: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tests = tmp_path / "test_it.py"
    tests.write_text("def test_good(): pass\ndef test_bad():\n    assert 'waited' == 'arrived', 'no mail'\n")
    monkeypatch.setenv("REPORT", str(tmp_path / "report.xml"))
    run = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--junitxml={tmp_path}/report.xml",
        str(tests),
    ]
    subprocess.run(run, cwd=tmp_path, capture_output=True, check=False)
    assert scenarios.main(["tests", "good"]) == 1
    *before, last = capsys.readouterr().out.rstrip().splitlines()
    assert last.startswith("tests: FAILED test_it::test_bad: AssertionError: no mail")
    assert ">       assert 'waited' == 'arrived', 'no mail'" in before
    assert "last line" in before


def test_tests_that_failed_by_one_cause_are_told_once(molecule: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = "<testcase classname='t' name='{}'><error message='no agent'>the place</error></testcase>"
    (molecule.parent / "report.xml").write_text(f"<testsuites>{''.join(map(case.format, 'abc'))}</testsuites>")
    scenario = scenarios.Scenario("bad", molecule.parent / "report.log", "lab", "")
    lines = list[str]()
    scenarios._tell([scenario], lines.append)
    assert lines == ["\n--- bad: t::a and 2 more ---\nthe place", "bad: FAILED t::a and 2 more: no agent"]


def test_a_report_of_an_earlier_run_is_not_told(molecule: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scenarios.LOGS).mkdir()
    (scenarios.LOGS / "bad.xml").write_text("<testsuites><testcase name='old'><failure/></testcase></testsuites>")
    assert scenarios.main(["bad"]) == 1
    assert "old" not in capsys.readouterr().out


def test_a_copy_begins_when_its_original_is_converged(molecule: Path) -> None:
    assert scenarios.main(["copy", "original"]) == 0


def test_a_copy_of_what_never_converged_is_not_begun_and_fails(
    molecule: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scenarios.main(["orphan", "bad"]) == 1
    told = capsys.readouterr().out
    assert "orphan: not started, since bad did not come as far as a converged lab" in told
    assert "orphan: started" not in told


def test_what_waits_for_anothers_converge_begins_then(molecule: Path) -> None:
    assert scenarios.main(["later", "original"]) == 0


@pytest.mark.parametrize("others", [["bad"], []], ids=["failed", "not asked for"])
def test_what_waits_for_anothers_converge_begins_all_the_same_without_it(
    molecule: Path, capsys: pytest.CaptureFixture[str], others: list[str]
) -> None:
    assert scenarios.main(["in_spite", *others]) == len(others)
    assert "in_spite: passed" in capsys.readouterr().out


def test_all_good_is_success(molecule: Path) -> None:
    assert scenarios.main(["good"]) == 0


def test_an_interrupted_run_ends_all_it_started_and_takes_down_the_labs(molecule: Path, tmp_path: Path) -> None:
    down = tmp_path / "down"
    script = f"""
import sys
from pathlib import Path
from hanam_lab import scenarios
class Lab:
    def down(self, say):
        Path({str(down)!r}).touch()
scenarios.LOGS = Path({str(tmp_path / "logs")!r})
scenarios.REPOSITORY = Path({str(tmp_path)!r})
scenarios.Lab = lambda name: Lab()
sys.exit(scenarios.main(["long"]))
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as runner:
        deadline = time.monotonic() + 10
        while not (tmp_path / "worker.ready").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        worker = int((tmp_path / "worker").read_text())
        assert scenarios._alive(worker)
        runner.send_signal(signal.SIGTERM)
        runner.communicate(timeout=30)
    assert runner.returncode == 130
    assert not scenarios._alive(worker)
    assert down.exists()


@pytest.mark.parametrize(("hosts", "code"), [(30.0, 0), (50.0, 1)])
def test_more_processor_seconds_than_a_scenario_may_cost_are_a_failure(
    molecule: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], hosts: float, code: int
) -> None:
    rows = [
        {"test": "tests/mail/test_a.py::test_one", "clock": 3.0, "here": 0.5, "hosts": 1.0},
        {"test": "tests/mail/test_b.py::test_two[x::y]", "clock": 9.0, "here": 1.0, "hosts": 20.0},
        {"test": "tests/mail/test_a.py::test_three", "clock": 1.0, "here": 0.5, "hosts": 2.0},
    ]
    report = molecule.parent / "report.json"
    report.write_text(json.dumps({"hosts": hosts, "tests": rows}))
    monkeypatch.setenv("REPORT", str(report))
    assert scenarios.main(["dear", "good"]) == code
    told = capsys.readouterr().out
    assert ("dear: FAILED its budget: 50 of 40 processor seconds" in told) == bool(code)
    table = (scenarios.LOGS / scenarios.COSTS).read_text().splitlines()
    assert table[2].startswith(f"| dear | {hosts:.0f} | 0 | {hosts:.0f} | 25 | 40 |")
    assert table[-2:] == [
        "| dear | tests/mail/test_b.py | 1 | 9.0 | 21.0 |",
        "| dear | tests/mail/test_a.py | 2 | 4.0 | 4.0 |",
    ]
