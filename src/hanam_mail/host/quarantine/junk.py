"""Spam for which there is no room is not held: it goes on at once, marked, into its receivers' Junk.

It has been taken from its sender long ago: waiting in the queue it would take room there, and come back in the end to
somebody whose address was forged. It goes by the door for what was let go, so that it is scanned, and Postfix hears of
each receiver what became of him.
"""

import threading
from collections.abc import Callable, Iterator

from hanam_mail.host.quarantine import release
from hanam_mail.host.quarantine.envelope import Envelope
from hanam_mail.host.quarantine.store import Draft

# What the receivers' filing looks at (role dovecot). Nobody but this host comes in by that door.
MARK = b"X-Spam: Yes\r\n"
# Messages that are remembered with those who have them.
_REMEMBERED = 4096


class Junk:
    """Hands messages on, to each receiver once: whoever comes again, since he has missed the answer, is remembered.

    Not beyond this program's end: what ends between the door's answer and ours arrives in Junk twice. Nothing is lost.
    """

    def __init__(self, connect: Callable[[], release.ReleaseServer], domain: str) -> None:
        self._connect, self._domain = connect, domain
        self._had: dict[str, set[str]] = {}
        self._turn = threading.Lock()

    def left(self, name: str, message: Envelope) -> Envelope:
        """The message of that name (store.name_of) for those who do not have it yet."""
        with self._turn:
            had = self._had.get(name, set())
            return message.only(each for each in message.recipients if each not in had)

    def hand_on(self, name: str, draft: Draft, message: Envelope) -> release.ReleaseOutcome:
        """Give it to Postfix for all its receivers; what came of it."""
        due = release.DueRelease(0, name, draft.sha256, message.sender, message.options, 0, message.as_dicts())
        outcome = release.deliver(due, self._marked(draft), self._connect, lambda _: True)
        if outcome.delivered:
            with self._turn:
                self._had[name] = self._had.pop(name, set()) | set(outcome.delivered)
                while len(self._had) > _REMEMBERED:
                    del self._had[next(iter(self._had))]
        return outcome

    def _marked(self, draft: Draft) -> Iterator[bytes]:
        yield MARK
        yield from release.outgoing(draft.pieces(), self._domain)
