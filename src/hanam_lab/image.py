"""The base tree (an empty Debian 13) and the package archive that lab hosts install from.

Lab hosts have no way out to the Internet: what a role installs comes from a local archive,
built here once from the union of the roles' package lists. Both are keyed by their content.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from hanam_lab.paths import CACHE, REPOSITORY
from hanam_lab.shell import locked, run

SUITE = "trixie"
# What an installer leaves on an empty server, and python3 for Ansible. Roles bring everything else.
BASE_PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "iproute2", "ca-certificates", "openssh-server",
    "python3", "python3-apt", "sudo",
)  # fmt: skip
# Package scripts would fsync every file; a throw-away host does not need that.
DPKG_CONFIGURATION = "force-unsafe-io\n"
ARCHIVE_MOUNT = Path("/srv/lab-archives")

Say = Callable[[str], None]


def _key(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:12]


def base_tree(say: Say) -> Path:
    """Path of the base tree; builds it (about 20 s) when absent."""
    tree = CACHE / f"base-{_key(SUITE, BASE_PACKAGES, DPKG_CONFIGURATION)}"
    with locked(CACHE):
        if not tree.is_dir():
            say(f"building the base tree ({SUITE}): about 20 s, kept in {tree}")
            temporary = Path(tempfile.mkdtemp(prefix="base-new-", dir=CACHE))
            run(
                [
                    "mmdebstrap",
                    "--quiet",
                    "--variant=minbase",
                    f"--include={','.join(BASE_PACKAGES)}",
                    SUITE,
                    temporary,
                ]
            )
            _prepare(temporary)
            temporary.chmod(0o755)
            temporary.rename(tree)
    return tree


def _prepare(tree: Path) -> None:
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
    with locked(CACHE / "archives"):
        if not archive.is_dir():
            say(f"downloading {len(packages)} packages and what they need: one to two minutes, kept in {archive}")
            _build_archive(base, packages, archive)
    return archive


def _build_archive(base: Path, packages: list[str], archive: Path) -> None:
    pool = CACHE / "pool"
    (pool / "partial").mkdir(parents=True, exist_ok=True)
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="archive-new-", dir=CACHE) as name:
        work = Path(name)
        root = work / "root"
        for folder in ("upper", "work", "root", "debs"):
            (work / folder).mkdir()
        run(["mount", "-t", "overlay", "overlay",
             "-o", f"lowerdir={base},upperdir={work}/upper,workdir={work}/work", root])  # fmt: skip
        try:
            shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
            cache = root / "var/cache/apt/archives"
            apt: list[str | Path] = ["chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
            install = [*apt, "install", "--yes", "--no-install-recommends"]
            run([*apt, "update"])
            # Asked before the pool is mounted: apt names only what it does not have yet.
            wanted = run([*install, "--print-uris", *packages])
            run(["mount", "--bind", pool, cache])
            try:
                run([*install, "--download-only", *packages])
            finally:
                run(["umount", cache])
        finally:
            run(["umount", root])
        for line in wanted.splitlines():
            if line.startswith("'"):
                deb = line.split()[1]
                os.link(pool / deb, work / "debs" / deb)
        index = run(["sh", "-c", 'cd "$1" && apt-ftparchive packages .', "sh", work / "debs"])
        (work / "debs/Packages").write_text(index)
        (work / "debs").chmod(0o755)
        (work / "debs").rename(archive)
