"""The comment on a merge request: what merging it does to people's mailboxes, in Vietnamese, as Markdown.

First what stops it or needs a second look, then the counts, then a table for each kind of change with the
document behind every line. Long tables are folded, very long ones cut: a comment has a reader and a limit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hanam_mail import vietnamese
from hanam_mail.errors import Problem
from hanam_mail.plan import wording
from hanam_mail.plan.model import Assessment, NoteKind, Plan, PlanGroup
from hanam_mail.registry.model import Registry
from hanam_mail.review import register
from hanam_mail.review.register import RequestChange

MARK = "<!-- hanam-mail plan -->"  # by which the comment is found again
_OPEN_ROWS = 15
_MOST_ROWS = 300
_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]|~#"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})
_WARNING_NOTES = (NoteKind.NO_CLERK, NoteKind.SHARED_ADDRESS)


@dataclass(frozen=True, slots=True)
class Review:
    """A comparison ready to be told: the plan and what is against it, what became of the register of requests, which
    new addresses and codes Điều 5 would have proposed otherwise."""

    found: Assessment
    requests: tuple[RequestChange, ...]
    agencies: Mapping[str, str]
    deviations: tuple[str, ...] = ()

    @property
    def plan(self) -> Plan:
        """What applying does."""
        return self.found.plan

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reviewer should look at twice, though it may be meant."""
        papers = (text for each in self.requests for text in register.warnings(each, self.agencies))
        return (*_warnings(self.plan), *papers, *self.deviations)


def requests(before: Registry, after: Registry) -> tuple[RequestChange, ...]:
    """The requests that are new, were answered or changed, or are gone."""
    return register.changes(before, after)


def comment(review: Review, base: str) -> str:
    """The Markdown text; `base` names what the registry is compared with."""
    return _text(base, _parts(review))


def refusal(problems: Sequence[Problem], base: str) -> str:
    """The Markdown text about a registry that `hanam-mail check` refuses, of the merge request or of the base."""
    shown = [f"- {_escape(str(problem))}" for problem in problems[:_MOST_ROWS]]
    left = len(problems) - len(shown)
    more = [f"- … và {vietnamese.number(left)} lỗi khác"] if left else []
    count = vietnamese.number(len(problems))
    if all(problem.file.startswith(f"{base}:") for problem in problems):
        title = f"**Không lập được kế hoạch: sổ đăng ký ở bản {_escape(base)} có {count} lỗi:**"
    else:
        title = f"**Sổ đăng ký có {count} lỗi, chưa thể hợp nhất:**"
    return _text(base, [title, "", *shown, *more])


def _text(base: str, parts: Iterable[str]) -> str:
    title = "### Yêu cầu này làm gì với hộp thư"
    return "\n".join([MARK, title, "", *parts, "", f"So với `{base}`. Kế hoạch do `hanam-mail plan` lập."]) + "\n"


def _parts(review: Review) -> Iterator[str]:
    for title, reasons in (
        ("**Không bao giờ áp dụng được, phải sửa trước khi hợp nhất:**\n", review.found.never),
        ("**Không áp dụng được nếu người vận hành chưa cho phép rõ ràng:**\n", review.found.stops),
    ):
        if reasons:
            yield title
            yield from (f"- {_escape(reason)}" for reason in reasons)
            yield ""
    if review.warnings:
        yield "**Xin xem kỹ:**\n"
        yield from (f"- {_escape(warning)}" for warning in review.warnings)
        yield ""
    if not review.plan.changed:
        yield "Không có hộp thư hay cơ quan nào thay đổi."
    for line in wording.summary(review.plan) if review.plan.changed else ():
        yield f"- {_escape(line)}"
    for section in wording.sections(review.plan):
        rows = [(row.who, "; ".join(row.changes), row.document, row.id) for row in section.rows]
        yield from _table(section.title, ("Ai", "Thay đổi", "Văn bản", "Mã"), rows, section.count)
    if review.requests:
        papers = [_paper(each, review.agencies) for each in review.requests]
        yield from _table(
            "Sổ đề nghị", ("Số", "Văn bản", "Cơ quan", "Căn cứ", "Kết quả", "Bị sửa"), papers, len(papers)
        )


def _paper(change: RequestChange, agencies: Mapping[str, str]) -> tuple[str, ...]:
    """The row of a request."""
    each = change.request
    result = register.RESULTS[each.result] + (f", {each.reply.document or 'chưa có số trả lời'}" if each.reply else "")
    return (
        each.id,
        f"{each.document} ngày {vietnamese.day(each.dated)}, nhận {vietnamese.day(each.received)}",
        agencies.get(each.agency, each.agency),
        each.ground,
        result if change.after else f"bị xóa khỏi sổ (trước đó: {result})",
        "; ".join(change.rewritten(agencies)),
    )


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], count: int) -> Iterator[str]:
    """A table without its empty columns, folded when it is long; `count` is of what its rows tell."""
    used = [index for index, _ in enumerate(columns) if any(row[index] for row in rows)]
    folded = len(rows) > _OPEN_ROWS
    heading = f"{title} ({vietnamese.number(count)})"
    yield f"\n<details><summary><b>{heading}</b></summary>\n" if folded else f"\n#### {heading}\n"
    yield _line(columns[index] for index in used)
    yield _line("---" for _ in used)
    for row in rows[:_MOST_ROWS]:
        yield _line(_escape(row[index]) for index in used)
    if len(rows) > _MOST_ROWS:
        yield f"\n… và {vietnamese.number(len(rows) - _MOST_ROWS)} dòng nữa."
    if folded:
        yield "\n</details>"


def _warnings(plan: Plan) -> Iterator[str]:
    for entry in plan.entries:
        for change in entry.changes:
            if change.field == "quota_bytes" and change.before is not None and change.after < change.before:
                sizes = f"từ {vietnamese.size(change.before)} xuống {vietnamese.size(change.after)}"
                yield f"Giảm dung lượng {sizes}: {entry.name} <{entry.address}>"
            if change.field == "alias" and change.after is None:
                yield (
                    f"Địa chỉ {change.before['address']} của {entry.name} bị xóa khỏi sổ: thôi nhận thư, và sổ "
                    "không còn ngăn cấp nó cho người khác; địa chỉ cũ phải để lại làm bí danh (aliases), kể cả khi đã "
                    "hết hạn (Đ5.2)"
                )
            if change.field == "history":
                code = f"(mã {entry.address})" if entry.group.startswith("agency") else f"<{entry.address}>"
                yield f"Lịch sử của {entry.name} {code} bị viết lại: {wording.rewriting(change)}"
    yield from (wording.note_text(note) for note in plan.notes if note.kind in _WARNING_NOTES)
    revoked = plan.counts.get(PlanGroup.REVOKED, 0)
    if revoked:
        yield f"{vietnamese.number(revoked)} hộp thư bị thu hồi: đóng vĩnh viễn, địa chỉ không cấp lại (Đ6.2c, Đ5.2)"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape(text: str) -> str:
    return " ".join(text.translate(_SPECIAL).split())
