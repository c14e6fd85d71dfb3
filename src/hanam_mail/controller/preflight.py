"""What must be right in an inventory and its variables before a playbook changes anything.

Each problem is one Vietnamese sentence that names the variable and what is expected. Roles check their own
inputs besides (meta/argument_specs.yml), but only when their turn comes, which is too late.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hanam_mail.controller import openid, placeholders
from hanam_mail.controller.keys import dkim, pki, tls
from hanam_mail.controller.vault_file import DATABASE_ROLES
from hanam_mail.host.passwords import sealed_file
from hanam_mail.regulation import rule_values
from hanam_mail.regulation.group_vars import overridden

REQUIRED_GROUPS = ("accounts", "quarantine", "mx", "submission", "filter", "mailstore", "webmail", "backup_repository")
TLS_MODES = ("acme", "provided")
# The labels at which mail programs ask how a mailbox is set up.
CLIENT_NAMES = ("autoconfig", "autodiscover")
# What an environment's vault must hold, and the keys of those that are tables.
VAULT: Mapping[str, tuple[str, ...]] = {
    "vault_database_passwords": DATABASE_ROLES,
    "vault_dkim_keys": (),
    "vault_held_key": (),
    "vault_internal_ca": (),
    "vault_internal_certificates": (),
    "vault_redis_password": (),
    "vault_restic_http": ("user", "password"),
    "vault_restic_password": (),
    "vault_roundcube_des_key": (),
    "vault_second_factor_key": (),
}
# Everything leads to the first host of these; a second one would hold mailboxes that nobody finds.
SINGLE_GROUPS = {
    "accounts": "hệ thống chỉ dùng một cơ sở dữ liệu tài khoản",
    "mailstore": "mọi thư được đưa về một kho thư",
    "quarantine": "thư bị giữ nằm ở một nơi",
}
# In what form programs can take a secret.
_FORMS = {
    "vault_held_key": (re.compile(r".{32,}"), "cần ít nhất 32 ký tự ngẫu nhiên"),
    "vault_redis_password": (re.compile(r"[A-Za-z0-9]+"), "chỉ gồm chữ không dấu và số"),
    "vault_roundcube_des_key": (re.compile(r".{24}"), "cần đúng 24 ký tự"),
    "vault_second_factor_key": (re.compile(r".{32,}"), "cần ít nhất 32 ký tự ngẫu nhiên"),
}
_SMARTHOST = ("host", "port", "tls_name", "user", "password", "sender", "recipient")
_MAKE = "tạo bằng `python -m hanam_mail.controller.vault_file` (docs/handbook/operations.vi.md)"
_REPORTS = ("organisation", "sender", "contact", "destinations", "try_days")
_GONE = {
    dkim.BEFORE: f"vault_file chuyển khóa này vào {dkim.SIGNING}; đã có bảng ấy thì xóa biến này",
    **{
        f"dmarc_reports_{name}": f"nay là outgoing_reports_{name}, chung cho báo cáo DMARC và TLS; đổi tên biến này"
        for name in _REPORTS
    },
    "dkim_selector": f"tên khóa nằm trong {dkim.SIGNING} (vault_file --dkim-selector); xóa biến này",
}
# In a record's text it ends at white space and at a semicolon.
_ACCOUNT = re.compile(r"https://[A-Za-z0-9._~:/?&=%-]+")
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?")
# The shortest prefix of a network that is somebody's, by the version of IP.
_WIDEST = {4: 8, 6: 16}
_DOMAIN = re.compile(r"(?!-)([a-z0-9-]{1,63}(?<!-)\.)+[a-z]{2,63}")


def problems(
    variables: Mapping[str, Any], host: str, groups: Mapping[str, Iterable[str]], shared: Path | None = None
) -> list[str]:
    """Everything wrong with one host's inventory and variables; empty when playbooks may run.

    `shared` is the province's folder of group_vars, whose files `hanam-mail` reads as well.
    """
    return [
        *_inventory(variables, host, groups),
        *_variables(variables),
        *numbers(variables, shared),
        *_vault(variables, host),
        *_internal_certificate(variables, host),
        *_public_certificate(variables, host),
        *_acme_accounts(variables, groups),
        *openid.problems(variables),
        *_second_path(variables, host in groups.get("production", ())),
        *placeholders.problems(variables, host, groups),
    ]


def numbers(variables: Mapping[str, Any], shared: Path | None) -> list[str]:
    """What is wrong with the numbers of the regulation and of the installation, as Ansible has them."""
    # A network that is none is told by its own sentence.
    faults = rule_values.faults(variables, computed=False)
    found = [str(fault) for fault in faults if fault.variable != "guessing_province_networks"]
    return found + (overridden(shared, variables) if shared else [])


def _inventory(variables: Mapping[str, Any], host: str, groups: Mapping[str, Iterable[str]]) -> list[str]:
    found = [
        f"inventory: nhóm {group} không có máy nào; mỗi nhóm {', '.join(REQUIRED_GROUPS)} phải có máy"
        for group in REQUIRED_GROUPS
        if not list(groups.get(group, ()))
    ]
    found += [
        f"inventory: nhóm {group} có hơn một máy; {reason}"
        for group, reason in SINGLE_GROUPS.items()
        if len(list(groups.get(group, ()))) > 1
    ]
    if not any(host in groups.get(group, ()) for group in (*REQUIRED_GROUPS, "outside")):
        found.append(
            f"inventory: máy {host} không thuộc nhóm nào có vai trò; xếp vào một trong {', '.join(REQUIRED_GROUPS)}"
        )
    if variables.get("password_chosen_for_others") and host not in groups.get("lab", ()):
        found.append(
            "password_chosen_for_others: chỉ phòng thử nghiệm được bật; "
            "người vận hành không được chọn mật khẩu cho người khác"
        )
    # The operator's commands decide in the database, and read what is kept.
    if not set(groups.get("quarantine", ())) <= set(groups.get("accounts", ())):
        found.append("inventory: nhóm quarantine phải là máy của nhóm accounts, nơi có lệnh quyết định về thư bị giữ")
    # Without a filter on the host itself Postfix has no milters: no scan, no DKIM, no limits.
    for group in ("mx", "submission"):
        missing = sorted(set(groups.get(group, ())) - set(groups.get("filter", ())))
        if missing:
            found.append(
                f"inventory: máy của nhóm {group} phải thuộc cả nhóm filter để thư được quét (Đ4.2, Đ10.6); "
                f"thiếu {', '.join(missing)}"
            )
    # The agent brings what was counted for reports to domains into the database.
    agents = {*groups.get("mailstore", ()), *groups.get("submission", ())}
    for switch, what, counting in (
        ("dmarc_reports", "máy lọc thư", ("filter",)),
        ("tls_reports", "máy gửi thư ra ngoài", ("mx", "submission")),
    ):
        hosts = {host for group in counting for host in groups.get(group, ())}
        without = sorted(hosts - agents)
        if variables.get(switch) and without:
            found.append(
                f"inventory: {switch} cần tác tử trên mọi {what} (nhóm submission hoặc mailstore); "
                f"thiếu {', '.join(without)}; xếp thêm nhóm, hoặc đặt {switch}: false"
            )
    for name, version in (("host_ipv4", 4), ("host_ipv6", 6)):
        try:
            correct = ipaddress.ip_address(str(variables.get(name))).version == version
        except ValueError:
            correct = False
        if not correct:
            found.append(f"{name} của {host}: cần một địa chỉ IPv{version}, đang là {variables.get(name)!r}")
    return found


def _variables(variables: Mapping[str, Any]) -> list[str]:
    found = []
    domain = variables.get("mail_domain")
    if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain):
        found.append(f"mail_domain: cần một tên miền như hanam.gov.vn, đang là {domain!r}")
    networks = variables.get("admin_networks")
    if not networks or not isinstance(networks, list):
        found.append(
            "admin_networks: cần danh sách mạng của người quản trị, ví dụ [192.0.2.0/24]; thiếu thì không ai vào được"
        )
    else:
        found += _networks("admin_networks", networks)
    # An entry that is no network would stop every sign-in that Dovecot has not cached.
    province = variables.get("guessing_province_networks") or []
    if isinstance(province, list):
        found += _networks("guessing_province_networks", province)
    else:
        found.append("guessing_province_networks: cần danh sách mạng, ví dụ [192.0.2.0/24]; không có thì để []")
    readers = variables.get("address_book_ldap_networks") or []
    if variables.get("address_book_ldap") and (not readers or not isinstance(readers, list)):
        found.append(
            "address_book_ldap_networks: cần danh sách mạng được đọc danh bạ qua LDAP, ví dụ [192.0.2.0/24]; "
            "không có thì đặt address_book_ldap: false"
        )
    elif variables.get("address_book_ldap"):
        found += _networks("address_book_ldap_networks", readers) or _too_wide("address_book_ldap_networks", readers)
    if variables.get("certificates_mode") not in TLS_MODES:
        found.append(
            f"certificates_mode: phải là một trong {', '.join(TLS_MODES)}, "
            f"đang là {variables.get('certificates_mode')!r}"
        )
    client_names = variables.get("client_names") or []
    if not isinstance(client_names, list) or set(map(str, client_names)) - set(CLIENT_NAMES):
        found.append(
            f"client_names: cần danh sách các nhãn trong số {', '.join(CLIENT_NAMES)}; không có tên nào thì để [], "
            f"đang là {client_names!r}"
        )
    found += _operator_keys(variables.get("mailboxes_operator_keys"))
    # Undefined, they would stop the deployment half-way.
    for name in ("dmarc_reports", "tls_reports"):
        if not isinstance(variables.get(name), bool):
            found.append(f"{name}: cần true hoặc false, đang là {variables.get(name)!r}")
    for name in _REPORTS:
        if not variables.get(f"outgoing_reports_{name}"):
            found.append(f"outgoing_reports_{name}: chưa đặt; xem group_vars/hanam/reports.yml")
    return found


def _networks(name: str, networks: Iterable[Any]) -> list[str]:
    found = []
    for network in map(str, networks):  # as text: to Python a bare number is an address
        try:
            ipaddress.ip_network(network)
            # Forms that PostgreSQL, nginx and nftables do not all take: a mask in dots, a zone.
            reason = "" if _NETWORK.fullmatch(network) else "cần dạng CIDR"
        except ValueError as error:
            reason = str(error)
        if reason:
            found.append(f"{name}: “{network}” không phải một mạng như 192.0.2.0/24 ({reason})")
    return found


def _too_wide(name: str, networks: Iterable[Any]) -> list[str]:
    """No province has such a network: who writes one means everybody."""
    return [
        f"{name}: “{network}” quá rộng; tiền tố phải từ /{_WIDEST[4]} (IPv4), /{_WIDEST[6]} (IPv6) trở lên"
        for network in map(ipaddress.ip_network, map(str, networks))
        if network.prefixlen < _WIDEST[network.version]
    ]


def _operator_keys(keys: Any) -> list[str]:
    if not keys or not isinstance(keys, list):
        return [
            "mailboxes_operator_keys: cần danh sách khóa công khai của người vận hành (age-keygen), ví dụ [age1...]; "
            "mật khẩu ban đầu được niêm phong cho các khóa này"
        ]
    return [
        f"mailboxes_operator_keys: “{key}” không phải khóa công khai của age hay ssh"
        for key in keys
        if not sealed_file.RECIPIENT.fullmatch(str(key))
    ]


def _vault(variables: Mapping[str, Any], host: str) -> list[str]:
    found = []
    for name, keys in VAULT.items():
        value = variables.get(name)
        if not value:
            found.append(f"{name}: chưa có; {_MAKE}")
        elif keys and not isinstance(value, Mapping):
            found.append(f"{name}: cần một bảng với các khóa {', '.join(keys)}")
        else:
            found += [f"{name}[{key!r}]: chưa có; {_MAKE}" for key in keys if not value.get(key)]
    for name, (pattern, expected) in _FORMS.items():
        if variables.get(name) and not pattern.fullmatch(str(variables[name])):
            found.append(f"{name}: {expected}")
    found += [f"{name}: không còn dùng; {cure}" for name, cure in _GONE.items() if variables.get(name)]
    return found + published_keys(variables, host)


def published_keys(variables: Mapping[str, Any], host: str | None = None) -> list[str]:
    """What is wrong with the keys that DNS publishes before and after their turn; `host` as in tls.problems."""
    found = tls.problems(variables, host)
    if variables.get(dkim.SIGNING):
        found += dkim.problems({name: variables.get(name) or {} for name in (dkim.SIGNING, dkim.NEXT, dkim.FORMER)})
    return found


def _internal_certificate(variables: Mapping[str, Any], host: str) -> list[str]:
    """Every host shows its neighbours a certificate that bears its name and comes from the vault's authority."""
    authority, table = variables.get("vault_internal_ca"), variables.get("vault_internal_certificates")
    if not authority or not table:
        return []  # told by _vault
    source = f"vault_internal_certificates[{host!r}]"
    pair = table.get(host) if isinstance(table, Mapping) else None
    if not isinstance(pair, Mapping) or not all(pair.get(part) for part in ("certificate", "key")):
        return [f"{source}: cần certificate và key; {_MAKE}"]
    try:
        pki.certificate_names(str(authority))
    except ValueError:
        return ["vault_internal_ca: chứng thư không ở dạng PEM"]
    chain = f"{str(pair['certificate']).strip()}\n{authority}"
    domain = str(variables.get("mail_domain"))
    names = [f"{host}.{domain}"] if _DOMAIN.fullmatch(domain) else []
    return [f"{source}: {problem}" for problem in pki.problems(chain, str(pair["key"]), names)]


def _public_certificate(variables: Mapping[str, Any], host: str) -> list[str]:
    names = list(variables.get("certificates_names") or ())
    key = variables.get("certificates_private_key") or ""
    if not names or variables.get("certificates_mode") not in TLS_MODES:
        return []
    if variables["certificates_mode"] == "acme":
        source, rsa = f"vault_public_keys[{host!r}]", variables.get("certificates_rsa_private_key") or ""
        found = _key(source, key) if key else [f"{source}: chưa có; {_MAKE}"]
        return found + (_key(f"{tls.RSA.keys}[{host!r}]", rsa) if rsa else [])
    source = f"vault_public_certificates[{host!r}]"
    pair = (variables.get("certificates_certificate") or "", key)
    if not all(pair):
        return [f"{source}: chưa có; certificates_mode provided cần chứng thư và khóa cho {', '.join(names)}"]
    found = [f"{source}: {problem}" for problem in pki.problems(*pair, names)]
    chain, rsa = (variables.get(f"certificates_rsa_{part}") or "" for part in ("certificate", "private_key"))
    if rsa:
        wrong = pki.problems(chain, rsa, names) or ([] if pki.key_kind(rsa) == "rsa" else ["khóa không phải là RSA"])
        found += [f"{tls.RSA.pairs}[{host!r}]: {problem}" for problem in wrong]
    return found


def _acme_accounts(variables: Mapping[str, Any], groups: Mapping[str, Iterable[str]]) -> list[str]:
    """They go into DNS, where a wrong one keeps the authority from renewing."""
    accounts = variables.get("dns_acme_accounts") or {}
    if not isinstance(accounts, Mapping):
        return ["dns_acme_accounts: cần một bảng, tên máy -> địa chỉ tài khoản ACME"]
    known = {host for hosts in groups.values() for host in hosts}
    found = [f"dns_acme_accounts[{host!r}]: không có máy này" for host in accounts if host not in known]
    return found + [
        f"dns_acme_accounts[{host!r}]: cần địa chỉ https:// của tài khoản (# certbot show_account)"
        for host, account in accounts.items()
        if not _ACCOUNT.fullmatch(str(account))
    ]


def _second_path(variables: Mapping[str, Any], required: bool) -> list[str]:
    """How the operator hears of it when mail itself is down: production has a way, and each way is a safe one."""
    webhook, smarthost = variables.get("vault_watch_webhook"), variables.get("vault_watch_smarthost")
    found = []
    if required and not webhook and not smarthost:
        found.append(
            "vault_watch_webhook hoặc vault_watch_smarthost: chưa có đường thứ hai để báo khi chính hệ thống thư hỏng; "
            "thêm một trong hai bằng `ansible-vault edit` (docs/handbook/operations.vi.md)"
        )
    if webhook and not re.fullmatch(r"https://\S+", str(webhook)):
        found.append("vault_watch_webhook: cần địa chỉ https://")
    if smarthost and not isinstance(smarthost, Mapping):
        return [*found, f"vault_watch_smarthost: cần một bảng với các khóa {', '.join(_SMARTHOST)}"]
    if smarthost:
        found += [f"vault_watch_smarthost[{key!r}]: chưa có" for key in _SMARTHOST if not smarthost.get(key)]
        recipient = str(smarthost.get("recipient") or "")
        if recipient.casefold().endswith(f"@{variables.get('mail_domain')}"):
            found.append("vault_watch_smarthost['recipient']: phải là địa chỉ ngoài hệ thống này")
    return found


def _key(source: str, key: Any) -> list[str]:
    try:
        pki.load_key(str(key))
    except pki.CertificateError as error:
        return [f"{source}: {error}"]
    return []
