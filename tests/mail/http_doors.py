"""The webmail's login and the page where passwords are changed, as a browser speaks to them, without the browser."""

import http.client
import json
import re
import socket
import ssl
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode

from tests.lab import TIMEOUT, Lab

_EDGE = "hanam-bien-cua-bieu-mau"


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    status: int
    location: str
    body: str


@dataclass
class Browser:
    """A visitor of https://mail.hanam.gov.vn with the cookies that he was given."""

    lab: Lab
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, fields: dict[str, str | bytes] | None = None, *, accept: str = "text/html") -> Reply:
        """GET a page, or POST a form's fields to it."""
        if fields is None:
            return self._exchange("GET", path, {"Accept": accept})
        kind = "application/x-www-form-urlencoded"
        return self._exchange("POST", path, {"Accept": accept, "Content-Type": kind}, urlencode(fields).encode())

    def upload(self, path: str, token: str, field_name: str, file_name: str, content: bytes) -> Reply:
        """POST a file, as the webmail's script does on its pages."""
        head = (
            f'Content-Disposition: form-data; name="{field_name}"; filename="{file_name}"\r\nContent-Type: text/plain'
        )
        body = f"--{_EDGE}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{_EDGE}--\r\n".encode()
        kind = f"multipart/form-data; boundary={_EDGE}"
        return self._exchange("POST", path, {"Content-Type": kind, "X-Roundcube-Request": token}, body)

    def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Reply:
        name = f"mail.{self.lab.variables['mail_domain']}"
        connection = _Pinned(name, self.lab.address("webmail"), self.lab.ssl_context)
        cookies = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
        try:
            connection.request(method, path, body, headers | {"Cookie": cookies})
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                key, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[key] = value
            return Reply(answer.status, answer.headers.get("Location", ""), answer.read().decode())
        finally:
            connection.close()

    def log_in(self, login: str | bytes, password: str | bytes) -> Reply:
        """Fill in the webmail's login form: its page gives the token that it asks back."""
        found = re.search(r'name="_token" value="(\w+)"', self.ask("/?_task=login").body)
        assert found, "the login page has no token"
        return self.ask(
            "/?_task=login",
            {
                "_token": found.group(1),
                "_task": "login",
                "_action": "login",
                "_timezone": "Asia/Ho_Chi_Minh",
                "_url": "",
                "_user": login,
                "_pass": password,
            },
        )

    def change(self, login: str | bytes, old: str | bytes, new: str | bytes) -> dict[str, str | list[str] | None]:
        """Send the change page's form as its script does."""
        answer = self.ask(
            "/mat-khau/", {"dang-nhap": login, "cu": old, "moi": new, "nhac-lai": new}, accept="application/json"
        )
        assert answer.status in {200, 403, 422, 429}, f"{answer.status}: {answer.body[:500]}"
        result: dict[str, str | list[str] | None] = json.loads(answer.body)
        return result


def messages(page: str) -> str:
    """What Roundcube shows in the corner of a page: its script calls rcmail.display_message(text, kind)."""
    texts = re.findall(r'display_message\("((?:[^"\\]|\\.)*)"', page)
    return " ".join(unescape(json.loads(f'"{text}"')) for text in texts)


class _Pinned(http.client.HTTPSConnection):
    """Connects to an address, verifies a name."""

    def __init__(self, name: str, address: str, context: ssl.SSLContext) -> None:
        super().__init__(name, timeout=TIMEOUT, context=context)
        self._address, self._tls = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
