"""Where a person is signed in: he sees his sessions and ends those that he does not know (Đ4.6)."""

import imaplib
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from selenium.webdriver.common.by import By

from tests.delegation import Delegation
from tests.lab import Lab, Sample, wait_for
from tests.mail.http_doors import messages
from tests.web.pages import Webmail
from tests.web.test_agency_mailbox import go, opened
from tests.web.test_open_sessions import ALIVE, CLICKS, LIST, Session, signed_in

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
    webmail.go("_task=mail")
    webmail.inbox()


def test_everything_else_ends_with_one_button_mail_programs_too(lab: Lab, webmail: Webmail, person: Sample) -> None:
    other = signed_in(lab, person)
    webmail.enter(person)
    client = lab.imap(person.address, person.password)
    client.select()
    webmail.go(PAGE)
    # It asks for no choice, as the one above it does.
    assert not webmail.find("button[value=chosen]").is_enabled()
    webmail.find("#hanam-all").click()
    button = webmail.find("button[value=everything]")
    assert button.text == "Kết thúc mọi nơi khác"
    webmail.find("#hanam-all").click()
    button.click()
    assert "Đã kết thúc mọi phiên khác và ngắt các chương trình thư" in webmail.notice()
    # Alone too, and not twice in a minute.
    webmail.go(PAGE)
    webmail.find("button[value=everything]").click()
    assert "vừa được ngắt chưa quá một phút" in webmail.notice()
    wait_for(lambda: _cut_off(client), "the mail program to be cut off")
    client.shutdown()
    is_over(other, CLICKS[0])
    webmail.go("_task=mail")
    webmail.inbox()


def test_an_ended_session_that_goes_on_asking_as_a_frame_opens_nothing(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    thief = signed_in(lab, person)
    ended_from_the_page(webmail, person)
    for path in (LIST, ALIVE, LIST):
        answer = thief.browser.ask(f"{path}&_token={thief.token}")
        assert 'redirect("./")' in answer.body.replace("\\", ""), answer
    # Even if the accounts database forgot it: the session holds no password any more.
    lab.sql(f"update mail.webmail_visit set ended_at = null where mailbox_id = '{person.mailbox}'")
    assert 'id="messagelist"' not in thief.browser.ask("/?_task=mail").body


def ended_from_the_page(webmail: Webmail, person: Sample) -> None:
    webmail.enter(person)
    webmail.go(PAGE)
    webmail.find("button[value=everything]").click()
    webmail.wait.until(lambda _: len(rows(webmail)) == 1, "the others are there")


def test_a_session_that_is_not_his_ends_nothing_and_says_so(
    lab: Lab, webmail: Webmail, person: Sample, colleague: Sample
) -> None:
    webmail.enter(person)
    webmail.go(PAGE)
    where = f"where mailbox_id = '{person.mailbox}'"
    lab.sql(f"update mail.webmail_visit set mailbox_id = '{colleague.mailbox}' {where}")
    webmail.find("button[value=everything]").click()
    assert "Chưa kết thúc được" in webmail.notice()
    assert not rows(webmail)


@pytest.mark.dieu9
def test_dieu9_a_switch_of_mailboxes_goes_on_in_the_same_session_and_can_be_ended(
    lab: Lab, webmail: Webmail, delegation: Delegation
) -> None:
    clerk = delegation.clerk
    webmail.enter(clerk)
    other = signed_in(lab, clerk)
    assert go(other, delegation.mailbox, other.token) == delegation.agency
    token = re.search(r'"request_token":"(\w+)"', other.browser.ask("/?_task=mail").body)
    assert token
    webmail.go(PAGE)
    assert len(rows(webmail)) == 2
    assert delegation.agency in rows(webmail)[1]
    # His own page after a switch of its own, too.
    webmail.go("_task=mail")
    webmail.go("_task=mail")
    webmail.inbox()
    opened(webmail, delegation.mailbox)
    webmail.go(PAGE)
    assert len(rows(webmail)) == 2
    assert "Phiên đang dùng" in rows(webmail)[0]
    webmail.find("button[value=everything]").click()
    shows(webmail, 1)
    fields = {"_box": clerk.mailbox, "_token": token.group(1)}
    answer = other.browser.ask("/?_task=mail&_action=plugin.hanam-mailbox", {**fields})
    assert answer.location == OVER
    assert 'id="rcmloginuser"' in other.browser.ask("/?_task=mail").body


def test_first_clicks_at_once_are_one_session(lab: Lab, person: Sample) -> None:
    """As after an upgrade: nothing is known of it, and a page asks for several things together."""
    session = signed_in(lab, person)
    where = f"where mailbox_id = '{person.mailbox}'"
    lab.sql(f"delete from mail.webmail_visit {where}")
    with ThreadPoolExecutor(len(CLICKS)) as pool:
        assert {answer.status for answer in pool.map(session.click, CLICKS)} == {200}
    assert lab.sql(f"select count(*) from mail.webmail_visit {where}") == "1"


def test_what_a_page_asks_by_itself_is_no_use(lab: Lab, person: Sample) -> None:
    session = signed_in(lab, person)
    where = f"where mailbox_id = '{person.mailbox}'"
    recent = "> now() - interval '1 minute'"
    kept = f"select used_at {recent}, seen_at {recent} from mail.webmail_visit {where}"
    past = "used_at = used_at - interval '1 hour', seen_at = seen_at - interval '20 minutes'"
    lab.sql(f"update mail.webmail_visit set {past} {where}")
    session.click(ALIVE)
    assert lab.sql(kept) == "f|t"
    session.click(LIST)
    assert lab.sql(kept) == "t|t"


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
