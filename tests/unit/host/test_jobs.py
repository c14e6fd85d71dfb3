"""Notices as messages, who has them when a mail server refuses, proposals as files, history in words."""

import email
import email.policy
import json
import shlex
import shutil
import smtplib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from functools import partial
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from hanam_mail import cli
from hanam_mail.host import audit_history, command_line
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.jobs import factor_texts, job_commands, lockouts, notices, revocation_proposals
from hanam_mail.host.settings_file import ConfigurationError
from hanam_mail.regulation import rule_values

ROOT = Path(__file__).resolve().parents[3]

CONFIGURATION = notices.JobsConfiguration(
    smtp_host="127.0.0.1",
    smtp_port=25,
    smtp_tls_name="",
    sender="noreply@hanam.gov.vn",
    sender_name="Hệ thống thư điện tử công vụ Hà Nam",
    operator="stttt@hanam.gov.vn",
    webmail_url="https://mail.hanam.gov.vn/",
    held_url="https://mail.hanam.gov.vn/thu-giu/",
    support_name="Sở Thông tin và Truyền thông",
    support_email="hotro@hanam.gov.vn",
    support_phone="0226 3 000 000",
    regulation="Quy chế thử nghiệm của tỉnh Thử Nghiệm (Quyết định số 1/2030/QĐ-UBND)",
)
# What mail.held_notice does.
_HELD: dict[str, dict[str, Any]] = {
    "held": {"recipients": "an@ngoai.example", "advice": "Xin gửi lại không đặt mật khẩu."},
    "held_digest": {
        "more": 2,
        "until": "13/12/2026",
        "days": 14,
        "rows": [{"arrived": "28/11/2026 08:12", "author": "An <a@b.vn>", "subject": "Vay", "link": "7-20261213-ab"}],
    },
    "held_received": {"author": "An <an@ngoai.example>", "files": ["hồ sơ.zip"], "signed_in": False, "days": 30},
    "held_received_dropped": {"author": "An <a@b.example>", "files": [], "signed_in": True, "days": 0, "expired": True},
    "held_released": {"recipients": "an@ngoai.example"},
    "held_dropped": {"recipients": "an@ngoai.example", "advice": "Xin không gửi lại."},
    "held_opened": {"document": "12/STTTT-TTra", "note": "xác minh", "opened_by": "lan"},
}
HELD: dict[str, dict[str, Any]] = {
    kind: {"number": 12, "arrived": "08:00 ngày 29/11/2026", "title": "Dấu mật", "why": "có dấu mật"} | more
    for kind, more in _HELD.items()
}
# What mail.user_report_words adds to a report's number.
REPORT: dict[str, Any] = {
    "number": 12, "report_kind": "spam", "reported": "08:00 ngày 29/11/2026", "words": "Thư lừa đảo", "message": True,
    "folder": "INBOX", "message_id": "<1@ngoai.example>", "author": "Vay <vay@ngoai.example>", "subject": "Vay nhanh",
    "attached": "sent", "fault": "", "answer": "", "lies_in": "ha@hanam.gov.vn",
}  # fmt: skip
# What mail.second_factor_tell does.
_FACTOR: dict[str, dict[str, Any]] = {
    "factor_on": {},
    "factor_off": {},
    "factor_reset": {"place": ""},
    "factor_codes": {},
    "app_password_made": {"names": ["Điện thoại"], "scopes": ["imap", "smtp"], "ends_on": "2026-12-31"},
    "app_password_ended": {"names": ["Máy cơ quan", "Xem http://xau.example"], "why": "password"},
}
FACTOR = {kind: {"done_at": "08:00 ngày 29/11/2026", "place": "203.0.113.7"} | more for kind, more in _FACTOR.items()}
# What mail.life_cycle and mail.quota_passed put into the payload of each kind.
PAYLOADS: dict[str, dict[str, Any]] = {
    "collector": {"provider": "Gmail của Google"},
    "collector_refused": {"provider": "Gmail của Google"},
    "idle_warning": {"since": "2026-01-06", "cause": "activity", "locks_on": "2026-04-07", "days": 15},
    "idle_lock": {"since": "2026-01-06", "cause": "restore", "ended": "2026-04-06"},
    "default_password_warning": {"since": "2026-01-05", "cause": "reset", "locks_on": "2026-02-06", "days": 8},
    "default_password_lock": {"since": "2026-01-05", "cause": "reset", "ended": "2026-02-05"},
    "password_reminder": {"changed": "2026-01-06", "ends": "2026-04-06", "days": 14},
    "revoke_proposal": {"since": "2026-01-06", "cause": "absence", "ended": "2026-07-06"},
    # What mail.scheduled_stop does.
    "scheduled_shut": {"hour": "07:30 ngày 01/12/2026", "why": "hộp thư đang tạm khóa"},
    "scheduled_stopped": {"hour": "07:30 ngày 01/12/2026", "why": "máy chủ thư không nhận: Thư quá lớn (mã 552 5.3.4)"},
    "scheduled_unfiled": {"hour": "07:30 ngày 01/12/2026", "why": "máy chủ thư không trả lời"},
    "scheduled_doubt": {"hour": "07:30 ngày 01/12/2026", "why": ""},
    # What mail.maintenance_announce does.
    "maintenance": {
        "from_when": "20:00 ngày 05/12/2026",
        "until_when": "23:00 ngày 05/12/2026",
        "what": "nâng cấp",
        "urgent": "",
        "former": "",
        "services": "trang thư",
        "page": "https://mail.hanam.gov.vn/tinh-trang/",
    },
    "yearly_report": {"before": "2026-11-15", "last": "2026-11-14", "days": 30},
    "quota": {"percent": 90, "quota_bytes": 5 * 2**29},
    "opened": {"document": "12/STTTT-TTra", "note": "xác minh đơn tố cáo", "opened_by": "lan"},
    "sending_lock": {"why": "đã gửi 201 thư trong một giờ"},
    "user_report": REPORT,
    "user_report_answer": REPORT | {"answer": "Đã chặn người gửi."},
    **HELD,
    **FACTOR,
}
PERSON, AGENCY = "nguyenthithanhha@hanam.gov.vn", "stttt.so@hanam.gov.vn"


def notice(kind: str = "idle_warning", **payload: Any) -> notices.Notice:
    return notices.Notice(
        "p3x8d1",
        kind,
        "2026-01-06/14",
        date(2026, 3, 23),
        PAYLOADS[kind] | payload,
        "Nguyễn Thị Thanh Hà",
        PERSON,
        "Sở Thử nghiệm",
        tuple(address for address in (PERSON, AGENCY) if address not in payload.get("given", ())),
    )


def test_every_kind_has_a_text_and_every_text_is_a_kind() -> None:
    texts = {Path(entry.name).stem for entry in (resources.files("hanam_mail.host.jobs") / "texts").iterdir()}
    assert texts == PAYLOADS.keys() | {"footer", "held_messages", "lockouts", "reports", "collectors"}


@pytest.mark.parametrize("kind", PAYLOADS)
def test_a_notice_is_whole_vietnamese_mail_that_no_responder_answers(kind: str) -> None:
    octets = notices.render(notice(kind), CONFIGURATION).as_bytes()
    assert octets.isascii()
    parsed = email.message_from_bytes(octets, policy=email.policy.default)
    text = parsed.get_content()
    assert "$" not in parsed["Subject"] + text
    assert PERSON in parsed["Subject"]
    assert "Kính gửi: Nguyễn Thị Thanh Hà" in text
    assert "2026-" not in text
    assert text.rstrip().endswith("điện thoại 0226 3 000 000.")
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["From"].addresses[0].display_name == "Hệ thống thư điện tử công vụ Hà Nam"
    assert max(len(line) for line in octets.splitlines()) < 998


def test_dates_and_sizes_are_written_as_people_here_write_them() -> None:
    assert "06/01/2026" in notices.render(notice(), CONFIGURATION).get_content()
    assert "(2,5 GB)" in notices.render(notice("quota"), CONFIGURATION).get_content()


@pytest.mark.dieu11
@pytest.mark.parametrize(("days", "text"), [(1, "(còn 1 ngày)"), (0, "(hôm nay là ngày cuối)")])
def test_a_reminder_on_the_last_day_says_so(days: int, text: str) -> None:
    assert text in " ".join(notices.render(notice("yearly_report", days=days), CONFIGURATION).get_content().split())


@pytest.mark.parametrize("kind", FACTOR)
def test_a_letter_about_the_second_factor_says_when_from_where_and_what_to_do(kind: str) -> None:
    text = " ".join(notices.render(notice(kind), CONFIGURATION).get_content().split())
    assert "Lúc 08:00 ngày 29/11/2026," in text
    assert ("từ địa chỉ mạng 203.0.113.7," in text) == (kind != "factor_reset")
    assert "Nếu không phải do chính mình làm" in text
    assert "http://xau" not in text


def test_every_use_of_a_programs_password_has_words() -> None:
    migration = (resources.files("hanam_mail") / "sql/migrations/0028_carddav.sql").read_text()
    assert f"'{{{','.join(factor_texts.USES)}}}'" in migration


class Waiting:
    """Stands in for the connection: three notices wait; nobody foresaw the second's kind, or what it has to say."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.done: dict[str, tuple[bool, str]] = {}

    def transaction(self) -> nullcontext[None]:
        return nullcontext()

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        if "notice_done" in query:
            self.done[parameters[2]] = (parameters[4], parameters[5])
        # A use that has no words; of an unknown kind nothing of the payload is at fault.
        odd = {"scopes": ["fax"]} if parameters and parameters[2] == "2" and self.kind in PAYLOADS else {}
        payload = PAYLOADS["app_password_made"] | odd
        row = (date(2026, 11, 30), payload, "Nguyễn Thị Thanh Hà", PERSON, "Sở", [PERSON])
        rows = [("1", self.kind if number == "2" else "app_password_made", number) for number in "123"]
        return SimpleNamespace(fetchall=lambda: rows, fetchone=lambda: row)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [("app_password_made", "KeyError('fax')"), ("fax_sent", repr(LookupError("no text of the kind 'fax_sent'")))],
    ids=["values", "text"],
)
def test_a_letter_that_cannot_be_written_keeps_back_no_other_and_is_told(kind: str, fault: str) -> None:
    connection = Waiting(kind)
    sent, waiting, faults = notices.send_all(connection, CONFIGURATION, Mailer({}))  # type: ignore[arg-type]
    assert (sent, waiting) == (2, 1)
    assert faults == [f"{kind}, {PERSON}: {fault}"]
    assert connection.done["2"] == (True, fault)


def test_a_notice_is_the_same_message_whenever_it_is_sent() -> None:
    one, two = (notices.render(notice(), CONFIGURATION) for _ in range(2))
    assert one["Message-ID"] == two["Message-ID"]
    assert one["Message-ID"] != notices.render(replace(notice(), round="2026-01-06/3"), CONFIGURATION)["Message-ID"]


def test_the_operator_gets_what_he_must_act_on_and_nothing_else() -> None:
    assert notices.recipients(notice(), CONFIGURATION) == (PERSON, AGENCY)
    assert notices.recipients(notice("revoke_proposal"), CONFIGURATION) == (PERSON, AGENCY, CONFIGURATION.operator)
    had = notice("revoke_proposal", given=[CONFIGURATION.operator])
    assert notices.recipients(had, CONFIGURATION) == (PERSON, AGENCY)


class Mailer:
    """A mail server that refuses some."""

    def __init__(self, refused: Mapping[str, tuple[int, bytes]]) -> None:
        self.refused = dict(refused)
        self.senders: list[str] = []

    def sendmail(self, sender: str, recipients: Sequence[str], message: bytes) -> dict[str, tuple[int, bytes]]:
        self.senders.append(sender)
        refused = {person: reply for person, reply in self.refused.items() if person in recipients}
        if len(refused) == len(recipients):
            raise smtplib.SMTPRecipientsRefused(refused)
        return refused


@pytest.mark.parametrize(
    ("refused", "given", "again"),
    [
        ({}, (PERSON, AGENCY), False),
        ({PERSON: (451, b"later")}, (AGENCY,), True),
        ({PERSON: (552, b"full")}, (AGENCY,), False),
        ({PERSON: (552, b"full"), AGENCY: (552, b"full")}, (), True),
    ],
    ids=["all take it", "one later", "one never", "none"],
)
def test_who_refuses_for_now_is_tried_again_and_somebody_must_have_it(
    refused: dict[str, tuple[int, bytes]], given: tuple[str, ...], again: bool
) -> None:
    mailer = Mailer(refused)
    outcome = notices.hand_over(notice(), CONFIGURATION, mailer)
    assert (outcome.given, outcome.again) == (given, again)
    assert all(person in outcome.failure for person in refused)
    # The empty sender: nothing comes back.
    assert mailer.senders == [""]


def test_who_has_it_already_is_enough_when_the_other_is_full() -> None:
    waiting = notice(given=[AGENCY])
    assert not notices.hand_over(waiting, CONFIGURATION, Mailer({PERSON: (552, b"full")})).again


def test_a_message_that_is_refused_as_a_whole_waits() -> None:
    class Refusing(Mailer):
        def sendmail(self, sender: str, recipients: Sequence[str], message: bytes) -> dict[str, tuple[int, bytes]]:
            raise smtplib.SMTPDataError(451, b"scanner is down")

    outcome = notices.hand_over(notice(), CONFIGURATION, Refusing({}))
    assert outcome == notices.NoticeOutcome((), True, "451 scanner is down")


def test_a_wrong_configuration_is_told(tmp_path: Path) -> None:
    file = tmp_path / "jobs.yml"
    file.write_text("smtp_host: x\n")
    with pytest.raises(ConfigurationError, match="smtp_port"):
        notices.JobsConfiguration.read(file)


# --- Lockouts ---


def lockout(number: int = 0, kind: str = "pair") -> lockouts.Lockout:
    at = datetime(2026, 3, 23, 9, 15, number % 60, tzinfo=UTC)
    return lockouts.Lockout(kind, "p3x8d1", PERSON, "203.0.113.5", 10, at)


class Rows:
    """Stands in for the connection: lockouts that the operator does not know."""

    def __init__(self, found: Sequence[lockouts.Lockout]) -> None:
        self.found = found
        self.told: list[int] = []

    def transaction(self) -> nullcontext[None]:
        return nullcontext()

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        if "lockouts_told" in query:
            self.told += parameters[0]
            return None
        if "notice_waiting" in query:
            return SimpleNamespace(fetchone=lambda: (False,))
        if "second_keys_over" in query:
            return SimpleNamespace(fetchone=lambda: (0,))
        if "held_to_tell" in query or "reports_to_tell" in query or "collectors_to_tell" in query:
            return SimpleNamespace(fetchall=list)
        rows = [(n, o.kind, o.login, o.owner, o.source, o.failures, o.at) for n, o in enumerate(self.found)]
        return SimpleNamespace(fetchall=lambda: rows)


@pytest.mark.dieu4
def test_dieu_4_6_the_operator_hears_of_lockouts_in_one_letter_each_once() -> None:
    connection, mailer = Rows([lockout(n) for n in range(notices.MOST + 7)]), Mailer({})
    letters: list[bytes] = []
    mailer.sendmail = lambda sender, recipients, message: letters.append(message) or {}  # type: ignore[method-assign, func-returns-value]
    assert lockouts.tell(connection, CONFIGURATION, lambda: mailer) == (notices.MOST + 7, 0, "")
    assert connection.told == list(range(notices.MOST + 7))
    (octets,) = letters
    parsed = email.message_from_bytes(octets, policy=email.policy.default)
    assert parsed["To"] == CONFIGURATION.operator
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Subject"] == "Có 57 lần chặn đăng nhập do sai mật khẩu nhiều lần"
    text = parsed.get_content()
    assert f"23/03/2026 09:15:00  {PERSON} bị chặn từ 203.0.113.5: 10 lần sai" in text
    assert "và 7 lần nữa" in text
    assert text.count(PERSON) == notices.MOST
    assert "$" not in text


@pytest.mark.dieu4
def test_dieu_4_6_what_the_server_refuses_is_told_by_the_next_run() -> None:
    connection = Rows([lockout()])
    for code in (451, 552):
        told = lockouts.tell(connection, CONFIGURATION, partial(Mailer, {CONFIGURATION.operator: (code, b"full")}))
        assert told == (0, 1, f"{CONFIGURATION.operator}: {code} full")
    assert connection.told == []
    assert lockouts.tell(Rows([]), CONFIGURATION, lambda: pytest.fail("nothing to send")) == (0, 0, "")


def test_an_operators_mailbox_that_is_full_is_no_failure_of_the_job(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs every two minutes: each would be a failed unit and a line of priority err."""
    file = tmp_path / "jobs.yml"
    file.write_text(yaml.safe_dump(asdict(CONFIGURATION)))
    mailer = Mailer({CONFIGURATION.operator: (552, b"full")})
    mailer.close = lambda: None  # type: ignore[attr-defined]
    connection = Rows([lockout(), lockout(1)])
    monkeypatch.setattr(job_commands, "_connect", lambda dsn: nullcontext(connection))
    monkeypatch.setattr(notices, "connect", lambda configuration: mailer)
    assert command_line.main(["notices", str(file)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "còn chờ gửi lại 1" in said.out
    assert f"2 lần chặn đăng nhập chưa được nhận: {CONFIGURATION.operator}: 552 full" in said.out


def test_every_kind_of_lockout_has_words_and_a_name_without_a_mailbox_is_a_digest() -> None:
    for kind in lockouts._WORDS:
        assert "None" not in lockout(kind=kind).text
    assert "tên không có hộp thư (?1f)" in replace(lockout(), login="?1f", owner=None).text


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--lift", PERSON], "--note"),
        (["--lift", PERSON, "--note", "x", "--from", "nha"], "không phải là địa chỉ IP"),
        (["--lift", "192.0.2.1", "--note", "x", "--from", "192.0.2.2"], "--from chỉ dùng"),
    ],
)
def test_a_wrong_use_of_lift_is_told(words: list[str], complaint: str) -> None:
    options = command_line.parser().parse_args(["lockouts", *words])
    with pytest.raises(DatabaseError, match=complaint):
        lockouts._lift(None, options)


# --- Proposals ---

PROPOSAL = revocation_proposals.Proposal(
    "p3x8d1", 'Hà "B"', "thanhha", "Sở Thử: nghiệm", "stn", date(2026, 1, 6), "activity", date(2026, 7, 6), "locked"
)


@pytest.mark.dieu6
def test_dieu_6_2c_a_proposal_is_a_yaml_event_with_its_grounds() -> None:
    data = yaml.safe_load(revocation_proposals.text(PROPOSAL))
    assert (data["mailbox"], data["name"], data["agency"]) == ("p3x8d1", 'Hà "B"', "Sở Thử: nghiệm")
    assert data["event"]["event"] == "revoke"
    assert data["idle"] == {"since": date(2026, 1, 6), "cause": "activity", "term_ended": date(2026, 7, 6)}


@pytest.mark.dieu6
def test_dieu_6_2c_the_command_in_a_proposal_makes_the_change(tmp_path: Path) -> None:
    """Run as it stands there, but for the paper that the operator has to name."""
    registry = tmp_path / "mailboxes"
    shutil.copytree(ROOT / "mailboxes", registry)
    shutil.copytree(ROOT / "group_vars/hanam", tmp_path / "group_vars/hanam")
    text = revocation_proposals.text(replace(PROPOSAL, address="stp"))
    command = text[text.index("hanam-mail revoke") : text.index("# Lệnh")].replace("\\\n#", "")
    given = {"<số văn bản>": "12/STP-VP", "<ngày văn bản>": "2023-07-03", "<số văn bản trả lời>": "77/STTTT-CNTT"}
    words = [given.get(word, word) for word in shlex.split(command)[1:]]
    done = CliRunner().invoke(cli.main, [*words, "--registry", str(registry)])
    assert done.exit_code == 0, done.output
    assert "event: revoke" in (registry / "stp.yml").read_text("utf-8")


@pytest.mark.dieu6
def test_the_folder_holds_what_is_proposed_today_and_nothing_stale(tmp_path: Path) -> None:
    other = replace(PROPOSAL, mailbox="t5v9c2", address="khac")
    assert revocation_proposals.write(tmp_path, [PROPOSAL, other]) == (
        ["khac.2026-01-06.yml", "thanhha.2026-01-06.yml"],
        [],
    )
    assert revocation_proposals.write(tmp_path, [PROPOSAL, other]) == ([], [])
    assert revocation_proposals.write(tmp_path, [other]) == ([], ["thanhha.2026-01-06.yml"])
    assert [path.name for path in tmp_path.iterdir()] == ["khac.2026-01-06.yml"]


# --- History ---


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("mailbox", "insert", "p", {}, {"name": "Hà", "quota_bytes": 2**31}), ["cấp hộp thư cho Hà, dung lượng 2 GB"]),
        (
            ("mailbox", "update", "p", {"quota_bytes": 2**31}, {"quota_bytes": 2**32, "document": {}}),
            ["dung lượng: 2 GB → 4 GB"],
        ),
        (
            ("mailbox", "update", "p", {"state": "active"}, {"state": "revoked"}),
            ["tình trạng theo văn bản: đang hoạt động → đã thu hồi"],
        ),
        (("mailbox", "update", "p", {"restored_at": None}, {"restored_at": "2026"}), []),
        (
            ("lock_state", "insert", "p", {}, {"reason": "idle", "note": "hết hạn"}),
            ["tạm khóa theo Đ7.2, điểm a: không sử dụng (hết hạn)"],
        ),
        (
            (
                "lock_state",
                "update",
                "p",
                {"reason": "idle", "note": "hết hạn", "automatic": True},
                {"reason": "compromised", "note": "máy nhiễm virus", "automatic": False},
            ),
            [
                "khóa lại theo Đ7.2, điểm b: bị chiếm dụng, nhiễm virus hoặc lộ mật khẩu (máy nhiễm virus) "
                "(trước đó: điểm a: không sử dụng)"
            ],
        ),
        (
            ("opening", "insert", "p", {}, {"note": "xác minh đơn"}),
            ["người vận hành lấy bản sao thư để đọc: xác minh đơn"],
        ),
        (
            ("mailbox", "update", "p", {"restored_by_command": None}, {"restored_by_command": {"document": "8/STP"}}),
            ["khôi phục bằng lệnh, chờ sự kiện trong sổ đăng ký"],
        ),
        (
            ("mailbox", "update", "p", {"restored_by_command": {"document": "8/STP"}}, {"restored_by_command": None}),
            ["sổ đăng ký đã ghi lần khôi phục bằng lệnh"],
        ),
        (
            ("mailbox", "update", "p", {"post": ""}, {"post": "Trưởng phòng"}),
            ["chức vụ: không có → Trưởng phòng"],
        ),
        (
            ("mailbox", "update", "p", {"phone": ""}, {"phone": "0226 3850 123"}),
            ["điện thoại: không có → 0226 3850 123"],
        ),
        (
            ("lock_state", "delete", "p", {"reason": "compromised"}, {}),
            ["mở khóa (trước đó: điểm b: bị chiếm dụng, nhiễm virus hoặc lộ mật khẩu)"],
        ),
        (
            ("credential", "update", "p", {}, {"hash": "***", "changed_at": "x", "given_at": "x"}),
            ["cấp lại mật khẩu mặc định"],
        ),
        (("credential", "update", "p", {}, {"hash": "***", "changed_at": "x"}), ["chủ hộp thư đổi mật khẩu"]),
        (("credential", "update", "p", {}, {"hash": "***"}), []),
        (("mailbox_clerk", "insert", "a/p", {}, {}), ["giao làm văn thư của hộp thư a"]),
        (("mailbox_clerk", "delete", "p/k", {}, {}), ["thôi giao văn thư k"]),
        (
            ("sign_in_lockout", "update", "p", {"failures": 30}, {"note": "máy nhiễm đã gỡ", "address": "203.0.113.5"}),
            ["gỡ chặn đăng nhập từ 203.0.113.5: máy nhiễm đã gỡ"],
        ),
        (
            (
                "session",
                "delete",
                "p",
                {
                    "sessions": [
                        {"address": "192.0.2.8", "program": "Chrome, Android"},
                        {"address": None, "program": ""},
                    ],
                    "programs": True,
                },
                {},
            ),
            [
                "kết thúc từ nơi khác một phiên hộp thư trên web: Chrome, Android, địa chỉ mạng 192.0.2.8",
                "kết thúc từ nơi khác một phiên hộp thư trên web: trình duyệt khác, địa chỉ mạng ?",
                "ngắt các chương trình thư",
            ],
        ),
        (
            ("absence", "insert", "p/2026-02-01", {}, {"begins": "2026-02-01", "ends": "2026-07-31"}),
            ["ghi nhận thông báo vắng từ 01/02/2026 đến 31/07/2026"],
        ),
    ],
    ids=lambda value: f"{value[0]} {value[1]}" if isinstance(value, tuple) else "",
)
def test_the_audit_is_told_in_words(
    row: tuple[str, str, str, dict[str, Any], dict[str, Any]], words: list[str]
) -> None:
    assert list(audit_history.entry_texts(*row, "p")) == words


def test_a_line_of_history_names_who_and_by_which_document() -> None:
    entry = audit_history.AuditEntry(
        datetime(2026, 4, 7, 6, 0, tzinfo=UTC), "lan", "tạm khóa", "12/STTTT-VP", "abcdef0123456789"
    )
    assert audit_history.lines([entry]) == [
        "07/04/2026 06:00:00  tạm khóa; người thực hiện: lan; văn bản: 12/STTTT-VP; git: abcdef0123"
    ]


# --- Commands ---


def settings_in_force() -> dict[str, Any]:
    """What the table mail.setting has, of the project's own numbers."""
    files = (yaml.safe_load((ROOT / "group_vars/hanam" / name).read_text("utf-8")) for name in rule_values.FILES)
    return {name: value for values in files for name, value in values.items()} | {
        "password_argon2_memory": 19456,
        "password_argon2_passes": 2,
    }


class Deadlock(Exception):
    """As psycopg's."""

    sqlstate = "40P01"


class Province:
    """Stands in for the connection: mailboxes with something due, and what each transaction did."""

    def __init__(self, mailboxes: int) -> None:
        self.due = [f"m{n:05}" for n in range(mailboxes)]
        self.expired = [200, 200, 3, 0]
        self.unconfirmed: list[int] = []
        self.deadlocks = 0
        self.open: list[str] = []
        self.transactions: list[list[str]] = []

    def __enter__(self) -> "Province":
        return self

    def __exit__(self, *_: object) -> None:
        self.commit()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        assert not self.open
        try:
            yield
        except BaseException:
            self.open = []
            raise
        self.commit()

    def commit(self) -> None:
        self.transactions.append(self.open)
        self.open = []

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> Any:
        rows: list[tuple[Any, ...]] = []
        if "mail.setting" in query:
            rows = list(settings_in_force().items())
        elif "current_date" in query:
            rows = [(date(2026, 4, 7),)]
        elif "life_cycle_due" in query:
            rows = [(who, "idle_lock", "2026-01-06", PAYLOADS["idle_lock"]) for who in self.due]
        elif "life_cycle_unconfirmed" in query:
            rows = [(self.unconfirmed,)]
        elif "life_cycle_expire" in query:
            rows = [(self.expired.pop(0),)]
            self.open += ["expired"] * rows[0][0]
        elif "mail.life_cycle(" in query:
            if self.deadlocks:
                self.deadlocks -= 1
                raise Deadlock
            # One came back meanwhile.
            rows = [(who, "idle_lock", "x", PAYLOADS["idle_lock"]) for who in parameters[1] if who != "m00007"]
            self.open += parameters[1]
        elif "revoke_proposals" not in query:
            rows = [(0,)]
        return SimpleNamespace(fetchone=lambda: rows[0], fetchall=lambda: rows)


@pytest.mark.dieu7
def test_the_job_never_holds_more_than_a_few_mailboxes_in_one_transaction(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator's emergency lock waits for what a transaction holds."""
    province = Province(job_commands.CHUNK * 3 + 1)
    monkeypatch.setattr(job_commands, "_connect", lambda dsn: province)
    assert command_line.main(["life-cycle", "--json", "--proposals", str(tmp_path)]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert len(steps) == job_commands.CHUNK * 3
    assert max(map(len, province.transactions)) == job_commands.CHUNK
    assert [who for done in province.transactions for who in done if who != "expired"] == province.due
    assert sum(map(len, province.transactions)) == 403 + len(province.due)


@pytest.mark.dieu7
def test_the_job_begins_a_transaction_anew_that_the_database_gave_up_for_anothers_sake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    province = Province(3)
    province.deadlocks = 2
    monkeypatch.setattr(job_commands, "_connect", lambda dsn: province)
    assert command_line.main(["life-cycle", "--json", "--proposals", str(tmp_path)]) == 0
    assert province.due in province.transactions


def test_a_year_that_nobody_confirmed_fails_the_job_after_all_that_can_be_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    province = Province(3)
    province.unconfirmed = [2027]
    monkeypatch.setattr(job_commands, "_connect", lambda dsn: province)
    assert command_line.main(["life-cycle", "--json", "--proposals", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert [step["mailbox"] for step in json.loads(shown.out)["steps"]] == ["m00000", "m00001", "m00002"]
    assert "lịch nghỉ năm 2027 chưa được xác nhận" in shown.err


@pytest.mark.dieu7
def test_the_job_does_nothing_by_numbers_that_nobody_may_go_by(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With 0 months everybody would be warned and locked."""
    good = settings_in_force()
    monkeypatch.setattr(sys.modules[__name__], "settings_in_force", lambda: good | {"regulation_idle_lock_months": 0})
    province = Province(3)
    monkeypatch.setattr(job_commands, "_connect", lambda dsn: province)
    assert command_line.main(["life-cycle", "--proposals", str(tmp_path)]) == 1
    assert "regulation.yml: regulation_idle_lock_months: ít nhất 1" in capsys.readouterr().err
    assert province.transactions == [[]]


def test_the_job_runs_for_another_day_as_a_preview_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["life-cycle", "--as-of", "2030-01-01"]) == 1
    assert "--check" in capsys.readouterr().err


def test_every_step_of_the_job_can_be_told() -> None:
    assert job_commands._STEPS.keys() == PAYLOADS.keys() - {
        "quota",
        "opened",
        "sending_lock",
        "collector",
        "collector_refused",
        "user_report",
        "user_report_answer",
        "scheduled_shut",
        "scheduled_stopped",
        "scheduled_doubt",
        "scheduled_unfiled",
        "maintenance",
        *HELD,
        *FACTOR,
    }
    for kind, text in job_commands._STEPS.items():
        assert "{" not in text.format(**PAYLOADS[kind])


@pytest.mark.parametrize("kind", ["idle_warning", "idle_lock", "revoke_proposal"])
def test_texts_quote_the_regulation_of_the_province_that_sends_them(kind: str) -> None:
    notice = notices.Notice("m4k7q2", kind, "1", date(2026, 11, 25), PAYLOADS[kind], "Lê An", "lean@x.vn", None, ("x",))
    text = notices.render(notice, CONFIGURATION).get_content()
    assert CONFIGURATION.regulation in " ".join(text.split())
    assert "Hà Nam" not in text
