"""The list of social networks and shops reaches the filter, and its counts the agent (Đ4.4, Đ12.5)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.render.conftest import ENVIRONMENTS

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu12]
DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_filter_knows_every_service_and_the_agent_reads_its_list(
    environment: Callable[[str], Any], topology: str
) -> None:
    here = environment(topology)
    for host in here.hosts("filter"):
        rules = here.render("rspamd", "private_services.lua.j2", host)
        wanted = here.value("rspamd", "private_services", host)
        found = dict(re.findall(r'^  \["(.*)"\] = "(.*)",$', rules, re.MULTILINE))
        assert found == {domain: kind for kind, domains in wanted.items() for domain in domains}
        (place,) = re.findall(r'^local LIST = "(.*)"$', rules, re.MULTILINE)
        assert f'"services": "{place}"' in here.render("agent", "agent.yml.j2", host)


def test_the_shipped_list_holds_domains_each_once(environment: Callable[[str], Any]) -> None:
    lists = environment("production").value("rspamd", "private_services", "mail")
    domains = [domain for kind in lists.values() for domain in kind]
    assert [domain for domain in domains if not DOMAIN.fullmatch(domain)] == []
    # One below another says nothing new.
    assert [one for one in domains for other in domains if one != other and one.endswith(f".{other}")] == []
    assert len(set(domains)) == len(domains) >= 20


def test_where_no_agent_would_take_them_nothing_is_counted(environment: Callable[[str], Any]) -> None:
    here = environment("production").with_variables(rspamd_services_list="")
    rules = here.render("rspamd", "private_services.lua.j2", here.hosts("filter")[0])
    assert "PRIVATE_SERVICE_COUNT" not in rules
    assert "redis" not in rules
    assert "X-Hanam-Private-Service" in rules


def test_they_can_be_refused(environment: Callable[[str], Any]) -> None:
    here = environment("production").with_variables(private_services_policy="refuse")
    assert "local REFUSE = true\n" in here.render("rspamd", "private_services.lua.j2", here.hosts("filter")[0])
