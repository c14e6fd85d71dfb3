"""The registry's own terms in Vietnamese, where a mailbox is shown event by event."""

from hanam_mail import vietnamese
from hanam_mail.plan import wording
from hanam_mail.registry.model import (
    Absence,
    Cause,
    Clerks,
    Event,
    Issue,
    Lock,
    MailboxKind,
    Move,
    Quota,
    Registry,
    Rename,
    Restore,
    Revoke,
)

KINDS = {
    MailboxKind.AGENCY: "cơ quan",
    MailboxKind.OFFICE: "phòng, đơn vị",
    MailboxKind.PERSON: "cá nhân",
    MailboxKind.GUEST: "tổ chức, cá nhân khác",
}


def event(event: Event, registry: Registry) -> str:
    """What one event says, without its date and document."""
    match event:
        case Issue(quota_bytes=octets):
            return "cấp mới" + (f", dung lượng {vietnamese.size(octets)}" if octets else "")
        case Quota():
            return f"dung lượng {vietnamese.size(event.quota_bytes)}"
        case Lock():
            return f"tạm khóa ({wording.REASONS.get(event.reason, event.reason)})"
        case Absence():
            return f"vắng mặt từ {vietnamese.day(event.begin)} đến hết {vietnamese.day(event.end)}"
        case Restore():
            return f"khôi phục, {event.verified} xác minh"
        case Clerks():
            former = [registry.mailboxes[who].name for who in event.was if who in registry.mailboxes]
            return "đổi văn thư" + (f", trước là {', '.join(former)}" if former else "")
        case Revoke():
            return "thu hồi"
        case Rename():
            changed = (
                f"tên cũ {event.was_name}" if event.was_name else "",
                f"địa chỉ cũ {event.was}" if event.was else "",
            )
            return "đổi tên: " + ", ".join(filter(None, changed))
        case Move():
            origin = registry.agencies[event.origin].name
            cause = "sáp nhập" if event.cause is Cause.MERGE else "chuyển"
            return f"{cause} từ {origin}" + (f", địa chỉ cũ {event.was}" if event.was else "")


def document(event: Event, registry: Registry) -> str:
    """The document behind an event."""
    request = registry.requests.get(event.request or "")
    if request is None:
        return "không có văn bản"
    return f"{request.document} ngày {vietnamese.day(request.dated)} ({request.id})"
