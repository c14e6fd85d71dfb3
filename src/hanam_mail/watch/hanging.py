"""Daemons that run and do not answer: started again once, and told."""

import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from hanam_mail.watch.looks import Finding, Run, WatchRow, hint, moment

HUNG_SECONDS = 60
"""A daemon that does not answer, now as so long ago, is started again."""
AGAIN_SECONDS = 3600
"""What a restart did not cure, another one so soon after will not: it would only cut who is served."""
PROBE_SECONDS = 10


def answers(probe: WatchRow) -> bool:
    """Whether a daemon answers.

    `address`: a path or [host, port]; `udp`; `tls`; `send` (text) or `send_hex`; `expect`: how the answer begins, or a
    list of beginnings; `seconds`: how long it may take.
    """
    address = probe["address"]
    udp = bool(probe.get("udp"))
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as client:
        client.settimeout(probe.get("seconds", PROBE_SECONDS))
        try:
            client.connect(address if isinstance(address, str) else tuple(address))
            with _unverified().wrap_socket(client) if probe.get("tls") else client as way:
                sent = bytes.fromhex(probe["send_hex"]) if "send_hex" in probe else probe.get("send", "").encode()
                if sent:
                    way.sendall(sent)
                expected = probe.get("expect", "")
                beginnings = [expected] if isinstance(expected, str) else expected
                return way.recv(512).startswith(tuple(beginning.encode() for beginning in beginnings))
        except OSError:
            return False


def _unverified() -> ssl.SSLContext:
    """Nothing is entrusted to it, and a certificate that ended is no hang: others look at certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def hung(
    rows: Sequence[WatchRow], doors: Sequence[WatchRow], run: Run, state: Mapping[str, dict[str, float]],
    ask: Callable[[WatchRow], bool], now: float,
) -> dict[str, Finding]:  # fmt: skip
    """Daemons that run and do not answer, in two looks: they are started again, at most once an hour.

    `doors` are told of only: one that is full is as silent as one that hangs, and a restart would cut everybody. What
    was started between two looks was silent for another reason in the first: it begins anew.
    """
    silent_since, silent_start, restarted_at = state["silent_since"], state["silent_start"], state["restarted_at"]
    found = {}
    asked = [row for row in (*rows, *doors) if "probes" in row]

    def well(row: WatchRow) -> tuple[bool, float]:
        """Whether it answers or need not, and when it was started (microseconds since boot)."""
        shown = run(["show", "--property=ActiveState,ActiveEnterTimestampMonotonic", row["unit"]])
        unit = dict(line.split("=", 1) for line in shown.splitlines())
        good = unit["ActiveState"] != "active" or all(ask(probe) for probe in row["probes"])
        return good, float(unit["ActiveEnterTimestampMonotonic"])

    # Side by side: who hangs is waited for.
    with ThreadPoolExecutor(max(len(asked), 1)) as pool:
        answered = list(pool.map(well, asked))
    for row, (good, start) in zip(asked, answered, strict=True):
        unit, restarts = row["unit"], row not in doors
        name = unit if restarts else row["name"]
        label, mail = f"{row['name']} ({unit})", bool(row.get("mail"))
        if good:
            for remembered in (silent_since, silent_start, restarted_at):
                remembered.pop(name, None)
            continue
        if silent_start.setdefault(name, start) != start:
            silent_start[name], silent_since[name] = start, now
        if now - silent_since.setdefault(name, now) < HUNG_SECONDS:
            continue
        elif not restarts:
            found[f"silent:{name}"] = Finding(f"{label} không trả lời: {hint(unit)}", mail)
        elif now - restarted_at.get(name, -AGAIN_SECONDS) < AGAIN_SECONDS:
            # The first cause is not over either.
            found[f"hung:{name}"] = _restarted(row)
            words = f"{label} vẫn không trả lời sau khi được khởi động lại lúc {moment(restarted_at[name])}"
            found[f"silent:{name}"] = Finding(f"{words}: {hint(unit)}", mail)
        else:
            del silent_since[name]
            restarted_at[name] = now
            print(f"<4>{unit} does not answer: it is started again", flush=True)
            run(["restart", unit])
            found[f"hung:{name}"] = _restarted(row)
    return found


def ended_by_watchdog(rows: Sequence[WatchRow], environment: Mapping[str, str]) -> dict[str, Finding]:
    """The unit that this look was started for, if systemd found it silent (WatchdogSec=) and started it again."""
    if environment.get("MONITOR_SERVICE_RESULT") != "watchdog":
        return {}
    unit = environment["MONITOR_UNIT"]
    row = next((row for row in rows if row["unit"] == unit), {"name": unit, "unit": unit})
    return {f"hung:{unit}": _restarted(row)}


def _restarted(row: WatchRow) -> Finding:
    return Finding(f"{row['name']} ({row['unit']}) không trả lời, đã được khởi động lại", bool(row.get("mail")))
