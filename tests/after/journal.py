"""What hosts write down as a warning or worse, and what of it is known."""

import json
from collections.abc import Iterator

from tests.lab import Lab

ON_THESE_HOSTS = (
    # nspawn's hosts have no such rights or devices.
    r"systemd .*Couldn't add UID/GID reference",
    # A busy machine gives a host no processor for a moment. A clock that was set is off by more.
    r"dovecot \S+ Warning: Time moved forward by 0\.\d+ seconds",
)

BY_UPGRADE = (
    # The database starts again with its new settings; who asks it meanwhile asks anew.
    r"dovecot auth(-worker)?\S*: Warning: sqlpool\(pgsql\): Query failed, retrying: FATAL: +terminating connection",
    r"dovecot auth\S*: .*Error: sql: (User query|sql: Iterate query) failed: FATAL: +terminating connection due to",
    r"dovecot auth(-worker)?\S*: Error: sqlpool\(pgsql\): Query failed, aborting: SELECT ",
    r"dovecot auth\S*: Error: pgsql\(\S+\): Connect failed to database mail: .*(starting|shutting|No such file)",
    r"dovecot auth\S*: Error: sql: userdb_sql settings: .* Not connected to database$",
    r"postfix/\S+ warning: (connect to pgsql server|pgsql query failed).*"
    r"(starting up|shutting down|No such file|terminating connection|closed)",
    r"postfix/\S+ warning: proxy:pgsql:\S+ lookup error for ",
    r"hanam-agent terminating connection due to administrator command$",
    r"hanam-agent connection (is bad|failed): .*(No such file or directory|closed the connection unexpectedly)$",
    r"hanam-agent connection (is bad|failed): .*the database system is (starting up|shutting down)$",
    r"hanam-agent (consuming input failed: server closed the connection unexpectedly|the connection is lost)",
    # Daemons start again with their new units and settings.
    r"dovecot master: Warning: (Killed with signal 15|SIGHUP received)",
    r"nsd signal received, shutting down",
    # A job of the former release begins between its new program and its new settings; two minutes later it is right.
    r"hanam-mail-jobs Việc định kỳ thất bại / job failed on \S+: systemctl status hanam-mail-notices\.service",
    r"hanam-watch Gửi thông báo thất bại \(hanam-mail-notices\.service\)",
    r"systemd (Failed to start )?hanam-mail-notices\.service",
    # Wanted, until the next year's days off are compared with the decision on them.
    r"hanam-watch Lịch nghỉ đã xác nhận chỉ đến ngày 31/12/20\d\d: ",
    # Hosts from an image boot as after a power cut.
    r"systemd-journald File \S+ corrupted or uncleanly shut down, renaming and replacing",
)
"""What an upgrade of a running system may say."""


def lines(lab: Lab, host: str) -> Iterator[str]:
    """'<identifier> <message>' of everything at warning or above since boot."""
    for line in lab.run(
        host, "journalctl --sync; journalctl --no-pager --output=json --priority=warning --boot"
    ).splitlines():
        entry = json.loads(line)
        yield f"{entry.get('SYSLOG_IDENTIFIER', '?')} {entry['MESSAGE']}"
