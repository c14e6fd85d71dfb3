"""After all the mail tests: nothing failed, nothing of our own making complains, no secret was written down."""

import os
import re
from collections.abc import Iterator

import pytest

from tests.after.journal import BY_UPGRADE, ON_THESE_HOSTS, lines
from tests.lab import Lab

pytestmark = pytest.mark.neighbours

# Why a program could not ask another: it was stopped or started again. Never that it asked wrongly, or may not.
_AWAY = (
    r"(terminating connection due to administrator command|closed( the connection)? unexpectedly|Connection refused"
    r"|PGSQL.*No such file or directory|Not connected to database"
    r"|the database system is (starting up|shutting down|not yet accepting)"
    # libpq says more in lines of their own, which become entries of their own.
    r"|Consistent recovery state has not been yet reached|Is the server running (locally|on that host) and accepting)"
)

# What may stand in the journal at warning or above: what tests provoke, and what came before the roles.
EXPECTED = (
    # The database, the filter, the scanner and the mail store are stopped, killed and hung by tests: the cause, ...
    rf"postfix/\S+ warning: (pgsql query failed|connect to pgsql server).*{_AWAY}",
    r"postfix/\S+ .*(Milter service|private/quota-status|server 127\.0\.0\.1:12342|connect to 127\.0\.0\.1:12342)",
    r"postfix/\S+ (warning: SASL: Connect to Dovecot auth socket|fatal: no SASL authentication mechanisms)",
    r"postfix/master warning: .*/smtpd( pid \d+ exit status 1|: bad command startup -- throttling)$",
    r"postfix/\S+ warning: milter inet:127\.0\.0\.1:11332: .*(timed out|read error in initial handshake)",
    rf"dovecot .*{_AWAY}",
    r"dovecot .*(Killed with signal|Shutting down logging|SIGHUP received|net_connect_unix)",
    # ... and what follows from it without a reason of its own. Another cause would stand beside it.
    r"postfix/\S+ warning: proxy:pgsql:\S+ lookup error for ",
    r"dovecot auth.*sqlpool\(pgsql\): Query failed, aborting: SELECT ",
    r"dovecot .*(Temporary authentication failure|Internal error occurred|Internal auth failure)",
    r"dovecot .*: Error: auth-master: userdb lookup\(\S+\): Auth USER lookup failed$",
    # Notices wait while mail is away; the timer may also meet a stopped database.
    r"systemd (Failed to start )?hanam-mail-notices\.service",
    r"hanam-watch (Gửi thông báo|Sao lưu) thất bại \(",
    r"hanam-watch the operator could not be told by (mail|smarthost): ",
    # Daemons are killed and stopped in turn, and units of the tests' own fail, to see what the host makes of it.
    r"systemd .*(unbound|redis-server|nginx|hanam-test-\w+)\S*service",
    r"hanam-watch \S+\.service does not answer: it is started again",
    r"hanam-watch .*\((unbound|redis-server|nginx)\.service\) đã phải khởi động lại ",
    r"hanam-watch .*\(\S+\.service\) không trả lời, đã được khởi động lại",
    # A process that was just started when a test stopped Dovecot or had it started again.
    r"dovecot [\w-]+: Fatal: master: service\([\w-]+\): child \d+ killed with signal 15$",
    # The same when a reload meets it, as after a new certificate; who signs in then waits two seconds.
    r"dovecot master: Error: service\(auth\): command startup failed, throttling for 2\.000 secs$",
    r"hanam-watch Chuyển thư \(postfix\.service\) không chạy: ",
    r"hanam-watch (Cửa IMAP của kho thư \(dovecot|Cửa nhận thư \(25\) \(postfix)\.service\) không trả lời: ",
    r"systemd (php8\.4-fpm\.service: |Failed to start php8\.4-fpm)",
    # Wanted, until the next year's days off are compared with the decision on them.
    r"hanam-watch Lịch nghỉ đã xác nhận chỉ đến ngày 31/12/20\d\d: ",
    r"hanam-watch Đồng hồ của máy bị lùi 3[56]\d\d giây",
    r"hanam-watch hanam-test-\w+\.service thất bại: ",
    r"systemd .*(postfix|hanam-change-page|restic-rest-server|hanam-tunnel|ssh)\S*service",
    r"systemd ssh\.service: (Found left-over process|This usually indicates unclean termination)",
    r"postfix/\S+ warning: stopping the Postfix mail system with force",
    r"dovecot master: Warning: Time moved forward by \d+\.\d+ seconds",
    r"systemd .*(clamav-daemon|rspamd|hanam-backup|postgresql)\S*service",
    r"systemd Failed to start hanam-backup\.service",
    r"hanam-mail-backup .*cannot be reached",
    # Files of the repository itself are damaged before a restore (test_backup_restore.py).
    r"hanam-backup-maintain mend of \S+ failed: 1 (damaged index files, made anew|unreadable locks, removed)",
    # A look that comes upon a damaged key before the next one's start puts it back.
    r"hanam-backup-maintain mend of \S+ failed: restic repair: exit 1: Fatal: LoadRaw\(<key/\w+>\): invalid data",
    r"hanam-backup-maintain \S+/(config|keys/[0-9a-f]{64}) was damaged: its copy was put back$",
    r"systemd (Failed to start )?hanam-backup-maintain@mend\.service",
    r"hanam-watch Tệp quản lý của kho sao lưu \(hỏng\) thất bại ",
    # The agent's own connection is cut with the others; a stopped Dovecot does not obey it. It tries again.
    r"hanam-agent (consuming input failed|terminating connection|connection (is bad|failed)|the connection is lost)",
    r"hanam-agent Command .*doveadm'.* returned non-zero exit status 75",
    # Tests guess passwords until the account or the address is shut out (Đ4.6).
    r"hanam-agent sign-in lockout ",
    # An account sends viruses until it is locked; the filter's Redis is stopped (Đ7.2b).
    r"hanam-agent \S+ sent viruses and is locked",
    r"hanam-agent the filter's reports cannot be read: ",
    # Stopped by its role, which then starts it on addresses of its own.
    r"nsd signal received, shutting down",
    # Tests write further keys and names into its zones (test_signatures.py).
    r"nsd SIGHUP received, reloading\.\.\.$",
    r"(roundcube|php\S*) .*(Login failed|Authentication failed|SMTP Error|Connection failed|unable to connect)",
    # The webmail asks the stopped database and the stopped mail store.
    r"roundcube (DB Error: SQLSTATE\[08006\] \[7\] )?connection to server .*failed: (No such file|Connection refused)",
    r"roundcube (\\x09)?\s*Is the server running (locally|on that host) and accepting ",
    r"roundcube PHP Warning: +stream_socket_client\(\): Unable to connect to 127\.0\.0\.1:1143 ",
    # A test holds all processes of port 25 (tests/roles/test_watch.py).
    r"postfix/master warning: service \"smtp\" \(25\) has reached its process limit ",
    r"postfix/master warning: to avoid this condition, increase the process count ",
    r"postfix/master warning: see https://www\.postfix\.org/STRESS_README\.html ",
    # Wrong passwords, old protocols and bad clients are tried by tests.
    r"postfix/\S+ .*(SASL \w+ authentication failed|TLS library problem|non-SMTP command|hostname .* does not resolve)",
    r"postfix/\S+ .*(improper command pipelining|bare <LF>|numeric domain name|Illegal address syntax)",
    # Scripts of tests write under others' names (test_sieve.py).
    r"dovecot lmtp: Error: mail of a Sieve script of \S+ is not sent: (From is|the field) ",
    # Scripts lead mail to where they may not; nobody reads what would be stored (test_forwarding.py).
    r"dovecot lmtp: Error: mail of a Sieve script of \S+ is not sent: a redirect to \S+@ngoai\.example$",
    r"dovecot managesieve(\(\S+\))?: Error: .*/run/dovecot/sieve-session",
    r"dovecot managesieve-login: (Warning|Error): proxy\(\S+,127\.0\.0\.1:4191\): Disconnected by server: .*state=auth",
    r"dovecot lmtp\(.*vacation action: failed to send vacation response to \S+ <Sendmail program returned error>",
    # More than the hour's number of messages (test_sieve.py); what was to be rejected is kept.
    r"dovecot lmtp: Error: too much mail of Sieve scripts of \S+ within an hour$",
    r"dovecot lmtp\(.*Error: msgid=\S+ Temporarily failed to send rejection: Sendmail program returned error$",
    # More sessions wait for news than the kernel would tell by itself (test_idle.py).
    r"dovecot imap\(\S+ Warning: Inotify instance limit for user 5000 \(UID vmail\) exceeded, disabling\.",
    # Somebody moves messages to Junk while the filter is away, or what takes them hangs or is killed (test_learning).
    r"dovecot imap\(\S+ Error: sieve: execute unix:\S+/hanam-learn/lessons: (Execution timed out |read\(program)",
    r"dovecot imap\(\S+ Error: sieve: failed to pipe message to program 'lessons'",
    r"hanam-learn the filter does not learn: ([\w.]+:11335: )?(timed out|\[Errno 2\] No such file|50[24] )",
    r"systemd hanam-learn\.service: ",
    r"hanam-watch hanam-learn\.service ",
    r"hanam-watch .*\(hanam-learn\.service\)",
    # 10,000 octets are typed as a name and as a password.
    r"postfix/submissions/smtpd warning: client\.example\[\S+\]: request longer than 12288",
    # Before role base had its turn.
    r"sshd-session .*Unable to open env file: /etc/default/locale",
    # The hosts of a copied lab boot as after a power cut.
    r"systemd-journald File \S+ corrupted or uncleanly shut down, renaming and replacing",
    *ON_THESE_HOSTS,
    *(BY_UPGRADE if "HANAM_EARLIER" in os.environ else ()),
)  # fmt: skip


def test_no_unit_has_failed(lab: Lab) -> None:
    for host in lab.hosts:
        assert lab.run(host, "systemctl --failed --plain --no-legend") == "", host


def test_journal_holds_no_warning_but_those_that_tests_provoke(lab: Lab) -> None:
    for host in lab.hosts:
        unexpected = [line for line in lines(lab, host) if not any(re.match(known, line) for known in EXPECTED)]
        assert not unexpected, f"{host}:\n" + "\n".join(unexpected)


def test_no_secret_stands_in_a_log_or_on_a_command_line(lab: Lab) -> None:
    vault = {name: value for name, value in lab.variables.items() if name.startswith("vault_")}
    # The name of an account is no secret, nor is what others encrypt to.
    secrets = set(_strings(vault)) - {vault["vault_restic_http"]["user"], vault["vault_lab_operator_public_key"]}
    secrets = {secret for secret in secrets if 12 <= len(secret) <= 80} | {sample.password for sample in lab.samples}
    everything = (
        "journalctl --sync; journalctl --no-pager --output=cat; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ';"
        " find /var/log -type f -name '*.log' -exec cat {} +"
    )
    for host in lab.hosts:
        text = lab.run(host, everything)
        assert [secret[:4] + "..." for secret in secrets if secret in text] == [], host


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
