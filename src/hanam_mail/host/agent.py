"""The agent of a node: hears of changes of accounts and makes the daemons forget what they cached.

It listens on the channel mail_outbox, reads the outbox from its cursor (kept in the database, one per node)
and acts: whatever a change is, Dovecot's auth cache forgets the mailbox, and once more a little later: a
sign-in that was decided just before may have come in behind. A change of access also cuts its sessions, twice
where somebody was shut out. Acting twice does no harm, so the cursor moves after the deed. A lost
connection or a stopped Dovecot is waited for, with growing pauses, and then caught up with; after a lost
connection Dovecot's own ones are tried as well, before somebody's sign-in is.
"""

import json
import logging
import random
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hanam_mail.host import dovecot, settings_file
from hanam_mail.host.database.session import Session
from hanam_mail.host.mail import filter_reports
from hanam_mail.host.service import Program, tell_systemd
from hanam_mail.host.settings_file import ConfigurationError

log = logging.getLogger("hanam-agent")


BATCH = 5000
# Without any notice the outbox is looked at this often: a NOTIFY is a hint, the table is the truth.
IDLE_SECONDS = 15.0
MAX_PAUSE_SECONDS = 30.0
# Longer than a sign-in takes from the database's answer to the session, shorter than what a lock may take.
AGAIN_SECONDS = 2.0
# Where the filter is, its reports are looked at this often.
REPORT_SECONDS = 3.0
# After so long without the outbox or Dovecot, and each time as long again, the journal has it as an error: a restart of
# either is over by then, and until the agent gets through, who was locked may sign in from the cache.
ALARM_SECONDS = 300.0


@dataclass(frozen=True)
class AgentConfiguration:
    """From the agent's YAML file.

    `hold`: on a host with a queue of our people's mail, the folder that names the mailboxes whose mail is to be held
    (hold_queue.py). `new`: on a mail store, the folder that names the mailboxes that have just been issued
    (first_folders.py). `reports`: on the filter's host, the way to its Redis (filter_reports.py).
    """

    node: str
    dsn: str
    doveadm: tuple[str, ...]
    hold: Path | None = None
    new: Path | None = None
    reports: Mapping[str, str] | None = None

    @classmethod
    def read(cls, path: Path) -> "AgentConfiguration":
        """Read and check the file."""
        data = settings_file.content(path)
        required = {"node", "dsn", "doveadm"}
        if not isinstance(data, dict) or not required <= set(data) <= required | {"hold", "new", "reports"}:
            raise ConfigurationError(f"{path}: expected the keys node, dsn and doveadm")
        if not all(isinstance(data[key], str) and data[key] for key in ("node", "dsn")):
            raise ConfigurationError(f"{path}: node and dsn must be texts")
        if not isinstance(data["doveadm"], list) or not all(isinstance(word, str) for word in data["doveadm"]):
            raise ConfigurationError(f"{path}: doveadm must be a list of words, empty on a node without Dovecot")
        reports = data.get("reports")
        if isinstance(reports, dict) and set(reports) == filter_reports.FORMER_KEYS:
            reports = {"viruses": reports.pop("list"), "services": "", **reports}
        if reports is not None and (not isinstance(reports, dict) or set(reports) != filter_reports.KEYS):
            raise ConfigurationError(f"{path}: reports has the keys {', '.join(sorted(filter_reports.KEYS))}")
        hold, new = (Path(data[key]) if data.get(key) else None for key in ("hold", "new"))
        return cls(data["node"], data["dsn"], tuple(data["doveadm"]), hold, new, reports)


def hold(events: Iterable[dovecot.OutboxEvent], folder: Path | None) -> None:
    """Ask for what these mailboxes sent to be held in the queue, where the lock still stands."""
    for event in events:
        if folder is None or event.topic != "mailbox.hold" or event.mailbox is None:
            continue
        if event.payload.get("locked", True):
            (folder / event.mailbox).touch()
            log.info("hold the queue of %s", event.mailbox)


def ask_for_folders(events: Iterable[dovecot.OutboxEvent], requests: Path | None) -> None:
    """Ask for the first folders of mailboxes that have just been issued.

    Where that fails Dovecot makes them when somebody comes: no lock waits for it.
    """
    for event in events:
        if requests is not None and event.topic == "mailbox.created" and event.mailbox is not None:
            try:
                (requests / event.mailbox).touch()
            except OSError as error:
                log.error("the folders of new mailboxes cannot be asked for: %s", error)
                return


def warnings(events: Iterable[dovecot.OutboxEvent]) -> list[str]:
    """A line each for the journal: limits of wrong passwords that were reached, of which the operator hears (Đ4.6)."""
    return [
        # Names come as somebody typed them: as JSON in ASCII they cannot make a line of their own.
        f"sign-in lockout {json.dumps(event.payload, sort_keys=True)}"
        for event in events
        if event.topic == "sign_in.lockout"
    ]


class Pending:
    """What is to be done once more, and when; `held`: events that wait for Dovecot, whose queue was held already."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.held: set[int] = set()
        self._waiting: list[tuple[float, dovecot.Deeds]] = []

    def add(self, todo: dovecot.Deeds) -> None:
        """To be done so many seconds from now."""
        if not todo.nothing:
            self._waiting.append((self._clock() + AGAIN_SECONDS, todo))

    @property
    def wait(self) -> float:
        """Seconds until the first of it."""
        return max(0.0, self._waiting[0][0] - self._clock()) if self._waiting else IDLE_SECONDS

    def do(self, doveadm: Sequence[str], act: dovecot.Act, *, all_of_it: bool = False) -> None:
        """Do what is due. What fails stays."""
        while self._waiting and (all_of_it or self._waiting[0][0] <= self._clock()):
            dovecot.react(self._waiting[0][1], doveadm, act)
            del self._waiting[0]


def catch_up(
    connection: Session,
    configuration: AgentConfiguration,
    act: dovecot.Act = dovecot.perform,
    pending: Pending | None = None,
) -> int:
    """Handle everything that is waiting; how many events that was. What is to be done once more goes to `pending`."""
    handled = 0
    while True:
        events = [
            dovecot.OutboxEvent(seq, topic, mailbox, tuple(logins), payload)
            for seq, topic, mailbox, logins, payload in connection.execute(
                "SELECT seq, topic, mailbox, logins, payload FROM mail.agent_next(%s, %s)", [configuration.node, BATCH]
            )
        ]
        if not events:
            return handled
        for warning in warnings(events):
            log.warning("%s", warning)
        # The queue first: it drains while Dovecot is waited for. One that cannot be held keeps nobody from being cut.
        # Once an event, however often Dovecot fails: an operator may have let go what was held.
        held = pending.held if pending is not None else set[int]()
        try:
            hold((event for event in events if event.seq not in held), configuration.hold)
            held.update(event.seq for event in events)
        finally:
            dovecot.react(dovecot.deeds(events), configuration.doveadm, act)
        # Dovecot has forgotten that it did not know them.
        ask_for_folders(events, configuration.new)
        if pending is not None:
            pending.add(dovecot.later(events))
        connection.execute("SELECT mail.agent_done(%s, %s)", [configuration.node, events[-1].seq])
        held.clear()
        handled += len(events)
        tell_systemd("WATCHDOG=1")


class Reports:
    """The filter's reports, carried while the agent waits. A Redis that is away keeps nothing else from being done."""

    def __init__(self, settings: Mapping[str, str] | None) -> None:
        self._settings = settings
        self._failing = False

    @property
    def wait(self) -> float:
        """Seconds until the next look."""
        return IDLE_SECONDS if self._settings is None else REPORT_SECONDS

    def carry(self, database: Session) -> None:
        """Carry what there is."""
        if self._settings is None:
            return
        try:
            with filter_reports.connect(self._settings) as redis:
                for login in filter_reports.carry_viruses(redis, self._settings["viruses"], database):
                    log.warning("%s sent viruses and is locked", login)
                if self._settings["services"]:
                    filter_reports.carry_services(redis, self._settings["services"], database)
            self._failing = False
        except OSError as error:
            if not self._failing:
                log.warning("the filter's reports cannot be read: %s", error)
            self._failing = True


def listen(configuration: AgentConfiguration, pending: Pending, tries: "Tries", program: Program) -> None:
    """Serve over one connection until it breaks or the program is replaced."""
    import psycopg

    with psycopg.connect(
        configuration.dsn,
        autocommit=True,
        application_name=f"hanam-agent {configuration.node}",
        connect_timeout=10,
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
    ) as connection:
        connection.execute("LISTEN mail_outbox")
        # Before the first look at the outbox: what comes after the look is announced.
        connection.execute("SELECT mail.agent_register(%s)", [configuration.node])
        # At once: while Dovecot is down there is no settling, but the queue can be held.
        catch_up(connection, configuration, pending=pending)
        renewed = dovecot.settle(configuration.doveadm)
        if renewed:
            log.info("Dovecot opened its connections to the database anew, after %d questions without answer", renewed)
        reports = Reports(configuration.reports)
        while not program.replaced:
            catch_up(connection, configuration, pending=pending)
            pending.do(configuration.doveadm, dovecot.perform)
            # After the changes of accounts: nothing that is wrong with a report may keep a lock from getting through.
            reports.carry(connection)
            tries.caught_up()
            # A notice may have come with the last answer, which did not know of it yet; else wait on the socket itself.
            if not list(connection.notifies(timeout=0)):
                select.select([connection.fileno()], [], [], min(pending.wait, reports.wait))
        pending.do(configuration.doveadm, dovecot.perform, all_of_it=True)


def pause(failures: int) -> float:
    """Seconds before the next try: doubling, with chance so that nodes do not come all at once."""
    longest: float = min(MAX_PAUSE_SECONDS, 0.25 * 2.0 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311


def alarm(seconds: float) -> str:
    """What the operator is told when no change got through for so long."""
    return (
        f"no change of accounts got through for {seconds / 60:.0f} minutes: "
        "who was locked meanwhile may still sign in here (doveadm auth cache flush)"
    )


class _JournalFormatter(logging.Formatter):
    """The message with its priority in front, as systemd reads it from a program's output (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        priority = 3 if record.levelno >= logging.ERROR else 4 if record.levelno >= logging.WARNING else 6
        return f"<{priority}>{super().format(record)}"


class Tries:
    """The tries to get through, one after the other, and what the journal says of those that fail."""

    def __init__(self) -> None:
        self._failures, self._since, self._alarm_after = 0, 0.0, ALARM_SECONDS

    def caught_up(self) -> None:
        """Everything got through."""
        if self._failures:
            log.info("caught up after %d failures", self._failures)
        self._failures = 0
        tell_systemd("STATUS=listening\nWATCHDOG=1")

    def failed(self, error: Exception) -> float:
        """One more did; the seconds to wait before the next."""
        if not self._failures:
            self._since, self._alarm_after = time.monotonic(), ALARM_SECONDS
        self._failures += 1
        detail = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else ""
        log.warning("%s %s", str(error).strip(), detail)
        if (for_seconds := time.monotonic() - self._since) >= self._alarm_after:
            log.error("%s", alarm(for_seconds))
            self._alarm_after = for_seconds + ALARM_SECONDS
        tell_systemd(f"STATUS=failed {self._failures} times, trying again\nWATCHDOG=1")
        return pause(self._failures)


def run(configuration: AgentConfiguration) -> None:
    """Serve until the program's file is replaced: then systemd starts the new one."""
    import psycopg

    logging.basicConfig(level=logging.INFO)
    logging.getLogger().handlers[0].setFormatter(_JournalFormatter())
    # They outlive a connection: what is to be done once more does not need the database.
    pending, tries = Pending(), Tries()
    program = Program(Path(sys.argv[0]))
    # Ready at once: a node must boot and be configured while the accounts host is away.
    tell_systemd("READY=1\nSTATUS=connecting")
    while True:
        try:
            listen(configuration, pending, tries, program)
            log.info("%s was replaced, leaving", program.path)
            return
        except (psycopg.Error, OSError, subprocess.SubprocessError) as error:
            time.sleep(tries.failed(error))
