"""May a client send for a domain (SPF, RFC 7208)? Tables of our own: records, who asks, what must come out.

Asked of the module that verifies (tests/unit/host/mail_auth/test_spf.py), and of the filter as it runs
(tests/mail/test_spf_vectors.py).
"""

from dataclasses import dataclass

from tests.unit.host.mail_auth import nameserver

HELO = "mx.ngoai.example"
CLIENT, CLIENT6 = "192.0.2.10", "2001:db8:1::10"
NEIGHBOUR6 = "2001:db8:1::11"


@dataclass(frozen=True)
class Case:
    """What is asked, and the result of it."""

    result: str
    sender: str
    address: str = CLIENT
    helo: str = HELO


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

# Who, beside which table, has what result.
OTHERS = {
    # Rspamd 3.12.1 compares 64 bits of an address where the record names none.
    **{
        f"neighbour of {name}": Case("fail", f"an@m{list(MECHANISMS).index(name)}.example", NEIGHBOUR6)
        for name in ("a", "mx", "ip6")
    },
    "ip4 within ip6": Case("pass", f"an@m{list(MECHANISMS).index('ip4')}.example", f"::ffff:{CLIENT}"),
    "helo": Case("fail", "", helo="No.Example."),
    "helo that may": Case("pass", "", helo="yes.example"),
    "sender before helo": Case("fail", "an@no.example", helo="yes.example"),
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

NO_DOMAINS = ["", "example", "a..example", f"{'a' * 64}.example", "[192.0.2.1]", f"{'a.' * 130}example"]
"""What is no domain has no record."""
BUSY = {"huge": "fail", "digits": "permerror", "dots": "fail", "macros": "fail", "terms": "fail"}
"""Records that could keep a verifier busy, each asked with the local part BUSY_SENDER."""
BUSY_SENDER = "a." * 119 + "a"

CASES: dict[str, Case] = {
    **{
        f"{name}, {address}": Case(result, f"an@m{place}.example", address)
        for place, (name, (_record, *results)) in enumerate(MECHANISMS.items())
        for address, result in zip((CLIENT, CLIENT6), results, strict=True)
    },
    # Also behind one that matches.
    **{
        f"wrong term {place}: {term}": Case("permerror", f"an@w{place}.example") for place, term in enumerate(MALFORMED)
    },
    **{
        f"limit: {name}": Case(result, f"an@c{place}.example")
        for place, (name, (_terms, result)) in enumerate(COUNTED.items())
    },
    **{f"record: {domain}": Case(result, f"an@{domain}.example") for domain, result in RECORDS.items()},
    **{f"no domain: {domain[:20]}": Case("none", f"an@{domain}") for domain in NO_DOMAINS},
    **{f"no domain in helo: {domain[:20]}": Case("none", "", helo=domain) for domain in NO_DOMAINS},
    **{f"busy: {domain}": Case(result, f"{BUSY_SENDER}@{domain}.example") for domain, result in BUSY.items()},
    **OTHERS,
}
