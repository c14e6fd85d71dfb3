"""The operator's commands on held messages, on the accounts host: quarantine list, show, release, drop.

Each decision is one transaction of the database, with who, why and by which document; the service carries it out. So a
command that dies, or is given twice, or twice at once, decides once.
"""

import argparse
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hanam_mail import atomic_file
from hanam_mail.host import frame, places
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import Session, one
from hanam_mail.host.passwords import sealed_file
from hanam_mail.vietnamese import number, size

FOLDER = places.MAIL_HELD_FOLDER
COPIES = Path("/var/lib/hanam-mail/opened")
# So long a command waits for the service, to say what became of its decision.
PATIENCE = 20.0
STATES = {
    "held": "đang giữ",
    "releasing": "chờ gửi đi",
    "sending": "đang gửi",
    "doubt": "không rõ đã gửi chưa",
    "released": "đã gửi",
    "dropped": "đã hủy",
}
LESSONS = {"due": "đang chờ", "given": "đã học", "missed": "không học được trong ba ngày"}
_DOUBT = (
    "không rõ đã gửi chưa: tìm trong nhật ký Postfix (journalctl -t postfix/released/smtpd, theo Message-ID); "
    "chưa đi thì release --not-delivered, đã đi thì drop --delivered"
)


def add_commands(commands: frame.Commands) -> None:
    """Add `quarantine` to the parser of command_line.py."""
    text = "thư mà bộ lọc giữ lại: xem, gửi đi, hủy (Đ3.3, Đ4.2, Đ10.6)"
    parent = commands.add_parser("quarantine", help=text, description=text)
    parent.set_defaults(run=_list)
    actions = parent.add_subparsers(required=True, metavar="VIỆC")
    command = actions.add_parser("list", help="các thư đang chờ quyết định")
    command.add_argument("--all", action="store_true", help="cả thư đã quyết định và thư nghi là thư rác")
    command.add_argument("--kind", metavar="LOẠI", help="chỉ loại này: secrecy, encrypted, spam...")
    command.add_argument(
        "--recipient", metavar="ĐỊA_CHỈ", help="chỉ thư gửi cho địa chỉ này, kể cả thư nghi là thư rác"
    )
    frame.add_session_options(command)
    command.set_defaults(run=_list)

    command = actions.add_parser("show", help="một thư: vì sao bị giữ, của ai, gửi ai, đã quyết định gì")
    command.add_argument("number", type=int, metavar="SỐ")
    command.add_argument(
        "--body", action="store_true", help="niêm phong một bản sao để đọc theo văn bản (cần --document và --note)"
    )
    command.add_argument("--note", default="", help="cùng --body: vì sao phải đọc; ghi vào nhật ký, báo cho chủ thư")
    command.add_argument("--folder", type=Path, default=FOLDER, help="nơi dịch vụ giữ thư")
    command.add_argument("--copies", type=Path, default=COPIES, help="nơi ghi bản sao niêm phong")
    frame.add_session_options(command)
    command.set_defaults(run=_show)

    for name, help_, doubt, told in (
        ("release", "gửi thư đi, cho mọi người nhận còn lại hoặc từng người", "--not-delivered", "chưa đi"),
        ("drop", "hủy thư, không gửi", "--delivered", "đã đi rồi"),
    ):
        command = actions.add_parser(name, help=help_)
        command.add_argument("number", type=int, metavar="SỐ")
        command.add_argument(
            "--recipient", action="append", metavar="ĐỊA_CHỈ", help="chỉ người nhận này (nhiều lần được)"
        )
        command.add_argument("--reason", default="", help="lý do; bắt buộc khi không có văn bản")
        command.add_argument(
            doubt, dest="doubtful", action="store_true", help=f"cả bản không rõ đã gửi chưa: đã xem nhật ký, thư {told}"
        )
        command.add_argument("--wait", type=float, default=PATIENCE, help=argparse.SUPPRESS)
        frame.add_session_options(command)
        command.set_defaults(run=_decide, decision=name)


_MESSAGE = (
    "SELECT h.id, h.kind, mail.held_kind(h.kind) ->> 'title' AS title, h.reason, h.sender,"
    " coalesce((SELECT a.local_part || '@' || mail.setting_text('mail_domain') FROM mail.address a"
    " WHERE a.mailbox_id = h.login AND a.kind = 'primary'), h.login) AS login,"
    " h.subject, h.author, h.message_id, h.file_names AS files, h.octets, h.sha256, h.queue_id, h.arrived_at,"
    " h.decided_at, h.score, h.lesson,"
    " coalesce(h.failure = 'lost', false) AS lost, h.file,"
    " (SELECT json_agg(json_build_object('address', r.address, 'state', r.state, 'changed_at',"
    " to_char(r.changed_at, 'DD/MM/YYYY HH24:MI'), 'changed_by', r.changed_by, 'document', r.document,"
    " 'reason', r.reason, 'queued_as', r.queued_as, 'failure', r.failure) ORDER BY r.address)"
    " FROM mail.held_recipient r WHERE r.message_id = h.id) AS recipients FROM mail.held_message h"
)


def _messages(connection: Session, condition: str, *values: Any) -> list[dict[str, Any]]:
    cursor = connection.execute(f"{_MESSAGE} WHERE {condition} ORDER BY h.id", values or None)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _message(connection: Session, number: int) -> dict[str, Any]:
    found = _messages(connection, "h.id = %s", number)
    if not found:
        raise DatabaseError(f"không có thư bị giữ nào mang số {number}")
    return found[0]


def _list(options: argparse.Namespace) -> int:
    conditions, values = ["true" if options.all else "h.decided_at IS NULL"], []
    if options.kind:
        conditions, values = [*conditions, "h.kind = %s"], [options.kind]
    if options.recipient:
        conditions.append(
            "EXISTS (SELECT FROM mail.held_recipient r WHERE r.message_id = h.id AND lower(r.address) = lower(%s))"
        )
        values.append(options.recipient)
    # Spam, which its receivers decide about, comes by the thousand.
    left_out = not (options.all or options.kind or options.recipient)
    if left_out:
        conditions.append("h.kind <> 'spam'")
    with frame.session(options) as connection:
        found = _messages(connection, " AND ".join(conditions), *values)
        spam = one(connection, _SPAM)[0] if left_out else 0
    for each in found:
        # What must not be spread is shown for one message at a time.
        for name in ("file", "subject", "author", "message_id", "files"):
            del each[name]
    lines = [_line(each) for each in found] or ["không có thư nào bị giữ"]
    if spam:
        lines.append(f"ngoài ra {number(spam)} thư nghi là thư rác chờ người nhận quyết định: xem bằng --kind spam")
    return frame.answer(options, False, "\n".join(lines), messages=found, spam=spam)


_SPAM = "SELECT count(*) FROM mail.held_message h WHERE h.decided_at IS NULL AND h.kind = 'spam'"


def _line(message: dict[str, Any]) -> str:
    states = [each["state"] for each in message["recipients"]]
    counted = ", ".join(f"{STATES[state]} {states.count(state)}" for state in STATES if state in states)
    who = message["login"] or message["sender"] or "(không có người gửi)"
    lost = "; MẤT TỆP" if message["lost"] else ""
    return f"{message['id']}  {message['arrived_at']:%d/%m/%Y %H:%M}  {message['title']}; {who}; {counted}{lost}"


def _show(options: argparse.Namespace) -> int:
    with frame.session(options) as connection:
        message = _message(connection, options.number)
        copy = _copy(connection, options) if options.body else None
    del message["file"]
    lines = [
        f"Thư số {message['id']}: {message['title']} ({message['kind']})",
        f"Bộ lọc: {message['reason'] or '-'}",
        f"Đến lúc: {message['arrived_at']:%d/%m/%Y %H:%M:%S}, mã hàng đợi {message['queue_id'] or '-'}",
        f"Đăng nhập: {message['login'] or '-'}; người gửi: {message['sender'] or '-'}",
        f"From: {message['author'] or '-'}",
        f"Tiêu đề: {message['subject'] or '-'}",
        f"Message-ID: {message['message_id'] or '-'}",
        *([f"Bộ lọc học rằng không phải thư rác: {LESSONS[message['lesson']]}"] if message["lesson"] else []),
        *([f"Tệp: {'; '.join(message['files'])}"] if message["files"] else []),
        f"Dung lượng: {size(message['octets'])}, SHA-256 {message['sha256']}",
        *(["TỆP CỦA THƯ KHÔNG CÒN: không gửi đi được nữa"] if message["lost"] else []),
        "Người nhận:",
        *(f" - {_recipient(each)}" for each in message["recipients"]),
        *([f"Bản sao niêm phong: {copy}"] if copy else []),
    ]
    return frame.answer(options, bool(copy), "\n".join(lines), copy=str(copy) if copy else None, **message)


def _recipient(copy: dict[str, Any]) -> str:
    parts = [f"{copy['address']}: {STATES[copy['state']]}"]
    if copy["changed_by"]:
        parts.append(f"{copy['changed_by']} quyết định, {copy['changed_at']}")
    parts += [f"{word} {copy[name]}" for name, word in _FACTS if copy[name]]
    return "; ".join(parts)


_FACTS = (("document", "văn bản"), ("reason", "lý do:"), ("queued_as", "mã hàng đợi"), ("failure", "chưa được:"))


def _copy(connection: Session, options: argparse.Namespace) -> Path:
    """A sealed copy that only the operators' keys open, after it stands in the audit (record 0021)."""
    number, name = one(connection, "SELECT opening, file FROM mail.held_open(%s, %s)", [options.number, options.note])
    recipients = one(connection, "SELECT value FROM mail.setting WHERE name = 'handover_recipients'")[0]
    words = sealed_file.command(recipients)
    connection.commit()
    path: Path = options.copies / f"held-{options.number}.opening-{number}.eml.age"
    try:
        # Not through memory: a message may be as large as the server takes.
        with (options.folder / f"{name}.eml").open("rb") as message:
            done = subprocess.run(words, stdin=message, capture_output=True, check=False)
        if done.returncode:
            raise sealed_file.HandoverError(f"age: {done.stderr.decode(errors='replace').strip()}")
        options.copies.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_file.create(path, done.stdout, mode=0o600)
        atomic_file.sync(options.copies)
    except OSError as error:
        raise sealed_file.HandoverError(f"không niêm phong được bản sao {path}: {error.strerror}") from error
    return path


def _decide(options: argparse.Namespace) -> int:
    with frame.session(options) as connection:
        connection.autocommit = True
        values = [options.number, options.recipient, options.decision, options.reason, options.doubtful]
        done: list[str] = one(connection, "SELECT mail.held_decide(%s, %s, %s, %s, %s)", values)[0]
        if options.decision == "release" and done:
            _await(connection, options.number, done, options.wait)
        message = _message(connection, options.number)
    copies = [each for each in message["recipients"] if not options.recipient or each["address"] in options.recipient]
    verb = "gửi đi" if options.decision == "release" else "hủy"
    lines = [f"đã quyết định {verb} thư số {options.number} cho {len(done)} người nhận" if done else "không có gì đổi"]
    lines += [f" - {_recipient(each)}" for each in copies]
    if any(each["state"] == "doubt" for each in copies):
        lines.append(_DOUBT)
    return frame.answer(options, bool(done), "\n".join(lines), decided=done, recipients=copies)


def _await(connection: Session, number: int, addresses: Sequence[str], seconds: float) -> None:
    """Until the service has done what was decided, or has tried to, for a while."""
    question = (
        "SELECT count(*) FROM mail.held_recipient r WHERE r.message_id = %s AND r.address = ANY (%s)"
        " AND (r.state = 'sending' OR r.state = 'releasing' AND r.failure IS NULL)"
    )
    deadline = time.monotonic() + seconds
    while one(connection, question, [number, list(addresses)])[0] and time.monotonic() < deadline:
        time.sleep(0.2)
