"""What the roles together write on one host."""

import json
from collections import defaultdict
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

import pytest

from hanam_mail.controller import role_files
from tests.render.conftest import ENVIRONMENTS, Environment
from tests.render.role_rows import plays, rows

type Environments = Callable[[str], Environment]


# What a topology is told besides its own facts: the trial of playbooks/lab_openid.yml.
TRIAL = "lab_openid"
TRIALS = ("lab", "split")


def tried(here: Environment) -> Environment:
    """The topology as the trial's playbook has it."""
    (host,) = here.hosts("outside")
    service = here.value(TRIAL, "lab_openid_service", host)
    return here.with_variables(webmail_openid=service, webmail_openid_secret="x")


def same(row: dict[str, Any]) -> str:
    """What a row puts on a host: who is told of it does not count."""
    return json.dumps({key: value for key, value in row.items() if key != "notify"}, sort_keys=True)


@pytest.mark.parametrize(
    ("topology", "trial"), [*((topology, "") for topology in ENVIRONMENTS), *((topology, TRIAL) for topology in TRIALS)]
)
def test_no_path_on_a_host_has_two_writers(environment: Environments, topology: str, trial: str) -> None:
    """One role may list a file in a second task, as what stays, and roles may share a folder: as the same row."""
    here = tried(environment(topology)) if trial else environment(topology)
    files: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    folders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for pattern, role in plays(trial):
        for host in here.hosts(pattern):
            for row in rows(here, role, host):
                files[host, row["dest"]].add((role, same(row)))
            for row in rows(here, role, host, "folders"):
                folders[host, row["path"].rstrip("/")].add(same(row))
    assert len(files) > 100 and len(folders) > 10
    if trial:
        assert [place for place, found in files.items() if TRIAL in {role for role, _ in found}]
    assert {place: found for place, found in files.items() if len(found) > 1} == {}
    assert {place: found for place, found in folders.items() if len(found) > 1} == {}
    assert files.keys() & folders.keys() == set()


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_no_role_owns_a_file_that_another_role_writes(environment: Environments, topology: str) -> None:
    """What a role owns and does not list it removes."""
    here = environment(topology)
    listed: dict[str, dict[str, set[str]]] = defaultdict(dict)
    owned: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for pattern, role in plays():
        for host in here.hosts(pattern):
            listed[host][role] = {row["dest"] for row in rows(here, role, host)}
            owned[host] |= {(role, row["glob"]) for row in rows(here, role, host, "owns")}
    assert sum(map(len, owned.values())) > 10
    for host, patterns in owned.items():
        assert role_files.owned([{"glob": pattern} for _, pattern in patterns])
        for owner, pattern in patterns:
            for role, paths in listed[host].items():
                # fnmatch's star crosses folders, the host's does not: what this finds is more than what is removed.
                assert role == owner or not [path for path in paths if fnmatch(path, pattern)], (role, pattern)


# Folders that a role makes, in which programs write besides.
PROGRAMS_WRITE = {
    "/etc/hanam-mail/tls/public": "hanam-tls-renew puts certificates there",
}


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_what_a_role_no_longer_lists_goes_from_folders_that_it_alone_fills(
    environment: Environments, topology: str
) -> None:
    """A folder that a role makes, that stays root's, and into which no other role writes."""
    here = environment(topology)
    writers: dict[str, set[str]] = defaultdict(set)
    made: dict[str, str] = {}
    owned: set[tuple[str, str]] = set()
    for pattern, role in plays():
        for host in here.hosts(pattern):
            for row in rows(here, role, host):
                writers[row["dest"].rpartition("/")[0]].add(role)
            for row in rows(here, role, host, "folders"):
                if row.get("owner", "root") == "root":
                    made[row["path"].rstrip("/")] = role
            owned |= {(role, row["glob"].rpartition("/")[0]) for row in rows(here, role, host, "owns")}
    alone = {(role, folder) for folder, role in made.items() if writers[folder] == {role}}
    assert {folder for _, folder in alone - owned} - PROGRAMS_WRITE.keys() == set()
    assert len(alone & owned) > 5
