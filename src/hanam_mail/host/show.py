"""`hanam-mail-db show`: what the accounts database knows of one mailbox, for the operator."""

from typing import Any

from hanam_mail import vietnamese
from hanam_mail.host import second_factor
from hanam_mail.host.database.session import Session
from hanam_mail.plan import wording

_STATES = vietnamese.STATES | {"must_change": "phải đổi mật khẩu"}


def facts(connection: Session, mailbox: str) -> dict[str, Any]:
    """The mailbox with its addresses, activity, lock and password, as the database has them."""
    import psycopg.rows

    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        (data,) = cursor.execute(
            "SELECT m.id, m.kind, m.name, m.post, m.phone, a.name AS agency, m.quota_bytes, m.shard, m.document,"
            " coalesce(nullif(m.withheld, ''), a.withheld) AS withheld,"
            " mail.mailbox_state(m.id) AS state, l.reason AS lock_reason, l.note AS lock_note,"
            " l.locked_at, l.locked_by, l.automatic AS lock_automatic, l.document AS lock_document,"
            " m.restored_by_command, m.revoked_at, m.purged_at,"
            " c.must_change, c.is_default, c.changed_at AS password_changed_at, c.given_at AS password_given_at,"
            " c.handover, c.verified, mail.password_expires_on(c.changed_at) AS password_expires_on"
            " FROM mail.mailbox m LEFT JOIN mail.agency a ON a.id = m.agency_id"
            " LEFT JOIN mail.lock_state l ON l.mailbox_id = m.id "
            " LEFT JOIN mail.credential c ON c.mailbox_id = m.id"
            " WHERE m.id = %s",
            [mailbox],
        ).fetchall()
        data["addresses"] = cursor.execute(
            "SELECT local_part, kind, valid_from, valid_until FROM mail.address WHERE mailbox_id = %s"
            " ORDER BY kind DESC, local_part",
            [mailbox],
        ).fetchall()
        data["activity"] = cursor.execute(
            "SELECT protocol, to_timestamp(last_access) AS last_access FROM mail.activity"
            " WHERE mailbox_id = %s ORDER BY protocol",
            [mailbox],
        ).fetchall()
        # Those of the last day are what somebody calls for today, unless they were lifted.
        data["lockouts"] = cursor.execute(
            "SELECT at, kind, host(address) AS address, failures FROM mail.sign_in_lockout"
            " WHERE mailbox_id = %s AND at > now() - interval '1 day' AND lifted_at IS NULL ORDER BY at",
            [mailbox],
        ).fetchall()
    data["second_factor"] = second_factor.facts(connection, mailbox)
    return data


def describe(data: dict[str, Any]) -> str:
    """A mailbox for people: what it is, by which document, why it is locked, what stands in its owner's way."""
    lines = [
        f"Hộp thư:      {data['id']} ({data['kind']})",
        f"Tên:          {data['name']}",
        *([f"Chức vụ:      {data['post']}"] if data["post"] else []),
        *([f"Điện thoại:   {data['phone']}"] if data["phone"] else []),
        f"Cơ quan:      {data['agency']}",
        *([f"Danh bạ:      không công khai, {data['withheld']} (Đ11.5)"] if data["withheld"] else []),
        f"Tình trạng:   {_STATES[data['state']]}",
        f"Căn cứ:       {wording.document(data['document'])}",
        f"Dung lượng:   {vietnamese.size(data['quota_bytes'])}",
    ]
    for address in data["addresses"]:
        until = f", đến hết {address['valid_until']:%d/%m/%Y}" if address["valid_until"] else ""
        lines.append(f"Địa chỉ:      {address['local_part']} ({address['kind']}{until})")
    lines += [*_locked(data), *_password(data), *second_factor.lines(data["second_factor"])]
    lines += [f"Lần dùng cuối: {item['protocol']} {item['last_access']:%d/%m/%Y %H:%M}" for item in data["activity"]]
    for item in data["lockouts"]:
        place = f" từ {item['address']}" if item["address"] else " từ nhiều nơi"
        lines.append(f"Chặn dò:      {item['at']:%d/%m/%Y %H:%M}, {item['failures']} lần sai{place} (Đ4.6)")
    return "\n".join(lines)


def _locked(data: dict[str, Any]) -> list[str]:
    lines = []
    if data["lock_reason"]:
        reason = wording.REASONS.get(data["lock_reason"], data["lock_reason"])
        who = "hệ thống tự khóa" if data["lock_automatic"] else f"do {data['locked_by']} khóa"
        lines.append(f"Khóa:         {reason}, {who} lúc {data['locked_at']:%d/%m/%Y %H:%M}")
        lines.append(f"Văn bản khóa: {data['lock_document'] or 'chưa có'}")
        if data["lock_note"]:
            lines.append(f"Ghi chú khóa: {data['lock_note']}")
    if command := data["restored_by_command"]:
        lines.append(
            f"Khôi phục:    bằng lệnh ngày {vietnamese.day(command['on'])} theo văn bản {command['document']}, "
            "sổ đăng ký chưa có sự kiện restore"
        )
    if data["revoked_at"]:
        purged = f", dữ liệu đã xóa ngày {data['purged_at']:%d/%m/%Y}" if data["purged_at"] else ""
        lines.append(f"Thu hồi:      có hiệu lực ngày {data['revoked_at']:%d/%m/%Y}{purged}")
    return lines


def _password(data: dict[str, Any]) -> list[str]:
    if not data["password_changed_at"]:
        return ["Mật khẩu:     chưa đặt"]
    if not data["is_default"]:
        day = data["password_expires_on"]
        expires = f"phải đổi sau ngày {day:%d/%m/%Y}" if day else "hạn đổi rơi vào năm chưa xác nhận lịch nghỉ"
        return [f"Mật khẩu:     chủ hộp thư đặt ngày {data['password_changed_at']:%d/%m/%Y}, {expires}"]
    verified = f", người xác minh: {data['verified']}" if data["verified"] else ""
    return [
        f"Mật khẩu:     mặc định, cấp ngày {data['password_given_at']:%d/%m/%Y}, chưa đổi{verified}",
        *([f"Bàn giao:     {data['handover']}"] if data["handover"] else []),
    ]
