"""Converged hosts stay as they are."""

import re

import pytest

from tests import journal
from tests.lab import Lab
from tests.people import People


def changed(output: str) -> dict[str, int]:
    return {host: int(count) for host, count in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", output, re.M)}


def test_check_mode_on_converged_hosts_finds_nothing_to_change(lab: Lab, people: People) -> None:
    people.retire()
    for name in ("lab.yml", "mailboxes.yml"):
        done = lab.play(name, "--check", "--diff")
        assert done.returncode == 0, done.stdout[-3000:]
        assert set(changed(done.stdout).values()) == {0}, done.stdout[-3000:]


# The filter starts again without the file; who connects to Postfix in that second is told to try later.
@pytest.mark.provokes(journal.FILTER_AWAY)
def test_what_a_role_owns_and_does_not_list_goes_and_nothing_else(lab: Lab) -> None:
    """A file of a former release, or one that somebody left, would go on being read."""
    strays = {
        "filter": "/etc/rspamd/local.d/former.conf",
        "mailstore": "/etc/systemd/system/former.service.d/50-hanam-restart.conf",
    }
    for group, path in strays.items():
        lab.run(group, f"mkdir -p {path.rpartition('/')[0]} && touch {path}")
    checked = lab.play("site.yml", "--tags", "rspamd,watch", "--check", "--diff")
    for group, path in strays.items():
        assert f"{path}: removed; the role lists it no longer" in checked.stdout, checked.stdout[-3000:]
        assert lab.look_at(group).file(path).exists
    assert lab.play("site.yml", "--tags", "rspamd,watch").returncode == 0
    for group, path in strays.items():
        assert not lab.look_at(group).file(path).exists
    assert lab.look_at("filter").file("/etc/rspamd/local.d/module.conf.example").exists
    again = lab.play("site.yml", "--tags", "rspamd,watch")
    assert set(changed(again.stdout).values()) == {0}, again.stdout[-3000:]
    lab.run("mailstore", "rmdir /etc/systemd/system/former.service.d")


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
