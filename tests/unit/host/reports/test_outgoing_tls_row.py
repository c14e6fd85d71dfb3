"""What Postfix tells of a session of TLS becomes one plain row, or nothing: names and texts in it are strangers'."""

import copy
import json
import os
import select
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hanam_mail.host.reports import outgoing_spool, outgoing_tls_row, outgoing_tls_seen
from hanam_mail.host.reports.outgoing_rows import Seen
from hanam_mail.host.reports.outgoing_spool import Counter, waiting
from hanam_mail.host.reports.outgoing_tls_row import fits, seen
from hanam_mail.host.reports.outgoing_tls_seen import DatagramReader

DIGEST = "AB" * 32
SUCCESS: dict[str, Any] = {
    "d": "ky.example",
    "pr": "v=TLSRPTv1; rua=mailto:tls@ky.example",
    "policies": [
        {
            "policy-type": 1,
            "policy-domain": "mx.ky.example",
            "policy-string": [f"3 1 1 {DIGEST}", f"2 1 1 {DIGEST}"],
            "t": 0,
            "f": 0,
        }
    ],
}
LIBRARY = (
    b'{"d": "ky.example","pr": "v=TLSRPTv1; rua=mailto:tls@ky.example","policies":[{"policy-type":2,"policy-domain":'
    b' "ky.example","mx-host":["mx.ky.example","*.ky.example"],"failure-details":[{"c":204,"s": "192.0.2.25","n":'
    b' "mx.ky.example","h": "250-mx.ky.example\\r\\n250-PIPELINING\\r\\n250 SMTPUTF8","r": "2001:db8::25","f":'
    b' "certificate_has_expired"}],"t":1,"f":1}]}'
)
"""What Debian 13's own libtlsrpt (0.5.0~rc1) wrote when it was told of that failure."""
DETAIL = {
    "c": 204,
    "s": "192.0.2.25",
    "n": "mx.ky.example",
    "h": "250-mx.ky.example\r\n250-PIPELINING\r\n250 SMTPUTF8",
    "r": "2001:DB8::25",
    "f": "certificate has expired",
}
FAILURE = SUCCESS | {
    "policies": [
        {
            "policy-type": 2,
            "policy-domain": "ky.example",
            "mx-host": ["mx.ky.example", "*.ky.example"],
            "failure-details": [DETAIL],
            "t": 1,
            "f": 1,
        }
    ]
}
ROW: dict[str, Any] = {
    "type": "tlsa",
    "domain": "mx.ky.example",
    "strings": [f"2 1 1 {DIGEST}", f"3 1 1 {DIGEST}"],
    "mx": [],
    "failure": "",
    "helo": "",
    "name": "",
    "reason": "",
    "receiving": "",
    "sending": "",
}
FAILED = ROW | {
    "type": "sts",
    "domain": "ky.example",
    "strings": [],
    "mx": ["mx.ky.example", "*.ky.example"],
    "failure": "certificate-expired",
    "helo": "mx.ky.example",
    "name": "mx.ky.example",
    "reason": "certificate_has_expired",
    "receiving": "2001:db8::25",
    "sending": "192.0.2.25",
}


def octets(said: object) -> bytes:
    return json.dumps(said).encode()


def row(said: object) -> dict[str, Any]:
    found = seen(octets(said))
    assert found
    assert found.published == "{}"
    return dict(json.loads(found.row))


def changed(base: dict[str, Any], **policy: Any) -> dict[str, Any]:
    """The datagram with other values in its policy; None takes one away."""
    said = copy.deepcopy(base)
    said["policies"][0] |= policy
    said["policies"][0] = {name: value for name, value in said["policies"][0].items() if value is not None}
    return said


def failing(**detail: Any) -> dict[str, Any]:
    return changed(FAILURE, **{"failure-details": [DETAIL | detail]})


def test_a_session_that_came_about_is_its_policy_alone() -> None:
    assert row(SUCCESS) == ROW


def test_one_that_failed_says_where_and_why() -> None:
    assert row(FAILURE) == FAILED


def test_the_library_s_own_octets_are_understood_with_and_without_the_number_of_their_form() -> None:
    found = seen(LIBRARY)
    assert found and json.loads(found.row) == FAILED
    assert seen(octets({**FAILURE, "dpv": "1"})) == found


def test_records_of_tlsa_are_the_same_row_in_whatever_order_dns_gives_them() -> None:
    strings = SUCCESS["policies"][0]["policy-string"]
    assert seen(octets(changed(SUCCESS, **{"policy-string": strings[::-1]}))) == seen(octets(SUCCESS))


def test_without_a_policy_it_is_the_domain_s_own_session() -> None:
    without = changed(SUCCESS, **{"policy-type": 9, "policy-domain": None, "policy-string": None})
    assert row(without) == ROW | {"type": "no-policy-found", "domain": "ky.example", "strings": []}


def test_names_are_as_dns_compares_them() -> None:
    found = seen(octets({**SUCCESS, "d": "KY.Example."}))
    assert found and found.domain == "ky.example"


def test_an_exchanger_that_dane_proves_may_have_an_underscore() -> None:
    assert row(changed(SUCCESS, **{"policy-domain": "Mail_1.ky.example"}))["domain"] == "mail_1.ky.example"
    for wrong in ("<ky>.example", "a\r\nb", "a" * 300):
        assert row(changed(SUCCESS, **{"policy-domain": wrong}))["domain"] == "ky.example"


def test_a_record_may_be_as_long_as_dns_gives_it() -> None:
    long = "v=TLSRPTv1; rua=" + ",".join(f"mailto:{n}@ky.example" for n in range(3000))
    assert row({**SUCCESS, "pr": long}) == ROW


@pytest.mark.parametrize("domain", ["mail_1.ky.example", "ky", "[192.0.2.1]", "../ky.example", "ky.example\n", ""])
def test_a_domain_that_no_report_can_be_named_after_is_not_counted(domain: str) -> None:
    assert seen(octets({**SUCCESS, "d": domain})) is None


@pytest.mark.parametrize("code", sorted(outgoing_tls_row.FAILURES))
def test_every_failure_that_the_library_knows_has_its_name(code: int) -> None:
    assert row(failing(c=code))["failure"] == outgoing_tls_row.FAILURES[code]


@pytest.mark.parametrize(
    ("key", "value", "name", "kept"),
    [
        ("f", "x\r\nBcc: y", "reason", "x__Bcc:_y"),
        ("f", "ắ" * 500, "reason", "_" * 100),
        ("n", "mx.ky.example\x00", "name", ""),
        ("n", "<script>.example", "name", ""),
        ("h", "250 ", "helo", ""),
        ("h", "220 \r\nX: y", "helo", ""),
        ("h", "mx.ky.example", "helo", "mx.ky.example"),
        ("h", "250-" + "a" * 70_00, "helo", ""),
        ("s", "fe80::1%eth0", "sending", "fe80::1"),
        ("r", "mx.ky.example", "receiving", ""),
        ("r", "", "receiving", ""),
    ],
)
def test_what_strangers_wrote_is_plain_or_left_out(key: str, value: str, name: str, kept: str) -> None:
    assert row(failing(**{key: value}))[name] == kept


def test_a_policy_is_shown_within_bounds() -> None:
    strings = ["version: STSv1", "3 1 1 xyz", "3 0 0 " + "AB" * 900, *(f"3 1 1 {n:064X}" for n in range(99))]
    below = f"{'a' * 60}.{'b' * 60}.{'c' * 60}.example"
    hosts = ["<x>", "a\r\nb", "*.*.example", *(f"mx{n}.{below}" for n in range(99))]
    found = row(changed(FAILURE, **{"policy-string": strings, "mx-host": hosts}))
    assert (len(found["strings"]), len(found["mx"])) == (outgoing_tls_row.MOST, outgoing_tls_row.MOST)
    # However large, a line of it can be read again.
    assert len(json.dumps(found)) < outgoing_spool.LONGEST_LINE - 1000


HOSTILE: list[bytes] = [
    b"",
    b"\x00" * 100,
    b"\xff\xfe{",
    b"null",
    b"7",
    b'"x"',
    b"[]",
    b"{}",
    b"[" * 60_000,
    b'{"d":' * 9_000,
    b'{"dpv":"1","d":"ky.example","pr":"v=TLSRPTv1;","policies":[' + b"[" * 5000,
    b"9" * 20_000,
    octets(SUCCESS)[:-1],
    octets(SUCCESS) * 2,
    octets(SUCCESS) + b" " * outgoing_tls_row.LONGEST_DATAGRAM,
    *(
        octets(said)
        for said in (
            {**SUCCESS, "more": 1},
            {**SUCCESS, "dpv": "2"},
            {**SUCCESS, "dpv": 1},
            {**SUCCESS, "d": 7},
            {**SUCCESS, "d": None},
            {**SUCCESS, "d": ["ky.example"]},
            {**SUCCESS, "pr": "v=STSv1"},
            {**SUCCESS, "pr": ["v=TLSRPTv1"]},
            {**SUCCESS, "policies": []},
            {**SUCCESS, "policies": {}},
            {**SUCCESS, "policies": {"x": 1}},
            {**SUCCESS, "policies": ["x"]},
            {**SUCCESS, "policies": SUCCESS["policies"] * 2},
            {name: SUCCESS[name] for name in SUCCESS if name != "pr"},
            changed(SUCCESS, more=1),
            changed(SUCCESS, f=2),
            changed(SUCCESS, f="0"),
            changed(SUCCESS, f=1),
            changed(SUCCESS, f=None),
            changed(FAILURE, f=0),
            changed(FAILURE, **{"failure-details": [DETAIL, DETAIL]}),
            changed(FAILURE, **{"failure-details": {"c": 201}}),
            changed(FAILURE, **{"failure-details": "c"}),
            changed(FAILURE, **{"failure-details": ["c"]}),
            changed(FAILURE, **{"failure-details": 1}),
            changed(SUCCESS, **{"policy-type": 3}),
            changed(SUCCESS, **{"policy-type": "1"}),
            changed(SUCCESS, **{"policy-type": None}),
            changed(SUCCESS, **{"policy-domain": 7}),
            changed(SUCCESS, **{"policy-string": "3 1 1 AB"}),
            changed(SUCCESS, **{"policy-string": [7]}),
            changed(SUCCESS, **{"mx-host": [[]]}),
            changed(SUCCESS, **{"mx-host": {"a": 1}}),
            failing(c=901),
            failing(c="204"),
            failing(c=[]),
            failing(h=7),
            failing(n=[]),
            failing(s={}),
            failing(f=9),
            failing(z=1),
        )
    ),
]


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


@pytest.mark.parametrize("datagram", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_none_of_postfix_s_is_counted_as_lost_and_told_once(
    tmp_path: Path, counter: Counter, capfd: pytest.CaptureFixture[str], datagram: bytes
) -> None:
    reader = DatagramReader(counter)
    for each in (datagram, octets(SUCCESS), datagram):
        reader.take(each)
    counter.write()
    (path,) = waiting(tmp_path)
    found = outgoing_spool.read(path, fits)
    assert ([line["row"] for line in found.lines], found.lost, found.damaged) == ([ROW], 2, 0)
    assert capfd.readouterr().err.count("\n") == 1


def test_a_flood_of_domains_stays_within_the_memory_and_loses_no_count(tmp_path: Path, counter: Counter) -> None:
    reader = DatagramReader(counter)
    helo = "a" * 60 + "." + "b" * 60 + ".example"
    for number in range(12_000):
        reader.take(octets({**failing(n=helo, h=helo), "d": f"d{number}.example"}))
    counter.write()
    (path,) = waiting(tmp_path)
    assert path.stat().st_size < outgoing_spool.LONGEST_FILE
    found = outgoing_spool.read(path, fits)
    assert (len(found.lines) + found.lost, found.damaged) == (12_000, 0)
    assert len(found.lines) > 5000


# --- what the agent reads again ---

BAD_ROWS: list[Any] = [
    None,
    [],
    {},
    ROW | {"more": 1},
    {name: ROW[name] for name in ROW if name != "mx"},
    ROW | {"type": "dane"},
    ROW | {"type": []},
    ROW | {"domain": "a\r\nb"},
    ROW | {"domain": 7},
    ROW | {"strings": "3 1 1 AB"},
    ROW | {"strings": ["x"]},
    ROW | {"strings": [7]},
    ROW | {"strings": [f"3 1 1 {DIGEST}"] * 21},
    ROW | {"mx": {}},
    ROW | {"mx": ["mx.ky.example"] * 21},
    ROW | {"mx": ["x y"]},
    ROW | {"reason": "x"},
    ROW | {"name": "mx.ky.example"},
    FAILED | {"failure": "won"},
    FAILED | {"failure": 7},
    FAILED | {"sending": "<x>"},
    FAILED | {"receiving": ["::1"]},
    FAILED | {"name": "a b"},
    FAILED | {"helo": 7},
    FAILED | {"reason": "a\r\nb"},
    FAILED | {"reason": "x" * 101},
]


@pytest.mark.parametrize("bad", BAD_ROWS, ids=range(len(BAD_ROWS)))
def test_a_row_that_is_none_is_a_damaged_line(tmp_path: Path, bad: Any) -> None:
    path = tmp_path / f"{1:020}-{'0' * 16}.jsonl"
    line = {"day": "2026-11-30", "domain": "ky.example", "messages": 2, "published": {}}
    written = [{**line, "row": bad}, {**line, "row": FAILED}, {**line, "published": {"p": "none"}, "row": ROW}]
    path.write_bytes(b"".join(octets(each) + b"\n" for each in written))
    found = outgoing_spool.read(path, fits)
    assert ([each["row"] for each in found.lines], found.damaged) == ([FAILED], 2)


# --- the service ---


class Unchanged:
    """A program that is not replaced until somebody says so."""

    replaced = False


@pytest.fixture
def door(tmp_path: Path) -> Iterator[tuple[socket.socket, Callable[[bytes], None]]]:
    """The socket that systemd holds, and what Postfix's library does with it."""
    place = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(place)

        def send(datagram: bytes) -> None:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
                client.sendto(datagram, socket.MSG_DONTWAIT, place)

        yield listening, send


def test_it_counts_what_comes_and_ends_when_it_is_told_or_replaced(
    tmp_path: Path, door: tuple[socket.socket, Callable[[bytes], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing_tls_seen, "LOOK_SECONDS", 0.05)
    listening, send = door
    folder = tmp_path / "seen"
    folder.mkdir()
    counter, stop, program = Counter(folder), threading.Event(), Unchanged()
    arguments = (listening, DatagramReader(counter), program, stop)
    # What came before it began waits at the socket.
    send(octets(SUCCESS))
    ends: tuple[Callable[[], None], ...] = (stop.set, lambda: setattr(program, "replaced", True))
    for end in ends:
        stop.clear()
        thread = threading.Thread(target=outgoing_tls_seen.serve, args=arguments)
        thread.start()
        for said in (octets(SUCCESS), b"x" * 100_000, octets(FAILURE)):
            send(said)
        # What it has taken it counts before it ends.
        while select.select([listening], [], [], 0)[0]:
            time.sleep(0.01)
        end()
        thread.join(5)
        assert not thread.is_alive()
    counter.close()
    (path,) = waiting(folder)
    found = outgoing_spool.read(path, fits)
    assert {line["row"]["failure"]: line["messages"] for line in found.lines} == {"": 3, "certificate-expired": 2}
    assert found.lost == 2


def test_a_service_that_is_away_or_busy_keeps_no_sender_waiting(
    door: tuple[socket.socket, Callable[[bytes], None]],
) -> None:
    """As Postfix sends: it is told at once, and mail goes on."""
    listening, send = door
    began = time.monotonic()
    with pytest.raises(BlockingIOError):
        for _ in range(100_000):
            send(octets(SUCCESS))
    listening.close()
    with pytest.raises(ConnectionRefusedError):
        send(octets(SUCCESS))
    assert time.monotonic() - began < 5


def test_files_are_for_the_group_that_fetches_them(tmp_path: Path, counter: Counter) -> None:
    before = os.umask(0o027)
    try:
        DatagramReader(counter).take(octets(SUCCESS))
        counter.write()
    finally:
        os.umask(before)
    (path,) = waiting(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_equal_sessions_are_one_row() -> None:
    assert isinstance(seen(octets(FAILURE)), Seen)
    assert seen(octets(FAILURE)) == seen(octets(copy.deepcopy(FAILURE)))
