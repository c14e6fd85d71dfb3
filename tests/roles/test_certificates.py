"""Certificates are in place, verify, are renewed, and a failed renewal harms nothing."""

import http.client
import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from functools import partial

import pytest
from cryptography import x509

from tests import journal
from tests.lab import Lab, at_once, wait_for

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


# Group, and the label of the name that its hosts serve.
SERVICES = {"webmail": "mail", "mailstore": "imap", "submission": "smtp", "mx": "mx"}
# What the webmail's hosts serve besides.
WEB = ["mta-sts", "autoconfig", "autodiscover"]


def settings_of(lab: Lab, host: str) -> dict[str, object]:
    """What acme.json would say on a host, for its certificate in use (tests/render compares the real file)."""
    domain = lab.variables["mail_domain"]
    labels = [label for group, label in SERVICES.items() if lab.host(host) in lab.groups[group]]
    return {
        "names": [f"{label}.{domain}" for label in labels + WEB * ("mail" in labels)],
        "directory_url": lab.acme_directory,
        "contact": f"postmaster@{domain}",
        "webroot": lab.variables["acme_webroot"],
        "renew_days": 30,
        "key": f"{PUBLIC}/privkey.pem",
        "public": PUBLIC,
        "group": "ssl-cert",
        "reload": "/usr/local/sbin/hanam-tls-reload",
        "certbot_folder": f"{SCRATCH}/certbot",
    }


@pytest.fixture
def renewal(lab: Lab) -> Iterator[dict[str, object]]:
    """Settings for a renewal in a folder of its own and with an account of its own; nothing is reloaded."""
    settings = settings_of(lab, "mx") | {"public": f"{SCRATCH}/public", "reload": "/bin/true"}
    lab.run("mx", f"mkdir -p {SCRATCH}/public")
    yield settings
    lab.run("mx", f"rm -r {SCRATCH}")


def renew(lab: Lab, settings: dict[str, object], *, host: str = "mx", check: bool = True) -> str:
    lab.run(host, f"cat > {SCRATCH}/acme.json <<'END'\n{json.dumps(settings)}\nEND")
    return lab.run(host, f"hanam-tls-renew {SCRATCH}/acme.json 2>&1", check=check)


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


def test_a_name_that_does_not_lead_here_does_not_keep_the_others_from_being_renewed(
    lab: Lab, renewal: dict[str, object]
) -> None:
    renew(lab, renewal)
    chain = lab.look_at("mx").file(f"{SCRATCH}/public/fullchain.pem")
    before = chain.content
    own = renewal["names"]
    more = renewal | {"names": [*own, "mx.ngoai.example"], "renew_days": 10000}  # type: ignore[misc]
    told = renew(lab, more, check=False)
    assert "installed a new certificate: it ends within 10000 days; for the former names" in told
    assert "It lacks: mx.ngoai.example" in told
    assert chain.content != before
    assert renew(lab, renewal) == "nothing to do\n"


def test_name_that_does_not_lead_here_gets_no_certificate(lab: Lab, renewal: dict[str, object]) -> None:
    renewal["names"] = ["mx.ngoai.example"]
    assert "gave no certificate" in renew(lab, renewal, check=False)
    assert not lab.look_at("mx").file(f"{SCRATCH}/public/fullchain.pem").exists


# Port -> the group that serves it, and what is said before TLS.
SERVED = {
    25: ("mx", "EHLO client.example\r\n", "STARTTLS\r\n"),
    443: ("webmail", "", ""),
    465: ("submission", "", ""),
    587: ("submission", "EHLO client.example\r\n", "STARTTLS\r\n"),
    993: ("mailstore", "", ""),
    995: ("mailstore", "", ""),
    4190: ("mailstore", "", "STARTTLS\r\n"),
}


# Ports for the system's own hosts, and a neighbour that reaches them: from elsewhere the firewall lets nobody in.
# With the others (PostgreSQL, LMTP) it is OpenSSL again, on hosts with the same file; the tunnel speaks TLS 1.3 only.
NEIGHBOURS = {8000: ("backup_repository", "mailstore")}
SPOKEN = {25: "smtp", 587: "smtp", 4190: "sieve"}


def digests(lab: Lab, port: int) -> set[str]:
    """With which of the digests a port signs in TLS 1.2 when a client asks for that one alone."""
    domain = lab.variables["mail_domain"]
    if port in SERVED:
        group = SERVED[port][0]
        place = f"-connect {lab.address(group)}:{port} -servername {SERVICES[group]}.{domain}"
    else:
        group, neighbour = NEIGHBOURS[port]
        place = f"-connect {lab.host(group)}.{domain}:{port}"
    speak = f"-starttls {SPOKEN[port]}" if port in SPOKEN else ""
    found = set()
    for digest in ("SHA1", "SHA224", "SHA256"):
        command = (
            f"openssl s_client {place} {speak} -tls1_2 -cipher ALL:@SECLEVEL=0 -sigalgs ECDSA+{digest}:RSA+{digest}"
        )
        line = f"echo Q | timeout 10 {command} 2>&1"
        if port in SERVED:
            said = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False).stdout
        else:
            said = lab.run(neighbour, line, check=False)
        found |= {digest} if f"Peer signing digest: {digest}\n" in said else set()
    return found


@pytest.mark.dieu3
@pytest.mark.provokes(journal.BAD_CLIENTS)
def test_no_port_signs_with_sha_1_or_sha_224(lab: Lab) -> None:
    ports = [*SERVED, *NEIGHBOURS]
    found = dict(zip(ports, at_once(*(partial(digests, lab, port) for port in ports)), strict=True))
    assert found == {port: {"SHA256"} for port in ports}


def served_serial(lab: Lab, port: int) -> int:
    """Serial number of the certificate that a port shows."""
    group, greeting, starttls = SERVED[port]
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((lab.address(group), port), 10) as plain:
        for line in (greeting, starttls):
            if line:
                time.sleep(0.2)  # Postfix takes offence at a client that does not wait for its turn.
                plain.recv(4096)
                plain.sendall(line.encode())
        if starttls:
            time.sleep(0.2)
            plain.recv(4096)
        name = f"{SERVICES[group]}.{lab.variables['mail_domain']}"
        with context.wrap_socket(plain, server_hostname=name) as link:
            certificate = link.getpeercert(binary_form=True)
    assert certificate
    return x509.load_der_x509_certificate(certificate).serial_number


def installed_serial(lab: Lab, host: str) -> int:
    return int(lab.run(host, f"openssl x509 -in {PUBLIC}/fullchain.pem -noout -serial").partition("=")[2], 16)


def wait_until_served(lab: Lab) -> None:
    """Until each port shows the certificate that lies on its host."""
    for port, (group, *_) in SERVED.items():
        wanted = installed_serial(lab, group)
        wait_for(partial(_serves, lab, port, wanted), f"port {port} showing certificate {wanted:x}")


def _serves(lab: Lab, port: int, wanted: int) -> bool:
    return served_serial(lab, port) == wanted


@pytest.mark.dieu3
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_after_a_renewal_every_port_shows_the_new_certificate(lab: Lab) -> None:
    hosts = sorted({lab.host(group) for group in SERVICES})
    before = {host: installed_serial(lab, host) for host in hosts}
    keep = f"cp -a {PUBLIC}/. {SCRATCH}/before"
    for host in hosts:
        lab.run(host, f"mkdir -p {SCRATCH}/before && {keep}")
    try:
        for host in hosts:
            renew(lab, settings_of(lab, host) | {"renew_days": 10000}, host=host)
            assert installed_serial(lab, host) != before[host]
        wait_until_served(lab)
    finally:
        for host in hosts:
            lab.run(host, f"cp -a {SCRATCH}/before/. {PUBLIC}/ && hanam-tls-reload && rm -r {SCRATCH}")
    assert {host: installed_serial(lab, host) for host in hosts} == before
    wait_until_served(lab)


@pytest.mark.dieu3
def test_a_renewal_left_from_mode_acme_ends_when_the_certificate_is_handed_in(lab: Lab) -> None:
    unit = "/etc/systemd/system/hanam-tls-renew"
    left = [f"{unit}.service", "/etc/hanam-mail/tls/acme.json", "/etc/hanam-mail/tls/acme.key"]
    timer = "[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target"
    lab.run("mx", f"rm -f {unit}.timer && printf '{timer}\n' > {unit}.timer && touch {' '.join(left[1:])}")
    lab.run("mx", f"printf '[Service]\nExecStart=/bin/true\n' > {left[0]} && systemctl daemon-reload")
    lab.run("mx", "systemctl enable --now hanam-tls-renew.timer")
    done = lab.play("site.yml", "--tags", "certificates", "--limit", lab.host("mx"))
    assert done.returncode == 0, done.stdout[-3000:]
    stopped = lab.look_at("mx").service("hanam-tls-renew.timer")
    assert (stopped.systemd_properties["ActiveState"], stopped.is_masked) == ("inactive", True)
    assert (
        lab.run("mx", f"ls {' '.join(left)} /etc/systemd/system/timers.target.wants/", check=False).find("tls-renew")
        < 0
    )
