"""What an author's domain asks for, and who speaks for it (DMARC, RFC 9989). Records of our own, on the wire."""

from collections.abc import Iterator

import pytest
from tests import dmarc_matrix, dmarc_tables
from tests.dmarc_tables import NOBODY
from tests.unit.host.mail_auth import nameserver

from hanam_mail.host.mail_auth import dkim, dmarc, dmarc_record, spf

pytestmark = pytest.mark.dieu4


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[nameserver.Server, tuple[str, int]]]:
    with nameserver.serve({**dmarc_tables.ZONE, **dmarc_matrix.ZONE}) as both:
        yield both


Served = tuple[nameserver.Server, tuple[str, int]]


def check(
    served: Served,
    author: str,
    sent: str = NOBODY,
    signed: str = "",
    spf_result: str = "pass",
    dkim_result: str = "pass",
) -> dmarc.DmarcResult:
    """sent: the domain of the envelope; signed: those of signatures, with blanks between them."""
    signatures = [dkim.DkimResult(dkim_result, domain, "s", "b", "key not found now") for domain in signed.split()]
    envelope = spf.SpfResult(spf_result, sent, f"a@{sent}", "mailfrom", "DNS")
    return dmarc.check(nameserver.questions(served[1]), author, envelope, signatures)


CASES = dmarc_tables.CASES | dmarc_matrix.CASES


@pytest.mark.parametrize("name", CASES)
def test_each_case_of_the_tables(served: Served, name: str) -> None:
    case = CASES[name]
    result = check(served, case.author, case.sent, case.signed, case.spf, case.dkim)
    assert (result.result, result.authentic) == (case.result, case.authentic), result
    for wanted, found in ((case.action, result.action), (case.policy, result.policy), (case.record, result.record)):
        assert wanted in ("", found), result


def test_without_an_author_nothing_passes(served: Served) -> None:
    result = check(served, "", "refuse.example", "refuse.example")
    assert (result.result, result.action, result.authentic) == ("none", "accept", False)


def test_a_sender_under_another_top_is_of_no_organisation_that_has_to_be_asked_for(served: Served) -> None:
    """Not a case of the tables: in the lab's world all their names are under one."""
    result = check(served, "upper.lower-fails.example")
    assert (result.result, result.action) == ("fail", "refuse")


# --- how much is asked ---


def test_a_walk_asks_eight_questions_at_most(served: Served) -> None:
    server, address = served
    server.asked.clear()
    assert dmarc_record.DmarcTree(nameserver.questions(address)).walk("a.b.c.d.e.f.g.h.i.j.mail.client.example") == []
    assert [name for name, _ in server.asked] == [
        "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.client.example",
        "_dmarc.g.h.i.j.mail.client.example",
        "_dmarc.h.i.j.mail.client.example",
        "_dmarc.i.j.mail.client.example",
        "_dmarc.j.mail.client.example",
        "_dmarc.mail.client.example",
        "_dmarc.client.example",
        "_dmarc.example",
    ]


def test_a_walk_of_eight_labels_leaves_none_out(served: Served) -> None:
    server, address = served
    server.asked.clear()
    dmarc_record.DmarcTree(nameserver.questions(address)).walk("a.b.c.d.e.f.client.example")
    assert len(server.asked) == 8
    assert ("_dmarc.b.c.d.e.f.client.example", "TXT") in server.asked


def test_a_walk_ends_where_a_record_says_what_it_is(served: Served) -> None:
    server, address = served
    server.asked.clear()
    dmarc_record.DmarcTree(nameserver.questions(address)).walk("a.so.tinh.gov.vn")
    assert [name for name, _ in server.asked] == ["_dmarc.a.so.tinh.gov.vn", "_dmarc.so.tinh.gov.vn"]


def test_signatures_of_others_cost_no_walk(served: Served) -> None:
    server, _ = served
    server.asked.clear()
    check(served, "refuse.example", signed=" ".join(f"d{number}.khac.example" for number in range(10)))
    assert len(server.asked) == 2


def test_no_record_keeps_it_busy() -> None:
    for text in (
        "v=DMARC1;" + " " * 60000 + "x",
        "v=DMARC1; p=reject;" * 3000,
        "v" + " " * 60000,
        "v=DMARC1; rua=" + "a:,!" * 15000,
    ):
        dmarc_record.read("a.example", text)
