"""Where a person is signed in: he sees his sessions and ends those that he does not know (Đ4.6)."""

import imaplib

import pytest
from selenium.webdriver.common.by import By

from tests.lab import Lab, Sample, wait_for
from tests.mail.http_doors import messages
from tests.web.pages import Webmail
from tests.web.test_open_sessions import CLICKS, Session, signed_in

pytestmark = [pytest.mark.dieu4, pytest.mark.neighbours]

PAGE = "_task=settings&_action=plugin.hanam-places"
OVER = "./?_task=login&ly-do=da-ket-thuc"


def rows(webmail: Webmail) -> list[str]:
    found = "return [...document.querySelectorAll('.hanam-rows:not(.hanam-known) li')].map((row) => row.innerText)"
    return list(webmail.driver.execute_script(found))


def shows(webmail: Webmail, count: int) -> None:
    webmail.wait.until(lambda _: len(rows(webmail)) == count, f"not {count} sessions")


def is_over(session: Session, path: str) -> None:
    answer = session.click(path)
    assert (answer.status, answer.location) == (303, OVER), f"{path}: {answer}"
    assert "kết thúc từ một nơi đăng nhập khác" in messages(session.browser.ask(OVER.removeprefix(".")).body)
    assert 'id="rcmloginuser"' in session.browser.ask("/?_task=mail").body


def test_a_session_that_is_ended_from_another_place_is_over_at_its_next_click(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    others = {path: signed_in(lab, person) for path in CLICKS}
    webmail.enter(person)
    webmail.go(PAGE)
    shown = rows(webmail)
    assert len(shown) == 1 + len(others)
    assert "Chrome, Linux" in shown[0] and "Phiên đang dùng" in shown[0] and "Kết thúc" not in shown[0]
    assert all("Trình duyệt khác" in row and "Từ địa chỉ mạng" in row for row in shown[1:])
    for left in range(len(others), 0, -1):
        webmail.find("button[aria-label='Kết thúc phiên này: Trình duyệt khác']").click()
        shows(webmail, left)
    for path, session in others.items():
        is_over(session, path)
    webmail.inbox()


def test_everything_else_ends_with_one_button_mail_programs_too(lab: Lab, webmail: Webmail, person: Sample) -> None:
    other = signed_in(lab, person)
    webmail.enter(person)
    client = lab.imap(person.address, person.password)
    client.select()
    webmail.go(PAGE)
    webmail.find("button[value=everything]").click()
    assert "Đã kết thúc 1 phiên khác và ngắt các chương trình thư" in webmail.notice()
    wait_for(lambda: _cut_off(client), "the mail program to be cut off")
    client.shutdown()
    is_over(other, CLICKS[0])
    webmail.inbox()


def _cut_off(client: imaplib.IMAP4) -> bool:
    try:
        client.noop()
    except (imaplib.IMAP4.error, OSError):
        return True
    return False


def test_who_signs_out_is_shown_no_more_and_places_of_sign_ins_are(lab: Lab, webmail: Webmail, person: Sample) -> None:
    other = signed_in(lab, person)
    webmail.enter(person)
    webmail.go(PAGE)
    assert len(rows(webmail)) == 2
    assert other.browser.ask(f"/?_task=logout&_token={other.token}").status in {200, 302, 303}
    webmail.go(PAGE)
    assert len(rows(webmail)) == 1
    known = [row.text for row in webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-known li")]
    assert known and all("gần nhất ngày" in row for row in known)
