"""What the filter's rules must say of who writes a letter and of how it comes: more of tests/filter_cases.py."""

from collections.abc import Mapping

from tests.filter_cases import PROVEN, UNPROVEN, Ask, Case, letter
from tests.filter_rules import Question

DENIED = {"rspamd_deny_domains": ["xau.vn"]}


def check_mail_of_a_denied_domain_is_refused_by_author_and_envelope_and_ours_never(ask: Ask) -> None:
    """With all below it; neither what only ends alike, nor what our own people send."""

    def asked(author: str, sender: str, user: str = "") -> Question:
        known = {"author": author, "authentication": PROVEN}
        return Question(letter(f"a@{author}").as_bytes(), known, sender=f"a@{sender}" if sender else "", user=user)

    told = {
        "author": (asked("xau.vn", "khac.vn"), True),
        "envelope": (asked("khac.vn", "xau.vn"), True),
        "envelope in capitals": (asked("khac.vn", "Tin.XAU.vn"), True),
        "below, author": (asked("tin.xau.vn", ""), True),
        "below, envelope": (asked("khac.vn", "a.tin.xau.vn"), True),
        "ends alike": (asked("khongxau.vn", "khongxau.vn"), False),
        "begins alike": (asked("xau.vn.khac.com", "xau.vn.khac.com"), False),
        "above": (asked("vn", "vn"), False),
        "another": (asked("khac.vn", ""), False),
        "signed in": (asked("xau.vn", "xau.vn", user="nguyenvana"), False),
    }
    answers = ask(["lists"], [question for question, _ in told.values()], **DENIED)
    found = dict(zip(told, answers, strict=True))
    assert {name: answer.action == "reject" for name, answer in found.items()} == {
        name: refused for name, (_, refused) in told.items()
    }
    assert all(("DENIED_DOMAIN" in each.symbols) == (each.action == "reject") for each in answers)
    assert "ten mien nay khong duoc nhan" in found["author"].text


type Symbols = Mapping[str, float]


def answered(ask: Ask, author: str, proven: bool, said: Mapping[str, Symbols]) -> dict[str, Symbols]:
    """Reply-To -> what is said of a letter of that author; nothing of what asks for no answers elsewhere."""
    domain = author.rpartition("@")[2].rstrip(">")
    questions = []
    for reply_to in said:
        mail = letter(author)
        if reply_to:
            mail["Reply-To"] = reply_to
        known = {"author": domain, "authentication": PROVEN if proven else UNPROVEN}
        questions.append(Question(mail.as_bytes(), known))
    return dict(zip(said, (each.symbols for each in ask(["plays"], questions)), strict=True))


def check_answers_to_a_free_mailbox_weigh_the_more_if_it_plays_somebody(ask: Ask) -> None:
    """The author's own does not, nor where answers go elsewhere."""
    free, plays = {"ANSWERS_TO_FREE_MAILBOX": 1.0}, {"ANSWERS_TO_FREE_MAILBOX": 3.0}
    said: dict[str, Symbols] = {
        "": {},
        "vanphong@vidu.vn": {},
        "vanphong@gmail.com": free,
        "Văn thư <VANTHU@GMAIL.COM>": free,
        "giamdoc.hanam@gmail.com": plays,
        "so.noi.vu@gmail.com": plays,
        "Chủ tịch UBND tỉnh <a@gmail.com>": plays,
        "Sở Nội vụ <a@gmail.com>": plays,
    }
    for proven in (True, False):
        assert answered(ask, "An <an@vidu.vn>", proven, said) == said
    said = {"giamdoc@gmail.com": {}, "b@gmx.net": free}
    assert answered(ask, "An <an@gmail.com>", True, said) == said


CASES: tuple[Case, ...] = (
    check_mail_of_a_denied_domain_is_refused_by_author_and_envelope_and_ours_never,
    check_answers_to_a_free_mailbox_weigh_the_more_if_it_plays_somebody,
)
