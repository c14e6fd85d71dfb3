"""Where a person is transferred to, by what the row says: in the column for it, in the request, in the note.

Nobody is moved by a guess: what a row names twice, or only beside other things, is refused with where to write it.
"""

import re

from hanam_mail.importing.agencies import Directory, reads_as_agency
from hanam_mail.registry.model import Agency

_ADVICE = "ghi tên một cơ quan ở cột Cơ quan mới"
_TO, _FROM, _ASIDE = "to", "from", "aside"
_TURNS = re.compile(
    r"\b(?:(?P<to>sang|đến|den|về|tới|toi)|(?P<from>từ|khỏi|rời)|(?P<aside>theo|căn cứ|thay|vì)|"
    r"(?P<verb>chuyển|chuyen|điều động|điều chuyển|luân chuyển|biệt phái))\b",
    re.IGNORECASE,
)
_UP_TO = re.compile(r"[,;()]|\b(?:từ|theo|thay|sang|đến|về)\b", re.IGNORECASE)
# What may stand before the agency of a note that says where to: "thay đồng chí An về Sở Y tế" speaks of another.
_LEAD = re.compile(
    r"(.*[,;.])?(\s|được|xin|đề nghị|chuyển|điều động|điều chuyển|luân chuyển|biệt phái|đi|nhận|công tác|làm việc|tại|"
    r"cơ quan|đơn vị|mới|:|sang|đến|về|tới)*",
    re.IGNORECASE,
)
# A decision may stand before it, whose words name who decided; of others ("thay đồng chí An") it says nothing then.
_DECIDED = re.compile(
    r"\s*((theo|căn cứ)\s+)?(quyết định|qđ|công văn|cv|văn bản|tờ trình)\b"
    r"((?!\b(sang|đến|den|về(?! việc)|tới|toi|thay|vì|gửi|trả|nộp|đồng chí|đ/c|ông|bà)\b).)*\b(sang|đến|den|về|tới|toi)"
    r"(\s|nhận|công tác|làm việc|tại|cơ quan|đơn vị|mới|:)*",
    re.IGNORECASE,
)


def in_ask(text: str, directory: Directory) -> tuple[Agency | None, Agency | None]:
    """The agency that a request moves to and the one it moves from, each None if it names none.

    Raises ValueError when it moves to several, or to what is no agency.
    """
    by_turn: dict[str, dict[str, Agency]] = {}
    named = directory.named(text)
    for start, agency in named:
        by_turn.setdefault(_turn(text[:start]), {})[agency.id] = agency
    to = by_turn.get(_TO) or by_turn.get("") or {}
    if len(to) > 1:
        names = ", ".join(f"“{agency.name}”" for agency in to.values())
        raise ValueError(f"“{text}” nêu nhiều cơ quan ({names}): {_ADVICE}")
    for turn in _TURNS.finditer(text):
        rest = _UP_TO.split(text[turn.end() :])[0]
        known = any(turn.end() <= start <= turn.end() + len(rest) for start, _ in named)
        if turn.lastgroup == _TO and not known and (reads_as_agency(rest.strip()) or directory.mentioned(rest)):
            raise ValueError(f"không có cơ quan “{rest.strip(' .:')}” trong sổ đăng ký: {_ADVICE}")
    origin = list(by_turn.get(_FROM, {}).values())
    return next(iter(to.values()), None), origin[0] if len(origin) == 1 else None


def in_note(text: str, directory: Directory, holder: Agency) -> Agency | None:
    """The one agency beside the mailbox's `holder` that a note sends to.

    Raises ValueError when it names agencies and does not plainly send there.
    """
    named = [(start, agency) for start, agency in directory.named(text) if agency.id != holder.id]
    if not named:
        mentioned = directory.mentioned(text)
        if mentioned is None or mentioned.id == holder.id:
            return None
    elif len({agency.id for _, agency in named}) == 1 and _LEAD.fullmatch(text[: named[0][0]]):
        return named[0][1]
    elif decided := _by_decision(text, named):
        return decided
    raise ValueError(f"không rõ “{text}” có nói nơi chuyển đến không: {_ADVICE}")


def _by_decision(text: str, named: list[tuple[int, Agency]]) -> Agency | None:
    """The one agency that the words of a decision send to, None if they do not plainly send to one."""
    turns = [(_turn(text[:start]), start, agency) for start, agency in named]
    to = [(start, agency) for turn, start, agency in turns if turn == _TO]
    if len({agency.id for _, agency in to}) != 1 or not _DECIDED.fullmatch(text[: to[0][0]]):
        return None
    behind = (turn for turn, start, _ in turns if start > to[0][0])
    return None if "" in behind else to[0][1]


def _turn(before: str) -> str:
    """What the words before a name make of it: the place to go to, to leave or aside; "" for nothing said."""
    last = next(reversed(list(_TURNS.finditer(before))), None)
    return "" if last is None or last.lastgroup == "verb" else str(last.lastgroup)
