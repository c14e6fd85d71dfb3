"""Tells the operator, once a day at most, what others' reports say that he has to mend (mail.reports_to_tell)."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from hanam_mail import vietnamese
from hanam_mail.host.database.session import Session, one
from hanam_mail.host.jobs import notices
from hanam_mail.host.reports.incoming_show import REASONS, failure

# Names of reporters in a line; lines of a kind.
_NAMES, _LINES = 5, 30
_NONE = " - không có việc gì"


@dataclass(frozen=True)
class ReportFinding:
    """A row of mail.reports_to_tell."""

    what: str
    subject: str
    number: int
    failed: int
    reporters: Sequence[str]

    @property
    def text(self) -> str:
        """In words, for the operator."""
        count, whole = vietnamese.number(self.failed), vietnamese.number(self.number)
        match self.what:
            case "tls":
                words = failure(self.subject) if self.subject else "không rõ vì sao"
                words += f": {count} phiên (trong {whole} phiên được báo)"
            case "own":
                words = f"{self.subject}: {count} trong {whole} thư không đạt cả SPF lẫn DKIM"
            case _:
                words = f"{REASONS.get(self.subject, self.subject)}: {count} thư"
        names = ", ".join(self.reporters[:_NAMES]) + ("…" if len(self.reporters) > _NAMES else "")
        return f" - {words}" + (f"; nơi báo: {names}" if names else "")


def letter(found: Sequence[ReportFinding], configuration: notices.JobsConfiguration, day: str) -> EmailMessage:
    """One letter to the operator about all of them."""
    values = {
        what: "\n".join([each.text for each in found if each.what == what][:_LINES]) or _NONE
        for what in ("tls", "own", "refused")
    }
    key = hashlib.sha256(f"reports {day} {found!r}".encode()).hexdigest()[:32]
    return notices.message("reports", values, [configuration.operator], key, configuration)


def tell(
    connection: Session, configuration: notices.JobsConfiguration, connect: Callable[[], notices.Mailer]
) -> tuple[bool, str]:
    """Whether the operator was told, and why not where he should have been: then he is told with a later run."""
    with connection.transaction():
        rows = connection.execute(
            "SELECT what, subject, number, failed, coalesce(reporters, '{}') FROM mail.reports_to_tell()"
        ).fetchall()
        if not rows:
            return False, ""
        day = str(one(connection, "SELECT current_date")[0])
        octets = letter([ReportFinding(*row) for row in rows], configuration, day).as_bytes()
        refusal = notices.offer(connect(), [configuration.operator], octets).failure
        if refusal:
            return False, refusal
        connection.execute("SELECT mail.reports_told()")
    return True, ""
