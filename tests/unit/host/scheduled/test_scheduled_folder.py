"""A letter's folder: what is asked of the mail store before and after the letter itself."""

import imaplib
from typing import Any

import pytest

from hanam_mail.host.scheduled.folder import MailFolder, TooLargeError


class Client(imaplib.IMAP4):
    """A session that was opened already: the commands as they would leave, and answers by their first word."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers, self.said = answers, list[str]()
        self.state = "SELECTED"

    def __del__(self) -> None:
        pass

    def authenticate(self, mechanism: str, authobject: Any) -> tuple[str, Any]:
        return "OK", [b""]

    def select(self, mailbox: str = "INBOX", readonly: bool = False) -> tuple[str, list[bytes | None]]:
        return "OK", [b"1"]

    def response(self, code: str) -> tuple[str, list[Any]]:
        return code, [b"7"]

    def append(self, *words: Any) -> tuple[str, Any]:
        self.said.append("APPEND")
        return "OK", [b""]

    def shutdown(self) -> None:
        pass

    def uid(self, command: str, *args: str) -> tuple[str, list[Any]]:
        # As imaplib itself puts it on the wire.
        line = b" ".join([command.encode(), *(bytes(each, "ascii") for each in args)])
        self.said.append(line.decode())
        return "OK", self.answers.get(command, [b""])


def folder(client: Client) -> MailFolder:
    return MailFolder(lambda: client, "an", "word", "Chờ gửi", "Sent", 1000)


@pytest.mark.parametrize("message_id", ["<ấ@hanam.gov.vn>", "<a\r\nx LOGOUT@b>", ""])
def test_by_a_name_that_cannot_be_searched_for_nothing_is_found_and_the_letter_is_filed(message_id: str) -> None:
    client = Client(SEARCH=[b"5"])
    folder(client).file(3, b"x", message_id)
    assert client.said[0] == "APPEND" and client.said[-1] == "EXPUNGE 3"


def test_what_lies_among_what_was_sent_is_not_put_there_again() -> None:
    client = Client(SEARCH=[b"5"])
    folder(client).file(3, b"x", '<a"1@b>')
    assert client.said[0] == r'SEARCH HEADER Message-ID "<a\"1@b>"' and "APPEND" not in client.said


def test_a_letter_beyond_the_limit_is_not_even_fetched() -> None:
    whole = [(b"1 (UID 3 FLAGS (\\Seen) BODY[] {1}", b"x"), b")"]
    client = Client(FETCH=[b"1 (UID 3 RFC822.SIZE 1001)"])
    with pytest.raises(TooLargeError):
        folder(client).letter(7, 3)
    assert client.said == ["FETCH 3 (RFC822.SIZE)"]
    assert folder(Client(FETCH=[b"1 (UID 3 RFC822.SIZE 1000)", *whole])).letter(7, 3) == b"x"
    assert folder(Client(FETCH=[None])).letter(7, 3) is None
