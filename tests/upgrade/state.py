"""What must outlive an upgrade, as one document: it is written down before the upgrade and compared after it.

A later issue adds a part here, and what fills it in content.py.
"""

import json
import re
from pathlib import Path
from typing import Any

from hanam_lab.paths import REPOSITORY
from tests.lab import Lab

BEFORE, AFTER = (REPOSITORY / f"build/upgrade/{when}.json" for when in ("before", "after"))

TABLES = ("mailbox", "mailbox_clerk", "address", "credential", "lock_state", "audit", "agency")
"""Of the accounts database. Rows of the audit are only added to."""

# Whatever is not of a Debian package, in the folders that roles write programs and units to; links that enable a unit
# or give it another name are looked at as units.
OWN_FILES = """
find /etc/systemd/system /usr/local /usr/sbin /etc/hanam-mail -xdev \\( -type f -o -lname /dev/null \\) -print0 |
    xargs -0 dpkg-query --search 2>&1 >/dev/null | sed -n 's/^dpkg-query: no path found matching pattern //p' | sort
"""

Row = dict[str, Any]


def kept(before: Row, after: Row) -> bool:
    """Whether a row's columns that are still there have their values."""
    return all(after[name] == value for name, value in before.items() if name in after)


def table(lab: Lab, name: str) -> list[Row]:
    return list(json.loads(lab.sql(f"select coalesce(json_agg(t), '[]') from mail.{name} t")))


def mailboxes(lab: Lab) -> list[str]:
    """Those that have a home."""
    find = "find /srv/mail -mindepth 2 -maxdepth 2 -type d ! -path '*/.*' -printf '%f\\n'"
    return sorted(lab.run("mailstore", find).split())


def mail(lab: Lab, mailbox: str) -> Row:
    """Messages with folder, UID, flags, keywords and date; subscriptions, limits of size, Sieve scripts."""
    tell = "doveadm -f tab"
    commands = {
        "messages": f"{tell} fetch -u {mailbox} 'mailbox uid guid flags date.received size.physical' all",
        "content": f"doveadm -f flow fetch -u {mailbox} 'mailbox uid text' all | sha256sum",
        "folders": f"{tell} mailbox status -u {mailbox} 'uidvalidity messages' '*' 'INBOX'",
        "subscribed": f"doveadm mailbox list -s -u {mailbox}",
        "scripts": f"doveadm sieve list -u {mailbox}",
        "script": f"for name in $(doveadm sieve list -u {mailbox} | cut -d' ' -f1); do"
        f" doveadm sieve get -u {mailbox} $name; done",
    }
    found: Row = {}
    for name, command in commands.items():
        # \Recent belongs to a session, not to a message.
        lines = lab.run("mailstore", command).replace("\\Recent", "").splitlines()
        found[name] = sorted({re.sub(r" *\t", "\t", line) for line in lines})
    quota = json.loads(lab.run("mailstore", f"doveadm -f json quota get -u {mailbox}"))
    found["limits"] = {row["type"]: [row["value"], row["limit"]] for row in quota}
    return found


def webmail(lab: Lab) -> list[str]:
    """What people set in the webmail."""
    shell = "cd / && runuser -u postgres -- /usr/lib/postgresql/17/bin/psql -qtAX -d webmail"
    statement = "select username, language, preferences from users order by username"
    return lab.run("accounts", f'{shell} -c "{statement}"').splitlines()


def snapshots(lab: Lab) -> list[str]:
    """Of the mail host's repository, as the backup host has them."""
    repository = f"/srv/backup/{lab.variables['vault_restic_http']['user']}/{lab.host('mailstore')}"
    return lab.run("backup_repository", f"ls {repository}/snapshots").split()


def units(lab: Lab, host: str) -> dict[str, str]:
    """Every unit that is enabled or running, and which of these."""
    files = lab.run(host, "systemctl list-unit-files --plain --no-legend --state=enabled,enabled-runtime")
    running = lab.run(host, "systemctl list-units --plain --no-legend --state=active,activating")
    # A template is no unit by itself.
    found = {line.split()[0]: "enabled" for line in files.splitlines() if "@." not in line.split()[0]}
    for line in running.splitlines():
        unit = line.split()[0]
        if re.search(r"\.(service|timer|socket|path)$", unit):
            found[unit] = f"{found.get(unit, '')} running".strip()
    return found


def own_files(lab: Lab, host: str) -> list[str]:
    return lab.run(host, OWN_FILES).splitlines()


def read(lab: Lab) -> Row:
    """All of it."""
    return {
        "tables": {name: table(lab, name) for name in TABLES},
        "mail": {mailbox: mail(lab, mailbox) for mailbox in mailboxes(lab)},
        "webmail": webmail(lab),
        "snapshots": snapshots(lab),
        "units": {host: units(lab, host) for host in lab.hosts},
        "files": {host: own_files(lab, host) for host in lab.hosts},
    }


def stored(file: Path) -> Row:
    return dict(json.loads(file.read_text()))


def write(state: Row, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(state, ensure_ascii=False, indent=1))
