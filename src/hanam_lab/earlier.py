"""Images of hosts that an earlier release of the project converged, by its own plays and with its own secrets.

A lab that starts from one is what an operator has before the upgrade. Building one takes five minutes; it is kept, so
that it costs nothing the next time.
"""

import hashlib
import inspect
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from hanam_lab import converged, image, topology
from hanam_lab.driver import Lab
from hanam_lab.errors import LabError
from hanam_lab.paths import CACHE, REPOSITORY
from hanam_lab.shell import locked, run

PLACE = CACHE / "earlier"
INVENTORY = "inventory/lab.yml"
SCRATCH = "earlier-new-"
_VAULT = "group_vars/lab/vault.yml"


def kept(commit: str, say: image.Say) -> Path:
    """The image of that commit's hosts; builds it when absent."""
    whole = _resolved(commit)
    base = image.base_tree(say)
    archive = image.package_archive(base, say)
    place = PLACE / f"{whole[:12]}-{_key(whole, base, archive)}"
    with locked(PLACE):
        PLACE.chmod(0o700)
        if not place.is_dir():
            say(f"converging hosts with the plays of {commit}: about five minutes, kept in {place}")
            _build(whole, base, place, say)
        os.utime(place)
        _forget(whole, place, say)
    return place


def _key(commit: str, base: Path, archive: Path) -> str:
    """The text of what converges is a part of it: change that and the image is built anew."""
    parts = [commit, base.name, archive.name, inspect.getsource(_converge)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _git(*words: str) -> list[str]:
    return ["git", "-C", str(REPOSITORY), "-c", f"safe.directory={REPOSITORY}", *words]


def _resolved(commit: str) -> str:
    found = subprocess.run(
        _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"), capture_output=True, text=True, check=False
    )
    if found.returncode != 0:
        raise LabError(
            f"commit {commit}, from which an upgrade begins, is not in this clone: it needs the whole history"
            " (git fetch --unshallow; in CI GIT_DEPTH: 0)"
        )
    return found.stdout.strip()


def _build(commit: str, base: Path, place: Path, say: image.Say) -> None:
    lab = Lab(f"earlier-{commit[:7]}")
    with image.scratch(SCRATCH) as work:
        tree = work / "tree"
        run(_git("archive", "--format=tar", f"--output={work}/tree.tar", commit))
        with tarfile.open(work / "tree.tar") as packed:
            packed.extractall(tree, filter="data")
        # Of a build that was killed.
        lab.down(say)
        try:
            lab.up(topology.read(tree / INVENTORY), say)
            _converge(tree, lab)
            with locked(converged.PLACE):
                converged.write(lab.hosts(), base, place, tree / _VAULT)
        finally:
            lab.down(say)


def _converge(tree: Path, lab: Lab) -> None:
    """As the Makefile of then did, with the Python and the Ansible of now."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    inventories = ["--inventory", INVENTORY, "--inventory", "inventory/split.yml"]
    _words_of_then(tree, [sys.executable, "-m", "hanam_mail.secrets", *inventories, "--output", _VAULT])
    for play in ("site.yml", "mailboxes.yml"):
        _words_of_then(tree, [program, "-i", INVENTORY, "-i", str(lab.inventory), f"playbooks/{play}"])


def _words_of_then(tree: Path, command: list[str]) -> None:
    # What molecule sets of Ansible leads to the tree of now.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MOLECULE_"))}
    environment |= {"PYTHONPATH": str(tree / "src"), "ANSIBLE_CONFIG": str(tree / "ansible.cfg")}
    # Ansible tells on standard output why it failed, and warns on the other.
    run(["sh", "-c", 'exec "$@" 2>&1', "sh", *command], folder=tree, environment=environment)


def _forget(commit: str, present: Path, say: image.Say) -> None:
    """Images of the same commit on other packages, unless a lab stands on one."""
    used = converged.used()
    for place in PLACE.glob(f"{commit[:12]}-*"):
        if place != present and not any(line.startswith(f"{place}/") for line in used):
            shutil.rmtree(place)
            say(f"removed {place}")
