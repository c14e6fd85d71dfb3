"""What a message costs a mail store. Runs on its host as root; writes a line of JSON for each size that it is given.

    python3 store_client.py ours ADDRESS MAILBOX SIZE...     the running Dovecot, one of its mailboxes
    python3 store_client.py unindexed ADDRESS MAILBOX SIZE...  the same, while it has no index of search
    python3 store_client.py used UNIT...                     seconds of processors that these daemons took so far
    python3 store_client.py fill ADDRESS MAILBOX SIZE        nothing is measured, the mailbox is filled
    python3 store_client.py peer SIZE...                     a second Dovecot, as peers ship it: Maildir, quota `count`
    python3 store_client.py bare SIZE...                     a second Dovecot with our format, and nothing but quota
    python3 store_client.py search MAILDIR                   nothing is filled: a peer that searches (see `searched`)

The mailbox is filled by copies of a short message, which are links; then messages come in as from Postfix: the
question whether there is room, then LMTP. Seconds are those of processors that Dovecot's processes took.
"""

import json
import os
import random
import resource
import shutil
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_KIB = 10
_MESSAGES, _ROUNDS = 60, 3
_FILLING = 5_000
# Some hundred words, as many as there are in a language's letters: an index of search has what it has in life.
_FIRST = ("cong", "van", "bao", "quyet", "hop", "nghi", "tinh", "huyen", "xa", "dan", "uy", "ban", "phong", "so", "ke")
_LAST = ("", "an", "inh", "oc", "uong", "iet", "ao", "em", "ong", "at", "ich", "oi", "ua", "ang", "enh", "up")
_OURS, _PEER = Path("/run/dovecot"), Path("/run/bench-peer")
_PEER_MAIL = Path("/srv/mail/.bench")
# Not in that folder, where Dovecot makes a link of its name.
_PEER_CONFIGURATION, _PEER_LOG = Path("/run/bench-peer.conf"), Path("/run/bench-peer.log")
_CONFIGURATION = f"""
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = {_PEER}
log_path = {_PEER_LOG}
protocols = lmtp
mail_driver = maildir
mail_path = ~/Maildir
mail_home = {_PEER_MAIL}/%{{user}}
mail_uid = vmail
mail_gid = vmail
mail_fsync = always
mail_compress_write_method = zstd
mail_plugins {{
  quota = yes
  mail_compress = yes
}}
quota "User quota" {{
  driver = count
  storage_size = 20G
}}
quota_status_success = DUNNO
quota_status_nouser = DUNNO
quota_status_overquota = 552 5.2.2 full
passdb static {{
  password = unused
}}
userdb static {{
}}
service lmtp {{
  user = vmail
  unix_listener lmtp {{
    mode = 0600
  }}
}}
service quota-status {{
  executable = quota-status -p postfix
  user = vmail
  client_limit = 1
  unix_listener quota-status {{
    mode = 0600
  }}
}}
service auth {{
  unix_listener auth-userdb {{
    mode = 0600
    user = vmail
  }}
}}
service anvil {{
  unix_listener anvil {{
    mode = 0600
    user = vmail
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""
# What the format costs on this machine by itself: neither Sieve nor an index of search, a process for many messages.
BARE = """
mail_driver = sdbox
mail_path = ~/sdbox
mail_vsize_bg_after_count = 0
lmtp_rcpt_check_quota = no
service lmtp {
  restart_request_count = 1000
}
"""


class Store:
    """A Dovecot, and the mailbox of it that is measured."""

    def __init__(self, master: int, folder: Path, question: Path, recipient: str, mailbox: str) -> None:
        self.master, self.folder, self.question = master, folder, question
        self.recipient, self.mailbox = recipient, mailbox
        self.indexed = folder == _OURS
        words = [f"{first}{last}" for first in _FIRST for last in _LAST]
        chosen = random.Random(1).choices(words, k=_KIB * 1024 // 5)  # noqa: S311 - no secret
        lines = [" ".join(chosen[number : number + 14]) for number in range(0, len(chosen), 14)]
        self.body = "\r\n".join(lines)[: _KIB * 1024]

    def run(self, command: str, *words: str, given: str = "") -> str:
        configuration = [] if self.folder == _OURS else ["-c", str(_PEER_CONFIGURATION)]
        line = ["doveadm", *configuration, "-o", "mail_plugins/quota=no", "-f", "flow"]
        line += [*command.split(), "-u", self.mailbox, *words]
        done = subprocess.run(line, input=given, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode} of {' '.join(line)}\n{done.stderr}")
        return done.stdout

    def messages(self, folder: str = "INBOX") -> int:
        return int(self.run("mailbox status", "messages", folder).split("messages=")[1])

    def fill(self, size: int) -> None:
        """Copy short messages into the INBOX until there are so many: what grows with it grows with their number."""
        if size and "Filling" not in self.run("mailbox list"):
            self.run("mailbox create", "Filling")
            self.run("save", "-m", "Filling", given=f"From: <an@ngoai.example>\n\n{self.body[:100]}\n")
            while (have := self.messages("Filling")) < _FILLING:
                self.run("copy", "Filling", "mailbox", "Filling", f"1:{min(have, _FILLING - have)}")
        while (have := self.messages()) < size:
            self.run("copy", "INBOX", "mailbox", "Filling", f"1:{min(_FILLING, size - have)}")
        if size and self.indexed:
            # What was copied is not to be indexed while deliveries are measured.
            _wait(lambda: f"messages={self.messages()} " in self.run("fts flatcurve stats", "INBOX"), 1800)

    def ask(self) -> None:
        question = {
            "request": "smtpd_access_policy", "protocol_state": "RCPT", "recipient": self.recipient,
            "size": str(_KIB * 1024),
        }  # fmt: skip
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.question))
            client.sendall("".join(f"{name}={value}\n" for name, value in question.items()).encode() + b"\n")
            answer = client.recv(1000)
        if answer.strip() != b"action=DUNNO":
            raise RuntimeError(f"{self.recipient}: {answer!r}")

    def deliver(self) -> None:
        head = f"From: <an@ngoai.example>\r\nTo: <{self.recipient}>\r\nSubject: {os.urandom(8).hex()}\r\n"
        with smtplib.LMTP(str(self.folder / "lmtp")) as client:
            client.sendmail("an@ngoai.example", [self.recipient], f"{head}\r\n{self.body}")

    def measured(self, size: int) -> dict[str, object]:
        self.fill(size)
        rounds: dict[str, list[float]] = {"question": [], "delivery": []}
        for act, name in ((self.ask, "question"), (self.deliver, "delivery")):
            act()
            for _ in range(_ROUNDS):
                before = processors(self.master)
                for _ in range(_MESSAGES):
                    act()
                # Processes that end are counted when their parent has waited for them.
                time.sleep(0.5)
                rounds[name].append((processors(self.master) - before) / _MESSAGES)
        return {"size": size, "load": os.getloadavg()[0], **rounds}


def family(main: int) -> dict[int, list[str]]:
    """A process and all that came of it and lives, each with the words of its stat after the command's name."""
    words = dict[int, list[str]]()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue

    def below(process: int) -> bool:
        while process in words and process != main:
            process = int(words[process][1])
        return process == main

    return {process: its for process, its in words.items() if below(process)}


def processors(main: int) -> float:
    """Seconds that a daemon took with all that came of it, living or waited for; `main` is its first process."""
    ticks = sum(sum(map(int, words[11:15])) for words in family(main).values())
    return ticks / os.sysconf("SC_CLK_TCK")


def main_process(unit: str) -> int:
    """The number of the process that systemd counts as the unit's; 0 when none runs."""
    return int(subprocess.check_output(["systemctl", "show", unit, "--property=MainPID", "--value"], text=True))


def _wait(until: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing came within {seconds:.0f} s")
        time.sleep(0.5)


def running(address: str, mailbox: str) -> Store:
    return Store(main_process("dovecot"), _OURS, Path("/var/spool/postfix/private/quota-status"), address, mailbox)


def second(more: str) -> Store:
    """Start a second Dovecot, as peers ship it but for `more` of its configuration."""
    shutil.rmtree(_PEER_MAIL, ignore_errors=True)
    _PEER_MAIL.mkdir(mode=0o700)
    shutil.chown(_PEER_MAIL, "vmail", "vmail")
    _PEER.mkdir(mode=0o755, exist_ok=True)
    _PEER_CONFIGURATION.write_text(_CONFIGURATION + more)
    # Whoever runs this program waits until nobody can write to its output any more.
    subprocess.run(["/usr/sbin/dovecot", "-c", str(_PEER_CONFIGURATION)], check=True, stdout=subprocess.DEVNULL)
    _wait(lambda: (_PEER / "lmtp").is_socket() and (_PEER / "master.pid").exists(), 30)
    return standing()


def standing() -> Store:
    """The second Dovecot, which runs."""
    master = int((_PEER / "master.pid").read_text())
    return Store(master, _PEER, _PEER / "quota-status", "nguoidung@hanam.example", "nguoidung@hanam.example")


def searched(store: Store, maildir: Path, given: dict[str, Any]) -> dict[str, object]:
    """What a peer takes to search for texts in a Maildir, whose place it takes, and for deliveries into it.

    Given are the texts, a message and how many times it is delivered, in one connection. Answers seconds of the clock
    and of processors, and how many messages each search found.
    """
    if maildir.exists():
        home = _PEER_MAIL / store.mailbox
        home.mkdir(mode=0o700)
        shutil.chown(home, "vmail", "vmail")
        maildir.rename(home / "Maildir")
    # Its own look at new files is no part of a search.
    store.messages()
    found = dict[str, tuple[float, float, int]]()
    for text in given["texts"]:
        before, began = _children(), time.monotonic()
        hits = len(store.run("search", "mailbox", "INBOX", "body", text).splitlines())
        found[text] = (time.monotonic() - began, _children() - before, hits)
    with smtplib.LMTP(str(store.folder / "lmtp")) as client:
        client.sendmail("", [store.recipient], given["mail"])
        before, began = processors(store.master), time.monotonic()
        for _ in range(given["number"]):
            client.sendmail("", [store.recipient], given["mail"])
        seconds = time.monotonic() - began
    time.sleep(0.5)
    return {"searches": found, "deliveries": (seconds, processors(store.master) - before)}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def leave() -> None:
    """End the second Dovecot, if it runs, and take away all that it had."""
    file = _PEER / "master.pid"
    # One that was killed has left its number.
    if file.exists() and Path("/proc", file.read_text().strip()).exists():
        subprocess.run(["doveadm", "-c", str(_PEER_CONFIGURATION), "stop"], check=False)
    for folder in (_PEER_MAIL, _PEER):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (_PEER_CONFIGURATION, _PEER_LOG):
        file.unlink(missing_ok=True)


def main() -> None:
    kind, *words = sys.argv[1:]
    if kind == "used":
        print(json.dumps([processors(main_process(unit)) for unit in words]))
        return
    of_ours = kind in ("ours", "unindexed", "fill")
    if of_ours:
        address, mailbox, *sizes = words
        store = running(address, mailbox)
        store.indexed = kind != "unindexed"
    else:
        sizes = words
    if kind == "fill":
        store.fill(int(sizes[0]))
        return
    try:
        if not of_ours:
            store = second(BARE if kind == "bare" else "")
        if kind == "search":
            print(json.dumps(searched(store, Path(words[0]), json.load(sys.stdin))))
            return
        for size in map(int, sizes):
            print(json.dumps(store.measured(size)), flush=True)
    finally:
        if not of_ours:
            leave()


if __name__ == "__main__":
    main()
