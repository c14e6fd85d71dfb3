"""The scanner sees what a weak server speaks, and that a strict one does not."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import tls_scan

SUBJECT = ["-nodes", "-subj", "/CN=may.example", "-days", "2"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("pair")
    arguments = ["-x509", "-newkey", "rsa:2048", "-keyout", str(folder / "key"), "-out", str(folder / "pem")]
    subprocess.run(["openssl", "req", *arguments, *SUBJECT], check=True, capture_output=True)
    return ["-key", str(folder / "key"), "-cert", str(folder / "pem")]


@pytest.fixture
def server(pair: list[str], tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    running: list[subprocess.Popen[str]] = []

    def start(*options: str) -> list[str]:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", *pair, *options]
        environment = os.environ | {"OPENSSL_CONF": "/dev/null"}
        running.append(subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=environment))
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return ["-connect", f"127.0.0.1:{port}"]
            except ConnectionRefusedError:
                time.sleep(0.01)

    yield start
    for each in running:
        each.kill()
        each.communicate()


def test_a_weak_server_is_seen_to_be_weak(server: Callable[..., list[str]]) -> None:
    weak = "AES256-SHA:DHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA:AECDH-AES256-SHA:@SECLEVEL=0"
    place = server("-cipher", weak, "-client_renegotiation", "-early_data", "-groups", "ffdhe2048:P-521:X25519")
    found = tls_scan.Port(place).scan()
    assert found.versions == ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
    assert set(found.ciphers) == set(weak.removesuffix(":@SECLEVEL=0").split(":"))
    assert set(found.groups) == {"ffdhe2048", "secp521r1", "X25519"}
    assert found.renegotiates
    assert found.early_data > 0


def test_a_strict_server_is_seen_to_be_strict(server: Callable[..., list[str]]) -> None:
    place = server("-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384")
    found = tls_scan.Port(place).scan()
    assert (found.versions, found.ciphers) == (["TLSv1.2"], ["ECDHE-RSA-AES256-GCM-SHA384"])
    assert (found.suites, found.groups) == ([], [])
    assert (found.renegotiates, found.early_data, found.compresses) == (False, 0, False)
    assert found.extended_master_secret
