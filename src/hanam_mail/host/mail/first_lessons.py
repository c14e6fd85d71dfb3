"""hanam-first-lessons FILE SOCKET STAMP: teaches a filter that has learnt nothing yet (role rspamd).

FILE holds lessons, JSON: {digest, lessons: [[text, wanted], ...]}. The filter at SOCKET, rspamd's controller, learns
each as a message of that text, and without accents too, as both kinds often come. What it knows already it
learns no second time, and what people have taught stays. STAMP notes the digest of the lessons, and how many messages
the filter knew the last time that it was asked. That number grows: when it knows less than half, its memory was lost,
and the same lessons are given again, whatever people have taught it since. Exit 1 when the filter is away or refuses:
systemd tries again. Where it has been taught, a filter that is away is asked the next time.
"""

import json
import sys
import time
import unicodedata
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from http.client import HTTPException
from pathlib import Path

from hanam_mail.host.mail.filters import Filters, learnt_by
from hanam_mail.host.service import say

SETTLES = 40.0
"""Seconds until the filter tells what it has learnt: it looks into its memory every 30."""


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
        letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
        plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
        if plain != text:
            yield plain, wanted


def teach(file: Path, socket: str, stamp: Path) -> str:
    """Why not all of it is learnt, or nothing."""
    data = json.loads(file.read_text(encoding="utf-8"))
    digest, number = _noted(stamp)
    try:
        known = learnt_by(socket)
        if digest != data["digest"] or 2 * known < number:
            filters = Filters([socket], "", "", "")
            for text, wanted in _forms(data["lessons"]):
                if trouble := filters.teach("ham" if wanted else "spam", message(text)):
                    return trouble
            time.sleep(SETTLES)
            known = learnt_by(socket)
            say(6, f"{len(data['lessons'])} first lessons are learnt; the filter knows {known} messages")
    except (OSError, HTTPException, ValueError) as error:
        return "" if digest == data["digest"] else f"the filter does not answer: {error}"
    if (digest, number) != (data["digest"], known):
        new = stamp.with_suffix(".new")
        new.write_text(f"{data['digest']} {known}\n", encoding="utf-8")
        new.replace(stamp)
    return ""


def _noted(stamp: Path) -> tuple[str, int]:
    """Digest and number of messages, as noted; ("", 0) where nothing is, or what an earlier release wrote."""
    words = stamp.read_text(encoding="utf-8").split() if stamp.exists() else []
    return (words[0], int(words[1])) if len(words) == 2 and words[1].isdecimal() else ("", 0)


def main() -> int:
    """0: learnt, now or before."""
    file, socket, stamp = sys.argv[1:]
    trouble = teach(Path(file), socket, Path(stamp))
    if trouble:
        say(4, f"the first lessons are not learnt: {trouble}")
    return 1 if trouble else 0
