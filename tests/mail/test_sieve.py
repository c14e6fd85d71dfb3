"""What people's own rules may do with mail, on the daemons themselves (Đ4.5, Đ4.6)."""

import re
import uuid
from collections.abc import Callable, Iterator

import pytest

from tests.lab import Lab, Sample, message

pytestmark = [pytest.mark.dieu4]


@pytest.fixture
def owner(lab: Lab) -> Sample:
    return lab.samples[2]


@pytest.fixture
def asker(lab: Lab) -> Sample:
    return lab.samples[3]


type Put = Callable[[str], bool]


@pytest.fixture
def put(lab: Lab, owner: Sample) -> Iterator[Put]:
    """Stores the owner's script and makes it active, as ManageSieve does; whether it was taken."""

    def store(script: str) -> bool:
        command = f"doveadm sieve put -u {owner.mailbox} -a thu <<'SCRIPT' && echo STORED\n{script}\nSCRIPT"
        return "STORED" in lab.run("mailstore", command, check=False)

    yield store
    remove = f"doveadm sieve deactivate -u {owner.mailbox}; doveadm sieve delete -u {owner.mailbox} thu"
    lab.run("mailstore", remove, check=False)


def deliver(lab: Lab, owner: Sample, asker: Sample) -> str:
    """A message to the owner, past the filter; its subject."""
    mail = message(asker.address, owner.address)
    program = (
        "import smtplib,sys\n"
        f"smtplib.LMTP('/run/dovecot/lmtp').sendmail('{asker.address}', ['{owner.address}'], sys.stdin.buffer.read())\n"
    )
    lab.run(
        "mailstore", f"cat > /tmp/m <<'MAIL'\n{mail.as_string()}\nMAIL\npython3 -c \"{program}\" < /tmp/m; rm /tmp/m"
    )
    return str(mail["Subject"])


def vacation(arguments: str, text: str = '"vang mat"') -> str:
    return f'require "vacation"; vacation :days 1 :handle "{uuid.uuid4().hex}" {arguments} {text};'


def author(mail: bytes) -> str:
    found = re.findall(rb"^From:(.*)$", mail.split(b"\r\n\r\n")[0], re.MULTILINE)
    assert len(found) == 1
    return found[0].decode().strip()


def test_dieu4_6_a_script_writes_under_its_owners_addresses_only(
    lab: Lab, owner: Sample, asker: Sample, put: Put
) -> None:
    """:from, and fields in :mime, name somebody else: no mail goes out; what came is in the mailbox all the same."""
    other = lab.samples[4].address
    forged = [
        vacation(f':from "Chu tich <{other}>"'),
        vacation(f':from "{other}"'),
        vacation(":mime", f"text:\nFrom: {other}\nContent-Type: text/plain\n\nx\n.\n"),
        vacation(":mime", f"text:\nSender: {other}\nContent-Type: text/plain\n\nx\n.\n"),
    ]
    subjects = []
    for script in forged:
        assert put(script)
        subjects.append(deliver(lab, owner, asker))
    assert put(vacation(f':from "Ten cua toi <{owner.address}>"'))
    last = deliver(lab, owner, asker)
    reply = lab.wait_for_message(asker, f"Auto: {last}")
    assert author(reply) == f"Ten cua toi <{owner.address}>"
    for subject in subjects:
        found = lab.run("mailstore", f"doveadm search -u {owner.mailbox} mailbox INBOX header subject '{subject}'")
        assert found.strip(), "what came is kept"
        search = f"doveadm search -u {asker.mailbox} mailbox '*' header subject '{subject}'"
        assert not lab.run("mailstore", search).strip(), "nothing under another name"


def test_dieu4_6_a_rejection_comes_from_the_owner_and_not_from_the_system(
    lab: Lab, owner: Sample, asker: Sample, put: Put
) -> None:
    assert put('require "reject"; reject "Mat khau cua ban het han, hay doi tai http://198.51.100.7/";')
    subject = deliver(lab, owner, asker)
    reply = lab.wait_for_message(asker, f"Rejected: {subject}")
    assert author(reply).strip("<>").endswith(owner.address)
