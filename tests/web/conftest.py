"""Fixtures of the browser tests; a failure leaves a picture and the browser's complaints in build/web."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from hanam_lab.paths import REPOSITORY
from tests.lab import Lab
from tests.web import browser
from tests.web.pages import Webmail

PICTURES = REPOSITORY / "build/web"


@pytest.fixture(scope="session")
def chromium(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One browser for all tests: its start costs more than a page."""
    home = tmp_path_factory.mktemp("browser")
    browser.trust(home, lab.variables["vault_public_ca"])
    driver = browser.start(home, _name(lab), lab.address("webmail"))
    yield driver
    driver.quit()


@pytest.fixture
def webmail(lab: Lab, chromium: webdriver.Chrome) -> Webmail:
    """The webmail for somebody who is not logged in yet."""
    chromium.switch_to.default_content()
    chromium.delete_all_cookies()
    chromium.get("about:blank")
    complaints(chromium)
    return Webmail(chromium, _name(lab))


def _name(lab: Lab) -> str:
    return f"mail.{lab.variables['mail_domain']}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    arguments: dict[str, Any] = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed and "webmail" in arguments:
        _picture(arguments["webmail"], PICTURES / item.name)
        report.sections.append(("browser", f"picture and page: {PICTURES / item.name}.*"))
    return report


def _picture(webmail: Webmail, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    driver = webmail.driver
    driver.switch_to.default_content()
    driver.save_screenshot(f"{place}.png")
    head = "\n".join([driver.current_url, *complaints(driver)])
    Path(f"{place}.html").write_text(f"<!-- {head}\n-->\n{driver.page_source}")


def complaints(driver: webdriver.Chrome) -> list[str]:
    """What the browser complained of since it was asked last."""
    return [entry["message"] for entry in driver.get_log("browser")]  # type: ignore[no-untyped-call]
