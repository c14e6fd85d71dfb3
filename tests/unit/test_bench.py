"""The measurements: medians, what is asked and where, the table of growth, and a lab that never stays behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from bench import __main__ as whole
from bench import dovecot, growth, host, mail, mail_stages, measuring, provinces, registry, search, store, used
from bench.measuring import Measure, Run

ROOT = Path(__file__).parents[2]


def runs(*seconds: float) -> tuple[Run, ...]:
    return tuple(Run(each, each / 2, 1.0) for each in seconds)


# --- measuring ---


def test_a_measure_is_its_median() -> None:
    assert Measure("check", runs(9, 1, 2)).seconds == 2
    assert Measure("check", runs(9, 1, 2, 4)).seconds == 3
    assert Measure("check", runs(9, 1, 2)).cpu == 1


def test_processor_seconds_are_of_the_runs_that_know_them() -> None:
    assert Measure("change", (Run(5, None, 0), Run(5, 3, 0))).cpu == 3
    assert Measure("change", (Run(5, None, 0),)).cpu is None


def test_a_target_holds_up_to_its_last_moment_and_without_one_nothing_is_judged() -> None:
    assert Measure("check", runs(10), 10).met is True
    assert Measure("check", runs(10.1), 10).met is False
    assert Measure("check", runs(10)).met is None


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match=r"exit 3 of .*\n.*words"):
        measuring.once([sys.executable, "-c", "print('words'); raise SystemExit(3)"])


def test_processors_of_a_command_are_counted_with_those_of_its_children() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    run = measuring.once(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"]
    )
    assert run.cpu is not None
    assert run.cpu >= 0.3


def test_what_descendants_took_of_processors_is_counted_while_they_run_and_after() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ninput()"
    before = host.processors(os.getpid())
    with subprocess.Popen([sys.executable, "-c", busy], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        assert host.processors(process.pid) >= 0.25  # counted in hundredths
        assert host.processors(os.getpid()) - before >= 0.25  # counted in hundredths
        process.communicate("\n")
    assert host.processors(os.getpid()) - before >= 0.25  # counted in hundredths
    assert host.processors(process.pid) == 0


def test_figures_of_an_earlier_run_stay_until_they_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "OUTPUT", tmp_path)
    measuring.write("registry-2000", [Measure("check", runs(1)), Measure("plan", runs(2))], {"mailboxes": 2000})
    measuring.write("registry-2000", [Measure("plan", runs(3), 2)], {"mailboxes": 2000})
    found = json.loads((tmp_path / "registry-2000.json").read_text())
    assert {name: each["seconds"] for name, each in found["measures"].items()} == {"check": 1, "plan": 3}
    assert found["measures"]["plan"]["met"] is False


# --- what is asked, and where ---


def test_what_is_asked_is_judged_at_the_size_of_the_province_only() -> None:
    assert registry.judged("check, cold", runs(11), 20_000).met is False
    assert registry.judged("check, cold", runs(9), 20_000).met is True
    assert registry.judged("check, cold", runs(11), 2_000).met is None
    assert registry.judged("check, cold", runs(11), 100_000).met is None
    assert registry.judged("plan of 10 changes", runs(6.1), 100_000).met is False
    assert registry.judged("one change: until it holds", runs(11), 20_000).met is None


def test_all_that_is_asked_is_measured_under_that_name() -> None:
    code = (ROOT / "bench/registry.py").read_text(encoding="utf-8")
    for name in registry.TARGETS | registry.TARGETS_AT_MOST:
        assert f'self._judged("{name}"' in code, name


def test_the_ordinary_way_is_extrapolated_without_its_start() -> None:
    ordinary = registry.Ordinary(host=None)  # type: ignore[arg-type]
    ordinary.__dict__["runs"] = runs(6, 42)  # 20 and 200 mailboxes: 2 s to begin, 0.2 s each
    assert ordinary.extrapolated(20_000).seconds == pytest.approx(2 + 0.2 * 20_000)


def test_a_letter_is_there_when_its_own_recipient_has_it() -> None:
    def note(text: str, at: int) -> str:
        return json.dumps({"MESSAGE": text, "__REALTIME_TIMESTAMP": str(at * 1_000_000)}) + "\n"

    put_off = note("1A: to=<an@hanam.example>, relay=x, status=deferred (later)", 1)
    another = note("2B: to=<lan@hanam.example>, relay=x, status=sent (250)", 2)
    assert host.delivered(put_off + another, "an@hanam.example") == 0
    there = note("1A: to=<an@hanam.example>, relay=x, status=sent (250)", 3)
    assert host.delivered(put_off + another + there, "an@hanam.example") == 3
    assert host.delivered("", "an@hanam.example") == 0


# --- growth ---


def written(folder: Path, size: int, *measures: Measure) -> None:
    document = {
        "mailboxes": size,
        "measures": {each.name: {**each.as_dict(), "machine": measuring.machine()} for each in measures},
    }
    (folder / f"registry-{size}.json").write_text(json.dumps(document))


def test_growth_has_a_line_for_each_measure_and_a_column_for_each_size(tmp_path: Path) -> None:
    written(tmp_path, 20_000, Measure("check", runs(4, 5, 3), 10), Measure("plan", runs(7), 6))
    written(tmp_path, 2_000, Measure("check", runs(2)))
    written(tmp_path, 100_000, Measure("check", runs(16)), Measure("idle", (Run(1, None, 1),)))
    lines = growth.table(growth.read(tmp_path, "registry", "mailboxes")).splitlines()
    assert "medians of 1 or 3 runs" in lines[0]
    assert lines[2:] == [
        "| what | 2,000 | 20,000 | 100,000 | growth | asked at 20,000 |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| check | 2.0 s (1.0) | 4.0 s (2.0) | 16.0 s (8.0) | 8.0x for 50x | <= 10 s |",
        "| plan |  | 7.0 s (3.5) |  |  | <= 6 s, MISSED |",
        "| idle |  |  | 1.0 s |  |  |",
    ]


def test_what_grows_from_an_empty_inbox_has_no_size_to_be_divided_by(tmp_path: Path) -> None:
    written(tmp_path, 0, Measure("deliveries", runs(2)))
    written(tmp_path, 100_000, Measure("deliveries", runs(3)))
    lines = growth.table(growth.read(tmp_path, "registry", "mailboxes")).splitlines()
    assert lines[-1] == "| deliveries | 2.0 s (1.0) | 3.0 s (1.5) | 1.5x from none |  |"


def test_the_sizes_of_an_inbox_are_the_same_wherever_growth_is_measured() -> None:
    assert store.SIZES == mail.SIZES == search.SIZES == (0, 5_000, 20_000, 100_000)


def test_growth_of_nothing_is_said(tmp_path: Path) -> None:
    assert "Nothing was measured" in growth.table(growth.read(tmp_path, "registry", "mailboxes"))


# --- mail, beside bare daemons ---


def through_both(size: int, ours: dict[str, float], bare: dict[str, float], pace: float = 1.0) -> mail_stages.Case:
    """A case in which every part that is not named costs 2 ms in both."""
    usual = dict.fromkeys((part for parts in mail_stages.STAGES.values() for part in parts), 0.002)
    known = {part: seconds for part, seconds in usual.items() if part not in mail_stages.ONLY_OURS}
    return mail_stages.Case(
        "from outside",
        size,
        mail_stages.Side.of([(usual | dict.fromkeys(mail_stages.ONLY_OURS, 0.0) | ours, 10 * pace)]),
        mail_stages.Side.of([(known | bare, 10)]),
    )


def test_mail_that_costs_what_bare_daemons_take_is_not_missed() -> None:
    assert mail_stages.missed([through_both(0, {}, {}), through_both(100_000, {}, {})]) == []


def test_a_dear_stage_of_mail_is_missed_by_its_name() -> None:
    (stage, whole) = mail_stages.missed([through_both(0, {"ClamAV": 0.01}, {})])
    assert stage == "from outside, INBOX of 0: virus scan 0.20 of bare, asked 0.9"
    assert "in all" in whole


def test_what_bare_daemons_do_not_do_counts_and_is_told_apart() -> None:
    case = through_both(0, {mail_stages.INDEX: 0.002}, {})
    assert case.ratio("delivery and index") == pytest.approx(0.5)
    assert case.ratio("delivery and index", common=True) == pytest.approx(1)
    assert case.ratio("database") is None
    assert any("delivery and index 0.50" in each for each in mail_stages.missed([case]))
    assert f"- of it {mail_stages.INDEX} | 2.0 | - |" in mail_stages.table(case)


def test_mail_that_grows_with_the_mailbox_or_is_slow_is_missed() -> None:
    small, large = through_both(0, {}, {}), through_both(100_000, {"Dovecot": 0.006}, {"Dovecot": 0.006})
    (growth,) = mail_stages.missed([large, small])
    assert growth == "from outside: delivery and index 6.0 ms at 100,000, 2.0 at 0; asked 2.5 times at most"
    (slow,) = mail_stages.missed([through_both(0, {}, {}, pace=0.8)])
    assert slow == "from outside, INBOX of 0: 0.80 of bare's messages a second, asked 0.9"


# --- the mail store ---


def stored(**milliseconds: tuple[float, float]) -> dict[tuple[str, int], Measure]:
    """By the INBOX's size, written as n0: what the question and the delivery took."""
    return {
        (name, int(size.removeprefix("n"))): Measure(name, runs(each / 1000))
        for size, both in milliseconds.items()
        for name, each in zip(("question", "delivery"), both, strict=True)
    }


def test_a_store_that_stays_flat_and_cheap_is_not_missed() -> None:
    """Asked: 8 ms at 20,000, 13 at 100,000, 2.5 times the smallest's cost."""
    found = stored(n0=(1.2, 4), n20000=(2, 5.9), n100000=(3, 9.9))
    assert store.missed(found, (0, 20_000, 100_000)) == []


def test_question_and_delivery_are_judged_together_and_at_the_sizes_that_are_asked_for() -> None:
    found = stored(n0=(4, 6), n5000=(5, 15), n20000=(4.5, 4.5))
    assert store.missed(found, (0, 5_000, 20_000)) == ["question and delivery at 20,000: 9.0 ms, asked 8"]
    both = store.missed(stored(n20000=(1, 7), n100000=(6.5, 7)), (20_000, 100_000))
    assert both == ["question and delivery at 100,000: 13.5 ms, asked 13"]


def test_a_store_that_grows_is_missed_from_the_smallest_to_the_largest_inbox() -> None:
    found = stored(n0=(1, 1), n5000=(3, 3), n20000=(2, 3.2))
    assert store.missed(found, (0, 5_000, 20_000)) == ["question and delivery: 2.6 times the cost at 20,000, asked 2.5"]
    assert store.missed(found, (0, 5_000)) == ["question and delivery: 3.0 times the cost at 5,000, asked 2.5"]


def test_what_a_part_of_the_store_takes_is_told_at_each_size() -> None:
    found = {
        store.OURS: stored(n0=(2, 15), n20000=(2, 18)),
        store.NO_SIEVE: stored(n0=(2, 12), n20000=(2, 16)),
        store.NO_INDEX: stored(n0=(2, 9), n20000=(2, 9.5)),
    }
    lines = store.table(found, (0, 20_000)).splitlines()
    assert "| ours (sdbox), delivery | 15.0 | 18.0 | 1.2x |" in lines
    assert "| so Sieve takes of our delivery | 3.0 | 2.0 | |" in lines
    assert "| so the index of search takes of our delivery | 6.0 | 8.5 | |" in lines


def test_a_line_of_a_configuration_that_is_not_there_once_is_an_error() -> None:
    assert (
        dovecot.exchanged("a = 1\n  fts = yes\nb = 2\n", {"  fts = yes": "  fts = no"}) == "a = 1\n  fts = no\nb = 2\n"
    )
    for text in ("fts = yes\n", "  fts = yes\n  fts = yes\n"):
        with pytest.raises(ValueError, match="lines of"):
            dovecot.exchanged(text, {"  fts = yes": "  fts = no"})


# --- provinces ---


def test_a_province_is_restored_with_new_files_and_new_folders(tmp_path: Path) -> None:
    province = provinces.Province.make(tmp_path / "province", 1_000, seed=1)
    texts = {path: path.read_bytes() for path in province.mailboxes.rglob("*.yml")}
    edit = province.draft()
    edit.ten()
    edit.write()
    (province.mailboxes / "new.yml").write_text("agency: {}\n")
    (province.mailboxes / "new").mkdir()
    (province.mailboxes / "new/one.yml").write_text("requests: []\n")
    assert {path: path.read_bytes() for path in province.mailboxes.rglob("*.yml")} != texts
    province.restore()
    assert {path: path.read_bytes() for path in province.mailboxes.rglob("*.yml")} == texts
    assert (province.cache / "hanam-mail").is_dir()
    province.forget()
    assert not province.cache.exists()


# --- the whole ---


class FakeLab:
    """Stands for a lab; tells what is done to it."""

    def __init__(self, told: list[str], *, broken: bool = False) -> None:
        self._told, self._broken = told, broken
        self.name, self.inventory = "bench", Path("hosts.yml")

    def up(self, specs: object, say: object) -> None:
        self._told.append("up")
        if self._broken:
            raise RuntimeError("no room")

    def down(self, say: object) -> None:
        self._told.append("down")

    def hosts(self) -> list[str]:
        return ["mail"]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(whole, "_LOG", ROOT / "build/nowhere")
    monkeypatch.setattr(whole, "_converged", lambda lab: True)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return []


def part(code: str) -> Sequence[str]:
    return [sys.executable, "-c", code]


def test_a_part_that_fails_or_is_absent_leaves_the_others_and_is_named(told: list[str], tmp_path: Path) -> None:
    commands = {
        "registry": part("raise SystemExit(1)"),
        "absent": [sys.executable, "-m", "bench.there_is_no_such_part"],
        "logins": part(f"open({str(tmp_path / 'done')!r}, 'w')"),
    }
    assert whole.measure(FakeLab(told), commands) == ["registry", "absent"]  # type: ignore[arg-type]
    assert (tmp_path / "done").exists()
    assert told == ["up", "down"]


def test_nothing_is_measured_on_a_lab_that_does_not_converge(
    told: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(whole, "_converged", lambda lab: False)
    commands = {"registry": part(f"open({str(tmp_path / 'done')!r}, 'w')")}
    assert whole.measure(FakeLab(told), commands) == ["converge"]  # type: ignore[arg-type]
    assert not (tmp_path / "done").exists()
    assert told == ["up", "down"]


def test_what_is_measured_on_is_converged_as_make_up_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The world outside has plays of its own: without them no part has a DNS, nor a stranger to send from."""
    played: list[str] = []

    def run(words: Sequence[str | Path], **_: object) -> subprocess.CompletedProcess[bytes]:
        played.extend(path.name for path in map(Path, words) if path.parent.name == "playbooks")
        assert all(path.is_file() for path in map(Path, words) if path.suffix == ".yml" and path.name != "hosts.yml")
        return subprocess.CompletedProcess([], 0)

    monkeypatch.setattr(whole, "_LOG", tmp_path / "log")
    monkeypatch.setattr(whole, "REPOSITORY", ROOT)
    monkeypatch.setattr(subprocess, "run", run)
    assert whole._converged(FakeLab([]))  # type: ignore[arg-type]
    recipe = re.search(r"^up:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert recipe
    assert played == re.findall(r"playbooks/(\S+)", recipe[1])


def test_a_lab_that_does_not_come_up_is_taken_down(told: list[str]) -> None:
    with pytest.raises(RuntimeError, match="no room"):
        whole.measure(FakeLab(told, broken=True), {})  # type: ignore[arg-type]
    assert told == ["up", "down"]


def test_a_lab_that_is_there_is_left_alone(
    told: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(whole, "Lab", lambda name: FakeLab(told))
    assert whole.main(["--lab", "bench"]) == 2
    assert told == []
    assert "there already" in capsys.readouterr().out


def test_an_interrupted_measurement_takes_its_lab_down(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from bench import __main__ as whole
class Lab:
    name, inventory = "bench", Path("hosts.yml")
    def __init__(self, name): pass
    def hosts(self): return []
    def up(self, specs, say): pass
    def down(self, say): Path({str(tmp_path / "down")!r}).touch()
whole.Lab = Lab
whole.REPOSITORY, whole.OUTPUT = Path({str(tmp_path)!r}), Path({str(tmp_path / "bench")!r})
whole._LOG = whole.OUTPUT / "converge.log"
whole._converged = lambda lab: True
whole.parts = lambda *_: {{"long": [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(60)"]}}
sys.exit(whole.main([]))
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line == "begun\n")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert (tmp_path / "down").exists()


def test_every_size_is_asked_for() -> None:
    words = whole.parts("bench", [2_000, 100_000], 3)["registry"]
    assert words[-4:] == ["--size", "2000", "--size", "100000"]


# --- what mail takes ---


def test_what_goes_while_it_is_counted_counts_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = tmp_path / "box"
    box.mkdir()
    (box / "message").write_bytes(b"x" * 5000)
    os.link(box / "message", box / "the same")
    empty = tmp_path.stat().st_size + box.stat().st_size
    assert used.octets(str(tmp_path)) == empty + 5000
    (box / "going").touch()
    (tmp_path / "folder going").mkdir()
    walk = os.walk

    def going(folder: str) -> Iterator[tuple[str, list[str], list[str]]]:
        for directory, folders, names in walk(folder):
            (box / "going").unlink(missing_ok=True)
            shutil.rmtree(tmp_path / "folder going", ignore_errors=True)
            yield directory, folders, [*names, "going"]

    monkeypatch.setattr(os, "walk", going)
    assert used.octets(str(tmp_path)) == tmp_path.stat().st_size + box.stat().st_size + 5000


def test_a_folder_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        used.octets(str(tmp_path / "mail"))
