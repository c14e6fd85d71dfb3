"""python -m bench: every measurement of speed, and of unwanted mail, on a lab of its own (`make bench`).

The lab is taken down whatever happens.

The figures go to build/bench/, which is emptied first. A part that fails, or misses what was asked of it, leaves the
other parts theirs and makes the whole fail.

bench.memory is no part of it: how much the virus signatures take says nothing of speed, keeps clamd loading for minutes
and is asked when ClamAV or the hosts' memory changes. It is run by hand on a standing lab.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from bench.host import program
from bench.measuring import OUTPUT, REPOSITORY
from hanam_lab import topology
from hanam_lab.driver import Lab

TOPOLOGY = REPOSITORY / "inventory/lab.yml"
BOOKS = ("lab", "mailboxes")
"""What `make up` plays: the world outside and the system, then the sample accounts."""
_TAIL_LINES = 60

type Words = Sequence[str | Path]


def say(text: str) -> None:
    """Tell what is going on, at once."""
    print(f"bench: {text}", flush=True)


def parts(lab: str, sizes: Sequence[int], runs: int) -> dict[str, Words]:
    """The measurements and their commands, in order."""
    size = [word for each in sizes for word in ("--size", str(each))]
    return {
        "registry": [sys.executable, "-m", "bench.registry", "--lab", lab, "--runs", str(runs), *size],
        "logins": [sys.executable, "-m", "bench.logins", "--lab", lab],
        "store": [sys.executable, "-m", "bench.store", "--lab", lab],
        "mailboxes": [sys.executable, "-m", "bench.mailboxes", "--lab", lab],
        "conversion": [sys.executable, "-m", "bench.conversion", "--lab", lab],
        "mail": [sys.executable, "-m", "bench.mail", "--lab", lab],
        "spam": [sys.executable, "-m", "bench.spam", "--lab", lab],
        "mail_auth": [sys.executable, "-m", "bench.mail_auth"],
        "secrecy": [sys.executable, "-m", "bench.secrecy"],
        "search": [sys.executable, "-m", "bench.search", "--lab", lab],
        "clicks": [sys.executable, "-m", "bench.clicks", "--lab", lab],
        "sessions": [sys.executable, "-m", "bench.sessions", "--lab", lab],
        "circular": [sys.executable, "-m", "bench.circular", "--lab", lab, "--size", str(max(sizes))],
    }


def measure(lab: Lab, commands: Mapping[str, Words]) -> list[str]:
    """Boot the lab, converge it, run every part; the names of those that failed. The lab is gone afterwards."""
    try:
        lab.up(topology.read(TOPOLOGY), say)
        say(f"converging, its log is {_LOG.relative_to(REPOSITORY)}")
        if not _converged(lab):
            return ["converge"]
        return [name for name, words in commands.items() if not _measured(name, words)]
    finally:
        # Whoever interrupts again must not leave a lab behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        lab.down(say)


def _converged(lab: Lab) -> bool:
    """Every host set up, the world outside among them, with the sample accounts."""
    line: Words = [program("ansible-playbook"), "-i", TOPOLOGY, "-i", lab.inventory]
    books = [REPOSITORY / f"playbooks/{name}.yml" for name in BOOKS]
    with _LOG.open("wb") as log:
        done = subprocess.run([*line, *books], cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        say("\n".join(["the lab does not converge:", *_LOG.read_text(errors="replace").splitlines()[-_TAIL_LINES:]]))
    return done.returncode == 0


def _measured(name: str, words: Words) -> bool:
    began = time.monotonic()
    done = subprocess.run(words, cwd=REPOSITORY, check=False)
    verdict = "FAILED" if done.returncode else "done"
    say(f"{name}: {verdict} (after {time.monotonic() - began:.0f} s)")
    return done.returncode == 0


_LOG = OUTPUT / "converge.log"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all was measured and within what is asked, 1 when not, 2 for a lab that is in use, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--lab", default="bench", help="name of the lab that is made and taken down")
    parser.add_argument("--size", type=int, action="append", help="mailboxes; may be repeated (2000 and 20000)")
    parser.add_argument("--runs", type=int, default=3, help="of each measure")
    options = parser.parse_args(arguments)
    lab = Lab(options.lab)
    if lab.hosts():
        say(f"the lab {lab.name} is there already; its accounts would be lost: python -m hanam_lab down {lab.name}")
        return 2

    def terminated(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminated)
    with suppress(FileNotFoundError):
        shutil.rmtree(OUTPUT)
    OUTPUT.mkdir(parents=True)
    try:
        failed = measure(lab, parts(lab.name, options.size or [2_000, 20_000], options.runs))
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    say(f"figures in {OUTPUT.relative_to(REPOSITORY)}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
