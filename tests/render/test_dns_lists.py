"""Lists in DNS arrive at the filter as they are written down, their keys for it alone; a faulty one stops the run."""

import re
from collections.abc import Callable

import pytest

from tests.render.conftest import Environment
from tests.render.role_rows import files

Environments = Callable[[str], Environment]
KEY = "0123456789abcdef"


def rendered(there: Environment, template: str) -> str:
    return there.render("rspamd", template, there.hosts("filter")[0])


def used(there: Environment) -> set[str]:
    return set(re.findall(r'^    "(\w+)" \{$', rendered(there, "dns_lists.conf.j2"), re.MULTILINE))


def test_production_asks_no_list_whose_terms_want_more(environment: Environments) -> None:
    assert used(environment("production")) == {"psbl", "blocklistde"}


def test_a_key_of_the_vault_turns_its_lists_on(environment: Environments) -> None:
    with_key = environment("production").with_variables(vault_spamhaus_key=KEY)
    assert used(with_key) == {"psbl", "blocklistde", "zen", "dbl"}
    assert f'rbl = "{KEY}.zen.dq.spamhaus.net";' in rendered(with_key, "dns_lists.conf.j2")
    for template in ("groups.conf.j2", "modules.conf.j2", "greylist.lua.j2", "dns-lists.service.j2"):
        assert KEY not in rendered(with_key, template)


def test_what_may_hold_a_key_is_secret(environment: Environments) -> None:
    there = environment("production")
    found = files(there, "rspamd", there.hosts("filter")[0])
    for path, mode in (("/etc/rspamd/local.d/dns_lists.conf", "0640"), ("/etc/rspamd/dns_lists.json", "0600")):
        assert (found[path]["mode"], found[path]["secret"]) == (mode, True)


def test_no_list_hears_of_our_domain_nor_of_our_people_s_mail(environment: Environments) -> None:
    text = rendered(environment("lab"), "dns_lists.conf.j2")
    lists = re.split(r'(?m)^    "\w+" \{$', text)[1:]
    assert len(lists) == 5
    for each in lists:
        assert "exclude_users = true;" in each
        assert "exclude_local = true;" in each
        assert "unknown = false;" in each
        # It would switch off the line that follows it.
        assert "ignore_whitelist = true" not in each
        names = "no_ip = true;" in each
        assert ("m{(^|[.@])hanam[.]gov[.]vn$}i" in each) == names
        assert ("m{(^|[.@])gov[.]vn$}i" in each) == names


def test_a_faulty_list_stops_the_run(environment: Environments) -> None:
    wrong = {"a": {"zone": "a.example", "use": True, "asks": ["client"], "counts": "all", "answers": {}}}
    faulty = environment("production").with_variables(dns_lists=wrong)
    with pytest.raises(Exception, match="dns_lists, a: counts"):
        rendered(faulty, "dns_lists.conf.j2")


def test_without_lists_none_is_asked(environment: Environments) -> None:
    none = environment("production").with_variables(dns_lists={})
    assert used(none) == set()
    assert re.search(r"rbl \{\n    enabled = false;", rendered(none, "modules.conf.j2"))


def test_greylisting_stands_between_doubt_and_junk(environment: Environments) -> None:
    for name in ("lab", "production"):
        text = rendered(environment(name), "greylist.lua.j2")
        found = re.search(r"local LEAST, MOST = ([\d.]+), ([\d.]+)", text)
        assert found
        assert 0 < float(found[1]) < float(found[2])
        assert re.search(r"greylist \{\n    enabled = false;", rendered(environment(name), "modules.conf.j2"))
