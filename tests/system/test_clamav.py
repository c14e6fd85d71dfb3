"""The scanner looks into all that a mail may hold, as far as a mail may be large, and is there again after a fall."""

import pytest
from testinfra.host import Host

from tests.lab import Lab, wait_for

SOCKET = "/run/clamav/clamd.ctl"

# Speaks clamd's protocol on the host: one line per file, name and verdict.
SCAN = r"""
import socket, struct, sys
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        data = file.read()
    link = socket.socket(socket.AF_UNIX)
    link.connect("/run/clamav/clamd.ctl")
    link.sendall(b"zINSTREAM\0" + struct.pack(">I", len(data)) + data + struct.pack(">I", 0))
    print(name.rsplit("/", 1)[-1], link.recv(4096).rstrip(b"\0").decode())
"""

# Kinds of container in clamav-testfiles that hold clam.exe as it is. The others change it (packers, installers), and
# its hash is all that the lab knows of it.
CONTAINERS = [
    "clam.exe", "clam.zip", "clam.7z", "clam.cab", "clam.arj", "clam.chm", "clam.tar.gz", "clam.tnef", "clam.mail",
    "clam.pdf", "clam.bz2.zip", "clam.d64.zip", "clam.impl.zip", "clam.exe.bz2", "clam.exe.szdd", "clam.exe.html",
    "clam.exe.binhex", "clam.exe.mbox.base64", "clam.exe.mbox.uu", "clam.exe.rtf", "clam.ole.doc", "clam.ppt",
    "clam.odc.cpio", "clam.newc.cpio", "clam.bin-le.cpio", "clam.bin-be.cpio", "clam_cache_emax.tgz",
]  # fmt: skip


def settings(host: Host) -> dict[str, str]:
    lines = host.file("/etc/clamav/clamd.conf").content_string.splitlines()
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


def test_only_group_clamav_may_ask_the_scanner(filter_host: Host) -> None:
    socket = filter_host.file(SOCKET)
    assert (socket.group, socket.mode & 0o777) == ("clamav", 0o660)
    assert "clamd" not in filter_host.check_output("ss -Hlntup")


@pytest.mark.dieu4
@pytest.mark.dieu8
def test_scanner_takes_more_than_the_largest_message(lab: Lab, filter_host: Host) -> None:
    limit = lab.variables["regulation_incoming_message_limit_bytes"]
    values = settings(filter_host)
    assert int(values["StreamMaxLength"]) > limit
    assert int(values["MaxFileSize"]) > limit
    assert int(values["MaxScanSize"]) >= int(values["MaxFileSize"])


@pytest.mark.dieu4
def test_virus_is_found_in_every_kind_of_container(filter_host: Host) -> None:
    folder = "/root/clamav-test"
    filter_host.check_output(
        f"rm -rf {folder}; mkdir {folder}; cd {folder};"
        " apt-get download -qq -o APT::Sandbox::User=root clamav-testfiles >/dev/null; dpkg -x clamav-testfiles_*.deb ."
    )
    filter_host.check_output(f"cat > {folder}/scan.py <<'END'\n{SCAN}\nEND")
    files = " ".join(f"{folder}/usr/share/clamav-testfiles/{name}" for name in CONTAINERS)
    verdicts = dict(
        line.split(maxsplit=1) for line in filter_host.check_output(f"python3 {folder}/scan.py {files}").splitlines()
    )
    filter_host.check_output(f"rm -r {folder}")
    missed = {name: verdict for name, verdict in verdicts.items() if "Clamav.Test.File" not in verdict}
    assert not missed
    assert len(verdicts) == len(CONTAINERS)


def test_scanner_rises_again_after_a_fall(filter_host: Host) -> None:
    before = filter_host.check_output("systemctl show -P MainPID clamav-daemon.service")
    filter_host.check_output("systemctl kill --signal=KILL clamav-daemon.service")
    wait_for(
        lambda: filter_host.check_output("systemctl show -P MainPID clamav-daemon.service") not in (before, "0"),
        "a new clamd process",
    )


def test_no_updater_reaches_for_the_internet_in_the_lab(filter_host: Host) -> None:
    for unit in ("clamav-freshclam.service", "clamav-freshclam-once.service", "clamav-freshclam-once.timer"):
        assert filter_host.run(f"systemctl is-enabled {unit}").stdout.strip() == "masked"
