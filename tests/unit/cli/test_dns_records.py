"""`hanam-mail dns`: what it prints for people and for programs, and its exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hanam_mail import dns_check
from hanam_mail.cli import main
from hanam_mail.dns_check import DnsAnswer, DnssecProof

ZONE = """$ORIGIN hanam.gov.vn.
@ 3600 IN MX 10 mx.hanam.gov.vn.
@ 3600 IN TXT "v=spf1 ip4:192.0.2.1 -all"
_imaps._tcp 3600 IN SRV 0 1 993 imap.hanam.gov.vn.
@ 3600 IN CAA 0 issue "letsencrypt.org"
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build").mkdir()
    (tmp_path / "build/hanam.gov.vn.zone").write_text(ZONE)
    return lambda *words: CliRunner().invoke(main, ["dns", *words])


def answering(monkeypatch: pytest.MonkeyPatch, answers: dict[str, DnsAnswer]) -> None:
    monkeypatch.setattr(dns_check.Servers, "ask", lambda self, name, kind: answers[kind])


RIGHT = {
    "MX": DnsAnswer(("10 mx.hanam.gov.vn.",), DnssecProof.GOOD),
    "TXT": DnsAnswer(('"v=spf1 ip4:192.0.2.1 -all"',), DnssecProof.GOOD),
    "SRV": DnsAnswer(("0 1 993 imap.hanam.gov.vn.",), DnssecProof.GOOD),
    "CAA": DnsAnswer(('0 issue "letsencrypt.org"',), DnssecProof.GOOD),
}


def test_all_is_right(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, RIGHT)
    result = run("check", "--server", "192.0.2.53")
    assert (result.exit_code, result.stdout) == (0, "4 bản ghi, 0 chỗ phải sửa (hỏi 192.0.2.53).\n")


def test_each_difference_says_how_it_is_mended(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "MX": DnsAnswer(("10 mx.hanam.gov.vn.",), DnssecProof.NONE),
        "TXT": DnsAnswer(('"v=spf1 +all"',), DnssecProof.GOOD),
        "SRV": DnsAnswer((), DnssecProof.GOOD),
        "CAA": DnsAnswer(error="192.0.2.53: SERVFAIL"),
    }
    answering(monkeypatch, answers)
    result = run("check", "--server", "192.0.2.53")
    assert result.exit_code == 1
    assert set(result.stdout.splitlines()) == {
        "hanam.gov.vn MX: không có chữ ký DNSSEC; ký vùng và đưa bản ghi DS lên vùng cha",
        "hanam.gov.vn TXT: đang là: v=spf1 +all; đổi thành: v=spf1 ip4:192.0.2.1 -all",
        "_imaps._tcp.hanam.gov.vn SRV: chưa có; thêm: 0 1 993 imap.hanam.gov.vn.",
        "hanam.gov.vn CAA: chưa hỏi được (192.0.2.53: SERVFAIL); "
        "kiểm tra máy phân giải và máy chủ tên của vùng, rồi hỏi lại",
        "4 bản ghi, 4 chỗ phải sửa (hỏi 192.0.2.53).",
    }
    told = json.loads(run("check", "--server", "192.0.2.53", "--json").stdout)
    assert (told["servers"], told["records"], len(told["differences"])) == (["192.0.2.53"], 4, 4)
    spf = next(each for each in told["differences"] if each["type"] == "TXT")
    assert (spf["what"], spf["found"]) == ("different", '"v=spf1 +all"')


def test_records_are_listed_as_a_form_asks_for_them(run: Callable[..., Result]) -> None:
    told = run("list").stdout
    assert "Tên: hanam.gov.vn\nLoại: MX\nƯu tiên: 10\nMáy chủ: mx.hanam.gov.vn\n" in told
    assert "Tên: hanam.gov.vn\nLoại: TXT\nGiá trị: v=spf1 ip4:192.0.2.1 -all\n" in told
    assert "Loại: SRV\nƯu tiên: 0\nTrọng số: 1\nCổng: 993\nMáy chủ: imap.hanam.gov.vn\n" in told
    assert "Loại: CAA\nCờ: 0\nThẻ: issue\nGiá trị: letsencrypt.org\n" in told
    assert {each["type"] for each in json.loads(run("list", "--json").stdout)} == RIGHT.keys()


def test_addresses_keys_and_whom_an_address_names_are_listed_so_too(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "build/hanam.gov.vn.zone").write_text(
        "$ORIGIN hanam.gov.vn.\n"
        "mx 3600 IN A 192.0.2.1\n"
        "mx 3600 IN AAAA 2001:db8::1\n"
        f"_25._tcp.mx 3600 IN TLSA 3 1 1 {'ab' * 32}\n"
        '@ 3600 IN CAA 0 issue "letsencrypt.org; accounturi=https://acme.example/acct/7"\n'
    )
    (tmp_path / "build/2.0.192.in-addr.arpa.zone").write_text(
        "$ORIGIN 2.0.192.in-addr.arpa.\n1 3600 IN PTR mx.hanam.gov.vn.\n"
    )
    told = run("list").stdout
    assert "Tên: mx.hanam.gov.vn\nLoại: A\nGiá trị: 192.0.2.1\n" in told
    assert "Tên: mx.hanam.gov.vn\nLoại: AAAA\nGiá trị: 2001:db8::1\n" in told
    key = f"Cách dùng: 3\nBộ chọn: 1\nKiểu khớp: 1\nDữ liệu: {'ab' * 32}\n"
    assert f"Tên: _25._tcp.mx.hanam.gov.vn\nLoại: TLSA\n{key}" in told
    assert "Thẻ: issue\nGiá trị: letsencrypt.org; accounturi=https://acme.example/acct/7\n" in told
    assert "Tên: 1.2.0.192.in-addr.arpa\nLoại: PTR\nGiá trị: mx.hanam.gov.vn\n" in told


def test_without_zone_files_it_says_how_they_are_made(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "build/hanam.gov.vn.zone").unlink()
    result = run("check")
    assert result.exit_code == 1
    assert "playbooks/dns.yml" in result.stderr


def test_a_server_is_given_by_its_address(run: Callable[..., Result]) -> None:
    result = run("check", "--server", "ns1.hanam.gov.vn")
    assert result.exit_code == 2
    assert "“ns1.hanam.gov.vn” không phải địa chỉ IP" in result.stderr
