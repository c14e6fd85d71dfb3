"""The address book by LDAP on the webmail's hosts: who reads it, who writes it, and where it is not."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.render.conftest import ENVIRONMENTS, LABS
from tests.render.role_rows import files

type Environments = Callable[[str], Any]
SWITCHED_OFF = {"/etc/systemd/system/hanam-ldap.service", "/etc/systemd/system/hanam-ldap-load.service"}


def render(here: Any, template: str, host: str = "") -> str:
    text: str = here.render("slapd", template, host or here.hosts("webmail")[0])
    return text


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_it_is_served_where_it_is_wanted_and_nowhere_else(environment: Environments, topology: str) -> None:
    here = environment(topology)
    wanted = topology in LABS
    for host in here.hosts("all:!outside"):
        served = wanted and host in here.hosts("webmail")
        opened = "dport 636 " in here.render("base", "nftables.conf.j2", host)
        watched = {row["unit"] for row in here.value("watch", "watch_units", host) if row["here"]}
        assert opened == served == ("hanam-ldap.service" in watched), host
    for host in here.hosts("webmail"):
        rows = files(here, "slapd", host)
        assert all((rows[unit].get("link") == "/dev/null") != wanted for unit in SWITCHED_OFF)
        assert ("absent" in rows["/usr/local/sbin/hanam-ldap-load"]) != wanted
        page = here.render("client_setup", "index.html.j2", host)
        assert ("<code>dc=hanam,dc=gov,dc=vn</code>" in page) == (", cổng <strong>636</strong>" in page) == wanted


def test_the_firewall_and_the_server_know_the_same_readers(environment: Environments) -> None:
    here = environment("lab").with_variables(address_book_ldap_networks=["10.27.0.0/16", "fd27::/16"])
    opened = re.findall(r"saddr (\S+) tcp dport 636 accept", here.render("base", "nftables.conf.j2", "mail"))
    assert opened == ["10.27.0.0/16", "fd27::/16"]
    text = render(here, "slapd.conf.j2")
    assert re.findall(r"^    by (peername\S+) read$", text, re.M) == [
        "peername.ip=10.27.0.0%255.255.0.0",
        "peername.ipv6=fd27::%ffff::",
    ]


def test_nobody_signs_in_and_the_hosts_own_job_alone_writes(environment: Environments) -> None:
    here = environment("lab")
    text = render(here, "slapd.conf.j2")
    assert re.search(r"^disallow bind_simple$", text, re.M)
    writers = set(re.findall(r"^    by (\S+) (?:write|manage)$", text, re.M))
    assert writers == {'dn.exact="gidNumber=5002+uidNumber=5002,cn=peercred,cn=external,cn=auth"'}
    # The last word of each rule.
    assert re.findall(r"^    by \* (\w+)$", text, re.M) == ["none"] * text.count("\naccess to ")
    assert not re.search(r"^(rootdn|rootpw|update|allow)\b", text, re.M)
    assert 'suffix "dc=hanam,dc=gov,dc=vn"' in text
    assert re.search(r"^sizelimit .*\bsize\.hard=100 .*\bsize\.prtotal=hard$", text, re.M)
    assert re.search(r"^loglevel none$", text, re.M)


@pytest.mark.dieu3
def test_it_speaks_tls_from_the_first_octet_by_the_one_set(environment: Environments) -> None:
    here = environment("lab")
    unit, text = render(here, "hanam-ldap.service.j2"), render(here, "slapd.conf.j2")
    (listens,) = re.findall(r'-h "(.*)"', unit)
    assert listens.split() == ["ldaps://:636/", "ldapi://%%2Frun%%2Fhanam-ldap%%2Fsocket"]
    tls = here.value("slapd", "tls_set", "mail")
    assert f"TLSCipherSuite {':'.join([*tls['suites'], *tls['ciphers']])}\n" in text
    assert f"TLSECName {':'.join(tls['groups'])}\n" in text
    assert "TLSProtocolMin 3.3\n" in text


def test_the_job_has_no_network_and_no_database(environment: Environments) -> None:
    unit = render(environment("split"), "hanam-ldap-load.service.j2")
    for line in ("PrivateNetwork=yes", "IPAddressDeny=any", "RestrictAddressFamilies=AF_UNIX", "User=hanam-ldap"):
        assert f"\n{line}\n" in unit
    assert "ReadWritePaths" not in unit
    # What the role directory makes is what it reads.
    here = environment("split")
    host = here.hosts("webmail")[0]
    assert f"{here.value('directory', 'directory_state', host)}/current/entries.json" in unit
