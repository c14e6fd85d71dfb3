"""Postfix, the filter and the quarantine find each other, and nobody else comes in between (Đ3.3)."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from hanam_mail.controller.keys import pki
from hanam_mail.host.database import roles
from hanam_mail.host.quarantine import dialogue, letter
from hanam_mail.host.quarantine.service import AT_ONCE, QuarantineSettings
from tests.render.conftest import ENVIRONMENTS

pytestmark = pytest.mark.dieu3

type Environments = Callable[[str], Any]


def settings(there: Any, tmp_path: Any) -> QuarantineSettings:
    """As the service reads them."""
    (host,) = there.hosts("quarantine")
    path = tmp_path / "quarantine.json"
    path.write_text(there.render("quarantine", "quarantine.json.j2", host))
    return QuarantineSettings.read(path)


def services(there: Any, host: str) -> dict[str, dict[str, str]]:
    """Of master.cf: each service's own settings by name."""
    found: dict[str, dict[str, str]] = {}
    name = ""
    for line in there.render("postfix", "master.cf.j2", host).splitlines():
        if line.startswith("    -o "):
            key, _, value = line.removeprefix("    -o ").partition("=")
            found[name][key] = value
        elif line and not line.startswith("#"):
            name = line.split()[0]
            found[name] = {}
    return found


def names_of(there: Any, host: str) -> set[str]:
    return set(pki.certificate_names(there.value("certificates", "certificates_internal_certificate", host)))


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_what_is_held_goes_whole_to_the_host_that_keeps_it_by_tls_that_both_sides_prove(
    environment: Environments, topology: str, tmp_path: Any
) -> None:
    there = environment(topology)
    (keeper,) = there.hosts("quarantine")
    assert keeper in there.hosts("accounts")
    serves = settings(there, tmp_path)
    for host in there.hosts("mx:submission"):
        checks = there.render("postfix", "milter-header-checks.j2", host)
        ((field, name, port),) = re.findall(r"^/(\S+)/ FILTER quarantine:inet:([^:]+):(\d+)$", checks, re.M)
        assert re.match(field, "X-Hanam-Hold: secrecy x")
        assert not re.match(field, "X-Hanam-Holding: x")
        assert name in names_of(there, keeper)
        assert int(port) == serves.port
        mine = services(there, host)["quarantine"]
        assert mine["lmtp_tls_secure_cert_match"] == name
        assert (mine["lmtp_tls_security_level"], mine["lmtp_tls_wrappermode"]) == ("secure", "yes")
        # Without the queue's number the same message would be two.
        assert mine["lmtp_send_xforward_command"] == "yes"
        assert names_of(there, host) & set(serves.clients), host
        main = there.render("postfix", "main.cf.j2", host)
        assert "\nquarantine_destination_recipient_limit = 0\n" in main
        assert "\nmilter_header_checks = regexp:$config_directory/milter-header-checks\n" in main
        limit = int(re.findall(r"^message_size_limit = (\d+)$", main, re.M)[0])
        assert serves.octets > limit
        assert dialogue.SessionLimits(1).recipients >= there.value("postfix", "postfix_recipient_limit", host)
        at_once = re.findall(r"^quarantine +unix .* (\d+) +lmtp$", there.render("postfix", "master.cf.j2", host), re.M)
        assert int(at_once[0]) * len(there.hosts("mx:submission")) <= AT_ONCE
    others = set().union(*(names_of(there, host) for host in there.hosts("all:!outside:!mx:!submission")), set())
    assert not others & set(serves.clients)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_what_is_let_go_comes_back_by_a_door_for_that_hosts_certificate_alone(
    environment: Environments, topology: str, tmp_path: Any
) -> None:
    there = environment(topology)
    (keeper,) = there.hosts("quarantine")
    serves = settings(there, tmp_path)
    port = there.value("postfix", "port_numbers.released", keeper)
    for host in there.hosts("submission"):
        assert [each for each in serves.servers if each.rpartition(":")[0] in names_of(there, host)]
        door = services(there, host)[str(port)]
        assert {each.rpartition(":")[2] for each in serves.servers} == {str(port)}
        assert door["milter_macro_daemon_name"] == "RELEASED"
        assert (door["smtpd_tls_wrappermode"], door["smtpd_tls_req_ccert"]) == ("yes", "yes")
        assert door["smtpd_client_restrictions"] == door["smtpd_relay_restrictions"] == "$released_rules"
        # The filter looks at it as at any other: nothing here turns it off.
        assert not {"smtpd_milters", "receive_override_options", "content_filter"} & door.keys()
        # What shows at the door is what the quarantine asks for.
        assert door["smtpd_tls_chain_files"].split(",")[1] == there.value("postfix", "internal_certificate", host)
        main = there.render("postfix", "main.cf.j2", host)
        (rules,) = re.findall(r"^released_rules = (.*)$", main, re.M)
        mark = pki.fingerprint(there.value("certificates", "certificates_internal_certificate", keeper))
        assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", mark)
        assert rules == f"check_ccert_access inline:{{ {{ {mark} = OK }} }}, reject"


def test_a_host_that_takes_no_mail_of_our_people_has_no_such_door(environment: Environments) -> None:
    split = environment("split")
    apart = split.with_variables(postfix_submission=False)
    (host,) = split.hosts("mx")
    assert "released" not in apart.render("postfix", "master.cf.j2", host)
    assert "released_rules" not in apart.render("postfix", "main.cf.j2", host)
    bare = split.with_variables(postfix_quarantine="", postfix_milters=[])
    assert "quarantine" not in bare.render("postfix", "master.cf.j2", host)
    assert "FILTER" not in bare.render("postfix", "milter-header-checks.j2", host)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_filters_field_is_taken_out_of_whatever_comes_in(environment: Environments, topology: str) -> None:
    """Whoever writes it himself holds nothing, and chooses no kind."""
    there = environment(topology)
    field = letter.FIELD.decode()
    for host in there.hosts("mx:submission"):
        main = there.render("postfix", "main.cf.j2", host)
        # Postfix takes the last of several settings of one name, and the deployment refuses its warning.
        names = re.findall(r"^([a-z_]+) =", main, re.M)
        assert len(names) == len(set(names)), "a setting that stands twice"
        (every,) = re.findall(r"^header_checks = regexp:\{ \{/(.*)/ IGNORE\} \}$", main, re.M)
        ours = re.findall(r"^/(.*)/ IGNORE$", there.render("postfix", "submission-header-checks.j2", host), re.M)
        for patterns in ([every], ours):
            expressions = [re.compile(each.replace("[:space:]", r"\s"), re.I) for each in patterns]
            for written in (f"{field}: x", f"{field.upper()} : x", f"{field}\t:x"):
                assert any(each.match(written) for each in expressions), written
        (cleanup,) = (options for name, options in services(there, host).items() if name == "submission-cleanup")
        assert "milter_header_checks" not in cleanup, "the same for all"


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_service_is_let_into_the_database_as_its_own_role_and_reaches_our_hosts_alone(
    environment: Environments, topology: str, tmp_path: Any
) -> None:
    there = environment(topology)
    (host,) = there.hosts("quarantine")
    serves = settings(there, tmp_path)
    unit = there.render("quarantine", "hanam-quarantine.service.j2", host)
    (user,) = re.findall(r"^User=(.*)$", unit, re.M)
    (role,) = re.findall(r"user=(\w+)", serves.dsn)
    assert f"hanam  {user}  {role}\n" in there.render("postgresql", "pg_ident.conf.j2", host)
    assert role in {each.name for each in roles.ROLES}
    # It comes by the socket: no password of it exists, and no other host is let in by it.
    assert role not in there.value("postgresql", "postgresql_passwords", host)
    assert role not in there.render("postgresql", "pg_hba.conf.j2", host)
    (allowed,) = re.findall(r"^IPAddressAllow=(.*)$", unit, re.M)
    assert re.findall(r"^IPAddressDeny=(.*)$", unit, re.M) == ["any"]
    for neighbour in there.hosts("mx:submission"):
        assert there.value("base", "host_ipv4", neighbour) in allowed.split()
    for stranger in there.hosts("outside"):
        assert there.value("base", "host_ipv4", stranger) not in allowed.split()
    (folder,) = re.findall(r"^ReadWritePaths=(.*)$", unit, re.M)
    assert folder == serves.folder
    assert serves.folder in there.value("restic_client", "restic_client_paths", host)
    assert "hanam-quarantine.service" in there.value("certificates", "certificates_reload_units", host)


def test_the_settings_hold_no_secret(environment: Environments) -> None:
    there = environment("split")
    (host,) = there.hosts("quarantine")
    text = json.dumps(json.loads(there.render("quarantine", "quarantine.json.j2", host)))
    for secret in there.value("postgresql", "vault_database_passwords", host).values():
        assert secret not in text
