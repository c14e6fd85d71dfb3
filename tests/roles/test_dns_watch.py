"""DNS is compared with what is to be published, and a key of port 25 changes only when the world knows it (Đ3.2)."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from hanam_mail.controller.keys import pki, tls
from hanam_mail.host import dns_watch
from tests import journal
from tests.foreign import AN, Foreign
from tests.lab import Lab, Sample, message, wait_for

pytestmark = pytest.mark.dieu3

DNS, TLSA = "/var/lib/hanam-dns-check/found.json", "/var/lib/hanam-tlsa-check/found.json"
ZONE = "/etc/hanam-mail/dns/domain.zone"
RECORDS = "/etc/hanam-mail/tls/tlsa.records"
TABLES = (tls.ECDSA.pairs, tls.ECDSA.next, tls.ECDSA.former)


def look(lab: Lab, unit: str, file: str) -> dict[str, Any]:
    """What is found when a unit looks now."""
    lab.run("mx", f"systemctl start {unit}.service")
    found: dict[str, Any] = json.loads(lab.look_at("mx").file(file).content)
    return found


def test_the_world_answers_what_is_to_be_published(lab: Lab) -> None:
    left = look(lab, "hanam-dns-check", DNS)
    assert (left["found"], left["silent"]) == ([], [])
    assert time.time() - left["complete"] < 600


@pytest.fixture
def unwatched(lab: Lab) -> Iterator[None]:
    """Nobody is told of what a test does wrong on purpose."""
    with lab.stopped("mx", "hanam-watch.timer"):
        yield


@pytest.mark.usefixtures("unwatched")
def test_a_record_that_is_missing_is_told_with_what_mends_it(lab: Lab) -> None:
    lab.run("mx", f"cp -a {ZONE} {ZONE}.kept && echo 'khongco 30 IN A 192.0.2.77' >> {ZONE}")
    try:
        (item,) = look(lab, "hanam-dns-check", DNS)["found"]
    finally:
        lab.run("mx", f"mv {ZONE}.kept {ZONE}")
    assert item["text"] == "DNS, khongco.hanam.gov.vn A: chưa có; thêm: 192.0.2.77"
    # Role watch reads what a program without rights has left.
    program = "from hanam_mail.watch.looks import findings; import json, sys, time"
    rows = [{"unit": "x.service", "name": "DNS", "file": DNS, "hours": 72}]
    said = lab.run(
        "mx",
        f"PYTHONPATH=/usr/local/lib/hanam-watch python3 -c '{program}"
        f"\nprint(*(each.text for each in findings({json.dumps(rows)}, time.time()).values()))'",
    )
    assert said == item["text"] + "\n"
    assert look(lab, "hanam-dns-check", DNS)["found"] == []


def test_dns_that_is_away_is_no_difference(lab: Lab) -> None:
    before = look(lab, "hanam-dns-check", DNS)
    # A port that nobody listens at.
    command = f"STATE_DIRECTORY=$(mktemp -d) hanam-dns-check --server 127.0.0.1 --port 9 records {ZONE}"
    said = lab.run("mx", command)
    assert "chưa hỏi được" in said
    assert "thừa" not in said
    assert before["found"] == []


def test_it_runs_without_rights_and_reaches_this_host_alone(lab: Lab) -> None:
    for unit in ("hanam-dns-check", "hanam-tlsa-check"):
        shown = lab.look_at("mx").service(f"{unit}.service").systemd_properties
        assert (shown["DynamicUser"], shown.get("CapabilityBoundingSet", "")) == ("yes", "")
        assert set(shown["IPAddressDeny"].split()) == {"::/0", "0.0.0.0/0"}
        assert lab.look_at("mx").service(f"{unit}.timer").is_running


def test_the_key_of_port_25_is_one_that_dns_names(lab: Lab) -> None:
    left = look(lab, "hanam-tlsa-check", TLSA)
    assert (left["found"], left["silent"]) == ([], [])
    host = lab.host("mx")
    keys = [lab.variables[kind.pairs][host]["key"] for kind in tls.KINDS]
    keys += [lab.variables[kind.next][host] for kind in tls.KINDS]
    assert {pki.tlsa_for_key(key) for key in keys} <= set(left["seen"])
    # What this host's resolver still remembered of it.
    assert 0 < left["ttl"] <= lab.variables["dns_ttl"]


# --- other keys ---


@contextmanager
def deployed(lab: Lab, tables: Mapping[str, Any], folder: Path) -> Iterator[CompletedProcess[str]]:
    """The mail exchanger after a deployment with these tables; those of the vault come back by a deployment too."""
    given = folder / "tables.json"
    given.write_text(json.dumps({name: tables.get(name, {}) for name in TABLES}))
    limits = ("--tags", "certificates", "--limit", lab.host("mx"))
    try:
        yield lab.play("site.yml", *limits, "-e", f"@{given}")
    finally:
        done = lab.play("site.yml", *limits)
        assert done.returncode == 0, done.stdout[-3000:]


def shown(lab: Lab, kind: str = "ecdsa") -> str:
    return dns_watch.shown_by(lab.address("mx"), lab.port("smtp"), kind)


def test_a_server_that_knows_rsa_alone_is_shown_a_key_that_dns_names(lab: Lab) -> None:
    pair = lab.variables[tls.RSA.pairs][lab.host("mx")]
    assert shown(lab, "rsa") == pki.tlsa_for_key(pair["key"])


def vault(lab: Lab) -> dict[str, Any]:
    names = {*TABLES, "vault_public_ca", "vault_public_ca_key"}
    return {name: value for name, value in lab.variables.items() if name in names}


@pytest.mark.neighbours
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_the_next_key_takes_its_turn_and_mail_goes_on_coming(lab: Lab, recipient: Sample, tmp_path: Path) -> None:
    """DNS knows the next key ahead: nothing but the vault and the host changes; the foreign server checks DANE."""
    host = lab.host("mx")
    left = look(lab, "hanam-tlsa-check", TLSA)
    ready = max(left["seen"].values()) + max(left["ttl"], lab.variables["dns_ttl"])
    wait_for(lambda: time.time() > ready, "the records being old enough")
    before = vault(lab)
    after = tls.swapped(before, host)
    with deployed(lab, after, tmp_path) as done:
        assert done.returncode == 0, done.stdout[-3000:]
        wait_for(lambda: shown(lab) == pki.tlsa_for_key(before[tls.ECDSA.next][host]), "port 25 showing the next key")
        assert look(lab, "hanam-tlsa-check", TLSA)["found"] == []
        mail = message(AN, recipient.address)
        Foreign(lab).send(mail, AN, recipient.address)
        lab.wait_for_message(recipient, mail["Subject"])
    wait_for(lambda: shown(lab) == pki.tlsa_for_key(tls.in_use(before, host)), "port 25 showing its former key")


@pytest.mark.neighbours
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_a_key_that_dns_does_not_know_is_never_shown(lab: Lab, tmp_path: Path) -> None:
    host = lab.host("mx")
    before = vault(lab)
    unknown = before | {tls.ECDSA.next: {host: pki.new_private_key()}}
    kept = lab.run("mx", f"sha256sum /etc/hanam-mail/tls/public/* {RECORDS}")
    with deployed(lab, tls.swapped(unknown, host), tmp_path) as done:
        assert done.returncode != 0
        assert "DNS chưa công bố TLSA" in done.stdout
        assert "PRIVATE KEY" not in done.stdout
        assert lab.run("mx", f"sha256sum /etc/hanam-mail/tls/public/* {RECORDS}") == kept
        assert shown(lab) == pki.tlsa_for_key(tls.in_use(before, host))


@pytest.mark.usefixtures("unwatched")
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_a_key_that_dns_does_not_know_is_told_after_a_reload(lab: Lab) -> None:
    """Somebody put it there by hand."""
    folder = "/etc/hanam-mail/tls/public"
    other = (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x"
        " -addext subjectAltName=DNS:mx.hanam.gov.vn"
        f" -keyout {folder}/privkey.pem -out {folder}/fullchain.pem 2>/dev/null"
    )

    def told() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(lab.look_at("mx").file(TLSA).content)["found"]
        return found

    lab.run("mx", f"mkdir /root/kept && cp -a {folder}/. /root/kept && {other}")
    try:
        lab.run("mx", "hanam-tls-reload")
        item = wait_for(lambda: next(iter(told()), None), "the mismatch")
        assert item["mail"]
        assert "Cổng 25 đang dùng khóa không có trong bản ghi TLSA" in item["text"]
    finally:
        lab.run("mx", f"cp -a /root/kept/. {folder}/ && rm -r /root/kept && hanam-tls-reload")
    wait_for(lambda: not told(), "the mismatch being over")
