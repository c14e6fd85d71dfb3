"""A domain's record of DMARC and where in the tree of names it stands (RFC 9989, sections 4.7, 4.8 and 4.10)."""

import re
from dataclasses import dataclass

from hanam_mail.host.mail_auth.questions import Questions

# Section 4.10: no author's domain costs more questions than these.
MOST_LABELS = 8

_VERSION = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)", re.IGNORECASE)
_TAG = re.compile(r"[ \t]*([A-Za-z]+)[ \t]*=[ \t]*([\x20-\x3a\x3c-\x7e]*)", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s,!]+(?:![0-9]+[kmgtKMGT]?)?", re.ASCII)
# As often as anybody needs: it is told in reports (host/reports/outgoing_spool.py).
_FAILURES = re.compile(r"[01ds](?:[ \t]{0,2}:[ \t]{0,2}[01ds]){0,20}")
POLICIES = ("none", "quarantine", "reject")
_DEFAULTS = {"t": ("n", "y"), "psd": ("u", "y", "n"), "adkim": ("r", "s"), "aspf": ("r", "s")}


@dataclass(frozen=True)
class DmarcRecord:
    """`domain`: where it stands. `usable`: p, sp and np are as they must be, or somebody wants reports (4.10.1).

    `reports`: URIs of rua, as they are written. `failures`: fo, "" where it is not as it must be.
    """

    domain: str
    policies: dict[str, str]
    usable: bool
    testing: bool
    psd: str
    exact_dkim: bool
    exact_spf: bool
    reports: tuple[str, ...] = ()
    failures: str = ""


def read(domain: str, text: str) -> DmarcRecord | None:
    """The record in a text; None when it is none. What is wrong in it has its default, what is unknown says nothing."""
    version = _VERSION.match(text)
    # The version's value has capital letters, its name any.
    if not version or "DMARC1" not in version[0]:
        return None
    written: dict[str, str] = {}
    for piece in text[version.end() :].split(";"):
        if match := _TAG.fullmatch(piece):
            written.setdefault(match[1].lower(), match[2].strip(" \t"))
    said = {name: value.lower() for name, value in written.items()}
    named = {name: said[name] for name in ("p", "sp", "np") if name in said}
    right = "p" in named and all(policy in POLICIES for policy in named.values())
    reports = tuple(uri for each in written.get("rua", "").split(",") if _URI.fullmatch(uri := each.strip(" \t")))
    chosen = {name: said[name] if said.get(name) in values else values[0] for name, values in _DEFAULTS.items()}
    return DmarcRecord(
        domain,
        named if right else {"p": "none"},
        right or bool(reports),
        chosen["t"] == "y",
        chosen["psd"],
        chosen["adkim"] == "s",
        chosen["aspf"] == "s",
        reports,
        said["fo"] if _FAILURES.fullmatch(said.get("fo", "")) else "",
    )


@dataclass
class DmarcTree:
    """What the walks from one message's domains find. TemporaryError when DNS does not say now."""

    questions: Questions

    def at(self, domain: str) -> DmarcRecord | None:
        """The record of exactly that domain; several are as good as none."""
        found = []
        for text in self.questions.texts(f"_dmarc.{domain}"):
            if record := read(domain, text.decode("latin-1")):
                found.append(record)
        return found[0] if len(found) == 1 else None

    def walk(self, domain: str) -> list[DmarcRecord]:
        """Records from the domain up to the top, the longest name first (section 4.10)."""
        records = []
        name = domain
        while name:
            record = self.at(name)
            if record:
                records.append(record)
                if record.psd != "u":
                    break
            labels = name.split(".")
            name = ".".join(labels[1:] if len(labels) <= MOST_LABELS else labels[1 - MOST_LABELS :])
        return records

    def organisation(self, domain: str) -> str:
        """The Organizational Domain (section 4.10.2)."""
        return _organisation(domain, self.walk(domain))

    def policy(self, domain: str) -> DmarcRecord | None:
        """The record to be applied to mail of an author of that domain (section 4.10.1)."""
        if record := self.at(domain):
            return record
        records = self.walk(domain)
        organisation = _organisation(domain, records)
        for record in records:
            if record.domain == organisation:
                return record
        # None of its own: that of the public suffix above.
        return records[-1] if records and records[-1].psd == "y" else None

    def exists(self, domain: str) -> bool:
        """Whether DNS knows the name, or any below it (section 3.2.13)."""
        return self.questions.ask(domain, "A").exists


def _organisation(domain: str, records: list[DmarcRecord]) -> str:
    for record in records:
        if record.psd == "n":
            return record.domain
        if record.psd == "y" and record.domain != domain:
            below = domain.removesuffix(f".{record.domain}").rpartition(".")[2]
            return f"{below}.{record.domain}"
    return records[-1].domain if records else domain
