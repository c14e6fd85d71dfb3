"""Hosts that find each other across the network agree on names, certificates and ports."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.render.conftest import ROOT, Environment
from tests.render.role_rows import rows


def test_sieves_replies_go_to_a_name_that_the_mail_servers_certificate_bears(
    environment: Callable[[str], Any],
) -> None:
    split = environment("split")
    configuration = split.render("dovecot", "dovecot.conf.j2", "store1")
    settings = dict(line.split(" = ", 1) for line in configuration.splitlines() if " = " in line)
    words = settings["sendmail_path"].split()
    name, _, port = words[words.index("--smtp") + 1].rpartition(":")
    assert port == "25"
    assert name in split.value("certificates", "public_names", "edge1")
    # Port 25 shows the public certificate, which the internal authority has not signed.
    assert words[words.index("--ca") + 1] == "/etc/ssl/certs/ca-certificates.crt"


def test_one_machine_needs_no_port_that_only_neighbours_use(environment: Callable[[str], Any]) -> None:
    def open_ports(topology: str) -> set[int]:
        here = environment(topology)
        return {row["port"] for host in here.hosts("all") for row in here.value("base", "base_ports", host)}

    between_hosts = {24, 5432, 11335, 12340, 12341, 12342}
    assert not open_ports("lab") & between_hosts
    assert between_hosts <= open_ports("split")


def test_our_hosts_alone_may_greet_and_write_with_our_names(environment: Callable[[str], Any]) -> None:
    """The notices of the accounts host come by port 25, from a host that may not send on."""
    split = environment("split")
    main = split.render("postfix", "main.cf.j2", "edge1")
    own = main[main.index("\nown_hosts =") : main.index("\nours_only =")]
    for host in split.hosts("accounts"):
        for fact in ("host_ipv4", "host_ipv6"):
            address = split.value("postfix", fact, host)
            assert f"{{ {address} OK }}" in own
            assert address in split.value("rspamd", "rspamd_local_networks", "edge1")
    for host in split.hosts("outside"):
        assert split.value("postfix", "host_ipv4", host) not in own


def test_restores_stand_in_the_audit_wherever_a_host_reaches_it(
    environment: Callable[[str], Any], tmp_path: Path
) -> None:
    """The agent's connection is what other hosts than that of the accounts reach it by."""
    split = environment("split")
    apart = Environment("split", tmp_path, split.variables._extra_vars)
    apart.inventory.add_host("mx9", group="mx")
    apart.inventory.add_host("filter9", group="filter")
    plays = yaml.safe_load((ROOT / "playbooks/site.yml").read_text())
    (agents,) = (play["hosts"] for play in plays if "agent" in str(play.get("roles")))
    reach = {*apart.hosts(agents), *apart.hosts("accounts")}
    (saved,) = (play["hosts"] for play in plays if play["name"] == "Backup")
    assert {"mx9", "filter9"} <= set(apart.hosts(saved))
    for host in apart.hosts(saved):
        assert bool(apart.value("restic_client", "restic_client_audit_command", host)) == (host in reach), host


def test_debians_own_nginx_does_not_run_where_only_the_gate_needs_it(
    environment: Callable[[str], Any], tmp_path: Path
) -> None:
    plays = yaml.safe_load((ROOT / "playbooks/site.yml").read_text())
    (shown,) = (play["hosts"] for play in plays if {"role": "nginx", "tags": ["nginx"]} in play.get("roles", []))
    apart = Environment("split", tmp_path, environment("split").variables._extra_vars)
    for group in ("lab", "filter"):
        apart.inventory.add_host("filter9", group=group)
    unit = "/etc/systemd/system/nginx.service"
    for here in (apart, environment("lab"), environment("production")):
        for host in here.hosts("filter"):
            masks = [row["dest"] for row in rows(here, "learn", host) if row["dest"] == unit]
            assert masks == ([] if host in here.hosts(shown) else [unit]), host
            assert here is not apart or apart.value("learn", "learn_gate_clients", host)
    assert "filter9" not in apart.hosts(shown)
    # A host that shows something later is not kept from it.
    gone = [row["dest"] for row in rows(apart, "nginx", "edge1") if row.get("absent")]
    assert gone == [unit]
    tasks = yaml.safe_load((ROOT / "roles/learn/tasks/main.yml").read_text())
    used = [next(key for key in ("role_files", "role_packages", "role_unit") if key in task) for task in tasks]
    assert used[:2] == ["role_files", "role_packages"]


@pytest.mark.dieu10
def test_the_updater_that_talks_to_the_internet_reads_no_letter_that_the_scanner_reads(
    environment: Callable[[str], Any],
) -> None:
    here = environment("lab")
    unit = here.render("clamav", "freshclam.service.j2", "mail")
    closed = next(line for line in unit.splitlines() if line.startswith("InaccessiblePaths="))
    spool = Path(here.value("rspamd", "_rspamd_spool", "mail"))
    assert {f"-{folder}" for folder in spool.parents} & set(closed.partition("=")[2].split())
