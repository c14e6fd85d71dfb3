"""Notices as messages, who has them when a mail server refuses, proposals as files, history in words."""

import email
import email.policy
import shlex
import shutil
import smtplib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from hanam_mail import cli, jobs, notices, proposals, target, trail

ROOT = Path(__file__).resolve().parents[2]

CONFIGURATION = notices.Configuration(
    smtp_host="127.0.0.1",
    smtp_port=25,
    smtp_tls_name="",
    sender="noreply@hanam.gov.vn",
    sender_name="Hệ thống thư điện tử công vụ Hà Nam",
    operator="stttt@hanam.gov.vn",
    webmail_url="https://mail.hanam.gov.vn/",
    support_name="Sở Thông tin và Truyền thông",
    support_email="hotro@hanam.gov.vn",
    support_phone="0226 3 000 000",
)
# What mail.life_cycle and mail.quota_passed put into the payload of each kind.
PAYLOADS: dict[str, dict[str, Any]] = {
    "idle_warning": {"since": "2026-01-06", "cause": "activity", "locks_on": "2026-04-07", "days": 15},
    "idle_lock": {"since": "2026-01-06", "cause": "restore", "ended": "2026-04-06"},
    "default_password_warning": {"since": "2026-01-05", "cause": "reset", "locks_on": "2026-02-06", "days": 8},
    "default_password_lock": {"since": "2026-01-05", "cause": "reset", "ended": "2026-02-05"},
    "password_reminder": {"changed": "2026-01-06", "ends": "2026-04-06", "days": 14},
    "revoke_proposal": {"since": "2026-01-06", "cause": "absence", "ended": "2026-07-06"},
    "quota": {"percent": 90, "quota_bytes": 5 * 2**29},
    "opened": {"document": "12/STTTT-TTra", "note": "xác minh đơn tố cáo", "opened_by": "lan"},
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
    texts = {Path(entry.name).stem for entry in (resources.files("hanam_mail") / "texts").iterdir()}
    assert texts == PAYLOADS.keys() | {"footer"}


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
    assert outcome == notices.Outcome((), True, "451 scanner is down")


def test_a_wrong_configuration_is_told(tmp_path: Path) -> None:
    file = tmp_path / "jobs.yml"
    file.write_text("smtp_host: x\n")
    with pytest.raises(notices.ConfigurationError, match="smtp_port"):
        notices.Configuration.read(file)


# --- Proposals ---

PROPOSAL = proposals.Proposal(
    "p3x8d1", 'Hà "B"', "thanhha", "Sở Thử: nghiệm", "stn", date(2026, 1, 6), "activity", date(2026, 7, 6), "locked"
)


@pytest.mark.dieu6
def test_dieu_6_2c_a_proposal_is_a_yaml_event_with_its_grounds() -> None:
    data = yaml.safe_load(proposals.text(PROPOSAL))
    assert (data["mailbox"], data["name"], data["agency"]) == ("p3x8d1", 'Hà "B"', "Sở Thử: nghiệm")
    assert data["event"]["event"] == "revoke"
    assert data["idle"] == {"since": date(2026, 1, 6), "cause": "activity", "term_ended": date(2026, 7, 6)}


@pytest.mark.dieu6
def test_dieu_6_2c_the_command_in_a_proposal_makes_the_change(tmp_path: Path) -> None:
    """Run as it stands there, but for the paper that the operator has to name."""
    registry = tmp_path / "mailboxes"
    shutil.copytree(ROOT / "mailboxes", registry)
    shutil.copytree(ROOT / "group_vars/all", tmp_path / "group_vars/all")
    text = proposals.text(replace(PROPOSAL, address="stp"))
    command = text[text.index("hanam-mail revoke") : text.index("# Lệnh")].replace("\\\n#", "")
    given = {"<số văn bản>": "12/STP-VP", "<ngày văn bản>": "2023-07-03", "<số văn bản trả lời>": "77/STTTT-CNTT"}
    words = [given.get(word, word) for word in shlex.split(command)[1:]]
    done = CliRunner().invoke(cli.main, [*words, "--registry", str(registry)])
    assert done.exit_code == 0, done.output
    assert "event: revoke" in (registry / "stp.yml").read_text("utf-8")


@pytest.mark.dieu6
def test_the_folder_holds_what_is_proposed_today_and_nothing_stale(tmp_path: Path) -> None:
    other = replace(PROPOSAL, mailbox="t5v9c2", address="khac")
    assert proposals.write(tmp_path, [PROPOSAL, other]) == (["khac.2026-01-06.yml", "thanhha.2026-01-06.yml"], [])
    assert proposals.write(tmp_path, [PROPOSAL, other]) == ([], [])
    assert proposals.write(tmp_path, [other]) == ([], ["thanhha.2026-01-06.yml"])
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
            ["tình trạng theo văn bản: hoạt động → đã thu hồi"],
        ),
        (("mailbox", "update", "p", {"restored_at": None}, {"restored_at": "2026"}), []),
        (
            ("lock_state", "insert", "p", {}, {"reason": "idle", "note": "hết hạn"}),
            ["tạm khóa: không sử dụng (Đ7.2a) (hết hạn)"],
        ),
        (
            (
                "lock_state",
                "update",
                "p",
                {"reason": "idle", "note": "hết hạn", "automatic": True},
                {"reason": "compromised", "note": "máy nhiễm virus", "automatic": False},
            ),
            ["khóa lại vì: bị chiếm dụng hoặc lộ mật khẩu (Đ7.2b) (máy nhiễm virus) (trước đó: không sử dụng (Đ7.2a))"],
        ),
        (("opening", "insert", "p", {}, {"note": "xác minh đơn"}), ["người vận hành lấy bản thư để đọc: xác minh đơn"]),
        (
            ("mailbox", "update", "p", {"restored_by_command": None}, {"restored_by_command": {"document": "8/STP"}}),
            ["khôi phục bằng lệnh, chờ sự kiện trong sổ đăng ký"],
        ),
        (
            ("mailbox", "update", "p", {"restored_by_command": {"document": "8/STP"}}, {"restored_by_command": None}),
            ["sổ đăng ký đã ghi lần khôi phục bằng lệnh"],
        ),
        (
            ("lock_state", "delete", "p", {"reason": "compromised"}, {}),
            ["mở khóa (trước đó: bị chiếm dụng hoặc lộ mật khẩu (Đ7.2b))"],
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
            ("absence", "insert", "p/2026-02-01", {}, {"begins": "2026-02-01", "ends": "2026-07-31"}),
            ["ghi nhận thông báo vắng từ 01/02/2026 đến 31/07/2026"],
        ),
    ],
    ids=lambda value: f"{value[0]} {value[1]}" if isinstance(value, tuple) else "",
)
def test_the_audit_is_told_in_words(
    row: tuple[str, str, str, dict[str, Any], dict[str, Any]], words: list[str]
) -> None:
    assert list(trail.told(*row, "p")) == words


def test_a_line_of_history_names_who_and_by_which_document() -> None:
    entry = trail.Entry(datetime(2026, 4, 7, 6, 0, tzinfo=UTC), "lan", "tạm khóa", "12/STTTT-VP", "abcdef0123456789")
    assert trail.lines([entry]) == [
        "07/04/2026 06:00:00  tạm khóa; người thực hiện: lan; văn bản: 12/STTTT-VP; git: abcdef0123"
    ]


# --- Commands ---


def test_the_job_runs_for_another_day_as_a_preview_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert target.main(["life-cycle", "--as-of", "2030-01-01"]) == 1
    assert "--check" in capsys.readouterr().err


def test_every_step_of_the_job_can_be_told() -> None:
    assert jobs._STEPS.keys() == PAYLOADS.keys() - {"quota", "opened"}
    for kind, text in jobs._STEPS.items():
        assert "{" not in text.format(**PAYLOADS[kind])
