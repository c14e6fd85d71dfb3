"""Letters that leave at a chosen hour: one service, as nobody, by the doors that every person uses."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.render.conftest import ENVIRONMENTS
from tests.render.role_rows import files

type Environments = Callable[[str], Any]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_service_signs_in_by_the_public_doors_under_their_names(environment: Environments, topology: str) -> None:
    there = environment(topology)
    (host,) = there.hosts("accounts")
    settings = yaml.safe_load(there.render("scheduled", "scheduled.yml.j2", host))
    ports = there.value("scheduled", "scheduled_ports", host)
    assert (settings["imap_port"], settings["smtp_port"]) == (ports["imaps"], ports["submissions"])
    for here, group in (("imap", "mailstore"), ("smtp", "submission")):
        assert (settings[here] == "127.0.0.1") == (host in there.hosts(group)), here
        assert settings[f"{here}_name"].split(".")[0] == here
    assert settings["limit"] == there.value("postfix", "postfix_submission_size_limit", there.hosts("submission")[0])
    # No password: the socket knows who asks.
    assert "password" not in settings["dsn"] and "host=/" in settings["dsn"]
    assert "hanam  hanam-scheduled  mail_scheduled\n" in there.render("postgresql", "pg_ident.conf.j2", host)
    assert "mail_scheduled" not in there.render("postgresql", "pg_hba.conf.j2", host)
    unit = there.render("scheduled", "hanam-scheduled-send.service.j2", host)
    assert "User=hanam-scheduled\n" in unit and "CapabilityBoundingSet=\n" in unit
    row = files(there, "scheduled", host)["/etc/hanam-mail/scheduled.yml"]
    assert (row["group"], row["mode"]) == ("hanam-scheduled", "0640")


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_database_knows_from_where_the_service_signs_in(environment: Environments, topology: str) -> None:
    there = environment(topology)
    (host,) = there.hosts("accounts")
    settings = there.value("postgresql", "postgresql_settings", host)
    address, long_address = (there.value("postgresql", f"host_ipv{version}", host) for version in (4, 6))
    assert {f"{address}/32", f"{long_address}/128"} < set(settings["scheduled_networks"])
    # Many people's failures come from there, as from the webmail's server.
    assert set(settings["scheduled_networks"]) <= set(settings["guessing_own_networks"])


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_webmail_and_the_service_mean_one_folder(environment: Environments, topology: str) -> None:
    there = environment(topology)
    (accounts,) = there.hosts("accounts")
    waiting = yaml.safe_load(there.render("scheduled", "scheduled.yml.j2", accounts))["waiting"]
    for host in there.hosts("webmail"):
        assert f"$config['hanam_waiting_folder'] = '{waiting}';" in there.render("roundcube", "config.inc.php.j2", host)
