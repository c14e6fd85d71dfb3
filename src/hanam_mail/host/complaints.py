"""The operator's commands on what people report from the webmail (Đ10.6, Đ12.8): complaints list, show, answer, close.

Words of people and of strangers are shown for one report at a time, as plain lines: a terminal obeys what it is shown.
"""

import argparse
import sys
from typing import Any

from hanam_mail.host import by_agency, frame
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import Session, one
from hanam_mail.host.jobs.foreign_text import bears_mark
from hanam_mail.host.jobs.user_report_texts import KINDS

STATES = {"new": "mới", "seen": "đã xem", "answered": "đã trả lời", "closed": "đã kết thúc"}
ATTACHED = {
    "none": "không kèm thư nào",
    "due": "chưa gửi kèm được, thư nằm trong hộp thư",
    "sent": "đã gửi kèm đến đơn vị quản lý vận hành và cơ quan",
    "refused": "không gửi kèm được, thư nằm trong hộp thư",
    "kept": "không gửi kèm (mã độc), thư nằm trong thư mục Thư rác",
}
LONGEST = 4000


def add_commands(commands: frame.Commands) -> None:
    """Add `complaints` to the parser of command_line.py."""
    text = "báo cáo của người dùng gửi bằng nút Báo cáo: xem, trả lời, kết thúc (Đ10.6, Đ12.8)"
    parent = commands.add_parser("complaints", help=text, description=text)
    parent.set_defaults(run=_list)
    actions = parent.add_subparsers(required=True, metavar="VIỆC")
    command = actions.add_parser("list", help="các báo cáo chưa trả lời")
    command.add_argument("--all", action="store_true", help="cả báo cáo đã trả lời, đã kết thúc")
    command.add_argument("--kind", choices=sorted(KINDS), metavar="LOẠI", help=f"chỉ loại này: {_kinds()}")
    frame.add_session_options(command)
    command.set_defaults(run=_list)

    command = actions.add_parser("show", help="một báo cáo, với lời của người báo cáo; ghi nhận là đã xem")
    command.add_argument("number", type=int, metavar="SỐ")
    frame.add_session_options(command)
    command.set_defaults(run=_show)

    command = actions.add_parser("answer", help="trả lời người báo cáo bằng thư thông báo")
    command.add_argument("number", type=int, metavar="SỐ")
    command.add_argument("--text", help="nội dung trả lời; không có thì đọc từ stdin")
    frame.add_session_options(command)
    command.set_defaults(run=_answer)

    command = actions.add_parser("close", help="kết thúc một báo cáo, không gửi gì")
    command.add_argument("number", type=int, metavar="SỐ")
    command.add_argument("--reason", default="", help="lý do; bắt buộc khi chưa trả lời")
    frame.add_session_options(command)
    command.set_defaults(run=_close)

    by_agency.add_command(actions, "count", "số báo cáo theo cơ quan và loại", _count)


def _kinds() -> str:
    return ", ".join(f"{name} ({words})" for name, words in KINDS.items())


_REPORT = (
    "SELECT r.number, r.at, r.kind, r.state, m.name AS reporter,"
    " (SELECT a.local_part || '@' || mail.setting_text('mail_domain') FROM mail.address a"
    " WHERE a.mailbox_id = m.id AND a.kind = 'primary') AS address, coalesce(g.name, '') AS agency,"
    " coalesce(g.code, '') AS code, r.mailbox_id AS mailbox, r.words, r.message, r.folder, r.message_id, r.author,"
    " r.subject, r.attached, r.fault, r.seen_at, r.seen_by, r.answer, r.answered_at, r.answered_by, r.closed_at,"
    " r.closed_by, r.closed_reason"
    " FROM mail.user_report r JOIN mail.mailbox m ON m.id = r.reporter_id LEFT JOIN mail.agency g ON g.id = r.agency_id"
)
# What others wrote is shown for one report at a time.
_PRIVATE = ("words", "folder", "message_id", "author", "subject", "answer", "fault", "closed_reason")


def _reports(connection: Session, condition: str, *values: Any) -> list[dict[str, Any]]:
    cursor = connection.execute(f"{_REPORT} WHERE {condition} ORDER BY r.number", values or None)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _report(connection: Session, number: int) -> dict[str, Any]:
    found = _reports(connection, "r.number = %s", number)
    if not found:
        raise DatabaseError(f"không có báo cáo nào mang số {number}")
    return found[0]


def _list(options: argparse.Namespace) -> int:
    conditions = ["true" if options.all else "r.state IN ('new', 'seen')"]
    values = []
    if options.kind:
        conditions.append("r.kind = %s")
        values.append(options.kind)
    with frame.session(options) as connection:
        found = _reports(connection, " AND ".join(conditions), *values)
    for each in found:
        for name in _PRIVATE:
            del each[name]
    lines = [
        f"{each['number']}  {each['at']:%d/%m/%Y %H:%M}  {KINDS[each['kind']]}; {STATES[each['state']]}; "
        f"{each['address']}; {each['agency'] or 'không thuộc cơ quan nào'}"
        for each in found
    ]
    return frame.answer(options, False, "\n".join(lines) or "không có báo cáo nào", reports=found)


def _show(options: argparse.Namespace) -> int:
    with frame.session(options) as connection:
        _report(connection, options.number)
        changed = bool(one(connection, "SELECT mail.user_report_seen(%s)", [options.number])[0])
        connection.commit()
        found = _report(connection, options.number)
    return frame.answer(options, changed, "\n".join(_lines(found)), **found)


def _lines(report: dict[str, Any]) -> list[str]:
    agency = f"{report['agency']} ({report['code']})" if report["code"] else "không thuộc cơ quan nào"
    lines = [
        f"Báo cáo số {report['number']}: {KINDS[report['kind']]} ({STATES[report['state']]})",
        f"Lúc: {report['at']:%d/%m/%Y %H:%M:%S}",
        f"Người báo cáo: {plain(report['reporter'])}, {report['address']}; {agency}",
        "Ý kiến:",
        *(f"  {plain(line)}" for line in report["words"].splitlines() or ["(không ghi)"]),
    ]
    if report["message"]:
        lines += [
            f"Thư trong hộp thư {report['mailbox']}, thư mục {plain(report['folder']) or '-'}",
            f"From: {plain(report['author']) or '-'}",
            f"Tiêu đề: {plain(report['subject']) or '-'}",
            f"Message-ID: {plain(report['message_id']) or '-'}",
        ]
    fault = f" ({plain(report['fault'])})" if report["fault"] else ""
    lines.append(f"Thư kèm: {ATTACHED[report['attached']]}{fault}")
    for state, verb in (("seen", "Xem"), ("answered", "Trả lời"), ("closed", "Kết thúc")):
        if report[f"{state}_at"]:
            lines.append(f"{verb}: {report[f'{state}_by']}, {report[f'{state}_at']:%d/%m/%Y %H:%M}")
    lines += [f"  {plain(line)}" for line in report["answer"].splitlines()]
    if report["closed_reason"]:
        lines.append(f"Lý do kết thúc: {plain(report['closed_reason'])}")
    return lines


def plain(text: str) -> str:
    """A line that only shows: nothing that a terminal obeys, or that turns the direction of writing."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _answer(options: argparse.Namespace) -> int:
    text = (sys.stdin.read() if options.text is None else options.text).strip()
    if not text:
        raise DatabaseError("cần nội dung trả lời (--text, hoặc từ stdin)")
    if len(text) > LONGEST:
        raise DatabaseError(f"nội dung trả lời dài {len(text)} ký tự, nhiều nhất {LONGEST}")
    if bears_mark(text):
        raise DatabaseError("nội dung trả lời có dấu hiệu mang dấu chỉ độ mật: thư trả lời sẽ bị giữ lại (Đ3.3)")
    with frame.session(options) as connection:
        changed = bool(one(connection, "SELECT mail.user_report_answer(%s, %s)", [options.number, text])[0])
    words = "đã trả lời" if changed else "đã được trả lời như vậy từ trước:"
    return frame.answer(options, changed, f"{words} báo cáo số {options.number}; người báo cáo được gửi thư báo")


def _close(options: argparse.Namespace) -> int:
    with frame.session(options) as connection:
        changed = bool(one(connection, "SELECT mail.user_report_close(%s, %s)", [options.number, options.reason])[0])
    words = "đã kết thúc" if changed else "đã kết thúc từ trước:"
    return frame.answer(options, changed, f"{words} báo cáo số {options.number}")


_NAMES = ("kind", "reports", "waiting")
_BY_AGENCY = """
    SELECT g.code, g.name, r.kind, count(*), count(*) FILTER (WHERE r.state IN ('new', 'seen'))
    FROM mail.user_report r LEFT JOIN mail.agency g ON g.id = r.agency_id
    WHERE r.at >= current_date - %s::int GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 3
"""
_BY_PERSON = """
    SELECT (SELECT a.local_part || '@' || mail.setting_text('mail_domain') FROM mail.address a
            WHERE a.mailbox_id = r.reporter_id AND a.kind = 'primary'),
           r.kind, count(*), count(*) FILTER (WHERE r.state IN ('new', 'seen'))
    FROM mail.user_report r JOIN mail.agency g ON g.id = r.agency_id
    WHERE r.at >= current_date - %s::int AND g.code = %s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""


def _count(options: argparse.Namespace) -> int:
    all_agencies = by_agency.AgencyTable(
        _BY_AGENCY,
        ("agency", "name", *_NAMES),
        lambda code, name, kind, number, waiting: f"{by_agency.agency(code, name)}: {_counted(kind, number, waiting)}",
    )
    one_agency = by_agency.AgencyTable(
        _BY_PERSON,
        ("address", *_NAMES),
        lambda address, kind, number, waiting: f"{address}: {_counted(kind, number, waiting)}",
    )
    return by_agency.answer(options, all_agencies, one_agency, "không có báo cáo nào của người dùng")


def _counted(kind: str, number: int, waiting: int) -> str:
    return f"{KINDS[kind]} {number}" + (f", chưa trả lời {waiting}" if waiting else "")
