"""How often social networks and shops write to official mailboxes, by agency (Đ4.4, Đ12.5), in a real PostgreSQL."""

import pytest

from tests.database.databases import StatementError
from tests.database.scratch import Scratch, person, registry

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu12]
TOLD = "set role mail_agent; select mail.private_service_mail('{}', array[{}])"


@pytest.fixture
def people(scratch: Scratch) -> Scratch:
    """A province of three people."""
    scratch.apply(registry(person(1), person(2), person(3)))
    return scratch


def tell(people: Scratch, service: str, *recipients: str) -> str:
    return people.psql(TOLD.format(service, ", ".join(f"'{each}'" for each in recipients)))


def test_a_message_counts_once_for_each_mailbox_that_it_is_for(people: Scratch) -> None:
    first, second = "ha1@hanam.gov.vn", "ha2@hanam.gov.vn"
    assert tell(people, "mxh.example", first, first.upper(), second, "khongai@hanam.gov.vn", "an@ngoai.example") == "2"
    assert tell(people, "MXH.example", first) == "1"
    assert tell(people, "cho.example", first) == "1"
    assert tell(people, "cho.example", "khongai@hanam.gov.vn") == "0"
    rows = "select mailbox_id, service, messages from mail.private_service_mail order by 1, 2"
    assert people.psql(rows).splitlines() == [
        "box00001|cho.example|1",
        "box00001|mxh.example|2",
        "box00002|mxh.example|1",
    ]


def test_the_operator_sees_agencies_and_of_one_its_mailboxes(people: Scratch) -> None:
    tell(people, "mxh.example", "ha1@hanam.gov.vn", "ha2@hanam.gov.vn")
    tell(people, "cho.example", "ha1@hanam.gov.vn")
    people.psql(
        "insert into mail.private_service_mail select current_date - 30, 'box00003', 'cu.example', 5;"
        " update mail.private_service_mail set messages = 7 where service = 'cho.example'"
    )
    done = people.command("private-services", "--json")
    (agency,) = done.json["found"]
    assert {name: agency[name] for name in ("mailboxes", "messages", "services")} == {
        "mailboxes": 2,
        "messages": 9,
        "services": "cho.example, mxh.example",
    }
    listed = people.command("private-services", "--agency", agency["agency"]).output.splitlines()
    assert [line.split(" (")[0] for line in listed] == ["ha1", "ha1", "ha2"]
    assert "7 thư của cho.example" in listed[0]
    assert "cu.example" in people.command("private-services", "--days", "31").output


def test_what_is_asked_for_wrongly_is_told(people: Scratch) -> None:
    assert "không có thư nào" in people.command("private-services").output
    assert "không có cơ quan nào mang mã khongco" in people.command("private-services", "--agency", "khongco").complaint
    assert "ít nhất 1" in people.command("private-services", "--days", "0").complaint


def test_old_counts_are_forgotten_at_night(people: Scratch) -> None:
    people.psql(
        "insert into mail.private_service_mail"
        " select current_date - d, 'box00001', 'mxh.example', 1 from unnest(array[0, 400, 401, 900]) d"
    )
    assert people.psql("set role mail_jobs; select mail.private_services_prune()") == "2"


@pytest.mark.parametrize("role", ["mail_postfix", "mail_dovecot", "mail_webmail", "mail_jobs"])
def test_nobody_but_the_agent_tells(people: Scratch, role: str) -> None:
    with pytest.raises(StatementError, match="permission denied"):
        people.psql(TOLD.format("mxh.example", "'ha1@hanam.gov.vn'").replace("mail_agent", role, 1))
