"""Whoever reports of us finds an address, and what comes there finds its reader and no way back (Đ10.2)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from hanam_mail.host.mail_auth import dmarc_record
from hanam_mail.host.reports import incoming_letter
from tests.render.conftest import ENVIRONMENTS
from tests.render.role_rows import files, plays, rows

pytestmark = pytest.mark.dieu10

type Environments = Callable[[str], Any]


def addresses(there: Any) -> list[str]:
    """As DNS names them."""
    host = there.hosts("mx")[0]
    records = {record["name"]: record["data"] for record in there.value("base", "dns_records", host)}
    found = [re.search(r"rua=mailto:([^\s;\"]+)", records[name]) for name in ("_dmarc", "_smtp._tls")]
    return [match[1] for match in found if match]


@pytest.mark.dieu4
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_whoever_plays_us_is_to_be_refused_everywhere(environment: Environments, topology: str) -> None:
    """The domain, names below it and names that do not exist; all of it at once, and as the standard writes it now."""
    there = environment(topology)
    host = there.hosts("mx")[0]
    (text,) = (
        "".join(re.findall(r'"([^"]*)"', record["data"]))
        for record in there.value("base", "dns_records", host)
        if record["name"] == "_dmarc"
    )
    domain = there.value("base", "mail_domain", host)
    assert dmarc_record.read(domain, text) == dmarc_record.DmarcRecord(
        domain,
        policies={"p": "reject", "sp": "reject", "np": "reject"},
        usable=True,
        testing=False,
        psd="n",
        exact_dkim=True,
        exact_spf=True,
        reports=(f"mailto:{there.value('base', 'report_addresses.dmarc', host)}",),
    )
    # RFC 9989 knows no such tag; who reads the older standard would let the rest pass.
    assert not re.search(r";\s*pct\s*=", text)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_what_dns_names_is_laid_down_on_every_host_that_takes_mail(environment: Environments, topology: str) -> None:
    there = environment(topology)
    named = addresses(there)
    assert len(named) == 2
    for host in there.hosts("mx"):
        table = there.render("postfix", "report-addresses.j2", host)
        assert re.findall(r"^(\S+@\S+) mail/$", table, re.M) == named
        main = there.render("postfix", "main.cf.j2", host)
        (transports,) = re.findall(r"^transport_maps = inline:{(.*)}$", main, re.M)
        assert re.findall(r"{ (\S+) = reports: }", transports) == named
        (maps,) = re.findall(r"^virtual_mailbox_maps =(.*)$", main, re.M)
        # Before the database, which need not be there for it.
        assert maps.split()[0] == "texthash:$config_directory/report-addresses"
        rules = there.render("rspamd", "report_mail.lua.j2", host)
        assert re.findall(r'^  \["(\S+)"\] = true,$', rules, re.M) == named


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_nobody_may_have_such_an_address(environment: Environments, topology: str) -> None:
    there = environment(topology)
    host = there.hosts("mx")[0]
    reserved = there.value("base", "regulation_naming.reserved_local_parts.values() | flatten", host)
    assert {address.partition("@")[0] for address in addresses(there)} <= set(reserved)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_postfix_lays_letters_where_the_reader_looks_as_the_readers_user(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    for host in there.hosts("mx"):
        master = there.render("postfix", "master.cf.j2", host)
        (service,) = re.findall(r"^reports .* virtual\n((?:    -o .*\n)+)", master, re.M)
        given = dict(re.findall(r"-o (\w+)=(\S+)", service))
        folder = given["virtual_mailbox_base"] + "/mail"
        reader = there.render("report_intake", "hanam-reports-read.service.j2", host)
        assert re.findall(r"^ExecStart=\S+ (\S+) ", reader, re.M) == [folder]
        made = {row["path"]: row for row in rows(there, "report_intake", host, "folders")}
        own = {path for path, row in made.items() if (row.get("owner"), row.get("mode")) == ("hanam-reports", "0700")}
        assert {f"{folder}/{name}" for name in ("new", "cur", "tmp")} <= own
        number = there.value("report_intake", "report_intake_uid", host)
        assert given["virtual_uid_maps"] == given["virtual_gid_maps"] == f"static:{number}"
        unit = there.render("postfix", "unit.conf.j2", host)
        (writable,) = re.findall(r"^ReadWritePaths=(.*)$", unit, re.M)
        assert given["virtual_mailbox_base"] in writable.split()


def test_the_folder_is_there_before_postfix_is_started_with_it() -> None:
    order = [role for _, role in plays()]
    assert order.index("report_intake") < order.index("postfix")


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_who_reads_strangers_letters_has_no_network_and_who_speaks_to_the_database_no_letters(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    for host in there.hosts("mx"):
        reader = there.render("report_intake", "hanam-reports-read.service.j2", host)
        loader = there.render("report_intake", "hanam-reports-load.service.j2", host)
        for setting in (
            "PrivateNetwork=yes",
            "IPAddressDeny=any",
            "RestrictAddressFamilies=AF_UNIX",
            "User=hanam-reports",
        ):
            assert f"\n{setting}\n" in reader, setting
        (hidden,) = re.findall(r"^InaccessiblePaths=(.*)$", reader, re.M)
        remote = there.value("report_intake", "_report_intake_remote", host)
        passfile = there.value("report_intake", "_report_intake_passfile", host)
        assert {"-/run/postgresql", "-/etc/hanam-mail", f"-{passfile}"} <= set(hidden.split())
        assert "-/var/spool" in re.findall(r"^InaccessiblePaths=(.*)$", loader, re.M)[0].split()
        assert ("\nPrivateNetwork=yes\n" in loader) == (not remote)
        password = there.value("report_intake", "report_intake_conninfo_secret", host)
        assert bool(password) == remote == (host not in there.hosts("accounts"))
        if remote:
            row = files(there, "report_intake", host)[passfile]
            assert (row["mode"], row["owner"], row["secret"]) == ("0600", "hanam-reports", True)
            assert there.render("report_intake", "pgpass.j2", host).rstrip().endswith(f"*:*:*:*:{password}")
            assert password not in loader
            assert "sslmode=verify-full" in loader


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_database_knows_our_own_senders_and_who_brings_reports(environment: Environments, topology: str) -> None:
    there = environment(topology)
    accounts = there.hosts("accounts")[0]
    known = there.value("postgresql", "postgresql_settings", accounts)["reports_own_hosts"]
    (sender,) = [
        record["data"] for record in there.value("base", "dns_records", accounts)
        if record["name"] == "@" and "v=spf1" in record["data"]
    ]  # fmt: skip
    assert set(known) == set(re.findall(r"ip[46]:(\S+)", sender.replace('"', " ")))
    assert set(known.values()) == {*there.hosts("mx"), *there.hosts("submission")}
    hba = there.render("postgresql", "pg_hba.conf.j2", accounts)
    assert ("mail_intake" in hba) == (there.hosts("mx") != [accounts])
    assert "hanam  hanam-reports  mail_intake\n" in there.render("postgresql", "pg_ident.conf.j2", accounts)


def test_the_filter_marks_as_the_reader_reads_and_postfix_takes_strangers_marks_away(environment: Environments) -> None:
    there = environment("lab")
    (host,) = there.hosts("mx")
    rules = there.render("rspamd", "report_mail.lua.j2", host)
    assert f'["{incoming_letter.MARK}"]' in rules
    assert f'proven and "{incoming_letter.PROVEN}" or' in rules
    assert 'change_from = all and "<>" or nil' in rules
    main = there.render("postfix", "main.cf.j2", host)
    (pattern,) = re.findall(r"^header_checks = regexp:{ {/(.*)/ IGNORE} }$", main, re.M)
    written = pattern.replace("[[:space:]]", r"\s")
    assert re.match(written, f"{incoming_letter.MARK}:", re.I)
    assert re.match(written, f"{incoming_letter.MARK.lower()} :", re.I)
