"""The filter and what tells it who sent a message find each other, and wait in the right order (Đ4.6)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from hanam_mail.host.mail_auth import service, verdict
from tests.render.conftest import ENVIRONMENTS

pytestmark = pytest.mark.dieu4

type Environments = Callable[[str], Any]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_each_waits_longer_than_the_one_that_it_asks(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        seconds = there.value("rspamd", "rspamd_auth_timeout", host)
        (scan,) = re.findall(r"task_timeout = (\d+)s;", there.render("rspamd", "rspamd.conf.j2", host))
        assert verdict.DNS_SECONDS < service.PATIENCE < seconds < int(scan)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_as_many_are_looked_at_as_come_in_at_once(environment: Environments, topology: str) -> None:
    there = environment(topology)
    most = sum(there.value("postfix", "postfix_process_limit", host) for host in there.hosts("mx"))
    assert service.AT_ONCE >= most > 0


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_service_reaches_the_resolver_of_its_host_alone(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        unit = there.render("mail_auth", "hanam-mail-auth.service.j2", host)
        assert re.findall(r"^IPAddress(\w+)=(.*)$", unit, re.M) == [("Allow", "127.0.0.1"), ("Deny", "any")]
        assert re.findall(r"^ExecStart=(.*)$", unit, re.M) == [
            "/usr/local/sbin/hanam-mail-auth 127.0.0.1 --reports /var/lib/hanam-judged"
        ]


def test_the_packages_own_judges_are_off_and_no_scores_are_lost(environment: Environments) -> None:
    there = environment("lab")
    (host,) = there.hosts("filter")
    modules = there.render("rspamd", "modules.conf.j2", host)
    for module in ("spf", "dmarc"):
        assert re.search(rf"^{module} {{\n    enabled = false;\n}}$", modules, re.M), module
    rules = there.render("rspamd", "authentication.lua.j2", host)
    for symbol in re.findall(r'expression = "(DMARC_\w+)"', modules):
        assert f'"{symbol}"' in rules
    # rspamd checks a file together with those that are there: what stands in for modules comes before they go.
    files = there.value("rspamd", "_rspamd_files | map(attribute='src', default='') | list", host)
    assert files.index("authentication.lua.j2") < files.index("modules.conf.j2")


def test_every_refusal_of_the_service_has_a_text_and_no_other_is_taken(environment: Environments) -> None:
    there = environment("lab")
    (host,) = there.hosts("filter")
    rules = there.render("rspamd", "authentication.lua.j2", host)
    (said,) = re.findall(r"^local REFUSED = \{(.*?)^\}$", rules, re.M | re.S)
    assert set(re.findall(r"(\w+) = (?:\"|TEXT)", said)) == verdict.REFUSALS
    assert 'action = "reject", message = REFUSED[verdict.refused]' in rules
