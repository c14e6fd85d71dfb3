"""Notices as real mail: to the person and the agency, in Vietnamese, once each, and kept while mail is away."""

import email
import email.policy
import json
from email.message import EmailMessage

import pytest

from tests import journal
from tests.delegation import Delegation
from tests.lab import Lab, Sample, wait_for

pytestmark = pytest.mark.neighbours


@pytest.fixture
def agency(delegation: Delegation) -> str:
    """The mailbox id of the person's agency."""
    return delegation.mailbox


@pytest.fixture
def person(delegation: Delegation) -> Sample:
    return delegation.clerk


@pytest.fixture
def notice(lab: Lab, person: Sample) -> str:
    """A warning that waits, under a round of its own; its condition in SQL."""
    round_ = lab.sql("SELECT gen_random_uuid()") + "/14"
    payload = '{"since": "2026-01-06", "cause": "activity", "locks_on": "2026-04-07", "days": 15}'
    lab.sql(
        "INSERT INTO mail.notice (mailbox_id, kind, round, due, payload)"
        f" VALUES ('{person.mailbox}', 'idle_warning', '{round_}', '2026-03-23', '{payload}')",
    )
    return f"mailbox_id = '{person.mailbox}' AND kind = 'idle_warning' AND round = '{round_}'"


def warnings(lab: Lab, mailbox: str) -> list[EmailMessage]:
    """The warnings in a mailbox, read on the mail store."""
    found = []
    for line in lab.run(
        "mailstore", f"doveadm search -u {mailbox} header Subject 'tạm khóa từ ngày 07/04/2026'"
    ).splitlines():
        guid, uid = line.split()
        text = lab.run("mailstore", f"doveadm fetch -u {mailbox} text mailbox-guid {guid} uid {uid}")
        parsed = email.message_from_string(text.removeprefix("text:\n"), policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        found.append(parsed)
    return found


@pytest.mark.dieu7
@pytest.mark.proof("Báo trước việc tạm khóa tới người dùng và cơ quan / a lock is announced beforehand")
def test_dieu_7_2_person_and_agency_get_the_warning_once_in_vietnamese(
    lab: Lab, person: Sample, agency: str, notice: str
) -> None:
    lab.send_notices()
    lab.send_notices()
    for mailbox in (person.mailbox, agency):
        found = wait_for(
            lambda mailbox=mailbox: warnings(lab, mailbox),  # type: ignore[misc]
            f"the warning in {mailbox}",
        )
        assert len(found) == 1
        text = found[0].get_content()
        assert found[0]["Subject"] == f"Hộp thư {person.address} sẽ bị tạm khóa từ ngày 07/04/2026 do không sử dụng"
        assert person.address in found[0]["To"]
        assert found[0]["Auto-Submitted"] == "auto-generated"
        assert found[0]["From"].addresses[0].addr_spec == f"noreply@{lab.variables['mail_domain']}"
        assert f"Kính gửi: {person.name}" in text
        assert "không có hoạt động gửi, nhận thư từ ngày 06/01/2026 (lần sử dụng gần nhất)" in text
        assert "(còn 15 ngày)" in text
        assert lab.variables["support_phone"] in text
    assert lab.sql(f"SELECT sent_at IS NOT NULL FROM mail.notice WHERE {notice}") == "t"


@pytest.mark.provokes(journal.POSTFIX_AWAY)
def test_a_notice_waits_while_mail_is_away_and_the_operator_sees_it(lab: Lab, notice: str) -> None:
    # The timer would begin another run between one look and the next; what it had begun ends with the first call.
    with lab.stopped("accounts", "hanam-mail-notices.timer"), lab.stopped("mx", "postfix"):
        start = "systemctl start hanam-mail-notices.service"
        begun = float(lab.run("accounts", "date +%s"))
        lab.run("accounts", f"{start}; {start}", check=False)
        notices = lab.look_at("accounts").service("hanam-mail-notices.service").systemd_properties
        assert notices["ActiveState"] == "failed"

        def told() -> bool:
            """He is told once per cause, so that what was told a while ago is not told anew."""
            causes = json.loads(lab.look_at("accounts").file("/var/lib/hanam-watch/state.json").content)["causes"]
            entry = causes.get("failed:hanam-mail-notices.service")
            return bool(entry and entry["said"] and entry["seen"] >= begun)

        wait_for(told, "the line for the operator")
        assert lab.sql(f"SELECT sent_at IS NULL FROM mail.notice WHERE {notice}") == "t"
    lab.send_notices()
    assert lab.sql(f"SELECT sent_at IS NOT NULL FROM mail.notice WHERE {notice}") == "t"
