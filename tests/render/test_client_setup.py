"""What mail programs are told of servers and ports, against the facts that the servers are configured from."""

import plistlib
import re
import uuid
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from hanam_mail.controller import preflight
from tests.render.conftest import ENVIRONMENTS
from tests.render.role_rows import files as files_of

Environments = Callable[[str], Any]
IMAP, SMTP = "imap.hanam.gov.vn", "smtp.hanam.gov.vn"
OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
ENVELOPE = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"


def render(here: Any, template: str) -> str:
    text: str = here.render("client_setup", template, here.hosts("webmail")[0])
    return text


def tree(text: str | bytes) -> ElementTree.Element:
    """The root of one of our answers."""
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def servers(text: str) -> list[tuple[str, str, int, str]]:
    """(type, name, port, kind of security) of each server of an autoconfig file, in its order."""
    provider = tree(text).find("emailProvider")
    assert provider is not None
    found = []
    for server in [*provider.findall("incomingServer"), *provider.findall("outgoingServer")]:
        assert server.findtext("authentication") == "password-cleartext"
        assert server.findtext("username") == "%EMAILADDRESS%"
        told = (
            server.findtext("hostname") or "",
            int(server.findtext("port") or 0),
            server.findtext("socketType") or "",
        )
        found.append((server.attrib["type"], *told))
    return found


@pytest.mark.dieu3
def test_thunderbird_is_told_the_servers_as_they_listen(environment: Environments) -> None:
    text = render(environment("lab"), "autoconfig.xml.j2")
    root = tree(text)
    assert (root.tag, root.attrib) == ("clientConfig", {"version": "1.1"})
    assert root.findtext("emailProvider/domain") == "hanam.gov.vn"
    assert root.findtext("emailProvider/displayName") == "Thư điện tử công vụ tỉnh Hà Nam"
    assert servers(text) == [
        ("imap", IMAP, 993, "SSL"),
        ("pop3", IMAP, 995, "SSL"),
        ("smtp", SMTP, 465, "SSL"),
        ("smtp", SMTP, 587, "STARTTLS"),
    ]


def test_pop3_that_is_not_served_is_told_nobody(environment: Environments) -> None:
    here = environment("lab").with_variables(dovecot_pop3=False)
    assert {kind for kind, *_ in servers(render(here, "autoconfig.xml.j2"))} == {"imap", "smtp"}
    assert "POP3" not in render(here, "index.html.j2")
    assert "POP3" in render(environment("lab"), "index.html.j2")


def answer(here: Any) -> str:
    """What Outlook is answered."""
    (text,) = re.findall(r"return 200 '(<\?xml .*?)'", render(here, "autodiscover.conf.j2"), re.S)
    assert isinstance(text, str)
    return text


@pytest.mark.dieu3
def test_outlook_is_told_the_servers_as_they_listen(environment: Environments) -> None:
    root = tree(answer(environment("lab")).encode())
    assert root.tag == f"{ENVELOPE}Autodiscover"
    account = root.find(f"{OUTLOOK}Response/{OUTLOOK}Account")
    assert account is not None
    assert account.findtext(f"{OUTLOOK}AccountType") == "email"
    told = [
        {child.tag.removeprefix(OUTLOOK): child.text for child in protocol}
        for protocol in account.findall(f"{OUTLOOK}Protocol")
    ]
    # No LoginName: Outlook takes the local part of the address that was typed.
    common = {"SSL": "on", "SPA": "off", "AuthRequired": "on", "DomainRequired": "off"}
    assert told[0] == common | {"Type": "IMAP", "Server": IMAP, "Port": "993"}
    assert told[1] == common | {
        "Type": "SMTP", "Server": SMTP, "Port": "465", "UsePOPAuth": "off", "SMTPLast": "off",
    }  # fmt: skip


def test_nothing_of_a_request_is_in_the_answer_or_decides_it(environment: Environments) -> None:
    site = render(environment("lab"), "autodiscover.conf.j2")
    # A variable of nginx would stand in the text; a pattern on one in a map or an if.
    assert "$" not in answer(environment("lab"))
    assert not re.search(r"\$\w|^\s*(map|if|proxy_pass)\b", site, re.M)


@pytest.mark.dieu3
def test_the_profile_of_apples_devices_tells_the_servers_as_they_listen(environment: Environments) -> None:
    profile = plistlib.loads(render(environment("lab"), "mobileconfig.j2").encode())
    (account,) = profile["PayloadContent"]
    incoming = {key.removeprefix("IncomingMailServer"): value for key, value in account.items() if "Incoming" in key}
    outgoing = {key.removeprefix("OutgoingMailServer"): value for key, value in account.items() if "Outgoing" in key}
    assert account["PayloadType"] == "com.apple.mail.managed"
    assert account["EmailAccountType"] == "EmailTypeIMAP"
    assert incoming.pop("OutgoingPasswordSameAsIncomingPassword") is True
    outgoing.pop("OutgoingPasswordSameAsIncomingPassword")
    common = {"Authentication": "EmailAuthPassword", "UseSSL": True}
    assert incoming == common | {"HostName": IMAP, "PortNumber": 993}
    assert outgoing == common | {"HostName": SMTP, "PortNumber": 465}
    # The device asks: one profile serves all.
    assert not {"EmailAddress", "IncomingMailServerUsername"} & account.keys()


def test_what_signs_waits_for_the_first_certificate_and_signs_again_with_the_next(environment: Environments) -> None:
    here = environment("production")
    unit = render(here, "hanam-client-setup.service.j2")
    pair = [here.value("client_setup", f"client_setup_{name}", "mail") for name in ("certificate", "private_key")]
    assert f"\nConditionPathExists={pair[0]}\n" in unit
    assert f" -signer {pair[0]} -certfile {pair[0]} -inkey {pair[1]} " in unit
    # hanam-tls-reload restarts what counts as active.
    assert "\nRemainAfterExit=yes\n" in unit
    assert "\nRestart=on-failure\n" in unit
    assert " hanam-client-setup.service" in here.render("certificates", "tls-reload.j2", "mail")


def test_a_later_profile_takes_the_place_of_the_former(environment: Environments) -> None:
    """Another release and another topology have the same identifiers, another province has others."""
    other = environment("lab").with_variables(mail_domain="namdinh.gov.vn")
    found = []
    for here in (environment("lab"), environment("split").with_variables(dovecot_pop3=False), other):
        profile = plistlib.loads(render(here, "mobileconfig.j2").encode())
        parts = [profile, *profile["PayloadContent"]]
        assert all(uuid.UUID(part["PayloadUUID"]).version == 5 for part in parts)
        found.append([(part["PayloadIdentifier"], part["PayloadUUID"]) for part in parts])
    assert found[0] == found[1]
    assert found[0][0][0] == "vn.gov.hanam.thu"
    assert not set(found[0]) & set(found[2])
    assert len(set(found[0])) == 2


class Page(HTMLParser):
    """The cells of a page's tables by rows, and what it loads or leads to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: set[str] = set()
        self.tags: set[str] = set()
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links |= {value for name, value in attributes if name in ("href", "src") and value}
        if tag == "tr":
            self.rows.append([])
        self.in_cell = tag in ("td", "th")
        if self.in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = False

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.rows[-1][-1] += data


def test_the_page_shows_the_same_values_and_no_script(environment: Environments) -> None:
    page = Page(render(environment("lab"), "index.html.j2"))
    values = {(row[1], row[2], row[3].split()[0]) for row in page.rows[1:]}
    assert values == {
        (IMAP, "993", "SSL/TLS"), (IMAP, "995", "SSL/TLS"), (SMTP, "465", "SSL/TLS"), (SMTP, "587", "STARTTLS"),
    }  # fmt: skip
    assert not {"script", "form", "iframe"} & page.tags
    own = {
        "/giao-dien/look.css",
        "/giao-dien/emblem.svg",
        "thu-cong-vu.mobileconfig",
        "#gia-tri",
        "#co-quan",
        "#content",
        "/mat-khau/hai-buoc",
        "/tro-giup/#hai-buoc",
        "/",
    }
    assert {link for link in page.links if not link.startswith("mailto:")} <= own


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_names_of_programs_are_the_webmails_hosts_alone(environment: Environments, topology: str) -> None:
    here = environment(topology)
    asked = set(here.value("certificates", "client_full_names", here.hosts("webmail")[0]).values())
    assert {name.partition(".")[0] for name in asked} == {"autoconfig", "autodiscover"}
    for host in here.hosts("all:!outside"):
        names = set(here.value("certificates", "certificates_names", host))
        assert (asked <= names) if host in here.hosts("webmail") else not asked & names


def test_a_handed_in_certificate_without_the_names_is_told_before_anything_changes(environment: Environments) -> None:
    here = environment("lab")
    names = here.value("certificates", "certificates_names", "mail")
    pair = {
        name: here.value("certificates", name, "mail")
        for name in ("certificates_certificate", "certificates_private_key")
    }
    variables = pair | {"certificates_mode": "provided", "certificates_names": names}
    groups = here.value("certificates", "groups", "mail")
    telling = "vault_public_certificates['mail']"
    assert not [text for text in preflight.problems(variables, "mail", groups) if text.startswith(telling)]
    variables["certificates_names"] = [name.replace("hanam", "other") if "auto" in name else name for name in names]
    (told,) = [text for text in preflight.problems(variables, "mail", groups) if text.startswith(telling)]
    assert told.endswith("chứng thư không có tên autoconfig.other.gov.vn, autodiscover.other.gov.vn")


def test_names_that_are_left_out_are_nowhere(environment: Environments) -> None:
    here = environment("lab").with_variables(client_names=[])
    files = files_of(here, "client_setup", "mail")
    for site in ("autoconfig", "autodiscover"):
        assert files[f"/etc/nginx/conf.d/{site}.conf"]["absent"]
    assert "auto" not in "".join(here.value("certificates", "certificates_names", "mail"))
    assert not [record for record in here.value("base", "dns_records", "mail") if "auto" in record["name"]]
    page = render(here, "index.html.j2")
    assert "tự tìm" not in page
    assert IMAP in page
