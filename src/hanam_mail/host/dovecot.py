"""What Dovecot is told when accounts change: whom to forget, whose sessions to cut, and to ask the database anew."""

import json
import logging
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from hanam_mail.host import places

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
# What doveadm takes for every user.
EVERYBODY = "*"
# A connection that Dovecot kept over a restart of the database fails the next question, then it is opened anew. Two
# rounds of answers are more than dovecot_accounts_connections: each was asked, since Dovecot takes them in turn.
# All of a round at once, because Dovecot holds back the news of a failure for over two seconds.
ROUND = 4
ROUNDS = 10
# No login name: the domain's addresses have none that ends with a dot.
NOBODY = "agent-probe."


@dataclass(frozen=True)
class OutboxEvent:
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


def deeds(events: Iterable[OutboxEvent]) -> Deeds:
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


def later(events: Sequence[OutboxEvent]) -> Deeds:
    """What is done once more: caches after every change, sessions where somebody was shut out.

    Who changed his password or got in again may have begun a new session meanwhile; the database says which (`again`).
    """
    shut = deeds(event for event in events if event.payload.get("again", True))
    return replace(deeds(events), kick=shut.kick)


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
    question = [*doveadm, "user", "-a", places.SIGN_IN_SOCKET, NOBODY]
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
    question = [*doveadm, "user", "-a", places.SIGN_IN_SOCKET, EVERYBODY]
    errors: list[subprocess.CalledProcessError] = []
    while len(errors) < ROUND:
        try:
            act(question)
        except subprocess.CalledProcessError as error:
            errors.append(error)
        else:
            return len(errors)
    raise errors[-1]
