"""Certificates: what is issued can serve, what cannot serve is told why."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from hanam_mail.controller.keys import pki

YEAR = dt.timedelta(days=365)
NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def authority() -> pki.Pair:
    return pki.new_authority("test", lifetime=10 * YEAR, now=NOW)


@pytest.fixture(scope="module")
def pair(authority: pki.Pair) -> pki.Pair:
    return pki.issue(
        authority,
        ["mx.hanam.gov.vn", "*.wild.example"],
        lifetime=YEAR,
        client=True,
        now=NOW,
    )


def test_good_certificate_has_no_problems(pair: pki.Pair) -> None:
    assert pki.problems(pair.certificate, pair.key, ["mx.hanam.gov.vn"], now=NOW) == []


def test_chain_with_its_authority_is_accepted(authority: pki.Pair, pair: pki.Pair) -> None:
    chain = pair.certificate + authority.certificate
    assert pki.problems(chain, pair.key, ["mx.hanam.gov.vn"], now=NOW) == []


def test_foreign_intermediate_breaks_the_chain(pair: pki.Pair) -> None:
    other = pki.new_authority("other", lifetime=YEAR, now=NOW)
    found = pki.problems(pair.certificate + other.certificate, pair.key, [], now=NOW)
    assert found == ["chuỗi chứng thư đứt: CN=mx.hanam.gov.vn không do CN=other cấp"]


def test_key_of_another_certificate_is_refused(pair: pki.Pair) -> None:
    found = pki.problems(pair.certificate, pki.new_private_key(), [], now=NOW)
    assert found == ["khóa riêng không thuộc chứng thư đầu tiên"]


@pytest.mark.parametrize(
    ("moment", "message"),
    [
        (NOW + 2 * YEAR, "chứng thư CN=mx.hanam.gov.vn hết hạn ngày 24/11/2027"),
        (NOW - YEAR, "chứng thư CN=mx.hanam.gov.vn chỉ có hiệu lực từ ngày 24/11/2026"),
    ],
)
def test_certificate_outside_its_time_is_refused(pair: pki.Pair, moment: dt.datetime, message: str) -> None:
    assert pki.problems(pair.certificate, pair.key, [], now=moment) == [message]


def test_missing_names_are_listed(pair: pki.Pair) -> None:
    found = pki.problems(pair.certificate, pair.key, ["smtp.x", "imap.x"], now=NOW)
    assert found == ["chứng thư không có tên imap.x, smtp.x"]


def test_wildcard_covers_one_label_only(pair: pki.Pair) -> None:
    assert pki.problems(pair.certificate, pair.key, ["a.wild.example"], now=NOW) == []
    assert pki.problems(pair.certificate, pair.key, ["a.b.wild.example"], now=NOW)


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN CERTIFICATE-----\n"])
def test_text_that_is_no_certificate_is_named(pair: pki.Pair, text: str) -> None:
    assert pki.problems(text, pair.key, []) == ["chứng thư không ở dạng PEM"]


def test_bad_key_is_named_without_being_quoted(pair: pki.Pair) -> None:
    found = pki.problems(pair.certificate, "secret material", [])
    assert found == ["khóa riêng không ở dạng PEM không mã hóa"]


def test_leaf_never_outlives_its_authority() -> None:
    short = pki.new_authority("short", lifetime=dt.timedelta(days=2), now=NOW)
    leaf = pki.issue(short, ["a.example"], lifetime=YEAR, now=NOW)
    assert pki.problems(leaf.certificate, leaf.key, [], now=NOW + dt.timedelta(days=3))


def test_openssl_accepts_chain_and_purposes(authority: pki.Pair, pair: pki.Pair, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(authority.certificate)
    (tmp_path / "cert.pem").write_text(pair.certificate)
    for purpose in ("sslserver", "sslclient"):
        verify = [
            "openssl",
            "verify",
            "-x509_strict",
            "-purpose",
            purpose,
            "-CAfile",
            "ca.pem",
        ]
        subprocess.run(
            [*verify, "-attime", str(int(NOW.timestamp())), "cert.pem"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )


def test_server_only_certificate_is_no_client(authority: pki.Pair, tmp_path: Path) -> None:
    leaf = pki.issue(authority, ["a.example"], lifetime=YEAR, now=NOW)
    (tmp_path / "ca.pem").write_text(authority.certificate)
    (tmp_path / "cert.pem").write_text(leaf.certificate)
    verify = [
        "openssl",
        "verify",
        "-purpose",
        "sslclient",
        "-CAfile",
        "ca.pem",
        "cert.pem",
    ]
    assert subprocess.run(verify, check=False, cwd=tmp_path, capture_output=True).returncode != 0


def test_tlsa_of_the_key_equals_tlsa_of_its_certificate(pair: pki.Pair) -> None:
    of_certificate = pki.tlsa_for_authority(pair.certificate).removeprefix("2 1 1 ")
    assert pki.tlsa_for_key(pair.key) == f"3 1 1 {of_certificate}"
