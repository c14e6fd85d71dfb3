"""The public directory on the webmail's host (Đ11.5): what everybody sees, who makes it, and what it outlives."""

import csv
import http.client
import io
import json
import time
from urllib.parse import quote

import pytest
from testinfra.host import Host

from tests import journal
from tests.lab import Lab, Sample, wait_for
from tests.roles.test_roundcube import Connection

pytestmark = pytest.mark.dieu11

MAKER, SEARCH = "hanam-directory.service", "hanam-directory-search.service"
STATE = "/var/lib/hanam-directory"
PATH = "/danh-ba/"
MINUTES = 200.0
"""Seconds within which a change is seen: two minutes, a quarter more for the timer, and what a busy machine needs."""
TRIES = """
import http.client, socket, ssl, sys
context = ssl._create_unverified_context()
class Site(http.client.HTTPSConnection):
    def connect(self):
        self.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", 443)), server_hostname=self.host)
site = Site(sys.argv[1])
found = {}
for _ in range(int(sys.argv[3])):
    site.request("GET", sys.argv[2])
    answer = site.getresponse()
    answer.read()
    found[answer.status] = found.get(answer.status, 0) + 1
print(found)
"""
"""Asks nginx on its own host: 127.0.0.1 is none of the province's networks."""


class Reader:
    """Somebody without an account."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.name = f"mail.{lab.variables['mail_domain']}"

    def ask(self, path: str) -> tuple[http.client.HTTPResponse, str]:
        site = Connection(self.lab.address("webmail"), self.name, self.lab.ssl_context)
        site.request("GET", f"{PATH}{path}")
        answer = site.getresponse()
        text = answer.read().decode("utf-8-sig")
        site.close()
        return answer, text

    def find(self, typed: str) -> str:
        answer, text = self.ask(f"tim?q={quote(typed)}")
        assert answer.status == 200
        return text


@pytest.fixture
def citizen(lab: Lab) -> Reader:
    return Reader(lab)


@pytest.fixture
def shown(lab: Lab, webmail_host: Host, person: Sample) -> Sample:
    """An official who stands in the directory."""
    webmail_host.check_output(f"systemctl start {MAKER}")
    return person


def test_the_index_leads_to_every_form_of_an_agencys_list(citizen: Reader) -> None:
    answer, index = citizen.ask("")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<a href="/danh-ba/co-quan/stttt.html">Sở Thông tin và Truyền thông</a>' in index
    kinds = {"html": "text/html", "csv": "text/csv", "json": "application/json", "vcf": "text/vcard"}
    for ending, kind in kinds.items():
        answer, text = citizen.ask(f"co-quan/stttt.{ending}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
        assert "nguyenthithanhha@hanam.gov.vn" in text.replace("<wbr>", "")
        assert "Nguyễn Thị Thanh Hà" in text
    table = list(csv.reader(io.StringIO(citizen.ask("co-quan/stttt.csv")[1], newline="")))
    assert {len(row) for row in table} == {4}
    assert {tuple(entry) for entry in json.loads(citizen.ask("co-quan/stttt.json")[1])["hop_thu"]} == {
        ("loai", "ten", "chuc_vu", "dia_chi")
    }


def test_nothing_of_it_runs_a_script_or_is_from_elsewhere(citizen: Reader) -> None:
    for path in ("", "co-quan/stttt.html", "tim?q=ha", "khong-co-that"):
        answer, text = citizen.ask(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "set-cookie" not in answer.headers
        assert "<script" not in text
        assert "http" not in text.replace("https://mail.", "")


def test_what_is_not_there_is_said_in_vietnamese(citizen: Reader) -> None:
    for path in ("co-quan/khongco.html", "co-quan/", "entries.json", "made.json", "co-quan/stttt.txt"):
        answer, text = citizen.ask(path)
        assert answer.status in (403, 404)
        assert "Không có trang này" in text


@pytest.mark.neighbours
def test_somebody_is_found_without_accents_and_without_scripts(citizen: Reader) -> None:
    for typed in ("nguyen thi thanh ha", "Thanh Hà thông tin truyền thông", "thanhha"):
        assert "nguyenthithanhha@hanam.gov.vn" in citizen.find(typed)
    assert "Không tìm thấy" in citizen.find("khongaicoten")


@pytest.mark.neighbours
def test_who_is_locked_is_gone_from_all_of_it_within_minutes_and_comes_back(
    citizen: Reader, accounts_host: Host, webmail_host: Host, shown: Sample
) -> None:
    address = shown.address

    def found() -> bool:
        # What was typed stands on the page either way.
        return f"mailto:{address}" in citizen.find(address)

    assert found()
    accounts_host.check_output("hanam-mail-db lock %s --reason compromised --note thử", address)
    try:
        wait_for(lambda: not found(), "the locked mailbox to be gone", MINUTES)
        webmail_host.run_expect([1], f"grep -rqF {address} {STATE}/current/")
    finally:
        accounts_host.check_output("hanam-mail-db correct %s --of-person --note 'thử xong'", address)
    wait_for(found, "the unlocked mailbox to be shown", MINUTES)


@pytest.mark.neighbours
@pytest.mark.provokes(journal.DATABASE_AWAY)
def test_with_the_database_away_the_last_directory_stays_and_says_its_date(
    lab: Lab, citizen: Reader, webmail_host: Host
) -> None:
    webmail_host.check_output(f"systemctl start {MAKER}")
    before = citizen.ask("co-quan/stttt.html")[1]
    with lab.stopped("accounts", "postgresql@17-main"):
        # A restart of the database is no fault; ten minutes without it are.
        webmail_host.check_output(f"systemctl start {MAKER}")
        webmail_host.check_output("touch -d '11 minutes ago' /run/hanam-directory/unanswered")
        assert webmail_host.run(f"systemctl start {MAKER}").rc != 0
        assert citizen.ask("co-quan/stttt.html")[1] == before
        assert "nguyenthithanhha" in citizen.find("thanh ha")
    assert "Danh bạ lập lúc " in before
    webmail_host.check_output(f"systemctl start {MAKER}")


def test_a_run_that_finds_nothing_new_writes_nothing(webmail_host: Host) -> None:
    webmail_host.check_output(f"systemctl start {MAKER}")
    before = webmail_host.check_output(f"readlink {STATE}/current; ls {STATE}")
    webmail_host.check_output(f"systemctl start {MAKER}")
    assert webmail_host.check_output(f"readlink {STATE}/current; ls {STATE}") == before
    # Where the link leads, the newest, the one before, the link.
    assert len(before.split()) <= 4


def test_who_asks_too_fast_is_told_to_wait_and_the_provinces_own_networks_are_not(
    citizen: Reader, webmail_host: Host
) -> None:
    def asked(path: str, times: int) -> str:
        return webmail_host.check_output("python3 -c %s %s %s %s", TRIES, citizen.name, PATH + path, str(times))

    assert "429" in asked("co-quan/stttt.html", 150)
    assert "429" in asked("tim?q=ha", 60)
    assert "429" not in asked("tinh/directory.css", 150)
    assert {citizen.ask("co-quan/stttt.html")[0].status for _ in range(90)} == {200}


def test_a_search_that_nobody_answers_leads_back_to_the_lists(lab: Lab, citizen: Reader) -> None:
    with lab.stopped("webmail", "hanam-directory-search.socket", SEARCH):
        answer, text = citizen.ask("tim?q=ha")
        assert answer.status == 502
        assert 'href="/danh-ba/"' in text
        assert citizen.ask("co-quan/stttt.html")[0].status == 200
    assert "nguyenthithanhha" in citizen.find("thanh ha")


def test_what_was_searched_for_stands_in_no_log(lab: Lab, citizen: Reader, webmail_host: Host) -> None:
    mark = f"bimat{time.time_ns()}"
    citizen.find(mark)
    # Also where it is refused, and where nobody answers.
    asked = webmail_host.check_output("python3 -c %s %s %s 60", TRIES, citizen.name, f"{PATH}tim?q={mark}")
    assert "429" in asked
    with lab.stopped("webmail", "hanam-directory-search.socket", SEARCH):
        assert citizen.ask(f"tim?q={mark}")[0].status == 502
    webmail_host.run_expect([1], f"grep -rqF {mark} /var/log/nginx")
    assert mark not in webmail_host.check_output(f"journalctl -u nginx -u {SEARCH} --since -5min --no-pager")


@pytest.mark.parametrize("unit", [MAKER, SEARCH])
def test_the_units_are_confined_and_their_failure_is_told(webmail_host: Host, unit: str) -> None:
    webmail_host.check_output(f"systemd-analyze security --threshold=20 --no-pager {unit}")
    assert webmail_host.service(unit).systemd_properties["OnFailure"] == f"hanam-watch@{unit}.service"


def test_it_is_made_again_by_itself_and_at_boot(webmail_host: Host) -> None:
    for unit in ("hanam-directory.timer", "hanam-directory-search.socket"):
        assert (webmail_host.service(unit).is_running, webmail_host.service(unit).is_enabled) == (True, True)


def test_the_web_server_alone_reaches_the_search_and_writes_no_page(webmail_host: Host) -> None:
    socket = webmail_host.file("/run/hanam-directory-search.sock")
    assert (socket.user, socket.mode) == ("www-data", 0o600)
    owners = webmail_host.check_output(f"find {STATE}/ -printf '%u %m %y\\n' | sort -u").splitlines()
    assert owners == ["hanam-directory 644 f", "hanam-directory 755 d", "hanam-directory 777 l"]


def test_the_password_of_the_role_is_the_makers_alone(lab: Lab, webmail_host: Host) -> None:
    file = webmail_host.file("/etc/hanam-mail/directory/pgpass")
    assert file.exists == (lab.host("webmail") != lab.host("accounts"))
    if file.exists:
        assert (file.user, file.mode) == ("hanam-directory", 0o600)
    assert "password" not in webmail_host.check_output(f"systemctl cat {MAKER}")
