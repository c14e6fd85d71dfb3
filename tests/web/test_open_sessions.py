"""An open session of the webmail when its mailbox is locked, its password expires, or what it needs is away."""

import re
from dataclasses import dataclass

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions as expect

from tests import journal
from tests.delegation import Delegation
from tests.lab import Lab, Sample
from tests.mail.accounts import State, in_state
from tests.mail.http_doors import Browser, Reply, messages
from tests.web import access
from tests.web.pages import Webmail

pytestmark = [pytest.mark.neighbours, pytest.mark.provokes(journal.REFUSED_SIGN_IN, journal.REVOKED_WHILE_OPENING)]

NEW = "Mua-Gat-2026@"
AWAY = "Hệ thống thư tạm thời không trả lời"
# How pages ask: the whole window, a page without mail, a list in it, a frame in it, its sign of life.
LIST = "/?_task=mail&_action=list&_mbox=INBOX&_remote=1"
FRAME = "/?_task=settings&_action=edit-identity&_framed=1"
ALIVE = "/?_task=mail&_action=keep-alive&_remote=1"
CLICKS = ("/?_task=mail", "/?_task=settings&_action=identities", LIST, FRAME, ALIVE)


@dataclass
class Session:
    """Somebody who has signed in and goes on clicking."""

    browser: Browser
    token: str

    def click(self, path: str) -> Reply:
        answer = self.browser.ask(f"{path}&_token={self.token}")
        if 'redirect("./")' in answer.body.replace("\\", ""):
            answer = self.browser.ask("/")  # as its script tells the window
        return answer


def signed_in(lab: Lab, person: Sample) -> Session:
    browser = Browser(lab)
    browser.log_in(person.address, person.password)
    token = re.search(r'"request_token":"(\w+)"', browser.ask("/?_task=mail").body)
    assert token, "no inbox"
    return Session(browser, token.group(1))


@pytest.mark.dieu7
@pytest.mark.parametrize(
    ("state", "page"),
    [
        (State.FORBIDDEN_USE, "./mat-khau/tam-khoa?ly-do=forbidden_use"),
        (State.EXPIRED, "./mat-khau/?ly-do=expired"),
        (State.REVOKED, "./mat-khau/thu-hoi?"),
    ],
)
def test_dieu7_a_state_that_comes_in_an_open_session_leads_to_its_page_at_the_next_click(
    lab: Lab, person: Sample, state: State, page: str
) -> None:
    sessions = {path: signed_in(lab, person) for path in CLICKS}
    with in_state(lab, person, state):
        for path, session in sessions.items():
            answer = session.click(path)
            assert (answer.status, answer.location.startswith(page)) == (303, True), f"{path}: {answer}"
            assert person.address.replace("@", "%40") in answer.location
            # Nothing is open any more.
            assert 'id="rcmloginuser"' in session.browser.ask("/?_task=mail").body


@pytest.mark.dieu7
def test_dieu7_a_lock_takes_the_browser_from_the_list_to_the_reason(lab: Lab, webmail: Webmail, person: Sample) -> None:
    webmail.enter(person)
    with in_state(lab, person, State.COMPROMISED):
        webmail.find("#mailboxlist li.sent a").click()
        webmail.wait.until(expect.url_contains("/mat-khau/tam-khoa"))
        assert "lộ mật khẩu" in webmail.text("#reason")


@pytest.mark.dieu8
def test_dieu8_a_new_password_ends_every_session_at_a_login_that_says_why_and_counts_no_failure(
    lab: Lab, person: Sample
) -> None:
    sessions = {path: signed_in(lab, person) for path in CLICKS}
    lab.give_password(person.address, NEW, must_change=False)
    # At once, whatever has come to the mail store of it.
    for path, session in sessions.items():
        answer = session.click(path)
        assert (answer.status, answer.location) == (303, "./?_task=login&ly-do=doi-mat-khau"), f"{path}: {answer}"
        assert "Mật khẩu đã được đổi" in messages(session.browser.ask(answer.location.removeprefix(".")).body)
        assert 'id="rcmloginuser"' in session.browser.ask("/?_task=mail").body
    failures = f"select count(*) from mail.sign_in_failure where login = '{person.mailbox}'"
    assert lab.sql(failures) == "0"


@pytest.mark.dieu8
def test_dieu8_who_changes_the_password_goes_on_and_his_other_windows_end(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    other = signed_in(lab, person)
    webmail.enter(person)
    webmail.find("#taskmenu a.hanam-password").click()
    for field, text in (("login", person.address), ("old", person.password), ("new", NEW), ("repeat", NEW)):
        webmail.find(f"#{field}").clear()
        webmail.find(f"#{field}").send_keys(text)
    webmail.find("#send").click()
    webmail.inbox()
    assert other.click(LIST).location == "./?_task=login&ly-do=doi-mat-khau"
    webmail.go("_task=settings")
    webmail.find("#settings-menu")


@pytest.mark.dieu8
def test_dieu8_another_window_of_somebody_whose_password_was_changed_says_so(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    webmail.enter(person)
    lab.give_password(person.address, NEW, must_change=False)
    webmail.find("#mailboxlist li.sent a").click()
    assert "Mật khẩu đã được đổi" in webmail.text("#login-fault")
    assert webmail.find("#rcmloginpwd").get_attribute("aria-invalid") is None
    webmail.log_in(person.address, NEW)
    webmail.inbox()


@pytest.mark.dieu7
def test_dieu7_a_lock_meets_a_new_window_and_one_that_is_loaded_anew(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    webmail.enter(person)
    with in_state(lab, person, State.FORBIDDEN_USE):
        webmail.driver.refresh()
        webmail.wait.until(expect.url_contains("/mat-khau/tam-khoa"))
        webmail.find("#reason")
        webmail.go("_task=settings")
        webmail.find("#rcmloginuser")


@pytest.mark.dieu9
def test_dieu9_a_clerk_who_is_none_any_more_loses_the_agencys_mailbox_and_keeps_his_own(
    lab: Lab, delegation: Delegation
) -> None:
    clerk = delegation.clerk
    of_agency, own = Browser(lab), signed_in(lab, clerk)
    of_agency.log_in(delegation.login, clerk.password)
    assert 'id="messagelist"' in of_agency.ask("/?_task=mail").body
    lab.sql(f"delete from mail.mailbox_clerk where mailbox_id = '{delegation.mailbox}'")
    answer = of_agency.ask("/?_task=mail")
    assert answer.location == "./?_task=login&ly-do=khong-con-quyen"
    assert "không còn được giao" in messages(of_agency.ask("/?_task=login&ly-do=khong-con-quyen").body)
    assert 'id="messagelist"' in own.click("/?_task=mail").body


def ends_in(lab: Lab, person: Sample, days: int) -> str:
    """Have the password end after so many days; returns the day, as people write it."""
    # Whatever months and days off make of it: the first day whose term is so long.
    begin = (
        "select d from generate_series(current_date - 120, current_date, interval '1 day') d"
        f" where mail.password_expires_on(d) >= current_date + {days} order by d limit 1"
    )
    where = f"where mailbox_id = '{person.mailbox}'"
    lab.sql(f"update mail.credential set changed_at = ({begin}), is_default = false {where}")
    end = "select to_char(mail.password_expires_on(changed_at), 'DD/MM/YYYY') from mail.credential"
    return lab.sql(f"{end} {where}")


@pytest.mark.dieu8
def test_dieu8_the_end_of_a_password_is_told_above_every_page_and_can_be_put_away(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    webmail.enter(person)
    assert not webmail.driver.find_elements(By.ID, "hanam-notices")
    day = ends_in(lab, person, 3)
    for page in ("_task=mail", "_task=settings", "_task=addressbook", "_task=mail&_action=compose"):
        webmail.go(page)
        assert day in webmail.text("#notice-password"), page
    assert not access.faults(webmail.driver, [], dark=False)
    assert not access.faults(webmail.driver, [], dark=True)
    assert webmail.find("#notice-password a").get_attribute("href") == f"{webmail.address}mat-khau/"
    webmail.find("#notice-password button.away").send_keys(Keys.ENTER)
    assert not webmail.driver.find_element(By.ID, "hanam-notices").is_displayed()
    webmail.go("_task=mail")
    webmail.inbox()
    assert not webmail.driver.find_element(By.ID, "hanam-notices").is_displayed()


@pytest.mark.parametrize(
    ("group", "unit", "status"),
    [("accounts", "postgresql@17-main", 503), ("mailstore", "dovecot", 503), ("webmail", "php8.4-fpm", 502)],
)
@pytest.mark.provokes(journal.DATABASE_AWAY, journal.DOVECOT_AWAY, journal.WEBMAIL_AWAY)
def test_what_is_away_is_told_in_vietnamese_and_the_session_goes_on_afterwards(
    lab: Lab, person: Sample, group: str, unit: str, status: int
) -> None:
    session = signed_in(lab, person)
    with lab.stopped(group, unit):
        for path in ("/?_task=mail", LIST, FRAME):
            answer = session.click(path)
            assert (answer.status, AWAY in answer.body) == (status, True), f"{path}: {answer}"
            assert lab.variables["support_phone"] in answer.body
    assert 'id="messagelist"' in session.click("/?_task=mail").body


@pytest.mark.provokes(journal.WEBMAIL_UNANSWERED)
def test_without_the_accounts_databases_answer_nobody_goes_on_is_signed_out_or_told_of_a_wrong_password(
    lab: Lab, person: Sample
) -> None:
    session, other = signed_in(lab, person), Browser(lab)
    lab.sql(
        "alter role mail_webmail nologin;"
        " select pg_terminate_backend(pid) from pg_stat_activity where usename = 'mail_webmail'"
    )
    try:
        for path in CLICKS:
            answer = session.click(path)
            assert (answer.status, AWAY in answer.body) == (503, True), f"{path}: {answer}"
        answer = other.log_in(person.address, person.password)
        assert (answer.status, AWAY in answer.body) == (503, True), answer
    finally:
        lab.sql("alter role mail_webmail login")
    assert 'id="messagelist"' in session.click("/?_task=mail").body


@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_an_open_page_says_in_vietnamese_that_the_mail_store_is_away(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    webmail.enter(person)
    with lab.stopped("mailstore", "dovecot"):
        webmail.find("#mailboxlist li.sent a").click()
        webmail.wait.until(lambda _: AWAY in webmail.text("#messagestack"), "nothing said")
        assert "127.0.0.1" not in webmail.text("#messagestack")
