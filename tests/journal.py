"""What hosts write down as a warning or worse: which lines tests provoke, and which test ran when one was written.

A test says what it provokes, `@pytest.mark.provokes(journal.DATABASE_AWAY)`; tests/after/test_journal.py judges all
lines when the tests are over. What a test did not declare is a fault of the product, or of the test.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.lab import Lab

LATE = 300.0
"""Seconds that a consequence may come after its test: a timer's next run, a queue's next try."""

# Why a program could not ask another: it was stopped or started again. Never that it asked wrongly, or may not.
_AWAY = (
    r"(terminating connection due to administrator command|closed( the connection)? unexpectedly|Connection refused"
    r"|PGSQL.*No such file or directory|Not connected to database"
    r"|the database system is (starting up|shutting down|not yet accepting)|SSL SYSCALL error: EOF detected"
    # libpq says more in lines of their own, which become entries of their own.
    r"|Consistent recovery state has not been yet reached|Is the server running (locally|on that host) and accepting"
    r"|This probably means the server terminated abnormally|before or while processing the request)"
)

# Dovecot's sign-in frees what its last questions still use as it ends (a fault of 2.4.1, mended in 2.4.2, auth/main.c).
_SIGN_IN_ENDS = r"dovecot auth: Fatal: master: service\(auth\): child \d+ killed with signal 11 "

# A question between Dovecot's processes as one is stopped, killed or reloaded: who asked is told to come again.
_DOVECOT_CUT_OFF = (
    r"dovecot .*: Error: auth-master: (user|pass)db lookup\(\S+\): (Auth \w+ lookup failed|Disconnected unexpectedly)$",
    r"dovecot .*: Error: auth-master: (user|pass)db lookup\(\S+\): write\(auth socket\) failed: .*Broken pipe",
    r"dovecot .*: Error: auth-master: login: request .* (Internal auth failure|Disconnected unexpectedly)",
    # The database's own faults have their reason behind it.
    r"dovecot auth: Warning: sqlpool\(pgsql\): Query failed, retrying:\s*$",
    _SIGN_IN_ENDS,
)

# Jobs that come by the clock, whoever is away then: each fails, is told of, and does it the next time.
ASK_THE_DATABASE = (
    r"hanam-(mail-(notices|new-day|life-cycle)|collectors|scheduled-send|dmarc-(carry|send)|reports-load"
    r"|directory|carddav)"
)
_ASK_DOVECOT = r"hanam-(first-folders|check-sieve|mend-search|bound-deleted|forget-deleted)"


def failed(jobs: str) -> tuple[str, str]:
    """What systemd and the watch say of them."""
    return rf"systemd (Failed to start )?{jobs}\.service", rf"hanam-watch .* thất bại \({jobs}\.service\)"


# What people moved to Junk waits while the filter is away, and a moment after its start: it has no mark yet of what it
# learnt.
_NOT_LEARNT = (
    r"hanam-learn the filter does not learn: ([\w.]+:11335: )?(timed out|\[Errno 2\] No such file|50[24] )",
    r"hanam-learn the filter does not learn: it has just started; \d+ messages wait$",
)

# A mailbox that is issued meanwhile gets its folders afterwards.
_FOLDERS_WAIT = (
    r"hanam-first-folders doveadm\S* Error: .*((USER|User) lookup failed|connect\(\S+\) failed|iterate through)",
)

# The mail server says "later" (4xx), to the watch too, which comes again with its next look.
_NOT_TOLD_YET = r"hanam-watch the operator could not be told by mail: \w+ 4\d\d$"

# What tells Postfix how mail has to be encrypted is away or cannot tell.
_NO_TLS_POLICY = (
    r"postfix/\S+ warning: .*(hanam-tls-policy/socket|smtp_tls_policy_maps, next-hop|TLS policy lookup for )"
)

ON_THESE_HOSTS = (
    # nspawn's hosts have no such rights or devices.
    r"systemd .*Couldn't add UID/GID reference",
    # A busy machine gives a host no processor for a moment, and hosts stand still while they are kept or copied. A
    # clock that was set is off by more.
    r"dovecot \S+ Warning: Time moved forward (by )?\d{1,2}\.\d+ seconds",
    # A kernel newer than Debian's (6.13) writes a file's time more finely than it tells the time: in the first
    # milliseconds of a second a file may be of a second that has not come yet.
    r"postfix/\S+ warning: file system clock is 1 seconds ahead of local clock$",
    r"postfix/\S+ warning: resetting file time stamps - this hurts performance$",
)
"""What needs no test to be written."""

ALWAYS = (
    *ON_THESE_HOSTS,
    # Wanted, until the next year's days off are compared with the decision on them.
    r"hanam-watch Lịch nghỉ đã xác nhận chỉ đến ngày 31/12/20\d\d: ",
    # Somebody deletes or renames a folder whose messages are just being indexed or read. Where a message is really lost
    # the index is made anew too, which is another line.
    r"dovecot indexer-worker\(\w+\)<\S+>: Error: fts-flatcurve: .*Couldn't write new rev file: .*No such file or ",
    r"dovecot (imap|indexer-worker)\(\w+\)<\S+>: Error: Mailbox .*: "
    r"((UID \d+|Precache for UID=\d+ failed): Failed to read stream: )?Unexpectedly lost uid \d+",
    # Two processes index or search a folder, and one takes away its lock while the other reads what is there (a fault
    # of 2.4.1, mended upstream); the next delivery or search brings what is missing.
    r"dovecot (imap|indexer-worker)\(\w+\)<\S+>: Error: fts-flatcurve: .*: stat\(\S+/fts-flatcurve/\) failed: No such ",
    # What the indexer says then of the folder, without a reason of its own.
    r"dovecot indexer-worker\(\w+\)<\S+>: Error: Mailbox \S+: (Status lookup failed: Internal error occurred"
    r"|Precache for UID=\d+ failed: Internal error occurred"
    r"|Transaction commit failed: FTS transaction commit failed: Failed to lookup last indexed FTS mail )",
    # A process of sign-in that is just starting when Dovecot is reloaded, as after a new certificate; who signs in then
    # waits two seconds.
    r"dovecot master: Error: service\(auth\): command startup failed, throttling for 2\.000 secs$",
    # Delivered as Dovecot is reloaded: the next delivery or search brings what is not in the index of search yet.
    r"dovecot lmtp\(\S+ Error: Mailbox \S+: net_connect_unix\(/run/dovecot/indexer\) failed: No such file or directory",
    # A reload ends the process of sign-in in the middle of a question: 454, and who comes again gets in. A
    # process that fails by itself has a line of its own.
    r"postfix/\S+ warning: \S+: SASL \w+ authentication failed: Connection lost to authentication server",
    # DNS of a foreign domain that is silent or forged: where it matters mail waits and says so; a report misses a
    # session.
    r"postfix/\S+ warning: TLSRPT support: policy lookup failed for \S+: ",
    # Ended with each reload, before the process of sign-in that it asks: Postfix asks a new one.
    r"dovecot quota-status\S* Warning: Killed with signal 15 ",
    # Who is sent out in the moment of his sign-in: his process does not know whose it is yet, and is ended instead.
    r"dovecot (imap|pop3|managesieve)\(\d+\): Warning: Killed with signal 15 \(by pid=\d+ uid=0 code=kill\)$",
)

CONVERGING = "converging"
"""Before the first test: what roles stop and start, and hosts that boot."""
DATABASE_AWAY = "database away"
DATABASE_HANGS = "database hangs"
DOVECOT_AWAY = "dovecot away"
FILTER_AWAY = "filter away"
POSTFIX_AWAY = "postfix away"
WEBMAIL_AWAY = "webmail away"
WEBMAIL_UNANSWERED = "webmail unanswered"
UNITS_FAIL = "units fail"
BACKUP_FAILS = "backup fails"
PORT_FULL = "port full"
REFUSED_SIGN_IN = "refused sign-in"
BAD_CLIENTS = "bad clients"
HUGE_COMMANDS = "huge commands"
SCRIPTS = "scripts"
MANY_SESSIONS = "many sessions"
LEARNING_FAILS = "learning fails"
AUTHENTICATION_AWAY = "authentication away"
SECRECY_AWAY = "secrecy away"
FORGED_REQUESTS = "forged requests"
HOSTILE_PAGES = "hostile pages"
SIGN_IN_UNASKED = "sign-in unasked"
VIRUSES = "viruses"
HELD_WHILE_SENT = "held while sent"
REVOKED_WHILE_OPENING = "revoked while opening"
ZONES = "zones"
INDEX_LOST = "index lost"
SEARCH_DAMAGED = "search damaged"
EXTRACTOR_AWAY = "extractor away"
BOMBS = "bombs"
CONVERTING = "converting"
DELIVERY_KILLED = "delivery killed"
TLS_POLICY_AWAY = "TLS policy away"
FOREIGN_POLICIES = "foreign policies"
TLS_COUNTS_AWAY = "TLS counts away"
QUARANTINE_AWAY = "quarantine away"
HELD_REFUSED = "held refused"
HELD_NO_ROOM = "held no room"
HELD_AGAIN = "held again"
MAIL_REFUSED = "mail refused"

KNOWN: Mapping[str, Sequence[str]] = {
    CONVERGING: (
        r"nsd signal received, shutting down",
        r"sshd-session .*Unable to open env file: /etc/default/locale",
        # The hosts of a copied lab boot as after a power cut.
        r"systemd-journald File \S+ corrupted or uncleanly shut down, renaming and replacing",
        r"dovecot [\w-]+: Fatal: master: service\([\w-]+\): child \d+ killed with signal 15$",
        r"dovecot \S+ Warning: (Killed with signal 15|SIGHUP received|Shutting down logging for )",
        _SIGN_IN_ENDS,
        # What the watch finds before mail has its way.
        r"hanam-watch the operator could not be told by (mail|smarthost): ",
        # The key of port 25 is looked at before the zone with it is published, as the first converge does last.
        r"hanam-watch Cổng 25 đang dùng khóa không có trong bản ghi TLSA của ",
        # The lab's DNS of the earlier release may begin before the kernel has let its addresses of IPv6 go.
        r"nsd can't bind \S+ socket \S+: Cannot assign requested address",
        r"nsd server initialization failed, nsd could not be started",
        r"systemd (Failed to start )?nsd\.service",
        # An upgrade: it is looked at before Postfix has the second one, ...
        r"postfix/smtpd warning: TLS library problem: error:0A0000C1:SSL routines::no shared cipher:",
        # ... the agent asks Dovecot as it starts again, ...
        r"hanam-agent Command .*doveadm'.* returned non-zero exit status 75\. .*connect\(/run/dovecot/auth-master\) ",
        # ... and a job begins between its new program and its new settings; two minutes later it is right.
        r"hanam-mail-jobs Việc định kỳ thất bại / job failed on \S+: systemctl status hanam-mail-notices\.service",
        # So do those that bring and send reports, whose commands had other names.
        r"systemd (Failed to start )?hanam-dmarc-(carry|send)\.service",
    ),
    DATABASE_AWAY: (
        _NOT_TOLD_YET,
        rf"postfix/\S+ warning: (pgsql query failed|connect to pgsql server).*{_AWAY}",
        rf"dovecot .*{_AWAY}",
        # What follows from it without a reason of its own. Another cause would stand beside it.
        r"postfix/\S+ warning: proxy:pgsql:\S+ lookup error for ",
        r"dovecot auth.*sqlpool\(pgsql\): Query failed, aborting: SELECT ",
        r"dovecot .*(Temporary authentication failure|Internal error occurred|Internal auth failure)",
        r"dovecot .*: Error: auth-master: userdb lookup\(\S+\): Auth USER lookup failed$",
        # What keeps held messages asks every two seconds.
        rf"hanam-quarantine .* / held messages cannot be looked after: .*({_AWAY}|[Cc]onnection|No such file)",
        # The agent's own connection is cut with the others. It tries again.
        r"hanam-agent (consuming input failed|terminating connection|connection (is bad|failed))",
        r"hanam-agent the connection is lost",
        # It asks Dovecot for somebody, or for everybody who has a mailbox here, and Dovecot the database: try later.
        r"hanam-agent Command .*doveadm'.* returned non-zero exit status 75\. .*(lookup|listing returned) fail\w+$",
        r"roundcube (DB Error: SQLSTATE\[08006\] \[7\] )?connection to server .*failed: No such file",
        r"roundcube (DB Error: SQLSTATE\[08006\] \[7\] )?connection to server .*failed: Connection refused",
        r"roundcube (\\x09)?\s*Is the server running (locally|on that host) and accepting ",
        r"systemd .*postgresql\S*service",
        *failed(ASK_THE_DATABASE),
        rf"hanam-scheduled-send chưa gửi được thư hẹn giờ, sẽ làm lại sau một phút: .*({_AWAY}|connection is bad)",
        r"hanam-reports-load \d+ documents of reports wait for the database: ",
        r"hanam-(directory|carddav) không hỏi được cơ sở dữ liệu, danh bạ (cũ vẫn còn|CardDAV giữ nguyên): ",
        *_FOLDERS_WAIT,
    ),
    # It stands still, and whoever waits for it gives up.
    DATABASE_HANGS: (
        r"postfix/proxymap fatal: watchdog timeout$",
        r"postfix/master warning: process /usr/lib/postfix/sbin/proxymap pid \d+ exit status 1$",
        r"postfix/\S+ warning: connect to pgsql server .*timeout expired",
        r"postfix/\S+ warning: dict_proxy_(lookup|open): service proxy(map|write): ",
        r"dovecot .*pgsql\(\S+\): Connect failed: Timeout after [5-9] seconds",
        r"hanam-scheduled-send chưa gửi được thư hẹn giờ, sẽ làm lại sau một phút: connection timeout expired$",
        r"postfix/\S+ warning: \S+: SASL \w+ authentication failed: Connection lost to authentication server",
    ),
    # Who comes to a mailbox that is shut is told to come again; the list of those in a Maildir is taken up by a reload.
    CONVERTING: (
        *_DOVECOT_CUT_OFF,
        r"dovecot lmtp.* Failed to lookup user \S+: Internal error occurred",
        r"dovecot \S+ Warning: (Killed with signal 15|SIGHUP received)",
        # A folder of a Maildir that only holds others.
        r"dovecot doveadm.*: Error: cmd mailbox status: .*Mailbox doesn't exist",
    ),
    DELIVERY_KILLED: (
        r"dovecot lmtp.*: Fatal: master: service\(lmtp\): child \d+ killed with signal 9",
        # It was just making the cache anew, which holds nothing of its own: the next one does it.
        r"dovecot lmtp\(\w+\)\S* Error: Mailbox INBOX: Deleting corrupted cache: reset_id mismatch even after locking ",
        # Its last word came before its first.
        r"dovecot anvil: Error: connect limit: disconnection for unknown \(pid=\d+, .*, service=lmtp, ",
        # One that somebody else had asked for just now.
        r"dovecot master: Error: service\(lmtp\): command startup failed, throttling for \d+\.000 secs$",
    ),
    DOVECOT_AWAY: (
        _NOT_TOLD_YET,
        r"postfix/\S+ .*(private/quota-status|server 127\.0\.0\.1:12342|connect to 127\.0\.0\.1:12342)",
        r"postfix/\S+ (warning: SASL: Connect to Dovecot auth socket|fatal: no SASL authentication mechanisms)",
        *_DOVECOT_CUT_OFF,
        *failed(_ASK_DOVECOT),
        r"postfix/master warning: .*/smtpd( pid \d+ exit status 1|: bad command startup -- throttling)$",
        r"dovecot .*(Killed with signal|Shutting down logging|SIGHUP received|net_connect_unix)",
        r"dovecot .*(Temporary authentication failure|Internal error occurred|Internal auth failure)",
        # A process that was just started when a test stopped Dovecot or had it started again.
        r"dovecot [\w-]+: Fatal: master: service\([\w-]+\): child \d+ killed with signal 15$",
        # A stopped Dovecot does not obey the agent. It tries again.
        r"hanam-agent Command .*doveadm'.* returned non-zero exit status 75",
        r"hanam-watch Cửa IMAP của kho thư \(dovecot\.service\) không trả lời: ",
        r"roundcube PHP Warning: +stream_socket_client\(\): Unable to connect to 127\.0\.0\.1:1143 ",
        r"(roundcube|php\S*) .*(SMTP Error|Connection failed|unable to connect)",
        *_FOLDERS_WAIT,
    ),
    FILTER_AWAY: (
        # It asks for what its service says no more.
        r"hanam-secrecy the filter was not answered: \[Errno 32\] Broken pipe$",
        _NOT_TOLD_YET,
        r"postfix/\S+ .*Milter service",
        r"postfix/\S+ warning: milter inet:127\.0\.0\.1:11332: .*(timed out|(read|write) error in initial handshake)",
        # Cut while it answers or is told: what Postfix says of each step (milter8.c).
        r"postfix/\S+ warning: milter \S+:11332: (can't read \S+ reply packet header|EOF while|error writing command)",
        r"postfix/\S+ warning: \w+: milter \S+:11332: EOF while reading string",
        r"systemd .*(clamav-daemon|rspamd)\S*service",
        r"hanam-agent the filter's reports cannot be read: ",
        *_NOT_LEARNT,
        # Notices are mail too, and wait while no mail is taken.
        *failed("hanam-mail-notices"),
    ),
    # What tells the filter who sent a message is stopped, killed or hangs: mail waits.
    AUTHENTICATION_AWAY: (
        _NOT_TOLD_YET,
        r"systemd hanam-mail-auth\.service: ",
        r"hanam-mail-auth the filter was not answered: ",
        r"hanam-watch hanam-mail-auth\.service ",
        r"hanam-watch .*\(hanam-mail-auth\.(service|socket)\)",
    ),
    # What keeps held messages is stopped or killed: they wait in Postfix's queue.
    QUARANTINE_AWAY: (
        r"systemd hanam-quarantine\.service: ",
        r"hanam-watch .*\(hanam-quarantine\.service\)",
        r"hanam-watch hanam-quarantine\.service ",
    ),
    # So little disk is free that spam is not held, and what has to be held waits.
    HELD_NO_ROOM: (
        r"hanam-quarantine .*too little room is left for held messages",
        r"hanam-watch .*Không còn chỗ giữ thư",
        r"hanam-watch hanam-quarantine\.service ",
        r"systemd hanam-quarantine\.service: ",
    ),
    # What was let go is refused on its way, and held again.
    HELD_AGAIN: (r"hanam-quarantine thư số \d+ bị từ chối, lại giữ / refused, held again: ",),
    # The webmail notes each message that the mail server does not take.
    MAIL_REFUSED: (
        r"roundcube SMTP Error: Failed to (add recipient|send data)",
        r"roundcube PHP Error: Invalid response code received from server \(POST ",
    ),
    # Who has no business at the doors of held messages.
    HELD_REFUSED: (
        r"hanam-quarantine máy không được giao thư / ",
        r"hanam-quarantine .*(SSL|certificate)",
        r"postfix/released/smtpd warning: ",
    ),
    # What looks for secrecy marks, or reads documents for it, is stopped, killed or hangs: our people's mail waits.
    SECRECY_AWAY: (
        _NOT_TOLD_YET,
        r"systemd hanam-secrecy\.(service|socket): ",
        r"systemd hanam-extract\.(service|socket): ",
        r"hanam-secrecy the filter was not answered: ",
        r"hanam-watch hanam-(secrecy|extract)\.(service|socket) ",
        r"hanam-watch .*\(hanam-(secrecy|extract)\.(service|socket)\)",
    ),
    POSTFIX_AWAY: (
        r"postfix/\S+ warning: stopping the Postfix mail system with force",
        # Notices wait while mail is away.
        *failed("hanam-mail-notices"),
        r"hanam-watch the operator could not be told by (mail|smarthost): ",
        r"hanam-watch Chuyển thư \(postfix\.service\) không chạy: ",
        r"hanam-watch Cửa nhận thư \(25\) \(postfix\.service\) không trả lời: ",
        r"systemd .*postfix\S*service",
    ),
    # Its role may not connect for a while.
    WEBMAIL_UNANSWERED: (r'roundcube .*role "mail_webmail" is not permitted to log in',),
    WEBMAIL_AWAY: (r"systemd (php8\.4-fpm\.service: |Failed to start php8\.4-fpm)",),
    # Daemons are killed and stopped in turn, and units of the tests' own fail, to see what the host makes of it.
    UNITS_FAIL: (
        r"systemd .*(unbound|redis-server|nginx|hanam-test-\w+|clamav-daemon|rspamd|postgresql)\S*service",
        r"systemd .*(postfix|hanam-client-setup|restic-rest-server|hanam-tunnel|ssh)\S*service",
        r"systemd .*hanam-(change|spam)-page\S*service",
        r"systemd ssh\.service: (Found left-over process|This usually indicates unclean termination)",
        r"systemd .*hanam-redis-memory\.service",
        r"hanam-redis-memory .*sắp đầy",
        r"hanam-watch .*hanam-redis-memory\.service",
        r"systemd (php8\.4-fpm\.service: |Failed to start php8\.4-fpm)",
        r"hanam-watch \S+\.service does not answer: it is started again",
        r"hanam-watch .*\((unbound|redis-server|nginx)\.service\) đã phải khởi động lại ",
        r"hanam-watch .*\(\S+\.service\) không trả lời, đã được khởi động lại",
        r"hanam-watch the operator could not be told by (mail|smarthost): ",
        r"hanam-watch Đồng hồ của máy bị lùi 3[56]\d\d giây",
        r"hanam-watch hanam-test-\w+\.service thất bại: ",
        r"hanam-watch Ký hồ sơ cài đặt thư cho iPhone thất bại \(",
    ),
    BACKUP_FAILS: (
        r"systemd (Failed to start )?hanam-backup\.service",
        r"hanam-watch Sao lưu thất bại \(",
        r"hanam-mail-backup .*cannot be reached",
        # Files of the repository itself are damaged before a restore.
        r"hanam-backup-maintain mend of \S+ failed: 1 (damaged index files, made anew|unreadable locks, removed)",
        # A look that comes upon a damaged key before the next one's start puts it back.
        r"hanam-backup-maintain mend of \S+ failed: restic repair: exit 1: Fatal: LoadRaw\(<key/\w+>\): invalid data",
        r"hanam-backup-maintain \S+/(config|keys/[0-9a-f]{64}) was damaged: its copy was put back$",
        r"systemd (Failed to start )?hanam-backup-maintain@mend\.service",
        r"hanam-watch Tệp quản lý của kho sao lưu \(hỏng\) thất bại ",
    ),
    PORT_FULL: (
        r"postfix/master warning: service \"smtp\" \(25\) has reached its process limit ",
        r"postfix/master warning: to avoid this condition, increase the process count ",
        r"postfix/master warning: see https://www\.postfix\.org/STRESS_README\.html ",
        r"hanam-watch Cửa nhận thư \(25\) \(postfix\.service\) không trả lời: ",
    ),
    # Wrong passwords, states that shut, guesses until the account or the address is shut out (Đ4.6).
    REFUSED_SIGN_IN: (
        r"hanam-agent sign-in lockout ",
        r"(roundcube|php\S*) .*(Login failed|Authentication failed)",
        r"postfix/\S+ .*SASL \w+ authentication failed",
        # 10,000 octets are typed as a name and as a password.
        r"postfix/submissions/smtpd warning: client\.example\[\S+\]: request longer than 12288",
    ),
    BAD_CLIENTS: (
        r"postfix/\S+ .*(TLS library problem|non-SMTP command|hostname .* does not resolve)",
        r"dovecot lmtp\(\d+\): Error: lmtp-server: conn \S+ \[\d+\]: SSL handshak",
        r"postfix/\S+ .*(improper command pipelining|bare <LF>|numeric domain name|Illegal address syntax)",
    ),
    # Commands of ten thousand octets and of a million.
    HUGE_COMMANDS: (
        r"postfix/smtpd warning: client\.example\[\S+\]: request longer than 2048: ",
        r"postfix/smtpd warning: disabling input from smtp socket$",
    ),
    SCRIPTS: (
        # They write under others' names, ...
        r"dovecot lmtp: Error: mail of a Sieve script of \S+ is not sent: (From is|the field) ",
        # ... lead mail to where they may not; nobody reads what would be stored, ...
        r"dovecot lmtp: Error: mail of a Sieve script of \S+ is not sent: a redirect to \S+@ngoai\.example$",
        r"dovecot managesieve(\(\S+\))?: Error: .*/run/dovecot/sieve-session",
        r"dovecot managesieve-login: (Warning|Error): proxy\(\S+:4191\): Disconnected by server: .*state=auth",
        r"dovecot lmtp\(.*vacation action: failed to send vacation response to \S+ <Sendmail program returned error>",
        # ... or write more than the hour's number of messages; what was to be rejected is kept.
        r"dovecot lmtp: Error: too much mail of Sieve scripts of \S+ within an hour$",
        r"dovecot lmtp\(.*Error: msgid=\S+ Temporarily failed to send rejection: Sendmail program returned error$",
        # The look of the night finds them, by its time or since the test is about it.
        r"hanam-(check-sieve|watch) Hộp thư \w+, bộ quy tắc “\w+” \((đang|không) dùng\): ",
    ),
    # A post to the webmail without its page's token.
    FORGED_REQUESTS: (r"roundcube PHP Error: Request security check failed \(POST ",),
    HOSTILE_PAGES: (
        # Roundcube's own pages, for a field that is a list.
        r"roundcube PHP Warning: +Array to string conversion in /usr/share/roundcube/program/lib/Roundcube/html\.php ",
    ),
    # Dovecot may not ask who signs in.
    SIGN_IN_UNASKED: (
        r"dovecot auth.*: (Warning|Error): sqlpool\(pgsql\): Query failed, .*dovecot_passdb_sealed",
        r"dovecot auth.*: Error: sql: Password query failed: ERROR: +permission denied for function ",
    ),
    # More sessions wait for news than the kernel would tell by itself.
    MANY_SESSIONS: (
        r"dovecot imap\(\S+ Warning: Inotify instance limit for user 5000 \(UID vmail\) exceeded, disabling\.",
    ),
    # Somebody moves messages to Junk while the filter is away, or what takes them hangs or is killed.
    LEARNING_FAILS: (
        r"dovecot imap\(\S+ Error: sieve: execute unix:\S+/hanam-learn/lessons: (Execution timed out |read\(program)",
        r"dovecot imap\(\S+ Error: sieve: failed to pipe message to program 'lessons'",
        *_NOT_LEARNT,
        r"systemd hanam-learn\.service: ",
        r"hanam-watch hanam-learn\.service ",
        r"hanam-watch .*\(hanam-learn\.service\)",
    ),
    # An account is locked, and what waits of it is held back while some of it is just leaving: that lies there, too.
    HELD_WHILE_SENT: (
        r"postfix/qmgr warning: qmgr_active_done_3_generic: remove \w+ from active: No such file or directory$",
    ),
    # A mailbox is revoked between the two questions of a sign-in: the password was remembered, the mailbox is gone. It
    # is not opened.
    REVOKED_WHILE_OPENING: (
        r"dovecot auth\(\w+,\S+,sasl:\w+\)\S*: Error: user not found from any userdbs$",
        r"dovecot (imap|pop3|managesieve)\(\d+\): Error: auth-master: login: request \[\d+\]: Login auth request"
        r" failed: Authenticated user not found from userdb, ",
    ),
    # An account sends viruses until it is locked (Đ7.2b).
    VIRUSES: (r"hanam-agent \S+ sent viruses and is locked",),
    # An index of search is overwritten: Dovecot says so until it is taken away.
    SEARCH_DAMAGED: (
        r"dovecot [\w-]+\(\w+\)<\S+>: Error: fts-flatcurve: .*Database\w*Error: ",
        r"dovecot [\w-]+: Error: terminate called after throwing an instance of 'Xapian::Database\w*Error'$",
        r"dovecot [\w-]+\(\w+\)<\S+>: Fatal: master: service\((imap|indexer-worker)\): child \d+ killed with signal 6 ",
        r"dovecot indexer-worker\(\w+\)<\S+>: (Panic: file lang-tokenizer\.c: |Error: Raw backtrace: )",
        r"dovecot \S+ Error: Mailbox INBOX: indexer failed to index mailbox$",
        r"dovecot indexer-worker\(\w+\)<\S+>: Error: (Mailbox \S+: )?Precache for UID=\d+ failed: ",
        r"hanam-mend-search chỉ mục tìm kiếm của hộp thư \w+ bị hỏng hoặc thiếu: ",
    ),
    # Nobody reads documents while a message is indexed: Dovecot says so, and the index is made again.
    EXTRACTOR_AWAY: (
        r"dovecot indexer-worker\(\w+\)<\S+>: Error: fts_tika: PUT \S+ failed: ",
        r"dovecot \S+ Error: Mailbox INBOX: indexer failed to index mailbox$",
        r"dovecot indexer-worker\(\w+\)<\S+>: Error: (Mailbox \S+: )?Precache for UID=\d+ failed: ",
        r"hanam-mend-search chỉ mục tìm kiếm của hộp thư \w+ bị hỏng hoặc thiếu: ",
        r"systemd hanam-extract\.(service|socket): ",
        r"hanam-watch hanam-extract\.(service|socket) ",
        r"hanam-watch .*\(hanam-extract\.(service|socket)\)",
    ),
    # Documents that take what a reader may take; who comes meanwhile may find every reader busy.
    BOMBS: (
        r"hanam-extract (mọi tiến trình đọc đều bận|một tệp không được đọc|không tạo được tiến trình)",
        r"(systemd|kernel) .*(hanam-extract\.service.*OOM|[Mm]emory cgroup out of memory)",
    ),
    INDEX_LOST: (
        r"dovecot lmtp.*(/u\.\d+ already exists, rebuilding index|Mailbox INBOX: Rebuilding index)$",
        # That message is put off, by whichever script keeps it.
        r"dovecot lmtp.*: Error: sieve: Execution of script \S+ was aborted due to temporary failure",
        # A message whose file is gone, cut or written over.
        r"dovecot (imap|indexer-worker)\(\w+\)<\S+>: Warning: Mailbox Archive: Rebuilding index$",
        r"dovecot (imap|indexer-worker)\(\w+\)<\S+>: Error: sdbox: Corrupted dbox file \S+/u\.2 ",
        r"dovecot (imap|indexer-worker)\(\w+\)<\S+>: Warning: sdbox: Copy of the broken file saved to \S+/u\.2\.broken",
        r"dovecot (imap|indexer-worker)\(\w+\)<\S+>: Warning: Mailbox Archive: Ignoring invalid filename 2\.broken$",
        r"dovecot (imap|indexer-worker)\(\w+\)<\S+>: Error: Mailbox Archive: .*zstd\.read\(\S+/u\.2\): ",
        r"hanam-watch Chỉ mục hoặc thư của một hộp thư bị hỏng \(dovecot\.service\): ",
    ),
    # Whatever tells Postfix how mail has to be encrypted is stopped: mail waits.
    TLS_POLICY_AWAY: (
        _NO_TLS_POLICY,
        r"systemd hanam-tls-policy\.service: ",
        r"hanam-watch hanam-tls-policy\.service ",
        r"hanam-watch .*\((hanam-tls-policy|postfix-mta-sts-resolver)\.(service|socket)\)",
    ),
    # Who counts sessions of TLS is stopped or killed: what Postfix tells meanwhile is lost, or waits.
    TLS_COUNTS_AWAY: (
        r"postfix/\S+ warning: Could not report TLS handshake result to tlsrpt library: ",
        r"systemd hanam-tls-seen\.(service|socket): ",
        r"hanam-watch hanam-tls-seen\.service ",
        r"hanam-watch .*\(hanam-tls-seen\.(service|socket)\)",
    ),
    # A domain's own policy does not name its exchanger.
    FOREIGN_POLICIES: (r"postfix/\S+ warning: MX name '\S+' does not match STS MX pattern for '\S+'$",),
    ZONES: (r"nsd SIGHUP received, reloading\.\.\.$", r"nsd signal received, shutting down"),
}


@dataclass(frozen=True)
class Line:
    """What a host wrote down, when (seconds since the epoch), as '<identifier> <message>'."""

    when: float
    text: str


@dataclass(frozen=True)
class Window:
    """When a test ran, and what it provokes."""

    test: str
    begin: float
    end: float
    groups: frozenset[str]


def lines(lab: Lab, host: str) -> Iterator[Line]:
    """Everything at warning or above since boot."""
    for line in lab.run(
        host, "journalctl --sync; journalctl --no-pager --output=json --priority=warning --boot"
    ).splitlines():
        entry = json.loads(line)
        text = f"{entry.get('SYSLOG_IDENTIFIER', '?')} {entry['MESSAGE']}"
        yield Line(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, text)


def judge(found: Sequence[Line], windows: Sequence[Window]) -> list[str]:
    """The lines that nothing explains, each with the test that ran when it was written."""
    return [f"{_during(line.when, windows)}: {line.text}" for line in found if not _explained(line, windows)]


def _explained(line: Line, windows: Sequence[Window]) -> bool:
    if _matches(ALWAYS, line):
        return True
    groups = {group for group, patterns in KNOWN.items() if _matches(patterns, line)}
    return any(groups & window.groups and window.begin <= line.when <= window.end + LATE for window in windows)


def _matches(patterns: Sequence[str], line: Line) -> bool:
    return any(re.match(pattern, line.text) for pattern in patterns)


def _during(when: float, windows: Sequence[Window]) -> str:
    begun = [window for window in windows if window.begin <= when]
    return begun[-1].test if begun else "before all"


_WINDOWS = pytest.StashKey[list[Window]]()


def windows(config: pytest.Config) -> list[Window]:
    """Those of this run's tests so far, in their order."""
    return config.stash.setdefault(_WINDOWS, [])


def hosts_are_ready(config: pytest.Config) -> None:
    """Note that what roles and boots provoke is over, as if it had been a test."""
    # Hosts that boot begin in no order, and an upgrade starts the database again: who asks for it asks anew.
    provoked = frozenset({CONVERGING, DATABASE_AWAY})
    windows(config).insert(0, Window("before the first test", 0, time.time(), provoked))


@contextmanager
def noted(item: pytest.Item) -> Iterator[None]:
    """Note when the test runs, and what it provokes."""
    begin = time.time()
    try:
        yield
    finally:
        groups = frozenset(group for mark in item.iter_markers("provokes") for group in mark.args)
        windows(item.config).append(Window(item.nodeid, begin, time.time(), groups))
