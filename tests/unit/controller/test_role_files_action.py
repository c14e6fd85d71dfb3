"""The Ansible action `role_files`, with a connection that runs on this machine what it would send to a host."""

import getpass
import grp
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar
from tests.unit.controller import actions

ROOT = Path(__file__).resolve().parents[3]


class Connection:
    """Takes a command and its input as ssh would. `answers` stands in for a host that does not play its part."""

    become = None
    allow_executable = False
    transport = "fake"
    _shell = SimpleNamespace(tmpdir="/nonexistent")

    def get_option(self, _name: str) -> None:
        """It has no options."""

    def __init__(self, answer: tuple[int, bytes, bytes] | None = None) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.answer = answer

    def exec_command(self, command: str, in_data: bytes | None = None, sudoable: bool = True) -> Any:
        """What is run, with its exit code and what it said."""
        self.sent.append((command, in_data or b""))
        if self.answer:
            return self.answer
        done = subprocess.run(["sh", "-c", command], input=in_data, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def action() -> Any:
    """The plugin's class."""
    init_plugin_loader()
    return actions.module("role_files").ActionModule


class Host:
    """A role's task on a host: `run` does what Ansible does with the action."""

    def __init__(self, action: Any, folder: Path) -> None:
        self.action = action
        self.role = folder / "role"
        self.root = folder / "host"
        self.connection = Connection()
        self.notified: list[str] = []
        for name in ("templates", "files"):
            (self.role / name).mkdir(parents=True)
        self.root.mkdir()

    def load(self, text: str) -> Any:
        """YAML as a role's file of variables holds it."""
        group = grp.getgrgid(os.getgid()).gr_name
        text = text.replace("ROOT", str(self.root)).replace("ME", f"owner: {getpass.getuser()}, group: {group}")
        (self.role / "given.yml").write_text(text)
        return DataLoader().load_from_file(str(self.role / "given.yml"), trusted_as_template=True)

    def run(self, arguments: str, check: bool = False, notify: list[str] | None = None, **facts: Any) -> dict[str, Any]:
        """The result for arguments as YAML; ROOT stands for a folder of the host, ME for owner and group."""
        loader = DataLoader()
        loader.set_basedir(str(self.role))
        given = self.load(arguments)
        variables = {"ansible_python_interpreter": sys.executable, "ansible_search_path": [str(self.role)]} | facts
        templar = Templar(loader=loader, variables=variables)
        task = Task.load({"name": "x", "role_files": given, "notify": notify}, loader=loader)
        task.args = {
            name: self.action.finalize_task_arg(name, value, templar._engine, None) for name, value in task.args.items()
        }
        task.check_mode, task.diff, task.delegate_to = check, True, None
        running = self.action(task, self.connection, PlayContext(), loader, templar, None)
        result: dict[str, Any] = running.run(None, variables)
        self.notified = list(task.notify or [])
        return json.loads(json.dumps(result)) if not result.get("failed") else result


@pytest.fixture
def host(action: Any, tmp_path: Path) -> Host:
    return Host(action, tmp_path)


def test_a_template_sees_its_row_and_the_tasks_variables(host: Host) -> None:
    (host.role / "templates/a.j2").write_text("{{ ansible_managed }}: {{ item.of }} {{ city }}\n")
    told = host.run("files: [{src: a.j2, dest: ROOT/a, of: mail of, ME}]", city="Hà Nam")
    assert told["files"] == [f"{host.root}/a"]
    assert (host.root / "a").read_text() == "Ansible managed: mail of Hà Nam\n"
    assert not host.run("files: [{src: a.j2, dest: ROOT/a, of: mail of, ME}]", city="Hà Nam")["changed"]


def test_a_file_of_the_role_is_copied_without_templating(host: Host) -> None:
    (host.role / "files/a").write_text("{{ no template }}\n")
    host.run("files: [{file: a, dest: ROOT/a, ME}]")
    assert (host.root / "a").read_text() == "{{ no template }}\n"


def test_a_picture_is_copied_octet_by_octet_and_not_shown(host: Host) -> None:
    octets = b"RIFF\xff\xfe\0\r\nWEBP"
    (host.role / "files/a.webp").write_bytes(octets)
    told = host.run("files: [{file: a.webp, dest: ROOT/a.webp, ME}]")
    assert (host.root / "a.webp").read_bytes() == octets
    assert told["diff"][0] == {"prepared": f"{host.root}/a.webp: other octets\n"}
    assert not host.run("files: [{file: a.webp, dest: ROOT/a.webp, ME}]")["changed"]


def test_rows_count_by_their_condition(host: Host) -> None:
    rows = """
    files:
      - {content: "", dest: ROOT/always, ME}
      - {content: "", dest: ROOT/yes, when: here, ME}
      - {content: "", dest: ROOT/no, when: not here, ME}
      - {content: "", dest: ROOT/both, when: [here, 1 == 1], ME}
      - {content: "", dest: ROOT/one, when: [here, 1 == 2], ME}
      - {content: "", dest: ROOT/never, when: false, ME}
    """
    host.run(rows, here=True)
    assert sorted(path.name for path in host.root.iterdir()) == ["always", "both", "yes"]


def test_of_a_row_that_does_not_count_nothing_is_evaluated(host: Host) -> None:
    rows = """
    files:
      - {content: "{{ of_another_host }}", dest: "{{ nowhere }}", when: false}
      - {content: "", dest: ROOT/a, ME}
    """
    assert host.run(rows)["files"] == [f"{host.root}/a"]


def test_lists_that_a_variable_holds_keep_their_conditions(host: Host) -> None:
    rows = host.load("""
      - {content: "{{ of_another_host }}", dest: /x/y, when: not here}
      - {content: "{{ name }}", dest: ROOT/a, when: here, ME}
    """)
    assert host.run('files: "{{ rows }}"', rows=rows, here=True, name="Nam")["files"] == [f"{host.root}/a"]
    assert (host.root / "a").read_text() == "Nam"


def test_a_condition_that_is_no_condition_fails_and_is_named(host: Host) -> None:
    with pytest.raises(Exception, match="nowhere"):
        host.run('files: [{content: "", dest: ROOT/a, when: nowhere}]')
    assert host.connection.sent == []


def test_a_row_with_a_loop_counts_once_for_each_element(host: Host) -> None:
    row = 'files: [{loop: "{{ units }}", content: "{{ item.text }}", dest: "ROOT/{{ item.name }}.conf", ME}]'
    told = host.run(row, units=[{"name": "a", "text": "1"}, {"name": "b", "text": "2"}])
    assert told["files"] == [f"{host.root}/a.conf", f"{host.root}/b.conf"]
    assert (host.root / "b.conf").read_text() == "2"
    assert not host.run(row, units=[])["changed"]


def test_a_value_is_never_taken_for_a_template(host: Host) -> None:
    """What people typed, or another host said, is text."""
    host.run('files: [{content: "{{ typed }}", dest: ROOT/a, ME}]', typed="{{ lookup('pipe', 'id') }}")
    assert (host.root / "a").read_text() == "{{ lookup('pipe', 'id') }}"


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        ("files: {dest: /a/b}", "files: a list of rows is needed"),
        ("files: [/a/b]", "files: a row is needed"),
        ("files: [{dest: /a/b, content: '', loop: word}]", "loop: a list is needed"),
        ("files: [{dest: ../a, content: ''}]", "no absolute path"),
        ("files: [{dest: /a/../b, content: ''}]", "no plain path"),
        ("owns: [{glob: /etc/*}]", "is not the files of one folder"),
    ],
)
def test_a_mistake_is_named_before_the_host_is_asked(host: Host, arguments: str, mistake: str) -> None:
    told = host.run(arguments)
    assert told["failed"]
    assert mistake in told["msg"]
    assert host.connection.sent == []


def test_an_argument_that_it_does_not_have_is_refused(host: Host) -> None:
    with pytest.raises(Exception, match="Invalid options"):
        host.run("filse: []")


def test_handlers_hear_of_their_own_files_only(host: Host) -> None:
    rows = """
    files:
      - {content: "{{ one }}", dest: ROOT/one, notify: Restart one, ME}
      - {content: two, dest: ROOT/two, ME}
      - {content: three, dest: ROOT/three, notify: [], ME}
    """
    host.run(rows, notify=["Reload all"], one="1")
    assert host.notified == ["Restart one", "Reload all"]
    host.run(rows, notify=["Reload all"], one="2")
    assert host.notified == ["Restart one"]
    host.run(rows, notify=["Reload all"], one="2")
    assert host.notified == []


def test_a_row_that_counts_no_longer_notifies_when_its_file_goes(host: Host) -> None:
    arguments = """
    files: [{content: x, dest: ROOT/a.conf, when: here, notify: Restart a, ME}]
    owns: [{glob: ROOT/*.conf, notify: Restart a}]
    """
    host.run(arguments, here=True)
    assert host.run(arguments, here=False, check=True)["diff"] == [
        {"prepared": f"{host.root}/a.conf: removed; the role lists it no longer\n"}
    ]
    assert host.notified == ["Restart a"]
    assert (host.root / "a.conf").exists()
    assert host.run(arguments, here=False)["files"] == [f"{host.root}/a.conf"]
    assert list(host.root.iterdir()) == []
    assert not host.run(arguments, here=False)["changed"]
    assert host.notified == []


def test_a_failure_notifies_nobody(host: Host) -> None:
    told = host.run("files: [{content: x, dest: ROOT/a, validate: false %s, ME}]", notify=["Reload all"])
    assert told["failed"]
    assert host.notified == []


def test_check_mode_asks_for_nothing_that_a_package_brings(host: Host) -> None:
    rows = "files: [{content: x, dest: ROOT/etc/a, owner: of-a-package, group: of-a-package, validate: its-program %s}]"
    assert host.run(rows, check=True)["diff"][0]["after"] == "x"
    assert host.run(rows)["failed"]
    assert list(host.root.iterdir()) == []


def test_a_list_of_which_nothing_counts_asks_the_host_nothing(host: Host) -> None:
    told = host.run("files: [{content: x, dest: ROOT/a, when: false}]", notify=["Reload all"])
    assert told == {"changed": False, "files": [], "diff": []}
    assert (host.connection.sent, host.notified) == ([], [])


def test_no_content_is_on_a_command_line(host: Host) -> None:
    host.run('files: [{content: "mật khẩu", dest: ROOT/a, secret: true, ME}]')
    ((command, data),) = host.connection.sent
    assert "kh" not in command.replace("python", "")
    assert b"m\\u1eadt" in data


def test_a_host_that_answers_nonsense_is_a_failure_with_its_words(host: Host) -> None:
    host.connection = Connection((1, b"Last login: today\n", b"sudo: a password is required"))
    told = host.run('files: [{content: "", dest: ROOT/a, ME}]', notify=["Reload all"])
    assert told["msg"] == "no answer from the host (exit 1): sudo: a password is required"
    assert host.notified == []


def test_a_template_may_import_what_several_roles_share(host: Host) -> None:
    """Before that it looks in its own role, where a file of the same name comes first."""
    (host.role / "templates/unit.j2").write_text(
        "[Service]\n{% from 'sandbox.j2' import sandbox %}\n{{ sandbox(umask='0027', without={'RemoveIPC': 'why'}) }}\n"
    )
    host.run("files: [{src: unit.j2, dest: ROOT/unit, ME}]")
    lines = (host.root / "unit").read_text().splitlines()
    assert lines[:2] == ["[Service]", "CapabilityBoundingSet="]
    assert lines[-1] == "# Without RemoveIPC: why."
    assert "UMask=0027" in lines
    (host.role / "templates/own.j2").write_text("{% macro greet() %}own{% endmacro %}")
    (host.role / "templates/a.j2").write_text("{% import 'own.j2' as own %}{{ own.greet() }}")
    host.run("files: [{src: a.j2, dest: ROOT/a, ME}]")
    assert (host.root / "a").read_text() == "own"


def test_the_manual_names_every_argument_and_key(action: Any) -> None:
    told = subprocess.run(
        ["ansible-doc", "--type=module", "--json", "role_files"], cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
    )  # fmt: skip
    manual = json.loads(told.stdout)["role_files"]
    options = manual["doc"]["options"]
    assert set(options) == set(action._VALID_ARGS)
    keys = {"when", "loop", "dest", "src", "file", "content", "program", "link", "absent", "owner", "group", "mode"}
    assert set(options["files"]["suboptions"]) == keys | {"validate", "notify", "keep", "secret"}
    assert "role_files:" in manual["examples"]
    assert set(manual["return"]) == {"files", "msg"}
