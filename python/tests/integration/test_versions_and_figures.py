"""Rollback and statistics against the real gateway."""

from __future__ import annotations

import pytest

import coilyard
from coilyard import SessionContext
from support.manual_clock import until

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.usefixtures("either_way")]


async def test_a_rollback_is_a_new_version_that_says_why_and_is_read_at_once(
    session: SessionContext, other: SessionContext
) -> None:
    await session.register_variable("temperature", "float", 0.5)
    await session.set_variable("temperature", 0.9)
    assert await session.get_variable("temperature") == await other.get_variable("temperature") == 0.9
    await until(lambda: other.cache.live)
    await session.rollback_variable("temperature", version=0, reason="optimization_diverged")
    assert await session.get_variable("temperature") == 0.5
    (newest, *_) = await session.get_variable_history("temperature")
    assert (newest["version"], newest["value"]) == (2, 0.5)
    assert newest["metadata"] == {"rolled_back_to": 0, "reason": "optimization_diverged"}
    await until(lambda: other.cached("temperature") == 0.5, "the other client hears of it")


async def test_a_rollback_to_what_never_was_or_is_no_longer_kept_is_a_value_error(session: SessionContext) -> None:
    await session.register_variable("x", "integer", 0)
    for version in (1, -1, True, "0"):
        with pytest.raises(ValueError):
            await session.rollback_variable("x", version)
    for number in range(101):
        await session.set_variable("x", number)
    with pytest.raises(coilyard.VersionNotFound):
        await session.rollback_variable("x", 0)
    with pytest.raises(KeyError):
        await session.rollback_variable("nothing", 0)


async def test_a_rollback_needs_the_right_to_write_and_a_value_that_is_allowed_now(session: SessionContext) -> None:
    await session.register_variable("x", "integer", 1, read_only=True)
    with pytest.raises(PermissionError):
        await session.rollback_variable("x", 0)
    await session.register_variable("y", "integer", 1)
    await session.set_variable("y", 2)
    await session.set_variable_permissions("y", [{"session_pattern": "any", "permissions": ["read"]}])
    with pytest.raises(PermissionError):
        await session.rollback_variable("y", 0)
    assert await session.get_variable("y") == 2


async def test_the_figures_of_one_variable_and_of_all_add_up(session: SessionContext, other: SessionContext) -> None:
    await session.register_variables([{"name": "x", "initial_value": 1}, {"name": "y", "initial_value": 1}])
    for _ in range(4):
        await session.get_variable("x")
    await session.get_variable("x", bypass_cache=True)
    await session.get_variables(["x", "y"])
    await session.set_variable("x", 2)
    await other.set_variable("x", 3)
    x, y, overall = [await session.get_variable_stats(name) for name in ("x", "y", None)]
    assert (x["read_count"], x["cache_hits"], x["cache_misses"]) == (6, 4, 2)
    assert (y["read_count"], y["cache_hits"], y["cache_misses"]) == (1, 0, 1)
    assert x["cache_hit_rate"] == 4 / 6
    for key in ("read_count", "cache_hits", "cache_misses", "write_count"):
        assert overall[key] == x[key] + y[key]
    assert x["write_count"] == 2, "the writes of every client"
    assert x["avg_read_latency_ms"] > 0 < x["avg_write_latency_ms"]
    assert y["avg_write_latency_ms"] == 0.0
    assert x["total_optimization_time_s"] == 0.0
    assert x["server_read_count"] >= 2


async def test_figures_survive_an_eviction_and_an_invalidation(session: SessionContext) -> None:
    await session.register_variable("x", "integer", 1)
    for _ in range(3):
        await session.get_variable("x")
    session.invalidate_cache()
    stats = await session.get_variable_stats("x")
    assert (stats["cache_hits"], stats["cache_misses"]) == (2, 1)


async def test_a_fresh_session_has_every_figure_and_an_unknown_variable_has_none(session: SessionContext) -> None:
    stats = await session.get_variable_stats()
    assert stats["cache_hit_rate"] == stats["avg_read_latency_ms"] == stats["write_count"] == 0
    assert {"total_optimization_time_s", "server_avg_read_latency_ms", "server_avg_write_latency_ms"} <= stats.keys()
    with pytest.raises(KeyError):
        await session.get_variable_stats("nothing")
