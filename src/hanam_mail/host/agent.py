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
import os
import random
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hanam_mail.host.mail import filter_reports

log = logging.getLogger("hanam-agent")

type Act = Callable[[Sequence[str]], str | None]

# More sessions to cut than this at once: asking who has any is cheaper than a command each. After the first apply of a
# province a lock waited for 20,000 kicks of nobody.
MANY = 50
# More mailboxes than this at once: the whole cache goes. Fewer are forgotten by name: midnight's passwords that end
# would else leave everybody's next sign-in without it, and each costs a hash (record 0024). By name it takes 20 ms for
# a dozen mailboxes, so that a lock waits a few seconds for the most of them.
WHOLE_CACHE = 2000
# So many octets of names in a command. Dovecot reads lines of 1,024; of a longer one it forgets nothing.
NAMES_OCTETS = 900
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
# What doveadm takes for every user.
EVERYBODY = "*"
# A connection that Dovecot kept over a restart of the database fails the next question, then it is opened anew. Two
# rounds of answers are more than dovecot_accounts_connections: each was asked, since Dovecot takes them in turn.
# All of a round at once, because Dovecot holds back the news of a failure for over two seconds.
ROUND = 4
ROUNDS = 10
# No login name: the domain's addresses have none that ends with a dot.
NOBODY = "agent-probe."
# The one socket for lookups that the agent may open.
_AUTH_SOCKET = "/run/dovecot/auth-master"


class ConfigurationError(Exception):
    """The configuration file cannot be used."""


@dataclass(frozen=True)
class Configuration:
    """From the agent's YAML file.

    `hold`: on a host with a queue of our people's mail, the folder that names the mailboxes whose mail is to be held
    (hold_queue.py). `reports`: on the filter's host, the way to its Redis (filter_reports.py).
    """

    node: str
    dsn: str
    doveadm: tuple[str, ...]
    hold: Path | None = None
    reports: Mapping[str, str] | None = None

    @classmethod
    def read(cls, path: Path) -> "Configuration":
        """Read and check the file."""
        import yaml

        data = yaml.safe_load(path.read_text("utf-8"))
        required = {"node", "dsn", "doveadm"}
        if not isinstance(data, dict) or not required <= set(data) <= required | {"hold", "reports"}:
            raise ConfigurationError(f"{path}: expected the keys node, dsn and doveadm")
        if not all(isinstance(data[key], str) and data[key] for key in ("node", "dsn")):
            raise ConfigurationError(f"{path}: node and dsn must be texts")
        if not isinstance(data["doveadm"], list) or not all(isinstance(word, str) for word in data["doveadm"]):
            raise ConfigurationError(f"{path}: doveadm must be a list of words, empty on a node without Dovecot")
        reports = data.get("reports")
        if reports is not None and (not isinstance(reports, dict) or set(reports) != filter_reports.KEYS):
            raise ConfigurationError(f"{path}: reports has the keys {', '.join(sorted(filter_reports.KEYS))}")
        hold = data.get("hold")
        return cls(data["node"], data["dsn"], tuple(data["doveadm"]), Path(hold) if hold else None, reports)


@dataclass(frozen=True)
class Event:
    """A row of the outbox; `logins` are the names under which the mailbox may be cached, its id first."""

    seq: int
    topic: str
    mailbox: str | None
    logins: tuple[str, ...]
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Deeds:
    """What a batch of events asks for. `flush_all` makes `flush` needless."""

    flush_all: bool
    flush: tuple[tuple[str, ...], ...]
    kick: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.flush_all or self.flush or self.kick)


def deeds(events: Iterable[Event]) -> Deeds:
    """Each mailbox once, in the order of first mention; topics of others than mailboxes are not for us."""
    flush: dict[str, tuple[str, ...]] = {}
    kick: dict[str, None] = {}
    for event in events:
        if event.topic == "everything":
            # Changes were missed for good: the outbox no longer has them.
            return Deeds(True, (), (EVERYBODY,))
        if event.mailbox is None or not event.topic.startswith("mailbox."):
            continue
        flush[event.mailbox] = event.logins
        if event.topic == "mailbox.access":
            kick[event.mailbox] = None
    many = len(flush) > WHOLE_CACHE
    return Deeds(many, () if many else tuple(flush.values()), tuple(kick))


def later(events: Sequence[Event]) -> Deeds:
    """What is done once more: caches after every change, sessions where somebody was shut out.

    Who changed his password or got in again may have begun a new session meanwhile; the database says which (`again`).
    """
    shut = deeds(event for event in events if event.payload.get("again", True))
    return replace(deeds(events), kick=shut.kick)


def hold(events: Iterable[Event], folder: Path | None) -> None:
    """Ask for what these mailboxes sent to be held in the queue, where the lock still stands."""
    for event in events:
        if folder is None or event.topic != "mailbox.hold" or event.mailbox is None:
            continue
        if event.payload.get("locked", True):
            (folder / event.mailbox).touch()
            log.info("hold the queue of %s", event.mailbox)


def warnings(events: Iterable[Event]) -> list[str]:
    """A line each for the journal: limits of wrong passwords that were reached, of which the operator hears (Đ4.6)."""
    return [
        # Names come as somebody typed them: as JSON in ASCII they cannot make a line of their own.
        f"sign-in lockout {json.dumps(event.payload, sort_keys=True)}"
        for event in events
        if event.topic == "sign_in.lockout"
    ]


def commands(todo: Deeds, doveadm: Sequence[str]) -> list[list[str]]:
    """The command lines, caches first: a session cut before would log in again from the cache."""
    if not doveadm:
        return []
    result = []
    if todo.flush_all:
        result.append([*doveadm, "auth", "cache", "flush"])
    names = dict.fromkeys(name for logins in todo.flush for name in logins)
    result += [[*doveadm, "auth", "cache", "flush", *group] for group in _groups(names)]
    result += [[*doveadm, "kick", mailbox] for mailbox in todo.kick]
    return result


def _groups(names: Iterable[str]) -> Iterator[list[str]]:
    """The names in their order, so many at a time as a command may have."""
    group: list[str] = []
    octets = 0
    for name in names:
        size = len(name.encode()) + 1
        if group and octets + size > NAMES_OCTETS:
            yield group
            group, octets = [], 0
        group.append(name)
        octets += size
    if group:
        yield group


# What is no failure: kick found no session to cut, user found that the database knows no such name.
_HARMLESS = {"kick": 68, "user": 67}


def perform(command: Sequence[str]) -> str:
    """Run one doveadm command; what it printed. OSError or CalledProcessError if it did not do its work."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    harmless = any(done.returncode == code and word in command for word, code in _HARMLESS.items())
    # A flush that Dovecot did not hear, or did not take, still exits with 0 (2.4.1); its complaints begin like this.
    unheard = "auth cache flush: " in done.stderr
    if unheard or (done.returncode and not harmless):
        raise subprocess.CalledProcessError(done.returncode or os.EX_TEMPFAIL, command, done.stdout, done.stderr)
    return done.stdout


def react(todo: Deeds, doveadm: Sequence[str], act: Act) -> None:
    """Do it all; of many sessions to cut only those that there are, looked for when no cache lets anybody in."""
    if doveadm and len(todo.kick) > MANY:
        react(replace(todo, kick=()), doveadm, act)
        connected = _connected(act([*doveadm, "-f", "json", "who", "-1"]))
        kick = todo.kick if connected is None else tuple(mailbox for mailbox in todo.kick if mailbox in connected)
        todo = Deeds(False, (), kick)
    for command in commands(todo, doveadm):
        act(command)
        log.info("%s", " ".join(command[len(doveadm) :]))


def _connected(shown: str | None) -> set[str] | None:
    """Who has a session, of what doveadm printed; None when that cannot be read: then anybody may have one."""
    try:
        sessions = json.loads(shown or "")
        if isinstance(sessions, list) and all(isinstance(session["username"], str) for session in sessions):
            return {session["username"] for session in sessions}
    except (ValueError, TypeError, KeyError):
        pass
    log.warning("Dovecot's list of sessions cannot be read, every mailbox is cut by name: %.200r", shown)
    return None


def settle(doveadm: Sequence[str], act: Act = perform) -> int:
    """Ask Dovecot for nobody until no connection of before a restart of the database is left; how many were.

    CalledProcessError or OSError when Dovecot does not get answers.
    """
    if not doveadm:
        return 0
    question = [*doveadm, "user", "-a", _AUTH_SOCKET, NOBODY]
    good, failures = 0, list[BaseException]()
    with ThreadPoolExecutor(ROUND) as pool:
        for _ in range(ROUNDS):
            errors = [asked.exception() for asked in [pool.submit(act, question) for _ in range(ROUND)]]
            bad = [error for error in errors if error is not None]
            good = 0 if bad else good + 1
            failures += bad
            if good == 2:
                return len(failures) + _settle_list(doveadm, act)
    raise failures[-1]


def _settle_list(doveadm: Sequence[str], act: Act) -> int:
    """The same for Dovecot's worker, which has a connection of its own and lists users for the backup and operators."""
    question = [*doveadm, "user", "-a", _AUTH_SOCKET, EVERYBODY]
    errors: list[subprocess.CalledProcessError] = []
    while len(errors) < ROUND:
        try:
            act(question)
        except subprocess.CalledProcessError as error:
            errors.append(error)
        else:
            return len(errors)
    raise errors[-1]


class Pending:
    """What is to be done once more, and when; `held`: events that wait for Dovecot, whose queue was held already."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.held: set[int] = set()
        self._waiting: list[tuple[float, Deeds]] = []

    def add(self, todo: Deeds) -> None:
        """To be done so many seconds from now."""
        if not todo.nothing:
            self._waiting.append((self._clock() + AGAIN_SECONDS, todo))

    @property
    def wait(self) -> float:
        """Seconds until the first of it."""
        return max(0.0, self._waiting[0][0] - self._clock()) if self._waiting else IDLE_SECONDS

    def do(self, doveadm: Sequence[str], act: Act, *, all_of_it: bool = False) -> None:
        """Do what is due. What fails stays."""
        while self._waiting and (all_of_it or self._waiting[0][0] <= self._clock()):
            react(self._waiting[0][1], doveadm, act)
            del self._waiting[0]


def catch_up(connection: Any, configuration: Configuration, act: Act = perform, pending: Pending | None = None) -> int:
    """Handle everything that is waiting; how many events that was. What is to be done once more goes to `pending`."""
    handled = 0
    while True:
        events = [
            Event(seq, topic, mailbox, tuple(logins), payload)
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
            react(deeds(events), configuration.doveadm, act)
        if pending is not None:
            pending.add(later(events))
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

    def carry(self, database: Any) -> None:
        """Carry what there is."""
        if self._settings is None:
            return
        try:
            with filter_reports.connect(self._settings) as redis:
                for login in filter_reports.carry(redis, self._settings["list"], database):
                    log.warning("%s sent viruses and is locked", login)
            self._failing = False
        except OSError as error:
            if not self._failing:
                log.warning("the filter's reports cannot be read: %s", error)
            self._failing = True


def listen(
    configuration: Configuration, pending: Pending, caught_up: Callable[[], None], replaced: Callable[[], bool]
) -> None:
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
        renewed = settle(configuration.doveadm)
        if renewed:
            log.info("Dovecot opened its connections to the database anew, after %d questions without answer", renewed)
        reports = Reports(configuration.reports)
        while not replaced():
            catch_up(connection, configuration, pending=pending)
            pending.do(configuration.doveadm, perform)
            # After the changes of accounts: nothing that is wrong with a report may keep a lock from getting through.
            reports.carry(connection)
            caught_up()
            # A notice may have come with the last answer, which did not know of it yet; else wait on the socket itself.
            if not list(connection.notifies(timeout=0)):
                select.select([connection.fileno()], [], [], min(pending.wait, reports.wait))
        pending.do(configuration.doveadm, perform, all_of_it=True)


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


def run(configuration: Configuration) -> None:
    """Serve until the program's file is replaced: then systemd starts the new one."""
    import psycopg

    logging.basicConfig(level=logging.INFO)
    logging.getLogger().handlers[0].setFormatter(_JournalFormatter())
    failures, failing_since, alarm_after = 0, 0.0, ALARM_SECONDS
    # Outlives a connection: what is to be done once more does not need the database.
    pending = Pending()
    program = Path(sys.argv[0])
    started_from = version(program)

    def caught_up() -> None:
        nonlocal failures
        if failures:
            log.info("caught up after %d failures", failures)
        failures = 0
        tell_systemd("STATUS=listening\nWATCHDOG=1")

    # Ready at once: a node must boot and be configured while the accounts host is away.
    tell_systemd("READY=1\nSTATUS=connecting")
    while True:
        try:
            listen(configuration, pending, caught_up, lambda: version(program) != started_from)
            log.info("%s was replaced, leaving", program)
            return
        except (psycopg.Error, OSError, subprocess.SubprocessError) as error:
            if not failures:
                failing_since, alarm_after = time.monotonic(), ALARM_SECONDS
            failures += 1
            detail = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else ""
            log.warning("%s %s", str(error).strip(), detail)
            if (for_seconds := time.monotonic() - failing_since) >= alarm_after:
                log.error("%s", alarm(for_seconds))
                alarm_after = for_seconds + ALARM_SECONDS
            tell_systemd(f"STATUS=failed {failures} times, trying again\nWATCHDOG=1")
            time.sleep(pause(failures))


def version(program: Path) -> tuple[int, int]:
    status = program.stat()
    return status.st_ino, status.st_mtime_ns


def tell_systemd(text: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(text.encode(), address)
