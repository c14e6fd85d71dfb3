"""What strangers wrote, as it may stand in a letter of ours: one line of plain text, of bounded length, that no mail
program makes a link of.
"""

import re

from hanam_mail.host.secrecy import marks

HIDDEN = "(không hiển thị)"
_SCHEME = re.compile(r"(?<=\w):(?=\S)")
# Programs make links of "vidu.vn" and "an@vidu.vn" too, also with other scripts' dots. A dot before a digit stays:
# "12.5/STTTT".
_DOT = re.compile(r"(?<=\w)(?:\.(?=[^\W\d_])|[\u2024\u3002\uff0e\uff61](?=\w))")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
# Accents upon accents reach into the lines above.
_PILED = re.compile("([\u0300-\u036f]{2})[\u0300-\u036f]+")


def bears_mark(text: str) -> bool:
    """Whether the filter would find a secrecy mark in it: a letter of ours that quotes one would be held (Đ3.3)."""
    try:
        return marks.in_text(text) is not None
    except marks.TooManyMarks:
        return True


def shown(text: str, most: int) -> str:
    """The text as it may be shown, at most so many characters of it; "" for one that shows nothing."""
    # No control characters, and none that turn the direction of writing or cannot be seen.
    plain = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    plain = _PILED.sub(r"\1", plain)
    if len(plain) > most:
        plain = plain[: most - 1].rstrip() + "…"
    plain = _IPV4.sub(lambda address: address[0].replace(".", "[.]"), plain)
    return _DOT.sub("[.]", _SCHEME.sub("[:]", plain))
