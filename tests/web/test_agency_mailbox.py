"""A clerk's way to the agency's mailbox and back, what waits there, and who of the clerks answered (Đ9.2, Đ12.3)."""

import re
import uuid

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests import journal
from tests.delegation import Delegation
from tests.lab import Lab, Sample, message, wait_for
from tests.web import access
from tests.web.pages import Webmail
from tests.web.test_look import resize
from tests.web.test_open_sessions import Session, signed_in

pytestmark = [pytest.mark.dieu9, pytest.mark.neighbours]

OWNER = "#layout-sidebar .header-title.username"
SECOND = "Trần Thị Văn Thư"


@pytest.fixture
def second(lab: Lab, delegation: Delegation, colleague: Sample) -> Sample:
    """Another clerk of the same agency, under a name of his own."""
    lab.sql(
        f"insert into mail.mailbox_clerk values ('{delegation.mailbox}', '{colleague.mailbox}');"
        f" update mail.mailbox set name = '{SECOND}' where id = '{colleague.mailbox}'"
    )
    return colleague


def opened(webmail: Webmail, mailbox: str) -> None:
    """Press the button of a mailbox and see its inbox."""
    before = webmail.find("#hanam-boxes")
    webmail.find(f"#hanam-boxes button[data-box='{mailbox}']").click()
    webmail.wait.until(lambda _: gone(before))
    webmail.inbox()


def gone(element: WebElement) -> bool:
    try:
        element.is_enabled()
    except WebDriverException:
        return True
    return False


def uses(lab: Lab, delegation: Delegation) -> str:
    """By which halves of the day and by whom the agency's mailbox was opened today."""
    return lab.sql(
        "select count(*), min(clerk_id) from mail.sign_in"
        f" where mailbox_id = '{delegation.mailbox}' and protocol = 'imap' and day = current_date"
    ).strip()


def deliver(lab: Lab, sender: Sample, delegation: Delegation) -> str:
    """A letter to the agency, in its inbox; returns the subject."""
    mail = message(sender.address, delegation.agency, subject=f"Công văn số {uuid.uuid4().hex[:6]}")
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)
    subject = str(mail["Subject"])
    there = f"doveadm search -u {delegation.mailbox} mailbox INBOX header Subject '{subject.rpartition(' ')[2]}'"
    wait_for(lambda: lab.run("mailstore", there).strip(), "the letter")
    return subject


# --- The switch ---


def test_dieu9_2_one_click_leads_to_the_agencys_mailbox_and_back_and_is_its_check(
    webmail: Webmail, lab: Lab, delegation: Delegation
) -> None:
    clerk = delegation.clerk
    webmail.enter(clerk)
    assert uses(lab, delegation) == "0|"
    session = webmail.driver.get_cookie("roundcube_sessid")
    opened(webmail, delegation.mailbox)
    assert delegation.agency in webmail.text(OWNER)
    assert webmail.find("#hanam-boxes [aria-current=true]").get_attribute("data-box") == delegation.mailbox
    wait_for(lambda: uses(lab, delegation) == f"1|{clerk.mailbox}", "the check in the half of the day")
    assert webmail.driver.get_cookie("roundcube_sessid") != session
    # The clerk writes as the agency there.
    webmail.go("_task=mail&_action=compose")
    assert delegation.agency in webmail.text("#_from option")
    webmail.go("_task=mail")
    webmail.inbox()
    opened(webmail, clerk.mailbox)
    assert clerk.address in webmail.text(OWNER)


def test_a_person_without_an_agency_sees_his_mailbox_alone(webmail: Webmail, person: Sample) -> None:
    webmail.enter(person)
    assert not webmail.driver.find_elements(By.CSS_SELECTOR, "#hanam-boxes")


def go(session: Session, mailbox: str, token: str) -> str:
    """What a post of the switch leads to: the user of the page that follows."""
    path = "/?_task=mail&_action=plugin.hanam-mailbox"
    session.browser.ask(path, {"_box": mailbox, "_token": token})
    found = re.search(r'class="header-title username">([^<]*)<', session.browser.ask("/?_task=mail").body)
    return found.group(1) if found else ""


@pytest.mark.dieu12
@pytest.mark.provokes(journal.FORGED_REQUESTS)
def test_dieu12_3_no_post_leads_into_a_mailbox_that_is_not_his(
    lab: Lab, delegation: Delegation, stranger: Sample
) -> None:
    clerk = delegation.clerk
    session = signed_in(lab, clerk)
    for mailbox, token in (
        (delegation.mailbox, "x" * 32),
        (delegation.mailbox, ""),
        (stranger.mailbox, session.token),
        (f"{delegation.mailbox}*{clerk.mailbox}", session.token),
        ("", session.token),
    ):
        assert go(session, mailbox, token) == clerk.address
    other = signed_in(lab, stranger)
    assert go(other, delegation.mailbox, other.token) == stranger.address
    assert go(session, delegation.mailbox, session.token) == delegation.agency


def test_the_session_that_was_is_gone_after_the_switch(lab: Lab, delegation: Delegation) -> None:
    session = signed_in(lab, delegation.clerk)
    before = dict(session.browser.cookies)
    assert go(session, delegation.mailbox, session.token) == delegation.agency
    session.browser.cookies = before
    assert "rcmloginuser" in session.browser.ask("/?_task=mail").body


@pytest.mark.provokes(journal.SIGN_IN_UNASKED)
@pytest.mark.provokes(journal.REFUSED_SIGN_IN)
def test_a_switch_that_the_mail_store_does_not_let_in_ends_at_the_login(lab: Lab, delegation: Delegation) -> None:
    session = signed_in(lab, delegation.clerk)
    asked = "execute on function mail.dovecot_passdb_sealed(text, text, text, int, text)"
    # The clerk's own sign-in is remembered, the agency's has to be asked for.
    lab.sql(f"revoke {asked} from mail_dovecot")
    try:
        fields = {"_box": delegation.mailbox, "_token": session.token}
        answer = session.browser.ask("/?_task=mail&_action=plugin.hanam-mailbox", {**fields})
    finally:
        lab.sql(f"grant {asked} to mail_dovecot")
    assert (answer.status, answer.location) == (303, "./?_task=login&_err=session")
    assert "rcmloginuser" in session.browser.ask("/?_task=mail").body
    # Nor does it stand among the places where the clerk is signed in.
    assert lab.sql(f"select count(*) from mail.webmail_visit where mailbox_id = '{delegation.clerk.mailbox}'") == "0"


# --- What waits there ---


def test_dieu9_2_unread_mail_of_the_agency_is_counted_seldom_and_is_no_check(
    webmail: Webmail, lab: Lab, delegation: Delegation, sender: Sample
) -> None:
    deliver(lab, sender, delegation)
    webmail.enter(delegation.clerk)
    badge = f"#hanam-boxes [data-box='{delegation.mailbox}'] .unreadcount"
    assert webmail.text(badge) == "1"
    assert webmail.find(badge).get_attribute("title") == "1 thư chưa đọc"
    # Known from now on for some minutes, whatever is clicked.
    for _ in range(2):
        webmail.go("_task=mail")
        webmail.inbox()
        assert webmail.text(badge) == "1"
    asked = f"journalctl -t dovecot --since -5min -o cat | grep -c 'Logged in: user=<{delegation.mailbox}>.*[*]dem>'"
    assert lab.run("mailstore", asked).strip() == "1"
    assert uses(lab, delegation) == "0|"


# --- Who answered ---


def test_dieu9_2_the_other_clerks_see_who_answered_and_who_wrote(
    webmail: Webmail, lab: Lab, delegation: Delegation, sender: Sample, second: Sample
) -> None:
    subject = deliver(lab, sender, delegation)
    webmail.enter(second)
    opened(webmail, delegation.mailbox)
    webmail.read(subject)
    assert not webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-told")
    webmail.driver.switch_to.default_content()
    uid = webmail.driver.execute_script("return rcmail.get_single_uid()")
    webmail.go(f"_task=mail&_action=compose&_reply_uid={uid}&_mbox=INBOX")
    webmail.find("#composebody").send_keys("Đã nhận được công văn.")
    webmail.send()
    lab.wait_for_message(sender, f"Re: {subject}")

    webmail.driver.delete_all_cookies()
    webmail.log_in(delegation.login, delegation.clerk.password)
    webmail.inbox()
    assert webmail.text("#messagelist tr.message .hanam-told") == f"Người trả lời: {SECOND}"
    webmail.read(subject)
    assert webmail.text("#message-objects .hanam-told") == f"Người trả lời: {SECOND}"
    webmail.driver.switch_to.default_content()
    webmail.go("_task=mail&_mbox=Sent")
    webmail.inbox()
    assert webmail.text("#messagelist tr.message .hanam-told") == f"Văn thư gửi: {SECOND}"


def test_a_keyword_of_nobody_known_names_nobody(
    webmail: Webmail, lab: Lab, delegation: Delegation, stranger: Sample
) -> None:
    with lab.imap(delegation.login, delegation.clerk.password) as client:
        mail = message(stranger.address, delegation.agency)
        flags = f"(hanam-answered-{stranger.mailbox})"
        assert client.append("INBOX", flags, "", mail.as_bytes())[0] == "OK"
    webmail.log_in(delegation.login, delegation.clerk.password)
    webmail.inbox()
    assert webmail.text("#messagelist tr.message .hanam-told") == "Người trả lời: văn thư trước đây"


# --- For everybody ---


@pytest.mark.parametrize(("width", "height"), [(320, 640), (390, 844), (1366, 768)])
def test_the_mailboxes_are_reached_on_every_screen_and_read_by_everybody(
    webmail: Webmail, lab: Lab, delegation: Delegation, sender: Sample, width: int, height: int
) -> None:
    deliver(lab, sender, delegation)
    try:
        resize(webmail, width, height)
        webmail.enter(delegation.clerk)
        webmail.driver.execute_script("UI.show_sidebar()")
        button = webmail.find(f"#hanam-boxes button[data-box='{delegation.mailbox}']")
        webmail.find(f"#hanam-boxes [data-box='{delegation.mailbox}'] .unreadcount")
        edge = webmail.driver.execute_script("return arguments[0].getBoundingClientRect().right", button)
        assert edge <= width
        assert not access.faults(webmail.driver, [], dark=False)
        assert not access.faults(webmail.driver, [], dark=True)
    finally:
        webmail.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
