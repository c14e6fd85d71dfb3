"""Expressions for programs that know no "but not this one"."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanam_mail.controller import name_patterns
from hanam_mail.controller.name_patterns import NamePatternError

_STEMS = st.text("ab-_1", min_size=1, max_size=4)


@given(st.sets(_STEMS, max_size=4), _STEMS)
def test_all_beginnings_match_but_those_of_the_names(spared: set[str], other: str) -> None:
    pattern = re.compile(name_patterns.stems_but([f"{stem}.js" for stem in sorted(spared)], "names"))
    for stem in {*spared, other, f"{other}x", f"Z{other}", f"{other}.{other}", ""}:
        assert bool(pattern.fullmatch(stem)) == (stem not in spared), stem
    assert not pattern.fullmatch(f"d/{other}")
    assert not pattern.fullmatch(f"d\\{other}")


@pytest.mark.parametrize("names", ["a.js", [1], ["a"], ["A.js"], ["a.b.js"], ["a*.js"], ["d/a.js"], [""], None])
def test_a_faulty_name_is_named(names: object) -> None:
    with pytest.raises(NamePatternError, match="names: "):
        name_patterns.stems_but(names, "names")
