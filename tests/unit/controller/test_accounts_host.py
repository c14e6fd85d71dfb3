"""What the controller asks of the accounts host, and what Ansible is told of the answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.controller import accounts_host

ARGUMENTS: dict[str, Any] = {
    "actor": "lan",
    "operator_keys": ["age1x"],
    "limit_percent": 5.0,
    "limit_count": 50,
    "shown": 0,
    "allow_removals": False,
    "allow_vanished": False,
    "allow_shrink": False,
}


@pytest.mark.parametrize("flag", ["removals", "vanished", "shrink"])
def test_each_permission_is_a_flag_of_its_own(tmp_path: Path, flag: str) -> None:
    words = accounts_host.apply_words(tmp_path, {**ARGUMENTS, f"allow_{flag}": True})
    assert [word for word in words if word.startswith("--allow")] == [f"--allow-{flag}"]


def test_a_plan_is_shown_as_long_as_asked_for(tmp_path: Path) -> None:
    words = accounts_host.apply_words(tmp_path, ARGUMENTS)
    assert words[words.index("--brief") + 1] == "0"


def test_what_waits_for_its_event_is_a_warning_where_nothing_changes() -> None:
    answer = {"changed": False, "lines": ["Không có thay đổi."], "warnings": ["Hà <ha@hanam.gov.vn> đang bị khóa"]}
    shown = accounts_host.result(0, json.dumps(answer), "")
    assert (shown["changed"], shown["warnings"]) == (False, ["Hà <ha@hanam.gov.vn> đang bị khóa"])
    assert "warnings" not in accounts_host.result(0, json.dumps(answer | {"warnings": []}), "")


def test_a_playbook_is_told_what_is_known_of_a_stop() -> None:
    known = {"announced": "", "current": False, "waiting": 0}
    assert accounts_host.result(0, json.dumps({"changed": False, "stop": known}), "")["stop"] == known


@pytest.mark.parametrize(
    ("returncode", "stdout", "text"),
    [
        (1, "", "máy tài khoản không trả lời (mã 1)"),
        (1, '{"errors": ["vì sao"]}', "vì sao"),
        (66, "", "chưa được cài đặt"),
    ],
)
def test_what_went_wrong_is_told_in_vietnamese(returncode: int, stdout: str, text: str) -> None:
    assert text in accounts_host.result(returncode, stdout, "sudo: ...")["msg"]
