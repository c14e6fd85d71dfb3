"""Converged hosts stay as they are."""

import re

from tests.lab import Lab


def changed(output: str) -> dict[str, int]:
    return {host: int(count) for host, count in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", output, re.M)}


def test_check_mode_on_converged_hosts_finds_nothing_to_change(lab: Lab) -> None:
    for name in ("lab.yml", "mailboxes.yml"):
        done = lab.play(name, "--check", "--diff")
        assert done.returncode == 0, done.stdout[-3000:]
        assert set(changed(done.stdout).values()) == {0}, done.stdout[-3000:]


def test_wrong_variables_stop_before_anything_is_changed_and_are_named(lab: Lab) -> None:
    # Every sentence is a unit test (test_preflight.py); here only that nothing is changed before it.
    for variable, value, expected in (
        ("mail_domain", "hanam", "mail_domain: cần một tên miền"),
        ("certificates_certificate", "nonsense", "chứng thư không ở dạng PEM"),
    ):
        done = lab.play("site.yml", "--extra-vars", f"{variable}={value}")
        assert done.returncode != 0
        assert expected in " ".join(done.stdout.replace("''", "'").split()), done.stdout[-2000:]
        assert set(changed(done.stdout).values()) == {0}


def test_a_host_in_no_group_is_named(lab: Lab) -> None:
    done = lab.play("preflight.yml", "-i", "stray,", "-e", "host_ipv4=192.0.2.1 host_ipv6=2001:db8::1")
    assert done.returncode != 0
    assert "máy stray không thuộc nhóm nào" in done.stdout.replace("\n", " ")
