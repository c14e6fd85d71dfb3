"""What is told of what was found: once per cause, again while it lasts, and when it is over; and the ways it takes."""

import http.client
import json
import signal
import smtplib
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial
from typing import Any

from hanam_mail.watch.looks import Finding, WatchRow, moment

OVER_SECONDS = 1800
"""A cause that comes and goes is one cause: it is over when it has not been seen for so long."""
REPEAT_SECONDS = 7 * 86400
"""What lasts is told again."""
PATH_SECONDS = 60
"""So long one way may take, however slowly its other end speaks."""


@dataclass(frozen=True)
class News:
    """Causes to tell of, by what has become of them."""

    new: Mapping[str, str]
    lasting: Mapping[str, str]
    over: Mapping[str, str]
    mail: bool
    """Whether mail may not get through."""

    @property
    def nothing(self) -> bool:
        return not (self.new or self.lasting or self.over)

    def without(self, causes: Collection[str]) -> "News":
        """The rest of the news."""

        def rest(kind: Mapping[str, str]) -> dict[str, str]:
            return {cause: text for cause, text in kind.items() if cause not in causes}

        return News(rest(self.new), rest(self.lasting), rest(self.over), self.mail)


def compare(causes: dict[str, dict[str, Any]], found: Mapping[str, Finding], now: float) -> News:
    """Bring what is remembered up to date; what is to be told. What was told is noted by `told`."""
    for cause, finding in found.items():
        entry = causes.setdefault(cause, {"since": now, "told": None, "said": None})
        entry |= {"text": finding.text, "seen": now, "mail": finding.mail, "grace": finding.grace}
    for cause, entry in causes.items():
        entry["due"] = entry.get("due") or (cause in found and now - entry["since"] >= entry["grace"])
    # What passed within its grace is forgotten; what could not be told in time is told late.
    for cause in [cause for cause, entry in causes.items() if cause not in found and not entry["due"]]:
        del causes[cause]
    new = {c: e["text"] for c, e in causes.items() if e["told"] is None and e["due"]}
    lasting = {c: causes[c]["text"] for c in found if causes[c]["told"] and now - causes[c]["told"] >= REPEAT_SECONDS}
    over = {
        cause: entry["text"]
        for cause, entry in causes.items()
        if cause not in found and entry["told"] and now - entry["seen"] >= OVER_SECONDS
    }
    # Who read of it by the second path reads of its end there too.
    return News(new, lasting, over, any(causes[cause]["mail"] for cause in [*new, *lasting, *over]))


def told(causes: dict[str, dict[str, Any]], news: News, now: float) -> None:
    """Note that the operator knows."""
    for cause in [*news.new, *news.lasting]:
        causes[cause]["told"] = now
    for cause in news.over:
        del causes[cause]


def subject(host: str, news: News) -> str:
    """The news in one line."""
    texts = [*news.new.values(), *news.lasting.values()] or list(news.over.values())
    kind = "CẦN XỬ LÝ" if news.new else "VẪN CÒN" if news.lasting else "ĐÃ HẾT"
    more = f" (và {len(texts) - 1} việc khác)" if len(texts) > 1 else ""
    return f"[{host}] {kind}: {texts[0].partition(': systemctl ')[0]}{more}"


def body(host: str, news: News, now: float) -> str:
    """The news in full."""
    parts = [f"Máy chủ {host}, {moment(now)}."]
    for heading, texts in (
        ("Cần xử lý:", news.new),
        ("Vẫn còn (báo lại mỗi tuần):", news.lasting),
        ("Đã hết:", news.over),
    ):
        if texts:
            parts.append("\n".join([heading, *(f"- {text}" for text in texts.values())]))
    parts.append("Những gì đang được theo dõi: chạy hanam-mail-watch --list trên máy đó.")
    return "\n\n".join(parts) + "\n"


class _Server(smtplib.SMTP):
    """Reached by one name or address, known by another: that of its certificate."""

    def __init__(self, address: str, port: int, name: str) -> None:
        self._address = address
        super().__init__(name or address, port, timeout=30)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self._address, port), timeout)


def by_mail(path: WatchRow, title: str, text: str) -> None:
    """Hand a mail to a server: our own exchanger (no sign-in), or another's that a user signs in to."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = path["sender"], path["recipient"], title
    mail["Date"] = formatdate(localtime=True)
    mail["Message-ID"] = make_msgid(domain=path["sender"].partition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text, cte="quoted-printable")
    with _Server(path["host"], path["port"], path["tls_name"]) as server:
        # A server that offers no TLS, or is another one by its certificate, gets neither the password nor the text.
        if path["tls_name"] or path.get("user"):
            server.starttls(context=ssl.create_default_context())
        if path.get("user"):
            server.login(path["user"], path["password"])
        # To our own exchanger without a sender: nothing comes back, and no responder answers.
        server.sendmail(path["sender"] if path.get("user") else "", [path["recipient"]], mail.as_bytes())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Another place is another's, and a text that is posted would become a question without it there."""

    def redirect_request(self, *_: Any) -> None:
        return None


def by_webhook(url: str, title: str, text: str) -> None:
    """Post the text as most chat services take it."""
    if not url.startswith("https://"):
        raise ValueError("the webhook is no https:// address")
    data = json.dumps({"text": f"{title}\n\n{text}"}).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - the operator's own
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=15):
        pass


def send(config: WatchRow, news: News, now: float, queued: Collection[str] = ()) -> tuple[bool, bool]:
    """Tell the operator; whether he was told, and whether our own mail server took it.

    The second path is for when mail refuses, or is what the news are of: then what our own server took does not count,
    since nobody reads it yet. `queued`: causes that it took before; for them only the second path is left to try.
    """
    rest = news.without(queued)
    mailed = rest.nothing or _sent("mail", partial(by_mail, config["mail"], *_words(config, rest, now)))
    if mailed and not news.mail:
        return True, True
    words = _words(config, news, now)
    taken = []
    if config["webhook"]:
        taken.append(_sent("webhook", partial(by_webhook, config["webhook"], *words)))
    for server in config["smarthosts"]:
        taken.append(_sent("smarthost", partial(by_mail, server, *words)))
    return any(taken) or (mailed and not taken), mailed


def _words(config: WatchRow, news: News, now: float) -> tuple[str, str]:
    return subject(config["host"], news), body(config["host"], news, now)


def _sent(path: str, take: Callable[[], None]) -> bool:
    """Whether a path took it. Errors may bear the webhook's secret: only kind and code are written down."""
    try:
        with _within(PATH_SECONDS):
            take()
    except (OSError, ValueError, smtplib.SMTPException, http.client.HTTPException) as error:
        print(f"<4>the operator could not be told by {path}: {_kind(error)}", flush=True)
        return False
    return True


def _kind(error: Exception) -> str:
    """Name of the error and, of a server's refusal, its codes: one of 4xx says that it takes the mail later."""
    codes = set[int]()
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = {code for code, _ in error.recipients.values()}
    elif isinstance(error, smtplib.SMTPResponseException):
        codes = {error.smtp_code}
    elif isinstance(error, urllib.error.HTTPError):
        codes = {error.code}
    return " ".join([type(error).__name__, *map(str, sorted(codes))])


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    """Break off what takes longer: a limit for each answer does not bound how many there are."""

    def late(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
