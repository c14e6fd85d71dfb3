"""Which image of converged hosts belongs to which tree, and how long it stays. That they boot, `make role` shows."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hanam_lab import converged, driver, image, machine, needs
from hanam_lab.errors import LabError
from hanam_lab.machine import Host
from hanam_lab.network import Network
from hanam_lab.topology import HostSpec


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working tree, and a machine without any lab."""
    repository = tmp_path / "repository"
    for name in ("roles/postfix/tasks/main.yml", "group_vars/lab/vault.yml", "tests/test_x.py", "src/hanam_mail/a.py"):
        path = repository / name
        path.parent.mkdir(parents=True)
        path.write_text("one")
    (repository / ".gitignore").write_text("vault.yml\n")
    subprocess.run(["git", "init", "-q"], cwd=repository, check=True)
    for module in (converged, image):
        monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    for module in (converged, driver, machine):
        monkeypatch.setattr(module, "STATE", tmp_path / "labs")
    monkeypatch.setattr(converged, "REPOSITORY", repository)
    monkeypatch.setattr(converged, "SECRETS", repository / "group_vars/lab/vault.yml")
    monkeypatch.setattr(converged, "PLACE", tmp_path / "cache/converged")
    monkeypatch.setattr(image, "base_tree", lambda say: Path("/base-1"))
    monkeypatch.setattr(image, "package_archive", lambda base, say: Path("/archive-1"))
    monkeypatch.setattr(needs, "check", lambda: None)
    monkeypatch.setattr(Host, "nspawn_pid", 1)

    @contextlib.contextmanager
    def frozen(hosts: list[Host]) -> Iterator[None]:
        yield

    monkeypatch.setattr(converged, "frozen", frozen)
    return repository


def _key() -> str:
    return converged.key(Path("/base-1"), Path("/archive-1"))


@pytest.mark.parametrize("name", ["roles/postfix/tasks/main.yml", "src/hanam_mail/a.py"])
def test_the_key_changes_with_whatever_a_converge_reads(tree: Path, name: str) -> None:
    before = _key()
    (tree / name).write_text("two")
    assert _key() != before


def test_the_key_changes_with_a_new_file_and_not_with_a_test_or_the_labs_secrets(tree: Path) -> None:
    before = _key()
    (tree / "tests/test_x.py").write_text("two")
    (tree / "group_vars/lab/vault.yml").write_text("two")
    assert _key() == before
    (tree / "roles/postfix/new.yml").write_text("")
    assert _key() != before
    assert converged.key(Path("/base-2"), Path("/archive-1")) != _key()


def _lab(name: str) -> list[Host]:
    hosts = [Host(name, HostSpec(host, 10, 2**30), Network(3)) for host in ("mail", "backup")]
    for host in hosts:
        (host.folder / "upper").mkdir(parents=True)
        (host.folder / "upper/file").write_text(f"{name} {host.spec.name}")
    for key in converged.KEYS:
        (hosts[0].folder.parent / key).write_text(key)
    return hosts


def kept_of(hosts: list[Host]) -> Path:
    place = converged.keep(hosts, print)
    assert place
    return place


def test_hosts_of_a_tree_that_changed_since_they_were_started_are_not_kept(tree: Path) -> None:
    hosts = _lab("one")
    (hosts[0].folder.parent / converged.TREE).write_text(_key())
    (tree / "roles/postfix/tasks/main.yml").write_text("two")
    assert converged.keep(hosts, print) is None
    assert not list(converged.PLACE.glob("*-*"))


def test_what_is_kept_of_running_hosts_is_found_while_the_tree_changes(tree: Path) -> None:
    hosts = _lab("one")
    assert converged.of(hosts) is None
    (hosts[0].folder.parent / converged.TREE).write_text(_key())
    assert converged.of(hosts) is None
    place = kept_of(hosts)
    (tree / "roles/postfix/tasks/main.yml").write_text("two")
    assert converged.of(hosts) == place
    assert converged.of([]) is None


def test_what_is_kept_is_found_by_the_same_tree_and_by_a_changed_one(tree: Path) -> None:
    place = kept_of(_lab("one"))
    assert (place / "mail/0/file").read_text() == "one mail"
    assert json.loads((place / "image.json").read_text())["network"] == 3
    assert (place / "vault.yml").read_text() == "one"
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert kept_of(_lab("two")) == place
    assert (place / "mail/0/file").read_text() == "one mail"
    assert converged.nearest(["backup", "mail"], print) == place
    (tree / "roles/postfix/tasks/main.yml").write_text("two")
    assert converged.nearest(["mail", "backup"], print) == place


def test_of_other_hosts_or_another_base_nothing_is_found(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept_of(_lab("one"))
    with pytest.raises(
        LabError, match=r"no converged hosts mail are kept in \S+: make up, or make molecule, keeps them"
    ):
        converged.nearest(["mail"], print)
    monkeypatch.setattr(image, "base_tree", lambda say: Path("/base-2"))
    with pytest.raises(LabError, match="no converged hosts"):
        converged.nearest(["mail", "backup"], print)


def test_hosts_from_an_image_keep_its_layers_below_their_own(tree: Path) -> None:
    hosts = _lab("one")
    place = kept_of(hosts)
    (hosts[0].folder / "lower").write_text(f"{place}/mail/0\n")
    (tree / "roles/postfix/tasks/main.yml").write_text("two")
    second = kept_of(hosts)
    assert [path.name for path in sorted((second / "mail").iterdir())] == ["0", "1"]
    assert converged.layers(hosts[0].folder) == [hosts[0].folder / "upper", place / "mail/0"]


def test_the_oldest_goes_but_not_from_below_a_lab(tree: Path) -> None:
    hosts, kept = _lab("one"), list[Path]()
    for number in range(converged.KEPT + 2):
        (tree / "roles/postfix/tasks/main.yml").write_text(f"tree {number}")
        kept.append(kept_of(hosts))
        os.utime(kept[-1], (number, number))
        if number == 0:
            (hosts[0].folder / "lower").write_text(f"{kept[0]}/mail/0\n")
    (tree / "roles/postfix/tasks/main.yml").write_text("the last")
    kept.append(kept_of(hosts))
    assert [place.is_dir() for place in kept] == [True, False, False, True, True]


def test_nothing_is_kept_of_hosts_that_do_not_run(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "nspawn_pid", None)
    with pytest.raises(LabError, match="nothing is kept of what does not run: mail, backup"):
        kept_of(_lab("one"))


def _look(tree: Path) -> dict[str, tuple[object, ...]]:
    """Of each file: what it is, whose, when it was written, its content."""
    found = dict[str, tuple[object, ...]]()
    for path in sorted(tree.rglob("*")):
        state = path.lstat()
        content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(tree))] = (
            state.st_mode, state.st_uid, state.st_mtime_ns if path.is_file() else 0, content, tuple(os.listxattr(path)),
        )  # fmt: skip
    return found


def test_a_second_copy_brings_what_has_changed_since_the_first_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converged, "_FIRST", ())
    layer, copy, seen = tmp_path / "layer", tmp_path / "copies/copy", tmp_path / "seen"
    for name in ("stays", "goes", "moves", "folder/grows", "folder/of the same size", "becomes a folder", "old/a"):
        (layer / name).parent.mkdir(parents=True, exist_ok=True)
        (layer / name).write_text("one")
    converged.copy_layer(layer, copy, seen)
    assert _look(copy) == _look(layer)

    (layer / "goes").unlink()
    (layer / "moves").rename(layer / "folder/moved")
    (layer / "folder/grows").write_text("one and two")
    was = (layer / "folder/of the same size").stat()
    (layer / "folder/of the same size").write_text("two")
    os.utime(layer / "folder/of the same size", ns=(was.st_atime_ns, was.st_mtime_ns))
    (layer / "becomes a folder").unlink()
    (layer / "becomes a folder").mkdir(mode=0o700)
    (layer / "becomes a folder/file").write_text("new")
    (layer / "link").symlink_to("stays")
    os.setxattr(layer / "stays", "user.opaque", b"y")
    (layer / "old").rename(layer / "new")
    converged.copy_layer(layer, copy, seen, still=True)
    assert _look(copy) == _look(layer)


def test_a_copy_that_cannot_be_whole_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converged, "_FIRST", ())
    (tmp_path / "layer").mkdir()
    converged.copy_layer(tmp_path / "layer", tmp_path / "copy", tmp_path / "seen")
    (tmp_path / "copy").rmdir()
    with pytest.raises(LabError, match="copy"):
        converged.copy_layer(tmp_path / "layer", tmp_path / "copy", tmp_path / "seen", still=True)
