"""May a client send for a domain (SPF, RFC 7208)? Tables of our own, against a name server of our own."""

import time
from collections.abc import Iterator

import pytest
from tests.unit.host.mail_auth import nameserver

from hanam_mail.host.mail_auth import questions, spf, spf_record

pytestmark = pytest.mark.dieu4

CLIENT, CLIENT6 = "192.0.2.10", "2001:db8:1::10"
NEIGHBOUR6 = "2001:db8:1::11"


def spf_zone(records: dict[str, str]) -> dict[str, dict[str, list[str]]]:
    return {f"{name}.example": {"TXT": [nameserver.text(record)]} for name, record in records.items()}


# Record, the result for CLIENT, and for CLIENT6.
MECHANISMS: dict[str, tuple[str, str, str]] = {
    "all": ("v=spf1 all", "pass", "pass"),
    "minus all": ("v=spf1 -all", "fail", "fail"),
    "tilde all": ("v=spf1 ~ALL", "softfail", "softfail"),
    "question all": ("v=spf1 ?all", "neutral", "neutral"),
    "nothing": ("v=spf1", "neutral", "neutral"),
    "capitals": ("V=SPF1 -ALL", "fail", "fail"),
    "many blanks": ("v=spf1   ip4:192.0.2.10    -all  ", "pass", "fail"),
    "first decides": ("v=spf1 -ip4:192.0.2.10 +all", "fail", "pass"),
    "ip4": ("v=spf1 ip4:192.0.2.10 -all", "pass", "fail"),
    "ip4 other": ("v=spf1 ip4:192.0.2.11 -all", "fail", "fail"),
    "ip4 net": ("v=spf1 ip4:192.0.2.99/24 -all", "pass", "fail"),
    "ip4 everything": ("v=spf1 ip4:1.1.1.1/0 -all", "pass", "fail"),
    "ip6": ("v=spf1 ip6:2001:DB8:1::10 -all", "fail", "pass"),
    "ip6 neighbour": ("v=spf1 ip6:2001:db8:1::11 -all", "fail", "fail"),
    "ip6 net": ("v=spf1 ip6:2001:db8:1::/64 -all", "fail", "pass"),
    "ip6 everything is no ip4": ("v=spf1 ip6:::/0 -all", "fail", "pass"),
    "a": ("v=spf1 a:host.example -all", "pass", "pass"),
    "a neighbour": ("v=spf1 a:next.example -all", "fail", "fail"),
    "a nets": ("v=spf1 a:next.example/28//64 -all", "pass", "pass"),
    "a net of ip6 alone": ("v=spf1 a:next.example//64 -all", "fail", "pass"),
    "a net of ip4 alone": ("v=spf1 a:next.example/28 -all", "pass", "fail"),
    "a alias": ("v=spf1 a:alias.example -all", "pass", "pass"),
    "a without address": ("v=spf1 a:nothing.example -all", "fail", "fail"),
    "mx": ("v=spf1 mx:mail.example -all", "pass", "pass"),
    "mx neighbour": ("v=spf1 mx:nextmail.example -all", "fail", "fail"),
    "mx nets": ("v=spf1 mx:nextmail.example/28//64 -all", "pass", "pass"),
    "mx null": ("v=spf1 mx:nullmx.example -all", "fail", "fail"),
    "include passes": ("v=spf1 include:yes.example -all", "pass", "pass"),
    "include fails": ("v=spf1 include:no.example ~all", "softfail", "softfail"),
    "include neutral": ("v=spf1 include:maybe.example -all", "fail", "fail"),
    "include qualified": ("v=spf1 -include:yes.example +all", "fail", "fail"),
    "include of none": ("v=spf1 include:host.example -all", "permerror", "permerror"),
    "include of nobody": ("v=spf1 include:absent.example -all", "permerror", "permerror"),
    "include of an error": ("v=spf1 include:wrong.example -all", "permerror", "permerror"),
    "include later": ("v=spf1 include:fails.example -all", "temperror", "temperror"),
    "decided before the error": ("v=spf1 ip4:192.0.2.0/24 include:fails.example", "pass", "temperror"),
    "redirect": ("v=spf1 redirect=no.example", "fail", "fail"),
    "redirect after others": ("v=spf1 redirect=yes.example ip4:192.0.2.10/32 ~all", "pass", "softfail"),
    "redirect passes": ("v=spf1 ip4:192.0.2.99 redirect=yes.example", "pass", "pass"),
    "redirect to none": ("v=spf1 redirect=host.example", "permerror", "permerror"),
    "redirect to itself": ("v=spf1 redirect=%{d}", "permerror", "permerror"),
    "include itself": ("v=spf1 include:%{d} all", "permerror", "permerror"),
    "exists": ("v=spf1 exists:host.example -all", "pass", "pass"),
    "exists not": ("v=spf1 exists:absent.example -all", "fail", "fail"),
    "exists asks for ip4 alone": ("v=spf1 exists:six.example -all", "fail", "fail"),
    "exists by address": ("v=spf1 exists:%{ir}.list.example -all", "pass", "fail"),
    "exists by local part": ("v=spf1 exists:%{l}.people.example -all", "pass", "pass"),
    "exists by parts": ("v=spf1 exists:%{d2}.%{l1r+}.parts.example -all", "pass", "pass"),
    "ptr": ("v=spf1 ptr:named.example -all", "pass", "pass"),
    "ptr below alone": ("v=spf1 ptr:amed.example -all", "fail", "fail"),
    "ptr of a liar": ("v=spf1 ptr:liar.example -all", "fail", "fail"),
    "macro p": ("v=spf1 exists:%{p}.seen.example -all", "pass", "pass"),
    "macro v": ("v=spf1 exists:%{v}.version.example -all", "pass", "fail"),
    "macro h": ("v=spf1 exists:%{h}.greeted.example -all", "pass", "pass"),
    "unknown modifier": ("v=spf1 zz.9-_=a=b/%{d} -all", "fail", "fail"),
    "explained": ("v=spf1 -all exp=why.example", "fail", "fail"),
    "slash in a name": ("v=spf1 exists:a/24.host.example all", "pass", "pass"),
}  # fmt: skip

MALFORMED = [
    "al", "all:", "all.", "all/8", "-all:example", "moo", "moo:x", "+", "a:", "a/", "a/33", "a/01", "a//129",
    "a/24/64", "a///64", "a:host.example:8080", "a:example", "a:host.123", "a:host.example/", "a:host.example/x",
    "a:.", "a:host..", "a:-host.-a", "mx:", "mx/-1", "mx:host.exa_mple", "ip4", "ip4:", "ip4:1.2.3",
    "ip4:1.2.3.4.5", "ip4:1.2.3.256", "ip4:01.2.3.4", "ip4:1.2.3.4/33", "ip4:1.2.3.4//24", "ip4:1.2.3.4/",
    "ip4:2001:db8::1", "ip6", "ip6:", "ip6:::g", "ip6:1.2.3.4", "ip6:::1/129", "ip6:::1//64", "ip6:fe80::1%eth0",
    "include", "include:", "include:x", "include/24", "exists", "exists:", "exists:host.example/", "ptr:", "ptr/24",
    "redirect=", "redirect=x", "redirect=a.example redirect=a.example", "exp=", "exp=x",
    "exp=a.example exp=a.example", "a:%", "a:%{", "a:%{}", "a:%{d", "a:%{z}.example", "a:%{d0}.example", "a:%{d-}x",
    "a:%{dr2}.example", "a:%{c}.example", "a:%{r}.example", "a:%{t}.example", "a:%d.example", "a:%{d}%", "a:%%",
    "a:host.example%_", "zz=%", "zz=%{q}", "1a=x", "a:host.\u00e9xample", "-", "~", "? all", "ip4:192.0.2.10,-all",
    "a=b:c=%", "a :host.example", ":host.example",
]  # fmt: skip

COUNTED = {
    "ten terms": (" ".join(["a:next.example"] * 10) + " all", "pass"),
    "eleven terms": (" ".join(["a:next.example"] * 11) + " all", "permerror"),
    "ten within": ("include:five.example include:three.example all", "pass"),
    "eleven within": ("include:five.example include:four.example all", "permerror"),
    "redirect counts": (" ".join(["a:next.example"] * 10) + " redirect=yes.example", "permerror"),
    "all does not count": (" ".join(["a:next.example"] * 10) + " ip4:192.0.2.10 -all", "pass"),
    "two find nothing": ("a:absent1.example exists:absent2.example all", "pass"),
    "three find nothing": ("a:absent1.example exists:absent2.example mx:absent3.example all", "permerror"),
    "nothing in mx counts": ("mx:lostmail.example all", "permerror"),
    "ten exchangers": ("mx:tenmail.example -all", "pass"),
    "eleven exchangers": ("mx:elevenmail.example -all", "permerror"),
    "loop": ("include:loop1.example all", "permerror"),
    "unknown name in a term": ("a:%{l}..example all", "pass"),
}

ZONE: dict[str, dict[str, list[str]]] = {
    "host.example": {"A": [CLIENT, "192.0.2.11"], "AAAA": [CLIENT6]},
    "next.example": {"A": ["192.0.2.9"], "AAAA": [NEIGHBOUR6]},
    "six.example": {"AAAA": [CLIENT6]},
    "alias.example": {"CNAME": ["alias2.example."]},
    "alias2.example": {"CNAME": ["host.example."]},
    "nothing.example": {"MX": ["10 host.example."]},
    "mail.example": {"MX": ["20 host.example.", "10 liar.example."]},
    "nextmail.example": {"MX": ["10 next.example."]},
    "nullmx.example": {"MX": ["0 ."]},
    "lostmail.example": {"MX": [f"{number} absent{number}.example." for number in range(3)]},
    "tenmail.example": {"MX": [*(f"{number} next.example." for number in range(9)), "10 host.example."]},
    "elevenmail.example": {"MX": [*(f"{number} next.example." for number in range(10)), "10 host.example."]},
    "fails.example": {"FAILS": []},
    "10.2.0.192.list.example": {"A": ["127.0.0.2"]},
    "an.people.example": {"A": ["127.0.0.2"]},
    "parts.example": {"MX": ["10 host.example."]},
    "an.named.example": {"A": [CLIENT], "AAAA": [CLIENT6]},
    "an.named.example.seen.example": {"A": ["127.0.0.2"]},
    "in-addr.version.example": {"A": ["127.0.0.2"]},
    "mx.ngoai.example.greeted.example": {"A": ["127.0.0.2"]},
    "liar.example": {"A": ["192.0.2.77"], "AAAA": ["2001:db8:9::1"]},
    "10.2.0.192.in-addr.arpa": {"PTR": ["liar.example.", "an.named.example."]},
    "0.1.0.0" + ".0" * 16 + ".1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": {"PTR": ["an.named.example."]},
    **spf_zone(
        {
            "yes": "v=spf1 all",
            "no": "v=spf1 -all",
            "maybe": "v=spf1 ?all",
            "wrong": "v=spf1 moo -all",
            "five": "v=spf1 a:next.example a:next.example a:next.example a:next.example a:next.example",
            "four": "v=spf1 a:next.example a:next.example a:next.example a:next.example",
            "three": "v=spf1 a:next.example a:next.example a:next.example",
            "loop1": "v=spf1 include:loop2.example",
            "loop2": "v=spf1 include:loop1.example",
        }
    ),
}
for place, (record, *_results) in enumerate(MECHANISMS.values()):
    ZONE[f"m{place}.example"] = {"TXT": [nameserver.text(record)]}
    ZONE[f"m{place}.example.an.parts.example"] = {"A": ["127.0.0.2"]}
for place, term in enumerate(MALFORMED):
    ZONE[f"w{place}.example"] = {"TXT": [nameserver.text(f"v=spf1 ip4:192.0.2.10 {term} -all")]}
for place, (terms, _result) in enumerate(COUNTED.values()):
    ZONE[f"c{place}.example"] = {"TXT": [nameserver.text(f"v=spf1 {terms}")]}
ZONE |= {
    "two.example": {"TXT": [nameserver.text("v=spf1 all"), nameserver.text("v=spf1 -all")]},
    "others.example": {"TXT": ['"v=spf10 all"', '"v=spf1all"', '"spf2.0/pra all"', '"\\255\\254"', '"v=spf1" " -all"']},
    "odd.example": {"TXT": ['"v=spf1 a:h\\195\\169.example all"']},
    "silent.example": {"SILENT": []},
    "tab.example": {"TXT": ['"v=spf1\\009all"']},
    "huge.example": {"TXT": [nameserver.text("v=spf1 " + "exists:%{s}%{s}%{s}" * 700 + "x" * 9000 + ".example -all")]},
    "digits.example": {"TXT": [nameserver.text("v=spf1 a:x." + "1" * 30000 + "! -all")]},
    "dots.example": {"TXT": [nameserver.text("v=spf1 a:" + "a." * 15000 + "%{s} -all")]},
    "macros.example": {"TXT": [nameserver.text("v=spf1 exists:" + "%{s}" * 8000 + ".example -all")]},
    "terms.example": {"TXT": [nameserver.text("v=spf1 " + "ip4:1.2.3.4 " * 3000 + "-all")]},
}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[nameserver.Server, tuple[str, int]]]:
    with nameserver.serve(ZONE) as both:
        yield both


def check(
    served: tuple[nameserver.Server, tuple[str, int]],
    domain: str,
    address: str = CLIENT,
    sender: str = "an@",
    helo: str = "mx.ngoai.example",
) -> spf.Result:
    return spf.check(nameserver.questions(served[1]), address, helo, sender + domain if sender else "")


@pytest.mark.parametrize(("name", "address"), [(name, place) for name in MECHANISMS for place in (CLIENT, CLIENT6)])
def test_mechanisms_and_macros(served: tuple[nameserver.Server, tuple[str, int]], name: str, address: str) -> None:
    wanted = MECHANISMS[name][1 if address == CLIENT else 2]
    result = check(served, f"m{list(MECHANISMS).index(name)}.example", address)
    assert result.result == wanted, result


@pytest.mark.parametrize("term", MALFORMED)
def test_one_wrong_term_spoils_the_record_also_behind_one_that_matches(
    served: tuple[nameserver.Server, tuple[str, int]], term: str
) -> None:
    result = check(served, f"w{MALFORMED.index(term)}.example")
    assert result.result == "permerror", result


@pytest.mark.parametrize("name", COUNTED)
def test_limits(served: tuple[nameserver.Server, tuple[str, int]], name: str) -> None:
    result = check(served, f"c{list(COUNTED).index(name)}.example")
    assert result.result == COUNTED[name][1], result


def test_no_more_names_of_exchangers_are_asked_for_than_ten(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    served[0].asked.clear()
    check(served, f"c{list(COUNTED).index('eleven exchangers')}.example")
    assert ("next.example", "A") not in served[0].asked


def test_a_neighbour_in_the_same_network_is_not_passed(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    """Rspamd 3.12.1 compares 64 bits of an address where the record names none."""
    for name in ("a", "mx", "ip6"):
        domain = f"m{list(MECHANISMS).index(name)}.example"
        assert check(served, domain, CLIENT6).result == "pass"
        assert check(served, domain, NEIGHBOUR6).result == "fail"


def test_an_address_of_ip4_within_ip6_is_one_of_ip4(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    domain = f"m{list(MECHANISMS).index('ip4')}.example"
    assert check(served, domain, f"::ffff:{CLIENT}").result == "pass"


RECORDS = {
    "two": "permerror",
    "others": "fail",
    "odd": "permerror",
    "host": "none",
    "absent": "none",
    "silent": "temperror",
    "fails": "temperror",
    "tab": "none",
}


@pytest.mark.parametrize(("domain", "wanted"), RECORDS.items())
def test_which_record_is_read(
    served: tuple[nameserver.Server, tuple[str, int]], monkeypatch: pytest.MonkeyPatch, domain: str, wanted: str
) -> None:
    monkeypatch.setattr(questions, "TRY_SECONDS", 0.2)
    assert check(served, f"{domain}.example").result == wanted


@pytest.mark.parametrize(
    "domain", ["", "example", "a..example", f"{'a' * 64}.example", "[192.0.2.1]", f"{'a.' * 130}example"]
)
def test_what_is_no_domain_has_no_record(served: tuple[nameserver.Server, tuple[str, int]], domain: str) -> None:
    assert check(served, domain).result == "none"
    assert check(served, "", sender="", helo=domain).result == "none"


def test_without_a_sender_the_name_in_helo_is_asked_about(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    result = check(served, "", sender="", helo="No.Example.")
    assert (result.result, result.identity, result.domain, result.sender) == (
        "fail",
        "helo",
        "no.example",
        "postmaster@no.example",
    )
    assert check(served, "no.example", helo="yes.example").identity == "mailfrom"


def test_a_sender_without_a_local_part_is_postmaster(served: tuple[nameserver.Server, tuple[str, int]]) -> None:
    assert check(served, "@no.example", sender="").identity == "helo"
    assert spf.check(nameserver.questions(served[1]), CLIENT, "x", "@no.example").sender == "postmaster@no.example"


def test_macros_are_put_in_as_the_standard_shows() -> None:
    """The examples of section 7.4."""
    values = {
        "s": "strong-bad@email.example.com",
        "l": "strong-bad",
        "o": "email.example.com",
        "d": "email.example.com",
        "i": "192.0.2.3",
        "v": "in-addr",
        "h": "mx.example.org",
    }
    shown = {
        "%{s}": "strong-bad@email.example.com",
        "%{o}": "email.example.com",
        "%{d4}": "email.example.com",
        "%{d3}": "email.example.com",
        "%{d2}": "example.com",
        "%{d1}": "com",
        "%{dr}": "com.example.email",
        "%{d2r}": "example.email",
        "%{l}": "strong-bad",
        "%{l-}": "strong.bad",
        "%{lr}": "strong-bad",
        "%{lr-}": "bad.strong",
        "%{l1r-}": "strong",
        "%{ir}.%{v}._spf.%{d2}": "3.2.0.192.in-addr._spf.example.com",
        "%{lr-}.lp._spf.%{d2}": "bad.strong.lp._spf.example.com",
        "%{S}": "strong-bad%40email.example.com",
        "%%%_%-": "% %20",
        "%{d}.": "email.example.com",
    }
    assert {text: spf_record.expand(text, values.__getitem__) for text in shown} == shown


def test_a_long_name_is_cut_from_the_left_to_whole_labels() -> None:
    name = spf_record.expand("%{d}" + ".%{d}" * 20, lambda _: "a" * 30)
    assert name == ".".join(["a" * 30] * 8)


@pytest.mark.parametrize("domain", ["huge", "digits", "dots", "macros", "terms"])
def test_no_record_keeps_it_busy(served: tuple[nameserver.Server, tuple[str, int]], domain: str) -> None:
    began = time.process_time()
    result = check(served, f"{domain}.example", sender=f"{'a.' * 120}@")
    assert result.result in ("permerror", "fail"), result
    assert time.process_time() - began < 2
