"""`size_text`: a number of octets as people read it, 2 GB or 512 MB (hanam_mail.vietnamese)."""

from collections.abc import Callable

from hanam_mail import vietnamese


class FilterModule:
    def filters(self) -> dict[str, Callable[[int], str]]:
        return {"size_text": vietnamese.size}
