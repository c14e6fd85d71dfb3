"""The filter finds the services that it asks about a message, and they have room for what they take (Đ3.3, Đ4.6)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from hanam_mail.host.mail_auth import service as mail_auth
from hanam_mail.host.secrecy import service as secrecy
from tests.render.conftest import ENVIRONMENTS

pytestmark = [pytest.mark.dieu3, pytest.mark.dieu4]

type Environments = Callable[[str], Any]

# Role, unit, rule of the filter, and the service's own limits. For each message it has a connection of the filter and
# one to whom it asks: the resolver, or the reader of documents.
SERVICES = [
    pytest.param("mail_auth", "hanam-mail-auth", "authentication.lua.j2", mail_auth, id="who sent it"),
    pytest.param("secrecy", "hanam-secrecy", "secrecy.lua.j2", secrecy, id="secrecy marks"),
]


@pytest.mark.parametrize("topology", ENVIRONMENTS)
@pytest.mark.parametrize(("role", "unit", "rule", "limits"), SERVICES)
def test_the_filter_asks_where_the_service_listens_and_may_open_it(
    environment: Environments, topology: str, role: str, unit: str, rule: str, limits: Any
) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        socket = there.render(role, f"{unit}.socket.j2", host)
        (place,) = re.findall(r"^ListenStream=(.*)$", socket, re.M)
        (group,) = re.findall(r"^SocketGroup=(.*)$", socket, re.M)
        rules = there.render("rspamd", rule, host)
        assert re.findall(r'^local SERVICE = "(.*)"$', rules, re.M) == [place]
        (groups,) = re.findall(r"^SupplementaryGroups=(.*)$", there.render("rspamd", "unit.conf.j2", host), re.M)
        assert group in groups.split()


@pytest.mark.parametrize("topology", ENVIRONMENTS)
@pytest.mark.parametrize(("role", "unit", "rule", "limits"), SERVICES)
def test_its_unit_has_tasks_and_descriptors_for_all_that_it_takes_at_once(
    environment: Environments, topology: str, role: str, unit: str, rule: str, limits: Any
) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        text = there.render(role, f"{unit}.service.j2", host)
        (tasks,) = re.findall(r"^TasksMax=(\d+)$", text, re.M)
        assert int(tasks) >= limits.AT_ONCE + 16
        (descriptors,) = re.findall(r"^LimitNOFILE=(\d+)$", text, re.M)
        assert int(descriptors) >= 2 * limits.AT_ONCE + limits.MOST_WAITING + 100


@pytest.mark.parametrize("topology", ENVIRONMENTS)
@pytest.mark.parametrize(("role", "unit", "rule", "limits"), SERVICES)
def test_its_unit_has_memory_for_all_that_it_takes_at_once(
    environment: Environments, topology: str, role: str, unit: str, rule: str, limits: Any
) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        text = there.render(role, f"{unit}.service.j2", host)
        ((number, of),) = re.findall(r"^MemoryMax=(\d+)([MG])$", text, re.M)
        # The program itself, with its tables.
        least = 64 * 2**20 + limits.TIMES * (limits.ROOM + limits.AT_ONCE * limits.LARGE)
        assert int(number) << {"M": 20, "G": 30}[of] >= least
        ((room, count, large),) = re.findall(r"messages of (\d+) MiB in all at once and (\d+) of (\d+) KiB", text)
        assert (int(room) << 20, int(count), int(large) << 10) == (limits.ROOM, limits.AT_ONCE, limits.LARGE)
