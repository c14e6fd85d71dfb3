"""Dark colours, as people come by them: from their device, or by the switch in the menu."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as expect

from tests.lab import Lab, Sample
from tests.people import People
from tests.web import access, tour
from tests.web.pages import Webmail

pytestmark = [pytest.mark.dieu3, pytest.mark.neighbours]

PUBLIC = ("login", "change-password", "directory", "help", "not-there")
# How light the ground behind each thing is, from 0 to 1: of the nearest that has a ground of its own.
GROUNDS = """
const ground = (each) => {
  const [red, green, blue, alpha = 1] = getComputedStyle(each).backgroundColor.match(/[\\d.]+/g).map(Number);
  if (alpha === 0) {
    return each.parentElement ? ground(each.parentElement) : 1;
  }
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
};
return arguments[0].map((selector) => [selector, document.querySelector(selector)])
  .map(([selector, each]) => [selector, each ? ground(each) : 1]);
"""
DARK_ENOUGH = 0.3
LIST = ("body", "#layout-list", "#messagelist-content", "#layout-content")


@pytest.fixture
def device(webmail: Webmail) -> Iterator[Webmail]:
    """A browser of which a test may say what its device prefers."""
    yield webmail
    prefers(webmail, "light")


@pytest.fixture(scope="module")
def clerk(lab: Lab, people: People) -> Sample:
    person, other = people.take(), people.take()
    tour.furnish(lab, person, other)
    return person


def prefers(webmail: Webmail, scheme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": scheme}
    webmail.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def light_grounds(webmail: Webmail, *selectors: str) -> dict[str, float]:
    """Those of the page's parts that are not dark, or not there."""
    webmail.driver.execute_script(access.STILL)
    grounds = webmail.driver.execute_script(GROUNDS, list(selectors))
    return {selector: light for selector, light in grounds if light > DARK_ENOUGH}


def preview(webmail: Webmail) -> None:
    """Open the letter without HTML beside the list."""
    webmail.driver.execute_script("rcmail.message_list.select(1)")
    webmail.wait.until(expect.frame_to_be_available_and_switch_to_it((By.ID, "messagecontframe")))
    webmail.find("#messagebody .pre")
    webmail.driver.switch_to.default_content()
    tour.idle(webmail)


def dark_mail(webmail: Webmail) -> None:
    """The list, a letter beside it and the page for writing, as text and as HTML, have dark grounds."""
    assert light_grounds(webmail, *LIST) == {}
    preview(webmail)
    webmail.driver.switch_to.frame("messagecontframe")
    assert light_grounds(webmail, "body", "#messagebody", "#message-header") == {}
    webmail.driver.switch_to.default_content()
    assert access.contrasts(webmail.driver, tour.frames(webmail)) == set()
    webmail.go("_task=mail&_action=compose")
    webmail.find("#composebody")
    tour.idle(webmail)
    assert light_grounds(webmail, "body", "#layout-content", "#composebody", "#compose-subject") == {}
    webmail.driver.execute_script(
        "window.confirm = () => true; rcmail.command('toggle-editor', {id: 'composebody', html: true}, '', {})"
    )
    webmail.find(".tox-tinymce iframe")
    tour.idle(webmail)
    assert light_grounds(webmail, ".tox-toolbar__primary") == {}
    webmail.driver.switch_to.frame(webmail.find(".tox-tinymce iframe"))
    webmail.driver.execute_script("document.body.innerHTML = '<p>Kính gửi</p>'")
    assert light_grounds(webmail, "body") == {}
    webmail.driver.switch_to.default_content()
    assert access.contrasts(webmail.driver, ["composebody_ifr"]) == set()


def test_a_dark_device_darkens_public_pages_and_the_webmail(device: Webmail, clerk: Sample) -> None:
    prefers(device, "dark")
    found = dict[str, object]()
    for stop in tour.BEFORE_SIGN_IN:
        if stop.name in PUBLIC:
            tour.go(device, stop)
            if light := light_grounds(device, "body", "form" if stop.name == "login" else "main"):
                found[stop.name] = light
            elif faults := access.contrasts(device.driver, []):
                found[stop.name] = faults
    assert found == {}, found
    device.enter(clerk)
    tour.idle(device)
    dark_mail(device)


def test_the_switch_in_the_menu_darkens_the_webmail_and_lights_it_again(device: Webmail, clerk: Sample) -> None:
    prefers(device, "light")
    device.enter(clerk)
    preview(device)
    assert set(light_grounds(device, *LIST)) == set(LIST)
    switch = device.find("#taskmenu a.theme")
    assert switch.text == "Nền tối"
    switch.click()
    device.driver.switch_to.frame("messagecontframe")
    assert light_grounds(device, "body", "#messagebody") == {}
    device.driver.switch_to.default_content()
    dark_mail(device)
    # The person's word outlasts the page, and goes before the device's.
    device.go("_task=mail")
    device.inbox()
    device.find("#taskmenu a.theme").click()
    device.driver.get("about:blank")
    prefers(device, "dark")
    device.go("_task=mail")
    device.inbox()
    assert set(light_grounds(device, *LIST)) == set(LIST)
