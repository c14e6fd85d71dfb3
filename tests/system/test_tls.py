"""Every port of the table that speaks TLS speaks what group_vars/all/tls.yml says, and nothing else (Đ3.2, Đ12.7)."""

import json
import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import journal, tls_scan
from tests.lab import Lab, at_once

SCANNER = Path(tls_scan.__file__)
INTERNAL = "/etc/hanam-mail/tls/internal"
# Before TLS begins something else is said.
SPOKEN = {"smtp": "smtp", "submission": "smtp", "sieve": "sieve", "lmtp": "lmtp", "postgresql": "postgres"}
# What answers to a name; a port without one shows the same certificate to everybody.
NAMED = {"https": "webmail"}
# Of the mail exchangers' Postfix: with an ECDSA key and with an RSA key.
TWO_CERTIFICATES = {"smtp", "submission", "submissions"}
# They speak no TLS: ssh has its own, port 80 leads to https.
OTHERS = {"ssh", "http"}
# Go's TLS has no switch for it. It keeps to what FIPS 140-3 approves (role restic_server), for our own hosts alone.
GO = {"backup"}


def scanned(lab: Lab, source: str) -> Iterator[dict[str, Any]]:
    """Rows of the table for those who come from the network, with a host that may have the port."""
    for row in lab.variables["ports"]:
        elsewhere = row["key"] in OTHERS or "outside" in row["groups"]
        if row["protocol"] == "tcp" and row["source"] == source and not elsewhere:
            for host in dict.fromkeys(host for group in row["groups"] for host in lab.groups[group]):
                yield row | {"host": host}


def scan(lab: Lab, row: dict[str, Any], source: str) -> tls_scan.Found:
    """What a port speaks, seen from a host."""
    domain = lab.variables["mail_domain"]
    internal = row["source"] == "cluster"
    name = f"{row['host']}.{domain}" if internal else lab.address(row["host"])
    place = ["-connect", f"{name}:{row['port']}"]
    if row["key"] in SPOKEN:
        place += ["-starttls", SPOKEN[row["key"]]]
    if row["key"] in NAMED:
        place += ["-servername", f"mail.{domain}"]
    if internal:
        place += ["-cert", f"{INTERNAL}/cert.pem", "-key", f"{INTERNAL}/key.pem"]
    argument = shlex.quote(json.dumps({"place": place}))
    said = lab.run(source, f"python3 - {argument} <<'END'\n{SCANNER.read_text()}\nEND")
    return tls_scan.Found(**json.loads(said))


def standing(lab: Lab, host: str, port: int) -> bool:
    return bool(lab.run(host, f"ss -Hltn 'sport = :{port}'").strip())


def curve_names(ciphers: list[str]) -> set[str]:
    """Of suites for two kinds of key, what they have in common."""
    return {name.replace("ECDHE-ECDSA-", "").replace("ECDHE-RSA-", "") for name in ciphers}


@pytest.mark.dieu3
@pytest.mark.neighbours
@pytest.mark.provokes(journal.BAD_CLIENTS)
def test_ports_for_the_world_speak_the_one_set_and_nothing_else(lab: Lab) -> None:
    wanted = lab.variables["tls_set"]
    rows = [row for row in scanned(lab, "any") if standing(lab, row["host"], row["port"])]
    assert {row["key"] for row in rows} == {"smtp", "submission", "submissions", "imaps", "pop3s", "sieve", "https"}
    for row, found in zip(rows, at_once(*(partial(scan, lab, row, lab.host("outside")) for row in rows)), strict=True):
        here = f"{row['host']}:{row['port']}: {found}"
        assert found.versions == wanted["protocols"], here
        assert set(found.suites) == set(wanted["suites"]), here
        assert set(found.groups) == set(wanted["groups"]), here
        if row["host"] in lab.groups["mx"] and row["key"] in TWO_CERTIFICATES:
            assert set(found.ciphers) == set(wanted["ciphers"]), here
        else:
            # A certificate of one kind leaves half of them.
            assert set(found.ciphers) <= set(wanted["ciphers"]), here
            assert curve_names(found.ciphers) == curve_names(wanted["ciphers"]), here
        assert (found.renegotiates, found.early_data, found.compresses) == (False, 0, False), here
        assert found.extended_master_secret, here


@pytest.mark.dieu3
@pytest.mark.neighbours
@pytest.mark.provokes(journal.BAD_CLIENTS, journal.HELD_REFUSED)
def test_ports_for_our_own_hosts_speak_the_newest_protocol_alone(lab: Lab) -> None:
    wanted = lab.variables["tls_set"]
    rows = [row for row in scanned(lab, "cluster") if standing(lab, row["host"], row["port"])]
    for row in rows:
        neighbours = (
            host for group in ("mailstore", "mx", "accounts", "backup_repository") for host in lab.groups[group]
        )
        source = next(host for host in neighbours if host != row["host"])
        found = scan(lab, row, source)
        here = f"{row['host']}:{row['port']}: {found}"
        if row["key"] in GO:
            assert set(found.versions) == {"TLSv1.2", "TLSv1.3"}, here
            assert set(found.ciphers) <= set(wanted["ciphers"]), here
        else:
            assert found.versions == ["TLSv1.3"], here
            assert set(found.suites) <= set(wanted["suites"]), here
            assert set(found.groups) <= set(wanted["groups"]), here
        assert (found.renegotiates, found.early_data, found.compresses) == (False, 0, False), here
