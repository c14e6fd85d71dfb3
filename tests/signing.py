"""Sign mail as others do, well or badly: DKIM (RFC 6376) and ARC (RFC 8617), relaxed, by openssl.

The project's own programs never sign; rspamd does, and is judged with what stands here.
"""

import base64
import hashlib
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Key:
    """An RSA key with its place in DNS. `record` is what stands before its public half there."""

    domain: str
    selector: str
    bits: int = 2048
    record: str = "v=DKIM1; k=rsa;"

    @cached_property
    def private(self) -> bytes:
        return _openssl("genrsa", "-traditional", str(self.bits))

    @cached_property
    def zone_line(self) -> str:
        """The TXT record, in the form of a zone file."""
        public = base64.b64encode(_openssl("rsa", "-pubout", "-outform", "DER", data=self.private)).decode()
        text = f"{self.record} p={public}"
        strings = " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
        return f"{self.selector}._domainkey.{self.domain}. 30 IN TXT {strings}"

    def sign(self, data: bytes, algorithm: str = "rsa-sha256") -> str:
        # openssl reads the key as a file; standard input is for the data.
        key = subprocess.run(
            ["bash", "-c", f'openssl dgst -{algorithm.removeprefix("rsa-")} -sign <(cat <<< "$KEY")'],
            input=data,
            env={"KEY": self.private.decode(), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            check=True,
        )
        return base64.b64encode(key.stdout).decode()


def dkim(key: Key, message: bytes, *, algorithm: str = "rsa-sha256", tags: str = "") -> bytes:
    """The message with a signature of that key over From, To and Subject before it."""
    fields, body = _parsed(message)
    names = ("from", "to", "subject")
    value = (
        f" v=1; a={algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector};{tags}"
        f" h={':'.join(names)}; bh={_body_hash(body, algorithm)}; b="
    )
    signed = b"".join(_relaxed(*_last(fields, name)) for name in names)
    signature = key.sign(signed + _relaxed("DKIM-Signature", value).removesuffix(b"\r\n"), algorithm)
    return f"DKIM-Signature:{value}{signature}\r\n".encode() + message


def arc(key: Key, message: bytes, *, algorithm: str = "rsa-sha256") -> bytes:
    """The message with the first set of an ARC chain before it."""
    fields, body = _parsed(message)
    names = ("from", "to", "subject")
    results = " i=1; mx.example; arc=none"
    seen = (
        f" i=1; a={algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector};"
        f" h={':'.join(names)}; bh={_body_hash(body, algorithm)}; b="
    )
    signed = b"".join(_relaxed(*_last(fields, name)) for name in names)
    seen += key.sign(signed + _relaxed("ARC-Message-Signature", seen).removesuffix(b"\r\n"), algorithm)
    seal = f" i=1; a={algorithm}; cv=none; d={key.domain}; s={key.selector}; b="
    chain = _relaxed("ARC-Authentication-Results", results) + _relaxed("ARC-Message-Signature", seen)
    seal += key.sign(chain + _relaxed("ARC-Seal", seal).removesuffix(b"\r\n"), algorithm)
    head = f"ARC-Seal:{seal}\r\nARC-Message-Signature:{seen}\r\nARC-Authentication-Results:{results}\r\n"
    return head.encode() + message


def _openssl(*words: str, data: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *words], input=data, capture_output=True, check=True).stdout


def _parsed(message: bytes) -> tuple[list[tuple[str, str]], bytes]:
    head, _, body = message.partition(b"\r\n\r\n")
    lines = re.split(r"\r\n(?![ \t])", head.decode())
    return [(name, value) for name, _, value in (line.partition(":") for line in lines)], body


def _last(fields: list[tuple[str, str]], name: str) -> tuple[str, str]:
    return next(field for field in reversed(fields) if field[0].lower() == name)


def _relaxed(name: str, value: str) -> bytes:
    return f"{name.strip().lower()}:{re.sub(r'[ \t]+', ' ', value.replace('\r\n', '')).strip()}\r\n".encode()


def _body_hash(body: bytes, algorithm: str) -> str:
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    digest = hashlib.new(algorithm.removeprefix("rsa-"), b"".join(line + b"\r\n" for line in lines))
    return base64.b64encode(digest.digest()).decode()
