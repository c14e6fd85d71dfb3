"""LMTP as the quarantine speaks it: ordinary clients, and hostile ones (RFC 2033, Đ3.3)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanam_mail.host.quarantine import envelope
from hanam_mail.host.quarantine.content import Content, stuffed
from hanam_mail.host.quarantine.dialogue import QuarantineSession, SessionLimits
from hanam_mail.host.quarantine.envelope import BadCommandError, Envelope, Recipient

pytestmark = pytest.mark.dieu3


@dataclass
class Kept:
    """A draft in memory, which may run out of room."""

    room: int
    octets: bytes = b""
    dropped: bool = False

    def add(self, octets: bytes) -> None:
        if len(self.octets) + len(octets) > self.room:
            raise OSError(28, "No space left on device")
        self.octets += octets

    def drop(self) -> None:
        self.dropped = True


@dataclass
class House:
    """Where messages go; `refuses` is what stands in the way."""

    refuses: Exception | None = None
    room: int = 2**30
    no_draft: bool = False
    later: dict[str, str] = field(default_factory=dict)
    drafts: list[Kept] = field(default_factory=list)
    kept: list[tuple[bytes, Envelope]] = field(default_factory=list)

    def draft(self) -> Kept:
        if self.no_draft:
            raise OSError(13, "Permission denied")
        self.drafts.append(Kept(self.room))
        return self.drafts[-1]

    async def keep(self, draft: Kept, message: Envelope) -> dict[str, str]:
        if self.refuses:
            raise self.refuses
        self.kept.append((draft.octets, message))
        return self.later


def talk(house: House, *pieces: bytes, limits: SessionLimits | None = None, ends: bool = True) -> list[str]:
    """What the session answers to a client that sends these pieces and goes away; without `ends` it stays, silent."""

    async def run() -> list[str]:
        reader, answers = asyncio.StreamReader(), bytearray()

        async def send(octets: bytes) -> None:
            answers.extend(octets)

        for piece in pieces:
            reader.feed_data(piece)
        if ends:
            reader.feed_eof()
        await QuarantineSession(reader, send, house, "held.example", limits or SessionLimits(octets=2**20)).run()
        return answers.decode().splitlines()

    return asyncio.run(run())


START = b"LHLO edge1\r\nXFORWARD IDENT=4hXyZ\r\nMAIL FROM:<an@x.example>\r\nRCPT TO:<binh@y.example>\r\n"
MESSAGE = b"Subject: a\r\n\r\nKinh gui\r\n"


def codes(answers: Sequence[str]) -> list[str]:
    """Of each answer's last line."""
    return [line[:3] for line in answers if line[3] == " "]


def test_a_message_is_kept_and_then_answered_for_each_receiver() -> None:
    house = House()
    more = b"RCPT TO:<chi@y.example>\r\n"
    answers = talk(house, START + more + b"DATA\r\n", MESSAGE + b".\r\n", b"QUIT\r\n")
    assert codes(answers) == ["220", "250", "250", "250", "250", "250", "354", "250", "250", "221"]
    ((octets, message),) = house.kept
    assert octets == MESSAGE
    assert (message.sender, message.queue_id, list(message.recipients)) == (
        "an@x.example",
        "4hXyZ",
        ["binh@y.example", "chi@y.example"],
    )
    assert house.drafts[0].dropped, "the draft is the door's no more"


def test_it_offers_what_postfix_needs_to_hand_over_everything() -> None:
    """Without these Postfix sends mail in UTF-8 back, or tells the sender that his mail has been delivered."""
    offered = {line[4:] for line in talk(House(), b"LHLO x\r\n")[1:]}
    assert {"PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "XFORWARD IDENT", "ENHANCEDSTATUSCODES"} <= offered


def test_whatever_is_sent_in_one_piece_is_answered_in_order() -> None:
    house = House()
    whole = (
        START + b"DATA\r\n" + MESSAGE + b".\r\nMAIL FROM:<>\r\nRCPT TO:<d@x.example>\r\nDATA\r\n.\r\nNOOP\r\nQUIT\r\n"
    )
    answers = talk(house, whole)
    assert codes(answers)[5:] == ["354", "250", "250", "250", "354", "250", "250", "221"]
    assert [octets for octets, _ in house.kept] == [MESSAGE, b""]
    assert house.kept[1][1].queue_id == "", "that was of the message before"


def test_each_octet_alone_makes_the_same_message() -> None:
    house, whole = House(), START + b"DATA\r\n..a\r\n.b\r\n" + MESSAGE + b".\r\n"
    talk(house, *(whole[at : at + 1] for at in range(len(whole))))
    assert house.kept[0][0] == b".a\r\nb\r\n" + MESSAGE


@pytest.mark.parametrize("false_end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r\n..\r\n"])
def test_nothing_but_a_dot_between_two_crlf_ends_a_message(false_end: bytes) -> None:
    """Else a client smuggles a second message past the one that was judged."""
    house = House()
    smuggled = b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<d@x.example>\r\nDATA\r\nx\r\n"
    talk(house, START + b"DATA\r\nSubject: a" + false_end + smuggled + b".\r\nQUIT\r\n")
    ((octets, message),) = house.kept
    assert message.sender == "an@x.example"
    assert b"evil@x.example" in octets


def test_the_same_receiver_twice_is_answered_twice_and_kept_once() -> None:
    house = House()
    answers = talk(house, START + b"RCPT TO:<binh@y.example>\r\nDATA\r\n" + MESSAGE + b".\r\n")
    assert codes(answers)[-2:] == ["250", "250"]
    assert len(house.kept[0][1].recipients) == 1


def test_each_receiver_hears_his_own_answer_in_the_order_of_rcpt() -> None:
    house = House(later={"binh@y.example": "451 4.3.0 later"})
    answers = talk(house, START + b"RCPT TO:<d@x.example>\r\nRCPT TO:<binh@y.example>\r\nDATA\r\n" + MESSAGE + b".\r\n")
    said = dict.fromkeys(house.kept[0][1].recipients, "250") | {"binh@y.example": "451"}
    assert codes(answers)[-len(said) - 1 :] == [*said.values(), "451"]


@pytest.mark.parametrize("house", [House(refuses=RuntimeError("away")), House(room=10), House(no_draft=True)])
def test_whatever_stands_in_the_way_is_answered_4xx_and_the_session_goes_on(house: House) -> None:
    answers = talk(house, START + b"RCPT TO:<c@y.example>\r\nDATA\r\n" + MESSAGE + b".\r\nNOOP\r\n")
    assert [line[:5] for line in answers[-3:]] == ["451 4", "451 4", "250 2"]
    assert house.kept == []
    assert all(draft.dropped for draft in house.drafts)


def test_a_message_that_is_too_large_is_read_to_its_end_and_takes_no_room() -> None:
    house, limits = House(), SessionLimits(octets=1000)
    answers = talk(house, START + b"DATA\r\n", *[b"x" * 998 + b"\r\n"] * 500, b".\r\nNOOP\r\n", limits=limits)
    assert codes(answers)[-2:] == ["452", "250"]
    assert len(house.drafts[0].octets) <= 1000
    assert house.kept == []


def test_one_line_of_ten_megabytes_is_a_message_as_any_other() -> None:
    house = House()
    line = b"a" * (10 * 2**20)
    talk(house, START + b"DATA\r\n", line, b"\r\n.\r\n", limits=SessionLimits(octets=2**24))
    assert house.kept[0][0] == line + b"\r\n"


def test_octets_of_every_value_are_kept() -> None:
    house = House()
    every = bytes(each for each in range(256) if each not in b"\r\n") + b"\r\n"
    talk(house, START + b"DATA\r\n" + every + b".\r\n")
    assert house.kept[0][0] == every


@pytest.mark.parametrize(
    "cut", [b"", b"DATA\r\n", b"DATA\r\nSubject: a\r\n", b"DATA\r\nSubject: a\r\n.", b"DATA\r\nx\r\n.\r"]
)
def test_who_goes_away_before_the_end_has_sent_nothing(cut: bytes) -> None:
    house = House()
    talk(house, START + cut)
    assert house.kept == []
    assert all(draft.dropped for draft in house.drafts)


@pytest.mark.parametrize("limits", [SessionLimits(2**20, silence=0.02), SessionLimits(2**20, session=0.02)])
def test_who_says_nothing_more_is_not_waited_for(limits: SessionLimits) -> None:
    house = House()
    answers = talk(house, START + b"DATA\r\nSubject: a\r\n", limits=limits, ends=False)
    assert answers[-1].startswith("421 ")
    assert house.drafts[0].dropped
    assert house.kept == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"EHLO x", "500"),
        (b"HELO x", "500"),
        (b"BDAT 5 LAST", "500"),
        (b"STARTTLS", "500"),
        (b"\x00", "500"),
        (b"NOOP \x00", "500"),
        (b"\xff\xfe", "501"),
        (b"", "500"),
        (b"DATA", "503"),
        (b"RCPT TO:<a@b>", "503"),
        (b"MAIL FROM:a@b", "501"),
        (b"MAIL FROM:<a b@c>", "501"),
        (b"MAIL FROM:<a@b> FOO=1", "555"),
        (b"MAIL FROM:<a@b> BODY=BINARYMIME", "501"),
        (b"MAIL TO:<a@b>", "501"),
        (b"MAIL", "501"),
        (b"MAIL FROM:<" + b"a" * 2000 + b"@b>", "501"),
        (b"A" * 100_000, "500"),
        (b"VRFY a", "252"),
        (b"XFORWARD IDENT=+", "250"),
    ],
)
def test_a_line_that_means_nothing_is_refused_and_the_next_one_is_heard(line: bytes, code: str) -> None:
    assert codes(talk(House(), b"LHLO x\r\n", line + b"\r\nNOOP\r\n"))[2:] == [code, "250"]


def test_nothing_of_an_envelope_before_lhlo_and_no_message_within_another() -> None:
    assert codes(talk(House(), b"MAIL FROM:<a@b>\r\n"))[1:] == ["503"]
    assert codes(talk(House(), START + b"MAIL FROM:<c@d>\r\nRSET\r\nMAIL FROM:<c@d>\r\n"))[-3:] == ["503", "250", "250"]
    assert codes(talk(House(), START + b"DATA x\r\n"))[-1] == "501"
    assert codes(talk(House(), b"LHLO x\r\nMAIL FROM:<>\r\nDATA\r\n"))[-1] == "503"


def test_who_makes_nothing_but_mistakes_is_sent_away() -> None:
    answers = talk(House(), b"LHLO x\r\n" + b"FOO\r\n" * 1000)
    assert answers[-1].startswith("421 ")
    assert len(answers) < 50


def test_thousands_of_receivers_are_one_message_and_more_than_may_be_come_again() -> None:
    house = House()
    rcpt = b"".join(b"RCPT TO:<n%d@y.example>\r\n" % number for number in range(5001))
    answers = talk(house, b"LHLO x\r\nMAIL FROM:<>\r\n" + rcpt + b"DATA\r\n" + MESSAGE + b".\r\n")
    assert codes(answers).count("452") == 1
    assert len(house.kept[0][1].recipients) == 5000
    assert codes(answers)[-5001:] == ["354"] + ["250"] * 5000


# --- envelopes ---


def test_an_envelope_keeps_all_that_the_next_server_must_hear() -> None:
    read = envelope.sender("<an@x.example> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314159")
    assert read.options == {"body": "8BITMIME", "utf8": True, "ret": "HDRS", "envid": "QQ314159"}
    got = envelope.recipient("<binh@y.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;binh+2Bx@y.example")
    assert got == Recipient("binh@y.example", "SUCCESS,FAILURE", "rfc822;binh+2Bx@y.example")


@pytest.mark.parametrize(
    "address", ["ông@x.example", '"a b"@x.example', '"a>b"@x.example', '"a\\"<b"@x.example', "root"]
)
def test_addresses_of_every_form_are_taken_as_they_are(address: str) -> None:
    assert envelope.recipient(f"<{address}>").address == address


@pytest.mark.parametrize("arguments", ["", "<>", "<a@b", "a@b>", "<a@b>x", "<a@b> =", "<a@b> NOTIFY=a=b", "<a\tb@c>"])
def test_what_is_no_receiver_is_refused(arguments: str) -> None:
    with pytest.raises(BadCommandError):
        envelope.recipient(arguments)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("IDENT=4hX", "4hX"),
        ("ident=+34hX", "4hX"),
        ("IDENT=[UNAVAILABLE]", ""),
        ("NAME=x", ""),
        ("IDENT=a/b", ""),
        ("", ""),
    ],
)
def test_the_queues_number_is_letters_and_digits(said: str, number: str) -> None:
    assert envelope.queue_id(said) == number


# --- dots ---


@given(st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"a", b"\r\n.\r\n"])), st.integers(1, 5))
def test_what_goes_out_stuffed_comes_in_as_it_was(parts: list[bytes], size: int) -> None:
    octets = b"".join(parts)
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    wire = b"".join(stuffed(pieces)) + b".\r\n" + b"QUIT\r\n"
    content, plain, behind = Content(), b"", None
    for at in range(0, len(wire), size):
        if behind is None:
            more, behind = content.feed(wire[at : at + size])
            plain += more
            rest = at + size
    assert plain == octets + (b"" if not octets or octets.endswith(b"\r\n") else b"\r\n")
    assert (behind or b"") + wire[rest:] == b"QUIT\r\n"
