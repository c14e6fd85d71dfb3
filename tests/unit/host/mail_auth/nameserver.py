"""A resolver on this machine's loopback that answers, on the wire, out of a table of records."""

import socketserver
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from tests import same_port

from hanam_mail.host.mail_auth.questions import Questions

type Zone = Mapping[str, Mapping[str, Sequence[str]]]
"""Name without the last dot -> type -> data as in a zone file. Type FAILS instead: SERVFAIL; SILENT: no answer."""

FAILS: Mapping[str, Sequence[str]] = {"FAILS": []}
SILENT: Mapping[str, Sequence[str]] = {"SILENT": []}


def text(value: str) -> str:
    """A TXT record's data, in strings of no more than 255 octets."""
    octets = value.encode("utf-8", "surrogateescape")
    pieces = [octets[at : at + 200] for at in range(0, len(octets), 200)] or [b""]
    return " ".join('"' + "".join(_shown(each) for each in piece) + '"' for piece in pieces)


def _shown(octet: int) -> str:
    return chr(octet) if 32 <= octet < 127 and octet not in b'"\\' else f"\\{octet:03}"


def _shown_name(name: dns.name.Name) -> str:
    return b".".join(name.labels[:-1]).decode("utf-8", "surrogateescape").lower()


class Server:
    """`asked`: names and types in the order in which they were asked for. `address`: where it listens."""

    def __init__(self, zone: Zone) -> None:
        self.asked: list[tuple[str, str]] = []
        self._zone = {name.lower(): records for name, records in zone.items()}

    def answer(self, wire: bytes, *, short: bool) -> bytes | None:
        """A reply's octets, or None for none at all; `short`: at most as many as the query allows."""
        query = dns.message.from_wire(wire)
        (question,) = query.question
        kind, name = dns.rdatatype.to_text(question.rdtype), question.name
        self.asked.append((_shown_name(name), kind))
        reply = dns.message.make_response(query, recursion_available=True)
        for _ in range(10):
            records = self._zone.get(_shown_name(name))
            if records is None:
                if not any(each.endswith(f".{_shown_name(name)}") for each in self._zone):
                    reply.set_rcode(dns.rcode.NXDOMAIN)
                break
            if "SILENT" in records:
                return None
            if "FAILS" in records:
                reply.set_rcode(dns.rcode.SERVFAIL)
                break
            found = kind if kind in records else "CNAME"
            if records.get(found):
                reply.answer.append(dns.rrset.from_text_list(name, 60, "IN", found, list(records[found])))
            if found == kind or not records.get("CNAME"):
                break
            name = dns.name.from_text(records["CNAME"][0])
        else:
            reply.set_rcode(dns.rcode.SERVFAIL)
        octets = reply.to_wire(max_size=65535)
        if short and len(octets) > query.payload:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            octets = reply.to_wire()
        return octets


@contextmanager
def serve(zone: Zone) -> Iterator[tuple[Server, tuple[str, int]]]:
    """The server, and where it listens, by UDP and TCP."""
    server = Server(zone)

    class Datagram(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, connection = self.request
            if (octets := server.answer(data, short=True)) is not None:
                connection.sendto(octets, self.client_address)

    class Stream(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            size = int.from_bytes(self.rfile.read(2), "big")
            if size and (octets := server.answer(self.rfile.read(size), short=False)) is not None:
                self.wfile.write(len(octets).to_bytes(2, "big") + octets)

    with same_port.servers(Datagram, Stream) as (udp, tcp):
        address: Any = udp.server_address
        for each in (udp, tcp):
            threading.Thread(target=each.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server, address
        finally:
            udp.shutdown()
            tcp.shutdown()


def questions(address: tuple[str, int], *, seconds: float = 5, most: int = 300) -> Questions:
    """To that server, for one message."""
    return Questions([address], time.monotonic() + seconds, most)
