"""The command hanam-mail-watch."""

import argparse
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hanam_mail.watch.hanging import answers, ended_by_watchdog, hung
from hanam_mail.watch.looks import (
    Finding,
    WatchRow,
    ages,
    backups,
    certificates,
    clock,
    dates,
    findings,
    lines,
    moment,
    other_failed_units,
    systemctl,
    units,
)
from hanam_mail.watch.telling import compare, send, told

CONFIGURATION = Path("/etc/hanam-mail/watch.json")
STATE = Path("/var/lib/hanam-watch")


def look(config: WatchRow, state: Mapping[str, dict[str, float]], now: float, failed: str) -> dict[str, Finding]:
    """Everything that is wrong. What cannot be looked at is wrong too, and hides nothing else."""
    rows = config["units"]
    looks: dict[str, Callable[[], dict[str, Finding]]] = {
        "đồng hồ": lambda: clock(rows, systemctl, state["clock"], now - time.monotonic()),
        "treo": lambda: hung(rows, config["doors"], systemctl, state, answers, now),
        "giám sát của systemd": lambda: ended_by_watchdog(rows, os.environ),
        "đơn vị systemd": lambda: units(rows, systemctl, time.monotonic(), failed),
        "đơn vị systemd khác": lambda: other_failed_units(rows, systemctl),
        "chứng thư": lambda: certificates(config["certificates"], now),
        "ngày hết hạn": lambda: dates(config["dates"], now),
        "tuổi tệp": lambda: ages(config["ages"], now),
        "sao lưu": lambda: backups(config["backups"], now),
        "kết quả kiểm tra của chương trình khác": lambda: findings(config.get("findings", ()), now),
        "nhật ký": lambda: lines(config["lines"]),
    }
    found: dict[str, Finding] = {}
    for name, of in looks.items():
        try:
            found |= of()
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            found[f"look:{name}"] = Finding(f"Không kiểm tra được {name}: {error}")
    return found


def watch(config: WatchRow, folder: Path, now: float, failed: str) -> None:
    """Look once, and tell what there is to tell."""
    file = folder / "state.json"
    state = _read(file)
    causes = state["causes"]
    news = compare(causes, look(config, state, now, failed), now)
    for cause, entry in causes.items():
        # Whoever reads the journal is told whether or not the operator can be; of what failed, even if that may pass.
        if not entry["said"] and (cause in news.new or cause.startswith("failed:")):
            print(f"<3>{entry['text']}", flush=True)
            entry["said"] = True
    for text in news.over.values():
        print(f"<5>đã hết: {text}", flush=True)
    # Kept before and after: a run that is ended in the middle tells once too often rather than never.
    _write(file, state)
    if news.nothing:
        return
    queued = [cause for cause in causes if causes[cause].get("queued")]
    known, mailed = send(config, news, now, queued)
    if known:
        told(causes, news, now)
    for cause in {*news.new, *news.lasting, *news.over} & set(causes):
        causes[cause]["queued"] = not known and (mailed or cause in queued)
    _write(file, state)


def show(folder: Path) -> int:
    """Print what is wrong by the last look; 1 if there is anything."""
    file = folder / "state.json"
    causes = _read(file)["causes"]
    for entry in causes.values():
        known = f"đã báo lúc {moment(entry['told'])}" if entry["told"] else "chưa báo"
        print(f"- {entry['text']}\n  từ {moment(entry['since'])}, thấy lần cuối {moment(entry['seen'])}, {known}")
    if not causes:
        print("Không có gì cần xử lý.")
    return 1 if causes else 0


def _read(file: Path) -> dict[str, Any]:
    """What is remembered. Of a file that another release wrote, or a full disk cut off, nothing: all is told anew."""
    empty: dict[str, Any] = {"causes": {}, "silent_since": {}, "silent_start": {}, "restarted_at": {}, "clock": {}}
    try:
        state = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return empty
    known = isinstance(state, dict) and state.keys() == empty.keys()
    return state if known else empty


def _write(file: Path, state: Mapping[str, Any]) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(state, ensure_ascii=False, indent=1) + "\n")
    new.replace(file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="hanam-mail-watch", description="Kiểm tra máy này và báo cho người vận hành, mỗi nguyên nhân một lần."
    )
    parser.add_argument("--list", action="store_true", help="chỉ in những gì đang cần xử lý theo lần kiểm tra gần nhất")
    parser.add_argument("--failed", default="", metavar="UNIT", help=argparse.SUPPRESS)
    parser.add_argument("--config", type=Path, default=CONFIGURATION, help=argparse.SUPPRESS)
    parser.add_argument("--state", type=Path, default=STATE, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        if options.list:
            return show(options.state)
        # Two looks at once would tell twice; the second is about what the first has seen.
        with (options.state / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            watch(json.loads(options.config.read_text()), options.state, time.time(), options.failed)
    except PermissionError:
        print("Lỗi: cần quyền root.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
