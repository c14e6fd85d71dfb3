"""What a copy of a lab begins from, and where its hosts are reached. That it runs is what its scenarios show."""

import json
import threading
import time
from pathlib import Path

import pytest

from hanam_lab import driver, machine, needs
from hanam_lab.errors import LabError
from hanam_lab.network import Network


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(driver, "STATE", tmp_path)
    monkeypatch.setattr(machine, "STATE", tmp_path)
    monkeypatch.setattr(needs, "check", lambda: None)
    return tmp_path


def _lab(state: Path, name: str, namespace: str) -> driver.Lab:
    (state / name).mkdir()
    spec = {"name": "mail", "number": 10, "memory": 2**30}
    saved = {"repository": "/x", "network": 3, "namespace": namespace, "hosts": [spec]}
    (state / name / "lab.json").write_text(json.dumps(saved))
    entry = {
        "ansible_host": "10.27.3.10",
        "ansible_user": "ops",
        "ansible_ssh_private_key_file": "key",
        "ansible_ssh_common_args": "-o IdentitiesOnly=yes",
    }
    (state / name / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"mail": entry}}}))
    return driver.Lab(name)


def test_a_copy_has_the_addresses_of_its_original_in_a_network_of_its_own(state: Path) -> None:
    original, copy = _lab(state, "one", ""), _lab(state, "two", "hnm-two")
    assert original.ssh_command("mail", "true")[0] == "ssh"
    assert copy.ssh_command("mail", "true")[:3] == ["nsenter", "--net=/run/netns/hnm-two", "ssh"]
    assert copy.ssh_command("mail", "true")[2:] == original.ssh_command("mail", "true")
    assert Network(3, "hnm-two").ipv4(10) == Network(3).ipv4(10)


def test_a_lab_of_which_nothing_is_kept_is_not_copied_and_named(state: Path) -> None:
    for original in (_lab(state, "one", ""), driver.Lab("none")):
        with pytest.raises(LabError, match=f"nothing is kept of lab {original.name}, to be copied"):
            original.kept()


def test_a_copy_is_not_laid_over_a_lab(state: Path) -> None:
    """Its hosts would lose what they wrote."""
    lab = _lab(state, "two", "hnm-two")
    before = {path.name: path.read_bytes() for path in lab.folder.iterdir()}
    with pytest.raises(LabError, match="lab two is there already"):
        lab.start(state / "kept", print)
    assert {path.name: path.read_bytes() for path in lab.folder.iterdir()} == before


def test_hosts_that_stand_still_for_one_copy_go_on_only_when_it_is_whole(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs keep one lab at the same moment."""
    done = list[str]()
    monkeypatch.setattr(machine, "_freeze", lambda host, still: done.append("still" if still else "on"))
    hosts = _lab(state, "one", "").hosts()
    begun = threading.Barrier(2)

    def copy() -> None:
        begun.wait()
        with machine.frozen(hosts):
            time.sleep(0.1)
            done.append("copied")

    copies = [threading.Thread(target=copy) for _ in range(2)]
    for each in copies:
        each.start()
    for each in copies:
        each.join()
    assert done == ["still", "copied", "on"] * 2
