"""Each thing that is wrong in an inventory or its variables, named in one sentence before anything is changed."""

import datetime as dt
from typing import Any

import pytest

from hanam_mail import pki, preflight

GROUPS = {group: ["mail"] for group in preflight.REQUIRED_GROUPS}


@pytest.fixture(scope="module")
def right() -> dict[str, Any]:
    """Variables with which playbooks may run."""
    authority = pki.new_authority("CA", lifetime=dt.timedelta(days=9))
    pair = pki.issue(authority, ["mail.hanam.gov.vn"], lifetime=dt.timedelta(days=9))
    return {
        "host_ipv4": "192.0.2.1",
        "host_ipv6": "2001:db8::1",
        "mail_domain": "hanam.gov.vn",
        "mailboxes_operator_keys": ["age1" + "q" * 58],
        "admin_networks": ["192.0.2.0/24", "2001:db8::/32"],
        "tls_mode": "provided",
        "tls_names": ["mail.hanam.gov.vn"],
        "tls_certificate": pair.certificate,
        "tls_private_key": pair.key,
        **{name: 2 * 2**30 for quota in preflight.QUOTAS for name in quota},
        **dict.fromkeys(preflight.VAULT, "x"),
    }


@pytest.mark.dieu12
def test_chosen_passwords_are_for_laboratories(right: dict[str, Any]) -> None:
    (problem,) = preflight.problems({**right, "password_chosen_for_others": True}, "mail", GROUPS)
    assert problem.startswith("password_chosen_for_others: chỉ phòng thử nghiệm")
    laboratory = {**GROUPS, "lab": ["mail"]}
    assert preflight.problems({**right, "password_chosen_for_others": True}, "mail", laboratory) == []


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
        ("tls_mode", "selfsigned", "tls_mode: phải là một trong acme, provided"),
        ("admin_networks", "", "admin_networks: cần danh sách mạng"),
        ("admin_networks", ["192.0.2.1/24"], "admin_networks: “192.0.2.1/24” không phải một mạng"),
        ("host_ipv4", "2001:db8::1", "host_ipv4 của mail: cần một địa chỉ IPv4"),
        ("host_ipv6", "", "host_ipv6 của mail: cần một địa chỉ IPv6"),
        (
            "regulation_quota_personal_default_bytes",
            1000,
            "regulation_quota_personal_default_bytes: ít nhất 2147483648",
        ),
        ("regulation_quota_agency_default_bytes", "10GB", "regulation_quota_agency_default_bytes: ít nhất"),
        ("tls_certificate", "nonsense", "vault_public_certificates['mail']: chứng thư không ở dạng PEM"),
        ("tls_private_key", "", "vault_public_certificates['mail']: chưa có"),
        ("tls_names", ["imap.hanam.gov.vn"], "chứng thư không có tên imap.hanam.gov.vn"),
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
        ({"mx": ["mail", "edge"]}, "inventory: máy của nhóm mx phải thuộc cả nhóm filter"),
    ],
)
def test_a_wrong_inventory_is_told(right: dict[str, Any], groups: dict[str, list[str]], expected: str) -> None:
    (problem,) = preflight.problems(right, "mail", {**GROUPS, **groups})
    assert problem.startswith(expected)


def test_a_host_in_no_group_is_named(right: dict[str, Any]) -> None:
    (problem,) = preflight.problems(right, "stray", GROUPS)
    assert "máy stray không thuộc nhóm nào" in problem


def test_a_host_of_the_labs_outside_world_needs_no_role(right: dict[str, Any]) -> None:
    assert preflight.problems(right, "internet", {**GROUPS, "outside": ["internet"]}) == []
