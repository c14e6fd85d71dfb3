"""The reckoning of the MDN HTTP Observatory's grade."""

import pytest
from tests.observatory import score

GOOD = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Set-Cookie": "sessid=1; Secure; HttpOnly; SameSite=Lax",
}


def judged(**changed: str | None) -> tuple[int, str]:
    headers = GOOD | {name.replace("_", "-"): value for name, value in changed.items()}
    told = score([(name, value) for name, value in headers.items() if value is not None])
    return told.points, told.grade


def test_all_that_is_asked_for_is_an_a_plus_with_every_bonus_but_the_list_of_browsers() -> None:
    assert judged() == (135, "A+")
    assert score([]).grade == "D"


@pytest.mark.parametrize(
    ("header", "value", "points"),
    [
        (
            "Content_Security_Policy",
            "default-src 'self'; script-src 'self' 'unsafe-inline'; frame-ancestors 'self'",
            80,
        ),
        ("Content_Security_Policy", "default-src 'self'; script-src 'self' 'unsafe-eval'; frame-ancestors 'self'", 115),
        ("Content_Security_Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'", 125),
        ("Content_Security_Policy", "default-src 'self'; script-src 'sha256-x' 'unsafe-inline'; frame-ancestors *", 80),
        ("Content_Security_Policy", "default-src 'self'; frame-ancestors 'self'", 130),
        ("Content_Security_Policy", None, 55),
        ("Strict_Transport_Security", "max-age=86400", 125),
        ("Strict_Transport_Security", None, 80),
        ("X_Content_Type_Options", None, 130),
        ("Referrer_Policy", "unsafe-url", 125),
        ("Cross_Origin_Resource_Policy", None, 125),
        ("Set_Cookie", "sessid=1; Secure", 70),
        ("Set_Cookie", "sessid=1; HttpOnly; SameSite=Lax", 120),
        ("Set_Cookie", "a=1; Secure", 130),
        ("Access_Control_Allow_Credentials", "true", 50),
    ],
)
def test_each_rule_costs_what_is_published(header: str, value: str | None, points: int) -> None:
    assert judged(**{header: value})[0] == points


def test_where_http_leads_and_whose_scripts_run_count() -> None:
    headers = list(GOOD.items())
    asked = "http://mail.example/"
    assert score(headers, redirect=(asked, "https://mail.example/a")).points == 135
    assert score(headers, redirect=(asked, "https://other.example/")).points == 130
    assert score(headers, redirect=(asked, "")).points == 80
    assert score(headers, page="<script src='https://cdn.example/a.js'></script>").points == 130
    assert score(headers, page="<script src='a.js'></script>").points == 135


def test_several_policies_allow_what_all_of_them_allow() -> None:
    two = [*GOOD.items(), ("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'")]
    assert score(two).why["csp"] == -20
    assert score([*two, ("Content-Security-Policy", "script-src 'self'")]).why["csp"] == 10
