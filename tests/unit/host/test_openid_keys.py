"""Keys of an issuer of tokens: which are taken, where they lie, when they go (record 0082)."""

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from tests.tokens import Signer

from hanam_mail.host import openid_keys
from hanam_mail.host.openid_keys import KEEP_SECONDS, KeysError, place, read, refresh

URL = "https://dang-nhap.example/keys"
NOW = 1_800_000_000.0
RSA, EC = Signer("RS256", "khoa-1"), Signer("ES256", "kh/oa+2==")


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_keys_of_both_kinds_become_what_a_library_reads_as_the_same_keys() -> None:
    keys, left = read(jwks(RSA.jwk(), EC.jwk()))
    assert left == []
    assert list(keys) == ["RS256/khoa-1", "ES256/kh%2foa+2=="]
    for signer, text in zip((RSA, EC), keys.values(), strict=True):
        taken = load_pem_public_key(text.encode())
        assert isinstance(taken, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
        assert taken.public_numbers() == signer.public_numbers


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kty": "oct", "k": "c2VjcmV0"}, "algorithm"),
        ({"alg": "HS256"}, "algorithm"),
        ({"alg": "RS512"}, "algorithm"),
        ({"use": "enc"}, "signatures"),
        ({"key_ops": ["encrypt"]}, "signatures"),
        ({"kid": None}, "name"),
        ({"kid": "../../passwd"}, "name"),
        ({"kid": ".khoa"}, "name"),
        ({"kid": "a%2fb"}, "name"),
        ({"kid": "a.b"}, "name"),
        ({"kid": "default"}, "name"),
        ({"n": RSA.jwk()["n"][:100]}, "bits"),
        ({"n": "%%"}, "number"),
        ({"e": "AQ"}, "exponent"),
        ({**EC.jwk(), "y": EC.jwk()["x"]}, "curve"),
        ({**EC.jwk(), "crv": "P-384"}, "curve"),
        ({**EC.jwk(), "x": "AQ"}, "size"),
    ],
)
def test_what_cannot_sign_a_token_as_we_take_them_is_left_out_and_told(change: dict[str, Any], why: str) -> None:
    bad = {**RSA.jwk(), "kid": "hong"} | change
    keys, (told,) = read(jwks(bad, EC.jwk()))
    assert list(keys) == ["ES256/kh%2foa+2=="]
    assert why in told
    with pytest.raises(KeysError, match="no key that can be taken"):
        read(jwks(bad))


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b'{"keys": 1}', b'{"keys": ["a"]}', b'{"keys": []}', b"\xff"])
def test_what_is_no_set_of_keys_is_an_error(data: bytes) -> None:
    with pytest.raises(KeysError):
        read(data)


def test_the_folder_holds_the_keys_of_the_set_alone_under_both_parties(tmp_path: Path) -> None:
    keys, _ = read(jwks(RSA.jwk(), EC.jwk()))
    assert not place(keys, ("default", "thu"), tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        f"{party}/{name}" for party in ("default", "thu") for name in ("RS256/khoa-1", "ES256/kh%2foa+2==")
    }
    assert (tmp_path / "thu/RS256/khoa-1").stat().st_mode & 0o777 == 0o644
    # Nothing went, so nobody has to forget anything.
    assert not place(keys, ("default", "thu"), tmp_path)
    more, _ = read(jwks(RSA.jwk(), EC.jwk(), Signer("ES256", "moi").jwk()))
    assert not place(more, ("default", "thu"), tmp_path)
    # One went; one is another under the same name; the client is named anew.
    assert place(keys, ("default", "thu"), tmp_path)
    other, _ = read(jwks(RSA.jwk(), Signer("ES256", "kh/oa+2==").jwk()))
    assert place(other, ("default", "thu"), tmp_path)
    assert place(other, ("default", "thu-moi"), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["default", "thu-moi"]


def test_an_issuer_that_is_away_keeps_its_keys_for_a_week_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, changed = tmp_path / "keys", tmp_path / "changed"
    monkeypatch.setattr(openid_keys, "fetched", lambda _: jwks(RSA.jwk()))
    assert list(refresh(URL, "thu", folder, NOW)) == []
    assert (folder / "thu/RS256/khoa-1").exists()
    assert not changed.exists()
    os.utime(tmp_path / "seen", (NOW, NOW))

    def away(_: str) -> bytes:
        raise TimeoutError("timed out")

    monkeypatch.setattr(openid_keys, "fetched", away)
    with pytest.raises(KeysError, match="timed out; the former keys stay"):
        list(refresh(URL, "thu", folder, NOW + KEEP_SECONDS))
    assert (folder / "thu/RS256/khoa-1").exists()
    with pytest.raises(KeysError, match="no more taken"):
        list(refresh(URL, "thu", folder, NOW + KEEP_SECONDS + 1))
    assert not list(folder.rglob("*"))
    assert changed.exists()


def test_a_key_that_was_withdrawn_has_dovecot_reloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for signer in (RSA, EC):
        monkeypatch.setattr(openid_keys, "fetched", lambda _, signer=signer: jwks(signer.jwk()))
        said = StringIO()
        assert openid_keys.main(["--client", "thu", URL, str(tmp_path / "keys")], said) == 0
    assert "reloaded" in said.getvalue()
    assert (tmp_path / "changed").exists()
    assert not (tmp_path / "keys/thu/RS256/khoa-1").exists()


def test_keys_come_by_https_alone() -> None:
    for url in ("http://dang-nhap.example/keys", "file:///etc/passwd"):
        with pytest.raises(KeysError, match="https"):
            openid_keys.fetched(url)
