"""One set of protocols, suites and groups, the same in every daemon's own words (group_vars/all/tls.yml, Đ3.2)."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.render.conftest import ENVIRONMENTS, ROOT

pytestmark = pytest.mark.dieu3

type Environments = Callable[[str], Any]
SET = yaml.safe_load((ROOT / "group_vars/all/tls.yml").read_text())["tls_set"]
OLDEST = SET["protocols"][0]


def setting(text: str, name: str) -> str:
    """The value of the one line that sets it, in the words of any of the daemons."""
    (value,) = re.findall(rf"^[ ]*{name}(?: *= *| +)(.*?);?$", text, re.M)
    return str(value).strip("'")


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_ports_for_the_world_carry_the_same_set(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("mx:submission"):
        main = there.render("postfix", "main.cf.j2", host)
        for name in ("smtpd_tls_protocols", "smtpd_tls_mandatory_protocols", "smtp_tls_protocols"):
            assert setting(main, name) == f">={OLDEST}"
        assert setting(main, "tls_high_cipherlist").split(":") == SET["ciphers"]
        assert setting(main, "tls_eecdh_auto_curves").split() == SET["groups"]
        assert setting(main, "tls_ffdhe_auto_groups") == ""
        assert {setting(main, f"smtpd_tls{kind}_ciphers") for kind in ("", "_mandatory")} == {"high"}
        assert setting(main, "tls_ssl_options").split(", ") == ["NO_RENEGOTIATION", "NO_COMPRESSION"]
    for host in there.hosts("mailstore"):
        dovecot = there.render("dovecot", "dovecot.conf.j2", host).partition("\nprotocol auth")[0]
        assert setting(dovecot, "ssl") == "required"
        assert setting(dovecot, "ssl_min_protocol") == OLDEST
        assert setting(dovecot, "ssl_cipher_list").split(":") == SET["ciphers"]
        assert setting(dovecot, "ssl_cipher_suites").split(":") == SET["suites"]
        assert setting(dovecot, "ssl_curve_list").split(":") == SET["groups"]
    for host in there.hosts("webmail:mx:mailstore"):
        nginx = there.render("nginx", "nginx.conf.j2", host)
        assert setting(nginx, "ssl_protocols").split() == SET["protocols"]
        assert setting(nginx, "ssl_ciphers").split(":") == SET["ciphers"]
        assert setting(nginx, "ssl_ecdh_curve").split(":") == SET["groups"]
    for host in there.hosts("all:!outside"):
        common = there.render("certificates", "openssl.cnf.j2", host)
        assert setting(common, "MinProtocol") == OLDEST
        assert setting(common, "Ciphersuites").split(":") == SET["suites"]
        assert setting(common, "Groups").split(":") == SET["groups"]
        assert setting(common, "SignatureAlgorithms").split(":") == SET["signatures"]


def test_our_own_hosts_speak_the_newest_protocol_with_each_other(environment: Environments) -> None:
    split = environment("split")
    newest = SET["protocols"][-1]
    assert setting(split.render("postfix", "main.cf.j2", "edge1"), "lmtp_tls_mandatory_protocols") == f">={newest}"
    lmtp = split.render("dovecot", "dovecot.conf.j2", "store1").partition("\nprotocol lmtp {")[2].partition("\n}")[0]
    assert setting(lmtp, "ssl_min_protocol") == newest
    assert setting(split.render("postgresql", "hanam.conf.j2", "accounts1"), "ssl_min_protocol_version") == newest
    gate = split.render("learn", "learn-gate.conf.j2", "edge1")
    assert setting(gate, "ssl_protocols") == newest
    assert setting(gate, "ssl_ecdh_curve").split(":") == SET["groups"]
    for host in ("edge1", "store1"):
        tunnel = split.render("stunnel", "tunnel.conf.j2", host)
        assert setting(tunnel, "sslVersionMin") == newest
        assert setting(tunnel, "ciphersuites").split(":") == SET["suites"]
        assert setting(tunnel, "curves").split(":") == SET["groups"]


def test_no_other_file_of_a_role_chooses_protocols_or_suites() -> None:
    """The lab's foreign server is one of the world's: it speaks what Debian does."""
    literal = re.compile(r"TLSv1\.\d|ECDHE|prime256v1|X25519|RSA\+SHA")
    files = [path for path in ROOT.glob("roles/*/templates/**/*.j2") if not path.parts[-3].startswith("lab_")]
    assert [str(path) for path in files if literal.search(path.read_text())] == []


def test_openssl_knows_every_name_and_all_suites_are_of_the_kind_that_is_asked_for(tmp_path: Path) -> None:
    shown = subprocess.run(
        ["openssl", "ciphers", "-v", "-s", "-tls1_2", ":".join(SET["ciphers"])],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line.split() for line in shown.splitlines() if line.split()[1] == "TLSv1.2"]
    assert [line[0] for line in lines] == SET["ciphers"]
    assert {line[2] for line in lines} == {"Kx=ECDH"}
    assert {line[5] for line in lines} == {"Mac=AEAD"}
