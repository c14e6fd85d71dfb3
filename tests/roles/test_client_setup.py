"""What mail programs ask when they know an address alone, by the names of DNS; with the answers one signs in."""

import base64
import http.client
import imaplib
import plistlib
import poplib
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import dns.resolver
import pytest
from cryptography import x509
from testinfra.host import Host

from tests import journal
from tests.delegation import Delegation
from tests.lab import TIMEOUT, Lab, Sample, message, wait_for
from tests.render.test_client_setup import OUTLOOK, Page, tree
from tests.roles.test_certificates import PUBLIC, SCRATCH, installed_serial, renew, settings_of, wait_until_served
from tests.system.test_convergence import changed

CONFIG = "/mail/config-v1.1.xml"
PAGE = "https://mail.{domain}/cai-dat/"
PROFILE = f"{PAGE}thu-cong-vu.mobileconfig"
UNIT = "hanam-client-setup.service"


class Client:
    """A program outside whose resolver and authorities are the lab's; it knows an address and nothing else."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.domain: str = lab.variables["mail_domain"]
        self.context = lab.ssl_context
        self.resolver = dns.resolver.Resolver(configure=False)
        self.resolver.nameservers = [lab.address("internet")]

    def records(self, name: str, kind: str) -> list[str]:
        return sorted(record.to_text() for record in self.resolver.resolve(f"{name}.{self.domain}".lstrip("."), kind))

    def ask(self, url: str, body: str | None = None, **headers: str) -> http.client.HTTPResponse:
        """The answer, after a redirect where there is one; a body is posted as Outlook does."""
        place = urlsplit(url.format(domain=self.domain))
        name = place.hostname or ""
        connection: http.client.HTTPConnection
        if place.scheme == "https":
            connection = http.client.HTTPSConnection(name, timeout=TIMEOUT, context=self.context)
        else:
            connection = http.client.HTTPConnection(name, timeout=TIMEOUT)
        given = {"Content-Type": "text/xml; charset=utf-8"} if body else {}
        path = f"{place.path}?{place.query}".rstrip("?")
        connection.request("POST" if body else "GET", path, body.encode() if body else None, given | headers)
        answer = connection.getresponse()
        if answer.status in (301, 302):
            to = answer.headers["Location"]
            assert to.startswith("https://")
            return self.ask(to)
        return answer

    def imap(self, name: str, port: int, login: str, password: str) -> None:
        with imaplib.IMAP4_SSL(name, port, ssl_context=self.context, timeout=TIMEOUT) as session:
            session.login(login, password)
            assert session.select("INBOX", readonly=True)[0] == "OK"

    def pop3(self, name: str, port: int, login: str, password: str) -> None:
        session = poplib.POP3_SSL(name, port, context=self.context, timeout=TIMEOUT)
        session.user(login)
        session.pass_(password)
        session.quit()

    def smtp(self, name: str, port: int, security: str, login: str, password: str, address: str = "") -> None:
        """Sign in and write from the address, the login's own where none is given, to itself."""
        session: smtplib.SMTP
        if security == "SSL":
            session = smtplib.SMTP_SSL(name, port, context=self.context, timeout=TIMEOUT)
        else:
            session = smtplib.SMTP(name, port, timeout=TIMEOUT)
            session.starttls(context=self.context)
        with session:
            session.login(login, password)
            address = address or f"{login.partition('@')[0]}@{self.domain}"
            assert session.send_message(message(address, address)) == {}


@pytest.fixture
def client(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client(lab)
    real = socket.getaddrinfo

    def look_up(host: Any, *more: Any, **named: Any) -> Any:
        if str(host).endswith(f".{made.domain}"):
            host = made.resolver.resolve(host, "A")[0].to_text()
        return real(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return made


# --- Thunderbird ---


def autoconfig_urls(client: Client) -> list[str]:
    """Where Thunderbird looks: by the domain, first with TLS, and by the domain of its MX.

    The lab's DNS has nobody else's domain whose mail we take. What is asked for one is made of our own MX: that shows
    that the name which stands there leads to the settings, whatever address is asked about, and no more.
    """
    (mx,) = client.records("", "MX")
    by_mx = mx.split()[1].rstrip(".").partition(".")[2]
    return [
        f"https://autoconfig.{client.domain}{CONFIG}?emailaddress=a%40{client.domain}",
        f"http://autoconfig.{client.domain}{CONFIG}?emailaddress=a%40{client.domain}",
        f"https://autoconfig.{by_mx}{CONFIG}?emailaddress=a%40khac.example",
        f"https://autoconfig.{client.domain}/.well-known/autoconfig{CONFIG}",
        f"https://mail.{client.domain}/.well-known/autoconfig{CONFIG}",
    ]


@pytest.mark.neighbours
@pytest.mark.dieu3
def test_thunderbird_finds_the_settings_by_domain_and_by_mx(client: Client) -> None:
    found = set()
    for url in autoconfig_urls(client):
        answer = client.ask(url)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
        found.add(answer.read())
    assert len(found) == 1


@pytest.mark.neighbours
@pytest.mark.dieu3
def test_one_signs_in_with_each_server_that_thunderbird_is_told(client: Client, person: Sample) -> None:
    root = tree(client.ask(autoconfig_urls(client)[0]).read())
    kinds = []
    for server in root.findall("emailProvider/*[hostname]"):
        values = {child.tag: child.text or "" for child in server}
        login = values["username"].replace("%EMAILADDRESS%", person.address)
        name, port = values["hostname"], int(values["port"])
        kinds.append((server.attrib["type"], values["socketType"]))
        if server.attrib["type"] == "smtp":
            client.smtp(name, port, values["socketType"], login, person.password)
        else:
            getattr(client, server.attrib["type"])(name, port, login, person.password)
    assert kinds == [("imap", "SSL"), ("pop3", "SSL"), ("smtp", "SSL"), ("smtp", "STARTTLS")]


@pytest.mark.neighbours
@pytest.mark.dieu9
def test_a_clerk_gets_into_the_agencys_mailbox_with_what_the_page_tells(client: Client, delegation: Delegation) -> None:
    table = Page(client.ask(PAGE).read().decode()).rows[1:]
    for service, name, port, security in table:
        server = (name, int(port))
        if "SMTP" in service:
            kind = "SSL" if security == "SSL/TLS" else security
            client.smtp(*server, kind, delegation.login, delegation.clerk.password, delegation.agency)
        else:
            way = client.imap if "IMAP)" in service else client.pop3
            way(*server, delegation.login, delegation.clerk.password)
    assert len(table) == 4


# --- Outlook ---

DISCOVER = "https://autodiscover.{domain}/autodiscover/autodiscover.xml"


def question(address: str) -> str:
    """What Outlook sends (MS-OXDSCLI 4.2.1)."""
    place = "http://schemas.microsoft.com/exchange/autodiscover/outlook"
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{place}/requestschema/2006"><Request>'
        f"<EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>{place}/responseschema/2006a"
        "</AcceptableResponseSchema></Request></Autodiscover>"
    )


def protocols(answer: http.client.HTTPResponse) -> dict[str, dict[str, str]]:
    """Settings by protocol."""
    root = tree(answer.read())
    found = root.findall(f"{OUTLOOK}Response/{OUTLOOK}Account/{OUTLOOK}Protocol")
    told = [{child.tag.removeprefix(OUTLOOK): child.text or "" for child in protocol} for protocol in found]
    return {each["Type"]: each for each in told}


@pytest.mark.neighbours
@pytest.mark.dieu3
def test_outlook_is_told_servers_that_let_it_in_by_the_local_part_and_by_the_address(
    client: Client, person: Sample
) -> None:
    for url in (DISCOVER, DISCOVER.replace("/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml")):
        answer = client.ask(url, question(person.address))
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
        told = protocols(answer)
        assert set(told) == {"IMAP", "SMTP"}
    # It is told no login: it takes what stands before the @; some versions take the address.
    imap, smtp = ((told[kind]["Server"], int(told[kind]["Port"])) for kind in ("IMAP", "SMTP"))
    for login in (person.address.partition("@")[0], person.address):
        client.imap(*imap, login, person.password)
        client.smtp(*smtp, "SSL", login, person.password)


def test_outlook_is_answered_the_same_whatever_it_sends(client: Client) -> None:
    answers = {
        client.ask(DISCOVER, body).read()
        for body in (question(f"a@{client.domain}"), question("a@khac.example"), "khong phai XML", None)
    }
    assert len(answers) == 1
    assert client.ask(DISCOVER, question(f"a@{client.domain}") + " " * 4096).status == 413
    assert client.ask(DISCOVER.replace(".xml", ".json")).status == 404


def test_outlook_finds_the_way_by_srv(client: Client) -> None:
    assert client.records("_autodiscover._tcp", "SRV") == [f"0 1 443 autodiscover.{client.domain}."]


# --- RFC 6186 ---


@pytest.mark.neighbours
@pytest.mark.dieu3
def test_a_program_that_knows_srv_records_gets_in(client: Client, person: Sample) -> None:
    def server(service: str) -> tuple[str, int]:
        (record,) = client.records(f"_{service}._tcp", "SRV")
        _, _, port, name = record.split()
        return name.rstrip("."), int(port)

    client.imap(*server("imaps"), person.address, person.password)
    client.pop3(*server("pop3s"), person.address, person.password)
    client.smtp(*server("submissions"), "SSL", person.address, person.password)
    client.smtp(*server("submission"), "STARTTLS", person.address, person.password)
    assert client.records("_imap._tcp", "SRV") == ["0 0 0 ."]


def test_names_of_programs_send_no_mail(client: Client) -> None:
    for name in ("autoconfig", "autodiscover"):
        assert client.records(name, "A") == client.records("mail", "A")
        assert (client.records(name, "TXT"), client.records(name, "MX")) == (['"v=spf1 -all"'], ["0 ."])


# --- Apple ---


def verified(profile: bytes, authorities: str, folder: Path) -> tuple[bytes, x509.Certificate]:
    """What a signed profile holds, and who signed it; the signature is good or the test fails."""
    (folder / "authorities.pem").write_text(authorities)
    done = subprocess.run(
        ["openssl", "cms", "-verify", "-inform", "der", "-purpose", "sslserver", "-binary",
         "-CAfile", folder / "authorities.pem", "-signer", folder / "signer.pem"],
        input=profile, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout, x509.load_pem_x509_certificate((folder / "signer.pem").read_bytes())


@pytest.mark.neighbours
@pytest.mark.dieu3
def test_the_profile_is_signed_by_the_webmails_certificate_and_its_settings_let_one_in(
    client: Client, person: Sample, tmp_path: Path
) -> None:
    answer = client.ask(PROFILE)
    assert answer.headers["Content-Type"] == "application/x-apple-aspen-config"
    plain, signer = verified(answer.read(), client.lab.public_authorities, tmp_path)
    names = signer.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert f"mail.{client.domain}" in names.get_values_for_type(x509.DNSName)
    (account,) = plistlib.loads(plain)["PayloadContent"]
    incoming, outgoing = (
        (account[f"{way}MailServerHostName"], account[f"{way}MailServerPortNumber"]) for way in ("Incoming", "Outgoing")
    )
    client.imap(*incoming, person.address, person.password)
    client.smtp(*outgoing, "SSL", person.address, person.password)


def test_a_changed_profile_does_not_verify(client: Client, tmp_path: Path) -> None:
    profile = client.ask(PROFILE).read()
    changed = profile.replace(b"imap." + client.domain.encode(), b"imap." + client.domain.encode()[::-1])
    assert changed != profile
    with pytest.raises(AssertionError):
        verified(changed, client.lab.public_authorities, tmp_path)


@pytest.fixture
def renewed(lab: Lab) -> Iterator[int]:
    """Serial number of a certificate that ACME gave the webmail's host. The former pair comes back afterwards."""
    host = lab.host("webmail")
    lab.run(host, f"mkdir -p {SCRATCH}/before && cp -a {PUBLIC}/. {SCRATCH}/before")
    try:
        renew(lab, settings_of(lab, host) | {"renew_days": 10000}, host=host)
        yield installed_serial(lab, host)
    finally:
        lab.run(host, f"cp -a {SCRATCH}/before/. {PUBLIC}/ && hanam-tls-reload && rm -r {SCRATCH}")
        wait_until_served(lab)


@pytest.mark.dieu3
@pytest.mark.provokes(journal.DOVECOT_AWAY)
def test_after_a_renewal_the_profile_is_signed_anew(
    lab: Lab, client: Client, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    before = verified(client.ask(PROFILE).read(), lab.public_authorities, tmp_path)
    serial: int = request.getfixturevalue("renewed")
    profile = lab.run("webmail", "base64 /var/lib/hanam-client-setup/thu-cong-vu.mobileconfig")
    roots = lab.look_at("internet").file("/var/lib/pebble/roots.pem").content_string
    plain, signer = verified(_decoded(profile), roots, tmp_path)
    assert plain == before[0]
    assert signer.serial_number == serial != before[1].serial_number


def _decoded(text: str) -> bytes:
    return base64.b64decode(text)


def test_what_signs_is_confined(webmail_host: Host) -> None:
    assert webmail_host.service(UNIT).is_enabled
    assert webmail_host.service(UNIT).is_running
    webmail_host.check_output(f"systemd-analyze security --threshold=20 --no-pager {UNIT}")
    assert webmail_host.check_output("stat -c '%U %a' /var/lib/hanam-client-setup/*") == "hanam-client-setup 644"


def test_nobody_reads_the_key_but_units_with_its_group(webmail_host: Host) -> None:
    key = webmail_host.file(f"{PUBLIC}/privkey.pem")
    assert (key.user, key.group, key.mode) == ("root", "ssl-cert", 0o640)
    # The user that signs has the group in its unit alone.
    assert "ssl-cert" not in webmail_host.user("hanam-client-setup").groups
    reads = "runuser -u {} {} -- cat " + key.path
    assert webmail_host.run(reads.format("hanam-client-setup", "-G ssl-cert")).rc == 0
    for user in ("hanam-client-setup", "hanam-change", "www-data", "nobody"):
        assert webmail_host.user(user).exists
        assert "Permission denied" in webmail_host.run(reads.format(user, "")).stderr


@pytest.mark.provokes(journal.UNITS_FAIL)
def test_a_signing_that_failed_is_done_again_by_itself_and_with_the_next_certificate(lab: Lab) -> None:
    plain = "/etc/hanam-mail/client-setup/profile.mobileconfig"

    def active() -> bool:
        return bool(lab.look_at("webmail").service(UNIT).is_running)

    for mend in ("true", "hanam-tls-reload"):
        lab.run("webmail", f"mv {plain} {plain}.away")
        try:
            lab.run("webmail", f"systemctl restart {UNIT}", check=False)
            assert not active()
        finally:
            lab.run("webmail", f"mv {plain}.away {plain}")
        lab.run("webmail", mend)
        if mend == "true":
            wait_for(active, "the profile signed again")
        assert active()


# --- Without the names ---


def test_names_that_are_left_out_are_answered_no_more_and_come_back(lab: Lab, client: Client) -> None:
    words = ("site.yml", "--tags", "nginx,client_setup", "--limit", lab.host("webmail"))
    without = (*words, "-e", '{"client_names": []}')
    urls = [f"https://autoconfig.{client.domain}{CONFIG}", DISCOVER]
    try:
        for round_ in ("first", "second"):
            done = lab.play(*without)
            assert done.returncode == 0, done.stdout[-3000:]
            assert (changed(done.stdout)[lab.host("webmail")] == 0) == (round_ == "second"), done.stdout[-3000:]
        for url in urls:
            with pytest.raises(ssl.SSLError):
                client.ask(url)
        assert "tự tìm" not in client.ask(PAGE).read().decode()
    finally:
        back = lab.play(*words)
        assert back.returncode == 0, back.stdout[-3000:]
    assert [client.ask(url).status for url in urls] == [200, 200]
    assert "tự tìm" in client.ask(PAGE).read().decode()


# --- The page ---


@pytest.mark.dieu10
def test_the_page_is_guarded_and_needs_no_script(client: Client) -> None:
    answer = client.ask(PAGE.removesuffix("/"))
    webmail = client.ask("https://mail.{domain}/")
    for name in ("Strict-Transport-Security", "X-Content-Type-Options", "Referrer-Policy", "X-Robots-Tag"):
        assert answer.headers[name] == webmail.headers[name]
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert "script-src" not in policy
    text = answer.read().decode()
    assert "Cài đặt thư trên điện thoại và máy tính" in text
    look = PAGE.replace("/cai-dat/", "/giao-dien/look.css")
    assert client.ask(look).headers["Content-Type"].startswith("text/css")
    root = PAGE.format(domain=client.domain).removesuffix("cai-dat/")
    assert urljoin(root, "cai-dat/") in {urljoin(root, link) for link in Page(webmail.read().decode()).links}
