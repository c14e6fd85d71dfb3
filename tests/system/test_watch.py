"""The operator hears of what is wrong on a host, and daemons that ended or hang are started again (Đ10.5, Đ10.7)."""

import base64
import json
import time
import uuid
from functools import partial

import pytest

from tests.lab import Lab, wait_for

pytestmark = pytest.mark.dieu10

GROUPS = ("accounts", "mx", "submission", "filter", "mailstore", "webmail", "backup_repository")


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
    assert lab.run("mx", "stat -c '%U %a' /etc/hanam-mail/watch.json").split() == ["root", "600"]


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


# A chat service, and two looks of a host whose mail server refuses, with a state of their own. Prints what was posted.
WEBHOOK = """
import http.server, json, subprocess, sys, tempfile, threading
posted = []
class Chat(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        self.send_response(200); self.end_headers()
    def log_message(self, *words): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Chat)
threading.Thread(target=server.serve_forever, daemon=True).start()
config = json.load(open("/etc/hanam-mail/watch.json"))
config["webhook"] = f"http://127.0.0.1:{server.server_port}/bi-mat-cua-webhook"
# Nothing listens there.
config["mail"]["port"] = 1
config["certificates"] = [{"name": "Chứng thư thử", "path": "/khong/co", "days": 1}]
with tempfile.TemporaryDirectory() as folder:
    open(folder + "/config.json", "w").write(json.dumps(config))
    for look in range(2):
        line = ["hanam-mail-watch", "--config", folder + "/config.json", "--state", folder]
        said = subprocess.run(line, capture_output=True, text=True, check=True)
        assert "bi-mat" not in said.stdout + said.stderr
print(json.dumps(posted))
"""


def test_a_second_path_tells_when_mail_is_away(lab: Lab) -> None:
    program = base64.b64encode(WEBHOOK.encode()).decode()
    (posted,) = json.loads(lab.run("mx", f"echo {program} | base64 -d | python3 -").splitlines()[-1])
    assert "CẦN XỬ LÝ: " in posted
    assert "- Chứng thư thử: không đọc được /khong/co" in posted


CRASHES = 7


def _runs(lab: Lab, group: str, unit: str) -> bool:
    return lab.run(group, f"systemctl is-active {unit}", check=False).strip() == "active"


def test_daemons_that_crash_again_and_again_come_back(lab: Lab) -> None:
    """systemd gave up after five within ten seconds; unbound, redis and nginx stayed down until somebody came."""
    units = {"unbound": "mx", "redis-server": "filter", "nginx": "webmail"}
    for _ in range(CRASHES):
        for unit, group in units.items():
            lab.run(group, f"systemctl kill --signal=KILL --kill-whom=main {unit}.service", check=False)
        time.sleep(0.4)
    for unit, group in units.items():
        wait_for(partial(_runs, lab, group, unit), f"{unit} to run again")
        # A count of its own for the next test, and no letter.
        lab.run(group, f"systemctl reset-failed {unit}")


# The look is made as if the first one, a minute ago, had found these silent; prints how long the restart took.
SILENT = """
import json, subprocess, sys, time
path = "/var/lib/hanam-watch/state.json"
state = json.load(open(path))
state["silent_since"] = {unit: time.time() - 100 for unit in sys.argv[1:]}
open(path, "w").write(json.dumps(state))
"""


# As if the look before had seen the clock an hour ahead.
SET_BACK = """
import json
path = "/var/lib/hanam-watch/state.json"
state = json.load(open(path))
state["clock"]["offset"] += 3600
open(path, "w").write(json.dumps(state))
"""


def test_the_mail_store_is_started_again_after_the_clock_was_set_back(lab: Lab) -> None:
    """Its processes end themselves then, and it starts no others for minutes."""
    program = base64.b64encode(SET_BACK.encode()).decode()
    look, pid = "systemctl start hanam-watch@timer", "systemctl show --property=MainPID --value dovecot"
    before = lab.run("mailstore", f"{look}; {pid}")
    lab.run("mailstore", f"echo {program} | base64 -d | python3 -; {look}")
    assert lab.run("mailstore", pid) not in {before, "0\n"}
    lab.wait_for_agents()


def test_daemons_that_hang_are_started_again(lab: Lab) -> None:
    hung = {
        "unbound": "mx",
        "rspamd": "filter",
        "clamav-daemon": "filter",
        "dovecot": "mailstore",
        "redis-server": "filter",
    }
    program = base64.b64encode(SILENT.encode()).decode()
    for host in {lab.host(group) for group in hung.values()}:
        units = [f"{unit}.service" for unit, group in hung.items() if lab.host(group) == host]
        pids = lab.run(host, f"systemctl show --property=MainPID --value {' '.join(units)}").split()
        lab.run(host, f"systemctl kill --signal=STOP {' '.join(units)}")
        lab.run(host, f"echo {program} | base64 -d | python3 - {' '.join(units)}; systemctl start hanam-watch@timer")
        after = lab.run(host, f"systemctl show --property=MainPID --value {' '.join(units)}").split()
        assert [unit for unit, old, new in zip(units, pids, after, strict=True) if new in {old, "0"}] == []
    lab.wait_for_agents()
