"""What each test file costs in seconds of a processor: the lab's hosts, and the tests' own programs.

    pytest -p tests.processor --processor=build/molecule/mail.json tests/mail

The hosts' part is what their control groups tell, whatever else the machine does meanwhile. Work that a test leaves to
the hosts (a scan, a backup that goes on) counts for the test that runs by then.
"""

import json
import resource
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from hanam_lab.machine import processor_seconds
from tests.lab import Lab


class Meter:
    """Adds up by test; the first test of a session bears its fixtures."""

    def __init__(self, place: Path, lab: Lab) -> None:
        self.place = place
        self.hosts = lab.driver.hosts()
        self.rows = list[dict[str, object]]()
        self.last = self.now()

    def now(self) -> tuple[float, float, float]:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        here = sum(each.ru_utime + each.ru_stime for each in used)
        return time.monotonic(), here, sum(processor_seconds(host) for host in self.hosts)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        result = yield
        now = self.now()
        clock, here, hosts = (round(after - before, 3) for before, after in zip(self.last, now, strict=True))
        self.rows.append({"test": item.nodeid, "clock": clock, "here": here, "hosts": hosts})
        self.last = now
        return result

    def pytest_sessionfinish(self) -> None:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        hosts = round(sum(processor_seconds(host) for host in self.hosts), 3)
        self.place.write_text(json.dumps({"hosts": hosts, "tests": self.rows}, indent=0))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processor", type=Path, help="Where to write what each test cost (JSON).")


def pytest_configure(config: pytest.Config) -> None:
    place = config.getoption("--processor")
    if place is not None:
        config.pluginmanager.register(Meter(place, Lab.from_environment()))
