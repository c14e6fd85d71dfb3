"""Converged hosts stay as they are."""

import os
import re
import subprocess

from hanam_lab.paths import REPOSITORY
from tests.lab import Lab


def playbook(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ansible-playbook", "-i", str(lab.topology), "-i", str(lab.driver.inventory), *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env=os.environ | {"ANSIBLE_FORCE_COLOR": "false", "ANSIBLE_NOCOLOR": "true"},
    )  # fmt: skip


def changed(output: str) -> dict[str, int]:
    return {host: int(count) for host, count in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", output, re.M)}


def test_check_mode_on_converged_hosts_finds_nothing_to_change(lab: Lab) -> None:
    for name in ("playbooks/site.yml", "playbooks/mailboxes.yml"):
        done = playbook(lab, name, "--check", "--diff")
        assert done.returncode == 0, done.stdout[-3000:]
        assert set(changed(done.stdout).values()) == {0}, done.stdout[-3000:]


def test_wrong_variables_stop_before_anything_is_changed_and_are_named(lab: Lab) -> None:
    # Every sentence is a unit test (test_preflight.py); here only that nothing is changed before it.
    for variable, value, expected in (
        ("mail_domain", "hanam", "mail_domain: cần một tên miền"),
        ("tls_certificate", "nonsense", "chứng thư không ở dạng PEM"),
    ):
        done = playbook(lab, "playbooks/site.yml", "--extra-vars", f"{variable}={value}")
        assert done.returncode != 0
        assert expected in " ".join(done.stdout.replace("''", "'").split()), done.stdout[-2000:]
        assert set(changed(done.stdout).values()) == {0}


def test_a_host_in_no_group_is_named(lab: Lab, tmp_path_factory: object) -> None:
    inventory = REPOSITORY / "inventory/lab.yml"
    assert inventory.exists()
    done = playbook(
        lab,
        "playbooks/preflight.yml",
        "-i",
        "stray,",
        "--extra-vars",
        "host_ipv4=192.0.2.1 host_ipv6=2001:db8::1",
    )
    assert done.returncode != 0
    assert "máy stray không thuộc nhóm nào" in done.stdout.replace("\n", " ")
