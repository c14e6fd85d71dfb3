"""Memory of the mail host with as many virus signatures as the real databases hold, and mail while they are reloaded.

    python -m bench.memory --lab lab

No database reaches a lab, so that random hashes of files are made (main.cvd is mostly that) until clamd is as large as
with the real ones. Mail is sent without a pause while clamd takes them in: every message is scanned or told to come
again (4xx); one that bears a virus is never let through. The host's limit is the lab's (inventory/lab.yml: 4 GiB).
"""

import argparse
import json
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import Lab, Sample, message
from tests.mail.test_filter import EICAR, with_attachment

from bench.measuring import OUTPUT, REPOSITORY

SIGNATURES = "/var/lib/clamav/bench.hsb"
# On the host: what it writes is larger than anybody would send over ssh. The seed makes two runs alike.
_MAKE = f"""
import random
draw = random.Random(27)
with open("{SIGNATURES}", "w") as file:
    for number in range(COUNT):
        file.write(f"{{draw.getrandbits(256):064x}}:{{draw.randrange(1000, 500000)}}:Bench.{{number}}\\n")
"""
_RELOAD = """
import socket
link = socket.socket(socket.AF_UNIX)
link.connect("/run/clamav/clamd.ctl")
link.sendall(b"zRELOAD\\0")
print(link.recv(100))
"""
# Seconds for one load, on a machine that others use too.
PATIENCE = 900
GROUPS = Path("/sys/fs/cgroup/memory")


@contextmanager
def room(lab: Lab, host: str, octets: int) -> Iterator[None]:
    """Let a host of the lab have so much memory meanwhile, where the lab limits it by control groups of version 1."""
    group = GROUPS / f"hnm-{lab.name}-{host}"
    # Memory with swap may never be less than memory, so that a larger one comes first and a smaller one last.
    paths = [group / "memory.memsw.limit_in_bytes", group / "memory.limit_in_bytes"]
    before = {path: path.read_text() for path in paths if path.exists()}
    try:
        for path in before:
            path.write_text(str(octets))
        yield
    finally:
        for path, value in reversed(before.items()):
            path.write_text(value)


@dataclass
class Peaks:
    """The most that was in use, in bytes: by clamd, by all else, by all together."""

    clamd: int = 0
    others: int = 0
    together: int = 0

    def see(self, clamd: int, together: int) -> None:
        self.clamd = max(self.clamd, clamd)
        self.together = max(self.together, together)
        self.others = max(self.others, together - clamd)

    def as_mib(self) -> dict[str, int]:
        return {name: value >> 20 for name, value in vars(self).items()}


@dataclass
class Watch:
    """Looks at a lab host's memory group from outside, twice a second."""

    group: Path
    peaks: Peaks = field(default_factory=Peaks)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.5):
            self.peaks.see(self.clamd(), self.together())

    def together(self) -> int:
        """What processes and memory file systems hold; the page cache can be had back and does not count."""
        stat = dict(line.split() for line in (self.group / "memory.stat").read_text().splitlines())
        return int(stat["total_rss"]) + int(stat.get("total_shmem", 0))

    def clamd(self) -> int:
        found = 0
        for procs in self.group.rglob("cgroup.procs"):
            with suppress(OSError):
                for pid in procs.read_text().split():
                    with suppress(OSError):
                        if Path(f"/proc/{pid}/comm").read_text().strip() == "clamd":
                            status = Path(f"/proc/{pid}/status").read_text()
                            found += int(status.partition("RssAnon:")[2].split()[0]) * 1024
        return found

    def kills(self) -> int:
        """How often the kernel killed for want of memory in this group."""
        return int((self.group / "memory.oom_control").read_text().partition("oom_kill ")[2].split()[0])


@dataclass
class Stream:
    """Sends mail until it is told to stop: every other one bears a virus. Counts the answers."""

    lab: Lab
    sender: Sample
    recipient: Sample
    answers: dict[str, Counter[int]] = field(default_factory=lambda: {"clean": Counter(), "virus": Counter()})
    longest: float = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Stream":
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            kind = "virus" if number % 2 else "clean"
            mail = message(self.sender.address, self.recipient.address)
            if kind == "virus":
                mail = with_attachment(mail, "e.com", EICAR)
            began = time.monotonic()
            self.answers[kind][self._send(mail.as_bytes())] += 1
            self.longest = max(self.longest, time.monotonic() - began)
            # Within the limit of messages that one person may send.
            self._over.wait(1)

    def _send(self, raw: bytes) -> int:
        """The code of the last answer."""
        try:
            with self.lab.submission(self.sender.address, self.sender.password) as client:
                client.sock.settimeout(120)  # type: ignore[union-attr]
                client.mail(self.sender.address)
                client.rcpt(self.recipient.address)
                return client.data(raw)[0]
        except smtplib.SMTPDataError as error:
            return error.smtp_code


def measure(lab: Lab, count: int) -> dict[str, object]:
    """Load `count` signatures, then load them again; what was in use, how long it took, what became of mail."""
    sender, recipient = lab.samples[:2]
    watch = Watch(GROUPS / f"hnm-{lab.name}-{lab.host('filter')}")
    found: dict[str, object] = {
        "signatures": count,
        "limit_mib": int((watch.group / "memory.limit_in_bytes").read_text()) >> 20,
        "before_mib": {"clamd": watch.clamd() >> 20, "together": watch.together() >> 20},
    }
    kills = watch.kills()
    lab.run("filter", f"python3 - <<'END'\n{_MAKE.replace('COUNT', str(count))}\nEND\nchown clamav: {SIGNATURES}")
    for turn in ("first load", "reload"):
        watch.peaks = Peaks()
        watch._over.clear()
        stream = Stream(lab, sender, recipient)
        with watch, stream:
            began = time.monotonic()
            since = lab.run("filter", "date +%s").strip()
            lab.run("filter", f"python3 - <<'END'\n{_RELOAD}\nEND")
            loaded = (
                f"journalctl --unit=clamav-daemon --since=@{since} --output=cat | grep -c 'Database correctly reloaded'"
            )
            while lab.run("filter", loaded, check=False).strip() == "0":
                if time.monotonic() - began > PATIENCE:
                    raise SystemExit(f"clamd has not loaded its databases within {PATIENCE} s")
                time.sleep(0.5)
            seconds = time.monotonic() - began
            time.sleep(10)
        found[turn] = {
            "seconds": round(seconds, 1),
            "peak_mib": watch.peaks.as_mib(),
            "answers": {kind: dict(codes) for kind, codes in stream.answers.items()},
            "longest_wait_seconds": round(stream.longest, 1),
        }
        # Never let through: what bears a virus. Never refused for good: what does not.
        passed = stream.answers["virus"][250]
        refused = sum(number for code, number in stream.answers["clean"].items() if code >= 500)
        if passed or refused:
            raise SystemExit(f"{passed} viruses were let through, {refused} clean messages refused: {stream.answers}")
    found["after_mib"] = {"clamd": watch.clamd() >> 20, "together": watch.together() >> 20}
    found["killed_for_memory"] = watch.kills() - kills
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--lab", default="lab")
    parser.add_argument("--signatures", type=int, default=12_000_000)
    options = parser.parse_args()
    lab = Lab(options.lab, REPOSITORY / "inventory/lab.yml")
    try:
        found = measure(lab, options.signatures)
    finally:
        lab.run("filter", f"rm -f {SIGNATURES}; systemctl restart clamav-daemon.service")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "memory.json").write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
