"""A plan in Vietnamese, as the operator and the reviewer of a merge request read it. No secrets, ids last.

`summary` counts, `lines` tells everything or the beginning of each group, `sections` is the same in parts for tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hanam_mail.plan.model import Change, Note, Plan, PlanEntry
from hanam_mail.vietnamese import STATES, day, number, size

GROUPS = {
    "agency_created": "Cơ quan mới",
    "agency_changed": "Cơ quan thay đổi",
    "created": "Cấp mới",
    "revoked": "Thu hồi",
    "locked": "Tạm khóa",
    "restored": "Khôi phục",
    "merged": "Chuyển theo sáp nhập cơ quan",
    "transferred": "Chuyển cơ quan",
    "changed": "Thay đổi",
}
_SIGNS = {"agency_created": "+", "created": "+", "revoked": "-"}
_KINDS = {"agency": "cơ quan", "office": "phòng, đơn vị", "person": "cá nhân", "guest": "tổ chức, cá nhân khác"}
_AGENCY_KINDS = {"department": "cấp tỉnh", "district": "cấp huyện", "commune": "cấp xã", "unit": "đơn vị trực thuộc"}
# Đ7.2, by điểm.
REASONS = {
    "idle": "điểm a: không sử dụng",
    "compromised": "điểm b: bị chiếm dụng, nhiễm virus hoặc lộ mật khẩu",
    "forbidden_use": "điểm c: dùng vào việc bị cấm",
    "default_password": "điểm d: không đổi mật khẩu mặc định",
}
_FIELDS = {
    "name": "Tên",
    "code": "Mã",
    "suffix": "Hậu tố",
    "kind": "Loại",
    "document_system": "Phần mềm quản lý văn bản",
    "quota_bytes": "Dung lượng",
    "shard": "Máy lưu trữ",
    "agency": "Cơ quan",
    "address": "Địa chỉ chính",
    "alias": "Địa chỉ phụ",
    "clerks": "Văn thư",
    "absence": "Vắng mặt",
    "state": "Tình trạng",
    "lock": "Khóa do vận hành",
    "document": "Căn cứ",
    "history": "Lịch sử",
    "event": "Lịch sử",
    "exact_name": "Đã đối chiếu họ tên lạ",
    "post": "Chức vụ",
    "phone": "Điện thoại",
    "withheld": "Lý do không công khai",
}
# Events by their names in the registry; an unknown one is told by its own.
_EVENTS = {
    "issue": "cấp mới",
    "quota": "đổi dung lượng",
    "lock": "tạm khóa",
    "restore": "khôi phục",
    "absence": "báo vắng",
    "rename": "đổi tên",
    "transfer": "chuyển cơ quan",
    "merge": "sáp nhập cơ quan",
    "clerks": "chỉ định văn thư",
    "revoke": "thu hồi",
}
# What an event tells, by the names of model.py.
_EVENT_FIELDS = {
    "done": "ngày thực hiện",
    "request": "số đề nghị",
    "quota_bytes": "dung lượng",
    "shrink": "cho phép giảm dung lượng",
    "reason": "lý do khóa",
    "begin": "vắng từ ngày",
    "end": "vắng đến ngày",
    "verified": "người xác minh",
    "was": "trước đó",
    "was_name": "tên cũ",
    "was_code": "mã cũ",
    "was_suffix": "hậu tố cũ",
    "was_document_system": "phần mềm quản lý văn bản trước đó",
    "origin": "cơ quan cũ",
    "into": "sáp nhập vào",
}

NAMED = 3  # mailboxes that a sentence about many names


@dataclass(frozen=True)
class PlanRow:
    """One agency or mailbox: who, what changes (a sentence each), by which document ("" for none), its id."""

    who: str
    changes: tuple[str, ...]
    document: str
    id: str


@dataclass(frozen=True)
class Section:
    """A group of a plan; `sign` is what a difference puts before its lines, `count` how many entries its rows tell."""

    title: str
    sign: str
    rows: tuple[PlanRow, ...]
    count: int


def summary(plan: Plan) -> list[str]:
    """The counts, one a line; a plan without changes says so."""
    lines = [f"{GROUPS[group]}: {number(count)}" for group, count in plan.counts.items()]
    if plan.passwords:
        lines.append(f"Mật khẩu ban đầu sẽ tạo: {number(len(plan.passwords))}")
    if plan.notes:
        lines.append(f"Lưu ý: {number(len(plan.notes))}, ghi ở cuối")
    return lines if plan.changed else ["Không có thay đổi.", *lines]


def sections(plan: Plan, *, everything: bool = False) -> list[Section]:
    """Every group that has entries, in order; many entries that were deleted from the files are one row.

    `everything`: a row each.
    """
    result = []
    for group, count in plan.counts.items():
        entries = [entry for entry in plan.entries if entry.group == group]
        deleted = [entry for entry in entries if _is_deleted(entry)]
        rows = []
        if len(deleted) > NAMED and not everything:
            rows = [_deleted(deleted)]
            entries = [entry for entry in entries if not _is_deleted(entry)]
        rows += map(_row, entries)
        result.append(Section(GROUPS[group], _SIGNS.get(group, "~"), tuple(rows), count))
    return result


def _is_deleted(entry: PlanEntry) -> bool:
    return entry.document.get("entry") == "deleted"


def _deleted(entries: Sequence[PlanEntry]) -> PlanRow:
    named = ", ".join(f"{entry.name} <{entry.address}>" for entry in entries[:NAMED])
    left = number(len(entries) - NAMED)
    who = f"{number(len(entries))} hộp thư bị xóa khỏi sổ: {named} và {left} hộp thư khác"
    return PlanRow(who, (), document(entries[0].document), "")


def lines(plan: Plan, *, limit: int | None = None, everything: bool = False) -> list[str]:
    """All of it: counts, groups, notes. With `limit` each group is cut after so many rows; `everything`: see above."""
    result = summary(plan)
    for section in sections(plan, everything=everything):
        result += ["", f"{section.title} ({number(section.count)}):"]
        shown = section.rows if limit is None else section.rows[:limit]
        for row in shown:
            paper = f"; {row.document}" if row.document else ""
            result.append(f"  {section.sign} {row.who}{paper}" + (f" [{row.id}]" if row.id else ""))
            result += [f"      {change}" for change in row.changes]
        result += _cut(section.rows, shown, "cơ quan" if section.title.startswith("Cơ quan") else "hộp thư")
    return result + _notes(plan.notes, limit)


def _cut(rows: Sequence[Any], shown: Sequence[Any], what: str) -> list[str]:
    left = len(rows) - len(shown)
    return [f"  … và {number(left)} {what} khác"] if left else []


def notes(plan: Plan) -> list[str]:
    """What to know besides: what running brought about and waits for its event, and what a restore leaves as it is."""
    return [line.strip() for line in _notes(plan.notes, None)[2:]]


def warnings(plan: Plan) -> list[str]:
    """Those of the notes that somebody must act on; locks that the system sets itself are told in the plan only."""
    return [note_text(note) for note in plan.notes if not _automatic(note)]


def _automatic(note: Note) -> bool:
    return note.kind == "locked" and note.reason in ("idle", "default_password")


def note_text(note: Note) -> str:
    """The sentence of a note."""
    return f"{note.name} <{note.address}> {_note(note)} [{note.id}]"


def _notes(found: Sequence[Note], limit: int | None) -> list[str]:
    if not found:
        return []
    automatic = [note for note in found if _automatic(note)]
    counted = [note for note in found if not _automatic(note)]
    shown = counted if limit is None else counted[:limit]
    result = ["", "Lưu ý:", *(f"  ! {note_text(note)}" for note in shown)]
    result += _cut(counted, shown, "lưu ý")
    if automatic:
        result.append(f"  ! {number(len(automatic))} hộp thư đang bị hệ thống tự khóa (Đ7.2a, Đ7.2d)")
    return result


def _note(note: Note) -> str:
    reason = REASONS.get(note.reason, note.reason)
    match note.kind.value:
        case "shared_address":
            return (
                f"không còn mang địa chỉ {note.detail}; ở bản đem so sánh có hai hộp thư cùng mang: kiểm tra xem địa "
                "chỉ ấy có để lại cho người được cấp trước không (Đ5.2)"
            )
        case "no_clerk":
            return "không còn văn thư nào mở (Đ9.2): chỉ định bằng hanam-mail clerks"
        case "restored":
            return f"đã được khôi phục bằng lệnh theo văn bản {note.detail}, sổ đăng ký chưa có sự kiện restore"
        case "not_locked":
            return "không bị khóa nên sự kiện restore không mở gì, không cấp mật khẩu mới"
        case "newer_lock":
            return f"vẫn bị khóa ({reason}) từ {day(note.detail)}, sau văn bản khôi phục: cần văn bản khác (Đ7.3)"
    return f"đang bị khóa khẩn cấp ({reason}), sổ đăng ký chưa có sự kiện lock"


def _row(entry: PlanEntry) -> PlanRow:
    if entry.group.startswith("agency"):
        who = f"{entry.name} (mã {entry.address}), {_AGENCY_KINDS.get(entry.kind, entry.kind)}"
    else:
        who = f"{entry.name} <{entry.address}>, {_KINDS.get(entry.kind, entry.kind)}"
        if entry.kind != "agency":
            who += f", {entry.agency}"
    reason = entry.document.get("reason")
    if entry.group == "locked" and reason:
        who += f", {REASONS.get(reason, reason)}"
    papers = filter(None, (entry.document, *entry.more_documents))
    paper = "; ".join(dict.fromkeys(map(document, papers)))
    if entry.group == "created":
        who += "".join(f", {size(change.after)}" for change in entry.changes if change.field == "quota_bytes")
        return PlanRow(who, (), paper, entry.id)
    # The group says it already.
    told = [change for change in entry.changes if not (change.field == "state" and entry.group != "changed")]
    return PlanRow(who, tuple(_change(change) for change in told), paper, entry.id)


def _change(change: Change) -> str:
    name = _FIELDS.get(change.field, change.field)
    if change.field == "clerks":
        added = [f"thêm {who}" for who in change.after if who not in change.before]
        return f"{name}: " + ", ".join(added + [f"bớt {who}" for who in change.before if who not in change.after])
    if change.field in ("alias", "absence"):
        if change.before is None:
            return f"{name}: thêm {_value(change.field, change.after)}"
        if change.after is None:
            return f"{name}: bỏ {_value(change.field, change.before)}"
    if change.field == "history":
        return f"{name}: bị viết lại, {rewriting(change)}"
    if change.field == "event":
        given = {key: value for key, value in change.after.items() if key in _EVENT_FIELDS and value}
        told = (f"{_EVENT_FIELDS[key]} {_event_value(key, value)}" for key, value in given.items())
        return f"{name}: thêm sự kiện {_event(change.after)}, ngoài ra không đổi gì ({', '.join(told)})"
    if change.field == "lock":
        return f"{name}: mở ({REASONS.get(change.before, change.before)})"
    return f"{name}: {_value(change.field, change.before)} -> {_value(change.field, change.after)}"


def rewriting(change: Change) -> str:
    """What somebody did to an event of the past."""
    before, after = change.before, change.after
    event = before or after
    which = f"sự kiện {_event(event)} ngày {day(event['done'])}"
    if after is None:
        return f"{which} bị xóa"
    if before is None:
        return f"{which} được chèn vào trước sự kiện đã có"
    changes = (
        f"{_EVENT_FIELDS.get(field, field)} {_event_value(field, old)} -> {_event_value(field, after[field])}"
        for field, old in before.items()
        if old != after[field]
    )
    return f"{which} bị sửa: {', '.join(changes)}"


def _event(event: Mapping[str, Any]) -> str:
    return _EVENTS.get(event["event"], str(event["event"]))


def _event_value(field: str, value: Any) -> str:
    if isinstance(value, bool):
        return "có" if value else "không"
    if field in ("done", "begin", "end"):
        return day(value)
    if isinstance(value, list):
        value = ", ".join(value)
    return REASONS.get(value, value) if field == "reason" else _value(field, value)


def _value(field: str, value: Any) -> str:
    if value is None or value == "":
        return "không có"
    if field == "quota_bytes":
        return size(value)
    if field == "state":
        return STATES.get(value, str(value))
    if field == "kind":
        return _AGENCY_KINDS.get(value, str(value))
    if field in ("document_system", "exact_name"):
        return "có" if value else "không"
    if field == "document":
        return document(value)
    if field == "absence":
        return f"{day(value['from'])} - {day(value['to'])} (yêu cầu {value['request']})"
    if field == "alias":
        begin = f" từ {day(value['from'])}" if value["from"] else ""
        return f"{value['address']}{begin}" + (f" đến hết {day(value['until'])}" if value["until"] else "")
    return str(value)


def document(paper: Mapping[str, Any]) -> str:
    """The document that decided, as one writes it; `paper` is the desired state's `document` or `last`."""
    if paper.get("event") == "by_hand":
        return "sửa tay, không có văn bản"
    if not paper.get("number"):
        return "không có văn bản"
    dated = f" ngày {day(paper['dated'])}" if paper.get("dated") else ""
    return f"văn bản {paper['number']}{dated}" + (f" ({paper['request']})" if paper.get("request") else "")
