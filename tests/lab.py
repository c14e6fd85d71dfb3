"""What a person outside the hosts can do with a running lab: log in, send, read, look around over ssh.

Used by every test that needs real hosts, and by the proofs at the end of `make up`.
"""

import imaplib
import os
import poplib
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import yaml
from testinfra.host import Host

from hanam_lab.driver import Lab as Driver
from hanam_lab.paths import REPOSITORY
from hanam_lab.remote import LATE, Remote
from hanam_mail.host.agent import AGAIN_SECONDS
from tests.looks import Backend

TIMEOUT = 30.0
"""Seconds that one answer of a server may take."""

DELIVERY = 50.0
"""Seconds that are waited for a message to be in its mailbox, and for all else: more than a busy machine needs, and
less than Postfix waits with a message that it deferred (minimal_backoff_time)."""

EFFECT = 5.0
"""Seconds within which a change of state works on every node, whoever makes it: a promise, for tests marked `bound`."""

DATABASE_REST = 6.0
"""Seconds for which Postfix leaves alone a database that failed, and one (role postfix, _postfix_database_rest)."""

PSQL = "/usr/lib/postgresql/17/bin/psql -qtAX -v ON_ERROR_STOP=1"
"""For programs to read. By its place: Debian's psql is a script that first looks for it, six times as long."""

PATIENCE = ("-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=10")
"""Options of ssh by which a host that went away without a word is noticed."""


@dataclass(frozen=True)
class Sample:
    """A sample official whose password the lab knows."""

    address: str
    password: str
    mailbox: str
    name: str


class Lab:
    """A running lab and its inventory. `name` and `topology` come from HANAM_LAB and HANAM_INVENTORY."""

    def __init__(self, name: str, topology: Path) -> None:
        self.name = name
        self.topology = topology
        self.driver = Driver(name)
        self._remotes = dict[str, Remote]()
        self._looks = dict[str, Host]()
        self._logging_in = threading.Lock()

    @classmethod
    def from_environment(cls) -> "Lab":
        topology = os.environ.get("HANAM_INVENTORY", "inventory/lab.yml")
        return cls(os.environ.get("HANAM_LAB", "lab"), REPOSITORY / topology)

    # --- where things are ---

    @cached_property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """Host name -> addresses and the way in."""
        found: dict[str, dict[str, Any]] = yaml.safe_load(self.driver.inventory.read_text())["all"]["hosts"]
        return found

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Group -> its hosts, from the inventory."""
        inventory = yaml.safe_load(self.topology.read_text())
        return {group: list(body["hosts"]) for group, body in inventory.items() if "hosts" in body}

    def host(self, group: str) -> str:
        """First host of a group; a host's own name stands for itself."""
        return self.groups[group][0] if group in self.groups else group

    def address(self, group: str) -> str:
        """IPv4 address of a group's first host."""
        return str(self.hosts[self.host(group)]["host_ipv4"])

    @cached_property
    def variables(self) -> dict[str, Any]:
        """group_vars of the lab as plain YAML: numbers and secrets, nothing templated."""
        merged: dict[str, Any] = {}
        for folder in ("all", "hanam", "lab"):
            for path in sorted((REPOSITORY / "group_vars" / folder).rglob("*.yml")):
                merged |= yaml.safe_load(path.read_text()) or {}
        if secrets := self.driver.secrets:
            merged |= yaml.safe_load(secrets.read_text())
        return merged

    def port(self, key: str) -> int:
        """The port of that key in the table of ports."""
        (number,) = {int(row["port"]) for row in self.variables["ports"] if row["key"] == key}
        return number

    @property
    def acme_directory(self) -> str:
        """Where the lab's certificate authority answers."""
        return f"https://acme.example:{self.port('lab_acme')}/dir"

    @cached_property
    def samples(self) -> list[Sample]:
        """Sample officials of the registry, in the order of the registry's files."""
        passwords = self.variables["vault_sample_passwords"]
        people = []
        for path in sorted((REPOSITORY / "mailboxes").glob("*.yml")):
            for entry in yaml.safe_load(path.read_text()).get("mailboxes", []):
                if entry["kind"] == "person" and entry["address"] in passwords:
                    address = f"{entry['address']}@{self.variables['mail_domain']}"
                    people.append(Sample(address, passwords[entry["address"]], entry["id"], entry["name"]))
        return people

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """Verifies as a person's program would: by the certificate authority that the lab's world trusts."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.public_authorities)
        return context

    @cached_property
    def public_authorities(self) -> str:
        """PEM of the authorities that stand for the world's public ones, as a lab host trusts them."""
        pem = self.run("mailstore", "cat /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates/*.crt")
        return pem

    # --- hosts ---

    def run(self, group: str, command: str, *, check: bool = True) -> str:
        """Run a shell command as root on a host of a group and return what it printed.

        For commands, for many looks in one round trip, and for looks that belong to one moment with an action;
        a single look at a file, a unit, a user or a group is `look_at`'s. No command line shows it, on no host and
        in no journal: some commands bear passwords.
        """
        answer = self.remote(group).run(command)
        # As a person's terminal would show it.
        output, complaint = (
            text.decode().replace("\r\n", "\n").replace("\r", "\n") for text in (answer.output, answer.complaint)
        )
        if answer.code == LATE or (check and answer.code != 0):
            raise AssertionError(f"{command!r} on {group}: exit {answer.code}\n{output}\n{complaint}")
        return output

    def look_at(self, group: str) -> Host:
        """testinfra's view of a host of a group, as root over the same login; each property asks the host anew."""
        host = self.host(group)
        return self._looks.setdefault(host, Host(Backend(host, self.remote)))

    def remote(self, group: str) -> Remote:
        """The kept login on a host of a group."""
        with self._logging_in:
            host = self.host(group)
            if host not in self._remotes:
                self._remotes[host] = Remote(self.driver.ssh_command(host, options=PATIENCE))
            return self._remotes[host]

    def close(self) -> None:
        """Log out everywhere."""
        for remote in self._remotes.values():
            remote.close()
        self._remotes.clear()

    def play(self, book: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook on the lab, as an operator does."""
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        given = ["-e", f"@{self.driver.secrets}"] if self.driver.secrets else []
        where = ["-i", str(self.topology), "-i", str(self.driver.inventory)]
        return subprocess.run(
            [program, *where, *given, f"playbooks/{book}", *words],
            cwd=REPOSITORY,
            env=os.environ
            | {"ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def stopped(self, group: str, *units: str) -> Iterator[None]:
        """Stop units of a host for a while; they run again afterwards whatever happens."""
        names = " ".join(units)
        self.run(group, f"systemctl stop {names}")
        try:
            yield
        finally:
            self.run(group, f"systemctl start {names}")
            if "rspamd.service" in units:
                self.wait_for_filter()
            if any(unit.startswith("postgresql") for unit in units):
                self.outwait_rest()
                # Without Dovecot they cannot do what they have to.
                if self.look_at("mailstore").service("dovecot").is_running:
                    self.wait_for_agents()

    def outwait_rest(self) -> None:
        """After the database was away: each of Postfix' processes that asked it says "try later" until then."""
        time.sleep(DATABASE_REST)

    def wait_for_filter(self) -> None:
        """Its unit counts as started seconds before its port answers; mail is told to come again until then."""
        wait_for(lambda: "LISTEN" in self.run("filter", f"ss -lnt sport = :{self.port('milter')}"), "the milter's port")

    def sql(self, statements: str) -> str:
        """What the accounts database answers its superuser."""
        shell = f"cd / && runuser -u postgres -- {PSQL} -d mail"
        return self.run("accounts", f"{shell} <<'STATEMENTS'\n{statements}\nSTATEMENTS").strip()

    def locked_at(self, mailbox: str) -> float:
        """When its lock came to stand in the database, as `time.time()`: a lab and its tests have one clock.

        What is promised counts from here. Before it a program starts, beside the jobs of all hosts on two processors.
        """
        epoch = f"select extract(epoch from locked_at) from mail.lock_state where mailbox_id = '{mailbox}'"
        return float(self.sql(epoch))

    @contextmanager
    def hashes_as_in_production(self) -> Iterator[None]:
        """For a while a password's hash costs what it costs in production; in the lab it costs nothing.

        Hashes that are there already take that cost at their owner's next sign-in, and a refusal has it at once.
        """
        everywhere = yaml.safe_load((REPOSITORY / "group_vars/all/sizes.yml").read_text())
        change = "update mail.setting set value = '{}' where name = 'password_{}'; "

        def cost(variables: Mapping[str, Any]) -> str:
            names = ("argon2_memory", "argon2_passes")
            return "".join(change.format(variables[f"accounts_{name}"], name) for name in names)

        self.sql(cost(everywhere))
        try:
            yield
        finally:
            self.sql(cost(self.variables))

    def send_notices(self) -> None:
        """Send what waits by now."""
        self.start_anew("accounts", "hanam-mail-notices.service")

    def start_anew(self, group: str, job: str) -> None:
        """Run a job that begins now. One that the timer has begun may not see all: the first call awaits that."""
        self.run(group, f"systemctl start {job} && systemctl start {job}")

    def start_failed_jobs(self, host: str) -> None:
        """Start what failed and comes by the clock: its next time may be in an hour. What fails again stays failed."""
        again = "cut -d' ' -f1 | sed -n 's/[.]service$//p' | while read -r job; do"
        again += " if systemctl --quiet is-active $job.timer; then systemctl start $job.service; fi; done"
        self.run(host, f"systemctl --failed --plain --no-legend | {again}", check=False)

    def give_password(self, address: str, password: str, *, must_change: bool) -> None:
        """Give a mailbox a password unless it has it, and forget all it ever had before."""
        mailbox, typed = f"mail.resolve('{address}')", password.replace("'", "''")
        forget = f"delete from mail.password_history where mailbox_id = {mailbox};"
        setting = f"do $$ begin perform mail.password_set({mailbox}, '{typed}', {must_change}, true); end $$;"
        self.sql(f"{forget} {setting} {forget}")
        # What is opened from now on is not cut for what was before.
        self.outwait_cuts()

    def settle(self, seconds: float = DELIVERY) -> None:
        """Wait until every node's agent has done what the changes made so far ask of it."""

        def caught_up() -> bool:
            nodes = "', '".join(sorted({self.host("mailstore"), self.host("submission")}))
            behind = (
                f"select count(*) from mail.agent_cursor where node in ('{nodes}')"
                " and seq < (select coalesce(max(seq), 0) from mail.outbox)"
            )
            return self.sql(behind) == "0"

        wait_for(caught_up, "the agents to catch up", seconds)

    def outwait_cuts(self) -> None:
        """Wait until no agent has to cut once more for what was before; most often that is over by now."""
        self.settle()
        rest = f"{AGAIN_SECONDS + 1} - extract(epoch from now() - max(seen_at))"
        self.sql(f"select pg_sleep(greatest(0, {rest})) from mail.agent_cursor")

    def wait_for_agents(self) -> None:
        """After a restart of the database: wait for the agents, who make Dovecot drop its dead connections."""
        for host in {*self.groups["mailstore"], *self.groups["submission"]}:
            wait_for(partial(self._agent_listens, host), f"the agent of {host}")

    def _agent_listens(self, host: str) -> bool:
        return self.look_at(host).service("hanam-agent").systemd_properties.get("StatusText") == "listening"

    # --- mail ---

    def smtp(self, group: str = "mx", port: int = 25) -> smtplib.SMTP:
        """A plain connection, as another mail server opens it."""
        client = smtplib.SMTP(timeout=TIMEOUT)
        _greeted(client, self.address(group), port)
        client.ehlo("client.example")
        return client

    def submission(self, login: str, password: str, *, implicit_tls: bool = True) -> smtplib.SMTP:
        """A logged-in submission session on 465 (implicit TLS) or 587 (STARTTLS)."""
        name = f"smtp.{self.variables['mail_domain']}"
        address = self.address("submission")
        if implicit_tls:
            client: smtplib.SMTP = _PinnedSMTPS(name, address, self.ssl_context)
        else:
            client = smtplib.SMTP(timeout=TIMEOUT)
            _greeted(client, address, 587)
            client._host = name  # type: ignore[attr-defined]  # the name that the certificate must bear
            client.starttls(context=self.ssl_context)
        client.ehlo("client.example")
        client.login(login, password)
        return client

    def imap(self, login: str, password: str) -> imaplib.IMAP4_SSL:
        """A logged-in IMAP session over TLS."""
        name = f"imap.{self.variables['mail_domain']}"
        client = _PinnedIMAP(name, self.address("mailstore"), self.ssl_context)
        client.login(login, password)
        return client

    def pop3(self, login: str, password: str) -> poplib.POP3_SSL:
        """A logged-in POP3 session over TLS."""
        name = f"imap.{self.variables['mail_domain']}"
        client = _PinnedPOP3(name, self.address("mailstore"), self.ssl_context)
        client.user(login)
        client.pass_(password)
        return client

    def wait_for_message(
        self,
        sample: Sample,
        subject: str,
        *,
        folder: str = "INBOX",
        seconds: float = DELIVERY,
        put_off: bool = False,
    ) -> bytes:
        """The message of that subject, once it is in the person's folder; one `put_off` is tried again at each look."""

        def look() -> bytes | None:
            if put_off:
                self.run("mx", "postqueue -f")
            with self.imap(sample.address, sample.password) as client:
                status, _ = client.select(folder, readonly=True)
                if status != "OK":
                    return None
                client.literal = subject.encode()  # type: ignore[assignment]
                _, found = client.search("UTF-8", "HEADER", "Subject")
                numbers = found[0].split()
                if not numbers:
                    return None
                _, parts = client.fetch(numbers[-1].decode(), "(BODY.PEEK[])")
                return parts[0][1]  # type: ignore[index, return-value]

        return wait_for(look, f"message {subject!r} in {folder} of {sample.address}", seconds)


def wait_for[Result](look: Callable[[], Result | None], what: str, seconds: float = DELIVERY) -> Result:
    """Call `look` until it returns something; fail, naming what was awaited, after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not there after {seconds:.0f} s")
        time.sleep(0.3)


def at_once[Result](*calls: Callable[[], Result]) -> list[Result]:
    """Make all calls side by side, since a refusal takes its time; gives their results in order, or the first error."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(), calls))


def message(
    sender: str, recipient: str, *, subject: str | None = None, text: str = "Kính gửi đồng chí.\n"
) -> EmailMessage:
    """A Vietnamese message with a subject of its own (ASCII, so that IMAP can search for it)."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, recipient
    mail["Subject"] = subject or f"cong van {uuid.uuid4().hex[:12]}"
    mail["Message-ID"] = f"<{uuid.uuid4().hex}@client.example>"
    mail["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    mail.set_content(text)
    return mail


def _greeted(client: smtplib.SMTP, address: str, port: int) -> None:
    """Connect; an answer other than a greeting is raised, as smtplib itself does when it connects by itself."""
    code, text = client.connect(address, port)
    if code != 220:
        client.close()
        raise smtplib.SMTPConnectError(code, text)


class _PinnedSMTPS(smtplib.SMTP_SSL):
    """Connects to an address, verifies a name: the outer machine does not use the lab's resolver."""

    def __init__(self, name: str, address: str, context: ssl.SSLContext) -> None:
        self._address = address
        super().__init__(name, 465, timeout=TIMEOUT, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # type: ignore[override]
        plain = socket.create_connection((self._address, port), timeout)
        return self.context.wrap_socket(plain, server_hostname=host)


class _PinnedIMAP(imaplib.IMAP4_SSL):
    def __init__(self, name: str, address: str, context: ssl.SSLContext) -> None:
        self._address = address
        super().__init__(name, 993, ssl_context=context, timeout=TIMEOUT)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = socket.create_connection((self._address, self.port), timeout)
        return self.ssl_context.wrap_socket(plain, server_hostname=self.host)


class _PinnedPOP3(poplib.POP3_SSL):
    def __init__(self, name: str, address: str, context: ssl.SSLContext) -> None:
        self._address, self._context = address, context
        super().__init__(name, 995, timeout=TIMEOUT, context=context)

    def _create_socket(self, timeout: float) -> socket.socket:
        plain = socket.create_connection((self._address, self.port), timeout)
        return self._context.wrap_socket(plain, server_hostname=self.host)
