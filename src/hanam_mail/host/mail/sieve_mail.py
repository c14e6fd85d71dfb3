"""What a person's Sieve script sends: its mail under that person's addresses (Đ4.6), others' to state agencies (Đ4.5).

Dovecot calls this program instead of sendmail, with the mailbox's addresses from the accounts database. A script
chooses From (`vacation :from`) and may write header fields of its own (`:mime`); what it made is looked at as strictly
as mail of somebody who signed in, and nothing that two readers might read differently goes out. What it redirects stays
as it came. Dovecot puts a field before it that no script can put there.

A mailbox's scripts may send so many messages within an hour (sieve_limit.py). Above that a redirected message stays
with its owner, so does one to reject, and a reply in absence is left out.

What needs time to be read (email, smtplib, ssl) is imported where it is used: in a flood Dovecot starts this program
for each letter, and most of the replies are left out.
"""

import argparse
import contextlib
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hanam_mail.host.mail import sieve_limit

# What Dovecot itself writes into such mail; a MIME part of the script may add its own Content-* fields.
FIELDS = frozenset(
    {
        "auto-submitted",
        "date",
        "from",
        "in-reply-to",
        "message-id",
        "mime-version",
        "precedence",
        "references",
        "subject",
        "to",
        "x-auto-response-suppress",
        "x-sieve",
    }
)
_FIELD = re.compile(rb"([!-9;-~]+):(.*)", re.DOTALL)


# The first two fields of what is redirected; what a script writes itself comes later in the header.
_REDIRECTED = re.compile(rb"X-Sieve: [^\r\n]*\r?\nX-Sieve-Redirected-From:\s+([^\s]+)\r?\n")


# Dovecot's own word for a reply in absence; it stands once, or the message is refused.
_IN_ABSENCE = re.compile(rb"^Auto-Submitted: auto-replied \(vacation\)", re.MULTILINE | re.IGNORECASE)


class RefusedError(Exception):
    """The message does not go out."""


WEEK = 7 * 86400
"""Seconds for which the owner is told of a fault once."""

_NOTE = """\
From: noreply@{domain}
To: {owner}
Subject: {subject}
Date: {date}
Message-ID: {id}
Auto-Submitted: auto-generated
X-Sieve-Returned: yes
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Kính gửi chủ hộp thư {owner},

Một quy tắc lọc thư của hộp thư này {fault}.
Thư đến không mất: nó ở trong hộp thư, và các quy tắc khác vẫn được thực hiện.

Hãy sửa quy tắc ấy ở mục “Bộ lọc” trong phần thiết lập của webmail.
Về cùng một lỗi, hệ thống báo nhiều nhất mỗi tuần một lần.
"""


def _head(message: bytes) -> bytes:
    return re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0]


def check(message: bytes, own: Sequence[str]) -> None:
    """Raise RefusedError unless From is exactly one of the mailbox's own addresses, whoever reads it."""
    from hanam_mail.host.mail import sieve_rules

    head = _head(message)
    if re.search(rb"\r(?!\n)|\0", head):
        raise RefusedError("a control character in the header")
    seen: dict[str, str] = {}
    for line in re.split(rb"\r?\n(?![ \t])", head):
        field = _FIELD.fullmatch(line)
        if field is None:
            raise RefusedError("a header line that is no field")
        name = field[1].decode("ascii").lower()
        if name not in FIELDS and not name.startswith("content-"):
            raise RefusedError(f"the field {name}")
        if name in seen:
            raise RefusedError(f"the field {name} twice")
        seen[name] = re.sub(rb"\r?\n", b"", field[2]).decode("utf-8", "replace").strip()
    if not sieve_rules.may_send_as(seen.get("from", ""), own):
        raise RefusedError("From is not plainly one of the mailbox's addresses")


def redirecting(message: bytes) -> str | None:
    """The address whose script leads the message on, as it came; None for mail that the script wrote."""
    found = _REDIRECTED.match(message)
    return found[1].decode("ascii", "replace").lower() if found else None


def check_redirect(sender: str, recipients: Sequence[str], own: Sequence[str], domains: Sequence[str]) -> None:
    """Raise RefusedError unless it goes to a state agency, and what comes back for it to the mailbox's owner."""
    from hanam_mail.host.mail import sieve_rules

    for recipient in recipients:
        if not sieve_rules.may_redirect_to(recipient, domains):
            raise RefusedError(f"a redirect to {recipient}")
    if sender.lower() not in own:
        raise RefusedError("a redirect whose sender is none of the mailbox's addresses")


def send(message: bytes, sender: str, recipients: Sequence[str], options: argparse.Namespace) -> None:
    """Give it to the mail exchanger, by TLS with a verified name unless that is this host."""
    import smtplib
    import ssl

    host, _, port = options.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=30) as client:
        if options.ca:
            client.starttls(context=ssl.create_default_context(cafile=options.ca))
        more = [] if all(map(str.isascii, recipients)) else ["SMTPUTF8"]
        client.sendmail("" if sender == "<>" else sender, recipients, message, ["BODY=8BITMIME", *more])


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to those of command_line.py."""
    text = "Dovecot gọi để gửi thư do quy tắc Sieve của một hộp thư tạo ra"
    command = commands.add_parser("sieve-mail", help=text, description=text)
    command.add_argument("--smtp", required=True, metavar="HOST:PORT")
    command.add_argument("--ca", default="", help="CA của chứng thư máy chủ thư; để trống: máy này, không TLS")
    command.add_argument("--own", required=True, help="các địa chỉ của hộp thư, cách nhau bằng dấu phẩy")
    command.add_argument("--forward", required=True, help="các tên miền được chuyển tiếp đến, cách nhau bằng dấu phẩy")
    command.add_argument("--home", required=True, type=Path, help="thư mục của hộp thư: đã báo gì cho chủ, đã gửi gì")
    command.add_argument("--replies", required=True, type=int, help="số thư trả lời nhiều nhất trong một giờ")
    command.add_argument("--redirects", required=True, type=int, help="số thư chuyển tiếp nhiều nhất trong một giờ")
    command.add_argument("-i", action="store_true", help="như sendmail: dấu chấm không kết thúc thư")
    command.add_argument("-f", dest="sender", default="<>", help="như sendmail: người gửi phong bì")
    command.add_argument("recipients", nargs="+")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    message = sys.stdin.buffer.read()
    own = options.own.lower().split(",")
    owner = redirecting(message)
    # A report, it may be about what was led on: it is for the owner. So no two programs answer each other for ever.
    if owner and owner in own and options.sender == "<>":
        return _give_back(message, owner, options)
    kind, most = ("redirects", options.redirects) if owner else ("replies", options.replies)
    try:
        counted = sieve_limit.take(options.home, kind, most)
    except OSError as error:
        # It is sent: what is counted would be forgotten after an hour anyway.
        print(f"mail of a Sieve script of {own[0]} is not counted: {error}", file=sys.stderr)
        counted = None
    if counted is False:
        return _too_many(message, owner, own, options)
    try:
        if owner is None:
            check(message, own)
        else:
            check_redirect(options.sender, options.recipients, own, options.forward.lower().split(","))
        send(message, options.sender, options.recipients, options)
    except (RefusedError, OSError) as error:
        print(f"mail of a Sieve script of {own[0]} is not sent: {error}", file=sys.stderr)
        if counted:
            with contextlib.suppress(OSError):  # forgotten after an hour anyway
                sieve_limit.give_back(options.home, kind)
        if not _is_final(error):
            return 1
        _tell(own[0], fault_of(options.recipients[0] if owner else ""), options)
        return _give_back(message, owner, options) if owner and owner in own else 1
    return 0


def _too_many(message: bytes, owner: str | None, own: Sequence[str], options: argparse.Namespace) -> int:
    """Nothing is lost: the owner has what is not led on; what cannot be rejected Dovecot keeps for him."""
    if owner is None and _IN_ABSENCE.search(_head(message)):
        return 0
    print(f"too much mail of Sieve scripts of {own[0]} within an hour", file=sys.stderr)
    if owner is None or owner not in own:
        return 1
    _tell(own[0], _TOO_MANY.format(most=options.redirects), options)
    return _give_back(message, owner, options)


_TOO_MANY = "chuyển tiếp quá {most} thư trong một giờ, nên các thư sau không được chuyển tiếp"


def fault_of(target: str) -> str:
    """What is wrong with a rule; the target is that of a redirect."""
    if not target:
        return "gửi thư trả lời không phải dưới địa chỉ của chính hộp thư này (Đ4.6)"
    place = ascii(target)[1:-1]
    return f"chuyển tiếp thư đến {place}, nơi không được hoặc không thể tự động chuyển đến (Đ4.5)"


def note(owner: str, fault: str) -> bytes:
    """What the owner reads about a rule of his that cannot do what it says."""
    import email.header
    import email.utils

    return (
        _NOTE.format(
            domain=owner.partition("@")[2],
            owner=owner,
            subject=email.header.Header("Quy tắc lọc thư không thực hiện được", "utf-8").encode(),
            date=email.utils.formatdate(),
            id=email.utils.make_msgid(domain=owner.partition("@")[2]),
            fault=fault,
        )
        .replace("\n", "\r\n")
        .encode()
    )


def _tell(owner: str, fault: str, options: argparse.Namespace) -> None:
    """Once in WEEK, by what is noted in the mailbox's home."""
    import hashlib

    key = hashlib.sha256(fault.encode()).hexdigest()[:16]
    noted = options.home / ".sieve-notices"
    try:
        lines = noted.read_text().splitlines() if noted.exists() else []
        told = [line for line in lines if float(line.split()[1]) > time.time() - WEEK]
        if any(line.startswith(key) for line in told):
            return
        send(note(owner, fault), "<>", [owner], options)
        noted.write_text("".join(f"{line}\n" for line in [*told, f"{key} {time.time():.0f}"]))
    except (OSError, ValueError, IndexError) as error:
        print(f"{owner} is not told: {error}", file=sys.stderr)


def _give_back(message: bytes, owner: str, options: argparse.Namespace) -> int:
    """Put what is not led on into the owner's own mailbox, past his rules (20-returned.sieve).

    Dovecot takes every failure for one that passes. It would put off the whole delivery until the message expires, or
    leave out the rules that come after.
    """
    try:
        send(b"X-Sieve-Returned: yes\r\n" + message, options.sender, [owner], options)
    except OSError as error:
        print(f"mail for {owner} waits, since it is not led on and not given back: {error}", file=sys.stderr)
        return 1
    return 0


def _is_final(error: Exception) -> bool:
    """Whether a second try would fail as well."""
    import smtplib

    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, RefusedError) or (
        isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500
    )
