"""Fixtures for every test that needs running hosts; a failure leaves the hosts' journals in build/journals."""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from testinfra.host import Host

from hanam_lab import slots
from hanam_lab.errors import LabError
from hanam_lab.paths import REPOSITORY
from tests import journal
from tests.delegation import Delegation
from tests.lab import Lab, Sample, wait_for
from tests.people import People

JOURNALS = REPOSITORY / "build/journals"


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    lab = Lab.from_environment()
    try:
        slots.hold_lab(lab.driver.folder)
    except LabError as error:
        pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)
    # Hosts that have just booted: whoever asked for the database before it was there asks anew.
    lab.wait_for_agents()
    journal.hosts_are_ready(request.config)
    yield lab
    if request.session.testsfailed:
        _keep_journals(lab)
    lab.close()


@pytest.fixture(scope="session")
def people(lab: Lab) -> People:
    """Makes mailboxes that nobody used before."""
    return People(lab)


def _official(part: str) -> object:
    def of_the_test(people: People) -> Sample:
        return people.take()

    of_the_test.__doc__ = f"An official with a fresh mailbox, {part}."
    return pytest.fixture(of_the_test)


person = _official("whom the test is about")
sender = _official("who writes")
recipient = _official("who is written to")
colleague = _official("another one")
official = _official("to whom the world writes, or who writes to it")
owner = _official("who has rules for the mail")
asker = _official("whom these rules may answer")
stranger = _official("who has no right to what the test is about")
reader = _official("who uses the browser")


@pytest.fixture
def delegation(people: People) -> Delegation:
    """A fresh agency's mailbox and its clerk."""
    return people.delegation()


def _keep_journals(lab: Lab) -> None:
    """The hosts are gone before anybody reads what their tests said."""
    place = JOURNALS / lab.driver.name
    place.mkdir(parents=True, exist_ok=True)
    for host in lab.hosts:
        (place / f"{host}.log").write_text(lab.run(host, "journalctl --no-pager --output=short-iso-precise"))


def _fixture(group: str) -> object:
    def of_group(lab: Lab) -> Host:
        return lab.look_at(group)

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


@pytest.fixture
def first_lessons_over(lab: Lab) -> None:
    """The filter knows its first lessons: a deployment may just have begun to give them."""

    def over() -> bool:
        lessons = lab.look_at("filter").service("hanam-first-lessons.service").systemd_properties["ActiveState"]
        return lessons == "inactive"

    wait_for(over, "the end of the first lessons", 150)


def _backup_is_over(lab: Lab, host: str) -> bool:
    return lab.look_at(host).service("hanam-backup").systemd_properties["ActiveState"] in {"inactive", "failed"}


@pytest.fixture(scope="module")
def no_timed_backup(lab: Lab) -> Iterator[None]:
    """No backup begins at its time, between what a test makes and what it looks for in the next backup."""
    place = "/run/systemd/system/hanam-backup.timer.d"
    far = "[Timer]\\nOnCalendar=\\nOnCalendar=2099-01-01\\nPersistent=false\\n"
    again = "systemctl daemon-reload; systemctl restart hanam-backup.timer"
    enabled = "systemctl is-enabled --quiet hanam-backup.timer && echo yes"
    backed_up = [host for host in lab.hosts if lab.run(host, enabled, check=False)]
    for host in backed_up:
        lab.run(host, f"mkdir -p {place}; printf '{far}' > {place}/test.conf; {again}")
        wait_for(partial(_backup_is_over, lab, host), f"the end of a backup of {host} that had begun", 300)
    yield
    for host in backed_up:
        lab.run(host, f"rm -r {place}; {again}")


@pytest.fixture(autouse=True)
def _no_backup_without_the_database(request: pytest.FixtureRequest) -> None:
    """A timed backup that meets a database which a test stopped would fail, and the operator would be told."""
    provoked = {group for mark in request.node.iter_markers("provokes") for group in mark.args}
    if journal.DATABASE_AWAY in provoked and journal.BACKUP_FAILS not in provoked:
        request.getfixturevalue("no_timed_backup")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asserts a promise in seconds comes last, and only what looks back on all tests (tests/after) follows."""
    items.sort(key=lambda item: ("tests/after/" in item.nodeid, item.get_closest_marker("bound") is not None))


_QUIET = pytest.StashKey[slots.Quiet]()
_ALONE = pytest.StashKey[bool]()
_bound = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """One scenario's bound tests wait for those tests of others that run, and keep new ones from beginning."""
    if "HANAM_SLOTS" not in os.environ:
        with journal.noted(item):
            return (yield)
    quiet = item.config.stash.setdefault(_QUIET, slots.Quiet(slots.PLACE))
    if item.get_closest_marker("bound") is None:
        with quiet.among_others(), journal.noted(item):
            return (yield)
    if not item.config.stash.get(_ALONE, False):
        _bound.enter_context(quiet.alone())
        item.config.stash[_ALONE] = True
    try:
        with journal.noted(item):
            return (yield)
    finally:
        if nextitem is None or nextitem.get_closest_marker("bound") is None:
            _bound.close()
            item.config.stash[_ALONE] = False
