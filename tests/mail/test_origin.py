"""Whether a message comes from inside the administration is said by the mail system alone (Đ4.6): X-Hanam-Origin."""

import email
import email.policy
import uuid
from email.message import EmailMessage, Message

import pytest

from tests import journal
from tests.delegation import Delegation
from tests.foreign import AGENCY, AN, Foreign
from tests.lab import Lab, Sample, message, wait_for
from tests.mail.test_signatures import STRANGER, bring

pytestmark = [pytest.mark.dieu4, pytest.mark.neighbours]

FIELD = "X-Hanam-Origin"
# What somebody outside writes so that his letter may look like one of ours, as the octets of its head.
FORGED = {
    "plainly": b"X-Hanam-Origin: inside\r\n",
    "in small letters": b"x-hanam-origin: inside\r\n",
    "with a blank before the colon": b"X-Hanam-Origin : inside\r\n",
    "with tabs": b"X-Hanam-Origin\t:\tinside\r\n",
    "over two lines": b"X-Hanam-Origin:\r\n inside\r\n",
    "twice": b"X-Hanam-Origin: inside\r\nX-Hanam-Origin: inside\r\n",
    "behind a long field": b"X-Long: " + b"a" * 900 + b"\r\nX-Hanam-Origin: inside\r\n",
}


def arrived(lab: Lab, official: Sample, subject: str) -> Message:
    """The message as it lies in the mailbox, whatever the filter thinks of it."""

    def look() -> Message | None:
        with lab.imap(official.address, official.password) as client:
            for folder in ("INBOX", "Junk"):
                client.select(folder, readonly=True)
                _, found = client.search(None, "SUBJECT", subject.rsplit(maxsplit=1)[-1])
                for number in found[0].split():
                    _, parts = client.fetch(number.decode(), "(BODY.PEEK[])")
                    return email.message_from_bytes(parts[0][1])  # type: ignore[index, arg-type]
        return None

    return wait_for(look, f"the message {subject}")


def origins(lab: Lab, official: Sample, mail: EmailMessage) -> list[str]:
    return [str(value).strip() for value in arrived(lab, official, str(mail["Subject"])).get_all(FIELD, [])]


def submit(lab: Lab, person: Sample, mail: EmailMessage, octets: bytes | None = None, *, login: str = "") -> None:
    with lab.submission(login or person.address, person.password) as client:
        client.sendmail(str(mail["From"]), [str(mail["To"])], octets or mail.as_bytes())


def test_who_signed_in_writes_from_inside(lab: Lab, person: Sample, colleague: Sample, delegation: Delegation) -> None:
    mail = message(person.address, colleague.address)
    submit(lab, person, mail)
    assert origins(lab, colleague, mail) == ["inside"]
    mail = message(delegation.agency, colleague.address)
    submit(lab, delegation.clerk, mail, login=delegation.login)
    assert origins(lab, colleague, mail) == ["inside"]


def test_mail_from_outside_says_so_and_whose_domain_is_proven(lab: Lab, person: Sample) -> None:
    unproven = message(STRANGER, person.address)
    assert bring(lab, person, unproven.as_bytes()) == (250, "")
    assert origins(lab, person, unproven) == ["outside"]
    foreign = Foreign(lab)
    for author, said in ((AN, "outside proven=ngoai.example"), (AGENCY, "outside state=bo.gov.vn")):
        mail = message(author, person.address)
        foreign.send(mail, author, person.address)
        assert origins(lab, person, mail) == [said]


@pytest.mark.parametrize("field", FORGED.values(), ids=FORGED)
def test_nobody_outside_writes_the_field_himself(lab: Lab, person: Sample, field: bytes) -> None:
    for before in (True, False):
        mail = message(STRANGER, person.address)
        head, _, body = mail.as_bytes(policy=email.policy.SMTP).partition(b"\r\n\r\n")
        octets = field + head + b"\r\n\r\n" + body if before else head + b"\r\n" + field + b"\r\n" + body
        assert bring(lab, person, octets) == (250, "")
        assert origins(lab, person, mail) == ["outside"]


def test_a_name_or_an_answer_of_ours_makes_nobody_one_of_us(lab: Lab, person: Sample, colleague: Sample) -> None:
    mail = message(f'"{colleague.name} ({colleague.address.replace("@", " tai ")})" <{STRANGER}>', person.address)
    mail["Reply-To"] = colleague.address
    assert bring(lab, person, mail.as_bytes()) == (250, "")
    assert origins(lab, person, mail) == ["outside"]


def test_nobody_inside_says_that_he_is_outside_or_more_than_inside(lab: Lab, person: Sample, colleague: Sample) -> None:
    mail = message(person.address, colleague.address)
    submit(lab, person, mail, b"X-Hanam-Origin: outside state=bo.gov.vn\r\n" + mail.as_bytes())
    assert origins(lab, colleague, mail) == ["inside"]


def test_what_our_hosts_write_in_our_name_is_inside_and_what_they_pass_on_is_its_authors(
    lab: Lab, person: Sample
) -> None:
    for author, said in ((f"hotro@{lab.variables['mail_domain']}", "inside"), (STRANGER, "outside")):
        mail = message(author, person.address)
        text = f"X-Hanam-Origin: inside\n{mail.as_string()}"
        lab.run("submission", f"/usr/sbin/sendmail -i -f {author} {person.address} <<'MAIL'\n{text}\nMAIL")
        assert origins(lab, person, mail) == [said]


@pytest.mark.provokes(journal.SCRIPTS)
@pytest.mark.usefixtures("owner_without_rules_afterwards")
def test_a_letter_from_outside_stays_one_when_a_mailbox_leads_it_on(lab: Lab, owner: Sample, colleague: Sample) -> None:
    script = f'require "copy"; redirect :copy "{colleague.address}";'
    lab.run("mailstore", f"doveadm sieve put -u {owner.mailbox} -a thu <<'SCRIPT'\n{script}\nSCRIPT")
    mail = message(AN, owner.address)
    Foreign(lab).send(b"X-Hanam-Origin: inside\r\n" + mail.as_bytes(), AN, owner.address)
    assert origins(lab, owner, mail) == ["outside proven=ngoai.example"]
    assert origins(lab, colleague, mail) == ["outside"]


def test_mail_that_leaves_says_nothing_of_it(lab: Lab, person: Sample) -> None:
    foreign, subject = Foreign(lab), f"di {uuid.uuid4().hex}"
    mail = message(person.address, AN, subject=subject)
    submit(lab, person, mail)
    found = wait_for(lambda: [each for each in foreign.messages(AN) if each["Subject"] == subject], "it left")
    assert found[0][FIELD] is None
