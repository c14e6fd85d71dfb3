"""The world outside: write from it, read its mailboxes, make it misbehave (role lab_mta)."""

import email
import email.policy
import io
import json
import shlex
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
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
