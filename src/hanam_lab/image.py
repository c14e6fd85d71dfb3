"""The base tree (an empty Debian 13) and the package archive that lab hosts install from.

Lab hosts have no way out to the Internet: what a role installs comes from a local archive,
built here once from the union of the roles' package lists. Both are keyed by their content.
"""

import hashlib
import inspect
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from hanam_lab.paths import CACHE, REPOSITORY
from hanam_lab.shell import locked, run, unmount_below

SUITE = "trixie"
# What an installer leaves on an empty server, and python3 for Ansible. Roles bring everything else.
BASE_PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "iproute2", "ca-certificates", "openssh-server",
    "python3", "python3-apt", "sudo",
)  # fmt: skip
# Package scripts would fsync every file; a throw-away host does not need that.
DPKG_CONFIGURATION = "force-unsafe-io\n"
ARCHIVE_MOUNT = Path("/srv/lab-archives")
UNUSED_SECONDS = 14 * 24 * 3600
# Folders that builds work in, by the start of their name, and what is locked meanwhile.
_SCRATCH = {
    "base-new-": CACHE,
    "archive-new-": CACHE / "archives",
    "converged-new-": CACHE / "converged",
    "earlier-new-": CACHE / "earlier",
}

Say = Callable[[str], None]


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:12]


def base_tree(say: Say) -> Path:
    """Path of the base tree; builds it (about 20 s) when absent."""
    tree = CACHE / f"base-{_key(SUITE, BASE_PACKAGES, DPKG_CONFIGURATION, inspect.getsource(_make_base))}"
    with locked(CACHE):
        if not tree.is_dir():
            say(f"building the base tree ({SUITE}): about 20 s, kept in {tree}")
            with scratch("base-new-") as work:
                _make_base(work / "tree")
                (work / "tree").rename(tree)
    return tree


def _make_base(tree: Path) -> None:
    """All that the base tree is. Its key is this function's text: change one and the tree is built anew."""
    run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(BASE_PACKAGES)}", SUITE, tree])
    (tree / "etc/dpkg/dpkg.cfg.d/lab").write_text(DPKG_CONFIGURATION)
    (tree / "etc/machine-id").write_text("")
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    # The person that Ansible logs in as, as on a production host.
    run(["chroot", tree, "useradd", "--create-home", "--shell", "/bin/bash", "ops"])
    sudoers = tree / "etc/sudoers.d/ops"
    sudoers.write_text("ops ALL=(ALL) NOPASSWD: ALL\n")
    sudoers.chmod(0o440)
    run(["chroot", tree, "systemctl", "enable", "--quiet", "systemd-networkd"])
    tree.chmod(0o755)


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """A folder to build in. Nothing of it stays, nor anything mounted there, however the building ends."""
    work = Path(tempfile.mkdtemp(prefix=prefix, dir=CACHE))
    try:
        yield work
    finally:
        _discard(work)


def _discard(folder: Path) -> None:
    unmount_below(folder)
    shutil.rmtree(folder)


def remove_unfinished(say: Say) -> None:
    """Remove what builds left that were killed. Where another one builds, wait for it."""
    for prefix, lock in _SCRATCH.items():
        if not any(CACHE.glob(f"{prefix}*")):
            continue
        with locked(lock):
            for folder in sorted(CACHE.glob(f"{prefix}*")):
                _discard(folder)
                say(f"removed an unfinished build: {folder}")


def _forget_unused(archives: Path) -> None:
    """Remove the archives that no lab has asked for in a long time, and the packages that only they held."""
    for archive in archives.iterdir():
        if archive.stat().st_mtime < time.time() - UNUSED_SECONDS:
            shutil.rmtree(archive)
    for package in (CACHE / "pool").glob("*.deb"):
        if package.stat().st_nlink == 1:
            package.unlink()


def role_packages() -> list[str]:
    """Every package that some role installs: the lists `<role>_packages` in roles/*/vars/main.yml."""
    names: set[str] = set()
    for path in sorted(REPOSITORY.glob("roles/*/vars/main.yml")):
        for variable, value in (yaml.safe_load(path.read_text()) or {}).items():
            if variable.endswith("_packages"):
                names.update(value)
    return sorted(names)


def package_archive(base: Path, say: Say) -> Path:
    """Path of the package archive for the roles' present package lists; builds it when absent."""
    packages = role_packages()
    archive = CACHE / "archives" / _key(base.name, packages)
    with locked(archive.parent):
        if not archive.is_dir():
            say(f"downloading {len(packages)} packages and what they need: one to two minutes, kept in {archive}")
            with scratch("archive-new-") as work:
                _build_archive(base, packages, work)
                (work / "debs").rename(archive)
            _forget_unused(archive.parent)
        os.utime(archive)
    return archive


def _build_archive(base: Path, packages: list[str], work: Path) -> None:
    """Make work/debs: the packages with all that they need, and their index."""
    pool = CACHE / "pool"
    (pool / "partial").mkdir(parents=True, exist_ok=True)
    root = work / "root"
    for folder in ("upper", "work", "root", "debs"):
        (work / folder).mkdir()
    layers = f"lowerdir={base},upperdir={work}/upper,workdir={work}/work"
    run(["mount", "-t", "overlay", "overlay", "-o", layers, root])
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    apt: list[str | Path] = ["chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    install = [*apt, "install", "--yes", "--no-install-recommends"]
    run([*apt, "update"])
    # Asked before the pool is mounted: apt names only what it does not have yet.
    wanted = run([*install, "--print-uris", *packages])
    run(["mount", "--bind", pool, root / "var/cache/apt/archives"])
    run([*install, "--download-only", *packages])
    unmount_below(root)
    for line in wanted.splitlines():
        if line.startswith("'"):
            deb = line.split()[1]
            os.link(pool / deb, work / "debs" / deb)
    index = run(["sh", "-c", 'cd "$1" && apt-ftparchive packages .', "sh", work / "debs"])
    (work / "debs/Packages").write_text(index)
    (work / "debs").chmod(0o755)
