"""Telling, counting, carrying and sending of reports on TLS find each other on every topology (RFC 8460)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.render.conftest import ENVIRONMENTS

pytestmark = pytest.mark.dieu3

type Environments = Callable[[str], Any]


def setting(text: str, name: str) -> list[str]:
    return re.findall(rf"^{name} ?= ?(.*)$", text, re.M)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_postfix_tells_who_counts_and_the_agent_of_the_host_fetches_it(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    hosts = there.hosts("mx:submission")
    # The agent's play.
    assert set(hosts) <= set(there.hosts("mailstore:submission"))
    for host in hosts:
        main = there.render("postfix", "main.cf.j2", host)
        listens = there.render("tls_seen", "hanam-tls-seen.socket.j2", host)
        assert setting(main, "smtp_tlsrpt_enable") == ["yes"]
        assert setting(main, "smtp_tlsrpt_socket_name") == setting(listens, "ListenDatagram")
        assert (setting(listens, "SocketGroup"), setting(listens, "SocketMode")) == (["postfix"], ["0660"])
        # The library's address has no room for more.
        assert len(setting(listens, "ListenDatagram")[0]) < 108
        counts = there.render("tls_seen", "hanam-tls-seen.service.j2", host)
        (folder,) = there.value("tls_seen", "_tls_seen_folders", host)
        assert setting(counts, "ExecStart") == [f"/usr/local/sbin/hanam-tls-seen {folder['path']}"]
        assert setting(counts, "ReadWritePaths") == [folder["path"]]
        assert setting(counts, "SupplementaryGroups") == [folder["group"]]
        # Its dynamic user has the unit's name.
        assert folder["group"] != "hanam-tls-seen"
        assert (folder["mode"], setting(counts, "UMask")) == ("2770", ["0027"])
        carry = there.render("agent", "hanam-dmarc-carry.service.j2", host)
        assert f" tls={folder['path']}" in setting(carry, "ExecStart")[0]
        assert f"-{folder['path']}" in setting(carry, "ReadWritePaths")[0].split()
        assert folder["group"] in setting(carry, "SupplementaryGroups")[0].split()


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_reports_on_tls_arrive_where_tls_is_broken_and_are_told_nobody(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    (accounts,) = there.hosts("accounts")
    settings = yaml.safe_load(there.render("jobs", "reports-sent.yml.j2", accounts))
    for host in there.hosts("mx:submission"):
        main = there.render("postfix", "main.cf.j2", host)
        (way,) = setting(main, "sender_dependent_default_transport_maps")
        assert way == f"inline:{{ {{ {settings['returned_to']['tls']} = tls-report }} }}"
        # Reports on DMARC keep to what their receivers ask for, as all mail does.
        assert settings["returned_to"]["dmarc"] not in way
        master = there.render("postfix", "master.cf.j2", host)
        (options,) = re.findall(r"^tls-report +unix .* smtp\n((?: +-o .*\n)+)", master, re.M)
        assert {"smtp_tls_security_level=may", "smtp_tls_policy_maps=", "smtp_tlsrpt_enable=no"} <= set(
            re.findall(r"-o (\S+)", options)
        )


def test_one_kind_runs_without_the_other(environment: Environments) -> None:
    for kind, other in (("tls", "dmarc"), ("dmarc", "tls")):
        there = environment("split").with_variables(**{f"{other}_reports": False})
        (accounts,) = there.hosts("accounts")
        settings = yaml.safe_load(there.render("jobs", "reports-sent.yml.j2", accounts))
        assert list(settings["returned_to"]) == [kind]
        assert all(row.get("wanted", True) for row in there.value("jobs", "_jobs_services", accounts))
        for host in there.hosts("mx:submission"):
            carry = there.render("agent", "hanam-dmarc-carry.service.j2", host)
            assert re.findall(r" (\w+)=/", setting(carry, "ExecStart")[0]) == [kind]
            assert f"{other}=" not in carry


def test_switched_off_postfix_tells_nobody_and_nothing_counts(environment: Environments) -> None:
    there = environment("split").with_variables(tls_reports=False)
    for host in there.hosts("mx:submission"):
        main = there.render("postfix", "main.cf.j2", host)
        assert setting(main, "smtp_tlsrpt_enable") == ["no"]
        for name in ("smtp_tlsrpt_socket_name", "sender_dependent_default_transport_maps"):
            assert setting(main, name) == []
        assert "tls-report" not in there.render("postfix", "master.cf.j2", host)
        assert there.value("tls_seen", "tls_seen_wanted", host) is False
        watched = there.value("watch", "watch_units", host)
        assert [row["here"] for row in watched if "hanam-tls-seen" in row["unit"]] == [False, False]
