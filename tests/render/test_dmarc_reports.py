"""Counting, carrying and sending of reports to domains find each other on every topology (RFC 9990)."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanam_mail.host.reports.outgoing_send import ReportsConfiguration
from tests.render.conftest import ENVIRONMENTS

pytestmark = pytest.mark.dieu4

type Environments = Callable[[str], Any]


def setting(text: str, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", text, re.M)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_what_the_filter_counts_is_fetched_on_the_same_host_by_the_same_group(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    hosts = there.hosts("filter")
    # The agent's play.
    assert set(hosts) <= set(there.hosts("mailstore:submission"))
    for host in hosts:
        service = there.render("mail_auth", "hanam-mail-auth.service.j2", host)
        carry = there.render("agent", "hanam-dmarc-carry.service.j2", host)
        (folder,) = there.value("mail_auth", "_mail_auth_folders", host)
        assert setting(service, "ReadWritePaths") == [folder["path"]]
        assert f"-{folder['path']}" in setting(carry, "ReadWritePaths")[0].split()
        assert setting(service, "SupplementaryGroups") == [folder["group"]]
        assert folder["group"] in setting(carry, "SupplementaryGroups")[0].split()
        # What is written there belongs to the group, which may read and remove it.
        assert (folder["mode"], setting(service, "UMask")) == ("2770", ["0027"])
        (command,) = setting(carry, "ExecStart")
        assert f" reports-carry {there.value('agent', 'agent_config', host)} dmarc={folder['path']}" in command
        local = host in there.hosts("accounts")
        assert setting(carry, "RestrictAddressFamilies") == ["AF_UNIX" if local else "AF_UNIX AF_INET AF_INET6"]
        assert setting(carry, "IPAddressDeny") == ["any" if local else ""]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_sender_has_all_that_it_needs_and_may_send_to_anybody(
    environment: Environments, topology: str, tmp_path: Path
) -> None:
    there = environment(topology)
    (host,) = there.hosts("accounts")
    path = tmp_path / "dmarc.yml"
    path.write_text(there.render("jobs", "reports-sent.yml.j2", host))
    settings = ReportsConfiguration.read(path)
    domain = there.value("jobs", "mail_domain", host)
    assert (settings.domain, settings.nameservers) == (domain, ["127.0.0.1"])
    assert settings.sender.endswith(f"@{domain}")
    # Each kind has an address of its own.
    assert set(settings.returned_to) == {"dmarc", "tls"} and len(set(settings.returned_to.values())) == 2
    for exchanger in there.hosts("mx"):
        text = there.render("postfix", "main.cf.j2", exchanger)
        (networks,) = re.findall(r"^mynetworks = (.*)$", text, re.M)
        if exchanger != host:
            assert there.value("jobs", "host_ipv4", host) in networks.split()
        # What comes back is known, thrown away, and counted by its line in the log.
        (transports,) = re.findall("^transport_maps = (.*)$", text, re.M)
        addresses = there.render("postfix", "role-addresses.j2", exchanger)
        for returned_to in settings.returned_to.values():
            assert returned_to.endswith(f"@{domain}")
            assert f"{{ {returned_to} = discard:report-returned }}" in transports
            assert f"\n{returned_to} {returned_to}\n" in addresses
        assert re.search(rf"^{re.escape(settings.sender)} ", addresses, re.M)


def test_addresses_of_reports_cannot_be_anybodys_mailbox(environment: Environments) -> None:
    there = environment("lab")
    (host,) = there.hosts("accounts")
    reserved = there.value("jobs", "regulation_naming.reserved_local_parts.values() | flatten | list", host)
    settings = yaml.safe_load(there.render("jobs", "reports-sent.yml.j2", host))
    for address in (settings["sender"], settings["contact"], *settings["returned_to"].values()):
        assert address.partition("@")[0] in reserved


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_reports_on_our_own_mail_are_counted_in_none_of_ours(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        domain = there.value("rspamd", "mail_domain", host)
        record = there.value("rspamd", "dns_dmarc", host)
        rules = there.render("rspamd", "authentication.lua.j2", host)
        (told,) = re.findall(r"for _, address in ipairs\(\{(.*)\}\) do", rules)
        found = re.findall(r'"([^"]+)"', told)
        for name in ("dmarc_reports_returned_to", "tls_reports_returned_to"):
            assert there.value("rspamd", name, host) in found
        assert found and all(address.endswith(f"@{domain}") for address in found)
        assert any(f"mailto:{address}" in record for address in found)


def test_switched_off_nothing_is_counted_and_no_timer_runs(environment: Environments) -> None:
    there = environment("split").with_variables(dmarc_reports=False, tls_reports=False)
    (filters,), (accounts,) = there.hosts("filter"), there.hosts("accounts")
    service = there.render("mail_auth", "hanam-mail-auth.service.j2", filters)
    assert setting(service, "ExecStart") == ["/usr/local/sbin/hanam-mail-auth 127.0.0.1"]
    assert setting(service, "ReadWritePaths") == setting(service, "SupplementaryGroups") == []
    assert there.value("agent", "_agent_carried", filters) == []
    carry = there.render("agent", "hanam-dmarc-carry.service.j2", filters)
    assert setting(carry, "ReadWritePaths") == setting(carry, "SupplementaryGroups") == [""]
    wanted = there.value("jobs", "_jobs_services", accounts)
    assert [row["name"] for row in wanted if not row.get("wanted", True)] == ["hanam-dmarc-send"]
    text = there.render("postfix", "main.cf.j2", there.hosts("mx")[0])
    assert "discard:report-returned" not in text
    (networks,) = re.findall(r"^mynetworks = (.*)$", text, re.M)
    assert there.value("jobs", "host_ipv4", accounts) not in networks.split()
