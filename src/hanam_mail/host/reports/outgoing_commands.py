"""The commands of the reports that we send: dmarc-carry, dmarc-send, reports sent.

hanam-mail-db dmarc-carry FOLDER FILE   bring counted verdicts to the database (systemd, on the filter's host)
hanam-mail-db dmarc-send FILE           send the reports of days that are over (systemd, on the accounts host)
hanam-mail-db reports sent              what became of them, for operators
"""

import argparse
import logging
import smtplib
import sys
from collections import Counter
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from typing import Any

from hanam_mail.host import frame
from hanam_mail.host.agent import Configuration as Node
from hanam_mail.host.database.session import APPLY_DSN
from hanam_mail.host.jobs import notices
from hanam_mail.host.reports import outgoing_carry
from hanam_mail.host.reports import outgoing_rows as words
from hanam_mail.vietnamese import day as in_vietnamese

JOBS_DSN = "host=/run/postgresql dbname=mail user=mail_jobs"
_OUTCOMES = {
    words.SENT: "đã gửi",
    words.NONE: "không gửi",
    words.FAILED: "gửi hỏng",
    None: "đang chờ",
}
REASONS = {
    words.OWN: "của chính chúng ta",
    words.NO_RECORD: "tên miền không còn bản ghi DMARC",
    words.NO_ADDRESS: "bản ghi không còn nơi nhận (rua) bằng thư",
    words.NO_CONSENT: "nơi nhận thuộc tên miền khác và chưa đồng ý nhận",
    words.DNS: "DNS của tên miền hoặc của nơi nhận chưa trả lời",
    words.SMTP: "máy chủ thư của chúng ta chưa nhận",
    words.REFUSED: "địa chỉ nhận bị từ chối",
    words.TOO_LARGE: "lớn hơn mức nơi nhận cho phép",
    words.LEFT_OUT: "mọi thư đều đến sổ quá muộn",
    words.OLD: "ngày ấy đã quá hạn gửi khi đến lượt",
    words.LOST: "hơn một phần mười số thư không vào báo cáo nào: quá nhiều tên miền, quá nhiều dòng hoặc hết chỗ ghi",
    words.BROKEN: "dữ liệu trong cơ sở dữ liệu không đúng dạng",
}


def add_commands(commands: frame.Commands) -> None:
    """Add this module's commands to those of command_line.py."""
    text = "chuyển kết quả xác thực thư đến vào cơ sở dữ liệu (systemd gọi)"
    command = commands.add_parser("dmarc-carry", help=text, description=text)
    command.add_argument("folder", type=Path, help="thư mục bộ lọc ghi kết quả")
    command.add_argument("file", type=Path, help="tệp cấu hình của tác tử, để biết đường vào cơ sở dữ liệu")
    frame.add_json_option(command)
    command.set_defaults(run=_carry)

    text = "gửi báo cáo DMARC của những ngày đã qua cho các tên miền đề nghị (systemd gọi)"
    command = commands.add_parser("dmarc-send", help=text, description=text)
    command.add_argument("file", type=Path, help="tệp cấu hình")
    command.add_argument("--dsn", default=JOBS_DSN)
    frame.add_json_option(command)
    command.set_defaults(run=_send)


def add_sent(group: frame.Commands) -> None:
    """Add `sent` to the group `reports` (incoming_show.py)."""
    text = "báo cáo DMARC đã gửi cho các tên miền, theo ngày (giờ UTC)"
    command = group.add_parser("sent", help=text, description=text)
    command.add_argument(
        "--day", type=date.fromisoformat, metavar="NGÀY", help="từng tên miền của một ngày, ví dụ 2026-11-29"
    )
    command.add_argument("--dsn", default=APPLY_DSN)
    frame.add_json_option(command)
    command.set_defaults(run=_sent)


def _connect(dsn: str) -> Any:
    import psycopg

    return psycopg.connect(dsn, application_name="hanam-dmarc", connect_timeout=10, autocommit=True)


def _carry(options: argparse.Namespace) -> int:
    import psycopg

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    dsn = Node.read(options.file).dsn
    try:
        with _connect(dsn) as connection:
            done = outgoing_carry.carry(options.folder, connection)
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[0]
        print(f"hanam-mail-db: kết quả xác thực thư đến chưa chuyển được vào cơ sở dữ liệu: {reason}", file=sys.stderr)
        return 1
    lines = [f"đã chuyển {done.messages} kết quả trong {done.files} tệp"] if done.files else []
    if done.lost or done.damaged:
        lines.append(f"thiếu trong báo cáo: {done.lost} thư không còn chỗ ghi, {done.damaged} dòng hỏng")
    if done.left:
        lines.append(f"còn {done.left} tệp chưa chuyển được, xem các dòng trên")
    frame.answer(options, bool(done.files), "\n".join(lines), **vars(done))
    return 1 if done.left else 0


def _send(options: argparse.Namespace) -> int:
    # With what asks DNS, which no other command of these needs.
    from hanam_mail.host.reports import outgoing_send

    configuration = outgoing_send.Configuration.read(options.file)
    with _connect(options.dsn) as connection, ExitStack() as sessions:

        def connect() -> smtplib.SMTP:
            where = configuration.smtp_host, configuration.smtp_port, configuration.smtp_tls_name
            return sessions.enter_context(closing(notices.reach(*where)))

        done = outgoing_send.send_all(connection, configuration, connect)
        late = outgoing_send.overdue(connection)
    frame.answer(options, bool(done), _told(done), ended=dict(done), overdue=[list(each) for each in late])
    for day, domains, reason in late:
        missing = "" if reason == words.LOST else f" còn thiếu {domains} tên miền"
        why = REASONS.get(reason, "chưa rõ vì sao")
        print(
            f"hanam-mail-db: báo cáo DMARC ngày {in_vietnamese(day.isoformat())}{missing}: {why}",
            file=sys.stderr,
        )
    return 1 if late else 0


def _told(done: Counter[str]) -> str:
    parts = []
    for name, number in sorted(done.items()):
        outcome, _, reason = name.partition(":")
        why = f" ({REASONS.get(reason, reason)})" if reason else ""
        parts.append(f"{_OUTCOMES.get(outcome, _OUTCOMES[None])} {number} báo cáo{why}")
    return "\n".join(parts)


_DAYS = """
    SELECT coalesce(r.day, f.day), coalesce(r.domains, 0), coalesce(r.messages, 0), coalesce(r.sent, 0),
           coalesce(r.refused, 0), coalesce(r.failed, 0), coalesce(r.open, 0), coalesce(r.left_out, 0),
           coalesce(f.lost, 0)
    FROM (SELECT day, count(*) AS domains, sum(messages)::bigint AS messages,
                 count(*) FILTER (WHERE outcome = 'sent') AS sent, count(*) FILTER (WHERE outcome = 'none') AS refused,
                 count(*) FILTER (WHERE outcome = 'failed') AS failed, count(*) FILTER (WHERE outcome IS NULL) AS open,
                 sum(left_out)::bigint AS left_out
          FROM mail.dmarc_report GROUP BY day) r
    FULL JOIN (SELECT (taken_at AT TIME ZONE 'UTC')::date AS day, sum(lost)::bigint AS lost
               FROM mail.dmarc_file GROUP BY 1 HAVING sum(lost) > 0) f USING (day)
    ORDER BY 1
"""
_DAY_KEYS = ("day", "domains", "messages", "sent", "none", "failed", "waiting", "left_out", "lost")
_DOMAINS = """
    SELECT domain, messages, left_out, outcome, coalesce(reason, ''), given, tries FROM mail.dmarc_report
    WHERE day = %s ORDER BY domain
"""
_DOMAIN_KEYS = ("domain", "messages", "left_out", "outcome", "reason", "given", "tries")


def _sent(options: argparse.Namespace) -> int:
    with _connect(options.dsn) as connection:
        if options.day is None:
            days = [dict(zip(_DAY_KEYS, row, strict=True)) for row in connection.execute(_DAYS)]
            text = "\n".join(map(_day_line, days)) or "chưa có báo cáo DMARC nào"
            return frame.answer(options, False, text, days=days)
        rows = connection.execute(_DOMAINS, [options.day])
        domains = [dict(zip(_DOMAIN_KEYS, row, strict=True)) for row in rows]
    text = "\n".join(map(_domain_line, domains)) or "ngày này không có báo cáo DMARC nào"
    return frame.answer(options, False, text, day=options.day, domains=domains)


def _day_line(day: dict[str, Any]) -> str:
    missing = day["left_out"] + day["lost"]
    return (
        f"{in_vietnamese(day['day'].isoformat())}: {day['messages']} thư của {day['domains']} tên miền; "
        f"đã gửi {day['sent']}, không gửi {day['none']}, gửi hỏng {day['failed']}, đang chờ {day['waiting']}"
        + (f"; {missing} thư không vào báo cáo" if missing else "")
    )


def _domain_line(domain: dict[str, Any]) -> str:
    whom = f" tới {', '.join(domain['given'])}" if domain["given"] else ""
    why = f" ({REASONS.get(domain['reason'], domain['reason'])})" if domain["reason"] else ""
    return f"{domain['domain']}: {domain['messages']} thư, {_OUTCOMES[domain['outcome']]}{whom}{why}"
