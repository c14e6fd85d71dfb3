"""Private providers that fetch official mailboxes (Đ4.5): whose the sources of sign-ins are, and the letter about it.

hanam-mail-db collectors-look   ask DNS what the sources of sign-ins are called, and act on it (its timer: role jobs)

A sign-in never waits for DNS. A name counts only where the name has that address (forward-confirmed). Where DNS does
not say, nobody is a provider.
"""

import argparse
import hashlib
import ipaddress
import itertools
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

from hanam_mail.host import frame
from hanam_mail.host.database.session import JOBS_DSN, Row, Session, one
from hanam_mail.host.jobs import notices

# A run looks at so many sources at most; the next one goes on.
MOST = 1000
# It acts after each so many: sign-ins may wait for the first of them.
BATCH = 100
AT_ONCE = 16
SECONDS = 10.0
# Whoever writes a reverse zone may put hundreds of names there.
NAMES = 4
# Who has a zone may write any octets into it.
_NAME = re.compile(r"[a-z0-9._-]{1,253}")
# So many mailboxes a transaction: numbers of the outbox are drawn under a lock that is held until commit.
CHUNK = 100


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "tìm nhà cung cấp thư riêng trong các nơi đã đăng nhập (Đ4.5)"
    command = commands.add_parser("collectors-look", help=text, description=text)
    command.add_argument("--nameserver", action="append", metavar="IP[:CỔNG]", help="mặc định 127.0.0.1")
    command.add_argument("--dsn", default=JOBS_DSN)
    frame.add_json_option(command)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    import psycopg

    servers = [_server(text) for text in options.nameserver or ["127.0.0.1"]]
    with psycopg.connect(options.dsn, application_name="hanam-mail-jobs", connect_timeout=10) as connection:
        sources = connection.execute(
            "SELECT address::text, host(client) FROM mail.sources_unnamed(%s)", [MOST]
        ).fetchall()
        # No transaction is open while DNS is asked.
        connection.commit()
        heard = followed = 0
        # Without sources there still is what waits too long, or is refused no more.
        for some in [*itertools.batched(sources, BATCH, strict=False)] or [()]:
            with ThreadPoolExecutor(AT_ONCE) as threads:
                found = list(threads.map(lambda source: _names(source[1], servers), some))
            heard += sum(names is not None for names in found)
            # Where DNS says nothing at all it is away: all of them are asked again with the next run.
            if heard:
                for (source, client), names in zip(some, found, strict=True):
                    connection.execute(
                        "SELECT mail.source_named(%s::text::inet, %s::text::inet, %s::text[])", [source, client, names]
                    )
            connection.commit()
            followed += _follow(connection)
    unheard = len(sources) - heard
    text = f"đã hỏi tên của {heard} nơi đăng nhập, DNS không trả lời {unheard}; việc của nhà cung cấp: {followed}"
    quiet = "" if not sources and not followed else text
    return frame.answer(options, bool(followed), quiet, asked=heard, unheard=unheard, followed=followed)


def _follow(connection: Session) -> int:
    """Act on what is known; how many things were done."""
    done = 0
    while some := one(connection, "SELECT mail.collectors_follow(%s)", [CHUNK])[0]:
        connection.commit()
        done += some
    return done


def _server(text: str) -> tuple[str, int]:
    address, _, port = text.partition(":") if text.count(":") == 1 else (text, "", "")
    return address, int(port or 53)


def _names(text: str, servers: Sequence[tuple[str, int]]) -> list[str] | None:
    """The names of an address, in small letters without the dot at their end; None: DNS does not say."""
    from hanam_mail.host.mail_auth.questions import Questions, TemporaryError

    address = ipaddress.ip_address(text)
    questions = Questions(servers, time.monotonic() + SECONDS, 1 + NAMES)
    kind = "A" if address.version == 4 else "AAAA"
    try:
        names = questions.names(address.reverse_pointer, "PTR")[:NAMES]
        named = [name.lower() for name in names if _has(questions.names(name, kind), address)]
        return [name for name in named if _NAME.fullmatch(name)]
    except TemporaryError:
        return None


def _has(addresses: Sequence[str], wanted: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(ipaddress.ip_address(address) == wanted for address in addresses)


_PROTOCOLS = {"imap": "IMAP", "pop3": "POP3", "smtp": "gửi thư", "submission": "gửi thư"}


def letter(rows: Sequence[Row], configuration: notices.JobsConfiguration) -> EmailMessage:
    """One letter to the operator; a row is (seq, mailbox's address, provider, source, protocols, whether refused)."""
    lines = [
        f"{owner}: {name}, bằng {', '.join(dict.fromkeys(_PROTOCOLS.get(each, each) for each in protocols))},"
        f" từ {address}; {'bị từ chối' if refused else 'chưa bị từ chối'}"
        for _, owner, name, address, protocols, refused in rows
    ]
    key = "/".join(["collectors", *(str(row[0]) for row in rows)])
    values = {"number": str(len(rows)), "list": notices.listed(lines, "trường hợp nữa")}
    return notices.message(
        "collectors", values, [configuration.operator], hashlib.sha256(key.encode()).hexdigest()[:32], configuration
    )


def tell(
    connection: Session, configuration: notices.JobsConfiguration, connect: Callable[[], notices.Mailer]
) -> tuple[int, int, str]:
    """Tell the operator; as notices.tell_operator."""
    return notices.tell_operator(
        connection,
        configuration,
        connect,
        "SELECT seq, owner, name, host(address), protocols, refused FROM mail.collectors_to_tell()",
        lambda rows: letter(rows, configuration),
        "SELECT mail.collectors_told(%s)",
    )
