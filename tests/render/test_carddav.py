"""The address book by CardDAV on the webmail's hosts: who reaches what, and nothing where it is off."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from hanam_mail import carddav_gate
from hanam_mail.host.directory import carddav
from tests.render.conftest import ENVIRONMENTS
from tests.render.role_rows import files

type Environments = Callable[[str], Any]
PLACES = ("/etc/nginx/webmail.d/carddav.conf", "/etc/nginx/conf.d/carddav.conf")
UNITS = "/etc/systemd/system"


def render(here: Any, template: str, host: str = "") -> str:
    text: str = here.render("radicale", template, host or here.hosts("webmail")[0])
    return text


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_where_it_is_off_nothing_leads_to_it_and_nothing_of_it_runs(environment: Environments, topology: str) -> None:
    here = environment(topology).with_variables(book_carddav=False)
    for host in here.hosts("webmail"):
        rows = files(here, "radicale", host)
        assert {place for place, row in rows.items() if not row.get("absent")} == set()
        assert set(PLACES) <= set(rows)
        watched = here.value("watch", "watch_units", host)
        assert [row for row in watched if row["here"] and re.search("carddav|radicale", row["unit"])] == []
        assert "CardDAV" not in here.render("help_pages", "index.html.j2", host)
    (accounts,) = here.hosts("accounts")
    assert here.value("postgresql", "postgresql_settings", accounts)["book_carddav"] is False


def test_it_is_off_until_a_province_wants_it_and_on_in_the_lab(environment: Environments) -> None:
    for topology in ENVIRONMENTS:
        here = environment(topology)
        wanted = here.value("radicale", "radicale_wanted", here.hosts("webmail")[0])
        assert wanted == ("lab" in here.value("radicale", "group_names", here.hosts("webmail")[0]))


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_gate_and_the_job_reach_the_database_encrypted_and_show_no_password(
    environment: Environments, topology: str
) -> None:
    here = environment(topology).with_variables(book_carddav=True)
    (accounts,) = here.hosts("accounts")
    for host in here.hosts("webmail"):
        remote = host != accounts
        gate = json.loads(render(here, "gate.json.j2", host))
        job, unit = render(here, "hanam-carddav.service.j2", host), render(here, "hanam-carddav-gate.service.j2", host)
        assert " user=mail_carddav" in gate["conninfo"]
        assert " user=mail_carddav" in job
        assert ("sslmode=verify-full" in gate["conninfo"]) == ("sslmode=verify-full" in job) == remote
        assert (" password=" in gate["conninfo"]) == remote
        assert ("PrivateNetwork=yes" in job) == ("IPAddressDeny=any" in unit) != remote
        assert carddav_gate.CarddavGateConfiguration(**gate).remembered_seconds == 60
        assert gate["realm"].isascii()
        secret = here.value("radicale", "radicale_conninfo_secret", host)
        rows = files(here, "radicale", host)
        row = rows["/etc/hanam-mail/carddav-gate.json"]
        assert (row["mode"], row["group"], row["secret"]) == ("0640", "hanam-carddav-gate", True)
        row = rows["/etc/hanam-mail/carddav.pgpass"]
        assert row.get("absent") if not remote else (row["mode"], row["secret"]) == ("0600", True)
        if remote:
            assert secret not in job + unit
            assert "mail_carddav" in here.render("postgresql", "pg_hba.conf.j2", accounts)
    identities = here.render("postgresql", "pg_ident.conf.j2", accounts)
    for user in ("hanam-carddav", "hanam-carddav-gate"):
        assert f"hanam  {user}  mail_carddav\n" in identities


def test_radicale_has_no_network_and_no_database_and_cannot_write_cards(environment: Environments) -> None:
    unit = render(environment("split"), "hanam-radicale.service.j2")
    for line in ("PrivateNetwork=yes", "IPAddressDeny=any", "RestrictAddressFamilies=AF_UNIX", "User=hanam-radicale"):
        assert f"\n{line}\n" in unit
    assert "\nReadWritePaths=/var/lib/hanam-radicale\n" in unit
    assert "\nBindReadOnlyPaths=/var/lib/hanam-carddav:/var/lib/hanam-radicale/collection-root\n" in unit
    (hidden,) = re.findall(r"^InaccessiblePaths=(.*)$", unit, re.M)
    assert {"-/run/postgresql", "-/etc/hanam-mail/tls", "-/etc/hanam-mail/carddav-gate.json"} <= set(hidden.split())


def test_nobody_has_a_right_to_write_and_everybody_is_one_to_radicale(environment: Environments) -> None:
    here = environment("lab")
    rights = render(here, "rights.j2")
    assert set(re.findall(r"^permissions: (.*)$", rights, re.M)) == {"R", "r"}
    assert set(re.findall(r"^user: (.*)$", rights, re.M)) == {carddav.PRINCIPAL}
    site = render(here, "page.conf.j2")
    assert f"proxy_set_header X-Remote-User {carddav.PRINCIPAL};" in site
    assert 'proxy_set_header Authorization "";' in site
    assert "calendar" not in re.sub(r"#.*", "", site)


def test_each_request_passes_the_gate_with_the_clients_address(environment: Environments) -> None:
    site = render(environment("lab").with_variables(carddav_path="/thu/dav/"), "page.conf.j2")
    assert set(re.findall(r"location (?:\^~|=) (\S+)", site)) == {
        "/thu/dav/", "/thu/dav/cua", "/.well-known/carddav",
    }  # fmt: skip
    book, gate = (
        site.partition(f"location {place} {{")[2].partition("\n}")[0] for place in ("^~ /thu/dav/", "= /thu/dav/cua")
    )
    assert "auth_request /thu/dav/cua;" in book
    assert "error_page 500 502 504 = @carddav_away;" in book
    assert "X-Script-Name /thu/dav;" in book
    assert "    internal;" in gate
    assert "proxy_set_header X-Real-IP $remote_addr;" in gate
    # One of those that nginx does not overwrite could name somebody else.
    assert "proxy_pass http://unix:/run/hanam-radicale.sock:/;" in book
    zones = re.findall(r"zone=(\w+)", render(environment("lab"), "limit.conf.j2"))
    assert zones == re.findall(r"limit_req zone=(\w+) ", book) == ["carddav"]


def test_help_names_its_address_and_the_password_for_it(environment: Environments) -> None:
    here = environment("lab")
    text = here.render("help_pages", "index.html.j2", here.hosts("webmail")[0])
    for shown in (
        "https://mail.hanam.gov.vn/danh-ba/dav/",
        "CardDAV",
        "DAVx5",
        "Thunderbird",
        "“Đọc danh bạ”",
        'href="#danh-ba"',
    ):
        assert shown in text
