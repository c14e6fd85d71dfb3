"""Lists in DNS that the mail filter asks (group_vars/hanam/dns_lists.yml), checked, as the filter is told of them."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hanam_mail.controller import filter_lists
from hanam_mail.controller.filter_lists import FilterListError

ADDRESSES = {"client": "from", "received": "received"}
NAMES = {"helo": "helo", "reverse_name": "rdns", "dkim": "dkim", "links": "urls"}
SELECTORS = {"author": "from('mime'):domain.get_tld", "envelope": "from('smtp'):domain.get_tld"}
MAILBOXES = "mailboxes"
"""What is asked -> what the filter calls it: its checks, and its ways to find a value in a message."""
KINDS = ("senders", "links", "allowed")
POINTS = {"addresses": ("127.0.0.2", "127.0.0.1"), "names": ("test", "invalid")}
"""RFC 5782, section 5: what is always listed, what never is."""
REFUSED = r"127%.255%.255%.%d+"
"""By such an answer a list says that it does not serve us: a pattern of Lua."""
HASHES = ("md5", "sha1", "sha256", "sha512")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_FIELDS = {"zone", "use", "asks", "counts", "answers", "refusals", "points", "hash"}


def rows(lists: object, most: object) -> list[dict[str, Any]]:
    """The lists in use, by their names. Raises FilterListError for any that cannot be meant, in use or not.

    Row: name, zone, holds (addresses, names, mailboxes), checks, selectors {label: how}, hash, counts, answers
    {symbol: patterns of Lua}, scores {symbol: points}, refusals (addresses), listed and clean (names below the zone).
    """
    if not isinstance(lists, Mapping):
        raise FilterListError("dns_lists: names of lists and what they are, are needed")
    _ends(most)
    found = [(_row(str(name), each), each) for name, each in sorted(lists.items())]
    in_use = [row for row, each in found if each.get("use") is True]
    zones = [row["zone"] for row in in_use]
    for row in in_use:
        if zones.count(row["zone"]) > 1:
            raise FilterListError(f"dns_lists, {row['name']}: another list has the same zone")
    return in_use


def scores(lists: object, most: object) -> list[dict[str, Any]]:
    """A group for each kind of list: name, most (below 0 for good senders), symbols {name: points}."""
    found, ends = rows(lists, most), _ends(most)
    return [
        {
            "name": f"dns_lists_{kind}",
            "most": -ends[kind] if kind == "allowed" else ends[kind],
            "symbols": {
                symbol: score for row in found if row["counts"] == kind for symbol, score in row["scores"].items()
            },
        }
        for kind in KINDS
    ]


def _ends(most: object) -> dict[str, float]:
    if not isinstance(most, Mapping):
        raise FilterListError(f"dns_lists_most: numbers of {', '.join(KINDS)} are needed")
    for kind in KINDS:
        if not _is_number(most.get(kind)) or most[kind] < 0:
            raise FilterListError(f"dns_lists_most: {kind} needs a number from 0 up")
    return {kind: most[kind] for kind in KINDS}


def _row(name: str, each: object) -> dict[str, Any]:
    def fault(text: str) -> FilterListError:
        return FilterListError(f"dns_lists, {name}: {text}")

    if not _NAME.fullmatch(name) or not isinstance(each, Mapping):
        raise fault("a name in small letters, digits and _, and its fields are needed")
    if unknown := set(each) - _FIELDS:
        raise fault(f"no such field: {', '.join(sorted(map(str, unknown)))}")
    if each.get("use") not in (True, False):
        raise fault("use is true or false")
    try:
        zone = filter_lists.domains([each.get("zone")], "zone")[0]
    except FilterListError:
        # A key may stand in it: it is not shown.
        raise fault("zone is no domain; write it as DNS has it, without a dot at the end") from None
    holds = _holds(each.get("asks"), fault)
    counts = each.get("counts")
    if counts not in KINDS:
        raise fault(f"counts is one of {', '.join(KINDS)}")
    if (holds == MAILBOXES) != (each.get("hash") in HASHES):
        raise fault(f"a list of mailboxes, and no other, has a hash: {', '.join(HASHES)}")
    answers, points = _answers(name, each, counts, fault)
    test = each.get("points", {})
    if not isinstance(test, Mapping) or set(test) - {"listed", "clean"} or (holds == MAILBOXES and len(test) < 2):
        raise fault("points are `listed` and `clean`; a list of mailboxes needs both, hashed")
    usual = POINTS.get(holds, ("", ""))
    asks = list(each["asks"])
    return {
        "name": name,
        "zone": zone,
        "holds": holds,
        "checks": [{**ADDRESSES, **NAMES}[ask] for ask in asks if ask not in SELECTORS and ask != MAILBOXES]
        + (["emails", "replyto"] if holds == MAILBOXES else []),
        "selectors": {ask: SELECTORS[ask] for ask in asks if ask in SELECTORS},
        "hash": each.get("hash", ""),
        "counts": counts,
        "answers": answers,
        "scores": points,
        "refusals": [str(address) for address in _codes(each.get("refusals", []), fault)],
        "listed": _below(str(test.get("listed", usual[0]))),
        "clean": _below(str(test.get("clean", usual[1]))),
    }


def _holds(asks: object, fault: Any) -> str:
    if not isinstance(asks, list) or not asks:
        raise fault("asks is a list of what is looked for")
    kinds = {"addresses": set(ADDRESSES), "names": set(NAMES) | set(SELECTORS), MAILBOXES: {MAILBOXES}}
    for kind, known in kinds.items():
        if set(map(str, asks)) <= known:
            return kind
    every = ", ".join(sorted(set().union(*kinds.values())))
    raise fault(f"asks is of {every}; addresses, names and mailboxes are not asked of one list")


def _answers(
    name: str, each: Mapping[str, Any], counts: str, fault: Any
) -> tuple[dict[str, list[str]], dict[str, float]]:
    said = each.get("answers")
    if not isinstance(said, Mapping) or not said:
        raise fault("answers are needed")
    refused = set(_codes(each.get("refusals", []), fault))
    patterns, points = dict[str, list[str]](), dict[str, float]()
    for what, answer in said.items():
        if not _NAME.fullmatch(str(what)) or what == "refused" or not isinstance(answer, Mapping):
            raise fault(f"answers, {what}: a name (not `refused`), with codes or bits and a score, is needed")
        if set(answer) not in ({"codes", "score"}, {"bits", "score"}):
            raise fault(f"answers, {what}: codes or bits, and a score, are needed")
        score = answer["score"]
        if not _is_number(score) or score == 0 or (score < 0) != (counts == "allowed"):
            raise fault(f"answers, {what}: the score is above 0, or below 0 where the list counts as allowed")
        found = set(_codes(answer["codes"], fault) if "codes" in answer else _with_bits(answer["bits"], fault))
        # A bit that says "refused" spoils the answer, whatever else it says.
        found -= refused
        symbol = f"DNSLIST_{name}_{what}".upper()
        patterns[symbol] = [str(address).replace(".", "%.") for address in sorted(found)]
        points[symbol] = float(score)
    patterns[f"DNSLIST_{name}_REFUSED".upper()] = [
        REFUSED,
        *(str(address).replace(".", "%.") for address in sorted(refused)),
    ]
    return patterns, points


def _codes(codes: object, fault: Any) -> Iterable[ipaddress.IPv4Address]:
    if not isinstance(codes, list):
        raise fault(f"a list of addresses or ranges is needed, not {codes!r}")
    found = list[ipaddress.IPv4Address]()
    for code in codes:
        first, _, last = str(code).partition("-")
        try:
            start, end = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last or first)
        except ValueError as error:
            raise fault(f"{code!r} is no address and no range of addresses") from error
        if start.packed[0] != 127 or end.packed[:3] != start.packed[:3] or end < start:
            raise fault(f"{code!r}: lists answer 127.x.y.z, and ranges differ in the last number alone")
        if start.packed[:3] == b"\x7f\xff\xff":
            raise fault(f"{code!r} is how lists refuse to answer")
        found += [start + number for number in range(int(end) - int(start) + 1)]
    return found


def _with_bits(bits: object, fault: Any) -> Iterable[ipaddress.IPv4Address]:
    if not isinstance(bits, list) or not bits or not all(each in (2**power for power in range(8)) for each in bits):
        raise fault(f"bits are of 1, 2, 4 ... 128, not {bits!r}")
    mask = sum(set(bits))
    return [ipaddress.IPv4Address("127.0.0.0") + number for number in range(1, 256) if number & mask]


def _below(name: str) -> str:
    """As it is asked below the zone: an address by its octets from the end."""
    try:
        return ".".join(reversed(str(ipaddress.IPv4Address(name)).split(".")))
    except ValueError:
        return name


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
