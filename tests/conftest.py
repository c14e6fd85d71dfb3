"""Fixtures for every test that needs running hosts; a failure leaves the hosts' journals in build/journals."""

from collections.abc import Iterator

import pytest
import testinfra
from testinfra.host import Host

from hanam_lab.paths import REPOSITORY
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


def _keep_journals(lab: Lab) -> None:
    """The hosts are gone before anybody reads what their tests said."""
    place = JOURNALS / lab.driver.name
    place.mkdir(parents=True, exist_ok=True)
    for host in lab.hosts:
        (place / f"{host}.log").write_text(lab.run(host, "journalctl --no-pager --output=short-iso-precise"))


def _testinfra(lab: Lab, group: str) -> Host:
    name = lab.host(group)
    entry = lab.hosts[name]
    return testinfra.get_host(
        f"ssh://{entry['ansible_user']}@{entry['ansible_host']}",
        ssh_identity_file=entry["ansible_ssh_private_key_file"],
        ssh_extra_args=f"{entry['ansible_ssh_common_args']} {lab.driver.sharing}",
        sudo=True,
    )


def _fixture(group: str) -> object:
    def of_group(lab: Lab) -> Host:
        return _testinfra(lab, group)

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
