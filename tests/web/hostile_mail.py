"""Mail that wants to run in the reader's browser, call home, or be mistaken for ours; written for these tests."""

import base64
import codecs
import re
from email.message import EmailMessage, Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from functools import cache
from pathlib import Path
from typing import NamedTuple

TEXTS = Path(__file__).parents[1] / "data/hostile/mail.txt"
JS = "localStorage.canary=1"
STRANGER = "xau.example"
"""All servers of strangers are below this name."""
COVER = "top:-3000px;left:-3000px;width:9000px;height:9000px;z-index:2147483647;background:red"
MARKUP = f"<img src=x onerror={JS}>\"'`"
"""Where only text may stand."""
LONG = "a-" * 150_000
ESCAPE = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")
BLANK = "\u200b " * 1500


class Text(NamedTuple):
    """A section of the file of texts."""

    kind: str
    name: str
    more: str
    """Of a link: the server of which its reader is to be warned. Of a file: its type."""
    content: str


@cache
def texts() -> dict[str, Text]:
    """All by name, filled in."""
    found = {}
    for section in TEXTS.read_text().split("\n=== ")[1:]:
        head, _, content = section.partition("\n")
        kind, name, *more = head.split(" ")
        place = name.replace(".", "-")
        raw = ESCAPE.sub(lambda code: chr(int(code[1] or code[2] or code[3], 16)), content.strip())
        found[name] = Text(kind, name, _filled(place, " ".join(more)), _filled(place, raw))
    return found


def _filled(name: str, text: str) -> str:
    host = f"{name}.{STRANGER}"
    filling = {"js": JS, "out": f"https://{host}", "host": host, "cover": COVER, "long": LONG, "blank": BLANK}
    for word, value in filling.items():
        text = text.replace(f"{{{word}}}", value)
    return text


def messages() -> dict[str, bytes]:
    """All of them by name; each stands for itself."""
    found = {
        name: _headed(_part(text.content.encode(), "text/html", charset="utf-8"), name)
        for name, text in texts().items()
        if text.kind not in ("plain", "files")
    }
    return found | _charsets() | _structures() | {"headers": _headers()}


def warned() -> dict[str, str]:
    """Of which server the reader of a message is warned; empty if there is nothing to warn of."""
    return {name: text.more for name, text in texts().items() if text.kind == "links"}


def attached() -> dict[str, bytes]:
    """Messages with one file each, the second part."""
    found = {}
    for file, text in texts().items():
        if text.kind == "files":
            name = "tep-" + file.replace(".", "-")
            part = _part(text.content.encode(), text.more)
            part["Content-Disposition"] = f'attachment; filename="{file}"'
            found[name] = _headed(_mixed(part), name)
    return found


def _part(content: bytes, kind: str, **parameters: str) -> MIMENonMultipart:
    """A part of these very octets, whatever they are."""
    part = MIMENonMultipart(*kind.split("/"), **parameters)
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(base64.encodebytes(content).decode())
    return part


def _mixed(part: Message) -> MIMEMultipart:
    mail = MIMEMultipart("mixed")
    mail.attach(_part(b"Xem tep.\n", "text/plain"))
    mail.attach(part)
    return mail


def _headed(mail: Message, name: str) -> bytes:
    mail["From"] = f"Ke gian <a@{name}.{STRANGER}>"
    mail["To"] = "reader@hanam.gov.vn"
    mail["Subject"] = name
    mail["Message-ID"] = f"<{name}@{STRANGER}>"
    return bytes(mail)


def _charsets() -> dict[str, bytes]:
    """Scripts that another reading of the octets brings forth."""
    script = f"<script>{JS}</script>"
    seven = f"+ADw-script+AD4-{JS}+ADw-/script+AD4-"
    nul = f"<scr\0ipt>{JS}</script><img src=x one\0rror={JS}><a href='java\0script:{JS}'>a</a>"
    raw = {
        "charset-utf7": (seven.encode(), "utf-7"),
        "charset-utf7-meta": (f"<meta charset=utf-7>{seven}".encode(), "us-ascii"),
        "charset-utf16": (codecs.BOM_UTF16_LE + script.encode("utf-16-le"), "utf-16"),
        "charset-escapes": (f"<img alt='\x1b$B' src=x onerror={JS}>\x1b(B'>".encode(), "iso-2022-jp"),
        "charset-half": (b'<img alt="\x83" src=" onerror=' + JS.encode() + b' ">', "shift_jis"),
        "charset-unknown": (script.encode(), 'x-user-defined"><script>'),
        "charset-nul": (nul.encode(), "utf-8"),
    }
    return {
        name: _headed(_part(content, "text/html", charset=charset), name) for name, (content, charset) in raw.items()
    }


def _structures() -> dict[str, bytes]:
    """Plain text, parts that point at each other, a message within a message."""
    plain = texts()["plain"].content
    enriched = f'<color><param>x"onclick="{JS}</param>a</color>{plain}'
    related = MIMEMultipart("related")
    for number, kind, content in (
        ("", "text/html", texts()["related"].content),
        ("a", "text/html", texts()["thong-bao.html"].content),
        ("b", "image/svg+xml", texts()["hinh.svg"].content),
        ("c", "text/css", _filled("related", "@import '{out}/c.css';")),
    ):
        part = _part(content.encode(), kind)
        part["Content-ID"] = f"<{number}>"
        part["Content-Location"] = f"https://related.{STRANGER}/goc.png"
        related.attach(part)
    inner = MIMENonMultipart("message", "rfc822")
    within = texts()["handlers"].content + texts()["pictures"].content
    inner.set_payload(_headed(_part(within.encode(), "text/html"), "nested").decode())
    return {
        "plain": _headed(_part(plain.encode(), "text/plain", charset="utf-8"), "plain"),
        "enriched": _headed(_part(enriched.encode(), "text/enriched"), "enriched"),
        "related": _headed(related, "related"),
        "nested": _headed(_mixed(inner), "nested"),
    }


def _headers() -> bytes:
    """Markup in the header and in the name of a file."""
    name = MARKUP.replace('"', "")
    mail = EmailMessage()
    mail["Subject"] = f"tieu-de {MARKUP}"
    mail["From"] = f'"{name}" <a@{STRANGER}>'
    mail["To"] = f'"{name}" <reader@hanam.gov.vn>'
    mail["Reply-To"] = f'"</script><script>{JS}</script>" <b@{STRANGER}>'
    mail["List-Unsubscribe"] = f"<javascript:{JS}>"
    mail.set_content("Xem tep.\n")
    mail.add_attachment(b"x", maintype="application", subtype="octet-stream", filename=f"{MARKUP}.pdf")
    return bytes(mail)
