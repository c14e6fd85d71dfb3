"""Tables of signatures of DKIM, right and wrong (tests/dkim_cases.py tells what a case is)."""

from collections.abc import Callable, Mapping, Sequence

from tests.dkim_cases import IN_DNS, LETTER, PASS, SHARP, VIETNAMESE, Case, Table, Wanted
from tests.unit.host.mail_auth.signer import Tags

# --- letters ---


def with_body(body: bytes) -> bytes:
    return LETTER.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda message: message.replace(old, new)


def _lines_of_fields_alone(message: bytes) -> bytes:
    head, end, body = message.partition(b"\r\n\r\n")
    return head.replace(b"\r\n\t", b"\n\t") + end + body


def _signature(value: bytes) -> Callable[[bytes], bytes]:
    """With another b=."""

    def change(message: bytes) -> bytes:
        first, _, rest = message.partition(b"\r\n")
        return first[: first.rindex(b" b=") + 1] + value + b"\r\n" + rest

    return change


def others(count: int) -> bytes:
    """Signatures of as many strangers."""
    return b"".join(
        f"DKIM-Signature: v=1; a=rsa-sha256; d=d{number}.example; s=s; h=from; bh=YQ==; b=YQ==\r\n".encode()
        for number in range(count)
    )


# --- what holds ---

FORMS: Table = {
    f"{selector} {form}": Case(tags={"c": form}, selectors=(selector,))
    for selector in ("s1", "ed", "short", "long")
    for form in ("simple", "relaxed", "simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed")
}
BODIES: Table = {
    f"{number} {form}": Case(tags={"c": form}, letter=with_body(body))
    for form in ("relaxed/relaxed", "relaxed/simple")
    for number, body in enumerate([
        b"", b"\r\n", b"\r\n\r\n", b" \r\n", b"\t \r\n \r\n", b"a", b"a ", b"a\r\n", b"a \t\r\n\t\r\n \r\n",
        b" a\tb  c\r\n\r\nd\r\n", b"a\rb\r\n", b"\x00\xff\r\n", b"..\r\n", b"a" * 5000 + b"\r\n",
    ])
}  # fmt: skip
LINE_ENDS: Table = {
    "all": Case(tags={"c": "simple/simple"}, change=replaced(b"\r\n", b"\n")),
    "in_fields": Case(tags={"c": "simple/simple"}, change=_lines_of_fields_alone),
}
KEYS_THAT_SAY_MORE: Table = {
    selector: Case(selectors=(selector,))
    for selector in ("both", "email", "notes", "bare", "typed", "utf8", "alias", "strict")
}
TAKEN: Table = {
    name: Case(tags=tags)
    for name, tags in {
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
    }.items()
}
# Also to tell whether it is the author's own among many others (RFC 8616).
INTERNATIONAL: Table = {
    name: Case(
        wanted=(PASS, *[("permerror", "no key")] * 9),
        tags=tags,
        author=IN_DNS,
        change=lambda message: others(20) + message,
        domain=IN_DNS,
    )
    for name, tags in {
        "domain": {"d": VIETNAMESE},
        "domain_in_capitals": {"d": VIETNAMESE.upper()},
        "selector": {"d": IN_DNS, "s": "khóa"},
        "all": {"d": VIETNAMESE, "s": "khóa", "i": f"an@sở.{VIETNAMESE}"},
        "identity_in_dns": {"d": VIETNAMESE, "i": f"an@{IN_DNS}"},
        "identity_alone": {"d": IN_DNS, "i": f"@{VIETNAMESE}"},
    }.items()
}
NOT_IN_DNS: Table = {
    name: Case(wanted=[("none", "malformed")], tags=tags)
    for name, tags in {
        "private_letter": {"d": "\ue000.example"},
        "private_letter_in_selector": {"s": "\ue000"},
        "long_label": {"d": f"{'ă' * 62}.example"},
        "long_name": {"d": "ă." * 600 + "example"},
        "empty_label": {"d": "a。。example"},
    }.items()
}
OF_ANOTHER: Table = {
    "sharp": Case(
        wanted=[("permerror", "no key")], tags={"d": SHARP}, author="strasse.example", domain="xn--strae-oqa.example"
    )
}
MENDED: Table = {
    "folded": Case(mend=lambda text: text.replace("; ", ";\r\n\t")),
    "blanks_around_equals": Case(mend=lambda text: text.replace("=", " \t= ", 3)),
    "no_space": Case(mend=lambda text: text.replace("; ", ";")),
    "folded_base64": Case(mend=lambda text: text.replace("bh=", "bh= \r\n ")),
}
_TWO_NOTES = {"tags": {"h": "from:x-note"}, "letter": LETTER.replace(b"X-Note: a\r\n", b"X-Note: a\r\nX-Note: b\r\n")}
FIELDS_OF_A_NAME: Table = {
    "two": Case(**_TWO_NOTES),
    "first_changed": Case(**_TWO_NOTES, change=replaced(b"X-Note: a", b"X-Note: c")),
    "last_changed": Case([("fail", "signature")], **_TWO_NOTES, change=replaced(b"X-Note: b", b"X-Note: c")),
}
CHANGED: Table = {
    "field": Case([("fail", "signature")], change=replaced(b"<ba@", b"<bo@")),
    "body": Case([("fail", "body hash")], change=replaced(b"Dong mot", b"Dong Mot")),
    "more": Case([("fail", "body hash")], change=lambda message: message + b"them\r\n"),
    "form": Case([("fail", "signature")], change=replaced(b"c=relaxed/relaxed", b"c=simple/relaxed")),
}
_TO_TWICE = {"h": "from:from:to:to:subject"}
ADDED: Table = {
    "nothing": Case(tags=_TO_TWICE),
    "author": Case([("fail", "signature")], _TO_TWICE, change=lambda message: b"From: <khac@ky.vn>\r\n" + message),
    "receiver": Case([("fail", "signature")], _TO_TWICE, change=lambda message: b"To: <khac@ky.vn>\r\n" + message),
}
# Anybody may have written what stands behind the signed part (section 8.2).
_NOT_TO_ITS_END: Sequence[Wanted] = [("none", "body not signed to its end")]
PART_OF_THE_BODY: Table = {
    "whole": Case(tags={"l": "21"}),
    "more": Case(_NOT_TO_ITS_END, {"l": "21"}, change=lambda message: message + b"<p>them\r\n"),
    "nothing": Case(_NOT_TO_ITS_END, {"l": "0"}),
    "more_than_there_is": Case(_NOT_TO_ITS_END, {"l": "22"}),
}
_TAGS_NOT_TAKEN: Mapping[str, tuple[Tags, str]] = {
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
NOT_TAKEN: Table = {name: Case([("none", reason)], tags) for name, (tags, reason) in _TAGS_NOT_TAKEN.items()}
_LISTS: Mapping[str, tuple[Callable[[str], str], str]] = {
    "a_tag_twice": (lambda text: text.replace(" s=s1;", " s=s1; s=s1;"), "a tag stands twice"),
    "two_semicolons": (lambda text: text.replace("; ", ";; ", 1), "malformed"),
    "no_equals": (lambda text: text.replace("; ", "; word; ", 1), "malformed"),
    "name_with_a_hyphen": (lambda text: text.replace("; ", "; x-y=1; ", 1), "malformed"),
    "number_first": (lambda text: text.replace("; ", "; 1x=1; ", 1), "malformed"),
    "control_character": (lambda text: text.replace("v=1;", "v=1; z=a\x01;", 1), "malformed"),
}
BROKEN_LISTS: Table = {name: Case([("none", reason)], mend=mend) for name, (mend, reason) in _LISTS.items()}
NO_BASE64: Table = {
    name: Case([("none", reason)], change=_signature(value))
    for name, (value, reason) in {
        "empty": (b"b=", "no b="),
        "other_signs": (b"b=*", "malformed base64"),
        "too_short": (b"b=AAA", "malformed base64"),
        "other_letters": (b"b=\xc3\xa1", "malformed base64"),
    }.items()
}
KEY_FAULTS: Table = {
    selector: Case([wanted], selectors=(selector,))
    for selector, wanted in {
        "v2": ("none", "malformed key"),
        "late": ("none", "malformed key"),
        "twice": ("none", "malformed key"),
        "sha1": ("none", "key for another algorithm"),
        "other": ("none", "key for another algorithm"),
        "tlsrpt": ("none", "key for another service"),
        "test": ("none", "key for tests"),
        "rubbish": ("none", "malformed key"),
        "notder": ("none", "malformed key"),
        "none": ("none", "malformed key"),
        "two": ("none", "more than one key"),
        "revoked": ("permerror", "key revoked"),
        "absent": ("permerror", "no key"),
        "later": ("temperror", "key not found now"),
    }.items()
} | {
    "ed": Case([("none", "key for another algorithm")], {"s": "ed"}),
    "short": Case([("fail", "signature")], {"s": "short"}),
}
STRICT: Table = {
    "below": Case([("none", "key not for domains below")], {"i": "an@so.ky.example"}, ("strict",)),
}
SEVERAL: Table = {
    "each": Case([("none", "key for tests"), PASS, PASS], selectors=("s1", "ed", "test")),
    "own_of_many": Case([PASS, *[("permerror", "no key")] * 9], change=lambda message: others(50) + message),
}

# Heads that are to keep a filter busy.
_START = b"DKIM-Signature: v=1; a=rsa-sha256; d=ky.example; s=s1; bh=YQ==; "
_BODY_HASH, _MALFORMED = ("fail", "body hash"), ("none", "malformed")
_HEADS: Mapping[str, tuple[bytes, Sequence[Wanted]]] = {
    "signatures": ((_START + b"h=from; b=YQ==\r\n") * 9000, [_BODY_HASH] * 10),
    "blanks": (b"DKIM-Signature: v=1;" + b" " * 1_000_000 + b"a=x\r\n", [("none", "no b=")]),
    "folds": (b"DKIM-Signature: v=1;" + b"\r\n " * 9900 + b"a=x\r\n", [("none", "no b=")]),
    "semicolons": (b"DKIM-Signature:" + b";" * 1_000_000 + b"\r\n", [_MALFORMED]),
    "names": (_START + b"b=YQ==; h=from" + b":from" * 200_000 + b"\r\n", [_BODY_HASH]),
    "base64": (_START + b"h=from; b=" + b"YQ" * 500_000 + b"\r\n", [_BODY_HASH]),
    "fields": (b"".join(b"X-%d: a\r\n" % number for number in range(9900)), []),
    "domain": (
        b"DKIM-Signature: v=1; a=rsa-sha256; s=s1; h=from; bh=YQ==; b=YQ==; d=" + b"a." * 500_000 + b"\r\n",
        [_MALFORMED],
    ),
}
HOSTILE: Table = {name: Case(wanted, head=head) for name, (head, wanted) in _HEADS.items()}

TABLES: Mapping[str, Table] = {
    "forms": FORMS,
    "bodies": BODIES,
    "line ends": LINE_ENDS,
    "keys that say more": KEYS_THAT_SAY_MORE,
    "taken": TAKEN,
    "international": INTERNATIONAL,
    "not in DNS": NOT_IN_DNS,
    "of another": OF_ANOTHER,
    "mended": MENDED,
    "fields of a name": FIELDS_OF_A_NAME,
    "changed": CHANGED,
    "added": ADDED,
    "part of the body": PART_OF_THE_BODY,
    "not taken": NOT_TAKEN,
    "broken lists": BROKEN_LISTS,
    "no base64": NO_BASE64,
    "key faults": KEY_FAULTS,
    "strict": STRICT,
    "several": SEVERAL,
    "hostile": HOSTILE,
}
