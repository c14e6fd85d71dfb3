"""Who a letter may say that it is of (Đ4.6): all combinations of its way in and of the names in it.

    for each in asked(): expected(each)

What is expected is said in few plain rules, which know nothing of how the mail server and the filter come to it.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How a letter comes."""

    OUTSIDE = "port 25, from outside"
    NOT_SIGNED_IN = "submission, not signed in"
    SIGNED_IN = "submission, signed in"
    OUR_HOST = "a host of ours"


class Who(StrEnum):
    """Whose an address is."""

    NOBODY = "nobody"
    OWN = "own"  # of who has signed in; from outside, of who is written to
    OTHER = "another official"
    ABSENT = "ours, not there"
    STRANGER = "a stranger"
    LOOKALIKE = "a domain shown as ours"
    STRICT = "a domain with p=reject"
    FREE = "a free mailbox"
    PLAYING = "a free mailbox that plays a leader"


class Name(StrEnum):
    """What the name beside the author's address says."""

    NONE = "none"
    PERSON = "a person"
    LEADER = "a leader's title"
    AGENCY = "an agency of the registry"
    ADDRESS = "another official's address"
    ADDRESS_IN_BRACKETS = "another official's address in brackets"


class Signature(StrEnum):
    """Whose signature (DKIM) a letter from outside bears."""

    NONE = "none"
    STRANGER = "the stranger's"
    STRICT = "the strict domain's"
    OURS = "ours"


OURS = (Who.OWN, Who.OTHER, Who.ABSENT)
ENVELOPES = (*OURS, Who.NOBODY, Who.STRANGER)
AUTHORS = (*ENVELOPES, Who.LOOKALIKE, Who.STRICT, Who.FREE)
SENDERS = (Who.NOBODY, Who.OWN, Who.OTHER, Who.STRANGER)
ANSWERS = (Who.NOBODY, Who.OWN, Who.OTHER, Who.FREE, Who.PLAYING)
ADDRESSES = (Name.ADDRESS, Name.ADDRESS_IN_BRACKETS)


@dataclass(frozen=True)
class Letter:
    """One combination."""

    way: Way
    envelope: Who
    author: Who
    sender: Who = Who.NOBODY
    answers: Who = Who.NOBODY
    name: Name = Name.NONE
    signature: Signature = Signature.NONE

    def __str__(self) -> str:
        told = {
            "envelope": self.envelope,
            "From": self.author,
            "Sender": self.sender,
            "Reply-To": self.answers,
            "name": self.name,
            "signed": self.signature,
        }
        return f"{self.way}: " + ", ".join(f"{field} {value}" for field, value in told.items())


class Verdict(StrEnum):
    """What becomes of a letter, the gravest first."""

    AT_THE_DOOR = "refused by the mail server"
    REFUSED = "refused by the filter"
    MARKED = "marked as junk, whatever else it says"
    WEIGHED = "taken, with points against it"
    TAKEN = "taken as it is"


@dataclass(frozen=True)
class Expected:
    """A verdict; words of its refusal; the points that its names alone cost (role rspamd, record 0061)."""

    verdict: Verdict
    words: str = ""
    points: float = 0.0


AUTHOR_WORDS = "dung mot dia chi hop le"
FORGED_WORDS = "mao danh ten mien"
LOGIN_WORDS = "khac voi hop thu da dang nhap"
DOOR_WORDS: Mapping[Way, str] = {
    Way.OUTSIDE: "ten mien cua chung toi",
    Way.NOT_SIGNED_IN: "",
    Way.SIGNED_IN: "",
}
"""Who has not signed in as he says is told so in Postfix's own words."""


def expected(letter: Letter) -> Expected:
    """What must become of it."""
    if _is_turned_away(letter):
        return Expected(Verdict.AT_THE_DOOR, DOOR_WORDS[letter.way])
    if letter.way is Way.SIGNED_IN:
        # Who has signed in writes as himself, in the address and in the name. Postfix takes Sender out.
        if letter.author is not Who.OWN or letter.name in ADDRESSES:
            return Expected(Verdict.REFUSED, LOGIN_WORDS)
    elif letter.way is Way.OUTSIDE:
        if words := _forgery(letter):
            return Expected(Verdict.REFUSED, words)
        if letter.name in ADDRESSES and letter.author not in OURS:
            return Expected(Verdict.MARKED)
    points = _points_of_name(letter) + _points_of_answers(letter)
    return Expected(Verdict.WEIGHED if points else Verdict.TAKEN, points=points)


def _is_turned_away(letter: Letter) -> bool:
    """By the envelope alone: ours is for our hosts, and for who has signed in as its owner."""
    if letter.way is Way.OUTSIDE:
        return letter.envelope in OURS
    return letter.way is Way.NOT_SIGNED_IN or (letter.way is Way.SIGNED_IN and letter.envelope is not Who.OWN)


def _forgery(letter: Letter) -> str:
    """Words by which a letter from outside is refused for what it says in From or Sender."""
    if letter.author in (Who.NOBODY, Who.LOOKALIKE):
        return AUTHOR_WORDS
    if (letter.author in OURS or letter.sender in OURS) and letter.signature is not Signature.OURS:
        return FORGED_WORDS
    if letter.author is Who.STRICT and letter.signature is not Signature.STRICT:
        return FORGED_WORDS
    return ""


def _is_proven(letter: Letter) -> bool:
    """The signature is one of the author's domain."""
    signers = {Who.STRANGER: Signature.STRANGER, Who.STRICT: Signature.STRICT} | dict.fromkeys(OURS, Signature.OURS)
    return signers.get(letter.author) is letter.signature


def _points_of_name(letter: Letter) -> float:
    """A title or an agency of a stranger; most where anybody may have a mailbox."""
    if letter.way is Way.OUR_HOST:
        # What it passes on was judged when it came in. This is rspamd's own rule, which does not read brackets.
        return 8.0 if letter.name is Name.ADDRESS and letter.author not in OURS else 0.0
    if letter.way is Way.SIGNED_IN or letter.author in OURS:
        return 0.0
    free = letter.author is Who.FREE
    if letter.name is Name.LEADER:
        return 7.0 if free else 0.0 if _is_proven(letter) else 2.1
    if letter.name is Name.AGENCY:
        return 4.0 if free else 3.2
    return 0.0


def _points_of_answers(letter: Letter) -> float:
    """Answers to a free mailbox: of strangers, more where it plays a leader; one point of what is written as ours."""
    if letter.answers not in (Who.FREE, Who.PLAYING):
        return 0.0
    to_himself = letter.way is Way.OUTSIDE and letter.author is Who.OWN
    points = 1.0 if letter.author in OURS and not to_himself else 0.0
    if letter.way is Way.OUTSIDE:
        points += 3.0 if letter.answers is Who.PLAYING else 1.0
    return points


def product() -> Iterator[Letter]:
    """All combinations. Only what comes from outside bears a signature: ours gets one on its way."""
    for way in Way:
        signatures = tuple(Signature) if way is Way.OUTSIDE else (Signature.NONE,)
        axes = (ENVELOPES, AUTHORS, SENDERS, ANSWERS, Name, signatures)
        yield from (Letter(way, *each) for each in itertools.product(*axes))


def asked() -> list[Letter]:
    """Those that the filter is asked about.

    Every author by every way, with every signature and Sender, and from outside with each of the two envelopes that get
    to it. Of letters that the rules above let in for what stands there, each answer comes beside each name, with Sender
    of nobody and of the stranger in turn. Of the others (refused; signed by us; of our hosts; signed in as another)
    each name comes beside one answer after the other, and the envelopes of strangers take turns. So does Sender where
    it changes nothing. The strict domain's signature is on its own letters alone, elsewhere it is one more stranger's.
    """
    found = list[Letter]()
    turn = itertools.count()
    pairs = list(itertools.product(enumerate(ANSWERS), enumerate(Name)))
    strangers = itertools.product((Who.STRANGER, Who.NOBODY), AUTHORS, SENDERS, Signature)
    for envelope, author, sender, signature in strangers:
        if signature is Signature.STRICT and author is not Who.STRICT:
            continue
        plain = Letter(Way.OUTSIDE, envelope, author, sender, signature=signature)
        if expected(plain).verdict is not Verdict.REFUSED and signature is not Signature.OURS:
            odd = sender is Who.STRANGER
            some = [(answers, name) for (one, answers), (two, name) in pairs if (one + two) % 2 == odd]
        elif (AUTHORS.index(author) + SENDERS.index(sender)) % 2 == (envelope is Who.NOBODY):
            some = _some(next(turn))
        else:
            continue
        found += (Letter(Way.OUTSIDE, envelope, author, sender, *pair, signature) for pair in some)
    for author in AUTHORS:
        own = [(answers, name) for (_, answers), (_, name) in pairs]
        some = own if author is Who.OWN else _some(next(turn))
        for number, pair in enumerate(some):
            found.append(Letter(Way.SIGNED_IN, Who.OWN, author, SENDERS[number % len(SENDERS)], *pair))
    for envelope, author in itertools.product(ENVELOPES, AUTHORS):
        number = next(turn)
        for place, pair in enumerate(_some(number)):
            found.append(Letter(Way.OUR_HOST, envelope, author, SENDERS[(number + place) % len(SENDERS)], *pair))
    return found


def _some(turn: int) -> list[tuple[Who, Name]]:
    return [(ANSWERS[(turn + place) % len(ANSWERS)], name) for place, name in enumerate(Name)]


def sample(most: int) -> list[Letter]:
    """Of each class of verdict in each way so many, spread over it: to be brought to the doors themselves."""
    turned_away = [each for each in product() if expected(each).verdict is Verdict.AT_THE_DOOR]
    classes = dict[tuple[object, ...], list[Letter]]()
    for each in (*asked(), *turned_away):
        what = expected(each)
        # Of what the mail server refuses the envelope says why.
        detail = each.envelope if what.verdict is Verdict.AT_THE_DOOR else what.words
        classes.setdefault((each.way, what.verdict, detail), []).append(each)
    chosen = list[Letter]()
    for letters in classes.values():
        # A step that shares no factor with the lengths of the axes meets all of their values.
        chosen += {letters[number * 7919 % len(letters)]: None for number in range(most)}
    return chosen


def table(whole: Iterable[Letter], letters: Sequence[Letter], played: Sequence[Letter]) -> str:
    """How many there are of each verdict in each way, how many the filter was asked about, how many were brought."""
    rows = ["| way in | verdict | combinations | asked of the filter | by SMTP |", "| --- | --- | ---: | ---: | ---: |"]
    counts = [Counter((each.way, expected(each).verdict) for each in some) for some in (whole, letters, played)]
    for way, verdict in itertools.product(Way, Verdict):
        if any(count[way, verdict] for count in counts):
            cells = " | ".join(f"{count[way, verdict]:,}" for count in counts)
            rows.append(f"| {way} | {verdict} | {cells} |")
    rows.append("| in all | | " + " | ".join(f"{count.total():,}" for count in counts) + " |")
    return "\n".join(rows) + "\n"
