"""HTML: what a reader sees, the title and the descriptions, and not what draws or moves it."""

from html.parser import HTMLParser

from hanam_mail.host.extract import plain
from hanam_mail.host.extract.work import Work

_SILENT = {"script", "style", "noscript", "template"}
_APART = {"td", "th", "span", "a", "img", "input", "option"}
_INLINE = {"b", "i", "u", "em", "strong", "font", "sub", "sup", "small", "big", "mark", "s", "code", "wbr"}
_DESCRIBING = {"description", "keywords", "author", "title", "subject"}


class _Page(HTMLParser):
    def __init__(self, work: Work) -> None:
        super().__init__(convert_charrefs=True)
        self._work = work
        self._silent = 0
        self._title: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag == "title":
            self._title = []
        given = dict(attrs)
        if tag == "meta" and (given.get("name") or "").lower() in _DESCRIBING:
            self._work.add_property(given.get("content"))
        for shown in ("alt", "title", "placeholder"):
            if given.get(shown) and not self._silent:
                self._work.add(f" {given[shown]} ")
        self._gap(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        if tag == "title" and self._title is not None:
            self._work.add_property("".join(self._title))
            self._title = None
        self._gap(tag)

    def handle_data(self, data: str) -> None:
        if self._title is not None:
            self._title.append(data)
        elif not self._silent:
            self._work.add(data)

    def _gap(self, tag: str) -> None:
        if tag not in _INLINE and not self._silent:
            self._work.add(" " if tag in _APART else "\n")


def read(data: bytes, work: Work) -> None:
    """All of it, however broken: browsers show that too."""
    add(plain.decoded(data), work)


def add(text: str, work: Work) -> None:
    """The same of text that is decoded."""
    page = _Page(work)
    # In pieces: the parser looks at what it has from the beginning with each call, so not in lines.
    for at in range(0, len(text), 262144):
        page.feed(text[at : at + 262144])
    page.close()
