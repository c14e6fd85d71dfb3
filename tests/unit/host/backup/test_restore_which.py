"""Nobody is in a mailbox whose home is exchanged (Đ10.7)."""

import subprocess

import pytest

from hanam_mail.host.backup import restore_which

pytestmark = pytest.mark.dieu10


@pytest.mark.parametrize(
    ("answers", "code", "kicks", "alone"),
    [
        (["[]"], 0, 0, True),
        (['[{"username": "aa11bb"}]', "[]"], 0, 1, True),
        (['[{"username": "aa11bb"}]'] * 20, 0, 20, False),
        # Dovecot is down: it lets nobody in.
        ([""], 75, 0, True),
    ],
)
def test_sessions_are_cut_until_there_is_none(
    monkeypatch: pytest.MonkeyPatch, answers: list[str], code: int, kicks: int, alone: bool
) -> None:
    left, kicked = list(answers), list[tuple[str, ...]]()

    def doveadm(*words: str) -> subprocess.CompletedProcess[str]:
        if words[0] == "kick":
            kicked.append(words)
            return subprocess.CompletedProcess(words, 0, "", "")
        assert words[-3:] == ("who", "-1", "aa11bb")
        return subprocess.CompletedProcess(words, code, left.pop(0), "")

    monkeypatch.setattr(restore_which, "doveadm", doveadm)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert restore_which.left_alone("aa11bb") is alone
    assert kicked == [("kick", "aa11bb")] * kicks
