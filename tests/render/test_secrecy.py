"""The filter and what looks for secrecy marks find each other, and wait in the right order (Đ3.3)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from hanam_mail.host.secrecy import mime, service
from tests.render.conftest import ENVIRONMENTS

pytestmark = pytest.mark.dieu3

type Environments = Callable[[str], Any]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_service_asks_where_documents_are_read_and_reaches_nobody_else(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        unit = there.render("secrecy", "hanam-secrecy.service.j2", host)
        (port,) = re.findall(r"^ExecStart=/usr/local/sbin/hanam-secrecy (\d+) \d+$", unit, re.M)
        reader = there.render("extractor", "hanam-extract.socket.j2", host)
        assert re.findall(r"^ListenStream=(.*)$", reader, re.M) == [f"127.0.0.1:{port}"]
        assert re.findall(r"^IPAddress(\w+)=(.*)$", unit, re.M) == [("Allow", "127.0.0.1"), ("Deny", "any")]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_each_waits_longer_than_the_one_that_it_asks(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        (seconds,) = re.findall(r"^local SECONDS = (\d+)$", there.render("rspamd", "secrecy.lua.j2", host), re.M)
        (given,) = re.findall(
            r"^ExecStart=\S+ \d+ (\d+)$", there.render("secrecy", "hanam-secrecy.service.j2", host), re.M
        )
        (whole,) = re.findall(r"task_timeout = (\d+)s;", there.render("rspamd", "rspamd.conf.j2", host))
        assert int(given) == int(seconds) < int(whole)


def test_where_offices_work_the_dearest_document_leaves_time_for_others(environment: Environments) -> None:
    there = environment("staging")
    for host in there.hosts("filter"):
        seconds = there.value("secrecy", "secrecy_seconds", host)
        assert 2 * there.value("extractor", "extractor_seconds", host) < service.JUDGED * seconds


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_no_message_that_the_filter_takes_has_more_parts_than_are_looked_at(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        # Text before and behind the parts of a container is looked at as parts are.
        assert 3 * there.value("rspamd", "rspamd_mime_parts_limit", host) <= mime.MOST_PARTS
        assert there.value("rspamd", "rspamd_mime_levels_limit", host) < mime.MOST_LEVELS


def test_what_nobody_can_read_is_marked_unless_the_operator_says_otherwise(environment: Environments) -> None:
    there = environment("lab")
    (host,) = there.hosts("filter")
    assert there.value("rspamd", "rspamd_secrecy_unread", host) == "mark"
    assert "\nlocal HOLD_UNREAD = false\n" in there.render("rspamd", "secrecy.lua.j2", host)


def test_no_letter_leaves_before_the_rule_came_to_its_end(environment: Environments) -> None:
    there = environment("lab")
    (host,) = there.hosts("filter")
    (rules,) = re.findall(r"^local RULES = \{(.*?)^\}$", there.render("rspamd", "guard.lua.j2", host), re.M | re.S)
    assert '"SECRECY"' in rules
    assert 'finished(task, "SECRECY")' in there.render("rspamd", "secrecy.lua.j2", host)
