"""Tools as objectives, and optimizations from inside of a worker."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

import coilyard
from coilyard import SessionContext
from support.manual_clock import until
from support.needs import needs_gateway
from support.real_gateway import GatewayProcess

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.timeout(120)]

TOOLS = '''
import asyncio
import os
import coilyard


@coilyard.tool
def accuracy(value: float) -> dict:
    """How good a temperature is."""
    if value > 1.9:
        raise ValueError("too hot")
    return {"accuracy": 1 - (value - 1.1) ** 2, "tokens": 10}


@coilyard.tool
def together(temperature: float, style: str) -> float:
    return temperature + (1 if style == "long" else 0)


@coilyard.tool
async def find(session: coilyard.SessionContext, name: str) -> dict:
    """Optimizes from inside of a worker."""
    told = []
    run = await session.start_optimization(
        name, "random_search", {"seed": 1}, 20, 0, lambda i, v, m: told.append(i), objective=lambda v: -abs(v - 1.1)
    )
    while (await session.get_optimization_status(name))["is_optimizing"] or len(told) < 20:
        await asyncio.sleep(0.005)
    status = await session.get_optimization_status(name)
    return {"run": run, "best": status["best_value"], "told": told}


@coilyard.tool
async def forks(session: coilyard.SessionContext, value: float) -> dict:
    """Forks as the workers of a DataLoader are, after it has used its session."""
    await session.get_variable("temperature")
    crashed = 0
    for _ in range(100):
        child = os.fork()
        if child == 0:
            os._exit(0)
        crashed += os.waitpid(child, 0)[1] != 0
    return {"score": value, "crashed": crashed}
'''


@pytest.fixture(scope="module")
def with_tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    needs_gateway()
    folder = tmp_path_factory.mktemp("tools")
    (folder / "objectives.py").write_text(TOOLS)
    pool = {"imports": ["objectives"], "paths": [str(folder)], "python": sys.executable}
    config = folder / "config.json"
    config.write_text(json.dumps({"python": {"pools": {"default": pool}}}))
    process = GatewayProcess("--config", str(config))
    yield process
    assert process.stop() == 0


@pytest_asyncio.fixture
async def session(with_tools: GatewayProcess, session_id: str) -> AsyncIterator[SessionContext]:
    async with coilyard.connect(with_tools.address, timeout=30) as client:
        session = await client.session(session_id)
        await session.register_variable("temperature", "float", 0.7, constraints={"min": 0.0, "max": 2.0})
        await session.register_variable("style", "choice", "short", constraints={"choices": ["short", "long"]})
        yield session


async def over(session: SessionContext) -> dict[str, Any]:
    while (status := await session.get_optimization_status("temperature"))["is_optimizing"]:
        await asyncio.sleep(0.005)
    return status


async def test_the_runtime_calls_a_tool_with_each_value_and_the_callback_is_told_here(
    session: SessionContext,
) -> None:
    told: list[Any] = []
    await session.start_optimization(
        "temperature", "grid_search", {"n_points": 5, "metric": "accuracy"}, callback=lambda *one: told.append(one),
        objective="accuracy",
    )  # fmt: skip
    status = await over(session)
    assert (status["best_value"], status["best_metrics"]["tokens"], status["reason"]) == (1.0, 10.0, "exhausted")
    await until(lambda: len(told) == 6)
    assert [iteration for iteration, _, _ in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1][1:] == (2.0, {})
    (failed,) = [e for e in await session.get_optimization_history("temperature") if e["state"] == "failed"]
    assert "too hot" in failed["error"]
    assert await session.get_variable("temperature") == 1.0


async def test_a_tool_is_called_with_an_argument_for_each_of_several_variables(session: SessionContext) -> None:
    await session.start_optimization(["temperature", "style"], "grid_search", {"n_points": 3}, objective="together")
    assert (await over(session))["best_value"] == {"temperature": 2.0, "style": "long"}


async def test_a_tool_that_does_not_exist_ends_the_run_and_says_so(session: SessionContext) -> None:
    await session.start_optimization("temperature", "bayesian", objective="nothing_of_that_name")
    status = await over(session)
    assert status["reason"] == "failed"
    assert "nothing_of_that_name" in status["error"]


async def test_no_process_that_a_tool_forks_crashes(session: SessionContext) -> None:
    await session.start_optimization("temperature", "random_search", max_iterations=3, objective="forks")
    await over(session)
    history = await session.get_optimization_history("temperature")
    assert [entry["metrics"].get("crashed") for entry in history] == [0, 0, 0]


async def test_a_worker_may_optimize_too(session: SessionContext) -> None:
    found = await session.call_tool("find", {"name": "temperature"}, timeout=30)
    status = await session.get_optimization_status("temperature")
    assert (found["run"], found["best"]) == (status["optimization_id"], status["best_value"])
    assert found["told"] == list(range(1, 21))
