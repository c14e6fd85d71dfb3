"""Whether DNS knows the keys that are about to sign."""

from pathlib import Path

import pytest

from hanam_mail.host import command_line
from hanam_mail.host.mail import dkim_published

OLD = "a._domainkey.hanam.gov.vn. v=DKIM1; k=rsa; p=AAAA"
NEW = "b._domainkey.hanam.gov.vn. v=DKIM1; k=rsa; p=BBBB"
NAME = "b._domainkey.hanam.gov.vn."


@pytest.fixture
def lists(tmp_path: Path) -> tuple[Path, Path]:
    """The list in force and the one to come."""
    known, coming = tmp_path / "known", tmp_path / "coming"
    known.write_text(f"# by Ansible\n{OLD}\n")
    coming.write_text(f"# written by Ansible\n{NEW}\n{OLD}\n")
    return known, coming


def answers(monkeypatch: pytest.MonkeyPatch, *texts: str, error: str = "") -> list[str]:
    """What DNS says of every name, and a list of the names asked for."""
    asked: list[str] = []

    def say(name: str) -> list[str]:
        asked.append(name)
        if error:
            raise LookupError(error)
        return list(texts)

    monkeypatch.setattr(dkim_published, "texts", say)
    return asked


def run(lists: tuple[Path, Path]) -> int:
    known, coming = lists
    return command_line.main(["dkim-published", "--known", str(known), str(coming)])


@pytest.mark.parametrize(
    "text",
    [
        "v=DKIM1; k=rsa; p=BBBB",
        "v=DKIM1;k=rsa;p=BB BB;",
        "k=rsa; p=BBBB",
        "p=BBBB; t=s",
        "v=DKIM1; h=sha1:sha256; p=BBBB",
    ],
)
def test_a_new_key_that_dns_knows_is_taken(
    monkeypatch: pytest.MonkeyPatch, lists: tuple[Path, Path], text: str
) -> None:
    asked = answers(monkeypatch, text)
    assert run(lists) == 0
    assert asked == [NAME]


@pytest.mark.parametrize(
    ("texts", "error", "expected"),
    [
        ([], "", "DNS chưa công bố khóa này"),
        (["v=DKIM1; k=rsa; p=CCCC"], "", "DNS đang công bố khóa khác"),
        (["k=rsa; v=DKIM1; p=BBBB"], "", "DNS đang công bố khóa khác"),
        (["v=DKIM2; p=BBBB"], "", "DNS đang công bố khóa khác"),
        (["v=DKIM1; p=BBBB; t=y"], "", "DNS đang công bố khóa khác"),
        (["v=DKIM1; p=BBBB; h=sha1"], "", "DNS đang công bố khóa khác"),
        (["v=DKIM1; k=ed25519; p=BBBB"], "", "DNS đang công bố khóa khác"),
        ([""], "", "DNS đang công bố khóa khác"),
        (["v=DKIM1; k=rsa; p="], "", "DNS đang công bố khóa khác"),
        (["v=DKIM1; k=rsa; p=BBBB", "x"], "", "DNS có 2 bản ghi TXT"),
        ([], "timed out", "chưa hỏi được DNS (timed out)"),
    ],
)
def test_a_new_key_that_others_could_not_look_up_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lists: tuple[Path, Path],
    texts: list[str],
    error: str,
    expected: str,
) -> None:
    answers(monkeypatch, *texts, error=error)
    assert run(lists) == 1
    assert f"{NAME}: {expected}" in capsys.readouterr().err


def test_keys_that_sign_already_need_no_dns(monkeypatch: pytest.MonkeyPatch, lists: tuple[Path, Path]) -> None:
    asked = answers(monkeypatch, error="timed out")
    known, _ = lists
    assert run((known, known)) == 0
    assert asked == []


def test_a_filter_that_never_signed_may_come_before_its_records(
    monkeypatch: pytest.MonkeyPatch, lists: tuple[Path, Path]
) -> None:
    asked = answers(monkeypatch)
    known, coming = lists
    known.unlink()
    assert run((known, coming)) == 0
    assert asked == []


def test_a_filter_that_signed_before_there_were_lists_is_asked_for_all(
    monkeypatch: pytest.MonkeyPatch, lists: tuple[Path, Path]
) -> None:
    asked = answers(monkeypatch)
    known, coming = lists
    known.unlink()
    (known.parent / "dkim.hn2026.key").touch()
    assert run((known, coming)) == 1
    assert asked == [NAME, "a._domainkey.hanam.gov.vn."]
