"""What is wrong with the account service that people may sign in with (`webmail_openid`)."""

import re
from collections.abc import Mapping
from typing import Any

_WORDS: Mapping[str, tuple[re.Pattern[str], str]] = {
    **dict.fromkeys(
        ("issuer", "authorize", "token", "jwks"),
        (re.compile(r"https://[A-Za-z0-9._~:/-]+"), "phải là địa chỉ https://, không có dấu cách, ? hay #"),
    ),
    # Dovecot looks for keys in a folder of that name.
    "client": (re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*"), "chỉ gồm chữ không dấu, số, - và _"),
    "claim": (re.compile(r"[A-Za-z][A-Za-z0-9_]*"), "chỉ gồm chữ không dấu, số và _"),
}
_DEMAND: Mapping[str, re.Pattern[str]] = {
    "claim": re.compile(r"[A-Za-z][A-Za-z0-9_]*"),
    "value": re.compile(r"[A-Za-z0-9._~:/-]+"),
}
# The folder of tokens that name no client.
_RESERVED = "default"


def problems(variables: Mapping[str, Any]) -> list[str]:
    """One sentence for each fault; none while the service is off."""
    service = variables.get("webmail_openid") or {}
    if not service:
        return []
    if not isinstance(service, Mapping):
        return ["webmail_openid: phải là một bảng; {} là không dùng"]
    found = [f"webmail_openid: không có mục {name}" for name in sorted(set(service) - {*_WORDS, "demand"}, key=str)]
    for name, (form, rule) in _WORDS.items():
        value = service.get(name, "")
        if not isinstance(value, str) or not form.fullmatch(value):
            found.append(f"webmail_openid.{name}: {rule}")
    if service.get("client") == _RESERVED:
        found.append(f"webmail_openid.client: không được là {_RESERVED}")
    demand = service.get("demand", {})
    if demand and not (
        isinstance(demand, Mapping)
        and set(demand) == set(_DEMAND)
        and all(isinstance(demand[name], str) and form.fullmatch(demand[name]) for name, form in _DEMAND.items())
    ):
        found.append("webmail_openid.demand: cần đúng hai mục claim và value, không có dấu cách")
    if not variables.get("webmail_openid_secret"):
        found.append(
            "vault_webmail_openid_secret: chưa có mật khẩu của hệ thống thư tại nơi cấp tài khoản (webmail_openid)"
        )
    return found
