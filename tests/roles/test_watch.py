"""The operator hears of what is wrong on a host, and daemons that ended or hang are started again (Đ10.5, Đ10.7)."""

import base64
import json
import re
import shlex
import time
import uuid
from collections.abc import Iterator
from functools import partial

import pytest

from tests import journal
from tests.lab import Lab, wait_for

pytestmark = [
    pytest.mark.dieu10,
    pytest.mark.provokes(
        journal.UNITS_FAIL,
        journal.POSTFIX_AWAY,
        journal.DOVECOT_AWAY,
        journal.DATABASE_AWAY,
        journal.DATABASE_HANGS,
        journal.FILTER_AWAY,
        journal.WEBMAIL_AWAY,
        journal.PORT_FULL,
        journal.BACKUP_FAILS,
    ),
]

GROUPS = ("accounts", "quarantine", "mx", "submission", "filter", "mailstore", "webmail", "backup_repository")


def hosts(lab: Lab) -> list[str]:
    return sorted({host for group in GROUPS for host in lab.groups[group]})


def letters(lab: Lab, words: str) -> list[str]:
    """Subjects in the operator's mailbox that contain these words."""
    operator = lab.sql(f"select mail.resolve('{lab.variables['operator_address'].partition('@')[0]}')")
    found = lab.run("mailstore", f"doveadm -f json fetch -u {operator} hdr.subject.utf8 header Subject '{words}'")
    return [" ".join(letter["hdr.subject.utf8"].split()) for letter in json.loads(found or "[]")]


def test_every_unit_that_is_watched_is_there_and_well(lab: Lab) -> None:
    rows = 'json.load(open("/etc/hanam-mail/watch.json"))["units"]'
    names = f"python3 -c 'import json; print(*(row[\"unit\"] for row in {rows}))'"
    for host in hosts(lab):
        shown = lab.run(host, f"systemctl show -p Id -p LoadState -p StartLimitIntervalUSec $({names})").split("\n\n")
        units = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown]
        assert [unit["Id"] for unit in units if unit["LoadState"] != "loaded"] == [], host
        services = [unit for unit in units if unit["Id"].endswith(".service")]
        assert [unit["Id"] for unit in services if unit["StartLimitIntervalUSec"] != "0"] == [], host


def test_the_units_are_hardened_and_the_second_paths_secrets_roots_alone(lab: Lab) -> None:
    lab.run("mx", "systemd-analyze security --threshold=25 --no-pager hanam-watch@timer.service")
    secrets = lab.look_at("mx").file("/etc/hanam-mail/watch.json")
    assert (secrets.user, secrets.mode) == ("root", 0o600)


@pytest.mark.parametrize("group", ["mx", "backup_repository"])
def test_a_unit_that_fails_is_told_once_by_mail_from_every_host(lab: Lab, group: str) -> None:
    unit = f"hanam-test-{uuid.uuid4().hex[:8]}"
    fail = f"systemd-run --quiet --unit={unit} --property=Type=oneshot --no-block false"
    try:
        lab.run(group, fail)
        wait_for(lambda: letters(lab, unit), "the letter to the operator")
        # Neither the next look nor the same failure once more is told again.
        lab.run(group, "systemctl start hanam-watch@timer.service")
        assert unit in lab.run(group, "hanam-mail-watch --list", check=False)
        (letter,) = letters(lab, unit)
        assert letter.startswith(
            f"[{lab.host(group)}.{lab.variables['mail_domain']}] CẦN XỬ LÝ: {unit}.service thất bại"
        )
    finally:
        lab.run(group, f"systemctl reset-failed {unit}.service")


# A chat service of several moods, by the last word of its address; what one look of a host whose mail server refuses
# makes of each, with a state of its own. Prints for each what was posted, whether he was told, and what was said.
WEBHOOK = """
import http.server, json, ssl, subprocess, sys, tempfile, threading, time
posted = []
class Chat(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
        mood = self.path.rpartition("/")[2]
        if mood == "hangs":
            time.sleep(40)
        if mood == "good":
            posted.append(text)
        self.send_response({"busy": 503, "moved": 302}.get(mood, 200))
        self.send_header("Location", "/bi-mat/good")
        self.end_headers()
    do_GET = do_POST
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("", 0), Chat)
server.daemon_threads = True
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("/etc/hanam-mail/tls/public/fullchain.pem", "/etc/hanam-mail/tls/public/privkey.pem")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
config = json.load(open("/etc/hanam-mail/watch.json"))
# Nothing listens there.
config["mail"]["port"] = 1
config["smarthosts"] = []
config["units"] = config["doors"] = []
config["certificates"] = [{"name": "Chứng thư thử", "path": "/khong/co", "days": 1}]
found = {}
for name, mood in [(sys.argv[1], mood) for mood in ("good", "busy", "moved", "hangs")] + [("127.0.0.1", "stranger")]:
    config["webhook"] = f"https://{name}:{server.server_port}/bi-mat/{mood}"
    posted.clear()
    with tempfile.TemporaryDirectory() as folder:
        open(folder + "/config.json", "w").write(json.dumps(config))
        said, began = "", time.monotonic()
        for look in range(2 if mood == "good" else 1):
            line = ["hanam-mail-watch", "--config", folder + "/config.json", "--state", folder]
            said += subprocess.run(line, capture_output=True, text=True, check=True).stdout
        state = json.load(open(folder + "/state.json"))
    told = bool(state["causes"]["certificate:/khong/co"]["told"])
    found[mood] = [len(posted), posted[:1], told, said, time.monotonic() - began]
print(json.dumps(found))
"""


@pytest.mark.bound
def test_a_webhook_tells_when_mail_is_away_and_is_tried_again_when_it_did_not_take_it(lab: Lab) -> None:
    program = base64.b64encode(WEBHOOK.encode()).decode()
    name = f"mx.{lab.variables['mail_domain']}"
    found = json.loads(lab.run("mx", f"echo {program} | base64 -d | python3 - {name}").splitlines()[-1])
    (count, (posted,), told, _, _) = found["good"]
    assert (count, told) == (1, True)
    assert "CẦN XỬ LÝ: " in posted
    assert "- Chứng thư thử: không đọc được /khong/co" in posted
    for mood, kind in {
        "busy": "HTTPError 503",
        "moved": "HTTPError 302",
        "hangs": "TimeoutError",
        "stranger": "URLError",
    }.items():
        count, _, told, said, seconds = found[mood]
        assert (count, told) == (0, False), mood
        assert f"could not be told by webhook: {kind}" in said
        assert seconds < 30, mood
    assert "bi-mat" not in "".join(said for _, _, _, said, _ in found.values())


CRASHES = 7


def _runs(lab: Lab, group: str, unit: str) -> bool:
    return bool(lab.look_at(group).service(f"{unit}.service").is_running)


def test_daemons_that_crash_again_and_again_come_back(lab: Lab) -> None:
    """Đ10.2. systemd gave up after five within ten seconds, and unbound, redis and nginx were down for good."""
    units = {"unbound": "mx", "redis-server": "filter", "nginx": "webmail"}
    for _ in range(CRASHES):
        for unit, group in units.items():
            lab.run(group, f"systemctl kill --signal=KILL --kill-whom=main {unit}.service", check=False)
        time.sleep(0.4)
    for unit, group in units.items():
        wait_for(partial(_runs, lab, group, unit), f"{unit} to run again")
        # A count of its own for the next test, and no letter.
        lab.run(group, f"systemctl reset-failed {unit}")


# The look is made as if the first one, a minute ago, had found these silent.
SILENT = """
import fcntl, json, sys, time
# A look that is under way would write over it.
fcntl.flock(open("/var/lib/hanam-watch/lock", "w"), fcntl.LOCK_EX)
path = "/var/lib/hanam-watch/state.json"
state = json.load(open(path))
state["silent_since"] = {unit: time.time() - 100 for unit in sys.argv[1:]}
state["restarted_at"] = state["silent_start"] = {}
open(path, "w").write(json.dumps(state))
"""


# Under a name of its own: one that is under way had begun before.
LOOK = "systemctl start hanam-watch@test"


# The same, and what it knows then: the next look of the timer may find that it is over.
LOOKED = f"{LOOK} && cat /var/lib/hanam-watch/state.json"


# As if the look before had seen the clock an hour ahead.
SET_BACK = """
import fcntl, json
# A look that is under way would write over it, or be written over.
fcntl.flock(open("/var/lib/hanam-watch/lock", "w"), fcntl.LOCK_EX)
path = "/var/lib/hanam-watch/state.json"
state = json.load(open(path))
state["clock"]["offset"] += 3600
open(path, "w").write(json.dumps(state))
"""


def main_process(lab: Lab, group: str, unit: str) -> str:
    return lab.look_at(group).service(unit).systemd_properties["MainPID"]


def test_the_mail_store_is_started_again_after_the_clock_was_set_back(lab: Lab) -> None:
    """Its processes end themselves then, and it starts no others for minutes."""
    program = base64.b64encode(SET_BACK.encode()).decode()
    look = "systemctl start hanam-watch@timer"
    lab.run("mailstore", look)
    before = main_process(lab, "mailstore", "dovecot")
    lab.run("mailstore", f"echo {program} | base64 -d | python3 -; {look}")
    assert main_process(lab, "mailstore", "dovecot") not in {before, "0"}
    lab.wait_for_agents()


@pytest.fixture
def database_stops_soon(lab: Lab) -> Iterator[None]:
    """The order to stop is given up after seconds, as after a minute elsewhere; then systemd ends what is left."""
    impatient = "/run/systemd/system/postgresql@17-main.service.d/zz-test.conf"
    lab.run(
        "accounts",
        f"mkdir -p $(dirname {impatient}); printf '[Service]\nEnvironment=PGCTLTIMEOUT=3\n' >{impatient};"
        " systemctl daemon-reload",
    )
    yield
    lab.run("accounts", f"rm {impatient}; systemctl daemon-reload; systemctl reset-failed postgresql@17-main")
    lab.outwait_rest()


def test_daemons_that_hang_are_started_again(lab: Lab, database_stops_soon: None) -> None:
    hung = {
        "postgresql@17-main": "accounts",
        "unbound": "mx",
        "rspamd": "filter",
        "clamav-daemon": "filter",
        "dovecot": "mailstore",
        "redis-server": "filter",
        "postfix": "mx",
        "nginx": "webmail",
        "hanam-change-page": "webmail",
        "hanam-spam-page": "webmail",
        "restic-rest-server": "backup_repository",
        "ssh": "backup_repository",
    }
    if lab.look_at("mx").service("hanam-tunnel.service").is_running:
        hung["hanam-tunnel"] = "mx"
    # Started by whoever comes first.
    lab.run("webmail", "systemctl start hanam-change-page hanam-spam-page")
    program = base64.b64encode(SILENT.encode()).decode()
    for host in {lab.host(group) for group in hung.values()}:
        units = [f"{unit}.service" for unit, group in hung.items() if lab.host(group) == host]
        show = f"systemctl show --property=MainPID --value {' '.join(units)}"
        pids = lab.run(host, show).split()
        assert "0" not in pids, host
        for unit in units:
            # Whose sessions are ours.
            whom = "--kill-whom=main" if unit == "ssh.service" else ""
            lab.run(host, f"systemctl kill --signal=STOP {whom} {unit}")
        known = lab.run(host, f"echo {program} | base64 -d | python3 - {' '.join(units)}; {LOOKED}")
        after = lab.run(host, show).split()
        assert [unit for unit, old, new in zip(units, pids, after, strict=True) if new in {old, "0"}] == []
        assert {f"hung:{unit}" for unit in units} <= json.loads(known)["causes"].keys()
    lab.wait_for_agents()


REMEMBERED = "/var/lib/hanam-watch/state.json"


def causes(lab: Lab, group: str) -> dict[str, dict[str, object]]:
    """What a host remembers to be wrong."""
    found: dict[str, dict[str, object]] = json.loads(lab.look_at(group).file(REMEMBERED).content)["causes"]
    return found


def test_a_door_that_hangs_is_told_and_no_session_is_cut_for_it(lab: Lab) -> None:
    before = main_process(lab, "mailstore", "dovecot")
    program = base64.b64encode(SILENT.encode()).decode()
    look = f"echo {program} | base64 -d | python3 - 'Cửa IMAP của kho thư'; {LOOKED}"
    try:
        known = lab.run("mailstore", f"kill -STOP $(pgrep -f dovecot/imap-login); {look}")
    finally:
        lab.run("mailstore", "kill -CONT $(pgrep -f dovecot/imap-login)")
    assert "silent:Cửa IMAP của kho thư" in json.loads(known)["causes"]
    assert main_process(lab, "mailstore", "dovecot") == before


def test_a_port_of_postfix_that_is_full_is_told_and_nobody_is_cut_for_it(lab: Lab) -> None:
    """As many clients as it has processes are greeted and stay; the next ones are not."""
    before = main_process(lab, "mx", "postfix")
    name = "Cửa nhận thư (25)"
    program = base64.b64encode(SILENT.encode()).decode()
    full = base64.b64encode(FULL.encode()).decode()
    look = f"echo {program} | base64 -d | python3 - '{name}'; {LOOKED}"
    known = lab.run("mx", f"echo {full} | base64 -d | python3 - {shlex.quote(look)}")
    assert f"silent:{name}" in json.loads(known)["causes"]
    assert main_process(lab, "mx", "postfix") == before
    lab.run("mx", LOOK)
    assert name not in json.loads(lab.look_at("mx").file(REMEMBERED).content)["silent_since"]


# Whoever is idle is sent away after ten seconds when the port is full; on a busy machine those who speak late, too.
# As many more wait in front of the look, and take their places.
FULL = """
import socket, subprocess, sys, threading
limit = int(subprocess.run(["postconf", "-h", "default_process_limit"], capture_output=True, text=True).stdout)
greeted, over = threading.Semaphore(0), threading.Event()
def stay(client):
    greeting = client.recv(4096)
    if greeting.startswith(b"220"):
        greeted.release()
    while not over.wait(3):
        try:
            client.sendall(b"EHLO client.example\\r\\n")
            if not client.recv(4096):
                return
        except OSError:
            return
clients = [socket.create_connection(("127.0.0.1", 25)) for _ in range(2 * limit)]
for client in clients:
    threading.Thread(target=stay, args=[client], daemon=True).start()
for _ in range(limit):
    assert greeted.acquire(timeout=60)
try:
    subprocess.run(["sh", "-c", sys.argv[1]], check=True)
finally:
    over.set()
    for client in clients:
        client.close()
"""


PHP = "php8.4-fpm.service"


def of_php(lab: Lab, name: str) -> str:
    return lab.look_at("webmail").service(PHP).systemd_properties[name]


def test_a_master_of_php_that_hangs_is_started_again_by_systemd_and_told(lab: Lab) -> None:
    impatient = f"/run/systemd/system/{PHP}.d/zz-test.conf"
    lab.run(
        "webmail",
        f"mkdir -p $(dirname {impatient});"
        f" printf '[Service]\nWatchdogSec=4s\nEnvironment=WATCHDOG_USEC=2400000\n' >{impatient};"
        f" systemctl daemon-reload; systemctl restart {PHP}",
    )
    try:
        before, told = of_php(lab, "MainPID"), of_php(lab, "WatchdogTimestampMonotonic")
        wait_for(lambda: of_php(lab, "WatchdogTimestampMonotonic") != told, "its master to tell that it lives")
        assert of_php(lab, "MainPID") == before
        lab.run("webmail", f"systemctl kill --signal=STOP {PHP}")
        wait_for(lambda: of_php(lab, "MainPID") not in {before, "0"}, "PHP to run again")
        wait_for(lambda: f"hung:{PHP}" in causes(lab, "webmail"), "the watch to know")
    finally:
        lab.run(
            "webmail",
            f"rm {impatient}; systemctl daemon-reload; systemctl restart {PHP}; systemctl reset-failed {PHP}",
        )


def test_php_tells_that_it_lives_soon_after_each_reload(lab: Lab) -> None:
    """Reloads that follow each other, as those of two deployments, are no hang."""
    lab.run("webmail", f"systemctl restart {PHP}")
    before, told = of_php(lab, "MainPID"), of_php(lab, "WatchdogTimestampMonotonic")
    lab.run("webmail", f"systemctl reload {PHP}")
    wait_for(lambda: of_php(lab, "WatchdogTimestampMonotonic") != told, "its master to tell that it lives", seconds=25)
    assert of_php(lab, "MainPID") == before


OF_DEBIAN = re.compile(r"(systemd-\w+|dbus|console-getty|(getty|user|serial-getty)@\S+|unattended-upgrades)\.service")
"""systemd's own have its watchdog; the others sleep, serve an operator's console, or are asked by nobody of ours."""


def test_every_service_that_runs_is_watched(lab: Lab) -> None:
    for host in hosts(lab):
        running = lab.run(host, "systemctl list-units --type=service --state=running --plain --no-legend").splitlines()
        config = json.loads(lab.look_at(host).file("/etc/hanam-mail/watch.json").content)
        watched = {row["unit"] for row in config["units"]}
        others = {line.split()[0] for line in running} - watched
        assert [
            unit for unit in others if not OF_DEBIAN.fullmatch(unit) and not unit.startswith("hanam-watch@")
        ] == [], host


# What is in the mailbox of whoever is on duty, at the foreign provider, oldest first.
DUTY = """
import email, email.policy, json, pathlib
folder = pathlib.Path("/srv/foreign-mail/ngoai.example/truc/new")
files = sorted(folder.glob("*"), key=lambda file: file.stat().st_mtime)
letters = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
print(json.dumps([letter["Subject"] + chr(10) + letter.get_content() for letter in letters]))
"""


def duty(lab: Lab, words: str) -> list[str]:
    """Letters to whoever is on duty that contain these words, once those that were sent have come."""
    wait_for(lambda: "is empty" in lab.run("outside", "postqueue -p"), "the foreign server's queue to be empty")
    program = base64.b64encode(DUTY.encode()).decode()
    letters: list[str] = json.loads(lab.run("outside", f"echo {program} | base64 -d | python3 -"))
    return [letter for letter in letters if words in letter]


# Looks with a state of their own that find a certificate missing, our own mail server away and the smarthost changed as
# the second argument (JSON) says, one after another. Prints whether the operator was told by then, and what was said.
SMARTHOST = """
import json, subprocess, sys, tempfile
config = json.load(open("/etc/hanam-mail/watch.json"))
config["mail"]["port"] = 1
(server,) = config["smarthosts"]
config["units"] = config["doors"] = config["dates"] = config["ages"] = config["backups"] = config["lines"] = []
config["certificates"] = [{"name": sys.argv[1], "path": "/khong/co", "days": 1}]
with tempfile.TemporaryDirectory() as folder:
    for change in json.loads(sys.argv[2]):
        config["smarthosts"] = [server | change]
        open(folder + "/config.json", "w").write(json.dumps(config))
        line = ["hanam-mail-watch", "--config", folder + "/config.json", "--state", folder]
        said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
        state = json.load(open(folder + "/state.json"))
        print(json.dumps([bool(state["causes"]["certificate:/khong/co"]["told"]), said]))
"""


def by_smarthost(lab: Lab, name: str, *changes: dict[str, object]) -> list[tuple[bool, str]]:
    """A look for each change of the smarthost, one after another: whether he was told by then, and what was said."""
    program = base64.b64encode(SMARTHOST.encode()).decode()
    line = f"echo {program} | base64 -d | python3 - {name} '{json.dumps(changes)}'"
    return [(told, said) for told, said in map(json.loads, lab.run("mx", line).splitlines())]


@pytest.mark.provokes(journal.REFUSED_SIGN_IN, journal.BAD_CLIENTS)
def test_a_smarthost_that_refuses_is_tried_again_and_never_spoken_to_in_clear(lab: Lab) -> None:
    name = f"thu-{uuid.uuid4().hex[:8]}"
    with lab.stopped("outside", "postfix"):
        (away,) = by_smarthost(lab, f"{name}-nghi", {})
    wrong, stranger, right, again = by_smarthost(
        lab, name, {"password": "Sai@12345"}, {"tls_name": "acme.ngoai.example"}, {}, {}
    )
    for (told, said), kind in (
        (away, "ConnectionRefusedError"),
        (wrong, "SMTPAuthenticationError 535"),
        (stranger, "SSLCertVerificationError"),
    ):
        assert not told, kind
        assert f"the operator could not be told by smarthost: {kind}" in said
    assert (right[0], again[0]) == (True, True)
    assert len(duty(lab, name)) == 1
    # A server, or somebody between, that offers no TLS.
    lab.run("outside", "printf '0.0.0.0/0 starttls\\n::/0 starttls\\n' >/etc/postfix/discard_ehlo")
    try:
        ((told, said),) = by_smarthost(lab, f"{name}-ro", {})
    finally:
        lab.run("outside", ": >/etc/postfix/discard_ehlo")
    assert (told, "by smarthost: SMTPNotSupportedError" in said) == (False, True)
    assert duty(lab, f"{name}-ro") == []


# Makes all that is known older, so that nobody waits for a grace or for the end of a cause.
OLDER = """
import fcntl, json, sys
fcntl.flock(open("/var/lib/hanam-watch/lock", "w"), fcntl.LOCK_EX)
path = "/var/lib/hanam-watch/state.json"
state = json.load(open(path))
for cause, entry in state["causes"].items():
    if sys.argv[1] in cause:
        entry["since"] -= 4000
        entry["seen"] -= 4000
open(path, "w").write(json.dumps(state))
"""


def test_who_is_on_duty_hears_by_the_smarthost_that_mail_is_down_once_and_that_it_is_over(lab: Lab) -> None:
    older = f"echo {base64.b64encode(OLDER.encode()).decode()} | base64 -d | python3 - down:postfix"
    text = "- Chuyển thư (postfix.service) không chạy"
    before = len(duty(lab, text))
    with lab.stopped("mx", "postfix"):
        lab.run("mx", f"{LOOK}; {older}; {LOOK}; {LOOK}")
        (letter,) = duty(lab, text)[before:]
    assert f"Cần xử lý:\n{text}" in letter
    lab.run("mx", f"{LOOK}; {older}; {LOOK}; {LOOK}")
    (letter,) = duty(lab, text)[before + 1 :]
    assert text in letter.partition("Đã hết:")[2]
