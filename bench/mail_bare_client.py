"""A chain of bare daemons beside the product's, on its host, as root (bench/mail.py). Needs store_client.py beside it.

    python3 mail_bare_client.py stand             starts it and stays, a unit of systemd of its own: see mail_chains.py
    python3 mail_bare_client.py clear             takes away all that it had, also what an earlier one left
    python3 mail_bare_client.py fill SIZE         fills its mailbox
    python3 mail_bare_client.py messages          how many messages its mailbox has
    python3 mail_bare_client.py used UNIT...      JSON: seconds of processors that each of these took, of which
                                                  Dovecot's indexers; and the bare chain's daemons

Postfix, Rspamd and Redis have the configuration of their Debian packages, in folders of their own, on ports of the
loopback interface. What they need beyond it to be a chain stands below, and no more: ports, who asks whom, one mailbox.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import store_client  # type: ignore[import-not-found]  # lies beside it on the host

FOLDER = Path("/var/lib/bench-mail")
"""On the disk, as the product's own folders."""
PIDS = FOLDER / "pids.json"
SMTP, MILTER, SCAN, CONTROLLER, REDIS = 2525, 21332, 21333, 21334, 26379
DOMAIN = "hanam.example"
_SECONDS = 60
_PACKAGES = ("rspamd", "redis-server")
_SIGNATURES = Path("/var/lib/clamav")
# Postfix is to be let in; else as bench.store's bare one: our format, and neither Sieve nor an index of search.
_DOVECOT = """
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
"""
_RSPAMD = {
    # As packaged it hands letters to the scanning process, at that one's usual port.
    "worker-proxy.inc": f'bind_socket = "127.0.0.1:{MILTER}"; '
    f'upstream "local" {{ default = yes; hosts = "127.0.0.1:{SCAN}"; }}',
    "worker-normal.inc": f'bind_socket = "127.0.0.1:{SCAN}";',
    "worker-controller.inc": f'bind_socket = "127.0.0.1:{CONTROLLER}";',
    "redis.conf": f'servers = "127.0.0.1:{REDIS}";',
    # The package scans for no virus until it is told where clamd is.
    "antivirus.conf": f'clamav {{ type = "clamav"; symbol = "CLAM_VIRUS"; servers = "{FOLDER}/clamd/socket"; '
    'action = "reject"; scan_mime_parts = false; }',
    # Both ask servers of the Internet, which a lab has not; the product asks none in a lab either.
    "rbl.conf": "enabled = false;",
    "fuzzy_check.conf": "enabled = false;",
    # A letter that is put off is no measure of one that is taken.
    "greylist.conf": "enabled = false;",
}
# What the package's questions leave as they are (debconf), shortened to what is not ClamAV's own default.
_CLAMD = f"""
LocalSocket {FOLDER}/clamd/socket
LocalSocketMode 666
User clamav
DatabaseDirectory {FOLDER}/clamd/signatures
TemporaryDirectory /tmp
LogSyslog no
ReadTimeout 180
MaxThreads 12
MaxConnectionQueueLength 15
SelfCheck 3600
CommandReadTimeout 30
SendBufTimeout 200
MaxQueue 100
"""
_POSTFIX = {
    "myhostname": f"bench.{DOMAIN}",
    "queue_directory": f"{FOLDER}/postfix/queue",
    "data_directory": f"{FOLDER}/postfix/data",
    "syslog_name": "bench-postfix",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "alias_maps": "",
    "alias_database": "",
    "virtual_mailbox_domains": DOMAIN,
    "virtual_mailbox_maps": f"inline:{{ {{ nguoidung@{DOMAIN} = x }} }}",
    "virtual_transport": "lmtp:unix:/run/bench-peer/lmtp",
    "smtpd_milters": f"inet:127.0.0.1:{MILTER}",
    # Who sends says which stranger he is.
    "smtpd_authorized_xclient_hosts": "127.0.0.1",
}


def _run(*words: str | Path) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def _await(until: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _SECONDS
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} does not stand after {_SECONDS} s")
        time.sleep(0.2)


def _listens(port: int) -> bool:
    return bool(subprocess.check_output(["ss", "-Hlnt", f"sport = :{port}"], text=True).strip())


def _folder(name: str, owner: str) -> Path:
    made = FOLDER / name
    made.mkdir(mode=0o755)
    shutil.chown(made, owner, owner)
    return made


def _unpacked() -> Path:
    """The files of the packages, as they come: the product has its own in their places."""
    place = FOLDER / "packages"
    place.mkdir(mode=0o755)
    for package in _PACKAGES:
        version = subprocess.check_output(["dpkg-query", "-W", "-f", "${Version}", package], text=True)
        subprocess.run(["apt-get", "-qq", "download", f"{package}={version}"], cwd=place, check=True)
    for file in place.glob("*.deb"):
        _run("dpkg-deb", "-x", file, place)
    return place


def _daemon(*words: str | Path) -> int:
    return subprocess.Popen(words, stdin=subprocess.DEVNULL).pid


def _redis(files: Path) -> int:
    data = _folder("redis", "redis")
    configuration = data / "redis.conf"
    shutil.copy(files / "etc/redis/redis.conf", configuration)
    shutil.chown(configuration, "redis", "redis")
    own = f"--port {REDIS} --bind 127.0.0.1 --dir {data} --pidfile {data}/pid --logfile {data}/log"
    line = ["runuser", "-u", "redis", "--", "redis-server", str(configuration), *own.split()]
    return _daemon(*line, "--daemonize", "no", "--supervised", "no")


def _clamd() -> int:
    place = _folder("clamd", "clamav")
    # Those that the product adds are no part of the package's daemon.
    signatures = [file for file in _SIGNATURES.iterdir() if not file.name.startswith("hanam-") and file.is_file()]
    (place / "signatures").mkdir(mode=0o755)
    for file in signatures:
        shutil.copy(file, place / "signatures")
    (place / "clamd.conf").write_text(_CLAMD)
    return _daemon("clamd", "--foreground=true", f"--config-file={place}/clamd.conf")


def _rspamd(files: Path) -> int:
    data, configuration = _folder("rspamd", "_rspamd"), files / "etc/rspamd"
    for name, text in _RSPAMD.items():
        (configuration / "local.d" / name).write_text(f"{text}\n")
    places = {"CONFDIR": configuration, "LOCAL_CONFDIR": configuration, "DBDIR": data, "RUNDIR": data, "LOGDIR": data}
    names = [f"--var={name}={place}" for name, place in places.items()]
    return _daemon("rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", configuration / "rspamd.conf", *names)


def _postfix() -> int:
    place = FOLDER / "postfix"
    (place / "queue").mkdir(mode=0o755, parents=True)
    (place / "data").mkdir(mode=0o700)
    shutil.chown(place / "data", "postfix", "postfix")
    shutil.copy("/usr/share/postfix/main.cf.debian", place / "main.cf")
    shutil.copy("/usr/share/postfix/master.cf.dist", place / "master.cf")
    _run("postconf", "-c", place, "-e", *(f"{name} = {value}" for name, value in _POSTFIX.items()))
    services = subprocess.check_output(["postconf", "-c", place, "-M"], text=True).splitlines()
    _run("postconf", "-c", place, "-F", *("/".join(each.split()[:2]) + "/chroot = n" for each in services))
    _run("postconf", "-c", place, "-MX", "smtp/inet")
    door = f"127.0.0.1:{SMTP}"
    _run("postconf", "-c", place, "-M", f"{door}/inet={door} inet n - n - - smtpd")
    _run("postfix", "-c", place, "start")
    _await(lambda: _listens(SMTP), "Postfix")
    return int((place / "queue/pid/master.pid").read_text())


def stand() -> None:
    """Start all, tell systemd, stay: systemd ends the unit's processes, the first of which this is."""
    notify = os.environ.pop("NOTIFY_SOCKET")
    clear()
    FOLDER.mkdir(mode=0o755)
    files = _unpacked()
    pids = {"Redis": _redis(files), "ClamAV": _clamd(), "rspamd": _rspamd(files)}
    pids["Dovecot"] = store_client.second(store_client.BARE + _DOVECOT).master
    pids["Postfix"] = _postfix()
    for port in (MILTER, REDIS):
        _await(lambda port=port: _listens(port), f"port {port}")  # type: ignore[misc]
    _await((FOLDER / "clamd/socket").is_socket, "clamd")
    PIDS.write_text(json.dumps(pids))
    subprocess.run(["systemd-notify", "--ready"], check=True, env={**os.environ, "NOTIFY_SOCKET": notify})
    signal.pause()


def clear() -> None:
    """What it had on the disk, and a Dovecot that still runs."""
    store_client.leave()
    shutil.rmtree(FOLDER, ignore_errors=True)


def indexers(main: int) -> float:
    """Seconds of processors of Dovecot's living indexers, children of its first process."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            head, _, rest = (entry / "stat").read_text().rpartition(")")
        except OSError:
            continue
        words = rest.split()
        if "(indexer" in head and int(words[1]) == main:
            ticks += sum(map(int, words[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def used(units: list[str]) -> dict[str, dict[str, float]]:
    """Seconds of processors so far: of the product's units, of the bare chain's daemons, of Dovecot's indexers."""
    mains = {unit: store_client.main_process(unit) for unit in units}
    ours = {unit: store_client.processors(main) if main else 0.0 for unit, main in mains.items()}
    bare = {name: store_client.processors(main) for name, main in json.loads(PIDS.read_text()).items()}
    return {"ours": ours, "bare": bare, "indexers": {"ours": indexers(mains["dovecot.service"])}}


def main() -> None:
    kind, *words = sys.argv[1:]
    if kind == "stand":
        stand()
    elif kind == "clear":
        clear()
    elif kind == "fill":
        store_client.standing().fill(int(words[0]))
    elif kind == "messages":
        print(store_client.standing().messages())
    else:
        print(json.dumps(used(words)))


if __name__ == "__main__":
    main()
