"""Sends what is due: `hanam-scheduled-send FILE`, every minute.

The database says which letter may leave and gives a word by which its writer is signed in for the few minutes that this
takes, at the mail store and at the mail server: so the letter goes the way of all that he sends, with all that is asked
there of him and of it. Several are under way at once, each with a connection of its own; two of these programs never.
"""

import argparse
import imaplib
import signal
import smtplib
import socket
import ssl
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from hanam_mail.host import settings_file
from hanam_mail.host.scheduled.folder import MailFolder, TooLargeError
from hanam_mail.host.scheduled.handing import SubmissionDoor, SubmissionServer, hand_over, raw
from hanam_mail.host.scheduled.letter import NoLetterError, ScheduledLetter, read
from hanam_mail.host.scheduled.refusals import of_error
from hanam_mail.host.service import say
from hanam_mail.vietnamese import size

if TYPE_CHECKING:
    import psycopg

SECONDS = 120.0
# So many letters at once: at half past seven on a Monday many are due.
AT_ONCE = 4
# Of this program's lock in the database; any number that nothing else takes.
_LOCK = 80_0730


@dataclass(frozen=True)
class ScheduledConfiguration:
    """From the role's YAML file. Each server: where it is, and the name in its certificate."""

    dsn: str
    imap: str
    imap_port: int
    imap_name: str
    smtp: str
    smtp_port: int
    smtp_name: str
    waiting: str
    sent: str
    timezone: str
    limit: int


@dataclass(frozen=True)
class DueLetter:
    """A row of mail.scheduled_take."""

    number: int
    login: str
    sender: str
    word: str
    validity: int
    uid: int
    dsn: bool
    file: bool


class _Store(imaplib.IMAP4_SSL):
    """Reached by one name or address, known by another: that of its certificate."""

    def __init__(self, configuration: ScheduledConfiguration) -> None:
        self._place = (configuration.imap, configuration.imap_port)
        super().__init__(
            configuration.imap_name, configuration.imap_port,
            ssl_context=ssl.create_default_context(), timeout=SECONDS,
        )  # fmt: skip

    def _create_socket(self, timeout: float | None) -> socket.socket:
        plain = socket.create_connection(self._place, timeout)
        wrapped: socket.socket = self.ssl_context.wrap_socket(plain, server_hostname=self.host)
        return wrapped


class _MailServer(smtplib.SMTP_SSL):
    def __init__(self, configuration: ScheduledConfiguration) -> None:
        self._place = (configuration.smtp, configuration.smtp_port)
        context = ssl.create_default_context()
        super().__init__(configuration.smtp_name, configuration.smtp_port, timeout=SECONDS, context=context)
        # Addresses may be UTF-8 (RFC 6531).
        self.command_encoding = "utf-8"

    def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
        return self.context.wrap_socket(socket.create_connection(self._place, timeout), server_hostname=host)


@dataclass(frozen=True)
class Done:
    """How many letters were sent, and how many met a fault of this program's own."""

    sent: int = 0
    broken: int = 0

    def __add__(self, other: "Done") -> "Done":
        return Done(self.sent + other.sent, self.broken + other.broken)


class ScheduledSender:
    """Sends and files one letter after the other, until none is due or the program is to end."""

    def __init__(
        self, session: "psycopg.Connection", configuration: ScheduledConfiguration, ended: threading.Event
    ) -> None:
        self._session, self._configuration, self._ended = session, configuration, ended

    def run(self) -> Done:
        """What was done."""
        done = Done()
        while not self._ended.is_set():
            row = self._session.execute("SELECT * FROM mail.scheduled_take()").fetchone()
            if row is None:
                break
            done += self._one(DueLetter(*row))
        return done

    def _one(self, due: DueLetter) -> Done:
        settings = self._configuration
        try:
            with MailFolder(
                lambda: _Store(settings), due.login, due.word, settings.waiting, settings.sent, settings.limit
            ) as folder:
                return Done(sent=self._with(folder, due))
        except TooLargeError:
            # By Đ8.1b as the mail server would say it.
            self._result(due, "refused", f"thư dài quá giới hạn {size(settings.limit)} của một thư")
        except (OSError, imaplib.IMAP4.error) as error:
            # Nothing was handed over, or it was and is not yet in its place: the database knows which.
            self._result(due, "later", of_error(error))
            say(5, f"thư hẹn giờ số {due.number}: later {raw(error)}")
        except Exception as error:
            # One letter keeps back no other. Of what is said of the fault its letter may be the author.
            self._result(due, "broken", "lỗi của chương trình gửi")
            say(3, f"thư hẹn giờ số {due.number}: lỗi {type(error).__name__} của chương trình gửi, sẽ thử lại")
            return Done(broken=1)
        return Done()

    def _with(self, folder: MailFolder, due: DueLetter) -> bool:
        octets = folder.letter(due.validity, due.uid)
        if due.file and octets is None:
            # Its owner has put it elsewhere.
            self._result(due, "filed")
            return False
        try:
            letter = read(octets or b"", datetime.now(ZoneInfo(self._configuration.timezone)))
        except NoLetterError as error:
            self._result(due, "filed" if due.file else "gone", str(error))
            return False
        if not due.file and not self._send(due, letter):
            return False
        folder.file(due.uid, letter.kept, letter.message_id)
        self._result(due, "filed")
        return not due.file

    def _send(self, due: DueLetter, letter: ScheduledLetter) -> bool:
        def sending() -> bool:
            return bool(_answer(self._session, "SELECT mail.scheduled_sending(%s, %s)", due.number, due.word))

        # An agency's clerk sends with his own login.
        door = SubmissionDoor(self._connect, due.login, due.word)
        outcome = hand_over(door, letter, due.dsn, sending)
        self._result(due, outcome.kind, outcome.words)
        if outcome.kind != "sent":
            say(5, f"thư hẹn giờ số {due.number}: {outcome.kind} {outcome.raw}")
        return outcome.kind == "sent"

    def _connect(self) -> SubmissionServer:
        return _MailServer(self._configuration)

    def _result(self, due: DueLetter, outcome: str, said: str = "") -> None:
        values = [due.number, outcome, said, due.word]
        self._session.execute("SELECT mail.scheduled_result(%s, %s, %s, %s)", values)


def _connect(configuration: ScheduledConfiguration) -> "psycopg.Connection":
    import psycopg

    return psycopg.connect(configuration.dsn, application_name="hanam-scheduled", connect_timeout=10, autocommit=True)


def _answer(session: "psycopg.Connection", question: str, *values: Any) -> Any:
    row = session.execute(question, values or None).fetchone()
    if row is None:
        raise LookupError(f"no row answers {question}")
    return row[0]


def _work(configuration: ScheduledConfiguration, ended: threading.Event) -> Done:
    with _connect(configuration) as session:
        return ScheduledSender(session, configuration, ended).run()


def run(configuration: ScheduledConfiguration, ended: threading.Event) -> Done:
    """Send all that is due."""
    with _connect(configuration) as session:
        if not _answer(session, "SELECT pg_try_advisory_lock(%s)", _LOCK):
            return Done()
        doubts = _answer(session, "SELECT mail.scheduled_interrupted()")
        if doubts:
            say(4, f"{doubts} thư hẹn giờ bị ngắt đúng lúc gửi, không biết đã đi hay chưa; người gửi được báo")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            done = sum(pool.map(lambda _: _work(configuration, ended), range(AT_ONCE)), Done())
        session.execute("SELECT mail.scheduled_prune()")
    return done


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the zipapp."""
    import psycopg

    options = argparse.ArgumentParser(prog="hanam-scheduled-send", description="Gửi thư đến giờ hẹn (systemd gọi)")
    options.add_argument("file", type=Path)
    ended = threading.Event()
    # What is under way is brought to its end: whoever is interrupted at the wrong moment leaves a doubt.
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        done = run(settings_file.read(ScheduledConfiguration, options.parse_args(arguments).file), ended)
    except (psycopg.Error, settings_file.ConfigurationError) as error:
        say(3, f"chưa gửi được thư hẹn giờ, sẽ làm lại sau một phút: {raw(error)}")
        return 1
    if done.sent:
        print(f"đã gửi {done.sent} thư hẹn giờ")
    # The watch tells of a unit that failed.
    return 1 if done.broken else 0
