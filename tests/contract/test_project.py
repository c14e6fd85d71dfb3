"""Conventions of the project as a whole."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hanam_mail.controller.ports import of_host

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ("lab", "staging", "production")


def tracked(*patterns: str) -> list[Path]:
    """Files of the project, without what git ignores."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return [ROOT / line for line in listed if (ROOT / line).is_file()]


def test_inventories_find_the_group_variables() -> None:
    link = ROOT / "inventory/group_vars"
    assert link.is_symlink()
    assert link.resolve() == ROOT / "group_vars"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environment_has_an_inventory_with_a_group_of_its_name(environment: str) -> None:
    inventory = yaml.safe_load((ROOT / f"inventory/{environment}.yml").read_text())
    assert inventory[environment]["hosts"]


def test_inventories_hold_hosts_and_groups_only() -> None:
    for path in (ROOT / "inventory").glob("*.yml"):
        for group, body in yaml.safe_load(path.read_text()).items():
            if group == "hanam":
                assert body == {"children": {path.stem.replace("split", "lab"): None}}, path.name
                continue
            assert set(body) == {"hosts"}, f"{path.name}: {group}"


def test_numbers_of_the_regulation_stand_in_one_file() -> None:
    regulation = yaml.safe_load((ROOT / "group_vars/hanam/regulation.yml").read_text())
    numbers = {str(value) for value in regulation.values() if isinstance(value, int) and value > 1000}
    assert numbers
    pattern = re.compile(r"(?<!\d)(" + "|".join(sorted(numbers)) + r")(?!\d)")
    for path in tracked("roles", "playbooks", "group_vars", "src", "plugins"):
        if path.name != "regulation.yml" and path.suffix in {".yml", ".py", ".j2", ".sql", ".php"}:
            found = pattern.search(path.read_text())
            assert found is None, f"{path.relative_to(ROOT)}: {found.group(0) if found else ''}"


def test_every_number_of_the_regulation_has_its_clause() -> None:
    comment = ""
    for line in (ROOT / "group_vars/hanam/regulation.yml").read_text().splitlines():
        if line.startswith("#"):
            comment = line if comment == "" or line.startswith("# ---") else comment + line
        elif line.startswith("regulation_"):
            assert "Đ" in line or "Đ" in comment, line


def test_no_module_grows_past_what_one_reads_at_once() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in tracked("src/**/*.py")}
    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > 350} == {}


def test_ports_are_listed_once() -> None:
    table = yaml.safe_load((ROOT / "group_vars/all/ports.yml").read_text())["ports"]
    rows = [(row["port"], row["protocol"], tuple(row["groups"]), row["source"]) for row in table]
    assert len(rows) == len(set(rows))


def test_a_port_with_a_false_condition_concerns_no_host() -> None:
    row = {"port": 1, "groups": ["all"], "when": False}
    assert of_host([row], ["mx"]) == []
    assert of_host([{**row, "when": True}], ["mx"]) == [{**row, "when": True}]


def test_no_secret_is_tracked() -> None:
    for path in tracked():
        if path.suffix in {".png", ".xlsx"}:
            continue
        text = path.read_text(errors="replace")
        assert not re.search(r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----\n[A-Za-z0-9+/]{40}", text), path
    for environment in ("staging", "production"):
        vault = ROOT / f"group_vars/{environment}/vault.yml"
        if vault.exists():
            assert vault.read_text().startswith("$ANSIBLE_VAULT;"), vault


def test_the_readme_names_every_folder() -> None:
    readme = (ROOT / "README.md").read_text()
    folders = sorted({path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT})
    assert [folder for folder in folders if not folder.startswith(".") and f"{folder}/" not in readme] == []


def _is_of(test: str, word: str) -> bool:
    """Whether a test's name is meant by a folder, a file, or a function with all its parameters, as pytest takes it."""
    return test == word or (test.startswith(word) and test[len(word)] in "/:[")


HOST_TESTS = ["tests/roles", "tests/system", "tests/mail", "tests/web", "tests/upgrade", "tests/after"]


COLLECT = """
import json, sys, pytest

class Tell:
    def pytest_collection_finish(self, session):
        print(json.dumps({item.nodeid: item.get_closest_marker("neighbours") is not None for item in session.items}))

sys.exit(pytest.main(["--collect-only", "-qq", "--color=no", *sys.argv[1:]], plugins=[Tell()]))
"""


def _collected() -> dict[str, bool]:
    """Every host test, and whether it is of neighbours; their fixtures are another program's than these tests'."""
    line = [sys.executable, "-c", COLLECT, *HOST_TESTS]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (told,) = (line for line in done.stdout.splitlines() if line.startswith("{"))
    return dict(json.loads(told))


def test_every_host_test_is_run_on_one_machine_or_on_several() -> None:
    found = _collected()
    every, neighbours = set(found), {test for test, is_one in found.items() if is_one}
    run = dict[str, set[str]]()
    for path in sorted((ROOT / "molecule").glob("*/molecule.yml")):
        environment = yaml.safe_load(path.read_text())["ansible"]["env"]
        words = environment["HANAM_TESTS"].split()
        tests = every
        if words[-2:] == ["-m", "neighbours"]:
            words, tests = words[:-2], neighbours
        journal = {"tests/after", "tests/after/test_journal.py"}
        assert journal & set(words), f"{path.parent.name}: the journal at the end of its tests"
        without = [word.rpartition("=")[2] for word in words if word.startswith("--")]
        named = [word for word in words if not word.startswith("--")]
        for word in named + without:
            assert any(_is_of(test, word) for test in every), f"{path.parent.name}: {word} is no test"
        run.setdefault(environment["HANAM_INVENTORY"], set()).update(
            test
            for test in tests
            if any(_is_of(test, word) for word in named) and not any(_is_of(test, word) for word in without)
        )
    assert every - set.union(*run.values()) == set(), "run by no scenario"
    assert run["inventory/split.yml"] == neighbours, "the marker decides what runs on several hosts"


# Folders and files that no host test sees: a merge request that touches only these needs no hosts.
HOSTLESS = {"bench", "docs", "mailboxes", "schemas", ".vscode"}


def test_whatever_a_host_test_sees_starts_host_tests_of_a_merge_request() -> None:
    """All of them, or those of the roles that it changes."""
    jobs = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
    paths = {name: set(jobs[name]["rules"][0]["changes"]["paths"]) for name in ("system", "roles")}
    assert {"roles/**/*", "tests/roles/**/*"} <= paths["roles"]
    listed = {path.partition("/")[0] for path in paths["system"]} | {"roles"}
    parts = [path.relative_to(ROOT).parts for path in tracked()]
    assert {first for first, *rest in parts if rest} - HOSTLESS <= listed
    assert {"Makefile", "ansible.cfg", "pyproject.toml", "requirements.lock"} <= listed
    rooms = {path.partition("/")[2] for path in HOST_TESTS} - {"roles"}
    assert (
        "tests/{" + ",".join(room for room in ("system", "mail", "web", "upgrade", "after") if room in rooms) + "}/**/*"
        in paths["system"]
    )


def test_every_scenario_has_a_budget_that_the_record_explains() -> None:
    """Without one it may cost whatever it likes."""
    (record,) = (ROOT / "docs/decisions").glob("0026-*.md")
    rows = dict(re.findall(r"^\| ([a-z-]+) \|.*\| ([\d,]+) \|$", record.read_text(encoding="utf-8"), re.M))
    budgets = {
        path.parent.name: yaml.safe_load(path.read_text())["ansible"]["env"]["HANAM_BUDGET"]
        for path in (ROOT / "molecule").glob("*/molecule.yml")
    }
    assert budgets == {name: number.replace(",", "") for name, number in rows.items()}


def test_two_runners_share_all_scenarios_and_no_copy_is_without_its_original() -> None:
    jobs = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
    shares = [words.split() for words in jobs["system"]["parallel"]["matrix"][0]["SCENARIOS"]]
    environments = {
        path.parent.name: yaml.safe_load(path.read_text())["ansible"]["env"]
        for path in (ROOT / "molecule").glob("*/molecule.yml")
    }
    assert sorted(name for share in shares for name in share) == sorted(environments)
    for share in shares:
        labs = {environments[name]["HANAM_LAB"] for name in share}
        assert {environments[name].get("HANAM_COPY_OF") for name in share} - {None} <= labs


def test_whatever_a_text_links_to_is_there() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {link}"
        for path in tracked("*.md")
        for link in re.findall(r"\]\((?!https?:|mailto:|#)([^)\s#]+)", path.read_text())
        if not (path.parent / link).exists()
    ]
    assert missing == []


def test_every_decision_is_one_page() -> None:
    records = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert records
    for path in records:
        assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name), path.name
        assert len(path.read_text().split()) < 800, path.name
    numbers = [path.name[:4] for path in records]
    assert len(numbers) == len(set(numbers))


def test_every_decision_that_is_named_is_there() -> None:
    records = {path.name for path in (ROOT / "docs/decisions").glob("*.md")}
    texts = [path for path in tracked() if path.suffix not in {".png", ".xlsx", ".ico"}]
    cited = {
        (name, str(path.relative_to(ROOT)))
        for path in texts
        for name in re.findall(r"\b(\d{4}-[a-z][a-z0-9-]*\.md)", path.read_text(errors="replace"))
    }
    assert len(cited) > 10
    assert [each for each in sorted(cited) if each[0] not in records] == []


def test_every_make_target_that_boots_a_lab_installs_what_a_lab_needs() -> None:
    rules = re.findall(
        r"^([a-z-]+): (.*?)(?: ##.*)?\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE
    )
    boots = re.compile(r"-m (hanam_lab up|hanam_lab\.scenarios|hanam_lab\.role|bench)\b")
    needs = {target: needed.split() for target, needed, recipe in rules if boots.search(recipe)}
    assert needs.keys() == {"up", "molecule", "role", "bench"}
    assert [target for target, needed in needs.items() if "lab-packages" not in needed] == []


def test_every_make_target_that_is_named_is_there() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    texts = [*tracked("README.md", "README.vi.md", "CONTRIBUTING.md"), *tracked("docs", "bench")]
    named = {
        (target, str(path.relative_to(ROOT)))
        for path in texts
        if path.suffix in {".md", ".py", ".yml"}
        for target in re.findall(r"(?:`|^ {4,})(?:sudo )?make ([a-z][a-z-]*)", path.read_text(), flags=re.MULTILINE)
    }
    assert len(named) > 5
    assert [each for each in sorted(named) if each[0] not in targets] == []


def test_no_set_reaches_a_file_in_the_order_of_the_day() -> None:
    """Ansible's set filters give another order at each run: a converge would change what the last one wrote."""
    unordered = re.compile(r"\b(union|intersect|difference|symmetric_difference)\(")
    settled = re.compile(r"\| *(sort|length)\b|\bif |varnames")
    found = []
    for path in tracked("group_vars/*.yml", "roles/*.yml", "roles/*.j2", "playbooks/*.yml", "inventory/*.yml"):
        for expression in re.findall(r"\{[{%].*?[%}]\}", path.read_text("utf-8"), flags=re.DOTALL):
            if unordered.search(expression) and not settled.search(expression):
                found.append(f"{path.relative_to(ROOT)}: {expression}")
    assert not found
