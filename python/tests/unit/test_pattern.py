"""Patterns in linear time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coilyard import InvalidArgument
from coilyard._pattern import Pattern

atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\w", r"\W", r"\s", "^", "$", r"\b", "1", "_"])
patterns = st.recursive(
    atoms,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map("|".join)
        | inner.map(lambda part: f"({part})")
        | inner.map(lambda part: f"(?:{part})*")
        | inner.map(lambda part: f"(?:{part})+")
        | inner.map(lambda part: f"(?:{part})?")
        | inner.map(lambda part: f"(?:{part}){{1,3}}")
        | inner.map(lambda part: f"(?:{part})*?")
    ),
    max_leaves=8,
)


@settings(max_examples=400)
@given(patterns, st.text("abc1_ -", max_size=12))
def test_a_pattern_matches_what_pythons_engine_matches(pattern: str, text: str) -> None:
    assert Pattern(pattern).search(text) == bool(re.search(pattern, text, re.ASCII))


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("(?i)TEMP", "a_temperature", True),
        ("(?i:T)emp", "temp", True),
        ("(?i:T)EMP", "temp", False),
        ("a(?i)b|c", "C", True),
        ("(?s)a.b", "a\nb", True),
        ("a.b", "a\nb", False),
        ("(?m)^b$", "a\nb\nc", True),
        ("^b$", "a\nb\nc", False),
        ("(?P<name>x)", "x", True),
        (r"\x41\x{42}", "AB", True),
        (r"\.", ".", True),
        (r"\.", "x", False),
        ("a{,2}", "a{,2}", True),
        ("]", "]", True),
        ("[]a-]", "-", True),
        (r"[\d_]+$", "x1_2", True),
        (r"\Aab\z", "ab", True),
        ("(?i)[A-C]", "b", True),
        ("ü", "für", True),
    ],
)
def test_the_syntax_is_that_of_re2(pattern: str, text: str, matches: bool) -> None:
    assert Pattern(pattern).search(text) is matches


@pytest.mark.parametrize(
    "pattern",
    ["(a", "a)", "*a", "(?=a)", "(?!a)", "(?<=a)b", r"(a)\1", "a**", "[z-a]", "a{3,2}", "a{1001}", "[a", "\\",
     "[[:alpha:]]", r"\pL", "(?P<name", "x" * 1001, "((a{1000}){1000})", "(" * 200 + ")" * 200, r"\x{110000}"],
)  # fmt: skip
def test_what_cannot_be_matched_in_linear_time_or_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidArgument):
        Pattern(pattern)


@pytest.mark.parametrize("pattern", ["^((a*)*)*$", "^(a|a)*$", "(a+)+$", "^a*a*a*a*a*a*$", "(.*)(.*)(.*)(.*)x"])
def test_patterns_that_hang_a_backtracking_engine_are_quick(pattern: str) -> None:
    compiled = Pattern(pattern)
    started = time.process_time()
    assert compiled.search("a" * 3_000 + "b") is False
    assert time.process_time() - started < 2
