"""The address book by CardDAV on the webmail's host: what a program finds there, for whom, and that nobody writes."""

import pytest
from testinfra.host import Host

from tests import journal
from tests.carddav import PATH, Program
from tests.lab import Lab, Sample
from tests.mail.accounts import forget_failures

JOB, GATE, SERVER = "hanam-carddav", "hanam-carddav-gate", "hanam-radicale"
CARDS = "/var/lib/hanam-carddav"
HOME = f"{PATH}co-quan/"
# Past nginx, as its user: what Radicale itself lets be done.
DIRECTLY = """
import http.client, socket, sys
class Site(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/hanam-radicale.sock")
for method in sys.argv[2:]:
    site = Site("x")
    site.request(method, sys.argv[1], "BEGIN:VCARD", {"X-Remote-User": "co-quan", "Destination": "http://x/co-quan/y"})
    print(site.getresponse().status)
"""
CONFINED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
WRITING = ("PUT", "DELETE", "MKCOL", "MKCALENDAR", "PROPPATCH", "MOVE")


@pytest.fixture
def reader(lab: Lab, person: Sample, webmail_host: Host) -> Program:
    webmail_host.check_output(f"systemctl start {JOB}")
    return Program(lab, person.address, person.password)


@pytest.mark.neighbours
def test_a_program_finds_the_books_and_fetches_only_what_changed(
    lab: Lab, colleague: Sample, reader: Program, person: Sample, accounts_host: Host, webmail_host: Host
) -> None:
    others = Program(lab, colleague.address, colleague.password)
    moved = reader.ask("PROPFIND", "/.well-known/carddav")
    assert (moved.status, moved.headers["Location"]) == (301, f"https://mail.{lab.variables['mail_domain']}{PATH}")
    assert reader.properties(PATH, "d:current-user-principal").one("d:current-user-principal/d:href") == HOME
    assert reader.properties(HOME, "c:addressbook-home-set").one("c:addressbook-home-set/d:href") == HOME
    listed = reader.properties(HOME, "d:resourcetype d:displayname d:current-user-privilege-set", depth="1")
    assert "Sở Thông tin và Truyền thông" in listed.all("d:displayname")
    assert len(listed.all("c:addressbook")) == len(listed.all("d:response")) - 1  # all but the home
    assert "calendar" not in listed.text + listed.headers["DAV"]
    assert listed.all("d:write") + listed.all("d:write-content") == []
    # A card is called by its mailbox, its book by the agency.
    mine = f"{person.mailbox}.vcf"
    book = f"{HOME}{lab.sql(f"select agency_id from mail.mailbox where id = '{person.mailbox}'").strip()}/"
    assert book in listed.all("d:href")
    first = reader.changes(book)
    assert f"{book}{mine}" in first.all("d:href")
    card = reader.cards(book, f"{book}{mine}").one("c:address-data").splitlines()
    assert {f"FN:{person.name}", f"UID:{person.mailbox}"} <= set(card)
    assert any(line.endswith(f":{person.address}") for line in card)
    # Somebody who is locked leaves it with the next run, and comes back as the same one.
    before = webmail_host.check_output(f"find {CARDS} -name '*.vcf' -printf '%i %p\n' | sort")
    accounts_host.check_output("hanam-mail-db lock %s --reason compromised --note thử", person.address)
    try:
        webmail_host.check_output(f"systemctl start {JOB}")
        # Another spelling of the name is asked about anew: who was let in is remembered for a minute.
        shut = Program(lab, person.address.upper(), person.password).ask("PROPFIND")
        assert (shut.status, "[locked:compromised]" in shut.text) == (403, True)
        assert shut.headers.get_all("Content-Security-Policy") == [CONFINED]
        gone = webmail_host.check_output(f"find {CARDS} -name '*.vcf' -printf '%i %p\n' | sort")
        assert [line for line in before.splitlines() if line not in gone] == [
            line for line in before.splitlines() if line.endswith(f"/{mine}")
        ]
        later = others.changes(book, first.one("d:sync-token"))
        assert later.all("d:response/d:href") == [f"{book}{mine}"]
        assert "404" in later.one("d:response/d:status")
    finally:
        accounts_host.check_output("hanam-mail-db correct %s --of-person --note 'thử xong'", person.address)
        webmail_host.check_output(f"systemctl start {JOB}")
    again = others.changes(book, later.one("d:sync-token"))
    assert again.all("d:response/d:href") == [f"{book}{mine}"]


def test_nobody_writes_past_nginx_nor_by_it(reader: Program, person: Sample, webmail_host: Host) -> None:
    state = f"find {CARDS} -printf '%i %T@ %p\n' | sort | sha256sum"
    before = webmail_host.check_output(state)
    card = webmail_host.check_output(f"cd {CARDS} && find . -name {person.mailbox}.vcf").removeprefix("./")
    for path in (f"{PATH}{card}", f"{PATH}{card.rpartition('/')[0]}/", f"{HOME}moi/"):
        assert {reader.ask(method, path, "BEGIN:VCARD").status for method in WRITING} == {403}
    for path in (f"/{card}", "/co-quan/moi", "/moi"):
        told = webmail_host.check_output(f"python3 -c %s %s {' '.join(WRITING)}", DIRECTLY, path)
        assert set(told.split()) == {"403"}
    assert webmail_host.check_output(state) == before


@pytest.mark.neighbours
@pytest.mark.provokes(journal.REFUSED_SIGN_IN)
def test_without_the_right_password_nothing_is_shown_and_a_guess_is_counted_by_its_place(
    lab: Lab, reader: Program, person: Sample
) -> None:
    told = Program(lab).ask("PROPFIND", HOME, **{"X-Remote-User": "co-quan"})
    assert told.status == 401
    assert told.headers["WWW-Authenticate"].startswith("Basic ")
    counted = f"select protocol, host(address) from mail.sign_in_failure where login = '{person.mailbox}'"
    try:
        assert Program(lab, person.address, "sai").ask("PROPFIND", HOME).status == 401
        protocol, _, address = lab.sql(counted).partition("|")
        # The machine of the tests, and neither nginx nor the gate.
        assert protocol == "dav"
        assert address not in ("127.0.0.1", lab.address("webmail"))
        assert reader.ask("PROPFIND", HOME).status == 207
    finally:
        forget_failures(lab)


def test_a_gate_that_does_not_answer_is_no_wrong_password(lab: Lab, reader: Program) -> None:
    with lab.stopped("webmail", f"{GATE}.socket", f"{GATE}.service"):
        told = reader.ask("PROPFIND")
        assert (told.status, told.headers["Retry-After"]) == (503, "120")
        assert "WWW-Authenticate" not in told.headers
        assert told.headers.get_all("Content-Security-Policy") == [CONFINED]
        assert told.headers["Strict-Transport-Security"]
        assert "thử lại" in told.text
    assert reader.ask("PROPFIND").status == 207


def test_who_runs_it_is_confined_and_reaches_nothing_else(webmail_host: Host) -> None:
    for unit in (f"{JOB}.service", f"{GATE}.service", f"{SERVER}.service"):
        webmail_host.check_output(f"systemd-analyze security --threshold=20 --no-pager {unit}")
        assert webmail_host.service(unit).systemd_properties["OnFailure"] == f"hanam-watch@{unit}.service"
    for unit in (f"{JOB}.timer", f"{GATE}.socket", f"{SERVER}.socket"):
        assert (webmail_host.service(unit).is_running, webmail_host.service(unit).is_enabled) == (True, True)
    for unit in (GATE, SERVER):
        socket = webmail_host.file(f"/run/{unit}.sock")
        assert (socket.user, socket.mode) == ("www-data", 0o600)
    gate = webmail_host.file("/etc/hanam-mail/carddav-gate.json")
    assert (gate.user, gate.group, gate.mode) == ("root", GATE, 0o640)
    owners = webmail_host.check_output(f"find {CARDS} -printf '%u %m %y\n' | sort -u").splitlines()
    assert owners == [f"{JOB} 644 f", f"{JOB} 755 d"]
