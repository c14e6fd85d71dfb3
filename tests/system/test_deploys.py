"""The emergency lock by pyinfra, run as an operator does when Ansible is not at hand (Đ7.2b, c)."""

import contextlib
import imaplib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hanam_lab.paths import REPOSITORY
from tests.lab import EFFECT, Lab, Sample, wait_for

pytestmark = pytest.mark.dieu7


def pyinfra(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    """In the project's folder, with its own program."""
    program = str(Path(sys.executable).with_name("pyinfra"))
    inventories = f"{lab.topology}:{lab.driver.inventory}"
    return subprocess.run(
        [program, "-y", *words],
        cwd=REPOSITORY,
        env=os.environ | {"HANAM_INVENTORY": inventories, "PATH": f"{Path(program).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def data(**values: str) -> list[str]:
    return [word for name, value in values.items() for word in ("--data", f"{name}={value}")]


def by_inventory(lab: Lab) -> list[str]:
    return ["deploys/inventory.py", "deploys/lock.py"]


def by_name(lab: Lab) -> list[str]:
    """No Ansible at all: the host and the way in are typed."""
    way: dict[str, Any] = lab.hosts[lab.host("accounts")]
    known_hosts = way["ansible_ssh_common_args"].partition("UserKnownHostsFile=")[2].split()[0]
    return [
        str(way["ansible_host"]),
        "deploys/lock.py",
        "--ssh-user",
        str(way["ansible_user"]),
        "--ssh-key",
        str(way["ansible_ssh_private_key_file"]),
        *data(ssh_known_hosts_file=known_hosts, ssh_strict_host_key_checking="yes"),
    ]


@pytest.mark.bound
@pytest.mark.neighbours
@pytest.mark.parametrize("way", [by_inventory, by_name], ids=["by Ansible's inventory", "by the host's name"])
def test_dieu_7_2_a_lock_by_pyinfra_holds_on_every_node_within_seconds(lab: Lab, person: Sample, way: Any) -> None:
    session = lab.imap(person.address, person.password)
    session.sock.settimeout(EFFECT)
    started = time.time()
    done = pyinfra(
        lab, *way(lab), *data(address=person.address, reason="compromised", note="gửi thư 'rác'; $(id)", actor="lan")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    command = time.time() - started
    with contextlib.suppress(ConnectionError):
        deadline = time.monotonic() + EFFECT
        while session.sock.recv(4096):
            assert time.monotonic() < deadline
    by, note = lab.sql(f"select locked_by, note from mail.lock_state where mailbox_id = '{person.mailbox}'").split("|")
    assert (by, note) == ("lan", "gửi thư 'rác'; $(id)")

    def every_node() -> bool:
        behind = (
            "select count(*) from mail.agent_cursor where seq < (select max(seq) from mail.outbox where mailbox = '{}')"
        )
        return lab.sql(behind.format(person.mailbox)) == "0"

    wait_for(every_node, "the agents of all nodes", seconds=EFFECT)
    took = time.time() - lab.locked_at(person.mailbox)
    print(f"the command took {command:.1f} s; {took:.1f} s after the lock all nodes have it")
    assert command < 20
    assert took < EFFECT
    for name in (person.address, person.mailbox):
        with pytest.raises(imaplib.IMAP4.error, match="tam khoa"):
            lab.imap(name, person.password)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"address": "khong.co.ai@hanam.gov.vn", "reason": "compromised", "note": "x"}, "không có hộp thư này"),
        (
            {"address": "SAMPLE", "reason": "vi-thich", "note": "x"},
            "không có trong danh mục của quy chế (Đ7.2); có: idle, compromised,",
        ),
        ({"address": "SAMPLE", "reason": "compromised"}, "cần --data"),
    ],
    ids=["no such mailbox", "no such reason", "no note"],
)
def test_a_lock_that_cannot_be_fails_and_says_why(
    lab: Lab, person: Sample, given: dict[str, str], complaint: str
) -> None:
    words = {name: person.address if value == "SAMPLE" else value for name, value in given.items()}
    done = pyinfra(lab, *by_inventory(lab), *data(**words))
    assert done.returncode != 0
    assert complaint in done.stdout + done.stderr
    assert lab.sql(f"select count(*) from mail.lock_state where mailbox_id = '{person.mailbox}'") == "0"
