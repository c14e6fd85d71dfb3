"""Which signatures of DKIM hold (RFC 6376, 8301, 8463), by keys that a name server of our own gives."""

import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.host.mail_auth import nameserver, signer
from tests.unit.host.mail_auth.signer import Key

from hanam_mail.host.mail_auth import dkim
from hanam_mail.host.mail_auth.letter import Letter

pytestmark = pytest.mark.dieu4

GOOD = Key()
ED25519 = Key(selector="ed", private=Ed25519PrivateKey.generate())
KEYS = {name: Key(selector=name, private=signer.rsa(bits)) for name, bits in {"short": 1024, "long": 4096}.items()}
RECORDS = {
    "v2": "v=DKIM2; ",
    "late": "k=rsa; v=DKIM1; ",
    "sha1": "v=DKIM1; h=sha1; ",
    "both": "v=DKIM1; h=sha1 : sha256; ",
    "tlsrpt": "v=DKIM1; s=tlsrpt; ",
    "email": "v=DKIM1; s=email:other; ",
    "test": "v=DKIM1; t=y:s; ",
    "strict": "v=DKIM1; t=s; ",
    "other": "v=DKIM1; k=dsa; ",
    "notes": "v=DKIM1; n=some words; x_new=1; ",
    "twice": "v=DKIM1; k=rsa; k=rsa; ",
    "bare": "",
    "typed": "v=DKIM1;; word; k=rsa; ",
    "utf8": "v=DKIM1; n=khóa; ",
}
# In Vietnamese, its name in DNS, and that of one who would like to be taken for it.
VIETNAMESE, IN_DNS, SHARP = "tỉnh.example", "xn--tnh-dlz.example", "straße.example"
ZONE: nameserver.Zone = {
    f"xn--kha-hna._domainkey.{IN_DNS}": {"TXT": [nameserver.text(GOOD.record())]},
    f"s1._domainkey.{IN_DNS}": {"TXT": [nameserver.text(GOOD.record())]},
    "s1._domainkey.strasse.example": {"TXT": [nameserver.text(GOOD.record())]},
    GOOD.name: {"TXT": [nameserver.text(GOOD.record())]},
    ED25519.name: {"TXT": [nameserver.text(ED25519.record())]},
    **{
        f"{name}._domainkey.ky.example": {"TXT": [nameserver.text(GOOD.record(tags))]} for name, tags in RECORDS.items()
    },
    "revoked._domainkey.ky.example": {"TXT": [nameserver.text("v=DKIM1; p=")]},
    "rubbish._domainkey.ky.example": {"TXT": [nameserver.text("v=DKIM1; p=****")]},
    "notder._domainkey.ky.example": {"TXT": [nameserver.text("v=DKIM1; p=AAAA")]},
    "none._domainkey.ky.example": {"TXT": [nameserver.text("v=DKIM1;")]},
    "two._domainkey.ky.example": {"TXT": [nameserver.text(GOOD.record()), nameserver.text(GOOD.record("k=rsa; "))]},
    "alias._domainkey.ky.example": {"CNAME": [f"{GOOD.name}."]},
    "later._domainkey.ky.example": nameserver.FAILS,
    "short._domainkey.ky.example": {"TXT": [nameserver.text(KEYS["short"].record())]},
    "long._domainkey.ky.example": {"TXT": [nameserver.text(KEYS["long"].record())]},
}


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with nameserver.serve(ZONE) as (_, place):
        yield place


LETTER = (
    b"From: An <an@ky.example>\r\nTo: <ba@nhan.example>\r\nSubject: Gui   \r\n\tchi em\r\nX-Note: a\r\n\r\n"
    b"Dong mot  \r\n  dong \t hai\r\n\r\n\r\n"
)


def check(address: tuple[str, int], message: bytes, author: str = "ky.example") -> list[dkim.Result]:
    return dkim.check(Letter(message), nameserver.questions(address), author)


def verdict(address: tuple[str, int], message: bytes) -> tuple[str, str]:
    (result,) = check(address, message)
    return result.result, result.reason


# --- what holds ---

FORMS = ["simple", "relaxed", "simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]


@pytest.mark.parametrize("key", [GOOD, ED25519, KEYS["short"], KEYS["long"]], ids=lambda key: key.selector)
@pytest.mark.parametrize(
    "form", ["simple", "relaxed", "simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]
)
def test_it_holds_by_either_kind_of_key_and_in_every_form(address: tuple[str, int], key: Key, form: str) -> None:
    assert verdict(address, signer.dkim(key, LETTER, {"c": form})) == ("pass", "")


BODIES = [
    b"", b"\r\n", b"\r\n\r\n", b" \r\n", b"\t \r\n \r\n", b"a", b"a ", b"a\r\n", b"a \t\r\n\t\r\n \r\n",
    b" a\tb  c\r\n\r\nd\r\n", b"a\rb\r\n", b"\x00\xff\r\n", b"..\r\n", b"a" * 5000 + b"\r\n",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("form", ["relaxed/relaxed", "relaxed/simple"])
def test_it_holds_whatever_blanks_a_body_has(address: tuple[str, int], body: bytes, form: str) -> None:
    message = LETTER.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
    assert verdict(address, signer.dkim(GOOD, message, {"c": form})) == ("pass", "")


def test_lines_that_end_in_a_line_feed_alone_are_read_as_lines(address: tuple[str, int]) -> None:
    signed = signer.dkim(GOOD, LETTER, {"c": "simple/simple"})
    assert verdict(address, signed.replace(b"\r\n", b"\n")) == ("pass", "")
    head, _, body = signed.partition(b"\r\n\r\n")
    assert verdict(address, head.replace(b"\r\n\t", b"\n\t") + b"\r\n\r\n" + body) == ("pass", "")


@pytest.mark.parametrize("selector", ["both", "email", "notes", "bare", "typed", "utf8", "alias", "strict"])
def test_a_key_may_say_more_than_it_must(address: tuple[str, int], selector: str) -> None:
    assert verdict(address, signer.dkim(Key(selector=selector), LETTER)) == ("pass", "")


TAKEN = {
    "identity": {"i": "@ky.example"},
    "identity_below": {"i": "an@so.ky.example"},
    "identity_in_capitals": {"i": "AN@KY.EXAMPLE"},
    "domain_in_capitals": {"d": "KY.example"},
    "time": {"t": "1700000000"},
    "not_expired": {"t": "1700000000", "x": "99999999999"},
    "query": {"q": "dns/txt"},
    "queries": {"q": "other:dns/txt"},
    "unknown_tag": {"zz9_": "what ever"},
    "field_that_is_not_there": {"h": "from:cc:to:to:to"},
    "list_with_blanks": {"h": "from :\r\n\t to : subject"},
    "whole_length": {"l": "21"},
    "name_in_capitals": {"h": "FROM:To:sUBJECT"},
}


@pytest.mark.parametrize("tags", TAKEN.values(), ids=TAKEN)
def test_tags_that_the_standard_allows(address: tuple[str, int], tags: dict[str, str]) -> None:
    assert verdict(address, signer.dkim(GOOD, LETTER, tags)) == ("pass", "")


INTERNATIONAL = {
    "domain": {"d": VIETNAMESE},
    "domain_in_capitals": {"d": VIETNAMESE.upper()},
    "selector": {"d": IN_DNS, "s": "khóa"},
    "all": {"d": VIETNAMESE, "s": "khóa", "i": f"an@sở.{VIETNAMESE}"},
    "identity_in_dns": {"d": VIETNAMESE, "i": f"an@{IN_DNS}"},
    "identity_alone": {"d": IN_DNS, "i": f"@{VIETNAMESE}"},
}


@pytest.mark.parametrize("tags", INTERNATIONAL.values(), ids=INTERNATIONAL)
def test_names_in_other_letters_are_those_of_dns(address: tuple[str, int], tags: dict[str, str]) -> None:
    """RFC 8616, also to tell whether it is the author's own among many others."""
    others = signer.dkim(GOOD, LETTER, {"d": "d.example"}).partition(b"\r\n")[0] + b"\r\n"
    results = check(address, others * 20 + signer.dkim(GOOD, LETTER, tags), IN_DNS)
    assert (results[0].result, results[0].reason, results[0].domain) == ("pass", "", IN_DNS)


@pytest.mark.parametrize(
    "tags",
    [
        {"d": "\ue000.example"},
        {"s": "\ue000"},
        {"d": f"{'ă' * 62}.example"},
        {"d": "ă." * 600 + "example"},
        {"d": "a。。example"},
    ],
)
def test_names_that_dns_cannot_have_make_it_none(address: tuple[str, int], tags: dict[str, str]) -> None:
    assert verdict(address, signer.dkim(GOOD, LETTER, tags)) == ("none", "malformed")


def test_a_signature_of_one_domain_is_not_that_of_another(address: tuple[str, int]) -> None:
    (result,) = check(address, signer.dkim(GOOD, LETTER, {"d": SHARP}), "strasse.example")
    assert (result.domain, result.result) == ("xn--strae-oqa.example", "permerror")


MENDED = {
    "folded": lambda text: text.replace("; ", ";\r\n\t"),
    "blanks_around_equals": lambda text: text.replace("=", " \t= ", 3),
    "no_space": lambda text: text.replace("; ", ";"),
    "folded_base64": lambda text: text.replace("bh=", "bh= \r\n "),
}


@pytest.mark.parametrize("mend", MENDED.values(), ids=MENDED)
def test_a_signature_may_be_written_in_many_ways(address: tuple[str, int], mend: object) -> None:
    assert verdict(address, signer.dkim(GOOD, LETTER, mend=mend)) == ("pass", "")


def test_of_several_fields_of_a_name_the_last_is_signed_first(address: tuple[str, int]) -> None:
    two = LETTER.replace(b"X-Note: a\r\n", b"X-Note: a\r\nX-Note: b\r\n")
    signed = signer.dkim(GOOD, two, {"h": "from:x-note"})
    assert verdict(address, signed) == ("pass", "")
    assert verdict(address, signed.replace(b"X-Note: a", b"X-Note: c")) == ("pass", "")
    assert verdict(address, signed.replace(b"X-Note: b", b"X-Note: c")) == ("fail", "signature")


# --- what does not ---


def test_a_field_or_a_body_that_was_changed_is_found(address: tuple[str, int]) -> None:
    signed = signer.dkim(GOOD, LETTER)
    assert verdict(address, signed.replace(b"<ba@", b"<bo@")) == ("fail", "signature")
    assert verdict(address, signed.replace(b"Dong mot", b"Dong Mot")) == ("fail", "body hash")
    assert verdict(address, signed + b"them\r\n") == ("fail", "body hash")
    assert verdict(address, signed.replace(b"c=relaxed/relaxed", b"c=simple/relaxed")) == ("fail", "signature")


def test_a_field_that_is_added_after_one_more_was_signed_is_found(address: tuple[str, int]) -> None:
    signed = signer.dkim(GOOD, LETTER, {"h": "from:from:to:subject"})
    assert verdict(address, signed) == ("pass", "")
    assert verdict(address, b"From: <khac@ky.example>\r\n" + signed) == ("fail", "signature")


def test_what_stands_behind_the_signed_part_of_a_body_makes_it_none(address: tuple[str, int]) -> None:
    """Anybody may have written it (section 8.2)."""
    signed = signer.dkim(GOOD, LETTER, {"l": "21"})
    assert verdict(address, signed) == ("pass", "")
    assert verdict(address, signed + b"<p>them\r\n") == ("none", "body not signed to its end")
    assert verdict(address, signer.dkim(GOOD, LETTER, {"l": "0"})) == ("none", "body not signed to its end")
    assert verdict(address, signer.dkim(GOOD, LETTER, {"l": "22"})) == ("none", "body not signed to its end")


NOT_TAKEN = {
    "version": ({"v": "2"}, "malformed v="),
    "no_version": ({"v": None}, "malformed v="),
    "sha1": ({"a": "rsa-sha1"}, "algorithm"),
    "algorithm_with_a_blank": ({"a": "rsa- sha256"}, "algorithm"),
    "algorithm_in_capitals": ({"a": "RSA-SHA256"}, "algorithm"),
    "no_algorithm": ({"a": None}, "no a="),
    "no_domain": ({"d": None}, "no d="),
    "empty_domain": ({"d": ""}, "no d="),
    "domain_with_a_blank": ({"d": "ky. example"}, "malformed"),
    "one_label": ({"d": "example"}, "malformed"),
    "dot_at_end": ({"d": "ky.example."}, "malformed"),
    "no_selector": ({"s": None}, "no s="),
    "selector_with_two_dots": ({"s": "a..b"}, "malformed"),
    "long_label": ({"s": "a" * 64}, "malformed"),
    "long_name": ({"s": ".".join(["a" * 60] * 4)}, "malformed"),
    "form": ({"c": "loose/relaxed"}, "malformed c="),
    "three_forms": ({"c": "relaxed/relaxed/simple"}, "malformed c="),
    "empty_form": ({"c": ""}, "malformed c="),
    "no_hash": ({"bh": None}, "malformed"),
    "hash_no_base64": ({"bh": "****"}, "malformed base64"),
    "author_not_signed": ({"h": "to:subject"}, "author not signed"),
    "empty_list": ({"h": ""}, "author not signed"),
    "no_list": ({"h": None}, "author not signed"),
    "hole_in_list": ({"h": "from::to"}, "author not signed"),
    "identity_elsewhere": ({"i": "an@khac.example"}, "identity of another domain"),
    "identity_that_ends_alike": ({"i": "an@xky.example"}, "identity of another domain"),
    "identity_above": ({"i": "an@example"}, "identity of another domain"),
    "identity_without_a_sign": ({"i": "ky.example"}, "identity of another domain"),
    "time_no_number": ({"t": "now"}, "malformed t="),
    "time_empty": ({"t": ""}, "malformed t="),
    "expired": ({"x": "1000000000"}, "expired"),
    "expires_before_it_was_made": ({"t": "99999999999", "x": "99999999998"}, "expired"),
    "length_no_number": ({"l": "-1"}, "malformed l="),
    "key_elsewhere": ({"q": "http"}, "key elsewhere than in DNS"),
}


@pytest.mark.parametrize(("tags", "reason"), NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_tags_that_make_it_as_good_as_none(address: tuple[str, int], tags: signer.Tags, reason: str) -> None:
    assert verdict(address, signer.dkim(GOOD, LETTER, tags)) == ("none", reason)


BROKEN_LISTS = {
    "a_tag_twice": (lambda text: text.replace(" s=s1;", " s=s1; s=s1;"), "a tag stands twice"),
    "two_semicolons": (lambda text: text.replace("; ", ";; ", 1), "malformed"),
    "no_equals": (lambda text: text.replace("; ", "; word; ", 1), "malformed"),
    "name_with_a_hyphen": (lambda text: text.replace("; ", "; x-y=1; ", 1), "malformed"),
    "number_first": (lambda text: text.replace("; ", "; 1x=1; ", 1), "malformed"),
    "control_character": (lambda text: text.replace("v=1;", "v=1; z=a\x01;", 1), "malformed"),
}


@pytest.mark.parametrize(("mend", "reason"), BROKEN_LISTS.values(), ids=BROKEN_LISTS)
def test_a_list_of_tags_that_breaks_the_grammar_is_none(address: tuple[str, int], mend: object, reason: str) -> None:
    assert verdict(address, signer.dkim(GOOD, LETTER, mend=mend)) == ("none", reason)


def test_a_signature_that_is_no_base64_is_none(address: tuple[str, int]) -> None:
    signed = signer.dkim(GOOD, LETTER)
    for b in (b"b=", b"b=*", b"b=AAA", b"b=\xc3\xa1"):
        field, _, rest = signed.partition(b"\r\n")
        wrong = field[: field.rindex(b" b=") + 1] + b + b"\r\n" + rest
        assert verdict(address, wrong)[0] == "none"


KEY_FAULTS = {
    "v2": ("none", "malformed key"),
    "late": ("none", "malformed key"),
    "twice": ("none", "malformed key"),
    "sha1": ("none", "key for another algorithm"),
    "other": ("none", "key for another algorithm"),
    "ed": ("none", "key for another algorithm"),
    "tlsrpt": ("none", "key for another service"),
    "test": ("none", "key for tests"),
    "rubbish": ("none", "malformed key"),
    "notder": ("none", "malformed key"),
    "none": ("none", "malformed key"),
    "two": ("none", "more than one key"),
    "revoked": ("permerror", "key revoked"),
    "absent": ("permerror", "no key"),
    "short": ("fail", "signature"),
    "later": ("temperror", "key not found now"),
}


@pytest.mark.parametrize(("selector", "wanted"), KEY_FAULTS.items())
def test_a_key_that_does_not_count(address: tuple[str, int], selector: str, wanted: tuple[str, str]) -> None:
    assert verdict(address, signer.dkim(Key(selector=selector), LETTER)) == wanted


def test_a_key_for_its_own_domain_alone_is_none_for_those_below(address: tuple[str, int]) -> None:
    signed = signer.dkim(Key(selector="strict"), LETTER, {"i": "an@so.ky.example"})
    assert verdict(address, signed) == ("none", "key not for domains below")


# --- several ---


def test_each_signature_has_its_own_result(address: tuple[str, int]) -> None:
    signed = signer.dkim(Key(selector="test"), signer.dkim(ED25519, signer.dkim(GOOD, LETTER)))
    assert [(each.selector, each.result) for each in check(address, signed)] == [
        ("test", "none"),
        ("ed", "pass"),
        ("s1", "pass"),
    ]
    assert dkim.passing(check(address, signed)) == ["ky.example"]


def test_the_authors_own_signature_is_found_among_many_of_others(address: tuple[str, int]) -> None:
    others = b"".join(
        f"DKIM-Signature: v=1; a=rsa-sha256; d=d{number}.example; s=s; h=from; bh=YQ==; b=YQ==\r\n".encode()
        for number in range(50)
    )
    results = check(address, others + signer.dkim(GOOD, LETTER))
    assert len(results) == dkim.MOST
    assert (results[0].domain, results[0].result) == ("ky.example", "pass")


# --- hostile ones ---

START = b"DKIM-Signature: v=1; a=rsa-sha256; d=ky.example; s=s1; bh=YQ==; "
HOSTILE = {
    "signatures": (START + b"h=from; b=YQ==\r\n") * 9000,
    "blanks": b"DKIM-Signature: v=1;" + b" " * 1_000_000 + b"a=x\r\n",
    "folds": b"DKIM-Signature: v=1;" + b"\r\n " * 9900 + b"a=x\r\n",
    "semicolons": b"DKIM-Signature:" + b";" * 1_000_000 + b"\r\n",
    "names": START + b"b=YQ==; h=from" + b":from" * 200_000 + b"\r\n",
    "base64": START + b"h=from; b=" + b"YQ" * 500_000 + b"\r\n",
    "fields": b"".join(b"X-%d: a\r\n" % number for number in range(9900)),
    "domain": b"DKIM-Signature: v=1; a=rsa-sha256; s=s1; h=from; bh=YQ==; b=YQ==; d=" + b"a." * 500_000 + b"\r\n",
}


@pytest.mark.parametrize("head", HOSTILE.values(), ids=HOSTILE)
def test_no_header_keeps_it_busy(address: tuple[str, int], head: bytes) -> None:
    began = time.process_time()
    assert not [each for each in check(address, head + LETTER) if each.result == "pass"]
    assert time.process_time() - began < 5


@pytest.mark.parametrize("piece", [b" ", b"\r\n", b" \r\n", b"\r", b"\n", b" a", b"  a\t", b"a"], ids=repr)
def test_no_body_keeps_it_busy(address: tuple[str, int], piece: bytes) -> None:
    """As large as a message may be, with as many signatures as are looked at, of both forms and many lengths."""
    body = piece * (28_000_000 // len(piece))
    forms = ("relaxed", "simple")
    head = b"".join(
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/%s; d=ky.example; s=s1; l=%d; h=from; bh=YQ==; b=YQ==\r\n"
        % (forms[number % 2].encode(), 1_000_000 * number)
        for number in range(dkim.MOST)
    )
    began = time.process_time()
    check(address, head + LETTER + body)
    assert time.process_time() - began < 5
