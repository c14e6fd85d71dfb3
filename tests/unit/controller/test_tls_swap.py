"""Keys of port 25 change only when DNS knows the next one (Đ3.2)."""

import datetime as dt
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rrset
import pytest
import yaml
from tests.unit.test_dns_check import server

from hanam_mail import dns_check
from hanam_mail.controller import preflight, tls_swap, vault_file
from hanam_mail.controller.keys import pki, tls

pytestmark = pytest.mark.dieu3

HOST = "edge1"
HOSTS = {HOST: frozenset({"mx"}), "store1": frozenset({"mailstore"})}
NAME = "_25._tcp.mx.hanam.gov.vn."


def made(profile: str) -> dict[str, Any]:
    return vault_file.complete({}, profile=profile, hosts=HOSTS, domain="hanam.gov.vn")[0]


@pytest.fixture(scope="module")
def production() -> dict[str, Any]:
    return made("production")


@pytest.fixture(scope="module")
def lab() -> dict[str, Any]:
    return made("lab")


def test_a_vault_has_next_keys_for_mail_exchangers_alone(production: dict[str, Any]) -> None:
    for kind in tls.KINDS:
        assert set(production[kind.next]) == {HOST}
        assert kind.former not in production
    assert set(production[tls.RSA.keys]) == {HOST}
    assert tls.problems(production) == []
    again, added = vault_file.complete(production, profile="production", hosts=HOSTS, domain="hanam.gov.vn")
    assert (again, added) == (production, [])


@pytest.mark.parametrize("kind", tls.KINDS, ids=["ecdsa", "rsa"])
def test_after_a_swap_dns_knows_the_key_of_before_the_one_in_use_and_another_next_one(
    production: dict[str, Any], kind: tls.KeyKind
) -> None:
    after = tls.swapped(production, HOST, kind=kind)
    assert after[kind.keys][HOST] == production[kind.next][HOST]
    assert after[kind.former] == {HOST: production[kind.keys][HOST]}
    assert len({after[table][HOST] for table in (kind.keys, kind.next, kind.former)}) == 3
    # Of this host and this kind alone.
    assert {name for name in after if after[name] != production.get(name)} == {kind.keys, kind.next, kind.former}
    assert after[tls.ECDSA.keys]["store1"] == production[tls.ECDSA.keys]["store1"]
    with pytest.raises(ValueError, match="bỏ nó trước"):
        tls.swapped(after, HOST, kind=kind)
    kept = tls.without_former(after, HOST, kind)
    assert kept == {name: value for name, value in after.items() if name != kind.former}


@pytest.mark.parametrize("kind", tls.KINDS, ids=["ecdsa", "rsa"])
def test_the_labs_authority_makes_the_certificate_itself(lab: dict[str, Any], kind: tls.KeyKind) -> None:
    after = tls.swapped(lab, HOST, kind=kind)
    pair, before = after[kind.pairs][HOST], lab[kind.pairs][HOST]
    assert pair["key"] == lab[kind.next][HOST]
    names = pki.certificate_names(before["certificate"])
    assert pki.problems(pair["certificate"], pair["key"], names) == []
    left = [pki.time_left(each["certificate"]) for each in (before, pair)]
    assert dt.timedelta(0) <= left[0] - left[1] < dt.timedelta(hours=2)


def test_a_certificate_from_outside_has_to_be_handed_in_and_to_fit(lab: dict[str, Any]) -> None:
    outside = {name: value for name, value in lab.items() if not name.startswith("vault_public_ca")}
    with pytest.raises(ValueError, match="--certificate"):
        tls.swapped(outside, HOST)
    with pytest.raises(ValueError, match="không thuộc chứng thư"):
        tls.swapped(outside, HOST, lab[tls.ECDSA.pairs][HOST]["certificate"])
    fitting = tls.swapped(lab, HOST)[tls.ECDSA.pairs][HOST]["certificate"]
    assert tls.swapped(outside, HOST, fitting)[tls.ECDSA.pairs][HOST]["certificate"] == fitting


def test_a_key_that_nobody_could_use_is_named(production: dict[str, Any]) -> None:
    wrong = production | {tls.ECDSA.next: {HOST: "x"}, tls.ECDSA.former: []}
    assert tls.problems(wrong) == [f"{tls.ECDSA.next}[{HOST!r}]: khóa riêng không ở dạng PEM không mã hóa"]
    assert set(tls.problems(wrong)) <= set(preflight._vault(production | wrong, HOST))


# --- the command ---


def zone(folder: Path, *data: str) -> Path:
    path = folder / "hanam.gov.vn.zone"
    path.write_text("$ORIGIN hanam.gov.vn.\n" + "".join(f"_25._tcp.mx 60 IN TLSA {each}\n" for each in data))
    return path


def run(folder: Path, vault: dict[str, Any], published: list[str], *more: str, zones: list[str] | None = None) -> int:
    """Exit status, where the zone's server answers with these records."""
    (folder / "vault.yml").write_text(vault_file.dump(vault))
    file = zone(folder, *(published if zones is None else zones))

    def reply(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        if published:
            answer.answer.append(dns.rrset.from_text(NAME, 30, "IN", "TLSA", *published))
        return answer

    with server(reply) as port, pytest.MonkeyPatch.context() as patch:
        patch.setattr(dns_check.Servers.__init__, "__kwdefaults__", {"port": port})
        words = ["--vault", str(folder / "vault.yml"), "--zone", str(file), "--server", "127.0.0.1", *more, HOST]
        return tls_swap.main(words)


def records(vault: dict[str, Any]) -> list[str]:
    keys = [tls.in_use(vault, HOST), vault[tls.ECDSA.next][HOST]]
    return [pki.tlsa_for_key(key) for key in keys]


def test_a_published_key_takes_its_turn_and_no_key_is_printed(
    production: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, production, records(production)) == 0
    after = yaml.safe_load((tmp_path / "vault.yml").read_text())
    assert tls.in_use(after, HOST) == production[tls.ECDSA.next][HOST]
    said = capsys.readouterr().out
    assert "PRIVATE" not in said
    assert records(production)[1] in said
    assert run(tmp_path, after, records(after), "--forget") == 0
    assert run(tmp_path, yaml.safe_load((tmp_path / "vault.yml").read_text()), [], "--forget") == 0
    assert "không có gì để đổi" in capsys.readouterr().out
    coming = pki.tlsa_for_key(production[tls.RSA.next][HOST])
    assert run(tmp_path, production, [coming], "--rsa") == 0
    assert coming in capsys.readouterr().out


def test_a_key_that_a_server_of_the_zone_does_not_know_is_refused(
    production: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now, coming = records(production)
    assert run(tmp_path, production, [now], zones=[now, coming]) == 1
    assert f"chưa có bản ghi TLSA {coming}" in capsys.readouterr().err
    assert yaml.safe_load((tmp_path / "vault.yml").read_text()) == production
    assert run(tmp_path, production, [now]) == 1
    assert "tệp vùng DNS không có TLSA" in capsys.readouterr().err


def test_a_server_that_is_silent_is_no_leave(
    production: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_check, "TIMEOUT", 0.05)
    servers = {"ns1.gov.vn.": ["127.0.0.1"], "ns2.gov.vn.": list[str]()}
    with server(lambda query: None) as port:
        monkeypatch.setattr(dns_check.Servers.__init__, "__kwdefaults__", {"port": port})
        faults = list(tls_swap.unpublished(NAME, records(production)[1], servers))
    assert [fault.partition(":")[0] for fault in faults] == [f"máy chủ tên {name}" for name in servers]


def test_a_next_key_that_leaked_is_made_anew(production: dict[str, Any], tmp_path: Path) -> None:
    assert run(tmp_path, production, [], "--replace-next") == 0
    after = yaml.safe_load((tmp_path / "vault.yml").read_text())
    assert after[tls.ECDSA.next][HOST] != production[tls.ECDSA.next][HOST]
    assert tls.in_use(after, HOST) == tls.in_use(production, HOST)
