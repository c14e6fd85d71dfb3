"""Under whose name the webmail writes, and where it lets mail lead by itself (Đ4.5), whatever form or post asks."""

import email
import email.policy
import re
import uuid

import pytest

from tests import journal
from tests.containers import EICAR
from tests.foreign import Foreign
from tests.lab import Lab, Sample
from tests.mail.http_doors import messages
from tests.web.test_open_sessions import Session, signed_in

pytestmark = [pytest.mark.dieu4, pytest.mark.neighbours]
OUTSIDE = "an@ngoai.example"
AGENCY = "an@bo.gov.vn"
FORBIDDEN = "chỉ được tự động chuyển đến"


@pytest.fixture
def session(lab: Lab, person: Sample) -> Session:
    return signed_in(lab, person)


def post(session: Session, task: str, action: str, **fields: str) -> str:
    """Post a form as its page does, or as no page would; returns what the person is told."""
    form = {"_token": session.token, "_task": task, "_action": action} | fields
    return messages(session.browser.ask(f"/?_task={task}&_action={action}", {**form}).body.replace('\\"', '"'))


def identity(session: Session) -> str:
    found = re.search(r'rcmrow(\d+)"', session.browser.ask("/?_task=settings&_action=identities").body)
    assert found, "no identity is listed"
    return found.group(1)


def query(lab: Lab, statement: str) -> str:
    """Ask the webmail's own database."""
    return lab.run("accounts", f'runuser -u postgres -- psql -At webmail -c "{statement}"')


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"_name": "Chủ tịch Ủy ban nhân dân tỉnh"}, "Tên người gửi là tên trong sổ đăng ký hộp thư"),
        ({"_bcc": OUTSIDE}, FORBIDDEN),
        ({"_bcc": f"{AGENCY}, {OUTSIDE}"}, FORBIDDEN),
        ({"_reply-to": f"An <{OUTSIDE}>"}, FORBIDDEN),
        ({"_reply-to": AGENCY, "_bcc": ""}, "Đã lưu thành công"),
    ],
)
def test_an_identity_bears_the_registered_name_and_leads_to_state_agencies_only(
    session: Session, fields: dict[str, str], told: str
) -> None:
    assert told in post(session, "settings", "save-identity", _framed="1", _iid=identity(session), **fields)


def test_a_new_identity_is_judged_as_a_changed_one(session: Session) -> None:
    assert FORBIDDEN in post(session, "settings", "save-identity", _framed="1", _bcc=OUTSIDE)


@pytest.mark.parametrize(
    ("action", "fields", "told"),
    [
        ("forward", {"forward_status": "on", "forward_action": "copy", "action_target": OUTSIDE}, FORBIDDEN),
        ("forward", {"forward_status": "on", "action_target": "an", "action_domain": "ngoai.example"}, FORBIDDEN),
        ("vacation", {"vacation_action": "copy", "action_target": OUTSIDE}, FORBIDDEN),
        ("vacation", {"vacation_from": "chutich@hanam.gov.vn"}, "Chỉ được gửi thư bằng địa chỉ của chính hộp thư này"),
        ("vacation", {"vacation_from": "Chủ tịch <{own}>"}, "Tên người gửi là tên trong sổ đăng ký"),
        ("save", {"_action_type[0]": "redirect_copy", "_action_target[0]": OUTSIDE}, FORBIDDEN),
        ("save", {"_action_type[0]": "vacation", "_action_from[0]": OUTSIDE}, "Chỉ được gửi thư bằng địa chỉ"),
    ],
)
def test_no_page_saves_a_filter_that_leads_mail_away_or_answers_as_another(
    person: Sample, session: Session, action: str, fields: dict[str, str], told: str
) -> None:
    general = {"_name": "t", "_enabled": "1", "_join": "any", "vacation_status": "on", "vacation_reason": "Vắng mặt"}
    own = {name: value.format(own=person.address) for name, value in fields.items()}
    assert told in post(session, "settings", f"plugin.managesieve-{action}", _remote="1", **general, **own)


def test_a_reply_in_absence_under_ones_own_name_is_saved(person: Sample, session: Session) -> None:
    told = post(
        session,
        "settings",
        "plugin.managesieve-vacation",
        _remote="1",
        vacation_from=f"{person.name} <{person.address}>",
        vacation_status="off",
        vacation_reason="Vắng mặt",
        vacation_action="keep",
    )
    assert told == "Đã lưu trả lời khi vắng mặt."


def test_a_filter_that_leads_mail_to_a_state_agency_is_saved(lab: Lab, person: Sample, session: Session) -> None:
    filtered = {
        "_name": "t",
        "_enabled": "1",
        "_join": "any",
        "_action_type[0]": "redirect",
        "_action_target[0]": AGENCY,
    }
    post(session, "settings", "plugin.managesieve-save", _framed="1", **filtered)
    assert f'redirect "{AGENCY}";' in lab.run("mailstore", f"doveadm sieve get -u {person.mailbox} 'Bộ lọc của tôi'")


def send(session: Session, **fields: str) -> str:
    """Send a message by the compose page's form; returns what the person is told."""
    page = session.browser.ask(session.browser.ask("/?_task=mail&_action=compose").location.removeprefix("."))
    number = re.search(r'"compose_id":"(\w+)"', page.body)
    sender = re.search(r'name="_from"[^>]*>\s*<option value="(\d+)"', page.body)
    assert number, "no form"
    assert sender, "no sender to choose"
    form = {"_id": number.group(1), "_framed": "1", "_from": sender.group(1), "_message": "x", "_charset": "UTF-8"}
    return post(session, "mail", "send", **form | fields)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"_from": f"Chủ tịch <{OUTSIDE}>"}, "Chỉ được gửi thư bằng địa chỉ của chính hộp thư này"),
        ({"_replyto": OUTSIDE}, FORBIDDEN),
        ({"_followupto": OUTSIDE}, FORBIDDEN),
    ],
)
def test_a_crafted_message_is_refused_in_vietnamese(
    colleague: Sample, session: Session, fields: dict[str, str], told: str
) -> None:
    assert told in send(session, _to=colleague.address, _subject="t", **fields)


@pytest.mark.dieu3
def test_a_letter_to_an_address_in_unicode_is_sent_and_arrives(lab: Lab, session: Session) -> None:
    subject, to = f"Về việc báo cáo {uuid.uuid4().hex[:12]}", OUTSIDE.replace("@", "+nguyễn.ất@")
    assert send(session, _to=f"Nguyễn Văn Ất <{to}>", _subject=subject) == "", "refused"
    came = Foreign(lab).wait_for(OUTSIDE, subject)
    # Python's own parts of an address keep octets beyond ASCII escaped.
    assert "Nguyễn Văn Ất" in str(came["To"])
    assert f"<{to}>" in str(came["To"])


@pytest.mark.provokes(journal.MAIL_REFUSED)
@pytest.mark.parametrize(
    ("recipient", "text", "told"),
    [
        pytest.param("khongcoai@{domain}", "x", "Không có địa chỉ khongcoai@{domain}", id="nobody there"),
        pytest.param("{colleague}", EICAR.decode(), "Thư có virus, bị từ chối", id="virus"),
    ],
)
def test_what_the_mail_server_refuses_is_told_in_words_of_offices(
    lab: Lab, colleague: Sample, session: Session, recipient: str, text: str, told: str
) -> None:
    names = {"domain": lab.variables["mail_domain"], "colleague": colleague.address}
    said = send(session, _to=recipient.format(**names), _subject="t", _message=text)
    assert told.format(**names) in said
    assert "SMTP" not in said


def test_a_crafted_name_gives_way_to_the_registered_one(
    lab: Lab, person: Sample, colleague: Sample, session: Session
) -> None:
    mark = uuid.uuid4().hex[:12]
    sender, receiver = person, colleague
    forged = f"Chủ tịch <{sender.address}>"
    send(session, _to=receiver.address, _subject=f"Tên {mark}", _from=forged, _mdn="1")
    mail = email.message_from_bytes(lab.wait_for_message(receiver, mark), policy=email.policy.default)
    assert mail["From"].addresses[0].display_name == sender.name
    assert "Chủ tịch" not in str(mail["Disposition-Notification-To"])


def test_what_an_identity_said_before_these_rules_is_mended_before_it_is_used(
    lab: Lab, person: Sample, session: Session
) -> None:
    mine = f"(select user_id from users where username = '{person.mailbox}')"
    wrong = f"name = 'Chủ tịch', bcc = '{OUTSIDE}', signature = 'Ký tên'"
    query(lab, f"update identities set {wrong} where user_id = {mine}")
    begun = lab.run("webmail", "date +%s").strip()
    for _ in range(2):
        session.browser.ask("/?_task=mail&_action=compose")
    log = lab.run("webmail", f"journalctl --sync; journalctl -q -o cat -t roundcube --since @{begun}")
    (told,) = [line for line in log.splitlines() if "led mail outside" in line]
    assert f"an identity of {person.mailbox} led mail outside: bcc cleared" in told, "who and what, and once"
    assert OUTSIDE not in log
    rows = query(lab, f"select email, name, bcc, signature from identities where user_id = {mine} and del = 0")
    assert set(rows.splitlines()) == {f"{person.address}|{person.name}||Ký tên"}
