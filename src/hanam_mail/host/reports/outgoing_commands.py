"""The commands of the reports that we send: reports-carry, reports-send, reports sent.

hanam-mail-db reports-carry FILE KIND=FOLDER   bring what hosts counted to the database (systemd, on these hosts)
hanam-mail-db reports-send FILE                send the reports of days that are over (systemd, on the accounts host)
hanam-mail-db reports sent                     what became of them, for operators
"""

import argparse
import logging
import smtplib
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import date
from pathlib import Path
from typing import Any

from hanam_mail.host import frame
from hanam_mail.host.agent import AgentConfiguration
from hanam_mail.host.database.session import APPLY_DSN, JOBS_DSN, Session
from hanam_mail.host.jobs import notices
from hanam_mail.host.reports import outgoing_carry
from hanam_mail.host.reports import outgoing_rows as words
from hanam_mail.vietnamese import day as in_vietnamese

_OUTCOMES = {
    words.SENT: "đã gửi",
    words.NONE: "không gửi",
    words.FAILED: "gửi hỏng",
    None: "đang chờ",
}
NAMES = {words.DMARC: "DMARC", words.TLS: "TLS"}
# What a kind counts, of how many domains.
_COUNTS = {words.DMARC: "{0} thư của {1} tên miền", words.TLS: "{0} phiên TLS tới {1} tên miền"}
_UNITS = {words.DMARC: "thư", words.TLS: "phiên"}
REASONS = {
    words.OWN: "của chính chúng ta",
    words.NO_RECORD: "tên miền không còn bản ghi đề nghị báo cáo",
    words.HTTPS: "bản ghi chỉ nhận báo cáo qua HTTPS, chúng ta chỉ gửi bằng thư",
    words.NO_ADDRESS: "bản ghi không còn nơi nhận (rua) bằng thư",
    words.NO_CONSENT: "nơi nhận thuộc tên miền khác và chưa đồng ý nhận",
    words.DNS: "DNS của tên miền hoặc của nơi nhận chưa trả lời",
    words.SMTP: "máy chủ thư của chúng ta chưa nhận",
    words.REFUSED: "địa chỉ nhận bị từ chối",
    words.TOO_LARGE: "lớn hơn mức nơi nhận cho phép",
    words.LEFT_OUT: "mọi kết quả đều đến sổ quá muộn",
    words.OLD: "ngày ấy đã quá hạn gửi khi đến lượt",
    words.LOST: (
        "hơn một phần mười kết quả không vào báo cáo nào: quá nhiều tên miền, quá nhiều dòng, hết chỗ ghi, "
        "hoặc không đọc được (journalctl -t hanam-tls-seen -t hanam-mail-auth)"
    ),
    words.CROWDED: "nơi nhận ấy đã có đủ số báo cáo của một ngày",
    words.BROKEN: "dữ liệu trong cơ sở dữ liệu không đúng dạng",
}


def add_commands(commands: frame.Commands) -> None:
    """Add this module's commands to those of command_line.py."""
    text = "chuyển kết quả đếm cho báo cáo DMARC, TLS vào cơ sở dữ liệu (systemd gọi)"
    command = commands.add_parser("reports-carry", help=text, description=text)
    command.add_argument("file", type=Path, help="tệp cấu hình của tác tử, để biết đường vào cơ sở dữ liệu")
    command.add_argument(
        "folders",
        type=_folder,
        nargs="+",
        metavar="LOẠI=THƯ MỤC",
        help="nơi ghi kết quả của loại dmarc hoặc tls",
    )
    frame.add_json_option(command)
    command.set_defaults(run=_carry)

    text = "gửi báo cáo DMARC, TLS của những ngày đã qua cho các tên miền đề nghị (systemd gọi)"
    command = commands.add_parser("reports-send", help=text, description=text)
    command.add_argument("file", type=Path, help="tệp cấu hình")
    command.add_argument("--dsn", default=JOBS_DSN)
    frame.add_json_option(command)
    command.set_defaults(run=_send)


def add_sent(group: frame.Commands) -> None:
    """Add `sent` to the group `reports` (incoming_show.py)."""
    text = "báo cáo DMARC, TLS đã gửi cho các tên miền, theo ngày (giờ UTC)"
    command = group.add_parser("sent", help=text, description=text)
    command.add_argument(
        "--day", type=date.fromisoformat, metavar="NGÀY", help="từng tên miền của một ngày, ví dụ 2026-11-29"
    )
    command.add_argument("--dsn", default=APPLY_DSN)
    frame.add_json_option(command)
    command.set_defaults(run=_sent)


def _folder(text: str) -> tuple[str, Path]:
    kind, _, folder = text.partition("=")
    if kind not in NAMES or not folder:
        raise argparse.ArgumentTypeError(f"{text}: cần {' hoặc '.join(NAMES)}, dấu = và thư mục")
    return kind, Path(folder)


def _connect(dsn: str) -> Session:
    import psycopg

    return psycopg.connect(dsn, application_name="hanam-reports", connect_timeout=10, autocommit=True)


def _carry(options: argparse.Namespace) -> int:
    import psycopg

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    dsn = AgentConfiguration.read(options.file).dsn
    done: dict[str, outgoing_carry.Carried] = {}
    try:
        with _connect(dsn) as connection:
            for kind, folder in options.folders:
                try:
                    done[kind] = outgoing_carry.carry(kind, folder, connection)
                except OSError as error:
                    # No reason to leave the other kind where it is.
                    print(f"hanam-mail-db: {folder}: không đọc được: {error}", file=sys.stderr)
                    done[kind] = outgoing_carry.Carried(left=1)
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[0]
        print(f"hanam-mail-db: kết quả cho báo cáo chưa chuyển được vào cơ sở dữ liệu: {reason}", file=sys.stderr)
        return 1
    lines = [line for kind, each in done.items() for line in _carried(NAMES[kind], each)]
    told = {kind: vars(each) for kind, each in done.items()}
    frame.answer(options, any(each.files for each in done.values()), "\n".join(lines), **told)
    return 1 if any(each.left for each in done.values()) else 0


def _carried(name: str, done: outgoing_carry.Carried) -> Iterator[str]:
    if done.files:
        yield f"{name}: đã chuyển {done.messages} kết quả trong {done.files} tệp"
    if done.lost or done.damaged:
        yield f"{name}: thiếu trong báo cáo: {done.lost} kết quả không còn chỗ ghi, {done.damaged} dòng hỏng"
    if done.left:
        yield f"{name}: còn {done.left} tệp chưa chuyển được, xem các dòng trên"


def _send(options: argparse.Namespace) -> int:
    # With what asks DNS, which no other command of these needs.
    from hanam_mail.host.reports import outgoing_send

    configuration = outgoing_send.ReportsConfiguration.read(options.file)
    done: dict[str, Counter[str]] = {}
    late, failed = [], False
    with _connect(options.dsn) as connection, ExitStack() as sessions:

        def connect() -> smtplib.SMTP:
            where = configuration.smtp_host, configuration.smtp_port, configuration.smtp_tls_name
            return sessions.enter_context(closing(notices.reach(*where)))

        for kind in configuration.returned_to:
            try:
                done[kind] = outgoing_send.send_all(connection, configuration, kind, connect)
            except Exception:
                # Whatever it is: the other kind is sent, what is missing of this one is told, and somebody looks.
                logging.exception("hanam-mail-db: báo cáo %s chưa gửi hết", NAMES[kind])
                failed = True
            late += [(kind, *each) for each in outgoing_send.overdue(connection, kind)]
    text = "\n".join(line for kind, ended in done.items() for line in _told(NAMES[kind], ended))
    ended = {kind: dict(each) for kind, each in done.items()}
    frame.answer(options, any(done.values()), text, ended=ended, overdue=[list(each) for each in late])
    for kind, day, domains, reason in late:
        missing = "" if reason == words.LOST else f" còn thiếu {domains} tên miền"
        why = REASONS.get(reason, "chưa rõ vì sao")
        print(
            f"hanam-mail-db: báo cáo {NAMES[kind]} ngày {in_vietnamese(day.isoformat())}{missing}: {why}",
            file=sys.stderr,
        )
    return 1 if late or failed else 0


def _told(of: str, done: Counter[str]) -> Iterator[str]:
    for name, number in sorted(done.items()):
        outcome, _, reason = name.partition(":")
        why = f" ({REASONS.get(reason, reason)})" if reason else ""
        yield f"{of}: {_OUTCOMES.get(outcome, _OUTCOMES[None])} {number} báo cáo{why}"


_DAYS = """
    SELECT coalesce(r.day, f.day), coalesce(r.kind, f.kind), coalesce(r.domains, 0), coalesce(r.messages, 0),
           coalesce(r.sent, 0), coalesce(r.refused, 0), coalesce(r.failed, 0), coalesce(r.open, 0),
           coalesce(r.left_out, 0), coalesce(f.lost, 0)
    FROM (SELECT kind, day, count(*) AS domains, sum(messages)::bigint AS messages,
                 count(*) FILTER (WHERE outcome = 'sent') AS sent, count(*) FILTER (WHERE outcome = 'none') AS refused,
                 count(*) FILTER (WHERE outcome = 'failed') AS failed, count(*) FILTER (WHERE outcome IS NULL) AS open,
                 sum(left_out)::bigint AS left_out
          FROM mail.outgoing_report GROUP BY kind, day) r
    FULL JOIN (SELECT kind, (taken_at AT TIME ZONE 'UTC')::date AS day, sum(lost)::bigint AS lost
               FROM mail.outgoing_file GROUP BY 1, 2 HAVING sum(lost) > 0) f USING (kind, day)
    ORDER BY 1, 2
"""
_DAY_KEYS = ("day", "kind", "domains", "messages", "sent", "none", "failed", "waiting", "left_out", "lost")
_DOMAINS = """
    SELECT kind, domain, messages, left_out, outcome, coalesce(reason, ''), given, tries FROM mail.outgoing_report
    WHERE day = %s ORDER BY kind, domain
"""
_DOMAIN_KEYS = ("kind", "domain", "messages", "left_out", "outcome", "reason", "given", "tries")


def _sent(options: argparse.Namespace) -> int:
    with _connect(options.dsn) as connection:
        if options.day is None:
            days = [dict(zip(_DAY_KEYS, row, strict=True)) for row in connection.execute(_DAYS)]
            text = "\n".join(map(_day_line, days)) or "chưa có báo cáo nào"
            return frame.answer(options, False, text, days=days)
        rows = connection.execute(_DOMAINS, [options.day])
        domains = [dict(zip(_DOMAIN_KEYS, row, strict=True)) for row in rows]
    text = "\n".join(map(_domain_line, domains)) or "ngày này không có báo cáo nào"
    return frame.answer(options, False, text, day=options.day, domains=domains)


def _day_line(day: dict[str, Any]) -> str:
    kind, missing = day["kind"], day["left_out"] + day["lost"]
    counted = _COUNTS[kind].format(day["messages"], day["domains"])
    return (
        f"{in_vietnamese(day['day'].isoformat())}, {NAMES[kind]}: {counted}; "
        f"đã gửi {day['sent']}, không gửi {day['none']}, gửi hỏng {day['failed']}, đang chờ {day['waiting']}"
        + (f"; {missing} {_UNITS[kind]} không vào báo cáo" if missing else "")
    )


def _domain_line(domain: dict[str, Any]) -> str:
    whom = f" tới {', '.join(domain['given'])}" if domain["given"] else ""
    why = f" ({REASONS.get(domain['reason'], domain['reason'])})" if domain["reason"] else ""
    counted = f"{domain['messages']} {_UNITS[domain['kind']]}"
    return f"{domain['domain']}, {NAMES[domain['kind']]}: {counted}, {_OUTCOMES[domain['outcome']]}{whom}{why}"
