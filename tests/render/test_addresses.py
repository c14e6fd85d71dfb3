"""Every address below the mail domain that somebody is shown exists: the registry's, or one of the operator's roles."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.render.conftest import ROOT
from tests.render.test_templates import CASES

# What the hosts are given as it stands: pages, texts of the webmail, answers of the database.
FILES = ("roles/*/files/**/*", "src/hanam_mail/**/*.sql", "src/hanam_mail/**/*.html", "src/hanam_mail/**/*.js")


def shown(here: Any) -> Iterator[tuple[str, str]]:
    """(where, text) of all that reaches a host or the domain's administrators."""
    for role, template, hosts in CASES:
        for host in here.hosts(hosts):
            for item in here.items(role, template):
                yield f"{role}/{template}", here.render(role, template, host, item)
    for pattern in FILES:
        for path in ROOT.glob(pattern):
            if path.is_file():
                yield str(path.relative_to(ROOT)), path.read_text(errors="replace")
    yield "DNS", json.dumps(here.value("base", "dns_records", here.hosts("mx")[0]))
    for name in ("README.md", "README.vi.md"):
        yield name, (ROOT / name).read_text()


def registered() -> set[str]:
    """Local parts of the registry's mailboxes."""
    files = [yaml.safe_load(path.read_text()) for path in (ROOT / "mailboxes").glob("*.yml")]
    return {box["address"] for file in files for box in file["mailboxes"]}


@pytest.mark.dieu10
def test_every_address_that_is_shown_exists(environment: Callable[[str], Any]) -> None:
    here = environment("production")
    domain = here.value("base", "mail_domain", "mail")
    address = re.compile(rf"(?<![\w.+*-])([\w.+-]+)@{re.escape(domain)}(?![\w.-]*\w)")
    tables = ("role-addresses.j2", "report-addresses.j2")
    table = "".join(here.render("postfix", name, "mail") for name in tables)
    known = registered() | {line.partition("@")[0] for line in table.splitlines() if "@" in line}
    found = {(part, place) for place, text in shown(here) for part in address.findall(text)}
    assert {part for part, _ in found} >= {"hotro", "postmaster", "noreply"}
    assert {(part, place) for part, place in found if part not in known} == set()
