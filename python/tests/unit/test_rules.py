"""What rules allow: the same as the gateway says."""

from __future__ import annotations

import re
from fnmatch import translate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coilyard._proto import variables_pb2
from coilyard._rules import allows, decode_rules, encode_rules, matches_glob


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("", "", True),
        ("*", "", True),
        ("a", "ab", False),
        ("a*", "ab", True),
        ("*b*d", "abcd", True),
        ("*b*d", "abdc", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[a]", "a", False),
        ("*a*a*a*a*b", "a" * 40, False),
        ("**?", "x", True),
    ],
)
def test_a_glob_knows_stars_and_question_marks_alone(pattern: str, text: str, matches: bool) -> None:
    assert matches_glob(pattern, text) is matches


@given(pattern=st.text("ab*?", max_size=8), text=st.text("ab", max_size=8))
def test_a_glob_agrees_with_the_one_of_the_standard_library(pattern: str, text: str) -> None:
    assert matches_glob(pattern, text) is (re.match(translate(pattern), text) is not None)


def test_no_rules_allow_everything_and_rules_that_match_nobody_nothing() -> None:
    assert allows([], "read", "s")
    rules = [
        variables_pb2.AccessRule(session_pattern="any", permissions=["read"]),
        variables_pb2.AccessRule(session_pattern="adm*", permissions=["write"]),
    ]
    assert [allows(rules, "read", "x"), allows(rules, "write", "x"), allows(rules, "write", "admin")] == [
        True,
        False,
        True,
    ]
    assert not allows(rules, "observe", "admin")


def test_rules_come_back_as_they_were_written() -> None:
    rules = [{"session_pattern": "any", "permissions": ["read", "write"], "conditions": {}}]
    assert decode_rules(encode_rules(rules, "rules")) == rules
