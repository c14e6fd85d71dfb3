"""Foreign domains show their MTA-STS policies as the tests of outgoing mail rely on."""

import http.client
import socket
import ssl
from typing import Any

import dns.message
import dns.query
import pytest

from tests.lab import Lab


def rows(lab: Lab) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in lab.variables["lab_sts_domains"]}


def shown(lab: Lab, domain: str) -> str:
    """The policy as a sender fetches it."""
    name = f"mta-sts.{domain}"
    connection = http.client.HTTPConnection(name, timeout=10)
    plain = socket.create_connection((lab.address("internet"), lab.port("lab_sts")), 10)
    connection.sock = lab.ssl_context.wrap_socket(plain, server_hostname=name)
    connection.request("GET", "/.well-known/mta-sts.txt")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Content-Type")) == (200, "text/plain")
    return answer.read().decode()


def test_a_policy_is_shown_over_verified_tls_or_wrongly_where_that_is_wanted(lab: Lab) -> None:
    for domain, row in rows(lab).items():
        if row.get("false_certificate"):
            with pytest.raises(ssl.SSLCertVerificationError):
                shown(lab, domain)
            continue
        names = [f"mx: {name}" for name in row["allowed"]]
        assert shown(lab, domain).splitlines() == ["version: STSv1", f"mode: {row['mode']}", *names, "max_age: 86400"]


def test_every_domain_says_in_dns_that_it_has_a_policy(lab: Lab) -> None:
    for domain in rows(lab):
        answer = dns.query.udp(dns.message.make_query(f"_mta-sts.{domain}", "TXT"), lab.address("internet"), timeout=5)
        assert "v=STSv1; id=" in answer.answer[0].to_text()


def test_debians_own_web_server_does_not_run(lab: Lab) -> None:
    assert lab.look_at("internet").service("nginx.service").systemd_properties["ActiveState"] == "inactive"
