"""What strangers' reports are made of, taken one by one: texts, numbers, times, addresses, names of domains.

Each gives a value that the database takes as it is, or raises Refused. Nothing of it is longer than WORD.
"""

import re
import unicodedata
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from typing import Any

from hanam_mail.host.extract.work import End, Refused

WORD = 255
"""Signs of a text: names of domains have no more, and nobody reads more of the others."""
MOST = 10**12
"""Messages or sessions that one line may count."""
# 2000 to 2100: what is beyond is no time of a report.
_FIRST, _LAST = 946_684_800, 4_102_444_800
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+")
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


def broken(what: str) -> Refused:
    """A report of which a part, named in ASCII, is not what the standards say."""
    return Refused(End.BROKEN, what)


def text(value: Any, what: str, *, most: int = WORD) -> str:
    """One line without signs that turn or hide what stands beside it; "" for nothing."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise broken(what)
    # What normal form makes longer is cut again.
    line = " ".join(_CONTROLS.sub(" ", unicodedata.normalize("NFC", value[: 4 * most])).split())
    return line[:most].strip()


def word(value: Any, what: str) -> str:
    """The same, and there has to be one."""
    return text(value, what) or _refuse(what)


def number(value: Any, what: str, *, least: int = 0, most: int = MOST) -> int:
    """A whole number; text is taken where it is digits, as XML has it."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,15}\s*", value, re.ASCII):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise broken(what)
    return value


def moment(value: Any, what: str) -> str:
    """A time as RFC 3339 or in seconds since 1970, as text in UTC."""
    if isinstance(value, str) and not re.fullmatch(r"\s*[0-9]+\s*", value):
        try:
            read = datetime.fromisoformat(value.strip())
            seconds = int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError) as error:
            raise broken(what) from error
    else:
        seconds = number(value, what)
    if not _FIRST <= seconds <= _LAST:
        raise broken(what)
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def address(value: Any, what: str) -> str:
    """An IP address without a zone; one of IPv4 in the clothes of IPv6 is one of IPv4."""
    try:
        found = ip_address(word(value, what))
    except ValueError as error:
        raise broken(what) from error
    if isinstance(found, IPv6Address):
        if found.scope_id:
            raise broken(what)
        found = found.ipv4_mapped or found
    return str(found)


def maybe_address(value: Any, what: str) -> str | None:
    """The same where it may be missing, or be something else: some write a name there."""
    try:
        return address(value, what)
    except Refused:
        return None


def domain(value: Any, what: str) -> str:
    """A name as DNS has it, in small letters."""
    name = word(value, what).lower().rstrip(".")
    if not _DOMAIN.fullmatch(name):
        raise broken(what)
    return name


def _refuse(what: str) -> str:
    raise broken(what)
