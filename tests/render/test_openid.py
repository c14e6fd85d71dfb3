"""Sign-in by OpenID Connect: off, nothing of it is anywhere; on, what was said and nothing weaker (record 0082)."""

from collections.abc import Callable
from typing import Any

import pytest

from hanam_mail.controller.openid import problems
from tests.render.conftest import ENVIRONMENTS, Environment

type Environments = Callable[[str], Environment]

SERVICE = {
    "issuer": "https://dang-nhap.example/",
    "authorize": "https://dang-nhap.example/oauth2/authorize",
    "token": "https://dang-nhap.example/oauth2/token",
    "jwks": "https://dang-nhap.example/oauth2/jwks",
    "client": "thu-dien-tu",
    "claim": "email",
}
SECRET = "Bi-mat'cua\\webmail"


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_off_by_default_and_then_nothing_of_it_is_there(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("mailstore:submission"):
        text = there.render("dovecot", "dovecot.conf.j2", host) + there.render("dovecot", "passdb.conf.j2", host)
        assert "auth_mechanisms = plain login\n" in text
        for word in ("oauth", "openid", "xoauth2", "mechanisms_filter"):
            assert word not in text
        assert there.value("dovecot", "_dovecot_openid_on", host) is False
        watched = {row["unit"]: row["here"] for row in there.value("watch", "watch_units", host)}
        assert not watched["hanam-openid-keys.service"] and not watched["hanam-openid-keys.timer"]
    for host in there.hosts("webmail"):
        assert "oauth" not in there.render("roundcube", "config.inc.php.j2", host)
        assert "oauth" not in there.render("roundcube", "nginx.conf.j2", host)


@pytest.mark.parametrize("topology", ["split", "production"])
def test_on_every_place_is_told_the_same_and_the_secret_only_the_webmail(
    environment: Environments, topology: str
) -> None:
    there = environment(topology).with_variables(webmail_openid=SERVICE, vault_webmail_openid_secret=SECRET)
    for host in there.hosts("mailstore:submission"):
        text = there.render("dovecot", "dovecot.conf.j2", host)
        assert "auth_mechanisms = plain login xoauth2\n" in text
        for line in (
            "introspection_mode = local", "issuers = https://dang-nhap.example/", "client_id = thu-dien-tu",
            "scope = openid", "username_attribute = email", "mechanisms_filter = xoauth2", "use_cache = no",
            # Without these Dovecot lets in whom the database refuses.
            "result_failure = return-fail", "result_internalfail = return-fail",
        ):  # fmt: skip
            assert f"\n  {line}\n" in text
        assert "active_attribute" not in text
        # A token's passdb has no password to look at, a password's no token.
        assert "  mechanisms_filter = plain login\n" in there.render("dovecot", "passdb.conf.j2", host)
        watched = {row["unit"]: row["here"] for row in there.value("watch", "watch_units", host)}
        assert watched["hanam-openid-keys.service"] and watched["hanam-openid-keys.timer"]
        unit = there.render("dovecot", "openid-keys.service.j2", host)
        assert f"--client thu-dien-tu {SERVICE['jwks']} /var/lib/hanam-openid/keys\n" in unit
        assert SECRET not in text + unit
    for host in there.hosts("webmail"):
        text = there.render("roundcube", "config.inc.php.j2", host)
        assert "$config['oauth_client_secret'] = 'Bi-mat\\'cua\\\\webmail';" in text
        assert "$config['oauth_verify_peer'] = '/etc/ssl/certs/ca-certificates.crt';" in text
        assert "return 303 /?_task=login&_action=oauth&$args;" in there.render("roundcube", "nginx.conf.j2", host)


def test_how_somebody_signed_in_is_demanded_where_the_province_says_so(environment: Environments) -> None:
    demand = {"demand": {"claim": "acr", "value": "hai-buoc"}}
    there = environment("split").with_variables(webmail_openid=SERVICE | demand, vault_webmail_openid_secret=SECRET)
    (store,), (webmail,) = there.hosts("mailstore"), there.hosts("webmail")
    text = there.render("dovecot", "dovecot.conf.j2", store)
    assert "\n  active_attribute = acr\n  active_value = hai-buoc\n" in text
    asked = there.render("roundcube", "config.inc.php.j2", webmail)
    assert "$config['oauth_auth_parameters'] = ['acr_values' => 'hai-buoc'];" in asked


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, None),
        ({"demand": {"claim": "acr", "value": "hai-buoc"}}, None),
        ({"issuer": "http://dang-nhap.example/"}, "webmail_openid.issuer"),
        ({"jwks": "https://dang-nhap.example/keys\n}"}, "webmail_openid.jwks"),
        ({"token": ""}, "webmail_openid.token"),
        ({"client": "../default"}, "webmail_openid.client"),
        ({"client": "default"}, "webmail_openid.client"),
        ({"claim": "e mail"}, "webmail_openid.claim"),
        ({"audience": "x"}, "không có mục audience"),
        ({"demand": {"claim": "acr"}}, "webmail_openid.demand"),
        ({"demand": {"claim": "acr", "value": "a b"}}, "webmail_openid.demand"),
    ],
)
def test_what_is_wrong_with_the_service_is_said_before_anything_is_changed(
    change: dict[str, Any], told: str | None
) -> None:
    found = problems({"webmail_openid": SERVICE | change, "webmail_openid_secret": SECRET})
    assert len(found) == (told is not None)
    assert all(told in sentence for sentence in found if told)


def test_off_asks_for_no_secret_and_on_does() -> None:
    assert problems({}) == problems({"webmail_openid": {}, "webmail_openid_secret": ""}) == []
    (sentence,) = problems({"webmail_openid": SERVICE, "webmail_openid_secret": ""})
    assert "vault_webmail_openid_secret" in sentence
    assert len(problems({"webmail_openid": "https://dang-nhap.example/"})) == 1
