"""The policy of encrypted delivery as other mail servers fetch it."""

import pytest

from tests.lab import Lab
from tests.roles.test_nginx import get


def test_the_policy_of_encrypted_delivery_is_guarded_by_the_same_headers(lab: Lab) -> None:
    shared = (
        "Strict-Transport-Security",
        "X-Content-Type-Options",
        "X-Frame-Options",
        "Referrer-Policy",
        "X-Robots-Tag",
    )
    webmail, policy = (
        get(lab, "/", tls=True),
        get(lab, "/.well-known/mta-sts.txt", tls=True, name="mta-sts.hanam.gov.vn"),
    )
    assert policy.status == 200
    assert {name: policy.headers[name] for name in shared} == {name: webmail.headers[name] for name in shared}
    assert policy.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.dieu3
def test_sts_policy_names_the_mx_over_verified_tls(lab: Lab) -> None:
    answer = get(lab, "/.well-known/mta-sts.txt", tls=True, name="mta-sts.hanam.gov.vn")
    assert answer.status == 200
    assert answer.getheader("Content-Type", "").startswith("text/plain")
    assert answer.read().decode().splitlines()[:3] == [
        "version: STSv1",
        "mode: enforce",
        "mx: mx.hanam.gov.vn",
    ]
