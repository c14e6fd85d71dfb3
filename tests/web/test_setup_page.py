"""How mail is set up elsewhere, as somebody finds it from the login."""

import pytest

from tests.web.conftest import complaints
from tests.web.pages import Webmail

pytestmark = pytest.mark.neighbours


@pytest.mark.dieu10
def test_the_login_leads_to_the_page_and_a_click_to_the_profile(webmail: Webmail) -> None:
    webmail.open()
    webmail.find("#login-footer a[href$='/cai-dat/']").click()
    assert webmail.text("h1") == "Cài đặt thư trên điện thoại và máy tính"
    assert webmail.find("a.button").get_attribute("href") == f"{webmail.address}cai-dat/thu-cong-vu.mobileconfig"
    assert "imap.hanam.gov.vn" in webmail.text("table")
    # Styles came, and nothing was refused by the site's own policy.
    assert webmail.find("a.button").value_of_css_property("background-color") == "rgba(0, 72, 107, 1)"
    assert complaints(webmail.driver) == []


def test_the_page_fits_a_telephone(webmail: Webmail) -> None:
    size = webmail.driver.get_window_size()
    webmail.driver.set_window_size(360, 740)
    try:
        webmail.driver.get(f"{webmail.address}cai-dat/")
        webmail.find("table")
        wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert webmail.driver.execute_script(wide) is False
    finally:
        webmail.driver.set_window_size(size["width"], size["height"])
