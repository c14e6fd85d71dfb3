"""Postfix, what tells it how mail has to be encrypted, and the resolver of policies find each other (Đ3.2)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from hanam_mail.controller import vault_file
from hanam_mail.host import dane, tls_policy
from tests.render.conftest import ENVIRONMENTS, LABS, ROOT

pytestmark = pytest.mark.dieu3

type Environments = Callable[[str], Any]
RESOLVER_UNIT = "unit.conf.j2"


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_whoever_sends_asks_and_finds_who_answers(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("mx:submission"):
        main = there.render("postfix", "main.cf.j2", host)
        (place,) = re.findall(r"^smtp_tls_policy_maps = socketmap:unix:(\S+):policy$", main, re.M)
        assert "lmtp_tls_policy_maps" not in main
        listens = there.render("tls_policy", "hanam-tls-policy.socket.j2", host)
        assert re.findall(r"^ListenStream=(.*)$", listens, re.M) == [place]
        (command,) = re.findall(
            r"^ExecStart=(.*)$", there.render("tls_policy", "hanam-tls-policy.service.j2", host), re.M
        )
        daemon = yaml.safe_load(there.render("sts_resolver", "mta-sts-daemon.yml.j2", host))
        assert command.split()[-1] == daemon["path"]
        assert (daemon["mode"], daemon["default_zone"]["tlsrpt"]) == (0o660, True)
        (folder,) = re.findall(r"^RuntimeDirectory=(.*)$", there.render("sts_resolver", RESOLVER_UNIT, host), re.M)
        assert daemon["path"].rpartition("/")[0] == f"/run/{folder}"


def test_who_answers_is_there_before_postfix_asks() -> None:
    """Also where only Postfix is deployed, on hosts of an earlier release: else no mail would leave."""
    plays = yaml.safe_load((ROOT / "playbooks/site.yml").read_text())
    (roles,) = (play["roles"] for play in plays if "postfix" in [role["role"] for role in play.get("roles", ())])
    answers = [role["role"] for role in roles if "postfix" in role["tags"]]
    assert answers == ["sts_resolver", "tls_policy", "tls_seen", "postfix"]
    tasks = yaml.safe_load((ROOT / "roles/tls_policy/tasks/main.yml").read_text())
    assert tasks[-1]["ansible.builtin.meta"] == "flush_handlers"
    packages = yaml.safe_load((ROOT / "roles/tls_policy/vars/main.yml").read_text())["tls_policy_packages"]
    defaults = yaml.safe_load((ROOT / "roles/tls_policy/defaults/main.yml").read_text())
    assert defaults["tls_policy_socket_group"] in packages


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_no_header_of_a_message_turns_off_verified_tls(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("mx:submission"):
        main = there.render("postfix", "main.cf.j2", host)
        assert re.findall(r"^tls_required_enable = (.*)$", main, re.M) == ["no"]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_strangers_policies_and_exchangers_find_room(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("mx:submission"):
        daemon = yaml.safe_load(there.render("sts_resolver", "mta-sts-daemon.yml.j2", host))
        assert daemon["proactive_policy_fetching"] == {"enabled": False}
        unit = there.render("sts_resolver", RESOLVER_UNIT, host)
        (room,) = re.findall(r"^MemoryMax=(\d+)M$", unit, re.M)
        assert int(room) >= tls_policy.QUESTIONS * 4 + 50
        assert re.findall(r"^LimitFSIZE=(.*)$", unit, re.M) == ["1G"]
        service = there.render("tls_policy", "hanam-tls-policy.service.j2", host)
        (files,) = re.findall(r"^LimitNOFILE=(\d+)$", service, re.M)
        assert int(files) > dane.QUESTIONS + 2 * tls_policy.CONNECTIONS


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_each_waits_longer_than_the_one_that_it_asks(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("mx:submission"):
        daemon = yaml.safe_load(there.render("sts_resolver", "mta-sts-daemon.yml.j2", host))
        seconds = there.value("tls_policy", "tls_policy_resolver_seconds", host)
        assert 2 * daemon["default_zone"]["timeout"] < seconds
        assert seconds + dane.LOOKUP_SECONDS < tls_policy.ANSWER_SECONDS < 100


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_a_strangers_policy_is_fetched_from_none_of_our_hosts(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("mx:submission"):
        unit = there.render("sts_resolver", RESOLVER_UNIT, host)
        (denied,) = re.findall(r"^IPAddressDeny=(.*)$", unit, re.M)
        assert {"localhost", "link-local", *there.value("sts_resolver", "cluster_addresses", host)} <= set(
            denied.split()
        )
        # There the Internet has private addresses.
        assert ("10.0.0.0/8" in denied.split()) == (topology not in LABS)
        assert re.findall(r"^IPAddressAllow=(.*)$", unit, re.M) == ["127.0.0.1"]


def test_the_labs_foreign_domains_have_certificates_names_and_mailboxes(environment: Environments) -> None:
    there = environment("lab")
    (host,) = there.hosts("outside")
    domains = [row["name"] for row in there.value("lab_sts", "lab_sts_domains", host)]
    assert tuple(domains) == vault_file.FOREIGN_STS_DOMAINS
    pages = there.render("lab_sts", "nginx.conf.j2", host)
    assert re.findall(r"server_name mta-sts\.(\S+);", pages) == domains
    for certificate, domain in zip(
        re.findall(r"ssl_certificate /etc/lab-sts/(\S+)\.pem;", pages), domains, strict=True
    ):
        assert (certificate == domain) == (domain != "saitrangsts.example")
    mailboxes = there.render("lab_mta", "main.cf.j2", host)
    assert all(f"an@{domain} = " in mailboxes for domain in domains)
