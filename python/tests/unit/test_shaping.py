"""Throttle and debounce, on paper time."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coilyard import VariableUpdate
from coilyard._shaping import Shaper


def an_update(value: Any, old: Any = None, name: str = "x", type: Any = "updated", skipped: int = 0) -> VariableUpdate:
    now = datetime.now(timezone.utc)
    return VariableUpdate(f"id_{name}", name, value, old, {}, now, "python", 1, 1, type, skipped)


def values(updates: list[VariableUpdate]) -> list[Any]:
    return [update.value for update in updates]


def test_without_limits_every_change_passes_at_once() -> None:
    shaper = Shaper()
    assert [values(shaper.push(an_update(n), 0.0)) for n in range(3)] == [[0], [1], [2]]
    assert shaper.due_at() is None


def test_throttle_hands_out_the_first_at_once_and_the_last_when_its_time_has_come() -> None:
    shaper = Shaper(throttle_s=1.0)
    assert values(shaper.push(an_update(1, 0), 10.0)) == [1]
    assert values(shaper.push(an_update(2, 1), 10.1)) == []
    assert values(shaper.push(an_update(3, 2, skipped=4), 10.2)) == []
    assert shaper.due_at() == 11.0
    assert shaper.collect(10.9) == []
    (last,) = shaper.collect(11.0)
    assert (last.value, last.old_value, last.skipped) == (3, 1, 5)
    assert values(shaper.push(an_update(4, 3), 11.5)) == []
    assert values(shaper.push(an_update(4, 3), 12.5)) == []
    assert values(shaper.collect(12.5)) == [4]


def test_the_first_value_passes_at_once_and_starts_the_throttle() -> None:
    shaper = Shaper(throttle_s=1.0)
    assert values(shaper.push(an_update(1, type="initial"), 0.0)) == [1]
    assert values(shaper.push(an_update(2, 1), 0.5)) == []
    assert shaper.due_at() == 1.0


def test_throttle_is_per_variable() -> None:
    shaper = Shaper(throttle_s=1.0)
    assert values(shaper.push(an_update("a", name="a"), 0.0)) == ["a"]
    assert values(shaper.push(an_update("b", name="b"), 0.1)) == ["b"]


def test_debounce_waits_until_the_variable_was_still_and_hands_out_the_last_value() -> None:
    shaper = Shaper(debounce_s=0.5)
    for n in range(5):
        assert shaper.push(an_update(n, n - 1), n * 0.4) == []
    assert shaper.due_at() == 4 * 0.4 + 0.5
    assert shaper.collect(2.0) == []
    (last,) = shaper.collect(2.2)
    assert (last.value, last.old_value, last.skipped) == (4, -1, 4)


def test_debounce_waits_for_each_variable_by_itself_and_keeps_their_order() -> None:
    shaper = Shaper(debounce_s=0.5)
    shaper.push(an_update("b", name="b"), 0.0)
    shaper.push(an_update("a", name="a"), 0.1)
    assert values(shaper.collect(1.0)) == ["b", "a"]


def test_debounce_over_all_variables_hands_out_one_update_for_a_burst() -> None:
    shaper = Shaper(debounce_s=0.5, scope="all")
    shaper.push(an_update("q", "p", name="query"), 0.0)
    shaper.push(an_update("s", "r", name="sort"), 0.4)
    assert shaper.collect(0.8) == []
    (last,) = shaper.collect(0.9)
    assert (last.name, last.value, last.old_value, last.skipped) == ("sort", "s", "r", 1)


def test_a_deletion_passes_at_once_with_what_waited() -> None:
    shaper = Shaper(throttle_s=10.0)
    shaper.push(an_update(1, 0), 0.0)
    shaper.push(an_update(2, 1), 0.1)
    (gone,) = shaper.push(an_update(None, 2, type="deleted"), 0.2)
    assert (gone.deleted, gone.old_value, gone.skipped) == (True, 1, 1)
    assert shaper.due_at() is None


@given(
    st.lists(st.tuples(st.floats(0.01, 2), st.sampled_from("ab")), max_size=40),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_whatever_the_pace_the_last_value_arrives_and_every_change_is_accounted_for(
    changes: list[tuple[float, str]], throttle: float, debounce: float
) -> None:
    shaper = Shaper(throttle, debounce)
    now, last, handed = 0.0, {"a": 0, "b": 0}, []
    pushed = 0
    for pause, name in changes:
        due = shaper.due_at()
        while due is not None and due <= now + pause:
            handed += [(due, update) for update in shaper.collect(due)]
            due = shaper.due_at()
        now += pause
        pushed += 1
        handed += [(now, u) for u in shaper.push(an_update(last[name] + 1, last[name], name), now)]
        last[name] += 1
    while (due := shaper.due_at()) is not None:
        handed += [(due, update) for update in shaper.collect(due)]
    assert sum(1 + update.skipped for _, update in handed) == pushed
    for name in "ab":
        mine = [(moment, update) for moment, update in handed if update.name == name]
        if mine:
            assert mine[-1][1].value == last[name]
        for (before, earlier), (after, later) in zip(mine, mine[1:], strict=False):
            assert later.old_value == earlier.value
            assert after - before >= throttle - 1e-9
