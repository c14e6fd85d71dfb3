"""What the mail filter is told of domains and agencies: lists that an operator keeps, and names of the registry."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml

from hanam_mail.controller import spam_words

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")


class FilterListError(ValueError):
    """An entry that cannot be meant as it stands; the list and the entry are named."""


def sender_domains(domains: Iterable[str], name: str, ours: str, others: Iterable[str] = ()) -> list[str]:
    """A list of senders' domains in small letters.

    `others` is the list of the opposite meaning. An entry with an address, a wildcard, our own domain or one above it
    raises FilterListError: what is ours is judged by login and signature alone.
    """
    if isinstance(domains, str) or not isinstance(domains, Iterable):
        raise FilterListError(f"{name}: a list of domains is needed, not {domains!r}")
    found, against = list[str](), {str(each).lower() for each in others}
    for entry in domains:
        domain = str(entry).lower().removesuffix(".")
        if not isinstance(entry, str) or not _DOMAIN.fullmatch(domain):
            raise FilterListError(
                f"{name}: {entry!r} is no domain; write it as DNS has it, like vidu.vn (xn--... for others)"
            )
        if domain == ours or domain.endswith(f".{ours}") or ours.endswith(f".{domain}"):
            raise FilterListError(f"{name}: {entry!r} is our own domain, or above it")
        if domain in against:
            raise FilterListError(f"{name}: {entry!r} is on the list of the opposite meaning too")
        if domain in found:
            raise FilterListError(f"{name}: {entry!r} is there twice")
        found.append(domain)
    return found


def leader_names(folder: str, posts: Iterable[str]) -> list[str]:
    """Names of people in the registry whose post begins with one of these words, sorted, each once."""
    known, names = tuple(spam_words.folded(each) + " " for each in posts), set[str]()
    for path in sorted(Path(folder).glob("*.yml")):
        # Of some thousand entries a few have a post of that kind: only these are parsed.
        for piece in re.split(r"(?m)^  - (?=id:)", path.read_text(encoding="utf-8"))[1:]:
            post = re.search(r"(?m)^    post: (.*)$", piece)
            if post and f"{spam_words.folded(post[1])} ".startswith(known):
                try:
                    names.add(str(yaml.safe_load(f"    {piece}")["name"]))
                except (yaml.YAMLError, KeyError, TypeError) as error:
                    raise FilterListError(f"{path}: no name beside the post {post[1]!r}: {error}") from error
    return sorted(names)


def agency_names(folder: str) -> list[str]:
    """Names of the agencies in the registry's files, sorted; none where there is no registry yet.

    Of each file only its head is read: the rest is as long as the agency has mailboxes.
    """
    names = set[str]()
    for path in sorted(Path(folder).glob("*.yml")):
        head = path.read_text(encoding="utf-8").partition("\nmailboxes:")[0]
        try:
            names.add(str(yaml.safe_load(head)["agency"]["name"]))
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise FilterListError(f"{path}: no agency with a name at its head: {error}") from error
    return sorted(names)
