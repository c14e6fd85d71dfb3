"""Reports of others in the accounts database: each counts once, nothing strange does, operators are shown and told."""

import json
import smtplib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hanam_mail.host.extract.work import Work
from hanam_mail.host.jobs import notices
from hanam_mail.host.reports import incoming_alert, incoming_letter, incoming_load, incoming_show
from hanam_mail.host.reports.incoming_read import LIMITS
from tests import report_samples as samples
from tests.database.databases import Database
from tests.database.scratch import Scratch
from tests.database.world import refused

# The day before, whenever the test runs.
DAY = int((datetime.now(UTC) - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).timestamp())


def dmarc(*records: str, **more: Any) -> bytes:
    return samples.dmarc(*records, **{"day": DAY} | more)


def tls(*failures: dict[str, Any], **more: Any) -> bytes:
    return samples.tls(*failures, **{"day": DAY} | more)


class Intake:
    """What lies there for the database, and the program that brings it."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.ready = scratch.place / "ready"
        self.ready.mkdir()
        self._number = 0

    def lay(self, document: Any) -> Path:
        self._number += 1
        path = self.ready / f"{self._number:04}.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    def bring(self, report: bytes, sender: str = "nhan.example") -> str:
        """One report as it comes out of its letter; how it was taken."""
        read = incoming_letter.read(samples.letter(samples.gzipped(report)), Work(LIMITS))
        path = self.lay({"sender": sender, "report": read})
        with psycopg.connect(self.scratch.dsn("mail_intake"), autocommit=True) as connection:
            return incoming_load.bring(connection, path)

    def run(self) -> int:
        return incoming_load.main([self.scratch.dsn("mail_intake"), str(self.ready)])

    def shown(self, *words: str) -> Any:
        return self.scratch.command("reports", *words, "--json").json

    def told(self, *words: str) -> str:
        return self.scratch.command("reports", *words).output

    def refused(self) -> dict[str, int]:
        return {row["reason"]: row["number"] for row in self.shown("refused")["refused"]}

    def own(self, hosts: dict[str, str]) -> None:
        self.scratch.psql(f"update mail.setting set value = '{json.dumps(hosts)}' where name = 'reports_own_hosts'")

    def setting(self, name: str, value: int) -> None:
        self.scratch.psql(f"update mail.setting set value = '{value}' where name = '{name}'")


@pytest.fixture
def intake(scratch: Scratch) -> Intake:
    return Intake(scratch)


# --- what counts ---


@pytest.mark.parametrize("report", [dmarc(), tls(samples.failure())], ids=["dmarc", "tls"])
def test_the_same_report_counts_once_from_the_same_sender(intake: Intake, report: bytes) -> None:
    assert [intake.bring(report) for _ in range(3)] == ["new", "known", "known"]
    # Whoever else calls himself so is somebody else: he takes nobody's place.
    assert intake.bring(report, "khac.example") == "new"
    assert intake.scratch.psql("select count(*) from mail.report") == "2"
    assert intake.refused() == {"known": 2}


def test_a_report_on_others_does_not_count(intake: Intake) -> None:
    for domain in ("khac.example", "xhanam.gov.vn", "gov.vn", "hanam.gov.vn.khac.example"):
        assert intake.bring(dmarc(domain=domain)) == "foreign"
        assert intake.bring(tls(domain=domain)) == "foreign"
    assert intake.bring(dmarc(domain="so.HANAM.gov.vn")) == "new"
    assert intake.refused() == {"foreign": 8}


def test_of_a_report_on_several_domains_ours_counts(intake: Intake) -> None:
    said = json.loads(tls(samples.failure()))
    theirs = json.loads(json.dumps(said["policies"][0]).replace("hanam.gov.vn", "khac.example"))
    said["policies"].insert(0, theirs)
    assert intake.bring(json.dumps(said).encode()) == "new"
    found = intake.shown("tls")
    assert [row["domain"] for row in found["policies"]] == ["hanam.gov.vn"]
    assert [row["mx"] for row in found["failures"]] == ["mx.hanam.gov.vn"]


def test_a_time_that_cannot_be_does_not_count(intake: Intake) -> None:
    for day in (DAY + 5 * 86400, DAY - 500 * 86400):
        assert intake.bring(dmarc(day=day)) == "period"
    assert intake.bring(tls(day=DAY - 500 * 86400)) == "period"
    backwards = json.loads(tls())
    dates = backwards["date-range"]
    dates["start-datetime"], dates["end-datetime"] = dates["end-datetime"], dates["start-datetime"]
    assert intake.bring(json.dumps(backwards).encode()) == "period"


def test_one_sender_cannot_fill_the_database(intake: Intake) -> None:
    intake.setting("reports_sender_day_limit", 2)
    taken = [intake.bring(dmarc(report_id=str(number))) for number in range(3)]
    assert taken == ["new", "new", "sender limit"]
    assert intake.bring(dmarc(), "khac.example") == "new"


def test_all_senders_together_cannot_either(intake: Intake) -> None:
    intake.bring(dmarc(*[samples.record()] * 20))
    intake.setting("reports_day_lines_limit", 20)
    assert intake.bring(dmarc(), "khac.example") == "day limit"
    assert intake.bring(tls(), "khac.example") == "day limit"


def test_two_hosts_that_bring_the_same_bring_it_once(intake: Intake) -> None:
    report = json.dumps(incoming_letter.read(samples.letter(samples.gzipped(dmarc())), Work(LIMITS)))
    dsn = intake.scratch.dsn("mail_intake")
    with psycopg.connect(dsn) as one, psycopg.connect(dsn, autocommit=True) as other:
        one.execute(incoming_load.NOTE, ["nhan.example", report])
        other.execute("set statement_timeout to 200")
        with pytest.raises(psycopg.errors.QueryCanceled):
            other.execute(incoming_load.NOTE, ["nhan.example", report])
        one.commit()
        assert other.execute(incoming_load.NOTE, ["nhan.example", report]).fetchone() == ("known",)


# --- the program ---


def test_what_was_brought_goes_and_what_is_broken_too(intake: Intake, capfd: pytest.CaptureFixture[str]) -> None:
    report = incoming_letter.read(samples.letter(samples.gzipped(dmarc())), Work(LIMITS))
    intake.lay({"sender": "nhan.example", "report": report})
    intake.lay({"refused": "overflow", "number": 7})
    intake.lay({"refused": "broken", "detail": "count", "sender": "nhan.example"})
    intake.lay("{")
    intake.lay({"sender": "nhan.example", "report": report | {"report_id": "2", "rows": [{"source": "no address"}]}})
    intake.lay({"sender": "nhan.example", "report": report | {"report_id": "3", "organization": None}})
    assert intake.run() == 0
    assert list(intake.ready.iterdir()) == []
    assert intake.refused() == {"overflow": 7, "broken": 1, "unreadable": 3}
    assert intake.scratch.psql("select string_agg(report_id, ' ') from mail.report") == "17:1"
    assert capfd.readouterr().err.count("is no document of a report") == 3


def test_everything_waits_while_the_database_is_away(intake: Intake, capfd: pytest.CaptureFixture[str]) -> None:
    intake.lay({"refused": "unproven"})
    gone = intake.scratch.dsn("mail_intake").replace("host=", "host=/nowhere")
    assert incoming_load.main([gone, str(intake.ready)]) == 1
    assert len(list(intake.ready.iterdir())) == 1
    assert "1 documents of reports wait for the database" in capfd.readouterr().err
    assert intake.run() == 0
    assert intake.refused() == {"unproven": 1}


def test_nothing_to_bring_asks_nobody(tmp_path: Path) -> None:
    assert incoming_load.main(["host=/nowhere", str(tmp_path)]) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "select * from mail.report",
        "insert into mail.report_told values (now())",
        "delete from mail.report",
        "select mail.reports_prune()",
        "select * from mail.mailbox",
        "select * from mail.setting",
    ],
)
def test_who_brings_reports_can_do_nothing_else(database: Database, statement: str) -> None:
    assert "permission denied" in refused(database, statement, world="", role="mail_intake")


# --- what is shown ---


@pytest.fixture
def month(intake: Intake) -> Intake:
    """Our own host, seen by two; somebody else in our name; TLS that fails."""
    intake.own({"203.0.113.7": "mail", "2001:db8::7": "mail"})
    ours, lost = samples.record(count=10), samples.record(count=5, dkim="fail", spf="fail", disposition="reject")
    forged = samples.record("198.51.100.66", 1200, dkim="fail", spf="fail", disposition="quarantine")
    intake.bring(dmarc(ours, lost))
    intake.bring(dmarc(ours, forged, org="Thư Việt", report_id="b"), "thuviet.example")
    failures = samples.failure(sessions=40), samples.failure("moi-la", 2, mx="")
    intake.bring(tls(*failures, successes=100, failed=42))
    intake.bring(tls(report_id="b", successes=900, failed=0), "thuviet.example")
    return intake


def test_our_own_hosts_stand_apart_from_all_others(month: Intake) -> None:
    found = month.shown("dmarc")
    (ours,), (other,) = found["ours"], found["others"]
    assert {name: ours[name] for name in ("source", "host", "messages", "passed", "accepted", "rejected")} == {
        "source": "203.0.113.7", "host": "mail", "messages": 25, "passed": 20, "accepted": 20, "rejected": 5
    }  # fmt: skip
    assert (other["source"], other["host"], other["messages"], other["passed"]) == ("198.51.100.66", None, 1200, 0)
    assert ours["by"] == [["Thư Việt", "thuviet.example"], ["nhan.example", "nhan.example"]]
    text = month.told("dmarc").splitlines()
    assert text[0].endswith(": 2 báo cáo của 2 nơi, 1.225 thư.")
    (line,) = (line for line in text if "198.51.100.66" in line)
    assert " ".join(line.split()) == "198.51.100.66 1.200 0 1.200 0 0 vào Thư rác 1.200 Thư Việt [thuviet.example]"
    (line,) = (line for line in text if "203.0.113.7 (mail)" in line)
    assert " ".join(line.split()).endswith(
        " (mail) 25 20 5 20 20 nhận 20, từ chối 5 Thư Việt [thuviet.example], nhan.example"
    )
    assert text.index("Máy chủ của ta:") < text.index("Nơi khác gửi thư mang tên miền của ta:")


def test_tls_is_shown_by_organisation_by_exchanger_and_by_kind(month: Intake) -> None:
    found = month.shown("tls")
    assert [(row["sender"], row["successes"], row["failures"]) for row in found["policies"]] == [
        ("nhan.example", 100, 42),
        ("thuviet.example", 900, 0),
    ]
    assert [(row["failure"], row["mx"], row["sessions"]) for row in found["failures"]] == [
        ("certificate-expired", "mx.hanam.gov.vn", 40),
        ("moi-la", "", 2),
    ]
    text = month.told("tls")
    assert "2 báo cáo của 2 nơi, 1.000 phiên thành công, 42 phiên thất bại." in text
    assert "chứng thư hết hạn (certificate-expired)" in text
    assert "MTA-STS, hanam.gov.vn" in text


def test_of_many_sources_people_see_those_of_most_mail(intake: Intake) -> None:
    few = [samples.record(f"2001:db8::{number:x}", 1) for number in range(incoming_show.MOST)]
    intake.bring(dmarc(*few, samples.record("198.51.100.66", 9)))
    text = intake.told("dmarc")
    assert "198.51.100.66" in text
    assert "… và 1 nguồn khác, ít thư hơn (xem đủ: --json)" in text
    assert len(intake.shown("dmarc")["others"]) == incoming_show.MOST + 1


def test_nothing_is_said_to_be_nothing(intake: Intake) -> None:
    assert intake.told("dmarc").startswith("Chưa có báo cáo DMARC nào từ ")
    assert intake.told("tls").startswith("Chưa có báo cáo TLS nào từ ")
    assert intake.told("refused").startswith("Không có thư nào bị loại từ ")
    assert intake.shown("dmarc")["reports"] == 0


def test_days_are_chosen(month: Intake) -> None:
    # A report belongs to the day on which it ends.
    day, ended, before = (datetime.fromtimestamp(DAY - back * 86400, UTC).date().isoformat() for back in (0, 39, 40))
    month.bring(dmarc(samples.record(count=7), report_id="old", day=DAY - 40 * 86400))
    until = datetime.fromtimestamp(DAY + 2 * 86400, UTC).date().isoformat()

    def messages(*words: str) -> int:
        found = month.shown("dmarc", *words)
        return sum(row["messages"] for row in found["ours"] + found["others"])

    assert messages() == 1225
    assert messages("--days", "60") == messages("--from", before, "--to", until) == 1232
    assert messages("--from", before, "--to", before) == 0
    assert messages("--from", ended, "--to", ended) == 7
    assert messages("--from", day, "--to", until) == 1225
    assert messages("--to", "2020-01-01") == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--days", "0"), "--days là số ngày từ 1"),
        (("--days", "3", "--from", "2026-01-01"), "không dùng cùng --from"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "là sau ngày 01/01/2026"),
    ],
)
def test_days_that_are_none_are_refused(intake: Intake, words: Sequence[str], why: str) -> None:
    done = intake.scratch.command("reports", "dmarc", *words)
    assert (done.status, why in done.complaint) == (1, True), done.complaint
    assert intake.scratch.command("reports", "spf").status == 2


def test_why_letters_do_not_count_is_shown(intake: Intake) -> None:
    intake.lay({"refused": "broken", "detail": "count", "sender": "nhan.example"})
    intake.lay({"refused": "unproven", "number": 3})
    intake.run()
    text = intake.told("refused")
    assert "báo cáo hỏng hoặc sai quy cách: count" in text
    assert "không chứng minh được nơi gửi (SPF, DKIM)" in text
    assert "nhan.example" in text


# --- what the operator is told ---

CONFIGURATION = notices.JobsConfiguration(
    smtp_host="", smtp_port=0, smtp_tls_name="", sender="noreply@hanam.gov.vn", sender_name="Hệ thống",
    operator="stttt@hanam.gov.vn", webmail_url="https://mail.hanam.gov.vn/", held_url="", support_name="Sở",
    support_email="hotro@hanam.gov.vn", support_phone="0226", regulation="Quy chế",
)  # fmt: skip


class Mailer:
    """Takes letters, or refuses them."""

    def __init__(self, refusal: str = "") -> None:
        self.letters: list[bytes] = []
        self._refusal = refusal

    def sendmail(self, sender: str, recipients: Sequence[str], message: bytes) -> dict[str, tuple[int, bytes]]:
        assert (sender, list(recipients)) == ("", [CONFIGURATION.operator])
        if self._refusal:
            raise smtplib.SMTPDataError(452, self._refusal.encode())
        self.letters.append(message)
        return {}


def tell(intake: Intake, refusal: str = "") -> str:
    """What the operator is written, "" for nothing."""
    mailer = Mailer(refusal)
    with psycopg.connect(intake.scratch.dsn("mail_jobs"), autocommit=True) as connection:
        told, why = incoming_alert.tell(connection, CONFIGURATION, lambda: mailer)
    assert (told, refusal in why) == (bool(mailer.letters), True)
    return "".join(str(message_from_bytes(each, policy=policy.default).get_content()) for each in mailer.letters)


def test_the_operator_is_told_once_a_day_what_he_has_to_mend(month: Intake) -> None:
    month.setting("reports_own_failed_messages", 6)
    # 42 of 1,042 are less than 5 percent.
    assert tell(month) == ""
    month.setting("reports_tls_failed_percent", 4)
    text = tell(month)
    assert (
        " - chứng thư hết hạn (certificate-expired): 40 phiên (trong 1.042 phiên được báo); nơi báo: nhan.example"
        in text
    )
    assert " - moi-la: 2 phiên" in text
    assert tell(month) == ""
    # On the next day only of what came since.
    month.scratch.psql(
        "update mail.report_told set at = at - interval '1 day';"
        " update mail.report set received_at = received_at - interval '1 day'"
    )
    assert tell(month) == ""
    failures = [samples.failure(sessions=90)]
    month.bring(tls(*failures, report_id="c", successes=10, failed=90))
    assert "90 phiên (trong 100 phiên được báo)" in tell(month)


def test_mail_of_our_own_that_proves_nothing_is_told(month: Intake) -> None:
    month.setting("reports_own_failed_messages", 5)
    text = tell(month)
    assert " - mail (203.0.113.7): 5 trong 25 thư không đạt cả SPF lẫn DKIM; nơi báo: nhan.example" in text
    assert "198.51.100.66" not in text


def test_many_reports_that_do_not_count_are_told_and_strangers_noise_is_not(intake: Intake) -> None:
    intake.lay({"refused": "unproven", "number": 5000})
    intake.lay({"refused": "known", "number": 5000})
    intake.lay({"refused": "broken", "number": 19, "sender": "nhan.example"})
    intake.run()
    assert tell(intake) == ""
    intake.lay({"refused": "limit", "number": 1, "sender": "nhan.example"})
    intake.run()
    text = tell(intake)
    assert " - báo cáo hỏng hoặc sai quy cách: 19 thư; nơi báo: nhan.example" in text
    assert "chứng minh" not in text.partition("Báo cáo nhận được")[2].partition("Đề nghị")[0]
    # What he knows of is not told once more with the next one.
    intake.scratch.psql("update mail.report_told set at = at - interval '25 hours'")
    intake.lay({"refused": "broken", "number": 1, "sender": "nhan.example"})
    intake.run()
    assert tell(intake) == ""
    intake.lay({"refused": "broken", "number": 19, "sender": "nhan.example"})
    intake.run()
    assert " - báo cáo hỏng hoặc sai quy cách: 20 thư; nơi báo: nhan.example" in tell(intake)


def test_who_could_not_be_told_is_told_later(intake: Intake) -> None:
    intake.lay({"refused": "broken", "number": 20})
    intake.run()
    assert tell(intake, "mailbox full") == ""
    assert "20 thư" in tell(intake)


def test_the_job_of_notices_tells(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    intake.lay({"refused": "broken", "number": 20})
    intake.run()
    mailer = Mailer()
    mailer.close = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(notices, "connect", lambda _: mailer)
    monkeypatch.setattr(notices.JobsConfiguration, "read", classmethod(lambda *_: CONFIGURATION))
    done = intake.scratch.command("notices", "x", role="mail_jobs")
    assert (done.status, len(mailer.letters)) == (0, 1), done.complaint
    assert intake.scratch.command("notices", "x", role="mail_jobs").output == ""


def test_what_is_old_goes_with_all_that_hangs_on_it(month: Intake) -> None:
    month.lay({"refused": "broken"})
    month.run()
    assert month.scratch.psql("select mail.reports_prune()") == "0"
    month.scratch.psql(
        "update mail.report set begins = begins - interval '401 days', ends = ends - interval '401 days';"
        " update mail.report_refused set day = day - 401;"
        " insert into mail.report_told values (now() - interval '401 days')"
    )
    with month.scratch.database.connect("mail_jobs") as jobs:
        assert jobs.execute("select mail.reports_prune()").fetchone() == (4,)
    tables = ("report", "report_dmarc", "report_tls", "report_tls_failure", "report_refused", "report_told")
    assert {month.scratch.psql(f"select count(*) from mail.{table}") for table in tables} == {"0"}
