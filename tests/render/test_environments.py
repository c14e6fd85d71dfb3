"""What production and staging have and no lab: certificates by ACME, signatures from ClamAV, the true root of DNS."""

import datetime as dt
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanam_mail.controller import preflight
from hanam_mail.controller.keys import pki
from tests.render.conftest import ROOT
from tests.render.role_rows import files as files_of

Environments = Callable[[str], Any]
REAL = ("staging", "production")


def gone(row: dict[str, Any]) -> bool:
    return bool(row.get("absent") or row.get("link") == "/dev/null")


def test_the_journals_settings_of_a_former_release_do_not_stay(environment: Environments) -> None:
    files = files_of(environment("production"), "base", "mail")
    assert gone(files["/etc/systemd/journald.conf.d/hanam.conf"])
    assert not gone(files["/etc/systemd/journald.conf.d/zz-hanam.conf"])


RENEWAL = (
    "/etc/hanam-mail/tls/acme.json",
    "/etc/hanam-mail/tls/acme.key",
    "/etc/hanam-mail/tls/acme-rsa.json",
    "/etc/hanam-mail/tls/acme-rsa.key",
    "/etc/systemd/system/hanam-tls-renew.service",
    "/etc/systemd/system/hanam-tls-renew.timer",
)


@pytest.mark.dieu3
def test_a_certificate_by_acme_is_renewed_with_the_key_of_the_vault(environment: Environments) -> None:
    here = environment("production").with_variables(certificates_mode="acme")
    files = files_of(here, "certificates", "mail")
    assert not [path for path in RENEWAL if gone(files[path])]
    assert "PRIVATE KEY" in files["/etc/hanam-mail/tls/acme.key"]["content"].splitlines()[0]
    settings = yaml.safe_load(here.render("certificates", "tls-renew.json.j2", "mail"))
    assert settings["directory_url"] == "https://acme-v02.api.letsencrypt.org/directory"
    assert settings["names"] == here.value("certificates", "public_names", "mail")
    assert settings["key"] == "/etc/hanam-mail/tls/acme.key"
    assert settings["public"] == "/etc/hanam-mail/tls/public"
    assert settings["reload"] == "/usr/local/sbin/hanam-tls-reload"
    assert "/etc/hanam-mail/tls/public/fullchain.pem" not in files
    # The second one, with the RSA key of the vault, lies beside it.
    second = here.items("certificates", "tls-renew.json.j2")[1]
    other = yaml.safe_load(here.render("certificates", "tls-renew.json.j2", "mail", second))
    assert other == settings | {"key": "/etc/hanam-mail/tls/acme-rsa.key", "suffix": "-rsa"}
    service = here.render("certificates", "tls-renew.service.j2", "mail")
    assert (
        "ExecStart=/usr/local/sbin/hanam-tls-renew /etc/hanam-mail/tls/acme.json /etc/hanam-mail/tls/acme-rsa.json\n"
        in service
    )


def test_a_new_name_that_dns_does_not_know_is_told_before_anything_is_written(
    environment: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = environment("production").with_variables(certificates_mode="acme")
    ask = here.value("certificates", "_certificates_unknown", "mail")
    (tmp_path / "getent").write_text('#!/bin/sh\n[ "$2" = mail.example ]\n')
    (tmp_path / "getent").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ask = ask.replace("/etc/hanam-mail/tls/public", str(tmp_path))

    def told(*names: str) -> str:
        return subprocess.run(["sh", "-c", ask, "sh", *names], capture_output=True, check=True, text=True).stdout

    assert told("mail.example", "autoconfig.example") == "DNS does not know autoconfig.example\n"
    authority = pki.new_authority("x", lifetime=dt.timedelta(days=1))
    borne = pki.issue(authority, ["mx.example", "imap.example"], lifetime=dt.timedelta(days=1))
    (tmp_path / "fullchain.pem").write_text(borne.certificate)
    assert told("mx.example", "imap.example", "autoconfig.example") == "DNS does not know autoconfig.example\n"
    assert told("mail.example", "imap.example") == ""


@pytest.mark.dieu3
def test_nothing_renews_a_certificate_that_was_handed_in(environment: Environments) -> None:
    here = environment("production").with_variables(certificates_mode="provided")
    files = files_of(here, "certificates", "mail")
    assert [path for path in RENEWAL if not gone(files[path])] == []
    assert gone(files["/usr/local/sbin/hanam-tls-renew"])
    assert here.value("certificates", "_certificates_acme", "mail") is False


@pytest.mark.dieu4
@pytest.mark.parametrize("name", REAL)
def test_virus_signatures_come_from_clamav_and_units_wait_for_them(environment: Environments, name: str) -> None:
    here = environment(name)
    assert "DatabaseMirror database.clamav.net" in here.render("clamav", "freshclam.conf.j2", "mail")
    assert "ConditionPathExistsGlob" not in here.render("clamav", "clamd.service.j2", "mail")
    files = files_of(here, "clamav", "mail")
    assert files["/etc/systemd/system/clamav-freshclam.service"]["absent"]


@pytest.mark.dieu4
@pytest.mark.parametrize("name", REAL)
def test_virus_signatures_come_from_the_data_centres_copy_alone_where_it_has_one(
    environment: Environments, name: str
) -> None:
    def lines(here: Any) -> list[str]:
        text = here.render("clamav", "freshclam.conf.j2", "mail")
        # A download that does not load must not reach the scanner, wherever it came from.
        assert re.findall(r"^TestDatabases (.*)$", text, re.M) == ["yes"]
        return re.findall(r"^((?:PrivateMirror|DatabaseMirror|DNSDatabaseInfo) .*)$", text, re.M)

    here = environment(name)
    assert here.value("clamav", "clamav_freshclam_private_mirrors", "mail") == []
    assert lines(here) == ["DNSDatabaseInfo current.cvd.clamav.net", "DatabaseMirror database.clamav.net"]
    copies = ["clamav.noibo.example", "http://192.0.2.7/clamav"]
    there = here.with_variables(clamav_freshclam_private_mirrors=copies)
    assert lines(there) == [f"PrivateMirror {copy}" for copy in copies]


@pytest.mark.dieu3
@pytest.mark.parametrize("name", REAL)
def test_the_resolver_begins_at_the_internets_root(environment: Environments, name: str) -> None:
    text = environment(name).render("unbound", "unbound.conf.j2", "mail")
    assert "auto-trust-anchor-file: /var/lib/unbound/root.key" in text
    assert "root-hints: /usr/share/dns/root.hints" in text
    assert "trust-anchor:" not in text.replace("auto-trust-anchor-file:", "")


@pytest.mark.parametrize("name", REAL)
def test_generated_secrets_and_committed_facts_pass_the_check_before_a_playbook(
    environment: Environments, name: str
) -> None:
    here = environment(name)
    playbook = yaml.safe_load((ROOT / "playbooks/preflight.yml").read_text())
    asked = playbook[0]["tasks"][-1]["vars"]
    numbers = asked["numbers"].strip().removeprefix("{{").removesuffix("}}")
    groups = {group: here.hosts(group) for group in (*preflight.REQUIRED_GROUPS, "outside")}
    for host in here.hosts("all"):
        values = {variable: here.value("base", f"{variable} | default('')", host) for variable in asked["names"]}
        values |= {variable: here.value("base", variable, host) for variable in here.value("base", numbers, host)}
        assert preflight.problems(values, host, groups, ROOT / "group_vars/hanam") == []
        # What no program can make: production's way to the operator when mail is down.
        told = preflight.problems(values, host, groups | {name: here.hosts("all")}, ROOT / "group_vars/hanam")
        assert ("vault_watch_webhook" in " ".join(told)) == (name == "production")


@pytest.mark.parametrize("name", REAL)
def test_no_playbook_runs_while_the_committed_placeholders_stand(environment: Environments, name: str) -> None:
    here = environment(name)
    names = yaml.safe_load((ROOT / "playbooks/preflight.yml").read_text())[0]["tasks"][-1]["vars"]["names"]
    groups = {group: here.hosts(group) for group in (*preflight.REQUIRED_GROUPS, name)}
    for host in here.hosts("all"):
        values = {variable: here.value("base", f"{variable} | default('')", host) for variable in names}
        told = " ".join(preflight.problems(values, host, groups))
        for variable in ("ansible_host", "host_ipv4", "host_ipv6", "admin_networks"):
            assert variable in told
        assert ("support_phone" in told) == (name == "production")


def test_a_rehearsal_takes_nothing_that_is_productions(environment: Environments) -> None:
    staging, production = environment("staging"), environment("production")
    for variable in ("mail_domain", "acme_directory_url", "admin_networks"):
        assert staging.value("base", variable, "mail") != production.value("base", variable, "mail"), variable
    addresses = [
        {here.value("base", name, host) for host in here.hosts("all") for name in ("host_ipv4", "host_ipv6")}
        for here in (staging, production)
    ]
    assert not addresses[0] & addresses[1]
    names = [set(here.value("certificates", "public_names", "mail")) for here in (staging, production)]
    assert not names[0] & names[1]


def test_the_internal_certificate_bears_the_hosts_name(environment: Environments) -> None:
    here = environment("staging")
    certificate = here.value("certificates", "certificates_internal_certificate", "mail")
    assert here.value("certificates", "host_fqdn", "mail") in pki.certificate_names(certificate)
