"""What a port speaks under TLS, found out as a scanner does: `python3 - '{"place": [...]}' < tls_scan.py`.

It runs on hosts, with their OpenSSL and nothing else of the project; prints a Found as JSON. `place` are the arguments
of `openssl s_client` that say where and how (-connect, -starttls, -servername, -cert).
"""

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

VERSIONS = {"tls1": "TLSv1", "tls1_1": "TLSv1.1", "tls1_2": "TLSv1.2", "tls1_3": "TLSv1.3"}
GROUPS = (
    "X25519MLKEM768", "SecP256r1MLKEM768", "X25519", "X448", "prime256v1", "secp384r1", "secp521r1",
    "brainpoolP256r1tls13", "ffdhe2048", "ffdhe3072",
)  # fmt: skip
SUITES = ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256", "TLS_AES_128_CCM_SHA256"]
ALL = "ALL:COMPLEMENTOFALL"
# What a careful client would leave out is offered too; the host's own choice is not to stand in the way.
WEAK = ":@SECLEVEL=0"
ENVIRONMENT = os.environ | {"OPENSSL_CONF": "/dev/null"}
PATIENCE = 20
SILENCE = 3
TICKETS = 0.3
AT_ONCE = 4


@dataclass(frozen=True)
class Found:
    """What was accepted, by OpenSSL's names."""

    versions: list[str]
    ciphers: list[str]
    """Of TLS 1.2, those that the server would choose one after the other."""
    suites: list[str]
    groups: list[str]
    renegotiates: bool
    early_data: int
    """Octets that it takes before the handshake is over (0-RTT)."""
    compresses: bool
    extended_master_secret: bool
    """Whether keys of TLS 1.2 are bound to the handshake (RFC 7627)."""


class Port:
    def __init__(self, place: list[str]) -> None:
        self._command = ["openssl", "s_client", *place]

    def shake(self, *options: str) -> str:
        """All that the client says of one handshake."""
        done = subprocess.run(
            [*self._command, *options],
            input="Q\n",
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=ENVIRONMENT,
            check=False,
        )
        return done.stdout + done.stderr

    def cipher(self, *options: str) -> str:
        """The suite of a handshake; empty when there was none."""
        for line in self.shake(*options).splitlines():
            name = line.partition("Cipher is ")[2]
            if name and name != "(NONE)":
                return name
        return ""

    def ciphers(self) -> list[str]:
        """Of TLS 1.2: what was chosen is not offered again."""
        found: list[str] = []
        while name := self.cipher("-tls1_2", "-cipher", ALL + "".join(f":!{each}" for each in found) + WEAK):
            if name in found:
                raise RuntimeError(f"{name} was chosen though it was not offered")
            found.append(name)
        return found

    def renegotiates(self) -> bool:
        """Whether a second handshake within a session of TLS 1.2 is done when the client asks for one."""
        with self._session("-tls1_2", "-cipher", ALL + WEAK) as session:
            if "Extended master secret" not in session.read_until("Extended master secret"):
                raise RuntimeError(f"no session in which to ask: {session.said[-500:]}")
            session.write("R\n")
            # A second handshake verifies the certificate again.
            return "verify return:" in session.read_until("verify return:", "no renegotiation").partition("RENEG")[2]

    def early_data(self) -> int:
        """As the tickets say that come after the handshake."""
        with self._session("-tls1_3") as session:
            session.read_until("Verify return code")
            # They are kept in a buffer and printed at the end, if they came before it.
            time.sleep(TICKETS)
            session.write("Q\n")
            return max(map(int, re.findall(r"Max Early Data: (\d+)", session.read_until())), default=0)

    def _session(self, *options: str) -> "Session":
        return Session([*self._command, *options])

    def scan(self) -> Found:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            versions = pool.map(lambda each: self.cipher(f"-{each}", "-cipher", ALL + WEAK), VERSIONS)
            suites = pool.map(lambda each: self.cipher("-tls1_3", "-ciphersuites", each), SUITES)
            groups = pool.map(lambda each: self.cipher("-tls1_3", "-groups", each), GROUPS)
            accepted = [name for name, suite in zip(VERSIONS.values(), versions, strict=True) if suite]
            ciphers = self.ciphers()
            older = self.shake("-tls1_2", "-cipher", ALL + WEAK) if "TLSv1.2" in accepted else ""
            return Found(
                versions=accepted,
                ciphers=ciphers,
                suites=[name for name, suite in zip(SUITES, suites, strict=True) if suite],
                groups=[name for name, suite in zip(GROUPS, groups, strict=True) if suite],
                renegotiates="TLSv1.2" in accepted and self.renegotiates(),
                early_data=self.early_data() if "TLSv1.3" in accepted else 0,
                compresses="Compression: " in older and "Compression: NONE" not in older,
                extended_master_secret="Extended master secret: yes" in older or not older,
            )


class Session:
    """A client that stays while it is read and written to."""

    def __init__(self, command: list[str]) -> None:
        self._client = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT
        )
        assert self._client.stdout
        self._ear = self._client.stdout.fileno()
        self.said = ""

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.kill()
        self._client.communicate()

    def write(self, text: str) -> None:
        """Say it, and hear only what comes from now on."""
        self.said = ""
        # A server that went away is heard of by what comes, or does not.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._client.stdin.fileno(), text.encode())  # type: ignore[union-attr]

    def read_until(self, *words: str) -> str:
        """All that was said, one of the words at last; or what there was when nothing more came for a while."""
        while not any(word in self.said for word in words):
            ready, _, _ = select.select([self._ear], [], [], SILENCE)
            piece = os.read(self._ear, 65536) if ready else b""
            if not piece:
                break
            self.said += piece.decode(errors="replace")
        return self.said


if __name__ == "__main__":
    print(json.dumps(asdict(Port(json.loads(sys.argv[1])["place"]).scan())))
