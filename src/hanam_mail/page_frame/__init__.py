"""What the pages before a sign-in share: their look, what they say of faults, and how they ask the accounts database.

It is shipped with each page (change_page, spam_page), into the page's own folder: neither page needs the other.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from flask import Flask, Response, abort, render_template, request
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.exceptions import HTTPException

type Query = Callable[[str, list[str]], list[tuple[Any, ...]]]
"""Runs a statement and returns its rows; raises Unavailable."""
type Faults = Mapping[int, tuple[str, str]]
"""Title and text by HTTP status; 400 stands for those that are not named, 500 is told where an answer may be lost."""

_STATIC = "static"


class Unavailable(Exception):
    """The accounts database cannot be asked now. `asked`: the statement was sent, and what it decided may stand."""

    def __init__(self, kind: str, *, asked: bool) -> None:
        super().__init__(kind)
        self.asked = asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the roles write for every page."""

    conninfo: str
    product: str
    look: str
    """Path on the site of the stylesheet and the emblem of all pages, with a slash at both ends."""
    webmail: str
    support: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The configuration in a JSON file; raises ValueError, TypeError or OSError when it is none."""
        return cls(**json.loads(path.read_text("utf-8")))


def connected(conninfo: str, name: str) -> Query:
    """A Query that connects for each statement: they are rare, and a restart of the database harms none."""
    import psycopg

    def query(statement: str, values: list[str]) -> list[tuple[Any, ...]]:
        asked = False
        try:
            with psycopg.connect(conninfo, connect_timeout=5, application_name=name) as connection:
                asked = True
                rows: list[tuple[Any, ...]] = connection.execute(statement, values).fetchall()
                return rows
        except psycopg.Error as error:
            # The class alone: a message may repeat what was sent.
            raise Unavailable(type(error).__name__, asked=asked) from None

    return query


def dress(app: Flask, site: Site, faults: Faults, *, largest: int) -> None:
    """Give the program the frame, answers to faults, and answers that nobody keeps. `largest`: octets of a request."""
    app.config["MAX_CONTENT_LENGTH"] = largest
    own = [app.jinja_loader] if app.jinja_loader else []
    app.jinja_env.loader = ChoiceLoader([*own, FileSystemLoader(Path(__file__).parent / "templates")])
    app.jinja_env.globals.update(product=site.product, look=site.look, webmail=site.webmail, support=site.support)

    def told(status: int, fault: int) -> tuple[str, int]:
        title, text = faults.get(fault, faults[400])
        return render_template("fault.html", title=title, text=text), status

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> tuple[str, int]:
        app.logger.error("accounts database: %s", error)
        if request.method == "POST" and error.asked:
            # The answer may be lost and what it tells of stand.
            return told(503, 500)
        return render_template("unavailable.html"), 503

    @app.errorhandler(HTTPException)
    def fault(error: HTTPException) -> tuple[str, int]:
        code = error.code or 500
        return told(code, code)

    @app.after_request
    def private(response: Response) -> Response:
        if request.endpoint != _STATIC:
            response.headers["Cache-Control"] = "no-store"
        return response


def refuse_other_sites() -> None:
    """Abort what another site's form sends; a neighbour below the same domain is another site too."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        abort(403)
