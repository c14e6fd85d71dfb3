"""Fixtures for every test that needs running hosts; a failure leaves the hosts' journals in build/journals."""

from collections.abc import Iterator

import pytest
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from hanam_lab.paths import REPOSITORY
from hanam_lab.remote import LATE, LOST
from tests.lab import Lab

JOURNALS = REPOSITORY / "build/journals"


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    lab = Lab.from_environment()
    # Hosts that have just booted: whoever asked for the database before it was there asks anew.
    lab.wait_for_agents()
    yield lab
    if request.session.testsfailed:
        _keep_journals(lab)
    lab.close()


def _keep_journals(lab: Lab) -> None:
    """The hosts are gone before anybody reads what their tests said."""
    place = JOURNALS / lab.driver.name
    place.mkdir(parents=True, exist_ok=True)
    for host in lab.hosts:
        (place / f"{host}.log").write_text(lab.run(host, "journalctl --no-pager --output=short-iso-precise"))


class Backend(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """testinfra's commands over the login that the lab keeps, as root."""

    NAME = "lab"

    def __init__(self, lab: Lab, group: str) -> None:
        super().__init__(lab.host(group))
        self._lab = lab

    def run(self, command: str, *words: str, **ignored: object) -> CommandResult:
        line = self.quote(command, *words)
        answer = self._lab.remote(self.hostname).run(line)
        if answer.code in (LATE, LOST):
            raise RuntimeError(f"{line!r} on {self.hostname}: {answer.complaint!r}")
        return self.result(answer.code, line.encode(), answer.output, answer.complaint)


def _fixture(group: str) -> object:
    def of_group(lab: Lab) -> Host:
        return Host(Backend(lab, group))

    of_group.__doc__ = f"First host of group {group}, as root."
    return pytest.fixture(scope="session")(of_group)


accounts_host = _fixture("accounts")
mx_host = _fixture("mx")
submission_host = _fixture("submission")
filter_host = _fixture("filter")
mailstore_host = _fixture("mailstore")
webmail_host = _fixture("webmail")
backup_repository_host = _fixture("backup_repository")
internet_host = _fixture("outside")
