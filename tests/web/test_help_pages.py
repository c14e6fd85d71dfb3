"""Help, as somebody finds it who cannot sign in."""

import pytest

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
