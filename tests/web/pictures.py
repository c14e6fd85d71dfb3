"""Take the pictures of docs/pictures from a running lab (`make pictures`): what people see, for whoever has no lab."""

import tempfile
from pathlib import Path

from selenium.webdriver import Chrome as WebDriver

from hanam_lab.paths import REPOSITORY
from tests.lab import Lab
from tests.people import People
from tests.web import browser, tour
from tests.web.pages import Webmail

FOLDER = REPOSITORY / "docs/pictures"
WIDE, PHONE = (1366, 768), (390, 844)
# Name, stop of the tour, size of the screen, dark colours.
PICTURES = (
    ("login", "login", WIDE, False),
    ("login-phone", "login", PHONE, False),
    ("change-password-phone", "change-password", PHONE, False),
    ("list", "preview", WIDE, False),
    ("list-dark", "preview", WIDE, True),
    ("list-phone", "list", PHONE, False),
    ("compose", "compose", WIDE, False),
    ("about", "about", WIDE, False),
    ("not-there", "not-there", WIDE, False),
)


def main() -> None:
    """Overwrite the pictures."""
    lab = Lab.from_environment()
    people = People(lab)
    person, other = people.take(), people.take()
    tour.furnish(lab, person, other)
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"mail.{lab.variables['mail_domain']}"
    stops = {stop.name: stop for stop in (*tour.BEFORE_SIGN_IN, *tour.SIGNED_IN)}
    with tempfile.TemporaryDirectory() as folder:
        browser.trust(Path(folder), lab.variables["vault_public_ca"])
        driver = browser.start(Path(folder), name, lab.address("webmail"))
        webmail = Webmail(driver, name)
        for picture, stop, size, dark in PICTURES:
            driver.delete_all_cookies()
            _screen(driver, size, dark=dark)
            if stops[stop] in tour.SIGNED_IN:
                webmail.enter(person)
            tour.go(webmail, stops[stop])
            # What comes and goes softly is there then.
            driver.execute_async_script("setTimeout(arguments[0], 1500)")
            driver.save_screenshot(str(FOLDER / f"{picture}.png"))
        driver.quit()
    lab.close()


def _screen(driver: WebDriver, size: tuple[int, int], *, dark: bool) -> None:
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})


if __name__ == "__main__":
    main()
