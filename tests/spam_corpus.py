"""Letters that offices want and letters that nobody wants, made of some 250 texts by a seeded generator: 12 of each.

    for letter in letters("measuring"):
        letter.content, letter.envelope(recipient)

The texts are data (tests/data/spam). Part `tuning` is there to set rules and scores by, and the filter's first lessons
come of it; part `measuring` is only measured, and no text stands in both. A text holds places in braces, filled from
slots.yml or with dates and numbers, and choices, [[so|or so]]. Each filling differs in words, form and charset.

Fields of a text: kind; from (Name <address>); subject; text; via, how it comes here (below; `office` unless said);
reply_to; charsets (utf-8, ascii for no accents, tcvn3, vni, windows-1258); link, [what is shown, where it leads];
attach, kinds of spam_mime.ATTACHMENTS.
"""

import email.utils
import hashlib
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests import spam_mime
from tests.unit.host.mail_auth import nameserver, signer

DATA = Path(__file__).parent / "data/spam"
PARTS = ("tuning", "measuring")
FILLINGS = 12
RECIPIENT = "nguoi.nhan@hanam.gov.vn"
# Addresses of a kind of which lists know some: so many, from this last number on.
_SPREAD, _SPREAD_FROM = 100, 100
_CHOICE = re.compile(r"\[\[([^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]\]")
_ADDRESS = re.compile(r"(?:(?P<name>.*) )?<?(?P<address>[^<>\s]+@[^<>\s]+)>?")
Choices = Mapping[str, list[str]]


@dataclass(frozen=True)
class Way:
    """How a letter comes here: the server's address, whether it has a proper name, and what its domain's DNS says."""

    address: str
    proper: bool = True
    spf: str = "-all"
    signed: bool = True
    dmarc: str = "v=DMARC1; p=none"


WAYS = {
    # An agency, or a company that does it right.
    "office": Way("203.0.113.10"),
    "own": Way("203.0.113.20", dmarc=""),
    # A large provider of free mailboxes, and one who sends newsletters.
    "free": Way("203.0.113.30", dmarc="v=DMARC1; p=quarantine"),
    "bulk": Way("203.0.113.40"),
    "list": Way("203.0.113.50"),
    # An old server in an office: neither reverse name nor SPF nor signature.
    "poor": Way("203.0.113.60", proper=False, spf="", signed=False, dmarc=""),
    # A machine that somebody else has taken over.
    "bot": Way("192.0.2.77", proper=False, spf="~all", signed=False, dmarc=""),
}


@dataclass(frozen=True)
class Letter:
    """A message as it arrives: `name` is its kind and number, `sender` the envelope's."""

    name: str
    wanted: bool
    via: str
    sender: str
    content: bytes
    fresh: str = ""
    """The domain that somebody took for this mail, his own or that of a link, if there is one ({bad} in a text)."""

    @property
    def address(self) -> str:
        """Of the server that brings it: one for each kind, many where lists know some of the kind."""
        way = WAYS[self.via].address
        if self.via not in listing()["addresses"]:
            return way
        return f"{way.rpartition('.')[0]}.{_SPREAD_FROM + _number(f'{self.name} {self.sender}') % _SPREAD}"

    @property
    def kind(self) -> str:
        return self.name.partition(" ")[0]

    def envelope(self, recipient: str = RECIPIENT) -> dict[str, str]:
        """The fields by which Postfix would tell the filter of it."""
        way, domain = WAYS[self.via], self.sender.partition("@")[2]
        helo = f"mail.{domain}" if way.proper else "MAYCHU"
        shown = {"Hostname": helo} if way.proper else {}
        return {"IP": self.address, "Helo": helo, "From": self.sender, "Rcpt": recipient, **shown}


@cache
def _yaml(name: str) -> Any:
    return yaml.safe_load((DATA / f"{name}.yml").read_text(encoding="utf-8"))


def texts(part: str, *, wanted: bool) -> list[dict[str, Any]]:
    """The texts of a part as they are written."""
    return list(_yaml(f"{'wanted' if wanted else 'unwanted'}_{part}"))


def letters(part: str, fillings: int = FILLINGS) -> Iterator[Letter]:
    """All letters of a part; the same ones each time but for their dates and signatures."""
    for wanted in (True, False):
        for text in texts(part, wanted=wanted):
            for number in range(fillings):
                random = Random(f"{part} {wanted} {text['kind']} {text['subject']} {number}")  # noqa: S311
                yield _letter(text, random, f"{text['kind']} {number}", wanted)


def _number(name: str) -> int:
    """The same for a name each time, spread evenly."""
    return zlib.crc32(hashlib.sha256(name.encode()).digest())


def _domain_of(letter: Letter) -> str:
    return letter.sender.partition("@")[2]


@cache
def key(domain: str) -> signer.Key:
    """One private key serves all domains."""
    return signer.Key(domain=domain, selector="s1")


def zone(of: list[Letter]) -> nameserver.Zone:
    """What DNS must say about their senders, as a table of the name server that tests have."""
    found: dict[str, Mapping[str, list[str]]] = {}
    for letter in of:
        way, domain = WAYS[letter.via], _domain_of(letter)
        records = {"A": [way.address], "MX": [f"10 mail.{domain}."]}
        if way.spf:
            allowed = f"ip4:{way.address}" if way.signed else "ip4:198.51.100.1"
            records["TXT"] = [nameserver.text(f"v=spf1 {allowed} {way.spf}")]
        found[domain] = records
        found[f"mail.{domain}"] = {"A": [way.address]}
        if way.signed:
            found[key(domain).name] = {"TXT": [nameserver.text(key(domain).record())]}
        if way.dmarc:
            found[f"_dmarc.{domain}"] = {"TXT": [nameserver.text(way.dmarc)]}
    return found


def listing() -> dict[str, Any]:
    """What lists in DNS are taken to know: shares of kinds, and where the lab has them (data/spam/listed.yml)."""
    return dict(_yaml("listed"))


def listed(of: list[Letter]) -> dict[str, list[str]]:
    """Of these letters' senders and links the `addresses` and `domains` that lists know, sorted."""
    shares, found = listing(), {"addresses": set[str](), "domains": set[str]()}
    for letter in of:
        known = {"addresses": letter.address, "domains": letter.fresh}
        for what, name in known.items():
            # A share of the names, not of the letters: all letters of a listed domain have it.
            if name and _number(name) % 100 < round(100 * shares[what].get(letter.via, 0)):
                found[what].add(name)
    return {what: sorted(names) for what, names in found.items()}


def slots(random: Random) -> dict[str, str]:
    """What the places in braces hold in one letter."""
    lists: Choices = _yaml("slots")
    made = {name: random.choice(words) for name, words in lists.items()}
    made["person2"] = random.choice([each for each in lists["person"] if each != made["person"]])
    words = spam_mime.unaccented(made["person"]).lower().split()
    first = random.randrange(1, 24)
    return made | {
        "login": words[-1] + "".join(word[0] for word in words[:-1]) + str(random.randrange(10, 99)),
        "elogin": made["english"].lower().replace(" ", random.choice([".", ""])),
        "bad": f"{made['bad_word']}-{random.choice('abcdehkmnptv')}{random.randrange(10, 999)}.{made['bad_end']}",
        "n": str(random.randrange(101, 990)),
        "m": str(random.randrange(2, 10)),
        "id6": str(random.randrange(100_000, 999_999)),
        "code": "".join(random.choices("ABCDEFGHKLMNPQRSTUVX23456789", k=8)),
        "btc": "bc1q" + "".join(random.choices("023456789acdefghjklmnpqrstuvwxyz", k=38)),
        "tracking": f"E{random.choice('ABCD')}{random.randrange(10**8, 10**9)}VN",
        "date": f"{first}/{random.randrange(1, 13)}/2026",
        "date2": f"{first + 5}/12/2026",
        "month": str(random.randrange(1, 13)),
        "hour": random.choice(["8 giờ 00", "14 giờ 00", "7h30", "15h00"]),
        "money": f"{random.randrange(1, 90)}.{random.randrange(100, 999)}.000",
        "money2": f"{random.randrange(1, 90)}.{random.randrange(100, 999)}.500",
        "phone": f"09{random.randrange(10, 99)}{random.choice(['.', ' ', ''])}{random.randrange(100_000, 999_999)}",
    }


def fill(text: str, slots: Mapping[str, str], random: Random) -> str:
    """The text with one of each choice, its places filled."""
    chosen = _CHOICE.sub(lambda match: random.choice(match[1].split("|")), text)
    return re.sub(r"\{(\w+)\}", lambda match: slots[match[1]], chosen)


def _lines(text: str) -> str:
    """One line for each paragraph, as most programs send it; lines that stand for themselves stay."""
    return re.sub(r"(?<=[^\n]{120})\n(?=[^\n-])", " ", text.strip()) + "\n"


def _letter(text: Mapping[str, Any], random: Random, name: str, wanted: bool) -> Letter:
    filled, via = slots(random), text.get("via", "office")
    charset = random.choice(text.get("charsets", ["utf-8"]))
    author = _ADDRESS.fullmatch(fill(text["from"], filled, random))
    assert author, text["from"]
    sender, domain = author["address"], author["address"].partition("@")[2]
    subject = fill(text["subject"], filled, random)
    mail = EmailMessage(policy=SMTP)
    mail["MIME-Version"] = "1.0"
    link = text.get("link") and tuple(fill(each, filled, random) for each in text["link"])
    old = charset in ("tcvn3", "vni", "ascii")
    form = (
        "plain"
        if charset == "ascii"
        else random.choice(
            ["both"] if via == "free" else ["html", "both"] if via == "bulk" or link else ["plain", "both", "html"]
        )
    )
    words = _lines(fill(text["text"], filled, random))
    spam_mime.body(mail, words, charset=charset, form=form, link=link)
    for number, kind in enumerate(text.get("attach", [])):
        spam_mime.attach(mail, kind, number)
    shown = author["name"] or ""
    mail["From"] = email.utils.formataddr((spam_mime.unaccented(shown) if charset == "ascii" else shown, sender))
    mail["To"] = f"<{RECIPIENT}>" if via != "list" else f"<{sender}>"
    mail["Subject"] = spam_mime.unaccented(subject) if old else subject
    mail["Date"] = email.utils.formatdate(time.time() - random.randrange(60, 3000), localtime=True)
    mail["Message-ID"] = f"<{random.getrandbits(80):x}@{'mail.' + domain if via != 'free' else domain}>"
    if "reply_to" in text:
        mail["Reply-To"] = fill(text["reply_to"], filled, random)
    if via == "bulk":
        mail["List-Unsubscribe"] = f"<mailto:unsubscribe@{domain}>"
    if via == "list":
        mail["List-Id"] = f"<list.{domain}>"
        mail["Precedence"] = "list"
    for part in mail.walk():
        if part.is_multipart():
            part.set_boundary(f"----=_Part_{random.getrandbits(64):x}")
    content = mail.as_bytes()
    if WAYS[via].signed:
        content = signer.dkim(key(domain), content)
    places = [text["from"], text["text"], text.get("reply_to", ""), *text.get("link", [])]
    fresh = filled["bad"] if any("{bad}" in each for each in places) else ""
    return Letter(name, wanted, via, sender, content, fresh)
