"""What is looked at: units, certificates, dates, ages of files, backups, others' findings, the journal, the clock."""

import json
import re
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

DOWN_SECONDS = 180
"""A daemon may be stopped for so long, by an operator or an upgrade, before it counts as dead."""
RESTARTS = 5
"""So many restarts without an hour of calm are a loop."""
CALM_SECONDS = 3600
FINDINGS_OCTETS = 1 << 20
FINDING_LETTERS = 1000
STEP_SECONDS = 15
"""A clock that went back by more between two looks was set; a slow correction takes longer for so much."""

type WatchRow = Mapping[str, Any]
type Run = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class Finding:
    """Something the operator must know.

    `mail`: mail may not get through because of it. `grace`: so many seconds it may last before he is told.
    """

    text: str
    mail: bool = False
    grace: float = 0


def hint(unit: str) -> str:
    """What to type next. A letter's subject ends before it (telling.py)."""
    return f"systemctl status {unit}; journalctl -u {unit}"


def systemctl(words: Sequence[str]) -> str:
    """What systemctl prints."""
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False, timeout=150)
    if done.returncode != 0:
        raise OSError(f"systemctl {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


# --- what is looked at -----------------------------------------------------------------------------


def units(rows: Sequence[WatchRow], run: Run, uptime: float, failed: str = "") -> dict[str, Finding]:
    """Units that failed, do not run, or are started again and again; a restart count is forgotten after a calm hour.

    `failed`: the unit whose failure is why we look. A job may run again since and has failed all the same; of
    a daemon that runs again only a loop is told.
    """
    names = "Id,Type,LoadState,ActiveState,Result,NRestarts,ActiveEnterTimestampMonotonic"
    blocks = run(["show", f"--property={names}", *(row["unit"] for row in rows)]).strip().split("\n\n")
    found = {}
    for row, block in zip(rows, blocks, strict=True):
        shown = dict(line.split("=", 1) for line in block.splitlines())
        unit, mail = row["unit"], bool(row.get("mail"))
        label = f"{row['name']} ({unit})"
        restarts = int(shown.get("NRestarts") or 0)
        active = shown["ActiveState"] in {"active", "reloading"}
        if shown["ActiveState"] == "failed" or (unit == failed and row.get("job")):
            found[f"failed:{unit}"] = Finding(
                f"{row['name']} thất bại ({unit}): {hint(unit)}", mail, row.get("grace", 0)
            )
        elif restarts and active and uptime - int(shown["ActiveEnterTimestampMonotonic"]) / 1e6 > CALM_SECONDS:
            run(["reset-failed", unit])
        elif restarts >= RESTARTS:
            found[f"loop:{unit}"] = Finding(f"{label} đã phải khởi động lại {restarts} lần: {hint(unit)}", mail)
        elif not active and not row.get("job"):
            found[f"down:{unit}"] = Finding(f"{label} không chạy: {hint(unit)}", mail, DOWN_SECONDS)
    return found


def other_failed_units(rows: Sequence[WatchRow], run: Run) -> dict[str, Finding]:
    """Units of no row that failed: the host's own."""
    known = {row["unit"] for row in rows}
    failed = [line.split()[0] for line in run(["list-units", "--failed", "--plain", "--no-legend"]).splitlines()]
    return {f"failed:{unit}": Finding(f"{unit} thất bại: {hint(unit)}") for unit in failed if unit not in known}


def certificates(rows: Sequence[WatchRow], now: float) -> dict[str, Finding]:
    """Certificates that end soon."""
    found = {}
    for row in rows:
        asked = ["openssl", "x509", "-noout", "-enddate", "-in", row["path"]]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            found[f"certificate:{row['path']}"] = Finding(f"{row['name']}: không đọc được {row['path']}")
            continue
        ends = ssl.cert_time_to_seconds(done.stdout.strip().removeprefix("notAfter="))
        if ends - now < row["days"] * 86400:
            words = f"{row['name']} hết hạn ngày {day(ends)}: {row['path']}"
            found[f"certificate:{row['path']}"] = Finding(words, bool(row.get("mail")))
    return found


def dates(rows: Sequence[WatchRow], now: float) -> dict[str, Finding]:
    """What ends on a day and is renewed by a person: `ends`, or the day in the file `path` after the words `after`."""
    found = {}
    for row in rows:
        ends = row.get("ends")
        if not ends:
            written = re.search(
                rf"^{re.escape(row['after'])} *([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})", _text(row["path"]), re.M
            )
            if written is None:
                found[f"date:{row['name']}"] = Finding(f"{row['name']}: không đọc được {row['path']}")
                continue
            ends = written[1]
        end = datetime.fromisoformat(ends).timestamp()
        if end - now < row["days"] * 86400:
            found[f"date:{row['name']}"] = Finding(f"{row['name']} chỉ đến ngày {day(end)}: {row['cure']}")
    return found


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def ages(rows: Sequence[WatchRow], now: float) -> dict[str, Finding]:
    """Folders in which the newest file that is meant is too old; one without any is no fault of age."""
    found = {}
    for row in rows:
        newest: dict[Path, float] = {}
        for path in Path("/").glob(row["files"].lstrip("/")):
            newest[path.parent] = max(newest.get(path.parent, 0), path.stat().st_mtime)
        for folder, changed in newest.items():
            if now - changed > row["hours"] * 3600:
                words = f"{row['name']}: mới nhất là của {moment(changed)}, quá {row['hours']} giờ ({folder})"
                found[f"age:{folder}"] = Finding(words)
    return found


def backups(rows: Sequence[WatchRow], now: float) -> dict[str, Finding]:
    """Hosts' own record of backups whose last good one is too old."""
    found = {}
    for row in rows:
        path, limit = Path(row["status"]), row["hours"] * 3600
        good = json.loads(path.read_text()).get("last_ok") if path.exists() else None
        words = f"{row['name']}: {{}}, quá {row['hours']} giờ; xem hanam-mail-backup --status"
        if good is None:
            # A new host has had no time for one.
            found["backup"] = Finding(words.format("chưa có lần sao lưu tốt nào"), grace=limit)
        elif now - datetime.fromisoformat(good).timestamp() > limit:
            at = moment(datetime.fromisoformat(good).timestamp())
            found["backup"] = Finding(words.format(f"lần sao lưu tốt gần nhất là lúc {at}"))
    return found


def findings(rows: Sequence[WatchRow], now: float) -> dict[str, Finding]:
    """What programs without rights left in files (hanam-dns-check), and that they could not look for long.

    The second half of that time must pass while the host runs: one that was switched off has had no time to look.
    Such a file is a stranger's: of what is too large or not of its form nothing is taken.
    """
    found = {}
    for row in rows:
        path = Path(row["file"])
        if not path.exists():
            # A new host has had no time for it; that its unit fails is told by itself.
            continue
        with path.open("rb") as file:
            left = json.loads(file.read(FINDINGS_OCTETS))
        for item in left["found"]:
            found[str(item["cause"])] = Finding(_line(item["text"]), bool(item["mail"]))
        half = row["hours"] * 3600 / 2
        if now - float(left["complete"]) > half:
            why = "; ".join(map(str, left["silent"])) or hint(row["unit"])
            words = f"{row['name']}: từ {moment(float(left['complete']))} chưa kiểm tra được hết: {why}"
            found[f"findings:{path}"] = Finding(_line(words), grace=half)
    return found


def _line(text: Any) -> str:
    """One line of text that may be told."""
    return "".join(each if each.isprintable() else " " for each in str(text))[:FINDING_LETTERS]


def lines(rows: Sequence[WatchRow]) -> dict[str, Finding]:
    """Lines of the journal, of the last hours, that a daemon writes when something it keeps is damaged; the newest.

    Warnings and worse: what people call a folder or a message stands in the others.
    """
    found = {}
    for row in rows:
        asked = ["journalctl", "--quiet", "--output=cat", "--lines=1", "--reverse", "--priority=warning"]
        asked += [f"--unit={row['unit']}"]
        asked += [f"--since=-{row['hours']}h", f"--grep={row['pattern']}", "--case-sensitive=true"]
        done = subprocess.run(asked, capture_output=True, text=True, errors="replace", check=False, timeout=60)
        if done.returncode != 0 and done.stderr:
            raise OSError(f"journalctl: {done.stderr.strip()}")
        if line := done.stdout.strip():
            found[f"line:{row['unit']}"] = Finding(f"{row['name']} ({row['unit']}): “{line[:300]}”; {row['cure']}")
    return found


def clock(rows: Sequence[WatchRow], run: Run, remembered: dict[str, float], offset: float) -> dict[str, Finding]:
    """Units that do not bear a clock that was set back are started again.

    `offset`: the time of day less the seconds since the boot.
    """
    before, remembered["offset"] = remembered.get("offset", offset), offset
    if before - offset < STEP_SECONDS:
        return {}
    again = [row for row in rows if row.get("clock")]
    for row in again:
        # One that somebody stopped stays stopped.
        run(["try-restart", row["unit"]])
    names = ", ".join(f"{row['name']} ({row['unit']})" for row in again) or "không có gì"
    words = f"Đồng hồ của máy bị lùi {before - offset:.0f} giây: xem chronyc tracking; đã khởi động lại {names}"
    return {"clock": Finding(words)}


def day(of: float) -> str:
    """A date as people write it."""
    return time.strftime("%d/%m/%Y", time.localtime(of))


def moment(of: float) -> str:
    """A time of day and its date."""
    return time.strftime("%H:%M ngày %d/%m/%Y", time.localtime(of))
