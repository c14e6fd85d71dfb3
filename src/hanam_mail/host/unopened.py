"""`hanam-mail-db unopened`: which agencies' mailboxes nobody opened, in the morning and in the afternoon (Đ9.2).

hanam-mail-db unopened                  agencies with half-days on which nobody opened the mailbox, of the last 30 days
hanam-mail-db unopened --agency CODE    of one agency: each half-day, when its mailbox was opened first and by whom

Half-days are those of working days that are over, since the mailbox was issued or given back. A program that stays
signed in from the morning on is not seen to look again in the afternoon.
"""

import argparse
from datetime import date, datetime

from hanam_mail.host import by_agency, frame

_HALVES = """
    WITH noon AS (
        SELECT (s.value #>> '{}')::interval AS begins FROM mail.setting s WHERE s.name = 'life_cycle_afternoon_begins'
    ),
    halves AS (
        SELECT d.day::date, h.half, d.day + h.half * noon.begins AS begins
        FROM noon, generate_series(current_date - %s::int + 1, current_date, interval '1 day') AS d (day),
            (VALUES (0), (1)) AS h (half)
        WHERE mail.is_working_day(d.day::date)
            AND localtimestamp >= d.day + CASE h.half WHEN 0 THEN noon.begins ELSE interval '1 day' END
    ),
    expected AS (
        SELECT m.id, m.agency_id, h.day, h.half,
            EXISTS (SELECT FROM mail.sign_in s WHERE (s.mailbox_id, s.day, s.half) = (m.id, h.day, h.half)) AS opened
        FROM mail.mailbox m, halves h
        WHERE m.kind = 'agency' AND m.state = 'active' AND greatest(m.created_at, m.restored_at) <= h.begins
    )
"""
_BY_AGENCY = f"""
    {_HALVES}
    SELECT a.code, a.name, count(*) FILTER (WHERE NOT e.opened AND e.half = 0),
           count(*) FILTER (WHERE NOT e.opened AND e.half = 1), count(*),
           (SELECT max(s.last_at) FROM mail.sign_in s JOIN mail.mailbox m ON m.id = s.mailbox_id
            WHERE m.kind = 'agency' AND m.agency_id = a.id)
    FROM expected e JOIN mail.agency a ON a.id = e.agency_id
    GROUP BY a.id, a.code, a.name HAVING NOT bool_and(e.opened)
    ORDER BY count(*) FILTER (WHERE NOT e.opened) DESC, a.code
"""  # noqa: S608 - its own text
_OF_AGENCY = f"""
    {_HALVES}
    SELECT d.local_part, e.day, e.half, min(s.first_at), string_agg(DISTINCT p.name, ', ')
    FROM expected e JOIN mail.agency a ON a.id = e.agency_id
    LEFT JOIN mail.address d ON d.mailbox_id = e.id AND d.kind = 'primary'
    LEFT JOIN mail.sign_in s ON (s.mailbox_id, s.day, s.half) = (e.id, e.day, e.half)
    LEFT JOIN mail.mailbox p ON p.id = s.clerk_id
    WHERE a.code = %s
    GROUP BY d.local_part, e.day, e.half ORDER BY d.local_part, e.day DESC, e.half DESC
"""  # noqa: S608 - its own text


def add_commands(commands: frame.Commands) -> None:
    """Add this module's command to those of command_line.py."""
    text = "hộp thư cơ quan mà không ai mở vào buổi sáng, buổi chiều của ngày làm việc (Đ9.2)"
    by_agency.add_command(commands, "unopened", text, _run)


def _run(options: argparse.Namespace) -> int:
    return by_agency.answer(
        options,
        by_agency.AgencyTable(
            _BY_AGENCY,
            ("agency", "name", "mornings", "afternoons", "half_days", "last"),
            lambda code, name, mornings, afternoons, half_days, last: (
                f"{by_agency.agency(code, name)}: không mở {mornings} buổi sáng, {afternoons} buổi chiều"
                f" trong {half_days} buổi làm việc; {_last(last)}"
            ),
        ),
        by_agency.AgencyTable(_OF_AGENCY, ("address", "day", "half", "first", "clerks"), _half_day),
        "không có buổi làm việc nào để tính"
        if options.agency
        else "không thấy buổi làm việc nào hộp thư cơ quan bị bỏ không mở",
    )


def _last(at: datetime | None) -> str:
    return f"mở lần cuối {at:%H:%M %d/%m/%Y}" if at else "chưa mở lần nào"


def _half_day(address: str | None, day: date, half: int, first: datetime | None, clerks: str | None) -> str:
    opened = f"mở lúc {first:%H:%M}{f' ({clerks})' if clerks else ''}" if first else "KHÔNG MỞ"
    return f"{address or '-'}: {('sáng', 'chiều')[half]} {day:%d/%m/%Y}: {opened}"
