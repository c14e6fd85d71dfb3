"""What the outer machine must offer before a lab can start; each lack is told with its cure."""

import os
import shutil

from hanam_lab.errors import LabError
from hanam_lab.paths import CACHE, STATE

PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "apt-ftparchive": "apt-utils",
    "ip": "iproute2",
    "ssh-keygen": "openssh-client",
}
FREE_BYTES = 6 * 2**30


def check() -> None:
    """Raise LabError naming everything that is missing at once."""
    missing = []
    if os.geteuid() != 0:
        missing.append("root rights: the lab mounts file systems and boots machines; use sudo")
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            missing.append(f"the program {program}: apt-get install {package}")
    for folder in (CACHE, STATE):
        parent = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(parent).free
        if free < FREE_BYTES:
            missing.append(
                f"disk space: {parent} has {free / 2**30:.1f} GiB free, the lab needs {FREE_BYTES / 2**30:.0f} GiB"
            )
    if missing:
        raise LabError("the lab needs:\n" + "\n".join(f"  - {item}" for item in missing))
