"""The province's look: what a person sees of it, on wide screens and narrow ones, by eye and by keyboard."""

import re
import unicodedata
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions as expect

from tests import journal
from tests.lab import Lab, Sample
from tests.people import People
from tests.web import tour
from tests.web.pages import Webmail

pytestmark = [pytest.mark.dieu3, pytest.mark.neighbours]

# Controls that are shown and reach over an edge of the window, unless what holds them can be moved sideways.
LOST = """
const moves = (each) => each && (["auto", "scroll"].includes(getComputedStyle(each).overflowX)
  && each.scrollWidth > each.clientWidth || moves(each.parentElement));
// Cut short with dots on purpose, or there for programs only.
const cut = (each) => each && (getComputedStyle(each).textOverflow === "ellipsis"
  || getComputedStyle(each).opacity === "0" || cut(each.parentElement));
const lost = [...document.querySelectorAll("a, button, input, select, textarea, h1, h2, p, li")].filter((each) => {
  const box = each.getBoundingClientRect();
  return box.width > 1 && box.height > 1 && box.bottom > 0 && getComputedStyle(each).visibility !== "hidden"
    && (box.right > innerWidth + 1 || box.left < -1) && !moves(each.parentElement) && !cut(each);
});
const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth ? ["the page itself"] : [];
return [...wide, ...lost.map((each) => each.outerHTML.slice(0, 120))];
"""
OUTLINE = """
const each = document.activeElement, style = getComputedStyle(each);
return [each === document.body ? "" : each.outerHTML.slice(0, 120),
        each.tagName === "IFRAME" || style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
"""
VIETNAMESE = "".join(
    sorted({unicodedata.normalize("NFC", letter + mark) for letter in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"
            for mark in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")} | {"đ", "Đ", "₫"})
)  # fmt: skip


@pytest.fixture(scope="module")
def clerk(lab: Lab, people: People) -> Sample:
    """Somebody with mail of every kind."""
    person, other = people.take(), people.take()
    tour.furnish(lab, person, other)
    return person


@pytest.fixture
def screen(webmail: Webmail) -> Iterator[Webmail]:
    """A browser whose screen a test may change."""
    yield webmail
    webmail.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def resize(webmail: Webmail, width: int, height: int) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    webmail.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def letters(webmail: Webmail, selector: str) -> list[tuple[str, bool]]:
    """The fonts that a part of the page is drawn with, each with whether the site brought it."""
    run = webmail.driver.execute_cdp_cmd
    run("DOM.enable", {})
    run("CSS.enable", {})
    root = run("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    node = run("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    # None until it is drawn.
    fonts = webmail.wait.until(lambda _: run("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"])
    return [(font["familyName"], font["isCustomFont"]) for font in fonts]


def test_the_sign_in_says_what_this_is_what_to_type_and_that_an_agencys_mailbox_is_opened_here_too(
    webmail: Webmail,
) -> None:
    webmail.open()
    assert webmail.text("h1") == "Thư điện tử công vụ tỉnh Hà Nam"
    assert webmail.text("#login-what").startswith("Hộp thư công vụ")
    assert webmail.labels("#login-form label") == {"Địa chỉ thư", "Mật khẩu"}
    hint = webmail.text("#login-hint")
    assert "nguyenvana@hanam.gov.vn" in hint
    assert "Hộp thư cơ quan" in hint
    assert webmail.find("#rcmloginuser").get_attribute("aria-describedby") == "login-hint"


@pytest.mark.provokes(journal.REFUSED_SIGN_IN)
def test_a_refused_sign_in_is_told_beside_the_password_and_keeps_the_address(webmail: Webmail, clerk: Sample) -> None:
    webmail.log_in(clerk.address, clerk.password + "x")
    fault = webmail.find("#login-form #login-fault")
    assert fault.text.startswith("Không đăng nhập được")
    password = webmail.find("#rcmloginpwd")
    below = fault.rect["y"] - password.rect["y"] - password.rect["height"]
    assert 0 <= below < 30
    assert password.get_attribute("aria-invalid") == "true"
    assert webmail.driver.switch_to.active_element == password
    assert webmail.find("#rcmloginuser").get_attribute("value") == clerk.address
    assert not webmail.labels("#messagestack div")


def test_an_ended_session_is_told_at_the_sign_in_and_blames_no_password(webmail: Webmail) -> None:
    webmail.go("_task=login&_err=session")
    assert webmail.text("#login-fault")
    assert webmail.find("#rcmloginpwd").get_attribute("aria-invalid") is None


def test_no_page_shows_a_drawing_of_roundcube(webmail: Webmail, clerk: Sample) -> None:
    webmail.enter(clerk)
    asked = set[str]()
    for place in ("_task=mail", "_task=settings", "_task=addressbook", "_task=mail&_action=compose"):
        webmail.go(place)
        tour.idle(webmail)
        asked |= set(
            webmail.driver.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
        )
        asked |= {frame.get_attribute("src") or "" for frame in webmail.driver.find_elements(By.TAG_NAME, "iframe")}
    assert not [
        name for name in asked if "elastic/images/logo" in name or "elastic/watermark" in name or "favicon" in name
    ]
    assert [name for name in asked if "/giao-dien/emblem.svg" in name]
    assert [name for name in asked if "skins/hanam/watermark.html" in name]


def test_every_vietnamese_letter_is_drawn_from_our_letters(webmail: Webmail) -> None:
    webmail.open()
    for form in ("NFC", "NFD"):
        webmail.driver.execute_script(
            "document.querySelector('#login-what').textContent = arguments[0];"
            " return document.fonts.load('16px Look')", unicodedata.normalize(form, VIETNAMESE)
        )  # fmt: skip
        assert [custom for _, custom in letters(webmail, "#login-what")] == [True], form


def test_text_mail_is_drawn_from_our_letters_composed_or_not(webmail: Webmail, clerk: Sample) -> None:
    webmail.enter(clerk)
    for number in (1, 3):
        webmail.go(f"_task=mail&_mbox=INBOX&_uid={number}&_action=show")
        webmail.find("#messagebody .pre")
        tour.idle(webmail)
        assert [custom for _, custom in letters(webmail, "#messagebody .pre")] == [True]


EVERY_WIDTH = ("list", "read", "read-plain", "compose", "settings-general", "filter", "list-options", "about")
# Where most stands in a row, looked at on the narrowest screen and at the zoom.
SETTINGS = (
    "book-agency", "folders", "forward", "vacation", "places", "scheduled", "held", "deleted", "tidy", "report",
)  # fmt: skip


@pytest.mark.parametrize(("width", "height"), [(320, 640), (390, 844), (911, 512), (1366, 768)])
def test_nothing_is_lost_on_a_narrow_screen_or_at_a_zoom_of_150_percent(
    screen: Webmail, clerk: Sample, width: int, height: int
) -> None:
    resize(screen, width, height)
    lost = dict[str, list[str]]()
    for stop in tour.BEFORE_SIGN_IN:
        tour.go(screen, stop)
        lost |= {stop.name: told} if (told := screen.driver.execute_script(LOST)) else {}
    screen.open()
    screen.driver.execute_script("arguments[0].scrollIntoView()", screen.find("#login-footer"))
    assert screen.find("#login-footer .hanam-support").is_displayed()
    screen.enter(clerk)
    for name in (*EVERY_WIDTH, *(SETTINGS if width in (320, 911) else ())):
        (stop,) = (each for each in tour.SIGNED_IN if each.name == name)
        tour.go(screen, stop)
        lost |= {stop.name: told} if (told := screen.driver.execute_script(LOST)) else {}
    assert lost == {}, lost


def press(webmail: Webmail, key: str) -> tuple[str, bool]:
    """Press a key; returns what has the focus then, and whether one sees it."""
    webmail.driver.switch_to.active_element.send_keys(key)
    element, visible = webmail.driver.execute_script(OUTLINE)
    return element, visible


@pytest.mark.parametrize(
    "place", ["", "mat-khau/", "?_task=mail", "?_task=mail&_action=compose", "?_task=settings&_action=identities"]
)
def test_one_sees_what_has_the_keyboard(webmail: Webmail, clerk: Sample, place: str) -> None:
    if place.startswith("?"):
        webmail.enter(clerk)
    webmail.driver.get(webmail.address + place)
    tour.idle(webmail)
    unseen = set[str]()
    for _ in range(25):
        element, visible = press(webmail, Keys.TAB)
        if element and not visible:
            unseen.add(element)
    assert unseen == set()


def test_a_place_that_is_not_there_is_told_under_the_same_look(webmail: Webmail, lab: Lab) -> None:
    webmail.driver.get(f"{webmail.address}khong-co")
    assert webmail.text("h1") == "Không có trang này"
    assert lab.variables["support_phone"] in webmail.text("footer")
    assert webmail.find("a.button").value_of_css_property("background-color") == "rgba(0, 72, 107, 1)"


# The drawing over a sentence: what is drawn, and whether one sees it.
DRAWING = """
const style = getComputedStyle(document.querySelector(arguments[0]), "::before");
const [, source] = style.maskImage.match(/url\\("([^"]+)"\\)/) || [];
const answer = source && new XMLHttpRequest();
if (answer) {
  answer.open("GET", source, false);
  answer.send();
}
const size = [parseFloat(style.width), parseFloat(style.height)];
return [source || "", answer && answer.status, ...size, style.backgroundColor];
"""


def says(webmail: Webmail, selector: str, sentence: str, drawing: str) -> None:
    """A drawing of ours stands over one sentence."""
    webmail.wait.until(lambda _: webmail.text(selector) == sentence, f"{selector} does not say {sentence!r}")
    source, status, width, height, colour = webmail.driver.execute_script(DRAWING, selector)
    assert (source.rsplit("/", 1)[-1], status) == (drawing, 200)
    assert min(width, height) >= 60
    assert colour not in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)")


def test_what_is_empty_shows_a_drawing_and_one_sentence(webmail: Webmail, clerk: Sample) -> None:
    webmail.enter(clerk)
    webmail.go("_task=mail&_mbox=Archive")
    says(webmail, "#messagelist-content .listing-info:not(#hanam-nohits)", "Thư mục này không có thư nào.", "empty.svg")
    webmail.go("_task=mail&_mbox=INBOX")
    webmail.inbox()
    nothing = "Không tìm thấy gì: hãy thử ít từ hơn hoặc viết cách khác."
    assert webmail.searched("khongcotrongthunao") == []
    says(webmail, "#hanam-nohits", nothing, "nohits.svg")
    assert webmail.searched("giay moi") != []
    assert not webmail.driver.find_element(By.ID, "hanam-nohits").is_displayed()
    webmail.go("_task=addressbook&_source=hanam")
    webmail.ask_for("#searchform", "khongcoai")
    says(webmail, "#hanam-nohits", nothing, "nohits.svg")
    webmail.go("_task=settings&_action=plugin.hanam-held")
    says(webmail, ".hanam-empty", "Không có thư nào đang bị giữ.", "empty.svg")


def test_the_menu_tells_of_support_rules_version_and_keys(webmail: Webmail, lab: Lab, clerk: Sample) -> None:
    webmail.enter(clerk)
    webmail.find("#taskmenu a.about").click()
    webmail.wait.until(expect.frame_to_be_available_and_switch_to_it((By.ID, "aboutframe")))
    text = webmail.text(".frame-content")
    assert [head.text for head in webmail.driver.find_elements(By.TAG_NAME, "h3")] == [
        "Hỗ trợ", "Quy định cần nhớ", "Phiên bản",
    ]  # fmt: skip
    for word in ("support_name", "support_phone", "mail_domain"):
        assert lab.variables[word] in text
    rules = [item.text for item in webmail.driver.find_elements(By.TAG_NAME, "li")]
    assert len(rules) == len(lab.variables["webmail_rules"])
    # Some hold numbers of the regulation.
    assert {rule for rule in lab.variables["webmail_rules"] if "{{" not in rule} <= set(rules)
    assert lab.variables["regulation_decision"] in rules[0]
    assert re.search(r"Webmail 1\.\d+\.\d+", text), text
    webmail.driver.switch_to.default_content()
    webmail.find(".ui-dialog button.cancel").click()
    webmail.find("#taskmenu a.hanam-keys").click()
    webmail.find(".hanam-keys table")
    shown = {row.text.replace("\n", " ") for row in webmail.driver.find_elements(By.CSS_SELECTOR, ".hanam-keys tr")}
    documented = webmail.driver.execute_script(
        "return ['list', 'writing', 'everywhere']"
        ".flatMap(each => rcmail.get_label(`hanam.keys${each}text`).split('\\n'))"
    )
    assert shown == {" ".join(part.strip() for part in line.split("|")) for line in documented}
    assert len(shown) >= 15
