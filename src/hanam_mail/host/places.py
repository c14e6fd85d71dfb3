"""Paths that roles need too: what commands take unless they are told otherwise.

The list of them is group_vars/all/paths.yml, which no host has; a test compares both (tests/contract/test_sources.py).
"""

from pathlib import Path

# By its name in that list.
ACCOUNTS_SOCKET_FOLDER = "/run/postgresql"
BACKUP_STATUS_FILE = Path("/var/lib/hanam-backup/status.json")
FINDINGS_NAME = "found.json"
HANDOVER_FOLDER = Path("/var/lib/hanam-mail/handover")
MAILBOXES_EXPORT_FOLDER = Path("/var/lib/hanam-mail/export")
MAIL_FORMER_FOLDER = Path("/var/lib/hanam-mail-store")
MAIL_HELD_FOLDER = Path("/var/lib/hanam-quarantine")
SIGN_IN_SOCKET = "/run/dovecot/auth-master"
