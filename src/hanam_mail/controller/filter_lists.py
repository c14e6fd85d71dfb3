"""What the mail filter is told of domains and agencies: lists that an operator keeps, and names of the registry."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from hanam_mail.controller import spam_words

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")
_ENDING = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
# What registries of countries call the place where anybody registers names (com.vn, co.uk), and Vietnam's by provinces:
# the 63 until 2025, after which the 34 since then are named, and other ways to write some of them.
_REGISTRIES = "ac biz co com edu gob gov go gv health in info int ltd me mil name ne net nom or org plc pro sch"
_OF_VIETNAM = """
ai id io
angiang bacgiang backan baclieu bacninh baria-vungtau bentre binhdinh binhduong binhphuoc binhthuan
camau cantho caobang daklak daknong danang dienbien dongnai dongthap gialai hagiang haiduong
haiphong hanam hanoi hatinh haugiang hoabinh hungyen khanhhoa kiengiang kontum laichau lamdong
langson laocai longan namdinh nghean ninhbinh ninhthuan phutho phuyen quangbinh quangnam quangngai
quangninh quangtri soctrang sonla tayninh thaibinh thainguyen thanhhoa thanhphohochiminh
thuathienhue tiengiang travinh tuyenquang vinhlong vinhphuc yenbai
bariavungtau hcm hochiminh hue tphcm vungtau
"""


class FilterListError(ValueError):
    """An entry that cannot be meant as it stands; the list and the entry are named."""


def hold_score(score: object, mark: object, refuse: object) -> float:
    """The score from which spam is held, 0 for never: between that of Junk and that from which it is refused."""
    numbers = [float(str(each)) for each in (mark, score, refuse)]
    if numbers[1] and not numbers[0] < numbers[1] < numbers[2]:
        raise FilterListError(
            f"rspamd_score_hold: {score} is not between rspamd_score_mark ({mark}) and rspamd_score_refuse ({refuse}); "
            f"0 holds no spam"
        )
    return numbers[1]


def domains(entries: object, name: str) -> list[str]:
    """A list of domains, in small letters, without a dot at the end; what is no domain, or there twice, is named."""
    found = list[str]()
    for entry in _list(entries, name, "domains"):
        domain = str(entry).lower().removesuffix(".")
        if not isinstance(entry, str) or not _DOMAIN.fullmatch(domain):
            raise FilterListError(
                f"{name}: {entry!r} is no domain; write it as DNS has it, like vidu.vn (xn--... for others)"
            )
        if domain in found:
            raise FilterListError(f"{name}: {entry!r} is there twice")
        found.append(domain)
    return found


def sender_domains(
    entries: object, name: str, ours: str, others: Iterable[str] = (), free: Iterable[str] = ()
) -> list[str]:
    """A list of senders' domains whose mail is all taken, or all refused, with all below them.

    `others` is the list of the opposite meaning, in domains of `free` everybody may have a mailbox. One of these, our
    own domain, one above it and one below which anybody registers names raise FilterListError: what is ours is judged
    by login and signature alone, and nobody means all of com.vn.
    """
    found, ours = domains(entries, name), ours.lower().removesuffix(".")
    against, everybodys = set(domains(others, "the opposite list")), set(domains(free, "the list of free mailboxes"))
    for domain in found:
        if domain == ours or domain.endswith(f".{ours}") or ours.endswith(f".{domain}"):
            raise FilterListError(f"{name}: {domain!r} is our own domain, or above it")
        if is_public(domain):
            raise FilterListError(f"{name}: {domain!r} is no one's: anybody registers names below it")
        if domain in everybodys:
            raise FilterListError(f"{name}: {domain!r} gives mailboxes to everybody")
        if domain in against:
            raise FilterListError(f"{name}: {domain!r} is on the list of the opposite meaning too")
    return found


def is_public(domain: str) -> bool:
    """Anybody may register names below it: com.vn, hanam.vn, co.uk."""
    kind, _, country = domain.partition(".")
    return (len(country) == 2 and kind in _REGISTRIES.split()) or (country == "vn" and kind in _OF_VIETNAM.split())


def domains_of_names(names: object, name: str) -> dict[str, list[str]]:
    """Names that everybody knows, folded, and the domains that each writes from."""
    if not isinstance(names, Mapping):
        raise FilterListError(f"{name}: names and their domains are needed, not {names!r}")
    return {_known(each, name): domains(found, f"{name}, {each}") for each, found in names.items()}


def names(entries: object, name: str) -> list[str]:
    """A list of names or titles that are looked for in texts; one that would be found everywhere is named."""
    for entry in (found := _list(entries, name, "names")):
        _known(entry, name)
    return [str(entry) for entry in found]


def endings(entries: object, name: str) -> list[str]:
    """Endings of names of files, in small letters, without a dot; one that no name could have is named."""
    found = list[str]()
    for entry in _list(entries, name, "endings"):
        ending = str(entry).lower()
        if not isinstance(entry, str) or not _ENDING.fullmatch(ending):
            raise FilterListError(f"{name}: {entry!r} is no ending: letters, digits, - and _ without the dot, like exe")
        if ending in found:
            raise FilterListError(f"{name}: {entry!r} is there twice")
        found.append(ending)
    return found


def _list(entries: object, name: str, what: str) -> list[object]:
    # A text would be read as a list of its letters.
    if isinstance(entries, str | bytes | Mapping) or not isinstance(entries, Iterable):
        raise FilterListError(f"{name}: a list of {what} is needed, not {entries!r}")
    return list(entries)


def _known(entry: object, name: str) -> str:
    folded = spam_words.folded(str(entry))
    if not isinstance(entry, str) or len(folded) < spam_words.SHORTEST:
        raise FilterListError(f"{name}: {entry!r} is too short, it stands in any name")
    return entry


def leader_names(folder: str, posts: object) -> list[str]:
    """Names of people in the registry whose post begins with one of these words, sorted, each once."""
    known, found = tuple(spam_words.folded(each) + " " for each in names(posts, "posts of leaders")), set[str]()
    for path in sorted(Path(folder).glob("*.yml")):
        # Of some thousand entries a few have a post of that kind: only these are parsed.
        for piece in re.split(r"(?m)^  - (?=id:)", path.read_text(encoding="utf-8"))[1:]:
            post = re.search(r"(?m)^    post: (.*)$", piece)
            if post and f"{spam_words.folded(post[1])} ".startswith(known):
                try:
                    found.add(str(yaml.safe_load(f"    {piece}")["name"]))
                except (yaml.YAMLError, KeyError, TypeError) as error:
                    raise FilterListError(f"{path}: no name beside the post {post[1]!r}: {error}") from error
    return sorted(found)


def agency_names(folder: str) -> list[str]:
    """Names of the agencies in the registry's files, sorted; none where there is no registry yet.

    Of each file only its head is read: the rest is as long as the agency has mailboxes.
    """
    found = set[str]()
    for path in sorted(Path(folder).glob("*.yml")):
        head = path.read_text(encoding="utf-8").partition("\nmailboxes:")[0]
        try:
            found.add(str(yaml.safe_load(head)["agency"]["name"]))
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise FilterListError(f"{path}: no agency with a name at its head: {error}") from error
    return sorted(found)
