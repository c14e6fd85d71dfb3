"""Where a Sieve script may lead mail, and under which name it may answer, told from its text (Đ4.5, Đ4.6)."""

import time

import pytest

from hanam_mail.host.mail import sieve_rules

DOMAINS = ["gov.vn", "lienthong.example"]
OWN = ["ha@hanam.gov.vn", "ha.so@hanam.gov.vn"]

pytestmark = pytest.mark.dieu4


@pytest.mark.parametrize(
    "script",
    [
        b"",
        b"keep;",
        b'redirect "an@bo.gov.vn";',
        b'redirect :copy "AN@SO.GOV.VN";',
        b'redirect "an@lienthong.example";',
        b"redirect/**/text:\r\nan@bo.gov.vn\r\n.\r\n;".replace(b"text:\r\nan@bo.gov.vn\r\n.\r\n", b'"an@bo.gov.vn"'),
        b'# redirect "an@x.example";\n/* redirect "an@x.example"; **/ keep;',
        b'if header "subject" "redirect \\"an@x.example\\";" { stop; }',
        b'vacation text:\r\nredirect "an@x.example";\r\n..\r\n.\r\n;',
        b'set "redirect" "an@x.example"; redirected; my_redirect; keep :redirect;',
    ],
)
def test_what_leads_nowhere_else_is_taken(script: bytes) -> None:
    assert sieve_rules.fault(script, DOMAINS) is None
    assert sieve_rules.refusal(script, DOMAINS, OWN) is None


@pytest.mark.parametrize(
    "script",
    [
        b'redirect "an@x.example";',
        b'ReDirect:copy"an@x.example";',
        b'redirect "an@bo.gov.vn.x.example";',
        b'redirect "an@xgov.vn";',
        b'redirect "an@gov.vn@x.example";',
        b'redirect "\\"an@bo.gov.vn\\"@x.example";',
        b'redirect "an@bo.gov.vn, an@x.example";',
        b'redirect "an@bo.gov.vn\r\nBcc: an@x.example";',
        b'redirect "${to}";',
        b'redirect "${x}@bo.gov.vn";',
        b'redirect "an@${hex:78}.gov.vn";',
        b'redirect ["an@bo.gov.vn", "an@x.example"];',
        b'redirect "an@bo.gov.vn" "an@x.example";',
        b'redirect :to "an@bo.gov.vn" :cc "an@x.example" "";',
        b'redirect :list "urn:ietf:params:sieve:addrbook:default";',
        b"redirect;",
        b"redirect",
        b'redirect "";',
        b"redirect text:\nan@x.example\n.\n;",
        # What Pigeonhole takes for the end of a comment, a number or a text, and what follows it.
        b'# "\nredirect "an@x.example"; # "',
        b'/* " */ redirect "an@x.example"; /* " */',
        b'keep; /*/ " */ redirect "an@x.example"; /* " */',
        b'stop; 1kredirect "an@x.example";',
        b'x text:\n"\n.\n; redirect "an@x.example"; # "',
        b'x text: # "\n.\n; redirect "an@x.example"; # "',
        b'x text: \r#\n"\n.\n; redirect "an@x.example"; # "',
        b'x text:\n.\r\n; redirect "an@x.example";',
        b'x text:\n..\n"\n.\n; redirect "an@x.example"; # "',
        b'x "\\\\"; redirect "an@x.example"; # "',
        b'x "text:\n"; redirect "an@x.example"; x ".\n";',
        b'mytext:\n"a"; redirect "an@x.example"; "\n.\n";',
    ],
)
def test_what_leads_elsewhere_is_refused(script: bytes) -> None:
    told = sieve_rules.fault(script, DOMAINS)
    assert told is not None
    assert sieve_rules.refusal(script, DOMAINS, OWN) == told
    assert "Điều 4 khoản 5" in told
    assert all(sign not in told for sign in '"\\\r\n'), "it is said in one line"


@pytest.mark.parametrize(
    "piece",
    [b"text:\n", b"/*", b'"\\', b"redirect ", b'redirect "an@bo.gov.vn";', b"redirect :a ", b":from ", b"require "],
)
def test_a_script_made_to_be_slow_is_not(piece: bytes) -> None:
    start = time.process_time()
    sieve_rules.refusal(piece * (512 * 1024 // len(piece)), DOMAINS, OWN)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("name", sorted(sieve_rules.LEADING))
def test_an_extension_that_leads_mail_away_is_refused_by_its_name_and_not_in_english(name: bytes) -> None:
    for script in (b'require "%b"; keep;', b'REQUIRE/**/["copy", "%b"];', b'require "copy"; require "%b"'):
        told = sieve_rules.refusal(script % name, DOMAINS, OWN) or ""
        assert f"phần mở rộng {name.decode()}:" in told and "Điều 4 khoản 5" in told
        assert all(sign not in told for sign in '"\\\r\n'), "it is said in one line"
    for script in (b'# require "%b";\nkeep;', b'require "copy"; if header "subject" "%b" { stop; }'):
        assert sieve_rules.refusal(script % name, DOMAINS, OWN) is None


@pytest.mark.parametrize(
    "sender",
    [
        b'"ha@hanam.gov.vn"',
        b'"HA.So@hanam.gov.vn"',
        b'"<ha@hanam.gov.vn>"',
        '"\\"Nguyễn Thị Hà, Sở\\" <ha@hanam.gov.vn>"'.encode(),
    ],
)
def test_a_reply_comes_from_ones_own_address(sender: bytes) -> None:
    script = b'require "vacation"; vacation :days 1 :From %b :handle "x" "vang mat";' % sender
    assert sieve_rules.refusal(script, DOMAINS, OWN) is None


@pytest.mark.parametrize(
    "sender",
    [
        b'"chutich@hanam.gov.vn"',
        b'"ha@hanam.gov.vn <chutich@hanam.gov.vn>"',
        b'"chutich@hanam.gov.vn <ha@hanam.gov.vn>"',
        b'"ha@hanam.gov.vn, chutich@hanam.gov.vn"',
        b'"ha@hanam.gov.vn (chu tich)"',
        b'"chutich"',
        b'""',
        b'"${x}"',
        b'"${ten} <ha@hanam.gov.vn>"',
        b'["ha@hanam.gov.vn"]',
        b"text:\nchutich@hanam.gov.vn\n.\n",
        b"",
    ],
)
def test_a_reply_as_somebody_else_is_refused_when_it_is_saved(sender: bytes) -> None:
    script = b'require "vacation"; vacation :from %b' % sender
    for end in (b"", b' "vang mat";'):
        if sender or not end:
            told = sieve_rules.refusal(script + end, DOMAINS, OWN) or ""
            assert "Điều 4 khoản 6" in told and "(ha@hanam.gov.vn, ha.so@hanam.gov.vn)" in told
    # What is stored may have been right when it was.
    assert sieve_rules.fault(script, DOMAINS) is None
