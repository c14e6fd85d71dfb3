"""Start, find and remove the hosts of one lab, on an overlay over the base tree (machine.py runs each)."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from hanam_lab import converged, image, machine, needs, network, watches
from hanam_lab.errors import LabError
from hanam_lab.machine import Host
from hanam_lab.network import Network
from hanam_lab.paths import REPOSITORY, STATE
from hanam_lab.shell import locked, remove_when_empty, run
from hanam_lab.topology import HostSpec

# Whoever waits for it is told which unit failed, and its last words.
_RUNNING = """systemctl is-system-running --wait || {
    systemctl list-units --failed --plain --no-legend --full
    for unit in $(systemctl list-units --failed --plain --no-legend --full | cut -d ' ' -f 1); do
        sudo journalctl --boot --unit "$unit" --lines 15 --output cat --no-pager 2>/dev/null
    done
    exit 1
}"""


class Lab:
    """One lab by name. All its state is in STATE/name, so that another process can take it down."""

    def __init__(self, name: str) -> None:
        if not name.replace("-", "").isalnum() or len(name) > 20:
            raise LabError(f"lab name {name!r}: letters, digits and hyphens, 20 at most")
        self.name = name
        self.folder = STATE / name

    @property
    def inventory(self) -> Path:
        """The second inventory for Ansible: addresses and the way in."""
        return self.folder / "hosts.yml"

    @property
    def secrets(self) -> Path | None:
        """The secrets that the hosts were converged with, where they are not those of this checkout: from an image."""
        path = self.folder / converged.SECRETS.name
        return path if path.exists() else None

    @property
    def sharing(self) -> str:
        """Options of ssh for connections that are kept and shared."""
        return f"-o ControlMaster=auto -o ControlPersist=60s -o ControlPath={self.folder}/ssh-%C"

    def hosts(self) -> list[Host]:
        """Hosts this lab was started with."""
        path = self.folder / "lab.json"
        if not path.exists():
            return []
        saved = json.loads(path.read_text())
        lan = Network(saved["network"], saved.get("namespace", ""))
        return [Host(self.name, HostSpec(**spec), lan) for spec in saved["hosts"]]

    def up(self, specs: list[HostSpec], say: image.Say) -> None:
        """Start every host that does not run yet; returns when ssh answers on all of them."""
        needs.check()
        base = image.base_tree(say)
        archive = image.package_archive(base, say)
        new = not self.hosts()
        self._save(specs, say)
        hosts = self.hosts()
        if new:
            (self.folder / converged.TREE).write_text(converged.key(base, archive))
        lan = hosts[0].network
        if not lan.exists():
            lan.create()
        self._keys(hosts)
        stale = []
        for host in hosts:
            if not host.root.is_mount():
                _mount(host, base)
                _personalise(host, self.folder)
            if _point_apt_at(host, archive):
                stale.append(host)
        self._write_inventory(hosts)
        self._boot([host for host in hosts if host.nspawn_pid is None], say)
        # An installer leaves package lists too; check mode on an empty host needs them.
        self._read_package_lists(stale)

    def kept(self) -> Path:
        """What was kept of this lab, for a copy to start from."""
        kept = converged.of(self.hosts())
        if kept is None:
            raise LabError(f"nothing is kept of lab {self.name}, to be copied: hanam_lab keep {self.name}")
        return kept

    def start(self, kept: Path, say: image.Say) -> None:
        """Start, in a network of its own, from an image of converged hosts, which stays as it is below these."""
        needs.check()
        if self.hosts():
            raise LabError(f"lab {self.name} is there already; what starts from an image begins with nothing")
        base = image.base_tree(say)
        saved = json.loads((kept / "image.json").read_text())
        self._save([HostSpec(**spec) for spec in saved["hosts"]], say, Network(saved["network"], f"hnm-{self.name}"))
        hosts = self.hosts()
        hosts[0].network.create()
        for name in (*converged.KEYS, converged.SECRETS.name):
            shutil.copy2(kept / name, self.folder / name)
        for host in hosts:
            host.folder.mkdir()
            below = sorted((kept / host.spec.name).iterdir(), key=lambda layer: int(layer.name))
            (host.folder / "lower").write_text("".join(f"{layer}\n" for layer in below))
            _mount(host, base)
            _forget_missed_times(host)
        # The tree may list packages that the image's did not.
        archive = image.package_archive(base, say)
        stale = [host for host in hosts if _point_apt_at(host, archive)]
        self._write_inventory(hosts)
        self._boot(hosts, say)
        self._await_daemons(hosts)
        self._read_package_lists(stale)

    def _read_package_lists(self, hosts: list[Host]) -> None:
        for host in hosts:
            run([*self.ssh_command(host.spec.name), "sudo", "apt-get", "-q", "update"])

    def _await_daemons(self, hosts: list[Host]) -> None:
        for host in hosts:
            # Unlike empty hosts these have daemons, which recover; it ends with an error when a unit fails.
            run(self.ssh_command(host.spec.name, _RUNNING))

    def _boot(self, hosts: list[Host], say: image.Say) -> None:
        """Boot hosts that do not run; returns when ssh answers on all of the lab's."""
        for host in hosts:
            say(f"booting {host.spec.name} ({host.network.ipv4(host.spec.number)})")
            machine.boot(host)
        for host in self.hosts():
            self._wait(host)

    def down(self, say: image.Say) -> None:
        """Stop the hosts and remove all that `up` made for this lab, whatever state it is in."""
        hosts = self.hosts()
        for host in hosts:
            leader = host.leader_pid
            if leader is not None:
                os.kill(leader, machine.POWER_OFF)
        for host in hosts:
            machine.stop(host)
            say(f"stopped {host.spec.name}")
        for host in hosts:
            machine.end_orphans(host)
            while host.root.is_mount():
                run(["umount", host.root])
            machine.remove_leftovers(host)
        if hosts:
            hosts[0].network.remove()
        if self.folder.exists():
            shutil.rmtree(self.folder)
        _remove_state_when_empty()

    @property
    def inside(self) -> list[str]:
        """Words before a command that make it run where the hosts' addresses lead to them."""
        hosts = self.hosts()
        return hosts[0].network.inside if hosts else []

    def ssh_command(self, host: str, *arguments: str, shared: bool = False, options: Sequence[str] = ()) -> list[str]:
        """The command line that logs in on a host, as Ansible does.

        Shared: over one connection for all that follow within a minute, which costs a tenth of a login of one's own.
        """
        variables = yaml.safe_load(self.inventory.read_text())["all"]["hosts"]
        if host not in variables:
            raise LabError(f"lab {self.name} has no host {host!r}; it has: {', '.join(variables)}")
        entry = variables[host]
        return [
            *self.inside,
            "ssh", *options, "-i", entry["ansible_ssh_private_key_file"], *entry["ansible_ssh_common_args"].split(),
            *(self.sharing.split() if shared else []),
            f"{entry['ansible_user']}@{entry['ansible_host']}", *arguments,
        ]  # fmt: skip

    def _save(self, specs: list[HostSpec], say: image.Say, lan: Network | None = None) -> None:
        with locked(STATE):
            watches.allow(STATE.parent, say)
            known = {host.spec.name: host for host in self.hosts()}
            if known:
                lan = next(iter(known.values())).network
            elif lan is None:
                taken = {json.loads(path.read_text())["network"] for path in STATE.glob("*/lab.json")}
                lan = network.free(taken)
            merged = {name: host.spec for name, host in known.items()} | {spec.name: spec for spec in specs}
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            text = json.dumps(
                {
                    "repository": str(REPOSITORY),
                    "network": lan.number,
                    "namespace": lan.namespace,
                    "hosts": [vars(spec) for spec in merged.values()],
                }
            )
            (self.folder / "lab.json").write_text(text)

    def _keys(self, hosts: list[Host]) -> None:
        """One login key for the lab and a host key per host, so that ssh can check whom it talks to."""
        login = self.folder / "login_key"
        if not login.exists():
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab-{self.name}", "-f", login])
        lines = []
        for host in hosts:
            host.folder.mkdir(exist_ok=True)
            key = host.folder / "host_key"
            if not key.exists():
                run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host.spec.name, "-f", key])
            public = key.with_suffix(".pub").read_text().split()
            lines.append(f"{host.network.ipv4(host.spec.number)} {public[0]} {public[1]}\n")
        (self.folder / "known_hosts").write_text("".join(lines))

    def _write_inventory(self, hosts: list[Host]) -> None:
        entries = {
            host.spec.name: {
                "ansible_host": str(host.network.ipv4(host.spec.number)),
                "ansible_user": "ops",
                "ansible_ssh_private_key_file": str(self.folder / "login_key"),
                "ansible_ssh_common_args": f"-o UserKnownHostsFile={self.folder}/known_hosts -o IdentitiesOnly=yes",
                "host_ipv4": str(host.network.ipv4(host.spec.number)),
                "host_ipv6": str(host.network.ipv6(host.spec.number)),
            }
            for host in hosts
        }
        lan = hosts[0].network
        shared = {
            "lab_name": self.name,
            "lab_network_ipv4": f"{lan.ipv4(0)}/24",
            "lab_network_ipv6": f"{lan.ipv6(0)}/64",
            # Ansible names its connections by address only, which a lab and its copy share.
            "ansible_control_path_dir": str(self.folder / "cp"),
        }
        self.inventory.write_text(yaml.safe_dump({"all": {"vars": shared, "hosts": entries}}, sort_keys=False))

    def _wait(self, host: Host) -> None:
        deadline = time.monotonic() + machine.BOOT_SECONDS
        command = self.ssh_command(host.spec.name, "true", options=["-o", "ConnectTimeout=2"])
        while True:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            if host.nspawn_pid is None or time.monotonic() > deadline:
                raise LabError(f"{host.spec.name} did not come up: {done.stderr.strip()}\n{host.console()}")
            time.sleep(0.3)


def names(repository: Path | None = None) -> list[str]:
    """Labs that have state on this machine; only those that this checkout of the project started, if given."""
    return sorted(
        path.parent.name
        for path in STATE.glob("*/lab.json")
        if repository is None or json.loads(path.read_text())["repository"] == str(repository)
    )


def _remove_state_when_empty() -> None:
    with locked(STATE):
        if not names():
            watches.give_back(STATE.parent)
        remove_when_empty(STATE)
    remove_when_empty(STATE.parent)


def _forget_missed_times(host: Host) -> None:
    """Let no timer make up for the hours in which the image lay there, as with a backup at any moment of the tests."""
    for stamp in (host.root / "var/lib/systemd/timers").glob("stamp-*"):
        os.utime(stamp)


def _mount(host: Host, base: Path) -> None:
    for folder in ("upper", "work", "root"):
        (host.folder / folder).mkdir(exist_ok=True)
    _, *below = converged.layers(host.folder)
    lower = ":".join(str(layer) for layer in (*below, base))
    layers = f"lowerdir={lower},upperdir={host.folder}/upper,workdir={host.folder}/work"
    run(["mount", "-t", "overlay", "overlay", "-o", layers, host.root])


def _personalise(host: Host, lab_folder: Path) -> None:
    """What a data centre's installer would leave: a name, addresses, a host key and the operator's key."""
    root, number, lan = host.root, host.spec.number, host.network
    (root / "etc/hostname").write_text(f"{host.spec.name}\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{lan.ipv4(number)} {host.spec.name}\n")
    # Must sort before Debian's 80-container-host0.network, which would give a link-local address only.
    (root / "etc/systemd/network/10-host0.network").write_text(
        "[Match]\nName=host0\n\n[Network]\nLinkLocalAddressing=ipv6\nIPv6AcceptRA=no\nIPv6DuplicateAddressDetection=0\n"
        f"Address={lan.ipv4(number)}/24\nAddress={lan.ipv6(number)}/64\n"
    )
    for suffix, mode in (("", 0o600), (".pub", 0o644)):
        target = root / f"etc/ssh/ssh_host_ed25519_key{suffix}"
        shutil.copy(host.folder / f"host_key{suffix}", target)
        target.chmod(mode)
    ssh = root / "home/ops/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(lab_folder / "login_key.pub", ssh / "authorized_keys")
    owner = (root / "home/ops").stat()
    for path in (ssh, ssh / "authorized_keys"):
        os.chown(path, owner.st_uid, owner.st_gid)


def _point_apt_at(host: Host, archive: Path) -> bool:
    """Make the archive the host's package source; True when that is news to the host."""
    line = f"deb [trusted=yes] file:{image.ARCHIVE_MOUNT}/{archive.name} ./\n"
    sources = host.root / "etc/apt/sources.list"
    if sources.exists() and sources.read_text() == line:
        return False
    sources.write_text(line)
    return True
