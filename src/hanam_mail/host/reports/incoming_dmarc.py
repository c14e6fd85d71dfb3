"""Aggregate reports of DMARC: the XML of RFC 7489, appendix C, and of RFC 9990, as a document for the database.

The namespace is not asked for: half of the world's reports have none, and the other half one of several.
"""

from collections.abc import Iterable
from typing import Any

from hanam_mail.host.extract import xml_reader
from hanam_mail.host.extract.work import End, Refused, Work
from hanam_mail.host.reports import incoming_words as words

KIND = "dmarc"
DEPTH = 16
RECORDS = 10_000
"""Records of one report. The largest receivers have some hundreds for a domain of this size."""
# Elements of a record, and of what stands around the records; signs of one element's text.
_ELEMENTS, _TEXT = 300, 4096
_DISPOSITIONS = ("none", "pass", "quarantine", "reject")
# What is kept of each record: signatures and reasons beyond it say nothing new.
_SIGNATURES, _REASONS = 10, 5
_PUBLISHED = ("p", "sp", "np", "adkim", "aspf", "pct", "fo", "testing", "discovery_method")

type _Node = dict[str, list[Any]]


def read(chunks: Iterable[bytes], work: Work) -> dict[str, Any]:
    """The report: organization, contact, report_id, domain, begins, ends, published, rows. Raises Refused."""
    reading = _Reading(work)
    xml_reader.read(chunks, reading.begin, reading.end, reading.text, DEPTH)
    return _report(reading.rest, reading.rows)


class _Reading:
    """Elements as they come. A record is taken apart at its end, so that no more than one is there."""

    def __init__(self, work: Work) -> None:
        self.rest: _Node = {}
        self.rows: list[dict[str, Any]] = []
        self._work = work
        self._open: list[tuple[str, _Node, list[str]]] = []
        self._elements = self._signs = 0

    def begin(self, name: str, _: xml_reader.XmlAttributes) -> None:
        if not self._open and name != "feedback":
            raise Refused(End.UNKNOWN, "not a report")
        self._elements += 1
        if self._elements > _ELEMENTS:
            raise Refused(End.LIMIT, "elements")
        self._signs = 0
        self._open.append((name, {}, []))

    def text(self, piece: str) -> None:
        self._signs += len(piece)
        if self._open and self._signs <= _TEXT:
            self._open[-1][2].append(piece)

    def end(self, _: str) -> None:
        name, children, pieces = self._open.pop()
        self._signs = 0
        if not self._open:
            self.rest = children
        elif name == "record" and len(self._open) == 1:
            if len(self.rows) == RECORDS:
                raise Refused(End.LIMIT, "records")
            self.rows.append(_row(children))
            self._elements = 0
        else:
            self._open[-1][1].setdefault(name, []).append(children or "".join(pieces))


def _report(feedback: _Node, rows: list[dict[str, Any]]) -> dict[str, Any]:
    metadata, published = _node(feedback, "report_metadata"), _node(feedback, "policy_published")
    dates = _node(metadata, "date_range")
    if not rows:
        raise words.broken("no records")
    return {
        "kind": KIND,
        "organization": words.word(_one(metadata, "org_name"), "org_name"),
        "contact": words.text(_one(metadata, "email"), "email"),
        "report_id": words.word(_one(metadata, "report_id"), "report_id"),
        "domain": words.domain(_one(published, "domain"), "policy_published domain"),
        "begins": words.moment(_one(dates, "begin"), "date_range begin"),
        "ends": words.moment(_one(dates, "end"), "date_range end"),
        "published": {name: said for name in _PUBLISHED if (said := words.text(_leaf(published, name), name))},
        "rows": rows,
    }


def _row(record: _Node) -> dict[str, Any]:
    row, names, found = _node(record, "row"), _node(record, "identifiers"), _node(record, "auth_results")
    judged = _node(row, "policy_evaluated")
    disposition = words.text(_leaf(judged, "disposition"), "disposition").lower() or "none"
    if disposition not in _DISPOSITIONS:
        raise words.broken("disposition")
    return {
        "source": words.address(_one(row, "source_ip"), "source_ip"),
        "messages": words.number(_one(row, "count"), "count", least=1),
        "disposition": disposition,
        "dkim": _passed(judged, "dkim"),
        "spf": _passed(judged, "spf"),
        "header_from": words.text(_leaf(names, "header_from"), "header_from").lower(),
        "envelope_from": words.text(_leaf(names, "envelope_from"), "envelope_from").lower(),
        "envelope_to": words.text(_leaf(names, "envelope_to"), "envelope_to").lower(),
        "dkim_results": _results(found, "dkim", ("domain", "selector", "result", "human_result")),
        "spf_results": _results(found, "spf", ("domain", "scope", "result", "human_result")),
        "reasons": _results(judged, "reason", ("type", "comment"), _REASONS),
    }


def _passed(judged: _Node, name: str) -> bool:
    return words.text(_leaf(judged, name), name).lower() == "pass"


def _results(node: _Node, name: str, fields: tuple[str, ...], most: int = _SIGNATURES) -> list[dict[str, str]]:
    """Those of that name, each of its fields that say something."""
    said = [each for each in node.get(name, ()) if isinstance(each, dict)][:most]
    return [{field: value for field in fields if (value := words.text(_leaf(each, field), field))} for each in said]


def _node(node: _Node, name: str) -> _Node:
    """The one element of that name, with what is in it; an empty one where there is none."""
    found = node.get(name, [{}])
    if len(found) != 1:
        raise words.broken(f"two of {name}")
    return found[0] if isinstance(found[0], dict) else {}


def _one(node: _Node, name: str) -> Any:
    """The text of the one element of that name, None for none."""
    found = node.get(name, [None])
    if len(found) != 1 or isinstance(found[0], dict):
        raise words.broken(f"two of {name}" if len(found) > 1 else name)
    return found[0]


def _leaf(node: _Node, name: str) -> str:
    """The first text of that name, "" for none: where nothing hangs on it nothing is refused."""
    return next((each for each in node.get(name, ()) if isinstance(each, str)), "")
