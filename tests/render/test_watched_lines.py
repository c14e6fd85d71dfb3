"""Which lines of a daemon the operator is told of (watch_lines in group_vars/all/watch.yml)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

WORKER = "indexer-worker(aa11bb)<17675><KSHdeYhhooYKGwEB:0NsRGkgjDmsLRQAAtMptcQ>: Error: Mailbox Tam: "


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("imap(aa11bb)<9><x>: Error: Mailbox INBOX: UID=3: read(...) failed: Unexpectedly lost uid 3", True),
        ("lmtp(aa11bb)<9><x>: Warning: Mailbox INBOX: Rebuilding index", True),
        ("imap(aa11bb)<9><x>: Error: Corrupted transaction log file dovecot.index.log", True),
        (f"{WORKER}Corrupted index cache file", True),
        # Somebody deletes a folder whose messages are just being indexed.
        (f"{WORKER}Unexpectedly lost uid 3", False),
        (
            f"{WORKER}Precache for UID=3 failed: Failed to read stream: Unexpectedly lost uid 3 (no mails indexed)",
            False,
        ),
    ],
)
def test_the_operator_is_told_of_a_damaged_index_and_not_of_a_deleted_folder(
    environment: Callable[[str], Any], said: str, told: bool
) -> None:
    lines = environment("lab").value("watch", "watch_lines", "mail")
    (pattern,) = (row["pattern"] for row in lines if row["unit"] == "dovecot.service")
    assert bool(re.search(pattern, said)) == told
