"""Did the author's domain send or sign the message, and what does it ask for if not (DMARC, RFC 9989)?"""

from collections.abc import Sequence
from dataclasses import dataclass

from hanam_mail.host.mail_auth import dkim, dmarc_record, spf
from hanam_mail.host.mail_auth.dmarc_record import DmarcRecord, DmarcTree
from hanam_mail.host.mail_auth.questions import Questions, TemporaryError

# What to do: the policy, one lower while its owner is testing; or nobody can tell now.
ACCEPT, MARK, REFUSE, LATER = "accept", "mark", "refuse", "later"
_ACTIONS = {"none": ACCEPT, "quarantine": MARK, "reject": REFUSE}


@dataclass(frozen=True)
class DmarcResult:
    """`result`: pass, fail, none (no record) or temperror. `policy`: what is asked for, already lowered by t=y.

    `record`: the domain whose record it is, "" without one. `authentic`: it passes, or would whatever the record says.
    """

    result: str
    author: str
    record: str = ""
    policy: str = "none"
    action: str = ACCEPT
    authentic: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Aligned:
    """Who of the author's organisation sent and signed: whether the sender is, and such domains that signed."""

    sender: bool
    signers: frozenset[str] = frozenset()


def check(questions: Questions, author: str, sent: spf.SpfResult, signed: Sequence[dkim.DkimResult]) -> DmarcResult:
    """The same as `look`, without the record."""
    return look(questions, author, sent, signed)[0]


def look(
    questions: Questions, author: str, sent: spf.SpfResult, signed: Sequence[dkim.DkimResult]
) -> tuple[DmarcResult, DmarcRecord | None]:
    """What came out, and by which record.

    author: the domain of the one author, "" when there is no such one: then nothing passes (section 11.5).
    """
    if not author:
        return DmarcResult("none", "", reason="no single author"), None
    signers = dkim.passing(signed)
    sender = sent.domain if sent.result == "pass" else ""
    # Identical domains are aligned in both modes.
    exactly = author in signers or author == sender
    tree = DmarcTree(questions)
    record, policy = None, ""
    try:
        record = tree.policy(author)
        if record is None or not record.usable:
            reason = "no record" if record is None else "record without a policy"
            return DmarcResult("none", author, authentic=exactly, reason=reason), None
        policy = _policy(tree, record, author)
        if exactly or _aligned(tree, record, author, sender, signers):
            return DmarcResult("pass", author, record.domain, policy, authentic=True), record
        if policy != "none" and (waits := _waits(tree, record, author, sent, signed)):
            return DmarcResult("temperror", author, record.domain, policy, LATER, reason=waits), record
    except TemporaryError as error:
        # Whoever passes by any record passes; where nothing is asked for, nothing is put off.
        action = ACCEPT if exactly or policy == "none" else LATER
        domain = record.domain if record else ""
        failed = DmarcResult(
            "temperror", author, domain, policy or "none", action, authentic=exactly, reason=str(error)
        )
        return failed, record
    return DmarcResult("fail", author, record.domain, policy, _ACTIONS[policy], reason=_reason(sent, signed)), record


def aligned(
    questions: Questions, record: DmarcRecord, author: str, sent: spf.SpfResult, signed: Sequence[dkim.DkimResult]
) -> Aligned:
    """Each for itself, where one of them was enough for the verdict; TemporaryError when DNS does not say now."""
    tree = DmarcTree(questions)

    def is_aligned(domain: str, exact: bool) -> bool:
        return domain == author or (not exact and _of_one_organisation(tree, author, domain))

    signers = frozenset(each for each in dkim.passing(signed) if is_aligned(each, record.exact_dkim))
    return Aligned(sent.result == "pass" and is_aligned(sent.domain, record.exact_spf), signers)


def published(questions: Questions, record: DmarcRecord, author: str) -> str:
    """What the record asks for of that author's mail, not lowered; TemporaryError when DNS does not say now."""
    policy = record.policies["p"]
    if record.domain != author:
        policy = below = record.policies.get("sp", policy)
        if record.policies.get("np", below) != below and not DmarcTree(questions).exists(author):
            policy = record.policies["np"]
    return policy


def _policy(tree: DmarcTree, record: DmarcRecord, author: str) -> str:
    policy = published(tree.questions, record, author)
    if record.testing:
        policy = dmarc_record.POLICIES[max(0, dmarc_record.POLICIES.index(policy) - 1)]
    return policy


def _aligned(tree: DmarcTree, record: DmarcRecord, author: str, sender: str, signers: Sequence[str]) -> bool:
    """Those that are not the author's domain itself, in the mode that is relaxed (section 4.4)."""
    candidates = [] if record.exact_dkim else list(signers)
    if sender and not record.exact_spf:
        candidates.append(sender)
    return any(_of_one_organisation(tree, author, each) for each in candidates)


def _of_one_organisation(tree: DmarcTree, author: str, other: str) -> bool:
    if author.rpartition(".")[2] != other.rpartition(".")[2]:
        return False
    organisation = tree.organisation(author)
    # An organisation's domain is above all of its own: for most others nobody need be asked.
    return f".{other}".endswith(f".{organisation}") and tree.organisation(other) == organisation


def _waits(
    tree: DmarcTree, record: DmarcRecord, author: str, sent: spf.SpfResult, signed: Sequence[dkim.DkimResult]
) -> str:
    """What DNS does not say now and could make it pass, or ""."""
    open_ones = [(each.domain, record.exact_dkim, each.reason) for each in signed if each.result == "temperror"]
    if sent.result == "temperror":
        open_ones.append((sent.domain, record.exact_spf, sent.reason))
    for domain, exact, reason in open_ones:
        if domain == author or (not exact and _of_one_organisation(tree, author, domain)):
            return reason
    return ""


def _reason(sent: spf.SpfResult, signed: Sequence[dkim.DkimResult]) -> str:
    """Why it fails, in few words."""
    signatures = "signed by others" if dkim.passing(signed) else "no valid signature" if signed else "not signed"
    return f"SPF {sent.result}, {signatures}"
