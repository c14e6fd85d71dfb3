"""Where the second factor is kept by its owner: turned on and off, printed codes, passwords of mail programs.

The database decides everything (`mail.factor_page_sealed`, docs/decisions/0074-second-factor.md); what is said and
what is answered is sealed. Between two clicks only a cookie remembers who passed both steps, for a quarter of an hour.
"""

import base64
import json
import re
from datetime import date
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from flask import Flask, Response, abort, make_response, redirect, render_template, request

from hanam_mail.change_page.sealing import seal, unseal
from hanam_mail.page_frame import Query, refuse_other_sites

PATH = "/mat-khau/hai-buoc"
COOKIE = "hai-buoc"
_MINUTES = 15
# What a button says, and what the database is asked for it.
ACTIONS = {
    "vao": "sign_in",
    "bat": "begin",
    "xac-nhan": "confirm",
    "ma": "codes",
    "tat": "off",
    "them": "app_new",
    "thu-hoi": "app_end",
    "ra": "leave",
}
_STATUS = {
    "open": HTTPStatus.OK,
    "throttled": HTTPStatus.TOO_MANY_REQUESTS,
    "rejected": HTTPStatus.UNPROCESSABLE_ENTITY,
    "on": HTTPStatus.CONFLICT,
    "off": HTTPStatus.CONFLICT,
    "demanded": HTTPStatus.CONFLICT,
    "again": HTTPStatus.CONFLICT,
    "begun": HTTPStatus.CONFLICT,
}
PROTOCOLS = {
    "imap": "IMAP",
    "pop3": "POP3",
    "sieve": "bộ lọc thư",
    "smtp": "gửi thư",
    "submission": "gửi thư",
    "dav": "danh bạ",
}

type FactorAnswer = dict[str, Any]


class Keys(NamedTuple):
    """What the page has for it. `issuer`: under which name a telephone lists the account."""

    seal: bytes
    secrets: str
    issuer: str


def picture(address: str) -> str:
    """The QR code of an address as SVG for the page itself: black on white, whatever the page's colours."""
    import segno

    code = segno.make(address, error="m", micro=False)
    drawn: str = code.svg_inline(scale=4, border=4, dark="#000", light="#fff", title="Mã QR để quét bằng điện thoại")
    return drawn


def setup_address(issuer: str, address: str, secret: str) -> str:
    """What programs for codes read: SHA-1, six digits and 30 seconds are what they take for granted."""
    asked = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(address)}?{asked}"


def letters(secret: str) -> str:
    """The secret as it is typed: base32, from hexadecimal."""
    return base64.b32encode(bytes.fromhex(secret)).decode().rstrip("=")


def add(app: Flask, keys: Keys, ask: Query) -> None:
    """Add the pages below PATH to the program."""
    app.jinja_env.filters["day"] = lambda text: f"{date.fromisoformat(text):%d/%m/%Y}"
    app.jinja_env.globals.update(protocols=PROTOCOLS, factor_page=PATH)

    def told(action: str, **said: Any) -> FactorAnswer:
        sealed = seal(keys.seal, json.dumps({"key": keys.secrets, **said}, ensure_ascii=False))
        statement = "SELECT mail.factor_page_sealed(%s, %s, %s)"
        ((answer,),) = ask(statement, [action, sealed, request.headers.get("X-Real-IP", "")])
        result: FactorAnswer = json.loads(unseal(keys.seal, answer))
        return result

    def page(answer: FactorAnswer, action: str = "look") -> Response:
        if answer["result"] == "closed" or "since" not in answer:
            return _sign_in(answer)
        secret = answer.get("secret")
        if secret:
            address = setup_address(keys.issuer, answer["address"], letters(secret))
            shown = render_template(
                "factor_setup.html", answer=answer, picture=picture(address), link=address, secret=letters(secret)
            )
        elif "codes" in answer:
            shown = render_template(
                "factor_codes.html", answer=answer, product=keys.issuer, today=f"{date.today():%d/%m/%Y}"
            )
        else:
            shown = render_template("factor.html", answer=answer, action=action, today=date.today().isoformat())
        response = make_response(shown)
        response.status_code = _STATUS.get(answer["result"], HTTPStatus.FORBIDDEN)
        return response

    @app.get(PATH)
    def factor_look() -> Response:
        ticket = request.cookies.get(COOKIE, "")
        if not ticket:
            return _sign_in(None)
        answer = told("look", ticket=ticket)
        return _sign_in(None) if answer["result"] == "closed" else page(answer)

    @app.post(PATH)
    def factor_do() -> Response:
        refuse_other_sites()
        form = request.form
        action = ACTIONS.get(form.get("viec", ""))
        if action is None:
            abort(400)
        said: dict[str, Any] = {"ticket": request.cookies.get(COOKIE, "")}
        if action == "sign_in":
            said = {"login": _text("dang-nhap").strip(), "password": _text("cu"), "code": _text("ma")}
        elif action in ("confirm", "off"):
            said["code"] = _text("ma")
        elif action == "codes":
            said["turn"] = _text("luot")
        elif action == "app_new":
            said |= {
                "turn": _text("luot"),
                "name": _text("ten"),
                "scopes": form.getlist("dung"),
                "ends_on": _text("het-han"),
            }
        elif action == "app_end":
            said["number"] = _text("so") if re.fullmatch("[0-9]{1,18}", _text("so")) else "0"
        answer = told(action, **said)
        if action == "leave" or (action == "sign_in" and answer["result"] == "open"):
            response = make_response(redirect(PATH, HTTPStatus.SEE_OTHER))
            _remember(response, answer.get("ticket", ""))
            return response
        return page(answer, action)

    def _sign_in(answer: FactorAnswer | None) -> Response:
        login = request.form.get("dang-nhap", "") or request.args.get("dang-nhap", "")
        reason = request.args.get("ly-do", "")
        response = make_response(render_template("factor_sign_in.html", answer=answer, login=login, reason=reason))
        if answer is not None:
            response.status_code = _STATUS.get(answer["result"], HTTPStatus.FORBIDDEN)
        return response


def _text(field: str) -> str:
    # PostgreSQL knows no NUL; no field of ours has one.
    return request.form.get(field, "").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _remember(response: Response, ticket: str) -> None:
    """The ticket for this page alone; without one it is forgotten."""
    response.set_cookie(
        COOKIE, ticket, max_age=60 * _MINUTES if ticket else 0, path=PATH, secure=True, httponly=True, samesite="Strict"
    )
