"""Which image of an earlier release is built, when, and what of it stays. That it boots, scenario upgrade shows."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hanam_lab import converged, driver, earlier, image, machine, needs, network, watches
from hanam_lab.errors import LabError
from hanam_lab.machine import Host
from hanam_lab.topology import HostSpec

INVENTORY = "lab: {hosts: {mail: {lab_number: 10, lab_memory: 1G}}}\n"
# Stands for the program of then that makes the secrets; its folder, path and environment are what it was run with.
SECRETS = """
import os, pathlib, sys
pathlib.Path(sys.argv[-1]).write_text("of then")
assert not [name for name in os.environ if name.startswith("MOLECULE_")]
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose first commit is the earlier release, on a machine without any lab."""
    root = tmp_path / "repository"
    files = {
        "inventory/lab.yml": INVENTORY,
        "src/hanam_mail/__init__.py": "",
        "src/hanam_mail/secrets.py": SECRETS,
        "group_vars/lab/main.yml": "",
        "playbooks/site.yml": "then",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "then"], ["tag", "then"]):
        subprocess.run([*git, *words], cwd=root, check=True)
    (root / "playbooks/site.yml").write_text("now")
    # Ansible: says which playbook it was given, and where.
    program = tmp_path / "bin/ansible-playbook"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nfor last; do :; done\necho "$last $(cat playbooks/site.yml)" >> {tmp_path}/played\n'
    )
    program.chmod(0o755)
    python = program.with_name("python3")
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("MOLECULE_FILE", "x")
    monkeypatch.setattr(earlier, "REPOSITORY", root)
    for module in (converged, earlier, image):
        monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    for module in (converged, driver, machine):
        monkeypatch.setattr(module, "STATE", tmp_path / "labs")
    monkeypatch.setattr(converged, "PLACE", tmp_path / "cache/converged")
    monkeypatch.setattr(earlier, "PLACE", tmp_path / "cache/earlier")
    monkeypatch.setattr(image, "base_tree", lambda say: Path("/base-1"))
    monkeypatch.setattr(image, "package_archive", lambda base, say: Path("/archive-1"))
    monkeypatch.setattr(needs, "check", lambda: None)

    def up(lab: driver.Lab, specs: list[HostSpec], say: image.Say) -> None:
        lab._save(specs, say)
        (lab.folder / "mail/upper").mkdir(parents=True)
        (lab.folder / "mail/upper/file").write_text("converged")
        for key in converged.KEYS:
            (lab.folder / key).write_text(key)

    @contextlib.contextmanager
    def frozen(hosts: list[Host]) -> Iterator[None]:
        yield

    monkeypatch.setattr(driver.Lab, "up", up)
    monkeypatch.setattr(watches, "allow", lambda folder, say: None)
    monkeypatch.setattr(watches, "give_back", lambda folder: None)
    monkeypatch.setattr(network, "free", lambda taken: network.Network(3))
    monkeypatch.setattr(network.Network, "remove", lambda lan: None)
    monkeypatch.setattr(machine, "remove_leftovers", lambda host: None)
    monkeypatch.setattr(machine, "end_orphans", lambda host: None)
    monkeypatch.setattr(converged, "frozen", frozen)
    return root


def test_the_image_is_made_by_the_plays_of_then_with_secrets_of_its_own(repository: Path, tmp_path: Path) -> None:
    place = earlier.kept("then", print)
    assert (tmp_path / "played").read_text() == "playbooks/site.yml then\nplaybooks/mailboxes.yml then\n"
    assert (place / "mail/0/file").read_text() == "converged"
    assert (place / "vault.yml").read_text() == "of then"
    assert json.loads((place / "image.json").read_text())["network"] == 3
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert driver.names() == [], "the hosts that it was made of are gone"
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["converged", "earlier"]


def test_what_is_kept_is_not_made_again(repository: Path, tmp_path: Path) -> None:
    place = earlier.kept("then", print)
    (tmp_path / "played").unlink()
    assert earlier.kept("then", print) == place
    assert not (tmp_path / "played").exists()


def test_other_packages_make_another_image_and_the_former_goes_unless_a_lab_stands_on_it(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = earlier.kept("then", print)
    stands = tmp_path / "labs/one/mail/lower"
    stands.parent.mkdir(parents=True)
    stands.write_text(f"{first}/mail/0\n")
    monkeypatch.setattr(image, "package_archive", lambda base, say: Path("/archive-2"))
    second = earlier.kept("then", print)
    assert first != second
    assert first.is_dir()
    stands.unlink()
    earlier.kept("then", print)
    assert not first.exists()
    assert second.is_dir()


def test_a_failed_converge_is_told_in_its_own_words_and_nothing_of_it_stays(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "bin/ansible-playbook").write_text(
        "#!/bin/sh\necho 'a warning' >&2\necho 'fatal: the reason'\nexit 2\n"
    )
    with pytest.raises(LabError, match="fatal: the reason"):
        earlier.kept("then", print)
    assert driver.names() == []
    assert list((tmp_path / "cache/earlier").iterdir()) == []
    assert not list((tmp_path / "cache").glob("earlier-new-*"))


def test_a_clone_without_the_commit_is_told_what_it_needs(repository: Path) -> None:
    with pytest.raises(LabError, match=r"commit 0123456, .* is not in this clone: it needs .*GIT_DEPTH"):
        earlier.kept("0123456", print)


def test_a_lab_from_an_image_has_its_secrets_and_the_packages_of_the_tree(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = earlier.kept("then", print)
    ran = list[str]()

    def mounted(root: Path) -> None:
        (root / "etc/apt").mkdir(parents=True)
        (root / "var/lib/systemd/timers").mkdir(parents=True)
        (root / "var/lib/systemd/timers/stamp-hanam-backup.timer").touch()
        os.utime(root / "var/lib/systemd/timers/stamp-hanam-backup.timer", (0, 0))

    monkeypatch.setattr(network.Network, "create", lambda lan: None)
    monkeypatch.setattr(driver, "_mount", lambda host, base: mounted(host.root))
    monkeypatch.setattr(driver, "run", lambda command: ran.append(" ".join(map(str, command[-4:]))))
    monkeypatch.setattr(driver.Lab, "_boot", lambda lab, hosts, say: None)
    monkeypatch.setattr(driver.Lab, "_await_daemons", lambda lab, hosts: None)
    lab = driver.Lab("up")
    stamp = lab.folder / "mail/root/var/lib/systemd/timers/stamp-hanam-backup.timer"
    lab.start(place, print)
    assert time.time() - stamp.stat().st_mtime < 60
    assert "/archive-1 ./" in (lab.folder / "mail/root/etc/apt/sources.list").read_text()
    assert ran == ["sudo apt-get -q update"]
    assert (lab.folder / "vault.yml").read_text() == "of then"
    assert (lab.folder / "mail/lower").read_text() == f"{place}/mail/0\n"
    assert lab.folder.stat().st_mode & 0o077 == 0
