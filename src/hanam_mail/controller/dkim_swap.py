"""Let the next DKIM keys sign: `python -m hanam_mail.controller.dkim_swap --vault FILE`.

The keys that signed become former ones, which DNS keeps while mail on its way bears their signatures, and new next
ones are made. `--forget` takes the former ones away, `--replace-next` makes the next ones anew. Only the vault is
changed: what to do about DNS and the hosts is said afterwards (record 0045). Prints names of keys, never keys.
"""

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hanam_mail.controller.keys import dkim, pki
from hanam_mail.controller.keys.dkim import FORMER, NEXT, SIGNING
from hanam_mail.controller.vault_file import SecretsError, change
from hanam_mail.errors import InputError

_DNS = "ghi lại và gửi bản ghi DNS (playbooks/dns.yml)"
_SAID = {
    "swap": f"""Tiếp theo: chạy playbook triển khai; máy chủ từ chối khóa mà DNS chưa công bố. Rồi {_DNS}.
Sau ít nhất bảy ngày (thư cũ đã đi hết): dkim_swap --forget. Nếu khóa cũ đã lộ: --forget ngay.""",
    "forget": f"Tiếp theo: {_DNS}; bản ghi của khóa cũ được xóa khỏi DNS.",
    "replace": f"Tiếp theo: {_DNS}; đổi khóa được khi DNS đã công bố khóa mới quá một TTL.",
}


def swap(vault: dict[str, Any], day: dt.date) -> tuple[dict[str, Any], list[str]]:
    """The vault after the next keys' turn has come, and what changed. Raises SecretsError where that may not be."""
    now, coming = dict(vault.get(SIGNING) or {}), dict(vault.get(NEXT) or {})
    if vault.get(FORMER):
        raise SecretsError(f"{FORMER} còn {', '.join(vault[FORMER])}: bỏ khóa cũ trước (--forget), rồi mới đổi lần nữa")
    if not coming:
        raise SecretsError(f"{NEXT}: chưa có khóa nào; tạo bằng --replace-next, công bố, rồi đổi")
    if faults := dkim.problems({NEXT: coming}):
        raise SecretsError("; ".join(faults))
    new = dkim.new_keys(day)
    done = [f"{SIGNING}: {', '.join(coming)} (trước: {', '.join(now)})", f"{NEXT}: {', '.join(new)}"]
    return vault | {SIGNING: coming, FORMER: now, NEXT: new}, done


def forget(vault: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The vault without the former keys, and what changed."""
    gone = vault.get(FORMER) or {}
    rest = {name: value for name, value in vault.items() if name != FORMER}
    return rest, [f"{FORMER}: đã bỏ {', '.join(gone)}"] if gone else []


def replace_next(vault: dict[str, Any], day: dt.date) -> tuple[dict[str, Any], list[str]]:
    """The vault with other next keys, and what changed."""
    new = dkim.new_keys(day)
    return vault | {NEXT: new}, [f"{NEXT}: {', '.join(new)}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0: done, or nothing to do; 1: refused, with the reason."""
    parser = argparse.ArgumentParser(prog="python -m hanam_mail.controller.dkim_swap", description=__doc__)
    parser.add_argument("--vault", type=Path, required=True, help="tệp bí mật của môi trường, đã giải mã")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--forget", action="store_const", const="forget", dest="what", help="bỏ các khóa cũ")
    what.add_argument("--replace-next", action="store_const", const="replace", dest="what", help="tạo lại khóa kế tiếp")
    parser.set_defaults(what="swap")
    options = parser.parse_args(arguments)
    today = dt.datetime.now(dt.UTC).date()
    edits = {
        "swap": lambda vault: swap(vault, today),
        "forget": forget,
        "replace": lambda vault: replace_next(vault, today),
    }
    try:
        if not options.vault.exists():
            raise SecretsError(f"{options.vault}: không có tệp này")
        done = change(options.vault, edits[options.what])
    except (SecretsError, InputError, pki.CertificateError) as error:
        print(f"hanam_mail.controller.dkim_swap: {error}", file=sys.stderr)
        return 1
    for line in done:
        print(line)
    print(_SAID[options.what] if done else "không có gì để đổi")
    return 0


if __name__ == "__main__":
    sys.exit(main())
