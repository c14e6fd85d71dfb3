"""The secrets of an environment: made once, completed, never changed."""

from __future__ import annotations

import datetime as dt
import errno
import os
import re
import shlex
import stat
from pathlib import Path

import pytest
import yaml

from hanam_mail.controller import preflight, vault_file
from hanam_mail.controller.keys import pki, tls

INVENTORY = """
lab:
  children:
    accounts: {hosts: {mail: }}
    mx: {hosts: {mail: }}
    backup: {hosts: {backup: }}
    outside: {hosts: {internet: }}
"""


ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the lab's inventories get, as `make setup` asks for it."""
    vault = tmp_path_factory.mktemp("lab") / "vault.yml"
    inventories = [f"--inventory={ROOT / 'inventory' / name}.yml" for name in ("lab", "split")]
    assert vault_file.main(["--output", str(vault), f"--mailboxes={ROOT / 'mailboxes'}", *inventories]) == 0
    return dict(yaml.safe_load(vault.read_text()))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab.yml").write_text(INVENTORY)
    return tmp_path


def run(place: Path, *more: str) -> int:
    return vault_file.main(["--output", "vault.yml", "--inventory", "lab.yml", *more])


def test_second_run_changes_nothing(place: Path) -> None:
    assert run(place) == 0
    before = (place / "vault.yml").read_bytes()
    assert run(place) == 0
    assert (place / "vault.yml").read_bytes() == before


def test_only_the_owner_can_read_the_file(place: Path) -> None:
    run(place)
    assert stat.S_IMODE((place / "vault.yml").stat().st_mode) == 0o600
    assert sorted(path.name for path in place.iterdir()) == ["lab.yml", "vault.yml"]


def test_a_full_disk_is_one_sentence_and_leaves_the_file_as_it_was(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (place / "vault.yml").write_text("vault_redis_password: abc\n")
    monkeypatch.setattr(os, "fsync", full)
    assert run(place) == 1
    assert "vault.yml: không ghi được: No space left on device" in capsys.readouterr().err
    assert (place / "vault.yml").read_text() == "vault_redis_password: abc\n"
    assert sorted(path.name for path in place.iterdir()) == ["lab.yml", "vault.yml"]


def test_only_names_are_printed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(place)
    printed = capsys.readouterr().out
    variables = yaml.safe_load((place / "vault.yml").read_text())
    assert "added vault_redis_password" in printed
    assert variables["vault_redis_password"] not in printed
    assert "PRIVATE KEY" not in printed


def test_new_host_gets_certificates_and_old_ones_stay(place: Path) -> None:
    run(place)
    before = yaml.safe_load((place / "vault.yml").read_text())
    (place / "more.yml").write_text("mx: {hosts: {edge9: }}")
    run(place, "--inventory", "more.yml")
    after = yaml.safe_load((place / "vault.yml").read_text())
    assert after["vault_internal_certificates"].pop("edge9")
    for kind in tls.KINDS:
        assert after[kind.pairs].pop("edge9")
        assert after[kind.next].pop("edge9")
    assert after == before


def test_a_lab_of_before_gets_the_names_that_a_release_adds_and_keeps_its_key(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(place)
    vault = yaml.safe_load((place / "vault.yml").read_text())
    own, table = vault["vault_public_certificates"]["mail"], vault["vault_public_certificates"]
    authority = pki.Pair(vault["vault_public_ca"], vault["vault_public_ca_key"])
    former = pki.issue(authority, ["mail.hanam.gov.vn"], lifetime=dt.timedelta(days=30), key=own["key"])
    table["mail"] = {"certificate": former.certificate, "key": former.key}
    (place / "vault.yml").write_text(vault_file.dump(vault))
    capsys.readouterr()
    assert run(place) == 0
    assert capsys.readouterr().out == "added vault_public_certificates[mail] (names)\n"
    after = yaml.safe_load((place / "vault.yml").read_text())
    pair = after["vault_public_certificates"].pop("mail")
    names = [f"{label}.hanam.gov.vn" for label in vault_file.SERVICE_LABELS]
    assert pair["key"] == own["key"]
    assert pki.problems(f"{pair['certificate']}{vault['vault_public_ca']}", pair["key"], names) == []
    table.pop("mail")
    assert after == vault


def test_a_certificate_of_another_authority_stays_as_it_is(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(place)
    vault = yaml.safe_load((place / "vault.yml").read_text())
    # Of the same name as the lab's own: the signature tells them apart.
    foreign = pki.new_authority("Hà Nam Mail lab public CA", lifetime=dt.timedelta(days=30))
    pair = pki.issue(foreign, ["mail.hanam.gov.vn"], lifetime=dt.timedelta(days=30))
    vault["vault_public_certificates"]["mail"] = {"certificate": pair.certificate, "key": pair.key}
    (place / "vault.yml").write_text(vault_file.dump(vault))
    capsys.readouterr()
    assert run(place) == 0
    assert capsys.readouterr().out == ""
    assert yaml.safe_load((place / "vault.yml").read_text()) == vault


def test_people_of_the_registry_get_passwords_and_agencies_do_not(place: Path) -> None:
    (place / "mailboxes").mkdir()
    (place / "mailboxes" / "stttt.yml").write_text(
        "mailboxes:\n  - {id: a, kind: agency, address: stttt}\n  - {id: b, kind: person, address: nguyenthithanhha}\n"
    )
    run(place)
    variables = yaml.safe_load((place / "vault.yml").read_text())
    assert list(variables["vault_sample_passwords"]) == ["nguyenthithanhha"]


def test_encrypted_file_is_refused_with_the_way_out(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "vault.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n00\n")
    assert run(place) == 1
    assert "vault.yml is encrypted" in capsys.readouterr().err


def test_broken_yaml_is_named_with_its_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "vault.yml").write_text("a: b\nc: [\n")
    assert run(place) == 1
    assert "vault.yml:3: not valid YAML" in capsys.readouterr().err


def test_authority_without_its_key_is_refused() -> None:
    with pytest.raises(vault_file.SecretsError, match="vault_internal_ca_key belong together"):
        vault_file.complete({"vault_internal_ca": "x"}, profile="lab", hosts={}, domain="example")


def test_production_gets_no_lab_secrets() -> None:
    variables, _ = vault_file.complete({}, profile="production", hosts={"m1": frozenset({"mx"})}, domain="hanam.gov.vn")
    assert not [name for name in variables if "lab" in name or "sample" in name]
    assert "vault_public_ca" not in variables
    assert [list(variables[kind.keys]) for kind in tls.KINDS] == [["m1"], ["m1"]]


@pytest.mark.parametrize("profile", vault_file.PROFILES)
def test_secrets_without_inventory_are_refused(place: Path, capsys: pytest.CaptureFixture[str], profile: str) -> None:
    assert vault_file.main(["--output", "vault.yml", "--profile", profile]) == 1
    assert "--inventory" in capsys.readouterr().err


DOCUMENTED = {
    "docs/handbook/operations.vi.md": "production",
    "group_vars/production/main.yml": "production",
    "group_vars/staging/main.yml": "staging",
}


@pytest.mark.parametrize(("document", "environment"), DOCUMENTED.items())
def test_the_documented_command_makes_an_environments_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: str, environment: str
) -> None:
    text = re.sub(r"\\\n#?", " ", (ROOT / document).read_text(encoding="utf-8"))
    (command,) = re.findall(r"python -m hanam_mail\.controller\.vault_file +(--[^\n]*)", text)
    (tmp_path / "inventory").symlink_to(ROOT / "inventory")
    monkeypatch.chdir(tmp_path)
    assert vault_file.main(shlex.split(command)) == 0
    vault = yaml.safe_load(Path(f"group_vars/{environment}/vault.yml").read_text())
    main = yaml.safe_load((ROOT / "group_vars/hanam/names.yml").read_text())
    main |= yaml.safe_load((ROOT / f"group_vars/{environment}/main.yml").read_text())
    inventory = yaml.safe_load((ROOT / f"inventory/{environment}.yml").read_text())
    for host in inventory[environment]["hosts"]:
        pair = vault["vault_internal_certificates"][host]
        assert pki.problems(pair["certificate"], pair["key"], [f"{host}.{main['mail_domain']}"]) == []
    assert set(vault) >= set(preflight.VAULT)
    assert not [name for name in vault if "lab" in name]


def test_internal_certificate_names_its_host(
    lab: dict[str, dict[str, dict[str, str]]],
) -> None:
    pair = lab["vault_internal_certificates"]["store1"]
    assert pki.problems(pair["certificate"], pair["key"], ["store1.hanam.gov.vn"]) == []


def test_public_certificate_covers_every_service(
    lab: dict[str, dict[str, dict[str, str]]],
) -> None:
    services = [f"{label}.hanam.gov.vn" for label in vault_file.SERVICE_LABELS]
    for kind in tls.KINDS:
        pair = lab[kind.pairs]["mail"]
        assert pki.problems(pair["certificate"], pair["key"], services) == []


def test_hosts_without_public_services_get_no_public_certificate(
    lab: dict[str, dict[str, object]],
) -> None:
    assert set(lab["vault_public_certificates"]) == {
        "mail",
        "edge1",
        "store1",
        "internet",
    }


def test_inventory_hosts_know_their_parents() -> None:
    assert vault_file.inventory_hosts(yaml.safe_load(INVENTORY))["mail"] == {
        "lab",
        "accounts",
        "mx",
    }


def test_sample_passwords_satisfy_the_regulation_and_can_be_read_aloud() -> None:
    for _ in range(500):
        password = vault_file.new_sample_password()
        assert len(password) >= 8
        assert any(letter.isupper() for letter in password)
        assert any(letter.islower() for letter in password)
        assert any(letter.isdigit() for letter in password)
        assert any(letter in "!@#%$*&-" for letter in password)
        assert not set(password) & set("0O1lI")
