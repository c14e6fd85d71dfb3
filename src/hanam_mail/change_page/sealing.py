"""What passes between a page and the accounts database, sealed: AES-256-CBC, in hexadecimal, the IV before the text."""

import secrets

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK_OCTETS = 16


def seal(key: bytes, text: str) -> str:
    """The text under the key as the database unseals it: hexadecimal, IV first, PKCS#7 padding."""
    vector = secrets.token_bytes(_BLOCK_OCTETS)
    pad = padding.PKCS7(8 * _BLOCK_OCTETS).padder()
    cipher = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    padded = pad.update(text.encode()) + pad.finalize()
    return (vector + cipher.update(padded) + cipher.finalize()).hex()


def unseal(key: bytes, sealed: str) -> str:
    """What the database sealed; raises ValueError for what it did not."""
    octets = bytes.fromhex(sealed)
    cipher = Cipher(algorithms.AES(key), modes.CBC(octets[:_BLOCK_OCTETS])).decryptor()
    pad = padding.PKCS7(8 * _BLOCK_OCTETS).unpadder()
    return (pad.update(cipher.update(octets[_BLOCK_OCTETS:]) + cipher.finalize()) + pad.finalize()).decode()
