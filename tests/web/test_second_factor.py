"""The second factor as a person meets it: turned on, asked for, used up, printed, turned off (issue 13)."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions as expect

from tests import journal
from tests.lab import Lab, Sample
from tests.mail.accounts import forget_failures
from tests.second_factor import PAGE, Owner, Telephone
from tests.web import access
from tests.web.conftest import complaints
from tests.web.pages import Webmail
from tests.web.test_look import LOST, resize

pytestmark = [pytest.mark.neighbours, pytest.mark.provokes(journal.REFUSED_SIGN_IN)]


@pytest.fixture(autouse=True)
def clean(lab: Lab, webmail: Webmail) -> Iterator[None]:
    yield
    webmail.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    forget_failures(lab)


def sound(webmail: Webmail) -> None:
    """Nothing serious for axe-core, light and dark; nothing lost on a small telephone; no complaint of the browser."""
    for width, height in ((390, 844), (320, 640)):
        resize(webmail, width, height)
        assert webmail.driver.execute_script(LOST) == [], width
    resize(webmail, 1366, 900)
    for dark in (False, True):
        assert access.faults(webmail.driver, [], dark=dark) == set()
    webmail.driver.execute_script("document.documentElement.classList.remove('dark-mode')")
    assert [line for line in complaints(webmail.driver) if "the server responded with a status of 4" not in line] == []


def open_page(webmail: Webmail, person: Sample, code: str = "") -> None:
    webmail.driver.get(f"{webmail.address}mat-khau/")
    with webmail.leaving():
        webmail.find("a[href='/mat-khau/hai-buoc']").click()
    webmail.find("#login").send_keys(person.address)
    webmail.find("#old").send_keys(person.password)
    webmail.find("#code").send_keys(code)
    webmail.find("#send").click()


def first_step(webmail: Webmail, person: Sample) -> None:
    webmail.log_in(person.address, person.password)
    webmail.find("#hanam-code")


def second_step(webmail: Webmail, code: str) -> None:
    webmail.find("#hanam-code").send_keys(code, Keys.ENTER)


def test_from_the_change_page_to_the_webmail_by_both_steps(
    lab: Lab, webmail: Webmail, person: Sample, recipient: Sample
) -> None:
    webmail.enter(person)
    session = webmail.driver.get_cookies()

    # --- turned on ---
    open_page(webmail, person)
    assert "chưa bật" in webmail.text("#state")
    sound(webmail)
    webmail.find("#begin").click()
    webmail.find("#picture svg")
    sound(webmail)
    telephone = Telephone(webmail.text("#secret"))
    webmail.find("#code").send_keys("000000", Keys.ENTER)
    assert "không đúng" in webmail.text("#answer")
    assert webmail.text("#secret") == telephone.secret
    webmail.find("#code").send_keys(telephone.code(), Keys.ENTER)
    webmail.find("#print")
    printed = [each.text for each in webmail.driver.find_elements(By.CSS_SELECTOR, "#code-list code")]
    assert len(set(printed)) == 10
    sound(webmail)
    webmail.find("#next").click()
    webmail.wait.until(lambda _: "đã bật" in webmail.text("#state"), "not on")

    # --- a program's password ---
    webmail.find("#name").send_keys("Outlook máy cơ quan")
    webmail.find("#make").click()
    word = webmail.text("#app-password")
    assert "Outlook máy cơ quan" in webmail.text("#apps")
    # By the clock of the hosts, where another day may have begun.
    ends = lab.sql(
        "select to_char(current_date + mail.setting_int('password_app_password_days')::int, 'DD/MM/YYYY')"
    ).strip()
    assert ends in webmail.text("#apps")
    sound(webmail)
    lab.settle()
    with lab.imap(person.address, word) as client:
        assert client.select("INBOX", readonly=True)[0] == "OK"
    webmail.find("#leave").click()
    webmail.find("#old")

    # --- the session of before is over ---
    for cookie in session:
        webmail.driver.add_cookie(cookie)
    webmail.go("_task=mail")
    webmail.find("#rcmloginuser")

    # --- the webmail asks for the second step ---
    webmail.driver.delete_all_cookies()
    first_step(webmail, person)
    assert not webmail.driver.find_elements(By.ID, "rcmloginuser")
    sound(webmail)
    webmail.go("_task=mail")  # no way round
    assert not webmail.driver.find_elements(By.ID, "messagelist-content")
    second_step(webmail, "123123")
    assert "không đúng" in webmail.text("#login-fault")
    second_step(webmail, telephone.code())
    webmail.inbox()

    # --- and works as ever: sends, and keeps its rules ---
    webmail.compose(recipient.address, "Hai bước", "Gửi sau khi xác thực hai bước.")
    webmail.send()
    lab.wait_for_message(recipient, "Hai bước")
    webmail.go("_task=settings&_action=plugin.managesieve-action&_framed=1&_nav=hide")
    webmail.find("select[name^=_header]")
    steps = f"select count(*) from mail.second_step where door = 'webmail' and mailbox_id = '{person.mailbox}'"
    assert lab.sql(steps).strip() == "1"

    # --- signed out, the word is nobody's ---
    webmail.go("_task=mail")
    webmail.inbox()
    webmail.driver.execute_script("rcmail.command('switch-task', 'logout')")
    webmail.find("#rcmloginuser")
    assert lab.sql(steps).strip() == "0"

    # --- a printed code, once ---
    first_step(webmail, person)
    second_step(webmail, printed[4])
    webmail.inbox()
    webmail.driver.delete_all_cookies()
    first_step(webmail, person)
    second_step(webmail, printed[4].upper())
    assert "không đúng" in webmail.text("#login-fault")
    webmail.find(".factor-back a").click()
    webmail.find("#rcmloginuser")

    # --- turned off ---
    open_page(webmail, person, printed[5])
    assert "Còn 8 mã" in webmail.text("#state")
    webmail.find("#code").send_keys(printed[6])
    webmail.find("#off").click()
    webmail.wait.until(lambda _: "chưa bật" in webmail.text("#state"), "not off")
    lab.outwait_cuts()
    webmail.driver.delete_all_cookies()
    webmail.enter(person)


def test_of_whom_it_is_demanded_is_led_to_where_it_is_turned_on(lab: Lab, webmail: Webmail, person: Sample) -> None:
    policy = "update mail.setting set value = '{}' where name = 'password_second_factor'"
    named = "update mail.setting set value = '{}' where name = 'password_second_factor_operators'"
    try:
        lab.sql(policy.format('["operators"]') + ";" + named.format(f'["{person.address.partition("@")[0]}"]'))
        lab.run("mailstore", "doveadm auth cache flush")
        webmail.log_in(person.address, person.password)
        webmail.wait.until(expect.url_contains(PAGE))
        assert "bắt buộc" in webmail.text(".why")
        assert webmail.find("#login").get_attribute("value") == person.address
        sound(webmail)
    finally:
        lab.sql(policy.format("[]") + ";" + named.format("[]"))


def test_what_ends_a_session_of_both_steps_is_told_at_its_next_click(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    owner = Owner(lab, person)
    owner.turn_on()
    first_step(webmail, person)
    second_step(webmail, owner.telephone.code())
    webmail.inbox()
    # As when its hours are over, before anybody told the mail store.
    lab.sql(f"update mail.second_step set ends_at = now() where mailbox_id = '{person.mailbox}' and door = 'webmail'")
    webmail.go("_task=settings")
    assert "Xác thực hai bước vừa thay đổi" in webmail.text("#login-fault")
    first_step(webmail, person)
    second_step(webmail, owner.telephone.code())
    webmail.inbox()
    lab.run("accounts", f"hanam-mail-db lock {person.address} --reason forbidden_use --document 1/KT")
    lab.settle()
    webmail.go("_task=mail")
    webmail.wait.until(expect.url_contains("/mat-khau/tam-khoa"))


def test_a_programs_password_at_the_sign_in_is_told_from_a_wrong_one(
    lab: Lab, webmail: Webmail, person: Sample
) -> None:
    owner = Owner(lab, person)
    owner.turn_on()
    webmail.log_in(person.address, owner.app_password("imap"))
    assert webmail.text("#login-form #login-fault") == (
        "Mật khẩu ứng dụng chỉ dùng trong chương trình thư. Ở trang này hãy nhập mật khẩu chính của tài khoản."
    )
    assert webmail.find("#rcmloginuser").get_attribute("value") == person.address
    sound(webmail)
