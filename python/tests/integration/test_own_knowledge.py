"""Without push, too, a cached read is never older than what this client was told: values hold for minutes here."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import numpy as np
import pytest
import pytest_asyncio

import coilyard
from coilyard import SessionContext

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway]


@pytest_asyncio.fixture
async def alone(address: str, session_id: str) -> AsyncIterator[SessionContext]:
    """A client that hears of nothing."""
    channel = grpc.aio.insecure_channel(address)
    session = SessionContext(session_id, channel, {"push": False, "cache_ttl": 600.0})
    yield session
    await session.cleanup()
    await channel.close()


async def test_a_registration_ends_what_was_cached_under_its_name(alone: SessionContext, other: SessionContext) -> None:
    await alone.register_variable("x", "integer", 1)
    assert await alone.get_variable("x") == 1
    await other.delete_variable("x")
    await alone.register_variable("x", "integer", 2)
    assert await alone.get_variable("x") == 2


async def test_a_deletion_ends_what_was_cached_of_what_depended_on_it(alone: SessionContext) -> None:
    base = await alone.register_variable("base", "integer", 1)
    await alone.register_variable("derived", "integer", 2, dependencies=[base])
    assert await alone.get_variables(["base", "derived"]) == {"base": 1, "derived": 2}
    await alone.delete_variable("base", cascade=True)
    assert await alone.get_variables(["base", "derived"]) == {}


@pytest.mark.parametrize("way", ["bypass", "bypass_many", "set", "update", "rollback", "delete"])
async def test_who_was_told_that_a_variable_is_gone_does_not_read_it_any_more(
    way: str, alone: SessionContext, other: SessionContext
) -> None:
    variable_id = await alone.register_variable("x", "integer", 1)
    await alone.get_variable("x")
    await other.delete_variable("x")
    if way == "bypass_many":
        assert await alone.get_variables(["x"], bypass_cache=True) == {}
    elif way == "update":
        assert (await alone.update_variables({"x": 2})).keys() == {"x"}
    else:
        asked = {
            "bypass": lambda: alone.get_variable("x", bypass_cache=True),
            "set": lambda: alone.set_variable("x", 2),
            "rollback": lambda: alone.rollback_variable("x", 0),
            "delete": lambda: alone.delete_variable("x"),
        }
        with pytest.raises(KeyError):
            await asked[way]()
    for name in ("x", variable_id):
        with pytest.raises(KeyError):
            await alone.get_variable(name)


async def test_a_name_that_stands_for_another_type_by_now_takes_values_of_that(
    session: SessionContext, other: SessionContext
) -> None:
    await session.register_variables([
        {"name": "x", "type": "module", "initial_value": "Predict"},
        {"name": "y", "type": "embedding", "initial_value": [1.0]},
    ])  # fmt: skip
    assert await session.get_variables(["x", "y"]) == {"x": "Predict", "y": np.ones(1)}
    for name, kind, value in (("x", "string", "text"), ("y", "tensor", np.zeros((2, 2)))):
        await other.delete_variable(name)
        await other.register_variable(name, kind, value)
    await session.set_variable("x", "another text")
    assert (await session.update_variables({"x": "a third", "y": np.ones((2, 2))})) == {"x": True, "y": True}
    assert await session.get_variable("x", bypass_cache=True) == "a third"
    assert (await session.get_variable("y", bypass_cache=True)).shape == (2, 2)


async def test_a_module_is_set_by_name_whatever_is_known_of_it(session: SessionContext) -> None:
    await session.register_variable("x", "module", "Predict", constraints={"choices": ["Predict", "ReAct"]})
    await session.set_variable("x", "ReAct")
    assert await session.update_variables({"x": "Predict"}) == {"x": True}
    with pytest.raises(coilyard.ConstraintViolation):
        await session.set_variable("x", "Another")
