"""What watches over DNS and over keys is told the same facts as those who publish and show them (Đ3.2)."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hanam_mail import dns_check
from hanam_mail.controller.keys import pki, tls
from tests.render.conftest import ENVIRONMENTS
from tests.render.role_rows import files

pytestmark = pytest.mark.dieu3

type Environments = Callable[[str], Any]


def published(there: Any, host: str, folder: Path) -> list[dns_check.WantedRecords]:
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
        (name,) = re.findall(
            r" served (\S+) --kind ecdsa", there.render("dns_watch", "hanam-tlsa-check.service.j2", host), re.M
        )
        assert name in {each.name for each in published(there, there.hosts("mx")[0], tmp_path) if each.type == "TLSA"}
    assert compares == [there.hosts("mx")[0]]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_dns_names_the_key_in_use_and_the_next_one(environment: Environments, topology: str, tmp_path: Path) -> None:
    there = environment(topology)
    for host in there.hosts("mx"):
        (records,) = (each for each in published(there, host, tmp_path) if each.type == "TLSA")
        names = ("certificates_private_key", "certificates_rsa_private_key")
        keys = [key for name in names if (key := there.value("certificates", name, host))]
        assert keys
        coming = [there.value("certificates", kind.next, host)[host] for kind in tls.KINDS]
        assert set(map(pki.tlsa_for_key, keys + coming)) <= set(records.data)
        # The list that the deployment is judged by has the keys in use alone.
        lines = there.render("certificates", "tlsa.records.j2", host).splitlines()
        told = [f"{records.name} {pki.tlsa_for_key(key)}" for key in keys]
        assert [line for line in lines if not line.startswith("#")] == told
        # What is shown is what is compared.
        unit = there.render("dns_watch", "hanam-tlsa-check.service.j2", host)
        assert re.findall(r" --kind (\w+)", unit) == ["ecdsa", "rsa"][: len(keys)]


def test_a_mail_exchanger_shows_both_kinds_of_keys_and_no_other_host_does(environment: Environments) -> None:
    split = environment("split")
    main = split.render("postfix", "main.cf.j2", "edge1")
    (chains,) = re.findall(r"^smtpd_tls_chain_files = (.*)$", main, re.M)
    rows = files(split, "certificates", "edge1")
    assert [place in rows and "content" in rows[place] for place in chains.split(", ")] == [True] * 4
    (watched,) = (
        row["path"] for row in split.value("watch", "watch_certificates", "edge1") if row["path"].endswith("-rsa.pem")
    )
    assert watched in chains
    for host in ("store1", "accounts1"):
        rows = files(split, "certificates", host)
        assert "/etc/hanam-mail/tls/public/privkey-rsa.pem" not in rows


def test_without_a_second_certificate_nobody_asks_for_one(environment: Environments) -> None:
    there = environment("split").with_variables(vault_public_rsa_certificates={})
    main = there.render("postfix", "main.cf.j2", "edge1")
    assert "-rsa" not in main
    assert "--kind rsa" not in there.render("dns_watch", "hanam-tlsa-check.service.j2", "edge1")
    assert not [row for row in there.value("watch", "watch_certificates", "edge1") if "rsa" in row["path"]]


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
        keys = [
            place
            for place, row in rows.items()
            if not row.get("absent")
            and place.endswith(("/public/privkey.pem", "/public/privkey-rsa.pem", "/acme.key", "/acme-rsa.key"))
        ]
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
