"""The sealed file of first passwords: never in clear on a disk, whole or not there, opened by its operator alone."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyrage
import pytest
import yaml
from click.testing import CliRunner

from hanam_mail import atomic_file
from hanam_mail.cli import main
from hanam_mail.controller.handover import opening, sheets
from hanam_mail.controller.handover.opening import Handover
from hanam_mail.controller.papers import paper
from hanam_mail.host.passwords import sealed_file
from hanam_mail.host.passwords.first_passwords import PasswordRule
from hanam_mail.host.passwords.sealed_file import HandoverError, Slip
from hanam_mail.regulation import rule_values

SECRET = "Kxmqvbtrghnp@374"
SLIPS = [
    Slip("syt", "Sở Y tế", "nguyenthiha@hanam.gov.vn", "Nguyễn Thị Hà", SECRET, "issue"),
    Slip("stp", "Sở Tư pháp", "levanbinh@hanam.gov.vn", "Lê Văn Bình", "Bnncccdddggg@235", "restore"),
]
REGULATION = Path(__file__).parents[3] / "group_vars/hanam/regulation.yml"
OFFICE = paper.load(REGULATION.with_name("papers.yml"))


@pytest.fixture
def identity() -> Any:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def sealed(tmp_path: Path, identity: Any) -> Path:
    """A handover file as the accounts host makes it (there by age itself)."""
    data = sealed_file.text(SLIPS, by="an", commit="abc", domain="hanam.gov.vn")
    return sealed_file.write(
        "20261125T083012Z-0a1b2c3d.age", pyrage.encrypt(data, [identity.to_public()]), tmp_path / "box"
    )


@pytest.fixture
def key(tmp_path: Path, identity: Any) -> Path:
    path = tmp_path / "operator.key"
    path.write_text(f"# created: 2026-11-25\n# public key: {identity.to_public()}\n{identity}\n", encoding="utf-8")
    return path


def run(*words: object) -> Any:
    return CliRunner().invoke(main, ["handover", *map(str, words), "--regulation", str(REGULATION)])


# --- The accounts host's side ---


def test_the_file_is_its_owners_alone(sealed: Path) -> None:
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    assert stat.S_IMODE(sealed.parent.stat().st_mode) == 0o700


def test_file_and_folder_are_on_the_disk_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    sealed_file.write("a.age", b"sealed", tmp_path / "box")
    assert flushed == [tmp_path / "box" / "a.age", tmp_path / "box", tmp_path]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(sealed_file.HandoverError, match="No space"):
        sealed_file.write("a.age", b"sealed", tmp_path / "box")
    assert list((tmp_path / "box").iterdir()) == []


def test_a_file_is_never_written_over(sealed: Path) -> None:
    with pytest.raises(sealed_file.HandoverError, match="File exists"):
        sealed_file.write(sealed.name, b"other", sealed.parent)


def test_files_that_no_completed_run_made_are_found(sealed: Path) -> None:
    assert sealed_file.orphans([sealed.name], sealed.parent) == []
    assert sealed_file.orphans([], sealed.parent) == [sealed]
    assert sealed_file.orphans([], sealed.parent / "none") == []


def test_age_gets_the_passwords_on_its_standard_input_and_keys_alone_as_words(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def age(words: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        seen.update(words=words, **options)
        return subprocess.CompletedProcess(words, 0, b"sealed", b"")

    monkeypatch.setattr(subprocess, "run", age)
    first, second = ("age1" + letter * 58 for letter in "qz")
    assert sealed_file.seal(SECRET.encode(), [first, second]) == b"sealed"
    assert seen["words"] == ["age", "--encrypt", "--recipient", first, "--recipient", second]
    assert seen["input"] == SECRET.encode()


@pytest.mark.parametrize(
    ("recipients", "text"),
    [([], "chưa có khóa công khai"), (["AGE-SECRET-KEY-1ABC"], "không phải khóa công khai"), (["age1"], "không phải")],
)
def test_keys_that_are_missing_or_no_public_keys_are_refused(recipients: list[str], text: str) -> None:
    with pytest.raises(HandoverError, match=text):
        sealed_file.seal(b"x", recipients)


# --- The operator's side ---


@pytest.mark.dieu12
def test_sheets_are_made_per_agency_and_sealed_again(sealed: Path, key: Path, tmp_path: Path, identity: Any) -> None:
    done = run(sealed, "--key", key, "--output", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    sheets = json.loads(done.output)["sheets"]
    assert [(sheet["agency"], sheet["slips"]) for sheet in sheets] == [("stp", 1), ("syt", 1)]
    for sheet in sheets:
        data = Path(sheet["file"]).read_bytes()
        assert pyrage.decrypt(data, [identity]).startswith(b"%PDF-")
        assert stat.S_IMODE(Path(sheet["file"]).stat().st_mode) == 0o600


@pytest.mark.dieu12
def test_a_sheet_that_cannot_be_written_leaves_none(
    sealed: Path, key: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the sheets, in clear text, would lie there and nobody be told of them."""
    create = atomic_file.create

    def full(draft: Path, data: bytes, **options: Any) -> None:
        if "syt" in draft.name:
            raise OSError(28, "No space left on device")
        create(draft, data, **options)

    monkeypatch.setattr(atomic_file, "create", full)
    done = run(sealed, "--key", key, "--output", memory, "--clear", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["problems"][0]["text"] == "không ghi được: No space left on device"
    assert list(memory.iterdir()) == []


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder that is on no disk."""
    with TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder) / "out"


def test_clear_sheets_are_made_only_when_asked_for(sealed: Path, key: Path, memory: Path) -> None:
    done = run(sealed, "--key", key, "--output", memory, "--clear")
    assert "in xong thì xóa" in done.output
    assert [path.read_bytes()[:5] for path in memory.iterdir()] == [b"%PDF-"] * 2


@pytest.mark.dieu12
def test_clear_sheets_never_stand_on_a_disk(
    sealed: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was deleted from a disk is still on it, in the backup of the day too."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/vda rw\n"
        "2 1 0:2 / /run/memory rw - tmpfs tmpfs rw\n"
        "3 2 8:2 / /run/memory/disk rw shared:1 - ext4 /dev/vdb rw\n",
        encoding="utf-8",
    )
    assert opening.in_memory(Path("/run/memory/phieu/a.pdf"), mounts)
    assert not opening.in_memory(Path("/run/memory/disk/phieu"), mounts)
    assert not opening.in_memory(Path("/run/memoryless"), mounts)
    assert not opening.in_memory(Path("/run/memory"), tmp_path / "no proc here")
    monkeypatch.setattr(opening, "MOUNTS", mounts)
    done = run(sealed, "--key", key, "--output", tmp_path / "out", "--clear")
    assert done.exit_code == 1
    assert "--output /dev/shm/" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.dieu12
def test_no_password_comes_on_the_screen(sealed: Path, key: Path, memory: Path) -> None:
    for words in (["--clear"], ["--json"], []):
        done = run(sealed, "--key", key, "--output", memory, *words)
        assert done.exit_code == 0
        assert not any(slip.password in done.output for slip in SLIPS)


def test_another_key_does_not_open_it(sealed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n", encoding="utf-8")
    done = run(sealed, "--key", other, "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert "khóa này không mở được tệp" in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "nonsense", "AGE-SECRET-KEY-1ABC", "\0\1"])
def test_a_key_file_that_holds_no_key_is_refused(sealed: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.key").write_text(text, encoding="utf-8")
    done = run(sealed, "--key", tmp_path / "bad.key", "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert "không phải khóa bí mật" in done.output


def test_a_key_locked_by_a_passphrase_is_asked_for_it(
    sealed: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The true function is slow on purpose (scrypt, seconds).
    monkeypatch.setattr(pyrage.passphrase, "decrypt", lambda data, word: key.read_bytes() if word == "mở ra" else b"")
    locked = tmp_path / "locked.key"
    locked.write_bytes(b"age-encryption.org/v1\n-> scrypt")
    words = ["handover", str(sealed), "--key", str(locked), "--output", str(tmp_path / "out")]
    for word, code in (("mở ra", 0), ("sai", 1)):
        done = CliRunner().invoke(main, [*words, "--regulation", str(REGULATION)], input=f"{word}\n")
        assert done.exit_code == code, done.output


@pytest.mark.parametrize("text", ["regulation_password: [\n", "- 8\n", "a: 2026-13-45\n"])
def test_a_regulation_that_cannot_be_read_is_told_in_one_sentence(
    sealed: Path, key: Path, tmp_path: Path, text: str
) -> None:
    wrong = tmp_path / "regulation.yml"
    wrong.write_text(text, encoding="utf-8")
    words = ["handover", str(sealed), "--key", str(key), "--output", str(tmp_path / "out"), "--regulation", str(wrong)]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert "regulation.yml" in done.output and "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"[]", b"{}", b"nonsense", b'{"format": 9}'])
def test_what_is_no_handover_file_is_refused(key: Path, identity: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.age"
    path.write_bytes(pyrage.encrypt(content, [identity.to_public()]))
    done = run(path, "--key", key, "--output", tmp_path / "out")
    assert done.exit_code == 1
    assert "tệp bàn giao" in done.output


def test_a_slip_says_who_how_and_by_which_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    for name in ("cell", "multi_cell"):
        whole = getattr(sheets._Slips, name)

        def told(self: Any, w: float, h: float, text: str = "", *, whole: Any = whole, **more: Any) -> Any:
            said.append(text)
            return whole(self, w, h, text, **more)

        monkeypatch.setattr(sheets._Slips, name, told)
    codes: list[str] = []
    monkeypatch.setattr(sheets._Slips, "code", lambda self, text, *place: codes.append(text))
    rules = sheets.Rules(PasswordRule(8, 1, 1, 1, 1, "!@#"), 3, 1)
    opened = Handover(datetime(2026, 11, 25), "an", "hanam.gov.vn", tuple(SLIPS))
    assert sheets.pdf(opened, SLIPS[:1], rules, "https://mail.hanam.gov.vn", OFFICE).startswith(b"%PDF-")
    text = "\n".join(said)
    for part in (
        "Nguyễn Thị Hà - Sở Y tế",
        "nguyenthiha@hanam.gov.vn",
        "\n".join(("Kxmq", "vbtr", "ghnp", "@374")),
        "gõ liền không có dấu cách",
        "https://mail.hanam.gov.vn",
        "ít nhất 08 ký tự",
        "! @ #",
        "sau mỗi 03 tháng",
        "trong 01 tháng",
    ):
        assert part in text
    assert codes == ["https://mail.hanam.gov.vn/mat-khau/"], "the code leads to the page, and holds no password"


@pytest.mark.dieu8
@pytest.mark.parametrize(("days", "told"), [(0, "sau mỗi 03 tháng"), (45, "sau mỗi 45 ngày")])
def test_a_slip_tells_the_term_and_the_length_that_are_in_force(tmp_path: Path, days: int, told: str) -> None:
    """Where the installation is stricter than the regulation, its owner must know it from the paper."""
    numbers = {
        name: value
        for file in ("regulation.yml", "passwords.yml")
        for name, value in yaml.safe_load((REGULATION.parent / file).read_text("utf-8")).items()
    }
    rules = sheets.Rules.of({**numbers, "password_max_age_days": days, "password_min_length": 12})
    assert told in rules.text()
    assert "ít nhất 12 ký tự" in rules.text()


def test_a_sheet_is_not_made_by_numbers_that_nobody_may_go_by(sealed: Path, key: Path, tmp_path: Path) -> None:
    for file in rule_values.FILES:
        text = (REGULATION.parent / file).read_text("utf-8")
        (tmp_path / file).write_text(text.replace("password_max_age_days: 0", "password_max_age_days: 0.5"), "utf-8")
    words = ["handover", str(sealed), "--key", str(key), "--output", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [*words, "--regulation", str(tmp_path / "regulation.yml")])
    assert done.exit_code == 1
    assert "passwords.yml" in done.output and "password_max_age_days" in done.output
    assert not (tmp_path / "out").exists()


def test_slips_carry_all_that_a_sheet_needs() -> None:
    data = json.loads(sealed_file.text(SLIPS, by="an", commit="abc", domain="hanam.gov.vn"))
    assert data["slips"] == [asdict(slip) for slip in SLIPS]
    assert data["format"] == 1
