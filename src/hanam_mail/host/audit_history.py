"""The history of a mailbox in Vietnamese: what the audit and the notices hold, as who, when, why, by which document."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hanam_mail.host.database.session import Session
from hanam_mail.plan import wording
from hanam_mail.vietnamese import STATES, day, size

_QUERY = """
    SELECT at, actor, git_commit, document, object, action, key, before, after FROM mail.audit
    WHERE (
            key = %(id)s
            AND object IN ('mailbox', 'credential', 'lock_state', 'opening', 'restore', 'session', 'sign_in_lockout')
        )
        OR (object = 'address' AND key IN (SELECT local_part FROM mail.address WHERE mailbox_id = %(id)s))
        OR (object = 'mailbox_clerk' AND %(id)s IN (split_part(key, '/', 1), split_part(key, '/', 2)))
        OR (object = 'absence' AND split_part(key, '/', 1) = %(id)s)
    ORDER BY seq
"""
_NOTICES = "SELECT sent_at, kind, round, payload FROM mail.notice WHERE mailbox_id = %s AND sent_at IS NOT NULL"

_NOTICE_KINDS = {
    "idle_warning": "báo trước tạm khóa do không sử dụng",
    "idle_lock": "báo đã tạm khóa do không sử dụng",
    "default_password_warning": "báo trước tạm khóa do chưa đổi mật khẩu mặc định",
    "default_password_lock": "báo đã tạm khóa do chưa đổi mật khẩu mặc định",
    "password_reminder": "nhắc mật khẩu sắp hết hạn",
    "revoke_proposal": "báo đề nghị thu hồi (Đ6.2c)",
    "quota": "báo hộp thư sắp đầy",
    "opened": "báo cho chủ hộp thư rằng người vận hành lấy bản sao thư để đọc",
    "held": "báo một thư bị giữ lại",
    "held_digest": "báo các thư nghi là thư rác đang được giữ",
    "held_received": "báo một thư gửi đến bị giữ lại",
    "held_received_dropped": "báo thư gửi đến bị giữ đã bị hủy",
    "held_released": "báo thư bị giữ đã được gửi đi",
    "held_dropped": "báo thư bị giữ đã bị hủy",
    "held_opened": "báo cho chủ hộp thư rằng người vận hành lấy bản sao thư bị giữ để đọc",
    "user_report": "báo đã tiếp nhận một báo cáo",
    "user_report_answer": "gửi trả lời một báo cáo",
    "yearly_report": "nhắc báo cáo hằng năm",
    "maintenance": "báo tạm ngừng dịch vụ",
    "factor_on": "báo đã bật xác thực hai bước",
    "factor_off": "báo đã tắt xác thực hai bước",
    "factor_reset": "báo đã đặt lại xác thực hai bước",
    "factor_codes": "báo đã tạo mã dự phòng mới",
    "app_password_made": "báo đã tạo mật khẩu ứng dụng",
    "app_password_ended": "báo mật khẩu ứng dụng hết hiệu lực",
}


@dataclass(frozen=True)
class AuditEntry:
    """One thing that happened; `document` is the paper's number, `commit` the registry's revision."""

    at: datetime
    actor: str
    what: str
    document: str | None
    commit: str | None


def entries(connection: Session, mailbox: str) -> list[AuditEntry]:
    """Everything that happened to the mailbox with this id, in order."""
    found = [
        AuditEntry(at, actor, what, document or _number(after), commit)
        for at, actor, commit, document, kind, action, key, before, after in connection.execute(_QUERY, {"id": mailbox})
        for what in entry_texts(kind, action, key, before or {}, after or {}, mailbox)
    ]
    found += [
        AuditEntry(sent_at, "life-cycle", f"{_NOTICE_KINDS.get(kind, kind)}{_percent(payload)}", None, None)
        for sent_at, kind, _, payload in connection.execute(_NOTICES, [mailbox])
    ]
    return sorted(found, key=lambda entry: entry.at)


def as_dicts(found: list[AuditEntry]) -> list[dict[str, Any]]:
    """The entries for programs."""
    return [asdict(entry) for entry in found]


def lines(found: list[AuditEntry]) -> list[str]:
    """The entries for people, one a line."""
    return [_line(entry) for entry in found]


def _line(entry: AuditEntry) -> str:
    parts = [f"{entry.at:%d/%m/%Y %H:%M:%S}  {entry.what}", f"người thực hiện: {entry.actor}"]
    if entry.document:
        parts.append(f"văn bản: {entry.document}")
    if entry.commit:
        parts.append(f"git: {entry.commit[:10]}")
    return "; ".join(parts)


def entry_texts(
    kind: str, action: str, key: str, before: Mapping[str, Any], after: Mapping[str, Any], mailbox: str
) -> Iterator[str]:
    """What an audit row means in words; nothing for what only the machine cares about."""
    if kind == "mailbox":
        yield from _mailbox(action, before, after)
    elif kind == "opening":
        what = f"bản sao thư bị giữ số {after['held']}" if "held" in after else "bản sao thư"
        yield f"người vận hành lấy {what} để đọc: {after['note']}"
    elif kind == "restore":
        yield f"khôi phục thư từ bản sao lưu {after['snapshot'][:8]}{_restored(after)}"
    elif kind == "lock_state":
        yield from _lock(action, before, after)
    elif kind == "sign_in_lockout":
        place = f" từ {after['address']}" if "address" in after else ""
        yield f"gỡ chặn đăng nhập{place}: {after['note']}"
    elif kind == "session":
        yield from _sessions(before)
    elif kind == "credential":
        yield from _credential(action, after)
    elif kind == "address":
        yield from _address(action, key, before, after)
    elif kind == "mailbox_clerk":
        verb = "giao" if action == "insert" else "thôi giao"
        of, clerk = key.split("/")
        yield f"{verb} văn thư {clerk}" if of == mailbox else f"{verb} làm văn thư của hộp thư {of}"
    elif kind == "absence":
        data = after or before
        verb = {"insert": "ghi nhận", "update": "sửa", "delete": "xóa"}[action]
        yield f"{verb} thông báo vắng từ {_day(data.get('begins'))} đến {_day(data.get('ends'))}"


def _restored(after: Mapping[str, Any]) -> str:
    parts = [f"thư mục {name}" for name in after.get("folder", [])]
    parts += ["=".join(criterion) for criterion in after.get("message", [])]
    if after.get("to_folder"):
        parts.append(f"vào thư mục {after['to_folder']}")
    if after.get("replace"):
        parts.append("trả cả hộp thư về bản đó")
    if after.get("dry_run"):
        parts.append("chỉ xem danh sách")
    return f" ({'; '.join(parts)})" if parts else ""


def _mailbox(action: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if action == "insert":
        yield f"cấp hộp thư cho {after['name']}, dung lượng {size(after['quota_bytes'])}"
        return
    if "state" in after:
        yield f"tình trạng theo văn bản: {STATES[before['state']]} → {STATES[after['state']]}"
    if "quota_bytes" in after:
        yield f"dung lượng: {size(before['quota_bytes'])} → {size(after['quota_bytes'])}"
    if "name" in after:
        yield f"tên: {before['name']} → {after['name']}"
    if "post" in after:
        yield f"chức vụ: {before['post'] or 'không có'} → {after['post'] or 'không có'}"
    if "phone" in after:
        yield f"điện thoại: {before['phone'] or 'không có'} → {after['phone'] or 'không có'}"
    if "withheld" in after:
        yield f"không công khai: {before['withheld'] or 'không'} → {after['withheld'] or 'không'}"
    if "agency_id" in after:
        yield f"chuyển cơ quan: {before['agency_id']} → {after['agency_id']}"
    if "purged_at" in after:
        yield "xóa hẳn nội dung hộp thư đã thu hồi"
    if after.get("restored_by_command"):
        yield "khôi phục bằng lệnh, chờ sự kiện trong sổ đăng ký"
    elif before.get("restored_by_command"):
        yield "sổ đăng ký đã ghi lần khôi phục bằng lệnh"
    if "document" in after and not set(after) & {"state", "quota_bytes"}:
        yield "cập nhật văn bản làm căn cứ"


def _lock(action: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if action == "insert":
        note = f" ({after['note']})" if after.get("note") else ""
        yield f"tạm khóa theo Đ7.2, {_reason(after)}{note}"
    elif action == "delete":
        yield f"mở khóa (trước đó: {_reason(before)})"
    elif "reason" in after:
        note = f" ({after['note']})" if after.get("note") else ""
        yield f"khóa lại theo Đ7.2, {_reason(after)}{note} (trước đó: {_reason(before)})"
    elif "note" in after:
        yield f"ghi chú của lần khóa: {after['note']}"
    elif "document" in after:
        yield "bổ sung văn bản cho lần khóa"


def _reason(lock: Mapping[str, Any]) -> str:
    return wording.REASONS.get(lock["reason"], str(lock["reason"]))


def _sessions(before: Mapping[str, Any]) -> Iterator[str]:
    for one in before["sessions"]:
        program, address = one["program"] or "trình duyệt khác", one["address"] or "?"
        yield f"kết thúc từ nơi khác một phiên hộp thư trên web: {program}, địa chỉ mạng {address}"
    if before["programs"]:
        yield "ngắt các chương trình thư"


def _credential(action: str, after: Mapping[str, Any]) -> Iterator[str]:
    if action == "insert":
        yield "cấp mật khẩu mặc định" if after.get("is_default") else "đặt mật khẩu"
    elif "changed_at" in after:
        yield "cấp lại mật khẩu mặc định" if "given_at" in after else "chủ hộp thư đổi mật khẩu"
    elif after.get("must_change"):
        yield "mật khẩu hết hạn, phải đổi"


def _address(action: str, key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    kinds = {"primary": "địa chỉ chính", "alias": "địa chỉ phụ"}
    if action == "insert":
        yield f"thêm {kinds[after['kind']]} {key}"
        return
    if "kind" in after:
        yield f"{key}: {kinds[before['kind']]} → {kinds[after['kind']]}"
    if "valid_until" in after:
        yield f"{key}: dùng đến {_day(after['valid_until']) if after['valid_until'] else 'không thời hạn'}"


def _number(after: Mapping[str, Any] | None) -> str | None:
    paper = (after or {}).get("document")
    return paper.get("number") if isinstance(paper, dict) else paper


def _percent(payload: Mapping[str, Any]) -> str:
    return f": {payload['percent']} %" if "percent" in payload else ""


def _day(text: str | None) -> str:
    return day(text) if text else "?"
