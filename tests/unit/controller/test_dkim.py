"""Keys of DKIM: what DNS publishes, what the filter reads, and their change (RFC 6376, RFC 8463; record 0045)."""

import base64
import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from hanam_mail.controller import dkim_swap, vault_file
from hanam_mail.controller.keys import dkim, pki

DAY = dt.date(2026, 11, 29)
VAULT = vault_file.complete({}, profile="production", hosts={}, domain="hanam.gov.vn")[0]
TABLES = (dkim.SIGNING, dkim.NEXT, dkim.FORMER)
RSA, ED25519 = dkim.new_keys(DAY).values()


def weak_key() -> str:
    return (
        rsa.generate_private_key(65537, dkim.RSA_BITS // 2)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def test_a_key_of_each_algorithm_is_named_by_its_day_and_no_name_comes_again() -> None:
    first, second = dkim.new_keys(DAY), dkim.new_keys(DAY)
    assert [dkim.algorithm(key) for key in first.values()] == list(dkim.ALGORITHMS)
    assert all(re.fullmatch(r"20261129-[0-9a-f]{6}-(rsa|ed25519)", selector) for selector in first)
    assert not first.keys() & second.keys()


def test_an_rsa_key_is_published_as_others_are_and_fits_dns() -> None:
    text = dkim.record(RSA)
    assert text.startswith("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A")
    assert len(text) == 392 + len("v=DKIM1; k=rsa; p=")


def test_an_ed25519_key_is_published_as_its_32_octets() -> None:
    """The example of RFC 8463, A.2."""
    seed = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    pem = (
        ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )
    assert dkim.record(pem) == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert dkim.for_filter(pem) == base64.b64encode(seed).decode()


def test_the_filter_reads_an_rsa_key_as_it_is() -> None:
    assert dkim.for_filter(RSA) == RSA.strip()


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"keys": {"a": RSA, "b": ED25519}, "next": {}, "former": {"c": RSA}}, []),
        ({"keys": {"a": RSA}, "next": {}, "former": {}}, []),
        ({"keys": {"a": ED25519}}, ["keys: cần đúng một khóa RSA, và nhiều nhất một khóa Ed25519"]),
        ({"keys": {"a": RSA, "b": RSA}}, ["keys: cần đúng một khóa RSA, và nhiều nhất một khóa Ed25519"]),
        ({"keys": {"a": RSA}, "next": {"a": ED25519}}, ["next['a']: tên khóa đã có trong keys"]),
        ({"keys": {"A.b": RSA}}, ["keys['A.b']: tên khóa chỉ gồm chữ thường không dấu, số và dấu - ở giữa"]),
        ({"keys": {"a": RSA}, "next": "x"}, ["next: cần một bảng, tên khóa (selector) -> khóa riêng"]),
        ({"keys": {20261129: RSA}}, ["keys[20261129]: tên khóa chỉ gồm chữ thường không dấu, số và dấu - ở giữa"]),
        ({"keys": {"a": "x"}}, ["keys['a']: khóa riêng không ở dạng PEM không mã hóa"]),
        ({"keys": {"a": weak_key()}}, ["keys['a']: khóa RSA chỉ có 1024 bit, cần ít nhất 2048"]),
        ({"keys": {"a": pki.new_private_key()}}, ["keys['a']: khóa DKIM phải là RSA hoặc Ed25519"]),
    ],
)
def test_tables_that_nobody_could_sign_with_are_told(tables: dict[str, Any], expected: list[str]) -> None:
    assert dkim.problems(tables) == expected


def test_the_key_of_a_vault_of_before_keeps_its_selector_and_goes_on_alone() -> None:
    """A new key never signs before DNS had time to know it."""
    old = {"vault_dkim_private_key": RSA}
    vault, added = vault_file.complete(
        old, profile="production", hosts={}, domain="hanam.gov.vn", dkim_selector="mail2025"
    )
    assert vault["vault_dkim_keys"] == {"mail2025": RSA}
    assert len(vault["vault_dkim_next_keys"]) == 2
    assert "vault_dkim_private_key" not in vault
    assert "vault_dkim_keys[mail2025] (was vault_dkim_private_key)" in added
    again, nothing = vault_file.complete(vault, profile="production", hosts={}, domain="hanam.gov.vn")
    assert (again, nothing) == (vault, [])


def test_after_a_swap_the_next_keys_sign_and_dns_keeps_the_former_ones() -> None:
    vault, done = dkim_swap.swap(VAULT, DAY)
    assert vault["vault_dkim_keys"] == VAULT["vault_dkim_next_keys"]
    assert vault["vault_dkim_former_keys"] == VAULT["vault_dkim_keys"]
    assert not vault["vault_dkim_next_keys"].keys() & (
        vault["vault_dkim_keys"].keys() | VAULT["vault_dkim_keys"].keys()
    )
    assert dkim.problems({name: vault[name] for name in vault if name.startswith("vault_dkim")}) == []
    assert len(done) == 2


def test_two_swaps_on_one_day_need_the_former_keys_forgotten() -> None:
    once, _ = dkim_swap.swap(VAULT, DAY)
    with pytest.raises(vault_file.SecretsError, match="bỏ khóa cũ trước"):
        dkim_swap.swap(once, DAY)
    forgotten, done = dkim_swap.forget(once)
    assert "vault_dkim_former_keys" not in forgotten
    assert len(done) == 1
    assert dkim_swap.forget(forgotten) == (forgotten, [])
    replaced, _ = dkim_swap.replace_next(forgotten, DAY)
    twice, _ = dkim_swap.swap(replaced, DAY)
    ever = [VAULT, once, replaced, twice]
    names = {(selector, key) for vault in ever for name in TABLES for selector, key in vault.get(name, {}).items()}
    assert len({selector for selector, _ in names}) == len(names) == 10


def test_next_keys_can_be_made_anew() -> None:
    vault, _ = dkim_swap.replace_next(VAULT, DAY)
    assert vault["vault_dkim_keys"] == VAULT["vault_dkim_keys"]
    assert not vault["vault_dkim_next_keys"].items() & VAULT["vault_dkim_next_keys"].items()


def test_a_swap_without_next_keys_is_refused() -> None:
    with pytest.raises(vault_file.SecretsError, match="vault_dkim_next_keys: chưa có khóa nào"):
        dkim_swap.swap(VAULT | {"vault_dkim_next_keys": {}}, DAY)


def test_the_command_changes_the_vault_and_names_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vault.yml"
    path.write_text(vault_file.dump(VAULT))
    assert dkim_swap.main(["--vault", str(path)]) == 0
    vault = yaml.safe_load(path.read_text())
    assert vault["vault_dkim_keys"] == VAULT["vault_dkim_next_keys"]
    assert {name for name in vault if vault[name] != VAULT.get(name)} == {
        "vault_dkim_keys",
        "vault_dkim_next_keys",
        "vault_dkim_former_keys",
    }
    said = capsys.readouterr().out
    assert "PRIVATE" not in said
    assert "--forget" in said
    assert dkim_swap.main(["--vault", str(path), "--forget"]) == 0
    assert dkim_swap.main(["--vault", str(path), "--forget"]) == 0
    assert "không có gì để đổi" in capsys.readouterr().out
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "expected"), [(None, "không có tệp này"), ("$ANSIBLE_VAULT;1.1;AES256\n00\n", "is encrypted")]
)
def test_a_vault_that_cannot_be_read_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, expected: str
) -> None:
    path = tmp_path / "vault.yml"
    if text is not None:
        path.write_text(text)
    assert dkim_swap.main(["--vault", str(path)]) == 1
    assert expected in capsys.readouterr().err
    assert path.exists() == (text is not None)
