"""Octets that all below a folder takes, a file with several names once. Runs on the host that has it.

    python3 used.py FOLDER

Mail is delivered, expunged and indexed meanwhile. What is gone before it is looked at counts for nothing; du takes it
for an error.
"""

import os
import sys
from pathlib import Path


def octets(folder: str) -> int:
    """The sum of the sizes."""
    found = {(0, 0): Path(folder).lstat().st_size}
    for directory, folders, names in os.walk(folder):
        for name in (*folders, *names):
            try:
                entry = (Path(directory) / name).lstat()
            except FileNotFoundError:
                continue
            found[entry.st_dev, entry.st_ino] = entry.st_size
    return sum(found.values())


if __name__ == "__main__":
    print(octets(sys.argv[1]))
