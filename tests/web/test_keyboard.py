"""The webmail for somebody without a mouse: what has the keyboard is seen, and the keyboard alone is enough."""

import unicodedata

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.lab import Lab, wait_for
from tests.people import People
from tests.web import tour
from tests.web.pages import Webmail

pytestmark = [pytest.mark.dieu3, pytest.mark.neighbours]

# What has the focus, in the frame that has it, and whether one sees that: a line is around it, and it stands in the
# window.
FOCUS = """
let each = document.activeElement;
while (each.tagName === "IFRAME" && each.contentDocument && each.contentDocument.activeElement) {
  each = each.contentDocument.activeElement;
}
const cells = [each, ...each.matches("tr") ? each.cells : []].map((part) => getComputedStyle(part));
const framed = cells.some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
  || style.boxShadow.includes("3px inset"));
const box = each.getBoundingClientRect(), view = each.ownerDocument.defaultView;
const within = box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
  && box.top < view.innerHeight && box.left < view.innerWidth;
// A text that is written shows its cursor.
const text = each.isContentEditable;
return [each.tagName === "BODY" && !text ? "" : each.outerHTML.slice(0, 160), text || framed && within];
"""


class Hands:
    """Presses keys, whatever has the focus, and demands after each that one sees where it is."""

    def __init__(self, webmail: Webmail) -> None:
        self.webmail, self.driver = webmail, webmail.driver
        # The window that one looks at, whatever else happens on the machine.
        self.driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})

    def has(self, selector: str) -> bool:
        here: bool = self.driver.execute_script(
            "return !!document.activeElement.closest(arguments[0]) && document.activeElement !== document.body",
            selector,
        )
        return here

    def press(self, *keys: str) -> str:
        ActionChains(self.driver).send_keys(*keys).perform()
        return self.seen()

    def back(self) -> str:
        ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
        return self.seen()

    def seen(self) -> str:
        """What has the focus; a page that is being drawn has a moment."""

        def look() -> str | None:
            element, visible = self.driver.execute_script(FOCUS)
            return str(element) or "nothing" if visible or not element else None

        return wait_for(look, f"a line around {self.driver.execute_script(FOCUS)}", 60)

    def leave(self, *keys: str, to: str) -> None:
        """Press keys that lead to another page."""
        ActionChains(self.driver).send_keys(*keys).perform()
        self.webmail.find(to)
        tour.idle(self.webmail)
        self.seen()

    def go_to(self, selector: str, *, backwards: bool = False, most: int = 60) -> None:
        """Tab on until the focus is there."""
        passed = list[str]()
        while not self.has(selector):
            assert len(passed) < most, f"the keyboard does not come to {selector}, only to {passed}"
            passed.append(self.back() if backwards else self.press(Keys.TAB))


def test_the_keyboard_alone_signs_in_finds_reads_answers_and_signs_out(
    lab: Lab, webmail: Webmail, people: People
) -> None:
    person, other = people.take(), people.take()
    tour.furnish(lab, person, other)
    hands, wait = Hands(webmail), webmail.wait
    webmail.open()
    hands.press(*person.address)
    hands.press(Keys.TAB)
    assert hands.has("#rcmloginpwd")
    hands.leave(person.password, Keys.ENTER, to="#messagelist-content")
    # The list has the keyboard from the beginning. The page's first stop leads there too, past the menus.
    assert hands.has("#layout-list"), hands.seen()
    hands.go_to(".hanam-skip", backwards=True)
    hands.press(Keys.ENTER)
    assert hands.has("#layout-list"), hands.seen()
    hands.go_to("#mailsearchform", backwards=True)
    hands.press(*"giay moi", Keys.ENTER)
    wait.until(lambda driver: len(driver.find_elements("css selector", "#messagelist tr.message")) == 1)
    tour.idle(webmail)
    hands.go_to("#messagelist")
    hands.press(Keys.ENTER)
    wait.until(lambda driver: driver.execute_script(
        "const page = document.getElementById('messagecontframe').contentDocument;"
        " return page.readyState === 'complete' && !!page.getElementById('messagebody')"
    ))  # fmt: skip
    hands.go_to(".menu a.reply")
    hands.leave(Keys.ENTER, to="#composebody")
    text = webmail.find("#composebody")
    # Whoever answers has the text before him.
    assert hands.has("#composebody"), hands.seen()
    assert "Kính gửi" in unicodedata.normalize("NFC", text.get_attribute("value") or "")
    hands.press(*"Toi se du hop.")
    hands.go_to("button.send")
    hands.press(Keys.ENTER)
    webmail.find("#hanam-undo button.now")
    hands.go_to("#hanam-undo button.now", most=2)
    hands.leave(Keys.ENTER, to="#messagelist-content")
    assert b"Toi se du hop." in lab.wait_for_message(other, "Giấy mời họp giao ban")
    hands.go_to("#taskmenu a.logout")
    hands.leave(Keys.ENTER, to="#rcmloginuser")
    assert not webmail.driver.find_elements("css selector", "#layout-menu")
