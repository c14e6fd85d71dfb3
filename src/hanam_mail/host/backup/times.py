"""Times of snapshots: read, written for people, and those that cannot be true."""

import argparse
import datetime as dt
import re

# Clocks of hosts differ a little; more than this is no accident.
CLOCKS_DIFFER = dt.timedelta(hours=1)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).astimezone()


def parse_time(text: str) -> dt.datetime:
    """An ISO time as restic writes it, in nanoseconds, of which Python reads microseconds."""
    return dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).astimezone()


def shown(time: dt.datetime) -> str:
    return time.strftime("%d/%m/%Y %H:%M:%S")


def yet_to_come(time: dt.datetime) -> bool:
    """Whether it is of a clock that is wrong, or of somebody who wants his snapshot to be the latest."""
    return time > now() + CLOCKS_DIFFER


def moment(text: str) -> dt.datetime:
    """A time as people write it; a day alone means its end."""
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            day = dt.datetime.strptime(text, form)
        except ValueError:
            continue
        return (day + dt.timedelta(days=1, seconds=-1)).astimezone()
    for form in ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S"):
        try:
            return dt.datetime.strptime(text, form).astimezone()
        except ValueError:
            continue
    try:
        return dt.datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: cần dạng 2026-11-25 14:30 hoặc 25/11/2026 14:30 / not a time like 2026-11-25 14:30"
        ) from None
