"""What the mail store is held to: who counts a mailbox's room and when, and how much an indexer may take."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest
from bench import dovecot

from tests.render.conftest import ENVIRONMENTS

# Of the smallest host (inventory/lab.yml), whose other half is for sessions, the database and the filter.
INDEXERS_MIB = 2048
# For each process of Dovecot, by Debian's unit (LimitNOFILE; docs/decisions/0024-login-storm.md).
OPEN_FILES = 65_535


def services(text: str) -> dict[str, dict[str, str]]:
    """Service of Dovecot -> its settings, those of its listeners left out."""
    found = re.findall(r"^service (\S+) \{\n(.*?)^\}", text, re.M | re.S)
    return {name: dict(re.findall(r"^  (\w+) = (.+)$", body, re.M)) for name, body in found}


@pytest.mark.dieu8
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_a_mailbox_is_counted_at_once_and_whether_there_is_room_is_postfixs_question_alone(
    environment: Callable[[str], Any], topology: str
) -> None:
    """Counted in the background a mailbox could not be asked about; LMTP's own question would be one more a message."""
    there = environment(topology)
    for host in there.hosts("mailstore"):
        text = there.render("dovecot", "dovecot.conf.j2", host)
        assert re.findall(r"^mail_vsize_bg_after_count = (.+)$", text, re.M) == ["0"]
        assert re.findall(r"^lmtp_rcpt_check_quota = (.+)$", text, re.M) == ["no"]
        assert "quota-status" in services(text)


@pytest.mark.dieu8
def test_where_postfix_cannot_ask_lmtp_does(environment: Callable[[str], Any]) -> None:
    there = environment("lab").with_variables(dovecot_postfix_queue="", dovecot_policy_port=0)
    text = there.render("dovecot", "dovecot.conf.j2", there.hosts("mailstore")[0])
    assert re.findall(r"^lmtp_rcpt_check_quota = (.+)$", text, re.M) == ["yes"]
    assert "quota-status" not in services(text)


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_what_a_script_rejects_is_answered_in_vietnamese_and_english(
    environment: Callable[[str], Any], topology: str
) -> None:
    """The subject in ASCII, as Dovecot writes it into the header; the body in one line."""
    there = environment(topology)
    for host in there.hosts("mailstore"):
        text = there.render("dovecot", "dovecot.conf.j2", host)
        (subject,) = re.findall(r'^rejection_subject = "([^"]+)"$', text, re.M)
        assert subject.isascii()
        vietnamese, _, english = subject.partition(" / ")
        assert str(make_header(decode_header(vietnamese))) == "Thư bị từ chối"
        assert english.startswith("Rejected: %{subject | ") and english.endswith("}")
        # "$" and " #" mean something to Dovecot where no quotes are.
        (body,) = re.findall(r"^rejection_reason = ((?:(?! #)[^$\n])+)$", text, re.M)
        lines = body.split("%{literal('\\r\\n')}")
        assert lines[0] == "Thư của ông (bà) gửi tới <%{to}>" and "%{reason}" in lines
        assert "Your message to <%{to}>" in lines


@pytest.mark.dieu10
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_who_indexes_is_not_root_and_cannot_take_the_hosts_memory(
    environment: Callable[[str], Any], topology: str
) -> None:
    """By default it is root."""
    there = environment(topology)
    for host in there.hosts("mailstore"):
        indexer = services(there.render("dovecot", "dovecot.conf.j2", host))["indexer-worker"]
        assert indexer["user"] == "vmail"
        memory = re.fullmatch(r"(\d+)([MG])", indexer["vsz_limit"])
        assert memory, "never unlimited (0)"
        mib = int(memory[1]) << {"M": 0, "G": 10}[memory[2]]
        assert 0 < int(indexer["process_limit"]) * mib <= INDEXERS_MIB


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_no_process_needs_more_open_files_than_debians_unit_gives(
    environment: Callable[[str], Any], topology: str
) -> None:
    """A login process holds two for each session that it carries, its client's and the session's; auth holds one."""
    there = environment(topology)
    for host in there.hosts("mailstore"):
        unit = there.render("dovecot", "unit.conf.j2", host)
        assert "LimitNOFILE" not in unit
        found = services(there.render("dovecot", "dovecot.conf.j2", host))
        most = max(2 * int(each.get("client_limit", 0)) for each in found.values())
        assert most >= 2 * int(found["imap"]["process_limit"])
        assert most < OPEN_FILES // 2, "room for what else a process opens, and for a host that gives less"


def reloading(there: Any, host: str) -> list[str]:
    """The commands of the unit's reload, in their order."""
    return re.findall("^ExecReload=(.*)$", there.render("dovecot", "unit.conf.j2", host), re.M)


@pytest.mark.dieu10
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_every_reload_waits_before_it_begins(environment: Callable[[str], Any], topology: str) -> None:
    """Deployments, certificates, keys and conversions come by the unit. What Debian's says is said anew, behind it.

    Noted is when the reload was asked for, however late the command came on a busy machine.
    """
    there = environment(topology)
    hosts = there.hosts("mailstore:submission")
    assert len({reloading(there, host)[1] for host in hosts}) == 1
    for host in hosts:
        first, _, *asked = reloading(there, host)
        stamp = there.value("dovecot", "_dovecot_reloaded", host)
        program = there.value("dovecot", "_dovecot_reload_program", host)
        assert first == ""
        assert asked == [f"{program} {stamp}"]


@pytest.mark.dieu10
@pytest.mark.parametrize(
    ("age", "least", "most"), [(None, 0, 0.5), (0, 2.5, 3.5), (2, 0.5, 1.5), (60, 0, 0.5), (-3600, 2.9, 3.5)]
)
def test_a_reload_waits_until_the_last_one_is_three_seconds_ago(
    environment: Callable[[str], Any], tmp_path: Path, age: float | None, least: float, most: float
) -> None:
    """A clock that was set keeps none up for longer."""
    there = environment("lab")
    wait = reloading(there, "mail")[1].removeprefix("-")
    stamp, mine = there.value("dovecot", "_dovecot_reloaded", "mail"), tmp_path / "reloaded"
    if age is not None:
        mine.touch()
        os.utime(mine, (time.time() - age, time.time() - age))
    began = time.monotonic()
    subprocess.run(shlex.split(wait.replace(stamp, str(mine))), check=True)
    # A busy machine takes a second more.
    assert least <= time.monotonic() - began < most + 1


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_what_the_benchmarks_switch_off_is_there_to_be_switched_off(
    environment: Callable[[str], Any], topology: str
) -> None:
    """Each by a whole line that stands there once (bench/dovecot.py), and in nothing else."""
    there = environment(topology)
    for host in there.hosts("mailstore"):
        text = there.render("dovecot", "dovecot.conf.j2", host)
        for lines in (dovecot.NOT_INDEXING, dovecot.NO_INDEX, dovecot.NO_SIEVE):
            other = dovecot.exchanged(text, lines).splitlines()
            assert sum(a != b for a, b in zip(text.splitlines(), other, strict=True)) == len(lines)
