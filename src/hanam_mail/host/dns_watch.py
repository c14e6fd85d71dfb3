"""hanam-dns-check: whether the world's DNS answers what the mail domain is to publish, as a host of the system sees it.

    hanam-dns-check records FILE...         zone files (role dns_watch writes them) against what is answered
    hanam-dns-check served NAME             the key that port 25 shows against the TLSA records of NAME
    hanam-dns-check published LIST ...      may the keys of LIST be used? asked before they are (role certificates)

The first two leave what they found in found.json of $STATE_DIRECTORY, where role watch reads it. DNS that does not
answer is no difference, and what was found before stays. They run without any right (docs/decisions/0055-dane-keys.md).
"""

import argparse
import base64
import hashlib
import os
import smtplib
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hanam_mail import dns_check
from hanam_mail.dns_check import AskDns, WantedRecords, What
from hanam_mail.host.findings import FOUND, DnsFinding, DnsLook

SMTP_SECONDS = 30.0
KINDS = {"ecdsa": "ECDHE-ECDSA-AES256-GCM-SHA384", "rsa": "ECDHE-RSA-AES256-GCM-SHA384"}
"""Kinds of keys, with a suite by which a server shows no other."""
_MISMATCH = (
    "Cổng 25 đang dùng khóa không có trong bản ghi TLSA của {name}: máy chủ kiểm tra DANE không gửi thư đến được. "
    "Công bố ngay bản ghi {data} (playbooks/dns.yml), hoặc đưa khóa trước trở lại (sổ tay vận hành, mục “Khóa TLSA”)"
)


def records(wanted: Sequence[WantedRecords], ask: AskDns, before: DnsLook, now: float) -> DnsLook:
    """The state after all records were asked for."""
    found, silent = list[DnsFinding](), dict[str, str]()
    for each in dns_check.differences(wanted, ask):
        place = f"{each.name.rstrip('.')} {each.type}"
        if each.what is What.UNANSWERED:
            silent[place] = each.found
            continue
        # Another value there is another cause, which is told anew.
        number = hashlib.sha256(repr(each.as_dict()).encode()).hexdigest()[:16]
        found.append(DnsFinding(place, f"dns:{number}", f"DNS, {place}: {dns_check.mend(each)}"))
    kept = [item for item in before.found if item.place in silent]
    return DnsLook(
        complete=before.complete if silent else now,
        silent=[f"{place}: {why}" for place, why in silent.items()],
        found=found + kept,
    )


def served(name: str, ask: AskDns, shown: Iterable[Callable[[], str]], before: DnsLook, now: float) -> DnsLook:
    """The state after the keys that port 25 shows were looked for among the TLSA records.

    `shown`: what tells the record of each key; OSError where the port does not say. The others are judged all the same.
    """
    answer = ask(name, "TLSA")
    if answer.error:
        return _silent(before, f"{name} TLSA: {answer.error}")
    there = {_plain(data) for data in answer.data}
    state = DnsLook(
        complete=now,
        seen={data: before.seen.get(data, now) for data in sorted(there)},
        ttl=max(answer.ttl, before.ttl),
    )
    for show in shown:
        try:
            data = show()
        except OSError as error:
            state.silent.append(f"cổng 25: {error}")
            continue
        # Without a record nobody asks for a key; that it is missing is told by the daily look.
        if there and data not in there:
            text = _MISMATCH.format(name=name.rstrip("."), data=data)
            state.found.append(DnsFinding(name, f"tlsa:{data}", text, mail=True))
    if state.silent:
        state.complete = before.complete
        # One that was found before may be the key that was not shown now.
        state.found += [item for item in before.found if item not in state.found]
    return state


def _silent(before: DnsLook, why: str, **more: Any) -> DnsLook:
    return DnsLook(**{**vars(before), "silent": [why], **more})


def refusals(
    lines: Iterable[str], known: Iterable[str], ask: AskDns, state: DnsLook | None, ttl: int, now: float
) -> list[str]:
    """Why keys of a new list (lines "NAME 3 1 1 digest") may not be used, in Vietnamese; those known already may.

    A name without any TLSA record binds nobody. With some, the new key's must have been seen for so long that nobody
    remembers an answer without it; on a host that never looked (no `state`) it must be there.
    """
    found = []
    for line in sorted(set(lines) - set(known)):
        name, _, data = line.partition(" ")
        if not data or line.startswith("#"):
            continue
        answer = ask(name, "TLSA")
        since = state.seen.get(_plain(data)) if state else None
        if answer.error:
            found.append(f"{name}: chưa hỏi được DNS ({answer.error}); khóa mới chưa được dùng, hãy thử lại")
        elif not answer.data:
            continue
        elif _plain(data) not in map(_plain, answer.data):
            found.append(
                f"{name}: DNS chưa công bố TLSA {data} của khóa mới; công bố bản ghi (playbooks/dns.yml), "
                "chờ hết TTL, rồi triển khai lại"
            )
        elif state is None:
            continue
        elif since is None:
            found.append(
                f"{name}: máy này chưa ghi nhận TLSA {data}, nên chưa biết đã công bố đủ lâu; "
                "chạy systemctl start hanam-tlsa-check, chờ hết TTL, rồi triển khai lại"
            )
        elif now < (ready := since + max(ttl, state.ttl)):
            at = time.strftime("%H:%M ngày %d/%m/%Y", time.localtime(ready))
            found.append(f"{name}: TLSA {data} mới được công bố, còn nơi nhớ câu trả lời cũ; triển khai lại sau {at}")
    return found


def _plain(data: str) -> str:
    """A TLSA record's data in one way of writing."""
    *head, digest = data.lower().split(maxsplit=3)
    return " ".join([*head, digest.replace(" ", "")])


def shown_by(host: str, port: int, kind: str = "") -> str:
    """The record `3 1 1` of the key that an SMTP server shows after STARTTLS, whoever signed its certificate.

    `kind`: to a client that knows keys of this kind alone (KINDS).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if kind:
        # In TLS 1.3 suites do not say it.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(KINDS[kind])
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with smtplib.SMTP(host, port, timeout=SMTP_SECONDS) as client:
            client.starttls(context=context)
            certificate = client.sock.getpeercert(binary_form=True)  # type: ignore[union-attr]
    except smtplib.SMTPException as error:
        raise OSError(str(error)) from error
    return record_of(certificate or b"", "DER")


def record_of(certificate: bytes, form: str = "PEM") -> str:
    """The record `3 1 1` of a certificate's key. Raises OSError for what is none."""
    asked = ["openssl", "x509", "-inform", form, "-noout", "-pubkey"]
    done = subprocess.run(asked, input=certificate, capture_output=True, check=False)
    if done.returncode != 0:
        raise OSError("không đọc được chứng thư")
    key = base64.b64decode(b"".join(line for line in done.stdout.splitlines() if not line.startswith(b"-----")))
    return f"3 1 1 {hashlib.sha256(key).hexdigest()}"


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Exit 0: looked, whatever was found; 1: keys are refused."""
    parser = argparse.ArgumentParser(prog="hanam-dns-check")
    parser.add_argument("--server", action="append", default=[], help="máy phân giải được hỏi")
    parser.add_argument("--port", type=int, default=dns_check.PORT, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("records", help="đối chiếu bản ghi của tên miền thư")
    command.add_argument("files", type=Path, nargs="+")
    command = commands.add_parser("served", help="đối chiếu khóa ở cổng 25 với bản ghi TLSA")
    command.add_argument("name", help="tên của bản ghi TLSA")
    command.add_argument("--kind", action="append", default=[], choices=KINDS, help="loại khóa mà cổng 25 có")
    command.add_argument("--smtp", default="127.0.0.1:25", help=argparse.SUPPRESS)
    command = commands.add_parser("published", help="khóa mới đã được công bố đủ lâu chưa")
    command.add_argument("list", type=Path)
    command.add_argument("--known", type=Path, required=True, help="danh sách đang có hiệu lực")
    command.add_argument("--certificate", type=Path, required=True, help="chứng thư đang dùng, khi chưa có danh sách")
    command.add_argument("--state", type=Path, required=True, help="thư mục có found.json của lệnh served")
    command.add_argument("--ttl", type=int, required=True, help="TTL của vùng, tính bằng giây")
    options = parser.parse_args(arguments)
    ask = dns_check.Servers(options.server, port=options.port).ask
    now = time.time()
    if options.command == "published":
        return _published(options, ask, now)
    path = Path(environment["STATE_DIRECTORY"]) / FOUND
    before = DnsLook.read(path, now)
    if options.command == "records":
        state = records([each for file in options.files for each in dns_check.read(file)], ask, before, now)
    else:
        host, _, port = options.smtp.rpartition(":")
        kinds = options.kind or [""]
        state = served(options.name, ask, [partial(shown_by, host, int(port), kind) for kind in kinds], before, now)
    state.write(path)
    for text in [item.text for item in state.found] + [f"chưa hỏi được: {each}" for each in state.silent]:
        print(text)
    return 0


def _published(options: argparse.Namespace, ask: AskDns, now: float) -> int:
    new = options.list.read_text().splitlines()
    if options.known.exists():
        known = options.known.read_text().splitlines()
    elif options.certificate.exists():
        # Of a release that kept no list.
        shown = record_of(options.certificate.read_bytes())
        known = [line for line in new if line.endswith(f" {shown}")]
    else:
        # A host that shows no key yet: the domain's records may come after its hosts.
        return 0
    left = options.state / FOUND
    state = DnsLook.read(left, now) if left.exists() else None
    faults = refusals(new, known, ask, state, options.ttl, now)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
