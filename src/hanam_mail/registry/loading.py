"""The registry as a whole: read `mailboxes/`, check it, hand out typed values or every problem at once.

registry = load(Path("mailboxes"))        raises errors.InputError with all problems
document = desired_state(registry)        what the accounts host applies, see desired_state.py
"""

import gc
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hanam_mail.errors import InputError
from hanam_mail.registry import entries, folder, rules, settings
from hanam_mail.registry.cache import Cache
from hanam_mail.registry.desired_state import desired_state
from hanam_mail.registry.model import Entry, Registry
from hanam_mail.regulation import group_vars, provisions
from hanam_mail.regulation.provisions import Regulation

__all__ = ["desired_state", "load", "no_collector", "regulation_beside", "settings_beside", "today"]

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")  # all dates of the registry are the province's


def today() -> date:
    """The date in the province."""
    return datetime.now(_ZONE).date()


def regulation_beside(path: Path) -> Path:
    """regulation.yml of the project that the registry at `path` is part of."""
    return group_vars.province_folder(path.resolve().parent) / "regulation.yml"


def settings_beside(path: Path) -> Path:
    """registry.yml of the project that the registry at `path` is part of."""
    return regulation_beside(path).with_name("registry.yml")


def load(
    path: Path,
    *,
    regulated_by: Regulation | None = None,
    day: date | None = None,
    cache: Path | None = None,
    former_of: Registry | None = None,
    same: Collection[Path] = (),
    former: bool = False,
) -> Registry:
    """Read and check the registry in the folder `path` (agencies there, the register of requests in
    requests/).

    `regulated_by` defaults to the regulation beside the registry, `day` to today: no date may lie after it.
    `cache` is a folder where read files are kept (cache.cache_folder()); None keeps none. `former`: an earlier
    revision, which may break rules (rules.check); `former_of` is what it became, and shares the entries of every file
    that says the same, whose sources then name its files. Of such files those in `same`, by their place in the folder,
    need not be there.
    Raises InputError with all problems of all files; those of regulation.yml and registry.yml alone.
    """
    rule_book = regulated_by or provisions.load(regulation_beside(path))
    chosen = settings.load(settings_beside(path))
    found = entries.Found()
    known = Cache(cache, rule_book)
    shared = former_of.texts if former_of is not None and former_of.regulation == rule_book else {}
    at_hand = {place: former_of.texts[place][0] for place in same} if former_of is not None else {}
    texts: dict[Path, tuple[str, Sequence[Entry]]] = {}
    with no_collector():
        for file, text in folder.texts(path, found.problems, at_hand).items():
            place = file.relative_to(path)
            before = shared.get(place)
            read = before[1] if before and before[0] == text else _read(text, file, rule_book, known, found)
            texts[place] = text, read
            found.add(read)
        problems = [*found.problems, *rules.check(found, rule_book, day or today(), chosen, former=former)]
    known.tidy()
    if problems:
        raise InputError(problems)
    return Registry(
        agencies={agency.id: agency for agency in found.agencies},
        mailboxes={mailbox.id: mailbox for mailbox in found.mailboxes},
        requests={request.id: request for request in found.requests},
        regulation=rule_book,
        settings=chosen,
        texts=texts,
    )


def _read(text: str, file: Path, rule_book: Regulation, known: Cache, found: entries.Found) -> Sequence[Entry]:
    """What a file holds, from the cache if the text was read without a fault before; its faults go to `found`."""
    read = known.get(text, str(file))
    if read is None:
        fresh = entries.Found()
        if folder.is_register(file):
            entries.read_request_file(text, str(file), fresh)
        else:
            entries.read_agency_file(text, str(file), rule_book, fresh)
        read = fresh.entries
        if not fresh.problems:
            known.put(text, read)
        found.problems.extend(fresh.problems)
        found.unread.update(fresh.unread)
    return read


@contextmanager
def no_collector() -> Iterator[None]:
    """Let the cyclic garbage collector rest while everything made is kept: it would look through all of it again and
    again (half of the time at 100,000 mailboxes) and find nothing.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
