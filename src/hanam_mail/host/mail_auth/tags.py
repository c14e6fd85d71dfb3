"""Lists of tags, as signatures and keys write them (RFC 6376, section 3.2)."""

import re

# Folding white space and what may stand between it. Octets above 127 are UTF-8 (RFC 8616).
_TAG = re.compile(r"[ \t\r\n]*([A-Za-z][A-Za-z0-9_]*)[ \t\r\n]*=([^;]*)", re.ASCII)
_VALUE = re.compile(r"[\x21-\x3a\x3c-\x7e\x80-\U0010ffff\ud800-\udfff \t\r\n]*")
_BLANKS = " \t\r\n"


class Malformed(ValueError):
    """It does not follow the grammar."""


def read(text: str, *, lenient: bool = False) -> dict[str, str]:
    """Tag -> value, without white space around it; Malformed when a tag stands twice or is none.

    lenient: what is no tag says nothing, as in keys that people have typed.
    """
    tags: dict[str, str] = {}
    pieces = text.split(";")
    # One semicolon may stand at the end.
    if len(pieces) > 1 and not pieces[-1].strip(_BLANKS):
        pieces.pop()
    for piece in pieces:
        match = _TAG.fullmatch(piece)
        if not match or not _VALUE.fullmatch(match[2]):
            if lenient:
                continue
            raise Malformed("malformed")
        if match[1] in tags:
            raise Malformed("a tag stands twice")
        tags[match[1]] = match[2].strip(_BLANKS)
    return tags


def words(value: str) -> list[str]:
    """What a list with colons holds."""
    return [word.strip(_BLANKS) for word in value.split(":")]


def without_blanks(value: str) -> str:
    """A value in which white space says nothing, such as base64."""
    return "".join(value.split())
