"""What the filter is told of words, names and domains arrives whole; what is faulty stops the run."""

import re
from collections.abc import Callable

import pytest

from tests.render.conftest import Environment

Environments = Callable[[str], Environment]


def rendered(environment: Environments, template: str) -> str:
    return environment("production").render("rspamd", template, environment("production").hosts("filter")[0])


def test_phrases_arrive_folded(environment: Environments) -> None:
    text = rendered(environment, "words.lua.j2")
    assert '{ "vay tien nhanh", "loan", 3 },' in text
    assert '["ế"] = "e"' in text
    assert "{{" not in text


def test_agencies_and_titles_arrive_as_the_registry_has_them(environment: Environments) -> None:
    text = rendered(environment, "plays.lua.j2")
    assert '"Sở Nội vụ"' in text
    assert '"chủ tịch ubnd"' in text
    assert re.search(r'\{ "vietcombank", \{"vietcombank.com.vn", \} \}', text)


def test_programs_are_refused_by_their_endings(environment: Environments) -> None:
    text = rendered(environment, "programs.lua.j2")
    for ending in ("exe", "iso", "js", "lnk"):
        assert f'["{ending}"] = true' in text


def test_a_faulty_domain_stops_the_run(environment: Environments) -> None:
    faulty: Environment = environment("production").with_variables(rspamd_deny_domains=["an@vidu.vn"])
    with pytest.raises(Exception, match=r"rspamd_deny_domains: 'an@vidu.vn' is no domain"):
        faulty.render("rspamd", "lists.lua.j2", faulty.hosts("filter")[0])


def test_a_domain_on_both_lists_stops_the_run(environment: Environments) -> None:
    both = {"rspamd_deny_domains": ["vidu.vn"], "rspamd_allow_domains": ["vidu.vn"]}
    faulty: Environment = environment("production").with_variables(**both)
    with pytest.raises(Exception, match="opposite meaning"):
        faulty.render("rspamd", "lists.lua.j2", faulty.hosts("filter")[0])
