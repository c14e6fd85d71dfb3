"""A person's browser: Debian's Chromium without a screen, which trusts the lab's certificate authority."""

import os
import subprocess
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

WAIT = 20.0
"""Seconds that a page may take to show what is expected of it."""


def trust(home: Path, authority: str) -> None:
    """Make a certificate database with one authority in a home folder, as an administrator would."""
    database = home / ".pki/nssdb"
    database.mkdir(parents=True)
    certificate = home / "authority.pem"
    certificate.write_text(authority)
    store = f"sql:{database}"
    subprocess.run(["certutil", "-d", store, "-N", "--empty-password"], check=True)
    subprocess.run(["certutil", "-d", store, "-A", "-n", "lab", "-t", "C,,", "-i", certificate], check=True)


def start(home: Path, name: str, address: str, log: Path | None = None) -> webdriver.Chrome:
    """A browser that finds one name at one address and no other name at all.

    `log` gets all that it asks of the network.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (
        "headless=new",
        "no-sandbox",  # started as root
        "disable-dev-shm-usage",
        "disable-gpu",
        "window-size=1280,900",
        f"user-data-dir={home / 'profile'}",
        # Another language than the one expected: the pages must not depend on the browser's.
        "lang=en-US",
        f"host-resolver-rules=MAP {name} {address}, MAP * ~NOTFOUND, EXCLUDE {address}, EXCLUDE 127.0.0.1",
        "disable-background-networking",
        "disable-component-update",
        "disable-default-apps",
        "disable-domain-reliability",
        "disable-sync",
        "disable-quic",
        "metrics-recording-only",
        "no-first-run",
        "no-proxy-server",
    ):
        options.add_argument(f"--{argument}")
    if log:
        options.add_argument(f"--log-net-log={log}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service("/usr/bin/chromedriver", env={**os.environ, "HOME": str(home), "SE_OFFLINE": "true"})
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_page_load_timeout(60)
    return driver
