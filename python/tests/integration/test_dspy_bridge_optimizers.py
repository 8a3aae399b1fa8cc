"""One optimizer of DSPy after the other: what its variables are, what its trials are, and that it can be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import dspy
import pytest
from dspy.teleprompt import COPRO, GEPA, SIMBA, BootstrapFewShotWithRandomSearch, MIPROv2

from coilyard import DSPyOptimizationBridge, SessionContext, VariableAwareOptimizer
from support.dspy_task import TRAIN, Held, accuracy_metric, repeats, threads_of_the_bridge
from support.local_lm import LocalLM
from support.manual_clock import settle

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.dspy]


@pytest.fixture(autouse=True)
def model() -> Iterator[LocalLM]:
    lm = LocalLM(repeats, temperature=0.1)
    with dspy.context(lm=lm, disable_history=True, trace=[]):
        yield lm


@pytest.fixture
def bridge(session: SessionContext) -> DSPyOptimizationBridge:
    return DSPyOptimizationBridge(session)


def half(gold: Any, pred: Any, trace: Any = None, pred_name: Any = None, pred_trace: Any = None) -> float:
    return 0.5


async def is_cancelled(optimizer: VariableAwareOptimizer, model: LocalLM, **arguments: Any) -> None:
    """Compiles, cancels at the first answer, and sees that nothing goes on."""
    held = model.answer = Held()
    running = asyncio.create_task(optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN, **arguments))
    assert await asyncio.to_thread(held.started.wait, 60)
    running.cancel()
    await settle()
    held.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    asked = len(model.asked)
    assert threads_of_the_bridge() == []
    assert optimizer.status is not None
    assert optimizer.status["reason"] == "stopped"
    await asyncio.sleep(0)
    assert len(model.asked) == asked


async def test_random_search_in_many_threads(
    session: SessionContext, bridge: DSPyOptimizationBridge, model: LocalLM
) -> None:
    await session.register_variable("threads", "integer", 4)
    optimizer = await bridge.create_variable_aware_optimizer(
        BootstrapFewShotWithRandomSearch, {"num_threads": "threads"}, metric=accuracy_metric, num_candidate_programs=1
    )
    await optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN)
    assert [entry["score"] for entry in await session.get_optimization_history("threads")] == [100.0] * 4
    await is_cancelled(optimizer, model)


async def test_copro_proposes_instructions(
    session: SessionContext, bridge: DSPyOptimizationBridge, model: LocalLM
) -> None:
    await session.register_variable("depth", "integer", 1)
    optimizer = await bridge.create_variable_aware_optimizer(
        COPRO, {"depth": "depth"}, breadth=2, metric=accuracy_metric
    )
    student = dspy.Predict("question -> answer")
    await bridge.sync_dspy_parameters(student, instructions=True)
    arguments = {"eval_kwargs": {"num_threads": 1, "display_progress": False}}
    program = await optimizer.compile(student, trainset=TRAIN, **arguments)
    history = await session.get_optimization_history("depth")
    assert [entry["score"] for entry in history] == [100.0] * 2
    assert await session.get_variable("instructions", bypass_cache=True) == program.signature.instructions
    await is_cancelled(optimizer, model, **arguments)


async def test_gepa(session: SessionContext, bridge: DSPyOptimizationBridge, model: LocalLM) -> None:
    await session.register_variable("calls", "integer", 30)
    optimizer = await bridge.create_variable_aware_optimizer(
        GEPA, {"max_metric_calls": "calls"}, metric=half, reflection_lm=model, num_threads=2
    )
    program = await optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN)
    assert isinstance(program, dspy.Predict)
    history = await session.get_optimization_history("calls")
    assert {entry["score"] for entry in history} == {50.0}
    assert all(entry["metrics"]["examples"] == len(TRAIN) for entry in history if entry["iteration"] == 1)
    await is_cancelled(optimizer, model)


async def test_simba_is_one_trial(session: SessionContext, bridge: DSPyOptimizationBridge, model: LocalLM) -> None:
    await session.register_variable("steps", "integer", 1)
    optimizer = await bridge.create_variable_aware_optimizer(
        SIMBA, {"max_steps": "steps"}, metric=half, bsize=4, num_candidates=2, num_threads=2
    )
    program = await optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN)
    assert isinstance(program, dspy.Predict)
    (trial,) = await session.get_optimization_history("steps")
    assert trial["score"] == 50.0
    await is_cancelled(optimizer, model)


async def test_miprov2_has_parameters_in_its_constructor_and_in_compile(
    session: SessionContext, bridge: DSPyOptimizationBridge, model: LocalLM
) -> None:
    await session.register_variables(
        [
            {"name": "candidates", "type": "integer", "initial_value": 2},
            {"name": "trials", "type": "integer", "initial_value": 3},
        ]
    )
    optimizer = await bridge.create_variable_aware_optimizer(
        MIPROv2,
        {"num_candidates": "candidates", "num_trials": "trials"},
        metric=accuracy_metric,
        auto=None,
        max_bootstrapped_demos=1,
        max_labeled_demos=1,
        num_threads=1,
    )
    student = dspy.Predict("question -> answer")
    await bridge.sync_dspy_parameters(student, "qa_", instructions=True, demos=True)
    program = await optimizer.compile(student, trainset=TRAIN, minibatch=False)
    assert [entry["score"] for entry in await session.get_optimization_history("trials")] == [100.0] * 4
    found = await session.get_variables(["qa_instructions", "qa_demos"], bypass_cache=True)
    assert found == {
        "qa_instructions": program.signature.instructions,
        "qa_demos": [dict(demo) for demo in program.demos],
    }
    await is_cancelled(optimizer, model, minibatch=False)
