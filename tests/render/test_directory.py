"""The public directory on the webmail's hosts (Đ11.5): what nginx shows, what the programs may reach."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.host.directory import pages
from tests.render.conftest import ENVIRONMENTS, ROOT
from tests.render.role_rows import files

pytestmark = pytest.mark.dieu11

Environments = Callable[[str], Any]
STATE = "/var/lib/hanam-directory"


def render(here: Any, template: str, host: str = "") -> str:
    text: str = here.render("directory", template, host or here.hosts("webmail")[0])
    return text


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_pages_are_told_what_they_read(environment: Environments, topology: str) -> None:
    here = environment(topology)
    for host in here.hosts("webmail"):
        site = pages.DirectorySite.read(render(here, "site.json.j2", host).encode())
        assert set(site.support) == {"name", "phone", "email"}
        assert site.path.startswith("/")
        assert site.path.endswith("/")
        assert "27/2023/QĐ-UBND" in site.ground or topology == "staging"


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_maker_reaches_the_database_as_a_role_of_its_own_and_shows_no_password(
    environment: Environments, topology: str
) -> None:
    here = environment(topology)
    accounts = here.hosts("accounts")
    for host in here.hosts("webmail"):
        unit = render(here, "hanam-directory.service.j2", host)
        remote = host not in accounts
        assert " user=mail_directory" in unit
        assert ("sslmode=verify-full" in unit) == remote
        assert ("PrivateNetwork=yes" in unit) != remote
        password = here.value("directory", "directory_conninfo_secret", host)
        assert bool(password) == remote
        if remote:
            row = files(here, "directory", host)["/etc/hanam-mail/directory/pgpass"]
            assert (row["mode"], row["owner"], row["secret"]) == ("0600", "hanam-directory", True)
            assert render(here, "pgpass.j2", host).rstrip().endswith(f"*:*:*:*:{password}")
            assert password not in unit
    hba = here.render("postgresql", "pg_hba.conf.j2", accounts[0])
    assert ("mail_directory" in hba) == (here.hosts("webmail") != accounts[:1])
    assert "hanam  hanam-directory  mail_directory\n" in here.render("postgresql", "pg_ident.conf.j2", accounts[0])


def test_the_search_reaches_nothing_but_the_directory(environment: Environments) -> None:
    unit = render(environment("split"), "hanam-directory-search.service.j2")
    for line in ("DynamicUser=yes", "PrivateNetwork=yes", "IPAddressDeny=any", "RestrictAddressFamilies=AF_UNIX"):
        assert f"\n{line}\n" in unit
    assert "ReadWritePaths" not in unit
    (hidden,) = re.findall(r"^InaccessiblePaths=(.*)$", unit, re.M)
    assert {"-/run/postgresql", "-/etc/hanam-mail/directory/pgpass", "-/etc/hanam-mail/tls"} <= set(hidden.split())


def test_nginx_shows_the_public_part_of_the_newest_directory_alone(environment: Environments) -> None:
    site = render(environment("lab"), "page.conf.j2")
    assert re.findall(r"alias (\S+);", site) == [f"{STATE}/current/public/", "/etc/hanam-mail/directory/style/"]
    assert "proxy_pass http://unix:/run/hanam-directory-search.sock;" in site
    # What the program and nginx call each page is the same.
    for name in (f"{pages.BUSY}.html", f"{pages.MISSING}.html"):
        assert f"/danh-ba/{name}" in site
    assert f"location = /danh-ba/{pages.SEARCH} {{" in site


def test_no_script_runs_and_nothing_comes_from_elsewhere(environment: Environments) -> None:
    site = render(environment("lab"), "page.conf.j2")
    (policy,) = re.findall(r'add_header Content-Security-Policy "(.*)" always;', site)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "http" not in policy
    # The search inherits them, as long as it adds none of its own.
    assert site.count("add_header") == 1


def test_style_sheets_are_files_of_ours_that_load_nothing(environment: Environments) -> None:
    rows = files(environment("lab"), "directory", "mail")
    styles = [row for place, row in rows.items() if place.startswith("/etc/hanam-mail/directory/style/")]
    assert styles
    for row in styles:
        path = Path(row["file"])
        text = (path if path.is_absolute() else ROOT / "roles/directory/files" / path).read_text()
        assert not re.search(r"url\(|@import", text)


def test_the_pages_take_the_look_of_the_site(environment: Environments) -> None:
    site = pages.DirectorySite.read(
        render(environment("lab").with_variables(look_path="/xem/"), "site.json.j2").encode()
    )
    assert list(site.styles) == ["/xem/look.css", "/danh-ba/tinh/directory.css"]
    assert site.emblem == "/xem/emblem.svg"


def test_one_address_has_a_limit_and_the_provinces_own_networks_have_none(environment: Environments) -> None:
    here = environment("lab").with_variables(guessing_province_networks=["203.0.113.0/29", "2001:db8:7::/48"])
    limits, site = render(here, "limits.conf.j2"), render(here, "page.conf.j2")
    assert "    203.0.113.0/29 1;\n    2001:db8:7::/48 1;\n" in limits
    zones = dict(re.findall(r"zone=(\w+):2m rate=(\d+)r/s;", limits))
    assert set(zones) == set(re.findall(r"limit_req zone=(\w+) ", site)) == {"directory_pages", "directory_searches"}
    # A style sheet is no page: it must not use up what pages may.
    assert "limit_req" not in site.rpartition("location ^~ /danh-ba/tinh/")[2]


def test_the_timer_comes_every_two_minutes_and_at_once_after_a_deployment(environment: Environments) -> None:
    timer = render(environment("lab"), "hanam-directory.timer.j2")
    assert "\nOnCalendar=*:0/2\n" in timer
    assert "\nOnActiveSec=1s\n" in timer
    for place, row in files(environment("lab"), "directory", "mail").items():
        if place.endswith(("/hanam-directory", "/site.json", "/hanam-directory.service")):
            assert "Restart hanam-directory.timer" in json.dumps(row["notify"])


def test_another_path_moves_all_of_it(environment: Environments) -> None:
    here = environment("lab").with_variables(public_directory_path="/thu/danh-ba/")
    site = render(here, "page.conf.j2")
    assert set(re.findall(r"location (?:\^~|=) (\S+)", site)) == {
        "/thu/danh-ba/", "/thu/danh-ba/tim", "/thu/danh-ba/tinh/", "/thu/danh-ba",
    }  # fmt: skip
    assert pages.DirectorySite.read(render(here, "site.json.j2").encode()).path == "/thu/danh-ba/"
