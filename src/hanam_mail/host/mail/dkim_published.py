"""`hanam-mail-db dkim-published`: whether DNS knows the keys with which the filter is about to sign (record 0045).

Role rspamd asks before it writes a new list of keys. A line of the list is a key's name in DNS, a blank and its text.
A signature by a key that nobody can look up is worth nothing, and says nothing to whoever sends it.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from hanam_mail.host import frame

PATIENCE = 10.0
"""Seconds for one name, all tries together."""


def add_commands(commands: frame.Commands) -> None:
    command = commands.add_parser("dkim-published", help="DNS đã công bố các khóa DKIM sắp dùng để ký chưa")
    command.add_argument("list", type=Path, help="danh sách sắp có hiệu lực: mỗi dòng tên trong DNS và nội dung")
    command.add_argument(
        "--known",
        type=Path,
        required=True,
        help="danh sách đang có hiệu lực; chưa có, và chưa có khóa nào, thì không hỏi",
    )
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    known = set[str]()
    if options.known.exists():
        known = set(options.known.read_text().splitlines())
    elif not list(options.known.parent.glob("dkim.*.key")):
        # A filter that never signed: the domain's records may come after its hosts.
        return 0
    found = [fault for line in options.list.read_text().splitlines() if line not in known for fault in _faults(line)]
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


def _faults(line: str) -> Iterator[str]:
    name, _, wanted = line.partition(" ")
    if not wanted or line.startswith("#"):
        return
    try:
        there = texts(name)
    except LookupError as error:
        yield f"{name}: chưa hỏi được DNS ({error}); khóa mới chưa được dùng, hãy thử lại"
        return
    if not there:
        yield f"{name}: DNS chưa công bố khóa này; công bố bản ghi (playbooks/dns.yml), chờ hết TTL, rồi triển khai lại"
    elif len(there) > 1:
        yield f"{name}: DNS có {len(there)} bản ghi TXT, chỉ được có một"
    elif not _serves(there[0], wanted):
        yield f"{name}: DNS đang công bố khóa khác ({there[0][:60]}...)"


def texts(name: str) -> list[str]:
    """The TXT records of a name, as this host's resolver tells them. LookupError: it does not tell."""
    import dns.exception
    import dns.resolver

    try:
        answer = dns.resolver.Resolver().resolve(name, "TXT", lifetime=PATIENCE)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise LookupError(str(error)) from error
    return [b"".join(each.strings).decode("ascii", "replace") for each in answer]


def _serves(text: str, wanted: str) -> bool:
    """Whether signatures by the wanted record's key count by this one (RFC 6376, 3.6.1)."""
    tags, key = _tags(text), _tags(wanted)
    # The version may be left out; where it stands it is the first.
    first = next(iter(tags), "")
    return (
        (tags.get("p"), tags.get("k", "rsa")) == (key["p"], key["k"])
        and ("v" not in tags or (first, tags["v"]) == ("v", "DKIM1"))
        and "sha256" in tags.get("h", "sha256").split(":")
        and "y" not in tags.get("t", "").split(":")
    )


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip(): "".join(value.split()) for name, _, value in pairs}
