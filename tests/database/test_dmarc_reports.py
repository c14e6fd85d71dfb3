"""Reports to domains from the filter's counts to the message: each verdict once, each report once (RFC 9990)."""

import email
import email.policy
import gzip
import json
import smtplib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest
import yaml

from hanam_mail.host.database.session import Session
from hanam_mail.host.reports import outgoing_carry, outgoing_rows, outgoing_send, outgoing_spool
from hanam_mail.host.reports.outgoing_destinations import Destination, ReportRecipients
from hanam_mail.host.reports.outgoing_rows import DMARC
from hanam_mail.host.reports.outgoing_send import ReportsConfiguration
from tests.database.databases import Database
from tests.database.scratch import Scratch
from tests.database.world import refused
from tests.unit.host.reports.report_form import NAMESPACE, faults
from tests.unit.host.reports.test_outgoing_spool import PUBLISHED, ROW

TODAY = datetime.now(UTC).date()
DAY = TODAY - timedelta(days=2)
"""Over, whatever the hour."""
CONFIGURATION = ReportsConfiguration(
    smtp_host="127.0.0.1",
    smtp_port=25,
    smtp_tls_name="",
    domain="hanam.gov.vn",
    organisation="Hà Nam",
    sender="noreply@hanam.gov.vn",
    contact="postmaster@hanam.gov.vn",
    returned_to={DMARC: "bounces@hanam.gov.vn"},
    nameservers=["127.0.0.1"],
    most_destinations=5,
    try_days=3,
)


@dataclass
class Mailer:
    """A mail exchanger that takes all, or does what `fails` says."""

    fails: Exception | None = None
    taken: list[tuple[str, str, bytes]] = field(default_factory=list)

    def sendmail(self, sender: str, recipients: Sequence[str], message: bytes) -> dict[str, tuple[int, bytes]]:
        if self.fails:
            raise self.fails
        self.taken += [(sender, recipient, message) for recipient in recipients]
        return {}

    @property
    def to(self) -> list[str]:
        return [recipient for _, recipient, _ in self.taken]


def domains(*names: str) -> Callable[[str], ReportRecipients]:
    """DNS in which these want their reports and nobody else does."""
    return lambda domain: (
        ReportRecipients((Destination(f"a@{domain}"),)) if domain in names else ReportRecipients((), "no_record")
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "judged").mkdir()
    return tmp_path / "judged"


@pytest.fixture
def agent(scratch: Scratch) -> Iterator[Session]:
    with psycopg.connect(scratch.dsn("mail_agent"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def jobs(scratch: Scratch) -> Iterator[Session]:
    with psycopg.connect(scratch.dsn("mail_jobs"), autocommit=True) as connection:
        yield connection


def count(folder: Path, *domains: str, day: date = DAY, published: dict[str, str] | None = None, **row: Any) -> Path:
    """A file of the service's own, of a message in the name of each domain."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    counter = outgoing_spool.Counter(folder, lambda: noon)
    for domain in domains:
        counter.add(outgoing_rows.Seen(domain, json.dumps(PUBLISHED | (published or {})), json.dumps(ROW | row)))
    counter.write()
    return outgoing_spool.waiting(folder)[-1]


def send(jobs: Session, mailer: Mailer, find: Callable[[str], ReportRecipients], **more: Any) -> dict[str, int]:
    return dict(outgoing_send.send_all(jobs, replace(CONFIGURATION, **more), DMARC, lambda: mailer, find))


def report(message: bytes) -> ElementTree.Element:
    (part,) = email.message_from_bytes(message, policy=email.policy.default).iter_attachments()  # type: ignore[attr-defined]
    octets = gzip.decompress(part.get_content())
    assert faults(octets) == []
    return ElementTree.fromstring(octets)  # noqa: S314 - our own


def counts(message: bytes) -> list[int]:
    return [int(found.text or "") for found in report(message).findall("record/row/count", {"": NAMESPACE})]


# --- from the filter's host ---


def test_verdicts_of_all_files_are_counted_together_and_the_files_go(
    scratch: Scratch, folder: Path, agent: Session
) -> None:
    count(folder, "ky.example", "ky.example", "khac.example")
    count(folder, "ky.example", published={"p": "none"})
    count(folder, "ky.example", ip="192.0.2.11")
    done = outgoing_carry.carry(DMARC, folder, agent)
    assert (done.files, done.messages, done.left, list(folder.iterdir())) == (3, 5, 0, [])
    rows = (
        "select string_agg(domain || ' ' || (seen->>'ip') || ' ' || messages, ',' order by 1) from mail.outgoing_seen"
    )
    assert scratch.psql(rows.replace("order by 1", "order by domain, seen->>'ip'")) == (
        "khac.example 192.0.2.10 1,ky.example 192.0.2.10 3,ky.example 192.0.2.11 1"
    )
    totals = "select messages || ' ' || (published->>'p') from mail.outgoing_report where domain = 'ky.example'"
    # The record as it was seen last.
    assert scratch.psql(totals) == "4 reject"


def test_a_file_that_is_brought_twice_counts_once(scratch: Scratch, folder: Path, agent: Session) -> None:
    """The host went down before it was removed."""
    path = count(folder, "ky.example")
    octets = path.read_bytes()
    assert outgoing_carry.carry(DMARC, folder, agent).messages == 1
    path.write_bytes(octets)
    done = outgoing_carry.carry(DMARC, folder, agent)
    assert (done.files, done.messages, path.exists()) == (0, 0, False)
    assert scratch.psql("select sum(messages) from mail.outgoing_seen") == "1"


def test_hosts_that_bring_at_once_lose_nothing(scratch: Scratch, tmp_path: Path) -> None:
    folders = []
    for host in range(4):
        folders.append(tmp_path / f"host{host}")
        folders[-1].mkdir()
        for _ in range(5):
            count(folders[-1], *(f"d{number}.example" for number in range(20)))

    def bring(place: Path) -> int:
        with psycopg.connect(scratch.dsn("mail_agent"), autocommit=True) as connection:
            return outgoing_carry.carry(DMARC, place, connection).messages

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(bring, folders)) == [100] * 4
    assert scratch.psql("select sum(messages), count(*) from mail.outgoing_seen") == "400|20"
    assert scratch.psql("select sum(messages), sum(left_out) from mail.outgoing_report") == "400|0"


def test_what_is_damaged_or_too_old_is_counted_and_keeps_nothing_else_away(
    scratch: Scratch, folder: Path, agent: Session
) -> None:
    path = count(folder, "ky.example")
    path.write_bytes(path.read_bytes() + b'{"lost": 7}\n{"half')
    count(folder, "cu.example", day=TODAY - timedelta(days=30))
    count(folder, "mai.example", day=TODAY + timedelta(days=30))
    done = outgoing_carry.carry(DMARC, folder, agent)
    assert (done.files, done.lost, done.damaged, done.left, list(folder.iterdir())) == (3, 7, 1, 0, [])
    assert scratch.psql("select string_agg(domain, ',') from mail.outgoing_report") == "ky.example"
    assert scratch.psql("select sum(lost) from mail.outgoing_file") == str(7 + 1 + 2)


def test_a_database_that_is_away_leaves_the_files(scratch: Scratch, folder: Path, tmp_path: Path) -> None:
    count(folder, "ky.example")
    settings = tmp_path / "agent.yml"
    settings.write_text(yaml.safe_dump({"node": "a", "dsn": f"host={tmp_path} dbname=mail", "doveadm": []}))
    answer = scratch.run(["reports-carry", str(settings), f"dmarc={folder}"])
    assert (answer.status, len(list(folder.iterdir()))) == (1, 1)
    assert "chưa chuyển được vào cơ sở dữ liệu" in answer.complaint
    settings.write_text(yaml.safe_dump({"node": "a", "dsn": scratch.dsn("mail_agent"), "doveadm": []}))
    answer = scratch.run(["reports-carry", str(settings), f"dmarc={folder}"])
    assert (answer.status, answer.output, list(folder.iterdir())) == (0, "DMARC: đã chuyển 1 kết quả trong 1 tệp\n", [])


def test_a_file_that_the_database_refuses_is_told_and_the_others_are_taken(
    scratch: Scratch, folder: Path, agent: Session, caplog: pytest.LogCaptureFixture
) -> None:
    first = count(folder, "ky.example")
    count(folder, "khac.example")
    scratch.psql("alter table mail.outgoing_report add constraint test check (domain <> 'ky.example')")
    done = outgoing_carry.carry(DMARC, folder, agent)
    assert (done.files, done.left, list(folder.iterdir())) == (1, 1, [first])
    assert first.name in caplog.text
    scratch.psql("alter table mail.outgoing_report drop constraint test")
    assert outgoing_carry.carry(DMARC, folder, agent).messages == 1


def test_a_stranger_chooses_neither_how_many_domains_nor_how_many_rows_there_are(
    scratch: Scratch, folder: Path, agent: Session
) -> None:
    function = scratch.psql("select pg_get_functiondef('mail.outgoing_take(text,text,jsonb,bigint)'::regprocedure)")
    small = function.replace(":= 5000", ":= 3").replace(":= 10000;", ":= 2;").replace(":= 100000", ":= 4")
    assert [small.count(f":= {number};") for number in (3, 2, 4)] == [1, 1, 1]
    scratch.psql(small)
    count(folder, *(f"d{number}.example" for number in range(5)))
    for number in range(4):
        count(folder, "d0.example", ip=f"192.0.2.{number}")
    # What is known already goes on being counted.
    count(folder, "d0.example")
    outgoing_carry.carry(DMARC, folder, agent)
    assert scratch.psql("select count(*) from mail.outgoing_report") == "3"
    totals = "select messages, left_out from mail.outgoing_report where domain = 'd0.example'"
    assert scratch.psql(totals) == "6|3"
    assert scratch.psql("select sum(messages), count(*) from mail.outgoing_seen where domain = 'd0.example'") == "3|2"
    assert scratch.psql("select sum(lost) from mail.outgoing_file") == "2"
    # Nor how many rows a day has in all.
    for number in range(1, 3):
        count(folder, f"d{number}.example", ip="192.0.2.99")
    outgoing_carry.carry(DMARC, folder, agent)
    assert scratch.psql("select count(*) from mail.outgoing_seen") == "4"
    assert (
        scratch.psql("select sum(messages) from mail.outgoing_report where domain in ('d1.example', 'd2.example')")
        == "4"
    )
    assert (
        scratch.psql("select sum(left_out) from mail.outgoing_report where domain in ('d1.example', 'd2.example')")
        == "2"
    )
    # It is told that more than a tenth of that day's messages is missing.
    scratch.psql("update mail.outgoing_report set outcome = 'sent', given = '{a@d0.example}', done_at = now()")
    with psycopg.connect(scratch.dsn("mail_jobs"), autocommit=True) as jobs:
        assert outgoing_send.overdue(jobs, DMARC) == [(DAY, 3, "lost")]


# --- sending ---


def test_each_domain_gets_one_report_of_its_day_and_a_second_run_sends_none(
    scratch: Scratch, folder: Path, agent: Session, jobs: Session
) -> None:
    count(folder, "ky.example", "ky.example", "khac.example", "thoi.example")
    count(folder, "ky.example", ip="192.0.2.11")
    outgoing_carry.carry(DMARC, folder, agent)
    mailer = Mailer()
    assert send(jobs, mailer, domains("ky.example", "khac.example")) == {"sent": 2, "none:no_record": 1}
    assert mailer.to == ["a@khac.example", "a@ky.example"]
    assert [counts(message) for _, _, message in mailer.taken] == [[1], [2, 1]]
    assert {sender for sender, _, _ in mailer.taken} == {"bounces@hanam.gov.vn"}
    assert send(jobs, mailer, domains("ky.example")) == {}
    assert len(mailer.taken) == 2


def test_a_day_that_is_not_over_is_not_sent(folder: Path, agent: Session, jobs: Session) -> None:
    count(folder, "ky.example", day=TODAY)
    outgoing_carry.carry(DMARC, folder, agent)
    assert send(jobs, Mailer(), domains("ky.example")) == {}


def test_what_comes_after_a_report_is_counted_and_changes_nothing(
    scratch: Scratch, folder: Path, agent: Session, jobs: Session
) -> None:
    count(folder, "ky.example")
    outgoing_carry.carry(DMARC, folder, agent)
    away = Mailer(OSError("away"))
    assert send(jobs, away, domains("ky.example")) == {"waiting:smtp": 1}
    # It was begun: who has the first copy must not get another one under the same name.
    count(folder, "ky.example", published={"p": "none"}, ip="192.0.2.11")
    outgoing_carry.carry(DMARC, folder, agent)
    mailer = Mailer()
    assert send(jobs, mailer, domains("ky.example")) == {"sent": 1}
    assert counts(mailer.taken[0][2]) == [1]
    assert scratch.psql("select messages, left_out, published->>'p' from mail.outgoing_report") == "2|1|reject"


def test_a_crash_between_sending_and_noting_sends_the_same_message_once_more(
    scratch: Scratch, folder: Path, agent: Session, jobs: Session
) -> None:
    count(folder, "ky.example")
    outgoing_carry.carry(DMARC, folder, agent)
    mailer = Mailer()
    scratch.psql("revoke execute on function mail.outgoing_given(text, date, text, text) from mail_jobs")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        send(jobs, mailer, domains("ky.example"))
    scratch.psql("grant execute on function mail.outgoing_given(text, date, text, text) to mail_jobs")
    jobs.execute("SELECT pg_advisory_unlock_all()")
    assert send(jobs, mailer, domains("ky.example")) == {"sent": 1}
    assert len(mailer.taken) == 2
    assert mailer.taken[0] == mailer.taken[1]


def test_who_has_it_does_not_get_it_again_while_others_wait(folder: Path, agent: Session, jobs: Session) -> None:
    count(folder, "ky.example")
    outgoing_carry.carry(DMARC, folder, agent)
    mailer = Mailer()
    some = ReportRecipients((Destination("a@ky.example"),), waits="DNS on x TXT: SERVFAIL")
    assert send(jobs, mailer, lambda _: some) == {"waiting:dns": 1}
    both = ReportRecipients((Destination("a@ky.example"), Destination("b@khac.example")))
    assert send(jobs, mailer, lambda _: both) == {"sent": 1}
    assert mailer.to == ["a@ky.example", "b@khac.example"]


def test_two_senders_at_once_send_one_report(scratch: Scratch, folder: Path, agent: Session, jobs: Session) -> None:
    count(folder, "ky.example")
    outgoing_carry.carry(DMARC, folder, agent)
    mailer = Mailer()
    with psycopg.connect(scratch.dsn("mail_jobs"), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('hanam-mail reports-send'))")
        assert send(jobs, mailer, domains("ky.example")) == {}
        # The server would let go of it some time after the session's end.
        other.execute("SELECT pg_advisory_unlock_all()")
    assert send(jobs, mailer, domains("ky.example")) == {"sent": 1}


@pytest.mark.parametrize(
    ("failure", "ended", "later"),
    [
        (smtplib.SMTPRecipientsRefused({"a@ky.example": (550, b"no")}), "none:refused", {}),
        (smtplib.SMTPRecipientsRefused({"a@ky.example": (451, b"later")}), "waiting:smtp", {"sent": 1}),
        (smtplib.SMTPDataError(554, b"spam"), "waiting:smtp", {"sent": 1}),
        (smtplib.SMTPSenderRefused(450, b"too many", "bounces@hanam.gov.vn"), "waiting:smtp", {"sent": 1}),
        (smtplib.SMTPServerDisconnected("gone"), "waiting:smtp", {"sent": 1}),
        (ConnectionRefusedError(111, "refused"), "waiting:smtp", {"sent": 1}),
    ],
)
def test_what_the_exchanger_does_not_take_waits_or_ends(
    folder: Path, agent: Session, jobs: Session, failure: Exception, ended: str, later: dict[str, int]
) -> None:
    count(folder, "ky.example")
    outgoing_carry.carry(DMARC, folder, agent)
    assert send(jobs, Mailer(failure), domains("ky.example")) == {ended: 1}
    assert send(jobs, Mailer(), domains("ky.example")) == later


def test_an_exchanger_that_is_away_is_asked_once_and_not_for_each_report(
    folder: Path, agent: Session, jobs: Session
) -> None:
    count(folder, *(f"d{number}.example" for number in range(5)))
    outgoing_carry.carry(DMARC, folder, agent)
    assert send(jobs, Mailer(OSError("away")), lambda domain: domains(domain)(domain)) == {"waiting:smtp": 1}
    assert send(jobs, Mailer(), lambda domain: domains(domain)(domain)) == {"sent": 5}


def test_a_report_larger_than_its_receiver_takes_is_not_sent(folder: Path, agent: Session, jobs: Session) -> None:
    count(folder, "ky.example", "khac.example")
    outgoing_carry.carry(DMARC, folder, agent)
    mailer = Mailer()

    def find(domain: str) -> ReportRecipients:
        small, any_size = Destination(f"nho@{domain}", 10), Destination(f"lon@{domain}", 10 * 2**20)
        return ReportRecipients((small, any_size) if domain == "ky.example" else (small,))

    assert send(jobs, mailer, find) == {"sent": 1, "none:too_large": 1}
    assert mailer.to == ["lon@ky.example"]


@pytest.mark.parametrize("seen", ["{}", "[]", '{"ip": 1}', json.dumps(ROW | {"auth_spf": [1]})])
def test_rows_that_nobody_of_ours_wrote_keep_no_other_report_waiting(
    scratch: Scratch, folder: Path, agent: Session, jobs: Session, seen: str
) -> None:
    """A host that was taken over may bring what it likes."""
    count(folder, "a.example", "b.example")
    outgoing_carry.carry(DMARC, folder, agent)
    scratch.psql(f"update mail.outgoing_seen set seen = '{seen}' where domain = 'a.example'")
    assert send(jobs, Mailer(), domains("a.example", "b.example")) == {"failed:broken": 1, "sent": 1}
    assert outgoing_send.overdue(jobs, DMARC) == [(DAY, 1, "broken")]


def test_an_address_that_no_letter_can_bear_keeps_no_other_report_waiting(
    folder: Path, agent: Session, jobs: Session
) -> None:
    count(folder, "a.example", "b.example")
    outgoing_carry.carry(DMARC, folder, agent)

    def find(domain: str) -> ReportRecipients:
        return (
            ReportRecipients((Destination("=?utf-8?q??=@a.example"),))
            if domain == "a.example"
            else domains("b.example")(domain)
        )

    assert send(jobs, Mailer(), find) == {"failed:broken": 1, "sent": 1}


def test_a_session_that_ended_while_names_were_asked_for_is_begun_anew(
    folder: Path, agent: Session, jobs: Session
) -> None:
    count(folder, *(f"d{number}.example" for number in range(3)))
    outgoing_carry.carry(DMARC, folder, agent)
    sessions = list[Mailer]()

    @dataclass
    class Short(Mailer):
        def sendmail(self, sender: str, recipients: Sequence[str], message: bytes) -> dict[str, tuple[int, bytes]]:
            if self.taken:
                raise smtplib.SMTPServerDisconnected("please run connect() first")
            return super().sendmail(sender, recipients, message)

    def connect() -> Mailer:
        sessions.append(Short())
        return sessions[-1]

    done = outgoing_send.send_all(jobs, CONFIGURATION, DMARC, connect, lambda domain: domains(domain)(domain))
    assert (dict(done), len(sessions)) == ({"sent": 3}, 3)


def test_what_waited_for_longer_than_reports_are_tried_is_not_offered(
    folder: Path, agent: Session, jobs: Session
) -> None:
    """The job was off for days."""
    count(folder, "ky.example", day=TODAY - timedelta(days=5))
    outgoing_carry.carry(DMARC, folder, agent)
    mailer = Mailer()
    assert send(jobs, mailer, domains("ky.example")) == {"none:old": 1}
    assert mailer.to == []


def test_a_day_that_is_lost_whole_is_told_when_it_is_over(
    scratch: Scratch, folder: Path, agent: Session, jobs: Session, tmp_path: Path
) -> None:
    path = count(folder, "ky.example")
    path.write_text('{"lost": 9}\n')
    outgoing_carry.carry(DMARC, folder, agent)
    assert outgoing_send.overdue(jobs, DMARC) == []
    scratch.psql("update mail.outgoing_file set taken_at = taken_at - interval '2 days'")
    assert outgoing_send.overdue(jobs, DMARC) == [(DAY, 0, "lost")]
    settings = tmp_path / "dmarc.yml"
    settings.write_text(yaml.safe_dump(vars(CONFIGURATION)))
    told = scratch.command("reports-send", str(settings), role="mail_jobs").complaint
    assert told.startswith(f"hanam-mail-db: báo cáo DMARC ngày {DAY:%d/%m/%Y}: hơn một phần mười kết quả ")


@pytest.mark.parametrize(("silent", "told"), [(5, True), (4, False)])
def test_dns_that_answers_of_nobody_is_ours_and_told(
    folder: Path, agent: Session, jobs: Session, silent: int, told: bool
) -> None:
    count(folder, *(f"d{number}.example" for number in range(silent)))
    outgoing_carry.carry(DMARC, folder, agent)
    assert send(jobs, Mailer(), lambda _: ReportRecipients((), waits="SERVFAIL")) == {"waiting:dns": silent}
    assert outgoing_send.overdue(jobs, DMARC) == ([(DAY, silent, "dns")] if told else [])


def test_what_cannot_be_sent_is_given_up_after_its_days(
    scratch: Scratch, folder: Path, agent: Session, jobs: Session
) -> None:
    count(folder, "dns.example", "smtp.example", "some.example")
    outgoing_carry.carry(DMARC, folder, agent)

    def find(domain: str) -> ReportRecipients:
        if domain == "smtp.example":
            return domains(domain)(domain)
        return ReportRecipients((Destination("a@some.example"),) if domain == "some.example" else (), waits="SERVFAIL")

    @dataclass
    class Picky(Mailer):
        def sendmail(self, sender: str, recipients: Sequence[str], message: bytes) -> dict[str, tuple[int, bytes]]:
            if recipients == ["a@smtp.example"]:
                raise smtplib.SMTPDataError(554, b"no")
            return super().sendmail(sender, recipients, message)

    assert send(jobs, Picky(), find) == {"waiting:dns": 2, "waiting:smtp": 1}
    assert send(jobs, Picky(), find, try_days=1) == {"none:dns": 1, "failed:smtp": 1, "sent:dns": 1}
    assert send(jobs, Picky(), find) == {}


# --- what operators are told ---


def test_fewer_sent_than_seen_is_told_unless_it_is_said_why(
    scratch: Scratch, folder: Path, agent: Session, jobs: Session
) -> None:
    count(folder, "ky.example", "thoi.example", "cham.example")
    outgoing_carry.carry(DMARC, folder, agent)
    # Nothing was tried: the job does not run.
    assert outgoing_send.overdue(jobs, DMARC) == [(DAY, 3, "")]

    def find(domain: str) -> ReportRecipients:
        return ReportRecipients((), waits="SERVFAIL") if domain == "cham.example" else domains("ky.example")(domain)

    assert send(jobs, Mailer(smtplib.SMTPDataError(554, b"no")), find) == {
        "waiting:dns": 1, "waiting:smtp": 1, "none:no_record": 1,
    }  # fmt: skip
    # A stranger's DNS that does not answer is a reason; that our own server does not take it is none.
    assert outgoing_send.overdue(jobs, DMARC) == [(DAY, 1, "smtp")]
    assert send(jobs, Mailer(), find)["sent"] == 1
    assert outgoing_send.overdue(jobs, DMARC) == []
    # What the job believes is not believed.
    scratch.psql("update mail.outgoing_report set given = '{}' where domain = 'ky.example'")
    assert outgoing_send.overdue(jobs, DMARC) == [(DAY, 1, "")]
    scratch.psql("delete from mail.outgoing_report where domain <> 'ky.example'")


def test_the_command_fails_and_says_of_which_day_reports_are_missing(
    scratch: Scratch, folder: Path, agent: Session, tmp_path: Path
) -> None:
    count(folder, "ky.example")
    outgoing_carry.carry(DMARC, folder, agent)
    settings = tmp_path / "dmarc.yml"
    # Nobody listens there, and DNS is nowhere.
    settings.write_text(yaml.safe_dump(vars(replace(CONFIGURATION, smtp_port=1, nameservers=["127.0.0.1"]))))
    scratch.psql("update mail.outgoing_report set reason = 'smtp'")
    scratch.psql(
        "create or replace function mail.outgoing_waiting(kind text) returns table (day date, domain text) language sql"
        " security definer set search_path = pg_catalog, pg_temp as 'select null::date, null where false'"
    )
    answer = scratch.command("reports-send", str(settings), role="mail_jobs")
    assert (answer.status, answer.output) == (1, "")
    assert answer.complaint == (
        f"hanam-mail-db: báo cáo DMARC ngày {DAY:%d/%m/%Y} còn thiếu 1 tên miền: máy chủ thư của chúng ta chưa nhận\n"
    )
    for wrong, why in (("smtp_host: x\n", "cần đúng các khóa "), ("{", "không đọc được: ")):
        settings.write_text(wrong)
        answer = scratch.run(scratch.words("reports-send", str(settings)))
        assert (answer.status, answer.complaint.startswith(f"hanam-mail-db: {settings}: {why}")) == (1, True)


def test_operators_see_what_became_of_a_days_reports(
    scratch: Scratch, folder: Path, agent: Session, jobs: Session
) -> None:
    assert scratch.run(["reports", "sent", "--dsn", scratch.dsn()]).output == "chưa có báo cáo nào\n"
    count(folder, "ky.example", "ky.example", "thoi.example")
    outgoing_carry.carry(DMARC, folder, agent)
    send(jobs, Mailer(), domains("ky.example"))
    shown = scratch.run(["reports", "sent", "--dsn", scratch.dsn()]).output
    assert shown == (f"{DAY:%d/%m/%Y}, DMARC: 3 thư của 2 tên miền; đã gửi 1, không gửi 1, gửi hỏng 0, đang chờ 0\n")
    shown = scratch.run(["reports", "sent", "--day", DAY.isoformat(), "--dsn", scratch.dsn()]).output
    assert shown == (
        "ky.example, DMARC: 2 thư, đã gửi tới a@ky.example\n"
        "thoi.example, DMARC: 1 thư, không gửi (tên miền không còn bản ghi đề nghị báo cáo)\n"
    )
    found = scratch.run(["reports", "sent", "--json", "--dsn", scratch.dsn()]).json["days"]
    assert [(each["domains"], each["sent"], each["none"], each["lost"]) for each in found] == [(2, 1, 1, 0)]


def test_what_is_old_is_forgotten(scratch: Scratch, folder: Path, agent: Session, jobs: Session) -> None:
    count(folder, "ky.example", "cu.example")
    count(folder, "moi.example", day=TODAY)
    outgoing_carry.carry(DMARC, folder, agent)
    scratch.psql(
        "with old as (insert into mail.outgoing_report"
        " select (jsonb_populate_record(r, jsonb_build_object('day', r.day - 30))).*"
        " from mail.outgoing_report r where domain = 'cu.example')"
        " delete from mail.outgoing_report where domain = 'cu.example'"
    )
    send(jobs, Mailer(), domains("ky.example"))
    jobs.execute("select mail.outgoing_prune()")
    assert (
        scratch.psql("select string_agg(domain, ',' order by domain) from mail.outgoing_report")
        == "ky.example,moi.example"
    )
    assert scratch.psql("select count(*) from mail.outgoing_seen") == "2"
    # What was seen goes soon after it is sent; what became of it stays.
    scratch.psql("update mail.outgoing_report set done_at = done_at - interval '3 days' where outcome is not null")
    jobs.execute("select mail.outgoing_prune()")
    assert scratch.psql("select count(*) from mail.outgoing_report") == "2"
    assert scratch.psql("select count(*) from mail.outgoing_seen") == "1"


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("mail_agent", "select * from mail.outgoing_report"),
        ("mail_agent", "select mail.outgoing_done('dmarc', '2026-11-29', 'ky.example', 'sent', '')"),
        ("mail_jobs", "select mail.outgoing_take('dmarc', 'x', '[]', 0)"),
        ("mail_jobs", "update mail.outgoing_report set outcome = 'sent'"),
        ("mail_apply", "select * from mail.outgoing_seen"),
        ("mail_apply", "select mail.outgoing_prune()"),
        ("mail_postfix", "select * from mail.outgoing_report"),
        ("mail_webmail", "select mail.outgoing_waiting('dmarc')"),
    ],
)
def test_each_role_does_its_part_and_no_more(database: Database, role: str, statement: str) -> None:
    assert "permission denied" in refused(database, statement, world="", role=role)
