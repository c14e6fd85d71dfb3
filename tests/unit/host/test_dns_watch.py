"""What a host finds when it compares DNS with what is to be published, and which keys it refuses (Đ3.2)."""

import datetime as dt
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset
import pytest
from tests.unit.test_dns_check import server

from hanam_mail.controller.keys import pki
from hanam_mail.dns_check import DnsAnswer, DnssecProof, WantedRecords
from hanam_mail.host import dns_watch
from hanam_mail.host.findings import FOUND, DnsFinding, DnsLook

pytestmark = pytest.mark.dieu3

NOW = 1_800_000_000.0
NAME = "_25._tcp.mx.hanam.gov.vn."
OLD, NEW = f"3 1 1 {'aa' * 32}", f"3 1 1 {'bb' * 32}"
WANTED = [
    WantedRecords("hanam.gov.vn.", "MX", ("10 mx.hanam.gov.vn.",)),
    WantedRecords("mx.hanam.gov.vn.", "A", ("192.0.2.1",)),
]
MX, ADDRESS = DnsAnswer(("10 mx.hanam.gov.vn.",), DnssecProof.GOOD), DnsAnswer(("192.0.2.1",), DnssecProof.GOOD)
SILENT = DnsAnswer(error="127.0.0.1: SERVFAIL")


def looked(mx: DnsAnswer, address: DnsAnswer, before: DnsLook) -> DnsLook:
    answers = {"MX": mx, "A": address}
    return dns_watch.records(WANTED, lambda name, kind: answers[kind], before, NOW)


def test_nothing_is_found_where_all_is_as_it_should_be() -> None:
    assert looked(MX, ADDRESS, DnsLook(complete=0)) == DnsLook(complete=NOW)


def test_each_change_is_a_cause_of_its_own_that_says_how_it_is_mended() -> None:
    first = looked(DnsAnswer((), DnssecProof.GOOD), ADDRESS, DnsLook(complete=0)).found
    again = looked(DnsAnswer((), DnssecProof.GOOD), ADDRESS, DnsLook(complete=0)).found
    other = looked(DnsAnswer(("10 evil.example.",), DnssecProof.GOOD), ADDRESS, DnsLook(complete=0)).found
    assert [item.text for item in first] == ["DNS, hanam.gov.vn MX: chưa có; thêm: 10 mx.hanam.gov.vn."]
    assert first == again
    assert {item.cause for item in other} > {item.cause for item in first}
    assert "thừa; xóa: 10 evil.example." in other[-1].text


def test_dns_that_does_not_answer_is_no_difference_and_ends_none() -> None:
    before = looked(DnsAnswer((), DnssecProof.GOOD), DnsAnswer((), DnssecProof.GOOD), DnsLook(complete=NOW - 86400))
    assert len(before.found) == 2
    silent = looked(SILENT, ADDRESS, DnsLook(complete=NOW - 86400, found=before.found))
    # What could not be asked stays as it was known; what was answered is mended.
    assert [item.place for item in silent.found] == ["hanam.gov.vn MX"]
    assert (silent.complete, silent.silent) == (NOW - 86400, ["hanam.gov.vn MX: 127.0.0.1: SERVFAIL"])
    assert looked(SILENT, SILENT, DnsLook(complete=1)).found == []


def served(answer: DnsAnswer, shown: str | OSError, before: DnsLook | None = None) -> DnsLook:
    return dns_watch.served(NAME, lambda name, kind: answer, [showing(shown)], before or DnsLook(complete=0), NOW)


def showing(shown: str | OSError) -> Callable[[], str]:
    def show() -> str:
        if isinstance(shown, OSError):
            raise shown
        return shown

    return show


def test_the_key_that_is_shown_has_to_be_among_the_records() -> None:
    assert served(DnsAnswer((OLD, NEW.upper()), ttl=300), NEW).found == []
    (item,) = served(DnsAnswer((OLD,)), NEW).found
    assert item.mail
    assert NEW in item.text
    assert "playbooks/dns.yml" in item.text


def test_each_of_two_keys_has_to_be_there() -> None:
    two = [showing(OLD), showing(NEW)]
    state = dns_watch.served(NAME, lambda name, kind: DnsAnswer((OLD,)), two, DnsLook(complete=0), NOW)
    assert [NEW in item.text for item in state.found] == [True]


@pytest.mark.parametrize("order", [0, 1])
def test_a_key_that_is_not_shown_hides_no_other(order: int) -> None:
    two = [showing(OSError("no shared cipher")), showing(NEW)]
    state = dns_watch.served(
        NAME, lambda name, kind: DnsAnswer((OLD,)), two[order:] + two[:order], DnsLook(complete=5), NOW
    )
    assert [NEW in item.text for item in state.found] == [True]
    assert (state.complete, state.silent) == (5, ["cổng 25: no shared cipher"])


def test_without_records_nobody_checks_the_key() -> None:
    assert served(DnsAnswer(()), NEW).found == []


@pytest.mark.parametrize(("answer", "shown"), [(SILENT, NEW), (DnsAnswer((OLD,)), OSError("away"))])
def test_who_does_not_answer_tells_nothing_and_ends_nothing(answer: DnsAnswer, shown: str | OSError) -> None:
    before = DnsLook(complete=5, found=[DnsFinding(NAME, "tlsa:x", "x", mail=True)], seen={OLD: 7}, ttl=60)
    state = served(answer, shown, before)
    assert (state.found, state.complete, state.seen, state.ttl) == (before.found, 5, {OLD: 7}, 60)
    assert len(state.silent) == 1


def test_since_when_a_record_is_there_is_kept_and_begins_anew_when_it_comes_back() -> None:
    first = served(DnsAnswer((OLD, NEW), ttl=300), OLD, DnsLook(complete=0, seen={OLD: 7, "3 1 1 cc": 8}))
    assert first.seen == {OLD: 7, NEW: NOW}
    assert first.ttl == 300


KNOWN = [f"{NAME} {OLD}"]


def refused(answer: DnsAnswer, state: DnsLook, ttl: int = 60, now: float = NOW) -> list[str]:
    lines = ["# a comment", f"{NAME} {OLD}", f"{NAME} {NEW}"]
    return dns_watch.refusals(lines, KNOWN, lambda name, kind: answer, state, ttl, now)


@pytest.mark.parametrize(
    ("answer", "state", "expected"),
    [
        (SILENT, DnsLook(0, seen={NEW: 0}), "chưa hỏi được DNS"),
        (DnsAnswer((OLD,)), DnsLook(0, seen={NEW: 0}), "DNS chưa công bố TLSA"),
        (DnsAnswer((OLD, NEW)), DnsLook(0), "chưa ghi nhận TLSA"),
        (DnsAnswer((OLD, NEW)), DnsLook(0, seen={NEW: NOW - 59}), "mới được công bố"),
        # The zone's own word on how long it may be remembered.
        (DnsAnswer((OLD, NEW)), DnsLook(0, seen={NEW: NOW - 61}, ttl=3600), "mới được công bố"),
    ],
)
def test_a_key_is_refused_until_everybody_can_know_it(answer: DnsAnswer, state: DnsLook, expected: str) -> None:
    (fault,) = refused(answer, state)
    assert expected in fault
    assert NAME in fault


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (DnsAnswer((OLD, NEW)), DnsLook(0, seen={NEW: NOW - 60})),
        # Nobody is bound by a name without records.
        (DnsAnswer(()), DnsLook(0)),
    ],
)
def test_a_key_that_everybody_can_know_may_be_used(answer: DnsAnswer, state: DnsLook) -> None:
    assert refused(answer, state) == []


def test_a_host_that_never_looked_believes_what_is_there_now() -> None:
    """The first deployment of a release that looks; mail of who remembers otherwise waits for a TTL."""
    assert dns_watch.refusals([f"{NAME} {NEW}"], KNOWN, lambda name, kind: DnsAnswer((OLD, NEW)), None, 60, NOW) == []
    (fault,) = dns_watch.refusals([f"{NAME} {NEW}"], KNOWN, lambda name, kind: DnsAnswer((OLD,)), None, 60, NOW)
    assert "DNS chưa công bố TLSA" in fault


def test_keys_in_use_are_not_asked_for() -> None:
    def ask(name: str, kind: str) -> DnsAnswer:
        raise AssertionError(name)

    assert dns_watch.refusals(KNOWN, KNOWN, ask, DnsLook(0), 60, NOW) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"found": 3, "complete": 1}', '{"complete": 1, "found": [{"x": 1}]}'])
def test_a_state_that_cannot_be_read_counts_from_now(tmp_path: Path, text: str) -> None:
    (tmp_path / FOUND).write_text(text)
    assert DnsLook.read(tmp_path / FOUND, NOW) == DnsLook(complete=NOW)


# --- the program, against a name server and a mail server ---


@contextmanager
def mail_server(folder: Path, visits: int = 1) -> Iterator[tuple[int, list[str]]]:
    """An SMTP server that knows STARTTLS; its port, and the TLSA records of its keys, ECDSA's and RSA's."""
    authority = pki.new_authority("x", lifetime=dt.timedelta(days=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    records = []
    for key in (pki.new_private_key(), pki.new_rsa_key()):
        pair = pki.issue(authority, ["mx.hanam.gov.vn"], lifetime=dt.timedelta(days=1), key=key)
        (folder / "pair.pem").write_text(pair.certificate + pair.key)
        context.load_cert_chain(folder / "pair.pem")
        records.append(pki.tlsa_for_key(key))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(visits):
                link, _ = listening.accept()
                with link:
                    link.sendall(b"220 ready\r\n")
                    link.recv(1000)
                    link.sendall(b"250-x\r\n250 STARTTLS\r\n")
                    link.recv(1000)
                    link.sendall(b"220 go on\r\n")
                    with context.wrap_socket(link, server_side=True) as inside:
                        inside.recv(1000)
                        inside.sendall(b"221 bye\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], records
        thread.join()


def test_the_program_tells_a_key_that_the_world_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [OLD]

    def reply(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA | dns.flags.AD
        answer.answer.append(dns.rrset.from_text(NAME, 30, "IN", "TLSA", *records))
        return answer

    environment = {"STATE_DIRECTORY": str(tmp_path)}
    for _ in range(2):
        with server(reply) as port, mail_server(tmp_path, visits=2) as (smtp, data):
            words = ["--server", "127.0.0.1", "--port", str(port), "served", NAME, "--smtp", f"127.0.0.1:{smtp}"]
            assert dns_watch.main([*words, "--kind", "ecdsa", "--kind", "rsa"], environment) == 0
        left = json.loads((tmp_path / FOUND).read_text())
        assert [each in item["text"] for each, item in zip(data, left["found"], strict=True)] == [True, True]
        assert "Cổng 25" in capsys.readouterr().out
        assert left["ttl"] == 30


def test_the_program_refuses_a_new_key_and_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def reply(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA | dns.flags.AD
        answer.answer.append(dns.rrset.from_text(NAME, 30, "IN", "TLSA", OLD))
        return answer

    (tmp_path / "new").write_text(f"{NAME} {NEW}\n")
    known = tmp_path / "known"
    pair = pki.new_authority("x", lifetime=dt.timedelta(days=1))
    with server(reply) as port:
        words = ["--server", "127.0.0.1", "--port", str(port), "published", str(tmp_path / "new")]
        words += ["--known", str(known), "--state", str(tmp_path), "--ttl", "60"]
        words += ["--certificate", str(tmp_path / "fullchain.pem")]
        # A host that shows no key yet: its records may come later.
        assert dns_watch.main(words) == 0
        # One of a release that kept no list: its key is not asked for, another is.
        (tmp_path / "fullchain.pem").write_text(pair.certificate)
        assert dns_watch.main(words) == 1
        (tmp_path / "new").write_text(f"# x\n{NAME} {pki.tlsa_for_key(pair.key)}\n")
        assert dns_watch.main(words) == 0
        (tmp_path / "new").write_text(f"{NAME} {NEW}\n")
        known.write_text(f"{NAME} {OLD}\n")
        assert dns_watch.main(words) == 1
    assert NEW in capsys.readouterr().err
