"""The backup's units, the repository that forgets nothing for its clients, and its upkeep (Đ10.2, Đ10.7)."""

import base64
import json

import pytest
from testinfra.host import Host

from tests import journal
from tests.lab import Lab, Sample, wait_for

pytestmark = [
    pytest.mark.dieu10,
    pytest.mark.usefixtures("no_timed_backup"),
    pytest.mark.provokes(journal.BACKUP_FAILS),
]

CLIENT_FILES = "/etc/hanam-mail/backup"
SERVER_FILES = "/etc/hanam-mail/backup-repository"

# Asks the repository's server by this host's own account: method, path, what to say instead of the password.
ASK = """
import base64, http.client, json, ssl, sys, urllib.parse
method, path, password = sys.argv[1:]
url = urllib.parse.urlsplit(open("/etc/hanam-mail/backup/repository").read().strip().removeprefix("rest:"))
context = ssl.create_default_context(cafile="/etc/hanam-mail/tls/internal/ca.pem")
connection = http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=10)
login = base64.b64encode(f"{url.username}:{password or url.password}".encode()).decode()
headers = {"Authorization": "Basic " + login, "Accept": "application/vnd.x.restic.rest.v2"}
connection.request(method, path.replace("~/", url.path), b"x" if method == "POST" else None, headers)
answer = connection.getresponse()
print(json.dumps([answer.status, answer.read().decode(errors="replace")]))
"""


def python(lab: Lab, group: str, program: str, *arguments: str) -> str:
    """Run a Python program on a host."""
    encoded = base64.b64encode(program.encode()).decode()
    words = " ".join(f"'{argument}'" for argument in arguments)
    return lab.run(group, f"echo {encoded} | base64 -d | python3 - {words}")


def ask(lab: Lab, method: str, path: str, password: str = "") -> tuple[int, str]:
    status, body = json.loads(python(lab, "mailstore", ASK, method, path, password))
    return status, body


@pytest.fixture(scope="module")
def backed_up(lab: Lab) -> str:
    return lab.run("mailstore", "hanam-mail-backup")


@pytest.mark.neighbours
def test_timers_run_on_both_sides(mailstore_host: Host, backup_repository_host: Host) -> None:
    assert mailstore_host.service("hanam-backup.timer").is_running
    assert mailstore_host.service("hanam-backup.timer").is_enabled
    for timer in ("hanam-backup-prune.timer", "hanam-backup-check.timer"):
        assert backup_repository_host.service(timer).is_running
        assert backup_repository_host.service(timer).is_enabled


@pytest.mark.parametrize("name", ["password", "repository", "config.json"])
def test_only_root_reads_the_clients_secrets(mailstore_host: Host, name: str) -> None:
    file = mailstore_host.file(f"{CLIENT_FILES}/{name}")
    assert (file.user, file.mode) == ("root", 0o600)


@pytest.mark.parametrize(
    ("group", "unit"),
    [
        ("mailstore", "hanam-backup.service"),
        ("backup_repository", "restic-rest-server.service"),
        ("backup_repository", "hanam-backup-maintain@prune.service"),
    ],
)
def test_units_are_hardened(lab: Lab, group: str, unit: str) -> None:
    lab.run(group, f"systemd-analyze security --threshold=20 --no-pager {unit}")


@pytest.mark.neighbours
def test_a_backup_tells_what_it_saved_and_status_repeats_it(lab: Lab, backed_up: str) -> None:
    snapshot = backed_up.split()[3]
    shown = lab.run("mailstore", "hanam-mail-backup --status")
    assert f"Snapshot {snapshot}:" in shown
    assert f"latest: {snapshot}" in shown


# Of each database a table that is never empty.
TABLES = {"mail": "mail.mailbox", "webmail": "users"}


def rows(lab: Lab, database: str, table: str) -> str:
    return lab.run("accounts", f"psql -h /run/postgresql -U postgres -Atc 'select count(*) from {table}' {database}")


@pytest.fixture(scope="module")
def databases_saved(lab: Lab) -> dict[str, str]:
    """By database how many rows its table has in the backup: a test may make mailboxes soon afterwards."""
    saved = {database: rows(lab, database, table) for database, table in TABLES.items()}
    lab.run("accounts", "hanam-mail-backup")
    return saved


@pytest.mark.neighbours
@pytest.mark.dieu7
def test_a_restored_accounts_database_tells_which_locks_it_would_undo(
    lab: Lab, person: Sample, databases_saved: dict[str, str]
) -> None:
    address, name = person.address, "hanam_test_locks"
    restore = f"hanam-mail-restore --database mail --into {name} --document 12/STTTT"
    again = f"hanam-mail-db lock {address} --reason compromised --note 'thu khoa'"
    listed = "psql -h /run/postgresql -U postgres -Atc 'select datname from pg_database'"
    try:
        lab.run("accounts", again)
        said = lab.run("accounts", f"{restore} 2>&1 </dev/null; echo exit $?")
        assert f"{address}: tạm khóa (compromised), người thực hiện ops" in said
        assert again in said
        assert "--yes" in said and said.rstrip().endswith("exit 7")
        assert name not in lab.run("accounts", listed).split()
        assert again in lab.run("accounts", f"{restore} --yes")
        assert name in lab.run("accounts", listed).split()
    finally:
        lab.run("accounts", f"dropdb -h /run/postgresql -U postgres --if-exists {name}")


@pytest.mark.neighbours
def test_databases_are_in_the_backup(lab: Lab, databases_saved: dict[str, str]) -> None:
    """Đ10.7."""
    name = "hanam_test_restore"
    for database, table in TABLES.items():
        try:
            # What other tests locked since would be undone by it, which --yes agrees to.
            lab.run("accounts", f"hanam-mail-restore --database {database} --into {name} --document 12/STTTT --yes")
            assert rows(lab, name, table) == databases_saved[database]
        finally:
            lab.run("accounts", f"dropdb -h /run/postgresql -U postgres --if-exists {name}")


@pytest.mark.neighbours
def test_queue_sealed_files_and_what_the_filter_learnt_are_in_the_backup(lab: Lab) -> None:
    # There is no way to that address, so the message waits.
    lab.run("mx", "printf 'Subject: cho\\n\\nThu.\\n' | sendmail -f postmaster@hanam.gov.vn 'ai@[192.0.2.1]'")

    def waits() -> str | None:
        lines = lab.run("mx", "postqueue -j").splitlines()
        found = [entry for entry in map(json.loads, lines) if "[192.0.2.1]" in str(entry["recipients"])]
        return found[0]["queue_id"] if found and found[0]["queue_name"] == "deferred" else None

    queue_id = wait_for(waits, "a deferred message")
    try:
        wanted = {"mx": f"/{queue_id}", "accounts": ".age", "filter": "/var/lib/redis/dump.rdb"}
        for host in {lab.host(group) for group in wanted}:
            lab.run(host, "hanam-mail-backup")
            listed = lab.run("backup_repository", f"hanam-backup-restic {host} ls latest --tag full").split()
            for group, name in wanted.items():
                if lab.host(group) == host:
                    assert [path for path in listed if path.endswith(name)], name
        place = "/root/hanam-test-queue"
        lab.run("mx", f"hanam-mail-restore --files /var/spool/postfix --into {place} --document 12/STTTT")
        shown = lab.run("mx", f"postcat $(find {place} -name {queue_id}); rm -r {place}")
        assert "Subject: cho" in shown
        journal = "/var/lib/hanam-backup/dumps"
        lab.run("mailstore", f"hanam-mail-restore --files {journal} --into {place} --document 12/STTTT")
        assert "dovecot" in lab.run("mailstore", f"cut -d ' ' -f 3 {place}/journal.log; rm -r {place}")
    finally:
        lab.run("mx", f"postsuper -d {queue_id}")


@pytest.mark.neighbours
def test_indexes_of_search_are_in_no_backup(lab: Lab, person: Sample) -> None:
    with lab.imap(person.address, person.password) as client:
        assert client.append("Archive", "", "", b"Subject: x\r\n\r\nx\r\n")[0] == "OK"
        client.select("Archive")
        assert client.search(None, "BODY", "x")[1] == [b"1"]
    host, home = lab.host("mailstore"), f"/srv/mail/{person.mailbox[:2]}/{person.mailbox}"
    assert lab.run("mailstore", f"find {home} -name fts-flatcurve").strip()
    lab.run("mailstore", "hanam-mail-backup")
    listed = lab.run("backup_repository", f"hanam-backup-restic {host} ls latest --tag full {home} --recursive")
    assert "/sdbox/mailboxes/Archive/" in listed
    assert "fts-flatcurve" not in listed


@pytest.mark.neighbours
def test_secrets_are_in_no_command_line_or_environment(lab: Lab, backed_up: str) -> None:
    password = lab.variables["vault_restic_password"]
    account = lab.variables["vault_restic_http"]["password"]
    seen = lab.run(
        "mailstore",
        "systemctl start hanam-backup.service & "
        "while kill -0 $! 2>/dev/null; do "
        "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; sleep 0.2; done; "
        "wait $! || exit; journalctl --sync; journalctl -u hanam-backup.service --no-pager",
    )
    assert "/usr/bin/restic" in seen
    assert password not in seen
    assert account not in seen


# Seconds until the failed backup is tried again.
RETRY = """
import json, subprocess, time
shown = subprocess.check_output(["systemctl", "list-timers", "--output=json", "hanam-backup-retry.timer"])
print(json.loads(shown)[0]["next"] / 1e6 - time.time())
"""


@pytest.mark.neighbours
def test_an_unreachable_repository_is_an_error_in_the_journal(lab: Lab) -> None:
    since = lab.run("mailstore", "date '+%F %T'").strip()
    try:
        with lab.stopped("backup_repository", "restic-rest-server"):
            failed = lab.run("mailstore", "hanam-mail-backup 2>&1; echo exit $?")
            assert "cannot be reached" in failed
            assert failed.rstrip().endswith("exit 1")
        # A unit of its own says it, which systemd starts once the backup has failed.
        wait_for(
            lambda: lab.run(
                "mailstore",
                f"journalctl --sync; journalctl -p err -t hanam-watch --since '{since}' -o cat"
                " | grep 'Sao lưu thất bại' | cat",
            ),
            "the error in the journal",
        )
        # The next time of the schedule is hours away.
        left = python(lab, "mailstore", RETRY)
        assert 0 < float(left) <= 15 * 60
    finally:
        # What failed on purpose must not stay in the list of failed units, nor be tried again during other tests.
        lab.run(
            "mailstore",
            "systemctl stop hanam-backup-retry.timer; systemctl reset-failed hanam-backup.service; hanam-mail-backup",
        )


def test_check_finds_the_repositories_whole(lab: Lab, backed_up: str) -> None:
    since = lab.run("backup_repository", "date '+%F %T'").strip()
    lab.run("backup_repository", "systemctl start hanam-backup-maintain@check.service")
    said = lab.run(
        "backup_repository",
        f"journalctl --sync; journalctl -u hanam-backup-maintain@check --since '{since}' --no-pager",
    )
    assert "no errors were found" in said


# A repository of its own below a temporary folder; the maintenance program runs on it as on the real ones.
REPOSITORY = """
import datetime as dt, json, os, subprocess, sys, tempfile
from pathlib import Path
ages = [int(age) for age in sys.argv[1:]]
with tempfile.TemporaryDirectory() as name:
    root = Path(name)
    (root / "password").write_text("thu")
    (root / "file").write_text("thu")
    repository = root / "u" / "h"
    settings = json.loads(Path("/etc/hanam-mail/backup-repository/settings.json").read_text())
    (root / "settings.json").write_text(json.dumps(settings | {"root": name}))
    os.environ |= {"RESTIC_PASSWORD_FILE": name + "/password", "RESTIC_CACHE_DIR": name + "/cache",
                   "CREDENTIALS_DIRECTORY": name}
    def restic(*arguments):
        return subprocess.check_output(["restic", "-q", "-r", str(repository), *arguments], text=True)
    restic("init")
    for age in ages:
        time = (dt.datetime.now() - dt.timedelta(days=age)).strftime("%Y-%m-%d %H:%M:%S")
        restic("backup", "--time", time, "--tag", "full", str(root / "file"))
    done = subprocess.run(["/usr/local/sbin/hanam-backup-maintain", "prune"], capture_output=True, text=True)
    left = json.loads(restic("snapshots", "--json"))
    print(json.dumps([done.returncode, done.stdout + done.stderr, len(left)]))
"""


def test_prune_forgets_the_old_and_keeps_everything_recent(lab: Lab) -> None:
    # Ten in the last fortnight, two of one day two years ago, one of ten years ago.
    ages = [*(str(day) for day in range(10)), "700", "700", "3650"]
    status, said, left = json.loads(python(lab, "backup_repository", REPOSITORY, *ages))
    assert (status, left) == (0, 11), said


def test_prune_forgets_nothing_when_a_snapshot_claims_a_time_to_come(lab: Lab) -> None:
    status, said, left = json.loads(python(lab, "backup_repository", REPOSITORY, "3650", "0", "-2"))
    assert (status, left) == (1, 3), said
    assert "from the future" in said
