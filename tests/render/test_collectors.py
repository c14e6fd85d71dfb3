"""The list of private providers reaches sign-ins, the job and Postfix, and is what it should be (Đ4.5)."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.render.conftest import ENVIRONMENTS

pytestmark = pytest.mark.dieu4

PROVIDERS = {
    "mot": {"name": "Một", "networks": ["198.51.100.0/24"], "names": ["mot.example"]},
    "hai": {"name": "Hai", "networks": ["2001:db8::/48"], "names": []},
}


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_sign_ins_know_the_list_and_the_policy(environment: Callable[[str], Any], topology: str) -> None:
    here = environment(topology).with_variables(collectors_providers=PROVIDERS, collectors_policy="refuse")
    for host in here.hosts("accounts"):
        settings = here.value("postgresql", "postgresql_settings", host)
        assert settings["collectors_providers"] == PROVIDERS
        assert settings["collectors_policy"] == "refuse"


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_postfix_refuses_them_after_the_sign_in_where_the_policy_says_so(
    environment: Callable[[str], Any], topology: str
) -> None:
    here = environment(topology).with_variables(
        collectors_providers=PROVIDERS, collectors_policy="refuse", guessing_province_networks=["198.51.100.8/29"]
    )
    for host in here.hosts("submission"):
        main = here.render("postfix", "main.cf.j2", host)
        rules = main[main.index("\ncollector_rules =") : main.index("\ncollectors_refused =")]
        assert rules.index("{ 198.51.100.8/29 DUNNO }") < rules.index("{ 198.51.100.0/24 $collectors_refused }")
        assert "{ 2001:db8::/48 $collectors_refused }" in rules
        assert "{ mot.example = $collectors_refused }" in rules
        sender = main[main.index("\nsubmission_sender_rules =") :].split("=", 1)[1].lstrip()
        assert sender.startswith("$collector_rules\n")
        (reply,) = re.findall(r"^collectors_refused = (.*)$", main, re.M)
        assert reply.isascii() and reply.startswith("550 5.7.1 ")
        assert "$collector_rules" not in main[main.index("\nsmtpd_sender_restrictions") : main.index("\nown_hosts")]


def test_where_they_are_only_noticed_postfix_knows_none(environment: Callable[[str], Any]) -> None:
    here = environment("production")
    assert here.value("postgresql", "postgresql_settings", here.hosts("accounts")[0])["collectors_policy"] == "notice"
    assert "collector" not in here.render("postfix", "main.cf.j2", here.hosts("submission")[0])


def test_the_shipped_list_has_no_rented_cloud_and_no_agency(environment: Callable[[str], Any]) -> None:
    here = environment("production")
    providers = here.value("postgresql", "collectors_providers", here.hosts("accounts")[0])
    assert {"google", "microsoft", "yandex", "yahoo", "mailru"} <= providers.keys()
    names = [name for entry in providers.values() for name in entry["names"]]
    networks = [ipaddress.ip_network(network) for entry in providers.values() for network in entry["networks"]]
    for customers in ("googleusercontent.com", "yandexcloud.net", "amazonaws.com", "cloudapp.azure.com", "gov.vn"):
        assert not [
            name for name in names if f".{customers}".endswith(f".{name}") or f".{name}".endswith(f".{customers}")
        ]
    for one in networks:
        assert one.is_global
        assert not [
            other for other in networks if other is not one and one.version == other.version and one.overlaps(other)
        ]


def test_the_webmail_is_told_from_programs(environment: Callable[[str], Any]) -> None:
    here = environment("split")
    text = here.render("dovecot", "passdb.conf.j2", here.hosts("mailstore")[0])
    assert re.search(
        r"'%\{real_remote_ip .*NOT IN \('', '%\{remote_ip .*\n\s+THEN 'webmail' ELSE '%\{protocol\}' END", text
    )


def test_the_job_asks_dns_four_times_an_hour(environment: Callable[[str], Any]) -> None:
    here = environment("production")
    accounts = here.hosts("accounts")[0]
    (unit,) = (item for item in here.items("jobs", "job.service.j2") if "hanam-collectors" in item["dest"])
    text = here.render("jobs", "job.service.j2", accounts, unit)
    assert re.search(r"^ExecStart=.* collectors-look$", text, re.M)
    assert "PrivateNetwork" not in text
    (timer,) = (item for item in here.items("jobs", "job.timer.j2") if "hanam-collectors" in item["dest"])
    assert re.search(r"^OnCalendar=\*:5/15$", here.render("jobs", "job.timer.j2", accounts, timer), re.M)
