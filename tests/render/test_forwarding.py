"""Where mail may be led is one list for whoever judges a rule: when it is saved, at delivery, at night (Đ4.5)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.render.conftest import ENVIRONMENTS
from tests.render.role_rows import files

pytestmark = pytest.mark.dieu4

type Environments = Callable[[str], Any]

UNITS = "/etc/systemd/system/hanam-check-sieve."


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_every_mail_store_looks_at_stored_rules_and_no_other_host_does(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    for host in there.hosts("mailstore:submission"):
        rows = files(there, "dovecot", host)
        here = host in there.hosts("mailstore")
        for name in (f"{UNITS}service", f"{UNITS}timer", "/etc/dovecot/check-sieve.conf"):
            assert (name in rows and not rows[name].get("absent")) == here, name
        watched = {row["file"] for row in there.value("watch", "watch_findings", host) if row["here"]}
        assert ("/var/lib/hanam-check-sieve/found.json" in watched) == here


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_a_stored_rule_is_judged_as_when_it_is_saved(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("mailstore"):
        unit = there.render("dovecot", "check-sieve.service.j2", host)
        saved = there.render("dovecot", "dovecot.conf.j2", host)
        domains = re.findall(r"(?: --forward | sieve-session )(\S+\.\S+)$| --forward (\S+)", saved + unit, re.M)
        assert len(domains) == 3
        assert len({first or second for first, second in domains}) == 1
        (octets,) = re.findall(r" --octets (\d+)$", unit, re.M)
        assert f"sieve_max_script_size = {octets}B" in saved
        compiled = there.render("dovecot", "check-sieve.conf.j2", host)
        (block,) = re.findall(r"^sieve_extensions \{.*?^\}$", saved, re.M | re.DOTALL)
        assert block in compiled
        assert re.findall(r"^dovecot_\w+_version = .*$", compiled, re.M) == re.findall(
            r"^dovecot_\w+_version = .*$", saved, re.M
        )


def test_the_look_at_stored_rules_can_write_nothing_of_anybodys(environment: Environments) -> None:
    unit = environment("lab").render("dovecot", "check-sieve.service.j2", "mail")
    assert "User=vmail" in unit
    assert "ReadWritePaths" not in unit
    assert "ProtectSystem=strict" in unit and "CapabilityBoundingSet=\n" in unit
