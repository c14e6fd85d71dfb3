"""hanam-first-lessons FILE SOCKET STAMP: teaches a filter that has learnt nothing yet (role rspamd).

FILE holds lessons, JSON: {digest, lessons: [[text, wanted], ...]}. The filter at SOCKET, rspamd's controller, learns
each as a message of that text, and without accents too, as both kinds often come. What it knows already it
learns no second time, and what people have taught stays. STAMP notes the digest of the lessons, and how many messages
the filter knew the last time that it was asked. That number grows: when it knows less than half, its memory was lost,
and the same lessons are given again, whatever people have taught it since.

Exit 1 when the filter is away or refuses: systemd tries again soon. Exit 2 when it takes all lessons and then knows
less than half as many messages: the timer tries again. Where it has been taught, a filter that is away is asked the
next time.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import SMTP
from http.client import HTTPException
from pathlib import Path

from hanam_mail.alphabet import without_accents
from hanam_mail.host.mail.filters import STARTED_SECONDS, Filters, learnt_by
from hanam_mail.host.service import say

SETTLES = 40.0
"""Seconds until the filter tells what it has learnt: it looks into its memory every 30."""
AWAY, FORGETFUL = 1, 2


class Forgetful(Exception):
    """The filter has taken all lessons and does not know them: at once it would be the same again."""


def message(text: str) -> bytes:
    """A lesson as the filter learns it: its first line is the subject, if more follow."""
    first, _, rest = text.partition("\n")
    mail = EmailMessage(policy=SMTP)
    if rest:
        mail["Subject"] = first
    mail["MIME-Version"] = "1.0"
    mail.set_content(rest or text, cte="base64")
    return mail.as_bytes()


def _forms(lessons: list[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    for text, wanted in lessons:
        yield text, wanted
        plain = without_accents(text)
        if plain != text:
            yield plain, wanted


def teach(file: Path, socket: str, stamp: Path, sleep: Callable[[float], None] = time.sleep) -> str:
    """Why not all of it is given, or nothing. Raises Forgetful."""
    data = json.loads(file.read_text(encoding="utf-8"))
    lessons = data["lessons"]
    digest, number = _noted(stamp)
    taught = digest == data["digest"] and number > 0
    least = max(number, len(lessons)) / 2
    try:
        known = _known(socket, least, sleep) if taught else 0
        if known < least:
            filters = Filters([socket], "", "", "")
            for text, wanted in _forms(lessons):
                lesson = "ham" if wanted else "spam", message(text)
                if filters.teach(*lesson):
                    # A deployment starts the filter, and then this.
                    sleep(STARTED_SECONDS + 1)
                    if trouble := filters.teach(*lesson):
                        return trouble
            sleep(SETTLES)
            known = _known(socket, len(lessons) / 2, sleep)
            if known < len(lessons) / 2:
                raise Forgetful(f"the filter took {len(lessons)} of them, and knows {known} messages")
            say(6, f"{len(lessons)} first lessons are learnt; the filter knows {known} messages")
    except (OSError, HTTPException, ValueError) as error:
        return "" if taught else f"the filter does not answer: {error}"
    if (digest, number) != (data["digest"], known):
        new = stamp.with_suffix(".new")
        new.write_text(f"{data['digest']} {known}\n", encoding="utf-8")
        new.replace(stamp)
    return ""


def _known(socket: str, least: float, sleep: Callable[[float], None]) -> int:
    """How many messages the filter knows. One that has just started says 0 until it has looked into its memory."""
    known = learnt_by(socket)
    if known < least:
        sleep(SETTLES)
        known = learnt_by(socket)
    return known


def _noted(stamp: Path) -> tuple[str, int]:
    """Digest and number of messages, as noted; ("", 0) where nothing is, or nothing that can be read."""
    try:
        digest, number = stamp.read_text(encoding="utf-8").split()
        return digest, int(number)
    except (FileNotFoundError, ValueError):
        return "", 0


def main() -> int:
    """0: learnt, now or before."""
    file, socket, stamp = sys.argv[1:]
    try:
        trouble, status = teach(Path(file), socket, Path(stamp)), AWAY
    except Forgetful as error:
        trouble, status = str(error), FORGETFUL
    if trouble:
        say(4, f"the first lessons are not learnt: {trouble}")
    return status if trouble else 0
