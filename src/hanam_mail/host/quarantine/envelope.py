"""The commands of LMTP that carry an envelope (RFC 2033, 5321, 3461, 6531), read strictly."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

# The longest that RFC 5321, 4.5.3.1.3 gives a path, with what UTF-8 and a notice's ORCPT add.
LONGEST_ADDRESS = 1000
_QUOTED = r'"(?:[^"\\\r\n]|\\.)*"'
_PATH = re.compile(rf"<((?:{_QUOTED}|[^<>\"\s])*)>((?: .*)?)", re.ASCII)
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\s=]*))?")
_HEX = re.compile(r"\+([0-9A-F]{2})")
# What MAIL and RCPT may bear, each with what it is called here.
MAIL = {"SIZE": "", "BODY": "body", "SMTPUTF8": "utf8", "RET": "ret", "ENVID": "envid"}
RCPT = {"NOTIFY": "notify", "ORCPT": "orcpt"}


class BadCommandError(Exception):
    """A command that means nothing here; the text is the answer."""


@dataclass
class Recipient:
    """One receiver, and what notices the sender asked for about him (RFC 3461)."""

    address: str
    notify: str = ""
    orcpt: str = ""


@dataclass
class Envelope:
    """What was said before DATA. `queue_id` is the number in the queue of the host that hands the message over."""

    sender: str
    queue_id: str = ""
    body: str = ""
    utf8: bool = False
    ret: str = ""
    envid: str = ""
    recipients: dict[str, Recipient] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """What the next server is told with the sender's address."""
        return {"body": self.body, "utf8": self.utf8, "ret": self.ret, "envid": self.envid}

    def add(self, new: Recipient) -> None:
        """A receiver who is named twice gets one copy."""
        self.recipients.setdefault(new.address, new)

    def only(self, addresses: Iterable[str]) -> "Envelope":
        """The same for these of its receivers."""
        return replace(self, recipients={each: self.recipients[each] for each in addresses})

    def as_dicts(self) -> list[dict[str, str]]:
        """The receivers for JSON."""
        return [asdict(each) for each in self.recipients.values()]


def sender(arguments: str) -> Envelope:
    """Of `MAIL FROM:` what is behind the colon."""
    address, given = _read(arguments, MAIL)
    body = given.get("body", "").upper()
    if body not in ("", "7BIT", "8BITMIME"):
        raise BadCommandError("501 5.5.4 BODY is 7BIT or 8BITMIME")
    return Envelope(
        address, body=body, utf8="utf8" in given, ret=given.get("ret", "").upper(), envid=given.get("envid", "")
    )


def recipient(arguments: str) -> Recipient:
    """The same of `RCPT TO:`."""
    address, given = _read(arguments, RCPT)
    if not address:
        raise BadCommandError("501 5.1.3 no address")
    return Recipient(address, given.get("notify", "").upper(), given.get("orcpt", ""))


def _read(arguments: str, known: dict[str, str]) -> tuple[str, dict[str, str]]:
    match = _PATH.fullmatch(arguments.strip(" "))
    if not match or len(match[1]) > LONGEST_ADDRESS:
        raise BadCommandError("501 5.5.4 an address in <> is needed")
    given = {}
    for word in match[2].split():
        parameter = _PARAMETER.fullmatch(word)
        name = parameter[1].upper() if parameter else ""
        if not parameter or name not in known:
            raise BadCommandError("555 5.5.4 unknown parameter")
        if known[name]:
            given[known[name]] = parameter[2] or ""
    return match[1], given


def queue_id(arguments: str) -> str:
    """Of `XFORWARD` the number in the queue of the host that hands the message over; "" where it says none."""
    for word in arguments.split():
        name, _, value = word.partition("=")
        if name.upper() == "IDENT" and value.upper() != "[UNAVAILABLE]":
            plain = _HEX.sub(lambda found: chr(int(found[1], 16)), value)
            if re.fullmatch(r"[A-Za-z0-9]{1,64}", plain):
                return plain
    return ""
