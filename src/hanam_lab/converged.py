"""Images of converged hosts: what a converge wrote, kept under the content of all that it depends on.

A lab that starts from one mounts it as a layer below its own, so that whole hosts are there in seconds. An image holds
the lab's keys, secrets and addresses too: what starts from it stands at the same addresses in a network of its own, and
another clone of the project, whose secrets are others, can use it.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hanam_lab import image
from hanam_lab.errors import LabError
from hanam_lab.machine import Host, frozen
from hanam_lab.paths import CACHE, REPOSITORY, STATE
from hanam_lab.shell import locked, run

PLACE = CACHE / "converged"
KEPT = 2
"""Of each topology; the oldest go that no lab stands on."""
SOURCES = (
    "ansible.cfg", "group_vars", "inventory", "mailboxes", "playbooks", "plugins", "requirements.lock", "roles",
    "src/hanam_mail", "templates",
)  # fmt: skip
"""What a converge reads."""
TREE = "tree"
"""File of a lab: the key of the working tree when its hosts were started, empty."""
KEYS = ("login_key", "login_key.pub", "known_hosts")
SECRETS = REPOSITORY / "group_vars/lab/vault.yml"
_FIRST = ("nice", "--adjustment=-15")
_WHOLE = ("--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner", "--preserve-permissions")
"""Options of tar: in a layer an attribute or a device says that a file below it is gone."""


def key(base: Path, archive: Path) -> str:
    """Of the working tree as it is, committed or not. The lab's secrets are no part of it: the image brings its own."""
    words = [
        "git",
        "-c",
        f"safe.directory={REPOSITORY}",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    listed = subprocess.run([*words, *SOURCES], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    names = sorted(set(filter(None, listed.split("\0"))))
    total = hashlib.sha256(json.dumps([base.name, archive.name]).encode())
    for name in names:
        path = REPOSITORY / name
        if path.is_file():
            total.update(f"{name}\0{path.stat().st_mode & 0o111}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def keep(hosts: Sequence[Host], say: image.Say) -> Path | None:
    """Keep what running hosts have become, unless it is there; they stand still meanwhile, for seconds.

    None when the tree has changed since they were started: nobody knows which of its states they have.
    """
    stopped = [host.spec.name for host in hosts if host.nspawn_pid is None]
    if stopped or not hosts:
        raise LabError(f"nothing is kept of what does not run: {', '.join(stopped) or 'the lab has no hosts'}")
    base = image.base_tree(say)
    tree = key(base, image.package_archive(base, say))
    begun = hosts[0].folder.parent / TREE
    if begun.exists() and begun.read_text() != tree:
        say("the tree has changed since the hosts were started: they are not kept")
        return None
    place = _place(hosts, tree)
    with locked(PLACE):
        PLACE.chmod(0o700)
        if place.is_dir():
            say(f"the converged hosts are there already: {place}")
        else:
            write(hosts, base, place, SECRETS)
            say(f"the converged hosts are kept: {place}")
        os.utime(place)
        _forget(_topology(hosts), say)
    return place


def of(hosts: Sequence[Host]) -> Path | None:
    """The image of the tree that running hosts were started with, if it is kept."""
    begun = hosts[0].folder.parent / TREE if hosts else None
    if begun is None or not begun.exists():
        return None
    place = _place(hosts, begun.read_text())
    return place if place.is_dir() else None


def _place(hosts: Sequence[Host], tree: str) -> Path:
    return PLACE / f"{_topology(hosts)}-{tree}"


def write(hosts: Sequence[Host], base: Path, place: Path, secrets: Path) -> None:
    """Make an image of running hosts, with the secrets that they were converged with."""
    with image.scratch("converged-new-") as work:
        new = work / "image"
        new.mkdir()
        saved = {"base": base.name, "network": hosts[0].network.number, "hosts": [vars(host.spec) for host in hosts]}
        (new / "image.json").write_text(json.dumps(saved))
        for name in KEYS:
            shutil.copy2(hosts[0].folder.parent / name, new / name)
        shutil.copy2(secrets, new / SECRETS.name)
        copies = [
            (layer, new / host.spec.name / str(number), work / f"{host.spec.name}-{number}.seen")
            for host in hosts
            for number, layer in enumerate(layers(host.folder))
        ]
        for each in copies:
            copy_layer(*each)
        # A host that is frozen for half a minute is taken for one that hangs: only what has changed is copied then.
        with frozen(list(hosts)):
            for each in copies:
                copy_layer(*each, still=True)
        new.rename(place)


def copy_layer(layer: Path, copy: Path, seen: Path, *, still: bool = False) -> None:
    """Copy a folder: the first time all of it, the second time what has changed since the first.

    `seen`: where tar notes what it has copied. The first time programs may write into the folder; `still`: nobody does.
    """
    if not seen.exists():
        # A file that a program writes through memory gets a new time only when it was written to the disk before.
        run(["sync", "--file-system", layer])
        copy.mkdir(parents=True)
    options = ["--sparse", f"--listed-incremental={seen}", *([] if still else ["--ignore-failed-read"])]
    read = shlex.join(["tar", "--create", *_WHOLE, *options, "--directory", str(layer), "."])
    write = shlex.join(["tar", "--extract", *_WHOLE, "--listed-incremental=/dev/null", "--directory", str(copy)])
    # tar ends with 1 when a file changed while it was read: the second copy brings it.
    changed = "" if still else " || [ $? -eq 1 ]"
    run([*_FIRST, "bash", "-c", f"set -o pipefail; ({read}{changed}) | {write}"])


def layers(folder: Path) -> list[Path]:
    """What lies over the base tree in a host's root, the topmost first: its own layer, and those of its image."""
    lower = folder / "lower"
    below = [Path(line) for line in lower.read_text().splitlines()] if lower.exists() else []
    return [folder / "upper", *below]


def nearest(names: Sequence[str], say: image.Say) -> Path:
    """The image of the tree as it is, or else the newest of these hosts: a play makes of it what the tree is now."""
    base = image.base_tree(say)
    exact = PLACE / f"{_named(names)}-{key(base, image.package_archive(base, say))}"
    if exact.is_dir():
        return exact
    found = [
        place for place in _images(_named(names)) if json.loads((place / "image.json").read_text())["base"] == base.name
    ]
    if not found:
        raise LabError(
            f"no converged hosts {', '.join(names)} are kept in {PLACE}: make up, or make molecule, keeps them"
        )
    return found[0]


def used() -> set[str]:
    """Layers of images that labs stand on."""
    return {line for path in STATE.glob("*/*/lower") for line in path.read_text().splitlines()}


def _forget(topology: str, say: image.Say) -> None:
    lines = used()
    for place in _images(topology)[KEPT:]:
        if not any(line.startswith(f"{place}/") for line in lines):
            shutil.rmtree(place)
            say(f"removed the oldest: {place}")


def _images(topology: str) -> list[Path]:
    """The newest first."""
    found = [place for place in PLACE.glob(f"{topology}-*") if (place / "image.json").exists()]
    return sorted(found, key=lambda place: place.stat().st_mtime, reverse=True)


def _topology(hosts: Sequence[Host]) -> str:
    return _named([host.spec.name for host in hosts])


def _named(names: Sequence[str]) -> str:
    """One word for a set of hosts."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:6]
