"""What is noted about a message reaches the rule that writes it into fields, and decides nothing (Đ3.4)."""

import re
from collections.abc import Callable

import pytest

from hanam_mail.host import remarks
from tests.render.conftest import ENVIRONMENTS, Environment

pytestmark = pytest.mark.dieu3

Environments = Callable[[str], Environment]


def formats(text: str) -> set[str]:
    (line,) = re.findall(r"^local FORMATS = \{(.*)\}$", text, re.M)
    return set(re.findall(r'\["([a-z0-9]+)"\] = true', line))


@pytest.mark.parametrize("topology", ENVIRONMENTS)
def test_the_operator_s_formats_arrive(environment: Environments, topology: str) -> None:
    there = environment(topology)
    for host in there.hosts("filter"):
        wanted = there.value("rspamd", "rspamd_exchange_formats", host)
        assert formats(there.render("rspamd", "remarks.lua.j2", host)) == set(wanted)
        assert {"odt", "docx", "pdf", "csv", "png", "mp4", "zip", "eml", "p7s"} <= set(wanted)
        assert sorted(set(wanted)) == sorted(wanted)


def test_every_type_of_a_file_without_a_name_is_on_the_list_by_its_ending(environment: Environments) -> None:
    there = environment("production")
    assert {each[0] for each in remarks._OF_TYPE.values()} <= set(
        there.value("rspamd", "rspamd_exchange_formats", "mail")
    )


def test_no_format_is_both_exchanged_and_refused_as_a_program(environment: Environments) -> None:
    there = environment("production")
    programs = there.value("rspamd", "rspamd_program_endings", "mail")
    assert not set(programs) & set(there.value("rspamd", "rspamd_exchange_formats", "mail"))


@pytest.mark.parametrize(("given", "written"), [([], set()), ([".PDF", "7z"], {"pdf", "7z"})])
def test_endings_may_be_written_with_a_dot_or_in_capitals_and_none_notes_nothing(
    environment: Environments, given: list[str], written: set[str]
) -> None:
    there: Environment = environment("production").with_variables(rspamd_exchange_formats=given)
    assert formats(there.render("rspamd", "remarks.lua.j2", there.hosts("filter")[0])) == written


def test_both_services_answers_are_handed_on_and_the_rule_decides_nothing(environment: Environments) -> None:
    there = environment("lab")
    (host,) = there.hosts("filter")
    for rule in ("authentication", "secrecy"):
        assert 'task:cache_set("noted", ' in there.render("rspamd", f"{rule}.lua.j2", host)
    rules = there.render("rspamd", "remarks.lua.j2", host)
    assert 'task:cache_get("noted")' in rules
    assert "set_pre_result" not in rules
    assert "score = 0.0" in rules
    for field in ("X-Hanam-Charset", "X-Hanam-Formats"):
        assert f'"{field}"' in rules


def test_what_a_stranger_says_in_our_name_goes_also_where_nothing_is_noted(environment: Environments) -> None:
    there = environment("lab")
    (host,) = there.hosts("filter")
    (note,) = re.findall(
        r"^local function note\(task\)\n(.*?)^end$", there.render("rspamd", "remarks.lua.j2", host), re.M | re.S
    )
    removed = note.index("set_milter_reply({ remove_headers = theirs })")
    assert "return" not in note[:removed]
    assert removed < note.index('task:cache_get("noted")') < note.index("return") < note.index("add_headers")
