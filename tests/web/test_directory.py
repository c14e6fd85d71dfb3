"""The public directory in a browser that may run no script there: by keyboard alone, and on a telephone."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from tests.web.conftest import complaints
from tests.web.pages import Webmail

pytestmark = [pytest.mark.neighbours, pytest.mark.dieu11]


@pytest.fixture
def narrow(webmail: Webmail) -> Iterator[Webmail]:
    """A telephone of 320 px, which no window of a browser is as narrow as."""
    metrics = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    webmail.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    yield webmail
    webmail.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_somebody_is_found_by_keyboard_alone_and_written_to_by_a_link(webmail: Webmail) -> None:
    webmail.open()
    webmail.find("#login-footer a[href$='/danh-ba/']").send_keys(Keys.ENTER)
    assert webmail.text("h1") == "Danh bạ thư điện tử công vụ"
    body = webmail.find("body")
    # The way past the head, then the field.
    body.send_keys(Keys.TAB)
    assert webmail.driver.switch_to.active_element.get_attribute("class") == "skip"
    webmail.driver.switch_to.active_element.send_keys(Keys.TAB)
    field = webmail.driver.switch_to.active_element
    assert field.get_attribute("id") == "q"
    assert field.value_of_css_property("outline-style") != "none"
    field.send_keys("thanh ha thong tin", Keys.ENTER)
    link = webmail.find("a[href='mailto:nguyenthithanhha@hanam.gov.vn']")
    assert link.text == "nguyenthithanhha@hanam.gov.vn"
    webmail.find("tbody a[href='/danh-ba/co-quan/stttt.html']").click()
    assert webmail.text("h1") == "Sở Thông tin và Truyền thông"
    # Styles came, and nothing was refused by the site's own policy.
    assert webmail.find("main").value_of_css_property("background-color") == "rgba(255, 255, 255, 1)"
    assert complaints(webmail.driver) == []


@pytest.mark.parametrize(
    "path", ["", "co-quan/stttt.html", "tim?q=nguyen", f"tim?q={'khongaicoten' * 8}", "ban.html"],
    ids=["index", "agency", "found", "not found", "busy"],
)  # fmt: skip
def test_it_fits_a_narrow_telephone(narrow: Webmail, path: str) -> None:
    narrow.driver.get(f"{narrow.address}danh-ba/{path}")
    narrow.find("h1")
    wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert narrow.driver.execute_script(wide) is False
