"""One host of a lab as a systemd-nspawn machine: boot, stand still, stop, with a control group of its own."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hanam_lab import image
from hanam_lab.errors import LabError
from hanam_lab.network import Network
from hanam_lab.paths import CACHE, STATE
from hanam_lab.shell import locked, run
from hanam_lab.topology import HostSpec

BOOT_SECONDS = 60
_FREEZING_SECONDS = 10
_CGROUPS = Path("/sys/fs/cgroup")
_UNDER_SYSTEMD = Path("/run/systemd/system")
# SIGRTMIN+4: systemd as process 1 powers the machine off.
POWER_OFF = signal.SIGRTMIN + 4
_REBOOT = 133


@dataclass(frozen=True)
class Host:
    """A host of a lab, running or not."""

    lab: str
    spec: HostSpec
    network: Network

    @property
    def folder(self) -> Path:
        return STATE / self.lab / self.spec.name

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def machine(self) -> str:
        return f"hnm-{self.lab}-{self.spec.name}"

    @property
    def nspawn_pid(self) -> int | None:
        """Process id of this host's nspawn, if that very process still runs."""
        try:
            pid = int((self.folder / "pid").read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if self.machine.encode() in command else None

    @property
    def leader_pid(self) -> int | None:
        """Process id, seen from outside, of the host's process 1."""
        pid = self.nspawn_pid
        if pid is None:
            return None
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:  # it ended meanwhile
            return None
        return int(children[0]) if children else None

    def console(self) -> str:
        """The last words on its console."""
        return (self.folder / "console.log").read_text(errors="replace")[-1500:]


def boot(host: Host) -> None:
    command = [
        *host.network.inside, "systemd-nspawn", "--quiet", "--machine", host.machine, "--directory", str(host.root),
        "--private-users=no", "--register=no", "--keep-unit", f"--network-bridge={host.network.bridge}",
        # The zone is the roles' business: nspawn would give its own to the host at every boot.
        "--resolv-conf=off", "--timezone=off", "--console=read-only",
        f"--bind-ro={CACHE}/archives:{image.ARCHIVE_MOUNT}", "--boot",
    ]  # fmt: skip
    (host.folder / "pid").unlink(missing_ok=True)
    remove_leftovers(host)
    prefix, join = _own_cgroup(host)
    # nspawn ends with 133 when its machine reboots. The shell also waits for it, so that nspawn never stays
    # behind as a zombie where process 1 reaps nothing.
    script = f'{join}while "$@" & echo $! > {host.folder}/pid; wait $!; [ $? -eq {_REBOOT} ]; do :; done'
    with (host.folder / "console.log").open("ab") as console:
        keeper = subprocess.Popen(
            [*prefix, "/bin/sh", "-c", script, "sh", *command],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
        )  # fmt: skip
    while not (host.folder / "pid").exists():
        if keeper.poll() is not None:
            raise LabError(f"{host.spec.name} did not start:\n{host.console()}")
        time.sleep(0.01)


@contextlib.contextmanager
def frozen(hosts: list[Host]) -> Iterator[None]:
    """Let the hosts' processes stand still, so that their files are those of one moment.

    One at a time: who is through first would let them go on while another still copies.
    """
    with locked(hosts[0].folder.parent):
        try:
            for host in hosts:
                _freeze(host, True)
            yield
        finally:
            for host in hosts:
                _freeze(host, False)


def _freeze(host: Host, still: bool) -> None:
    if _UNDER_SYSTEMD.is_dir():
        run(["systemctl", "freeze" if still else "thaw", f"{host.machine}.scope"])
        return
    able = [group for group in _cgroups(host) if (group / "cgroup.freeze").exists()]
    if not able:
        raise LabError(
            f"{host.machine}: this machine's control groups (version 1) cannot be frozen, so no lab is copied"
        )
    (able[0] / "cgroup.freeze").write_text("1" if still else "0")
    deadline = time.monotonic() + _FREEZING_SECONDS
    while still and "frozen 1" not in (able[0] / "cgroup.events").read_text():
        if time.monotonic() > deadline:
            raise LabError(f"{host.machine}: its processes do not stand still")
        time.sleep(0.01)


def _own_cgroup(host: Host) -> tuple[list[str], str]:
    """How a host gets a control group of its own and its memory limit: a command to prefix, shell words to run first.

    Without a group of its own its systemd would share units' groups with every other host of this machine, and
    stopping a unit on one would kill it on all. Under systemd a scope does it; where there is none, the hierarchies
    that are mounted, version 1 or 2.
    """
    if _UNDER_SYSTEMD.is_dir():
        return [
            "systemd-run", "--quiet", "--scope", "--collect", f"--unit={host.machine}.scope",
            "--property=Delegate=yes", f"--property=MemoryMax={host.spec.memory}", "--",
        ], ""  # fmt: skip
    groups = _cgroups(host)
    for group in groups:
        group.mkdir(exist_ok=True)
        for limit in ("memory.limit_in_bytes", "memory.max"):
            if (group / limit).exists():
                (group / limit).write_text(str(host.spec.memory))
    return [], "".join(f"echo $$ > {group}/cgroup.procs; " for group in groups)


def _cgroups(host: Host) -> list[Path]:
    if (_CGROUPS / "cgroup.procs").exists():
        return [_CGROUPS / host.machine]
    return [_CGROUPS / tree / host.machine for tree in ("systemd", "unified", "memory") if (_CGROUPS / tree).is_dir()]


def end_orphans(host: Host) -> None:
    """End the host's processes that outlived their nspawn: killed, it leaves them running in their control group."""
    if _UNDER_SYSTEMD.is_dir():
        unit = f"{host.machine}.scope"
        if _is_loaded(unit):
            run(["systemctl", "kill", "--signal=KILL", unit])
        deadline = time.monotonic() + BOOT_SECONDS
        while _is_loaded(unit):
            if time.monotonic() > deadline:
                raise LabError(f"{unit} does not end: systemctl status {unit}")
            time.sleep(0.1)
        return
    for group in _cgroups(host):
        for processes in group.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                for pid in processes.read_text().split():
                    os.kill(int(pid), signal.SIGKILL)


def _is_loaded(unit: str) -> bool:
    shown = subprocess.run(["systemctl", "show", "-P", "LoadState", unit], capture_output=True, text=True, check=True)
    return shown.stdout.strip() != "not-found"


def remove_leftovers(host: Host) -> None:
    """What a killed nspawn leaves: processes, control groups, the folder of the machine's exported sockets."""
    end_orphans(host)
    for group in _cgroups(host):
        deadline = time.monotonic() + BOOT_SECONDS
        while group.is_dir():
            try:
                # Control groups are removed folder by folder, the innermost first.
                for path, _, _ in os.walk(group, topdown=False):
                    Path(path).rmdir()
            except OSError:
                # The last processes are on their way out.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
    exported = Path("/run/systemd/nspawn/unix-export") / host.machine
    if exported.is_mount():
        run(["umount", exported])
    if exported.is_dir():
        exported.rmdir()


def stop(host: Host) -> None:
    for patience, number in ((10.0, None), (2.0, signal.SIGTERM), (5.0, signal.SIGKILL)):
        pid, leader = host.nspawn_pid, host.leader_pid
        if pid is None:
            return
        if number is not None:
            os.kill(pid, number)
            if leader is not None and number == signal.SIGKILL:
                os.kill(leader, number)
        deadline = time.monotonic() + patience
        while host.nspawn_pid is not None and time.monotonic() < deadline:
            time.sleep(0.1)
    if host.nspawn_pid is not None:
        raise LabError(f"{host.spec.name}: process {host.nspawn_pid} does not end")


def processor_seconds(host: Host) -> float:
    """What the host's processes have used of the processors since its group was made, as version 2 tells it."""
    places = [group / "cpu.stat" for group in _cgroups(host)]
    if _UNDER_SYSTEMD.is_dir():
        places = [_CGROUPS / "system.slice" / f"{host.machine}.scope/cpu.stat"]
    for place in places:
        if place.exists():
            return int(place.read_text().split()[1]) / 1e6
    return 0.0
