"""All that the filter asks about one message, and the one answer that it gets."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from hanam_mail.host import domain_names
from hanam_mail.host.mail_auth import arc, dkim, dmarc, spf
from hanam_mail.host.mail_auth.dmarc_record import DmarcRecord
from hanam_mail.host.mail_auth.letter import HeadTooLong, Letter
from hanam_mail.host.mail_auth.questions import Questions, can_be_asked

# For all questions of one message together, from when the filter came. It waits longer.
DNS_SECONDS = 10.0
# For SPF of these: a list of senders that does not answer leaves time to a signature and to the author's policy.
SPF_SECONDS = 4.0
# SPF may put 120, DMARC 8 a domain, each signature and each seal one.
MOST_QUESTIONS = 400

# What is refused for good, without a verdict: a head that is too long; no author whose domain DNS can be asked about.
HEAD, AUTHOR = "head", "author"
REFUSALS = {HEAD, AUTHOR}

_PLAIN = re.compile(r"[A-Za-z0-9!#$%&'*+./^_`{|}~@-]+")
_NOT_IN_COMMENTS = re.compile(r"[^\x20\x21\x23-\x27\x2a-\x5b\x5d-\x7e]")
LONGEST_WORD = 320


@dataclass(frozen=True)
class ClientIdentity:
    """`address`: the client's. `author`: domain of the one From address, "" for none; `sender` may be "" too."""

    address: str
    helo: str
    sender: str
    author: str


@dataclass(frozen=True)
class Case:
    """What a verdict was made of, for a report to the author's domain, by whose record it was made."""

    address: str
    questions: Questions
    record: DmarcRecord
    sent: spf.SpfResult
    signed: Sequence[dkim.DkimResult]
    judged: dmarc.DmarcResult


def judge(
    envelope: ClientIdentity,
    content: bytes,
    servers: Sequence[tuple[str, int]],
    until: float,
    note: Callable[[Case], None] | None = None,
) -> dict[str, object]:
    """The answer: `spf`, `dkim`, `arc` and `dmarc` as their modules give them, and `results`, a field's text.

    Or `refused` alone, for good: one of REFUSALS. `until`, on time.monotonic()'s clock, questions are put. `note` is
    told what the verdict was made of where the author's domain wants reports.
    """
    try:
        letter = Letter(content)
    except HeadTooLong:
        return {"refused": HEAD}
    # The letter has its own. What the caller still holds is held for as long as DNS takes.
    del content
    questions = Questions(servers, until, MOST_QUESTIONS)
    author = _in_ascii(envelope.author)
    # The filter looks before it asks, with other code: what it takes for the author need not be what stands here.
    if len(letter.by_name.get("from", ())) != 1 or not author or not can_be_asked(f"_dmarc.{author}"):
        return {"refused": AUTHOR}
    with questions.within(SPF_SECONDS):
        sent = spf.check(questions, envelope.address, _in_ascii(envelope.helo), _domain_in_ascii(envelope.sender))
    signed = dkim.check(letter, questions, author)
    # The verdict on the author before the chain: should time run out, let it be for what decides nothing.
    judged, record = dmarc.look(questions, author, sent, signed)
    if note and record and record.reports:
        note(Case(envelope.address, questions, record, sent, signed, judged))
    chain = arc.check(letter, questions)
    return {
        "spf": asdict(sent),
        "dkim": [asdict(each) for each in signed],
        "arc": asdict(chain),
        "dmarc": asdict(judged),
        "results": results(sent, signed, chain, judged, envelope),
    }


def _in_ascii(domain: str) -> str:
    """As DNS knows it; "", which no DNS has, where it cannot be written so."""
    try:
        return domain_names.in_ascii(domain).removesuffix(".")
    except UnicodeError:
        return ""


def _domain_in_ascii(address: str) -> str:
    local, sign, domain = address.rpartition("@")
    return local + sign + _in_ascii(domain)


def results(
    sent: spf.SpfResult,
    signed: Sequence[dkim.DkimResult],
    chain: arc.ArcResult,
    judged: dmarc.DmarcResult,
    envelope: ClientIdentity,
) -> str:
    """What follows the server's name in Authentication-Results (RFC 8601), on one line."""
    identity = envelope.sender if sent.identity == "mailfrom" else envelope.helo
    parts = [_part("spf", sent.result, sent.reason, {f"smtp.{sent.identity}": identity})]
    for each in signed:
        properties = {"header.d": each.domain, "header.s": each.selector, "header.b": each.start}
        parts.append(_part("dkim", each.result, each.reason, properties, quoted=True))
    if not signed:
        parts.append("dkim=none")
    if chain.result != "none":
        seal = f"i={chain.sets} d={chain.domain} s={chain.selector}" if chain.sets else ""
        parts.append(_part("arc", chain.result, " ".join(each for each in (seal, chain.reason) if each), {}))
    reason = judged.reason
    if judged.result in ("pass", "fail"):
        reason = f"policy={judged.policy}" + (f", {reason}" if reason else "")
    parts.append(_part("dmarc", judged.result, reason, {"header.from": judged.author}))
    return "; ".join(parts)


def _part(method: str, result: str, reason: str, properties: Mapping[str, str], *, quoted: bool = False) -> str:
    words = [f"{method}={result}"]
    if reason:
        comment = _NOT_IN_COMMENTS.sub("?", reason)
        words.append(f'("{comment}")' if quoted else f"({comment})")
    words += [f"{name}={_word(value)}" for name, value in properties.items() if value]
    return " ".join(words)


def _word(value: str) -> str:
    """As it is, or as a quoted string, without what would end it or the line."""
    short = re.sub(r"[\x00-\x1f\x7f]", "?", value[:LONGEST_WORD])
    if _PLAIN.fullmatch(short):
        return short
    return '"' + short.replace("\\", "\\\\").replace('"', '\\"') + '"'
