"""Mail that a private mailbox forwards in by itself is not taken where the province says so (Đ4.5).

That it is marked otherwise, and by which fields it is known: test_filter.py.
"""

import email
import json
import uuid
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests import journal
from tests.lab import Lab, Sample, message
from tests.mail.test_signatures import STRANGER, bring

pytestmark = [pytest.mark.dieu4, pytest.mark.neighbours, pytest.mark.provokes(journal.FILTER_AWAY)]

FORWARDED = {
    "X-Forwarded-For": "rieng@gmail.example {own}",
    "Delivered-To": "rieng@gmail.example",
    "X-Yahoo-Forwarded": "from rieng@yahoo.example to {own}",
}
# What a state agency's mailbox sends on, a person by hand, and an answering machine.
WANTED = {
    "Delivered-To": "vanthu@bo.gov.vn",
    "Resent-From": "rieng@gmail.example",
    "Auto-Submitted": "auto-generated",
}


def deployed(lab: Lab, *words: str) -> None:
    done = lab.play("site.yml", "--tags", "rspamd", "--limit", "filter", *words)
    assert done.returncode == 0, done.stdout
    lab.wait_for_filter()


@pytest.fixture(scope="module")
def refusing(lab: Lab) -> Iterator[None]:
    """The filter after a deployment with that setting; it is put back by a deployment too, and marks again."""
    try:
        deployed(lab, "-e", json.dumps({"rspamd_forwarded_in": "refuse"}))
        yield
    finally:
        deployed(lab)
    rule = lab.look_at("filter").file("/etc/rspamd/lua.local.d/forwarded_in.lua")
    assert "local REFUSE = false" in rule.content_string


def letter(official: Sample, field: str, value: str) -> EmailMessage:
    mail = message(STRANGER, official.address)
    mail[field] = value.format(own=official.address)
    return mail


@pytest.mark.usefixtures("refusing")
@pytest.mark.parametrize("field", FORWARDED)
def test_what_a_private_mailbox_forwards_by_itself_is_refused_with_the_reason(
    lab: Lab, official: Sample, field: str
) -> None:
    mail = letter(official, field, FORWARDED[field])
    code, text = bring(lab, official, mail.as_bytes())
    assert 550 <= code <= 554
    assert "Thu tu dong chuyen tiep tu hop thu ben ngoai khong duoc nhan" in text
    assert not lab.run(
        "mailstore", f"doveadm search -u {official.mailbox} mailbox '*' header Subject '{mail['Subject']}'"
    )


@pytest.mark.usefixtures("refusing")
@pytest.mark.parametrize("field", WANTED)
def test_what_proves_no_such_forwarding_is_taken(lab: Lab, official: Sample, field: str) -> None:
    mail = letter(official, field, WANTED[field])
    assert bring(lab, official, mail.as_bytes()) == (250, "")
    arrived = email.message_from_bytes(lab.wait_for_message(official, str(mail["Subject"])))
    assert arrived["X-Hanam-Forwarded"] is None


@pytest.mark.usefixtures("refusing")
def test_a_list_that_delivers_to_itself_is_taken(lab: Lab, official: Sample) -> None:
    mail = letter(official, "Delivered-To", "danhsach@hoi.example")
    mail["List-Id"] = "<danhsach.hoi.example>"
    assert bring(lab, official, mail.as_bytes()) == (250, "")
    lab.wait_for_message(official, str(mail["Subject"]))


@pytest.mark.usefixtures("refusing")
def test_our_own_people_are_not_judged_by_it(lab: Lab, official: Sample, colleague: Sample) -> None:
    mail = message(colleague.address, official.address, subject=f"tu trong ra {uuid.uuid4().hex[:12]}")
    mail["X-Forwarded-For"] = f"rieng@gmail.example {official.address}"
    with lab.submission(colleague.address, colleague.password) as client:
        client.send_message(mail)
    lab.wait_for_message(official, str(mail["Subject"]))
