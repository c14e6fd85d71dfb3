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


@pytest.mark.parametrize(
    ("setting", "value", "template", "reason"),
    [
        ("rspamd_allow_domains", ["gmail.com"], "lists", "to everybody"),
        ("rspamd_deny_domains", ["com.vn"], "lists", "anybody registers names"),
        ("rspamd_state_domains", "gov.vn", "plays", "a list of domains"),
        ("rspamd_free_domains", ["@gmail.com"], "plays", "is no domain"),
        ("rspamd_leader_titles", "chủ tịch", "plays", "a list of names"),
        ("rspamd_known_names", {"bidv": "bidv.com.vn"}, "plays", "a list of domains"),
        ("rspamd_short_links", ["https://bit.ly"], "links", "is no domain"),
        ("rspamd_program_endings", [".exe"], "programs", "is no ending"),
        ("rspamd_endings_of_pages", "js", "programs", "a list of endings"),
    ],
)
def test_a_faulty_entry_of_any_list_stops_the_run(
    environment: Environments, setting: str, value: object, template: str, reason: str
) -> None:
    faulty: Environment = environment("production").with_variables(**{setting: value})
    with pytest.raises(Exception, match=f"{setting}.*{reason}"):
        faulty.render("rspamd", f"{template}.lua.j2", faulty.hosts("filter")[0])


def test_the_packaged_rule_of_endings_leaves_to_ours_what_harmless_files_have_too(environment: Environments) -> None:
    text = rendered(environment, "mime_types.conf.j2")
    names, pages = (re.compile(each) for each in re.findall(r'"m\{(.*)\}i"', text.replace("\\\\", "\\")))
    assert names.search("logo-facebook.com")
    assert not names.search("a.exe")
    assert pages.search("trang_files/a.js")
    assert not pages.search("a.js")
    none = environment("production").with_variables(rspamd_endings_of_names=[], rspamd_endings_of_pages=[])
    assert "filename_whitelist" not in none.render("rspamd", "mime_types.conf.j2", none.hosts("filter")[0])


def scanned_names(environment: Environments, **settings: object) -> list[str]:
    """What the scanner looks for in names, for programs."""
    there: Environment = environment("production").with_variables(**settings)
    text = there.render("clamav", "entries.cdb.j2", there.hosts("filter")[0])
    return [line.split(":")[3] for line in text.splitlines() if line.startswith("Hanam.Program:")]


def test_the_scanner_looks_for_the_same_programs_at_every_depth(environment: Environments) -> None:
    everywhere, top = (re.compile(pattern) for pattern in scanned_names(environment))
    for name in ("a.exe", "d/e/a.EXE", "a.appref-ms", "a.vbs. .", "hóa đơn.pdf.scr"):
        assert everywhere.search(name), name
    for name in ("a.exe.pdf", "exe", "logo.com", "a.img", "a.js", "aexe", "a.exe/b.txt"):
        assert not everywhere.search(name), name
    assert top.search("a.JS")
    assert not top.search("trang_files/a.js")
    assert not top.search("trang_files\\a.js")
    # GeoGebra has one in each of its documents.
    assert not top.search("geogebra_javascript.js")
    for name in (
        "geogebra_javascript.js.js",
        "geogebra.js",
        "xgeogebra_javascript.js",
        "geogebra_javascript2.url",
        ".js",
    ):
        assert top.search(name), name


def test_without_endings_the_scanner_takes_all_programs(environment: Environments) -> None:
    assert scanned_names(environment, rspamd_program_endings=[]) == []


def test_the_same_names_are_looked_for_in_the_same_order_each_time(environment: Environments) -> None:
    (pattern, _) = scanned_names(environment, rspamd_program_endings=["js", "exe", "com", "bat"])
    assert pattern == r"\.([eE][xX][eE]|[bB][aA][tT])[. ]*$"
