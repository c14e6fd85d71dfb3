"""Nobody writes as somebody else (Đ4.6): tests/spoof_matrix.py, asked of the filter and brought to the doors.

Leaves a table of how many combinations there are of each verdict in build/spoof_matrix.md.
"""

import email
import json
import smtplib
import ssl
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.message import Message
from email.utils import formatdate
from functools import cached_property, partial
from typing import Any

import pytest

from hanam_lab.paths import REPOSITORY
from tests import journal
from tests.lab import Lab, Sample, at_once, wait_for
from tests.mail.test_scores import ask
from tests.people import People
from tests.signing import Key, dkim
from tests.spoof_matrix import (
    OURS,
    Letter,
    Name,
    Signature,
    Verdict,
    Way,
    Who,
    asked,
    expected,
    product,
    sample,
    table,
)
from tests.world_names import ZONE, published

pytestmark = [pytest.mark.dieu4, pytest.mark.provokes(journal.ZONES)]

TABLE = REPOSITORY / "build/spoof_matrix.md"

WEIGHS = (
    *("PLAYS_LEADER", "PLAYS_AGENCY", "BEARS_LEADERS_NAME", "PLAYS_KNOWN", "ANSWERS_TO_FREE_MAILBOX", "REPLY_TO_PLAYS"),
    *("SPOOF_DISPLAY_NAME", "FROM_NEQ_DISPLAY_NAME", "SPOOF_REPLYTO"),
)
"""Symbols of what a letter's names cost."""

DOOR_CODES = {Way.OUTSIDE: (550,), Way.NOT_SIGNED_IN: (530, 553, 554), Way.SIGNED_IN: (553, 554)}

Answer = Mapping[str, Any]
"""What the filter says of a letter."""


@dataclass(frozen=True)
class _OurKey(Key):
    """The one by which our own mail is signed."""

    pem: str = field(default="", repr=False)

    @cached_property
    def private(self) -> bytes:
        return self.pem.encode()


class Matrix:
    """The letters themselves: whose the addresses are, and who signs."""

    def __init__(self, lab: Lab, people: People) -> None:
        self.lab = lab
        self.person, self.other, self.receiver = people.take(), people.take(), people.take()
        self.ours = str(lab.variables["mail_domain"])
        name = uuid.uuid4().hex[:8]
        self.keys = {
            Signature.STRANGER: Key(f"la{name}.{ZONE}", "la"),
            Signature.STRICT: Key(f"chat{name}.{ZONE}", "chat"),
        }
        ((selector, pem),) = [(name, key) for name, key in lab.variables["vault_dkim_keys"].items() if "rsa" in name]
        self.keys[Signature.OURS] = _OurKey(self.ours, selector, pem=pem)
        self.addresses = {
            Who.NOBODY: "",
            Who.OWN: self.person.address,
            Who.OTHER: self.other.address,
            Who.ABSENT: f"khong.co.ai@{self.ours}",
            Who.STRANGER: f"van.phong@{self.keys[Signature.STRANGER].domain}",
            Who.STRICT: f"van.phong@{self.keys[Signature.STRICT].domain}",
            Who.LOOKALIKE: f"van.phong@{self.ours.replace('a', chr(0x430), 1)}",
            Who.FREE: "hop.thu.rieng@gmail.com",
        }
        self.answers = self.addresses | {Who.FREE: "hop.thu.rieng@yahoo.com", Who.PLAYING: "chutich.hanam@yahoo.com"}
        self.names = {
            Name.PERSON: self.person.name,
            Name.LEADER: "Chủ tịch UBND tỉnh Hà Nam",
            Name.AGENCY: "Sở Nội vụ tỉnh Hà Nam",
            Name.ADDRESS: self.other.address,
            Name.ADDRESS_IN_BRACKETS: f"Văn phòng ({self.other.address})",
        }
        self._signatures = dict[tuple[Signature, bytes], bytes]()

    @property
    def records(self) -> list[str]:
        """What DNS must know of the two strange domains."""
        strict = self.keys[Signature.STRICT]
        keys = (self.keys[Signature.STRANGER], strict)
        lines = [f"{key.domain}. 30 IN MX 10 mx.{ZONE}." for key in keys] + [key.zone_line for key in keys]
        return [*lines, f'_dmarc.{strict.domain}. 30 IN TXT "v=DMARC1; p=reject"']

    def recipient(self, letter: Letter) -> Sample:
        """Who is written to: from outside himself in whose name it may come."""
        return self.person if letter.way in (Way.OUTSIDE, Way.NOT_SIGNED_IN) else self.receiver

    def content(self, letter: Letter, subject: str) -> bytes:
        name, author = self.names.get(letter.name), self.addresses[letter.author]
        signed = (
            f"From: {f'"{name}" ' if name else ''}<{author}>\r\nTo: <{self.recipient(letter).address}>\r\n"
            f"Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 8bit\r\n\r\nKính gửi đồng chí.\r\n"
        ).encode()
        fields = f"Date: {formatdate(localtime=True)}\r\nMessage-ID: <{uuid.uuid4().hex}@client.example>\r\n"
        if letter.sender is not Who.NOBODY:
            fields += f"Sender: <{self.addresses[letter.sender]}>\r\n"
        if letter.answers is not Who.NOBODY:
            fields += f"Reply-To: <{self.answers[letter.answers]}>\r\n"
        return self._signature(letter.signature, signed) + fields.encode() + signed

    def _signature(self, kind: Signature, content: bytes) -> bytes:
        if kind is Signature.NONE:
            return b""
        if (kind, content) not in self._signatures:
            self._signatures[kind, content] = dkim(self.keys[kind], content).removesuffix(content)
        return self._signatures[kind, content]

    def question(self, letter: Letter, subject: str, client: str) -> tuple[dict[str, str], bytes]:
        """As the mail server asks the filter: it has taken out the Sender of who has signed in."""
        seen = replace(letter, sender=Who.NOBODY) if letter.way is Way.SIGNED_IN else letter
        content = self.content(seen, subject)
        told = {"From": self.addresses[letter.envelope], "Rcpt": self.recipient(letter).address}
        if letter.way is Way.OUR_HOST:
            return told | {"IP": "127.0.0.1", "Helo": "localhost", "Hostname": "localhost"}, content
        told |= {"IP": client, "Helo": "client.example", "Hostname": "client.example"}
        return told | ({"User": self.person.mailbox} if letter.way is Way.SIGNED_IN else {}), content


@dataclass(frozen=True)
class Played:
    """What was asked, and what is brought to the doors: letter -> subject."""

    matrix: Matrix
    answers: Mapping[Letter, Answer]
    subjects: Mapping[Letter, str]


@pytest.fixture(scope="module")
def played(lab: Lab, people: People) -> Iterator[Played]:
    matrix, letters = Matrix(lab, people), asked()
    subjects = {each: uuid.uuid4().hex for each in sample(3)}
    with published(lab, matrix.records):
        with lab.smtp() as connection:
            client = str(connection.sock.getsockname()[0])  # type: ignore[union-attr]
        questions = [matrix.question(each, subjects.get(each, "van-thu"), client) for each in letters]
        yield Played(matrix, dict(zip(letters, ask(lab, questions), strict=True)), subjects)


def _points(answer: Answer) -> float:
    return round(sum(answer["symbols"][name]["score"] for name in WEIGHS if name in answer["symbols"]), 2)


def _field(answer: Answer, name: str) -> str:
    """What the filter adds to the letter under that name."""
    return str(answer.get("milter", {}).get("add_headers", {}).get(name, ""))


def _origin(letter: Letter) -> str:
    inside = letter.way is Way.SIGNED_IN or (letter.way is Way.OUR_HOST and letter.author in OURS)
    return "inside" if inside else "outside"


def _is_right(letter: Letter, answer: Answer) -> bool:
    what, action = expected(letter), str(answer["action"])
    if what.verdict is Verdict.REFUSED:
        return action == "reject" and what.words in answer["messages"]["smtp_message"]
    if not _field(answer, "X-Hanam-Origin").startswith(_origin(letter)):
        return False
    if what.verdict is Verdict.MARKED:
        return action == "add header"
    # With points the sum decides, into which other rules put theirs.
    return _points(answer) == what.points and (action == "no action" or bool(what.points and action == "add header"))


def _shown(answer: Answer) -> str:
    said = answer.get("messages", {}).get("smtp_message", "")
    return f"{answer['action']}, {_points(answer)} points for names {said} {_field(answer, 'X-Hanam-Origin')}"


def test_the_filter_judges_each_combination_as_the_rules_say(played: Played) -> None:
    letters = list(played.answers)
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table(product(), letters, list(played.subjects)), encoding="utf-8")
    assert len(letters) > 1_000
    wrong = {
        str(letter): f"{expected(letter)} but {_shown(answer)}"
        for letter, answer in played.answers.items()
        if not _is_right(letter, answer)
    }
    assert not wrong, "\n".join(f"{letter}: {what}" for letter, what in wrong.items())


# --- the doors themselves ---

# Hands letters in on a host of ours, as its own programs do.
_HAND_IN = """
import json, smtplib

replies = []
for sender, recipient, content in json.load(open("/run/letters.json")):
    with smtplib.SMTP("127.0.0.1", 25) as client:
        client.ehlo("localhost")
        code, text = client.mail(sender)
        if code == 250:
            code, text = client.rcpt(recipient)
        if code == 250:
            code, text = client.data(content.encode("latin-1"))
    replies.append((code, text.decode()))
print(json.dumps(replies))
"""

Reply = tuple[int, str]


def _by_hosts(lab: Lab, letters: Sequence[tuple[str, str, bytes]]) -> list[Reply]:
    told = json.dumps([(sender, recipient, content.decode("latin-1")) for sender, recipient, content in letters])
    lab.run("mx", f"cat > /run/letters.json <<'LETTERS'\n{told}\nLETTERS")
    answers = lab.run("mx", f"python3 - <<'PROGRAM'\n{_HAND_IN}\nPROGRAM\nrm /run/letters.json")
    return [(int(code), str(text)) for code, text in json.loads(answers)]


def _not_signed_in(lab: Lab, number: int) -> smtplib.SMTP:
    """On either port, one of them before TLS."""
    if number % 2:
        return lab.smtp("submission", 587)
    context = ssl.create_default_context(cadata=lab.public_authorities)
    context.check_hostname = False
    client = smtplib.SMTP_SSL(lab.address("submission"), 465, timeout=30, context=context)
    client.ehlo("client.example")
    return client


def _bring(played: Played, number: int, letter: Letter, content: bytes) -> Reply:
    """What is answered: at the first command that is refused, else at the end of the letter."""
    matrix = played.matrix
    if letter.way is Way.OUTSIDE:
        connection = matrix.lab.smtp()
    elif letter.way is Way.NOT_SIGNED_IN:
        connection = _not_signed_in(matrix.lab, number)
    else:
        person = matrix.person
        connection = matrix.lab.submission(person.address, person.password, implicit_tls=bool(number % 2))
    with connection as client:
        code, text = client.mail(matrix.addresses[letter.envelope])
        if code == 250:
            code, text = client.rcpt(matrix.recipient(letter).address)
        if code == 250:
            code, text = client.data(content)
    return code, text.decode()


def _answered(played: Played) -> dict[Letter, Reply]:
    matrix, subjects = played.matrix, played.subjects
    contents = {each: matrix.content(each, subject) for each, subject in subjects.items()}
    ours = [each for each in subjects if each.way is Way.OUR_HOST]
    told = [(matrix.addresses[each.envelope], matrix.recipient(each).address, contents[each]) for each in ours]
    found = dict(zip(ours, _by_hosts(matrix.lab, told), strict=True))
    others = [each for each in subjects if each.way is not Way.OUR_HOST]
    for start in range(0, len(others), 6):
        some = others[start : start + 6]
        calls = [partial(_bring, played, start + place, each, contents[each]) for place, each in enumerate(some)]
        found |= dict(zip(some, at_once(*calls), strict=True))
    return found


def _is_answered_rightly(letter: Letter, reply: Reply, answer: Answer | None) -> bool:
    what, (code, text) = expected(letter), reply
    if what.verdict is Verdict.AT_THE_DOOR:
        return code in DOOR_CODES[letter.way] and what.words in text
    assert answer, "what gets to the filter was asked of it"
    if what.verdict is Verdict.REFUSED:
        return code == 554 and answer["messages"]["smtp_message"] in text.replace("\n", " ")
    return code == 250 or (code == 451 and "GREYLISTED" in answer["symbols"])


def _there(lab: Lab, person: Sample) -> dict[str, tuple[str, Message]]:
    """Subject -> its folder and head, of all that has come."""
    found = dict[str, tuple[str, Message]]()
    with lab.imap(person.address, person.password) as client:
        for folder in ("INBOX", "Junk"):
            _, (count, *_) = client.select(folder, readonly=True)
            # An empty folder has no first message to ask for.
            parts = client.fetch("1:*", "(BODY.PEEK[HEADER])")[1] if int(count) else []
            heads = [email.message_from_bytes(part[1]) for part in parts if isinstance(part, tuple)]
            found |= {str(head["Subject"]): (folder, head) for head in heads}
    return found


def test_the_doors_answer_as_the_rules_and_the_filter_say(lab: Lab, played: Played) -> None:
    replies = _answered(played)
    assert len(replies) > 40
    wrong = {
        str(letter): f"{expected(letter)} but {reply}"
        for letter, reply in replies.items()
        if not _is_answered_rightly(letter, reply, played.answers.get(letter))
    }
    assert not wrong, "\n".join(f"{letter}: {what}" for letter, what in wrong.items())
    taken = {
        letter: played.answers[letter]
        for letter, (code, _) in replies.items()
        if code == 250 and not _field(played.answers[letter], "X-Hanam-Hold")
    }
    subjects = {played.subjects[letter] for letter in taken}

    def all_there() -> dict[str, tuple[str, Message]] | None:
        found = _there(lab, played.matrix.person) | _there(lab, played.matrix.receiver)
        return found if subjects <= found.keys() else None

    there = wait_for(all_there, "all letters that were taken")
    for letter, answer in taken.items():
        folder, head = there[played.subjects[letter]]
        assert folder == ("Junk" if answer["action"] == "add header" else "INBOX"), letter
        assert str(head["X-Hanam-Origin"]).startswith(_origin(letter)), letter
        assert "Sender" not in head or letter.way is not Way.SIGNED_IN, letter
    # What is refused, held or asked to come again is nowhere.
    assert not there.keys() & set(played.subjects.values()) - subjects
