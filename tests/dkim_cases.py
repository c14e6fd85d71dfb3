"""Signatures of DKIM, right and wrong, and what is to be found of each (RFC 6376, 8301, 8463, 8616).

The verifying module is asked about them with a name server of the test's own, the running filter through the lab's DNS.
Names stand here below .example; whoever asks says below which domain (`root`) they are to be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.unit.host.mail_auth import nameserver, signer
from tests.unit.host.mail_auth.nameserver import Zone
from tests.unit.host.mail_auth.signer import Tags

type Wanted = tuple[str, str]
"""Result and reason."""

PASS: Wanted = ("pass", "")
LETTER = (
    b"From: An <an@ky.example>\r\nTo: <ba@nhan.example>\r\nSubject: Gui   \r\n\tchi em\r\nX-Note: a\r\n\r\n"
    b"Dong mot  \r\n  dong \t hai\r\n\r\n\r\n"
)
# In Vietnamese, its name in DNS, and that of one who would like to be taken for it.
VIETNAMESE, IN_DNS, SHARP = "tỉnh.example", "xn--tnh-dlz.example", "straße.example"


def below(root: str, text: str) -> str:
    """The text with its names of .example below another domain."""
    return text.replace(".example", f".{root}").replace(".EXAMPLE", f".{root}".upper())


@cache
def private(selector: str) -> RSAPrivateKey | Ed25519PrivateKey | None:
    """The key of that selector; None is the usual one."""
    if selector == "ed":
        return Ed25519PrivateKey.generate()
    bits = {"short": 1024, "long": 4096}.get(selector)
    return signer.rsa(bits) if bits else None


def key(root: str, selector: str = "s1") -> signer.Key:
    """A key of the domain by which nearly all is signed."""
    return signer.Key(below(root, "ky.example"), selector, private(selector))


# --- keys in DNS ---

# Selector -> what stands before p=.
RECORDS = {
    "v2": "v=DKIM2; ",
    "late": "k=rsa; v=DKIM1; ",
    "sha1": "v=DKIM1; h=sha1; ",
    "both": "v=DKIM1; h=sha1 : sha256; ",
    "tlsrpt": "v=DKIM1; s=tlsrpt; ",
    "email": "v=DKIM1; s=email:other; ",
    "test": "v=DKIM1; t=y:s; ",
    "strict": "v=DKIM1; t=s; ",
    "other": "v=DKIM1; k=dsa; ",
    "notes": "v=DKIM1; n=some words; x_new=1; ",
    "twice": "v=DKIM1; k=rsa; k=rsa; ",
    "bare": "",
    "typed": "v=DKIM1;; word; k=rsa; ",
    "utf8": "v=DKIM1; n=khóa; ",
}


def zone(root: str) -> Zone:
    """The keys' records below that domain."""
    usual = key(root)
    texts = {selector: [usual.record(tags)] for selector, tags in RECORDS.items()}
    texts |= {selector: [key(root, selector).record()] for selector in ("s1", "ed", "short", "long")}
    texts |= {
        "revoked": ["v=DKIM1; p="],
        "rubbish": ["v=DKIM1; p=****"],
        "notder": ["v=DKIM1; p=AAAA"],
        "none": ["v=DKIM1;"],
        "two": [usual.record(), usual.record("k=rsa; ")],
    }
    named = {f"{selector}._domainkey.{usual.domain}": records for selector, records in texts.items()}
    for name in (f"xn--kha-hna._domainkey.{IN_DNS}", f"s1._domainkey.{IN_DNS}", "s1._domainkey.strasse.example"):
        named[below(root, name)] = [usual.record()]
    return {
        f"alias._domainkey.{usual.domain}": {"CNAME": [f"{usual.name}."]},
        f"later._domainkey.{usual.domain}": nameserver.FAILS,
        **{name: {"TXT": [nameserver.text(each) for each in records]} for name, records in named.items()},
    }


# --- letters ---


@dataclass(frozen=True)
class Case:
    """How a letter is signed, what is done to it then, and what is found of its signatures, the newest first.

    `selectors`: keys that sign it one after the other, the last one with these tags; `mend` changes that one's text
    before it is signed, `change` the whole letter afterwards. `domain`: of the first result, where it is of interest.
    `head` stands before a letter that nobody signs, instead.
    """

    wanted: Sequence[Wanted] = (PASS,)
    tags: Tags = field(default_factory=dict)
    selectors: Sequence[str] = ("s1",)
    author: str = "ky.example"
    letter: bytes = LETTER
    mend: Callable[[str], str] = str
    change: Callable[[bytes], bytes] = bytes
    domain: str = ""
    head: bytes = b""

    def message(self, root: str = "example") -> bytes:
        letter = self.letter.replace(b"ky.example", self.author.encode()).decode("latin-1")
        message = below(root, letter).encode("latin-1")
        if self.head:
            return below(root, self.head.decode()).encode() + message
        *others, last = self.selectors
        for selector in others:
            message = signer.dkim(key(root, selector), message)
        tags = {name: value and below(root, value) for name, value in self.tags.items()}
        return self.change(signer.dkim(key(root, last), message, tags, mend=self.mend))


type Table = Mapping[str, Case]
