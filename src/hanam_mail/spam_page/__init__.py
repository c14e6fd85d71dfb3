"""The page behind the links in letters about spam that is held (Đ10.6): its receiver lets one message go, or drops it.

A WSGI program for its own user, behind the webmail's nginx. It knows no secret: the database knows its own links, and
of it this program's role may ask two functions (`mail.held_link_show`, `mail.held_link_decide`). To look decides
nothing: programs that open the links of a letter let nothing go.

Runs on the hosts with Debian's Flask and psycopg.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from flask import Flask, Response, abort, make_response, render_template, request

from hanam_mail.page_frame import Query, Site, connected, dress, refuse_other_sites

CONFIGURATION = Path("/etc/hanam-mail/spam-page.json")
_LINK = re.compile(r"[0-9]{1,18}-[0-9]{8}-[0-9a-f]{32}")
# What the buttons are called in the form, and what they decide.
_DECISIONS = {"giao": "release", "huy": "drop"}
_SHOW = "SELECT result, author, subject, arrived, state, refused FROM mail.held_link_show(%s)"
_DECIDE = "SELECT result, author, subject, arrived, state, refused FROM mail.held_link_decide(%s, %s)"
# What an answer of the database means to a browser (RFC 9110).
_STATUS = {"known": 200, "wrong": 404, "expired": 410, "throttled": 429}
# What a request is told that no page is for.
_FAULTS = {
    400: ("Yêu cầu không hợp lệ", "Hãy mở lại đúng liên kết trong thư báo của hệ thống; chưa có gì bị thay đổi."),
    403: ("Không được phép", "Quyết định phải được gửi từ chính trang này; thư vẫn được giữ nguyên."),
    404: ("Không có trang này", "Địa chỉ đã nhập không đúng, hoặc trang không còn nữa."),
    500: (
        "Hệ thống có lỗi",
        "Chưa rõ quyết định đã được ghi nhận hay chưa. Hãy mở lại liên kết để xem thư đang ở đâu.",
    ),
}
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SpamPageConfiguration(Site):
    """What the role writes for the page. `address` is its path on the webmail's site, with a slash at both ends."""

    address: str


class HeldLinkAnswer(NamedTuple):
    """The row of mail.held_link_show and mail.held_link_decide: see sql/functions/76_held_spam.sql."""

    result: str
    author: str | None = None
    subject: str | None = None
    arrived: str | None = None
    state: str | None = None
    refused: bool | None = None


def create(configuration: SpamPageConfiguration | None = None, query: Query | None = None) -> Flask:
    """The WSGI program. Without arguments it reads its configuration's file and asks the database named there."""
    settings = configuration or SpamPageConfiguration.read(CONFIGURATION)
    ask = query or connected(settings.conninfo, "spam-page")
    app = Flask(__name__, static_folder=None)
    dress(app, settings, _FAULTS, largest=4 * 1024)

    def answered(statement: str, link: str, *more: str) -> Response:
        # What cannot be a link is no question for the database.
        answer = HeldLinkAnswer(*ask(statement, [link, *more])[0]) if _LINK.fullmatch(link) else HeldLinkAnswer("wrong")
        shown = answer._replace(author=(answer.author or "")[:_LONGEST], subject=(answer.subject or "")[:_LONGEST])
        template = "message.html" if answer.result == "known" else f"{answer.result}.html"
        response = make_response(render_template(template, message=shown, link=link))
        response.status_code = _STATUS[answer.result]
        return response

    @app.get(settings.address)
    def show() -> Response:
        return answered(_SHOW, request.args.get("ma", ""))

    @app.post(settings.address)
    def decide() -> Response:
        refuse_other_sites()
        decision = _DECISIONS.get(request.form.get("viec", ""))
        if decision is None:
            abort(400)
        return answered(_DECIDE, request.form.get("ma", ""), decision)

    return app
