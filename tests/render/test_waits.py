"""Whichever neighbour hangs, who hands in mail has his answer soon: waits that follow each other, added (Đ10.6)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.render.conftest import ENVIRONMENTS

pytestmark = pytest.mark.dieu10

type Environments = Callable[[str], Any]

ANSWER = 30
"""Seconds within which whoever hands in mail is answered."""
MOMENT = 1
"""What is left of them for the work between two waits; so long Postfix rests before it asks once more, too."""


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
def test_a_mail_store_that_hangs_is_answered_soon(environment: Environments, topology: str) -> None:
    """It is asked for room, twice: Postfix' own number (smtpd_policy_service_try_limit)."""
    there = environment(topology)
    for host in sorted({*there.hosts("mx"), *there.hosts("submission")}):
        main = there.render("postfix", "main.cf.j2", host)
        assert "smtpd_policy_service_try_limit" not in main
        room = seconds(main, r"^room_rules = check_policy_service \{ .*, timeout=(\d+)s \}$")
        assert 2 * room + MOMENT <= ANSWER - MOMENT
