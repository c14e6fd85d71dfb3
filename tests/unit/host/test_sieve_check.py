"""Rules that lead mail to outside are found among those that are stored, and told once (Đ4.5)."""

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hanam_mail.host.mail import sieve_check, sieve_compiler
from hanam_mail.host.mail.sieve_check import Check, ScriptLook, look_at_all
from hanam_mail.host.mail.sieve_compiler import Compiler

pytestmark = pytest.mark.dieu4

DOMAINS = ["gov.vn"]
OCTETS = 1000
FORBIDDEN = b'redirect "an@ngoai.example";\n'
GOOD = b'redirect "an@bo.gov.vn";\n'
# Takes what has no "wrong" in it, and says of the rest what sievec says.
SIEVEC = """#!/bin/sh
[ "$2" -ef "{configuration}" ] || exit 3
echo x >> {calls}
grep -q hang "$3" && exec sleep 60
grep -q crash "$3" && kill -SEGV $$
included=$(sed -n "s/.*include :personal \\"\\(.*\\)\\".*/\\1/p" "$3")
if [ "$included" ]; then echo "rule: line 1: error: included personal script '$included' does not exist." >&2; fi
if grep -q wrong "$3"; then echo "rule: line 3: error: unknown command 'wrong'." >&2; fi
if [ "$included" ] || grep -q wrong "$3"; then
    echo "rule: error: validation failed." >&2
    echo "sievec: Fatal: failed to compile sieve script" >&2
    exit 89
fi
touch "$(dirname "$3")/rule.svbin"
"""


@pytest.fixture(autouse=True)
def sievec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of Dovecot's; each start of it is a line of the file that is returned."""
    configuration, calls, program = tmp_path / "check.conf", tmp_path / "calls", tmp_path / "sievec"
    configuration.write_text("dovecot_config_version = 2.4.1\n")
    calls.touch()
    program.write_text(SIEVEC.format(configuration=configuration, calls=calls))
    program.chmod(0o755)
    monkeypatch.setattr(sieve_compiler, "SIEVEC", program)
    (tmp_path / "state").mkdir()
    return calls


class Store:
    """Homes of mailboxes, and the looks at them."""

    def __init__(self, folder: Path) -> None:
        self.root, self.folder, self.domains = folder / "mail", folder, DOMAINS
        self.root.mkdir()

    def home(self, mailbox: str) -> Path:
        place = self.root / mailbox[:2] / mailbox
        place.mkdir(parents=True, exist_ok=True)
        return place

    def put(self, mailbox: str, name: str, text: bytes, *, active: bool = False) -> Path:
        folder = self.home(mailbox) / "sieve"
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.sieve"
        file.write_bytes(text)
        link = self.home(mailbox) / ".dovecot.sieve"
        if active:
            link.unlink(missing_ok=True)
            link.symlink_to(f"sieve/{name}.sieve")
        return file

    def options(self) -> argparse.Namespace:
        return argparse.Namespace(
            store=self.root,
            configuration=self.folder / "check.conf",
            state=self.folder / "state",
            forward=",".join(self.domains),
            octets=OCTETS,
        )

    def left(self) -> ScriptLook:
        return ScriptLook.read(self.folder / "state/found.json", 0)

    def texts(self) -> list[str]:
        return [item.text for item in self.left().found]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def night(store: Store, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """Run it once; what it wrote as a warning or worse."""

    def once() -> list[str]:
        sieve_check._run(store.options())
        return [line for line in capsys.readouterr().out.splitlines() if line[:3] in ("<3>", "<4>")]

    return once


def test_what_leads_to_outside_is_found_in_use_or_not(store: Store, night: Callable[[], list[str]]) -> None:
    store.put("ab12", "nghỉ phép", FORBIDDEN, active=True)
    store.put("ab12", "cu", b'require "copy";\nredirect :copy "b@ngoai.example";')
    store.put("cd34", "gov", GOOD, active=True)
    store.put("cd34", "khac", b"keep;")
    first, second = night()
    assert first.startswith("<4>Hộp thư ab12, bộ quy tắc “nghỉ phép” (đang dùng): Không được tự động chuyển tiếp")
    assert "an@ngoai.example" in first and "Điều 4 khoản 5" in first
    assert "bị chặn khi phát thư" in first
    assert "“cu” (không dùng)" in second and "b@ngoai.example" in second


def test_it_judges_as_when_scripts_are_saved(store: Store, night: Callable[[], list[str]]) -> None:
    store.put("ab12", "a", b'require "variables"; set "to" "an@bo.gov.vn"; redirect "${to}";')
    store.put("ab12", "b", b'# redirect "an@ngoai.example";\nkeep;')
    (told,) = night()
    assert "“a”" in told and "không dùng biến" in told


def test_it_is_told_once_again_when_it_changes_and_forgotten_when_it_is_gone(
    store: Store, night: Callable[[], list[str]]
) -> None:
    file = store.put("ab12", "a", FORBIDDEN)
    assert len(night()) == 1
    cause = store.left().found[0].cause
    assert night() == []
    assert [item.cause for item in store.left().found] == [cause], "what role watch goes on seeing"
    file.write_bytes(b'redirect "khac@ngoai.example";')
    (told,) = night()
    assert "khac@ngoai.example" in told
    assert store.left().found[0].cause != cause
    store.put("ab12", "a", b'redirect "khac@ngoai.example";', active=True)
    (told,) = night()
    assert "(đang dùng)" in told
    file.unlink()
    assert night() == []
    assert store.left().found == []
    store.put("ab12", "a", FORBIDDEN)
    assert len(night()) == 1, "it is news again"
    shutil.rmtree(store.home("ab12"))
    assert night() == []


def test_what_is_gone_is_a_line_for_readers_of_the_journal(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    file = store.put("ab12", "a", FORBIDDEN)
    sieve_check._run(store.options())
    file.unlink()
    capsys.readouterr()
    sieve_check._run(store.options())
    assert "<5>đã hết: Hộp thư ab12, bộ quy tắc “a”" in capsys.readouterr().out


def test_a_shorter_list_of_domains_is_news(store: Store, night: Callable[[], list[str]]) -> None:
    store.put("ab12", "a", b'redirect "an@bo.gov.vn";')
    assert night() == []
    store.domains = ["bo2.gov.vn"]
    assert len(night()) == 1


def test_what_dovecot_does_not_take_any_more_is_told_and_asked_for_once(
    store: Store, night: Callable[[], list[str]], sievec: Path
) -> None:
    store.put("ab12", "a", b"keep;\n\nwrong;\n", active=True)
    store.put("ab12", "b", b"keep; # b")
    (told,) = night()
    assert "“a” (đang dùng): Dovecot không đọc được nữa (dòng 3: unknown command 'wrong'.)" in told
    before = len(sievec.read_text().splitlines())
    assert night() == []
    # Whether the compiler works, and the one that it did not take.
    assert len(sievec.read_text().splitlines()) == before + 2
    store.put("ab12", "b", b"wrong")
    (told,) = night()
    assert "“b”" in told


def test_a_new_compiler_is_asked_for_all(store: Store, night: Callable[[], list[str]], sievec: Path) -> None:
    store.put("ab12", "a", b"stop;")
    night()
    os.utime(sieve_compiler.SIEVEC, (1, 1))
    sievec.write_text("")
    night()
    assert len(sievec.read_text().splitlines()) == 2
    sievec.write_text("")
    (store.folder / "check.conf").write_text("dovecot_config_version = 2.4.2\n")
    night()
    assert len(sievec.read_text().splitlines()) == 2


def test_a_script_may_include_another_of_its_owner(store: Store, night: Callable[[], list[str]]) -> None:
    store.put("ab12", "a", b'require "include"; include :personal "b";')
    (told,) = night()
    assert "included personal script 'b' does not exist" in told
    store.put("ab12", "b", b"keep;")
    assert night() == []
    assert store.left().found == []


def test_a_script_that_is_too_long_is_told_and_not_read(store: Store, night: Callable[[], list[str]]) -> None:
    file = store.put("ab12", "a", b" " * (OCTETS - len(GOOD)) + GOOD)
    assert night() == []
    os.truncate(file, 1 << 40)
    (told,) = night()
    assert "dài quá 1000 byte" in told


def test_only_plain_files_are_read(store: Store, night: Callable[[], list[str]], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b'redirect "bi-mat@ngoai.example";')
    folder = store.put("ab12", "a", b"keep;").parent
    (folder / "link.sieve").symlink_to(secret)
    os.mkfifo(folder / "pipe.sieve")
    (folder / "folder.sieve").mkdir()
    told = night()
    assert len(told) == 3
    assert all("không phải là tệp thường" in line for line in told)
    assert "bi-mat" not in "".join(told)


def test_no_folder_is_reached_through_a_link(store: Store, night: Callable[[], list[str]], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.sieve").write_bytes(FORBIDDEN)
    (store.home("ab12") / "sieve").symlink_to(elsewhere)
    (store.home("ab34") / "sieve").write_bytes(FORBIDDEN)
    (store.root / "cd").mkdir()
    (store.root / "cd/cd34").symlink_to(elsewhere)
    told = night()
    assert [line.split(":")[0] for line in told] == ["<4>Hộp thư ab12", "<4>Hộp thư ab34", "<4>Hộp thư cd34"]
    assert all("là một liên kết hoặc tệp" in line for line in told)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../cd/cd34/sieve/a.sieve", "sieve/../x", "sieve/sub/a.sieve"])
def test_a_script_in_use_that_lies_elsewhere_is_told(store: Store, night: Callable[[], list[str]], target: str) -> None:
    (store.home("ab12") / ".dovecot.sieve").symlink_to(target)
    (told,) = night()
    assert "dẫn ra ngoài thư mục sieve" in told


def test_the_script_in_use_is_read_whatever_its_name_and_as_a_file_of_its_own(
    store: Store, night: Callable[[], list[str]]
) -> None:
    folder = store.put("ab12", "a", b"keep;").parent
    (folder / "b").write_bytes(FORBIDDEN)
    assert night() == []
    (folder.parent / ".dovecot.sieve").symlink_to("sieve/b")
    (told,) = night()
    assert "“b” (đang dùng)" in told
    (store.home("cd34") / ".dovecot.sieve").write_bytes(FORBIDDEN)
    (told,) = night()
    assert "Hộp thư cd34, bộ quy tắc “.dovecot” (đang dùng)" in told


def test_names_and_targets_write_no_lines_of_their_own(store: Store, night: Callable[[], list[str]]) -> None:
    store.put("ab12", "x\n<0>y\x1b[31m\u202e{0}{home}" + "z" * 200, FORBIDDEN)
    store.put("ab12", "b", 'redirect "\u202e\u2028\u0085an@ngoai.example";'.encode())
    store.put("ab12", "c", b'redirect "' + b"a" * 700 + b'@ngoai.example";')
    file = os.fsencode(store.home("ab12") / "sieve") + b"/\xff\xfe.sieve"
    Path(os.fsdecode(file)).write_bytes(FORBIDDEN)
    told = night()
    assert len(told) == 4
    assert all(line.isprintable() and len(line) < 700 for line in told)
    assert all(text.isprintable() and len(text) <= sieve_check.LETTERS + 1 for text in store.texts())


def test_ten_thousand_files_hold_nobody_up(store: Store, night: Callable[[], list[str]]) -> None:
    folder = store.put("ab12", "z", FORBIDDEN, active=True).parent
    for number in range(sieve_check.NAMES):
        (folder / f"{number}.sieve").touch()
    store.put("cd34", "a", FORBIDDEN)
    begun = time.monotonic()
    told = night()
    assert time.monotonic() - begun < sieve_check.SECONDS
    assert len(told) == 3
    assert "quá nhiều tệp" in told[0]
    assert "Hộp thư ab12, bộ quy tắc “z” (đang dùng)" in told[1], "the one in use is read in any case"
    assert "cd34" in told[2]


def test_a_mailbox_that_takes_too_long_is_left_and_what_was_known_of_it_stays(
    store: Store, night: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("ab12", "a", FORBIDDEN)
    store.put("ab12", "b", b"wrong")
    night()
    complete = store.left().complete
    monkeypatch.setattr(sieve_check, "SECONDS", 0.5)
    store.put("ab12", "a", b"hang")
    store.put("cd34", "a", FORBIDDEN)
    (told,) = night()
    assert "cd34" in told
    left = store.left()
    assert left.complete == complete
    assert [text[:4] for text in left.silent] == ["ab12"]
    assert [item.mailbox for item in left.found] == ["ab12", "ab12", "cd34"]


def test_what_the_compiler_dies_of_is_no_verdict(store: Store, night: Callable[[], list[str]]) -> None:
    store.put("ab12", "a", b"crash")
    assert night() == []
    assert [text[:4] for text in store.left().silent] == ["ab12"]


def test_without_the_compiler_forbidden_rules_are_found_and_the_unit_fails(
    store: Store, night: Callable[[], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    store.put("ab12", "a", b"wrong")
    night()
    store.put("cd34", "a", FORBIDDEN)
    sieve_compiler.SIEVEC.unlink()
    assert sieve_check._run(store.options()) == 1
    out = capsys.readouterr().out
    assert "<4>Hộp thư cd34" in out
    assert "<3>không hỏi được trình biên dịch của Dovecot" in out
    assert "đã hết" not in out


def test_the_night_has_an_end_and_goes_on_from_what_is_known(
    store: Store, night: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("ab12", "a", FORBIDDEN)
    night()
    monkeypatch.setattr(sieve_check, "ALL_SECONDS", -1)
    assert night() == []
    assert len(store.left().found) == 1
    assert store.left().silent == ["ab12: hết giờ"]


def test_many_findings_are_told_by_and_by(
    store: Store, night: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sieve_check, "LISTED", 3)
    for number in range(2, 7):
        store.put(f"ab{number}", "a", FORBIDDEN)
    told = night()
    assert [line[:14] for line in told[:3]] == ["<4>Hộp thư ab2", "<4>Hộp thư ab3", "<4>Hộp thư ab4"]
    assert "còn nhiều bộ quy tắc lọc thư khác" in told[3]
    store.put("ab1", "a", FORBIDDEN)
    assert night() == [], "it takes nobody's place"
    shutil.rmtree(store.home("ab3"))
    (told_next,) = night()
    assert "Hộp thư ab1," in told_next


def test_nothing_in_the_store_is_changed(store: Store, night: Callable[[], list[str]]) -> None:
    store.put("ab12", "a", FORBIDDEN, active=True)
    store.put("ab12", "b", b"wrong")
    store.put("ab12", "c", b"keep;")

    def seen() -> dict[str, tuple[int, int]]:
        return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in store.root.rglob("*")}

    before = seen()
    night()
    assert seen() == before


def test_a_state_that_cannot_be_read_is_begun_anew(store: Store, night: Callable[[], list[str]]) -> None:
    store.put("ab12", "a", FORBIDDEN)
    night()
    for name, text in (("found.json", '{"found": 1}'), ("found.json", "\0"), ("taken.json", "[]")):
        (store.folder / "state" / name).write_text(text)
        assert len(night()) == (name == "found.json")


def test_a_full_province_fits_what_role_watch_reads(store: Store, tmp_path: Path) -> None:
    compiler = Compiler(tmp_path / "check.conf", tmp_path / "state/taken.json")
    check = Check(DOMAINS, 10_000, compiler)
    for number in range(sieve_check.LISTED + 10):
        # Four octets each, to the last letter.
        store.put(f"ab{number}", "𠀀" * 60, 'redirect "{}@ngoai.example";'.format("𠀀" * 900).encode())
    state = look_at_all(store.root, check, ScriptLook(0), time.time())
    state.write(tmp_path / "found.json")
    assert len(state.found) == sieve_check.LISTED + 1
    assert (tmp_path / "found.json").stat().st_size < 1 << 20
    assert json.loads((tmp_path / "found.json").read_bytes())["silent"] == []


def test_a_mailbox_of_many_slow_scripts_is_left_at_its_time(store: Store, tmp_path: Path) -> None:
    ticks = iter(range(0, 1000, 10))
    compiler = Compiler(tmp_path / "check.conf", tmp_path / "state/taken.json")
    check = Check(DOMAINS, OCTETS, compiler, lambda: next(ticks))
    for name in "abcd":
        store.put("ab12", name, FORBIDDEN)
    look = check.home(store.home("ab12"))
    assert len(look.items) == 1
    assert "quá 20 giây" in look.silent
