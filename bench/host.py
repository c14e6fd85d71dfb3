"""The accounts host of a lab as the measurements need it: its database emptied, watched, its playbook run."""

import json
import os
import shlex
import smtplib
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab import Lab, message, wait_for

from bench.measuring import OUTPUT, REPOSITORY, Run, once
from bench.provinces import Province

# What apply writes, and what hangs on it; settings, secrets and the agents' places stay.
_EMPTY = """
set session_replication_role = replica;
truncate mail.agency, mail.handover, mail.audit, mail.outbox cascade;
analyze
"""
# The agents take their time after a first apply of 100,000.
_DEADLINE = "600s"
_STRANGER = "nguoi.gui@client.example"
_ARRIVAL = 300.0
"""Seconds for a first letter, one that was put off once included."""
# Says the time, in seconds since 1970, at which something became true; hosts and controller of a lab share one clock.
_WATCH = """
set statement_timeout = '{deadline}';
do $$ begin while not ({condition}) loop perform pg_sleep(0.02); end loop; end $$;
select extract(epoch from clock_timestamp())
"""


@dataclass(frozen=True)
class Host:
    """A lab that the measurements may do with as they like: its accounts are thrown away."""

    lab: Lab

    @classmethod
    def named(cls, name: str) -> "Host":
        """The lab of that name, of the usual topology."""
        return cls(Lab(name, REPOSITORY / "inventory/lab.yml"))

    def psql(self, statement: str) -> str:
        """What a statement answers to the superuser."""
        return self.lab.run("accounts", f"{_PSQL} -c {shlex.quote(statement)}").strip()

    def script(self, statements: str) -> None:
        """Have the superuser run statements of any length, the rows that COPY reads among them."""
        done = self.lab.remote("accounts").run(_PSQL, statements.encode())
        if done.code:
            raise RuntimeError(done.complaint.decode(errors="replace"))

    def empty(self) -> None:
        """Forget all accounts and sealed files. The agents have heard of everything before."""
        self.wait_for_agents()
        self.psql(_EMPTY)
        self.lab.run("accounts", "rm -f /var/lib/hanam-mail/handover/*")

    def give_samples(self) -> None:
        """Instead of all accounts those of the project's own registry, with the passwords that the lab knows."""
        self.empty()
        self.play(REPOSITORY / "playbooks/mailboxes.yml", "-e", f"mailboxes_handover_folder={OUTPUT}/handover")

    def wait_for_agents(self) -> float:
        """Wait until every agent has acted on all of the outbox; when that was so."""
        with self.watched(_HEARD) as watch:
            return watch.time()

    @contextmanager
    def watched(self, condition: str) -> Iterator["Watch"]:
        """Watch for a condition of SQL from now on."""
        statement = _WATCH.format(condition=condition, deadline=_DEADLINE)
        line = [*self.lab.driver.ssh_command(self.lab.host("accounts")), "sudo", "sh", "-c"]
        script = shlex.quote(f"{_PSQL} -c {shlex.quote(statement)}")
        # ssh makes its standard input non-blocking, which Ansible refuses in its own.
        with subprocess.Popen([*line, script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            yield Watch(process)

    def apply(self, province: Province) -> Run:
        """One run of playbooks/mailboxes.yml for the province, as an operator starts it."""
        words = {"mailboxes_registry": province.mailboxes, "mailboxes_handover_folder": province.folder / "handover"}
        extra = [part for name, value in words.items() for part in ("-e", f"{name}={value}")]
        return self.play(REPOSITORY / "playbooks/mailboxes.yml", *extra, cache=province.cache)

    def play(self, book: Path, *words: str, cache: Path | None = None) -> Run:
        """One run of a playbook against the lab."""
        line: list[str | Path] = [
            program("ansible-playbook"),
            "-i",
            self.lab.topology,
            "-i",
            self.lab.driver.inventory,
            *(["-e", f"@{self.lab.driver.secrets}"] if self.lab.driver.secrets else []),
            book,
            *words,
        ]
        env = {"ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        before = self.processors()
        run = once(line, env=env | ({"XDG_CACHE_HOME": str(cache)} if cache else {}), cwd=REPOSITORY)
        return replace(run, cpu=(run.cpu or 0) + self.processors() - before)

    def processors(self, group: str = "") -> float:
        """Seconds of processors that the hosts, or that of a group, have taken: they are processes of this machine."""
        only = self.lab.host(group) if group else ""
        hosts = [host for host in self.lab.driver.hosts() if only in ("", host.spec.name)]
        return sum(processors(host.leader_pid) for host in hosts if host.leader_pid is not None)

    def program(
        self, group: str, file: Path, *words: str, given: str = "", seconds: float = 3600, beside: Sequence[Path] = ()
    ) -> str:
        """What a program of ours prints, run as root on a host of a group; beside it what it imports."""
        for each in (file, *beside):
            self.lab.run(group, f"cat > /root/{each.name} <<'PROGRAM'\n{each.read_text()}\nPROGRAM\n")
        line = [*self.lab.driver.ssh_command(self.lab.host(group)), "sudo", "python3", f"/root/{file.name}", *words]
        done = subprocess.run(line, input=given, capture_output=True, text=True, check=False, timeout=seconds)
        if done.returncode:
            raise RuntimeError(f"{done.stdout}\n{done.stderr}")
        return done.stdout

    def takes_mail(self, address: str, *, deadline: float = 30.0) -> float:
        """Ask the mail exchanger until it takes mail for the address; when that was so."""
        end = time.monotonic() + deadline
        recipient = f"{address}@{self.lab.variables['mail_domain']}"
        while True:
            with self.lab.smtp() as client:
                client.mail("an@ngoai.example")
                code, said = client.rcpt(recipient)
                now = time.time()
            if code == 250:
                return now
            if time.monotonic() > end:
                raise smtplib.SMTPRecipientsRefused({recipient: (code, said)})
            time.sleep(0.2)

    def first_letter(self, address: str, mailbox: str) -> float:
        """Send a letter from outside to a mailbox; when it lay there, by Postfix' own note."""
        recipient, began = f"{address}@{self.lab.variables['mail_domain']}", int(time.time())
        mail = message(_STRANGER, recipient)

        def taken() -> bool:
            # Whoever is told to come again does so; a server would with less haste.
            try:
                with self.lab.smtp() as client:
                    return not client.sendmail(_STRANGER, [recipient], mail.as_bytes())
            except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
                return False

        def noted() -> float:
            lines = f"journalctl --sync; journalctl -q -t postfix/lmtp -o json --since=@{began}"
            return delivered(self.lab.run("mx", lines), recipient)

        wait_for(taken, f"that the server takes a letter to {recipient}", _ARRIVAL)
        when = wait_for(noted, f"the delivery of a letter to {recipient}", _ARRIVAL)
        subject = shlex.quote(str(mail["Subject"]))
        plain = "-o mail_plugins/fts=no -o mail_plugins/fts_flatcurve=no"
        if not self.lab.run(
            "mailstore", f"doveadm {plain} search -u {mailbox} mailbox INBOX subject {subject}"
        ).strip():
            raise RuntimeError(f"the letter to {recipient} is not in the INBOX")
        return when


def delivered(notes: str, recipient: str) -> float:
    """When Postfix noted (journal's JSON, a line each) that the recipient has a message; 0 when it has not."""
    entries = [json.loads(line) for line in notes.splitlines()]
    sent = [entry for entry in entries if f"to=<{recipient}>" in entry["MESSAGE"] and "status=sent" in entry["MESSAGE"]]
    return int(sent[0]["__REALTIME_TIMESTAMP"]) / 1e6 if sent else 0.0


class Watch:
    """A condition that is being watched for on the host."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def time(self) -> float:
        """Wait for it; when it became true, in seconds since 1970."""
        said, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"not seen within {_DEADLINE}")
        return float(said)


_PSQL = "cd / && runuser -u postgres -- psql -qAtX -v ON_ERROR_STOP=1 -d mail"
_HEARD = "not exists (select from mail.agent_cursor where seq < (select coalesce(max(seq), 0) from mail.outbox))"


def processors(process: int) -> float:
    """Seconds of processors that a process, its descendants and those of them that have ended took so far."""
    try:
        # After the command's name, which may hold anything: the state is the first, then utime to cstime from the 12th.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        children = [
            int(child)
            for thread in Path(f"/proc/{process}/task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return 0  # ended meanwhile
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") + sum(map(processors, children))


def program(name: str) -> str:
    """A program of the project's Python environment."""
    return os.fspath(REPOSITORY / ".venv/bin" / name)
