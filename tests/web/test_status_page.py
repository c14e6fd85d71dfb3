"""Stops of the service and slides, as everybody sees them; and the webmail while it is closed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import pytest
from selenium.webdriver.support import expected_conditions as expect

from tests.lab import Lab, Sample
from tests.roles.test_roundcube import Connection
from tests.web import access
from tests.web.conftest import complaints
from tests.web.pages import Webmail
from tests.web.test_look import letters

pytestmark = [pytest.mark.neighbours, pytest.mark.dieu10]

PATH = "tinh-trang/"


def stop(begin: datetime, hours: int, what: str) -> dict[str, str]:
    return {
        "begin": f"{begin:%Y-%m-%d %H:%M}", "end": f"{begin + timedelta(hours=hours):%Y-%m-%d %H:%M}", "what": what,
        "services": "trang thư", "announced": f"{begin - timedelta(days=4):%Y-%m-%d}",
    }  # fmt: skip


@contextmanager
def closed(lab: Lab, stops: list[dict[str, str]], folder: Path) -> Iterator[None]:
    """The webmail closed by a deployment, and open again by another."""
    given = folder / "stops.json"
    given.write_text(json.dumps({"maintenance_stops": stops}))
    words = ("site.yml", "--tags", "roundcube,help_pages", "--limit", "webmail")
    try:
        done = lab.play(*words, "-e", f"@{given}", "-e", "roundcube_maintenance=true")
        assert done.returncode == 0, done.stdout[-3000:]
        yield
    finally:
        back = lab.play(*words)
        assert back.returncode == 0, back.stdout[-3000:]


def test_who_cannot_sign_in_finds_the_page_from_the_help(webmail: Webmail) -> None:
    webmail.driver.get(f"{webmail.address}tro-giup/")
    webmail.find("a[href='/tinh-trang/']").click()
    assert webmail.text("h1") == "Tình trạng hệ thống"
    assert webmail.text("#now") == "Hiện không có lần tạm ngừng nào."
    assert complaints(webmail.driver) == []


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("path", [PATH, "tap-huan/"])
def test_the_pages_fit_a_telephone(webmail: Webmail, path: str, width: int) -> None:
    screen = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    webmail.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        webmail.driver.get(f"{webmail.address}{path}")
        webmail.find("h1")
        wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert webmail.driver.execute_script(wide) is False
    finally:
        webmail.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_slides_are_walked_by_their_links(webmail: Webmail) -> None:
    webmail.driver.get(f"{webmail.address}tap-huan/")
    assert webmail.text("h1") == "Sử dụng thư điện tử công vụ"
    webmail.find("#trang-3 a[href='#trang-2']").click()
    assert webmail.driver.current_url.endswith("#trang-2")
    assert complaints(webmail.driver) == []


def says_so_and_when_it_opens(lab: Lab, webmail: Webmail, stops: list[dict[str, str]]) -> None:
    zone = ZoneInfo(lab.variables["mail_timezone"])
    end = datetime.strptime(stops[0]["end"], "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    site = Connection(lab.address("webmail"), f"mail.{lab.variables['mail_domain']}", lab.ssl_context)
    for path in ("/", "/?_task=mail", "/index.php"):
        site.request("GET", path)
        answer = site.getresponse()
        text = answer.read().decode()
        assert (answer.status, "Trang thư đang tạm đóng để bảo trì" in text) == (503, True)
        assert parsedate_to_datetime(answer.headers["Retry-After"]) == end
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    # What needs no webmail stays open.
    for path in ("/mat-khau/", "/tro-giup/", "/tinh-trang/", "/danh-ba/"):
        site.request("GET", path)
        answer = site.getresponse()
        answer.read()
        assert answer.status == 200, path
    site.close()
    webmail.driver.get(webmail.address)
    assert webmail.text("h1") == "Trang thư đang tạm đóng để bảo trì"
    webmail.find("a[href='/tinh-trang/']").click()
    assert "Trang thư đang tạm đóng để bảo trì." in webmail.text("#closed")


def bears_the_look_of_all_pages(webmail: Webmail) -> None:
    assert webmail.find("a.button").value_of_css_property("background-color") == "rgba(0, 72, 107, 1)"
    assert [custom for _, custom in letters(webmail, "h1")] == [True]
    for dark in (False, True):
        assert access.faults(webmail.driver, [], dark=dark) == set()


@dataclass
class Windows:
    """Two windows of one session: a letter that is being written, and the list."""

    webmail: Webmail
    writing: str
    reading: str
    text: str = "Kính gửi đồng chí, nội dung đang viết dở."

    @classmethod
    def open(cls, webmail: Webmail, person: Sample) -> Self:
        driver = webmail.driver
        webmail.enter(person)
        windows = cls(webmail, "", driver.current_window_handle)
        driver.switch_to.new_window("tab")
        windows.writing = driver.current_window_handle
        webmail.compose(person.address, "Đang viết", windows.text)
        driver.switch_to.window(windows.reading)
        return windows

    def close(self) -> None:
        """Leave the letter, and one window."""
        self.webmail.driver.switch_to.window(self.writing)
        self.webmail.driver.execute_script("window.onbeforeunload = null")
        self.webmail.driver.close()
        self.webmail.driver.switch_to.window(self.reading)

    def meet_the_closing(self) -> None:
        webmail, driver = self.webmail, self.webmail.driver
        driver.switch_to.window(self.writing)
        driver.execute_script("rcmail.command('savedraft')")
        webmail.wait.until(lambda _: "đang tạm đóng" in webmail.text("#messagestack"), "nothing said of the closing")
        assert "Nội dung đang viết vẫn còn nguyên" in webmail.text("#messagestack")
        assert not driver.find_elements("css selector", "#messagestack .error")
        # What the page asks by itself says no more than that.
        driver.execute_script("rcmail.http_post('plugin.hanam-recipients', {_addresses: 'a@hanam.gov.vn'})")
        webmail.wait.until(lambda _: driver.execute_script("return jQuery.active === 0"))
        assert self.text in (webmail.find("#composebody").get_attribute("value") or "")
        driver.switch_to.window(self.reading)
        driver.execute_script("rcmail.refresh()")
        webmail.wait.until(lambda _: "đang tạm đóng" in webmail.text("#messagestack"))
        assert webmail.find("#messagelist-content")
        webmail.find("#mailboxlist li.sent a").click()
        webmail.wait.until(expect.text_to_be_present_in_element(("css selector", "h1"), "đang tạm đóng để bảo trì"))

    def go_on_writing(self) -> None:
        self.webmail.driver.switch_to.window(self.writing)
        self.webmail.quiet()
        self.webmail.driver.execute_script("rcmail.clear_messages(); rcmail.command('savedraft')")
        self.webmail.find("#messagestack .confirmation")
        assert self.text in (self.webmail.find("#composebody").get_attribute("value") or "")


def each_stop_says_whether_it_goes_on(webmail: Webmail, stops: list[dict[str, str]]) -> None:
    complaints(webmail.driver)
    webmail.driver.get(f"{webmail.address}{PATH}")
    webmail.find(".stop .state")
    shown = [each.text for each in webmail.driver.find_elements("css selector", ".stop .state")]
    assert shown == ["Đang diễn ra", "Sắp tới", "Đã xong"]
    assert "Để nâng cấp máy chủ <kho thư>." in webmail.text(".stop")
    assert complaints(webmail.driver) == []
    # Without scripts the times are there all the same.
    webmail.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        webmail.driver.get(f"{webmail.address}{PATH}")
        assert webmail.text("h1") == "Tình trạng hệ thống"
        page = webmail.driver.page_source
    finally:
        webmail.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    begin = datetime.strptime(stops[1]["begin"], "%Y-%m-%d %H:%M")
    assert f"Từ {begin:%H} giờ {begin:%M} ngày {begin:%d}" in page
    assert page.count('class="state" hidden') == len(stops)


def test_a_closed_webmail_says_until_when_and_opens_again(
    lab: Lab, webmail: Webmail, person: Sample, tmp_path: Path
) -> None:
    now = datetime.now(ZoneInfo(lab.variables["mail_timezone"]))
    stops = [
        stop(now - timedelta(hours=1), 3, "nâng cấp máy chủ <kho thư>"),
        stop(now + timedelta(days=9), 3, "thay đĩa"),
        stop(now - timedelta(days=9), 3, "vá lỗi"),
    ]
    windows = Windows.open(webmail, person)
    try:
        with closed(lab, stops, tmp_path):
            windows.meet_the_closing()
            bears_the_look_of_all_pages(webmail)
            says_so_and_when_it_opens(lab, webmail, stops)
            each_stop_says_whether_it_goes_on(webmail, stops)
        windows.go_on_writing()
    finally:
        windows.close()
    webmail.go("_task=mail")
    webmail.inbox()
