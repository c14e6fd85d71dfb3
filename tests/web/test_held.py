"""Spam that is held for an official, in his own webmail: he takes it or drops it with one click (Đ10.6)."""

import uuid

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests import journal
from tests.foreign import AN, Foreign
from tests.lab import Lab, Sample, message
from tests.mail.test_held_spam import WORD, rule
from tests.mail.test_quarantine import held, states
from tests.web import access
from tests.web.pages import Webmail

__all__ = ["rule"]
pytestmark = [pytest.mark.dieu10, pytest.mark.neighbours, pytest.mark.provokes(journal.FILTER_AWAY)]

PAGE = "_task=settings&_action=plugin.hanam-held"


@pytest.fixture
def titles(lab: Lab, reader: Sample) -> list[str]:
    """Subjects of two messages that are held for an official, the last first."""
    found = [f"{WORD} {uuid.uuid4().hex[:12]}" for _ in range(2)]
    for title in reversed(found):
        Foreign(lab).send(message(AN, reader.address, subject=title), AN, reader.address)
        held(lab, title)
    return found


def _rows(webmail: Webmail) -> list[str]:
    return [row.text for row in webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-rows li")]


def _button(webmail: Webmail, title: str, words: str) -> None:
    webmail.find(f"button[aria-label='{words}: {title}']").click()


@pytest.mark.proof("Thư đang bị giữ xem được trong hộp thư trên web / held mail is seen and decided in the webmail")
def test_one_click_takes_one_and_drops_the_other(webmail: Webmail, lab: Lab, reader: Sample, titles: list[str]) -> None:
    wanted, other = titles
    webmail.enter(reader)
    webmail.go(PAGE)
    rows = _rows(webmail)
    assert [any(title in row for title in titles) for row in rows] == [True, True]
    assert wanted in rows[0] and "Tự bỏ sau ngày" in rows[0]
    _button(webmail, wanted, "Nhận thư này")
    assert "Đã nhận 1 thư" in webmail.notice()
    _button(webmail, other, "Bỏ thư này")
    webmail.wait.until(lambda _: "Đã bỏ 1 thư" in webmail.notice(), "not dropped")
    assert b"\nX-Spam:" not in lab.wait_for_message(reader, wanted)
    assert states(lab, held(lab, other)["id"]) == {reader.address: "dropped"}
    webmail.go(PAGE)
    assert not [row for row in _rows(webmail) if other in row]


def test_several_are_chosen_by_keyboard_and_dropped_at_once(
    webmail: Webmail, lab: Lab, reader: Sample, titles: list[str]
) -> None:
    webmail.enter(reader)
    webmail.go(PAGE)
    for box in webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-rows input"):
        box.send_keys(Keys.SPACE)
    webmail.find(".hanam-buttons button[value=drop]").send_keys(Keys.ENTER)
    assert "Đã bỏ 2 thư" in webmail.notice()
    assert "Không có thư nào đang bị giữ" in webmail.text(".hanam-none")


def test_anothers_copy_is_neither_shown_nor_decided(
    webmail: Webmail, lab: Lab, reader: Sample, colleague: Sample, titles: list[str]
) -> None:
    """A crafted post names the number of a copy that is somebody else's."""
    title = f"{WORD} {uuid.uuid4().hex[:12]}"
    Foreign(lab).send(message(AN, colleague.address, subject=title), AN, colleague.address)
    found = held(lab, title)
    number = lab.sql(f"select number from mail.held_recipient where message_id = {found['id']}").strip()
    webmail.enter(reader)
    webmail.go(PAGE)
    assert not [row for row in _rows(webmail) if title in row]
    button = webmail.find(f"button[aria-label='Bỏ thư này: {titles[0]}']")
    webmail.driver.execute_script("arguments[0].value = arguments[1]", button, f"drop {number}")
    button.click()
    assert "đã được quyết định hoặc không còn ở đây" in webmail.notice()
    assert states(lab, found["id"]) == {colleague.address: "held"}


@pytest.mark.dieu3
@pytest.mark.parametrize("width", [320, 1366])
def test_the_page_fits_and_has_no_fault_for_people_with_disabilities(
    webmail: Webmail, reader: Sample, titles: list[str], width: int
) -> None:
    webmail.enter(reader)
    webmail.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        webmail.go(PAGE)
        assert len(_rows(webmail)) == len(titles)
        beyond = "return [...document.querySelectorAll('.hanam-list *')].filter(e => e.getBoundingClientRect().right >"
        assert webmail.driver.execute_script(f"{beyond} innerWidth + 1).length") == 0
        for dark in (False, True):
            assert access.faults(webmail.driver, [], dark=dark) == set()
    finally:
        webmail.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
