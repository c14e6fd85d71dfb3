"""hanam-openid-keys --client NAME URL FOLDER: brings the keys that tokens are signed with to where Dovecot looks.

URL is the issuer's set of keys (JWKS, RFC 7517). What can sign a token as we take them (RS256, ES256) is checked and
written as PEM to FOLDER/<party>/<algorithm>/<key id>: a token names all three, and one that names others is nobody's
(docs/decisions/0082-openid-connect.md). A key that is no more in the set goes. Dovecot remembers the keys that it has
read, so where one went or is another the file `changed` beside FOLDER says that it has to be reloaded.

Where the set cannot be had the former keys stay, for a week: an issuer that is away shuts nobody out, and nobody keeps
a withdrawn key alive by keeping its issuer away.
"""

import argparse
import base64
import json
import re
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from hanam_mail import atomic_file

PARTY = "default"
"""The party of a token that names none (azp)."""
KEEP_SECONDS = 7 * 86400
_MOST_OCTETS = 256 * 1024
_SECONDS = 20
# Dovecot makes a path of it. A slash it writes as below, other signs in ways of its own.
_KEY_ID = re.compile(r"[A-Za-z0-9_+/=-]{1,128}")
_LEAST_RSA_BITS = 2048
_MOST_RSA_BITS = 8192
# P-256 (FIPS 186-4): y² = x³ - 3x + b over p.
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_EC_OCTETS = 32
_RSA_NAME = bytes.fromhex("300d06092a864886f70d0101010500")
_P256_NAME = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")


class KeysError(ValueError):
    """Why a set or a key is not taken."""


def der(tag: int, content: bytes) -> bytes:
    """One element of ASN.1 DER."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def pem(algorithm: bytes, key: bytes) -> str:
    """A public key as Dovecot reads it (SubjectPublicKeyInfo)."""
    text = base64.b64encode(der(0x30, algorithm + der(0x03, b"\0" + key))).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def _octets(key: Mapping[str, Any], name: str) -> bytes:
    value = key.get(name)
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise KeysError(f"{name} is no number")
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError as error:
        raise KeysError(f"{name} is no number") from error


def _rsa(key: Mapping[str, Any]) -> str:
    modulus, exponent = (int.from_bytes(_octets(key, name)) for name in ("n", "e"))
    if not _LEAST_RSA_BITS <= modulus.bit_length() <= _MOST_RSA_BITS or modulus % 2 == 0:
        raise KeysError(f"an RSA key of {modulus.bit_length()} bits")
    if exponent < 3 or exponent % 2 == 0 or exponent.bit_length() > 64:
        raise KeysError("an RSA key with an exponent that nobody uses")
    numbers = (der(0x02, number.to_bytes(number.bit_length() // 8 + 1)) for number in (modulus, exponent))
    return pem(_RSA_NAME, der(0x30, b"".join(numbers)))


def _ec(key: Mapping[str, Any]) -> str:
    if key.get("crv") != "P-256":
        raise KeysError("an elliptic curve other than P-256")
    x, y = (_octets(key, name) for name in ("x", "y"))
    if len(x) != _EC_OCTETS or len(y) != _EC_OCTETS:
        raise KeysError("a point of another size")
    across, up = int.from_bytes(x), int.from_bytes(y)
    if across >= _P or up >= _P or (up * up - (across**3 - 3 * across + _B)) % _P:
        raise KeysError("a point that is not on the curve")
    return pem(_P256_NAME, b"\x04" + x + y)


_KINDS = {"RSA": ("RS256", _rsa), "EC": ("ES256", _ec)}


def read(data: bytes) -> tuple[dict[str, str], list[str]]:
    """The keys of a set, `<algorithm>/<key id>` -> PEM, and why others are not taken. Raises KeysError if none is."""
    try:
        keys = json.loads(data)["keys"]
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise TypeError
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise KeysError("no set of keys (JWKS)") from error
    taken: dict[str, str] = {}
    left: list[str] = []
    for key in keys:
        name = key.get("kid")
        try:
            algorithm, written = _KINDS.get(str(key.get("kty")), ("", None))
            if written is None or key.get("alg", algorithm) != algorithm:
                raise KeysError("for an algorithm that is not taken")
            if key.get("use", "sig") != "sig" or "verify" not in key.get("key_ops", ["verify"]):
                raise KeysError("not for signatures")
            if not isinstance(name, str) or not _KEY_ID.fullmatch(name) or name == PARTY:
                raise KeysError("without a name that can be one of a file")
            path = f"{algorithm}/{name.replace('/', '%2f')}"
            if path in taken:
                raise KeysError("named twice")
            taken[path] = written(key)
        except KeysError as error:
            left.append(f"key {str(name)[:80]!r}: {error}")
    if not taken:
        raise KeysError("; ".join(["no key that can be taken", *left]))
    return taken, left


def place(keys: Mapping[str, str], parties: tuple[str, ...], folder: Path) -> bool:
    """Make FOLDER hold these keys and nothing else; whether one went or is another."""
    wanted = {folder / party / name: text for party in parties for name, text in keys.items()}
    withdrawn = False
    for path, text in wanted.items():
        former = path.read_text() if path.is_file() else None
        if former != text:
            withdrawn = withdrawn or former is not None
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            atomic_file.write(path, text.encode(), mode=0o644)
    for path in [path for path in folder.rglob("*") if path.is_file() and path not in wanted]:
        path.unlink()
        withdrawn = True
    for party in folder.iterdir():
        if party.name not in parties:
            shutil.rmtree(party)
    return withdrawn


class _Straight(urllib.request.HTTPRedirectHandler):
    """A set of keys lies where the operator says: nobody is sent on to another place."""

    def redirect_request(self, *_: Any) -> None:
        return None


def fetched(url: str) -> bytes:
    """What lies there. Raises OSError, HTTPException or KeysError."""
    if not url.startswith("https://"):
        raise KeysError("only by https")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Straight)
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - https, see above
    with opener.open(request, timeout=_SECONDS) as answer:
        data: bytes = answer.read(_MOST_OCTETS + 1)
    if len(data) > _MOST_OCTETS:
        raise KeysError("a set that is too large")
    return data


def refresh(url: str, client: str, folder: Path, now: float) -> Iterator[str]:
    """Bring the keys; what is to be told of it. Raises KeysError when the set could not be had."""
    folder.mkdir(mode=0o755, exist_ok=True)
    seen, changed = folder.with_name("seen"), folder.with_name("changed")
    try:
        keys, left = read(fetched(url))
    except (OSError, HTTPException, urllib.error.URLError, KeysError) as error:
        last = seen.stat().st_mtime if seen.exists() else 0.0
        if now - last > KEEP_SECONDS and place({}, (), folder):
            changed.touch()
            raise KeysError(f"{url}: {error}; for so long that the former keys are no more taken") from error
        raise KeysError(f"{url}: {error}; the former keys stay") from error
    if place(keys, (PARTY, client), folder):
        changed.touch()
        yield "a key went or is another one: Dovecot is reloaded"
    seen.touch()
    yield from left


def main(arguments: list[str] | None = None, out: IO[str] | None = None) -> int:
    """Command line of the program."""
    parser = argparse.ArgumentParser(prog="hanam-openid-keys", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--client", required=True)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    try:
        for line in refresh(options.url, options.client, options.folder, time.time()):
            print(line, file=out)
    except KeysError as error:
        print(error, file=out or sys.stderr)
        return 1
    return 0
