"""The usage examples of document 5, as far as they need no optimizer and no DSPy, against the real gateway."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import coilyard
from coilyard import SessionContext
from support.manual_clock import until

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway]


async def test_a_derived_variable_is_registered_on_ids_and_exported_with_its_history(session: SessionContext) -> None:
    temp_id = await session.register_variable(
        "base_temperature", "float", 0.7, constraints={"min": 0.0, "max": 2.0}
    )  # fmt: skip
    style_id = await session.register_variable("style_modifier", "float", 1.0, constraints={"min": 0.5, "max": 1.5})
    await session.register_variable("effective_temperature", "float", 0.7, dependencies=[temp_id, style_id])
    edges = await session.get_dependencies("effective_temperature")
    assert {edge["variable_id"] for edge in edges} == {temp_id, style_id}
    await session.set_variable("base_temperature", 0.8)
    document = json.loads(await session.export_variables(include_history=True, filter_pattern=r".*temperature.*"))
    assert [variable["name"] for variable in document["variables"]] == ["base_temperature", "effective_temperature"]
    assert [entry["value"] for entry in document["variables"][0]["history"]] == [0.7]


async def test_a_strategy_is_chosen_by_a_threshold_while_somebody_watches(
    session: SessionContext, other: SessionContext
) -> None:
    choices = ["Predict", "ChainOfThought", "ReAct", "ProgramOfThought"]
    await session.register_variable(
        "reasoning_strategy", "module", "ChainOfThought", constraints={"choices": choices}
    )  # fmt: skip
    await session.register_variable("complexity_threshold", "float", 0.5, constraints={"min": 0.0, "max": 1.0})
    seen: list[Any] = []

    async def strategy_watcher() -> None:
        async for update in other.watch_variable("reasoning_strategy"):
            seen.append(update.value)

    watcher_task = asyncio.create_task(strategy_watcher())
    while not seen:
        await asyncio.sleep(0.001)

    async def choose(question: str) -> None:
        complexity = len(question.split()) / 20.0
        threshold = await session.get_variable("complexity_threshold")
        await session.set_variable("reasoning_strategy", "ChainOfThought" if complexity > threshold else "Predict")

    await choose("What is 2+2?")
    await until(lambda: len(seen) == 2, "before the next change, which would be told in its place")
    await choose("Explain the philosophical implications of consciousness in systems that were made by people and " * 2)
    await until(lambda: len(seen) == 3)
    assert seen == ["ChainOfThought", "Predict", "ChainOfThought"]
    stats = await session.get_variable_stats()
    assert (stats["write_count"], f"{stats['cache_hit_rate']:.2%}") == (2, "50.00%")
    with pytest.raises(ValueError):
        await session.set_variable("reasoning_strategy", "Guess")
    session.cancel_watch(watcher_task)
    with pytest.raises(asyncio.CancelledError):
        await watcher_task


async def test_progress_reaches_a_hundred_per_cent_however_much_it_is_throttled(
    session: SessionContext, other: SessionContext
) -> None:
    await session.register_variables(
        [
            {"name": "batch_size", "type": "integer", "initial_value": 32, "constraints": {"min": 1, "max": 256}},
            {"name": "processing_temperature", "type": "float", "initial_value": 0.7},
            {
                "name": "progress", "type": "float", "initial_value": 0.0,
                "constraints": {"min": 0.0, "max": 100.0},
            },
        ]
    )  # fmt: skip
    shown: list[float] = []

    async def progress_monitor() -> None:
        async for update in other.watch_variable("progress", throttle_ms=50):
            shown.append(update.value)
            if update.value == 100.0:
                return

    monitor = asyncio.create_task(progress_monitor())
    total_items = 1000
    batch_size = await session.get_variable("batch_size")
    for i in range(0, total_items, batch_size):
        done = min(batch_size, total_items - i)
        metadata = {"batch_num": i // batch_size}
        await session.set_variable("progress", (i + done) / total_items * 100, metadata=metadata)
    await monitor
    assert shown == sorted(shown)
    (newest,) = await session.get_variable_history("progress", limit=1)
    assert (newest["value"], newest["metadata"]) == (100.0, {"batch_num": 31})


async def test_what_fails_is_told_apart_and_can_be_mended(client: coilyard.Client, session: SessionContext) -> None:
    with pytest.raises(KeyError):
        await session.get_variable("critical_config")
    await session.register_variable("critical_config", "dict", {"default": True})
    await session.set_variable("critical_config", {"default": False})
    with pytest.raises(TypeError):
        await session.set_variable("critical_config", "not a map")
    await session.rollback_variable("critical_config", version=0)
    assert await session.get_variable("critical_config") == {"default": True}
    await session.set_variable_permissions(
        "critical_config", [{"session_pattern": "admin_*", "permissions": ["read", "write"]}]
    )
    with pytest.raises(PermissionError):
        await session.get_variable("critical_config", default={})
    admin = await client.session(session.session_id, as_session="admin_1")
    assert await admin.get_variable("critical_config") == {"default": True}
