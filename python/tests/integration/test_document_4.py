"""The Python tests of document 4, as they are written there; the errata say where they differ."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio

from coilyard import SessionContext

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.usefixtures("either_way")]


@pytest_asyncio.fixture
async def session_context(address: str, session_id: str) -> AsyncIterator[SessionContext]:
    channel = grpc.aio.insecure_channel(address)
    context = SessionContext(session_id, channel, {"enable_caching": True, "cache_ttl": 30.0})
    await context.register_variable("test_float", "float", 3.14)
    await context.register_variable("test_int", "integer", 42)
    await context.register_variable("test_str", "string", "hello")
    await context.register_variable("test_bool", "boolean", True)
    yield context
    await context.cleanup()
    await channel.close()


async def test_basic_variable_operations(session_context: SessionContext) -> None:
    assert await session_context.get_variable("test_float") == 3.14
    await session_context.set_variable("test_float", 2.718)
    assert await session_context.get_variable("test_float") == 2.718
    assert await session_context.get_variable("nonexistent", default=999) == 999
    with pytest.raises(KeyError):
        await session_context.get_variable("nonexistent")


async def test_cache_behavior(session_context: SessionContext) -> None:
    assert await session_context.get_variable("test_int") == 42
    stats = session_context.get_cache_stats()
    assert (stats["misses"], stats["hits"]) == (1, 0)
    assert await session_context.get_variable("test_int") == 42
    assert session_context.get_cache_stats()["hits"] == 1
    assert await session_context.get_variable("test_int", bypass_cache=True) == 42
    assert session_context.get_cache_stats()["misses"] == 2


async def test_batch_operations(session_context: SessionContext) -> None:
    values = await session_context.get_variables(
        ["test_float", "test_int", "test_str", "missing"], defaults={"missing": "default_value"}
    )
    assert values == {"test_float": 3.14, "test_int": 42, "test_str": "hello", "missing": "default_value"}
    results = await session_context.update_variables({"test_float": 1.23, "test_int": 100, "test_bool": False})
    assert all(result is True for result in results.values())
    values = await session_context.get_variables(["test_float", "test_int", "test_bool"])
    assert values == {"test_float": 1.23, "test_int": 100, "test_bool": False}


async def test_type_safety(session_context: SessionContext) -> None:
    await session_context.register_variable("constrained_int", "integer", 50, constraints={"min": 0, "max": 100})
    await session_context.set_variable("constrained_int", 75)
    assert await session_context.get_variable("constrained_int") == 75
    with pytest.raises(ValueError, match="above maximum"):
        await session_context.set_variable("constrained_int", 150)


async def test_cache_invalidation(session_context: SessionContext) -> None:
    await session_context.get_variable("test_str")
    await session_context.get_variable("test_int")
    assert session_context.get_cache_stats()["size"] == 2
    session_context.invalidate_cache("test_str")
    assert await session_context.get_variable("test_str") == "hello"
    stats = session_context.get_cache_stats()
    assert stats["misses"] > stats["hits"]
    session_context.invalidate_cache()
    assert session_context.get_cache_stats()["size"] == 0
