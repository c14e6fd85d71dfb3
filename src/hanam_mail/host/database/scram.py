"""SCRAM-SHA-256 verifiers (RFC 5803) as PostgreSQL keeps them, so that no password reaches it in clear."""

import base64
import hashlib
import hmac
import os

ITERATIONS = 4096


def verifier(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """The text that pg_authid.rolpassword holds for `password`."""
    if not password.isascii() or not password.isprintable() or not password:
        # SASLprep would be needed for anything else; our passwords are generated.
        raise ValueError("a database password must be printable ASCII")
    salt = os.urandom(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    return f"SCRAM-SHA-256${iterations}:{_base64(salt)}${_base64(stored_key)}:{_base64(server_key)}"


def matches(password: str, stored: str | None) -> bool:
    """Whether `stored` is a verifier of `password`; False for none and for every other form."""
    if stored is None or not stored.startswith("SCRAM-SHA-256$"):
        return False
    parameters, _, _ = stored.removeprefix("SCRAM-SHA-256$").partition("$")
    iterations, _, salt = parameters.partition(":")
    return hmac.compare_digest(verifier(password, base64.b64decode(salt), int(iterations)), stored)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
