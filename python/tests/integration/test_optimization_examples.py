"""The examples of document 5 about optimizations, with an objective where they have none."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

import coilyard
from coilyard import SessionContext
from support.manual_clock import until

pytestmark = pytest.mark.gateway
logger = logging.getLogger(__name__)


@pytest.mark.asyncio
async def test_the_complete_optimization_workflow(
    client: coilyard.Client, session_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = SessionContext(session_id, client.channel)
    await session.initialize()
    temp_id = await session.register_variable(
        "base_temperature", "float", 0.7, constraints={"min": 0.0, "max": 2.0}
    )  # fmt: skip
    style_id = await session.register_variable("style_modifier", "float", 1.0, constraints={"min": 0.5, "max": 1.5})
    await session.register_variable("effective_temperature", "float", 0.7, dependencies=[temp_id, style_id])

    def on_progress(iteration: int, value: float, metrics: dict[str, float]) -> None:
        print(f"Iteration {iteration}: temp={value:.3f}, accuracy={metrics.get('accuracy', 0):.3f}")

    async def evaluate(temperature: float) -> dict[str, float]:
        style = await session.get_variable("style_modifier")
        return {"accuracy": 1 - (temperature * style - 0.4) ** 2}

    opt_id = await session.start_optimization(
        "base_temperature",
        "bayesian",
        optimizer_config={"acquisition_function": "ei", "xi": 0.01},
        callback=on_progress,
        objective=evaluate,
    )
    while True:
        status = await session.get_optimization_status("base_temperature")
        if not status["is_optimizing"]:
            break
        await asyncio.sleep(0.01)
    assert status["optimization_id"] == opt_id
    assert status["best_value"] == pytest.approx(0.4, abs=0.05)
    assert await session.get_variable("base_temperature") == status["best_value"]
    printed = ""
    while printed.count("\n") < status["iteration"]:
        printed += capsys.readouterr().out
        await asyncio.sleep(0.002)
    lines = printed.splitlines()
    assert lines[0] == "Iteration 1: temp=0.700, accuracy=0.910"
    assert [line.partition(":")[0] for line in lines] == [f"Iteration {n}" for n in range(1, status["iteration"] + 1)]

    export_data = await session.export_variables(include_history=True, filter_pattern=r".*temperature.*")
    results = tmp_path / "optimization_results.json"
    results.write_bytes(export_data)
    document = json.loads(results.read_bytes())
    assert [variable["name"] for variable in document["variables"]] == ["base_temperature", "effective_temperature"]
    await session.cleanup()


@pytest.mark.asyncio
async def test_optimization_failures_are_handled_as_in_the_example(
    session: SessionContext, other: SessionContext
) -> None:
    await session.register_variable("hyperparameter", "float", 0.5, constraints={"min": 0.0, "max": 1.0})
    release = threading.Event()

    def slow(value: float) -> float:
        release.wait()
        return -abs(value - 0.25)

    waited_for = []

    async def safe_optimization() -> str:
        try:
            return await session.start_optimization("hyperparameter", "bayesian", objective=slow)
        except ValueError as e:
            if "already being optimized" not in str(e):
                raise
            status = await session.get_optimization_status("hyperparameter")
            logger.info(f"Waiting for optimization {status['optimization_id']}")  # noqa: G004 - as in the document
            waited_for.append(status["optimization_id"])
            while status["is_optimizing"]:
                release.set()
                await asyncio.sleep(0.01)
                status = await session.get_optimization_status("hyperparameter")
            return await session.start_optimization("hyperparameter", "bayesian", objective=slow)

    first = await other.start_optimization("hyperparameter", "random_search", max_iterations=5, objective=slow)
    second = await safe_optimization()
    assert waited_for == [first]
    assert second != first
    await session.stop_optimization("hyperparameter")


@pytest.mark.asyncio
async def test_from_basic_to_advanced_variables(
    session: SessionContext, other: SessionContext, capsys: pytest.CaptureFixture[str]
) -> None:
    await session.register_variable(
        "temperature", "float", 0.7, constraints={"min": 0.0, "max": 2.0},
        metadata={"description": "LLM generation temperature"},
    )  # fmt: skip
    await session.register_variable("effective_temperature", "float", 0.7)
    await session.add_dependency("effective_temperature", "temperature", dependency_type="data")
    watch = other.watch_variable("temperature", filter_fn=lambda old, new: abs(new - old) > 0.05)
    assert (await anext(watch)).value == 0.7

    opt_id = await session.start_optimization(
        "temperature", "bayesian", callback=lambda i, v, m: print(f"Iteration {i}: {v}")
    )
    # Nothing else: trials wait to be asked for.
    tried = 0
    while (trial := await session.ask_trial(opt_id)) is not None:
        tried += 1
        await session.tell_trial(opt_id, trial, 1 - (trial.value - 1.5) ** 2)
    update = await anext(watch)
    assert update.value == (await session.get_optimization_status("temperature"))["best_value"]
    assert update.value == pytest.approx(1.5, abs=0.05)
    assert update.metadata["optimizer_id"] == opt_id
    printed = ""
    while printed.count("\n") < tried:
        printed += capsys.readouterr().out
        await asyncio.sleep(0.002)
    assert printed.startswith("Iteration 1: 0.7\n")
    await watch.aclose()


@pytest.mark.asyncio
async def test_the_examples_of_the_reference(session: SessionContext) -> None:
    await session.register_variable("temperature", "float", 0.7, constraints={"min": 0.0, "max": 2.0})
    await session.register_variable("learning_rate", "float", 0.1, constraints={"min": 0.0, "max": 1.0})
    seen: list[Any] = []
    opt_id = await session.start_optimization(
        "temperature", "bayesian", optimizer_config={"acquisition_function": "ei", "n_initial_points": 5},
        max_iterations=50, objective=lambda value: 1 - (value - 1) ** 2,
    )  # fmt: skip
    other_id = await session.start_optimization(
        "learning_rate", "gradient", callback=lambda *told: seen.append(told), objective=lambda rate: -abs(rate - 0.3)
    )  # fmt: skip
    assert opt_id != other_id
    for name in ("temperature", "learning_rate"):
        while (status := await session.get_optimization_status(name))["is_optimizing"]:
            await asyncio.sleep(0.005)
        assert status["best_score"] > 0.99 if name == "temperature" else status["best_score"] > -0.05
    await until(lambda: len(seen) == status["iteration"])


def test_everything_works_without_await(address: str, session_id: str) -> None:
    with coilyard.sync.connect(address) as client:
        session = client.session(session_id)
        session.register_variable("temperature", "float", 0.7, constraints={"min": 0.0, "max": 2.0})
        session.register_variable("bonus", "float", 0.5)
        told, done = [], threading.Event()

        def objective(value: float) -> float:
            return float(session.get_variable("bonus") - (value - 1.1) ** 2)

        def callback(iteration: int, value: float, metrics: dict[str, float]) -> None:
            told.append((iteration, session.get_variable("bonus"), metrics["score"]))
            if iteration == 30:
                done.set()

        session.start_optimization("temperature", "random_search", {"seed": 1}, 30, 0, callback, objective=objective)
        assert done.wait(60)
        assert [entry[:2] for entry in told] == [(n, 0.5) for n in range(1, 31)]
        status = session.get_optimization_status("temperature")
        assert session.get_variable("temperature") == status["best_value"] == pytest.approx(1.1, abs=0.2)
        assert len(session.get_optimization_history("temperature")) == 30
        run = session.start_optimization("temperature", "grid_search", {"n_points": 3})
        while (trial := session.ask_trial(run)) is not None:
            if trial.number == 2:
                session.fail_trial(run, trial, "no GPU")
            else:
                session.tell_trial(run, trial, trial.value)
        assert session.get_optimization_status("temperature")["best_value"] == 2.0
        with pytest.raises(ValueError):
            session.stop_optimization("temperature")
        session.stop()
