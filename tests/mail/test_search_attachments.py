"""Words in attached documents are found, and no document keeps later mail from being found (Đ3.4, Đ10.2)."""

import email.policy
import imaplib
import uuid
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests import documents, journal
from tests.lab import Lab, Sample, message, wait_for
from tests.mail.test_search import found, lose_index, put

pytestmark = [pytest.mark.dieu3, pytest.mark.dieu10]

WORDS = "Tờ trình về chủ trương đầu tư"


@pytest.fixture
def client(lab: Lab, person: Sample) -> Iterator[imaplib.IMAP4]:
    with lab.imap(person.address, person.password) as session:
        yield session


def letter(person: Sample, text: str, **attached: bytes) -> EmailMessage:
    mail = message("Nguyễn Văn Đức <nguoi.gui@client.example>", person.address, subject="có tệp")
    mail.set_content(f"{text}\n", cte="base64")
    for name, octets in attached.items():
        mail.add_attachment(octets, maintype="application", subtype="octet-stream", filename=f"tệp.{name}")
    return mail


def deliver(lab: Lab, person: Sample, mail: EmailMessage | bytes) -> None:
    send = f"sendmail('', ['{person.address}'], sys.stdin.buffer.read())"
    program = f"import smtplib,sys\nsmtplib.LMTP('/run/dovecot/lmtp').{send}"
    answer = lab.remote("mailstore").run(
        f'python3 -c "{program}"', mail if isinstance(mail, bytes) else mail.as_bytes()
    )
    assert answer.code == 0, answer.complaint


@pytest.mark.proof("Tìm được chữ trong tệp đính kèm / words in attached documents are found")
def test_words_in_documents_are_found_with_and_without_accents(client: imaplib.IMAP4, person: Sample) -> None:
    put(
        client,
        letter(person, "a", docx=documents.docx(WORDS)),
        letter(person, "b", pdf=documents.pdf(WORDS)),
        letter(person, "c", xlsx=documents.xlsx(WORDS)),
        letter(person, "d", doc=documents.doc(WORDS)),
        letter(person, "e", zip=documents.packed({"a.odt": documents.odt(WORDS)})),
        letter(person, "f", png=b"\x89PNG\r\n\x1a\n", docx=documents.docx("Việc khác")),
    )
    for words in ("chủ trương đầu tư", "chu truong dau tu", "CHỦ TRƯƠNG"):
        for key in ("BODY", "TEXT"):
            assert found(client, words, key) == [1, 2, 3, 4, 5], (words, key)
    assert found(client, "viec khac") == [6]
    assert found(client, "tuyet mat") == [1, 6], "words that are drawn across a page"


@pytest.mark.provokes(journal.BOMBS)
def test_a_document_that_means_harm_keeps_no_later_mail_from_being_found(client: imaplib.IMAP4, person: Sample) -> None:
    put(
        client,
        letter(
            person,
            "truoc sau",
            docx=documents.docx(more={"word/document.xml": documents.LAUGHS}),
            zip=documents.zeros(300 * 2**20),
            xlsx=documents.nested(9, b"a"),
            pdf=documents.pdf_bomb(),
            rtf=documents.deep_rtf(10**6),
            doc=documents.doc("a", encrypted=True),
            odt=documents.docx("Còn đọc được"),
        ),
        letter(person, "b", docx=documents.docx(WORDS)),
    )
    assert found(client, "chu truong") == [2]
    assert found(client, "truoc sau") == [1]
    assert found(client, "con doc duoc") == [1], "and the next document of the same message"


def named(person: Sample, name: bytes) -> bytes:
    """A letter with a document whose name stands in the header as it is given."""
    octets = letter(person, "ten la", docx=documents.docx(WORDS)).as_bytes(policy=email.policy.SMTP)
    begin = octets.index(b"Content-Disposition:")
    end = octets.index(b"\r\n\r\n", begin)
    return octets[:begin] + b'Content-Disposition: attachment; filename="' + name + b'.docx"' + octets[end:]


@pytest.mark.parametrize("name", [b"a\rb", b"a\r", b"\ra"], ids=["middle", "end", "begin"])
def test_a_carriage_return_in_the_name_of_an_attachment_does_not_reach_the_index(
    lab: Lab, client: imaplib.IMAP4, person: Sample, name: bytes
) -> None:
    """Dovecot would end its indexer there, again and again."""
    with lab.smtp() as server:
        server.sendmail("nguoi.gui@client.example", [person.address], named(person, name))
    wait_for(lambda: client.select("INBOX")[1] == [b"1"], "the message")
    octets = client.fetch("1", "(BODY.PEEK[])")[1][0][1]  # type: ignore[index]
    assert isinstance(octets, bytes)
    assert b"\r" not in octets.replace(b"\r\n", b"")
    deliver(lab, person, letter(person, "thu sau"))
    assert found(client, "chu truong") == [1]
    assert found(client, "thu sau") == [2]


@pytest.mark.parametrize("name", [b"a\x01\x7f\x0cb", b"a" * 20_000], ids=["signs", "long"])
def test_no_name_of_an_attachment_keeps_later_mail_from_being_found(
    lab: Lab, client: imaplib.IMAP4, person: Sample, name: bytes
) -> None:
    deliver(lab, person, named(person, name))
    deliver(lab, person, letter(person, "thu sau"))
    assert found(client, "chu truong") == [1]
    assert found(client, "thu sau") == [2]


def test_what_mail_brings_is_indexed_as_it_comes(lab: Lab, person: Sample) -> None:
    deliver(lab, person, letter(person, uuid.uuid4().hex, docx=documents.docx(WORDS)))
    wait_for(
        lambda: "messages=1 " in lab.run("mailstore", f"doveadm fts flatcurve stats -u {person.mailbox} INBOX"),
        "the message in the index",
    )
    assert lab.run("mailstore", f"doveadm search -u {person.mailbox} mailbox INBOX body 'chu truong'").strip()


@pytest.mark.provokes(journal.EXTRACTOR_AWAY)
def test_mail_is_delivered_while_nobody_reads_documents_and_they_are_found_afterwards(
    lab: Lab, client: imaplib.IMAP4, person: Sample
) -> None:
    lab.run("mailstore", "systemctl stop hanam-extract.socket hanam-extract.service")
    try:
        deliver(lab, person, letter(person, "thu mot", docx=documents.docx(WORDS)))
        deliver(lab, person, letter(person, "thu hai"))
        client.select("INBOX")
        assert client.uid("SEARCH", "ALL")[1] == [b"1 2"]
        said = f"journalctl -b -u dovecot -g '{person.mailbox}' --no-pager"
        wait_for(
            lambda: "fts_tika: PUT" in lab.run("mailstore", said, check=False),
            "Dovecot says that the document was not read",
        )
    finally:
        lab.run("mailstore", "systemctl start hanam-extract.socket")
    lab.start_anew("mailstore", "hanam-mend-search.service")
    assert found(client, "chu truong") == [1]
    assert found(client, "thu hai") == [2]


def test_an_index_that_is_made_again_has_the_documents_too(lab: Lab, client: imaplib.IMAP4, person: Sample) -> None:
    put(client, letter(person, "a", docx=documents.docx(WORDS)))
    assert found(client, "chu truong") == [1]
    lose_index(lab, person)
    assert found(client, "chu truong") == [1]
