"""What others reported, for the operator: who sends in our name (DMARC), and how TLS to us fails.

hanam-mail-db reports dmarc      source by source, our own hosts apart from all others
hanam-mail-db reports tls        by reporting organisation, by exchanger of ours and by kind of failure
hanam-mail-db reports refused    letters to the addresses of reports that do not count, by reason
"""

import argparse
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from hanam_mail import vietnamese
from hanam_mail.host import frame
from hanam_mail.host.database.errors import DatabaseError
from hanam_mail.host.database.session import Session, one
from hanam_mail.host.output import table
from hanam_mail.host.reports import outgoing_commands

DAYS = 30
_KIND_TEXTS = {
    "dmarc": "ai gửi thư mang tên miền của ta, có đạt SPF, DKIM không",
    "tls": "phiên TLS tới máy chủ của ta thất bại vì đâu, nơi nào báo",
    "refused": "thư gửi tới địa chỉ nhận báo cáo mà không được tính",
}
MOST = 100
"""Sources that people are shown; programs get all."""
REASONS = {
    "unmarked": "không có ghi nhận của bộ lọc: thư từ bên trong, hoặc bộ lọc hỏng",
    "unproven": "không chứng minh được nơi gửi (SPF, DKIM)",
    "unsigned": "báo cáo TLS không có chữ ký DKIM của nơi gửi",
    "known": "đã nhận báo cáo này trước đó",
    "foreign": "không phải về tên miền của hệ thống",
    "period": "thời gian của báo cáo không hợp lệ",
    "sender limit": "một nơi gửi quá nhiều báo cáo trong ngày",
    "day limit": "quá nhiều dữ liệu báo cáo trong ngày",
    "overflow": "quá nhiều thư báo cáo cùng lúc",
    "too many faults": "nơi gửi liên tiếp gửi báo cáo vượt giới hạn đọc",
    "broken": "báo cáo hỏng hoặc sai quy cách",
    "limit": "báo cáo vượt giới hạn đọc",
    "encrypted": "tệp nén có mật khẩu",
    "unknown": "thư không có báo cáo",
    "unreadable": "không ghi được vào cơ sở dữ liệu",
    "size": "báo cáo quá lớn",
}
FAILURES = {
    "starttls-not-supported": "máy chủ không đề nghị STARTTLS",
    "certificate-host-mismatch": "tên trên chứng thư không khớp",
    "certificate-expired": "chứng thư hết hạn",
    "certificate-not-trusted": "chứng thư không được tin cậy",
    "validation-failure": "không kiểm tra được chứng thư",
    "tlsa-invalid": "bản ghi TLSA không hợp lệ",
    "dnssec-invalid": "DNSSEC không hợp lệ",
    "dane-required": "bên gửi đòi DANE mà không có bản ghi TLSA",
    "sts-policy-fetch-error": "không lấy được chính sách MTA-STS",
    "sts-policy-invalid": "chính sách MTA-STS không hợp lệ",
    "sts-webpki-invalid": "chứng thư của trang MTA-STS không hợp lệ",
}
_POLICIES = {"sts": "MTA-STS", "tlsa": "DANE", "no-policy-found": "không thấy chính sách"}
_DISPOSITIONS = {"none": "nhận", "pass": "nhận", "quarantine": "vào Thư rác", "reject": "từ chối"}

type _Answer = tuple[str, dict[str, Any]]
"""For people, and for programs."""

_HEAD = (
    "SELECT count(*) AS reports, count(DISTINCT (r.sender, r.organization)) AS reporters FROM mail.report r"
    " WHERE r.kind = %(kind)s AND r.ends::date BETWEEN %(since)s AND %(until)s"
)
_DMARC = (
    "SELECT host(d.source) AS source, h.host, sum(d.messages)::bigint AS messages,"
    " coalesce(sum(d.messages) FILTER (WHERE d.dkim OR d.spf), 0)::bigint AS passed,"
    " coalesce(sum(d.messages) FILTER (WHERE d.spf), 0)::bigint AS spf,"
    " coalesce(sum(d.messages) FILTER (WHERE d.dkim), 0)::bigint AS dkim,"
    " coalesce(sum(d.messages) FILTER (WHERE d.disposition IN ('none', 'pass')), 0)::bigint AS accepted,"
    " coalesce(sum(d.messages) FILTER (WHERE d.disposition = 'quarantine'), 0)::bigint AS quarantined,"
    " coalesce(sum(d.messages) FILTER (WHERE d.disposition = 'reject'), 0)::bigint AS rejected,"
    " array_agg(DISTINCT d.header_from) AS authors,"
    " jsonb_agg(DISTINCT jsonb_build_array(r.organization, r.sender)) AS by"
    " FROM mail.report r JOIN mail.report_dmarc d ON d.report = r.seq"
    " LEFT JOIN mail.report_own_hosts() h ON h.address = d.source"
    " WHERE r.kind = 'dmarc' AND r.ends::date BETWEEN %(since)s AND %(until)s"
    " GROUP BY d.source, h.host ORDER BY h.host IS NULL, 3 DESC, d.source"
)
_TLS = (
    "SELECT r.organization, r.sender, t.policy, t.domain, sum(t.successes)::bigint AS successes,"
    " sum(t.failures)::bigint AS failures FROM mail.report r JOIN mail.report_tls t ON t.report = r.seq"
    " WHERE r.kind = 'tls' AND r.ends::date BETWEEN %(since)s AND %(until)s"
    " GROUP BY r.organization, r.sender, t.policy, t.domain ORDER BY 6 DESC, 5 DESC, 1, 2, 3, 4"
)
_TLS_FAILURES = (
    "SELECT f.failure, f.mx, sum(f.sessions)::bigint AS sessions,"
    " jsonb_agg(DISTINCT jsonb_build_array(r.organization, r.sender)) AS by,"
    " array_agg(DISTINCT f.reason) FILTER (WHERE f.reason <> '') AS reasons"
    " FROM mail.report r JOIN mail.report_tls_failure f ON f.report = r.seq"
    " WHERE r.kind = 'tls' AND r.ends::date BETWEEN %(since)s AND %(until)s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
)
_REFUSED = (
    "SELECT reason, sum(number)::bigint AS number, max(last_at) AS last_at,"
    " (array_agg(sender ORDER BY last_at DESC))[1] AS sender, (array_agg(detail ORDER BY last_at DESC))[1] AS detail"
    " FROM mail.report_refused WHERE day BETWEEN %(since)s AND %(until)s GROUP BY 1 ORDER BY 2 DESC, 1"
)


def add_commands(commands: frame.Commands) -> None:
    """Add this module's commands to those of command_line.py."""
    text = "báo cáo của hệ thống khác về ta (DMARC, TLS) và báo cáo DMARC đã gửi cho họ"
    group = commands.add_parser("reports", help=text, description=text)
    group.set_defaults(run=_run)
    kinds = group.add_subparsers(required=True, metavar="VIỆC", dest="kind")
    for kind, words in _KIND_TEXTS.items():
        _add(kinds.add_parser(kind, help=words, description=words))
    outgoing_commands.add_sent(kinds)


def _add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--days", type=int, metavar="N", help=f"N ngày gần nhất (mặc định {DAYS})")
    for option, dest, words in (("--from", "since", "từ ngày, dạng 2026-11-01"), ("--to", "until", "đến hết ngày")):
        command.add_argument(option, dest=dest, type=date.fromisoformat, metavar="NGÀY", help=words)
    frame.add_session_options(command)
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    with frame.session(options) as connection:
        text, found = _KINDS[options.kind](_Asked(connection, options))
    return frame.answer(options, False, text, **found)


def period(options: argparse.Namespace, today: date) -> tuple[date, date]:
    """The days that are asked for, both included. Raises DatabaseError for none."""
    if options.days is not None and (options.since or options.days < 1):
        raise DatabaseError("--days là số ngày từ 1 trở lên, và không dùng cùng --from")
    until = options.until or today
    since = options.since or until - timedelta(days=min(options.days or DAYS, 36500) - 1)
    if since > until:
        raise DatabaseError(f"từ ngày {vietnamese.day(since)} là sau ngày {vietnamese.day(until)}")
    return since, until


class _Asked:
    """A session, the days that it is about, and rows by the names of their columns."""

    def __init__(self, connection: Session, options: argparse.Namespace) -> None:
        self._connection = connection
        self.since, self.until = period(options, one(connection, "SELECT current_date")[0])
        self.days = f"từ {vietnamese.day(self.since)} đến {vietnamese.day(self.until)}"

    def rows(self, question: str, **more: Any) -> list[dict[str, Any]]:
        from psycopg import rows

        values = {"since": self.since, "until": self.until, **more}
        with self._connection.cursor(row_factory=rows.dict_row) as cursor:
            return cursor.execute(question, values).fetchall()

    def number_of_reports(self, kind: str) -> tuple[int, int]:
        (found,) = self.rows(_HEAD, kind=kind)
        return found["reports"], found["reporters"]

    def as_dict(self, **more: Any) -> dict[str, Any]:
        """For programs: the days, and what was found."""
        return {"from": self.since, "to": self.until, **more}


def _dmarc(asked: _Asked) -> _Answer:
    (reports, reporters), found = asked.number_of_reports("dmarc"), asked.rows(_DMARC)
    ours, others = [row for row in found if row["host"]], [row for row in found if not row["host"]]
    messages = vietnamese.number(sum(row["messages"] for row in found))
    lines = [f"Báo cáo DMARC {asked.days}: {reports} báo cáo của {reporters} nơi, {messages} thư."]
    for caption, some, none in (
        ("Máy chủ của ta:", ours, "không nơi nào báo có thư từ máy chủ của ta"),
        ("Nơi khác gửi thư mang tên miền của ta:", others, "không nơi nào báo có thư như vậy"),
    ):
        lines += ["", caption, *(table(_SOURCES, [_source(row) for row in some[:MOST]]) or [f"  {none}"])]
        if len(some) > MOST:
            lines.append(f"  … và {vietnamese.number(len(some) - MOST)} nguồn khác, ít thư hơn (xem đủ: --json)")
    text = "\n".join(lines) if reports else f"Chưa có báo cáo DMARC nào {asked.days}."
    return text, asked.as_dict(reports=reports, ours=ours, others=others)


_SOURCES = ("Nguồn", "Số thư", "Đạt", "Không đạt", "Đạt SPF", "Đạt DKIM", "Bên nhận xử lý", "Nơi báo")


def _source(row: dict[str, Any]) -> tuple[str, ...]:
    name = f"{row['source']} ({row['host']})" if row["host"] else row["source"]
    counts = (row["messages"], row["passed"], row["messages"] - row["passed"], row["spf"], row["dkim"])
    handled = {"none": row["accepted"], "quarantine": row["quarantined"], "reject": row["rejected"]}
    did = ", ".join(f"{_DISPOSITIONS[what]} {vietnamese.number(many)}" for what, many in handled.items() if many)
    return (name, *map(vietnamese.number, counts), did, _reporters(row["by"]))


def _tls(asked: _Asked) -> _Answer:
    (reports, reporters), policies = asked.number_of_reports("tls"), asked.rows(_TLS)
    failures = asked.rows(_TLS_FAILURES)
    good, bad = (sum(row[name] for row in policies) for name in ("successes", "failures"))
    lines = [
        f"Báo cáo TLS {asked.days}: {reports} báo cáo của {reporters} nơi,"
        f" {vietnamese.number(good)} phiên thành công, {vietnamese.number(bad)} phiên thất bại.",
        "",
        *table(("Nơi báo", "Chính sách", "Thành công", "Thất bại"), [_policy(row) for row in policies]),
        "",
        "Thất bại:",
        *(
            table(("Vì sao", "Máy chủ của ta", "Số phiên", "Nơi báo"), [_failure(row) for row in failures])
            or ["  không nơi nào báo có thất bại" if not bad else "  không nơi nào cho biết vì sao"]
        ),
    ]
    text = "\n".join(lines) if reports else f"Chưa có báo cáo TLS nào {asked.days}."
    return text, asked.as_dict(reports=reports, policies=policies, failures=failures)


def _policy(row: dict[str, Any]) -> tuple[str, ...]:
    where = _reporters([(row["organization"], row["sender"])])
    return (
        where,
        f"{_POLICIES[row['policy']]}, {row['domain']}",
        *(vietnamese.number(row[name]) for name in ("successes", "failures")),
    )


def _failure(row: dict[str, Any]) -> tuple[str, ...]:
    return (failure(row["failure"]), row["mx"] or "không rõ", vietnamese.number(row["sessions"]), _reporters(row["by"]))


def failure(kind: str) -> str:
    """A kind of failure in words, with its name in the standard."""
    return f"{FAILURES[kind]} ({kind})" if kind in FAILURES else kind


def _refused(asked: _Asked) -> _Answer:
    found = asked.rows(_REFUSED)
    lines = [f"Thư không được tính là báo cáo {asked.days}:", ""]
    lines += table(("Lý do", "Số thư", "Lần cuối", "Nơi gửi lần cuối"), [_reason(row) for row in found])
    text = "\n".join(lines) if found else f"Không có thư nào bị loại {asked.days}."
    return text, asked.as_dict(refused=found)


def _reason(row: dict[str, Any]) -> tuple[str, ...]:
    why = REASONS.get(row["reason"], row["reason"]) + (f": {row['detail']}" if row["detail"] else "")
    return (why, vietnamese.number(row["number"]), f"{row['last_at']:%d/%m/%Y %H:%M}", row["sender"])


def _reporters(by: Sequence[Sequence[str]]) -> str:
    """The names that reports bear, each with the domain that is proven where it is another word."""
    return ", ".join(name if name.lower() == domain else f"{name} [{domain}]" for name, domain in by)


_KINDS: dict[str, Callable[[_Asked], _Answer]] = {"dmarc": _dmarc, "tls": _tls, "refused": _refused}
