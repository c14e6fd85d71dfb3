"""What the filter holds, it says in one place, once, and by policy (Đ3.3, Đ4.2)."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from hanam_mail.host.quarantine import letter
from tests.render.conftest import ENVIRONMENTS, ROOT

type Environments = Callable[[str], Any]


@pytest.mark.dieu4
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_what_a_password_closes_is_refused_unless_the_policy_says_hold(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    held = there.with_variables(rspamd_encrypted_archives="hold", rspamd_encrypted_documents="hold")
    for host in there.hosts("filter"):
        assert there.value("rspamd", "rspamd_encrypted_archives", host) == "refuse"
        assert 'policy = "hold"' not in there.render("rspamd", "virus_scan.lua.j2", host)
        rules = held.render("rspamd", "virus_scan.lua.j2", host)
        assert rules.count('policy = "hold"') == 4
        # Of all suspicions this one is told for certain, so that none beside it hides it.
        for each in (there, held):
            assert "\nHanam.Encrypted.Archive:" in each.render("clamav", "entries.cdb.j2", host)
        marked = there.with_variables(rspamd_encrypted_archives="mark")
        assert "\nHanam.Encrypted.Archive:" not in marked.render("clamav", "entries.cdb.j2", host)


@pytest.mark.dieu3
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_one_rule_writes_the_field_and_no_letter_leaves_before_it_did(environment: Environments, topology: str) -> None:
    there = environment(topology)
    writers = set()
    for path in (ROOT / "roles/rspamd/templates").glob("*.lua.j2"):
        if letter.FIELD.decode() in re.sub(r"^\s*--.*$", "", path.read_text("utf-8"), flags=re.M).lower():
            writers.add(path.name)
    assert writers == {"hold.lua.j2"}
    for host in there.hosts("filter"):
        rules = there.render("rspamd", "guard.lua.j2", host)
        assert '"HOLD"' in rules
        hold = there.render("rspamd", "hold.lua.j2", host)
        (mine,) = re.findall(r"priority = (\d+)", hold)
        (last,) = re.findall(r"priority = (\d+)", rules)
        assert int(mine) < int(last)
        released = there.render("postfix", "master.cf.j2", there.hosts("submission")[0])
        (name,) = re.findall(r'^local RELEASED = "(\w+)"$', hold, re.M)
        assert f"milter_macro_daemon_name={name}\n" in released
        # Each kind that rules note is one that the field may name, and people read of it in words.
        kinds = re.findall(r'"([a-z]+)"', re.findall(r"^local KINDS = \{(.*)\}$", hold, re.M)[0])
        assert set(kinds) == set(there.value("rspamd", "held_kinds", host))
