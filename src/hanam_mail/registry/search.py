"""Finding mailboxes as people type them: without accents, capitals or hyphens, in any order of words.

A word is found where a word of a name begins with it (former names too, and the agency's), or an address, an
alias, an id or a code; a longer one also inside an address.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from hanam_mail.registry.model import Agency, AgencyRename, Mailbox, Registry, Rename

_INSIDE_FROM = 4  # letters; a shorter word is inside nearly every address
_LOOK_ALIKES = str.maketrans("đĐðÐɖƉ", "dddddd")


def mailboxes(registry: Registry, text: str) -> Iterator[Mailbox]:
    """The mailboxes that every word of `text` is found in, in the order of the registry; none for no word."""
    words = bare(text.partition("@")[0] if " " not in text.strip() else text).split()
    if not words:
        return
    agencies = {agency.id: _agency(agency) for agency in registry.agencies.values()}
    for mailbox in registry.mailboxes.values():
        told = f" {_mailbox(mailbox)} {agencies[mailbox.agency]}"
        if all((word if len(word) >= _INSIDE_FROM else f" {word}") in told for word in words):
            yield mailbox


@lru_cache(maxsize=65536)
def bare(text: str) -> str:
    """Small letters and digits without marks; other signs part words, dots stay: "Đỗ  Thị-Hòa" -> "do thi hoa"."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_LOOK_ALIKES))
    kept = (char if char.isalnum() or char == "." else " " for char in decomposed if not unicodedata.combining(char))
    return " ".join("".join(kept).casefold().split())


def _mailbox(mailbox: Mailbox) -> str:
    former = (event.was_name for event in mailbox.history if isinstance(event, Rename) and event.was_name)
    return " ".join((bare(mailbox.name), *mailbox.addresses, mailbox.id, *map(bare, former)))


def _agency(agency: Agency) -> str:
    former = (event.was_name for event in agency.history if isinstance(event, AgencyRename) and event.was_name)
    return " ".join((bare(agency.name), *agency.codes, agency.id, *map(bare, former)))
