"""Reading: IMAP, POP3 and ManageSieve, and what stands before them (Đ4.5, Đ4.6, Đ10.6)."""

import imaplib
import poplib
import socket
import uuid
from functools import partial

import pytest

from tests.lab import Lab, Sample, at_once, message

# Delivers standard input over the mail store's own LMTP socket, as Postfix does after the filter.
_LMTP = (
    "import smtplib,sys; c=smtplib.LMTP(sys.argv[1]);"
    "refused=c.sendmail(sys.argv[2],[sys.argv[3]],sys.stdin.buffer.read());"
    "sys.exit(str(refused) if refused else 0)"
)


def _deliver(lab: Lab, person: Sample, head: str = "") -> str:
    """Hand a message with these header lines to the mail store, as if filtered; returns its subject."""
    subject = f"thu {uuid.uuid4().hex[:12]}"
    lab.run(
        "mailstore",
        f"printf '{head}Subject: {subject}\\n\\nx\\n' |"
        f' python3 -c "{_LMTP}" /run/dovecot/lmtp an@bo.gov.vn {person.address}',
    )
    return subject


@pytest.mark.proof("Đọc thư bằng IMAP qua TLS / IMAP over TLS")
def test_folders_are_there_and_say_what_they_are_for(lab: Lab, person: Sample) -> None:
    with lab.imap(person.address, person.password) as client:
        _, listed = client.list()
    lines = [line.decode() for line in listed if isinstance(line, bytes)]
    for name in ("Drafts", "Sent", "Junk", "Trash", "Archive"):
        assert any(f"\\{name}" in line and line.endswith(name) for line in lines), (name, lines)


def test_folder_with_vietnamese_name_dots_and_subfolder(lab: Lab, person: Sample) -> None:
    # "1. Công văn đến/Đã xử lý" in IMAP's modified UTF-7.
    parent, child = "1. C&APQ-ng v&AQM-n &AREevw-n", "1. C&APQ-ng v&AQM-n &AREevw-n/&ARAA4w- x&Hu0- l&AP0-"
    with lab.imap(person.address, person.password) as client:
        for name in (parent, child):
            assert client.create(f'"{name}"')[0] == "OK"
        assert client.append(f'"{child}"', "", "", b"Subject: x\r\n\r\nx\r\n")[0] == "OK"
        assert client.status(f'"{child}"', "(MESSAGES)")[1][0].endswith(b"(MESSAGES 1)")
        for name in (child, parent):
            assert client.delete(f'"{name}"')[0] == "OK"


@pytest.mark.neighbours
@pytest.mark.proof("Đọc thư bằng POP3 qua TLS / POP3 over TLS")
def test_pop3_fetches_a_message(lab: Lab, person: Sample, sender: Sample) -> None:
    mail = message(sender.address, person.address)
    with lab.submission(sender.address, sender.password) as client:
        client.send_message(mail)
    lab.wait_for_message(person, mail["Subject"])
    client3 = lab.pop3(person.address, person.password)
    try:
        _, lines, _ = client3.retr(len(client3.list()[1]))
        assert any(mail["Message-ID"].encode() in line for line in lines)
    finally:
        client3.quit()


def _opens_imap(lab: Lab, person: Sample, password: str) -> bool:
    try:
        lab.imap(person.address, password).logout()
    except imaplib.IMAP4.error:
        return False
    return True


def _opens_pop3(lab: Lab, person: Sample, password: str) -> bool:
    try:
        lab.pop3(person.address, password).quit()
    except poplib.error_proto:
        return False
    return True


@pytest.mark.neighbours
@pytest.mark.dieu4
def test_wrong_password_is_refused_also_when_the_right_one_was_just_accepted(lab: Lab, person: Sample) -> None:
    """What is remembered of an accepted sign-in neither lets another password through nor shuts it out."""
    for password, accepted in (
        (person.password, True),
        (person.password + "x", False),
        (person.password, True),
        (person.password[:-1], False),
        ("", False),
        (person.password, True),
    ):
        answers = at_once(partial(_opens_imap, lab, person, password), partial(_opens_pop3, lab, person, password))
        assert answers == [accepted, accepted], password == person.password


@pytest.mark.neighbours
@pytest.mark.dieu4
def test_one_persons_password_opens_nobody_elses_mailbox(lab: Lab, person: Sample, colleague: Sample) -> None:
    lab.imap(person.address, person.password).logout()
    with pytest.raises(imaplib.IMAP4.error):
        lab.imap(colleague.address, person.password)


@pytest.mark.dieu4
def test_no_port_without_tls_is_open(lab: Lab) -> None:
    def refused(port: int) -> bool:
        try:
            socket.create_connection((lab.address("mailstore"), port), timeout=3).close()
        except OSError:
            return True
        return False

    ports = [143, 110, 2000, 24, 1143]
    assert dict(zip(ports, at_once(*(partial(refused, port) for port in ports)), strict=True)) == dict.fromkeys(
        ports, True
    )
    assert not refused(993), "what shows an open port"


@pytest.mark.dieu4
def test_managesieve_takes_no_password_before_tls(lab: Lab) -> None:
    with socket.create_connection((lab.address("mailstore"), 4190), timeout=10) as plain:
        stream = plain.makefile("rb")
        capabilities = []
        while not (line := stream.readline()).startswith(b"OK"):
            capabilities.append(line)
        plain.sendall(b'AUTHENTICATE "PLAIN" "AGEAYg=="\r\n')
        refusal = stream.readline()
    assert any(line.startswith(b'"STARTTLS"') for line in capabilities)
    assert any(line.strip() == b'"SASL" ""' for line in capabilities)
    assert refusal.startswith(b"NO")


@pytest.mark.neighbours
@pytest.mark.dieu10
def test_what_the_filter_marked_as_spam_lies_in_junk(lab: Lab, person: Sample) -> None:
    subject = _deliver(lab, person, "X-Spam: Yes\\n")
    lab.wait_for_message(person, subject, folder="Junk")


@pytest.mark.dieu4
def test_no_sieve_script_notifies_by_mail(lab: Lab, person: Sample) -> None:
    """A notification carries what a message says away just as a redirect would (test_forwarding.py)."""
    script = 'require "enotify"; notify "mailto:ke.gian@example.com";'
    store = f"printf '%s\\n' '{script}' | doveadm sieve put -u {person.mailbox} -a thu && echo STORED"
    assert "STORED" not in lab.run("mailstore", store, check=False)
