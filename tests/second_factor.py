"""A telephone that computes codes, and somebody at the page where the second factor is kept (record 0074)."""

import base64
import datetime as dt
import hashlib
import hmac
import re
import time
from dataclasses import dataclass, field
from html import unescape

from tests.lab import Lab, Sample
from tests.mail.http_doors import Browser, Reply

PAGE = "/mat-khau/hai-buoc"


def totp(secret: bytes, at: float) -> str:
    """RFC 6238 as a telephone computes it, not as the database does."""
    digest = hmac.new(secret, int(at // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    first = digest[19] & 15
    return f"{(int.from_bytes(digest[first : first + 4], 'big') & 0x7FFFFFFF) % 10**6:06d}"


@dataclass
class Telephone:
    """Gives each code once, as the database takes them: the one of now, then the one after it."""

    secret: str
    step: int = 0

    def code(self) -> str:
        """The next code that was not given yet; waits where that one is too far ahead."""
        self.step = max(self.step + 1, int(time.time() // 30))
        while self.step > time.time() // 30 + 1:
            time.sleep(1)
        return totp(base64.b32decode(self.secret), self.step * 30)


@dataclass
class Owner:
    """A person who keeps the factor, by HTTP."""

    lab: Lab
    person: Sample
    browser: Browser = field(init=False)
    telephone: Telephone = field(init=False)
    codes: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.browser = Browser(self.lab)

    def do(self, action: str, **fields: str) -> Reply:
        return self.browser.ask(PAGE, {"viec": action, **fields})

    def turn_on(self) -> None:
        signed = self.do("vao", **{"dang-nhap": self.person.address, "cu": self.person.password, "ma": ""})
        assert (signed.status, signed.location) == (303, PAGE), signed.body
        self.telephone = Telephone(_one(r'id="secret">(\w+)<', self.do("bat").body))
        confirmed = self.do("xac-nhan", ma=self.telephone.code())
        self.codes = re.findall(r"<li><code>([\w-]+)</code>", confirmed.body)
        assert len(self.codes) == 10, confirmed.body
        # Sessions that were open are cut; what is opened from now on is not.
        self.lab.outwait_cuts()
        self.lab.settle()

    def app_password(self, scope: str) -> str:
        ends = f"{dt.date.today() + dt.timedelta(days=30)}"
        turn = _one(r'name="luot" value="(\d+)"', self.browser.ask(PAGE).body)
        page = self.do("them", luot=turn, **{"ten": f"Máy {scope}", "dung": scope, "het-han": ends}).body
        return _one(r'id="app-password">([\w-]+)<', page)

    def second_step(self, browser: Browser) -> Reply:
        """Types the code at the webmail, whose first step `browser` has just done."""
        page = browser.ask("/?_task=login").body
        token = _one(r'name="_token" value="(\w+)"', page)
        assert 'name="_hanam_code"' in page, "the webmail asks for the code"
        asked = {"_task": "login", "_action": "login", "_timezone": "Asia/Ho_Chi_Minh", "_url": "", "_token": token}
        return browser.ask("/?_task=login", {**asked, "_hanam_code": self.telephone.code()})

    def revoke_all(self) -> None:
        for number in re.findall(r'name="so" value="(\d+)"', self.browser.ask(PAGE).body):
            self.do("thu-hoi", so=number)
        self.lab.settle()


def _one(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    assert found, page
    return unescape(found[1])
