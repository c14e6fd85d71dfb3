"""What the filter's rules must say of mail that a mailbox elsewhere sends on by itself (Đ4.5)."""

from tests.filter_cases import Ask, Case, letter
from tests.filter_rules import Question
from tests.filter_senders import OWN

PRIVATE, AGENCY = "rieng@gmail.example", "vanthu@bo.gov.vn"
GUID = "4f2c1d3e-6a7b-4c8d-9e0f-112233445566"
FORWARDED = {
    "X-Forwarded-For": f"{PRIVATE} {OWN}",
    "x-forwarded-for": "Rieng@Gmail.Example",
    "X-Forward-For": f"{OWN} {PRIVATE}",
    "X-Yahoo-Forwarded": f"from {PRIVATE} to {OWN}",
    "X-MS-Exchange-Inbox-Rules-Loop": PRIVATE,
    "X-MS-Exchange-ForwardingLoop": f"{PRIVATE};{GUID}",
    "Delivered-To": PRIVATE,
    "X-Original-To": PRIVATE,
    "X-Delivered-To": PRIVATE,
    "X-Forwarded-To": PRIVATE,
}
"""What mailboxes write that send on by themselves."""
NOT_FORWARDED = {
    "X-Forwarded-For": "192.0.2.7",
    "X-Forwarded-to": OWN,
    "X-Original-To": OWN,
    "Delivered-To": AGENCY,
    "X-MS-Exchange-Inbox-Rules-Loop": AGENCY,
    "X-MS-Exchange-ForwardingLoop": f"{AGENCY};{GUID}",
    "Resent-From": PRIVATE,
    "Auto-Submitted": "auto-generated",
}
"""Addresses of ours and of the state's, what people do by hand, answering machines."""


def check_mail_that_a_private_mailbox_sends_on_is_known_by_each_field_that_such_mailboxes_write(ask: Ask) -> None:
    """Marked with where it comes from, or refused; a list delivers to itself, and our own people are not judged."""

    def sent_on(name: str, value: str, user: str = "", **more: str) -> Question:
        mail = letter()
        for field, content in ({name: value} | more).items():
            mail[field.replace("_", "-")] = content
        return Question(mail.as_bytes(), user=user)

    forwarded = [sent_on(*each) for each in FORWARDED.items()]
    marked = ask(["forwarded_in"], forwarded)
    found = {name: answer.added for name, answer in zip(FORWARDED, marked, strict=True)}
    assert found == {name: {"X-Hanam-Forwarded": PRIVATE} for name in FORWARDED}
    # With this field our mail store hands back what a script could not forward.
    assert all((each.action, each.removed) == ("", {"X-Sieve-Returned": 0}) for each in marked)
    refused = ask(["forwarded_in"], forwarded, rspamd_forwarded_in="refuse")
    assert [(each.action, each.added) for each in refused] == [("reject", {})] * len(forwarded)
    assert all("tu hop thu ben ngoai khong duoc nhan" in each.text for each in refused)
    delivered = ("Delivered-To", "X-Delivered-To", "X-Forwarded-To")
    lists = [sent_on(name, PRIVATE, List_Id="<hoi.example>") for name in delivered]
    others = [*(sent_on(*each) for each in NOT_FORWARDED.items()), *lists, sent_on("Delivered-To", PRIVATE, "an")]
    for policy in ("tag", "refuse"):
        answers = ask(["forwarded_in"], others, rspamd_forwarded_in=policy)
        assert [(each.action, each.added, each.symbols) for each in answers] == [("", {}, {})] * len(others)
    (behind,) = ask(["forwarded_in"], [sent_on("X-Forwarded-For", PRIVATE, List_Id="<hoi.example>")])
    assert behind.added == {"X-Hanam-Forwarded": PRIVATE}, "a mailbox sends on what lists send it too"


def check_who_says_only_where_to_he_sends_on_is_known_by_the_envelope_that_dns_vouches_for(ask: Ask) -> None:
    """It may be a state agency's server, which may: it is not marked where anything else says whose mailbox it was."""
    relayed = "rieng+caf_=nguoi.nhan=hanam.gov.vn@gmail.example"

    def sent_on(sender: str, *found: str, **fields: str) -> Question:
        mail = letter()
        for name, value in ({"X_Forwarded_To": OWN} | fields).items():
            mail[name.replace("_", "-")] = value
        return Question(mail.as_bytes(), sender=sender, found=found)

    spf = "R_SPF_ALLOW"
    asked = {
        "private": (sent_on(PRIVATE, spf), PRIVATE),
        "private, rewritten": (sent_on(relayed.upper(), spf), relayed),
        "an address of the web": (sent_on(PRIVATE, spf, X_Forwarded_For="192.0.2.7"), PRIVATE),
        "whose server it is nobody knows": (sent_on(PRIVATE), None),
        "a state agency": (sent_on(AGENCY, spf), None),
        "for a state agency": (sent_on(PRIVATE, spf, X_Forwarded_For=f"{AGENCY} {OWN}"), None),
        "by a state agency": (sent_on(PRIVATE, spf, Delivered_To=AGENCY), None),
        "a report": (sent_on("", spf), None),
        "a list": (sent_on(PRIVATE, spf, List_Id="<hoi.example>"), None),
        "to a state agency": (sent_on(PRIVATE, spf, X_Forwarded_To=AGENCY), None),
    }
    answers = ask(["forwarded_in"], [question for question, _ in asked.values()])
    assert {name: answer.added.get("X-Hanam-Forwarded") for name, answer in zip(asked, answers, strict=True)} == {
        name: origin for name, (_, origin) in asked.items()
    }


CASES: tuple[Case, ...] = (
    check_mail_that_a_private_mailbox_sends_on_is_known_by_each_field_that_such_mailboxes_write,
    check_who_says_only_where_to_he_sends_on_is_known_by_the_envelope_that_dns_vouches_for,
)
