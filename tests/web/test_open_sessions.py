"""An open session of the webmail when its mailbox is locked, its password expires, or what it needs is away."""

import re
from dataclasses import dataclass

import pytest
from selenium.webdriver.support import expected_conditions as expect

from tests import journal
from tests.lab import Lab, Sample
from tests.mail.accounts import State, in_state
from tests.mail.http_doors import Browser, Reply
from tests.web.pages import Webmail

pytestmark = [pytest.mark.neighbours, pytest.mark.provokes(journal.REFUSED_SIGN_IN)]

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


def test_a_password_changed_elsewhere_ends_the_session_at_the_login(lab: Lab, person: Sample) -> None:
    session = signed_in(lab, person)
    lab.give_password(person.address, "Mua-Gat-2026@", must_change=False)
    lab.settle()
    assert session.click(LIST).location == "./?_task=login&_err=session"


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


@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_an_open_page_says_in_vietnamese_that_the_mail_store_is_away(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    webmail.enter(person)
    with lab.stopped("mailstore", "dovecot"):
        webmail.find("#mailboxlist li.sent a").click()
        webmail.wait.until(lambda _: AWAY in webmail.text("#messagestack"), "nothing said")
        assert "127.0.0.1" not in webmail.text("#messagestack")
