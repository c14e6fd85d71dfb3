"""Certificates are in place, verify, are renewed, and a failed renewal harms nothing."""

import http.client
import json
import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.lab import Lab

PUBLIC = "/etc/hanam-mail/tls/public"
INTERNAL = "/etc/hanam-mail/tls/internal"
SCRATCH = "/root/tls-test"


def get(lab: Lab, path: str, host: str, *, tls: bool) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(lab.address("webmail"), 80, timeout=10)
    if tls:
        plain = socket.create_connection((lab.address("webmail"), 443), 10)
        connection.sock = lab.ssl_context.wrap_socket(plain, server_hostname=host)
    connection.request("GET", path, headers={"Host": host})
    return connection.getresponse()


@pytest.mark.dieu3
def test_sts_policy_names_the_mx_over_verified_tls(lab: Lab) -> None:
    answer = get(lab, "/.well-known/mta-sts.txt", "mta-sts.hanam.gov.vn", tls=True)
    assert answer.status == 200
    assert answer.getheader("Content-Type", "").startswith("text/plain")
    assert answer.read().decode().splitlines()[:3] == [
        "version: STSv1",
        "mode: enforce",
        "mx: mx.hanam.gov.vn",
    ]


@pytest.mark.dieu3
def test_clear_text_is_sent_to_https(lab: Lab) -> None:
    answer = get(lab, "/thu?x=1", "mail.hanam.gov.vn", tls=False)
    assert answer.status == 301
    assert answer.getheader("Location") == "https://mail.hanam.gov.vn/thu?x=1"


def test_unknown_name_is_shown_no_certificate(lab: Lab) -> None:
    with pytest.raises(ssl.SSLError):
        get(lab, "/", "khongco.hanam.gov.vn", tls=True)


def test_challenges_are_shown_in_clear_text(lab: Lab) -> None:
    folder = "/var/lib/acme/webroot/.well-known/acme-challenge"
    lab.run("webmail", f"echo reply > {folder}/probe")
    try:
        answer = get(lab, "/.well-known/acme-challenge/probe", "mail.hanam.gov.vn", tls=False)
        assert (answer.status, answer.read()) == (200, b"reply\n")
    finally:
        lab.run("webmail", f"rm {folder}/probe")


def test_private_keys_are_closed_to_others(lab: Lab) -> None:
    shown = lab.run("mx", f"stat -c '%U %G %a' {PUBLIC}/privkey.pem {INTERNAL}/key.pem")
    assert set(shown.splitlines()) == {"root ssl-cert 640"}


def test_internal_certificate_serves_and_calls_under_the_hosts_name(lab: Lab) -> None:
    for group in ("mx", "mailstore", "accounts", "internet"):
        name = f"{lab.host(group)}.hanam.gov.vn"
        for purpose in ("sslserver", "sslclient"):
            lab.run(
                group,
                f"openssl verify -x509_strict -purpose {purpose} -verify_hostname {name}"
                f" -CAfile {INTERNAL}/ca.pem {INTERNAL}/cert.pem",
            )


@pytest.fixture
def renewal(lab: Lab) -> Iterator[dict[str, object]]:
    """The host's own settings for renewal, in a folder of their own and with an account of their own."""
    settings = json.loads(lab.run("mx", "cat /etc/hanam-mail/tls/acme.json"))
    settings |= {
        "key": f"{PUBLIC}/privkey.pem",
        "public": f"{SCRATCH}/public",
        "certbot_folder": f"{SCRATCH}/certbot",
        "reload": "/bin/true",
    }
    lab.run("mx", f"mkdir -p {SCRATCH}/public")
    yield settings
    lab.run("mx", f"rm -r {SCRATCH}")


def renew(lab: Lab, settings: dict[str, object], *, check: bool = True) -> str:
    lab.run("mx", f"cat > {SCRATCH}/acme.json <<'END'\n{json.dumps(settings)}\nEND")
    return lab.run("mx", f"hanam-tls-renew {SCRATCH}/acme.json 2>&1", check=check)


@pytest.mark.dieu3
def test_certificate_is_obtained_once_and_again_when_names_change(lab: Lab, renewal: dict[str, object]) -> None:
    assert "there is none" in renew(lab, renewal)
    assert renew(lab, renewal) == "nothing to do\n"
    renewal["names"] = renewal["names"][:-1]  # type: ignore[index]
    assert "the names were changed" in renew(lab, renewal)
    # The key stayed, so the TLSA record in DNS still tells the truth.
    lab.run("mx", f"cmp {SCRATCH}/public/privkey.pem {PUBLIC}/privkey.pem")


def test_certificate_near_its_end_is_renewed(lab: Lab, renewal: dict[str, object]) -> None:
    renew(lab, renewal)
    renewal["renew_days"] = 10000
    assert "it ends within 10000 days" in renew(lab, renewal)


def test_failed_renewal_leaves_the_old_pair(lab: Lab, renewal: dict[str, object]) -> None:
    renew(lab, renewal)
    before = lab.run("mx", f"sha256sum {SCRATCH}/public/*")
    renewal |= {"renew_days": 10000, "directory_url": "https://acme.example:14000/khongco"}
    told = renew(lab, renewal, check=False)
    assert "https://acme.example:14000/khongco gave no certificate" in told
    assert lab.run("mx", f"sha256sum {SCRATCH}/public/*") == before


def test_name_that_does_not_lead_here_gets_no_certificate(lab: Lab, renewal: dict[str, object]) -> None:
    renewal["names"] = ["mx.ngoai.example"]
    assert "gave no certificate" in renew(lab, renewal, check=False)
    lab.run("mx", f"test ! -e {SCRATCH}/public/fullchain.pem")
