"""One mailbox's deleted mail does not fill the disk: beyond its bound the oldest goes, of nobody else."""

import json
from collections.abc import Sequence

import pytest

from hanam_mail.host.mail import deleted_bound

GIB = 2**30


class Doveadm:
    """Answers as Dovecot 2.4.1 does, and remembers what it was told to remove."""

    def __init__(self, sizes: dict[str, list[int]], quotas: dict[str, int]) -> None:
        self.messages = {mailbox: list(enumerate(each, start=1000)) for mailbox, each in sizes.items()}
        self.quotas = quotas
        self.removed: dict[str, str] = {}

    def __call__(self, command: Sequence[str]) -> str:
        mailbox = command[command.index("-u") + 1] if "-u" in command else ""
        match command[1:]:
            case ["-f", "json", "mailbox", "status", "-A", "vsize", "#hanam-deleted/*"]:
                rows = [
                    {"username": name, "mailbox": f"#hanam-deleted/{second}", "vsize": str(size)}
                    for name, messages in self.messages.items()
                    for second, size in messages
                ]
                return json.dumps(rows)
            case ["-f", "json", "quota", "get", *_]:
                limit = str(self.quotas[mailbox] // 1024) if self.quotas[mailbox] else "-"
                kinds = {"STORAGE": limit, "MESSAGE": "-"}
                return json.dumps([{"type": kind, "value": "0", "limit": each} for kind, each in kinds.items()])
            case ["-f", "tab", "fetch", *_]:
                lines = [f"{second}\t{size}" for second, size in self.messages[mailbox]]
                return "\n".join(["date.saved.unixtime\tsize.virtual", *lines]) + "\n"
            case ["expunge", *_, "savedbefore", second]:
                self.removed[mailbox] = second
                return ""
        raise AssertionError(command)


@pytest.mark.dieu8
def test_the_oldest_beyond_the_bound_goes_and_nobody_elses() -> None:
    ask = Doveadm(
        {"a1": [GIB] * 5, "b2": [GIB] * 2, "c3": [GIB] * 5, "d4": [GIB] * 5}, {"a1": GIB, "c3": 3 * GIB, "d4": 0}
    )
    assert deleted_bound.hold("#hanam-deleted/", 2, GIB, ask) == {"a1": 5 * GIB, "d4": 5 * GIB}
    assert ask.removed == {"a1": "1003", "d4": "1003"}


def test_messages_of_one_second_stay_or_go_together() -> None:
    assert deleted_bound.first_kept([(7, 3), (8, 2), (8, 2), (9, 1)], 5) == 8
    assert deleted_bound.first_kept([(7, 3), (8, 2), (8, 2), (9, 1)], 4) == 9
    assert deleted_bound.first_kept([(9, 6)], 5) == 10, "not even the newest fits"


def test_a_store_without_deleted_mail_is_asked_once() -> None:
    ask = Doveadm({}, {})
    assert deleted_bound.hold("#hanam-deleted/", 2, GIB, ask) == {}
    assert deleted_bound.kept("") == {}
