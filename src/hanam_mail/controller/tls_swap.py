"""Let a mail exchanger's next key take its place: `python -m hanam_mail.controller.tls_swap --vault FILE HOST`.

DNS has to know the next key before it is shown, or senders that check DANE refuse us. So every name server of the zone
is asked first; and the host itself refuses a key whose record has not been there for its TTL (role certificates). Then:
deploy, write the records anew. `--forget` takes the key of before away, `--replace-next` makes the next one anew. Only
the vault is changed (record 0055). Prints names of keys, never keys.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dns.exception
import dns.resolver

from hanam_mail import dns_check
from hanam_mail.controller.keys import pki, tls
from hanam_mail.controller.vault_file import SecretsError, change
from hanam_mail.errors import InputError

_DNS = "ghi lại và gửi bản ghi DNS (playbooks/dns.yml)"
_SAID = {
    "swap": f"""Tiếp theo: chạy playbook triển khai; máy chủ từ chối khóa mà DNS chưa công bố đủ lâu. Rồi {_DNS}.
Khi máy đã dùng khóa mới và không còn báo gì về TLSA: tls_swap --forget, rồi ghi bản ghi lần nữa.""",
    "forget": f"Tiếp theo: chạy playbook triển khai, {_DNS}; bản ghi TLSA của khóa trước được xóa khỏi DNS.",
    "replace": f"""Tiếp theo: {_DNS}, và triển khai (--tags dns_watch): máy so DNS với bản ghi của lần triển khai trước,
không triển khai thì sáng mai báo bản ghi mới là thừa. Đổi khóa được khi DNS đã công bố khóa mới quá một TTL.""",
}
type ServerAddresses = dict[str, list[str]]
"""Addresses by name of a name server."""


def zone_servers(name: str) -> ServerAddresses:
    """Those of the zone that a name is in. Raises SecretsError where DNS does not tell."""
    try:
        zone = dns.resolver.zone_for_name(name)
        servers = sorted(each.target.to_text() for each in dns.resolver.resolve(zone, "NS"))
        return {server: sorted(dns.resolver.resolve_name(server).addresses()) for server in servers}
    except (dns.exception.DNSException, OSError) as error:
        raise SecretsError(f"{name}: không tìm được máy chủ tên của vùng ({error})") from error


def unpublished(place: str, data: str, servers: ServerAddresses) -> Iterator[str]:
    """Which of the servers do not answer with a TLSA record, and why, in Vietnamese."""
    for server, addresses in servers.items():
        answer = (
            dns_check.Servers(addresses).ask(place, "TLSA") if addresses else dns_check.DnsAnswer(error="no address")
        )
        if answer.error:
            yield f"máy chủ tên {server}: chưa hỏi được ({answer.error})"
        elif data not in map(str.lower, answer.data):
            yield f"máy chủ tên {server}: chưa có bản ghi TLSA {data} ở {place}"


def place_of(data: str, zones: Sequence[Path]) -> str:
    """The name under which zone files publish a TLSA record. Raises SecretsError when they do not."""
    for zone in zones:
        for wanted in dns_check.read(zone):
            if wanted.type == "TLSA" and data in map(str.lower, wanted.data):
                return wanted.name
    raise SecretsError(f"tệp vùng DNS không có TLSA {data} của khóa kế tiếp: {_DNS}, chờ hết TTL, rồi đổi")


def check_published(
    vault: dict[str, Any], host: str, kind: tls.KeyKind, zones: Sequence[Path], given: Sequence[str]
) -> None:
    """Raise SecretsError unless all servers of the zone publish the host's next key."""
    key = (vault.get(kind.next) or {}).get(host)
    if not key:
        raise SecretsError(f"{kind.next} chưa có khóa kế tiếp cho {host}; tạo bằng --replace-next, công bố, rồi đổi")
    pki.load_key(str(key))
    data = pki.tlsa_for_key(str(key))
    place = place_of(data, zones)
    servers = {address: [address] for address in given} or zone_servers(place)
    if faults := list(unpublished(place, data, servers)):
        raise SecretsError("chưa đổi được: " + "; ".join(faults))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0: done, or nothing to do; 1: refused, with the reason."""
    parser = argparse.ArgumentParser(prog="python -m hanam_mail.controller.tls_swap", description=__doc__)
    parser.add_argument("host", help="máy nhận thư (nhóm mx) được đổi khóa")
    parser.add_argument("--rsa", action="store_const", const=tls.RSA, default=tls.ECDSA, dest="kind", help="khóa RSA")
    parser.add_argument("--vault", type=Path, required=True, help="tệp bí mật của môi trường, đã giải mã")
    parser.add_argument("--zone", type=Path, action="append", help="tệp vùng do playbooks/dns.yml ghi (build/*.zone)")
    parser.add_argument("--server", action="append", default=[], help="hỏi các máy chủ tên này thay cho máy của vùng")
    parser.add_argument("--certificate", type=Path, help="chứng thư cho khóa kế tiếp, khi chứng thư được giao từ ngoài")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--forget", action="store_const", const="forget", dest="what", help="bỏ khóa trước")
    what.add_argument("--replace-next", action="store_const", const="replace", dest="what", help="tạo lại khóa kế tiếp")
    parser.set_defaults(what="swap")
    options = parser.parse_args(arguments)
    try:
        if not options.vault.exists():
            raise SecretsError(f"{options.vault}: không có tệp này")
        done = change(options.vault, _edit(options))
    except (SecretsError, InputError, ValueError, OSError) as error:
        print(f"hanam_mail.controller.tls_swap: {error}", file=sys.stderr)
        return 1
    for line in done:
        print(line)
    print(_SAID[options.what] if done else "không có gì để đổi")
    return 0


def _edit(options: argparse.Namespace) -> Callable[[dict[str, Any]], tuple[dict[str, Any], list[str]]]:
    host, kind = options.host, options.kind

    def swap(vault: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        check_published(vault, host, kind, options.zone or sorted(Path("build").glob("*.zone")), options.server)
        certificate = options.certificate.read_text() if options.certificate else ""
        after = tls.swapped(vault, host, certificate, kind)
        now, before = (pki.tlsa_for_key(tls.in_use(each, host, kind)) for each in (after, vault))
        return after, [f"{host}: {now} (trước: {before})"]

    def forget(vault: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        there = host in (vault.get(kind.former) or {})
        return tls.without_former(vault, host, kind), [f"{kind.former}: đã bỏ khóa trước của {host}"] if there else []

    def replace(vault: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        if not tls.in_use(vault, host, kind):
            raise SecretsError(f"{host}: vault không có khóa nào của máy này")
        after = tls.with_new_next(vault, host, kind)
        return after, [f"{kind.next}[{host}]: {pki.tlsa_for_key(after[kind.next][host])}"]

    return {"swap": swap, "forget": forget, "replace": replace}[options.what]


if __name__ == "__main__":
    sys.exit(main())
