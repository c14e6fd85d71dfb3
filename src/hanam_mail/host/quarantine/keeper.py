"""Folder and database together: what comes in, what is found at the start, what goes out, is learnt, is erased."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import datetime

from hanam_mail.host.quarantine import release, store
from hanam_mail.host.quarantine.accounts import InDoubtError, QuarantineAccounts
from hanam_mail.host.quarantine.dialogue import LATER
from hanam_mail.host.quarantine.envelope import Envelope
from hanam_mail.host.quarantine.junk import Junk
from hanam_mail.host.service import say

# A result that the database does not take is offered again after so many seconds: it must not be forgotten.
_AGAIN = 5.0
# A filter that is away is asked again after so many seconds: what goes out does not wait for it.
_TEACH_AGAIN = 60.0


class Keeper:
    """Keeps messages (dialogue.MessageStore), and does in rounds what is to be done with them."""

    def __init__(
        self,
        folder: store.Store,
        accounts: QuarantineAccounts,
        connect: Callable[[], release.ReleaseServer],
        domain: str,
        teach: Callable[[str, bytes], str],
    ) -> None:
        self._store, self._accounts, self._connect, self._domain = folder, accounts, connect, domain
        self._junk = Junk(connect, domain)
        # Has the filters learn a message, of a kind: why some have not, or nothing (mail/filters.py).
        self._teach_filters, self._teach_from, self._unteachable = teach, 0.0, ""
        # A file and its row are looked at and changed by one at a time.
        self._turn = threading.Lock()
        self._compared = False
        self._trouble = ""
        self.ending = threading.Event()

    # --- in ---

    def draft(self) -> store.Draft:
        """A place for a message that comes."""
        return self._store.draft()

    async def keep(self, draft: store.Draft, message: Envelope) -> dict[str, str]:
        """File first, row second: whoever is answered 250 has both.

        Or, of spam for which there is no room, its receiver has it. The answers for those who do not have it yet.
        """
        return await asyncio.to_thread(self._keep, draft, message)

    def _keep(self, draft: store.Draft, message: Envelope) -> dict[str, str]:
        name = store.name_of(draft, message)
        left = self._junk.left(name, message)
        if left.recipients:
            try:
                self._hold(draft, left)
            except store.NoRoomError as error:
                if error.kind != "spam":
                    raise
                return self._hand_on(name, draft, left)
        return {}

    def _hand_on(self, name: str, draft: store.Draft, message: Envelope) -> dict[str, str]:
        outcome = self._junk.hand_on(name, draft, message)
        said = f"{message.queue_id or '-'} as {outcome.queued_as or '-'}, "
        said += f"{len(outcome.delivered)}/{len(message.recipients)} người nhận"
        say(4, f"hết chỗ giữ thư rác, giao vào Thư rác / too little room is left for held messages, to Junk: {said}")
        later = outcome.later | dict.fromkeys(outcome.doubted, "no answer")
        if outcome.refused:
            # A virus, as is known by now, or a closed mailbox: a person has to see it, and its sender is a stranger.
            try:
                self._hold(draft, message.only(outcome.refused), needed=True)
            except Exception as error:
                later |= dict.fromkeys(outcome.refused, _words(error))
        if later:
            say(4, f"chưa giao được, bên gửi sẽ gửi lại / put off: {next(iter(later.values()))}")
        return dict.fromkeys(later, LATER)

    def _hold(self, draft: store.Draft, message: Envelope, *, needed: bool = False) -> None:
        with self._turn:
            record, fresh = self._store.keep(draft, message, datetime.now().astimezone(), needed=needed)
            name = record["message"]["file"]
            try:
                number, waits = self._accounts.take(record)
                if not waits:
                    # Handed over again after all was decided: it goes as any other, once the filter has learnt from it.
                    self._accounts.found({name})
            except InDoubtError:
                self._compared = False
                raise
            except Exception:
                # The queue that handed it over has it, and comes again.
                if fresh:
                    self._store.erase(name)
                raise
        said = "" if waits else ", đã quyết định từ trước / decided before"
        say(5, f"giữ thư số {number} / held: {message.queue_id or '-'}, {len(message.recipients)} người nhận{said}")

    # --- rounds ---

    def round(self) -> None:
        """Once what there is to do. What fails is said once, and tried in the next round."""
        try:
            if not self._compared:
                self._compared = True
                self._compare()
            self._erase()
            for due in self._accounts.due():
                if self.ending.is_set():
                    return
                self._release(due)
            self._teach()
        except Exception as error:
            self._compared = False
            trouble = _words(error)
            if trouble != self._trouble:
                say(3, f"việc với thư bị giữ chưa làm được / held messages cannot be looked after: {trouble}")
            self._trouble = trouble
        else:
            if self._trouble:
                say(5, "việc với thư bị giữ lại làm được / held messages are looked after again")
            self._trouble = ""

    def _compare(self) -> None:
        """Folder and database as the last run, or a restore of one of them, has left them."""
        if number := self._accounts.interrupted():
            say(
                3,
                f"{number} thư đang gửi thì dịch vụ dừng, chưa rõ đã đi chưa / a doubt whether {number} have gone out",
            )
        with self._turn:
            names = self._store.names()
            for name in sorted(names - self._accounts.known(names)):
                record = self._store.record(name)
                if record is None:
                    say(3, f"tệp {name}.eml không có hàng nào trong cơ sở dữ liệu / a file without a row or a record")
                    continue
                # Of a run that ended before its row was written, or newer than a database that was restored.
                try:
                    number, _ = self._accounts.take(record)
                except Exception as error:
                    # Refused, which is no fault of the others; a database that is away refuses nothing.
                    if not (getattr(error, "sqlstate", None) or isinstance(error, KeyError)):
                        raise
                    say(3, f"tệp {name}.eml không thành thư bị giữ được / cannot be taken in again: {_words(error)}")
                    continue
                say(
                    4,
                    f"tệp {name}.eml chưa có trong cơ sở dữ liệu, nay là thư số {number} / taken in from its file",
                )
            awaited = self._accounts.awaited()
            for name in sorted(awaited.keys() - names):
                self._accounts.lost(awaited[name])
                say(3, f"thư số {awaited[name]} không còn tệp / its file is gone: {name}.eml")
            if names:
                self._accounts.found(names)
            self._store.sweep()

    def _erase(self) -> None:
        with self._turn:
            for number, name in self._accounts.erasable():
                self._store.erase(name)
                self._accounts.erased(number)

    # --- out ---

    def _release(self, due: release.DueRelease) -> None:
        path = self._store.message(due.file)
        if not path.exists():
            self._accounts.lost(due.id)
            say(3, f"thư số {due.id} không còn tệp / its file is gone: {path.name}")
            return
        octets = release.outgoing(store.pieces(path, due.sha256), self._domain)
        try:
            outcome = release.deliver(due, octets, self._connect, lambda some: self._accounts.sending(due.id, some))
        except ValueError as error:
            # Not what it was: nothing has gone out, and a person has to know.
            outcome = release.ReleaseOutcome(
                refused=dict.fromkeys((each["address"] for each in due.recipients), _words(error))
            )
        self._put_down(due, outcome)
        if outcome.delivered:
            say(5, f"đã gửi thư số {due.id} / released as {outcome.queued_as}: {len(outcome.delivered)} người nhận")
        for address, words in outcome.refused.items():
            say(4, f"thư số {due.id} bị từ chối, lại giữ / refused, held again: {address}: {words}")
        if outcome.later and not due.tries:
            say(4, f"thư số {due.id} chưa gửi được / put off: {next(iter(outcome.later.values()))}")
        if outcome.doubted:
            say(
                3,
                f"thư số {due.id}: không rõ đã gửi chưa / a doubt whether it is out: {', '.join(outcome.doubted)}",
            )

    # --- lessons ---

    def _teach(self) -> None:
        """What was let go of spam was none: each once, and no more of them in this round when one fails."""
        if time.monotonic() < self._teach_from:
            return
        for number, name, sha256 in self._accounts.lessons():
            if self.ending.is_set():
                return
            trouble = self._lesson(name, sha256)
            if self._accounts.taught(number, learnt=not trouble) == "missed":
                say(4, f"bộ lọc không học thư số {number} đã giao / a lesson is missed: {trouble}")
            if trouble and trouble != self._unteachable:
                say(4, f"bộ lọc chưa học được thư đã giao / the filter does not learn: {trouble}")
            self._unteachable = trouble
            if trouble:
                self._teach_from = time.monotonic() + _TEACH_AGAIN
                return

    def _lesson(self, name: str, sha256: str) -> str:
        try:
            octets = b"".join(release.outgoing(store.pieces(self._store.message(name), sha256), self._domain))
        except (OSError, ValueError) as error:
            return _words(error)
        return self._teach_filters("ham", octets)

    def _put_down(self, due: release.DueRelease, outcome: release.ReleaseOutcome) -> None:
        """Until the database has it: of what went out nobody else knows."""
        while True:
            try:
                self._accounts.result(due.id, outcome)
                return
            except Exception as error:
                if self.ending.is_set():
                    # The next run finds `sending` and makes a doubt of it.
                    raise
                say(3, f"kết quả gửi thư số {due.id} chưa ghi được / the result waits: {_words(error)}")
                time.sleep(_AGAIN)


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
