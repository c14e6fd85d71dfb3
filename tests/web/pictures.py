"""Take the pictures from a running lab (`make pictures`): docs/pictures, for whoever has no lab, and those of the help.

All of them anew, or those of the stops that are named (`make pictures STOPS="held deleted"`).
"""

import base64
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from selenium.webdriver import Chrome as WebDriver

from hanam_lab.paths import REPOSITORY
from tests.foreign import AN, Foreign
from tests.lab import Lab, Sample, message
from tests.mail.test_held_spam import scored
from tests.mail.test_quarantine import held
from tests.people import People
from tests.web import browser, scenes, tour
from tests.web.pages import Webmail

type Screen = tuple[str, int, int, float]
type Picture = tuple[str, Screen, bool]

FOLDER = REPOSITORY / "docs/pictures"
HELP_FOLDER = REPOSITORY / "roles/help_pages/files"
_help = yaml.safe_load((REPOSITORY / "roles/help_pages/vars/main.yml").read_text(encoding="utf-8"))
# Name, width and height as the page sees them, and how large it is drawn: the last as a browser at 150 %.
WIDE, PHONE, NARROW, LARGE = ("", 1366, 768, 1), ("-phone", 390, 844, 1), ("-320", 320, 640, 1), ("-150", 911, 512, 1.5)
HELP = "help"
QUALITY, LEAST_QUALITY = 80, 40
# Stops of the tour: what people need every day is taken at every size, three of it in the dark too, the rest at two.
DAILY = ("read", "compose", "login", "settings", "change-password", "directory")
MORE = (
    "found", "read-outside", "reply", "report", "book-agency", "book-completion", "compose-recipients",
    "wrong-recipient", "undo-send", "contacts", "deleted", "places", "held", "scheduled", "forward", "filters",
    "filter", "vacation", "tidy", "about", "expired", "locked", "revoked", "client-setup", "directory-agency",
    "directory-found", "help", "incident", "status", "training", "not-there",
)  # fmt: skip
VIEWS = tuple(name for names in scenes.SCENES.values() for name in names)


def _help_screen(drawn: float) -> Screen:
    """The screen that fills a picture of the help when it is drawn so large."""
    width, height = (round(_help["_help_pages_picture"][side] / drawn) for side in ("width", "height"))
    return HELP, width, height, drawn


PICTURES: tuple[Picture, ...] = (
    *((stop, size, False) for stop in DAILY for size in (WIDE, PHONE, NARROW, LARGE)),
    # A telephone has no preview: what is tapped in the list is opened.
    *(("preview", size, False) for size in (WIDE, LARGE)),
    *(("list", size, False) for size in (WIDE, PHONE, NARROW)),
    *((stop, WIDE, True) for stop in ("preview", *DAILY[:2])),
    # Nobody has keys on a telephone, and nothing leads there.
    ("keys", WIDE, False),
    *((stop, size, False) for stop in (*MORE, *VIEWS) for size in (WIDE, PHONE)),
    *((each["name"], _help_screen(each["drawn"]), False) for each in _help["_help_pages_pictures"]),
)
# Of what a filter takes for spam and holds.
LURE = "Thông báo trúng thưởng"


def place(picture: Picture) -> Path:
    """Where a picture is kept."""
    stop, size, dark = picture
    if size[0] == HELP:
        return HELP_FOLDER / f"{stop}.webp"
    return FOLDER / f"{stop}{size[0]}{'-dark' if dark else ''}.webp"


def main(names: list[str]) -> None:
    """Take them; where all are taken, what is no picture any more goes."""
    if unknown := set(names) - {stop for stop, _, _ in PICTURES}:
        sys.exit(f"no stop with a picture: {', '.join(sorted(unknown))}")
    wanted = [each for each in PICTURES if not names or each[0] in names]
    lab = Lab.from_environment()
    taken: dict[Path, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        browser.trust(Path(folder), lab.variables["vault_public_ca"])
        driver = browser.start(Path(folder), f"mail.{lab.variables['mail_domain']}", lab.address("webmail"))
        stage = scenes.Stage(lab, People(lab), Webmail(driver, f"mail.{lab.variables['mail_domain']}"))
        try:
            for picture in _walk(stage, wanted):
                taken[place(picture)] = _shot(driver, picture)
        finally:
            driver.quit()
    for path, octets in taken.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(octets)
    if not names:
        for path in {*FOLDER.glob("*.webp"), *HELP_FOLDER.glob("*.webp")} - taken.keys():
            path.unlink()
    lab.close()


def _walk(stage: scenes.Stage, wanted: list[Picture]) -> Iterator[Picture]:
    """Bring the browser to each picture: before the sign-in, after it, and where more has to be done first."""
    inside = {stop.name for stop in tour.SIGNED_IN}
    for picture in (each for each in wanted if each[0] not in {*inside, *VIEWS}):
        yield from _at_stop(stage, picture)
    if inside & {stop for stop, _, _ in wanted}:
        person, other = (scenes.named(stage.lab, stage.people.take(), *who) for who in (scenes.CLERK, scenes.OTHER))
        tour.furnish(stage.lab, person, other)
        with _held(stage.lab, person) if "held" in {stop for stop, _, _ in wanted} else contextlib.nullcontext():
            _screen(stage.webmail.driver, WIDE, dark=False)
            scenes.lay_down(stage, person, other)
            for picture in (each for each in wanted if each[0] in inside):
                yield from _at_stop(stage, picture)
        stage.webmail.driver.delete_all_cookies()
    for scene, names in scenes.SCENES.items():
        of_scene = [each for each in wanted if each[0] in names]
        if not of_scene:
            continue
        _screen(stage.webmail.driver, WIDE, dark=False)
        for view in scene(stage):
            for picture in (each for each in of_scene if each[0] == view.name):
                _screen(stage.webmail.driver, picture[1], dark=picture[2])
                if _is_narrow(picture[1]) and view.narrow:
                    stage.webmail.driver.execute_script(view.narrow)
                yield picture
            _screen(stage.webmail.driver, WIDE, dark=False)


def _at_stop(stage: scenes.Stage, picture: Picture) -> Iterator[Picture]:
    stops = {stop.name: stop for stop in (*tour.BEFORE_SIGN_IN, *tour.SIGNED_IN)}
    stop, size, dark = picture
    _screen(stage.webmail.driver, size, dark=dark)
    tour.go(stage.webmail, stops[stop], narrow=_is_narrow(size))
    yield picture


@contextlib.contextmanager
def _held(lab: Lab, person: Sample) -> Iterator[None]:
    """A letter that the filter holds for somebody."""
    title = f"{LURE} số {person.mailbox[-4:]}"
    with scored(lab, {LURE: 10.5}):
        Foreign(lab).send(message(AN, person.address, subject=title), AN, person.address)
        held(lab, title)
        yield


def _is_narrow(size: Screen) -> bool:
    return size[1] < 600


def _screen(driver: WebDriver, size: Screen, *, dark: bool) -> None:
    _, width, height, scale = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": _is_narrow(size)}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})


def _shot(driver: WebDriver, picture: Picture) -> bytes:
    """What is shown, as a WebP file; one of the help is drawn worse rather than larger than a host is to send."""
    # What comes and goes softly is there then.
    driver.execute_async_script("setTimeout(arguments[0], 1500)")
    for quality in range(QUALITY, LEAST_QUALITY - 1, -10):
        shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": quality})
        octets = base64.b64decode(shot["data"])
        if picture[1][0] != HELP or len(octets) <= _help["_help_pages_picture"]["most_bytes"]:
            return octets
    raise AssertionError(f"{picture[0]}: {len(octets)} octets, too many for the help")


if __name__ == "__main__":
    main(sys.argv[1:])
