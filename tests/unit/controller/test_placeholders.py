"""Values that stand in the repository until somebody knows better are refused where people would meet them."""

from typing import Any

import pytest
from pyrage import ssh, x25519  # type: ignore[import-untyped]

from hanam_mail.controller import placeholders

KEY = str(x25519.Identity.generate().to_public())
RIGHT: dict[str, Any] = {
    "ansible_host": "mail-quanly.hanam.gov.vn",
    "host_ipv4": "10.26.1.10",
    "host_ipv6": "fd26:1::10",
    "admin_networks": ["10.26.9.0/24", "fd26:9::/64"],
    "guessing_province_networks": [],
    "mailboxes_operator_keys": [KEY],
    "operator_address": "stttt@hanam.gov.vn",
    "support_email": "hotro@hanam.gov.vn",
    "support_phone": "0226 3 851 234",
    "acme_directory_url": "https://acme-v02.api.letsencrypt.org/directory",
}
WRONG = (
    ("ansible_host", "192.0.2.10"),
    ("host_ipv4", "198.51.100.10"),
    ("host_ipv4", "203.0.113.7"),
    ("host_ipv6", "2001:db8:1::10"),
    ("host_ipv6", "3fff::1"),
    ("admin_networks", ["10.26.9.0/24", "2001:db8::/64"]),
    ("guessing_province_networks", ["198.51.100.7"]),
    ("mailboxes_operator_keys", [KEY, "age1" + "q" * 58]),
    ("mailboxes_operator_keys", ["ssh-ed25519 AAAA"]),
    ("operator_address", "hanam.gov.vn"),
    ("support_email", "hotro@hanam.example"),
    ("support_email", "hotro@example.com"),
)
OF_PRODUCTION = (
    ("support_phone", "0226 3 000 000"),
    ("support_phone", "..."),
    ("support_phone", ""),
    ("acme_directory_url", "https://acme-staging-v02.api.letsencrypt.org/directory"),
)


def found(environment: str, **more: Any) -> list[str]:
    return placeholders.problems(RIGHT | more, "mail", {environment: ["mail"]})


@pytest.mark.parametrize("environment", ["production", "staging"])
@pytest.mark.parametrize(("variable", "value"), WRONG)
def test_a_placeholder_is_named(environment: str, variable: str, value: Any) -> None:
    (problem,) = found(environment, **{variable: value})
    assert problem.startswith(variable)


@pytest.mark.dieu10
@pytest.mark.parametrize(("variable", "value"), OF_PRODUCTION)
def test_a_rehearsal_may_have_what_production_may_not(variable: str, value: str) -> None:
    (problem,) = found("production", **{variable: value})
    assert problem.startswith(variable)
    assert found("staging", **{variable: value}) == []


@pytest.mark.parametrize(("variable", "value"), WRONG + OF_PRODUCTION)
def test_the_lab_lives_on_them(variable: str, value: Any) -> None:
    assert found("lab", **{variable: value}) == []


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_true_values_have_no_problem(environment: str) -> None:
    assert found(environment) == []
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ops"
    assert ssh.Recipient.from_str(key)
    assert found(environment, mailboxes_operator_keys=[key]) == []
