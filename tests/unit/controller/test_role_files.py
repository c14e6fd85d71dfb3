"""A role's files: the request, what it does on a host, and what Ansible is told."""

import getpass
import grp
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.controller import role_files, role_files_on_host, zipapp

ME = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}

UNCHANGED = {"changed": False, "files": [], "diff": [], "removed": {}}


def put(
    *rows: dict[str, Any], folders: list[dict[str, Any]] | None = None, owns: Sequence[str] = (), check: bool = False
) -> dict[str, Any]:
    """As the action does, but in this process."""
    given = [ME | row for row in rows]
    entries = role_files.entries(
        [ME | row for row in folders or []], given, lambda source, row: f"{source} {row[source]}\n"
    )
    owned = role_files.owned([{"glob": pattern} for pattern in owns])
    answer = role_files_on_host.apply({"entries": entries, "owned": owned, "check": check, "show": True})
    return role_files.result(entries, 0, json.dumps(answer), "")


def test_a_file_is_written_once_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    row = {"dest": str(path), "content": "x = 1\n", "mode": "0640"}
    assert put(row)["files"] == [str(path)]
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("x = 1\n", 0o640)
    assert put(row) == UNCHANGED
    assert list(tmp_path.iterdir()) == [path]


def test_folders_come_first_and_folders_above_a_file_are_made(tmp_path: Path) -> None:
    folder = {"path": str(tmp_path / "secret"), "mode": "0700"}
    rows = [{"dest": str(tmp_path / "secret/key"), "content": ""}, {"dest": str(tmp_path / "x/y/z"), "content": ""}]
    assert put(*rows, folders=[folder])["changed"]
    assert (tmp_path / "secret").stat().st_mode & 0o7777 == 0o700
    assert (tmp_path / "x/y").stat().st_mode & 0o7777 == 0o755
    assert not put(*rows, folders=[folder])["changed"]


def test_drift_of_the_mode_is_repaired_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "a"
    row = {"dest": str(path), "content": "x"}
    put(row)
    path.chmod(0o666)
    assert put(row)["diff"] == [{"prepared": f"{path}: mode 0666 -> 0644\n"}]
    assert path.stat().st_mode & 0o7777 == 0o644


def test_check_mode_shows_the_difference_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old\n")
    shown = put({"dest": str(path), "content": "new\n"}, {"dest": str(tmp_path / "b/c"), "content": "c\n"}, check=True)
    assert shown["files"] == [str(path), str(tmp_path / "b/c")]
    assert (shown["diff"][0]["before"], shown["diff"][0]["after"]) == ("old\n", "new\n")
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_check_mode_bears_an_owner_that_does_not_exist_yet_and_the_real_run_does_not(tmp_path: Path) -> None:
    row = {"dest": str(tmp_path / "a"), "content": "x", "owner": "nobody-of-the-kind"}
    assert put(row, check=True)["changed"]
    assert put(row)["msg"] == "this host has no user 'nobody-of-the-kind'"
    assert list(tmp_path.iterdir()) == []


def test_a_refused_file_leaves_everything_as_it_was(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    first.write_text("old")
    first.chmod(0o600)
    told = put(
        {"dest": str(first), "content": "new"},
        {"dest": str(second), "content": "new"},
        {"dest": str(third), "content": "bad", "validate": "grep -q good %s"},
    )
    assert told["failed"]
    assert f"{third}: refused by `grep -q good %s` (exit 1)" in told["msg"]
    assert (first.read_text(), first.stat().st_mode & 0o7777) == ("old", 0o600)
    assert list(tmp_path.iterdir()) == [first]


def test_a_validator_sees_the_files_before_it_in_place(tmp_path: Path) -> None:
    part, whole = tmp_path / "part", tmp_path / "whole"
    assert put(
        {"dest": str(part), "content": "x"},
        {"dest": str(whole), "content": "y", "validate": f"sh -c 'test -s {part} && test -s %s'"},
    )["changed"]


def test_links_are_made_replaced_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "unit"
    mask = {"dest": str(path), "link": "/dev/null"}
    assert put(mask)["changed"]
    assert path.readlink() == Path("/dev/null")
    assert not put(mask)["changed"]
    assert put({"dest": str(path), "content": "x"})["changed"]
    assert not path.is_symlink()
    assert put({"dest": str(path), "absent": True})["diff"] == [{"prepared": f"{path}: removed\n"}]
    assert not put({"dest": str(path), "absent": True})["changed"]


def test_a_file_to_keep_is_only_created(tmp_path: Path) -> None:
    path = tmp_path / "a"
    row = {"dest": str(path), "content": "", "keep": True}
    assert put(row)["changed"]
    path.write_text("somebody else's")
    assert not put(row)["changed"]
    assert path.read_text() == "somebody else's"


def test_nothing_of_a_secret_file_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("Mật khẩu cũ")
    row = {"dest": str(path), "content": "Mật khẩu mới", "secret": True}
    shown = put(row, check=True)
    assert shown["diff"] == [{"prepared": f"{path}: differs; it is secret and not shown\n"}]
    told = put(row | {"validate": "sh -c 'cat %s; false'"})
    assert told["failed"]
    assert "khẩu" not in told["msg"]


def test_a_folder_in_the_place_of_a_file_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert put({"dest": str(tmp_path / "a"), "content": "x"})["msg"] == f"{tmp_path / 'a'}: is there, and is no file"
    assert (tmp_path / "a").is_dir()


@pytest.mark.parametrize(
    ("row", "mistake"),
    [
        ({"dest": "etc/a", "content": ""}, "no absolute path"),
        ({"dest": "/", "content": ""}, "no plain path"),
        ({"dest": "/etc/../root/a", "content": ""}, "no plain path"),
        ({"dest": "/etc//a", "content": ""}, "no plain path"),
        ({"dest": "/etc/a\nb", "content": ""}, "no plain path"),
        ({"dest": "/etc/a\0b", "content": ""}, "no plain path"),
        ({"dest": "/etc/a"}, "exactly one of"),
        ({"dest": "/etc/a", "content": "", "link": "/b"}, "content and link"),
        ({"dest": "/etc/a", "content": "", "mode": 420}, "is not like '0644'"),
        ({"dest": "/etc/a", "content": "", "validate": "nginx -t"}, "has no %s"),
    ],
)
def test_a_mistake_in_a_row_is_named(row: dict[str, Any], mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        role_files.entries([], [row], lambda source, row: "")


def test_a_validator_that_is_not_there_yet_stops_a_real_run_by_name_and_no_check(tmp_path: Path) -> None:
    row = {"dest": str(tmp_path / "a"), "content": "x", "validate": "program-of-a-package --test %s"}
    assert put(row, check=True)["files"] == [str(tmp_path / "a")]
    assert put(row)["msg"] == f"{tmp_path / 'a'}: this host has no program 'program-of-a-package' to check it with"
    assert list(tmp_path.iterdir()) == []


def test_a_failure_half_way_puts_links_removals_and_rights_back(tmp_path: Path) -> None:
    link, gone, rights = (tmp_path / name for name in ("link", "gone", "rights"))
    link.symlink_to("/etc/old")
    gone.write_text("was here")
    rights.write_text("same")
    rights.chmod(0o600)
    told = put(
        {"dest": str(link), "content": "now a file"},
        {"dest": str(gone), "absent": True},
        {"dest": str(rights), "content": "same"},
        {"dest": str(tmp_path / "bad"), "content": "", "validate": "false %s"},
    )
    assert told["failed"]
    assert link.readlink() == Path("/etc/old")
    assert gone.read_text() == "was here"
    assert rights.stat().st_mode & 0o7777 == 0o600
    assert sorted(tmp_path.iterdir()) == [gone, link, rights]


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    """Whoever owns a folder may lay a link where root is to write."""
    victim, path = tmp_path / "victim", tmp_path / "a.conf"
    victim.write_text("root's")
    victim.chmod(0o600)
    path.symlink_to(victim)
    assert put({"dest": str(path), "content": "x", "mode": "0666"})["changed"]
    assert (path.is_symlink(), path.read_text()) == (False, "x")
    assert (victim.read_text(), victim.stat().st_mode & 0o7777) == ("root's", 0o600)


def test_rights_are_given_to_what_was_looked_at_and_not_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, path = tmp_path / "victim", tmp_path / "a.conf"
    victim.write_text("root's")
    victim.chmod(0o600)
    path.write_text("x")
    path.chmod(0o600)
    look = role_files_on_host._look

    def looked_too_early(place: Path) -> role_files_on_host.FoundPath | None:
        found = look(place)
        path.unlink()
        path.symlink_to(victim)
        return found

    monkeypatch.setattr(role_files_on_host, "_look", looked_too_early)
    assert put({"dest": str(path), "content": "x", "mode": "0666"})["failed"]
    assert victim.stat().st_mode & 0o7777 == 0o600


def test_a_pipe_in_the_place_of_a_file_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    assert put({"dest": str(tmp_path / "a"), "content": "x"})["msg"] == f"{tmp_path / 'a'}: is there, and is no file"


# --- What the role owns and does not list ---


def test_what_the_role_owns_and_lists_no_longer_is_removed_once(tmp_path: Path) -> None:
    rows = [{"dest": str(tmp_path / name), "content": name} for name in ("a.conf", "b.conf")]
    put(*rows)
    (tmp_path / ".hidden.conf").write_text("")
    (tmp_path / "link.conf").symlink_to("/nowhere")
    (tmp_path / "note.txt").write_text("of another kind")
    (tmp_path / "folder.conf").mkdir()
    told = put(rows[0], owns=[f"{tmp_path}/*.conf"])
    assert told["files"] == [f"{tmp_path}/{name}" for name in (".hidden.conf", "b.conf", "link.conf")]
    assert told["removed"] == dict.fromkeys(told["files"], f"{tmp_path}/*.conf")
    assert told["diff"][1] == {"prepared": f"{tmp_path}/b.conf: removed; the role lists it no longer\n"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.conf", "folder.conf", "note.txt"]
    assert put(rows[0], owns=[f"{tmp_path}/*.conf"]) == UNCHANGED


def test_check_mode_says_what_would_be_removed_and_leaves_it(tmp_path: Path) -> None:
    stray = tmp_path / "stray.conf"
    stray.write_text("x")
    assert put(owns=[f"{tmp_path}/*"], check=True)["files"] == [str(stray)]
    assert stray.read_text() == "x"


def test_what_is_listed_to_be_kept_or_as_a_link_is_not_removed(tmp_path: Path) -> None:
    rows = [
        {"dest": str(tmp_path / "kept"), "content": "", "keep": True},
        {"dest": str(tmp_path / "mask"), "link": "/dev/null"},
    ]
    put(*rows)
    assert put(*rows, owns=[f"{tmp_path}/*"]) == UNCHANGED


def test_nothing_is_removed_when_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stray").write_text("x")
    assert put({"dest": str(tmp_path / "a"), "content": "", "validate": "false %s"}, owns=[f"{tmp_path}/*"])["failed"]
    assert [path.name for path in tmp_path.iterdir()] == ["stray"]


def test_a_drop_in_of_one_name_is_owned_in_every_units_folder(tmp_path: Path) -> None:
    for unit in ("a.service.d", "b.service.d"):
        (tmp_path / unit).mkdir()
        (tmp_path / unit / "50-ours.conf").write_text("")
        (tmp_path / unit / "other.conf").write_text("")
    told = put({"dest": f"{tmp_path}/a.service.d/50-ours.conf", "content": ""}, owns=[f"{tmp_path}/*.d/50-ours.conf"])
    assert told["files"] == [f"{tmp_path}/b.service.d/50-ours.conf"]
    assert (tmp_path / "b.service.d/other.conf").exists()


@pytest.mark.parametrize(
    "pattern",
    ["etc/rspamd/*", "/*", "/etc/*", "/etc/**/*.conf", "/etc/*/*.conf", "/etc/../root/*", "/etc/rspamd/", "/e?c/x/a"],
)
def test_a_pattern_that_reaches_too_far_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="glob: "):
        role_files.owned([{"glob": pattern}])


def test_handlers_of_what_was_removed_are_those_of_its_pattern() -> None:
    owns: list[dict[str, Any]] = [{"glob": "/a/b/*"}, {"glob": "/c/d/*", "notify": "Restart d"}]
    told = role_files.handlers(["/a/b/x"], [], ["General"], {"/a/b/x": "/a/b/*"}, owns)
    assert told == ["General"]
    assert role_files.handlers(["/c/d/x"], [], ["General"], {"/c/d/x": "/c/d/*"}, owns) == ["Restart d"]
    assert role_files.handlers([], [], ["General"], {}, owns) == []


def test_only_the_handlers_of_changed_files_are_notified() -> None:
    rows = [
        {"dest": "/a", "notify": "Reload ssh"},
        {"dest": "/b", "notify": ["Restart chrony", "Reload ssh"]},
        {"dest": "/c"},
        {"dest": "/d", "notify": []},
    ]
    assert role_files.handlers(["/b"], rows, ["Restart all"]) == ["Restart chrony", "Reload ssh"]
    assert role_files.handlers(["/c", "/d", "/folder"], rows, ["Restart all"]) == ["Restart all"]
    assert role_files.handlers([], rows, ["Restart all"]) == []


def test_program_and_request_travel_by_standard_input_only(tmp_path: Path) -> None:
    entries = role_files.entries(
        [], [ME | {"dest": str(tmp_path / "a"), "content": "Hà Nam\n", "secret": True}], lambda *_: ""
    )
    line = role_files.command(sys.executable)
    assert "Nam" not in line
    data = role_files.stdin(entries, [], check=False, show=True)
    done = subprocess.run(["sh", "-c", line], input=data, capture_output=True, check=False)
    told = role_files.result(
        entries, done.returncode, "a banner of sudo\n" + done.stdout.decode(), done.stderr.decode()
    )
    assert told["files"] == [str(tmp_path / "a")]
    assert (tmp_path / "a").read_text() == "Hà Nam\n"


def test_no_answer_is_a_failure_with_the_hosts_words() -> None:
    assert role_files.result([], 1, "", "sudo: a password is required") == {
        "failed": True, "changed": False, "msg": "no answer from the host (exit 1): sudo: a password is required",
    }  # fmt: skip


def test_a_program_is_put_in_place_as_its_zipapp_and_its_octets_are_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "command"
    path.write_bytes(b"\x7fELF\xff")
    row = {"dest": str(path), "program": "hanam-tls-renew", "mode": "0755"}
    assert put(row)["diff"][0] == {"prepared": f"{path}: other octets\n"}
    assert path.read_bytes() == zipapp.program("hanam-tls-renew")
    assert path.stat().st_mode & 0o7777 == 0o755
    assert not put(row)["changed"]


def test_a_program_that_nobody_builds_is_named() -> None:
    with pytest.raises(ValueError, match="'hanam-tls-new' is none of"):
        put({"dest": "/usr/local/sbin/x", "program": "hanam-tls-new"})
