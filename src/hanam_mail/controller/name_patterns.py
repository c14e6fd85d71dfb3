"""Regular expressions of names of files, for programs that know no "but not this one" (POSIX, extended)."""

import re
from collections.abc import Collection, Sequence

_NAME = re.compile(r"[a-z0-9_-]{1,64}\.[a-z0-9]{1,10}")
# Signs of a name; these two part it from its folder's.
_ANY = r"[^/\\]*"


class NamePatternError(ValueError):
    """A name that such an expression would not say; the list and the name are named."""


def stems_but(names: object, setting: str) -> str:
    """All beginnings of file names but those of these names; what follows is the ending that they share.

    `names` are plain ones of small letters, such as geogebra_javascript.js.
    """
    if not isinstance(names, Sequence) or isinstance(names, str):
        raise NamePatternError(f"{setting}: a list of names of files is needed, not {names!r}")
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise NamePatternError(f"{setting}: {name!r} is no plain name of a file, like geogebra_javascript.js")
    return _but({name.partition(".")[0] for name in names})


def _but(stems: Collection[str]) -> str:
    """All but these: at each letter another one and anything, or the same and what follows it in none of them."""
    if not stems:
        return _ANY
    heads = sorted({stem[0] for stem in stems if stem})
    # A hyphen is itself at the end alone.
    letters = "".join(sorted(heads, key=lambda sign: (sign == "-", sign)))
    ways = [rf"[^/\\{letters}]{_ANY}"]
    ways += [head + _but({stem[1:] for stem in stems if stem[:1] == head}) for head in heads]
    return f"({'|'.join(ways)}){'' if '' in stems else '?'}"
