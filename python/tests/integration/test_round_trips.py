"""Values of every kind, there and back through the real gateway."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import coilyard

pytestmark = pytest.mark.gateway
bounded = partial(
    settings, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@bounded(max_examples=40)
@given(integer=st.integers(), number=st.floats(allow_nan=False, allow_infinity=False), text=st.text(max_size=200))
def test_any_number_and_text_survives_the_way_there_and_back(
    address: str, integer: int, number: float, text: str
) -> None:
    with coilyard.sync.connect(address) as client, client.create_session() as session:
        session.register_variables(
            [
                {"name": "integer", "initial_value": integer},
                {"name": "number", "initial_value": number},
                {"name": "text", "initial_value": text, "metadata": {"number": number, "deep": [integer, {"t": text}]}},
            ]
        )
        found = session.get_variables(["integer", "number", "text"], include_metadata=True)
        assert [found[name]["value"] for name in ("integer", "number", "text")] == [integer, number, text]
        assert found["text"]["metadata"] == {"number": number, "deep": [integer, {"t": text}]}
        session.stop()


def test_long_and_deep_lists_and_maps_come_back_whole(address: str) -> None:
    deep: object = 1.0
    for level in range(50):
        deep = {"level": level, "down": [deep]}
    values: dict[str, object] = {"deep": deep, "long": [*range(150_000), 0.5]}
    with coilyard.sync.connect(address) as client, client.create_session() as session:
        for name, value in values.items():
            session.set_variable(name, value, create_if_missing=True)
            assert _kinds(session.get_variable(name, bypass_cache=True)) == _kinds(value)
        with pytest.raises(TypeError, match="at most 100 levels"):
            session.set_variable("deep", {"down": deep})
        with pytest.raises(ValueError, match="at most 1000000 values"):
            session.set_variable("long", [0] * 1_000_001)
        session.stop()


_NUMBERS = st.integers() | st.integers(-(2**53), 2**53).map(float) | st.floats(allow_nan=False, allow_infinity=False)
_NESTED = st.recursive(
    _NUMBERS | st.booleans() | st.none() | st.text(max_size=5),
    lambda items: st.lists(items, max_size=4) | st.dictionaries(st.text(max_size=5), items, max_size=4),
    max_leaves=12,
)


@bounded(max_examples=60)
@given(items=st.lists(_NESTED, max_size=6))
def test_each_number_in_lists_and_maps_comes_back_as_what_it_was(address: str, items: list[object]) -> None:
    with coilyard.sync.connect(address) as client, client.create_session() as session:
        session.register_variables(
            [
                {"name": "items", "initial_value": items, "metadata": {"items": items}},
                {"name": "map", "initial_value": {"items": items}},
            ]
        )
        session.set_variable("items", [items, 1.0, 1])
        found = session.get_variables(["items", "map"], include_metadata=True, bypass_cache=True)
        assert _kinds(found["items"]["value"]) == _kinds([items, 1.0, 1])
        assert _kinds(found["map"]["value"]) == _kinds({"items": items})
        assert _kinds(found["items"]["metadata"]["items"]) == _kinds(items)
        session.set_variable("map", {}, metadata={"whole": 2.0, "integer": 2})
        session.set_variable("map", {}, metadata={"more": 3.0})
        metadata = session.get_variables(["map"], include_metadata=True, bypass_cache=True)["map"]["metadata"]
        assert _kinds(metadata) == _kinds({"whole": 2.0, "integer": 2, "more": 3.0})
        session.stop()


def _kinds(value: object) -> object:
    """The value with the type of each number beside it; the order of keys is not promised."""
    if isinstance(value, dict):
        return {key: _kinds(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_kinds(item) for item in value]
    return (type(value), repr(value))
