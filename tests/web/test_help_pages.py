"""Help, as somebody finds it who cannot sign in."""

from collections.abc import Callable

import pytest
from selenium.webdriver import Chrome as WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.lab import Lab
from tests.roles.test_roundcube import Connection
from tests.web import access
from tests.web.conftest import complaints
from tests.web.pages import Webmail

pytestmark = [pytest.mark.neighbours, pytest.mark.dieu10]


def test_who_forgot_the_password_is_led_from_the_login_to_whom_to_ask(webmail: Webmail) -> None:
    webmail.open()
    webmail.find("#login-footer a[href$='/tro-giup/']").click()
    assert webmail.text("h1") == "Trợ giúp"
    webmail.find("a[href='#quen']").click()
    assert "Báo cơ quan, đơn vị của mình" in webmail.text("#quen + ol")
    webmail.find("a[href='bao-su-co.html']").click()
    assert "Về sự cố Hệ thống thư điện tử công vụ" in webmail.text("h1")
    assert complaints(webmail.driver) == []


def _drawn(picture: WebElement) -> Callable[[WebDriver], bool]:
    return lambda driver: driver.execute_script("return arguments[0].naturalWidth", picture) > 0


def test_pictures_are_served_as_such_and_shown(lab: Lab, webmail: Webmail) -> None:
    driver = webmail.driver
    driver.get(f"{webmail.address}tro-giup/")
    pictures = driver.find_elements(By.CSS_SELECTOR, "figure img")
    assert len(pictures) >= 6
    site = Connection(lab.address("webmail"), f"mail.{lab.variables['mail_domain']}", lab.ssl_context)
    for picture in pictures:
        site.request("GET", f"/tro-giup/{picture.get_dom_attribute('src')}")
        answer = site.getresponse()
        answer.read()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/webp")
        # Loaded when somebody comes to it.
        driver.execute_script("arguments[0].scrollIntoView()", picture)
        webmail.wait.until(_drawn(picture), picture.get_attribute("src") or "")
    site.close()
    assert complaints(driver) == []


@pytest.mark.parametrize("width", [320, 390])
def test_the_help_with_its_pictures_fits_a_telephone(webmail: Webmail, width: int) -> None:
    driver = webmail.driver
    screen = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        driver.get(f"{webmail.address}tro-giup/")
        webmail.find("h1")
        wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert driver.execute_script(wide) is False
        shape = "return [...document.querySelectorAll('figure img')].map(e => e.clientWidth / e.clientHeight)"
        assert all(1.5 < each < 1.7 for each in driver.execute_script(shape))
        for dark in (False, True):
            assert access.faults(driver, [], dark=dark) == set()
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
