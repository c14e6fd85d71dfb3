"""The address book as a tree of LDAP entries, the tree that a server has, and what leads from one to the other.

    dc=hanam,dc=gov,dc=vn                         the province's mail domain
    ou=syt,dc=...                                 an agency, by its code
    mail=phamthihoa@hanam.gov.vn,ou=syt,dc=...    a mailbox

Names, posts and agencies stand there as they are written and again without accents: LDAP compares letters with their
accents, and people type without. Text comes and goes as LDIF (RFC 2849).
"""

import base64
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from hanam_mail.alphabet import without_accents
from hanam_mail.host.directory.entries import DirectoryAgency, DirectoryEntry, given_name

type LdapAttributes = Mapping[str, tuple[str, ...]]
type LdapTree = Mapping[str, LdapAttributes]
"""Distinguished name -> attributes. The mark of what a tree was made of is no part of it."""
type LdapPlace = tuple[tuple[str, str], ...]

MARK = "description"
"""Of the base: of what the tree was made. Readers do not see it."""
_ESCAPED = re.compile(r'[,+"\\<>;=\x00-\x1f\x7f]')
_PART = re.compile(r"(?:\\.|[^\\,])+", re.DOTALL)
_UNESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2})|\\(.)", re.DOTALL)


class BadAnswer(Exception):
    """What the server told is no tree; one sentence."""


def wanted(directory: Iterable[DirectoryAgency], base: str) -> LdapTree:
    """The tree of a directory below `base`, parents before children."""
    first, domain = _parted(base)[0][1], ".".join(value for _, value in _parted(base))
    tree: dict[str, LdapAttributes] = {
        base: {"objectClass": ("dcObject", "organization"), "dc": (first,), "o": (domain,)},
    }
    for agency in directory:
        place = f"ou={escaped(agency.code)},{base}"
        tree[place] = {"objectClass": ("organizationalUnit",), "ou": _once(agency.code, *with_bare(agency.name))}
        for entry in agency.entries:
            tree[f"mail={escaped(entry.address)},{place}"] = _mailbox(agency, entry)
    return tree


def _mailbox(agency: DirectoryAgency, entry: DirectoryEntry) -> LdapAttributes:
    name = plain(entry.name) or entry.address
    shown = f"{name} - {plain(agency.name)}" if entry.kind == "office" else name
    family, _, rest = name.partition(" ")
    person = entry.kind == "person" and rest
    given = _once(*with_bare(rest), *with_bare(given_name(name))) if person else ()
    return {
        "objectClass": ("inetOrgPerson",),
        "cn": with_bare(name),
        "displayName": (shown,),
        # By the given name people are called, by all but the family's they are written.
        "sn": with_bare(family if person else name),
        **({"givenName": given} if given else {}),
        "mail": (entry.address,),
        **({"title": with_bare(entry.post)} if plain(entry.post) else {}),
        "o": with_bare(agency.name),
        "ou": (agency.code,),
    }


def plain(text: str) -> str:
    """One form of writing, one blank between words."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def with_bare(text: str) -> tuple[str, ...]:
    """The text, and again without accents where it has any: ("Đỗ Hòa", "Do Hoa")."""
    return _once(plain(text), plain(without_accents(text)))


def _once(*values: str) -> tuple[str, ...]:
    """Each value once, as LDAP compares them: capitals make no difference."""
    found: dict[str, str] = {}
    for value in values:
        found.setdefault(value.casefold(), value)
    return tuple(found.values())


def escaped(value: str) -> str:
    """A value as it stands in a distinguished name (RFC 4514)."""
    text = _ESCAPED.sub(lambda found: "".join(f"\\{octet:02X}" for octet in found[0].encode()), value)
    if text[:1] in (" ", "#"):
        text = f"\\{text}"
    return f"{text[:-1]}\\ " if text.endswith(" ") and not text.endswith("\\ ") else text


def _parted(name: str) -> LdapPlace:
    """A distinguished name by its parts, whichever way a server escapes them."""
    parts = (part.partition("=") for part in _PART.findall(name))
    return tuple((kind.strip().lower(), _unescaped(value)) for kind, _, value in parts)


def _unescaped(value: str) -> str:
    """The value itself, in the form by which LDAP compares. Pairs of digits are octets of UTF-8."""
    octets = _UNESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else found[2], value.encode())
    return plain(octets.decode(errors="replace")).casefold()


def read(text: str) -> LdapTree:
    """The tree that `ldapsearch -LLL -o ldif_wrap=no` printed. Raises BadAnswer."""
    tree: dict[str, LdapAttributes] = {}
    for block in text.split("\n\n"):
        found: dict[str, list[str]] = {}
        for line in filter(None, block.split("\n")):
            name, sign, value = line.partition(":")
            if not sign:
                raise BadAnswer(f"dòng lạ {line!r}")
            if value.startswith(":"):
                value = base64.b64decode(value[1:]).decode(errors="replace")
            found.setdefault(name, []).append(value.removeprefix(" "))
        if found:
            if "dn" not in found:
                raise BadAnswer("một mục không có tên")
            (name,) = found.pop("dn")
            tree[name] = {key: tuple(values) for key, values in found.items()}
    return tree


def records(tree: LdapTree) -> Iterator[str]:
    """The tree from nothing, a record of LDIF each."""
    for name, attributes in tree.items():
        yield "\n".join((*_lines("dn", (name,)), *_all_lines(attributes), "", ""))


def changes(have: LdapTree, want: LdapTree) -> Iterator[str]:
    """What the server is to be told so that it has what is wanted, a record of LDIF each.

    What goes comes first, children before parents; then what is new or other, parents before children.
    """
    there = {_parted(name): (name, attributes) for name, attributes in have.items()}
    stays = {_parted(name) for name in want}
    for place in sorted(there.keys() - stays, key=len, reverse=True):
        yield _record(there[place][0], "delete")
    for name, attributes in want.items():
        if (known := there.get(_parted(name))) is None:
            yield _record(name, "add", _all_lines(attributes))
            continue
        own = {key: values for key, values in known[1].items() if key != MARK}
        others = [key for key in {**attributes, **own} if attributes.get(key, ()) != own.get(key, ())]
        if others:
            yield _record(name, "modify", (line for key in others for line in _replaced(key, attributes.get(key, ()))))


def marked(base: str, mark: str) -> str:
    """The record that writes of what the tree was made."""
    return _record(base, "modify", _replaced(MARK, (mark,)))


def _record(name: str, kind: Literal["add", "delete", "modify"], lines: Iterable[str] = ()) -> str:
    return "\n".join((*_lines("dn", (name,)), f"changetype: {kind}", *lines, "", ""))


def _all_lines(attributes: LdapAttributes) -> Iterator[str]:
    return (line for key, values in attributes.items() for line in _lines(key, values))


def _replaced(key: str, values: tuple[str, ...]) -> Iterator[str]:
    yield f"replace: {key}"
    yield from _lines(key, values)
    yield "-"


def _lines(key: str, values: Iterable[str]) -> Iterator[str]:
    """In base64 whatever it is: no value can be taken for anything else."""
    for value in values:
        yield f"{key}:: {base64.b64encode(value.encode()).decode()}"
