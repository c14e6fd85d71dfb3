"""hanam-dns-lists FILE: whether the lists in DNS that the mail filter asks are well (role rspamd).

FILE holds the lists, JSON (controller/dns_lists.py, rows). Each is asked for what it always lists and for what it never
does (RFC 5782, section 5). One that is away, refuses to answer us, lists all the world or nothing is not to be used:
its zone stands in the file `unused` of $STATE_DIRECTORY, which the filter reads again by itself, until it is well.
Why, for the operator, stands in found.json beside it, where role watch reads it: the names of lists alone, since a zone
may hold a key. A list that is away is told when it has been so for hours.
"""

import argparse
import ipaddress
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from hanam_mail import atomic_file, dns_check
from hanam_mail.dns_check import AskDns
from hanam_mail.host.findings import FOUND, DnsFinding, DnsLook

UNUSED = "unused"
PATIENCE = 3
"""Looks at which no list answers, one after the other: from then on none is used, since each letter waits for them."""
_REFUSED = ipaddress.IPv4Network("127.255.255.0/24")
_LISTED = ipaddress.IPv4Network("127.0.0.0/8")


class ListFault(StrEnum):
    """Why a list is not used: what the operator is told, in Vietnamese."""

    AWAY = "không trả lời"
    REFUSES = (
        "từ chối trả lời hệ thống này: thường vì hỏi qua máy phân giải công cộng, hỏi quá nhiều, "
        "hoặc khóa đăng ký hết hạn. "
        "Xem điều kiện của nơi lập danh sách; kiểm tra unbound của máy này hỏi thẳng, không qua máy phân giải khác"
    )
    ALL = (
        "liệt kê cả cái không bao giờ được liệt kê: có thể đã ngừng hoạt động. "
        "Nếu lâu không khỏi, hãy bỏ khỏi dns_lists"
    )
    NOTHING = "không liệt kê cả cái luôn được liệt kê: có thể đã ngừng hoạt động, hoặc sai tên vùng, sai khóa đăng ký"


Row = Mapping[str, Any]


def fault_of(row: Row, ask: AskDns) -> ListFault | None:
    """What is wrong with a list, if anything."""
    said = [ask(f"{row[which]}.{row['zone']}.", "A") for which in ("listed", "clean")]
    listed, clean = ([ipaddress.IPv4Address(data) for data in answer.data] for answer in said)
    refusals = {ipaddress.IPv4Address(each) for each in row["refusals"]}
    if any(address in _REFUSED or address in refusals for address in listed + clean):
        return ListFault.REFUSES
    if clean:
        return ListFault.ALL
    if any(answer.error for answer in said):
        return ListFault.AWAY
    return None if any(address in _LISTED for address in listed) else ListFault.NOTHING


def look(
    rows: Sequence[Row], asking: Callable[[], AskDns], before: DnsLook, now: float
) -> tuple[DnsLook, list[str] | None]:
    """What was found, and the zones that are not to be used.

    None for zones that stay as they are, since no list answers: that is our own resolver or line, and mail is back with
    it before the next look. Where it stays so (PATIENCE), none is used until one answers. `asking`: a new one for each
    list, since who does not answer for one is not asked again.
    """
    faults = {row["name"]: fault for row in rows if (fault := fault_of(row, asking()))}
    away = [name for name, fault in faults.items() if fault is ListFault.AWAY]
    found = [
        DnsFinding(name, f"dnslist:{name}:{fault.name.lower()}", f"Danh sách DNS “{name}” tạm không được dùng: {fault}")
        for name, fault in faults.items()
        if fault is not ListFault.AWAY
    ]
    # Of one that does not answer what was found before is not over.
    found += [item for item in before.found if item.place in away]
    unheard = before.unheard + 1 if len(away) == len(rows) > 1 else 0
    state = DnsLook(
        complete=before.complete if away else now,
        silent=[f"danh sách DNS “{name}”: {ListFault.AWAY}" for name in away],
        found=found,
        unheard=unheard,
    )
    if 0 < unheard < PATIENCE:
        return state, None
    return state, [row["zone"] for row in rows if row["name"] in faults]


def write_unused(path: Path, zones: Sequence[str]) -> None:
    """The filter's map, replaced whole, and only when it says something else: each time the filter reads it anew."""
    text = "# hanam-dns-lists\n" + "".join(f"{zone}\n" for zone in sorted(zones))
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        atomic_file.write(path, text.encode())


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """0 whatever was found."""
    parser = argparse.ArgumentParser(prog="hanam-dns-lists")
    parser.add_argument("--server", action="append", default=[], help="máy phân giải được hỏi")
    parser.add_argument("--port", type=int, default=dns_check.PORT, help=argparse.SUPPRESS)
    parser.add_argument("lists", type=Path)
    options = parser.parse_args(arguments)
    folder, now = Path(environment["STATE_DIRECTORY"]), time.time()
    rows = json.loads(options.lists.read_text(encoding="utf-8"))

    def asking() -> AskDns:
        return dns_check.Servers(options.server, port=options.port).ask

    state, unused = look(rows, asking, DnsLook.read(folder / FOUND, now), now)
    if unused is not None:
        write_unused(folder / UNUSED, unused)
    state.write(folder / FOUND)
    for text in [item.text for item in state.found] + state.silent:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
