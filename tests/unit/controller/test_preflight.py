"""Each thing that is wrong in an inventory or its variables, named in one sentence before anything is changed."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml

from hanam_mail.controller import preflight, vault_file
from hanam_mail.controller.keys import pki
from hanam_mail.regulation import rule_values

SHARED = Path(__file__).parents[3] / "group_vars/hanam"
GROUPS = {group: ["mail"] for group in preflight.REQUIRED_GROUPS}
HOSTS = ("mail", "edge", "stray", "internet")
LIFETIME = dt.timedelta(days=9)


def numbers() -> dict[str, Any]:
    """The project's own: literals, but for what Ansible works out."""
    files = (yaml.safe_load((SHARED / name).read_text("utf-8")) for name in rule_values.FILES)
    known = {name: value for values in files for name, value in values.items()}
    return {name: known[name] for name in known if name.startswith(rule_values.PREFIXES)}


@pytest.fixture(scope="module")
def right() -> dict[str, Any]:
    """Variables with which playbooks may run."""
    pair = pki.issue(pki.new_authority("CA", lifetime=LIFETIME), ["mail.hanam.gov.vn"], lifetime=LIFETIME)
    hosts = {host: frozenset({"mx"}) for host in HOSTS}
    vault, _ = vault_file.complete({}, profile="production", hosts=hosts, domain="hanam.gov.vn")
    return {
        "host_ipv4": "192.0.2.1",
        "host_ipv6": "2001:db8::1",
        "mail_domain": "hanam.gov.vn",
        "dmarc_reports": False,
        "tls_reports": False,
        "outgoing_reports_contact": "postmaster@hanam.gov.vn",
        "outgoing_reports_destinations": 5,
        "outgoing_reports_organisation": "hanam.gov.vn",
        "outgoing_reports_sender": "noreply@hanam.gov.vn",
        "outgoing_reports_try_days": 3,
        "mailboxes_operator_keys": ["age1" + "q" * 58],
        "admin_networks": ["192.0.2.0/24", "2001:db8::/32"],
        "certificates_mode": "provided",
        "certificates_names": ["mail.hanam.gov.vn"],
        "certificates_certificate": pair.certificate,
        "certificates_private_key": pair.key,
        **numbers(),
        **vault,
    }


def without(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}


@pytest.mark.dieu12
def test_chosen_passwords_are_for_laboratories(right: dict[str, Any]) -> None:
    (problem,) = preflight.problems({**right, "password_chosen_for_others": True}, "mail", GROUPS)
    assert problem.startswith("password_chosen_for_others: chỉ phòng thử nghiệm")
    laboratory = {**GROUPS, "lab": ["mail"]}
    assert preflight.problems({**right, "password_chosen_for_others": True}, "mail", laboratory) == []


@pytest.mark.dieu4
def test_the_provinces_networks_may_be_none_or_any(right: dict[str, Any]) -> None:
    for networks in ([], ["10.27.0.0/16", "fd27::/16", "192.0.2.7"]):
        assert preflight.problems({**right, "guessing_province_networks": networks}, "mail", GROUPS) == []


@pytest.mark.parametrize(
    ("networks", "told"),
    [
        ([], "cần danh sách mạng"),
        (["10.27.0.0/33"], "không phải một mạng"),
        (["10.27.0.0/16", "0.0.0.0/0"], "“0.0.0.0/0” quá rộng"),
        (["10.0.0.0/7"], "“10.0.0.0/7” quá rộng"),
        (["::/0"], "“::/0” quá rộng"),
        (["2000::/15"], "“2000::/15” quá rộng"),
    ],
)
def test_an_address_book_by_ldap_is_for_networks_that_are_named(
    right: dict[str, Any], networks: list[str], told: str
) -> None:
    given = {**right, "address_book_ldap_networks": networks}
    assert preflight.problems(given, "mail", GROUPS) == []
    (problem,) = preflight.problems({**given, "address_book_ldap": True}, "mail", GROUPS)
    assert problem.startswith("address_book_ldap_networks: ")
    assert told in problem


def test_a_network_that_somebody_has_may_read_the_address_book_by_ldap(right: dict[str, Any]) -> None:
    given = {**right, "address_book_ldap": True, "address_book_ldap_networks": ["10.0.0.0/8", "fd27::/16", "192.0.2.7"]}
    assert preflight.problems(given, "mail", GROUPS) == []


def test_right_variables_have_no_problems(right: dict[str, Any]) -> None:
    assert preflight.problems(right, "mail", GROUPS) == []


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("mail_domain", "hanam", "mail_domain: cần một tên miền như hanam.gov.vn, đang là 'hanam'"),
        ("mail_domain", "", "mail_domain: cần một tên miền"),
        ("mail_domain", None, "mail_domain: cần một tên miền"),
        ("mailboxes_operator_keys", "", "mailboxes_operator_keys: cần danh sách khóa công khai"),
        ("mailboxes_operator_keys", ["age1abc"], "“age1abc” không phải khóa công khai"),
        ("certificates_mode", "selfsigned", "certificates_mode: phải là một trong acme, provided"),
        (
            "client_names",
            ["autoconfig", "imap"],
            "client_names: cần danh sách các nhãn trong số autoconfig, autodiscover",
        ),
        ("client_names", {"autoconfig": "autoconfig.hanam.gov.vn"}, "client_names: cần danh sách các nhãn"),
        ("admin_networks", "", "admin_networks: cần danh sách mạng"),
        ("admin_networks", ["192.0.2.1/24"], "admin_networks: “192.0.2.1/24” không phải một mạng"),
        ("guessing_province_networks", "10.27.0.0/16", "guessing_province_networks: cần danh sách mạng"),
        (
            "guessing_province_networks",
            ["10.27.0.0/33"],
            "guessing_province_networks: “10.27.0.0/33” không phải một mạng",
        ),
        (
            "guessing_province_networks",
            ["10.27.1.0/16"],
            "guessing_province_networks: “10.27.1.0/16” không phải một mạng",
        ),
        (
            "guessing_province_networks",
            ["10.27.0.0/255.255.0.0"],
            "guessing_province_networks: “10.27.0.0/255.255.0.0” không phải một mạng",
        ),
        ("guessing_province_networks", ["fe80::%1"], "guessing_province_networks: “fe80::%1” không phải một mạng"),
        ("guessing_province_networks", [10], "guessing_province_networks: “10” không phải một mạng"),
        ("guessing_province_networks", [None], "guessing_province_networks: “None” không phải một mạng"),
        ("host_ipv4", "2001:db8::1", "host_ipv4 của mail: cần một địa chỉ IPv4"),
        ("host_ipv6", "", "host_ipv6 của mail: cần một địa chỉ IPv6"),
        (
            "regulation_quota_personal_default_bytes",
            1000,
            "regulation_quota_personal_default_bytes: ít nhất 2147483648",
        ),
        ("regulation_quota_agency_default_bytes", "10GB", "regulation_quota_agency_default_bytes: ít nhất"),
        ("certificates_certificate", "nonsense", "vault_public_certificates['mail']: chứng thư không ở dạng PEM"),
        ("certificates_private_key", "", "vault_public_certificates['mail']: chưa có"),
        ("vault_redis_password", "a b", "vault_redis_password: chỉ gồm chữ không dấu và số"),
        ("vault_roundcube_des_key", "x" * 23, "vault_roundcube_des_key: cần đúng 24 ký tự"),
        ("vault_dkim_keys", "nonsense", "vault_dkim_keys: cần một bảng, tên khóa (selector) -> khóa riêng"),
        ("vault_dkim_keys", {"a": "nonsense"}, "vault_dkim_keys['a']: khóa riêng không ở dạng PEM"),
        ("dkim_selector", "mail", "dkim_selector: không còn dùng"),
        ("dmarc_reports_sender", "a@b.vn", "dmarc_reports_sender: không còn dùng; nay là outgoing_reports_sender"),
        ("tls_reports", "", "tls_reports: cần true hoặc false, đang là ''"),
        ("outgoing_reports_contact", "", "outgoing_reports_contact: chưa đặt"),
        ("vault_dkim_private_key", "x", "vault_dkim_private_key: không còn dùng"),
        ("vault_internal_ca", "nonsense", "vault_internal_ca: chứng thư không ở dạng PEM"),
        ("vault_restic_http", "x", "vault_restic_http: cần một bảng với các khóa user, password"),
        ("certificates_names", ["imap.hanam.gov.vn"], "chứng thư không có tên imap.hanam.gov.vn"),
        *((name, "", f"{name}: chưa có") for name in preflight.VAULT),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_expected(
    right: dict[str, Any], variable: str, value: Any, expected: str
) -> None:
    (problem,) = preflight.problems({**right, variable: value}, "mail", GROUPS)
    assert expected in problem


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ({"webmail": []}, "inventory: nhóm webmail không có máy nào"),
        ({"accounts": ["mail", "other"]}, "inventory: nhóm accounts có hơn một máy"),
        ({"mailstore": ["mail", "store2"]}, "inventory: nhóm mailstore có hơn một máy"),
        ({"quarantine": ["other"]}, "inventory: nhóm quarantine phải là máy của nhóm accounts"),
        ({"quarantine": []}, "inventory: nhóm quarantine không có máy nào"),
        ({"mx": ["mail", "edge"]}, "inventory: máy của nhóm mx phải thuộc cả nhóm filter"),
        ({"submission": ["mail", "edge"]}, "inventory: máy của nhóm submission phải thuộc cả nhóm filter"),
    ],
)
def test_a_wrong_inventory_is_told(right: dict[str, Any], groups: dict[str, list[str]], expected: str) -> None:
    (problem,) = preflight.problems(right, "mail", {**GROUPS, **groups})
    assert problem.startswith(expected)


def test_the_second_certificate_has_an_rsa_key(right: dict[str, Any]) -> None:
    def second(key: str) -> dict[str, Any]:
        authority = pki.new_authority("CA", lifetime=LIFETIME)
        pair = pki.issue(authority, ["mail.hanam.gov.vn"], lifetime=LIFETIME, key=key)
        return {**right, "certificates_rsa_certificate": pair.certificate, "certificates_rsa_private_key": pair.key}

    assert preflight.problems(second(pki.new_rsa_key()), "mail", GROUPS) == []
    assert preflight.problems(second(pki.new_private_key()), "mail", GROUPS) == [
        "vault_public_rsa_certificates['mail']: khóa không phải là RSA"
    ]


def test_what_is_counted_for_reports_has_somebody_who_brings_it(right: dict[str, Any]) -> None:
    groups = {**GROUPS, "mx": ["edge"], "filter": ["mail", "edge"]}
    assert preflight.problems(right, "mail", groups) == []
    for switch in ("dmarc_reports", "tls_reports"):
        (problem,) = preflight.problems({**right, switch: True}, "mail", groups)
        assert f"{switch} cần tác tử" in problem and "thiếu edge" in problem


def test_a_host_in_no_group_is_named(right: dict[str, Any]) -> None:
    (problem,) = preflight.problems(right, "stray", GROUPS)
    assert "máy stray không thuộc nhóm nào" in problem


def test_a_host_of_the_labs_outside_world_needs_no_role(right: dict[str, Any]) -> None:
    assert preflight.problems(right, "internet", {**GROUPS, "outside": ["internet"]}) == []


@pytest.mark.parametrize(
    ("variable", "key"),
    [(name, key) for name, keys in preflight.VAULT.items() for key in keys],
)
def test_a_part_that_is_missing_in_the_vault_is_named(right: dict[str, Any], variable: str, key: str) -> None:
    (problem,) = preflight.problems({**right, variable: without(right[variable], key)}, "mail", GROUPS)
    assert problem.startswith(f"{variable}['{key}']: chưa có; tạo bằng")


def test_a_host_without_an_internal_certificate_is_named(right: dict[str, Any]) -> None:
    table = without(right["vault_internal_certificates"], "mail")
    (problem,) = preflight.problems({**right, "vault_internal_certificates": table}, "mail", GROUPS)
    assert problem.startswith("vault_internal_certificates['mail']: cần certificate và key")


def test_an_internal_certificate_of_another_host_domain_or_authority_is_refused(right: dict[str, Any]) -> None:
    table = right["vault_internal_certificates"]
    (problem,) = preflight.problems(
        {**right, "vault_internal_certificates": {**table, "mail": table["edge"]}}, "mail", GROUPS
    )
    assert problem == "vault_internal_certificates['mail']: chứng thư không có tên mail.hanam.gov.vn"
    other = pki.new_authority("CA khác", lifetime=LIFETIME).certificate
    (problem,) = preflight.problems({**right, "vault_internal_ca": other}, "mail", GROUPS)
    assert "chuỗi chứng thư đứt" in problem
    broken = {**table, "mail": {**table["mail"], "key": "nonsense"}}
    (problem,) = preflight.problems({**right, "vault_internal_certificates": broken}, "mail", GROUPS)
    assert problem.startswith("vault_internal_certificates['mail']: khóa riêng không ở dạng PEM")


@pytest.mark.parametrize(("key", "expected"), [("", "chưa có"), ("nonsense", "khóa riêng không ở dạng PEM")])
def test_mode_acme_needs_a_key_that_can_be_read(right: dict[str, Any], key: str, expected: str) -> None:
    acme = {**right, "certificates_mode": "acme", "certificates_certificate": "", "certificates_private_key": key}
    (problem,) = preflight.problems(acme, "mail", GROUPS)
    assert problem.startswith(f"vault_public_keys['mail']: {expected}")
    assert (
        preflight.problems({**acme, "certificates_private_key": right["vault_public_keys"]["mail"]}, "mail", GROUPS)
        == []
    )


SMARTHOST = {
    "host": "smtp.nha-cung-cap.vn",
    "port": 587,
    "tls_name": "smtp.nha-cung-cap.vn",
    "user": "hanam",
    "password": "x",
    "sender": "hanam@nha-cung-cap.vn",
    "recipient": "truc@nha-cung-cap.vn",
}


@pytest.mark.dieu10
def test_production_has_a_second_path_to_its_operator(right: dict[str, Any]) -> None:
    """Without one the news that mail is down wait in the queue of the mail that is down."""
    production = {**GROUPS, "production": ["mail"]}

    def told(groups: dict[str, list[str]], **more: Any) -> list[str]:
        found = preflight.problems({**right, **more}, "mail", groups)
        return [problem for problem in found if "vault_watch" in problem]

    (problem,) = told(production)
    assert problem.startswith("vault_watch_webhook hoặc vault_watch_smarthost: chưa có đường thứ hai")
    assert told(GROUPS) == []
    assert told({**GROUPS, "staging": ["mail"]}) == []
    for way in ({"vault_watch_webhook": "https://chat.example/x"}, {"vault_watch_smarthost": SMARTHOST}):
        assert told(production, **way) == []


@pytest.mark.dieu10
@pytest.mark.parametrize(
    ("way", "problem"),
    [
        ({"vault_watch_webhook": "http://chat.example/x"}, "vault_watch_webhook: cần địa chỉ https://"),
        ({"vault_watch_smarthost": "smtp.nha-cung-cap.vn"}, "vault_watch_smarthost: cần một bảng"),
        # Without a name no certificate could be checked.
        ({"vault_watch_smarthost": SMARTHOST | {"tls_name": ""}}, "vault_watch_smarthost['tls_name']: chưa có"),
        ({"vault_watch_smarthost": without(SMARTHOST, "password")}, "vault_watch_smarthost['password']: chưa có"),
        (
            {"vault_watch_smarthost": SMARTHOST | {"recipient": "stttt@hanam.gov.vn"}},
            "vault_watch_smarthost['recipient']: phải",
        ),
    ],
)
def test_a_second_path_is_safe_and_leads_outside(right: dict[str, Any], way: dict[str, Any], problem: str) -> None:
    (found,) = preflight.problems({**right, **way}, "mail", GROUPS)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ({"mail": "https://acme-v02.api.letsencrypt.org/acme/acct/123"}, []),
        ({}, []),
        ([], []),
        (["x"], ["dns_acme_accounts: cần một bảng, tên máy -> địa chỉ tài khoản ACME"]),
        ({"khongco": "https://a.example/1"}, ["dns_acme_accounts['khongco']: không có máy này"]),
        ({"mail": "https://a.example/1; x"}, ["dns_acme_accounts['mail']: cần địa chỉ https:// của tài khoản"]),
    ],
)
def test_an_account_that_the_authority_would_not_find_is_told(accounts: Any, expected: list[str]) -> None:
    found = preflight._acme_accounts({"dns_acme_accounts": accounts}, {"mx": ["mail"]})
    assert [fault.partition(" (#")[0] for fault in found] == expected


class Asked(dict[str, Any]):
    """Variables that note which of them were asked for, were they there or not."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self.names = set[str]()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("mode", preflight.TLS_MODES)
def test_the_playbook_hands_over_all_that_is_judged(right: dict[str, Any], mode: str) -> None:
    """What it does not hand over counts as absent, and passes."""
    given = {"certificates_mode": mode, "webmail_openid": {"issuer": "https://id.hanam.gov.vn"}}
    variables = Asked(right | given)
    preflight.problems(variables, "mail", GROUPS | {"production": ["mail"]})
    (play,) = yaml.safe_load((SHARED.parents[1] / "playbooks/preflight.yml").read_text("utf-8"))
    handed = set(play["tasks"][-1]["vars"]["names"])
    missing = [name for name in sorted(variables.names - handed) if not name.startswith(rule_values.PREFIXES)]
    assert not missing, " ".join(missing)


def test_the_playbook_of_records_hands_over_all_keys_that_are_judged(right: dict[str, Any]) -> None:
    variables = Asked(right)
    assert preflight.published_keys(variables) == []
    (play,) = yaml.safe_load((SHARED.parents[1] / "playbooks/dns.yml").read_text("utf-8"))
    assert set(play["tasks"][0]["vars"]["names"]) == variables.names
