"""Take the pictures of docs/pictures from a running lab (`make pictures`): what people see, for whoever has no lab."""

import base64
import contextlib
import shutil
import tempfile
from pathlib import Path

from selenium.webdriver import Chrome as WebDriver

from hanam_lab.paths import REPOSITORY
from tests.lab import Lab
from tests.people import People
from tests.web import browser, tour
from tests.web.pages import Webmail

FOLDER = REPOSITORY / "docs/pictures"
# Name, width and height as the page sees them, and how large it is drawn: the last as a browser at 150 %.
WIDE, PHONE, NARROW, LARGE = ("", 1366, 768, 1), ("-phone", 390, 844, 1), ("-320", 320, 640, 1), ("-150", 911, 512, 1.5)
# Stops of the tour: what people need every day is taken at every size, three of it in the dark too, the rest at two.
DAILY = ("preview", "read", "compose", "login", "settings", "change-password", "directory")
MORE = (
    "list", "found", "read-outside", "reply", "report", "book-agency", "book-completion", "compose-recipients",
    "wrong-recipient", "undo-send", "contacts", "deleted", "places", "held", "forward", "filters", "filter", "vacation",
    "tidy", "about", "expired", "locked", "revoked", "client-setup", "directory-agency", "directory-found",
    "help", "incident", "status", "training", "not-there",
)  # fmt: skip
PICTURES = (
    *((stop, size, False) for stop in DAILY for size in (WIDE, PHONE, NARROW, LARGE)),
    *((stop, WIDE, True) for stop in DAILY[:3]),
    # Nobody has keys on a telephone, and nothing leads there.
    ("keys", WIDE, False),
    *((stop, size, False) for stop in MORE for size in (WIDE, PHONE)),
)


def main() -> None:
    """Take them all anew; what is not taken any more goes."""
    lab = Lab.from_environment()
    people = People(lab)
    person, other = people.take(), people.take()
    tour.furnish(lab, person, other)
    host = f"mail.{lab.variables['mail_domain']}"
    stops = {stop.name: stop for stop in (*tour.BEFORE_SIGN_IN, *tour.SIGNED_IN)}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as taken:
        browser.trust(Path(folder), lab.variables["vault_public_ca"])
        driver = browser.start(Path(folder), host, lab.address("webmail"))
        webmail = Webmail(driver, host)
        inside = False
        for stop, size, dark in sorted(PICTURES, key=lambda one: stops[one[0]] in tour.SIGNED_IN):
            if stops[stop] in tour.SIGNED_IN and not inside:
                webmail.enter(person)
                inside = True
            _screen(driver, size, dark=dark)
            # On a narrow screen some of it stands behind a button.
            with contextlib.suppress(*([AssertionError] if size[1] < 1024 else [])):
                tour.go(webmail, stops[stop])
            # What comes and goes softly is there then.
            driver.execute_async_script("setTimeout(arguments[0], 1500)")
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 80})
            name = f"{stop}{size[0]}{'-dark' if dark else ''}.webp"
            (Path(taken) / name).write_bytes(base64.b64decode(shot["data"]))
        driver.quit()
        shutil.rmtree(FOLDER, ignore_errors=True)
        shutil.copytree(taken, FOLDER)
    lab.close()


def _screen(driver: WebDriver, size: tuple[str, int, int, float], *, dark: bool) -> None:
    _, width, height, scale = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})


if __name__ == "__main__":
    main()
