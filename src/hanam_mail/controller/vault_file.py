"""Make the secrets of an environment once: `python -m hanam_mail.controller.vault_file --inventory FILE --output FILE`.

What the file already has is never changed; what is missing (a new host, a new key) is added. The lab's own public
certificates are issued again, with the keys that they have, when a release serves one more name.
Only names are printed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import fcntl
import functools
import os
import secrets
import string
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pyrage import x25519

from hanam_mail import atomic_file
from hanam_mail.controller.keys import dkim, pki, tls
from hanam_mail.errors import InputError

PROFILES = ("lab", "production")

DATABASE_ROLES = (
    "mail_dovecot",
    "mail_postfix",
    "mail_webmail",
    "webmail",
    "mail_agent",
    "mail_backup",
    "mail_change",
    "mail_held",
    "mail_intake",
    "mail_directory",
    "mail_carddav",
)
LAB_ZONES = (".", "vn", "gov.vn", "hanam.gov.vn", "bo.gov.vn", "example", "ngoai.example", "bogus.example")
PUBLIC_GROUPS = frozenset({"mx", "submission", "mailstore", "webmail"})
# Labels of the services under the mail domain; a lab host's certificate covers them all.
SERVICE_LABELS = ("mail", "imap", "smtp", "mx", "mta-sts", "autoconfig", "autodiscover")
FOREIGN_NAMES = (
    "mx.ngoai.example",
    "mta-sts.ngoai.example",
    "mx.bo.gov.vn",
    "acme.example",
)
# Foreign domains that show an MTA-STS policy (group_vars/lab/lab_sts.yml).
FOREIGN_STS_DOMAINS = (
    "dungsts.example",
    "saichungthu.example",
    "ngoaichinhsach.example",
    "thusts.example",
    "saitrangsts.example",
    "danethang.example",
    "chenlenh.example",
)

# Without the look-alikes 0 O 1 l I, which sample passwords are read aloud without.
_CONSONANTS = "bcdghkmnprstvx"
_VOWELS = "aeiu"
_DIGITS = "23456789"
# Those of the regulation's special characters (Đ8.2b) that need no quoting in a shell or in YAML.
_SPECIAL = "@%"

_HEADER = """\
---
# Made by `python -m hanam_mail.controller.vault_file`; existing values are never changed by it.
"""


class SecretsError(Exception):
    """Something the operator must put right, in one sentence."""


def new_password(length: int = 32) -> str:
    """For machines: letters and digits, so that no configuration language needs to quote it."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(length))


def new_sample_password() -> str:
    """For people: two pronounceable words, a special character, two digits (e.g. Gatimu@Kesa47)."""

    def word(syllables: int) -> str:
        text = "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(syllables))
        return text.capitalize()

    number = "".join(secrets.choice(_DIGITS) for _ in range(2))
    return word(3) + secrets.choice(_SPECIAL) + word(2) + number


def complete(
    existing: Mapping[str, Any],
    *,
    profile: str,
    hosts: Mapping[str, frozenset[str]],
    domain: str,
    logins: Iterable[str] = (),
    lifetime: dt.timedelta = dt.timedelta(days=3650),
    dkim_selector: str = dkim.BEFORE_SELECTOR,
) -> tuple[dict[str, Any], list[str]]:
    """The whole set of variables and the names of those added to `existing`.

    `dkim_selector`: of the one key that a vault of before has.
    """
    result: dict[str, Any] = dict(existing)
    added: list[str] = []

    def value(name: str, make: Callable[[], str]) -> str:
        if name not in result:
            result[name] = make()
            added.append(name)
        return str(result[name])

    def entry(name: str, key: str, make: Callable[[], Any]) -> None:
        table = dict(result.get(name) or {})
        if key not in table:
            table[key] = make()
            result[name] = table
            added.append(f"{name}[{key}]")

    def authority(name: str, title: str) -> pki.Pair:
        certificate, key = name, f"{name}_key"
        if (certificate in result) != (key in result):
            raise SecretsError(f"{certificate} and {key} belong together: one of them is missing")
        if certificate not in result:
            pair = pki.new_authority(title, lifetime=2 * lifetime)
            result[certificate], result[key] = pair.certificate, pair.key
            added.extend((certificate, key))
        return pki.Pair(result[certificate], result[key])

    def operator_public_key() -> str:
        return str(x25519.Identity.from_str(result["vault_lab_operator_key"]).to_public())

    def issued(
        ca: pki.Pair, names: Sequence[str], *, client: bool = False, key: Callable[[], str] = pki.new_private_key
    ) -> dict[str, str]:
        pair = pki.issue(ca, names, lifetime=lifetime, client=client, key=key())
        return {"certificate": pair.certificate, "key": pair.key}

    today = dt.datetime.now(dt.UTC).date()
    added += dkim.complete(result, today, dkim_selector)

    internal = authority("vault_internal_ca", f"{domain} internal CA ({profile})")
    for host in hosts:
        names = [f"{host}.{domain}", "localhost"]
        entry(
            "vault_internal_certificates",
            host,
            functools.partial(issued, internal, names, client=True),
        )

    for role in DATABASE_ROLES:
        entry("vault_database_passwords", role, new_password)
    value("vault_restic_password", new_password)
    entry("vault_restic_http", "user", lambda: "hanam-backup")
    entry("vault_restic_http", "password", new_password)
    # Roundcube takes exactly 24 characters here.
    value("vault_roundcube_des_key", lambda: new_password(24))
    value("vault_redis_password", new_password)
    value("vault_held_key", lambda: secrets.token_hex(32))
    value("vault_second_factor_key", lambda: secrets.token_hex(32))

    exchangers = [host for host, groups in hosts.items() if "mx" in groups]
    public_hosts = [host for host, groups in hosts.items() if groups & PUBLIC_GROUPS]
    if profile == "production":
        return result, added + tls.complete(result, exchangers, public_hosts)

    added += tls.complete(result, exchangers)
    public = authority("vault_public_ca", "Hà Nam Mail lab public CA")
    served = {host: [f"{label}.{domain}" for label in (*SERVICE_LABELS, host)] for host in public_hosts}
    served |= {host: [*FOREIGN_NAMES, f"{host}.{domain}"] for host, groups in hosts.items() if "outside" in groups}
    shown = [(tls.ECDSA, host) for host in served] + [(tls.RSA, host) for host in exchangers]
    for kind, host in shown:
        names = list(dict.fromkeys(served[host]))
        entry(kind.pairs, host, functools.partial(issued, public, names, key=kind.new))
        table = dict(result[kind.pairs])
        held = table[host]["certificate"]
        # One that somebody put there, of another authority, is his.
        if pki.issued_by(held, public.certificate) and set(names) - set(pki.certificate_names(held)):
            table[host] = issued(public, names, key=functools.partial(str, table[host]["key"]))
            result[kind.pairs] = table
            added.append(f"{kind.pairs}[{host}] (names)")
    for foreign in FOREIGN_STS_DOMAINS:
        names = [f"mta-sts.{foreign}"]
        entry("vault_lab_sts_certificates", foreign, functools.partial(issued, public, names))
    for zone in LAB_ZONES:
        entry("vault_lab_dnssec_keys", zone, pki.new_private_key)
    value("vault_lab_foreign_dkim_private_key", lambda: next(iter(dkim.new_keys(today).values())))
    value("vault_lab_foreign_password", new_sample_password)
    # What is sealed to the operator (first passwords, purged mailboxes) can be opened in the lab's tests.
    value("vault_lab_operator_key", lambda: str(x25519.Identity.generate()))
    value("vault_lab_operator_public_key", operator_public_key)
    for login in logins:
        entry("vault_sample_passwords", login, new_sample_password)
    return result, added


def inventory_hosts(document: Any) -> dict[str, frozenset[str]]:
    """Hosts of a YAML inventory with the groups that name them, parents included."""
    found: dict[str, set[str]] = {}

    def walk(name: str, group: Any, above: frozenset[str]) -> None:
        if not isinstance(group, Mapping):
            return
        inside = above | {name}
        for host in group.get("hosts") or {}:
            found.setdefault(str(host), set()).update(inside)
        for child, content in (group.get("children") or {}).items():
            walk(str(child), content, inside)

    for name, group in (document or {}).items():
        walk(str(name), group, frozenset())
    return {host: frozenset(groups) for host, groups in found.items()}


def registry_logins(documents: Iterable[Any]) -> list[str]:
    """Local parts of the mailboxes that people log in to: every kind but agency and office."""
    return [
        str(mailbox["address"])
        for document in documents
        if isinstance(document, Mapping)
        for mailbox in document.get("mailboxes") or []
        if isinstance(mailbox, Mapping) and mailbox.get("kind") in ("person", "guest") and mailbox.get("address")
    ]


def dump(variables: Mapping[str, Any]) -> str:
    """YAML with key material as readable blocks, in a stable order."""
    text = yaml.dump(dict(variables), Dumper=_Dumper, allow_unicode=True, sort_keys=True, width=1000)
    return _HEADER + text


class _Dumper(yaml.SafeDumper):
    pass


def _represent_str(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    style = "|" if "\n" in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _represent_str)


def _load_yaml(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise SecretsError(f"{path}{line}: not valid YAML") from error
    except OSError as error:
        raise SecretsError(f"{path}: {error.strerror}") from error


def _read_existing(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    if path.read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT"):
        raise SecretsError(f"{path} is encrypted: decrypt it, add what is missing, encrypt it again")
    document = _load_yaml(path)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SecretsError(f"{path}: expected variables (name: value), found something else")
    return document


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m hanam_mail.controller.vault_file", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="vault file to make or complete")
    parser.add_argument("--inventory", type=Path, action="append", default=[], help="may be given more than once")
    parser.add_argument("--profile", choices=PROFILES, default="lab")
    parser.add_argument("--domain", default="hanam.gov.vn")
    parser.add_argument("--mailboxes", type=Path, default=Path("mailboxes"))
    parser.add_argument("--lifetime-days", type=int, default=3650, help="of the certificates")
    parser.add_argument("--dkim-selector", default=dkim.BEFORE_SELECTOR, help=f"of {dkim.BEFORE}, in an old vault")
    options = parser.parse_args(arguments)
    try:
        added = _run(options)
    except (SecretsError, InputError, pki.CertificateError) as error:
        print(f"hanam_mail.controller.vault_file: {error}", file=sys.stderr)
        return 1
    for name in added:
        print(f"added {name}")
    return 0


def _run(options: argparse.Namespace) -> list[str]:
    hosts: dict[str, frozenset[str]] = {}
    for path in options.inventory:
        for host, groups in inventory_hosts(_load_yaml(path)).items():
            hosts[host] = hosts.get(host, frozenset()) | groups
    if not hosts:
        raise SecretsError("no host: name the environment's inventory with --inventory")
    logins: list[str] = []
    if options.profile == "lab":
        logins = registry_logins(_load_yaml(path) for path in sorted(options.mailboxes.glob("*.yml")))

    return change(
        options.output,
        lambda existing: complete(
            existing,
            profile=options.profile,
            hosts=hosts,
            domain=options.domain,
            logins=logins,
            lifetime=dt.timedelta(days=options.lifetime_days),
            dkim_selector=options.dkim_selector,
        ),
    )


def change(path: Path, edit: Callable[[dict[str, Any]], tuple[dict[str, Any], list[str]]]) -> list[str]:
    """Write the variables that `edit` makes of the file's, and give what it says it did; nothing: not written.

    Raises SecretsError for a file that is encrypted or no table of variables.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        # Two runs at once would each make their own authority.
        fcntl.flock(directory, fcntl.LOCK_EX)
        variables, done = edit(_read_existing(path))
        if done:
            atomic_file.write(path, dump(variables).encode(), mode=0o600)
    finally:
        os.close(directory)
    return done


if __name__ == "__main__":
    sys.exit(main())
