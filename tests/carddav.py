"""A program that reads the address book by CardDAV, as DAVx5 and Thunderbird do (RFC 4918, 6352, 6578)."""

import base64
import http.client
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from tests.lab import Lab
from tests.roles.test_roundcube import Connection

PATH = "/danh-ba/dav/"
SPACES = {"d": "DAV:", "c": "urn:ietf:params:xml:ns:carddav"}
_XML = " ".join(f'xmlns:{short}="{space}"' for short, space in SPACES.items())


@dataclass(frozen=True)
class Told:
    """What the server answered."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    def one(self, path: str) -> str:
        """The text of the one element there."""
        (found,) = self.all(path)
        return found

    def all(self, path: str) -> list[str]:
        """The texts of all elements there."""
        tree = ET.fromstring(self.text)  # noqa: S314 - our own server's
        return [each.text or "" for each in tree.iterfind(f".//{path}", SPACES)]


@dataclass
class Program:
    """Has a name and a password, or "" for neither."""

    lab: Lab
    login: str = ""
    password: str = ""

    def ask(self, method: str, path: str = PATH, body: str = "", **headers: str) -> Told:
        """One request; `body` is written with the prefixes of SPACES, whose declarations belong where %s stands."""
        if self.login:
            word = base64.b64encode(f"{self.login}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {word}"
        if body:
            headers["Content-Type"] = "application/xml; charset=utf-8"
        name = f"mail.{self.lab.variables['mail_domain']}"
        connection = Connection(self.lab.address("webmail"), name, self.lab.ssl_context)
        try:
            connection.request(method, path, (body % _XML if "%s" in body else body).encode(), headers)
            answer = connection.getresponse()
            return Told(answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()

    def properties(self, path: str, names: str, depth: str = "0") -> Told:
        """PROPFIND of properties by their names with prefixes."""
        wanted = "".join(f"<{name}/>" for name in names.split())
        return self.ask("PROPFIND", path, f"<d:propfind %s><d:prop>{wanted}</d:prop></d:propfind>", Depth=depth)

    def changes(self, book: str, token: str = "") -> Told:
        """What became another since then (RFC 6578)."""
        return self.ask(
            "REPORT",
            book,
            f"<d:sync-collection %s><d:sync-token>{token}</d:sync-token><d:sync-level>1</d:sync-level>"
            "<d:prop><d:getetag/></d:prop></d:sync-collection>",
        )

    def cards(self, book: str, *paths: str) -> Told:
        """These cards (RFC 6352, 8.7)."""
        wanted = "".join(f"<d:href>{path}</d:href>" for path in paths)
        wanted = f"<d:prop><d:getetag/><c:address-data/></d:prop>{wanted}"
        return self.ask("REPORT", book, f"<c:addressbook-multiget %s>{wanted}</c:addressbook-multiget>", Depth="1")
