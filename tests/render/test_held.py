"""What the filter holds, it says in one place, once, and by policy (Đ3.3, Đ4.2)."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from hanam_mail.host.quarantine import letter, service, store
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


@pytest.mark.dieu10
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_spam_is_held_between_junk_and_refusal(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        (held,) = re.findall(r"^local SPAM_FROM = (\S+)$", there.render("rspamd", "hold.lua.j2", host), re.M)
        scores = re.findall(
            r"^    (reject|add_header) = (\S+);$", there.render("rspamd", "modules.conf.j2", host), re.M
        )
        named = dict(scores)
        assert float(named["add_header"]) < float(held) < float(named["reject"])
        off = there.with_variables(rspamd_score_hold=0).render("rspamd", "hold.lua.j2", host)
        assert "\nlocal SPAM_FROM = 0.0\n" in off
        with pytest.raises(Exception, match="rspamd_score_hold"):
            there.with_variables(rspamd_score_hold=20).render("rspamd", "hold.lua.j2", host)
        # It fits through where it is learnt.
        octets = there.value("rspamd", "rspamd_held_spam_octets", host)
        assert octets < there.value("learn", "learn_size_limit", host)
        # And through memory where the disk is full, with the fields that hosts add on its way; all at once too.
        assert octets + 2**20 < store.IN_MEMORY
    unit = there.render("quarantine", "hanam-quarantine.service.j2", there.hosts("quarantine")[0])
    (megabytes,) = re.findall(r"^MemoryMax=(\d+)M$", unit, re.M)
    assert int(megabytes) * 2**20 / 2 > service.AT_ONCE * store.IN_MEMORY


@pytest.mark.dieu10
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_what_is_let_go_teaches_every_filter_and_each_lets_the_quarantine_in(
    environment: Environments, topology: str
) -> None:
    there = environment(topology)
    (keeper,) = there.hosts("quarantine")
    settings = json.loads(there.render("quarantine", "quarantine.json.j2", keeper))
    filters = there.hosts("filter")
    assert len(settings["filters"]) == len(filters)
    unit = there.render("quarantine", "hanam-quarantine.service.j2", keeper)
    (groups,) = re.findall(r"^SupplementaryGroups=(.*)$", unit, re.M)
    assert ("rspamd-controller" in groups) == (keeper in filters)
    assert there.value("learn", "learn_controller_group", filters[0]) == "rspamd-controller"
    (reached,) = re.findall(r"^IPAddressAllow=(.*)$", unit, re.M)
    for host in filters:
        if host == keeper:
            assert there.value("rspamd", "rspamd_controller_socket", host) in settings["filters"]
            continue
        name = f"{keeper}.{there.value('rspamd', 'mail_domain', host)}"
        gate = there.render("learn", "learn-gate.conf.j2", host)
        assert f"\n        CN={name} ham;\n" in gate
        assert there.value("base", "host_ipv4", host) in reached.split()
        assert f"{host}.{there.value('rspamd', 'mail_domain', host)}:" in settings["filters"][0]


@pytest.mark.dieu4
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_page_has_a_role_of_its_own_and_no_key(environment: Environments, topology: str) -> None:
    there = environment(topology)
    (accounts,) = there.hosts("accounts")
    key = there.value("postgresql", "postgresql_held_key", accounts)
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    assert key != there.value("postgresql", "postgresql_change_key", accounts)
    for host in there.hosts("webmail"):
        settings = json.loads(there.render("spam_page", "config.json.j2", host))
        assert "user=mail_held" in settings["conninfo"]
        secret = there.value("postgresql", "vault_held_key", accounts)
        assert not [text for text in (key, secret) if text in json.dumps(settings)]
        # Its password opens the database to this role alone; where it comes by the socket it has none.
        assert ("password=" in settings["conninfo"]) == (host != accounts)
        if host == accounts:
            identities = there.render("postgresql", "pg_ident.conf.j2", accounts)
            assert "hanam  hanam-spam-page  mail_held\n" in identities
        else:
            assert "mail_held" in there.render("postgresql", "pg_hba.conf.j2", accounts)
        unit = there.render("spam_page", "hanam-spam-page.service.j2", host)
        assert re.findall(r"^User=(.*)$", unit, re.M) == ["hanam-spam-page"]
        assert re.findall(r"^IPAddressDeny=(.*)$", unit, re.M) == (["any"] if host == accounts else [""])


@pytest.mark.dieu10
@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_links_in_letters_lead_to_the_page(environment: Environments, topology: str) -> None:
    there = environment(topology)
    (accounts,) = there.hosts("accounts")
    job = yaml.safe_load(there.render("jobs", "jobs.yml.j2", accounts))
    for host in there.hosts("webmail"):
        settings = json.loads(there.render("spam_page", "config.json.j2", host))
        assert job["held_url"] == settings["webmail"].removesuffix("/") + settings["address"]
        site = there.render("spam_page", "page.conf.j2", host)
        assert f"location ^~ {settings['address']} {{" in site
        assert there.value("spam_page", "spam_page_socket", host) in site
        # The frame's headers are named again, since one of its own cancels them.
        assert "include /etc/nginx/hanam-headers.conf;" in site
        (zone,) = re.findall(r"limit_req zone=(\w+)", site)
        assert f" zone={zone}:" in there.render("spam_page", "limit.conf.j2", host)
