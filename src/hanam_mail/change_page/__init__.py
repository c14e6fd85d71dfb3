"""The page where a password is changed (Đ8.2): it stands before every login, and keeps nothing.

A WSGI program for its own user, behind the webmail's nginx. The database decides everything
(`mail.change_password_sealed`, which its role may call besides the list of rules and what factor.py asks); this
page shows it. Passwords go to the database sealed (AES-256-CBC, random IV), so that no log of either side shows them.

Runs on the hosts with Debian's Flask, cryptography and psycopg.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from flask import Flask, Response, jsonify, make_response, render_template, request

from hanam_mail.change_page import factor
from hanam_mail.change_page.sealing import seal
from hanam_mail.page_frame import Query, Site, connected, dress, refuse_other_sites

CONFIGURATION = Path("/etc/hanam-mail/change-page.json")
PREFIX = "/mat-khau"
_RULES_SECONDS = 60.0
# What a status of the database means to a browser (RFC 9110).
_STATUS = {"changed": 200, "rejected": 422, "wrong": 403, "locked": 403, "revoked": 403, "throttled": 429}
# What a request is told that no page is for.
_FAULTS = {
    400: ("Yêu cầu không hợp lệ", "Hãy đóng trang này, mở lại từ trang đăng nhập và thử lại; chưa có gì bị thay đổi."),
    403: ("Không được phép", "Biểu mẫu này phải được gửi từ chính trang đổi mật khẩu; chưa có gì bị thay đổi."),
    404: ("Không có trang này", "Địa chỉ đã nhập không đúng, hoặc trang không còn nữa."),
    500: (
        "Hệ thống có lỗi",
        "Chưa rõ mật khẩu đã đổi hay chưa. Hãy thử đăng nhập, nếu không được thì báo đơn vị hỗ trợ.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePageConfiguration(Site):
    """What the role writes for the page. `lock_reasons` maps a reason of a lock to its text (Đ7.2)."""

    key: bytes
    factor_key: bytes
    """Under which factor.py speaks with the database."""
    secrets_key: str
    """Of the secrets that the database keeps sealed, in hexadecimal."""
    lock_reasons: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The configuration in a JSON file; raises ValueError, KeyError or OSError when it is none."""
        data = json.loads(path.read_text("utf-8"))
        key, factor_key = (bytes.fromhex(data.pop(name)) for name in ("key", "factor_key"))
        return cls(key=key, factor_key=factor_key, **data)


class ChangeAnswer(NamedTuple):
    """The row of mail.change_password: see sql/functions/56_change_password.sql."""

    result: str
    cause: str | None
    message: str
    faults: list[str]
    texts: list[str]


class RuleText(NamedTuple):
    """The row of mail.password_rules."""

    rule: str
    number: int | None
    description: str


def create(configuration: ChangePageConfiguration | None = None, query: Query | None = None) -> Flask:
    """The WSGI program. Without arguments it reads its configuration's file and asks the database named there."""
    settings = configuration or ChangePageConfiguration.read(CONFIGURATION)
    ask = query or connected(settings.conninfo, "change-page")
    app = Flask(__name__, static_url_path=f"{PREFIX}/tinh")
    dress(app, settings, _FAULTS, largest=64 * 1024)
    rules = _remembered(lambda: [RuleText(*row) for row in ask("SELECT * FROM mail.password_rules()", [])])

    @app.get(f"{PREFIX}/")
    def show() -> str:
        reason = request.args.get("ly-do", "")
        return _form(rules(), login=request.args.get("dang-nhap", ""), reason=reason)

    @app.post(f"{PREFIX}/")
    def change() -> Response:
        refuse_other_sites()
        fields = {name: request.form.get(name, "") for name in ("dang-nhap", "cu", "moi", "nhac-lai")}
        if fields["moi"] != fields["nhac-lai"]:
            answer = ChangeAnswer("rejected", None, "Hai lần nhập mật khẩu mới không giống nhau.", ["repeat"], [])
        else:
            values = [
                # PostgreSQL knows no NUL. It must not become a name that is none.
                fields["dang-nhap"].strip().replace("\0", "\N{REPLACEMENT CHARACTER}"),
                seal(settings.key, fields["cu"]),
                seal(settings.key, fields["moi"]),
                request.headers.get("X-Real-IP", ""),
            ]
            statement = "SELECT result, cause, message, faults, texts FROM mail.change_password_sealed(%s, %s, %s, %s)"
            answer = ChangeAnswer(*ask(statement, values)[0])
        if "application/json" in request.headers.get("Accept", ""):
            response = jsonify(answer._asdict())
        elif answer.result == "changed":
            response = make_response(render_template("changed.html"))
        else:
            response = make_response(_form(rules(), login=fields["dang-nhap"], answer=answer))
        response.status_code = _STATUS[answer.result]
        return response

    factor.add(app, factor.Keys(settings.factor_key, settings.secrets_key, settings.product), ask)

    @app.get(f"{PREFIX}/tam-khoa")
    def locked() -> str:
        return render_template("locked.html", reason=settings.lock_reasons.get(request.args.get("ly-do", "")))

    @app.get(f"{PREFIX}/thu-hoi")
    def revoked() -> str:
        return render_template("revoked.html")

    return app


def _form(rules: list[RuleText], *, login: str, reason: str = "", answer: ChangeAnswer | None = None) -> str:
    shown = [rule for rule in rules if rule.rule != "special_characters"]
    special = next((rule.description for rule in rules if rule.rule == "special_characters"), "")
    return render_template("form.html", rules=shown, special=special, login=login, reason=reason, answer=answer)


def _remembered[T](read: Callable[[], T]) -> Callable[[], T]:
    """What was read, for a minute: rules change with a deployment only."""
    kept: list[tuple[float, T]] = []

    def value() -> T:
        if not kept or kept[0][0] < time.monotonic() - _RULES_SECONDS:
            kept[:] = [(time.monotonic(), read())]
        return kept[0][1]

    return value
