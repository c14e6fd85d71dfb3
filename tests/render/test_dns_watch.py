"""What watches over DNS and over keys is told the same facts as those who publish and show them (Đ3.2)."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hanam_mail import dns_check
from hanam_mail.controller.keys import pki
from tests.render.conftest import ENVIRONMENTS
from tests.render.role_rows import files

pytestmark = pytest.mark.dieu3

type Environments = Callable[[str], Any]


def published(there: Any, host: str, folder: Path) -> list[dns_check.Wanted]:
    """The records of the zone file on a host, as the program reads it."""
    path = folder / "domain.zone"
    path.write_text(there.render("dns_watch", "domain.zone.j2", host))
    return dns_check.read(path)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_one_host_compares_and_every_exchanger_looks_at_its_key(
    environment: Environments, topology: str, tmp_path: Path
) -> None:
    there = environment(topology)
    compares = []
    for host in there.hosts("mx"):
        rows = files(there, "dns_watch", host)
        assert "/etc/systemd/system/hanam-tlsa-check.service" in rows
        if not rows["/etc/systemd/system/hanam-dns-check.service"].get("absent"):
            compares.append(host)
        (name,) = re.findall(r" served (\S+)$", there.render("dns_watch", "hanam-tlsa-check.service.j2", host), re.M)
        assert name in {each.name for each in published(there, there.hosts("mx")[0], tmp_path) if each.type == "TLSA"}
    assert compares == [there.hosts("mx")[0]]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_dns_names_the_key_in_use_and_the_next_one(environment: Environments, topology: str, tmp_path: Path) -> None:
    there = environment(topology)
    for host in there.hosts("mx"):
        (records,) = (each for each in published(there, host, tmp_path) if each.type == "TLSA")
        key = there.value("certificates", "certificates_private_key", host)
        coming = there.value("certificates", "vault_public_next_keys", host)[host]
        assert {pki.tlsa_for_key(key), pki.tlsa_for_key(coming)} <= set(records.data)
        # The list that the deployment is judged by has the key in use alone.
        lines = there.render("certificates", "tlsa.records.j2", host).splitlines()
        assert [line for line in lines if not line.startswith("#")] == [f"{records.name} {pki.tlsa_for_key(key)}"]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_a_key_is_asked_for_before_it_is_written(environment: Environments, topology: str) -> None:
    """Files are put in place in their order, and what was written before a refusal is put back."""
    there = environment(topology)
    for host in there.hosts("all:!outside"):
        rows = files(there, "certificates", host)
        record = rows["/etc/hanam-mail/tls/tlsa.records"]
        if host not in there.hosts("mx"):
            assert record["absent"]
            continue
        keys = [place for place in rows if place.endswith(("/public/privkey.pem", "/acme.key"))]
        places = list(rows)
        assert keys
        assert all(places.index(place) > places.index(record["dest"]) for place in keys)
        command = record["validate"].split()
        assert command[0] in files(there, "dns_watch", host)
        assert command[command.index("--known") + 1] == record["dest"]
        # What the unit leaves is what the command reads.
        (state,) = re.findall(
            r"^StateDirectory=(.*)$", there.render("dns_watch", "hanam-tlsa-check.service.j2", host), re.M
        )
        assert command[command.index("--state") + 1] == f"/var/lib/{state}"
        looked = {row["file"] for row in there.value("watch", "watch_findings", host) if row["here"]}
        assert f"/var/lib/{state}/found.json" in looked


def test_only_one_account_gets_certificates_where_it_is_named(environment: Environments, tmp_path: Path) -> None:
    there = environment("split").with_variables(dns_acme_accounts={"edge1": "https://acme.example/acct/7"})
    bound = {each.name: each.data for each in published(there, "edge1", tmp_path) if each.type == "CAA"}
    names = there.value("certificates", "certificates_names", "edge1")
    assert set(bound) == {f"{name}." for name in names} | {"hanam.gov.vn."}
    assert bound[f"{names[0]}."] == ('0 issue "acme.example; accounturi=https://acme.example/acct/7"',)
