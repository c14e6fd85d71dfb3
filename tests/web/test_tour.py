"""All pages and dialogs of the webmail's site: for people who see or point badly, in the language of offices."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from selenium.webdriver import Chrome as WebDriver

from tests.lab import Lab
from tests.people import People
from tests.web import access, tour, words
from tests.web.pages import Webmail
from tests.web.test_look import resize, screen

__all__ = ["screen"]

pytestmark = [pytest.mark.dieu3, pytest.mark.neighbours]

KINDS = ["notice", "information", "confirmation", "warning", "error", "loading", "uploading"]
TOLD = "#messagestack > div"
# One of each kind in the corner, for longer than a test takes.
TELL = """
for (const kind of arguments[0]) {
  rcmail.display_message(`Thử ${kind}`, kind, 600000, kind);
}
"""
# Half gone, and going on so slowly that it would be looked at.
FADE = f"""
jQuery.fx.off = false;
jQuery("{TOLD}").css("opacity", 0.5).fadeOut(600000);
rcmail.messages = {{}};
"""


@dataclass
class Seen:
    """What one look at every page found, by page."""

    faults: dict[str, set[str]] = field(default_factory=dict)
    dark_faults: dict[str, set[str]] = field(default_factory=dict)
    words: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    makers: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def seen(lab: Lab, chromium: WebDriver, people: People) -> Iterator[Seen]:
    """Every page and dialog, once, as a clerk with mail of every kind meets them."""
    webmail = Webmail(chromium, f"mail.{lab.variables['mail_domain']}")
    person, other = people.delegation().clerk, people.take()
    tour.furnish(lab, person, other)
    chromium.delete_all_cookies()
    found = Seen()
    for stop in tour.BEFORE_SIGN_IN:
        _look(webmail, stop, found)
    webmail.enter(person)
    for stop in tour.SIGNED_IN:
        _look(webmail, stop, found)
    yield found
    chromium.delete_all_cookies()


def _look(webmail: Webmail, stop: tour.Stop, found: Seen) -> None:
    tour.go(webmail, stop)
    driver, frames = webmail.driver, tour.frames(webmail)
    if strange := words.strange(driver):
        found.words[stop.name] = strange
    if "roundcube" in tour.shown(webmail).lower():
        found.makers.add(stop.name)
    if faults := access.faults(driver, frames, dark=False):
        found.faults[stop.name] = faults
    if faults := access.faults(driver, frames, dark=True):
        found.dark_faults[stop.name] = faults


def listed(found: dict[str, set[str]]) -> str:
    """Each fault once, with the pages that have it."""
    places = {fault: [place for place in found if fault in found[place]] for each in found.values() for fault in each}
    return "\n" + "\n".join(f"{fault} ({', '.join(names)})" for fault, names in sorted(places.items()))


def test_no_page_or_dialog_has_a_critical_or_serious_fault_for_people_with_disabilities(seen: Seen) -> None:
    assert not seen.faults, listed(seen.faults)


def test_no_page_or_dialog_has_too_little_contrast_in_dark_colours(seen: Seen) -> None:
    assert not seen.dark_faults, listed(seen.dark_faults)


def test_no_page_or_dialog_has_a_word_of_another_language(seen: Seen) -> None:
    assert not seen.words, listed(
        {place: {f"{text}: {sorted(found)}" for text, found in told.items()} for place, told in seen.words.items()}
    )


def test_no_page_or_dialog_bears_the_name_of_a_program(seen: Seen) -> None:
    assert seen.makers == set()


def test_all_that_is_told_in_the_corner_is_read_in_light_and_dark_and_not_judged_while_it_fades(
    screen: Webmail, people: People
) -> None:
    driver, told = screen.driver, {f"Thử {kind}" for kind in KINDS}
    # On a wide screen it lies over a frame, and axe gives no judgement.
    resize(screen, 390, 844)
    screen.enter(people.take())
    tour.idle(screen)
    for dark in (False, True):
        driver.execute_script(TELL, KINDS)
        assert access.faults(driver, [], dark=dark) == set()
        assert screen.labels(TOLD) >= told
        driver.execute_script(FADE)
        assert access.faults(driver, [], dark=dark) == set()
        assert not screen.labels(TOLD) & told


@pytest.mark.parametrize("sandbox", ["", "sandbox='allow-same-origin'"])
def test_faults_are_found_in_a_frame_that_may_run_no_script_too(webmail: Webmail, sandbox: str) -> None:
    driver = webmail.driver
    grey = "<p style='color: #999; background: #888'>Công văn</p>"
    driver.execute_script(
        "document.body.innerHTML = arguments[0]", f'<iframe id="{access.CONFINED}" {sandbox} srcdoc="{grey}"></iframe>'
    )
    found = access.faults(driver, [access.CONFINED], dark=False)
    assert any(fault.startswith(f"{access.CONFINED} color-contrast p:") for fault in found), found


@pytest.mark.parametrize(
    ("text", "words_told"),
    [
        ("Attention", {"Attention"}),
        ("Your folder was deleted", {"Your", "folder", "was", "deleted"}),
        ("Thư trong hộp thư của an@hanam.gov.vn, tệp PDF 20 MB", set()),
        ("Gốc tìm kiếm (Base DN, Search base): dc=hanam,dc=gov,dc=vn", set()),
        ("Bật ở mail.hanam.gov.vn/mat-khau/hai-buoc, quét mã QR bằng FreeOTP", set()),
        ("Search base of LDAP", {"Search", "base", "of"}),
    ],
)
def test_words_of_english_are_told_from_those_of_vietnamese(text: str, words_told: set[str]) -> None:
    assert words.foreign(text) == words_told
