"""Reports on TLS from what Postfix tells to the message, beside those on DMARC: each kind for itself (RFC 8460)."""

import email
import email.policy
import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanam_mail.host.database import schema
from hanam_mail.host.database.session import Session
from hanam_mail.host.reports import incoming_tls, outgoing_carry, outgoing_send, outgoing_spool
from hanam_mail.host.reports.outgoing_destinations import Destination, ReportRecipients
from hanam_mail.host.reports.outgoing_rows import DMARC, TLS
from hanam_mail.host.reports.outgoing_tls_seen import DatagramReader
from tests.database import test_dmarc_reports as dmarc
from tests.database.scratch import Scratch
from tests.database.test_dmarc_reports import DAY, Mailer, agent, domains, jobs  # noqa: F401
from tests.unit.host.reports.test_outgoing_tls_row import FAILURE, SUCCESS, octets

CONFIGURATION = replace(dmarc.CONFIGURATION, returned_to={DMARC: "bounces@hanam.gov.vn", TLS: "bounce@hanam.gov.vn"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sessions").mkdir()
    return tmp_path / "sessions"


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    (tmp_path / "judged").mkdir()
    return tmp_path / "judged"


def told(folder: Path, *sessions: dict[str, Any], day: date = DAY) -> Path:
    """A file of the service's own, of these datagrams."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    counter = outgoing_spool.Counter(folder, lambda: noon)
    reader = DatagramReader(counter)
    for said in sessions:
        reader.take(octets(said))
    counter.write()
    return outgoing_spool.waiting(folder)[-1]


def send(jobs: Session, mailer: Mailer, find: Callable[[str], ReportRecipients], kind: str = TLS) -> dict[str, int]:  # noqa: F811
    return dict(outgoing_send.send_all(jobs, CONFIGURATION, kind, lambda: mailer, find))


def report(message: bytes) -> dict[str, Any]:
    """What our own reader of others' reports finds in it."""
    _, part = email.message_from_bytes(message, policy=email.policy.default).iter_parts()  # type: ignore[attr-defined]
    return incoming_tls.read(gzip.decompress(part.get_content()))


def test_sessions_of_all_hosts_are_one_report_that_is_sent_once(
    scratch: Scratch,
    folder: Path,
    agent: Session,  # noqa: F811
    jobs: Session,  # noqa: F811
) -> None:
    told(folder, SUCCESS, SUCCESS, FAILURE)
    told(folder, SUCCESS, FAILURE, {**SUCCESS, "d": "khac.example"})
    done = outgoing_carry.carry(TLS, folder, agent)
    assert (done.files, done.messages, done.lost, done.left, list(folder.iterdir())) == (2, 6, 0, 0, [])
    mailer = Mailer()
    assert send(jobs, mailer, domains("ky.example", "khac.example")) == {"sent": 2}
    assert {sender for sender, _, _ in mailer.taken} == {"bounce@hanam.gov.vn"}
    assert mailer.to == ["a@khac.example", "a@ky.example"]
    found = report(mailer.taken[1][2])
    assert {each["policy"]: (each["successes"], each["failures"]) for each in found["policies"]} == {
        "tlsa": (3, 0),
        "sts": (0, 2),
    }
    assert send(jobs, mailer, domains("ky.example", "khac.example")) == {}
    assert len(mailer.taken) == 2


def test_a_crash_between_sending_and_noting_sends_the_same_message_once_more(
    scratch: Scratch,
    folder: Path,
    agent: Session,  # noqa: F811
    jobs: Session,  # noqa: F811
) -> None:
    told(folder, SUCCESS, FAILURE)
    outgoing_carry.carry(TLS, folder, agent)
    mailer = Mailer()
    assert send(jobs, mailer, domains("ky.example")) == {"sent": 1}
    scratch.psql("update mail.outgoing_report set outcome = null, done_at = null, given = '{}'")
    # What came meanwhile changes nothing.
    told(folder, FAILURE)
    outgoing_carry.carry(TLS, folder, agent)
    assert send(jobs, mailer, domains("ky.example")) == {"sent": 1}
    assert mailer.taken[0] == mailer.taken[1]


def test_nobody_is_flooded_by_who_owns_many_names(
    folder: Path,
    agent: Session,  # noqa: F811
    jobs: Session,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = replace(outgoing_send.KINDS[TLS], most_of_address=2, most_of_host=3)
    monkeypatch.setitem(outgoing_send.KINDS, TLS, few)
    names = [f"s{n}.ky.example" for n in range(6)]
    told(folder, *({**SUCCESS, "d": name} for name in names))
    outgoing_carry.carry(TLS, folder, agent)
    mailer = Mailer()

    def find(domain: str) -> ReportRecipients:
        # Of the last two another address, at the same host.
        return ReportRecipients((Destination(f"{'b' if domain > 's4' else 'a'}@nan-nhan.example"),))

    assert send(jobs, mailer, find) == {"sent": 3, "none:crowded": 3}
    assert mailer.to == ["a@nan-nhan.example"] * 2 + ["b@nan-nhan.example"]
    # Another run counts what is sent already.
    told(folder, {**SUCCESS, "d": "x.ky.example"})
    outgoing_carry.carry(TLS, folder, agent)
    assert send(jobs, mailer, find) == {"none:crowded": 1}
    assert outgoing_send.overdue(jobs, TLS) == []


def test_kinds_do_not_mix(
    scratch: Scratch,
    folder: Path,
    judged: Path,
    agent: Session,  # noqa: F811
    jobs: Session,  # noqa: F811
) -> None:
    """Of one day and domain, even by files of one name."""
    verdicts, sessions = dmarc.count(judged, "ky.example"), told(folder, SUCCESS, SUCCESS)
    sessions.rename(folder / verdicts.name)
    assert outgoing_carry.carry(DMARC, judged, agent).messages == 1
    assert outgoing_carry.carry(TLS, folder, agent).messages == 2
    assert outgoing_send.overdue(jobs, DMARC) == outgoing_send.overdue(jobs, TLS) == [(DAY, 1, "")]
    mailer = Mailer()
    assert send(jobs, mailer, domains("ky.example")) == {"sent": 1}
    # The other one waits still, and is told by itself.
    assert (outgoing_send.overdue(jobs, DMARC), outgoing_send.overdue(jobs, TLS)) == ([(DAY, 1, "")], [])
    assert send(jobs, mailer, domains("ky.example"), DMARC) == {"sent": 1}
    assert [sender for sender, _, _ in mailer.taken] == ["bounce@hanam.gov.vn", "bounces@hanam.gov.vn"]
    assert len({email.message_from_bytes(message)["Message-ID"] for _, _, message in mailer.taken}) == 2
    assert scratch.psql("select string_agg(kind || ' ' || messages, ',' order by kind) from mail.outgoing_report") == (
        "dmarc 1,tls 2"
    )


def test_verdicts_are_no_sessions_and_sessions_no_verdicts(folder: Path, judged: Path, agent: Session) -> None:  # noqa: F811
    dmarc.count(judged, "ky.example")
    told(folder, SUCCESS)
    assert outgoing_carry.carry(TLS, judged, agent).damaged == 1
    assert outgoing_carry.carry(DMARC, folder, agent).damaged == 1


def test_many_of_one_kind_leave_room_for_the_other(
    scratch: Scratch,
    folder: Path,
    judged: Path,
    agent: Session,  # noqa: F811
) -> None:
    function = scratch.psql("select pg_get_functiondef('mail.outgoing_take(text,text,jsonb,bigint)'::regprocedure)")
    scratch.psql(function.replace(":= 5000", ":= 2").replace(":= 10000;", ":= 2;").replace(":= 100000", ":= 2"))
    dmarc.count(judged, *(f"d{number}.example" for number in range(5)))
    outgoing_carry.carry(DMARC, judged, agent)
    told(folder, SUCCESS, FAILURE, {**SUCCESS, "d": "a.example"}, {**SUCCESS, "d": "b.example"})
    outgoing_carry.carry(TLS, folder, agent)
    kept = "select string_agg(domain, ',' order by domain) from mail.outgoing_report where kind = 'tls'"
    assert scratch.psql(kept) == "a.example,b.example"
    assert scratch.psql("select count(*) from mail.outgoing_seen where kind = 'tls'") == "2"
    lost = "select string_agg(kind || ' ' || lost, ',' order by kind) from mail.outgoing_file"
    assert scratch.psql(lost) == "dmarc 3,tls 2"


@pytest.mark.parametrize("seen", ["{}", "[]", '{"type": "tlsa"}', '{"type": "x<script>"}'])
def test_rows_that_nobody_of_ours_wrote_keep_no_other_report_waiting(
    scratch: Scratch,
    folder: Path,
    agent: Session,  # noqa: F811
    jobs: Session,  # noqa: F811
    seen: str,
) -> None:
    told(folder, {**SUCCESS, "d": "a.example"}, {**SUCCESS, "d": "b.example"})
    outgoing_carry.carry(TLS, folder, agent)
    scratch.psql(f"update mail.outgoing_seen set seen = '{seen}' where domain = 'a.example'")
    assert send(jobs, Mailer(), domains("a.example", "b.example")) == {"failed:broken": 1, "sent": 1}


def test_operators_see_both_kinds_and_why_a_domain_gets_none(
    scratch: Scratch,
    folder: Path,
    judged: Path,
    agent: Session,  # noqa: F811
    jobs: Session,  # noqa: F811
) -> None:
    dmarc.count(judged, "ky.example")
    outgoing_carry.carry(DMARC, judged, agent)
    told(folder, SUCCESS, FAILURE, {**SUCCESS, "d": "web.example"})
    outgoing_carry.carry(TLS, folder, agent)
    found = {
        "ky.example": ReportRecipients((Destination("tls@ky.example"),)),
        "web.example": ReportRecipients((), "https"),
    }
    assert send(jobs, Mailer(), lambda domain: found[domain]) == {"sent": 1, "none:https": 1}
    shown = scratch.run(["reports", "sent", "--dsn", scratch.dsn()]).output
    assert shown == (
        f"{DAY:%d/%m/%Y}, DMARC: 1 thư của 1 tên miền; đã gửi 0, không gửi 0, gửi hỏng 0, đang chờ 1\n"
        f"{DAY:%d/%m/%Y}, TLS: 3 phiên TLS tới 2 tên miền; đã gửi 1, không gửi 1, gửi hỏng 0, đang chờ 0\n"
    )
    shown = scratch.run(["reports", "sent", "--day", DAY.isoformat(), "--dsn", scratch.dsn()]).output
    assert shown == (
        "ky.example, DMARC: 1 thư, đang chờ\n"
        "ky.example, TLS: 2 phiên, đã gửi tới tls@ky.example\n"
        "web.example, TLS: 1 phiên, không gửi (bản ghi chỉ nhận báo cáo qua HTTPS, chúng ta chỉ gửi bằng thư)\n"
    )


def test_the_job_tells_of_the_kinds_that_are_sent_alone(
    scratch: Scratch,
    folder: Path,
    judged: Path,
    agent: Session,  # noqa: F811
    tmp_path: Path,
) -> None:
    told(folder, SUCCESS)
    dmarc.count(judged, "ky.example")
    outgoing_carry.carry(TLS, folder, agent)
    outgoing_carry.carry(DMARC, judged, agent)
    settings = tmp_path / "reports.yml"
    # Nothing waits for a try, nobody listens, and DNS is nowhere.
    scratch.psql(
        "create or replace function mail.outgoing_waiting(kind text) returns table (day date, domain text) language sql"
        " security definer set search_path = pg_catalog, pg_temp as 'select null::date, null where false'"
    )
    for kinds, names in (((DMARC, TLS), ("DMARC", "TLS")), ((TLS,), ("TLS",))):
        returned_to = {kind: CONFIGURATION.returned_to[kind] for kind in kinds}
        settings.write_text(yaml.safe_dump(vars(replace(CONFIGURATION, smtp_port=1, returned_to=returned_to))))
        answer = scratch.command("reports-send", str(settings), role="mail_jobs")
        assert answer.status == 1
        assert answer.complaint == "".join(
            f"hanam-mail-db: báo cáo {name} ngày {DAY:%d/%m/%Y} còn thiếu 1 tên miền: chưa rõ vì sao\n"
            for name in names
        )
    settings.write_text(yaml.safe_dump(vars(replace(CONFIGURATION, returned_to={"arf": "x@hanam.gov.vn"}))))
    answer = scratch.run(scratch.words("reports-send", str(settings)))
    assert (answer.status, answer.complaint) == (1, f"hanam-mail-db: {settings}: returned_to: chỉ có dmarc, tls\n")


def test_one_run_brings_both_kinds(scratch: Scratch, folder: Path, judged: Path, tmp_path: Path) -> None:
    told(folder, SUCCESS, FAILURE)
    dmarc.count(judged, "ky.example")
    settings = tmp_path / "agent.yml"
    settings.write_text(yaml.safe_dump({"node": "a", "dsn": scratch.dsn("mail_agent"), "doveadm": []}))
    answer = scratch.run(["reports-carry", str(settings), f"dmarc={judged}", f"tls={folder}"])
    assert (answer.status, answer.output) == (
        0,
        "DMARC: đã chuyển 1 kết quả trong 1 tệp\nTLS: đã chuyển 2 kết quả trong 1 tệp\n",
    )


def test_a_folder_that_cannot_be_read_or_is_not_there_keeps_no_other_waiting(
    scratch: Scratch, folder: Path, tmp_path: Path
) -> None:
    told(folder, SUCCESS)
    settings, blocked = tmp_path / "agent.yml", tmp_path / "blocked"
    settings.write_text(yaml.safe_dump({"node": "a", "dsn": scratch.dsn("mail_agent"), "doveadm": []}))
    answer = scratch.run(["reports-carry", str(settings), f"dmarc={tmp_path / 'none'}", f"tls={folder}"])
    assert (answer.status, answer.output) == (0, "TLS: đã chuyển 1 kết quả trong 1 tệp\n")
    told(folder, SUCCESS)
    blocked.write_text("no folder")
    answer = scratch.run(["reports-carry", str(settings), f"dmarc={blocked}", f"tls={folder}"])
    assert answer.status == 1
    assert answer.output.endswith("TLS: đã chuyển 1 kết quả trong 1 tệp\n")
    assert f"{blocked}: không đọc được" in answer.complaint


def test_one_kind_that_fails_keeps_no_other_waiting(
    scratch: Scratch,
    folder: Path,
    agent: Session,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told(folder, SUCCESS)
    outgoing_carry.carry(TLS, folder, agent)
    settings = tmp_path / "reports.yml"
    settings.write_text(yaml.safe_dump(vars(CONFIGURATION)))
    tried = []

    def fail(_connection: Session, _configuration: object, kind: str, _connect: object) -> None:
        tried.append(kind)
        raise LookupError(kind)

    monkeypatch.setattr(outgoing_send, "send_all", fail)
    answer = scratch.command("reports-send", str(settings), role="mail_jobs")
    assert (answer.status, tried) == (1, [DMARC, TLS])
    assert "báo cáo TLS ngày" in answer.complaint


def test_reports_of_an_earlier_release_are_kept(scratch: Scratch) -> None:
    """Its tables had one kind."""
    before, after = (
        next(script.text for script in schema.scripts("migrations") if script.name.startswith(number))
        for number in ("0017", "0018")
    )
    scratch.psql(
        "set role mail_owner; drop table mail.outgoing_seen, mail.outgoing_report, mail.outgoing_file;"
        + before
        + f"insert into mail.dmarc_report (day, domain, published, messages) values ('{DAY}', 'ky.example', '{{}}', 3);"
        f"insert into mail.dmarc_seen values ('{DAY}', 'ky.example', sha256('x'), '{{}}', 3);"
        "insert into mail.dmarc_file (name, lost) values ('x', 2);" + after
    )
    rows = "select kind, domain, messages from mail.{} where day = '" + DAY.isoformat() + "'"
    for table in ("outgoing_report", "outgoing_seen"):
        assert scratch.psql(rows.format(table)) == "dmarc|ky.example|3"
    assert scratch.psql("select kind, name, lost from mail.outgoing_file") == "dmarc|x|2"
    # Rows go with their report still, and a kind has to be said.
    scratch.psql("delete from mail.outgoing_report")
    assert scratch.psql("select count(*) from mail.outgoing_seen") == "0"
    assert scratch.psql("select count(*) from pg_class where relname like 'dmarc%'") == "0"
    assert scratch.psql("select count(*) from pg_constraint where conname like 'dmarc%'") == "0"
    defaults = "select count(column_default) from information_schema.columns where table_name like 'outgoing%'"
    assert scratch.psql(f"{defaults} and column_name = 'kind'") == "0"
