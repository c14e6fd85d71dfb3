"""`hanam-mail overdue`: requests past their term, those nearly so, and those that were answered late."""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click

from hanam_mail.cli.base import Day, command, console, json_option, load, print_json, registry_option, table

if TYPE_CHECKING:
    from hanam_mail.registry.overdue import RequestTerm

_STANDINGS = {
    "overdue": "QUÁ HẠN",
    "due_soon": "sắp đến hạn",
    "pending": "còn hạn",
    "uncounted": "CHƯA TÍNH ĐƯỢC HẠN",
    "late": "trả lời muộn",
}
_ACTIONS = {
    "issue": "cấp mới",
    "change": "thay đổi",
    "revoke": "thu hồi",
    "restore": "khôi phục",
    "lock": "tạm khóa",
    "absence": "báo vắng",
    "reset": "đặt lại mật khẩu",
}


@command()
@registry_option
@click.option("--day", type=Day(), help="Tính đến ngày nào (mặc định: hôm nay). / As of which day.")
@click.option("--since", type=Day(), help="Chỉ kể việc nhận từ ngày này. / Only what was received since.")
@click.option(
    "--calendar",
    "year",
    type=click.IntRange(1995, 2100),
    help="Chỉ in ngày nghỉ, ngày làm bù của năm. / Print a year's days off.",
)
@json_option
def overdue(path: Path, day: date | None, since: date | None, year: int | None, as_json: bool) -> None:
    """Đề nghị quá hạn, sắp đến hạn, trả lời muộn (Đ6.2b, Đ7.3b) / Requests against their terms.

    Mã thoát: 0 không có việc quá hạn chưa làm, 1 có việc quá hạn chưa làm, có hạn rơi vào năm chưa được xác nhận lịch
    nghỉ (hoặc dữ liệu có lỗi), 2 gõ sai lệnh.

    Exit codes: 0 nothing pending is overdue, 1 something is, a term runs into a year whose calendar nobody confirmed
    (or the input has errors), 2 wrong usage.
    """
    from hanam_mail.registry import loading, overdue
    from hanam_mail.regulation import workdays

    calendar = workdays.load(workdays.calendar_beside(path), also=() if year is None else (year,))
    if year is not None:
        _print_year(calendar, year, as_json)
        return
    as_of = day or loading.today()
    found = overdue.items(load(path), calendar, as_of)
    if since is not None:
        found = [item for item in found if item.request.received >= since]
    if as_json:
        print_json({"day": as_of.isoformat(), "requests": [_as_dict(item) for item in found]})
    else:
        _print_list(found, as_of)
    unconfirmed = sorted({item.unconfirmed for item in found if item.unconfirmed is not None})
    for year in unconfirmed:
        click.echo(str(workdays.UnconfirmedYearError(calendar.file, year)), err=True)
    sys.exit(1 if unconfirmed or any(item.standing is overdue.TermState.OVERDUE for item in found) else 0)


def _print_list(found: Sequence["RequestTerm"], day: date) -> None:
    """A paragraph for each request, no line longer than a terminal of 80 columns."""
    if not found:
        click.echo(f"Đến ngày {day:%d/%m/%Y}: không có đề nghị nào chờ giải quyết hoặc bị trả lời muộn.")
        return
    for item in found:
        request = item.request
        asks = ", ".join(_ACTIONS[kind] for kind in request.asks)
        lines = [
            f"{_STANDINGS[item.standing]}: {_days(item)} ({item.clause})",
            f"  {request.id}: {request.document} của {item.agency}, nhận {request.received:%d/%m/%Y}, {asks}",
            *(
                f"  Khôi phục {entry.address} ngày {entry.done:%d/%m/%Y}, người xác minh: {entry.verified}"
                for entry in item.restored
            ),
        ]
        for line in lines:
            click.echo(fill(line, 80, subsequent_indent="    ", break_on_hyphens=False))
    counts = {name: sum(item.standing == key for item in found) for key, name in _STANDINGS.items()}
    summary = ", ".join(f"{count} {name.lower()}" for name, count in counts.items())
    click.echo(fill(f"Đến ngày {day:%d/%m/%Y}: {summary}.", 80, subsequent_indent="    "))


def _days(item: "RequestTerm") -> str:
    unconfirmed = f"lịch nghỉ năm {item.unconfirmed} chưa được xác nhận"
    if item.due is None:
        return f"{unconfirmed} nên chưa tính được hạn"
    if item.days is None:
        days = f"{unconfirmed} nên chưa tính được muộn bao nhiêu ngày"
    elif item.standing in ("overdue", "late"):
        days = f"muộn {item.days} ngày làm việc"
    else:
        days = f"còn {item.days} ngày làm việc" if item.days else "hạn chót hôm nay"
    return f"{days}, hạn {item.due:%d/%m/%Y}"


def _as_dict(item: "RequestTerm") -> dict[str, Any]:
    request = item.request
    return {
        "standing": item.standing,
        "request": request.id,
        "agency": item.agency,
        "document": request.document,
        "dated": request.dated,
        "received": request.received,
        "asks": list(request.asks),
        "due": item.due,
        "clause": item.clause,
        "working_days": item.days,
        "unconfirmed_year": item.unconfirmed,
        "finished": item.finished,
        "restored": [
            {"address": entry.address, "done": entry.done, "verified": entry.verified} for entry in item.restored
        ],
    }


def _print_year(calendar: Any, year: int, as_json: bool) -> None:
    """What a person compares with the official documents before confirming the year."""
    days = calendar.special_days(year)
    if as_json:
        print_json({day.isoformat(): reason for day, reason in days.items()})
        return
    weekdays = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
    rows = table("Ngày", "Thứ", "Nghỉ hay làm", "Lý do")
    for day, reason in days.items():
        state = "làm việc" if day in calendar.working_days else "nghỉ"
        rows.add_row(f"{day:%d/%m/%Y}", weekdays[day.weekday()], state, reason)
    console().print(rows)
    confirmation = calendar.confirmed.get(year)
    if confirmation is None:
        click.echo(f"Năm {year} CHƯA được xác nhận trong {calendar.file}.")
    else:
        click.echo(f"Năm {year} đã được {confirmation.by} xác nhận theo {confirmation.document}.")
