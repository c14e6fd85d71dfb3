"""An official gives a letter an hour in the browser; it leaves then and once, or stays and tells why (Đ4.3, Đ7.1)."""

import email
import email.policy
import uuid
from datetime import timedelta
from email.message import EmailMessage

import pytest
from selenium.webdriver.common.by import By

from tests.lab import Lab, Sample, wait_for
from tests.web import access
from tests.web.pages import Webmail

PAGE = "_task=settings&_action=plugin.hanam-scheduled"
# "Chờ gửi", in IMAP's letters.
WAITING = '"Ch&Ht0- g&Hu0-i"'


def later(lab: Lab, **ahead: float) -> str:
    """So long from now, as the field of the page has it."""
    seconds = int(timedelta(**ahead).total_seconds())
    return lab.sql(f"select to_char(localtimestamp + interval '{seconds} s', 'YYYY-MM-DD\"T\"HH24:MI')")


def lay_down(webmail: Webmail, to: str, subject: str, hour: str) -> None:
    """Write a letter and give it that hour."""
    webmail.compose(to, subject, "Kính gửi các đồng chí.")
    webmail.find("button.hanam-later").click()
    webmail.find("#hanam-hour")
    webmail.driver.execute_script("document.getElementById('hanam-hour').value = arguments[0]", hour)
    webmail.find(".ui-dialog button.mainaction").click()
    webmail.wait.until(lambda driver: "_action=compose" not in driver.current_url, "still there")


def row(webmail: Webmail, subject: str) -> str:
    """What the page of waiting letters says of one; nothing when it is not there."""
    webmail.go(PAGE)
    webmail.find(".hanam-list")
    texts = [each.text for each in webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-rows li")]
    return next((text for text in texts if subject in text), "")


def press(webmail: Webmail, subject: str, decision: str) -> str:
    """A button of a letter's row, and what the page says then."""
    places = webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-rows li")
    place = next(each for each in places if subject in each.text)
    place.find_element(By.CSS_SELECTOR, f"button[value^='{decision} ']").click()
    return webmail.notice()


def send_due(lab: Lab) -> None:
    """Send what is due. A run of the timer's may not have seen it: the first call awaits that."""
    lab.run("accounts", "systemctl start hanam-scheduled-send && systemctl start hanam-scheduled-send")


def mails(lab: Lab, person: Sample, folder: str, of: str = "") -> list[EmailMessage]:
    """The heads of what lies in a folder, in order; of those with this in their subject the whole."""
    with lab.imap(person.address, person.password) as client:
        if client.select(folder, readonly=True)[0] != "OK":
            return []

        def fetched(number: str, what: str) -> EmailMessage:
            octets = client.fetch(number, f"(BODY.PEEK[{what}])")[1][0][1]
            return email.message_from_bytes(octets, policy=email.policy.default)

        heads = {number: fetched(number, "HEADER") for number in client.search(None, "ALL")[1][0].split()}
        if not of:
            return list(heads.values())
        return [fetched(number, "") for number, head in heads.items() if of in str(head["subject"])]


def subjects(lab: Lab, person: Sample, folder: str) -> list[str]:
    return [str(mail["subject"]) for mail in mails(lab, person, folder)]


def notices(lab: Lab, person: Sample) -> list[str]:
    """What the letters say that tell of something that was not sent."""
    return [" ".join(mail.get_content().split()) for mail in mails(lab, person, "INBOX", "chưa được gửi")]


@pytest.mark.proof("Hẹn giờ gửi trong trình duyệt: thư đi đúng một lần / a letter leaves at its hour, once")
def test_a_letter_waits_is_changed_and_leaves_once(
    webmail: Webmail, lab: Lab, person: Sample, colleague: Sample
) -> None:
    subject = f"Giấy mời {uuid.uuid4().hex[:8]}"
    webmail.enter(person)
    lay_down(webmail, colleague.address, subject, later(lab, days=3))
    shown = row(webmail, subject)
    assert "Sẽ gửi lúc" in shown and "Đến:" in shown
    assert subject in subjects(lab, person, WAITING) and subject not in subjects(lab, person, "Drafts")
    # Another hour, for what is chosen by its box.
    for dark in (False, True):
        assert access.faults(webmail.driver, [], dark=dark) == set()
    hour = later(lab, days=5)
    webmail.driver.execute_script("document.getElementById('scheduled-hour').value = arguments[0]", hour)
    webmail.find("#hanam-all").click()
    webmail.find("button[value=time]").click()
    assert "Đã đổi giờ" in webmail.notice()
    year, month, day = hour[:10].split("-")
    assert f"{day}/{month}/{year}" in row(webmail, subject)
    send_due(lab)
    assert subject not in subjects(lab, colleague, "INBOX")
    assert "trong vòng một phút" in press(webmail, subject, "now")
    send_due(lab)
    received = email.message_from_bytes(lab.wait_for_message(colleague, subject), policy=email.policy.default)
    # By the way of all that he sends: signed, his address hidden, under his own name.
    assert person.address in received["from"] and received["dkim-signature"]
    assert row(webmail, subject) == "" and subjects(lab, person, "Sent").count(subject) == 1
    assert subject not in subjects(lab, person, WAITING)
    send_due(lab)
    assert subjects(lab, colleague, "INBOX").count(subject) == 1
    # What the service did is no sign-in of his from a new place, and its word opens nothing any more.
    held = f"select count(*) from mail.scheduled where word_hash is not null and mailbox_id = '{person.mailbox}'"
    assert lab.sql(held) == "0"


@pytest.mark.dieu7
def test_what_may_not_leave_stays_and_what_is_called_off_is_a_draft_again(
    webmail: Webmail, lab: Lab, person: Sample, colleague: Sample
) -> None:
    subject = f"Công văn {uuid.uuid4().hex[:8]}"
    told = len(notices(lab, person))
    webmail.enter(person)
    lay_down(webmail, colleague.address, subject, later(lab, days=1))
    # A receiver who is not there any more at that hour: all or none.
    lab.sql(f"update mail.mailbox set state = 'revoked' where id = '{colleague.mailbox}'")
    lab.sql(f"update mail.scheduled set due = now() where mailbox_id = '{person.mailbox}'")
    try:
        send_due(lab)
    finally:
        lab.sql(f"update mail.mailbox set state = 'active' where id = '{colleague.mailbox}'")
        lab.settle()
    shown = row(webmail, subject)
    # Our sentence, on the page and in the letter to its writer; the server's line neither there nor here.
    sentence = f"{colleague.address}: Hộp thư đã bị thu hồi (mã 550 5.2.1)"
    assert "CHƯA GỬI" in shown and sentence in shown and "rejected" not in shown
    lab.send_notices()
    notice = wait_for(lambda: notices(lab, person)[told:], "the notice of what was refused")[-1]
    assert sentence in notice and "rejected" not in notice
    # Locked and let in again before the hour: nothing leaves by itself.
    webmail.driver.execute_script("document.getElementById('scheduled-hour').value = arguments[0]", later(lab, days=1))
    webmail.find("#hanam-all").click()
    webmail.find("button[value=time]").click()
    assert "Đã đổi giờ" in webmail.notice()
    lab.sql(f"select mail.mailbox_lock('{person.mailbox}', 'compromised', '')")
    lab.sql(f"delete from mail.lock_state where mailbox_id = '{person.mailbox}'")
    lab.outwait_cuts()
    lab.sql(f"update mail.scheduled set due = now() where mailbox_id = '{person.mailbox}'")
    send_due(lab)
    lab.send_notices()
    assert subject not in subjects(lab, colleague, "INBOX")
    wait_for(lambda: len(notices(lab, person)) > told + 1, "the notice of the lock")
    assert "hộp thư bị tạm khóa" in row(webmail, subject)
    assert "đưa về Thư nháp" in press(webmail, subject, "draft")
    assert subject in subjects(lab, person, "Drafts") and subject not in subjects(lab, person, WAITING)
