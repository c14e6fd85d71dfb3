"""The address book by LDAP: read from the administration's networks, and by nobody else."""

import socket
import ssl

import pytest
from testinfra.host import Host

from tests.lab import Lab, Sample, wait_for
from tests.system.test_tls import curve_names, scan

BASE = "dc=hanam,dc=gov,dc=vn"
SERVER, JOB = "hanam-ldap.service", "hanam-ldap-load.service"
TRUSTED = "LDAPTLS_CACERT=/etc/ssl/certs/ca-certificates.crt"
SEARCH = f"{TRUSTED} ldapsearch -x -LLL -o ldif_wrap=no -b {BASE}"


class Reader:
    """A program of an official, on a host within the networks."""

    def __init__(self, lab: Lab, host: Host) -> None:
        self.host = host
        self.server = f"ldaps://mail.{lab.variables['mail_domain']}"

    def find(self, typed: str, *attributes: str) -> str:
        text: str = self.host.check_output(f"{SEARCH} -H {self.server} %s %s", typed, " ".join(attributes or ["mail"]))
        return text

    def follow(self) -> None:
        self.host.check_output(f"systemctl start hanam-directory.service && systemctl start {JOB}")


@pytest.fixture
def reader(lab: Lab, webmail_host: Host) -> Reader:
    return Reader(lab, webmail_host)


def reaches(address: str, port: int) -> str:
    """A program for a host's Python: does the port answer from there?"""
    return (
        f"python3 -c 'import socket; socket.create_connection((\"{address}\", {port}), 5)' 2>/dev/null"
        " && echo yes || echo no"
    )


@pytest.mark.dieu11
def test_an_official_is_found_without_accents_by_address_and_by_agency(reader: Reader) -> None:
    reader.follow()
    address = "mail: nguyenthithanhha@hanam.gov.vn"
    for typed in (
        "(cn=nguyen thi thanh*)",
        "(cn=Nguyễn Thị Thanh Hà)",
        "(givenName=ha*)",
        "(mail=nguyenthithanhha*)",
        "(&(o=so thong tin va truyen thong)(cn=*thanh ha*))",
    ):
        assert address in reader.find(typed)
    assert "mail: stttt@hanam.gov.vn" in reader.find("(cn=Sở Thông tin và Truyền thông)")
    # What it was made of is the job's.
    assert "description" not in reader.find("(objectClass=dcObject)", "*")


@pytest.mark.neighbours
def test_who_is_locked_is_gone_with_the_next_run_and_comes_back(
    reader: Reader, accounts_host: Host, person: Sample
) -> None:
    reader.follow()
    asked = f"(mail={person.address})"
    assert person.address in reader.find(asked)
    accounts_host.check_output("hanam-mail-db lock %s --reason compromised --note thử", person.address)
    try:
        reader.follow()
        assert reader.find(asked) == ""
    finally:
        accounts_host.check_output("hanam-mail-db correct %s --of-person --note 'thử xong'", person.address)
    reader.follow()
    assert person.address in reader.find(asked)


def test_a_start_has_the_whole_tree_before_anybody_asks_and_nothing_is_written_then(
    reader: Reader, webmail_host: Host
) -> None:
    reader.follow()

    def agencies() -> list[str]:
        return sorted(reader.find("(&(objectClass=organizationalUnit)(ou=s*))", "ou").splitlines())

    before = agencies()
    webmail_host.check_output(f"systemctl restart {SERVER}")
    assert agencies() == before
    assert "ou: stttt" in before
    webmail_host.check_output(f"systemctl start {JOB}")
    run = webmail_host.service(JOB).systemd_properties.get("InvocationID")
    # An empty one matches no line at all.
    assert run
    written = f"journalctl --sync; journalctl -o cat -t hanam-ldap-load _SYSTEMD_INVOCATION_ID={run}"
    assert "thay đổi" not in webmail_host.check_output(written)


def test_a_restart_of_the_server_lets_no_run_of_the_job_fail(webmail_host: Host) -> None:
    """As a deployment makes one while the job asks something."""

    def job(what: str) -> str:
        return webmail_host.service(JOB).systemd_properties.get(what, "")

    webmail_host.check_output(f"systemctl start {JOB} && systemctl kill -s STOP {SERVER}")
    try:
        # Whom it asks does not answer.
        webmail_host.check_output(f"systemctl start --no-block {JOB}")
        wait_for(lambda: job("ActiveState") == "activating", "the job at work")
        run = job("InvocationID")
    finally:
        webmail_host.check_output(f"systemctl restart {SERVER}")
    wait_for(lambda: job("ActiveState") == "inactive", "the end of the job")
    assert job("Result") == "success"
    assert job("InvocationID") != run, "it was begun again"


def test_no_question_takes_the_whole_book_along(reader: Reader, webmail_host: Host) -> None:
    # The registry's samples have more agencies than that; asking by pages makes no difference.
    for pages in ("", "-E pr=40/noprompt"):
        answer = webmail_host.run(f"{SEARCH} -H {reader.server} {pages} '(objectClass=organizationalUnit)' dn")
        assert answer.rc == 4, answer.stderr
        assert answer.stdout.count("dn:") <= 100


def test_nobody_writes_and_no_password_is_taken(reader: Reader, webmail_host: Host) -> None:
    change = f"printf 'dn: ou=syt,{BASE}\\nchangetype: delete\\n' | {TRUSTED} ldapmodify"
    refused = webmail_host.run(f"{change} -x -H {reader.server}")
    assert refused.rc == 8, refused.stderr
    # Not the host's root either, whom the server knows by the socket.
    refused = webmail_host.run(f"{change} -Q -Y EXTERNAL -H ldapi://%2Frun%2Fhanam-ldap%2Fsocket")
    assert refused.rc not in (0, 255), refused.stderr
    assert "ccess" in refused.stderr or "No such object" in refused.stderr
    refused = webmail_host.run(f"{SEARCH} -H {reader.server} -D cn=ai,{BASE} -w matkhau '(cn=*)'")
    assert refused.rc == 53, refused.stderr


def test_strangers_do_not_reach_it_and_without_tls_nobody_does(lab: Lab, reader: Reader, webmail_host: Host) -> None:
    address, port = lab.address("webmail"), lab.port("ldaps")
    assert lab.run("outside", reaches(address, port)).strip() == "no"
    # As the firewall would let them in: the server asks who comes.
    own = webmail_host.run(f"LDAPTLS_REQCERT=never {SEARCH} -H ldaps://127.0.0.1 '(cn=*)' mail")
    # noSuchObject, or insufficientAccessRights: the server's own words. A fault of TLS or of the way has other codes.
    assert own.rc in (32, 50), own.stderr
    assert "mail:" not in own.stdout
    with (
        socket.create_connection((address, port), 30) as plain,
        lab.ssl_context.wrap_socket(plain, server_hostname=f"mail.{lab.variables['mail_domain']}") as way,
    ):
        assert isinstance(way, ssl.SSLSocket)
        assert way.version() == "TLSv1.3"
    assert webmail_host.check_output("ss -Hltn 'sport = :389'") == ""
    assert webmail_host.service("slapd.service").is_masked


@pytest.mark.dieu3
def test_its_port_speaks_the_one_set_and_nothing_else(lab: Lab) -> None:
    wanted = lab.variables["tls_set"]
    (row,) = (row for row in lab.variables["ports"] if row["key"] == "ldaps")
    found = scan(lab, {**row, "host": lab.host("webmail")}, lab.host("backup_repository"))
    assert found.versions == wanted["protocols"]
    assert (set(found.suites), set(found.groups)) == (set(wanted["suites"]), set(wanted["groups"]))
    assert set(found.ciphers) <= set(wanted["ciphers"])
    assert curve_names(found.ciphers) == curve_names(wanted["ciphers"])
    assert (found.renegotiates, found.early_data, found.compresses) == (False, 0, False)
    assert found.extended_master_secret


@pytest.mark.dieu10
@pytest.mark.parametrize("unit", [SERVER, JOB])
def test_the_units_are_confined_and_their_failure_is_told(webmail_host: Host, unit: str) -> None:
    webmail_host.check_output(f"systemd-analyze security --threshold=25 --no-pager {unit}")
    assert webmail_host.service(unit).systemd_properties["OnFailure"] == f"hanam-watch@{unit}.service"
