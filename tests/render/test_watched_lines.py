"""Which lines of a daemon the operator is told of (watch_lines in group_vars/all/watch.yml)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

IMAP = "imap(aa11bb)<2371><h2u3FIphvoAKGwAB>: "
WORKER = "indexer-worker(aa11bb)<17675><KSHdeYhhooYKGwEB:0NsRGkgjDmsLRQAAtMptcQ>: "
FOLDER = "/srv/mail/aa/aa11bb/sdbox/mailboxes/Tam/dbox-Mails"
READ = f"Error: Mailbox Tam: UID 4: read(compress({FOLDER}/u.4)) failed: read({FOLDER}/u.4) failed: "


@pytest.mark.parametrize(
    ("said", "told"),
    [
        # A message that is gone, whoever misses it first; one that is cut; one that does not unpack; an index that is
        # gone when the next message comes.
        (f"{IMAP}Warning: Mailbox Tam: Rebuilding index", True),
        (f"{WORKER}Warning: Mailbox Tam: Rebuilding index", True),
        ("pop3(aa11bb)<9><x>: Warning: Mailbox INBOX: Rebuilding index", True),
        (f"{IMAP}Error: sdbox: Corrupted dbox file {FOLDER}/u.4 (around offset=0): EOF while reading header", True),
        (f"{IMAP}{READ}zstd.read({FOLDER}/u.4): Data corruption detected at 46 (FETCH BODY[])", True),
        (f"lmtp(aa11bb)<9><x>: Error: Mailbox INBOX: {FOLDER}/u.1 already exists, rebuilding index", True),
        (f"{IMAP}Error: Corrupted transaction log file dovecot.index.log", True),
        (f"{WORKER}Error: Mailbox Tam: Corrupted index cache file", True),
        # Somebody renames or deletes a folder that another program of his, or the indexer, is just reading.
        (f"{IMAP}Error: Mailbox Cha/Công việc: Unexpectedly lost uid 3", False),
        (f"{WORKER}Error: Mailbox Tam: Unexpectedly lost uid 3", False),
        (
            f"{WORKER}Error: Mailbox Tam: Precache for UID=3 failed: Failed to read stream: Unexpectedly lost uid 3"
            " (no mails indexed)",
            False,
        ),
        # ... and makes another one of that name.
        (
            f"{IMAP}Error: Mailbox Tam: Transaction log {FOLDER}/dovecot.index.log:"
            " duplicate transaction log sequence (2)",
            False,
        ),
        # No damage of the message.
        (f"{IMAP}Fatal: zstd.read({FOLDER}/u.4): Out of memory", False),
    ],
)
def test_the_operator_is_told_of_a_damaged_mailbox_and_not_of_a_folder_that_moved(
    environment: Callable[[str], Any], said: str, told: bool
) -> None:
    lines = environment("lab").value("watch", "watch_lines", "mail")
    (pattern,) = (row["pattern"] for row in lines if row["unit"] == "dovecot.service")
    assert bool(re.search(pattern, said)) == told
