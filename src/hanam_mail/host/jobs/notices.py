"""Notices as real mail: texts in Vietnamese, sent once each to the mailbox and its agency (Đ6.2c, Đ7.2, Đ8.1, Đ8.2a).

A notice is a row of mail.notice, written where its reason arises; this module turns waiting rows into messages and
hands them to the mail exchanger, which takes mail for the domain without a password. What cannot be handed over stays
in its row and is tried again by the next run; who already has a notice does not get it twice.
"""

import hashlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Protocol

from hanam_mail.host import settings_file
from hanam_mail.host.database.session import Row, Session
from hanam_mail.host.jobs import factor_texts, held_texts, user_report_texts
from hanam_mail.vietnamese import day, size

# Kinds of which the operator gets a copy: he has to act, or the others of his office shall know.
FOR_THE_OPERATOR = frozenset({"revoke_proposal", "opened", "sending_lock", "held_opened", "user_report"})
# A letter to the operator names so many; a storm has thousands.
MOST = 50
_DATES = ("since", "locks_on", "ended", "ends", "changed", "before", "last")
_CAUSES = {
    "activity": "lần sử dụng gần nhất",
    "issue": "ngày cấp hộp thư",
    "restore": "ngày khôi phục hộp thư",
    "reset": "ngày cấp mật khẩu",
    "absence": "ngày cuối của thời gian vắng đã thông báo",
}


@dataclass(frozen=True)
class JobsConfiguration:
    """From the jobs' YAML file. `smtp_tls_name`: the name in the exchanger's certificate; empty: loopback, no TLS.

    `held_url` is the page behind the links in letters about held spam, `regulation` how texts quote the province's
    regulation.
    """

    smtp_host: str
    smtp_port: int
    smtp_tls_name: str
    sender: str
    sender_name: str
    operator: str
    webmail_url: str
    held_url: str
    support_name: str
    support_email: str
    support_phone: str
    regulation: str

    @classmethod
    def read(cls, path: Path) -> "JobsConfiguration":
        """Read and check the file."""
        return settings_file.read(cls, path)


@dataclass(frozen=True)
class Notice:
    """A waiting notice: its key and a row of mail.notice_take, in that order."""

    mailbox: str
    kind: str
    round: str
    due: date
    payload: Mapping[str, Any]
    name: str
    address: str
    agency: str | None
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class NoticeOutcome:
    """Who took the notice, whether to try again, and why somebody did not."""

    given: tuple[str, ...]
    again: bool
    failure: str


class Mailer(Protocol):
    """What of smtplib.SMTP is used."""

    def sendmail(self, sender: str, recipients: Sequence[str], message: bytes) -> dict[str, tuple[int, bytes]]:
        """Give those who were refused."""


def render(notice: Notice, configuration: JobsConfiguration) -> EmailMessage:
    """The notice as a message to its recipients; raises LookupError for a kind without a text."""
    values = {name: str(value) for name, value in notice.payload.items()}
    values |= {name: day(notice.payload[name]) for name in _DATES if name in notice.payload}
    if "cause" in notice.payload:
        values["cause"] = _CAUSES[notice.payload["cause"]]
    if notice.kind in {"held_received", "held_received_dropped"}:
        values |= held_texts.received(notice.payload, _text(notice.kind))
    if notice.kind == "held_digest":
        values |= held_texts.digest(notice.payload, configuration.held_url)
    if "report_kind" in notice.payload:
        values |= user_report_texts.values(notice.payload)
    if "done_at" in notice.payload:
        support = {"name": configuration.support_name, "phone": configuration.support_phone}
        values |= factor_texts.values(notice.payload, support)
    if notice.kind == "yearly_report":
        values["left"] = f"còn {values['days']} ngày" if notice.payload["days"] else "hôm nay là ngày cuối"
    if "quota_bytes" in notice.payload:
        values["quota"] = size(notice.payload["quota_bytes"])
    values |= {
        "name": notice.name,
        "address": notice.address,
        "agency": notice.agency or "",
        "today": day(notice.due.isoformat()),
    }
    key = hashlib.sha256(f"{notice.mailbox}/{notice.kind}/{notice.round}".encode()).hexdigest()[:32]
    return message(notice.kind, values, recipients(notice, configuration), key, configuration)


def message(
    text: str, values: Mapping[str, str], people: Sequence[str], key: str, configuration: JobsConfiguration
) -> EmailMessage:
    """A text of the system, filled in, as a message. `key` is the same whenever it is sent: a copy sent twice after a
    crash is recognised as one.
    """
    values = {
        "webmail_url": configuration.webmail_url,
        "held_url": configuration.held_url,
        "support_name": configuration.support_name,
        "support_email": configuration.support_email,
        "support_phone": configuration.support_phone,
        "regulation": configuration.regulation,
        **values,
    }
    subject, _, body = _text(text).partition("\n\n")
    made = EmailMessage(policy=SMTP)
    local_part, _, domain = configuration.sender.partition("@")
    made["From"] = Address(configuration.sender_name, local_part, domain)
    made["To"] = ", ".join(people)
    made["Reply-To"] = configuration.support_email
    made["Subject"] = Template(subject).substitute(values)
    made["Date"] = formatdate(localtime=True)
    made["Message-ID"] = f"<{key}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(Template(body + _text("footer")).substitute(values), cte="quoted-printable")
    return made


def recipients(notice: Notice, configuration: JobsConfiguration) -> tuple[str, ...]:
    """Who is still to have it."""
    extra = [configuration.operator] if notice.kind in FOR_THE_OPERATOR else []
    have = set(notice.payload.get("given", ()))
    return tuple(dict.fromkeys([*notice.recipients, *(address for address in extra if address not in have)]))


def hand_over(notice: Notice, configuration: JobsConfiguration, mailer: Mailer) -> NoticeOutcome:
    """Offer one notice. A refusal for good ends it only once somebody else has it: a full mailbox gets room again.

    What there is nothing to tell of any more ends unsent: held mail that waits no longer, a day that is over.
    """
    if not notice.payload.get("send", True):
        return NoticeOutcome((), again=False, failure="")
    offered = offer(mailer, recipients(notice, configuration), render(notice, configuration).as_bytes())
    if offered.again or not offered.failure:
        return offered
    had = bool(offered.given) or bool(notice.payload.get("given"))
    return replace(offered, again=not had)


def offer(mailer: Mailer, people: Sequence[str], octets: bytes) -> NoticeOutcome:
    """Offer a message. `again`: somebody refused for now, or all of it was refused."""
    try:
        # Without a sender: nothing comes back, and no responder answers.
        refused = mailer.sendmail("", people, octets)
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        return NoticeOutcome((), True, _reply(error.smtp_code, error.smtp_error))
    given = tuple(person for person in people if person not in refused)
    failure = "; ".join(f"{person}: {_reply(code, text)}" for person, (code, text) in sorted(refused.items()))
    return NoticeOutcome(given, any(code < 500 for code, _ in refused.values()), failure)


def send_all(connection: Session, configuration: JobsConfiguration, mailer: Mailer) -> tuple[int, int, list[str]]:
    """Send what waits, each in a transaction of its own; how many were sent, how many wait on, which have a fault.

    A fault of ours in one letter keeps back no other.
    """
    sent = waiting = 0
    faults = []
    for mailbox, kind, round_ in connection.execute("SELECT * FROM mail.notice_waiting()").fetchall():
        key = [mailbox, kind, round_]
        with connection.transaction():
            row = connection.execute("SELECT * FROM mail.notice_take(%s, %s, %s)", key).fetchone()
            if row is None:
                continue
            due, payload, name, address, agency, people = row
            notice = Notice(mailbox, kind, round_, due, payload, name, address, agency, tuple(people))
            try:
                outcome = hand_over(notice, configuration, mailer)
            except (LookupError, TypeError, ValueError) as error:
                faults.append(f"{kind}, {address}: {error!r}")
                outcome = NoticeOutcome((), again=True, failure=repr(error))
            connection.execute(
                "SELECT mail.notice_done(%s, %s, %s, %s, %s, %s)",
                [*key, list(outcome.given), outcome.again, outcome.failure],
            )
            waiting += outcome.again
            sent += not outcome.again
    return sent, waiting, faults


def listed(lines: Sequence[str], more: str) -> str:
    """What a letter to the operator tells of, a line each, and how many `more` there are."""
    shown = [f" - {line}" for line in lines[:MOST]]
    if len(lines) > MOST:
        shown.append(f" - và {len(lines) - MOST} {more}")
    return "\n".join(shown)


def tell_operator(
    connection: Session,
    configuration: JobsConfiguration,
    connect: Callable[[], Mailer],
    question: str,
    letter: Callable[[Sequence[Row]], EmailMessage],
    done: str,
) -> tuple[int, int, str]:
    """Tell the operator of what he does not know: how many he was told of, how many wait for the next run, and why.

    `question` gives the rows, each with its number first, and `done` takes the numbers. His mailbox may be full: that
    is no failure of this program, and it is asked for again as with every notice.
    """
    with connection.transaction():
        rows = connection.execute(question).fetchall()
        if rows:
            refusal = offer(connect(), [configuration.operator], letter(rows).as_bytes()).failure
            if refusal:
                return 0, len(rows), refusal
            connection.execute(done, [[row[0] for row in rows]])
    return len(rows), 0, ""


class _Exchanger(smtplib.SMTP):
    """Reached by one name or address, known by another: that of its certificate."""

    def __init__(self, address: str, port: int, name: str) -> None:
        self._address = address
        super().__init__(name or address, port, timeout=60)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self._address, port), timeout)


def connect(configuration: JobsConfiguration) -> smtplib.SMTP:
    """A session with the mail exchanger."""
    return reach(configuration.smtp_host, configuration.smtp_port, configuration.smtp_tls_name)


def reach(host: str, port: int, tls_name: str) -> smtplib.SMTP:
    """The same; TLS with a verified name unless it is this host."""
    client = _Exchanger(host, port, tls_name)
    if tls_name:
        client.starttls(context=ssl.create_default_context())
    return client


def _text(kind: str) -> str:
    """Raises LookupError where there is none: as an OSError it would look like a fault of the way to the exchanger."""
    try:
        return (resources.files(__package__) / "texts" / f"{kind}.txt").read_text("utf-8")
    except FileNotFoundError:
        raise LookupError(f"no text of the kind {kind!r}") from None


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
