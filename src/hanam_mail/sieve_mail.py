"""Mail that a person's Sieve script sends (vacation, reject) goes out under that person's own addresses only (Đ4.6).

Dovecot calls this program instead of sendmail, with the mailbox's addresses from the accounts database. A script
chooses From (`vacation :from`) and may write header fields of its own (`:mime`); what it made is looked at as strictly
as mail of somebody who signed in, and nothing that two readers might read differently goes out.
"""

import argparse
import email.utils
import re
import smtplib
import ssl
import sys
from collections.abc import Sequence

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


class RefusedError(Exception):
    """The message does not go out."""


def check(message: bytes, own: Sequence[str]) -> None:
    """Raise RefusedError unless From is exactly one of the mailbox's own addresses, whoever reads it."""
    head = re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0]
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
    author = seen.get("from", "")
    found = [address for _, address in email.utils.getaddresses([author])]
    if len(found) != 1 or found[0].lower() not in own:
        raise RefusedError("From is none of the mailbox's addresses")
    # One "@", and the address stands where every reader looks for it.
    if author.count("@") != 1 or not author.lower().endswith((f"<{found[0].lower()}>", f"{found[0].lower()}")):
        raise RefusedError("From is not plainly one address")


def send(message: bytes, sender: str, recipients: Sequence[str], options: argparse.Namespace) -> None:
    """Give it to the mail exchanger, by TLS with a verified name unless that is this host."""
    host, _, port = options.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=30) as client:
        if options.ca:
            client.starttls(context=ssl.create_default_context(cafile=options.ca))
        more = [] if all(map(str.isascii, recipients)) else ["SMTPUTF8"]
        client.sendmail("" if sender == "<>" else sender, recipients, message, ["BODY=8BITMIME", *more])


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to those of target.py."""
    text = "Dovecot gọi để gửi thư do quy tắc Sieve của một hộp thư tạo ra"
    command = commands.add_parser("sieve-mail", help=text, description=text)
    command.add_argument("--smtp", required=True, metavar="HOST:PORT")
    command.add_argument("--ca", default="", help="CA của chứng thư máy chủ thư; để trống: máy này, không TLS")
    command.add_argument("--own", required=True, help="các địa chỉ của hộp thư, cách nhau bằng dấu phẩy")
    command.add_argument("-i", action="store_true", help="như sendmail: dấu chấm không kết thúc thư")
    command.add_argument("-f", dest="sender", default="<>", help="như sendmail: người gửi phong bì")
    command.add_argument("recipients", nargs="+")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    message = sys.stdin.buffer.read()
    try:
        check(message, options.own.lower().split(","))
        send(message, options.sender, options.recipients, options)
    except (RefusedError, OSError, smtplib.SMTPException) as error:
        print(f"mail of a Sieve script of {options.own.partition(',')[0]} is not sent: {error}", file=sys.stderr)
        return 1
    return 0
