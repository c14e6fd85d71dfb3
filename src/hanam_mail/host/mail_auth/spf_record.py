"""The grammar of a record of SPF (RFC 7208, sections 4.6.1, 5, 6 and 7): text to terms, and macros to text."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

type Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Permanent(Exception):
    """The domain's record cannot be read or asks for too much: permerror."""


@dataclass(frozen=True)
class Mechanism:
    """`domain`: with macros in it, "" where the record names none. `bits4`, `bits6`: lengths of prefixes."""

    result: str
    name: str
    domain: str = ""
    bits4: int = 32
    bits6: int = 128
    network: Network | None = None


@dataclass(frozen=True)
class SpfRecord:
    """What a record says; `redirect` is "" where it names nobody."""

    mechanisms: list[Mechanism] = field(default_factory=list)
    redirect: str = ""


RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
NAMES = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")

_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.ASCII)
_MECHANISM = re.compile(r"([+?~-]?)([A-Za-z0-9_.-]+)(?::(.*?))?((?:/\d+)?(?://\d+)?)", re.ASCII)
_MACRO = re.compile(r"%(?:\{([slodiphcrtv])([0-9]*)(r?)([-.+,/_=]*)\}|([%_-]))", re.IGNORECASE | re.ASCII)
_LITERAL = re.compile(r"[\x21-\x24\x26-\x7e]*")
_TOP = re.compile(r"(?!\d+$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_LENGTH = re.compile(r"0|[1-9]\d{0,2}", re.ASCII)
# Only in explanations, which nobody is shown here.
_IN_EXPLANATIONS = frozenset("crt")
LONGEST_NAME = 253


def read(text: str) -> SpfRecord:
    """A record that begins with its version; Permanent when any of it is wrong (section 4.6)."""
    mechanisms, modifiers = [], dict[str, str]()
    for term in text.split(" ")[1:]:
        if not term:
            continue
        if match := _MODIFIER.fullmatch(term):
            name = match[1].lower()
            if name in ("redirect", "exp"):
                if name in modifiers:
                    raise Permanent(f"{name}= stands twice")
                modifiers[name] = match[2]
                check_domain(match[2])
            else:
                check_macros(match[2])
        else:
            mechanisms.append(_mechanism(term))
    return SpfRecord(mechanisms, modifiers.get("redirect", ""))


def _mechanism(term: str) -> Mechanism:
    match = _MECHANISM.fullmatch(term)
    name = match[2].lower() if match else ""
    if match is None or name not in NAMES:
        raise Permanent(f"unknown: {term[:40]}")
    result, argument, prefix = RESULTS[match[1] or "+"], match[3], match[4]
    wrong = Permanent(f"malformed: {term[:40]}")
    if name in ("ip4", "ip6"):
        if argument is None:
            raise wrong
        return Mechanism(result, name, network=_network(name, argument, prefix, wrong))
    if name in ("a", "mx"):
        short, _, long = prefix.partition("//")
        bits4, bits6 = _length(short[1:], 32, wrong), _length(long, 128, wrong)
    elif prefix and argument is not None and name != "all":
        # There a slash is a sign like any other.
        argument, prefix, bits4, bits6 = argument + prefix, "", 32, 128
    else:
        bits4, bits6 = 32, 128
        if prefix:
            raise wrong
    if name == "all" if argument is not None else name in ("include", "exists"):
        raise wrong
    if argument is not None:
        check_domain(argument)
    return Mechanism(result, name, argument or "", bits4, bits6)


def _network(name: str, argument: str, prefix: str, wrong: Permanent) -> Network:
    if prefix.startswith("//"):
        raise wrong
    try:
        if name == "ip4":
            bits = _length(prefix[1:], 32, wrong)
            return ipaddress.IPv4Network((argument, bits), strict=False)
        bits = _length(prefix[1:], 128, wrong)
        # A zone (%) is nothing for a record.
        if "%" in argument:
            raise wrong
        return ipaddress.IPv6Network((argument, bits), strict=False)
    except ValueError as error:
        raise wrong from error


def _length(text: str, most: int, wrong: Permanent) -> int:
    if not text:
        return most
    if not _LENGTH.fullmatch(text) or int(text) > most:
        raise wrong
    return int(text)


def check_domain(text: str) -> None:
    """Permanent unless it is a domain-spec: it ends in a macro or in a label that may be a top one."""
    check_macros(text)
    end, is_macro = 0, False
    for match in _MACRO.finditer(text):
        end, is_macro = match.end(), match[1] is not None
    before, dot, top = text[end:].removesuffix(".").rpartition(".")
    if not (is_macro and end == len(text)) and not (dot and (before or end) and _TOP.fullmatch(top)):
        raise Permanent(f"malformed domain: {text[:40]}")


def check_macros(text: str) -> None:
    """Permanent unless it is a macro-string without what only explanations may hold."""
    for match in _MACRO.finditer(text):
        if match[1] and (match[1].lower() in _IN_EXPLANATIONS or (match[2] and int(match[2][:4]) == 0)):
            raise Permanent(f"malformed macro: {match[0][:40]}")
    if not _LITERAL.fullmatch(_MACRO.sub("", text)):
        raise Permanent(f"malformed macro: {text[:40]}")


def expand(text: str, value: Callable[[str], str]) -> str:
    """A domain-spec with its macros put in, cut from the left to what DNS can ask for (section 7.3).

    value: the text of a macro by its letter.
    """

    def put_in(match: re.Match[str]) -> str:
        if match[5]:
            return {"%": "%", "_": " ", "-": "%20"}[match[5]]
        pieces = re.split("[" + re.escape(match[4] or ".") + "]", value(match[1].lower()))
        if match[3]:
            pieces.reverse()
        if match[2]:
            pieces = pieces[-min(int(match[2][:4]), len(pieces)) :]
        joined = ".".join(pieces)
        return quote(joined, safe="-._~") if match[1].isupper() else joined

    name = _MACRO.sub(put_in, text).removesuffix(".")
    if len(name) > LONGEST_NAME:
        # Whole labels of it.
        name = name[-LONGEST_NAME - 1 :].partition(".")[2]
    return name
