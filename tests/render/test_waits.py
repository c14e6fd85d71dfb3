"""Whichever neighbour hangs, who hands in mail has his answer soon: waits that follow each other, added (Đ10.6)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from hanam_mail.host.database.roles import ROLES
from tests.render.conftest import ENVIRONMENTS

pytestmark = pytest.mark.dieu10

type Environments = Callable[[str], Any]

ANSWER = 30
"""Seconds within which whoever hands in mail is answered."""
MOMENT = 1
"""What is left of them for the work between two waits; so long Postfix rests before it asks once more, too."""

AT_ONCE = 4
"""Tables that are asked while a database hangs: who has signed in sends, from outside comes to a mailbox."""


def seconds(text: str, pattern: str) -> int:
    """The one number that stands there, each time the same."""
    (found,) = set(re.findall(pattern, text, re.M))
    return int(found)


@pytest.mark.dieu4
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_a_scanner_or_a_filter_that_hangs_is_answered_soon_and_each_waits_longer_than_the_one_it_asks(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        rspamd, main = there.render("rspamd", "rspamd.conf.j2", host), there.render("postfix", "main.cf.j2", host)
        scan = seconds(there.render("rspamd", "virus_scan.lua.j2", host), r"^local TIMEOUT = (\d+)$")
        message = seconds(rspamd, r"^    task_timeout = (\d+)s;$")
        worker = seconds(rspamd, r"^    timeout = (\d+)s;$")
        content = seconds(main, r"^milter_content_timeout = (\d+)s$")
        assert scan < message < worker < content <= ANSWER - MOMENT
        assert "soft_reject_on_timeout = true;" in rspamd
        # A filter that failed once is not asked again within the session.
        greeting = seconds(main, r"^milter_connect_timeout = (\d+)s$") + seconds(
            main, r"^milter_command_timeout = (\d+)s$"
        )
        assert greeting <= ANSWER - MOMENT
        # The scanner gives up what nobody waits for any more.
        limit = seconds(there.render("clamav", "clamd.conf.j2", host), r"^MaxScanTime (\d+)$")
        assert scan * 1000 < limit <= ANSWER * 1000


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_a_database_that_hangs_is_answered_soon_and_a_slow_one_is_not_taken_for_it(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    (role,) = (role for role in ROLES if role.name == "mail_postfix")
    slow = seconds(role.settings["statement_timeout"], r"^(\d+)s$")
    for host in sorted({*there.hosts("mx"), *there.hosts("submission")}):
        master = there.render("postfix", "master.cf.j2", host)
        processes = re.findall(r"^proxy\S+ +unix .* proxymap\n    -o daemon_timeout=(\d+)s$", master, re.M)
        assert len(processes) == len(re.findall(r" proxymap$", master, re.M)) == 2
        (patience,) = {int(process) for process in processes}
        rows = there.items("postfix", "pgsql.cf.j2")
        tables = "\n".join(there.render("postfix", "pgsql.cf.j2", host, row) for row in rows)
        assert len(re.findall(r"connect_timeout=", tables)) == len(rows)
        connect = seconds(tables, r"connect_timeout=(\d+)")
        # Each address of another host would have its time: it has one. Postfix takes one host for two (dict_pgsql.c).
        assert len(re.findall(r"hostaddr=\d", tables)) == tables.count("sslmode=verify-full")
        lookup = 2 * connect
        # The first one rests until the second one has failed, too.
        assert seconds(tables, r"^retry_interval = (\d+)$") > connect
        # A process ends itself after two thirds of its time at the earliest (watchdog.c); then another one is asked.
        assert max(slow, lookup) < patience * 2 // 3
        # Questions of so many tables may meet in that one.
        assert patience + MOMENT + AT_ONCE * lookup <= ANSWER - MOMENT
        # By then no other one has a connection that could hang as well.
        assert seconds(tables, r"^idle_interval = (\d+)$") < patience * 2 // 3
        # Who watches over the ports takes none of this for a port that is full.
        doors = [row for row in there.value("watch", "watch_doors", host) if row["unit"] == "postfix.service"]
        patient = [probe["seconds"] for row in doors if row["here"] for probe in row["probes"]]
        assert patient
        assert min(patient) > patience + MOMENT + AT_ONCE * lookup


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_a_mail_store_that_hangs_is_answered_soon(environment: Environments, topology: str) -> None:
    """It is asked for room, twice: Postfix' own number (smtpd_policy_service_try_limit)."""
    there = environment(topology)
    for host in sorted({*there.hosts("mx"), *there.hosts("submission")}):
        main = there.render("postfix", "main.cf.j2", host)
        assert "smtpd_policy_service_try_limit" not in main
        room = seconds(main, r"^room_rules = check_policy_service \{ .*, timeout=(\d+)s \}$")
        assert 2 * room + MOMENT <= ANSWER - MOMENT
