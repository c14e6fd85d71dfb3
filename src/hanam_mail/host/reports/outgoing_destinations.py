"""Who gets a domain's report: the addresses of its record, where those elsewhere have said that they want it.

RFC 9989, 4.7 (rua), and RFC 9990, section 4 (external destinations); of TLS RFC 8460, section 3, where nobody elsewhere
has to consent. DNS is asked when the report is sent.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from hanam_mail.host.mail_auth import dmarc_record
from hanam_mail.host.mail_auth.dmarc_record import DmarcTree
from hanam_mail.host.mail_auth.questions import Questions, TemporaryError
from hanam_mail.host.reports.outgoing_rows import DOMAIN, HTTPS, NO_ADDRESS, NO_CONSENT, NO_RECORD, OWN

_MAILTO = re.compile(r"mailto:([^!?]+)(?:\?[^!]*)?(?:!([0-9]{1,12})([kmgt]?))?", re.IGNORECASE)
# None that a field of a letter would take for an encoded word (RFC 2047).
_LOCAL = re.compile(r"(?=.{1,64}$)(?!.*=\?)[A-Za-z0-9#$%&'*+/=?^_`{|}~!-]+(?:\.[A-Za-z0-9#$%&'*+/=?^_`{|}~!-]+)*")
_TLS_RECORD = re.compile(r"v=TLSRPTv1[ \t]*;(.*)", re.DOTALL)
# Of a record; what comes after these is not looked at.
MOST_URIS = 100
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


@dataclass(frozen=True)
class Destination:
    """An address, and how many octets of a report it takes, None for any number."""

    address: str
    most: int | None = None

    @property
    def host(self) -> str:
        """The domain of it."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class ReportRecipients:
    """Who gets it now; `reason` why nobody does; `waits`: what DNS does not say now of one of them, "" for nothing."""

    destinations: tuple[Destination, ...]
    reason: str = ""
    waits: str = ""


def read(uri: str) -> Destination | None:
    """The address of a URI; None of another scheme, or where it is none that mail can go to."""
    match = _MAILTO.fullmatch(uri)
    if not match:
        return None
    local, _, host = unquote(match[1]).rpartition("@")
    host = host.lower()
    if not _LOCAL.fullmatch(local) or not DOMAIN.fullmatch(host):
        return None
    most = int(match[2]) * _UNITS[match[3].lower()] if match[2] else None
    return Destination(f"{local}@{host}", most)


def find(questions: Questions, domain: str, own: str, most: int) -> ReportRecipients:
    """Of that domain's record, the first `most` addresses; none of them at `own`, our own domain."""
    if is_below(domain, own):
        return ReportRecipients((), OWN)
    tree = DmarcTree(questions)
    try:
        record = tree.at(domain)
    except TemporaryError as error:
        return ReportRecipients((), waits=str(error))
    if record is None:
        return ReportRecipients((), NO_RECORD)
    wanted = [each for uri in record.reports if (each := read(uri))][:most]
    if not wanted:
        return ReportRecipients((), NO_ADDRESS)
    wanted = [each for each in wanted if not is_below(each.host, own)]
    destinations, waits = dict[str, Destination](), ""
    for each in wanted:
        try:
            for allowed in _allowed(tree, domain, each):
                destinations.setdefault(allowed.address, allowed)
        except TemporaryError as error:
            waits = str(error)
    found = tuple(destinations.values())[:most]
    return ReportRecipients(found, "" if found or waits else NO_CONSENT if wanted else OWN, waits)


def find_tls(questions: Questions, domain: str, own: str, most: int) -> ReportRecipients:
    """The same of a domain's record of TLSRPT; of several it is none."""
    if is_below(domain, own):
        return ReportRecipients((), OWN)
    try:
        texts = questions.texts(f"_smtp._tls.{domain}")
    except TemporaryError as error:
        return ReportRecipients((), waits=str(error))
    records = [match[1] for text in texts if (match := _TLS_RECORD.fullmatch(text.decode("latin-1")))]
    if len(records) != 1:
        return ReportRecipients((), NO_RECORD)
    fields = [part.partition("=") for part in records[0].split(";")]
    listed = next((value for name, _, value in fields if name.strip(" \t") == "rua"), "")
    uris = [uri.strip(" \t") for uri in listed.split(",")[:MOST_URIS]]
    wanted = dict[str, Destination]()
    for each in map(read, uris):
        if each:
            wanted.setdefault(each.address, each)
    found = tuple(each for each in wanted.values() if not is_below(each.host, own))[:most]
    if found or wanted:
        return ReportRecipients(found, "" if found else OWN)
    return ReportRecipients((), HTTPS if any(uri.lower().startswith("https:") for uri in uris) else NO_ADDRESS)


def is_below(domain: str, own: str) -> bool:
    """Whether it is that domain or a name below it."""
    return f".{domain}".endswith(f".{own}")


def _allowed(tree: DmarcTree, domain: str, wanted: Destination) -> Iterator[Destination]:
    if wanted.host == domain or tree.organisation(domain) == tree.organisation(wanted.host):
        yield wanted
        return
    texts = tree.questions.texts(f"{domain}._report._dmarc.{wanted.host}")
    records = [found for text in texts if (found := dmarc_record.read(wanted.host, text.decode("latin-1")))]
    if records:
        yield from _instead([uri for record in records for uri in record.reports], wanted)


def _instead(uris: Sequence[str], wanted: Destination) -> Sequence[Destination]:
    """What the receiver names in place of the address, at the same host; at another one nobody gets anything."""
    if not uris:
        return [wanted]
    named = [found for uri in uris if (found := read(uri))]
    return named if all(each.host == wanted.host for each in named) else []
