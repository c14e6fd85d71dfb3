"""An RSA key whose numbers do not belong together is found before a play begins, wherever the vault holds it."""

import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hanam_mail.controller import preflight, tls_swap
from hanam_mail.controller.keys import dkim, pki, tls

LIFETIME = dt.timedelta(days=9)
NO_KEY = "khóa riêng không ở dạng PEM không mã hóa"


@pytest.fixture(scope="module")
def torn() -> str:
    """PEM of a key of which one number is another key's."""
    one, other = (rsa.generate_private_key(65537, 2048).private_numbers() for _ in range(2))
    numbers = rsa.RSAPrivateNumbers(one.p, one.q, other.d, one.dmp1, one.dmq1, one.iqmp, one.public_numbers)
    return pki._key_pem(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def test_a_torn_key_of_dkim_is_named(torn: str) -> None:
    assert dkim.problems({"vault_dkim_keys": {"a": torn}}) == [f"vault_dkim_keys['a']: {NO_KEY}"]


@pytest.mark.parametrize("name", [tls.RSA.next, tls.RSA.former])
def test_a_torn_key_of_another_day_is_named(torn: str, name: str) -> None:
    assert tls.problems({name: {"mail": torn}}) == [f"{name}['mail']: {NO_KEY}"]
    assert tls.problems({name: {"mail": torn}}, "mail") == [f"{name}['mail']: {NO_KEY}"]
    assert tls.problems({name: {"mail": torn}}, "edge") == [], "it is tried where it is used"
    assert tls.problems({name: {"mail": "x"}}, "edge") == [f"{name}['mail']: {NO_KEY}"]


def test_a_torn_key_in_use_is_named(torn: str) -> None:
    authority = pki.new_authority("CA", lifetime=LIFETIME)
    chain = pki.issue(authority, ["mail.hanam.gov.vn"], lifetime=LIFETIME).certificate
    assert pki.problems(chain, torn, ["mail.hanam.gov.vn"]) == [NO_KEY]
    acme = {"certificates_names": ["mail.hanam.gov.vn"], "certificates_mode": "acme"}
    keys = {"certificates_private_key": pki.new_private_key(), "certificates_rsa_private_key": torn}
    assert preflight._public_certificate(acme | keys, "mail") == [f"{tls.RSA.keys}['mail']: {NO_KEY}"]


def test_a_torn_next_key_does_not_come_into_use(torn: str) -> None:
    with pytest.raises(pki.CertificateError, match=NO_KEY):
        tls_swap.check_published({tls.RSA.next: {"mail": torn}}, "mail", tls.RSA, [], [])
