"""A role's files: the request, what it does on a host, and what Ansible is told."""

import getpass
import grp
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.controller import role_files, role_files_on_host

ME = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}


def put(*rows: dict[str, Any], folders: list[dict[str, Any]] | None = None, check: bool = False) -> dict[str, Any]:
    """As the action does, but in this process."""
    given = [ME | row for row in rows]
    entries = role_files.entries(
        [ME | row for row in folders or []], given, lambda source, row: f"{source} {row[source]}\n"
    )
    answer = role_files_on_host.apply({"entries": entries, "check": check, "show": True})
    return role_files.result(entries, 0, json.dumps(answer), "")


def test_a_file_is_written_once_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    row = {"dest": str(path), "content": "x = 1\n", "mode": "0640"}
    assert put(row)["files"] == [str(path)]
    assert (path.read_text(), path.stat().st_mode & 0o7777) == ("x = 1\n", 0o640)
    assert put(row) == {"changed": False, "files": [], "diff": []}
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
        ({"dest": "/etc/a"}, "exactly one of"),
        ({"dest": "/etc/a", "content": "", "link": "/b"}, "content and link"),
        ({"dest": "/etc/a", "content": "", "mode": 420}, "is not like '0644'"),
        ({"dest": "/etc/a", "content": "", "validate": "nginx -t"}, "has no %s"),
    ],
)
def test_a_mistake_in_a_row_is_named(row: dict[str, Any], mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        role_files.entries([], [row], lambda source, row: "")


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
    data = role_files.stdin(entries, check=False, show=True)
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
