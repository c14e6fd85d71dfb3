"""HTML as lines and cells, in one pass however broken it is. Elements within a line part nothing: M<b>Ậ</b>T is one."""

import html
import re
from io import StringIO

# What begins a line and ends one. All others, also unknown ones, are within a line.
_NAMES_OF_LINES = """
address article aside blockquote body br caption center dd details dialog div dl dt fieldset figcaption figure
footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p pre section summary table tbody
tfoot thead title tr ul
"""
_LINES = frozenset(_NAMES_OF_LINES.split())
_CELLS = frozenset(("td", "th"))
# What stands in them is not seen.
_SILENT = {name: re.compile(f"</{name}", re.I | re.A) for name in ("script", "style")}
_NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]{0,30})")
_SHOWN = re.compile(r"""\b(?:alt|title)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I)
_KEEPS_LINES = re.compile(r"<(?:pre|textarea|xmp|plaintext)\b|white-space|-spacerun", re.I)
# Tags that are looked at in one message, and characters of a tag.
MOST_TAGS, _LONGEST_TAG = 4_000_000, 4096


class TooManyTags(Exception):
    """More tags than any letter has."""


def text_of(page: str) -> list[str]:
    """The page's text: line ends of the source as blanks, and where they may be shown as such a second time with them.

    Raises TooManyTags.
    """
    texts = [_text(page.replace("\r", " ").replace("\n", " "))]
    if _KEEPS_LINES.search(page):
        texts.append(_text(page))
    return texts


def _text(page: str) -> str:
    # A list of pieces takes ten times the memory where tags are short.
    seen = StringIO(newline="")
    at, tags, no_end = 0, 0, False
    # Ends that are not there any more are not looked for again.
    endless: set[str] = set()
    while (begin := page.find("<", at)) >= 0:
        seen.write(page[at:begin])
        tags += 1
        if tags > MOST_TAGS:
            raise TooManyTags
        if page.startswith("<!--", begin):
            end = -1 if no_end else page.find("-->", begin + 4)
            # Of a comment that does not end nobody knows how it is shown: it is text.
            no_end = end < 0
            at = begin + 4 if no_end else end + 3
            continue
        name = _NAME.match(page, begin)
        if name is None and not page.startswith(("<!", "<?"), begin):
            seen.write("<")
            at = begin + 1
            continue
        end = page.find(">", begin)
        if end < 0:
            seen.write(page[begin:])
            at = len(page)
            break
        at = end + 1
        if name:
            seen.write(_gap(name[1].lower(), page[begin : min(at, begin + _LONGEST_TAG)]))
            silent = name[1].lower()
            if silent in _SILENT and silent not in endless and page[begin + 1] != "/":
                closed = _SILENT[silent].search(page, at)
                at = closed.start() if closed else at
                endless |= set() if closed else {silent}
    seen.write(page[at:])
    text = seen.getvalue()
    seen.close()
    return html.unescape(text)


def _gap(name: str, tag: str) -> str:
    gap = "\n" if name in _LINES else "\t" if name in _CELLS else ""
    if "=" not in tag:
        return gap
    shown = [found[1] or found[2] or "" for found in _SHOWN.finditer(tag)]
    return gap + "".join(f"\n{text}\n" for text in shown if text.strip())
