"""What the filter's rules must say of letters: for tests/render/test_filter_rules.py and tests/roles/test_rspamd.py.

By who wrote them: tests/filter_senders.py; by whom they are sent on: tests/filter_forwarded.py.
"""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from functools import cache
from typing import Any, Protocol

from tests import office_macros, word_weights
from tests.filter_rules import Answer, Question
from tests.render.conftest import Environment


class Ask(Protocol):
    """What rules say of letters; `given`: variables of theirs that differ from GIVEN."""

    def __call__(self, rules: Sequence[str], asked: Sequence[Question], **given: Any) -> list[Answer]: ...


type Case = Callable[[Ask], None]

PROGRAM = b"MZ" + bytes(300)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(300)
GIVEN = {"rspamd_leaders": ["Trần Thị Hà"], "rspamd_allow_domains": ["vidu.vn"], "rspamd_encrypted_archives": "hold"}
"""What the rules are told for these cases."""
SCANNED = {"finished VIRUS_SCAN": True}
PROVEN: Mapping[str, Any] = {"proven": True, "dmarc": {"authentic": True}}
STRANGE = """Lieber Leser, unser Versandhaus bietet Ihnen in dieser Woche kostenlose Lieferung und Angebote online.
Sichern Sie sich jetzt einen Gutschein, das Angebot gilt nur bis Sonntag. Die neue Kollektion ist da, mit Rabatt auf
Jacken und Schuhe. Klicken Sie hier, um sich vom Rundbrief abzumelden. Mit freundlichen Grüßen, Ihre Redaktion."""
UNPROVEN: Mapping[str, Any] = {"proven": False, "dmarc": {"authentic": False}}


def renderer(there: Environment) -> Callable[..., str]:
    """The text of a rule in this environment, by its name and what is given otherwise than in GIVEN."""

    @cache
    def of(given: str) -> Environment:
        return there.with_variables(**GIVEN | json.loads(given))

    def text(name: str, **given: Any) -> str:
        return of(json.dumps(given, sort_keys=True)).render("rspamd", f"{name}.lua.j2", there.hosts("filter")[0])

    return text


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP with these."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    """A tar, packed by gzip, with these."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def letter(author: str = "An <an@vidu.vn>") -> EmailMessage:
    """A short one."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = author, "thư"
    mail.set_content("Kính gửi")
    return mail


def with_file(name: str, content: bytes, kind: str = "application/octet-stream") -> bytes:
    """A letter with that file."""
    mail, (major, _, minor) = letter(), kind.partition("/")
    mail.add_attachment(content, maintype=major, subtype=minor, filename=name)
    return mail.as_bytes()


def with_fields(*fields: str) -> bytes:
    """A letter whose one part, a program, has these fields."""
    head = [
        "From: an@vidu.vn",
        "Subject: a",
        "MIME-Version: 1.0",
        "Content-Type: multipart/mixed; boundary=b",
        "",
        "--b",
    ]
    return "\r\n".join([*head, *fields, "", "MZ", "--b--", ""]).encode()


def with_letter(name: str) -> bytes:
    """A letter with another one of that name."""
    mail = letter()
    mail.add_attachment(letter(), filename=name)
    return mail.as_bytes()


def refused(ask: Ask, letters: Mapping[str, bytes]) -> set[str]:
    """Names of those in which a program is found."""
    answers = ask(["programs"], [Question(each, SCANNED) for each in letters.values()])
    return {name for name, answer in zip(letters, answers, strict=True) if answer.action == "reject"}


def check_programs_are_known_by_whatever_name_a_reader_takes(ask: Ask) -> None:
    """The first, the encoded one, that of Content-Type, one in pieces, one without quotes."""
    plain, kind = "Content-Disposition: attachment", "Content-Type: application/octet-stream"
    letters = {
        "first": with_fields(f"{plain}; filename=\"a.txt\"; filename*=utf-8''a%2eexe"),
        "last": with_fields(f"{plain}; filename*=utf-8''a.txt; filename=\"a.exe\""),
        "twice": with_fields(f'{plain}; filename="a.txt"; filename="a.exe"'),
        "type": with_fields(f'{kind}; name="a.exe"', f'{plain}; filename="a.txt"'),
        "no quotes": with_fields(f"{plain}; filename=a b.exe"),
        "word": with_fields(f'{plain}; filename="=?utf-8?B?YS5leGU=?="'),
        "pieces": with_fields(f'{plain}; filename*1="xe"; filename*0="a.e"'),
        "encoded pieces": with_fields(f"{plain}; filename*0*=utf-8''a%2e; filename*1*=e%78e"),
        "utf-16": with_fields(f"{plain}; filename*=utf-16le''a%00.%00e%00x%00e%00"),
        "backslash": with_fields(f'{plain}; filename="a.ex\\e"'),
        "open": with_fields(f'{plain}; filename="a.exe'),
        "behind": with_fields(f'{plain}; filename="a".exe'),
        "dots": with_fields(f'{plain}; filename="a.EXE . ."'),
        "hyphen": with_fields(f'{plain}; filename="a.appref-ms"'),
        "long": with_fields(f'{plain}; filename="{"a" * 400}.exe"'),
        "folded": with_fields(f"{plain};\r\n filename=a.exe"),
    }
    assert refused(ask, letters) == set(letters)
    single = (
        b"From: an@vidu.vn\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; name=a.exe\r\nContent-Disposition: inline;"
    )
    assert refused(ask, {"alone": single + b" filename=a.txt\r\n\r\nMZ"}) == {"alone"}


def check_no_other_names_are_programs(ask: Ask) -> None:
    """Nor what stands in other parameters."""
    plain = "Content-Disposition: attachment"
    letters = {
        "pdf": with_file("công văn.exe.pdf", b"%PDF-1.4"),
        "parameter": with_fields("Content-Type: application/pdf; x-host=a.exe; name=a.pdf"),
        "no dot": with_fields(f"{plain}; filename=exe"),
        "quoted": with_fields(f'{plain}; filename="a;b.exe;c.pdf"'),
        "picture": with_file("logo-facebook.com", PICTURE, "image/png"),
        "text": with_file("vidu.com", "Kính gửi".encode(), "text/plain"),
        "text of no type": with_file("vidu.com", "Kính gửi".encode()),
        "a number of a document": with_file("Công văn số 12.VB", b"%PDF-1.4"),
        "geometry": with_file("duong tron.ggb", zipped({"geogebra.xml": b"<a>", "geogebra_javascript.js": b"x"})),
        "name in many pieces": with_fields(plain + "".join(f";\r\n filename*{number}=a" for number in range(4_000))),
        "letter": with_letter("www.vidu.com"),
        "page": with_file("a.zip", zipped({"trang.html": b"<p>", "trang_files/a.js": b"x", "trang_files/b.url": b"x"})),
        "folder": with_file("a.zip", zipped({"d/": b"", "d/trang.html": b"<p>", "d/trang_files/a.js": b"x"})),
    }
    assert refused(ask, letters) == set()
    names = {
        "com": with_file("vidu.com", PROGRAM),
        "com as a picture": with_file("vidu.com", PROGRAM, "image/png"),
        "com as a text": with_file("vidu.com", PROGRAM, "text/plain"),
        "js": with_file("a.js", b"x", "text/javascript"),
        "js in zip": with_file("a.zip", zipped({"hoa don.js": b"x"})),
        "js beside a long name": with_file("a.zip", zipped({"d/x.js": b"x", "d/" + "a" * 300: b"x"})),
        "js as geometry's in a folder": with_file("a.zip", zipped({"d/geogebra_javascript.js": b"x"})),
        "js in a folder": with_file("a.zip", zipped({"hoa don/": b"", "hoa don/hoa don.js": b"x"})),
        "exe in a folder": with_file("a.zip", zipped({"a.txt": b"", "d/e/a.exe": b"x"})),
    }
    assert refused(ask, names) == set(names)


def check_names_that_a_sender_makes_cost_little(ask: Ask) -> None:
    """Some hundred names with no end, and ten thousand in a ZIP."""
    blanks, dots = " " * 60_000, "." * 60_000
    many = {f"{number}{'. ' * 100}x": b"" for number in range(11_000)}
    letters = [
        with_fields(f'Content-Disposition: attachment; filename="a.exe{blanks}x"'),
        with_fields(f'Content-Disposition: attachment; filename="a{dots}x"'),
        with_fields("Content-Disposition: attachment" + ";" + blanks + ";" + blanks + "a" + blanks),
        with_file("a.zip", zipped(many)),
        with_file("a.zip", zipped({f"{'. ' * 20_000}{number}x": b"" for number in range(100)})),
    ]
    answers = ask(["programs"], [Question(each, SCANNED) for each in letters])
    assert [answer.action for answer in answers] == [""] * len(letters)
    names = "".join(f"; name={number}" for number in range(9_000))
    answers += ask(["programs"], [Question(with_fields(f"Content-Disposition: attachment{names}"), SCANNED)])
    assert answers[-1].action == "reject"
    assert max(answer.seconds for answer in answers) < 0.5, [answer.seconds for answer in answers]


def _page(html: str) -> bytes:
    mail = letter()
    mail.add_attachment(html.encode(), maintype="text", subtype="html", filename="trang.html")
    return mail.as_bytes()


def check_a_form_that_asks_for_a_password_is_found_in_one_pass(ask: Ask) -> None:
    """Whatever stands around it, and however much."""
    asks = {
        '<form><input type="password">',
        "<FORM>< INPUT name=a Type = 'Password'>",
        "<input><input name=b\ntype=password/>",
        "<input" * 9 + " type=password>",
        "<p>" * 20_000 + "<input type=password>",
    }
    not_ = {"<input type=text> password", "input type=password", "<p type=password>", "<input name=type> = password"}
    pages = [*sorted(asks), *sorted(not_)]
    found = ask(["links"], [Question(_page(page)) for page in pages])
    for page, answer in zip(pages, found, strict=True):
        assert ("ASKS_FOR_PASSWORD" in answer.symbols) == (page in asks), page[:60]
    costly = [
        "<input " * 40_000,
        "<input type " * 20_000,
        "<" + " " * 250_000,
        "<input" + " " * 250_000,
        "<input type=" * 20_000,
        ("<input type=" + " " * 487) * 525,
    ]
    several = letter()
    for number in range(20):
        several.add_attachment(b"<input " * 40_000, maintype="text", subtype="html", filename=f"{number}.html")
    answers = ask(["links"], [*(Question(_page(each)) for each in costly), Question(several.as_bytes())])
    assert max(answer.seconds for answer in answers) < 0.5, [answer.seconds for answer in answers]


def check_a_link_that_greets_its_reader_is_found_and_many_readers_cost_little(ask: Ask) -> None:
    """Long links, many links, many readers: no product of the three."""
    reader = "nguoi.nhan@hanam.gov.vn"
    links = {
        f"http://vidu.vn/?u={reader}": True,
        "http://vidu.vn/?u=Nguoi.Nhan%40hanam.gov.vn": True,
        f"http://vidu.vn/unsubscribe?u={reader}": False,
        "http://vidu.vn/?u=nguoi.khac@hanam.gov.vn": False,
    }
    pages = [_page(f'<a href="{link}">x</a>') for link in links]
    answers = ask(["links"], [Question(page, {}, (), (reader, reader.upper())) for page in pages])
    assert ["LINK_NAMES_READER" in answer.symbols for answer in answers] == list(links.values())
    greets, out = (f'<a href="http://vidu.vn/{path}?u={reader}">x</a>' for path in ("tin", "unsubscribe"))
    newsletters = ask(
        ["links"], [Question(_page(page), {}, (), (reader,)) for page in (greets, greets + out, out + greets)]
    )
    assert ["LINK_NAMES_READER" in answer.symbols for answer in newsletters] == [True, False, False]
    many = "".join(f'<a href="http://vidu.vn/{number}{"v" * 32_000}">x</a>' for number in range(200))
    readers = [(f"vanphong{number}@hanam.gov.vn" for number in range(500)), [f"vanphong@{'v' * 200}.vn"] * 500]
    costly = ask(["links"], [Question(_page(many), {}, (), tuple(each)) for each in readers])
    assert max(answer.seconds for answer in costly) < 0.5, [answer.seconds for answer in costly]


def check_a_way_out_of_a_list_speaks_for_its_own_links_alone(ask: Ask) -> None:
    """Whoever sets a trap may link to somebody's settings as well, or say that he writes to a list."""
    reader = "nguoi.nhan@hanam.gov.vn"

    def page(*links: str, of_list: bool = False) -> bytes:
        mail = letter()
        if of_list:
            mail["List-Unsubscribe"] = "<mailto:thoi@vidu.vn>"
        html = "".join(f'<a href="https://{link}">x</a>' for link in links)
        mail.add_attachment(html.encode(), maintype="text", subtype="html", filename="trang.html")
        return mail.as_bytes()

    trap, away = f"bay.vn/?u={reader}", "hop-thu.vn/preferences"
    said = {
        "a way out elsewhere": (page(trap, away), UNPROVEN, True),
        "before it": (page(away, trap), PROVEN, True),
        "of its own domain": (page(f"bao.vn/?u={reader}", "bao.vn/optout"), UNPROVEN, False),
        "of one of two": (page(f"bao.vn/?u={reader}", "bao.vn/optout", trap), UNPROVEN, True),
        "a list, proven": (page(trap, of_list=True), PROVEN, False),
        "a list, not proven": (page(trap, of_list=True), UNPROVEN, True),
        "a number": (page(f"192.0.2.7/?u={reader}", "192.0.2.8/unsubscribe"), UNPROVEN, True),
    }
    answers = ask(["links"], [Question(mail, {"authentication": verdict}) for mail, verdict, _ in said.values()])
    found = {name: "LINK_NAMES_READER" in answer.symbols for name, answer in zip(said, answers, strict=True)}
    assert found == {name: whether for name, (_, _, whether) in said.items()}, found


def played(ask: Ask, letters: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Mapping[str, float]]:
    """What is said of letters of these authors, of whose domain something is proven or not."""
    questions = []
    for author, verdict in letters:
        domain = author.rpartition("@")[2].rstrip(">")
        questions.append(Question(letter(author).as_bytes(), {"author": domain, "authentication": verdict}))
    return [answer.symbols for answer in ask(["plays"], questions)]


def expect(ask: Ask, said: Mapping[tuple[str, bool], Mapping[str, float]]) -> None:
    """(Author, whether his domain is proven) -> symbols."""
    found = played(ask, [(author, PROVEN if proven else UNPROVEN) for author, proven in said])
    assert dict(zip(said, found, strict=True)) == said


def check_titles_count_fully_in_free_mailboxes_alone(ask: Ask) -> None:
    """Offices of the Party, of assemblies and of firms have the same titles."""
    state = ("quochoi.vn", "hanam.dcs.vn", "mattran.org.vn", "sonoivu.namdinh.gov.vn")
    expect(
        ask,
        {
            ("Chủ tịch UBND tỉnh <a@gmail.com>", True): {"PLAYS_LEADER": 1.0},
            ("Nguyễn An <vanphong.chutich@gmail.com>", True): {"PLAYS_LEADER": 0.5},
            ("Công ty An Phát <giamdoc.anphat@gmail.com>", True): {"PLAYS_LEADER": 0.5},
            ("Văn phòng Chủ tịch <vp@congty.vn>", True): {},
            ("Chairman's Office <vp@congty.vn>", True): {},
            ("Chủ tịch UBND tỉnh <a@congty.vn>", False): {"PLAYS_LEADER": 0.3},
            ("Chánh Văn phòng <a@xquochoi.vn>", False): {"PLAYS_LEADER": 0.3},
        }
        | {(f"Chánh Văn phòng <a@{domain}>", True): {"STATE_AGENCY": 1.0} for domain in state},
    )


def check_an_agencys_name_counts_with_our_place_or_in_a_free_mailbox(ask: Ask) -> None:
    """Every province has one of that name."""
    expect(
        ask,
        {
            ("Sở Nội vụ <a@gmail.com>", True): {"PLAYS_AGENCY": 1.0},
            ("Sở Nội vụ <a@namdinh.gov.vn>", True): {"STATE_AGENCY": 1.0},
            ("Sở Nội vụ <a@namdinh.gov.vn>", False): {},
            ("Sở Nội vụ <a@congty.vn>", True): {},
            ("Sở Nội vụ tỉnh Hà Nam <a@congty.vn>", True): {"PLAYS_AGENCY": 0.8},
            ("So Noi vu tinh HA NAM <a@congty.vn>", False): {"PLAYS_AGENCY": 0.8},
            ("Chánh Văn phòng Sở Nội vụ tỉnh Hà Nam <a@congty.vn>", False): {"PLAYS_AGENCY": 0.8},
        },
    )


def check_a_leaders_name_counts_whole_with_its_accents_and_in_a_free_mailbox(ask: Ask) -> None:
    """Namesakes have it too, most of all without accents."""
    expect(
        ask,
        {
            ("Trần Thị Hà <a@gmail.com>", True): {"BEARS_LEADERS_NAME": 1.0},
            ("TRẦN  THỊ HÀ <a@gmail.com>", True): {"BEARS_LEADERS_NAME": 1.0},
            ("Tran Thi Ha <a@gmail.com>", True): {},
            ("Trần Thị Hạ <a@gmail.com>", True): {},
            ("Trần Thị Hà My <a@gmail.com>", True): {},
            ("Trần Thị Hà <a@congty.vn>", False): {},
        },
    )


def check_what_everybody_may_send_proves_nothing(ask: Ask) -> None:
    """An SPF record that ends in +all; a signature of the author's organisation proves it all the same."""
    spf = {"result": "pass", "reason": "all"}
    mine = {"domain": "vidu.vn", "selector": "a", "result": "pass", "reason": ""}

    def verdict(**more: Any) -> Mapping[str, Any]:
        dmarc = {
            "result": "pass",
            "author": "vidu.vn",
            "authentic": True,
            "policy": "none",
            "reason": "",
            "action": "accept",
        }
        arc = {"result": "none", "sets": 0, "reason": ""}
        return {"spf": spf, "dkim": [], "arc": arc, "dmarc": dmarc, "results": ""} | more

    replies = {
        "everybody": (verdict(), False),
        "signed": (verdict(dkim=[mine]), True),
        "signed by another": (verdict(dkim=[mine | {"domain": "khac.vn"}]), False),
        "signature does not hold": (verdict(dkim=[mine | {"result": "fail"}]), False),
        "one address": (verdict(spf={"result": "pass", "reason": "ip4"}), True),
    }
    known = {"author": "vidu.vn"}
    answers = ask(
        ["authentication"],
        [Question(letter().as_bytes(), dict(known), [json.dumps(reply) + "\n"]) for reply, _ in replies.values()],
    )
    found = {name: answer.proven for name, answer in zip(replies, answers, strict=True)}
    assert found == {name: proven for name, (_, proven) in replies.items()}


def check_what_is_not_proven_is_not_always_taken(ask: Ask) -> None:
    """Its domain is on the list."""
    known = [{"author": "vidu.vn", "authentication": verdict} for verdict in (PROVEN, UNPROVEN)]
    answers = ask(["lists"], [Question(letter().as_bytes(), each) for each in known])
    assert [list(answer.symbols) for answer in answers] == [["ALLOWED_DOMAIN"], []]


def check_no_word_of_a_letter_stands_in_its_verdict(ask: Ask) -> None:
    """Nor is a large one read to its end."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "an@vidu.vn", "vay tiền nhanh " * 3_000
    mail.set_content("giải ngân trong ngày, vay tiền không thế chấp\n" * 20_000)
    (answer,) = ask(["words"], [Question(mail.as_bytes())])
    assert answer.symbols["SPAM_LANGUAGE"] > 0
    assert not answer.options["SPAM_LANGUAGE"]
    assert answer.seconds < 0.5


def _language(ask: Ask, *texts: str) -> list[float]:
    """What is said of the words of each text."""
    letters = []
    for text in texts:
        mail = EmailMessage()
        mail["From"], mail["Subject"] = "an@vidu.vn", "thư"
        mail.set_content(text)
        letters.append(Question(mail.as_bytes()))
    return [answer.symbols["SPAM_LANGUAGE"] for answer in ask(["words"], letters)]


def check_words_are_weighed_as_they_were_learnt(ask: Ask) -> None:
    """The rule and what learns count alike: by one and the same factor, within what is said at most."""
    weights, lessons = word_weights.learnt(), word_weights.lessons()
    wanted, unwanted = ([text for text, kind in lessons if kind is each] for each in (True, False))
    texts = [*(f"{one} {other}" for one, other in zip(wanted[:200:5], unwanted[:200:5], strict=True)), " ".join(wanted)]
    told = [word_weights.score(weights, f"thư {text}") for text in texts]
    said = _language(ask, *texts)
    assert said[-1] == min(said) < -2
    factors = [one / other for one, other in zip(said, told, strict=True) if min(said) < one < 6.9 and abs(other) > 0.1]
    assert len(factors) > 5
    assert max(factors) - min(factors) < 0.01


def check_words_of_ones_own_hide_nothing(ask: Ask) -> None:
    """Nor is anything said of a language that nobody has taught."""
    unwanted = [text for text, wanted in word_weights.lessons() if not wanted][:12]
    text, letters = " ".join(unwanted), "bcdfghjklmnp"
    noise = [f"xq{one}{two}{three}zk" for one in letters for two in letters for three in letters]
    much = " ".join(noise[: 8 * len(text.split())])
    added = (f"{noise[0]} {text}", f"{much} {text}", f"{text} {much}", f"{much} {text} {much}")
    bare, strange, lone, *hidden = _language(ask, text, STRANGE, f"{STRANGE} {much}", *added)
    assert bare > 4
    assert min(hidden) > bare - 0.5, hidden
    assert max(abs(strange), abs(lone)) < 0.5
    # Nor do they weaken what phrases count.
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "an@vidu.vn", "vay tiền nhanh"
    mail.set_content(f"giải ngân trong ngày, vay tiền không thế chấp {text}")
    more = EmailMessage()
    more["From"], more["Subject"] = "an@vidu.vn", "vay tiền nhanh"
    more.set_content(f"giải ngân trong ngày, vay tiền không thế chấp {text} {much}")
    plain, padded = (
        each.symbols["SPAM_WORDS"] for each in ask(["words"], [Question(bytes(mail)), Question(bytes(more))])
    )
    assert plain == padded > 0


def check_who_sends_a_program_in_an_archive_is_told_so_where_it_is_no_known_virus(ask: Ask) -> None:
    """The scanner tells of the name first and is asked for all: by a virus a mailbox is counted, by a program not."""
    mail, program = with_file("a.zip", zipped({"b.zip": zipped({"a.exe": PROGRAM})})), "Hanam.Program.UNOFFICIAL"
    said = {
        "program": (
            [f"stream: {program} FOUND\0", f"/a: {program} FOUND\0/a: {program} FOUND\0", "stream: OK\0"],
            "VIRUS_PROGRAM",
        ),
        "virus": ([f"stream: {program} FOUND\0", f"/a: {program} FOUND\0/a: Win.Test FOUND\0"], "VIRUS_FOUND"),
        "virus later": (
            [f"stream: {program} FOUND\0", f"/a: {program} FOUND\0", "stream: Win.Test FOUND\0"],
            "VIRUS_FOUND",
        ),
        "no verdict": (
            [f"stream: {program} FOUND\0", f"/a: {program} FOUND\0", "stream: ERROR\0"],
            "VIRUS_SCAN_FAILED",
        ),
        "clean": (["stream: OK\0", "stream: OK\0"], None),
    }
    answers = ask(["virus_scan"], [Question(mail, {}, replies) for replies, _ in said.values()])
    for (name, (_, symbol)), answer in zip(said.items(), answers, strict=True):
        assert list(answer.symbols) == ([symbol] if symbol else []), name
        assert (answer.action == "reject") == (symbol in ("VIRUS_PROGRAM", "VIRUS_FOUND")), name
        assert ("la chuong trinh" in answer.text) == (symbol == "VIRUS_PROGRAM"), name


def check_what_a_password_closes_is_held_with_the_names_of_its_files_and_a_virus_beside_it_is_refused(ask: Ask) -> None:
    closed, virus = "Hanam.Encrypted.Archive.UNOFFICIAL", "Win.Test.EICAR_HDB-1"
    found = f"stream: {closed} FOUND\0"
    every = f"/x: {closed}(ab:12) FOUND\0/x: Heuristics.Encrypted.Zip FOUND\0"
    mail = with_file("hồ sơ 1.zip", b"PK\3\4")
    noted = "files=h%E1%BB%93%20s%C6%A1%201.zip Hanam.Encrypted.Archive.UNOFFICIAL,Heuristics.Encrypted.Zip"
    fields = {"X-Hanam-Attachment": "encrypted", "X-Hanam-Hold": f"encrypted {noted}"}
    theirs = {"X-Hanam-Hold": 0}
    forged = mail.replace(b"Subject:", b"X-Hanam-Hold: encrypted gia mao\nSubject:", 1)
    kinds = ["virus_scan", "hold"]
    questions = [
        Question(forged, {}, [found, every, found, every]),
        Question(mail, {}, [found, f"{every}/x: {virus} FOUND\0"]),
        Question(mail, {"hold secrecy": "MAT in subject"}, [found, every, found, every]),
        Question(forged, {}, [found, every, found, every], released=True),
        Question(mail, {}, ["stream: OK\0", "stream: OK\0"]),
    ]
    answers = ask(kinds, questions)
    assert (answers[0].added, answers[0].removed, answers[0].action) == (fields, theirs, "")
    assert (answers[1].action, answers[1].added) == ("reject", {})
    assert answers[2].added["X-Hanam-Hold"] == f"secrecy MAT in subject; {noted}"
    # What somebody has let go arrives with its mark; nobody's word but a virus's stands in its way.
    assert (answers[3].added, answers[3].removed) == ({"X-Hanam-Attachment": "encrypted"}, theirs)
    assert answers[3].refused_from > 1000 > (answers[0].refused_from or 15)
    assert (answers[4].added, answers[4].removed) == ({}, {})


def check_archives_that_a_password_closes_are_marked_or_refused_where_the_operator_says_so(ask: Ask) -> None:
    """The third way, that they are held, is the case above."""
    closed, virus = "Hanam.Encrypted.Archive.UNOFFICIAL", "Win.Test.EICAR_HDB-1"
    found, every = f"stream: {closed} FOUND\0", f"/x: {closed} FOUND\0/x: Heuristics.Encrypted.Zip FOUND\0"
    mail = with_file("hồ sơ.zip", b"PK\3\4")
    questions = [
        Question(mail, {}, [found, every, found, every]),
        Question(mail, {}, [found, f"{every}/x: {virus} FOUND\0"]),
    ]
    marked, worse = ask(["virus_scan", "hold"], questions, rspamd_encrypted_archives="mark")
    assert (marked.added, marked.action) == ({"X-Hanam-Attachment": "encrypted"}, "")
    assert (worse.added, worse.action, "Thu co virus" in worse.text) == ({}, "reject", True)
    (refused,) = ask(["virus_scan", "hold"], questions[:1], rspamd_encrypted_archives="refuse")
    assert (refused.added, refused.action) == ({}, "reject")
    assert "dat mat khau" in refused.text


def check_office_files_with_macros_are_marked_or_refused_where_the_operator_says_so(ask: Ask) -> None:
    """What the scanner says of them: tests/roles/test_clamav.py."""
    macros, closed = "Heuristics.OLE2.ContainsMacros.VBA", "Heuristics.Encrypted.OOXML"
    found, every = f"stream: {macros} FOUND\0", f"/x: {macros} FOUND\0"
    mail = with_file("báo cáo.docm", office_macros.docm())
    questions = [
        Question(mail, {}, [found, every, found, every]),
        Question(mail, {}, [found, f"{every}/x: {closed} FOUND\0", "stream: OK\0"]),
        Question(mail, {}, [found, f"{every}/x: Win.Test FOUND\0"]),
        Question(mail, {}, ["stream: OK\0", "stream: OK\0"]),
    ]
    marked, both, virus, none = ask(["virus_scan", "hold"], questions, rspamd_macros="mark")
    assert (list(marked.symbols), marked.added, marked.action) == (
        ["VIRUS_MACROS"],
        {"X-Hanam-Attachment": "macros"},
        "",
    )
    assert set(both.added["X-Hanam-Attachment"].split(", ")) == {"macros", "encrypted"}
    assert (virus.action, virus.added, "Thu co virus" in virus.text) == ("reject", {}, True)
    assert (none.symbols, none.added, none.action) == ({}, {}, "")
    (refused,) = ask(["virus_scan", "hold"], questions[:1], rspamd_macros="refuse")
    assert (list(refused.symbols), refused.added, refused.action) == (["VIRUS_MACROS"], {}, "reject")
    assert "co chua macro" in refused.text


def check_spam_is_held_by_its_score_unless_a_program_reads_it_or_it_is_large(ask: Ask) -> None:
    mail = letter().as_bytes()
    large = with_file("a.bin", b"x" * 2_500_000)
    scores = [(mail, 9.9), (mail, 10.0), (mail, 14.94), (mail, 15.0), (large, 12.0)]
    answers = ask(["hold"], [Question(content, score=score) for content, score in scores])
    spam = {"X-Hanam-Hold": "spam score=10.0"}, {"X-Hanam-Hold": "spam score=14.9"}
    assert [answer.added for answer in answers] == [{}, *spam, {}, {}]
    (released, reports, both, mixed, graver) = ask(
        ["hold"],
        [
            Question(mail, score=12.0, released=True),
            Question(mail, score=12.0, recipients=("dmarc@hanam.gov.vn",)),
            Question(mail, score=12.0, recipients=("DMARC@hanam.gov.vn", "tlsrpt@hanam.gov.vn")),
            Question(mail, score=12.0, recipients=("dmarc@hanam.gov.vn", "nguyenvana@hanam.gov.vn")),
            Question(mail, {"hold encrypted": "files=a.zip X"}, score=12.0),
        ],
    )
    assert (released.added, reports.added, both.added) == ({}, {}, {})
    assert mixed.added == {"X-Hanam-Hold": "spam score=12.0"}, (
        "an address that everybody knows opens no way past the hold"
    )
    assert graver.added == {"X-Hanam-Hold": "encrypted files=a.zip X; score=12.0"}, "no receiver decides about that"


def check_of_spam_with_macros_or_a_closed_document_it_is_said(ask: Ask) -> None:
    """Its receiver does not let it go then (mail.held_marked). In other mail such a document is marked alone."""
    macros, closed = "Heuristics.OLE2.ContainsMacros.VBA", "Heuristics.Encrypted.OOXML"
    mail = with_file("a.docm", b"x")
    for kind, found in (("macros", macros), ("encrypted", closed)):
        replies = [f"stream: {found} FOUND\0", f"/x: {found} FOUND\0"] * 2
        questions = [Question(mail, {}, replies, score=score) for score in (12.0, 9.9)]
        spam, doubtful = ask(["virus_scan", "hold"], questions)
        marked = {"X-Hanam-Attachment": kind}
        assert spam.added == {**marked, "X-Hanam-Hold": f"spam score=12.0; marked={kind}"}
        assert (doubtful.added, doubtful.action) == (marked, "")
    both = f"/x: {macros} FOUND\0/x: {closed} FOUND\0"
    (of_both,) = ask(["virus_scan", "hold"], [Question(mail, {}, [f"stream: {macros} FOUND\0", both] * 2, score=12.0)])
    assert set(of_both.added["X-Hanam-Attachment"].split(", ")) == {"macros", "encrypted"}
    kinds = of_both.added["X-Hanam-Attachment"].replace(", ", ",")
    assert of_both.added["X-Hanam-Hold"] == f"spam score=12.0; marked={kinds}"


def check_spam_for_which_there_is_no_room_keeps_its_mark_by_that_door_alone(ask: Ask) -> None:
    mail = letter()
    mail["X-Spam"] = "Yes"
    marked = Question(mail.as_bytes(), score=3.0, released=True)
    let_go = Question(letter().as_bytes(), score=12.0, released=True)
    by_others = Question(mail.as_bytes(), score=3.0)
    answers = ask(["hold"], [marked, let_go, by_others])
    assert [answer.added for answer in answers] == [{"X-Spam": "Yes"}, {}, {}]


def check_what_somebody_has_let_go_does_not_wait_and_no_range_of_scores_is_of_two_rules(ask: Ask) -> None:
    mail = letter().as_bytes()
    strange = {"greylist found": {"written": False, "delivered": False, "since": False, "keys": [], "remembers": True}}
    scores = (3.9, 4.0, 5.9, 6.0, 9.9, 10.0, 14.9)
    answers = ask(["hold", "greylist"], [Question(mail, strange, score=score) for score in scores])
    waits = ["GREYLISTED" in answer.symbols for answer in answers]
    held = ["X-Hanam-Hold" in answer.added for answer in answers]
    assert waits == [False, True, True, False, False, False, False]
    assert held == [False, False, False, False, False, True, True]
    for answer in ask(["hold", "greylist"], [Question(mail, strange, score=each, released=True) for each in scores]):
        assert (answer.symbols, answer.added) == ({}, {})


CASES: tuple[Case, ...] = (
    check_what_somebody_has_let_go_does_not_wait_and_no_range_of_scores_is_of_two_rules,
    check_words_are_weighed_as_they_were_learnt,
    check_words_of_ones_own_hide_nothing,
    check_spam_is_held_by_its_score_unless_a_program_reads_it_or_it_is_large,
    check_of_spam_with_macros_or_a_closed_document_it_is_said,
    check_spam_for_which_there_is_no_room_keeps_its_mark_by_that_door_alone,
    check_what_a_password_closes_is_held_with_the_names_of_its_files_and_a_virus_beside_it_is_refused,
    check_archives_that_a_password_closes_are_marked_or_refused_where_the_operator_says_so,
    check_office_files_with_macros_are_marked_or_refused_where_the_operator_says_so,
    check_who_sends_a_program_in_an_archive_is_told_so_where_it_is_no_known_virus,
    check_programs_are_known_by_whatever_name_a_reader_takes,
    check_no_other_names_are_programs,
    check_names_that_a_sender_makes_cost_little,
    check_a_form_that_asks_for_a_password_is_found_in_one_pass,
    check_a_link_that_greets_its_reader_is_found_and_many_readers_cost_little,
    check_a_way_out_of_a_list_speaks_for_its_own_links_alone,
    check_titles_count_fully_in_free_mailboxes_alone,
    check_an_agencys_name_counts_with_our_place_or_in_a_free_mailbox,
    check_a_leaders_name_counts_whole_with_its_accents_and_in_a_free_mailbox,
    check_what_everybody_may_send_proves_nothing,
    check_what_is_not_proven_is_not_always_taken,
    check_no_word_of_a_letter_stands_in_its_verdict,
)
