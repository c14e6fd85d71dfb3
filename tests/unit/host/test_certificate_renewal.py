"""When the public certificate is renewed and what a renewal leaves behind (Đ3); tests/roles/test_certificates.py does
it with an authority."""

import grp
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hanam_mail.host import certificate_renewal
from hanam_mail.host.certificate_renewal import RenewalSettings

pytestmark = pytest.mark.dieu3

NAMES = ["mail.hanam.gov.vn", "mta-sts.hanam.gov.vn"]
# In place of certbot: signs by the key itself what the request asks for, or refuses a name as an authority does.
CERTBOT = """#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in --csr) csr=$2;; --fullchain-path) chain=$2;; esac
    shift
done
if [ -n "$REFUSE" ] && openssl req -in "$csr" -noout -text | grep -q "DNS:$REFUSE"; then
    echo "urn:ietf:params:acme:error:unauthorized" >&2
    exit 1
fi
exec openssl x509 -req -in "$csr" -copy_extensions copy -key "$KEY" -days 90 -out "$chain" 2>/dev/null
"""


def new_key(path: Path) -> None:
    subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", path], check=True)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RenewalSettings:
    """A host with a key and no certificate, and an authority that gives any."""
    program = tmp_path / "bin/certbot"
    program.parent.mkdir()
    program.write_text(CERTBOT)
    program.chmod(0o755)
    (tmp_path / "public").mkdir()
    new_key(tmp_path / "acme.key")
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("KEY", str(tmp_path / "acme.key"))
    return RenewalSettings(
        names=NAMES,
        directory_url="https://acme.example/dir",
        contact="postmaster@hanam.gov.vn",
        webroot=str(tmp_path),
        renew_days=30,
        key=tmp_path / "acme.key",
        public=tmp_path / "public",
        group=grp.getgrgid(os.getgid()).gr_name,
        reload="/bin/true",
    )


def renew(settings: RenewalSettings, monkeypatch: pytest.MonkeyPatch) -> int:
    """The command, with these settings as its file."""
    file = settings.public.parent / "acme.json"
    file.write_text(json.dumps(vars(settings), default=str))
    monkeypatch.setattr("sys.argv", ["hanam-tls-renew", str(file)])
    return certificate_renewal.main()


def test_a_second_pair_lies_beside_the_first_and_its_refusal_hinders_no_other(
    settings: RenewalSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = settings.public.parent
    files = []
    # The first one's name is refused.
    for suffix, names in (("", ["refused.hanam.gov.vn"]), ("-rsa", NAMES)):
        files.append(str(folder / f"acme{suffix}.json"))
        values = vars(replace(settings, suffix=suffix, names=names))
        Path(files[-1]).write_text(json.dumps(values, default=str))
    monkeypatch.setenv("REFUSE", "refused.hanam.gov.vn")
    monkeypatch.setattr("sys.argv", ["hanam-tls-renew", *files])
    with pytest.raises(SystemExit, match="urn:ietf"):
        certificate_renewal.main()
    assert capsys.readouterr().out == "installed a new certificate: there is none\n"
    assert set(pair(settings)) == {"fullchain-rsa.pem", "privkey-rsa.pem"}
    monkeypatch.setenv("REFUSE", "")
    assert certificate_renewal.main() == 0
    assert capsys.readouterr().out == "installed a new certificate: there is none\nnothing to do\n"
    assert len(pair(settings)) == 4


def pair(settings: RenewalSettings) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in settings.public.iterdir()}


def test_a_certificate_is_obtained_once(
    settings: RenewalSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert renew(settings, monkeypatch) == 0
    assert capsys.readouterr().out == "installed a new certificate: there is none\n"
    assert renew(settings, monkeypatch) == 0
    assert capsys.readouterr().out == "nothing to do\n"
    assert {path.name: path.stat().st_mode & 0o777 for path in settings.public.iterdir()} == {
        "fullchain.pem": 0o640,
        "privkey.pem": 0o640,
    }


def test_it_is_renewed_in_time_and_when_its_names_or_its_key_change(
    settings: RenewalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew(settings, monkeypatch)
    assert certificate_renewal.due(settings) is None
    assert certificate_renewal.due(replace(settings, renew_days=91)) == "it ends within 91 days"
    assert certificate_renewal.due(replace(settings, names=NAMES[:1])) == "the names were changed"
    settings.key.write_text(f"{settings.key.read_text()}\n")
    assert certificate_renewal.due(settings) == "the key file was changed"
    new_key(settings.key)
    assert certificate_renewal.due(settings) == "the key was changed"


def test_what_the_authority_refuses_leaves_the_former_pair_and_is_told(
    settings: RenewalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew(settings, monkeypatch)
    before = pair(settings)
    monkeypatch.setenv("REFUSE", NAMES[0])
    with pytest.raises(SystemExit, match="gave no certificate:\nurn:ietf"):
        renew(replace(settings, renew_days=91), monkeypatch)
    assert pair(settings) == before


NEW_NAME = "autoconfig.hanam.gov.vn"


@pytest.fixture
def one_more(settings: RenewalSettings, monkeypatch: pytest.MonkeyPatch) -> RenewalSettings:
    """A host with a certificate, and one more name, which the authority cannot reach."""
    renew(settings, monkeypatch)
    monkeypatch.setenv("REFUSE", NEW_NAME)
    return replace(settings, names=[*NAMES, NEW_NAME])


def test_a_name_that_is_refused_does_not_keep_the_others_from_being_renewed(
    one_more: RenewalSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = pair(one_more)
    told = rf"(?s)urn:ietf.*renewed with its former names until then. It lacks: {NEW_NAME}$"
    with pytest.raises(SystemExit, match=told):
        renew(replace(one_more, renew_days=91), monkeypatch)
    assert "installed a new certificate: it ends within 91 days; for the former names\n" in capsys.readouterr().out
    assert pair(one_more)["fullchain.pem"] != before["fullchain.pem"]
    assert set(certificate_renewal.covered(one_more)) == set(NAMES)
    # The day it is granted it is had.
    monkeypatch.setenv("REFUSE", "")
    assert renew(one_more, monkeypatch) == 0
    assert NEW_NAME in certificate_renewal.covered(one_more)


def test_while_a_name_is_refused_a_certificate_that_is_not_due_stays(
    one_more: RenewalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pair(one_more)
    with pytest.raises(SystemExit, match=f"It lacks: {NEW_NAME}$"):
        renew(one_more, monkeypatch)
    assert pair(one_more) == before


def test_an_authority_that_gives_nothing_at_all_is_told_with_its_own_words(
    one_more: RenewalSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pair(one_more)
    monkeypatch.setenv("REFUSE", NAMES[0])
    with pytest.raises(SystemExit, match=r"gave no certificate:\nurn:ietf[^\n]*$"):
        renew(replace(one_more, renew_days=91), monkeypatch)
    assert pair(one_more) == before


def test_daemons_that_cannot_be_reloaded_are_told(settings: RenewalSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        renew(replace(settings, reload="/bin/false"), monkeypatch)
