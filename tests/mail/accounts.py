"""States of a mailbox on a running lab, brought about in the database, and clients that try to get in."""

import base64
import contextlib
import imaplib
import poplib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.delegation import Delegation
from tests.lab import TIMEOUT, Lab, Sample
from tests.mail.http_doors import Browser, messages


def forget_failures(lab: Lab) -> None:
    """Failures that a test made must not shut out the next one."""
    lab.sql("delete from mail.sign_in_failure; delete from mail.sign_in_lockout")


class State(StrEnum):
    """Every state of a mailbox (Đ6, Đ7.1, Đ7.2 a-d, Đ8.2a), and the one of a source that failed too often (Đ4.6)."""

    ACTIVE = "active"
    DEFAULT = "must_change:default"
    EXPIRED = "must_change:expired"
    IDLE = "locked:idle"
    COMPROMISED = "locked:compromised"
    FORBIDDEN_USE = "locked:forbidden_use"
    DEFAULT_KEPT = "locked:default_password"
    REVOKED = "revoked"
    THROTTLED = "throttled"

    def bring_about(self, mailbox: str) -> str:
        """The statements that put an active mailbox into the state."""
        credential = f"update mail.credential set {{}} where mailbox_id = '{mailbox}'"
        match self:
            case State.ACTIVE:
                return "select"
            case State.DEFAULT:
                return credential.format("must_change = true, is_default = true")
            case State.EXPIRED:
                return credential.format("changed_at = now() - interval '1 year', is_default = false")
            case State.REVOKED:
                return f"update mail.mailbox set state = 'revoked' where id = '{mailbox}'"
            case State.THROTTLED:
                # From every source there is, as the clients of the tests come from several.
                return (
                    "insert into mail.sign_in_failure (login, address, protocol)"
                    f" select '{mailbox}', a.address, 'test' from generate_series(1, 100),"
                    f" (select address from mail.sign_in_address where mailbox_id = '{mailbox}') a"
                )
            case _:
                return f"select mail.mailbox_lock('{mailbox}', '{self.partition(':')[2]}', '')"


def reopen(lab: Lab, mailbox: str) -> None:
    """Make the mailbox active again, whatever it was."""
    lab.outwait_cuts()
    lab.sql(
        f"update mail.mailbox set state = 'active' where id = '{mailbox}';"
        f" delete from mail.lock_state where mailbox_id = '{mailbox}';"
        " update mail.credential set must_change = false, is_default = false, changed_at = now()"
        f" where mailbox_id = '{mailbox}'",
    )
    forget_failures(lab)
    lab.settle()


@contextlib.contextmanager
def in_state(lab: Lab, sample: Sample, state: State) -> Iterator[None]:
    """The sample's mailbox in a state, known to all daemons; active again afterwards."""
    try:
        lab.sql(state.bring_about(sample.mailbox))
        lab.settle()
        if state == State.THROTTLED:
            # Whoever is let in from memory is no guesser.
            lab.run("mailstore", "doveadm auth cache flush")
            if lab.host("submission") != lab.host("mailstore"):
                lab.run("submission", "doveadm auth cache flush")
        yield
    finally:
        reopen(lab, sample.mailbox)


@dataclass(frozen=True)
class Answer:
    """Whether the client got in, and what it was told."""

    opened: bool
    text: str


@dataclass(frozen=True)
class Login:
    """What is typed at a door: the name, and the address that mail is sent from."""

    name: str
    sender: str


def _imap(lab: Lab, login: Login, password: str) -> Answer:
    try:
        with lab.imap(login.name, password) as client:
            return Answer(client.select("INBOX", readonly=True)[0] == "OK", "")
    except imaplib.IMAP4.error as error:
        return Answer(False, str(error))


def _pop3(lab: Lab, login: Login, password: str) -> Answer:
    try:
        client = lab.pop3(login.name, password)
    except poplib.error_proto as error:
        return Answer(False, str(error))
    client.stat()
    client.quit()
    return Answer(True, "")


def _submission(implicit_tls: bool) -> Callable[[Lab, Login, str], Answer]:
    def attempt(lab: Lab, login: Login, password: str) -> Answer:
        try:
            with lab.submission(login.name, password, implicit_tls=implicit_tls) as client:
                return Answer(client.mail(login.sender)[0] == 250, "")
        except smtplib.SMTPAuthenticationError as error:
            assert error.smtp_code == 535
            assert isinstance(error.smtp_error, bytes)
            return Answer(False, error.smtp_error.decode())

    return attempt


def _managesieve(lab: Lab, login: Login, password: str) -> Answer:
    name = f"imap.{lab.variables['mail_domain']}"
    with socket.create_connection((lab.address("mailstore"), 4190), TIMEOUT) as plain:
        stream = plain.makefile("rb")

        def reply() -> bytes:
            while not (line := stream.readline()).startswith((b"OK", b"NO", b"BYE")):
                pass
            return line

        reply()
        plain.sendall(b"STARTTLS\r\n")
        assert reply().startswith(b"OK")
        with lab.ssl_context.wrap_socket(plain, server_hostname=name) as secure:
            stream = secure.makefile("rb")
            reply()
            token = base64.b64encode(f"\0{login.name}\0{password}".encode())
            secure.sendall(b'AUTHENTICATE "PLAIN" "' + token + b'"\r\n')
            answer = reply()
            if not answer.startswith(b"OK"):
                return Answer(False, answer.decode())
            secure.sendall(b"LISTSCRIPTS\r\n")
            return Answer(reply().startswith(b"OK"), "")


# On the host itself: the listener is for the webmail there alone. The webmail says for which browser it comes.
_LOCAL_IMAP = """
import imaplib
imaplib.Commands["ID"] = ("NONAUTH",)
client = imaplib.IMAP4("127.0.0.1", {port}, timeout=30)
client._simple_command("ID", '("x-originating-ip" "{browser}")')
try:
    client.login({name!r}, {password!r})
    print("opened" if client.select("INBOX", readonly=True)[0] == "OK" else "not opened")
except imaplib.IMAP4.error as error:
    print(error)
"""
BROWSER = "10.27.255.9"


def webmail_imap(lab: Lab, name: str, password: str, browser: str = BROWSER) -> str:
    """ "opened", or what Dovecot says to the webmail beside it that signs somebody in for the browser at an address."""
    port = lab.port("webmail_imap")
    program = _LOCAL_IMAP.format(port=port, browser=browser, name=name, password=password)
    return lab.run("mailstore", f"python3 - <<'PROGRAM'\n{program}PROGRAM").strip()


def _local_imap(lab: Lab, login: Login, password: str) -> Answer:
    """The webmail's own listener; a webmail on another host comes by the public one, from its own address."""
    if lab.host("webmail") != lab.host("mailstore"):
        return _imap(lab, login, password)
    shown = webmail_imap(lab, login.name, password)
    return Answer(shown == "opened", shown)


def _webmail(lab: Lab, login: Login, password: str) -> Answer:
    """As far as the list of messages; a refusal is where the browser is sent to, or what the login page says."""
    browser = Browser(lab)
    answer = browser.log_in(login.name, password)
    if answer.status == 302 and "_task=mail" in answer.location:
        return Answer('id="messagelist' in browser.ask("/?_task=mail").body, answer.location)
    return Answer(False, answer.location or messages(answer.body))


_LMTP = (
    "import smtplib,sys\n"
    "client = smtplib.LMTP('/run/dovecot/lmtp')\n"
    "try:\n"
    "    client.sendmail('an@bo.gov.vn', [sys.argv[1]], b'Subject: trang thai\\n\\nx\\n')\n"
    "    print('opened')\n"
    "except smtplib.SMTPRecipientsRefused as error:\n"
    "    print(error)\n"
)


def _lmtp(lab: Lab, login: Login, _password: str) -> Answer:
    shown = lab.run("mailstore", f"python3 - {login.sender} <<'PROGRAM'\n{_LMTP}PROGRAM").strip()
    return Answer(shown == "opened", shown)


def _change(lab: Lab, login: Login, password: str) -> Answer:
    """The change page: heard when it only finds fault with the new password."""
    answer = Browser(lab).change(login.name, password, "yeu")
    return Answer(answer["result"] == "rejected", f"{answer['result']}:{answer['cause'] or ''} {answer['message']}")


class Protocol(StrEnum):
    """Every door to a mailbox; those of a clerk, who opens his agency's with his own password, bear a star."""

    IMAP = "IMAP"
    POP3 = "POP3"
    SUBMISSIONS = "SMTP 465"
    SUBMISSION = "SMTP 587"
    MANAGESIEVE = "ManageSieve"
    WEBMAIL = "webmail"
    WEBMAIL_IMAP = "IMAP of the webmail"
    LMTP = "LMTP"
    CHANGE = "change page"
    CLERK_IMAP = "IMAP *"
    CLERK_POP3 = "POP3 *"
    CLERK_SUBMISSIONS = "SMTP 465 *"
    CLERK_SUBMISSION = "SMTP 587 *"
    CLERK_MANAGESIEVE = "ManageSieve *"
    CLERK_WEBMAIL = "webmail *"

    @property
    def delegated(self) -> bool:
        """Whether the mailbox that is opened is the agency's: agency*person."""
        return self.value.endswith("*")

    @property
    def sends(self) -> bool:
        """SMTP AUTH, which tells nobody why it refuses."""
        return self.value.startswith("SMTP")

    @property
    def web(self) -> bool:
        """Whether a page in Vietnamese answers, and not a line in ASCII."""
        return self in (Protocol.WEBMAIL, Protocol.CHANGE, Protocol.CLERK_WEBMAIL)

    def attempt(self, lab: Lab, person: Sample, password: str, delegation: Delegation | None = None) -> Answer:
        """A client of this protocol: gets as far as a first use of the mailbox. At a clerk's door the person is one."""
        client: Callable[[Lab, Login, str], Answer] = {
            "IMAP": _imap,
            "POP3": _pop3,
            "SMTP 465": _submission(True),
            "SMTP 587": _submission(False),
            "ManageSieve": _managesieve,
            "webmail": _webmail,
            "IMAP of the webmail": _local_imap,
            "LMTP": _lmtp,
            "change page": _change,
        }[self.value.removesuffix(" *")]
        login = Login(person.address, person.address)
        if self.delegated:
            assert delegation is not None
            assert delegation.clerk == person
            login = Login(delegation.login, delegation.agency)
        return client(lab, login, password)


def raw_imap(lab: Lab) -> ssl.SSLSocket:
    """A TLS connection to the IMAP port, greeting not yet read."""
    plain = socket.create_connection((lab.address("mailstore"), 993), TIMEOUT)
    return lab.ssl_context.wrap_socket(plain, server_hostname=f"imap.{lab.variables['mail_domain']}")
