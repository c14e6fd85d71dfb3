"""The plays of a stop of the service, on hosts that are folders here: what they do, in which order, what they refuse.

The roles and the accounts' host are stand-ins that write down what they were asked for (Đ10.5).
"""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

ROOT = Path(__file__).resolve().parents[2]
ZONE = "Asia/Ho_Chi_Minh"
pytestmark = pytest.mark.dieu10

ACTION = """
import json
from pathlib import Path
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        if task_vars["accounts_away"]:
            raise AnsibleConnectionFailure("accounts is away")
        words = self._task.args["command"]
        with Path(task_vars["asked"]).open("a") as asked:
            asked.write(json.dumps([words[1:3], self._task.args["input"], self._task.check_mode]) + chr(10))
        return {"changed": words[1] != "show", "changes": [], "stop": task_vars["known"]}
"""


@dataclass
class Stage:
    """The folder of it all."""

    place: Path
    known: dict[str, Any] = field(default_factory=lambda: {"announced": "2026-11-02", "current": True, "waiting": 0})
    away: bool = False

    @property
    def site(self) -> Path:
        return self.place / "webmail.conf"

    @property
    def page(self) -> str:
        written = self.place / "page"
        return written.read_text() if written.exists() else ""

    def asked(self) -> list[Any]:
        """What the accounts' host was asked for: the command, its input and whether only to look."""
        log = self.place / "asked"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def step(self, name: str, *words: str, declared: bool = True) -> subprocess.CompletedProcess[str]:
        now = datetime.now(ZoneInfo(ZONE))
        stop = (
            f'  - begin: "{now - timedelta(minutes=1):%Y-%m-%d %H:%M}"\n'
            f'    end: "{now + timedelta(hours=3):%Y-%m-%d %H:%M}"\n'
            "    what: nâng cấp\n    services: trang thư\n    announced: 2026-12-02\n    emergency: lỗ hổng\n"
        )
        (self.place / "stops.yml").write_text(f"maintenance_stops:\n{stop}" if declared else "maintenance_stops: []\n")
        variables = {"known": self.known, "accounts_away": self.away}
        return subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.place / "hosts.yml"),
             "-e", f"step={name}", "-e", json.dumps(variables), "-e", f"@{self.place}/stops.yml",
             str(self.place / "maintenance.yml"), *words],
            cwd=ROOT, capture_output=True, text=True, check=False,
            env=os.environ
            | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_ROLES_PATH": str(self.place / "roles"),
               "ANSIBLE_ACTION_PLUGINS": str(self.place), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0",
               "PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    (tmp_path / "maintenance.yml").write_text((ROOT / "playbooks/maintenance.yml").read_text())
    (tmp_path / "accounts_command.py").write_text(ACTION)
    made.site.write_text("open\n")
    state = "{{ 'closed' if roundcube_maintenance else 'open' }}"
    # The webmail's tables lie where the accounts do.
    tables = {
        "name": "tables",
        "ansible.builtin.fail": {"msg": "no database"},
        "when": "accounts_away and roundcube_tables | default(true)",
    }
    for role, path, text in (
        ("roundcube", made.site, "{{ 'return 503;' if roundcube_maintenance else 'open' }}\n"),
        ("help_pages", tmp_path / "page", state + " {{ maintenance_stops | length }}\n"),
    ):
        tasks = tmp_path / "roles" / role / "tasks/main.yml"
        tasks.parent.mkdir(parents=True)
        written = {"name": role, "ansible.builtin.copy": {"dest": str(path), "content": text}}
        tasks.write_text(yaml.safe_dump([written, tables] if role == "roundcube" else [written]))
    here = {
        "ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable,
        "accounts_host": "accounts1", "asked": str(tmp_path / "asked"), "mail_timezone": ZONE,
        "webmail_site_file": str(made.site),
        "service_names": {"webmail": "mail.hanam.gov.vn"}, "status_page_path": "/tinh-trang/",
        "regulation_maintenance_notice_working_days": 2,
    }  # fmt: skip
    groups = {"accounts": {"hosts": {"accounts1": {}}}, "webmail": {"hosts": {"webmail1": {}}}, "all": {"vars": here}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(groups))
    return made


@pytest.mark.parametrize(
    ("known", "words", "said"),
    [
        ({"current": False}, ["--tags", "roundcube"], "chưa gửi thông báo"),
        ({}, ["--limit", "webmail"], "bỏ --limit"),
        ({}, ["--limit", "webmail", "--tags", "roundcube"], "bỏ --limit"),
        ({}, ["--skip-tags", "help_pages"], "bỏ --skip-tags"),
    ],
)
def test_dieu10_5_nothing_is_closed_without_the_judgement(
    stage: Stage, known: dict[str, Any], words: list[str], said: str
) -> None:
    stage.known |= known
    done = stage.step("close", *words)
    assert done.returncode != 0
    assert said in " ".join(done.stdout.split()), done.stdout
    assert (stage.site.read_text(), stage.page) == ("open\n", "")
    assert not [words for words, *_ in stage.asked() if words[0] == "done"]


def test_dieu10_5_announcing_leaves_a_closed_webmail_closed(stage: Stage) -> None:
    stage.site.write_text("return 503;  # as it was\n")
    done = stage.step("announce")
    assert done.returncode == 0, done.stdout
    assert (stage.site.read_text(), stage.page) == ("return 503;  # as it was\n", "closed 1\n")
    assert [words for words, *_ in stage.asked()] == [["show", "--json"], ["announce", "--json"]]


def test_a_look_changes_nothing_and_the_deed_is_noted_after_it(stage: Stage) -> None:
    done = stage.step("close", "--check", "--diff")
    assert done.returncode == 0, done.stdout
    assert (stage.site.read_text(), stage.page) == ("open\n", "")
    assert "+return 503;" in done.stdout
    assert [(words[1], given.get("turned"), check) for words, given, check in stage.asked()][-1] == (
        "close",
        True,
        True,
    )
    done = stage.step("close", "--tags", "roundcube")
    assert done.returncode == 0, done.stdout
    assert (stage.site.read_text(), stage.page) == ("return 503;\n", "closed 1\n"), "a step is done as a whole"
    words, given, check = stage.asked()[-1]
    assert (words, given["turned"], check) == (["done", "close"], True, False)
    assert given["begin"] < given["end"]


def test_opening_needs_neither_a_declaration_nor_the_accounts(stage: Stage) -> None:
    stage.site.write_text("return 503;\n")
    stage.away = True
    done = stage.step("open", declared=False)
    assert done.returncode == 0, done.stdout
    assert (stage.site.read_text(), stage.page) == ("open\n", "open 0\n")
    assert "CẢNH BÁO" in done.stdout
    stage.away = False
    done = stage.step("open", "--limit", "webmail,accounts", declared=False)
    assert done.returncode == 0, done.stdout
    assert "CẢNH BÁO" not in done.stdout
    assert stage.asked() == [[["done", "open"], {"turned": False}, False]]


def test_the_sample_is_taken_as_ansible_reads_it(tmp_path: Path) -> None:
    found = importlib.util.spec_from_file_location("stops_filter", ROOT / "plugins/filter/stops.py")
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    stop_mistakes = module.FilterModule().filters()["stop_mistakes"]
    text = (ROOT / "group_vars/hanam/maintenance.yml").read_text()
    sample = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("#   ")]
    file = tmp_path / "stops.yml"
    file.write_text("maintenance_stops:\n" + "\n".join(sample) + "\n")
    declared = DataLoader().load_from_file(str(file), trusted_as_template=True)["maintenance_stops"]
    assert stop_mistakes(declared, "announce") == []
    assert "không được trống" in str(stop_mistakes([dict(declared[0], what="")], "announce"))
    assert stop_mistakes([], "open") == []
