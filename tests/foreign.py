"""The world outside: write from it, read its mailboxes, make it misbehave (role lab_mta)."""

import email
import email.policy
import email.utils
import io
import json
import re
import shlex
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from functools import partial
from typing import Any

from tests.lab import DELIVERY, Lab, wait_for

MAIL_FOLDER = "/srv/foreign-mail"
AN = "an@ngoai.example"
BINH = "binh@ngoai.example"
AGENCY = "an@bo.gov.vn"
"""A mailbox of a state agency outside the province."""
UNSIGNED = "an@khongky.example"
"""A domain without DNSSEC, so without DANE."""
WRONG_DANE = "an@saidane.example"
"""A domain whose TLSA record does not match its server: mail for it must wait."""
STS = "an@dungsts.example"
"""A domain without DANE whose MTA-STS policy its server keeps (group_vars/lab/lab_sts.yml has the others)."""
BUSY = "busy@ngoai.example"
REJECT = "reject@ngoai.example"
FULL = "full@ngoai.example"
SLOW = "slow@ngoai.example"

PUT_OFF = 150.0
"""Seconds until our mail is put off: to look up a policy and to reach a server each have limits of their own."""

ADDRESSES = ("host_ipv4", "host_ipv6")

_JUDGE = """
import dkim, json, re, sys
message = sys.stdin.buffer.read()
found = {}
for number, (name, value) in enumerate(f for f in dkim.rfc822_parse(message)[0] if f[0].lower() == b"dkim-signature"):
    selector = re.search(rb"[;\\s]s=([^;]*);", value)[1].decode().strip()
    assert selector not in found, f"two signatures by {selector}"
    try:
        found[selector] = dkim.DKIM(message).verify(idx=number)
    except dkim.ValidationError:
        found[selector] = False
print(json.dumps(found))
"""

_CHAIN = """
import dkim, json, sys
held, sets, reason = dkim.arc_verify(sys.stdin.buffer.read())
domains = {each["instance"]: each["as-domain"].decode() for each in sets}
print(json.dumps([(held or b"").decode(), [domains[number] for number in sorted(domains)], str(reason)]))
"""
"""A chain's verdict, and the domain of each seal."""

Session = dict[str, str]
"""What a client said in a session: command -> how often, as Postfix counts it ("0/1" for one that was refused)."""


class Foreign:
    """The foreign mail server of a lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def send(self, mail: EmailMessage | bytes, sender: str, *recipients: str) -> None:
        """Send as a person of the foreign organisation: signed, from an address its SPF record allows."""
        data = mail if isinstance(mail, bytes) else mail.as_bytes(policy=email.policy.SMTPUTF8)
        self._pipe(data, "/usr/sbin/sendmail", "-G", "-i", "-f", sender, *recipients)

    def messages(self, address: str) -> list[EmailMessage]:
        """What is in a foreign mailbox, oldest first."""
        return [email.message_from_bytes(content, policy=email.policy.default) for content in self.contents(address)]  # type: ignore[misc]

    def contents(self, address: str) -> list[bytes]:
        """The same as it came, octet by octet: what a parser writes again need not be what was signed."""
        local, domain = address.split("@")
        # Files in `new` are complete and never change; the folder comes with the first message.
        new = f"{MAIL_FOLDER}/{domain}/{local}/new"
        find = f'find {MAIL_FOLDER} -path "{new}/*" -type f -print0'
        archive = self._pipe(b"", "sh", "-c", f"'{find} | tar -P --null -T - -c'")
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            found = sorted((entry for entry in files if entry.isfile()), key=lambda entry: (entry.mtime, entry.name))
            return [files.extractfile(entry).read() for entry in found]  # type: ignore[union-attr]

    def wait_for(self, address: str, subject: str, seconds: float = DELIVERY) -> EmailMessage:
        """The message with that subject, once it has arrived."""
        return wait_for(
            lambda: next((mail for mail in self.messages(address) if mail["Subject"] == subject), None),
            f"message {subject!r} in {address}",
            seconds,
        )

    def verdicts(self, data: bytes) -> dict[str, bool]:
        """Selector -> whether the signature by that key is good, of all signatures of a message; dkimpy judges."""
        found: dict[str, bool] = json.loads(self._pipe(data, "python3", "-c", shlex.quote(_JUDGE)))
        return found

    def chain(self, data: bytes) -> tuple[str, list[str]]:
        """Whether a message's ARC chain holds by the keys in DNS, and who sealed, first to last; dkimpy judges."""
        held, domains, _ = json.loads(self._pipe(data, "python3", "-c", shlex.quote(_CHAIN)))
        return held, domains

    def sessions(self, since: float) -> list[Session]:
        """What our hosts said on port 25 in each session that they began since then, once all of these are over."""
        ours = {self.lab.hosts[self.lab.host(group)][key] for group in ("mx", "submission") for key in ADDRESSES}

        def look() -> list[Session] | None:
            begun, ended = set[str](), dict[str, Session]()
            # One process for each session (role lab_mta).
            for line in self._written("internet", "postfix/smtpd", since):
                found = re.search(r"\[(\d+)\]: (connect|disconnect) from \S+\[([^]]+)\](.*)", line)
                if found and found[3] in ours and found[2] == "connect":
                    begun.add(found[1])
                elif found and found[1] in begun:
                    ended[found[1]] = dict(re.findall(r"(\w+)=([\d/]+)", found[4]))
            return list(ended.values()) if begun and begun == ended.keys() else None

        return wait_for(look, "sessions of ours that are over")

    @contextmanager
    def no_letter(self) -> Iterator[None]:
        """Meanwhile hosts of ours come, and none says who writes or what: not one octet of a letter."""
        for host in {self.lab.host("mx"), self.lab.host("submission")}:
            # What waits of others' would be brought meanwhile.
            self.lab.run(host, "postsuper -d ALL deferred")
            wait_for(partial(self._nothing_leaves, host), f"an empty queue of {host}")
        start = time.time()
        yield
        if began := [said for said in self.sessions(start) if said.keys() & {"mail", "rcpt", "data", "bdat"}]:
            raise AssertionError(f"a letter began: {began}")

    def secured(self, mail: EmailMessage, recipient: str, group: str = "submission") -> str:
        """What Postfix of a host writes of the TLS session by which a message went: "Verified ... to mx.example"."""
        since = email.utils.parsedate_to_datetime(mail["Date"]).timestamp()
        noted = re.compile(rf"\]: (\w+): message-id={re.escape(mail['Message-ID'])}$")
        (name,) = {found[1] for line in self._written(group, "postfix/cleanup", since) if (found := noted.search(line))}
        # Process -> its last session, and the message for which it was.
        sessions = dict[str, tuple[str, str]]()
        for line in self._written(group, "postfix/smtp", since):
            if found := re.search(r"\[(\d+)\]: (\w+ TLS connection established to [^[]+)", line):
                sessions[found[1]] = found[2], ""
            elif found := re.search(r"\[(\d+)\]: (\w+): to=<([^>]*)>,.* status=(\w+)", line):
                process, carried, to, status = found.groups()
                session, message = sessions.pop(process, ("", ""))
                if message in ("", carried):
                    sessions[process] = session, carried
                    if (carried, to, status) == (name, recipient, "sent"):
                        return session
        raise AssertionError(f"{name} did not go to {recipient}")

    def _nothing_leaves(self, host: str) -> bool:
        return all(entry["queue_name"] == "hold" for entry in self.queue(host))

    def _written(self, group: str, program: str, since: float) -> list[str]:
        """Lines of a program of a host, each with the number of its process."""
        return self.lab.run(
            group, f"journalctl --sync; journalctl -q -o short -t {program} --since @{since:.3f}"
        ).splitlines()

    def clear(self) -> None:
        """Empty all foreign mailboxes."""
        self._pipe(b"", "find", MAIL_FOLDER, "-type", "f", "-delete")

    def queue(self, group: str = "internet") -> list[dict[str, Any]]:
        """What waits in the queue of a host's Postfix, as postqueue tells it."""
        return [json.loads(line) for line in self.lab.run(group, "postqueue -j").splitlines()]

    @contextmanager
    def without(self, extensions: str) -> Iterator[None]:
        """Stop offering extensions of SMTP for a while, as an attacker in between or an old server would."""
        self._switch(f"0.0.0.0/0 {extensions}\\n::/0 {extensions}\\n")
        try:
            yield
        finally:
            self._switch("")

    def _switch(self, text: str) -> None:
        # A process that began for a connection and got none waits for the next, with the table as it was then.
        gone = 'for each in $before; do timeout 60 sh -c "while kill -0 $each; do sleep 0.1; done" 2>/dev/null; done'
        write = f"printf '{text}' > /etc/postfix/discard_ehlo"
        self.lab.run("internet", f"{write}; before=$(pgrep -x smtpd); postfix reload 2>/dev/null; {gone}")

    def _pipe(self, data: bytes, *command: str) -> bytes:
        line = self.lab.driver.ssh_command(self.lab.host("internet"), shared=True)
        done = subprocess.run([*line, "sudo", *command], input=data, capture_output=True, check=False, timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} on internet: exit {done.returncode}\n{done.stderr.decode()}")
        return done.stdout
