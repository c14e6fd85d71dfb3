"""Sends the reports of days that are over, each once (`hanam-mail-db reports-send FILE`, on the accounts host).

A report is closed before it is sent: what comes later is counted and left out. Each address that took it is noted at
once; a crash in between sends it once more, the same message with the same Report-ID, by which receivers drop it. What
cannot be sent waits for the next run, for `try_days` in all.
"""

import smtplib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from hanam_mail.host import settings_file
from hanam_mail.host.database.session import Session, one
from hanam_mail.host.jobs import notices
from hanam_mail.host.mail_auth.questions import Questions
from hanam_mail.host.reports import outgoing_destinations as destinations
from hanam_mail.host.reports import outgoing_report as reports
from hanam_mail.host.reports import outgoing_tls_report
from hanam_mail.host.reports.outgoing_rows import (
    BROKEN,
    CROWDED,
    DMARC,
    DNS,
    FAILED,
    LEFT_OUT,
    NONE,
    OLD,
    REFUSED,
    SENT,
    SMTP,
    TLS,
    TOO_LARGE,
)

# For the questions about one domain: walks up two trees of names, and consents.
DNS_SECONDS = 30.0
MOST_QUESTIONS = 200
# What a run may take for one kind of reports; the next one goes on.
RUN_SECONDS = 1500.0
NAMESERVER_PORT = 53
# So long after its end a day's reports must be sent, or it must be said why not.
OVERDUE_HOURS = 12

type Find = Callable[[str], destinations.ReportRecipients]


@dataclass(frozen=True)
class ReportKind:
    """How reports of one kind are made, and who gets them.

    `most_of_address`, `most_of_host`: of a day, to one address, and to all of one host. Where nobody has to consent,
    who owns many names could send them all to somebody else.
    """

    report: type[reports.Report]
    content: Callable[[reports.Report, reports.Identity], bytes]
    message: Callable[[reports.Report, reports.Identity, bytes, str], bytes]
    find: Callable[[Questions, str, str, int], destinations.ReportRecipients]
    most_of_address: int | None = None
    most_of_host: int | None = None


KINDS = {
    DMARC: ReportKind(reports.Report, reports.xml, reports.message, destinations.find),
    TLS: ReportKind(
        outgoing_tls_report.TlsReport,
        outgoing_tls_report.content,
        outgoing_tls_report.message,
        destinations.find_tls,
        most_of_address=50,
        most_of_host=500,
    ),
}


@dataclass(frozen=True)
class ReportsConfiguration:
    """From the job's YAML file.

    `returned_to`: of each kind of reports that is sent, the envelope's sender, to whom mail that fails comes back;
    `smtp_*` as in jobs.notices; `nameservers`: addresses of this host's resolvers.
    """

    smtp_host: str
    smtp_port: int
    smtp_tls_name: str
    domain: str
    organisation: str
    sender: str
    contact: str
    returned_to: dict[str, str]
    nameservers: list[str]
    most_destinations: int
    try_days: int

    @classmethod
    def read(cls, path: Path) -> "ReportsConfiguration":
        """Read and check the file."""
        found = settings_file.read(cls, path)
        if not set(found.returned_to) <= set(KINDS):
            raise settings_file.ConfigurationError(f"{path}: returned_to: chỉ có {', '.join(KINDS)}")
        return found

    @property
    def identity(self) -> reports.Identity:
        """As reports have it."""
        return reports.Identity(self.domain, self.organisation, self.sender, self.contact)

    def find(self, kind: str, domain: str) -> destinations.ReportRecipients:
        """Who gets that domain's report of that kind, by what DNS says now."""
        servers = [(each, NAMESERVER_PORT) for each in self.nameservers]
        questions = Questions(servers, time.monotonic() + DNS_SECONDS, MOST_QUESTIONS)
        return KINDS[kind].find(questions, domain, self.domain, self.most_destinations)


@dataclass(frozen=True)
class Ended:
    """What became of a report: an outcome, or None while it waits; why; and whether the mail exchanger is away.

    `had`: whether somebody has it all the same.
    """

    outcome: str | None
    reason: str = ""
    is_away: bool = False
    had: bool = False


def send_all(
    connection: Session,
    configuration: ReportsConfiguration,
    kind: str,
    connect: Callable[[], notices.Mailer],
    find: Find | None = None,
    today: date | None = None,
) -> Counter[str]:
    """Send what waits of one kind; how many ended in each way: an outcome, or "waiting" (and the reason after a colon).

    One sender at a time: for a second one there is nothing to do.
    """
    done = Counter[str]()
    if not one(connection, "SELECT pg_try_advisory_lock(hashtext('hanam-mail reports-send'))")[0]:
        return done
    find = find or partial(configuration.find, kind)
    sender = _Sender(connection, configuration, kind, connect, find, today or datetime.now(UTC).date())
    until = time.monotonic() + RUN_SECONDS
    for day, domain in connection.execute("SELECT day, domain FROM mail.outgoing_waiting(%s)", [kind]).fetchall():
        if time.monotonic() > until:
            break
        ended = sender.send(day, domain)
        done[f"{ended.outcome or 'waiting'}:{ended.reason}".removesuffix(":")] += 1
        if ended.is_away:
            # All others would wait for it in vain.
            break
    return done


@dataclass
class _Sender:
    connection: Session
    configuration: ReportsConfiguration
    kind: str
    connect: Callable[[], notices.Mailer]
    find: Find
    today: date
    _mailer: notices.Mailer | None = None
    # Of each day: how many reports addresses and hosts have.
    _given: dict[date, Counter[str]] = field(default_factory=dict)

    def send(self, day: date, domain: str) -> Ended:
        key = [self.kind, day, domain]
        row = self.connection.execute("SELECT * FROM mail.outgoing_close(%s, %s, %s)", key).fetchone()
        if row is None:
            return Ended(None)
        published, _, given = row
        if (self.today - day).days > self.configuration.try_days + 1:
            # As after days without this job.
            ended = Ended(NONE, OLD)
        else:
            try:
                ended = self._ended(day, domain, published, given)
            except (LookupError, TypeError, ValueError):
                # Rows that are not of the program that brings them, or what no letter can bear. One domain's keeps no
                # other's waiting.
                ended = Ended(FAILED, BROKEN)
        if ended.outcome is None and (self.today - day).days > self.configuration.try_days and not ended.is_away:
            ended = Ended(SENT if ended.had else NONE if ended.reason == DNS else FAILED, ended.reason)
        self.connection.execute("SELECT mail.outgoing_done(%s, %s, %s, %s, %s)", [*key, ended.outcome, ended.reason])
        return ended

    def _ended(self, day: date, domain: str, published: dict[str, str], given: Sequence[str]) -> Ended:
        found = self.find(domain)
        if found.reason:
            return Ended(NONE, found.reason)
        kind = KINDS[self.kind]
        report = kind.report(day, domain, published, self._rows(day, domain))
        if not report.rows:
            return Ended(NONE, LEFT_OUT)
        packed = reports.compressed(kind.content(report, self.configuration.identity))
        had, reason = set(given), DNS if found.waits else ""
        refused = ""
        for each in found.destinations:
            if each.address in had:
                continue
            if each.most is not None and len(packed) > each.most:
                refused = refused or TOO_LARGE
                continue
            if self._is_crowded(day, each):
                refused = refused or CROWDED
                continue
            try:
                failure = self._offer(report, packed, each.address)
            except (OSError, smtplib.SMTPException):
                self._mailer = None
                return Ended(None, SMTP, is_away=True)
            if not failure:
                had.add(each.address)
                self._given_on(day).update((each.address, each.host))
                given_to = [self.kind, day, domain, each.address]
                self.connection.execute("SELECT mail.outgoing_given(%s, %s, %s, %s)", given_to)
            elif failure == REFUSED:
                refused = REFUSED
            else:
                reason = failure
        if reason:
            return Ended(None, reason, had=bool(had))
        return Ended(SENT) if had else Ended(NONE, refused)

    def _is_crowded(self, day: date, wanted: destinations.Destination) -> bool:
        kind = KINDS[self.kind]
        return any(
            most is not None and self._given_on(day)[name] >= most
            for name, most in ((wanted.address, kind.most_of_address), (wanted.host, kind.most_of_host))
        )

    def _given_on(self, day: date) -> Counter[str]:
        if day not in self._given:
            asked = "SELECT address FROM mail.outgoing_given_on(%s, %s) AS address"
            addresses = [address for (address,) in self.connection.execute(asked, [self.kind, day])]
            self._given[day] = Counter([*addresses, *(each.rpartition("@")[2] for each in addresses)])
        return self._given[day]

    def _rows(self, day: date, domain: str) -> tuple[reports.ReportRow, ...]:
        found: list[tuple[Any, ...]] = self.connection.execute(
            "SELECT seen, messages FROM mail.outgoing_rows(%s, %s, %s)", [self.kind, day, domain]
        ).fetchall()
        return reports.rows((row, count) for row, count in found)

    def _offer(self, report: reports.Report, packed: bytes, address: str) -> str:
        """Why our mail exchanger does not take it for that address, "" where it does."""
        octets = KINDS[self.kind].message(report, self.configuration.identity, packed, address)
        try:
            return self._offered(octets, address)
        except smtplib.SMTPServerDisconnected:
            # It waits for slow names of others no longer than for any client.
            self._mailer = None
            return self._offered(octets, address)

    def _offered(self, octets: bytes, address: str) -> str:
        mailer = self._mailer = self._mailer or self.connect()
        try:
            mailer.sendmail(self.configuration.returned_to[self.kind], [address], octets)
        except smtplib.SMTPRecipientsRefused as error:
            return REFUSED if all(code >= 500 for code, _ in error.recipients.values()) else SMTP
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError):
            # Of ours, for now or for good: somebody has to look.
            return SMTP
        return ""


def overdue(connection: Session, kind: str) -> list[tuple[date, int, str]]:
    """Days of which fewer such reports were sent than domains seen, without a reason: day, domains, what is known."""
    asked = "SELECT day, domains, reason FROM mail.outgoing_overdue(%s, %s)"
    rows = connection.execute(asked, [kind, OVERDUE_HOURS]).fetchall()
    return [(day, domains, reason or "") for day, domains, reason in rows]
