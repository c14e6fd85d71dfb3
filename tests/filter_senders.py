"""What the filter's rules must say of who writes a letter: more of tests/filter_cases.py."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.filter_cases import PROVEN, UNPROVEN, Ask, Case, expect, letter
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


def answered(ask: Ask, author: str, proven: bool, said: Mapping[str, Symbols], **given: Any) -> dict[str, Symbols]:
    """Reply-To -> what is said of a letter of that author; nothing of what asks for no answers elsewhere."""
    domain = author.rpartition("@")[2].rstrip(">")
    questions = []
    for reply_to in said:
        mail = letter(author)
        if reply_to:
            mail["Reply-To"] = reply_to
        known = {"author": domain, "authentication": PROVEN if proven else UNPROVEN}
        questions.append(Question(mail.as_bytes(), known))
    return dict(zip(said, (each.symbols for each in ask(["plays"], questions, **given)), strict=True))


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
        "Trần Thị Hà <a@gmail.com>": plays,
        "Tran Thi Ha <a@gmail.com>": free,
        "vanphong@gmail.com, giamdoc.hanam@gmail.com": plays,
        "giamdoc.hanam@gmail.com, vanphong@gmail.com": plays,
    }
    for proven in (True, False):
        assert answered(ask, "An <an@vidu.vn>", proven, said) == said
    said = {"giamdoc@gmail.com": {}, "b@gmx.net": free}
    assert answered(ask, "An <an@gmail.com>", True, said) == said
    # What is proven to be an agency's outweighs it.
    agency = "Sở Nội vụ <vanthu@namdinh.gov.vn>"
    said = {"Sở Nội vụ <sonoivu.namdinh@gmail.com>": plays | {"STATE_AGENCY": 1.0}}
    assert answered(ask, agency, True, said) == said
    # Whoever has a leader's name answers to his own other mailbox.
    namesake = "Trần Thị Hà <a@gmail.com>"
    said = {"Trần Thị Hà <b@yahoo.com>": {"BEARS_LEADERS_NAME": 1.0} | free}
    assert answered(ask, namesake, True, said) == said


def check_a_reply_to_that_plays_somebody_of_ours_weighs_at_a_strangers_domain_too(ask: Ask) -> None:
    """A title as where nothing is proven; in an address, and an agency's name, with our place alone."""
    leader, agency, name = ({"REPLY_TO_PLAYS": weight} for weight in (0.3 * 7, 0.5 * 4, 0.5 * 2))
    said: dict[str, Symbols] = {
        "Chủ tịch UBND tỉnh <a@moi.xyz>": leader,
        "chutich.hanam@moi.xyz": leader,
        "Hà Nam <giam-doc@moi.xyz>": leader,
        "sonoivu.hanam@moi.xyz": agency,
        "Sở Nội vụ tỉnh Hà Nam <a@moi.xyz>": agency,
        "Hà Nam <so.noi.vu@moi.xyz>": agency,
        "Trần Thị Hà <a@moi.xyz>": name,
        "vanphong@moi.xyz, chutich.hanam@moi.xyz": leader,
        "vanphong@gmail.com, chutich.hanam@moi.xyz": leader | {"ANSWERS_TO_FREE_MAILBOX": 1.0},
        # A firm's director, an office of another province, people of the place, namesakes without accents.
        "Giám đốc <giamdoc@congty.vn>": {},
        "Sở Nội vụ <sonoivu@congty.vn>": {},
        "Công ty Hà Nam <lienhe.hanam@congty.vn>": {},
        "Tran Thi Ha <a@congty.vn>": {},
        # The author's own organisation, ours, the state's.
        "Chủ tịch UBND tỉnh <chutich.hanam@tin.vidu.vn>": {},
        "Chủ tịch UBND tỉnh <chutich.hanam@hanam.gov.vn>": {},
        "Sở Nội vụ tỉnh Hà Nam <sonoivu.hanam@namdinh.gov.vn>": {},
    }
    for proven in (True, False):
        found = answered(ask, "An <an@thu.vidu.vn>", proven, said)
        assert {each: found[each] for each in said if found[each] != pytest.approx(said[each])} == {}
    # Ours is not the state's everywhere.
    said = {"chutich.hanam@hanam.gov.vn": {}}
    assert answered(ask, "An <an@vidu.vn>", True, said, rspamd_state_domains=[]) == said
    # What the author's own name has been weighed for weighs no second time.
    author, again = "Chánh Văn phòng <a@hoi.vn>", "Chánh Văn phòng <a@moi.xyz>"
    assert answered(ask, author, False, {again: {}}) == {again: {"PLAYS_LEADER": 0.3}}


def check_many_addresses_of_a_reply_to_cost_little(ask: Ask) -> None:
    """As many as a field may have; those far behind nobody answers to unseen."""
    mail = letter()
    mail["Reply-To"] = "a@moi.xyz"
    many = ", ".join(f"a{number}@moi.xyz" for number in range(4_000))
    content = mail.as_bytes().replace(b"Reply-To: a@moi.xyz", f"Reply-To: {many}".encode())
    known = {"author": "vidu.vn", "authentication": PROVEN}
    (answer,) = ask(["plays"], [Question(content, known)])
    assert answer.symbols == {}
    assert answer.seconds < 0.5


def check_a_name_that_everybody_knows_weighs_unless_it_is_proven_to_be_its_owners(ask: Ask) -> None:
    """Banks and authorities, with accents or without; a title weighs more, and what only sounds alike is nobody's."""
    known = {"PLAYS_KNOWN": 1.0}
    expect(
        ask,
        {
            ("Ngân hàng Vietcombank <a@congty.vn>", True): known,
            ("VIETCOMBANK <a@gmail.com>", True): known,
            ("Vietcombank <a@vietcombank.com.vn>", False): known,
            ("Vietcombank <a@vietcombank.com.vn>", True): {},
            ("Vietcombank <a@tin.vietcombank.com.vn>", True): {},
            ("Vietcombank <a@xvietcombank.com.vn>", True): known,
            ("Cục Thuế tỉnh <a@congty.vn>", True): known,
            ("Cuc thue tinh <a@congty.vn>", False): known,
            ("Công an tỉnh <a@namdinh.gov.vn>", True): {"STATE_AGENCY": 1.0},
            ("Vietcombanking <a@congty.vn>", True): {},
            ("Chủ tịch UBND tỉnh - Vietcombank <a@gmail.com>", True): {"PLAYS_LEADER": 1.0},
        },
    )


OWN = "nguoi.nhan@hanam.gov.vn"


def check_mail_of_a_private_service_is_marked_or_refused_and_counted_where_dns_vouches_for_it(ask: Ask) -> None:
    """By its author, or by its envelope alone; who only uses such a name makes nobody a user of it."""
    dmarc, spf = "DMARC_POLICY_ALLOW", "R_SPF_ALLOW"

    def of(author: str, sender: str, *found: str, user: str = "") -> Question:
        return Question(
            letter(f"a@{author}").as_bytes(), sender=f"a@{sender}", found=found, user=user, recipients=(OWN,)
        )

    mine, other = "tin.mang.example", "khac.example"
    asked = {
        "author": of(mine, other, dmarc),
        "author, forged": of(mine, other, spf),
        "envelope alone": of(other, mine, spf),
        "envelope, forged": of(other, mine, dmarc),
        "another": of(other, other, dmarc, spf),
        "ends alike": of("khongmang.example", "khongmang.example", dmarc, spf),
        "signed in": of(mine, mine, dmarc, spf, user="an"),
    }
    services = {"social": ["mang.example"], "shop": ["cuahang.example"]}
    counted = {"author", "envelope alone"}
    known = counted | {"author, forged", "envelope, forged"}
    for policy, mark, action in (
        ("tag", {"X-Hanam-Private-Service": "social mang.example"}, ""),
        ("refuse", {}, "reject"),
    ):
        given = {"rspamd_private_services": services, "rspamd_private_services_policy": policy}
        answers = dict(zip(asked, ask(["private_services"], list(asked.values()), **given), strict=True))
        assert {name for name, each in answers.items() if "PRIVATE_SERVICE" in each.symbols} == known
        assert {name: (each.added, each.action) for name, each in answers.items()} == {
            name: (mark, action) if name in known else ({}, "") for name in asked
        }
        assert {name: [json.loads(line) for line in each.pushed] for name, each in answers.items()} == {
            name: [{"service": "mang.example", "to": [OWN]}] if name in counted else [] for name in asked
        }
        assert all("mang xa hoi" in answers[name].text for name in known) == (policy == "refuse")


OFFICIAL = "giam.doc@hanam.gov.vn"
SHOWN = (
    f'"{OFFICIAL}"',
    '"GIAM.DOC@HANAM.GOV.VN"',
    f'"Giám đốc {OFFICIAL} - Sở Nội vụ"',
    f'"Giám đốc <{OFFICIAL}>"',
    f'"Giám đốc ({OFFICIAL})"',
    f"Giám đốc ({OFFICIAL})",
    '"giam.doc @ hanam.gov.vn"',
    '"giam.doc@so.hanam.gov.vn"',
    '"giam.doc\uff20hanam.gov.vn"',
    '"giam.doc@h\u0430nam.gov.vn"',
    '"giam.doc@ha\u200bnam.gov.vn."',
    '"giam.doc@ha\u2063nam.gov.vn"',
    '"giam.doc@hanam.gov\ufe0f.vn"',
    '"giam.doc@hanam.gov.vn-Sở Nội vụ"',
    '"giam.doc\'@hanam.gov.vn"',
    f"=?utf-8?q?{OFFICIAL}?=",
    f"=?utf-8?q?Gi=C3=A1m_=C4=91=E1=BB=91c_({OFFICIAL})?=",
)
"""Names that show an official's address."""
NOT_SHOWN = (
    '"Giám đốc Sở Nội vụ"',
    '"hanam.gov.vn"',
    '"a@xhanam.gov.vn"',
    '"a@hanam.gov.vn.khac.vn"',
    '"a@hanam.gov.vn-khac.vn"',
    '"@hanam.gov.vn"',
    '"giam.doc tai hanam.gov.vn"',
)


def named(name: str, address: str) -> bytes:
    """A letter of that address, with that name as it stands here."""
    return letter(address).as_bytes().replace(address.encode(), f"{name} <{address}>".encode(), 1)


def check_an_address_of_ours_that_a_stranger_shows_as_his_name_is_found_however_it_is_written(ask: Ask) -> None:
    """Not of our own author, whom a signature of ours has proven, nor where it is proven that the state writes."""
    stranger = {"author": "vidu.vn", "authentication": PROVEN}
    answers = ask(["plays"], [Question(named(name, "an@vidu.vn"), stranger) for name in (*SHOWN, *NOT_SHOWN)])
    found = [
        name for name, each in zip((*SHOWN, *NOT_SHOWN), answers, strict=True) if "SHOWS_OUR_ADDRESS" in each.symbols
    ]
    assert found == list(SHOWN)
    for author, verdict, shows in (
        ("namdinh.gov.vn", PROVEN, False),
        ("namdinh.gov.vn", UNPROVEN, True),
        ("hanam.gov.vn", PROVEN, False),
    ):
        known = {"author": author, "authentication": verdict}
        (answer,) = ask(["plays"], [Question(named(SHOWN[0], f"an@{author}"), known)])
        assert ("SHOWS_OUR_ADDRESS" in answer.symbols) == shows, author


def check_who_signed_in_shows_no_address_but_his_own_beside_it(ask: Ask) -> None:
    """His own one he may, as programs do that know no name."""

    def asked(name: str) -> Question:
        return Question(named(name, OWN), sender=OWN, user="an")

    own = (f'"{OWN}"', f"\"'{OWN.upper()}'\"", f'"An ({OWN})"', '"vanphong@gmail.com"', *NOT_SHOWN)
    answers = ask(["sender"], [asked(name) for name in (*SHOWN, *own)])
    refused = [name for name, each in zip((*SHOWN, *own), answers, strict=True) if each.action == "reject"]
    assert refused == list(SHOWN)


def check_a_long_name_of_who_signed_in_costs_little(ask: Ask) -> None:
    for name in (
        f'"{"a" * 300_000}"',
        f'"{"a " * 150_000}"',
        f'"{"@" * 300_000}"',
        f'"@{"." * 300_000}a"',
        f'"@{"-" * 300_000}a"',
        f'"{("@" + "hanam.gov.vn-" * 19 + ".b") * 1_200}"',
        f'"{" " * 300_000}"',
        f'"{"a@hanam.gov.vn" * 20_000}"',
    ):
        (answer,) = ask(["sender"], [Question(named(name, OWN), sender=OWN, user="an")])
        assert answer.seconds < 0.5, name[:9]


CASES: tuple[Case, ...] = (
    check_mail_of_a_denied_domain_is_refused_by_author_and_envelope_and_ours_never,
    check_answers_to_a_free_mailbox_weigh_the_more_if_it_plays_somebody,
    check_a_reply_to_that_plays_somebody_of_ours_weighs_at_a_strangers_domain_too,
    check_many_addresses_of_a_reply_to_cost_little,
    check_mail_of_a_private_service_is_marked_or_refused_and_counted_where_dns_vouches_for_it,
    check_a_name_that_everybody_knows_weighs_unless_it_is_proven_to_be_its_owners,
    check_an_address_of_ours_that_a_stranger_shows_as_his_name_is_found_however_it_is_written,
    check_who_signed_in_shows_no_address_but_his_own_beside_it,
    check_a_long_name_of_who_signed_in_costs_little,
)
